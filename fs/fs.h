/* What start-up code calls to bring the file systems up, in this order, on a fibril (all but fs_init
 * may sleep):
 *
 *     fs_init()                  after the page allocator and the heap; needs no disk. The page cache,
 *                                inodes, names, pipes, /dev, /proc, ramfs
 *     ext2_init() …              registers the disk file system types (filesystem_register)
 *     drivers                    disk_register
 *     fs_disks_found()           gives every disk known by now its cached pages
 *     fs_mount_root(disk)        NULL: an empty ramfs as the root
 *     fs_mount_pseudo()          /dev, /proc, /tmp
 *     fs_mount_data_disks(root)  every other disk or partition with a known file system: /mnt/0, …
 *     fs_add_file("/tmp/x", …)   files that came as multiboot modules */
#ifndef FS_FS_H
#define FS_FS_H

#include "kernel/types.h"

struct disk;

void fs_init(void);
void fs_disks_found(void);
/* 0; -EINVAL: no known file system on it; or the error of the type that knew it. */
int fs_mount_root(struct disk *disk);
/* A mount point that is missing in a root image is said in the log and skipped. 0 or -ENOMEM. */
int fs_mount_pseudo(void);
/* `root` is left out, and so is a disk of which a partition was mounted. */
void fs_mount_data_disks(struct disk *root);

/* Makes a file in a writable file system (/tmp) with a copy of `contents`. */
int fs_add_file(const char *path, const void *contents, size_t size, u32 mode);

#endif
