/* A file system without names, so that files that were never opened by one have a number, an owner and
 * times like others: what fstat and /proc/PID/fd show of a pipe or a socket. Called by whoever makes
 * such files; nothing here sleeps. */
#include "fs/anonymous.h"

#include "fs/file.h"
#include "fs/inode.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/task.h"

static struct pool inode_pool = POOL_INIT("anonymous_inode", struct inode);

static struct inode *
anonymous_inode_alloc(struct filesystem *filesystem)
{
    return pool_alloc(&inode_pool);
}

static int
anonymous_inode_read(struct inode *inode)
{
    return -ENOENT; /* they exist in memory or not at all */
}

static void
anonymous_inode_free(struct inode *inode)
{
    pool_free(&inode_pool, inode);
}

static const struct filesystem_ops ops = {
    .inode_alloc = anonymous_inode_alloc,
    .inode_read = anonymous_inode_read,
    .inode_free = anonymous_inode_free,
};

static struct filesystem filesystem = {.type = "anonymous", .ops = &ops, .transient = true,
                                       .attributes_change = true};

int
anonymous_inode_create(u32 mode, const struct file_ops *file_ops, struct inode **result)
{
    static const struct inode_ops no_ops;
    static u64 last_number;
    const struct credentials *credentials = current_credentials();
    struct inode *inode;
    int error = inode_create(&filesystem, ++last_number, &inode);

    if (error)
        return error;
    inode->mode = mode;
    inode->links = 1;
    inode->uid = credentials ? credentials->euid : 0;
    inode->gid = credentials ? credentials->egid : 0;
    inode->ops = &no_ops;
    inode->file_ops = file_ops;
    inode_touch_all(inode);
    *result = inode;
    return 0;
}

int
anonymous_file_create(const struct file_ops *ops, u32 flags, void *private, struct file **file)
{
    struct inode *inode;
    int error = anonymous_inode_create(0600, NULL, &inode);

    if (error)
        return error;
    error = file_create(inode, ops, OPEN_READ_WRITE | flags, private, file);
    inode_put(inode);
    return error;
}

void
anonymous_init(void)
{
    filesystem.device = filesystem_device_new();
}
