/* Waiting on words of memory: see thread.h. */
#include <limits.h>
#include <fibril/calls.h>
#include <fibril/kernel_types.h>
#include "thread.h"

/* linux/futex.h */
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE 1
#define FUTEX_PRIVATE 128
#define FUTEX_CLOCK_REALTIME 256
#define ANY 0xffffffffu

int
thread_word_wait(volatile int *word, int value, bool shared, clockid_t clock,
                 const struct timespec *deadline)
{
    struct kernel_timespec64 time;
    int operation = FUTEX_WAIT_BITSET | (shared ? 0 : FUTEX_PRIVATE) |
                    (clock == CLOCK_REALTIME ? FUTEX_CLOCK_REALTIME : 0);

    if (deadline && (deadline->tv_nsec < 0 || deadline->tv_nsec >= 1000000000))
        return EINVAL;
    if (deadline && deadline->tv_sec < 0)
        return ETIMEDOUT;
    if (deadline)
        time = (struct kernel_timespec64){deadline->tv_sec, deadline->tv_nsec, 0};
    return -sys_futex_time64((unsigned long)word, operation, value,
                             deadline ? (unsigned long)&time : 0, 0, ANY);
}

void
thread_word_wake(volatile int *word, int count, bool shared)
{
    sys_futex_time64((unsigned long)word, FUTEX_WAKE | (shared ? 0 : FUTEX_PRIVATE), count, 0, 0, 0);
}

/* From the second look on the lock is marked as waited for, by whoever gets it too, for there may be
 * others. */
int
thread_lock_slow(volatile int *word, bool shared, clockid_t clock, const struct timespec *deadline)
{
    while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0) {
        int error = thread_word_wait(word, 2, shared, clock, deadline);
        if (error == ETIMEDOUT || error == EINVAL)
            return error;
    }
    return 0;
}
