/* File systems in memory, read and write: /tmp, and the root when there is no disk. */
#ifndef FS_RAMFS_H
#define FS_RAMFS_H

#include "kernel/types.h"

struct filesystem;
struct inode;

int ramfs_create(struct filesystem **filesystem); /* 0 or -ENOMEM */
/* A file of it that has no name and goes when its last user does, referenced. 0 or -ENOMEM. */
int ramfs_create_unnamed(struct filesystem *filesystem, u32 mode, u32 uid, u32 gid,
                         struct inode **inode);

#endif
