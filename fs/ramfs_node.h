/* What the files of ramfs share: ramfs.c (inodes, bytes, the file system), ramfs_directory.c (names). */
#ifndef FS_RAMFS_NODE_H
#define FS_RAMFS_NODE_H

#include "fs/inode.h"
#include "kernel/list.h"

struct ramfs {
    struct filesystem filesystem;
    u64 last_number; /* none is used twice */
    u32 inodes;
};

/* A directory's names, in a list by position and in a hash table. */
struct ramfs_names {
    struct list list;           /* in the order made */
    struct ramfs_name **buckets;
    u32 bucket_count, count;    /* a power of two, or 0 */
    u64 last_position;          /* given to one of them */
    struct ramfs_name *cursor;  /* where the last listing stood; NULL: nowhere */
};

struct ramfs_inode {
    struct inode inode;
    u32 pages;                  /* of its contents, as counted */
    /* Of a directory: */
    struct ramfs_inode *parent; /* itself at the root, NULL once removed */
    struct ramfs_name *name;    /* its own, in its parent; NULL at the root */
    struct ramfs_names names;
    /* Of a symbolic link: */
    char *target;
};

static inline struct ramfs_inode *
ramfs_node(struct inode *inode)
{
    return container_of(inode, struct ramfs_inode, inode);
}

/* A new inode without a name, referenced. 0 or -ENOMEM. */
int ramfs_node_create(struct inode *beside, u32 mode, u32 uid, u32 gid, struct ramfs_inode **node);
int ramfs_truncate(struct inode *inode, u64 size);
void ramfs_names_free(struct ramfs_names *names); /* empty ones */
extern const struct inode_ops ramfs_inode_ops;

#endif
