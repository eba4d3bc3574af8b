/* Inodes and mounted file systems: what every kind of file system (ext2, ramfs, dev, proc) gives.
 *
 * An inode in memory is unique: (filesystem, number) -> one struct inode. It is made once: the first
 * who wants it creates it, the others wait; if the creator fails or is cancelled they try again.
 * References are counted; an unused inode stays in the inode cache until memory is wanted. */
#ifndef FS_INODE_H
#define FS_INODE_H

#include "kernel/cache_object.h"
#include "kernel/list.h"
#include "kernel/mutex.h"
#include "kernel/types.h"

struct direct_run;
struct disk;
struct file_lock;
struct file_ops;
struct filesystem;
struct inode;

/* File types and permission bits, Linux's. */
#define MODE_TYPE 0170000
#define MODE_SOCKET 0140000
#define MODE_SYMLINK 0120000
#define MODE_REGULAR 0100000
#define MODE_BLOCK 0060000
#define MODE_DIRECTORY 0040000
#define MODE_CHARACTER 0020000
#define MODE_FIFO 0010000
#define MODE_PERMISSIONS 07777
#define MODE_SET_UID 04000
#define MODE_SET_GID 02000
#define MODE_STICKY 01000
#define is_directory(inode) (((inode)->mode & MODE_TYPE) == MODE_DIRECTORY)
#define is_regular(inode) (((inode)->mode & MODE_TYPE) == MODE_REGULAR)
#define is_symlink(inode) (((inode)->mode & MODE_TYPE) == MODE_SYMLINK)

#define NAME_BYTES_MAX 255
#define PATH_BYTES_MAX 4096 /* with its zero */

/* One directory entry, handed to the reader. `next` is the position behind it (d_off). `type` is a
 * DT_ value of Linux (0 unknown, 4 directory, 8 regular, 10 symlink …). Returns 0 to go on, anything
 * else ends the reading and is returned by read_directory. May touch user memory, so no lock of the
 * file system and no page may be needed valid across it beyond the caller's reference. */
typedef int (*directory_emit)(void *argument, const char *name, size_t length, u64 inode_number,
                              u8 type, u64 next);

struct inode_ops {
    /* The inode called `name` (not "." and not ".." at the root), referenced; -ENOENT. Sleeps. */
    int (*lookup)(struct inode *directory, const char *name, size_t length, struct inode **inode);
    /* Calls emit for every entry from `position` on ("." and ".." included); 0 at the end. */
    int (*read_directory)(struct inode *directory, u64 position, directory_emit emit,
                          void *argument);
    /* Starts reading what those who have listed page `index` of the directory will want next. Sleeps; a
     * read-ahead fibril calls it after read_ahead_wish_listing. NULL: nothing. */
    void (*read_ahead)(struct inode *directory, u32 index);
    /* Where the bytes from `offset` on lie, for direct reads: see fs/direct.h. Sleeps. NULL: nowhere. */
    int (*map)(struct inode *inode, u64 offset, u32 length, struct direct_run *run);
    /* Copies the target (without a zero) into kernel memory, at most `size` bytes; *length is what
     * was copied. Sleeps. */
    int (*read_link)(struct inode *inode, char *target, size_t size, size_t *length);
    /* Makes changes (ramfs); NULL: -EROFS. */
    int (*create)(struct inode *directory, const char *name, size_t length, u32 mode, u32 uid,
                  u32 gid, struct inode **inode);
    int (*remove)(struct inode *directory, const char *name, size_t length, bool directory_wanted);
    int (*truncate)(struct inode *inode, u64 size);
    int (*symlink)(struct inode *directory, const char *name, size_t length, const char *target,
                   u32 uid, u32 gid, struct inode **inode);
    /* Moves the name. What is called `to_name` is replaced, if it may be: the same kind (-EISDIR,
     * -ENOTDIR), an empty directory (-ENOTEMPTY). An error changes nothing. */
    int (*rename)(struct inode *from, const char *name, size_t length, struct inode *to,
                  const char *to_name, size_t to_length);
    /* Another name for the file. */
    int (*link)(struct inode *directory, const char *name, size_t length, struct inode *inode);
    /* A symbolic link that leads straight to an inode (/proc/PID/cwd), referenced; NULL: by its text. */
    int (*jump)(struct inode *link, struct inode **inode);
    /* The name of a directory (in `name`, of NAME_BYTES_MAX) in the one above it, if the file system
     * knows it; NULL: it is looked for. */
    int (*own_name)(struct inode *directory, char *name, size_t *length);
};

enum inode_state { INODE_READING, INODE_VALID, INODE_FAILED };

struct inode_time {
    s64 seconds;
    u32 nanoseconds;
};
struct inode_time inode_time_now(void);

struct inode {
    /* Immutable once valid (a file system that writes changes them in one fibril, without sleep): */
    struct cache_object object; /* its contents' pages */
    struct filesystem *filesystem;
    u64 number;
    u32 mode; /* type and permissions */
    u32 uid, gid, links;
    u32 device; /* rdev of a device file */
    u64 size;
    u64 sectors; /* st_blocks: in 512-byte units */
    struct inode_time accessed, modified, changed;
    const struct inode_ops *ops;
    const struct file_ops *file_ops; /* for open(); regular files: file_regular_ops */
    void *private;                   /* becomes file->private when it is opened */
    u64 found_in;  /* the number of a directory where it was found; 0: unknown */
    struct file_lock *locks; /* fs/file_lock.c's */

    /* The inode cache's (fs/inode.c), interrupts off or no sleep: */
    u32 references;
    u8 state; /* enum inode_state */
    bool transient; /* goes as soon as nobody uses it */
    s16 error;
    struct inode *hash_next;
    struct list unused_link;
    /* Path walk's (fs/path.c): what is mounted on this directory, or NULL. */
    struct filesystem *mounted;
};

struct filesystem_statistics;

struct filesystem_ops {
    struct inode *(*inode_alloc)(struct filesystem *filesystem); /* zeroed; NULL: no memory */
    /* Fills everything from mode on; number is set. Sleeps. 0, -EIO, -EUCLEAN, -ENOMEM, … */
    int (*inode_read)(struct inode *inode);
    void (*inode_free)(struct inode *inode);
    void (*statistics)(struct filesystem *filesystem, struct filesystem_statistics *statistics);
};

struct filesystem_statistics {
    u32 magic, block_size;
    u64 blocks, blocks_free, inodes, inodes_free;
};

struct filesystem { /* one that is mounted */
    const char *type; /* ext2, ramfs, dev, proc */
    const struct filesystem_ops *ops;
    struct disk *disk;    /* NULL: none */
    struct inode *root;   /* referenced */
    struct inode *covers; /* the directory it is mounted on, referenced; NULL: the root */
    u32 device;           /* st_dev */
    bool read_only;
    bool names_vary; /* its names come and go by themselves: not kept in the name cache */
    bool transient;  /* its inodes are not kept when nobody uses them */
    bool numbers_fold; /* its numbers may need more than the 32 bits that old programs can be told */
    bool attributes_change; /* mode, owner and times of its inodes may be set */
    struct filesystem *next;
};

/* The inode with this number, referenced and valid. Sleeps; 0, the errors of inode_read, or why the
 * fibril was cancelled. */
int inode_find(struct filesystem *filesystem, u64 number, struct inode **inode) MUST_CHECK;
/* For file systems that make inodes without reading them (ramfs): one with a number never used
 * before, valid and referenced; the caller fills it before it next sleeps. 0 or -ENOMEM. */
int inode_create(struct filesystem *filesystem, u64 number, struct inode **inode) MUST_CHECK;
/* The number as user programs see it. */
static inline u64
inode_number_shown(const struct filesystem *filesystem, u64 number)
{
    if (!filesystem->numbers_fold)
        return number;
    return (u32)number ^ (u32)(number >> 32) * 2654435761u;
}
void inode_get(struct inode *inode);
/* The last reference leaves the inode in the cache, or frees it if it has no links. Never sleeps. */
void inode_put(struct inode *inode);
void inode_touch(struct inode *inode);         /* modified and changed: now */
void inode_touch_changed(struct inode *inode); /* changed alone */
/* Read now: the time of access is changed only when it lies before the last change (Linux's relatime,
 * but for its once a day). */
void inode_touch_accessed(struct inode *inode);
void inode_touch_all(struct inode *inode); /* accessed, too */
void inode_drop_unused(void); /* drop_caches: the inodes that nobody uses, with their pages */

struct inode_statistics {
    u32 inodes, unused, hits, misses;
};
void inode_count(struct inode_statistics *statistics);
void inode_init(void);

u32 filesystem_device_new(void); /* a device number for one without a disk */

/* What a file system type gives to mount: reads and checks its superblock and makes *filesystem. */
struct filesystem_type {
    const char *name;
    int (*mount)(struct disk *disk, struct filesystem **filesystem);
    struct filesystem_type *next;
};
void filesystem_register(struct filesystem_type *type); /* at boot */
/* Tries the registered disk types on the disk. -EINVAL: none knows it; or the error of the one that
 * knew it. */
int filesystem_mount_disk(struct disk *disk, struct filesystem **filesystem);

#endif
