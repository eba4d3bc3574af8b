/* Reading ahead: see read_ahead.h. Readers leave wishes in a bounded queue; fibrils of the kernel task
 * serve them in order, oldest first, several at a time. A wish is no promise: it is dropped when the
 * queue is full, when there is no memory (the page cache says so), and by drop_caches.
 *
 * How far ahead a file is read: a reader in sequence begins with a window of 64 KiB, read together with
 * what it has asked for. Whenever it comes to the window that was wished for last, the next one, twice as
 * long, is wished for; so one window is read while the one before it is used. A reader who has to wait
 * all the same, though windows have come to 1 MiB, is given a distance of more and more windows, as long
 * as the cache has room for what nobody has wanted yet. */
#include "fs/read_ahead.h"

#include "arch.h"
#include "drivers/block.h"
#include "fs/cache.h"
#include "fs/inode.h"
#include "fs/pseudo.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/log.h"
#include "kernel/task.h"

#define WISHES 64       /* waiting */
#define SERVERS 8       /* fibrils */
#define SERVERS_SMALL 3 /* in machines with little memory */
#define SMALL_PAGES 6144u
#define DISTANCE_SHARE 16 /* of all memory: one part may lie before one reader */

struct wish {
    struct inode *inode;         /* referenced */
    struct cache_object *object; /* NULL: a listing of the inode */
    u32 index, count;
};

static struct {
    bool off;
    struct wish wishes[WISHES]; /* a ring */
    u32 first, waiting;
    u32 serving; /* wishes being served */
    struct wait_queue work, idle;
    u32 wished, dropped; /* ever */
    u32 distance_most;   /* pages */
} ahead;

/* ---- Files read in sequence ---- */

/* The window that holds `count` pages, if two of them are no more than the distance. */
static u32
window_for(u32 count, u32 least, u32 distance_most)
{
    u32 window = least, most = MIN(distance_most / 2, (u32)READ_AHEAD_WINDOW_MOST);
    while (window < count && window < most)
        window *= 2;
    return MAX(MIN(window, most), (u32)READ_AHEAD_WINDOW);
}

/* What the reader itself can read along with what it wants, up to `limit`. */
static u32
plan_along(const struct read_ahead_reader *reader, u32 limit)
{
    u32 own = reader->index < limit ? MIN(limit - reader->index, (u32)CACHE_RUN_PAGES) : 0;
    return own > reader->count ? own - reader->count : 0;
}

/* Wishes for all from `from` up to file->end that the file has, beside what is wished already. */
static void
plan_wish(struct read_ahead_file *file, u32 from, u32 limit, struct read_ahead_plan *plan)
{
    u32 end = MIN(file->end, limit);
    if (from >= end)
        return;
    if (plan->wish_count == 0)
        plan->wish_index = from;
    plan->wish_count = end - plan->wish_index;
}

/* The reader begins (anew): it reads the first pages of the window itself. */
static void
plan_begin(struct read_ahead_file *file, const struct read_ahead_reader *reader, u32 distance_most,
           struct read_ahead_plan *plan)
{
    file->window = (u16)window_for(reader->count, READ_AHEAD_WINDOW, distance_most);
    file->distance = file->window;
    file->end = reader->index + file->window;
    plan->along = plan_along(reader, reader->limit);
    plan_wish(file, reader->index + CACHE_RUN_PAGES, reader->limit, plan);
}

/* The reader has come to a place that was foreseen. */
static void
plan_go_on(struct read_ahead_file *file, const struct read_ahead_reader *reader, u32 distance_most,
           struct read_ahead_plan *plan)
{
    u32 from = file->end, distance = file->distance, window = file->window;

    plan->along = plan_along(reader, MIN(reader->limit, from));
    if (reader->waits && window == READ_AHEAD_WINDOW_MOST)
        distance *= 2;
    distance = MAX(MIN(distance, distance_most), window);
    if (reader->index + distance >= from) {
        window = window_for(reader->count, 2 * window, distance_most);
        distance = MAX(distance, window);
        file->end += DIVIDE_UP(reader->index + distance + 1 - from, window) * window;
        plan_wish(file, from, reader->limit, plan);
    }
    file->window = (u16)window;
    file->distance = (u16)distance;
}

void
read_ahead_plan(struct read_ahead_file *file, const struct read_ahead_reader *reader,
                u32 distance_most, struct read_ahead_plan *plan)
{
    u32 index = reader->index;
    bool inside = index >= file->start && index < file->next; /* of the read seen last */
    bool in_sequence = index == file->next || index == 0;

    *plan = (struct read_ahead_plan){0};
    if (!inside) {
        file->start = index;
        file->next = index + reader->count;
        if (index == 0 || !in_sequence)
            file->window = 0;
    }
    if (!file->window && (inside || !in_sequence))
        return;
    if (!file->window || index >= file->end) {
        plan_begin(file, reader, distance_most, plan);
        if (reader->count < file->window)
            return;
    }
    plan_go_on(file, reader, distance_most, plan);
}

u32
read_ahead_for_reader(struct read_ahead_file *file, struct inode *inode,
                      struct cache_object *object, u32 index, u32 count, u32 limit)
{
    struct read_ahead_reader reader = {index, count, limit, false};
    struct read_ahead_plan plan;

    if (ahead.off || !object->disk)
        return 0;
    reader.waits = cache_is_reading(object, index);
    read_ahead_plan(file, &reader, MIN(ahead.distance_most, cache_ahead_room()), &plan);
    while (plan.wish_count > 0) {
        u32 piece = MIN(plan.wish_count, (u32)file->window);
        read_ahead_wish(inode, object, plan.wish_index, piece);
        plan.wish_index += piece;
        plan.wish_count -= piece;
    }
    return plan.along;
}

/* ---- The queue ---- */

static struct wish
wish_take(void)
{
    struct wish wish = ahead.wishes[ahead.first];

    ahead.first = (ahead.first + 1) % WISHES;
    ahead.waiting--;
    return wish;
}

static void
wish_add(struct inode *inode, struct cache_object *object, u32 index, u32 count)
{
    if (ahead.waiting == WISHES) {
        inode_put(wish_take().inode);
        ahead.dropped++;
    }
    inode_get(inode);
    ahead.wishes[(ahead.first + ahead.waiting++) % WISHES] =
        (struct wish){inode, object, index, count};
    ahead.wished++;
    wake_up_one(&ahead.work);
}

void
read_ahead_wish(struct inode *inode, struct cache_object *object, u32 index, u32 count)
{
    if (!ahead.off && object->disk)
        wish_add(inode, object, index, count);
}

void
read_ahead_wish_listing(struct inode *directory, u32 index)
{
    if (!ahead.off && directory->object.disk)
        wish_add(directory, NULL, index, 1);
}

/* ---- Serving ---- */

int
read_ahead_give_way(struct disk *disk)
{
    return ahead.off ? -EAGAIN : block_wait_calm(disk);
}

static void
wish_serve(const struct wish *wish)
{
    const struct cache_object *object = wish->object ? wish->object : &wish->inode->object;

    if (read_ahead_give_way(object->disk))
        return;
    if (wish->object)
        cache_read_ahead(wish->object, wish->index, wish->count);
    else
        wish->inode->ops->read_ahead(wish->inode, wish->index);
}

/* The life of a server. */
static void
serve(void *unused)
{
    for (;;) {
        wait_event(&ahead.work, ahead.waiting > 0);
        struct wish wish = wish_take();
        ahead.serving++;
        if (ahead.waiting > 0)
            wake_up_one(&ahead.work);
        wish_serve(&wish);
        inode_put(wish.inode);
        if (--ahead.serving == 0)
            wake_up_all(&ahead.idle);
    }
}

int
read_ahead_drop(void)
{
    while (ahead.waiting > 0) {
        inode_put(wish_take().inode);
        ahead.dropped++;
    }
    return wait_event_killable(&ahead.idle, ahead.serving == 0);
}

bool
read_ahead_enabled(void)
{
    return !ahead.off;
}

void
read_ahead_switch(bool on)
{
    ahead.off = !on;
}

/* ---- /proc ---- */

static void
show_read_ahead(struct text_buffer *text)
{
    struct cache_statistics pages;

    cache_count(&pages);
    text_print(text, "wishes %u dropped %u waiting %u\n", ahead.wished, ahead.dropped, ahead.waiting);
    text_print(text, "pages %u used %u wasted %u unused %u refused %u\n", pages.ahead,
               pages.ahead_used, pages.ahead_wasted, pages.ahead_unused, pages.ahead_refused);
}

static void
show_switch(struct text_buffer *text)
{
    text_print(text, "%d\n", !ahead.off);
}

static int
store_switch(const char *text, size_t length)
{
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
        length--;
    if (length != 1 || (text[0] != '0' && text[0] != '1'))
        return -EINVAL;
    read_ahead_switch(text[0] == '1');
    return ahead.off ? read_ahead_drop() : 0;
}

void
read_ahead_init(void)
{
    static struct proc_file files[] = {
        {.name = "read_ahead", .show = show_read_ahead},
        {.name = "sys/vm/read_ahead", .show = show_switch, .store = store_switch},
    };
    unsigned servers = pages_total() < SMALL_PAGES ? SERVERS_SMALL : SERVERS;

    ahead.distance_most = MIN(pages_total() / DISTANCE_SHARE, (u32)READ_AHEAD_DISTANCE_MOST);
    wait_queue_init(&ahead.work, "wishes");
    wait_queue_init(&ahead.idle, "read_ahead_idle");
    for (unsigned i = 0; i < servers; i++)
        if (!kernel_fibril_start(serve, NULL))
            panic("no memory to read ahead");
    for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
        proc_register(&files[i]);
}
