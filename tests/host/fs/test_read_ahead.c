// sources: fs/read_ahead.c fs/cache.c fs/inode.c tests/host/support/*.c
/* Reading ahead: what is planned for a reader, the queue of wishes, and how the page cache bounds and
 * counts pages that nobody has asked for. The disk is an object whose reads end when the test says so. */
#include "arch.h"
#include "drivers/block.h"
#include "fs/cache.h"
#include "fs/inode.h"
#include "fs/read_ahead.h"
#include "host.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/wait.h"

#define LIMIT 100000u /* pages of a file that is long enough */
#define FAR 4096u

/* ---- Stand-ins ---- */

static struct disk disk;
static struct wait_queue calm = WAIT_QUEUE_INIT(calm, "calm");
static bool busy; /* others wait for the disk */

int
block_wait_calm(struct disk *of)
{
    if (of != &disk)
        abort();
    return wait_event_killable(&calm, !busy);
}

static struct page *pending[16384]; /* being read */
static unsigned pending_count, pages_read, wanted_calls;
static int read_error;

static void
read_pages(struct cache_object *owner, struct page **pages, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        page_get(pages[i]);
        pending[pending_count++] = pages[i];
        pages_read++;
    }
}

static void
want_page(struct cache_object *owner, u32 index)
{
    wanted_calls++;
}

static bool
finish_one(void)
{
    if (pending_count == 0)
        return false;
    struct page *page = pending[0];
    memmove(pending, pending + 1, --pending_count * sizeof *pending);
    interrupt_state state = interrupts_save();
    cache_page_done(page, read_error);
    interrupts_restore(state);
    page_put(page);
    return true;
}

static struct inode *
fake_alloc(struct filesystem *filesystem)
{
    static const struct cache_object_ops ops = {.read_pages = read_pages, .want_page = want_page};
    struct inode *inode = heap_alloc(sizeof *inode);
    if (inode) {
        cache_object_init(&inode->object, &ops);
        inode->object.disk = &disk;
    }
    return inode;
}

static unsigned listings;
static u32 listed_page;

static void
list(struct inode *directory, u32 index)
{
    listings++;
    listed_page = index;
}

static int
fake_read(struct inode *inode)
{
    static const struct inode_ops ops = {.read_ahead = list};
    inode->links = 1;
    inode->mode = MODE_REGULAR;
    inode->ops = &ops;
    return 0;
}

static void
fake_free(struct inode *inode)
{
    heap_free(inode);
}

static const struct filesystem_ops filesystem_ops = {
    .inode_alloc = fake_alloc, .inode_read = fake_read, .inode_free = fake_free};
static struct filesystem filesystem = {.type = "fake", .ops = &filesystem_ops};

static struct inode *
get_inode(u64 number)
{
    struct inode *inode;
    return inode_find(&filesystem, number, &inode) ? NULL : inode;
}

/* Lets the servers and all reads come to their end. */
static void
settle(void)
{
    for (int i = 0; i < 200; i++)
        schedule_yield();
    while (finish_one())
        ;
    for (int i = 0; i < 200; i++)
        schedule_yield();
}

static void
finish(struct inode *inode)
{
    settle();
    cache_drop_object(&inode->object);
    inode_put(inode);
    inode_drop_unused();
}

static struct cache_statistics
counted_since(const struct cache_statistics *before)
{
    struct cache_statistics now;
    cache_count(&now);
    now.ahead -= before->ahead;
    now.ahead_used -= before->ahead_used;
    now.ahead_wasted -= before->ahead_wasted;
    now.ahead_refused -= before->ahead_refused;
    return now;
}

/* ---- Plans ---- */

static struct read_ahead_file file;

static struct read_ahead_plan
plan(u32 index, u32 count, bool waits, u32 most)
{
    struct read_ahead_reader reader = {index, count, LIMIT, waits};
    struct read_ahead_plan result;
    read_ahead_plan(&file, &reader, most, &result);
    return result;
}

/* Reads on in steps of `step` pages up to `end`; the most that lay before the reader. *end_wished: the
 * wishes follow each other without gaps and came to there. False: they did not. */
static bool
read_on(u32 *from, u32 end, u32 step, bool waits, u32 most, u32 *behind_wishes, u32 *farthest)
{
    for (; *from < end; *from += step) {
        struct read_ahead_plan next = plan(*from, step, waits, most);
        if (next.wish_count > 0) {
            if (next.wish_index != *behind_wishes)
                return false;
            *behind_wishes = next.wish_index + next.wish_count;
        }
        *farthest = MAX(*farthest, *behind_wishes - MIN(*from, *behind_wishes));
    }
    return true;
}

static void
one_who_jumps_about_gets_nothing(void)
{
    file = (struct read_ahead_file){0};
    static const u32 places[] = {500, 90, 7000, 3, 40, 39, 1000};
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        struct read_ahead_plan next = plan(places[i], 1, true, FAR);
        CHECK(next.along == 0 && next.wish_count == 0, "at %u", places[i]);
    }
}

static void
one_who_begins_at_the_beginning_reads_a_window(void)
{
    file = (struct read_ahead_file){0};
    struct read_ahead_plan next = plan(0, 1, false, FAR);
    CHECK(next.along == 15 && next.wish_count == 0);
    next = plan(1, 1, false, FAR);
    CHECK(next.wish_index == 16 && next.wish_count == 32 && next.along == 14);
    next = plan(2, 1, false, FAR);
    CHECK(next.wish_count == 0);
}

static void
windows_double_up_to_the_most(void)
{
    u32 from = 0, behind = 16, farthest = 0;
    file = (struct read_ahead_file){0};
    CHECK(read_on(&from, 20000, 4, false, FAR, &behind, &farthest));
    CHECK(file.window == READ_AHEAD_WINDOW_MOST && file.distance == READ_AHEAD_WINDOW_MOST);
    CHECK(farthest > READ_AHEAD_WINDOW_MOST && farthest <= 2 * READ_AHEAD_WINDOW_MOST, "%u", farthest);
}

static void
one_who_waits_gets_a_distance(void)
{
    u32 from = 0, behind = 16, farthest = 0; /* (the first window it reads itself) */
    file = (struct read_ahead_file){0};
    CHECK(read_on(&from, 20000, 16, true, FAR, &behind, &farthest));
    CHECK(file.distance == FAR, "%u", file.distance);
    CHECK(farthest > FAR && farthest <= FAR + READ_AHEAD_WINDOW_MOST, "%u", farthest);
    /* There is no room for so much any more: the distance goes back. */
    behind = file.end;
    farthest = 0;
    from = 20000 + FAR;
    file.next = from;
    CHECK(read_on(&from, from + 4000, 16, true, 1000, &behind, &farthest));
    CHECK(file.distance == 1000 && farthest <= 1000 + READ_AHEAD_WINDOW_MOST, "%u", farthest);
    from = file.next;
    CHECK(read_on(&from, from + 4000, 16, true, 0, &behind, &farthest));
    CHECK(file.distance == READ_AHEAD_WINDOW && file.window == READ_AHEAD_WINDOW);
}

static void
wishes_end_with_the_file(void)
{
    struct read_ahead_reader reader = {0, 1, 20, false};
    struct read_ahead_plan next;
    file = (struct read_ahead_file){0};
    read_ahead_plan(&file, &reader, FAR, &next);
    CHECK(next.along == 15 && next.wish_count == 0);
    reader.index = 1;
    read_ahead_plan(&file, &reader, FAR, &next);
    CHECK(next.wish_index == 16 && next.wish_count == 4);
    for (reader.index = 2; reader.index < 20; reader.index++) {
        read_ahead_plan(&file, &reader, FAR, &next);
        CHECK(next.wish_count == 0, "at %u", reader.index);
    }
    reader = (struct read_ahead_reader){0, 1, 1, false};
    file = (struct read_ahead_file){0};
    read_ahead_plan(&file, &reader, FAR, &next);
    CHECK(next.along == 0 && next.wish_count == 0);
}

static void
big_reads_are_planned_as_one(void)
{
    file = (struct read_ahead_file){0};
    struct read_ahead_plan next = plan(0, 256, false, FAR);
    CHECK(next.along == 0 && next.wish_index == 16 && next.wish_count == 240 + 256);
    for (u32 index = 1; index < 256; index++) { /* its other pages */
        next = plan(index, 256 - index, false, FAR);
        CHECK(next.wish_count == 0, "at %u: %u", index, next.wish_index);
    }
}

/* ---- Wishes ---- */

static void
wishes_are_served(void)
{
    struct inode *inode = get_inode(1);
    CHECK(inode);
    pages_read = listings = 0;
    read_ahead_wish(inode, &inode->object, 100, 40);
    read_ahead_wish_listing(inode, 7);
    settle();
    CHECK(pages_read == 40 && listings == 1 && listed_page == 7);
    CHECK(cache_has(&inode->object, 100) && cache_has(&inode->object, 139));
    CHECK(!cache_has(&inode->object, 140));
    finish(inode);
}

static void
nothing_is_wished_when_it_is_off(void)
{
    struct inode *inode = get_inode(2);
    CHECK(inode);
    struct read_ahead_file reads = {0};
    pages_read = listings = 0;
    read_ahead_switch(false);
    read_ahead_wish(inode, &inode->object, 0, 40);
    read_ahead_wish_listing(inode, 0);
    CHECK(read_ahead_for_reader(&reads, inode, &inode->object, 0, 1, LIMIT) == 0);
    settle();
    CHECK(pages_read == 0 && listings == 0 && read_ahead_give_way(&disk) == -EAGAIN);
    read_ahead_switch(true);
    CHECK(read_ahead_for_reader(&reads, inode, &inode->object, 0, 1, LIMIT) == 15);
    finish(inode);
}

static void
wishes_wait_while_others_wait_for_the_disk(void)
{
    struct inode *inode = get_inode(3);
    CHECK(inode);
    pages_read = 0;
    busy = true;
    read_ahead_wish(inode, &inode->object, 0, 10);
    settle();
    CHECK(pages_read == 0);
    busy = false;
    wake_up_all(&calm);
    settle();
    CHECK(pages_read == 10);
    finish(inode);
}

/* With all servers held up, more wishes than there is room for: the oldest go, and their inodes with
 * them. */
static void
too_many_wishes_drop_the_oldest(void)
{
    struct inode *inode = get_inode(4);
    CHECK(inode);
    pages_read = 0;
    busy = true;
    for (u32 i = 0; i < 500; i++) {
        read_ahead_wish(inode, &inode->object, i, 1);
        schedule_yield();
    }
    CHECK(inode->references <= 100, "%u", inode->references);
    busy = false;
    wake_up_all(&calm);
    settle();
    CHECK(inode->references == 1 && pages_read >= 64 && pages_read <= 100, "%u", pages_read);
    CHECK(cache_has(&inode->object, 499) && !cache_has(&inode->object, 100));
    finish(inode);
}

static void
dropping_forgets_and_waits(void)
{
    struct inode *inode = get_inode(5);
    CHECK(inode);
    pages_read = 0;
    for (u32 i = 0; i < 60; i++)
        read_ahead_wish(inode, &inode->object, i, 1);
    CHECK(read_ahead_drop() == 0);
    CHECK(pages_read == 0 && inode->references == 1);
    finish(inode);
}

/* ---- The cache's part ---- */

static void
what_is_read_ahead_is_bounded(void)
{
    struct inode *inode = get_inode(6);
    struct cache_statistics before, now;
    CHECK(inode);
    u32 most = pages_total() / 8;
    cache_count(&before);
    for (u32 index = 0; index < 2 * most; index += 256) {
        u32 started = cache_read_ahead(&inode->object, index, 256);
        CHECK(started == 256, "at %u: %u", index, started);
        while (finish_one())
            ;
        cache_count(&now);
        CHECK(now.ahead_unused <= most, "%u", now.ahead_unused);
    }
    now = counted_since(&before);
    CHECK(now.ahead >= 2 * most && now.ahead_wasted >= most - 256, "%u wasted", now.ahead_wasted);
    CHECK(!cache_has(&inode->object, 0) && cache_has(&inode->object, 2 * most - 1)); /* the oldest go */
    finish(inode);
    now = counted_since(&before);
    CHECK(now.ahead == now.ahead_wasted && now.ahead_used == 0 && now.ahead_unused == 0);
}

/* Pages that are being read cannot make room. */
static void
no_room_is_no_reading(void)
{
    struct inode *inode = get_inode(7);
    struct cache_statistics before, now;
    CHECK(inode);
    u32 most = pages_total() / 8, started = 0, index;
    CHECK(most < ARRAY_SIZE(pending) - 256);
    cache_count(&before);
    for (index = 0; index < 2 * most; index += 256)
        started += cache_read_ahead(&inode->object, index, 256);
    now = counted_since(&before);
    CHECK(started == most && now.ahead_refused > 0 && now.ahead_unused == most, "%u", started);
    CHECK(cache_ahead_room() == 0 && cache_adopt(&inode->object, index) == NULL);
    finish(inode);
}

static void
wanted_pages_are_counted_and_hurried(void)
{
    struct inode *inode = get_inode(8);
    struct cache_statistics before, now;
    struct page *page;
    CHECK(inode);
    cache_count(&before);
    CHECK(cache_read_ahead(&inode->object, 0, 20) == 20);
    wanted_calls = 0;
    CHECK(cache_get(&inode->object, 3, &page) == 0); /* while it is being read */
    page_put(page);
    CHECK(wanted_calls == 1);
    while (finish_one())
        ;
    CHECK(cache_get(&inode->object, 4, &page) == 0); /* afterwards */
    page_put(page);
    CHECK(cache_get(&inode->object, 4, &page) == 0); /* it counts once */
    page_put(page);
    CHECK(wanted_calls == 1);
    now = counted_since(&before);
    CHECK(now.ahead == 20 && now.ahead_used == 2 && now.ahead_unused == 18 && now.ahead_wasted == 0);
    finish(inode);
    now = counted_since(&before);
    CHECK(now.ahead_wasted == 18 && now.ahead_unused == 0);
}

static void
a_reader_sees_the_error_of_what_was_read_ahead(void)
{
    struct inode *inode = get_inode(9);
    struct page *page;
    CHECK(inode);
    CHECK(cache_read_ahead(&inode->object, 0, 5) == 5);
    read_error = -EIO;
    CHECK(cache_get(&inode->object, 2, &page) == -EIO); /* he waited for it */
    while (finish_one())
        ;
    read_error = 0;
    CHECK(inode->object.page_count == 0);
    CHECK(cache_get(&inode->object, 2, &page) == 0); /* and another tries again */
    page_put(page);
    finish(inode);
}

int
main(void)
{
    cache_init();
    inode_init();
    read_ahead_init();
    host_pump = finish_one;
    RUN_TEST(one_who_jumps_about_gets_nothing);
    RUN_TEST(one_who_begins_at_the_beginning_reads_a_window);
    RUN_TEST(windows_double_up_to_the_most);
    RUN_TEST(one_who_waits_gets_a_distance);
    RUN_TEST(wishes_end_with_the_file);
    RUN_TEST(big_reads_are_planned_as_one);
    RUN_TEST(wishes_are_served);
    RUN_TEST(nothing_is_wished_when_it_is_off);
    RUN_TEST(wishes_wait_while_others_wait_for_the_disk);
    RUN_TEST(too_many_wishes_drop_the_oldest);
    RUN_TEST(dropping_forgets_and_waits);
    RUN_TEST(what_is_read_ahead_is_bounded);
    RUN_TEST(no_room_is_no_reading);
    RUN_TEST(wanted_pages_are_counted_and_hurried);
    RUN_TEST(a_reader_sees_the_error_of_what_was_read_ahead);
    return test_result();
}
