/* System calls on descriptors: read and write in all their forms, seek, close, dup, ioctl, fcntl.
 * Each takes a reference of its own to its file and gives it back at the end. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/sys/vectors.h"
#include "kernel/task.h"

typedef int move_function(struct file *file, struct iter *iter, u64 *position);

static long
move_iter(int fd, struct iter *iter, u64 *position, move_function *move)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    error = move(file, iter, position);
    file_put(file);
    return error ? error : (long)iter->done;
}

static long
move_bytes(int fd, void USER *buffer, size_t size, u64 *position, move_function *move)
{
    struct iter iter;

    iter_init_user(&iter, buffer, MIN(size, CALL_BYTES_MOST));
    return move_iter(fd, &iter, position, move);
}

long
sys_read(int fd, void USER *buffer, size_t size)
{
    return move_bytes(fd, buffer, size, NULL, file_read);
}

long
sys_write(int fd, const void USER *buffer, size_t size)
{
    return move_bytes(fd, (void USER *)buffer, size, NULL, file_write);
}

static bool
position_make(u32 low, u32 high, u64 *position)
{
    *position = (u64)high << 32 | low;
    return (s64)*position >= 0;
}

long
sys_pread64(int fd, void USER *buffer, size_t size, u32 low, u32 high)
{
    u64 position;

    if (!position_make(low, high, &position))
        return -EINVAL;
    return move_bytes(fd, buffer, size, &position, file_read);
}

long
sys_pwrite64(int fd, const void USER *buffer, size_t size, u32 low, u32 high)
{
    u64 position;

    if (!position_make(low, high, &position))
        return -EINVAL;
    return move_bytes(fd, (void USER *)buffer, size, &position, file_write);
}

/* ---- Several pieces ---- */

/* As in Linux, a descriptor that is not fit comes before vectors that are not. */
static int
access_check(int fd, bool write)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    error = (write ? file_is_writable(file) : file_is_readable(file)) ? 0 : -EBADF;
    file_put(file);
    return error;
}

static long
move_vectors(int fd, const void USER *user_vectors, u32 count, u64 *position, move_function *move)
{
    struct vectors vectors;
    struct iter iter;
    long result = access_check(fd, move == file_write);

    if (!result)
        result = count > IOV_MAX ? -EINVAL : vectors_take(&vectors, user_vectors, count);
    if (result)
        return result;
    iter_init_vectors(&iter, vectors.list, vectors.size);
    result = move_iter(fd, &iter, position, move);
    vectors_drop(&vectors);
    return result;
}

long
sys_readv(int fd, const void USER *vectors, u32 count)
{
    return move_vectors(fd, vectors, count, NULL, file_read);
}

long
sys_writev(int fd, const void USER *vectors, u32 count)
{
    return move_vectors(fd, vectors, count, NULL, file_write);
}

static long
move_vectors_at(int fd, const void USER *vectors, u32 count, u32 low, u32 high, move_function *move)
{
    u64 position;

    if (!position_make(low, high, &position))
        return -EINVAL;
    return move_vectors(fd, vectors, count, &position, move);
}

long
sys_preadv(int fd, const void USER *vectors, u32 count, u32 low, u32 high)
{
    return move_vectors_at(fd, vectors, count, low, high, file_read);
}

long
sys_pwritev(int fd, const void USER *vectors, u32 count, u32 low, u32 high)
{
    return move_vectors_at(fd, vectors, count, low, high, file_write);
}

/* linux/fs.h: RWF_HIPRI, RWF_DSYNC, RWF_SYNC, which ask for nothing that is not done anyway. */
#define MOVE_FLAGS 7u

static long
move_vectors_2(int fd, const void USER *vectors, u32 count, u32 low, u32 high, u32 flags,
               move_function *move)
{
    if (flags & ~MOVE_FLAGS)
        return -EOPNOTSUPP;
    if (low == ~0u && high == ~0u)
        return move_vectors(fd, vectors, count, NULL, move);
    return move_vectors_at(fd, vectors, count, low, high, move);
}

long
sys_preadv2(int fd, const void USER *vectors, u32 count, u32 low, u32 high, u32 flags)
{
    return move_vectors_2(fd, vectors, count, low, high, flags, file_read);
}

long
sys_pwritev2(int fd, const void USER *vectors, u32 count, u32 low, u32 high, u32 flags)
{
    return move_vectors_2(fd, vectors, count, low, high, flags, file_write);
}

/* ---- Position ---- */

#define SEEK_DATA 3 /* a file without holes is all data; what lies behind its end is a hole */
#define SEEK_HOLE 4

static int
seek_to(struct file *file, s64 offset, int whence, s64 *result)
{
    s64 size = file->ops->end ? (s64)file->ops->end(file) : file->inode ? (s64)file->inode->size : 0;
    s64 from = whence == 1 ? (s64)file->position : whence == 2 ? size : 0;

    if (whence >= SEEK_DATA && (offset < 0 || offset >= size))
        return -ENXIO;
    if (whence == SEEK_HOLE)
        offset = size;
    if (__builtin_add_overflow(from, offset, result))
        return -EOVERFLOW;
    if (*result < 0)
        return -EINVAL;
    if (file->ops->no_position)
        *result = 0;
    file->position = (u64)*result;
    return 0;
}

static int
seek(int fd, s64 offset, int whence, s64 *result)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    if (file->flags & OPEN_PATH)
        error = -EBADF;
    else if ((u32)whence > SEEK_HOLE)
        error = -EINVAL;
    else if (file->ops->stream)
        error = -ESPIPE;
    else
        error = mutex_lock(&file->position_lock);
    if (!error) {
        error = seek_to(file, offset, whence, result);
        mutex_unlock(&file->position_lock);
    }
    file_put(file);
    return error;
}

long
sys_lseek(int fd, long offset, int whence)
{
    s64 result;
    int error = seek(fd, offset, whence, &result);

    if (error)
        return error;
    return result > 0x7fffffff ? -EOVERFLOW : (long)result;
}

long
sys__llseek(int fd, u32 high, u32 low, s64 USER *to, int whence)
{
    s64 result;
    int error = seek(fd, (s64)((u64)high << 32 | low), whence, &result);

    return error ? error : copy_to_user(to, &result, sizeof result);
}

/* ---- Descriptors ---- */

long
sys_close(int fd)
{
    return descriptor_close(current_task()->files, fd);
}

#define CLOSE_RANGE_CLOEXEC 4u /* linux/close_range.h */

long
sys_close_range(u32 first, u32 last, u32 flags)
{
    struct descriptor_table *table = current_task()->files;
    int fd = (int)MIN(first, (u32)DESCRIPTORS_MAX);

    if (first > last || (flags & ~CLOSE_RANGE_CLOEXEC))
        return -EINVAL;
    while ((fd = descriptor_next(table, fd)) >= 0 && (u32)fd <= last) {
        if (flags & CLOSE_RANGE_CLOEXEC)
            (void)descriptor_set_flag(table, fd, true);
        else
            (void)descriptor_close(table, fd);
        fd++;
    }
    return 0;
}

/* A further number for the file behind fd. */
static long
duplicate(int from, int lowest, bool close_on_exec)
{
    struct file *file;
    int fd, error = descriptor_file(from, &file);

    if (error)
        return error;
    error = descriptor_install(current_task()->files, file, lowest, close_on_exec, &fd);
    return error ? error : fd;
}

long
sys_dup(int fd)
{
    return duplicate(fd, 0, false);
}

static long
duplicate_to(int from, int to, bool close_on_exec)
{
    struct file *file;
    int error = descriptor_file(from, &file);

    if (!error)
        error = descriptor_replace(current_task()->files, file, to, close_on_exec);
    return error ? error : to;
}

long
sys_dup2(int from, int to)
{
    if (from == to) {
        int flag = descriptor_flag(current_task()->files, from);
        return flag < 0 ? flag : to;
    }
    return duplicate_to(from, to, false);
}

long
sys_dup3(int from, int to, int flags)
{
    if (from == to || (flags & ~OPEN_CLOSE_ON_EXEC))
        return -EINVAL;
    return duplicate_to(from, to, flags & OPEN_CLOSE_ON_EXEC);
}
