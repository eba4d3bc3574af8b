/* A sleeping lock owned by a fibril: first come, first served; asserted not to be taken twice by one
 * fibril and to be given back by its owner. Killable: a cancelled waiter gets -EINTR (or the reason
 * of its cancellation) and does not hold the lock. */
#ifndef KERNEL_MUTEX_H
#define KERNEL_MUTEX_H

#include "kernel/wait.h"

struct mutex {
    struct fibril *owner; /* interrupts off */
    struct wait_queue waiters;
    struct mutex *held_next; /* kernel/lock_order.c */
};
#define MUTEX_INIT(mutex, channel) {.waiters = WAIT_QUEUE_INIT((mutex).waiters, channel)}

void mutex_init(struct mutex *mutex, const char *name);
int mutex_lock(struct mutex *mutex) MUST_CHECK; /* 0 or why the fibril was cancelled; may sleep */
bool mutex_try_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
bool mutex_held(const struct mutex *mutex); /* by the running fibril */

#endif
