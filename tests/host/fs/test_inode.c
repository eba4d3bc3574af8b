// sources: fs/inode.c fs/cache.c tests/host/support/*.c
/* The inode cache: made once, waiters, failing and cancelled creators, giving up. */
#include "arch.h"
#include "fs/cache.h"
#include "fs/inode.h"
#include "host.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/task.h"
#include "kernel/wait.h"

static struct wait_queue gate = WAIT_QUEUE_INIT(gate, "gate");
static bool gate_open;
static unsigned reads, frees;
static int read_error;

static struct inode *
fake_alloc(struct filesystem *filesystem)
{
    return heap_alloc(sizeof(struct inode));
}

/* As a real one would: sleeps, killably. */
static int
fake_read(struct inode *inode)
{
    int error;

    reads++;
    error = wait_event_killable(&gate, gate_open);
    inode->links = 1;
    inode->mode = MODE_REGULAR;
    return error ? error : read_error;
}

static void
fake_free(struct inode *inode)
{
    frees++;
    heap_free(inode);
}

static const struct filesystem_ops ops = {
    .inode_alloc = fake_alloc,
    .inode_read = fake_read,
    .inode_free = fake_free,
};
static struct filesystem filesystem = {.type = "fake", .ops = &ops};
static unsigned (*shrink)(unsigned wanted);

void
page_register_shrinker(struct page_shrinker *shrinker)
{
    shrink = shrinker->shrink; /* the last one: inode.c's */
}

struct getter {
    u64 number;
    int error;
    bool done;
    struct fibril *fibril;
    struct inode *inode;
};
static struct wait_queue getters_done = WAIT_QUEUE_INIT(getters_done, "getters");

static void
getter_main(void *argument)
{
    struct getter *getter = argument;
    getter->error = inode_find(&filesystem, getter->number, &getter->inode);
    getter->done = true;
    wake_up_all(&getters_done);
}

static void
getter_start(struct getter *getter, u64 number)
{
    *getter = (struct getter){.number = number};
    getter->fibril = kernel_fibril_start(getter_main, getter);
}

static void
run_others(void)
{
    for (int i = 0; i < 8; i++)
        schedule_yield();
}

static void
open_gate(void)
{
    gate_open = true;
    wake_up_all(&gate);
}

static void
reset(void)
{
    reads = frees = 0;
    read_error = 0;
    gate_open = false;
}

static void
made_once(void)
{
    struct getter a, b;
    reset();
    getter_start(&a, 5);
    getter_start(&b, 5);
    run_others();
    CHECK(reads == 1 && !a.done && !b.done);
    open_gate();
    wait_event(&getters_done, a.done && b.done);
    CHECK(!a.error && !b.error && a.inode == b.inode && a.inode->references == 2 && reads == 1);
    inode_put(a.inode);
    inode_put(b.inode);
    CHECK(inode_find(&filesystem, 5, &a.inode) == 0 && reads == 1); /* still in memory */
    inode_put(a.inode);
    inode_drop_unused();
    CHECK(frees == 1);
}

static void
failure_reaches_all(void)
{
    struct getter a, b;
    reset();
    read_error = -EIO;
    getter_start(&a, 5);
    getter_start(&b, 5);
    run_others();
    open_gate();
    wait_event(&getters_done, a.done && b.done);
    CHECK(a.error == -EIO && b.error == -EIO && reads == 1 && frees == 1);
    read_error = 0;
    CHECK(inode_find(&filesystem, 5, &a.inode) == 0 && reads == 2); /* later ones try again */
    inode_put(a.inode);
    inode_drop_unused();
}

static void
a_cancelled_creator_makes_the_next_one_try(void)
{
    struct getter a, b;
    reset();
    getter_start(&a, 5);
    getter_start(&b, 5);
    run_others();
    fibril_cancel(a.fibril, -ECANCELED);
    run_others();
    CHECK(a.done && a.error == -ECANCELED && !b.done && reads == 2);
    open_gate();
    wait_event(&getters_done, b.done);
    CHECK(b.error == 0 && reads == 2);
    inode_put(b.inode);
    inode_drop_unused();
}

static void
a_waiter_may_leave(void)
{
    struct getter a, b;
    reset();
    getter_start(&a, 5);
    getter_start(&b, 5);
    run_others();
    fibril_cancel(b.fibril, -EINTR);
    run_others();
    CHECK(b.done && b.error == -EINTR && !a.done);
    open_gate();
    wait_event(&getters_done, a.done);
    CHECK(a.error == 0 && a.inode->references == 1);
    inode_put(a.inode);
    inode_drop_unused();
}

static void
without_links_it_goes_at_once(void)
{
    struct inode *inode;
    reset();
    open_gate();
    CHECK(inode_find(&filesystem, 9, &inode) == 0);
    inode->links = 0;
    inode_put(inode);
    CHECK(frees == 1);
}

static void
shrinking_takes_the_oldest(void)
{
    struct inode *inodes[20];
    struct inode_statistics before, after;
    reset();
    open_gate();
    for (unsigned i = 0; i < 20; i++)
        CHECK(inode_find(&filesystem, 100 + i, &inodes[i]) == 0);
    for (unsigned i = 1; i < 20; i++)
        inode_put(inodes[i]);
    inode_count(&before);
    shrink(1);
    inode_count(&after);
    CHECK(before.unused == 19 && after.unused < 19 && frees == before.unused - after.unused);
    inode_drop_unused();
    CHECK(frees == 19); /* the one in use stays */
    inode_put(inodes[0]);
    inode_drop_unused();
    CHECK(frees == 20);
}

static void
no_memory(void)
{
    struct inode *inode;
    reset();
    open_gate();
    host_alloc_limit = 0;
    CHECK(inode_find(&filesystem, 1, &inode) == -ENOMEM);
    host_alloc_limit = -1;
}

int
main(void)
{
    cache_init();
    inode_init();
    RUN_TEST(made_once);
    RUN_TEST(failure_reaches_all);
    RUN_TEST(a_cancelled_creator_makes_the_next_one_try);
    RUN_TEST(a_waiter_may_leave);
    RUN_TEST(without_links_it_goes_at_once);
    RUN_TEST(shrinking_takes_the_oldest);
    RUN_TEST(no_memory);
    return test_result();
}
