/* Attributes of threads, mutexes and condition variables: only kept here; see where they are used. */
#include "thread.h"

int
pthread_attr_init(pthread_attr_t *a)
{
    *a = (pthread_attr_t){.stack = NULL};
    return 0;
}

int
pthread_attr_destroy(pthread_attr_t *a)
{
    (void)a;
    return 0;
}

int
pthread_attr_setdetachstate(pthread_attr_t *a, int state)
{
    if (state != PTHREAD_CREATE_JOINABLE && state != PTHREAD_CREATE_DETACHED)
        return EINVAL;
    a->detached = state == PTHREAD_CREATE_DETACHED;
    return 0;
}

int
pthread_attr_getdetachstate(const pthread_attr_t *a, int *state)
{
    *state = a->detached ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE;
    return 0;
}

int
pthread_attr_setstacksize(pthread_attr_t *a, size_t size)
{
    if (size < PTHREAD_STACK_MIN)
        return EINVAL;
    a->stack_size = size;
    return 0;
}

int
pthread_attr_getstacksize(const pthread_attr_t *a, size_t *size)
{
    *size = a->stack_size ? a->stack_size : 256u << 10;
    return 0;
}

int
pthread_attr_setstack(pthread_attr_t *a, void *stack, size_t size)
{
    a->stack = stack;
    return pthread_attr_setstacksize(a, size);
}

int
pthread_attr_getstack(const pthread_attr_t *a, void **stack, size_t *size)
{
    *stack = a->stack;
    return pthread_attr_getstacksize(a, size);
}

int
pthread_attr_setguardsize(pthread_attr_t *a, size_t size)
{
    a->guard_size = size;
    a->guard_set = 1;
    return 0;
}

int
pthread_attr_getguardsize(const pthread_attr_t *a, size_t *size)
{
    *size = a->guard_set ? a->guard_size : 4096;
    return 0;
}

int
pthread_getattr_np(pthread_t thread, pthread_attr_t *a)
{
    *a = (pthread_attr_t){.stack = thread->stack,
                          .stack_size = thread->stack_size,
                          .guard_size = thread->guard_size,
                          .guard_set = 1,
                          .detached = thread->detached};
    return 0;
}

int
pthread_mutexattr_init(pthread_mutexattr_t *a)
{
    *a = (pthread_mutexattr_t){0};
    return 0;
}

int
pthread_mutexattr_destroy(pthread_mutexattr_t *a)
{
    (void)a;
    return 0;
}

int
pthread_mutexattr_settype(pthread_mutexattr_t *a, int kind)
{
    if (kind < PTHREAD_MUTEX_NORMAL || kind > PTHREAD_MUTEX_ERRORCHECK)
        return EINVAL;
    a->kind = kind;
    return 0;
}

int
pthread_mutexattr_gettype(const pthread_mutexattr_t *a, int *kind)
{
    *kind = a->kind;
    return 0;
}

int
pthread_mutexattr_setpshared(pthread_mutexattr_t *a, int shared)
{
    a->shared = shared == PTHREAD_PROCESS_SHARED;
    return 0;
}

int
pthread_mutexattr_getpshared(const pthread_mutexattr_t *a, int *shared)
{
    *shared = a->shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE;
    return 0;
}

int
pthread_condattr_init(pthread_condattr_t *a)
{
    *a = (pthread_condattr_t){0};
    return 0;
}

int
pthread_condattr_destroy(pthread_condattr_t *a)
{
    (void)a;
    return 0;
}

int
pthread_condattr_setclock(pthread_condattr_t *a, clockid_t clock)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return EINVAL;
    a->clock = clock;
    return 0;
}

int
pthread_condattr_getclock(const pthread_condattr_t *a, clockid_t *clock)
{
    *clock = a->clock;
    return 0;
}

int
pthread_condattr_setpshared(pthread_condattr_t *a, int shared)
{
    a->shared = shared == PTHREAD_PROCESS_SHARED;
    return 0;
}

int
pthread_rwlockattr_init(pthread_rwlockattr_t *a)
{
    *a = (pthread_rwlockattr_t){0};
    return 0;
}

int
pthread_rwlockattr_destroy(pthread_rwlockattr_t *a)
{
    (void)a;
    return 0;
}
