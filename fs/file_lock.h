/* Locks on files, fcntl(2)'s on ranges and flock(2)'s on whole files: advice among programs that ask.
 * See file_lock.c. */
#ifndef FS_FILE_LOCK_H
#define FS_FILE_LOCK_H

#include "kernel/types.h"

struct inode;

enum file_lock_kind {
    FILE_LOCK_RANGE, /* fcntl: of a process (its descriptor table) or of an open file */
    FILE_LOCK_WHOLE, /* flock: of an open file; does not see the other kind */
};
enum file_lock_type { FILE_LOCK_SHARED, FILE_LOCK_EXCLUSIVE, FILE_LOCK_NONE };

#define FILE_LOCK_END 0x7fffffffffffffffull

struct file_lock {
    struct file_lock *next; /* of the inode's */
    const void *owner;      /* compared only: a descriptor table or a file */
    u8 kind, type;
    bool of_process; /* its owner is a descriptor table: deadlocks among such are seen */
    u64 start, end;  /* the first and the last byte, FILE_LOCK_END at most */
    u32 pid;         /* shown to those who ask; of the process that took it */
};

/* Changes what wanted->owner has of that range (FILE_LOCK_NONE: unlocks). Waits interruptibly, or not:
 * 0, -EAGAIN, -EDEADLK, -ENOLCK (no memory), or why the sleep ended. The caller holds the inode. */
int file_lock_set(struct inode *inode, const struct file_lock *wanted, bool wait);
/* A lock that stands in the way of `wanted`, copied: true; or there is none. */
bool file_lock_test(const struct inode *inode, const struct file_lock *wanted,
                    struct file_lock *found);
/* The owner goes: gives up all it has on this inode. Never sleeps. */
void file_locks_drop(struct inode *inode, const void *owner);

#endif
