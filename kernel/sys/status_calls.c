/* System calls that describe files: the stat family in all its layouts. Each fills the widest one, struct
 * stat64, of which the others are made. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/string.h"

static void
status_fill(struct abi_stat64 *restrict status, const struct inode *restrict inode)
{
    u64 number = inode_number_shown(inode->filesystem, inode->number);

    *status = (struct abi_stat64){
        .device = inode->filesystem->device,
        .pad0 = 0,
        .inode_low = (u32)number,
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
        .inode_number_low = (u32)number,
        .inode_number_high = (u32)(number >> 32),
    };
}

/* How a status goes to user memory: 0, -EFAULT, or -EOVERFLOW. */
typedef int status_put(const struct abi_stat64 *status, void USER *to);

static int
put_wide(const struct abi_stat64 *status, void USER *to)
{
    return copy_to_user(to, status, sizeof *status);
}

static int
put_old(const struct abi_stat64 *status, void USER *to)
{
    struct abi_stat old = {
        .device = (u32)status->device,
        .inode = status->inode_number_low,
        .mode = (u16)status->mode,
        .links = (u16)status->links,
        .uid = (u16)MIN(status->uid, 65534u),
        .gid = (u16)MIN(status->gid, 65534u),
        .special_device = status->special_device_low,
        .size = status->size_low,
        .block_size = status->block_size,
        .blocks = status->blocks_low,
        .accessed = status->accessed,
        .accessed_ns = status->accessed_ns,
        .modified = status->modified,
        .modified_ns = status->modified_ns,
        .changed = status->changed,
        .changed_ns = status->changed_ns,
    };

    if (status->inode_number_high || status->size_high || status->size_low > 0x7fffffff ||
        status->links > 0xffff)
        return -EOVERFLOW;
    return copy_to_user(to, &old, sizeof old);
}

static int
put_oldest(const struct abi_stat64 *status, void USER *to)
{
    struct abi_stat_oldest old;

    memset(&old, 0, sizeof old);
    old.device = (u16)status->device;
    old.inode = (u16)status->inode_number_low;
    old.mode = (u16)status->mode;
    old.links = (u16)status->links;
    old.uid = (u16)MIN(status->uid, 65534u);
    old.gid = (u16)MIN(status->gid, 65534u);
    old.special_device = (u16)status->special_device_low;
    old.size = status->size_low;
    old.accessed = status->accessed;
    old.modified = status->modified;
    old.changed = status->changed;
    if (status->inode_number_high || status->inode_number_low > 0xffff || status->links > 0xffff ||
        status->size_high || status->size_low > 0x7fffffff)
        return -EOVERFLOW;
    return copy_to_user(to, &old, sizeof old);
}

#define STATX_BASIC 0x7ffu  /* all but the time of birth: we give these, whatever is asked for */
#define STATX_RESERVED 0x80000000u

static struct abi_statx_time
time_wide(u32 seconds, u32 nanoseconds)
{
    return (struct abi_statx_time){seconds, (s32)seconds < 0 ? ~0u : 0, nanoseconds, 0};
}

static int
put_statx(const struct abi_stat64 *status, void USER *to)
{
    struct abi_statx new;

    memset(&new, 0, sizeof new);
    new.mask = STATX_BASIC;
    new.block_size = status->block_size;
    new.links = status->links;
    new.uid = status->uid;
    new.gid = status->gid;
    new.mode = (u16)status->mode;
    new.inode_low = status->inode_number_low;
    new.inode_high = status->inode_number_high;
    new.size_low = status->size_low;
    new.size_high = status->size_high;
    new.blocks_low = status->blocks_low;
    new.blocks_high = status->blocks_high;
    new.accessed = time_wide(status->accessed, status->accessed_ns);
    new.changed = time_wide(status->changed, status->changed_ns);
    new.modified = time_wide(status->modified, status->modified_ns);
    new.special_major = status->special_device_low >> 8;
    new.special_minor = status->special_device_low & 0xff;
    new.device_major = (u32)status->device >> 8;
    new.device_minor = (u32)status->device & 0xff;
    return copy_to_user(to, &new, sizeof new);
}

/* ---- By path and by descriptor ---- */

/* Takes over the reference. */
static long
status_give(struct inode *inode, void USER *to, status_put *put)
{
    struct abi_stat64 status;

    status_fill(&status, inode);
    inode_put(inode);
    return put(&status, to);
}

static long
status_of_path(int dirfd, const char USER *path, unsigned how, void USER *to, status_put *put)
{
    struct inode *inode;
    int error = path_find_user(dirfd, path, how, &inode);

    return error ? error : status_give(inode, to, put);
}

static long
status_of_file(int fd, void USER *to, status_put *put)
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
    return inode ? status_give(inode, to, put) : -EBADF;
}

static long
status_at(int dirfd, const char USER *path, void USER *status, int flags, status_put *put)
{
    unsigned how = flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0;

    if (flags & AT_EMPTY_PATH) {
        char first;
        if (copy_from_user(&first, path, 1))
            return -EFAULT;
        if (!first && dirfd != AT_FDCWD)
            return status_of_file(dirfd, status, put);
        how |= PATH_EMPTY;
    }
    return status_of_path(dirfd, path, how, status, put);
}

long
sys_stat64(const char USER *path, void USER *status)
{
    return status_of_path(AT_FDCWD, path, 0, status, put_wide);
}

long
sys_lstat64(const char USER *path, void USER *status)
{
    return status_of_path(AT_FDCWD, path, PATH_NO_FOLLOW, status, put_wide);
}

long
sys_fstat64(int fd, void USER *status)
{
    return status_of_file(fd, status, put_wide);
}

long
sys_fstatat64(int dirfd, const char USER *path, void USER *status, int flags)
{
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    return status_at(dirfd, path, status, flags, put_wide);
}

long
sys_statx(int dirfd, const char USER *path, int flags, u32 mask, void USER *status)
{
    if (mask & STATX_RESERVED)
        return -EINVAL;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE) ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    return status_at(dirfd, path, status, flags, put_statx);
}

long
sys_stat(const char USER *path, void USER *status)
{
    return status_of_path(AT_FDCWD, path, 0, status, put_old);
}

long
sys_lstat(const char USER *path, void USER *status)
{
    return status_of_path(AT_FDCWD, path, PATH_NO_FOLLOW, status, put_old);
}

long
sys_fstat(int fd, void USER *status)
{
    return status_of_file(fd, status, put_old);
}

long
sys_oldstat(const char USER *path, void USER *status)
{
    return status_of_path(AT_FDCWD, path, 0, status, put_oldest);
}

long
sys_oldlstat(const char USER *path, void USER *status)
{
    return status_of_path(AT_FDCWD, path, PATH_NO_FOLLOW, status, put_oldest);
}

long
sys_oldfstat(int fd, void USER *status)
{
    return status_of_file(fd, status, put_oldest);
}
