/* File systems in memory, read and write: /tmp, and the root when there is no disk. */
#ifndef FS_RAMFS_H
#define FS_RAMFS_H

struct filesystem;

int ramfs_create(struct filesystem **filesystem); /* 0 or -ENOMEM */

#endif
