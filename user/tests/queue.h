/* For tests of queues (<fibril/asys.h>): one queue, and calls put into it and taken out of it in
 * one line. */
#ifndef TESTS_QUEUE_H
#define TESTS_QUEUE_H

#include "test.h"

static struct kernel_timespec long_nap = {1000, 0};
static struct asys queue;

static TEST_UNUSED void
queue_open(unsigned entries)
{
    check_equal(asys_open(&queue, entries), 0);
}

static TEST_UNUSED struct asys_event
next_event(void)
{
    struct asys_event event = {.cookie = ~0ull, .result = -12345};
    check_equal(asys_wait(&queue, &event, ASYS_FOREVER), 1);
    return event;
}

static TEST_UNUSED void
expect(uint64_t cookie, int result)
{
    struct asys_event event = next_event();
    check_equal(event.cookie, cookie);
    check_equal(event.result, result);
}

/* Nothing is there and nothing will come; the queue is closed. */
static TEST_UNUSED void
queue_end(void)
{
    struct asys_event event;
    check_equal(asys_wait(&queue, &event, ASYS_FOREVER), -EDEADLK);
    check_equal(queue.ring->waiting, 0);
    asys_close(&queue);
}

static TEST_UNUSED struct asys_entry *
add_nap(uint64_t cookie)
{
    struct asys_entry *entry = asys_add(&queue, SYS_nanosleep, &long_nap, NULL);
    entry->cookie = cookie;
    return entry;
}

static TEST_UNUSED struct asys_entry *
add_getpid(uint64_t cookie)
{
    struct asys_entry *entry = asys_add(&queue, SYS_getpid);
    entry->cookie = cookie;
    return entry;
}

#endif
