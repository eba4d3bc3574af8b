/* What a file is: stat and its kin, access, links. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fibril/calls.h>
#include <fibril/kernel_types.h>
#include "libc.h"

/* Passes `result` on; if it is 0, gives out what the kernel wrote in newlib's form. */
static int
give_status(long result, const struct kernel_stat *from, struct stat *to)
{
    if (libc_result(result) < 0)
        return -1;
    *to = (struct stat){
        .st_dev = from->device,
        .st_ino = from->inode,
        .st_mode = from->mode,
        .st_nlink = from->links,
        .st_uid = from->uid,
        .st_gid = from->gid,
        .st_rdev = from->represented_device,
        .st_size = from->size,
        .st_atim = {from->access_time, from->access_nanoseconds},
        .st_mtim = {from->modify_time, from->modify_nanoseconds},
        .st_ctim = {from->change_time, from->change_nanoseconds},
        .st_blksize = from->block_size,
        .st_blocks = from->blocks,
    };
    return 0;
}

int
stat(const char *path, struct stat *status)
{
    struct kernel_stat raw;

    return give_status(sys_stat64(path, &raw), &raw, status);
}

int
lstat(const char *path, struct stat *status)
{
    struct kernel_stat raw;

    return give_status(sys_lstat64(path, &raw), &raw, status);
}

int
fstat(int fd, struct stat *status)
{
    struct kernel_stat raw;

    return give_status(sys_fstat64(fd, &raw), &raw, status);
}

int
fstatat(int directory, const char *path, struct stat *status, int flags)
{
    struct kernel_stat raw;

    return give_status(sys_fstatat64(directory, path, &raw, flags), &raw, status);
}

int
access(const char *path, int mode)
{
    return libc_result(sys_access(path, mode));
}

int
faccessat(int directory, const char *path, int mode, int flags)
{
    if (flags & ~AT_EACCESS)
        return libc_result(-EINVAL);
    return libc_result(sys_faccessat(directory, path, mode));
}

ssize_t
readlink(const char *path, char *buffer, size_t size)
{
    return libc_result(sys_readlink(path, buffer, size));
}

ssize_t
readlinkat(int directory, const char *path, char *buffer, size_t size)
{
    return libc_result(sys_readlinkat(directory, path, buffer, size));
}
