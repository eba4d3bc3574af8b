/* Inodes that have no name: those of pipes, sockets and their like. */
#ifndef FS_ANONYMOUS_H
#define FS_ANONYMOUS_H

#include "kernel/types.h"

struct file;
struct file_ops;
struct inode;

/* A new one, referenced, of this mode (type and permissions), owned by the running task. 0, -ENOMEM. */
int anonymous_inode_create(u32 mode, const struct file_ops *ops, struct inode **inode);
/* A file with such an inode (of no type, as Linux has it), open for reading and writing; `flags` are
 * further OPEN_ bits. 0 or -ENOMEM: `private` stays the caller's. */
int anonymous_file_create(const struct file_ops *ops, u32 flags, void *private, struct file **file);
void anonymous_init(void);

#endif
