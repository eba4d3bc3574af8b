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
#include "kernel/heap.h"
#include "kernel/task.h"

#define BYTES_MAX 0x7ffff000u /* moved by one call, as Linux's MAX_RW_COUNT */
#define VECTORS_SMALL 8       /* kept on the stack */

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

    iter_init_user(&iter, buffer, MIN(size, BYTES_MAX));
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

_Static_assert(sizeof(struct io_vector) == sizeof(struct abi_iovec), "io_vector is struct iovec");

/* The sum of the lengths, cut to what one call may move; -EINVAL if it is no ssize_t. */
static int
vectors_size(struct io_vector *vectors, u32 count, size_t *size)
{
    u64 sum = 0;

    for (u32 i = 0; i < count; i++)
        sum += vectors[i].length;
    *size = (size_t)MIN(sum, (u64)BYTES_MAX);
    return sum > 0x7fffffff ? -EINVAL : 0;
}

static long
move_vectors(int fd, const void USER *user_vectors, u32 count, u64 *position, move_function *move)
{
    struct io_vector small[VECTORS_SMALL], *vectors = small;
    struct iter iter;
    size_t size;
    long result;

    if (count > IOV_MAX)
        return -EINVAL;
    if (count > VECTORS_SMALL && !(vectors = heap_alloc(count * sizeof *vectors)))
        return -ENOMEM;
    result = copy_from_user(vectors, user_vectors, count * sizeof *vectors);
    if (!result)
        result = vectors_size(vectors, count, &size);
    if (!result) {
        iter_init_vectors(&iter, vectors, size);
        result = move_iter(fd, &iter, position, move);
    }
    if (vectors != small)
        heap_free(vectors);
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

long
sys_preadv(int fd, const void USER *vectors, u32 count, u32 low, u32 high)
{
    u64 position;

    if (!position_make(low, high, &position))
        return -EINVAL;
    return move_vectors(fd, vectors, count, &position, file_read);
}

long
sys_pwritev(int fd, const void USER *vectors, u32 count, u32 low, u32 high)
{
    u64 position;

    if (!position_make(low, high, &position))
        return -EINVAL;
    return move_vectors(fd, vectors, count, &position, file_write);
}

/* ---- Position ---- */

static int
seek_to(struct file *file, s64 offset, int whence, s64 *result)
{
    s64 from = 0;

    if (whence == 1)
        from = (s64)file->position;
    else if (whence == 2)
        from = file->inode ? (s64)file->inode->size : 0;
    else if (whence != 0)
        return -EINVAL;
    if (__builtin_add_overflow(from, offset, result))
        return -EOVERFLOW;
    if (*result < 0)
        return -EINVAL;
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

#define FLAGS_SETTABLE (OPEN_APPEND | OPEN_NONBLOCK | OPEN_DIRECT | OPEN_NO_ATIME)

static long
flags_get_or_set(int fd, bool set, u32 flags)
{
    struct file *file;
    long result = descriptor_file(fd, &file);

    if (result)
        return result;
    if (set)
        file->flags = (file->flags & ~FLAGS_SETTABLE) | (flags & FLAGS_SETTABLE);
    else
        result = (long)file->flags;
    file_put(file);
    return result;
}

long
sys_fcntl64(int fd, int command, uintptr_t argument)
{
    struct descriptor_table *table = current_task()->files;
    int flag = descriptor_flag(table, fd);

    if (flag < 0)
        return flag;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if (argument >= DESCRIPTORS_MAX)
            return -EINVAL;
        return duplicate(fd, (int)argument, command == F_DUPFD_CLOEXEC);
    case F_GETFD: return flag;
    case F_SETFD: return descriptor_set_flag(table, fd, argument & FD_CLOEXEC);
    case F_GETFL: return flags_get_or_set(fd, false, 0);
    case F_SETFL: return flags_get_or_set(fd, true, (u32)argument);
    default: return -EINVAL;
    }
}

#define FIONBIO 0x5421 /* asm-generic/ioctls.h */
#define FIONCLEX 0x5450
#define FIOCLEX 0x5451

long
sys_ioctl(int fd, u32 command, uintptr_t argument)
{
    struct file *file;
    int value, error = descriptor_file(fd, &file);

    if (error)
        return error;
    if (command == FIOCLEX || command == FIONCLEX) {
        error = descriptor_set_flag(current_task()->files, fd, command == FIOCLEX);
    } else if (command == FIONBIO) {
        error = copy_from_user(&value, (const void USER *)argument, sizeof value);
        if (!error)
            file->flags = value ? file->flags | OPEN_NONBLOCK : file->flags & ~OPEN_NONBLOCK;
    } else {
        error = file->ops->ioctl ? file->ops->ioctl(file, command, argument) : -ENOTTY;
    }
    file_put(file);
    return error;
}

/* Nothing is kept back from a disk. */
long
sys_sync(void)
{
    return 0;
}

long
sys_fsync(int fd)
{
    int flag = descriptor_flag(current_task()->files, fd);
    return MIN(flag, 0);
}
