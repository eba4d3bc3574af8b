/* Directory streams over getdents64, the working directory, and the names in directories. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fibril/calls.h>
#include <fibril/kernel_types.h>
#include "libc.h"

struct directory_stream {
    int fd;
    unsigned position, filled; /* in buffer */
    long long offset;          /* of the entry that readdir gives next, for telldir */
    struct dirent entry;       /* what readdir last gave */
    char buffer[4096];
};

DIR *
fdopendir(int fd)
{
    DIR *stream = calloc(1, sizeof *stream);

    if (stream)
        stream->fd = fd;
    return stream;
}

DIR *
opendir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream;

    if (fd < 0)
        return NULL;
    stream = fdopendir(fd);
    if (!stream)
        sys_close(fd);
    return stream;
}

struct dirent *
readdir(DIR *stream)
{
    const struct kernel_dirent *raw;

    if (stream->position == stream->filled) {
        long size = libc_result(sys_getdents64(stream->fd, stream->buffer, sizeof stream->buffer));
        if (size <= 0)
            return NULL;
        stream->position = 0;
        stream->filled = size;
    }
    raw = (const struct kernel_dirent *)(stream->buffer + stream->position);
    stream->position += raw->length;
    stream->offset = raw->next;
    stream->entry.d_ino = raw->inode;
    stream->entry.d_off = raw->next;
    stream->entry.d_reclen = raw->length;
    stream->entry.d_type = raw->type;
    strncpy(stream->entry.d_name, raw->name, sizeof stream->entry.d_name - 1);
    return &stream->entry;
}

int
closedir(DIR *stream)
{
    int fd = stream->fd;

    free(stream);
    return close(fd);
}

int
dirfd(DIR *stream)
{
    return stream->fd;
}

/* newlib's <dirent.h> has long positions: ours fit, ext2's are byte offsets below 2 GiB. */
void
seekdir(DIR *stream, long position)
{
    lseek(stream->fd, position, SEEK_SET);
    stream->position = stream->filled = 0;
    stream->offset = position;
}

long
telldir(DIR *stream)
{
    return stream->offset;
}

void
rewinddir(DIR *stream)
{
    seekdir(stream, 0);
}

int
chdir(const char *path)
{
    return libc_result(sys_chdir(path));
}

int
fchdir(int fd)
{
    return libc_result(sys_fchdir(fd));
}

int
mkdir(const char *path, mode_t mode)
{
    return libc_result(sys_mkdir(path, mode));
}

int
mkdirat(int directory, const char *path, mode_t mode)
{
    return libc_result(sys_mkdirat(directory, path, mode));
}

int
rmdir(const char *path)
{
    return libc_result(sys_rmdir(path));
}

int
unlink(const char *path)
{
    return libc_result(sys_unlink(path));
}

int
unlinkat(int directory, const char *path, int flags)
{
    return libc_result(sys_unlinkat(directory, path, flags));
}

char *
getcwd(char *buffer, size_t size)
{
    char *own = buffer ? NULL : malloc(size = size ? size : 4096);

    if (!buffer)
        buffer = own;
    if (!buffer)
        return NULL;
    if (libc_result(sys_getcwd(buffer, size)) < 0) {
        free(own);
        return NULL;
    }
    return buffer;
}
