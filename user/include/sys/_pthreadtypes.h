/* Types of <pthread.h>, in newlib's place. All zeros is every object's initial state. */
#ifndef _SYS__PTHREADTYPES_H_
#define _SYS__PTHREADTYPES_H_

#include <sys/_types.h>

typedef struct __pthread *pthread_t;
typedef unsigned pthread_key_t;

typedef struct {
    void *stack; /* lowest byte; NULL: the library's own */
    unsigned stack_size, guard_size; /* 0: the usual ones; guard_set tells a guard of 0 */
    unsigned char detached, guard_set;
    int policy, priority;
} pthread_attr_t;

typedef struct {
    unsigned char kind, shared, robust;
} pthread_mutexattr_t;
typedef struct {
    int word;    /* 0 free, 1 held, 2 held and waited for */
    unsigned char kind, shared;
    unsigned depth;
    int owner; /* tid */
} pthread_mutex_t;

typedef struct {
    unsigned char shared;
    int clock;
} pthread_condattr_t;
typedef struct {
    unsigned sequence; /* what waiters sleep on: changed by every wake-up */
    unsigned waiters;
    unsigned char shared;
    int clock; /* of pthread_cond_timedwait; 0: CLOCK_REALTIME */
    pthread_mutex_t *mutex; /* the waiters' */
} pthread_cond_t;

typedef struct {
    unsigned char shared;
} pthread_rwlockattr_t;
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t readers, writers;
    int active; /* readers, or -1: a writer */
    unsigned writers_waiting;
} pthread_rwlock_t;

typedef int pthread_once_t;

typedef struct {
    unsigned char shared;
} pthread_barrierattr_t;
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t full;
    unsigned count, arrived, round;
} pthread_barrier_t;

typedef int pthread_spinlock_t;

#endif
