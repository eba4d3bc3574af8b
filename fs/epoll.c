/* epoll: see epoll.h. Called by epoll's handlers, by poll and, when a file goes, by file_put.
 *
 * An *item* is one file under one number in one epoll. It stands, by one *watch* each, on the
 * queues that the file's poll function names, and a wake-up there puts it on its epoll's list of
 * those that may be ready. A waiter asks only those on the list: what is idle costs nothing.
 * Items hold no reference to their file: the last file_put takes them out before anything of the
 * file goes.
 *
 *     file's queue --watch--> item --ready list--> epoll --> one sleeper, and the epolls above
 *
 * Nothing here sleeps but epoll_collect, and that only between items, which it pins for the time
 * of a copy. Lists that wake-ups use are changed with interrupts off. */
#include "fs/epoll.h"

#include "arch.h"
#include "fs/anonymous.h"
#include "fs/file.h"
#include "fs/poll.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/list.h"
#include "kernel/wait.h"

#define ALWAYS (POLL_ERROR | POLL_HANG_UP)
#define EXCLUSIVE_ALLOWED                                                                          \
    (POLL_IN | POLL_OUT | ALWAYS | EPOLL_WAKE_UP | EPOLL_EDGE | EPOLL_EXCLUSIVE)
#define BUCKETS 4096u
#define ITEMS_MOST (1u << 18) /* of all epolls together: -ENOSPC */
#define NESTED_MOST 4         /* epolls above one another, beside the lowest; as Linux */
#define ABOVE_MOST 64u        /* epolls that one epoll is in */
#define AT_ONCE 12u           /* events copied out together */

struct epoll {
    struct list items;
    struct list nested;        /* those whose file is an epoll */
    struct wait_queue waiters;  /* in epoll_wait */
    struct wait_queue watchers; /* in poll, and the watches of epolls above */
    struct file *file;
    u32 round;  /* of the last look, to tell where it began */
    u32 told;   /* wake_serial when it last told those above */
    u32 looked; /* look_serial when its depth was last counted */
    s8 depth;
    struct list ready; /* items that may be ready; interrupts off */
};

struct epoll_watch {
    struct wait_entry wait;
    struct epoll_item *item;
    struct epoll_watch *next;
};

struct epoll_item {
    struct epoll *epoll;
    struct file *file;
    int fd;
    u32 events;
    u32 data_low, data_high;
    u32 round;
    u32 pins;      /* looks that are copying its event out */
    bool disarmed; /* one-shot, and told */
    bool gone;     /* taken out; the last pin frees it */
    bool failed;   /* out of memory for a watch */
    struct epoll_watch *watches;
    struct epoll_item *hash_next, *file_next;
    struct list link, nested_link;
    struct list ready_link; /* interrupts off */
};

static struct pool epoll_pool = POOL_INIT("epoll", struct epoll);
static struct pool item_pool = POOL_INIT("epoll_item", struct epoll_item);
static struct pool watch_pool = POOL_INIT("epoll_watch", struct epoll_watch);
static struct epoll_item *buckets[BUCKETS];
static u32 items_total;
static u32 wake_serial, wake_depth; /* interrupts off */

static const struct file_ops epoll_ops;

bool
file_is_epoll(const struct file *file)
{
    return file->ops == &epoll_ops;
}

/* ---- Wake-ups: any context, interrupts off ---- */

static void
ready_add(struct epoll_item *item)
{
    if (list_empty(&item->ready_link))
        list_add_tail(&item->epoll->ready, &item->ready_link);
}

/* Ways that meet again higher up do not multiply: an epoll tells what is above it once in one
 * wake-up. */
static bool
item_wake(struct wait_entry *entry, u32 key)
{
    struct epoll_item *item = container_of(entry, struct epoll_watch, wait)->item;
    struct epoll *epoll = item->epoll;
    bool woken = false;

    if (item->disarmed || !(key & item->events))
        return false;
    ready_add(item);
    if (wake_depth++ == 0)
        wake_serial++;
    if (epoll->told != wake_serial) {
        epoll->told = wake_serial;
        woken = wake_up_one(&epoll->waiters);
        wake_up_all_key(&epoll->watchers, POLL_KEY_INPUT);
    }
    wake_depth--;
    return woken;
}

/* ---- Items ---- */

static struct epoll_item **
bucket_of(const struct epoll *epoll, const struct file *file, int fd)
{
    uintptr_t mixed = ((uintptr_t)epoll >> 4) * 31 + ((uintptr_t)file >> 4) + (u32)fd;

    return &buckets[mixed % BUCKETS];
}

static struct epoll_item *
item_find(const struct epoll *epoll, const struct file *file, int fd)
{
    struct epoll_item *item = *bucket_of(epoll, file, fd);

    while (item && (item->epoll != epoll || item->file != file || item->fd != fd))
        item = item->hash_next;
    return item;
}

struct watching {
    struct poll_table table;
    struct epoll_item *item;
};

/* The file names one of its queues. */
static void
watch_add(struct poll_table *table, struct wait_queue *queue)
{
    struct epoll_item *item = container_of(table, struct watching, table)->item;
    struct epoll_watch *watch = pool_alloc(&watch_pool);

    if (!watch) {
        item->failed = true;
        return;
    }
    watch->item = item;
    watch->wait.wake = item_wake;
    watch->wait.shared = !(item->events & EPOLL_EXCLUSIVE);
    watch->next = item->watches;
    item->watches = watch;
    wait_entry_add(queue, &watch->wait);
}

static void
watches_end(struct epoll_item *item)
{
    while (item->watches) {
        struct epoll_watch *watch = item->watches;
        item->watches = watch->next;
        wait_entry_remove(&watch->wait);
        pool_free(&watch_pool, watch);
    }
}

/* What is ready already, at its beginning or since its events have been changed. */
static void
item_look(struct epoll_item *item, u32 events)
{
    INTERRUPTS_OFF_SCOPE();

    if (!(events & item->events) || !list_empty(&item->ready_link))
        return;
    ready_add(item);
    wake_up_one(&item->epoll->waiters);
    wake_up_all_key(&item->epoll->watchers, POLL_KEY_INPUT);
}

/* From now on wake-ups count. */
static int
watches_begin(struct epoll_item *item)
{
    struct watching watching = {.table.add = watch_add, .item = item};
    u32 events = item->file->ops->poll(item->file, &watching.table);

    if (item->failed)
        return -ENOMEM;
    item_look(item, events);
    return 0;
}

static void
item_unpin(struct epoll_item *item)
{
    if (--item->pins == 0 && item->gone)
        pool_free(&item_pool, item);
}

static void
item_remove(struct epoll_item *item)
{
    struct epoll_item **place = bucket_of(item->epoll, item->file, item->fd);

    watches_end(item);
    {
        INTERRUPTS_OFF_SCOPE();
        list_remove(&item->ready_link);
    }
    while (*place != item)
        place = &(*place)->hash_next;
    *place = item->hash_next;
    for (place = &item->file->watches; *place != item;)
        place = &(*place)->file_next;
    *place = item->file_next;
    list_remove(&item->link);
    list_remove(&item->nested_link);
    items_total--;
    item->gone = true;
    item->pins++;
    item_unpin(item);
}

void
epoll_forget_file(struct file *file)
{
    while (file->watches)
        item_remove(file->watches);
}

static int
item_create(struct epoll *epoll, int fd, struct file *file, const struct abi_epoll_event *event)
{
    struct epoll_item **bucket = bucket_of(epoll, file, fd), *item;
    int error;

    if (items_total >= ITEMS_MOST)
        return -ENOSPC;
    item = pool_alloc(&item_pool);
    if (!item)
        return -ENOMEM;
    items_total++;
    item->epoll = epoll;
    item->file = file;
    item->fd = fd;
    item->events = (event->events & ~EPOLL_WAKE_UP) | ALWAYS;
    item->data_low = event->data_low;
    item->data_high = event->data_high;
    item->hash_next = *bucket;
    *bucket = item;
    item->file_next = file->watches;
    file->watches = item;
    list_init(&item->ready_link);
    list_init(&item->nested_link);
    list_add_tail(&epoll->items, &item->link);
    if (file_is_epoll(file))
        list_add_tail(&epoll->nested, &item->nested_link);
    error = watches_begin(item);
    if (error)
        item_remove(item);
    return error;
}

static int
item_modify(struct epoll_item *item, const struct abi_epoll_event *event)
{
    if ((item->events | event->events) & EPOLL_EXCLUSIVE)
        return -EINVAL;
    item->events = (event->events & ~EPOLL_WAKE_UP) | ALWAYS;
    item->data_low = event->data_low;
    item->data_high = event->data_high;
    item->disarmed = false;
    item_look(item, file_poll_now(item->file));
    return 0;
}

/* ---- Epolls in epolls ---- */

static u32 look_serial;

/* How many epolls lie below one another under this one; -1: `wanted` is one of them, or too many.
 * Each is looked at once. */
static int
depth_below(struct epoll *epoll, const struct epoll *wanted, int level)
{
    struct epoll_item *item;
    int depth = 0;

    if (epoll == wanted || level > NESTED_MOST)
        return -1;
    if (epoll->looked == look_serial)
        return epoll->depth;
    list_for_each(item, &epoll->nested, nested_link) {
        int below = depth_below(item->file->private, wanted, level + 1);
        if (below < 0)
            return -1;
        depth = MAX(depth, below + 1);
    }
    epoll->looked = look_serial;
    epoll->depth = (s8)depth;
    return depth;
}

static int
depth_above(struct epoll *epoll, int level)
{
    const struct epoll_item *item;
    int height = 0;

    if (epoll->looked == look_serial || level > NESTED_MOST)
        return epoll->looked == look_serial ? epoll->depth : NESTED_MOST;
    for (item = epoll->file->watches; item; item = item->file_next)
        height = MAX(height, depth_above(item->epoll, level + 1) + 1);
    epoll->looked = look_serial;
    epoll->depth = (s8)height;
    return height;
}

static int
nesting_check(struct epoll *epoll, struct epoll *below)
{
    const struct epoll_item *item;
    u32 above = 0;
    int depth;

    for (item = below->file->watches; item; item = item->file_next)
        above++;
    if (above >= ABOVE_MOST)
        return -EINVAL;
    look_serial++;
    depth = depth_below(below, epoll, 0);
    if (depth < 0)
        return -ELOOP;
    look_serial++;
    return depth + 1 + depth_above(epoll, 0) > NESTED_MOST ? -ELOOP : 0;
}

/* ---- epoll_ctl ---- */

/* What has to be so before the item is looked for; Linux's order. */
static int
control_check(struct file *epoll, int operation, struct file *file, u32 events)
{
    if (!file->ops->poll)
        return -EPERM;
    if (epoll == file || !file_is_epoll(epoll))
        return -EINVAL;
    if (operation == EPOLL_DELETE || !(events & EPOLL_EXCLUSIVE))
        return 0;
    if (operation == EPOLL_MODIFY)
        return -EINVAL;
    return file_is_epoll(file) || events & ~EXCLUSIVE_ALLOWED ? -EINVAL : 0;
}

int
epoll_control(struct file *epoll_file, int operation, int fd, struct file *file,
              const struct abi_epoll_event *event)
{
    struct epoll *epoll = epoll_file->private;
    struct epoll_item *item;
    int error = control_check(epoll_file, operation, file, event->events);

    if (!error && operation == EPOLL_ADD && file_is_epoll(file))
        error = nesting_check(epoll, file->private);
    if (error)
        return error;
    item = item_find(epoll, file, fd);
    switch (operation) {
    case EPOLL_ADD:
        return item ? -EEXIST : item_create(epoll, fd, file, event);
    case EPOLL_DELETE:
        if (item)
            item_remove(item);
        return item ? 0 : -ENOENT;
    case EPOLL_MODIFY:
        return item ? item_modify(item, event) : -ENOENT;
    default:
        return -EINVAL;
    }
}

/* ---- epoll_wait ---- */

static struct epoll_item *
ready_take(struct epoll *epoll)
{
    struct epoll_item *item;
    INTERRUPTS_OFF_SCOPE();

    if (list_empty(&epoll->ready))
        return NULL;
    item = list_first(&epoll->ready, struct epoll_item, ready_link);
    list_remove(&item->ready_link);
    return item;
}

static void
ready_put_back(struct epoll_item *item, bool first)
{
    INTERRUPTS_OFF_SCOPE();

    if (!list_empty(&item->ready_link))
        list_remove(&item->ready_link);
    if (first)
        list_add_head(&item->epoll->ready, &item->ready_link);
    else
        list_add_tail(&item->epoll->ready, &item->ready_link);
}

/* It was taken off the list before: a wake-up from now on puts it there again. */
static u32
item_events(const struct epoll_item *item)
{
    if (item->disarmed)
        return 0;
    return file_poll_now(item->file) & item->events;
}

struct look {
    struct epoll *epoll;
    struct epoll_item *taken[AT_ONCE]; /* pinned */
    struct abi_epoll_event events[AT_ONCE];
};

/* Some of those that are ready, until the list has come round to where this look began. */
static u32
look_at_ready(struct look *look, u32 round, u32 most)
{
    struct epoll_item *item;
    u32 count = 0;

    while (count < most && (item = ready_take(look->epoll))) {
        if (item->round == round) {
            ready_put_back(item, true);
            break;
        }
        item->round = round;
        u32 events = item_events(item);
        if (!events)
            continue;
        item->pins++;
        look->taken[count] = item;
        look->events[count++] =
            (struct abi_epoll_event){events, item->data_low, item->data_high};
        if (item->events & EPOLL_ONE_SHOT)
            item->disarmed = true;
        else if (!(item->events & EPOLL_EDGE))
            ready_put_back(item, false);
    }
    return count;
}

/* The copy failed: as if they had not been taken. */
static void
look_undo(struct look *look, u32 count)
{
    while (count-- > 0) {
        struct epoll_item *item = look->taken[count];
        if (!item->gone) {
            item->disarmed = false;
            item->round = 0;
            ready_put_back(item, true);
        }
    }
}

static int
events_copy(struct look *look, u32 count, struct abi_epoll_event USER *to)
{
    int error = copy_to_user(to, look->events, count * sizeof look->events[0]);

    if (error)
        look_undo(look, count);
    for (u32 i = 0; i < count; i++)
        item_unpin(look->taken[i]);
    return error;
}

/* All that is ready now, at most `most`. */
static long
epoll_look(struct epoll *epoll, struct abi_epoll_event USER *to, u32 most)
{
    struct look look = {.epoll = epoll};
    u32 round = ++epoll->round ? epoll->round : ++epoll->round, total = 0, count;
    int error = 0;

    while (!error && total < most &&
           (count = look_at_ready(&look, round, MIN(most - total, AT_ONCE)))) {
        error = events_copy(&look, count, to + total);
        total += error ? 0 : count;
        if (!error)
            error = schedule_point();
    }
    return total ? (long)total : error;
}

long
epoll_collect(struct file *file, struct abi_epoll_event USER *events, u32 most, bool wait,
              u64 deadline_ns)
{
    struct epoll *epoll = file->private;
    long count = epoll_look(epoll, events, most);

    while (count == 0 && wait) {
        count = wait_event_interruptible_until(&epoll->waiters, !list_empty(&epoll->ready),
                                               deadline_ns);
        if (!count)
            count = epoll_look(epoll, events, most);
    }
    if (!list_empty(&epoll->ready))
        wake_up_one(&epoll->waiters); /* for whoever waits beside us */
    return count == -ETIMEDOUT ? 0 : count;
}

/* ---- The file ---- */

/* Looks for one that is ready; those before it that are not leave the list. */
static u32
epoll_poll(struct file *file, struct poll_table *table)
{
    struct epoll *epoll = file->private;
    struct epoll_item *item;

    if (table)
        table->add(table, &epoll->watchers);
    while ((item = ready_take(epoll)))
        if (item_events(item)) {
            ready_put_back(item, true);
            return POLL_IN | POLL_RDNORM;
        }
    return 0;
}

static void
epoll_release(struct file *file)
{
    struct epoll *epoll = file->private;

    while (!list_empty(&epoll->items))
        item_remove(list_first(&epoll->items, struct epoll_item, link));
    pool_free(&epoll_pool, epoll);
}

static const struct file_ops epoll_ops = {
    .poll = epoll_poll,
    .release = epoll_release,
    .stream = true,
};

int
epoll_file_create(struct file **file)
{
    struct epoll *epoll = pool_alloc(&epoll_pool);
    int error;

    if (!epoll)
        return -ENOMEM;
    list_init(&epoll->items);
    list_init(&epoll->nested);
    list_init(&epoll->ready);
    wait_queue_init(&epoll->waiters, "epoll");
    wait_queue_init(&epoll->watchers, "epoll poll");
    error = anonymous_file_create(&epoll_ops, 0, epoll, file);
    if (error)
        pool_free(&epoll_pool, epoll);
    else
        epoll->file = *file;
    return error;
}
