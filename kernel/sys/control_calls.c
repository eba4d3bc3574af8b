/* System calls that control an open file: fcntl, flock, ioctl, and advice that nobody has to follow. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/file_lock.h"
#include "fs/inode.h"
#include "fs/pipe.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/task.h"

/* ---- Record locks ---- */

enum { F_RDLCK, F_WRLCK, F_UNLCK }; /* asm-generic/fcntl.h */

/* The first and the last byte that a struct flock means: fcntl(2). */
static int
range_of(struct file *file, const struct abi_flock64 *flock, struct file_lock *lock)
{
    s64 start = (s64)((u64)flock->start_high << 32 | flock->start_low);
    s64 length = (s64)((u64)flock->length_high << 32 | flock->length_low);
    s64 end;

    if (flock->whence == 1)
        start += (s64)file->position;
    else if (flock->whence == 2)
        start += (s64)file->inode->size;
    else if (flock->whence != 0)
        return -EINVAL;
    if (length < 0) {
        end = start - 1;
        start += length;
    } else if (length == 0) {
        end = INT64_MAX;
    } else if (__builtin_add_overflow(start, length - 1, &end)) {
        return -EOVERFLOW;
    }
    if (start < 0 || end < start)
        return -EINVAL;
    lock->start = (u64)start;
    lock->end = (u64)end;
    return 0;
}

/* `of_file`: the lock is the open file's, not the process's. */
static int
lock_wanted(struct file *file, const struct abi_flock64 *flock, bool of_file,
            struct file_lock *lock)
{
    *lock = (struct file_lock){
        .owner = of_file ? (const void *)file : current_task()->files,
        .kind = FILE_LOCK_RANGE,
        .of_process = !of_file,
        .pid = of_file ? ~0u : current_task()->process->id,
    };
    switch (flock->type) {
    case F_RDLCK: lock->type = FILE_LOCK_SHARED; break;
    case F_WRLCK: lock->type = FILE_LOCK_EXCLUSIVE; break;
    case F_UNLCK: lock->type = FILE_LOCK_NONE; break;
    default: return -EINVAL;
    }
    if (of_file && flock->pid != 0)
        return -EINVAL;
    return file->inode ? range_of(file, flock, lock) : -EINVAL;
}

static int
lock_set(int fd, struct file *file, const struct abi_flock64 *flock, bool of_file, bool wait)
{
    struct file *now;
    struct file_lock lock;
    int error = lock_wanted(file, flock, of_file, &lock);

    if (error)
        return error;
    if ((lock.type == FILE_LOCK_SHARED && !file_is_readable(file)) ||
        (lock.type == FILE_LOCK_EXCLUSIVE && !file_is_writable(file)))
        return -EBADF;
    error = file_lock_set(file->inode, &lock, wait);
    if (error || of_file || lock.type == FILE_LOCK_NONE)
        return error;
    /* closed by another thread meanwhile: nothing may be left behind */
    if (!descriptor_file(fd, &now)) {
        bool same = now == file;
        file_put(now);
        if (same)
            return 0;
    }
    file_locks_drop(file->inode, lock.owner);
    return -EBADF;
}

static int
lock_get(struct file *file, struct abi_flock64 *flock, bool of_file)
{
    struct file_lock lock, found;
    int error = flock->type == F_UNLCK && !of_file ? -EINVAL
                                                   : lock_wanted(file, flock, of_file, &lock);

    if (error)
        return error;
    if (!file_lock_test(file->inode, &lock, &found)) {
        flock->type = F_UNLCK;
        return 0;
    }
    u64 length = found.end == FILE_LOCK_END ? 0 : found.end - found.start + 1;
    *flock = (struct abi_flock64){
        .type = found.type == FILE_LOCK_EXCLUSIVE ? F_WRLCK : F_RDLCK,
        .start_low = (u32)found.start,
        .start_high = (u32)(found.start >> 32),
        .length_low = (u32)length,
        .length_high = (u32)(length >> 32),
        .pid = (s32)found.pid,
    };
    return 0;
}

static int
flock_take(struct abi_flock64 *flock, const void USER *from, bool wide)
{
    struct abi_flock narrow;
    int error;

    if (wide)
        return copy_from_user(flock, from, sizeof *flock);
    error = copy_from_user(&narrow, from, sizeof narrow);
    *flock = (struct abi_flock64){
        .type = narrow.type,
        .whence = narrow.whence,
        .start_low = (u32)narrow.start,
        .start_high = narrow.start < 0 ? ~0u : 0,
        .length_low = (u32)narrow.length,
        .length_high = narrow.length < 0 ? ~0u : 0,
        .pid = narrow.pid,
    };
    return error;
}

static int
flock_give(const struct abi_flock64 *flock, void USER *to, bool wide)
{
    struct abi_flock narrow = {
        .type = flock->type,
        .whence = flock->whence,
        .start = (s32)flock->start_low,
        .length = (s32)flock->length_low,
        .pid = flock->pid,
    };

    if (wide)
        return copy_to_user(to, flock, sizeof *flock);
    if (flock->type != F_UNLCK && (flock->start_high || flock->start_low > 0x7fffffff))
        return -EOVERFLOW;
    if (flock->length_high || flock->length_low > 0x7fffffff)
        narrow.length = 0; /* to the end, as far as they can see */
    return copy_to_user(to, &narrow, sizeof narrow);
}

static long
lock_control(int fd, struct file *file, int command, void USER *argument)
{
    bool of_file = command >= F_OFD_GETLK, wide = command >= F_GETLK64;
    struct abi_flock64 flock;
    int error = flock_take(&flock, argument, wide);

    if (error)
        return error;
    if (command == F_GETLK || command == F_GETLK64 || command == F_OFD_GETLK) {
        error = lock_get(file, &flock, of_file);
        return error ? error : flock_give(&flock, argument, wide);
    }
    return lock_set(fd, file, &flock, of_file,
                    command == F_SETLKW || command == F_SETLKW64 || command == F_OFD_SETLKW);
}

#define LOCK_SH 1 /* asm-generic/fcntl.h */
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

long
sys_flock(int fd, int operation)
{
    struct file_lock lock = {.kind = FILE_LOCK_WHOLE, .end = FILE_LOCK_END};
    struct file *file;
    int error;

    switch (operation & ~LOCK_NB) {
    case LOCK_SH: lock.type = FILE_LOCK_SHARED; break;
    case LOCK_EX: lock.type = FILE_LOCK_EXCLUSIVE; break;
    case LOCK_UN: lock.type = FILE_LOCK_NONE; break;
    default: return -EINVAL;
    }
    error = descriptor_file(fd, &file);
    if (error)
        return error;
    lock.owner = file;
    lock.pid = current_task()->process->id;
    if (file->flags & OPEN_PATH || !file->inode)
        error = -EBADF;
    else
        error = file_lock_set(file->inode, &lock, !(operation & LOCK_NB));
    file_put(file);
    return error;
}

/* ---- fcntl ---- */

#define FLAGS_SETTABLE (OPEN_APPEND | OPEN_NONBLOCK | OPEN_DIRECT | OPEN_NO_ATIME)

static long
flags_set(struct file *file, u32 flags)
{
    const struct credentials *credentials = current_credentials();

    if ((flags & ~file->flags & OPEN_NO_ATIME) && credentials->euid != 0 &&
        (!file->inode || file->inode->uid != credentials->euid))
        return -EPERM;
    file->flags = (file->flags & ~FLAGS_SETTABLE) | (flags & FLAGS_SETTABLE);
    return 0;
}

/* Commands that an OPEN_PATH file does not know. */
static long
file_control(int fd, struct file *file, int command, uintptr_t argument)
{
    struct pipe *pipe = pipe_of_file(file);

    switch (command) {
    case F_SETFL: return flags_set(file, (u32)argument);
    case F_GETLK: case F_SETLK: case F_SETLKW:
    case F_GETLK64: case F_SETLK64: case F_SETLKW64:
    case F_OFD_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW:
        return lock_control(fd, file, command, (void USER *)argument);
    case F_GETPIPE_SZ: return pipe ? (long)pipe_capacity(pipe) : -EBADF;
    case F_SETPIPE_SZ: return pipe ? pipe_set_capacity(pipe, (u32)argument) : -EBADF;
    case F_GETOWN:
    case F_GETSIG: return 0; /* nobody is told of input by a signal */
    default: return -EINVAL;
    }
}

static long
duplicate(struct file *file, uintptr_t lowest, bool close_on_exec)
{
    int fd, error;

    if (lowest >= descriptor_limit())
        return -EINVAL;
    file_get(file);
    error = descriptor_install(current_task()->files, file, (int)lowest, close_on_exec, &fd);
    return error ? error : fd;
}

static long
descriptor_control(int fd, struct file *file, int command, uintptr_t argument)
{
    struct descriptor_table *table = current_task()->files;

    switch (command) {
    case F_DUPFD: return duplicate(file, argument, false);
    case F_DUPFD_CLOEXEC: return duplicate(file, argument, true);
    case F_GETFD: return descriptor_flag(table, fd);
    case F_SETFD: return descriptor_set_flag(table, fd, argument & FD_CLOEXEC);
    case F_GETFL: return (long)file->flags;
    default: return file->flags & OPEN_PATH ? -EBADF : file_control(fd, file, command, argument);
    }
}

long
sys_fcntl64(int fd, int command, uintptr_t argument)
{
    struct file *file;
    long result = descriptor_file(fd, &file);

    if (result)
        return result;
    result = descriptor_control(fd, file, command, argument);
    file_put(file);
    return result;
}

long
sys_fcntl(int fd, int command, uintptr_t argument)
{
    if (command == F_GETLK64 || command == F_SETLK64 || command == F_SETLKW64)
        return -EINVAL;
    return sys_fcntl64(fd, command, argument);
}

/* ---- ioctl ---- */

#define FIONREAD 0x541b /* asm-generic/ioctls.h */
#define FIONBIO 0x5421
#define FIONCLEX 0x5450
#define FIOCLEX 0x5451

static int
blocking_set(struct file *file, const int USER *argument)
{
    int value, error = copy_from_user(&value, argument, sizeof value);

    if (!error)
        file->flags = value ? file->flags | OPEN_NONBLOCK : file->flags & ~OPEN_NONBLOCK;
    return error;
}

static int
bytes_left(struct file *file, int USER *argument)
{
    u64 left = file->inode->size - MIN(file->position, file->inode->size);
    int value = (int)MIN(left, (u64)0x7fffffff);

    return copy_to_user(argument, &value, sizeof value);
}

static int
file_ioctl(int fd, struct file *file, u32 command, uintptr_t argument)
{
    if (file->flags & OPEN_PATH)
        return -EBADF;
    if (command == FIOCLEX || command == FIONCLEX)
        return descriptor_set_flag(current_task()->files, fd, command == FIOCLEX);
    if (command == FIONBIO)
        return blocking_set(file, (const int USER *)argument);
    if (command == FIONREAD && file->inode && is_regular(file->inode))
        return bytes_left(file, (int USER *)argument);
    return file->ops->ioctl ? file->ops->ioctl(file, command, argument) : -ENOTTY;
}

long
sys_ioctl(int fd, u32 command, uintptr_t argument)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    error = file_ioctl(fd, file, command, argument);
    file_put(file);
    return error;
}

/* ---- Advice and reservations ---- */

#define ADVICE_LAST 5 /* POSIX_FADV_NOREUSE */

long
sys_fadvise64_64(int fd, u32 offset_low, u32 offset_high, u32 length_low, u32 length_high, int advice)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    if (file->flags & OPEN_PATH)
        error = -EBADF;
    else if (pipe_of_file(file))
        error = -ESPIPE;
    else if ((s32)length_high < 0 || (u32)advice > ADVICE_LAST)
        error = -EINVAL;
    file_put(file);
    return error;
}

long
sys_fadvise64(int fd, u32 offset_low, u32 offset_high, u32 length, int advice)
{
    return sys_fadvise64_64(fd, offset_low, offset_high, length, 0, advice);
}

long
sys_readahead(int fd, u32 offset_low, u32 offset_high, u32 count)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    if (!file_is_readable(file))
        error = -EBADF;
    else if (!file->inode || !is_regular(file->inode))
        error = -EINVAL;
    file_put(file);
    return error;
}

/* C libraries write zeros instead. */
long
sys_fallocate(int fd, int mode, u32 offset_low, u32 offset_high, u32 length_low, u32 length_high)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    if ((s32)offset_high < 0 || (s32)length_high < 0 || (length_low | length_high) == 0)
        error = -EINVAL;
    else if (!file_is_writable(file))
        error = -EBADF;
    else if (pipe_of_file(file))
        error = -ESPIPE;
    else if (!file->inode || !is_regular(file->inode))
        error = -ENODEV;
    else
        error = -EOPNOTSUPP;
    file_put(file);
    return error;
}
