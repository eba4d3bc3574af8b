/* Waiting: a fibril sleeps on a queue until a condition holds.
 *
 * The condition is part of the sleep, so no wake-up can fall between the test and the sleep:
 *
 *     error = wait_event_killable(&queue, condition);
 *
 * The condition is evaluated with the fibril already marked as sleeping: it must not sleep and
 * must not touch user memory. The wait entry lies on the sleeper's stack and is unlinked by the
 * sleeper before it leaves, whoever woke it; wakers touch it only with interrupts off. Any
 * context may wake.
 *
 *   wait_event               until the condition holds. Only for waits with a stated bound.
 *   wait_event_killable      0; -EINTR (or -ECANCELED, -ETIME: the reason of the cancellation) when
 *                            the fibril is cancelled or its process gets a fatal signal
 *   wait_event_interruptible as killable; for user fibrils also -ERESTARTSYS when a signal is to be
 *                            handled (a handler that must not be restarted makes it -EINTR)
 *   *_until                  also -ETIMEDOUT once time_now_ns() reaches `deadline_ns` (0: never)
 *   *_shared                 as above, for a queue whose wake-ups are for one waiter each
 *
 * wake_up_one() is for what only one waiter can have (bytes, a counter). Whoever has slept for
 * it and leaves some behind, whether it took any or not, wakes the next one. Entries that are
 * *shared* are woken beside that one: those of poll and its kin, who only look, and sleeps that
 * may not take what they see. */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include "arch.h"
#include "kernel/errno.h"
#include "kernel/list.h"
#include "kernel/types.h"

struct fibril;

struct wait_queue {
    struct list entries; /* shared ones first; interrupts off */
    const char *name;    /* the wait channel shown in /proc/fibrils */
};
#define WAIT_QUEUE_INIT(queue, channel) {.entries = LIST_INIT((queue).entries), .name = channel}

struct wait_entry {
    struct list link;
    struct fibril *fibril;
    bool shared;
    /* What a wake-up does; NULL wakes the fibril. Runs with interrupts off, in any context. `key`
     * is the waker's (poll events), ~0 for all. True: somebody sleeps no longer. */
    bool (*wake)(struct wait_entry *entry, u32 key);
};

static inline void
wait_queue_init(struct wait_queue *queue, const char *name)
{
    list_init(&queue->entries);
    queue->name = name;
}

void wake_up_all_key(struct wait_queue *queue, u32 key);
static inline void
wake_up_all(struct wait_queue *queue)
{
    if (!list_empty(&queue->entries))
        wake_up_all_key(queue, ~0u);
}
/* The shared entries, and of the others the longest sleeping: was there one? */
bool wake_up_one_key(struct wait_queue *queue, u32 key);
static inline bool
wake_up_one(struct wait_queue *queue)
{
    return !list_empty(&queue->entries) && wake_up_one_key(queue, ~0u);
}
/* The queue goes: entries that others have put in (never sleepers) are in no queue any more. */
void wait_queue_end(struct wait_queue *queue);

/* For poll-like waiting on several queues: link and unlink by hand. */
void wait_entry_add(struct wait_queue *queue, struct wait_entry *entry);
void wait_entry_remove(struct wait_entry *entry);

enum wait_kind { WAIT_UNCANCELLABLE, WAIT_KILLABLE, WAIT_INTERRUPTIBLE };

/* The three steps that the macros below are made of (kernel/wait.c). */
void wait_prepare(const char *channel);                     /* from now on a wake-up counts */
int wait_sleep(enum wait_kind kind, u64 deadline_ns); /* 0: woken, test again; or why not */
void wait_finish(void);

#define WAIT_LOOP_AS(queue, condition, kind, deadline_ns, is_shared)                               \
    ({                                                                                             \
        int wait_error = 0;                                                                        \
        u64 wait_deadline = (deadline_ns);                                                         \
        if (!(condition)) {                                                                        \
            struct wait_entry wait_entry = {.shared = is_shared};                                  \
            wait_entry_add(queue, &wait_entry);                                                    \
            for (;;) {                                                                             \
                wait_prepare((queue)->name);                                                       \
                if (condition) {                                                                   \
                    wait_error = 0;                                                                \
                    break;                                                                         \
                }                                                                                  \
                if (wait_error)                                                                    \
                    break;                                                                         \
                wait_error = wait_sleep(kind, wait_deadline);                                      \
            }                                                                                      \
            wait_finish();                                                                         \
            wait_entry_remove(&wait_entry);                                                        \
        }                                                                                          \
        wait_error;                                                                                \
    })
#define WAIT_LOOP(queue, condition, kind, deadline_ns)                                             \
    WAIT_LOOP_AS(queue, condition, kind, deadline_ns, false)

#define wait_event(queue, condition) ((void)WAIT_LOOP(queue, condition, WAIT_UNCANCELLABLE, 0))
#define wait_event_until(queue, condition, deadline_ns)                                            \
    WAIT_LOOP(queue, condition, WAIT_UNCANCELLABLE, deadline_ns)
#define wait_event_killable(queue, condition) WAIT_LOOP(queue, condition, WAIT_KILLABLE, 0)
#define wait_event_killable_until(queue, condition, deadline_ns)                                   \
    WAIT_LOOP(queue, condition, WAIT_KILLABLE, deadline_ns)
#define wait_event_interruptible(queue, condition)                                                 \
    WAIT_LOOP(queue, condition, WAIT_INTERRUPTIBLE, 0)
#define wait_event_interruptible_until(queue, condition, deadline_ns)                              \
    WAIT_LOOP(queue, condition, WAIT_INTERRUPTIBLE, deadline_ns)
#define wait_event_interruptible_shared(queue, condition)                                          \
    WAIT_LOOP_AS(queue, condition, WAIT_INTERRUPTIBLE, 0, true)

#endif
