/* No direct reads, for tests that do not link fs/direct.c. */
#include "fs/direct.h"
#include "kernel/errno.h"

#define WEAK __attribute__((weak))

WEAK int
direct_read_inode(struct inode *inode, struct iter *iter, u64 *position)
{
    return -EINVAL;
}

WEAK int
direct_read_disk(struct disk *disk, struct iter *iter, u64 *position)
{
    return -EINVAL;
}
