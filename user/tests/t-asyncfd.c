/* t-asyncfd [CASE…]: asyncfd does not have the faults F1 to F14 of 2007; and its read(2) version. */
#include <sys/wait.h>
#include "asyncfd_test.h"

/* ---- F1 to F14 ---- */

static void
full_ring_is_readable(void)
{
    struct bound bound = bound_new(4);
    long pid = sys_getpid();

    expect_nothing(&bound);
    results_come(&bound, 1, 4);
    check_equal(bound.ring->ikernel, bound.ring->iuser);
    for (unsigned i = 1; i <= 4; i++) {
        check_equal(events_of(bound.fd), POLLIN);
        expect(&bound, i, pid);
    }
    expect_nothing(&bound);
    bound_end(&bound);
}

static void
cookie_of_nothing(void)
{
    struct bound bound = bound_new(4);
    struct asys_entry entries[] = {entry_of(SYS_getpid, 0, 0, 0, 1),
                                   entry_of(SYS_getpid, 0, 0, 0, 0),
                                   entry_of(SYS_getpid, 0, 0, 0, 3)};
    long pid = sys_getpid();

    check_equal(asys_enter(bound.context, entries, 3), 1);
    check_equal(asys_enter(bound.context, entries + 1, 2), -EINVAL);
    check_equal(asys_enter(bound.context, entries + 2, 1), 1);
    check_equal(start(bound.context, SYS_getpid, 0, 0, 0, 1ull << 32), 1);
    expect(&bound, 1, pid);
    expect(&bound, 3, pid);
    expect(&bound, 1ull << 32, pid);
    expect_nothing(&bound);
    bound_end(&bound);
}

/* Whoever sees a cookie sees what belongs to it, however closely it looks. */
static void
payload_first(void)
{
    struct bound bound = bound_new(1);
    volatile struct asyncfd_result *slot = bound.results;

    for (unsigned i = 1; i <= 200; i++) {
        slot->obj = slot->res = slot->res2 = -1;
        check_equal(start(bound.context, SYS_nanosleep, WORD(&short_nap), 0, 0, i), 1);
        while (slot->cookie == 0)
            ;
        check(slot->obj != (uint64_t)-1 && slot->res == 0 && slot->res2 == 0);
        slot->cookie = 0;
    }
    bound_end(&bound);
}

/* Memory that is missing is found when the ring is registered; what goes later harms nobody. */
static void
fault_in_the_middle(void)
{
    struct bound bound;
    char *memory = test_map_before_nothing();
    struct asyncfd_uring ring = {.ptr = WORD(memory) + PAGE - 64, .size = 4};
    int before = (int)sys_dup(0);

    check_equal(sys_asyncfd(-1, &ring), -EFAULT);
    ring.size = 2;
    bound.fd = (int)sys_asyncfd(-1, &ring);
    check_equal(bound.fd, before + 1); /* no number was lost */
    check_equal(sys_asyncfd(-1, (void *)(memory + PAGE - 8)), -EFAULT);
    sys_close(before);
    sys_close(bound.fd);
    munmap(memory, PAGE);

    bound = bound_new(256);
    munmap((char *)bound.results + PAGE, PAGE);
    results_come(&bound, 1, 255);
    for (unsigned i = 1; i <= PAGE / 32; i++)
        expect(&bound, i, sys_getpid());
    bound_end(&bound);
}

static void
sizes_that_overflow(void)
{
    static const unsigned bad[] = {0, 65537, 0x08000000, 0x08000001, 0x80000000, 0xffffffff};
    struct asyncfd_result results[2] = {{0}};
    struct asyncfd_uring ring = {.ptr = WORD(results)};

    for (unsigned i = 0; i < LENGTH(bad); i++) {
        ring.size = bad[i];
        check_equal(sys_asyncfd(-1, &ring), -EINVAL);
    }
    ring.size = 2;
    ring.ptr = 1ull << 32 | WORD(results);
    check_equal(sys_asyncfd(-1, &ring), -EFAULT);
    ring.ptr = 0x80000000;
    check_equal(sys_asyncfd(-1, &ring), -EFAULT);
    ring.ptr = 0x80000000 - 32;
    check_equal(sys_asyncfd(-1, &ring), -EFAULT);
    ring.ptr = -32ull;
    check_equal(sys_asyncfd(-1, &ring), -EFAULT);
    ring.ptr = WORD(results) + 2;
    check_equal(sys_asyncfd(-1, &ring), -EINVAL);
    ring.ptr = WORD(results);
    ring.iuser = 2;
    check_equal(sys_asyncfd(-1, &ring), -EINVAL);
    ring.iuser = 0;
    ring.ikernel = 0xffffffff;
    check_equal(sys_asyncfd(-1, &ring), -EINVAL);
    check_equal(sys_asyncfd(-1, (void *)0x80100000), -EFAULT);
    check_equal(sys_asyncfd(-1, NOWHERE), -EFAULT);
}

static void
place_and_size_taken_once(void)
{
    struct bound bound = bound_new(4);
    long pid = sys_getpid();

    bound.ring->ptr = 0xc0000000;
    bound.ring->size = 0xffffffff;
    bound.ring->ikernel = 77;
    results_come(&bound, 1, 2);
    check_equal(bound.ring->ikernel, 2);
    bound.ring->ptr = WORD(bound.results);
    bound.ring->size = 4;
    expect(&bound, 1, pid);
    expect(&bound, 2, pid);
    expect_nothing(&bound);
    bound_end(&bound);
}

static void
reader_index_counts(void)
{
    struct bound bound = bound_new(4);
    long pid = sys_getpid();

    results_come(&bound, 1, 1);
    bound.ring->iuser = 4;
    check_equal(events_of(bound.fd) & POLLERR, POLLERR);
    results_come(&bound, 2, 3);
    check_equal(bound.ring->ikernel, 1); /* into a ring that makes no sense nothing goes */
    check_equal(events_of(bound.fd), POLLIN | POLLERR);
    bound.ring->iuser = 0;
    check_equal(events_of(bound.fd), POLLIN);
    for (unsigned i = 1; i <= 3; i++)
        expect(&bound, i, pid);
    expect_nothing(&bound);
    bound_end(&bound);
}

static void
full_ring_loses_nothing(void)
{
    struct bound bound = bound_new(4);
    long pid = sys_getpid();

    results_come(&bound, 1, 50);
    for (unsigned i = 1; i <= 50; i++) {
        check_equal(events_of(bound.fd), POLLIN); /* and moves one on */
        expect(&bound, i, pid);
    }
    expect_nothing(&bound);
    results_come(&bound, 1, 50);
    for (unsigned i = 1; i <= 50; i++) { /* no system call: the tick moves them */
        while (bound.results[bound.ring->iuser].cookie == 0)
            __asm__ volatile("" ::: "memory");
        expect(&bound, i, pid);
    }
    results_come(&bound, 1, 6);
    for (unsigned i = 1; i <= 3; i++)
        expect(&bound, i, pid);
    results_come(&bound, 7, 7); /* a new result moves them, and comes behind them */
    for (unsigned i = 4; i <= 6; i++)
        expect(&bound, i, pid);
    check_equal(events_of(bound.fd), POLLIN);
    expect(&bound, 7, pid);
    expect_nothing(&bound);
    bound_end(&bound);
}

/* Who polls is woken by every result, also if it comes just then. */
static void
wake_ups(void)
{
    struct bound bound = bound_new(8);
    struct pollfd polled = {bound.fd, POLLIN, 0};

    for (unsigned i = 1; i <= 100; i++) {
        check_equal(start(bound.context, SYS_nanosleep, WORD(&short_nap), 0, 0, i), 1);
        test_start(SYS_poll, i, WORD(&polled), 1, -1ul, 0);
        check_equal(test_await().return_code, 1);
        check_equal(polled.revents, POLLIN);
        expect(&bound, i, 0);
    }
    bound_end(&bound);
}

/* poll looks at the ring without sleeping and without a fault, where nothing is mapped any more
 * too. */
static void
poll_never_sleeps(void)
{
    struct bound bound = bound_new(8);
    struct pollfd polled = {bound.fd, POLLIN, 0};
    struct asys_entry entry = entry_of(SYS_poll, WORD(&polled), 1, -1ul, 9);
    struct asys_event event;
    int own = asys_context(NULL);

    entry.flags = ASYS_INLINE;
    results_come(&bound, 1, 1);
    munmap(bound.ring, bound.bytes);
    check_equal(asys_enter(own, &entry, 1), 1);
    check_equal(asys_collect(own, &event, 1, 1, ASYS_FOREVER), 1);
    check_equal(event.result, 1);
    check_equal(polled.revents, POLLIN);
    results_come(&bound, 2, 30);
    check_equal(events_of(bound.fd), POLLIN);
    sys_close(own);
    sys_close(bound.context);
    sys_close(bound.fd);
}

/* After fork the kernel goes on with the pages of who has registered them. */
static void
after_fork(void)
{
    struct bound bound = bound_new(8);
    int status, fds[2], go[2];
    long pid, child;
    char byte, other;

    test_pipe(fds);
    test_pipe(go);
    check_equal(start(bound.context, SYS_read, fds[0], WORD(&byte), 1, 1), 1);
    child = sys_fork();
    if (child == 0) {
        struct pollfd polled = {bound.fd, POLLIN, 0};
        int bad = sys_poll(&polled, 1, 0) != 1 || polled.revents != POLLNVAL;
        bound.ring->iuser = 5; /* its own copy */
        bad |= sys_read(go[0], &other, 1) != 1;
        bad |= bound.results[0].cookie != 0 || bound.ring->ikernel != 0;
        sys_exit_group(bad);
    }
    pid = sys_getpid();
    bound.ring->iuser = 0; /* written to after fork: still the page that the kernel has */
    check_equal(sys_write(fds[1], "x", 1), 1);
    check_equal(events_of(bound.fd), POLLIN);
    expect(&bound, 1, 1);
    check_equal(sys_write(go[1], "x", 1), 1);
    check_equal(sys_wait4(child, &status, 0, NULL), child);
    check_equal(status, 0);
    test_close_both(fds);
    test_close_both(go);
    results_come(&bound, 2, 2);
    expect(&bound, 2, pid);
    expect_nothing(&bound);
    bound_end(&bound);
}

/* It is the last descriptor that counts, not how many hold the file. */
static void
last_descriptor(void)
{
    struct bound bound = bound_new(8);
    int copy = (int)sys_dup(bound.fd);
    long fibrils = test_fibrils();

    check_equal(start(bound.context, SYS_nanosleep, WORD(&short_nap), 0, 0, 1), 1);
    sys_close(bound.fd);
    test_nap(10);
    check_equal(events_of(copy), POLLIN);
    expect(&bound, 1, 0);
    check_equal(start(bound.context, SYS_nanosleep, WORD(&short_nap), 0, 0, 2), 1);
    sys_close(copy);
    test_nap(10);
    check_equal(start(bound.context, SYS_getpid, 0, 0, 0, 3), 1);
    check_equal(test_fibrils(), fibrils);
    check_equal(bound.results[1].cookie, 0);
    sys_close(bound.context);
    munmap(bound.ring, bound.bytes);
}

static void
ring_replaced(void)
{
    struct bound bound = bound_new(4), larger;
    long pid = sys_getpid();

    results_come(&bound, 1, 10);
    ring_make(&larger, 16);
    larger.fd = bound.fd;
    larger.context = bound.context;
    check_equal(sys_asyncfd(bound.fd, larger.ring), bound.fd);
    check_equal(larger.ring->ikernel, 6); /* what had waited is there at once */
    check_equal(events_of(bound.fd), POLLIN);
    for (unsigned i = 1; i <= 4; i++)
        expect(&bound, i, pid);
    check_equal(bound.results[0].cookie, 0);
    for (unsigned i = 5; i <= 10; i++)
        expect(&larger, i, pid);
    expect_nothing(&larger);
    results_come(&larger, 11, 11);
    check_equal(bound.results[0].cookie, 0);
    expect(&larger, 11, pid);
    munmap(bound.ring, bound.bytes);
    check_equal(sys_asyncfd(bound.fd, NOWHERE), -EFAULT);
    check_equal(sys_asyncfd(0, larger.ring), -EINVAL);
    check_equal(sys_asyncfd(999, larger.ring), -EBADF);
    results_come(&larger, 12, 12);
    expect(&larger, 12, pid);
    bound_end(&larger);
}

/* A poll of an asyncfd, its result to go there: closing it ends the poll, and nothing stays
 * behind. */
static void
polled_through_itself(void)
{
    struct bound bound = bound_new(8);
    struct pollfd polled = {bound.fd, POLLIN, 0};
    long fibrils = test_fibrils();

    check_equal(start(bound.context, SYS_poll, WORD(&polled), 1, -1ul, 1), 1);
    check_equal(test_fibrils(), fibrils + 1);
    results_come(&bound, 2, 2);
    test_nap(5);
    check_equal(test_fibrils(), fibrils); /* it was woken by a result, and gave its own */
    expect(&bound, 2, sys_getpid());
    expect(&bound, 1, 1);
    check_equal(start(bound.context, SYS_poll, WORD(&polled), 1, -1ul, 3), 1);
    sys_close(bound.fd);
    test_nap(5);
    check_equal(test_fibrils(), fibrils);
    check_equal(polled.revents, POLLERR | POLLHUP);
    sys_close(bound.context);
    munmap(bound.ring, bound.bytes);
}

/* ---- The version that is read ---- */

static struct bound
reader_new(void)
{
    struct bound bound = {.fd = (int)sys_asyncfd(-1, NULL)};

    check(bound.fd >= 0);
    bound.context = context_for(bound.fd, 0);
    check(bound.context >= 0);
    return bound;
}

static void
reading(void)
{
    struct bound bound = reader_new();
    struct asyncfd_result results[8];
    char *edge = test_map_before_nothing();
    long pid = sys_getpid();

    check_equal(sys_fcntl64(bound.fd, F_SETFL, O_NONBLOCK), 0);
    check_equal(sys_read(bound.fd, results, sizeof results), -EAGAIN);
    results_come(&bound, 1, 5);
    check_equal(events_of(bound.fd), POLLIN);
    check_equal(sys_read(bound.fd, results, 31), -EINVAL);
    check_equal(sys_read(bound.fd, NOWHERE, 64), -EFAULT);
    check_equal(sys_read(bound.fd, results, 95), 64);
    check_equal(results[0].cookie, 1);
    check_equal(results[1].cookie, 2);
    check_equal(results[1].res, pid);
    check_equal(sys_read(bound.fd, edge + PAGE - 48, 96), 32); /* half a result is none */
    check_equal(((struct asyncfd_result *)(edge + PAGE - 48))->cookie, 3);
    check_equal(sys_read(bound.fd, results, sizeof results), 64);
    check_equal(results[0].cookie, 4);
    check_equal(events_of(bound.fd), 0);
    munmap(edge, PAGE);
    sys_close(bound.context);
    sys_close(bound.fd);
}

static void
reading_waits(void)
{
    struct bound bound = reader_new();
    struct asyncfd_result results[3] = {{0}};

    for (unsigned i = 0; i < 3; i++)
        test_start(SYS_read, i, bound.fd, WORD(&results[i]), sizeof results[i], 0);
    test_nap(3);
    results_come(&bound, 1, 3);
    for (unsigned i = 0; i < 3; i++)
        check_equal(test_await().return_code, 32);
    check_equal(results[0].cookie + results[1].cookie + results[2].cookie, 6);
    test_start(SYS_read, 9, bound.fd, WORD(results), sizeof results, 0);
    sys_close(bound.fd);
    check_equal(test_await().return_code, -EBADF);
    sys_close(bound.context);
}

static void
from_reading_to_a_ring(void)
{
    struct bound bound = reader_new(), ring;
    struct asyncfd_result result;
    long pid = sys_getpid();

    results_come(&bound, 1, 6);
    check_equal(sys_read(bound.fd, &result, sizeof result), 32);
    ring_make(&ring, 4);
    ring.fd = bound.fd;
    ring.context = bound.context;
    check_equal(sys_asyncfd(bound.fd, ring.ring), bound.fd);
    check_equal(sys_read(bound.fd, &result, sizeof result), -EINVAL);
    for (unsigned i = 2; i <= 5; i++)
        expect(&ring, i, pid);
    check_equal(sys_asyncfd(bound.fd, NULL), bound.fd);
    check_equal(sys_read(bound.fd, &result, sizeof result), 32);
    check_equal(result.cookie, 6);
    bound_end(&ring);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"F1", full_ring_is_readable},
        {"F2", cookie_of_nothing},
        {"F3", payload_first},
        {"F4", fault_in_the_middle},
        {"F5", sizes_that_overflow},
        {"F6", place_and_size_taken_once},
        {"F7", reader_index_counts},
        {"F8", full_ring_loses_nothing},
        {"F9", wake_ups},
        {"F10", poll_never_sleeps},
        {"F11", after_fork},
        {"F12", last_descriptor},
        {"F13", ring_replaced},
        {"F14", polled_through_itself},
        {"reading", reading},
        {"reading_waits", reading_waits},
        {"from_reading_to_a_ring", from_reading_to_a_ring},
        {NULL, NULL},
    };
    return check_run(cases, argc, argv);
}
