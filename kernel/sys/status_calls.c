/* System calls that describe files and file systems: the stat and statfs families. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/string.h"

/* Every field is named, so that nothing is cleared first. */
static void
status_fill(struct abi_stat64 *restrict status, const struct inode *restrict inode)
{
    *status = (struct abi_stat64){
        .device = inode->filesystem->device,
        .pad0 = 0,
        .inode_low = (u32)inode->number,
        .mode = inode->mode,
        .links = inode->links,
        .uid = inode->uid,
        .gid = inode->gid,
        .special_device_low = inode->device,
        .special_device_high = 0,
        .pad3 = 0,
        .size_low = (u32)inode->size,
        .size_high = (u32)(inode->size >> 32),
        .block_size = PAGE_SIZE,
        .blocks_low = (u32)inode->sectors,
        .blocks_high = (u32)(inode->sectors >> 32),
        .accessed = (u32)inode->accessed.seconds,
        .accessed_ns = inode->accessed.nanoseconds,
        .modified = (u32)inode->modified.seconds,
        .modified_ns = inode->modified.nanoseconds,
        .changed = (u32)inode->changed.seconds,
        .changed_ns = inode->changed.nanoseconds,
        .inode_number_low = (u32)inode->number,
        .inode_number_high = (u32)(inode->number >> 32),
    };
}

static long
status_copy(struct inode *inode, void USER *to)
{
    struct abi_stat64 status;

    status_fill(&status, inode);
    inode_put(inode);
    return copy_to_user(to, &status, sizeof status);
}

static long
status_of_path(int dirfd, const char USER *path, unsigned how, void USER *to)
{
    struct inode *inode;
    int error = path_find_user(dirfd, path, how, &inode);

    return error ? error : status_copy(inode, to);
}

long
sys_stat64(const char USER *path, void USER *status)
{
    return status_of_path(AT_FDCWD, path, 0, status);
}

long
sys_lstat64(const char USER *path, void USER *status)
{
    return status_of_path(AT_FDCWD, path, PATH_NO_FOLLOW, status);
}

/* Files without an inode are pipes and their like. */
static long
status_copy_pipe(void USER *to)
{
    struct abi_stat64 status = {.mode = MODE_FIFO | 0600, .links = 1, .block_size = PAGE_SIZE};

    return copy_to_user(to, &status, sizeof status);
}

long
sys_fstat64(int fd, void USER *to)
{
    struct file *file;
    struct inode *inode;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    inode = file->inode;
    if (inode)
        inode_get(inode);
    file_put(file);
    return inode ? status_copy(inode, to) : status_copy_pipe(to);
}

long
sys_fstatat64(int dirfd, const char USER *path, void USER *status, int flags)
{
    unsigned how = 0;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    if (flags & AT_SYMLINK_NOFOLLOW)
        how |= PATH_NO_FOLLOW;
    if (flags & AT_EMPTY_PATH) {
        char first;
        if (copy_from_user(&first, path, 1))
            return -EFAULT;
        if (!first && dirfd != AT_FDCWD)
            return sys_fstat64(dirfd, status);
        how |= PATH_EMPTY;
    }
    return status_of_path(dirfd, path, how, status);
}

/* ---- File systems ---- */

static void
put_words(u32 words[2], u64 value)
{
    words[0] = (u32)value;
    words[1] = (u32)(value >> 32);
}

static long
filesystem_status_copy(struct filesystem *filesystem, void USER *to)
{
    struct filesystem_statistics numbers = {.block_size = PAGE_SIZE};
    struct abi_statfs64 status;

    if (filesystem->ops->statistics)
        filesystem->ops->statistics(filesystem, &numbers);
    memset(&status, 0, sizeof status);
    status.type = numbers.magic;
    status.block_size = status.fragment_size = numbers.block_size;
    put_words(status.blocks, numbers.blocks);
    put_words(status.blocks_free, numbers.blocks_free);
    put_words(status.blocks_available, numbers.blocks_free);
    put_words(status.files, numbers.inodes);
    put_words(status.files_free, numbers.inodes_free);
    status.id[0] = filesystem->device;
    status.name_length = NAME_BYTES_MAX;
    status.flags = filesystem->read_only ? 1 : 0; /* ST_RDONLY */
    return copy_to_user(to, &status, sizeof status);
}

long
sys_statfs64(const char USER *path, size_t size, void USER *status)
{
    struct inode *inode;
    struct filesystem *filesystem;
    int error;

    if (size != sizeof(struct abi_statfs64))
        return -EINVAL;
    error = path_find_user(AT_FDCWD, path, 0, &inode);
    if (error)
        return error;
    filesystem = inode->filesystem;
    inode_put(inode);
    return filesystem_status_copy(filesystem, status); /* file systems stay mounted */
}

long
sys_fstatfs64(int fd, size_t size, void USER *status)
{
    struct filesystem *filesystem;
    struct file *file;
    int error;

    if (size != sizeof(struct abi_statfs64))
        return -EINVAL;
    error = descriptor_file(fd, &file);
    if (error)
        return error;
    filesystem = file->inode ? file->inode->filesystem : NULL;
    file_put(file);
    return filesystem ? filesystem_status_copy(filesystem, status) : -ENOSYS;
}
