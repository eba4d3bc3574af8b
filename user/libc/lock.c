/* newlib's locks (sys/lock.h, retargetable locking): the library's static ones and those it makes for
 * each stdio file. A lock is held by a user context, not by a thread: contexts of one thread exclude each
 * other too. */
#include <stdlib.h>
#include <sys/lock.h>
#include "thread.h"

struct __lock {
    volatile int word; /* as thread_lock() has it */
    struct user_context *owner;
    unsigned depth; /* of a recursive one */
};

struct __lock __lock___sinit_recursive_mutex;
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;

/* newlib makes a lock for each stream it opens, in a place that was zero at first and is used again for
 * others. The lock stays with the place: see streams.c. */
void
__retarget_lock_init(_LOCK_T *lock)
{
    if (!*lock)
        *lock = calloc(1, sizeof **lock);
}

void
__retarget_lock_init_recursive(_LOCK_T *lock)
{
    __retarget_lock_init(lock);
}

void
__retarget_lock_close(_LOCK_T lock)
{
    (void)lock;
}

void
__retarget_lock_close_recursive(_LOCK_T lock)
{
    (void)lock;
}

/* Where there was no memory for a lock, a stdio file goes without. */

int
__retarget_lock_try_acquire(_LOCK_T lock)
{
    return !lock || thread_lock_try(&lock->word);
}

void
__retarget_lock_acquire(_LOCK_T lock)
{
    if (lock)
        thread_lock(&lock->word);
}

void
__retarget_lock_release(_LOCK_T lock)
{
    if (lock)
        thread_unlock(&lock->word);
}

int
__retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    struct user_context *context = user_context();

    if (!lock)
        return 1;
    if (lock->owner != context && !thread_lock_try(&lock->word))
        return 0;
    lock->owner = context;
    lock->depth++;
    return 1;
}

void
__retarget_lock_acquire_recursive(_LOCK_T lock)
{
    struct user_context *context = user_context();

    if (!lock)
        return;
    if (lock->owner != context) {
        thread_lock(&lock->word);
        lock->owner = context;
    }
    lock->depth++;
}

void
__retarget_lock_release_recursive(_LOCK_T lock)
{
    if (!lock || --lock->depth > 0)
        return;
    lock->owner = NULL;
    thread_unlock(&lock->word);
}

/* ---- Around fork; in the order in which the library nests them ---- */

static struct __lock *const at_fork[] = {
    &__lock___atexit_recursive_mutex, &__lock___sinit_recursive_mutex,
    &__lock___sfp_recursive_mutex, &__lock___env_recursive_mutex,
    &__lock___malloc_recursive_mutex,
};
#define LOCKS (sizeof at_fork / sizeof *at_fork)

void
libc_locks_take(void)
{
    for (unsigned i = 0; i < LOCKS; i++)
        __retarget_lock_acquire_recursive(at_fork[i]);
}

void
libc_locks_give(void)
{
    for (unsigned i = LOCKS; i-- > 0;)
        __retarget_lock_release_recursive(at_fork[i]);
}
