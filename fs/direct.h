/* Direct reads (O_DIRECT): from the disk straight into the reader's own pages, past the page cache. File
 * systems that never change need no more for both ways to agree. */
#ifndef FS_DIRECT_H
#define FS_DIRECT_H

#include "kernel/types.h"

struct disk;
struct inode;
struct iter;

/* Position, addresses and lengths have to be multiples of this. */
#define DIRECT_ALIGNMENT 512u

/* Where `length` (> 0) bytes from `offset` on lie. */
struct direct_run {
    struct disk *disk;
    u64 sector; /* of disk */
    u32 length; /* bytes that follow each other there, a multiple of 512; at least 512, maybe more than
                 * was asked for */
    bool hole;  /* nowhere: they are zeros */
};

/* As file_ops' read. -EINVAL: not aligned; -EIO, -ENOMEM, -EFAULT or why the fibril was cancelled. */
int direct_read_inode(struct inode *inode, struct iter *iter, u64 *position);
int direct_read_disk(struct disk *disk, struct iter *iter, u64 *position);

#endif
