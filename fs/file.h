/* Open files. A file is shared by descriptors (dup, fork) and by calls in progress, each holding a
 * reference of its own; the last one releases it. */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "fs/iter.h"
#include "fs/read_ahead.h"
#include "kernel/mutex.h"
#include "kernel/types.h"
#include "kernel/wait.h"

struct cache_object;
struct epoll_item;
struct inode;
struct file;

/* open() flags, Linux/i386's. */
#define OPEN_ACCESS 03
#define OPEN_READ 00
#define OPEN_WRITE 01
#define OPEN_READ_WRITE 02
#define OPEN_CREATE 0100
#define OPEN_EXCLUSIVE 0200
#define OPEN_NO_CONTROL 0400 /* O_NOCTTY */
#define OPEN_TRUNCATE 01000
#define OPEN_APPEND 02000
#define OPEN_NONBLOCK 04000
#define OPEN_DIRECT 040000
#define OPEN_LARGE 0100000
#define OPEN_DIRECTORY 0200000
#define OPEN_NO_FOLLOW 0400000
#define OPEN_NO_ATIME 01000000
#define OPEN_CLOSE_ON_EXEC 02000000
#define OPEN_PATH 010000000

/* poll() events. */
#define POLL_IN 1
#define POLL_PRIORITY 2
#define POLL_OUT 4
#define POLL_ERROR 8
#define POLL_HANG_UP 0x10
#define POLL_INVALID 0x20
#define POLL_RDNORM 0x40
#define POLL_WRNORM 0x100
#define POLL_WRBAND 0x200
#define POLL_READ_HANG_UP 0x2000
#define POLL_OUTPUT (POLL_OUT | POLL_WRNORM | POLL_WRBAND)
/* The key of a wake-up that says there is something to read, and nothing else; for room to write it is
 * POLL_OUTPUT. */
#define POLL_KEY_INPUT (POLL_IN | POLL_RDNORM)

/* Handed through poll(): a file adds each queue that its readiness may change on. Never sleeps. */
struct poll_table {
    void (*add)(struct poll_table *table, struct wait_queue *queue);
};

struct file_ops {
    /* Moves bytes between the file and the iter from *position on, and advances it. 0 when something
     * (or, at the end of the file, nothing) was moved: the count is iter->done; or an error when
     * nothing was. Sleeps. NULL: -EINVAL. */
    int (*read)(struct file *file, struct iter *iter, u64 *position);
    int (*write)(struct file *file, struct iter *iter, u64 *position);
    /* Ready events now; registers with table if it is not NULL. Never sleeps, never faults. */
    u32 (*poll)(struct file *file, struct poll_table *table);
    int (*ioctl)(struct file *file, u32 command, uintptr_t argument);
    /* Called once when a file is opened through its inode; may set file->private. */
    int (*open)(struct file *file);
    void (*release)(struct file *file); /* may sleep */
    /* The last descriptor was closed; calls may still hold the file. NULL: nothing. */
    void (*last_close)(struct file *file);
    bool stays_in_process; /* fork gives the child no descriptor for it, sockets refuse it */
    bool stream;      /* no position: lseek and pread are -ESPIPE */
    bool no_position; /* it does not matter, and seeking leaves it at 0 */
    u64 (*end)(struct file *file); /* where SEEK_END counts from; NULL: from the inode's size */
};

struct file {
    u32 references;
    u32 descriptors;     /* of all tables */
    u32 flags;           /* OPEN_ bits; access mode immutable */
    struct inode *inode; /* referenced; NULL for pipes and the like */
    const struct file_ops *ops;
    void *private;
    u64 position;
    struct mutex position_lock; /* outermost lock; may be held across user copies */
    struct read_ahead_file ahead; /* changed without sleeping */
    struct epoll_item *watches;   /* fs/epoll.c: in which epolls it is; or NULL */
};

int file_create(struct inode *inode, const struct file_ops *ops, u32 flags, void *private,
                struct file **file);
void file_get(struct file *file);
void file_put(struct file *file); /* may sleep (the last one releases) */
static inline bool
file_is_readable(const struct file *file)
{
    return (file->flags & OPEN_ACCESS) != OPEN_WRITE && !(file->flags & OPEN_PATH);
}
static inline bool
file_is_writable(const struct file *file)
{
    return (file->flags & OPEN_ACCESS) != OPEN_READ && !(file->flags & OPEN_PATH);
}

/* Opens what is there (no OPEN_CREATE): kernel callers, by path and as the running task. Sleeps. */
int file_open_path(const char *path, u32 flags, struct file **file) MUST_CHECK;
/* open(2) and openat(2): `path` in kernel memory, from `base` (NULL: the working directory). */
int file_open(struct inode *base, const char *path, u32 flags, u32 mode,
              struct file **file) MUST_CHECK;

/* What a write without readers ends with: SIGPIPE to the running task; returns -EPIPE. */
int file_broken_pipe(void);

/* May a file be made this long? 0, or -EFBIG with SIGXFSZ: beyond the process's limit. */
int file_size_limit(u64 size);
/* How far a write to this file at `at` may go: without OPEN_LARGE, by the process's limit. 0, or -EFBIG,
 * with SIGXFSZ when it is that limit. */
int file_write_limit(const struct file *file, u64 at, u64 *end);

/* Read and write with checks of the access mode; position NULL: the file's own, under its lock. */
int file_read(struct file *file, struct iter *iter, u64 *position);
int file_write(struct file *file, struct iter *iter, u64 *position);

extern const struct file_ops file_regular_ops; /* regular files in the page cache (fs/regular.c) */
extern const struct file_ops file_directory_ops;
/* Reads from `size` bytes of contents that lie in `object` through the page cache. */
int file_read_pages(struct file *file, struct cache_object *object, u64 size, struct iter *iter,
                    u64 *position);
/* getdents64: linux_dirent64 records from the file's position on (or the old layout's); the bytes, or a
 * negative errno. */
long file_read_directory(struct file *file, void USER *buffer, size_t size, bool old_layout);

#endif
