/* Asynchronous system calls: any call of <sys/syscall.h> can be started, and its result collected
 * later. The call runs in this very task, on a kernel stack of its own: the same pid, descriptors
 * and memory. What is refused is what acts on the caller's own registers or signal mask: fork,
 * execve, exit and their like end with -EINVAL. asys(7) begins the manual.
 *
 *     struct asys queue;                                   reading, without waiting for it:
 *     asys_open(&queue, 64);
 *     asys_add(&queue, SYS_read, fd, buffer, size)->cookie = 1;
 *     asys_wait(&queue, &event, ASYS_FOREVER);
 *     write(1, buffer, event.result);
 *
 * Functions give a negative error number, or what is said; they don't touch errno, but for the two
 * of 2007. Buffers, paths and structures that a call points to must live until its completion. */
#ifndef FIBRIL_ASYS_H
#define FIBRIL_ASYS_H

#include <fibril/asys_abi.h>
#include <fibril/calls.h>
#include <stddef.h>

/* ---- A queue: a context with rings. ----
 * One thread at a time may use it; fork's child may not. */

struct asys {
    int fd; /* for poll, epoll; or an asys_wait of another queue */
    unsigned submissions, completions;
    volatile struct asys_ring *ring;
    struct asys_entry *entries;
    struct asys_event *events;
    unsigned tail; /* entries handed out by asys_next; the kernel sees them after asys_start */
    unsigned bytes;
};

/* At least so many submissions and twice as many completions without a system call. 0. */
int asys_open(struct asys *queue, unsigned entries);
/* The same with all that an asys_setup can say (ASYS_SETUP_RINGS is understood). 0. */
int asys_open_setup(struct asys *queue, struct asys_setup *setup);
/* Cancels what is in progress. */
void asys_close(struct asys *queue);

/* The next free entry, all zero. When the ring is full, those in it are started first, but for a
 * chain or group that is not complete. NULL: a limit of calls in progress is reached, or the chain
 * is longer than the ring. */
struct asys_entry *asys_next(struct asys *queue);

/* Both in one: asys_add(&queue, SYS_read, fd, buffer, size)->cookie = 1; */
#define asys_add(queue, ...) asys_call(asys_next(queue), __VA_ARGS__)

/* Fills the call in: asys_call(entry, SYS_read, fd, buffer, size). Returns the entry. An argument
 * of 64 bits goes as ASYS_64(offset); asys_result(n) stands for the result of the entry of this
 * chain that lies n places back. */
#define asys_call(entry, ...) ASYS_CALL_(entry, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define ASYS_64(value) (uint32_t)(value), (uint32_t)((uint64_t)(value) >> 32)
#define asys_result(places_back) ((struct asys_result_ *)(uintptr_t)(places_back))

#define ASYS_CALL_(entry, number, a, b, c, d, e, f, ...)                                           \
    asys_fill(entry, number,                                                                       \
              ASYS_SOURCE_(a, 0) | ASYS_SOURCE_(b, 1) | ASYS_SOURCE_(c, 2) | ASYS_SOURCE_(d, 3) |  \
                  ASYS_SOURCE_(e, 4) | ASYS_SOURCE_(f, 5),                                         \
              (const uint32_t[6]){ASYS_WORD_(a), ASYS_WORD_(b), ASYS_WORD_(c), ASYS_WORD_(d),      \
                                  ASYS_WORD_(e), ASYS_WORD_(f)})
#define ASYS_SOURCE_(a, i) _Generic((a), struct asys_result_ *: 1u << (i), default: 0u)
#define ASYS_WORD_(a)                                                                              \
    ((uint32_t)(a) + 0 * sizeof(struct {                                                           \
        _Static_assert(sizeof(1 ? (a) : (a)) <= 4, "an argument of 64 bits: ASYS_64(...)");        \
        char unused;                                                                               \
    }))
static inline struct asys_entry *
asys_fill(struct asys_entry *entry, int number, unsigned sources, const uint32_t words[6])
{
    if (!entry)
        return NULL;
    entry->number = (uint16_t)((unsigned)number < 0xffff ? number : 0xffff);
    for (int i = 0; i < 6; i++) {
        entry->argument[i] = words[i];
        entry->source[i] = sources >> i & 1 ? (uint8_t)words[i] : 0;
    }
    return entry;
}

/* Further wishes; each returns the entry. What else there is is a field: entry->cookie. */
static inline struct asys_entry *
asys_flag(struct asys_entry *entry, unsigned flags)
{
    entry->flags |= (uint16_t)flags;
    return entry;
}
static inline struct asys_entry *
asys_tag(struct asys_entry *entry, const void *pointer) /* as the cookie */
{
    entry->cookie = (uintptr_t)pointer;
    return entry;
}
static inline void *
asys_pointer(const struct asys_event *event)
{
    return (void *)(uintptr_t)event->cookie;
}
/* -ETIME, unless the call has ended so many nanoseconds from now. */
struct asys_entry *asys_within(struct asys_entry *entry, uint64_t nanoseconds);

/* Hands the entries over: without a system call, at the next return to user mode of this thread or
 * another of the process, or at once. After that entry->id of one with ASYS_WANT_ID is its id,
 * until the entry is used again. */
static inline void
asys_publish(struct asys *queue)
{
    __asm__ volatile("" ::: "memory");
    queue->ring->submission_tail = queue->tail;
}
int asys_start(struct asys *queue);

/* The next completion, without a system call: 1 and *event, or 0. */
static inline int
asys_peek(struct asys *queue, struct asys_event *event)
{
    uint32_t head = queue->ring->completion_head;
    if (head == queue->ring->completion_tail)
        return 0;
    __asm__ volatile("" ::: "memory");
    *event = queue->events[head & (queue->completions - 1)];
    __asm__ volatile("" ::: "memory");
    queue->ring->completion_head = head + 1;
    return 1;
}
/* Starts what was handed out and waits for a completion: 1; 0 after `timeout` ns (ASYS_FOREVER);
 * -EDEADLK: nothing is in progress; -EINTR. */
int asys_wait(struct asys *queue, struct asys_event *event, uint64_t timeout);
/* The same for `least` completions, which asys_peek then takes: how many are there (fewer when no
 * more will come, or after the time), at most as many as the ring holds. */
long asys_ready(struct asys *queue, unsigned least, uint64_t timeout);
#define ASYS_FOREVER (~0ull)

/* ---- Arrays instead of rings; context -1 is the thread's own ---- */

int asys_context(struct asys_setup *setup); /* NULL: as simple as can be; the descriptor */
/* How many were taken: what is wrong with one that was taken is its completion's result. */
long asys_enter(int context, struct asys_entry *entries, unsigned long count);
/* At least `least` (fewer when no more will come or the time is over), at most `most`; how many. */
long asys_collect(int context, struct asys_event *events, unsigned least, unsigned most,
                  uint64_t timeout);
/* The same with all that an asys_wait can say: a point of time, a signal mask. */
long asys_collect_wait(int context, struct asys_event *events, const struct asys_wait *wait);

/* How many were cancelled, which then end with -ECANCELED or what they had reached. */
long asys_cancel_call(int context, uint64_t id); /* started with ASYS_WANT_ID; -ENOENT: has ended */
long asys_cancel_context(int context);
long asys_cancel_all(void); /* what this thread has started anywhere */

/* CLOCK_MONOTONIC now + so many nanoseconds, for entry->deadline. */
uint64_t asys_deadline(uint64_t nanoseconds);

/* ---- As published in January 2007, on the thread's own context: -1 and errno on error ---- */

/* Starts the calls in order; one that does not block has completed when this returns. How many were
 * taken; EAGAIN at the limit of calls in progress, EFAULT. */
long asys_submit(struct asys_input *inputs, unsigned long count);

/* Waits for the next completion, in the order of finishing: 1. EDEADLK: nothing is in progress. */
long asys_await_completion(struct asys_completion *completion);

#endif
