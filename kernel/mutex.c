/* Mutexes: see mutex.h. The lock is handed over: unlocking gives it to the longest waiter, which may
 * run much later, so nobody can overtake it. */
#include "kernel/mutex.h"
#include "kernel/checks.h"
#include "kernel/fibril.h"

void
mutex_init(struct mutex *mutex, const char *name)
{
    mutex->owner = NULL;
    wait_queue_init(&mutex->waiters, name);
}

bool
mutex_held(const struct mutex *mutex)
{
    return mutex->owner == current_fibril();
}

bool
mutex_try_lock(struct mutex *mutex)
{
    struct fibril *self = current_fibril();
    if (mutex->owner)
        return false;
    mutex->owner = self;
    self->mutexes_held++;
    if (unlikely(checks_enabled))
        lock_order_taken(mutex);
    return true;
}

int
mutex_lock(struct mutex *mutex)
{
    if (unlikely(checks_enabled))
        lock_order_wanted(mutex);
    if (likely(mutex_try_lock(mutex)))
        return 0;
    struct fibril *self = current_fibril();
    ASSERT(mutex->owner != self);
    int error = wait_event_killable(&mutex->waiters, mutex->owner == self);
    if (error)
        return error;
    self->mutexes_held++;
    if (unlikely(checks_enabled))
        lock_order_taken(mutex);
    return 0;
}

void
mutex_unlock(struct mutex *mutex)
{
    struct fibril *self = current_fibril();
    ASSERT(mutex->owner == self);
    if (unlikely(checks_enabled))
        lock_order_given(mutex);
    self->mutexes_held--;
    if (list_empty(&mutex->waiters.entries)) {
        mutex->owner = NULL;
        return;
    }
    struct wait_entry *first = list_first(&mutex->waiters.entries, struct wait_entry, link);
    wait_entry_remove(first);
    mutex->owner = first->fibril;
    fibril_wake(first->fibril);
}
