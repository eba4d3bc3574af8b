/* See file_lock.h. Called by fcntl, flock and whatever closes files. An inode's locks are a short list,
 * in no order; ranges of one owner never overlap. Lists change in stretches without a sleep. All who
 * wait are on one queue and look again whenever any lock goes: locks are held long and waited for
 * seldom. */
#include "fs/file_lock.h"

#include "fs/inode.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/wait.h"

#define DEADLOCK_STEPS 64 /* in a chain of processes that wait for each other */

struct lock_waiter {
    struct lock_waiter *next;
    const struct inode *inode;
    const struct file_lock *wanted;
};

static struct pool lock_pool = POOL_INIT("file_lock", struct file_lock);
static struct wait_queue changed = WAIT_QUEUE_INIT(changed, "file lock");
static struct lock_waiter *waiters;

static bool
overlap(const struct file_lock *left, const struct file_lock *right)
{
    return left->start <= right->end && right->start <= left->end;
}

static const struct file_lock *
conflict_find(const struct inode *inode, const struct file_lock *wanted)
{
    if (wanted->type == FILE_LOCK_NONE)
        return NULL;
    for (const struct file_lock *lock = inode->locks; lock; lock = lock->next)
        if (lock->kind == wanted->kind && lock->owner != wanted->owner && overlap(lock, wanted) &&
            (lock->type == FILE_LOCK_EXCLUSIVE || wanted->type == FILE_LOCK_EXCLUSIVE))
            return lock;
    return NULL;
}

/* The one of them that begins first: as Linux tells it. */
bool
file_lock_test(const struct inode *inode, const struct file_lock *wanted, struct file_lock *found)
{
    struct file_lock before = *wanted;
    const struct file_lock *lock = conflict_find(inode, wanted), *first = lock;

    while (lock && lock->start > wanted->start) { /* is there one that begins earlier? */
        first = lock;
        before.end = lock->start - 1;
        lock = conflict_find(inode, &before);
    }
    first = lock ? lock : first;
    if (first)
        *found = *first;
    return first != NULL;
}

/* Would `owner` wait for itself, if it waited for what is in the way of `wanted`? */
static bool
deadlock_found(const struct inode *inode, const struct file_lock *wanted)
{
    const struct file_lock *blocker = conflict_find(inode, wanted);

    for (unsigned step = 0; blocker && step < DEADLOCK_STEPS; step++) {
        const struct lock_waiter *waiter = waiters;
        if (!blocker->of_process)
            return false;
        if (step > 0 && blocker->owner == wanted->owner)
            return true;
        while (waiter && waiter->wanted->owner != blocker->owner)
            waiter = waiter->next;
        if (!waiter)
            return false;
        blocker = conflict_find(waiter->inode, waiter->wanted);
    }
    return false;
}

static int
wait_for(const struct inode *inode, const struct file_lock *wanted)
{
    struct lock_waiter self = {.next = waiters, .inode = inode, .wanted = wanted}, **place;
    int error;

    if (wanted->of_process && deadlock_found(inode, wanted))
        return -EDEADLK;
    waiters = &self;
    error = wait_event_interruptible(&changed, !conflict_find(inode, wanted));
    for (place = &waiters; *place != &self;)
        place = &(*place)->next;
    *place = self.next;
    return error;
}

/* Takes [start, end] out of the owner's lock at *place, with `spare` for the part behind. Returns
 * whether the lock is still there. */
static bool
lock_cut(struct file_lock **place, u64 start, u64 end, struct file_lock **spare)
{
    struct file_lock *lock = *place;

    if (lock->start < start && lock->end > end) {
        struct file_lock *behind = *spare;
        *spare = NULL;
        *behind = *lock;
        behind->start = end + 1;
        behind->next = lock->next;
        lock->next = behind;
        lock->end = start - 1;
    } else if (lock->start < start) {
        lock->end = start - 1;
    } else if (lock->end > end) {
        lock->start = end + 1;
    } else {
        *place = lock->next;
        pool_free(&lock_pool, lock);
        return false;
    }
    return true;
}

static void
range_cut(struct inode *inode, const struct file_lock *range, struct file_lock **spare)
{
    struct file_lock **place = &inode->locks;

    while (*place) {
        struct file_lock *lock = *place;
        bool theirs = lock->kind != range->kind || lock->owner != range->owner ||
                      !overlap(lock, range);
        if (theirs || lock_cut(place, range->start, range->end, spare))
            place = &(*place)->next;
    }
}

/* Joins `lock` with those of its owner and type that touch it, so that lists stay short. */
static void
range_join(struct inode *inode, struct file_lock *lock)
{
    struct file_lock **place = &inode->locks;

    while (*place) {
        struct file_lock *other = *place;
        bool touches = other->end + 1 == lock->start || lock->end + 1 == other->start;
        if (other == lock || other->kind != lock->kind || other->owner != lock->owner ||
            other->type != lock->type || !touches) {
            place = &other->next;
            continue;
        }
        lock->start = MIN(lock->start, other->start);
        lock->end = MAX(lock->end, other->end);
        *place = other->next;
        pool_free(&lock_pool, other);
    }
}

static int
lock_put_in(struct inode *inode, const struct file_lock *wanted)
{
    struct file_lock *new = NULL, *spare = pool_alloc(&lock_pool);

    if (wanted->type != FILE_LOCK_NONE)
        new = pool_alloc(&lock_pool);
    if (!spare || (wanted->type != FILE_LOCK_NONE && !new)) {
        pool_free(&lock_pool, spare);
        pool_free(&lock_pool, new);
        return -ENOLCK;
    }
    range_cut(inode, wanted, &spare);
    pool_free(&lock_pool, spare);
    if (new) {
        *new = *wanted;
        new->next = inode->locks;
        inode->locks = new;
        range_join(inode, new);
    }
    wake_up_all(&changed);
    return 0;
}

int
file_lock_set(struct inode *inode, const struct file_lock *wanted, bool wait)
{
    /* flock(2): an old lock is given up before a new one of another type is waited for */
    if (wanted->kind == FILE_LOCK_WHOLE && conflict_find(inode, wanted))
        file_locks_drop(inode, wanted->owner);
    while (conflict_find(inode, wanted)) {
        int error = wait ? wait_for(inode, wanted) : -EAGAIN;
        if (error)
            return error;
    }
    return lock_put_in(inode, wanted);
}

void
file_locks_drop(struct inode *inode, const void *owner)
{
    struct file_lock **place = &inode->locks;

    while (*place) {
        struct file_lock *lock = *place;
        if (lock->owner != owner) {
            place = &lock->next;
            continue;
        }
        *place = lock->next;
        pool_free(&lock_pool, lock);
    }
    wake_up_all(&changed);
}
