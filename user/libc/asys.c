/* <fibril/asys.h> */
#include <errno.h>
#include <fibril/asyncfd.h>
#include <fibril/asys.h>
#include <fibril/kernel_types.h>
#include <sys/mman.h>
#include <time.h>
#include "libc.h"

/* ---- 2007 ---- */

long
asys_submit(struct asys_input *inputs, unsigned long count)
{
    return libc_result(sys_asys_submit(inputs, count));
}

long
asys_await_completion(struct asys_completion *completion)
{
    return libc_result(sys_asys_await_completion(completion));
}

/* ---- Contexts and arrays ---- */

int
asys_context(struct asys_setup *setup)
{
    return (int)sys_asys_context(setup);
}

long
asys_enter(int context, struct asys_entry *entries, unsigned long count)
{
    return sys_asys_enter(context, entries, count);
}

long
asys_collect(int context, struct asys_event *events, unsigned least, unsigned most,
             uint64_t timeout)
{
    struct asys_wait wait = {.timeout = timeout, .least = least, .most = most};
    return sys_asys_collect(context, events, &wait);
}

long
asys_collect_wait(int context, struct asys_event *events, const struct asys_wait *wait)
{
    return sys_asys_collect(context, events, wait);
}

long
asys_cancel_call(int context, uint64_t id)
{
    return sys_asys_cancel(context, ASYS_CANCEL_ID, (uint32_t)id, (uint32_t)(id >> 32));
}

long
asys_cancel_context(int context)
{
    return sys_asys_cancel(context, ASYS_CANCEL_CONTEXT, 0, 0);
}

long
asys_cancel_all(void)
{
    return sys_asys_cancel(-1, ASYS_CANCEL_ALL, 0, 0);
}

uint64_t
asys_deadline(uint64_t nanoseconds)
{
    struct kernel_timespec now = {0, 0};
    sys_clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.seconds * 1000000000u + (uint64_t)now.nanoseconds + nanoseconds;
}

struct asys_entry *
asys_within(struct asys_entry *entry, uint64_t nanoseconds)
{
    entry->deadline = asys_deadline(nanoseconds);
    return entry;
}

/* ---- Queues ---- */

int
asys_open_setup(struct asys *queue, struct asys_setup *setup)
{
    setup->flags |= ASYS_SETUP_RINGS;
    int fd = asys_context(setup);
    if (fd < 0)
        return fd;
    volatile struct asys_ring *ring = (struct asys_ring *)setup->ring_address;
    unsigned end = ring->completion_offset + setup->completions * sizeof(struct asys_event);
    *queue = (struct asys){
        .fd = fd,
        .submissions = setup->submissions,
        .completions = setup->completions,
        .ring = ring,
        .entries = (struct asys_entry *)(setup->ring_address + ring->submission_offset),
        .events = (struct asys_event *)(setup->ring_address + ring->completion_offset),
        .bytes = (end + 4095) & ~4095u,
    };
    return 0;
}

int
asys_open(struct asys *queue, unsigned entries)
{
    struct asys_setup setup = {.submissions = entries, .completions = 2 * entries};
    return asys_open_setup(queue, &setup);
}

void
asys_close(struct asys *queue)
{
    sys_close(queue->fd);
    sys_munmap((unsigned long)queue->ring, queue->bytes);
}

static int
is_full(const struct asys *queue)
{
    return queue->tail - queue->ring->submission_head == queue->submissions;
}

/* Starts what stands before the chain or group that is being written: it is to be taken as a
 * whole. */
static void
make_room(struct asys *queue)
{
    unsigned end = queue->tail, head = queue->ring->submission_head;
    while (end != head &&
           queue->entries[(end - 1) & (queue->submissions - 1)].flags & (ASYS_LINK | ASYS_GROUP))
        end--;
    queue->ring->submission_tail = end;
    asys_collect(queue->fd, NULL, 0, 0, 0);
}

struct asys_entry *
asys_next(struct asys *queue)
{
    if (is_full(queue)) {
        make_room(queue);
        if (is_full(queue))
            return NULL;
    }
    struct asys_entry *entry = &queue->entries[queue->tail++ & (queue->submissions - 1)];
    *entry = (struct asys_entry){0};
    return entry;
}

int
asys_start(struct asys *queue)
{
    asys_publish(queue);
    long result = asys_collect(queue->fd, NULL, 0, 0, 0);
    return result < 0 ? (int)result : 0;
}

long
asys_ready(struct asys *queue, unsigned least, uint64_t timeout)
{
    asys_publish(queue);
    unsigned ready = queue->ring->completion_tail - queue->ring->completion_head;
    if (queue->ring->submission_head == queue->tail && ready >= least)
        return ready;
    return asys_collect(queue->fd, NULL, least, queue->completions, timeout);
}

int
asys_wait(struct asys *queue, struct asys_event *event, uint64_t timeout)
{
    long ready = asys_ready(queue, 1, timeout);
    return ready > 0 ? asys_peek(queue, event) : (int)ready;
}

/* ---- <fibril/asyncfd.h> ---- */

int
asyncfd(int fd, struct asyncfd_uring *ring)
{
    return (int)libc_result(sys_asyncfd(fd, ring));
}
