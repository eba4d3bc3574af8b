/* What is built on mutexes and condition variables or directly on words: reader-writer locks, barriers,
 * semaphores, once. */
#include <limits.h>
#include <semaphore.h>
#include "thread.h"

/* ---- Reader-writer locks: writers go first, so that readers cannot shut them out ---- */

int
pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attributes)
{
    *lock = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
    if (attributes)
        lock->mutex.shared = lock->readers.shared = lock->writers.shared = attributes->shared;
    return 0;
}

int
pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    return lock->active ? EBUSY : 0;
}

static bool
may_read(const pthread_rwlock_t *lock)
{
    return lock->active >= 0 && lock->writers_waiting == 0;
}

static int
read_lock(pthread_rwlock_t *lock, bool wait, const struct timespec *deadline)
{
    int error = 0;

    pthread_mutex_lock(&lock->mutex);
    while (!may_read(lock) && wait && !error)
        error = deadline ? pthread_cond_timedwait(&lock->readers, &lock->mutex, deadline)
                         : pthread_cond_wait(&lock->readers, &lock->mutex);
    if (may_read(lock)) {
        lock->active++;
        error = 0;
    } else if (!error) {
        error = EBUSY;
    }
    pthread_mutex_unlock(&lock->mutex);
    return error;
}

static int
write_lock(pthread_rwlock_t *lock, bool wait, const struct timespec *deadline)
{
    int error = 0;

    pthread_mutex_lock(&lock->mutex);
    lock->writers_waiting++;
    while (lock->active != 0 && wait && !error)
        error = deadline ? pthread_cond_timedwait(&lock->writers, &lock->mutex, deadline)
                         : pthread_cond_wait(&lock->writers, &lock->mutex);
    lock->writers_waiting--;
    if (lock->active == 0) {
        lock->active = -1;
        error = 0;
    } else if (!error) {
        error = EBUSY;
    }
    if (error && lock->active >= 0 && lock->writers_waiting == 0)
        pthread_cond_broadcast(&lock->readers);
    pthread_mutex_unlock(&lock->mutex);
    return error;
}

int
pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    return read_lock(lock, true, NULL);
}

int
pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *deadline)
{
    return read_lock(lock, true, deadline);
}

int
pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    return read_lock(lock, false, NULL);
}

int
pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    return write_lock(lock, true, NULL);
}

int
pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *deadline)
{
    return write_lock(lock, true, deadline);
}

int
pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    return write_lock(lock, false, NULL);
}

int
pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    pthread_mutex_lock(&lock->mutex);
    if (lock->active > 0)
        lock->active--;
    else
        lock->active = 0;
    if (lock->active == 0 && lock->writers_waiting)
        pthread_cond_signal(&lock->writers);
    else if (!lock->writers_waiting)
        pthread_cond_broadcast(&lock->readers);
    pthread_mutex_unlock(&lock->mutex);
    return 0;
}

/* ---- Barriers ---- */

int
pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attributes,
                     unsigned count)
{
    if (count == 0)
        return EINVAL;
    *barrier = (pthread_barrier_t){.count = count};
    if (attributes)
        barrier->mutex.shared = barrier->full.shared = attributes->shared;
    return 0;
}

int
pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    return barrier->arrived ? EBUSY : 0;
}

int
pthread_barrier_wait(pthread_barrier_t *barrier)
{
    bool last;

    pthread_mutex_lock(&barrier->mutex);
    unsigned round = barrier->round;
    last = ++barrier->arrived == barrier->count;
    if (last) {
        barrier->arrived = 0;
        barrier->round++;
        pthread_cond_broadcast(&barrier->full);
    }
    while (round == barrier->round)
        pthread_cond_wait(&barrier->full, &barrier->mutex);
    pthread_mutex_unlock(&barrier->mutex);
    return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

/* ---- Semaphores ---- */

int
sem_init(sem_t *semaphore, int shared, unsigned value)
{
    if (value > SEM_VALUE_MAX)
        return libc_result(-EINVAL);
    *semaphore = (sem_t){.value = (int)value, .shared = shared != 0};
    return 0;
}

int
sem_destroy(sem_t *semaphore)
{
    (void)semaphore;
    return 0;
}

static bool
sem_take(sem_t *semaphore)
{
    int value = semaphore->value;

    while (value > 0)
        if (__atomic_compare_exchange_n(&semaphore->value, &value, value - 1, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    return false;
}

int
sem_trywait(sem_t *semaphore)
{
    return sem_take(semaphore) ? 0 : libc_result(-EAGAIN);
}

int
sem_timedwait(sem_t *semaphore, const struct timespec *deadline)
{
    int error = 0;

    __sync_fetch_and_add(&semaphore->waiters, 1);
    while (!sem_take(semaphore) && !error) {
        error = thread_word_wait(&semaphore->value, 0, semaphore->shared, CLOCK_REALTIME, deadline);
        if (error == EAGAIN)
            error = 0;
    }
    __sync_fetch_and_sub(&semaphore->waiters, 1);
    return error ? libc_result(-error) : 0;
}

int
sem_wait(sem_t *semaphore)
{
    return sem_timedwait(semaphore, NULL);
}

int
sem_post(sem_t *semaphore)
{
    bool shared = semaphore->shared;

    if (semaphore->value == SEM_VALUE_MAX)
        return libc_result(-EOVERFLOW);
    __sync_fetch_and_add(&semaphore->value, 1);
    if (semaphore->waiters)
        thread_word_wake(&semaphore->value, 1, shared);
    return 0;
}

int
sem_getvalue(sem_t *semaphore, int *value)
{
    *value = semaphore->value;
    return 0;
}

/* ---- Once ---- */

enum { ONCE_NEW, ONCE_RUNNING, ONCE_DONE };

int
pthread_once(pthread_once_t *once, void (*function)(void))
{
    volatile int *word = once;

    if (__sync_bool_compare_and_swap(word, ONCE_NEW, ONCE_RUNNING)) {
        function();
        __atomic_store_n(word, ONCE_DONE, __ATOMIC_RELEASE);
        thread_word_wake(word, INT_MAX, false);
    }
    while (*word != ONCE_DONE)
        thread_word_wait(word, ONCE_RUNNING, false, 0, NULL);
    return 0;
}
