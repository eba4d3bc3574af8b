/* Files and descriptors. */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include <fibril/calls.h>
#include "libc.h"

int
openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode = 0;

    if (flags & O_CREAT) {
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return libc_result(sys_openat(directory, path, flags | O_LARGEFILE, mode));
}

int
open(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode = 0;

    if (flags & O_CREAT) {
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return libc_result(sys_open(path, flags | O_LARGEFILE, mode));
}

int
creat(const char *path, mode_t mode)
{
    return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int
close(int fd)
{
    return libc_result(sys_close(fd));
}

_READ_WRITE_RETURN_TYPE
read(int fd, void *buffer, size_t size)
{
    return libc_result(sys_read(fd, buffer, size));
}

_READ_WRITE_RETURN_TYPE
write(int fd, const void *buffer, size_t size)
{
    return libc_result(sys_write(fd, buffer, size));
}

ssize_t
pread(int fd, void *buffer, size_t size, off_t offset)
{
    return libc_result(sys_pread64(fd, buffer, size, offset, offset >> 32));
}

ssize_t
pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
    return libc_result(sys_pwrite64(fd, buffer, size, offset, offset >> 32));
}

ssize_t
readv(int fd, const struct iovec *vectors, int count)
{
    return libc_result(sys_readv(fd, vectors, count));
}

ssize_t
writev(int fd, const struct iovec *vectors, int count)
{
    return libc_result(sys_writev(fd, vectors, count));
}

off_t
lseek(int fd, off_t offset, int whence)
{
    long long position;

    if (libc_result(sys__llseek(fd, offset >> 32, offset, &position, whence)) < 0)
        return -1;
    return position;
}

int
ftruncate(int fd, off_t size)
{
    return libc_result(sys_ftruncate64(fd, size, size >> 32));
}

int
truncate(const char *path, off_t size)
{
    return libc_result(sys_truncate64(path, size, size >> 32));
}

int
fsync(int fd)
{
    return libc_result(sys_fsync(fd));
}

void
sync(void)
{
    sys_sync();
}

int
dup(int fd)
{
    return libc_result(sys_dup(fd));
}

int
dup2(int from, int to)
{
    return libc_result(sys_dup2(from, to));
}

int
dup3(int from, int to, int flags)
{
    return libc_result(sys_dup3(from, to, flags));
}

int
fcntl(int fd, int command, ...)
{
    va_list arguments;
    unsigned long argument;

    va_start(arguments, command);
    argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    return libc_result(sys_fcntl64(fd, command, argument));
}

int
ioctl(int fd, unsigned long command, ...)
{
    va_list arguments;
    unsigned long argument;

    va_start(arguments, command);
    argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    return libc_result(sys_ioctl(fd, command, argument));
}

int
isatty(int fd)
{
    unsigned char settings[64]; /* struct termios of the ABI has 36 bytes */

    return ioctl(fd, TCGETS, settings) == 0;
}

int
pipe(int fds[2])
{
    return libc_result(sys_pipe(fds));
}

int
pipe2(int fds[2], int flags)
{
    return libc_result(sys_pipe2(fds, flags));
}

int
poll(struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
    return libc_result(sys_poll(descriptors, count, timeout_ms));
}
