/* System calls about whole file systems: statfs in its two layouts, sync, and what only an administrator
 * may do (nothing can be mounted by programs). */
#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define MOUNTED_READ_ONLY 1u /* linux/statfs.h: ST_RDONLY, ST_VALID, ST_RELATIME */
#define FLAGS_VALID 0x20u
#define ACCESS_RELATIVE 0x1000u

/* How they go to user memory: 0, -EFAULT, -EOVERFLOW. */
typedef int statistics_put(const struct filesystem *filesystem,
                           const struct filesystem_statistics *numbers, void USER *to);

static u32
flags_of(const struct filesystem *filesystem)
{
    return FLAGS_VALID | (filesystem->read_only ? MOUNTED_READ_ONLY : ACCESS_RELATIVE);
}

static void
put_words(u32 words[2], u64 value)
{
    words[0] = (u32)value;
    words[1] = (u32)(value >> 32);
}

static int
put_wide(const struct filesystem *filesystem, const struct filesystem_statistics *numbers,
         void USER *to)
{
    struct abi_statfs64 status;

    memset(&status, 0, sizeof status);
    status.type = numbers->magic;
    status.block_size = status.fragment_size = numbers->block_size;
    put_words(status.blocks, numbers->blocks);
    put_words(status.blocks_free, numbers->blocks_free);
    put_words(status.blocks_available, numbers->blocks_free);
    put_words(status.files, numbers->inodes);
    put_words(status.files_free, numbers->inodes_free);
    status.id[0] = filesystem->device;
    status.name_length = NAME_BYTES_MAX;
    status.flags = flags_of(filesystem);
    return copy_to_user(to, &status, sizeof status);
}

static int
put_narrow(const struct filesystem *filesystem, const struct filesystem_statistics *numbers,
           void USER *to)
{
    struct abi_statfs status;

    if ((numbers->blocks | numbers->blocks_free | numbers->inodes | numbers->inodes_free) >> 32)
        return -EOVERFLOW;
    memset(&status, 0, sizeof status);
    status.type = numbers->magic;
    status.block_size = status.fragment_size = numbers->block_size;
    status.blocks = (u32)numbers->blocks;
    status.blocks_free = status.blocks_available = (u32)numbers->blocks_free;
    status.files = (u32)numbers->inodes;
    status.files_free = (u32)numbers->inodes_free;
    status.id[0] = filesystem->device;
    status.name_length = NAME_BYTES_MAX;
    status.flags = flags_of(filesystem);
    return copy_to_user(to, &status, sizeof status);
}

/* File systems stay mounted, so nothing needs to be held. */
static long
statistics_give(const struct filesystem *filesystem, void USER *to, statistics_put *put)
{
    struct filesystem_statistics numbers = {.block_size = PAGE_SIZE};

    if (filesystem->ops->statistics)
        filesystem->ops->statistics((struct filesystem *)filesystem, &numbers);
    return put(filesystem, &numbers, to);
}

static long
statistics_of_path(const char USER *path, void USER *to, statistics_put *put)
{
    const struct filesystem *filesystem;
    struct inode *inode;
    int error = path_find_user(AT_FDCWD, path, 0, &inode);

    if (error)
        return error;
    filesystem = inode->filesystem;
    inode_put(inode);
    return statistics_give(filesystem, to, put);
}

static long
statistics_of_file(int fd, void USER *to, statistics_put *put)
{
    const struct filesystem *filesystem;
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    filesystem = file->inode ? file->inode->filesystem : NULL;
    file_put(file);
    return filesystem ? statistics_give(filesystem, to, put) : -ENOSYS;
}

long
sys_statfs(const char USER *path, void USER *status)
{
    return statistics_of_path(path, status, put_narrow);
}

long
sys_fstatfs(int fd, void USER *status)
{
    return statistics_of_file(fd, status, put_narrow);
}

long
sys_statfs64(const char USER *path, size_t size, void USER *status)
{
    if (size != sizeof(struct abi_statfs64))
        return -EINVAL;
    return statistics_of_path(path, status, put_wide);
}

long
sys_fstatfs64(int fd, size_t size, void USER *status)
{
    if (size != sizeof(struct abi_statfs64))
        return -EINVAL;
    return statistics_of_file(fd, status, put_wide);
}

/* ---- Nothing is ever kept back from a disk ---- */

long
sys_sync(void)
{
    return 0;
}

long
sys_syncfs(int fd)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    error = file->flags & OPEN_PATH ? -EBADF : 0;
    file_put(file);
    return error;
}

long
sys_fsync(int fd)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    if (file->flags & OPEN_PATH)
        error = -EBADF;
    else if (file->ops->stream)
        error = -EINVAL; /* pipes, sockets, terminals */
    file_put(file);
    return error;
}

long
sys_fdatasync(int fd)
{
    return sys_fsync(fd);
}

/* ---- Mounts ---- */

long
sys_mount(const char USER *source, const char USER *target, const char USER *type, u32 flags,
          const void USER *data)
{
    return -EPERM;
}

long
sys_umount2(const char USER *target, int flags)
{
    return -EPERM;
}

long
sys_umount(const char USER *target)
{
    return -EPERM;
}
