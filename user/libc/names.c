/* Changing names and attributes of files. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fibril/calls.h>
#include "libc.h"

int
link(const char *from, const char *to)
{
    return libc_result(sys_link(from, to));
}

int
symlink(const char *target, const char *path)
{
    return libc_result(sys_symlink(target, path));
}

int
rename(const char *from, const char *to)
{
    return libc_result(sys_rename(from, to));
}

int
chmod(const char *path, mode_t mode)
{
    return libc_result(sys_chmod(path, mode));
}

int
fchmod(int fd, mode_t mode)
{
    return libc_result(sys_fchmod(fd, mode));
}

int
chown(const char *path, uid_t owner, gid_t group)
{
    return libc_result(sys_chown32(path, owner, group));
}

int
fchown(int fd, uid_t owner, gid_t group)
{
    return libc_result(sys_fchown32(fd, owner, group));
}

int
lchown(const char *path, uid_t owner, gid_t group)
{
    return libc_result(sys_lchown32(path, owner, group));
}

int
mknod(const char *path, mode_t mode, dev_t device)
{
    return libc_result(sys_mknod(path, mode, device));
}

int
mkfifo(const char *path, mode_t mode)
{
    return mknod(path, (mode & 07777) | S_IFIFO, 0);
}
