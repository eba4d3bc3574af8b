/* Futexes: sleeping on a word of user memory, and waking those who do (futex(2)). Called by the
 * futex calls and at the end of a task.
 *
 * A word in private memory is known by its address space and address, one in shared memory by its page.
 * Left out: priority inheritance. */
#ifndef KERNEL_FUTEX_H
#define KERNEL_FUTEX_H

#include "kernel/types.h"

struct task;

#define FUTEX_ANY 0xffffffffu /* a bit set that matches all */

/* `private`: the caller says that the word is not shared, which saves a look at the mapping. Addresses
 * are user addresses; -EINVAL if they are not aligned, -EFAULT if nothing is there. */

/* Sleeps until woken, if the word is `value` (else -EAGAIN). deadline: 0, or -ETIMEDOUT then. Returns
 * 0, -ERESTARTSYS, or why the fibril was cancelled. */
int futex_wait(uintptr_t address, bool private, u32 value, u32 bits, u64 deadline);
/* Wakes up to `count` sleepers with a common bit (but at least one, as Linux does): how many. */
long futex_wake(uintptr_t address, bool private, s32 count, u32 bits);

struct futex_move {
    uintptr_t from, to;
    bool private;
    s32 wake, move;     /* so many are woken, so many others sleep on at `to` */
    const u32 *expected; /* NULL, or what the word at `from` must be (-EAGAIN) */
};
long futex_requeue(const struct futex_move *move); /* how many of both */

/* FUTEX_WAKE_OP: changes the word at `to` and compares what it was, as the bits of `operation` say; wakes
 * those at `from`, and those at `to` if the comparison holds. `expected` is not looked at. */
long futex_wake_operation(const struct futex_move *move, u32 operation);

/* The running task leaves its memory (its end, exec): the locks of its robust list that it holds are
 * marked, its tid is cleared, and one waiter for each is woken. Bounded; what is bad is left out. */
void futex_leave_memory(struct task *task);

#endif
