/* Open files: making, opening by path, reading and writing with the checks common to all kinds.
 * Called by handlers and by kernel code that reads files (the program loader). */
#include "fs/file.h"

#include "arch.h"
#include "fs/epoll.h"
#include "fs/file_lock.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/task.h"

static struct pool file_pool = POOL_INIT("file", struct file);

int
file_create(struct inode *inode, const struct file_ops *ops, u32 flags, void *private,
            struct file **result)
{
    struct file *file = pool_alloc(&file_pool);

    if (!file)
        return -ENOMEM;
    file->references = 1;
    file->flags = flags;
    file->inode = inode;
    file->ops = ops;
    file->private = private;
    mutex_init(&file->position_lock, "file position");
    if (inode)
        inode_get(inode);
    *result = file;
    return 0;
}

void
file_get(struct file *file)
{
    file->references++;
}

void
file_put(struct file *file)
{
    ASSERT(file->references > 0);
    if (--file->references > 0)
        return;
    if (unlikely(file->watches != NULL))
        epoll_forget_file(file);
    if (file->inode && unlikely(file->inode->locks))
        file_locks_drop(file->inode, file);
    if (file->ops->release)
        file->ops->release(file);
    if (file->inode)
        inode_put(file->inode);
    pool_free(&file_pool, file);
}

static void
signal_self(int number)
{
    struct signal_info info;

    signal_info_kernel(&info, number);
    (void)signal_send_task(current_task(), &info);
}

int
file_broken_pipe(void)
{
    signal_self(SIGPIPE);
    return -EPIPE;
}

#define LIMIT_FILE_SIZE 1     /* RLIMIT_FSIZE */
#define SMALL_MOST 0x7fffffff /* for those who did not ask for OPEN_LARGE */

int
file_size_limit(u64 size)
{
    u32 limit = current_task()->process->limits[LIMIT_FILE_SIZE].soft;

    if (limit == LIMIT_NONE || size <= limit)
        return 0;
    signal_self(SIGXFSZ);
    return -EFBIG;
}

int
file_write_limit(const struct file *file, u64 at, u64 *end)
{
    const struct process *process = current_task()->process;

    *end = file->flags & OPEN_LARGE ? (u64)INT64_MAX : SMALL_MOST;
    if (process && process != &kernel_process &&
        process->limits[LIMIT_FILE_SIZE].soft != LIMIT_NONE) {
        *end = MIN(*end, (u64)process->limits[LIMIT_FILE_SIZE].soft);
        if (at >= process->limits[LIMIT_FILE_SIZE].soft)
            signal_self(SIGXFSZ);
    }
    return at >= *end ? -EFBIG : 0;
}

/* ---- Opening ---- */

static bool
opens_for_read(u32 flags)
{
    return (flags & OPEN_ACCESS) != OPEN_WRITE;
}

static bool
opens_for_write(u32 flags)
{
    return (flags & OPEN_ACCESS) != OPEN_READ || (flags & OPEN_TRUNCATE);
}

/* May the running task open the inode so? Linux's order of errors (may_open). */
static int
open_check(const struct inode *inode, u32 flags)
{
    bool device = (inode->mode & MODE_TYPE) == MODE_CHARACTER ||
                  (inode->mode & MODE_TYPE) == MODE_BLOCK;

    if (is_symlink(inode))
        return -ELOOP;
    if (is_directory(inode) && opens_for_write(flags))
        return -EISDIR;
    if (opens_for_write(flags) && inode->filesystem->read_only && !device)
        return -EROFS;
    return inode_permission(inode,
                            (opens_for_read(flags) ? 4 : 0) | (opens_for_write(flags) ? 2 : 0));
}

static int
open_inode(struct inode *inode, u32 flags, struct file **result)
{
    static const struct file_ops path_only_ops = {.stream = true};
    struct file *file;
    int error;

    if (flags & OPEN_PATH)
        return file_create(inode, &path_only_ops, flags, NULL, result);
    if (!inode->file_ops)
        return -ENXIO; /* sockets, devices that we do not have */
    if (is_regular(inode) && !(flags & OPEN_LARGE) && inode->size > SMALL_MOST)
        return -EOVERFLOW;
    if ((flags & OPEN_TRUNCATE) && is_regular(inode)) {
        error = inode->ops->truncate ? inode->ops->truncate(inode, 0) : -EROFS;
        if (error)
            return error;
    }
    error = file_create(inode, inode->file_ops,
                        flags & ~(OPEN_CREATE | OPEN_EXCLUSIVE | OPEN_TRUNCATE |
                                  OPEN_CLOSE_ON_EXEC),
                        inode->private, &file);
    if (error)
        return error;
    error = file->ops->open ? file->ops->open(file) : 0;
    if (error) {
        if (file->inode)
            inode_put(file->inode);
        pool_free(&file_pool, file); /* not opened, so not released */
        return error;
    }
    file->flags &= ~(u32)OPEN_NO_CONTROL;
    *result = file;
    return 0;
}

int
inode_make_child(struct path_walk *walk, u32 mode, struct inode **inode)
{
    struct inode *parent = walk->parent;
    const struct credentials *credentials = current_credentials();
    u32 umask = credentials ? current_task()->directories->umask : 0;
    bool set_gid = parent->mode & MODE_SET_GID; /* children get the directory's group */
    u32 gid = set_gid ? parent->gid : credentials ? credentials->egid : 0;
    int error;

    if (parent->filesystem->read_only)
        return -EROFS;
    error = inode_permission(parent, 2 | 1);
    if (error)
        return error;
    if (!parent->ops->create)
        return -EACCES; /* /dev, /proc */
    if (set_gid && (mode & MODE_TYPE) == MODE_DIRECTORY)
        mode |= MODE_SET_GID;
    return parent->ops->create(parent, walk->last, walk->last_length, mode & ~umask,
                               credentials ? credentials->euid : 0, gid, inode);
}

static int
open_walked(struct path_walk *walk, u32 flags, u32 mode, struct file **file)
{
    int error;

    if ((flags & OPEN_CREATE) && walk->slash_behind)
        return -EISDIR;
    if (!walk->inode) {
        error = inode_make_child(walk, MODE_REGULAR | (mode & MODE_PERMISSIONS), &walk->inode);
        if (error)
            return error;
    } else {
        if ((flags & OPEN_CREATE) && (flags & OPEN_EXCLUSIVE))
            return -EEXIST;
        if ((flags & OPEN_CREATE) && is_directory(walk->inode))
            return -EISDIR;
        error = flags & OPEN_PATH ? 0 : open_check(walk->inode, flags);
        if (error)
            return error;
    }
    return open_inode(walk->inode, flags, file);
}

int
file_open(struct inode *base, const char *path, u32 flags, u32 mode, struct file **file)
{
    struct path_walk walk;
    unsigned how = 0;
    int error;

    if (flags & OPEN_PATH)
        flags &= OPEN_PATH | OPEN_DIRECTORY | OPEN_NO_FOLLOW | OPEN_CLOSE_ON_EXEC;
    if (flags & OPEN_CREATE)
        how |= PATH_CREATE;
    if ((flags & OPEN_NO_FOLLOW) || ((flags & OPEN_CREATE) && (flags & OPEN_EXCLUSIVE)))
        how |= PATH_NO_FOLLOW;
    if (flags & OPEN_DIRECTORY)
        how |= PATH_DIRECTORY;
    if ((flags & OPEN_CREATE) && (flags & OPEN_DIRECTORY) && !(flags & OPEN_PATH))
        return -EINVAL;
    error = path_walk(&walk, base, path, how);
    if (!error)
        error = open_walked(&walk, flags, mode, file);
    path_walk_end(&walk);
    return error;
}

int
file_open_path(const char *path, u32 flags, struct file **file)
{
    return file_open(NULL, path, (flags & ~OPEN_CREATE) | OPEN_LARGE, 0, file);
}

/* ---- Reading and writing ---- */

static int
file_move(struct file *file, struct iter *iter, u64 *position,
          int (*move)(struct file *file, struct iter *iter, u64 *position))
{
    int error;

    if (file->ops->stream)
        return move(file, iter, &file->position);
    if (position)
        return move(file, iter, position);
    error = mutex_lock(&file->position_lock);
    if (error)
        return error;
    error = move(file, iter, &file->position);
    mutex_unlock(&file->position_lock);
    return error;
}

int
file_read(struct file *file, struct iter *iter, u64 *position)
{
    if (position && file->ops->stream && !(file->flags & OPEN_PATH))
        return -ESPIPE;
    if (!file_is_readable(file))
        return -EBADF;
    if (!file->ops->read)
        return file->inode && is_directory(file->inode) ? -EISDIR : -EINVAL;
    return file_move(file, iter, position, file->ops->read);
}

int
file_write(struct file *file, struct iter *iter, u64 *position)
{
    if (position && file->ops->stream && !(file->flags & OPEN_PATH))
        return -ESPIPE;
    if (!file_is_writable(file))
        return -EBADF;
    if (!file->ops->write)
        return -EINVAL;
    return file_move(file, iter, position, file->ops->write);
}
