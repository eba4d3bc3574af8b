/* What the tests of asyncfd share: an asyncfd with its ring and a context that delivers there. */
#ifndef TESTS_ASYNCFD_TEST_H
#define TESTS_ASYNCFD_TEST_H

#include <fibril/asyncfd.h>
#include <poll.h>
#include "test.h"

/* An asyncfd with a ring in pages of its own, and a context bound to it. */
struct bound {
    int fd, context;
    unsigned size;
    struct asyncfd_uring *ring;
    struct asyncfd_result *results; /* in the page behind the ring's */
    unsigned long bytes;
};

static TEST_UNUSED int
context_for(int fd, unsigned flags)
{
    struct asys_setup setup = {.flags = ASYS_SETUP_ASYNCFD | flags, .notify_fd = fd};

    return asys_context(&setup);
}

static TEST_UNUSED void
ring_make(struct bound *bound, unsigned size)
{
    bound->size = size;
    bound->bytes = PAGE + (size * sizeof(struct asyncfd_result) + PAGE - 1) / PAGE * PAGE;
    bound->ring = test_map(bound->bytes);
    bound->results = (struct asyncfd_result *)((char *)bound->ring + PAGE);
    *bound->ring = (struct asyncfd_uring){.ptr = WORD(bound->results), .size = size};
}

static TEST_UNUSED struct bound
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

static TEST_UNUSED void
bound_end(struct bound *bound)
{
    sys_close(bound->context);
    sys_close(bound->fd);
    munmap(bound->ring, bound->bytes);
}

static TEST_UNUSED struct asys_entry
entry_of(int number, unsigned long a, unsigned long b, unsigned long c, uint64_t cookie)
{
    return (struct asys_entry){
        .number = (uint16_t)number, .cookie = cookie, .argument = {a, b, c}};
}

static TEST_UNUSED long
start(int context, int number, unsigned long a, unsigned long b, unsigned long c, uint64_t cookie)
{
    struct asys_entry entry = entry_of(number, a, b, c, cookie);

    return asys_enter(context, &entry, 1);
}

static TEST_UNUSED struct kernel_timespec short_nap = {0, 2000000}, long_nap = {1000, 0};

/* Calls that end at once, with these cookies. */
static TEST_UNUSED void
results_come(struct bound *bound, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++)
        check_equal(start(bound->context, SYS_getpid, 0, 0, 0, i), 1);
}

static TEST_UNUSED short
events_of(int fd)
{
    struct pollfd polled = {fd, POLLIN | POLLOUT, 0};

    check(poll(&polled, 1, 0) >= 0);
    return polled.revents;
}

static TEST_UNUSED void
expect(struct bound *bound, uint64_t cookie, long long res)
{
    struct asyncfd_result result = {.cookie = 0};

    check_equal(asyncfd_take(bound->ring, &result), 1);
    check_equal(result.cookie, cookie);
    check_equal(result.res, res);
    check_equal(result.res2, 0);
}

static TEST_UNUSED void
expect_nothing(struct bound *bound)
{
    struct asyncfd_result result;

    check_equal(asyncfd_take(bound->ring, &result), 0);
    check_equal(events_of(bound->fd), 0);
}

#endif
