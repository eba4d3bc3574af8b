/* What the files of the thread library share: a thread's own things, waiting on words (futex). */
#ifndef LIBC_THREAD_H
#define LIBC_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include "libc.h"

/* A thread's lies at the end of its stack's mapping, its thread-local data just below:
 *
 *     mapping  | guard | stack … | thread-local data | struct __pthread |
 *
 * %gs:0 points to it. The first thread's is on the heap. */
struct __pthread {
    struct user_context context; /* first: %gs points here */
    /* The kernel writes it: the tid while the thread runs, 0 when nothing of it runs any more. */
    volatile int running;
    volatile int detached; /* or joined: nobody will ask for it again */
    void *(*function)(void *);
    void *argument;
    void *result;
    char *mapping; /* NULL: the first thread's, or a stack that the program gave */
    size_t mapping_size, guard_size, stack_size;
    char *stack;
    struct __pthread *next; /* in the list of all, or of spare ones */
    struct _reent reent;
    const void *values[PTHREAD_KEYS_MAX];
    char name[16];
};
_Static_assert(offsetof(struct __pthread, context) == 0, "%gs");

static inline struct __pthread *
thread_self(void)
{
    return (struct __pthread *)user_context();
}

/* ---- Words: 32-bit, shared by threads or, with `shared`, by processes ---- */

/* Sleeps if the word has this value, until woken or `deadline` (by `clock`; NULL: none). 0, EAGAIN (it had
 * another value), EINTR, ETIMEDOUT, EINVAL. */
int thread_word_wait(volatile int *word, int value, bool shared, clockid_t clock,
                     const struct timespec *deadline);
void thread_word_wake(volatile int *word, int count, bool shared);

/* The lock that everything here is made of: 0 free, 1 held, 2 held and perhaps waited for. */
int thread_lock_slow(volatile int *word, bool shared, clockid_t clock,
                     const struct timespec *deadline);
static inline bool
thread_lock_try(volatile int *word)
{
    return __sync_bool_compare_and_swap(word, 0, 1);
}
static inline void
thread_lock(volatile int *word)
{
    if (!thread_lock_try(word))
        thread_lock_slow(word, false, 0, NULL);
}
static inline void
thread_unlock_shared(volatile int *word, bool shared)
{
    if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2)
        thread_word_wake(word, 1, shared);
}
static inline void
thread_unlock(volatile int *word)
{
    thread_unlock_shared(word, false);
}

/* ---- Start and end ---- */

/* context.c: thread-local data below a new thread's struct; how many bytes that takes. */
size_t thread_data_size(void);
void thread_data_fill(struct __pthread *thread);
/* thread.c: everything of a new context but its tid; attributes may be NULL. */
void thread_prepare(struct __pthread *thread, const pthread_attr_t *attributes);
void thread_values_destroy(struct __pthread *thread); /* thread_key.c: pthread_setspecific's */

/* thread_clone.asm: a task that runs function(argument) on the stack below `stack`. The tid goes to
 * *parent_tid, and *child_tid is cleared at its end. The tid or a negative error number. */
long thread_clone(unsigned flags, void *stack, volatile int *parent_tid, const void *tls,
                  volatile int *child_tid, void (*function)(void *), void *argument);

/* Around fork: the library's locks are held, so that the child finds them free. */
void thread_before_fork(void);
void thread_in_parent(void);
void thread_in_child(void);

void threadlets_in_child(void); /* threadlet.c: the kernel has forgotten them */
void threadlets_end(void);      /* the running thread ends */

/* lock.c: newlib's own locks */
void libc_locks_take(void);
void libc_locks_give(void);

#endif
