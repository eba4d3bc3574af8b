/* System calls that change what an inode says of its file: size, mode, owner, times. Files on disks are
 * read-only; those of /dev and /proc are what they are. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/task.h"

/* May anything about the inode be changed, whoever asks? */
static int
change_check(const struct inode *inode)
{
    if (inode->filesystem->read_only)
        return -EROFS;
    return inode->filesystem->attributes_change ? 0 : -EPERM;
}

static bool
owns(const struct inode *inode)
{
    const struct credentials *credentials = current_credentials();

    return credentials->euid == 0 || credentials->euid == inode->uid;
}

/* What is done to an inode, found by path or descriptor. */
typedef int inode_change(struct inode *inode, const void *argument);

static long
change_path(int dirfd, const char USER *path, unsigned how, inode_change *change,
            const void *argument)
{
    struct inode *inode;
    int error = path_find_user(dirfd, path, how, &inode);

    if (error)
        return error;
    error = change(inode, argument);
    inode_put(inode);
    return error;
}

static long
change_file(int fd, bool by_path_too, inode_change *change, const void *argument)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    if ((file->flags & OPEN_PATH) && !by_path_too)
        error = -EBADF;
    else
        error = file->inode ? change(file->inode, argument) : -EINVAL;
    file_put(file);
    return error;
}

/* ---- Size ---- */

static int
size_set(struct inode *inode, u64 size)
{
    if (is_directory(inode))
        return -EISDIR;
    if (!is_regular(inode))
        return -EINVAL;
    if (inode->filesystem->read_only || !inode->ops->truncate)
        return -EROFS;
    int error = size > inode->size ? file_size_limit(size) : 0;
    return error ? error : inode->ops->truncate(inode, size);
}

static int
change_size(struct inode *inode, const void *argument)
{
    int error = 0;

    if (is_regular(inode) && !inode->filesystem->read_only)
        error = inode_permission(inode, 2);
    return error ? error : size_set(inode, *(const u64 *)argument);
}

static long
truncate_path(const char USER *path, s64 size)
{
    if (size < 0)
        return -EINVAL;
    return change_path(AT_FDCWD, path, 0, change_size, &size);
}

static long
truncate_file(int fd, s64 size, bool small)
{
    struct file *file;
    int error;

    if (size < 0)
        return -EINVAL;
    error = descriptor_file(fd, &file);
    if (error)
        return error;
    if (file->flags & OPEN_PATH)
        error = -EBADF;
    else if (!file_is_writable(file) || !file->inode || !is_regular(file->inode))
        error = -EINVAL;
    else if (small && !(file->flags & OPEN_LARGE) && size > 0x7fffffff)
        error = -EINVAL;
    else
        error = size_set(file->inode, (u64)size);
    file_put(file);
    return error;
}

long
sys_truncate(const char USER *path, long size)
{
    return truncate_path(path, size);
}

long
sys_ftruncate(int fd, long size)
{
    return truncate_file(fd, size, true);
}

long
sys_truncate64(const char USER *path, u32 low, u32 high)
{
    return truncate_path(path, (s64)((u64)high << 32 | low));
}

long
sys_ftruncate64(int fd, u32 low, u32 high)
{
    return truncate_file(fd, (s64)((u64)high << 32 | low), false);
}

/* ---- Mode ---- */

static int
change_mode(struct inode *inode, const void *argument)
{
    const struct credentials *credentials = current_credentials();
    u32 mode = *(const u32 *)argument & MODE_PERMISSIONS;
    int error = change_check(inode);

    if (error)
        return error;
    if (!owns(inode))
        return -EPERM;
    if (credentials->euid != 0 && credentials->egid != inode->gid)
        mode &= ~(u32)MODE_SET_GID;
    inode->mode = (inode->mode & MODE_TYPE) | mode;
    inode_touch_changed(inode);
    return 0;
}

long
sys_fchmodat(int dirfd, const char USER *path, u32 mode)
{
    return change_path(dirfd, path, 0, change_mode, &mode);
}

long
sys_chmod(const char USER *path, u32 mode)
{
    return sys_fchmodat(AT_FDCWD, path, mode);
}

long
sys_fchmod(int fd, u32 mode)
{
    return change_file(fd, false, change_mode, &mode);
}

/* ---- Owner ---- */

#define NO_CHANGE 0xffffffffu

struct owner {
    u32 uid, gid; /* or NO_CHANGE */
};

static int
change_owner(struct inode *inode, const void *argument)
{
    const struct credentials *credentials = current_credentials();
    const struct owner *owner = argument;
    int error = change_check(inode);

    if (error)
        return error;
    if (credentials->euid != 0) {
        bool own = credentials->euid == inode->uid;
        if (owner->uid != NO_CHANGE && (!own || owner->uid != inode->uid))
            return -EPERM;
        if (owner->gid != NO_CHANGE &&
            (!own || (owner->gid != inode->gid && owner->gid != credentials->egid)))
            return -EPERM;
    }
    if (owner->uid != NO_CHANGE)
        inode->uid = owner->uid;
    if (owner->gid != NO_CHANGE)
        inode->gid = owner->gid;
    if (!is_directory(inode))
        inode->mode &= ~(u32)(MODE_SET_UID | (inode->mode & 010 ? MODE_SET_GID : 0));
    inode_touch_changed(inode);
    return 0;
}

long
sys_fchownat(int dirfd, const char USER *path, u32 uid, u32 gid, int flags)
{
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return change_path(dirfd, path,
                       (flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0) |
                           (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0),
                       change_owner, &(struct owner){uid, gid});
}

long
sys_chown32(const char USER *path, u32 uid, u32 gid)
{
    return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long
sys_lchown32(const char USER *path, u32 uid, u32 gid)
{
    return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long
sys_fchown32(int fd, u32 uid, u32 gid)
{
    return change_file(fd, false, change_owner, &(struct owner){uid, gid});
}

/* The 16-bit calls of before 2.4: 65535 is "no change". */
static u32
id_of_short(u32 id)
{
    return (u16)id == 0xffff ? NO_CHANGE : (u16)id;
}

long
sys_chown(const char USER *path, u32 uid, u32 gid)
{
    return sys_chown32(path, id_of_short(uid), id_of_short(gid));
}

long
sys_lchown(const char USER *path, u32 uid, u32 gid)
{
    return sys_lchown32(path, id_of_short(uid), id_of_short(gid));
}

long
sys_fchown(int fd, u32 uid, u32 gid)
{
    return sys_fchown32(fd, id_of_short(uid), id_of_short(gid));
}

/* ---- Times ---- */

#define TIME_NOW 0x3fffffff /* linux/stat.h: UTIME_NOW, UTIME_OMIT, in the nanoseconds */
#define TIME_OMIT 0x3ffffffe

struct times {
    bool given; /* else both are now */
    struct inode_time accessed, modified;
};

static bool
nanoseconds_valid(u32 nanoseconds)
{
    return nanoseconds < 1000000000u || nanoseconds == TIME_NOW || nanoseconds == TIME_OMIT;
}

static void
time_set(struct inode_time *to, const struct inode_time *time, const struct inode_time *now)
{
    if (time->nanoseconds == TIME_NOW)
        *to = *now;
    else if (time->nanoseconds != TIME_OMIT)
        *to = *time;
}

static int
change_times(struct inode *inode, const void *argument)
{
    const struct times *times = argument;
    struct inode_time now = inode_time_now();
    bool all_now = !times->given || (times->accessed.nanoseconds == TIME_NOW &&
                                     times->modified.nanoseconds == TIME_NOW);
    int error = change_check(inode);

    if (error)
        return error;
    if (!owns(inode)) {
        if (!all_now)
            return -EPERM;
        error = inode_permission(inode, 2);
        if (error)
            return error;
    }
    time_set(&inode->accessed, all_now ? &now : &times->accessed, &now);
    time_set(&inode->modified, all_now ? &now : &times->modified, &now);
    inode->changed = now;
    return 0;
}

static long
times_set(int dirfd, const char USER *path, const struct times *times, int flags)
{
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (times->given) {
        if (!nanoseconds_valid(times->accessed.nanoseconds) ||
            !nanoseconds_valid(times->modified.nanoseconds))
            return -EINVAL;
        if (times->accessed.nanoseconds == TIME_OMIT && times->modified.nanoseconds == TIME_OMIT)
            return 0;
    }
    if (!path && dirfd != AT_FDCWD)
        return flags ? -EINVAL : change_file(dirfd, false, change_times, times);
    return change_path(dirfd, path,
                       (flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0) |
                           (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0),
                       change_times, times);
}

long
sys_utimensat(int dirfd, const char USER *path, const void USER *user_times, int flags)
{
    struct times times = {.given = user_times != NULL};
    struct abi_timespec pair[2];

    if (user_times) {
        if (copy_from_user(pair, user_times, sizeof pair))
            return -EFAULT;
        times.accessed = (struct inode_time){pair[0].seconds, (u32)pair[0].nanoseconds};
        times.modified = (struct inode_time){pair[1].seconds, (u32)pair[1].nanoseconds};
    }
    return times_set(dirfd, path, &times, flags);
}

long
sys_utimensat_time64(int dirfd, const char USER *path, const void USER *user_times, int flags)
{
    struct times times = {.given = user_times != NULL};
    struct abi_timespec64 pair[2];

    if (user_times) {
        if (copy_from_user(pair, user_times, sizeof pair))
            return -EFAULT;
        times.accessed = (struct inode_time){pair[0].seconds, (u32)pair[0].nanoseconds};
        times.modified = (struct inode_time){pair[1].seconds, (u32)pair[1].nanoseconds};
    }
    return times_set(dirfd, path, &times, flags);
}

/* With struct timeval: microseconds. */
long
sys_futimesat(int dirfd, const char USER *path, const void USER *user_times)
{
    struct times times = {.given = user_times != NULL};
    struct abi_timeval pair[2];

    if (user_times) {
        if (copy_from_user(pair, user_times, sizeof pair))
            return -EFAULT;
        if ((u32)pair[0].microseconds >= 1000000 || (u32)pair[1].microseconds >= 1000000)
            return -EINVAL;
        times.accessed = (struct inode_time){pair[0].seconds, (u32)pair[0].microseconds * 1000};
        times.modified = (struct inode_time){pair[1].seconds, (u32)pair[1].microseconds * 1000};
    }
    return times_set(dirfd, path, &times, 0);
}

long
sys_utimes(const char USER *path, const void USER *times)
{
    return sys_futimesat(AT_FDCWD, path, times);
}

/* Whole seconds. */
long
sys_utime(const char USER *path, const void USER *user_times)
{
    struct times times = {.given = user_times != NULL};
    s32 pair[2];

    if (user_times) {
        if (copy_from_user(pair, user_times, sizeof pair))
            return -EFAULT;
        times.accessed.seconds = pair[0];
        times.modified.seconds = pair[1];
    }
    return times_set(AT_FDCWD, path, &times, 0);
}
