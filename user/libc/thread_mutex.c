/* Mutexes, condition variables and spin locks. */
#include <limits.h>
#include <sched.h>
#include <fibril/calls.h>
#include "thread.h"

/* linux/futex.h */
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_PRIVATE 128

/* ---- Mutexes ---- */

int
pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    *mutex = (pthread_mutex_t){.word = 0};
    if (attributes) {
        mutex->kind = attributes->kind;
        mutex->shared = attributes->shared;
    }
    return 0;
}

int
pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    return mutex->word ? EBUSY : 0;
}

/* Of those that know their owner: does it lock again? -1: it is another's, or nobody's. */
static int
mutex_again(pthread_mutex_t *mutex, int error)
{
    if (mutex->owner != thread_self()->context.tid)
        return -1;
    if (mutex->kind == PTHREAD_MUTEX_ERRORCHECK)
        return error;
    if (mutex->depth == UINT_MAX)
        return EAGAIN;
    mutex->depth++;
    return 0;
}

static int
mutex_lock_until(pthread_mutex_t *mutex, const struct timespec *deadline)
{
    int error = 0;

    if (mutex->kind != PTHREAD_MUTEX_NORMAL && (error = mutex_again(mutex, EDEADLK)) >= 0)
        return error;
    error = thread_lock_try(&mutex->word)
                ? 0
                : thread_lock_slow(&mutex->word, mutex->shared, CLOCK_REALTIME, deadline);
    if (error)
        return error;
    mutex->owner = thread_self()->context.tid;
    mutex->depth = 1;
    return 0;
}

int
pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return mutex_lock_until(mutex, NULL);
}

int
pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline)
{
    return mutex_lock_until(mutex, deadline);
}

int
pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    int error;

    if (mutex->kind != PTHREAD_MUTEX_NORMAL && (error = mutex_again(mutex, EBUSY)) >= 0)
        return error;
    if (!thread_lock_try(&mutex->word))
        return EBUSY;
    mutex->owner = thread_self()->context.tid;
    mutex->depth = 1;
    return 0;
}

int
pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    bool shared = mutex->shared;

    if (mutex->kind != PTHREAD_MUTEX_NORMAL && mutex->owner != thread_self()->context.tid)
        return EPERM;
    if (mutex->depth > 1) {
        mutex->depth--;
        return 0;
    }
    mutex->owner = 0;
    thread_unlock_shared(&mutex->word, shared);
    return 0;
}

/* ---- Condition variables ----
 *
 * A waiter notes the sequence number while it holds the mutex and sleeps as long as the number stays. A
 * broadcast moves all but one of them to the mutex's own queue, where one after the other will get it. */

int
pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    *condition = (pthread_cond_t){.sequence = 0};
    if (attributes) {
        condition->shared = attributes->shared;
        condition->clock = attributes->clock;
    }
    return 0;
}

int
pthread_cond_destroy(pthread_cond_t *condition)
{
    return condition->waiters ? EBUSY : 0;
}

static int
cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline)
{
    unsigned depth = mutex->depth;
    int sequence = condition->sequence;

    if (deadline && (deadline->tv_nsec < 0 || deadline->tv_nsec >= 1000000000))
        return EINVAL;
    __sync_fetch_and_add(&condition->waiters, 1);
    condition->mutex = mutex;
    mutex->depth = 1;
    pthread_mutex_unlock(mutex);
    int error = thread_word_wait((int *)&condition->sequence, sequence, condition->shared,
                                 condition->clock, deadline);
    /* Others may have been moved to the mutex with this one: it is taken as one that is waited for. */
    thread_lock_slow(&mutex->word, mutex->shared, 0, NULL);
    mutex->owner = thread_self()->context.tid;
    mutex->depth = depth;
    __sync_fetch_and_sub(&condition->waiters, 1);
    return error == ETIMEDOUT ? ETIMEDOUT : 0;
}

int
pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    return cond_wait(condition, mutex, NULL);
}

int
pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                       const struct timespec *deadline)
{
    return cond_wait(condition, mutex, deadline);
}

int
pthread_cond_signal(pthread_cond_t *condition)
{
    if (!condition->waiters)
        return 0;
    __sync_fetch_and_add(&condition->sequence, 1);
    thread_word_wake((int *)&condition->sequence, 1, condition->shared);
    return 0;
}

int
pthread_cond_broadcast(pthread_cond_t *condition)
{
    if (!condition->waiters)
        return 0;
    pthread_mutex_t *mutex = condition->mutex;
    unsigned sequence = __sync_add_and_fetch(&condition->sequence, 1);
    long result = -EAGAIN;
    if (!condition->shared && !mutex->shared)
        result = sys_futex((unsigned long)&condition->sequence, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE, 1,
                           INT_MAX, (unsigned long)&mutex->word, sequence);
    if (result < 0)
        thread_word_wake((int *)&condition->sequence, INT_MAX, condition->shared);
    return 0;
}

/* ---- Spin locks: there is one processor, so whoever finds one taken lets others run ---- */

int
pthread_spin_init(pthread_spinlock_t *spin, int shared)
{
    (void)shared;
    *spin = 0;
    return 0;
}

int
pthread_spin_destroy(pthread_spinlock_t *spin)
{
    (void)spin;
    return 0;
}

int
pthread_spin_trylock(pthread_spinlock_t *spin)
{
    return thread_lock_try(spin) ? 0 : EBUSY;
}

int
pthread_spin_lock(pthread_spinlock_t *spin)
{
    while (!thread_lock_try(spin))
        sched_yield();
    return 0;
}

int
pthread_spin_unlock(pthread_spinlock_t *spin)
{
    __atomic_store_n(spin, 0, __ATOMIC_RELEASE);
    return 0;
}
