/* Inodes that have no name: those of pipes, sockets and their like. */
#ifndef FS_ANONYMOUS_H
#define FS_ANONYMOUS_H

#include "kernel/types.h"

struct file_ops;
struct inode;

/* A new one, referenced, of this mode (type and permissions), owned by the running task. 0, -ENOMEM. */
int anonymous_inode_create(u32 mode, const struct file_ops *ops, struct inode **inode);
void anonymous_init(void);

#endif
