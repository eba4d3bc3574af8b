/* See memory_file.h. They lie in a ramfs that is mounted nowhere, and
 * go when their last user does. Called by the handler. Left out: seals. */
#include "fs/memory_file.h"

#include "fs/file.h"
#include "fs/inode.h"
#include "fs/ramfs.h"
#include "kernel/errno.h"
#include "kernel/log.h"
#include "kernel/task.h"

static struct filesystem *filesystem;

int
memory_file_create(struct file **file)
{
    const struct credentials *credentials = current_credentials();
    struct inode *inode;
    int error = ramfs_create_unnamed(filesystem, MODE_REGULAR | 0777, credentials->euid,
                                     credentials->egid, &inode);

    if (error)
        return error;
    error = file_create(inode, inode->file_ops, OPEN_READ_WRITE | OPEN_LARGE, NULL, file);
    inode_put(inode);
    return error;
}

void
memory_file_init(void)
{
    if (ramfs_create(&filesystem))
        panic("no memory for the files without names");
}
