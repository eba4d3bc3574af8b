/* t-asyncfd [CASE…]: asyncfd does not have the faults F1 to F14 of 2007; its read(2) version, epoll over
 * it, and what a hostile program may do to its ring. */
#include <fibril/asyncfd.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include "aio_test.h"
#include "test.h"

/* An asyncfd with a ring in pages of its own, and a context bound to it. */
struct bound {
    int fd, context;
    unsigned size;
    struct asyncfd_uring *ring;
    struct asyncfd_result *results; /* in the page behind the ring's */
    unsigned long bytes;
};

static int
context_for(int fd, unsigned flags)
{
    struct asys_setup setup = {.flags = ASYS_SETUP_ASYNCFD | flags, .notify_fd = fd};

    return asys_context(&setup);
}

static void
ring_make(struct bound *bound, unsigned size)
{
    bound->size = size;
    bound->bytes = PAGE + (size * sizeof(struct asyncfd_result) + PAGE - 1) / PAGE * PAGE;
    bound->ring = test_map(bound->bytes);
    bound->results = (struct asyncfd_result *)((char *)bound->ring + PAGE);
    *bound->ring = (struct asyncfd_uring){.ptr = WORD(bound->results), .size = size};
}

static struct bound
bound_new(unsigned size)
{
    struct bound bound;

    ring_make(&bound, size);
    bound.fd = (int)sys_asyncfd(-1, bound.ring);
    check(bound.fd >= 0);
    bound.context = context_for(bound.fd, 0);
    check(bound.context >= 0);
    return bound;
}

static void
bound_end(struct bound *bound)
{
    sys_close(bound->context);
    sys_close(bound->fd);
    munmap(bound->ring, bound->bytes);
}

static struct asys_entry
entry_of(int number, unsigned long a, unsigned long b, unsigned long c, uint64_t cookie)
{
    return (struct asys_entry){
        .number = (uint16_t)number, .cookie = cookie, .argument = {a, b, c}};
}

static long
start(int context, int number, unsigned long a, unsigned long b, unsigned long c, uint64_t cookie)
{
    struct asys_entry entry = entry_of(number, a, b, c, cookie);

    return asys_enter(context, &entry, 1);
}

static struct kernel_timespec short_nap = {0, 2000000}, long_nap = {1000, 0};

/* Calls that end at once, with these cookies. */
static void
results_come(struct bound *bound, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++)
        check_equal(start(bound->context, SYS_getpid, 0, 0, 0, i), 1);
}

static short
events_of(int fd)
{
    struct pollfd polled = {fd, POLLIN | POLLOUT, 0};

    check(poll(&polled, 1, 0) >= 0);
    return polled.revents;
}

static void
expect(struct bound *bound, uint64_t cookie, long long res)
{
    struct asyncfd_result result = {.cookie = 0};

    check_equal(asyncfd_take(bound->ring, &result), 1);
    check_equal(result.cookie, cookie);
    check_equal(result.res, res);
    check_equal(result.res2, 0);
}

static void
expect_nothing(struct bound *bound)
{
    struct asyncfd_result result;

    check_equal(asyncfd_take(bound->ring, &result), 0);
    check_equal(events_of(bound->fd), 0);
}

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
    struct asys_entry entries[] = {entry_of(SYS_getpid, 0, 0, 0, 1), entry_of(SYS_getpid, 0, 0, 0, 0),
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

/* poll looks at the ring without sleeping and without a fault, where nothing is mapped any more too. */
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

/* A poll of an asyncfd, its result to go there: closing it ends the poll, and nothing stays behind. */
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

/* ---- Under epoll ---- */

static void
under_epoll(void)
{
    struct bound bound = bound_new(2);
    int level = epoll_create1(0), edge = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    long pid = sys_getpid();

    check_equal(epoll_ctl(level, EPOLL_CTL_ADD, bound.fd, &event), 0);
    event.events |= EPOLLET;
    check_equal(epoll_ctl(edge, EPOLL_CTL_ADD, bound.fd, &event), 0);
    check_equal(epoll_wait(level, &event, 1, 0), 0);
    results_come(&bound, 1, 1);
    check_equal(epoll_wait(level, &event, 1, 0), 1);
    check_equal(epoll_wait(level, &event, 1, 0), 1);
    check_equal(epoll_wait(edge, &event, 1, 0), 1);
    check_equal(epoll_wait(edge, &event, 1, 0), 0);
    results_come(&bound, 2, 3);
    check_equal(epoll_wait(edge, &event, 1, 0), 1);
    expect(&bound, 1, pid);
    expect(&bound, 2, pid);
    check_equal(epoll_wait(edge, &event, 1, 1000), 1); /* the one that had waited for room */
    expect(&bound, 3, pid);
    check_equal(epoll_wait(level, &event, 1, 0), 0);
    check_equal(start(bound.context, SYS_nanosleep, WORD(&short_nap), 0, 0, 4), 1);
    check_equal(epoll_wait(level, &event, 1, -1), 1);
    expect(&bound, 4, 0);
    sys_close(level);
    sys_close(edge);
    bound_end(&bound);
}

/* Contexts are polled too, and epolls and asyncfds by each other's calls. */
static void
each_other(void)
{
    struct bound bound = bound_new(8);
    int epoll = epoll_create1(0), own = asys_context(NULL);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 1}, got[2];
    struct asys_entry wait = entry_of(SYS_epoll_wait, epoll, WORD(got), 2, 1);
    struct asys_event done;

    wait.argument[3] = -1u;
    check_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, bound.fd, &event), 0);
    event.data.u32 = 2;
    check_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, own, &event), 0);
    check_equal(asys_enter(bound.context, &wait, 1), 1);
    check_equal(start(own, SYS_getpid, 0, 0, 0, 5), 1);
    test_nap(5);
    check_equal(got[0].data.u32, 2);
    expect(&bound, 1, 1);
    check_equal(asys_collect(own, &done, 1, 1, ASYS_FOREVER), 1);
    sys_close(own);
    sys_close(epoll);
    bound_end(&bound);
}

/* ---- Hostile ---- */

static void
overwritten(void)
{
    struct bound bound = bound_new(16);
    long pid = sys_getpid();

    for (int round = 0; round < 200; round++) {
        unsigned *words = (unsigned *)bound.ring;
        for (unsigned i = 0; i < 5; i++)
            words[i] = test_random();
        for (unsigned i = 0; i < 16 * 8; i++)
            ((unsigned *)bound.results)[i] = test_random() & test_random();
        results_come(&bound, 1, 3);
        events_of(bound.fd);
    }
    memset(bound.results, 0, 16 * sizeof(struct asyncfd_result));
    *bound.ring = (struct asyncfd_uring){.ptr = WORD(bound.results), .size = 16};
    check_equal(sys_asyncfd(bound.fd, bound.ring), bound.fd);
    for (unsigned i = 0, next = 0; i < 600 && events_of(bound.fd) == POLLIN; i++) {
        struct asyncfd_result result;
        if (!asyncfd_take(bound.ring, &result))
            break;
        check(result.res == pid && result.cookie >= 1 && result.cookie <= 3);
        check(next == 0 || result.cookie == next); /* in order, none twice */
        next = result.cookie % 3 + 1;
    }
    expect_nothing(&bound);
    bound_end(&bound);
}

/* Not writable when it is registered: refused; later: the program's own affair. */
static void
read_only(void)
{
    struct bound bound = bound_new(16);
    long pid = sys_getpid();
    void *other = test_map(PAGE);

    check_equal(mprotect(bound.ring, bound.bytes, PROT_READ), 0);
    results_come(&bound, 1, 2);
    check_equal(events_of(bound.fd), POLLIN);
    check_equal(bound.results[1].res, pid);
    check_equal(sys_asyncfd(bound.fd, bound.ring), -EFAULT);
    check_equal(mprotect(bound.ring, bound.bytes, PROT_READ | PROT_WRITE), 0);
    expect(&bound, 1, pid);
    expect(&bound, 2, pid);
    munmap(other, PAGE);
    bound_end(&bound);
}

/* A ring that lies across pages, not aligned to its results. */
static void
across_pages(void)
{
    char *memory = test_map(4 * PAGE);
    struct asyncfd_uring *ring = (struct asyncfd_uring *)(memory + PAGE - 12);
    struct bound bound = {.ring = ring};
    long pid = sys_getpid();

    *ring = (struct asyncfd_uring){.ptr = WORD(memory) + 2 * PAGE - 20, .size = 3};
    bound.fd = (int)sys_asyncfd(-1, ring);
    bound.context = context_for(bound.fd, 0);
    for (unsigned i = 1; i <= 20; i++) {
        results_come(&bound, i, i);
        expect(&bound, i, pid);
    }
    sys_close(bound.context);
    sys_close(bound.fd);
    munmap(memory, 4 * PAGE);
}

/* Each of the calls gives one result, though their context goes. */
static void
context_destroyed(void)
{
    enum { CALLS = 500 };
    struct bound bound = bound_new(64);
    bool seen[CALLS + 1] = {false};
    unsigned count = 0;

    for (unsigned i = 1; i <= CALLS; i++)
        check_equal(start(bound.context, SYS_nanosleep, WORD(&long_nap), 0, 0, i), 1);
    sys_close(bound.context);
    while (count < CALLS && events_of(bound.fd) == POLLIN) {
        struct asyncfd_result result;
        while (asyncfd_take(bound.ring, &result)) {
            check(result.cookie <= CALLS && !seen[result.cookie] && result.res == -ECANCELED);
            seen[result.cookie % (CALLS + 1)] = true;
            count++;
        }
        test_nap(1);
    }
    check_equal(count, CALLS);
    bound.context = context_for(bound.fd, 0);
    bound_end(&bound);
}

/* The process ends with results waiting, calls in progress and the ring unmapped. */
static void
end_with_everything(void)
{
    int status;
    long child = sys_fork();

    if (child == 0) {
        struct bound bound = bound_new(2);
        results_come(&bound, 1, 100);
        for (unsigned i = 1; i <= 100; i++)
            start(bound.context, SYS_nanosleep, WORD(&long_nap), 0, 0, i);
        munmap(bound.ring, bound.bytes);
        sys_exit_group(3);
    }
    check_equal(sys_wait4(child, &status, 0, NULL), child);
    check_equal(status, 3 << 8);
}

static void
setups(void)
{
    struct bound bound = bound_new(2);
    struct asys_setup setup = {.flags = ASYS_SETUP_ASYNCFD, .notify_fd = 0};

    check_equal(asys_context(&setup), -EINVAL);
    setup.notify_fd = 999;
    check_equal(asys_context(&setup), -EBADF);
    setup.notify_fd = bound.fd;
    setup.flags |= ASYS_SETUP_EVENTFD;
    check_equal(asys_context(&setup), -EINVAL);
    check_equal(context_for(bound.fd, 0x400), -EINVAL);
    bound_end(&bound);
}

/* Groups, chains and quiet entries give what they would give a context. */
static void
groups(void)
{
    struct bound bound = bound_new(8);
    struct asys_entry entries[3] = {entry_of(SYS_getpid, 0, 0, 0, 1), entry_of(SYS_close, 999, 0, 0, 2),
                                    entry_of(SYS_getpid, 0, 0, 0, 3)};

    entries[0].flags = entries[1].flags = ASYS_GROUP;
    check_equal(asys_enter(bound.context, entries, 3), 3);
    expect(&bound, 3, -EBADF);
    entries[0].flags = entries[1].flags = entries[2].flags = ASYS_QUIET;
    check_equal(asys_enter(bound.context, entries, 3), 3);
    expect(&bound, 2, -EBADF);
    expect_nothing(&bound);
    bound_end(&bound);
}

/* Kernel AIO's requests name an asyncfd as they name an eventfd: it gets the event too. */
static void
of_kernel_aio(void)
{
    struct bound bound = bound_new(4);
    int file = (int)sys_open("/bin/walk", O_RDONLY, 0);
    unsigned id = aio_setup(16);
    static char bytes[8][512];
    struct iocb iocbs[8], *list[8];

    for (unsigned i = 0; i < 8; i++) {
        iocbs[i] = aio_request(IOCB_CMD_PREAD, file, bytes[i], 512, 512 * i);
        iocbs[i].aio_flags = IOCB_FLAG_RESFD;
        iocbs[i].aio_resfd = bound.fd;
        iocbs[i].aio_data = i + 1;
        list[i] = &iocbs[i];
    }
    check_equal(sys_io_submit(id, 8, list), 8);
    for (unsigned i = 0, count = 0; count < 8 && i < 1000; i++) {
        struct asyncfd_result result;
        struct pollfd polled = {bound.fd, POLLIN, 0};
        poll(&polled, 1, 1000);
        while (asyncfd_take(bound.ring, &result)) {
            check(result.cookie >= 1 && result.cookie <= 8 && result.res == 512 && result.res2 == 0);
            check_equal(result.obj, WORD(&iocbs[result.cookie - 1]));
            count++;
        }
        check(count == 8 || i < 999);
    }
    for (unsigned i = 0; i < 8; i++) {
        struct io_event event;
        check_equal(sys_io_getevents(id, 1, 1, &event, NULL), 1);
    }
    iocbs[0].aio_data = 0;
    check_equal(aio_submit(id, &iocbs[0]), -EINVAL);
    iocbs[1].aio_resfd = file;
    check_equal(aio_submit(id, &iocbs[1]), -EINVAL);
    iocbs[1].aio_resfd = 999;
    check_equal(aio_submit(id, &iocbs[1]), -EBADF);
    iocbs[2].aio_buf = WORD(NOWHERE);
    check_equal(aio_submit(id, &iocbs[2]), 1);
    check_equal(sys_io_destroy(id), 0);
    expect(&bound, 3, -EFAULT);
    expect_nothing(&bound);
    sys_close(file);
    bound_end(&bound);
}

/* ---- A context's other ways of telling ---- */

static void
eventfd_is_told(void)
{
    int event = eventfd(0, EFD_NONBLOCK);
    struct asys_setup setup = {.flags = ASYS_SETUP_EVENTFD, .notify_fd = event};
    int context = asys_context(&setup);
    struct asys_event done;
    eventfd_t value = 0;
    int fds[2];
    char byte;

    check(context >= 0);
    check_equal(start(context, SYS_getpid, 0, 0, 0, 1), 1);
    check_equal(start(context, SYS_getpid, 0, 0, 0, 2), 1);
    check_equal(eventfd_read(event, &value), 0);
    check_equal(value, 1); /* when it became non-empty */
    check_equal(asys_collect(context, &done, 1, 1, 0), 1);
    check_equal(asys_collect(context, &done, 1, 1, 0), 1);
    test_pipe(fds);
    check_equal(start(context, SYS_read, fds[0], WORD(&byte), 1, 3), 1);
    check_equal(eventfd_read(event, &value), -1);
    check_equal(sys_write(fds[1], "x", 1), 1);
    check_equal(asys_collect(context, &done, 1, 1, ASYS_FOREVER), 1);
    check_equal(eventfd_read(event, &value), 0);
    check_equal(value, 1);
    test_close_both(fds);
    sys_close(context);
    sys_close(event);
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
        {"under_epoll", under_epoll},
        {"each_other", each_other},
        {"overwritten", overwritten},
        {"read_only", read_only},
        {"across_pages", across_pages},
        {"context_destroyed", context_destroyed},
        {"end_with_everything", end_with_everything},
        {"setups", setups},
        {"groups", groups},
        {"of_kernel_aio", of_kernel_aio},
        {"eventfd_is_told", eventfd_is_told},
        {NULL, NULL},
    };
    return check_run(cases, argc, argv);
}
