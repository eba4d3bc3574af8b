/* newlib's locks (sys/lock.h, retargetable locking): the library's static ones and those it makes for
 * each stdio file. A lock is held by a user context, not by a thread: contexts of one thread will
 * exclude each other too. With one context nobody ever has to wait: to find a lock taken by
 * another context means that memory is damaged, and the program ends. */
#include <stdlib.h>
#include <sys/lock.h>
#include "libc.h"

struct __lock {
    struct user_context *owner;
    unsigned depth;
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

void
__retarget_lock_init(_LOCK_T *lock)
{
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
    free(lock);
}

void
__retarget_lock_close_recursive(_LOCK_T lock)
{
    free(lock);
}

int
__retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    struct user_context *context = user_context();

    if (!lock)
        return 1; /* there was no memory for it: a stdio file without a lock */
    if (lock->depth > 0 && lock->owner != context)
        return 0;
    lock->owner = context;
    lock->depth++;
    return 1;
}

int
__retarget_lock_try_acquire(_LOCK_T lock)
{
    if (lock && lock->depth > 0)
        return 0;
    return __retarget_lock_try_acquire_recursive(lock);
}

void
__retarget_lock_acquire(_LOCK_T lock)
{
    if (!__retarget_lock_try_acquire(lock))
        abort();
}

void
__retarget_lock_acquire_recursive(_LOCK_T lock)
{
    if (!__retarget_lock_try_acquire_recursive(lock))
        abort();
}

void
__retarget_lock_release(_LOCK_T lock)
{
    if (lock)
        lock->depth--;
}

void
__retarget_lock_release_recursive(_LOCK_T lock)
{
    __retarget_lock_release(lock);
}
