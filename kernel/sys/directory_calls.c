/* System calls that list and change directories. A change is made by the file system's inode_ops;
 * here the path is walked and what does not depend on the file system is checked. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/task.h"

long
sys_getdents64(int fd, void USER *buffer, size_t size)
{
    struct file *file;
    long result = descriptor_file(fd, &file);

    if (result)
        return result;
    result = file_read_directory(file, buffer, size);
    file_put(file);
    return result;
}

/* ---- Walking to what is to be changed ---- */

struct target {
    struct path_text text;
    struct path_walk walk;
};

/* target_end has to follow if it returns 0, and only then. */
static int
target_find(struct target *target, int dirfd, const char USER *path, unsigned how)
{
    struct inode *base;
    int error = path_text_take(&target->text, path);

    if (error)
        return error;
    error = path_base(dirfd, target->text.text, &base);
    if (!error) {
        error = path_walk(&target->walk, base, target->text.text, how);
        if (error)
            path_walk_end(&target->walk);
        if (base)
            inode_put(base);
    }
    if (error)
        path_text_drop(&target->text);
    return error;
}

static void
target_end(struct target *target)
{
    path_walk_end(&target->walk);
    path_text_drop(&target->text);
}

/* May the running task remove a name from this directory? [unlink(2): the sticky bit] */
static int
removal_check(const struct inode *directory, const struct inode *victim)
{
    const struct credentials *credentials = current_credentials();
    int error = directory->filesystem->read_only ? -EROFS : inode_permission(directory, 2 | 1);

    if (!error && (directory->mode & 01000) && credentials->euid != 0 &&
        credentials->euid != directory->uid && victim && credentials->euid != victim->uid)
        error = -EPERM;
    return error;
}

/* ---- Making ---- */

long
sys_mkdirat(int dirfd, const char USER *path, u32 mode)
{
    struct target target;
    int error = target_find(&target, dirfd, path, PATH_CREATE | PATH_NO_FOLLOW);

    if (error)
        return error;
    error = target.walk.inode ? -EEXIST
                              : inode_make_child(&target.walk, MODE_DIRECTORY | (mode & 01777),
                                                 &target.walk.inode);
    target_end(&target);
    return error;
}

long
sys_mkdir(const char USER *path, u32 mode)
{
    return sys_mkdirat(AT_FDCWD, path, mode);
}

static int
symlink_make(struct path_walk *walk, const char *text)
{
    const struct credentials *credentials = current_credentials();
    int error;

    if (walk->inode)
        return -EEXIST;
    if (walk->slash_behind || !*text)
        return -ENOENT;
    if (walk->parent->filesystem->read_only)
        return -EROFS;
    error = inode_permission(walk->parent, 2 | 1);
    if (error)
        return error;
    if (!walk->parent->ops->symlink)
        return -EPERM;
    return walk->parent->ops->symlink(walk->parent, walk->last, walk->last_length, text,
                                      credentials->euid, credentials->egid, &walk->inode);
}

long
sys_symlinkat(const char USER *user_text, int dirfd, const char USER *path)
{
    struct path_text text;
    struct target target;
    int error = path_text_take(&text, user_text);

    if (error)
        return error;
    error = target_find(&target, dirfd, path, PATH_CREATE | PATH_NO_FOLLOW);
    if (!error) {
        error = symlink_make(&target.walk, text.text);
        target_end(&target);
    }
    path_text_drop(&text);
    return error;
}

long
sys_symlink(const char USER *text, const char USER *path)
{
    return sys_symlinkat(text, AT_FDCWD, path);
}

static int
link_make(struct path_walk *walk, struct inode *inode)
{
    int error;

    if (walk->inode)
        return -EEXIST;
    if (is_directory(inode))
        return -EPERM;
    if (walk->slash_behind)
        return -ENOENT;
    if (walk->parent->filesystem != inode->filesystem)
        return -EXDEV;
    if (inode->filesystem->read_only)
        return -EROFS;
    error = inode_permission(walk->parent, 2 | 1);
    if (error)
        return error;
    if (!walk->parent->ops->link)
        return -EPERM;
    return walk->parent->ops->link(walk->parent, walk->last, walk->last_length, inode);
}

long
sys_linkat(int fromfd, const char USER *from, int tofd, const char USER *to, int flags)
{
    struct target target;
    struct inode *inode;
    int error;

    if (flags & ~0x400) /* AT_SYMLINK_FOLLOW */
        return -EINVAL;
    error = path_find_user(fromfd, from, flags ? 0 : PATH_NO_FOLLOW, &inode);
    if (error)
        return error;
    error = target_find(&target, tofd, to, PATH_CREATE | PATH_NO_FOLLOW);
    if (!error) {
        error = link_make(&target.walk, inode);
        target_end(&target);
    }
    inode_put(inode);
    return error;
}

long
sys_link(const char USER *from, const char USER *to)
{
    return sys_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- Removing ---- */

/* "." and ".." and the root cannot be removed; each has its own error. */
static int
last_name_check(const struct path_walk *walk, bool directory)
{
    if (walk->last_length == 0)
        return directory ? -EBUSY : -EISDIR;
    if (walk->last[0] == '.' && walk->last_length == 1)
        return directory ? -EINVAL : -EISDIR;
    if (walk->last[0] == '.' && walk->last_length == 2 && walk->last[1] == '.')
        return directory ? -ENOTEMPTY : -EISDIR;
    return 0;
}

static int
name_remove(struct path_walk *walk, bool directory)
{
    struct inode *parent = walk->parent, *victim;
    int error = last_name_check(walk, directory);

    if (error)
        return error;
    if (parent->filesystem->read_only)
        return -EROFS;
    error = parent->ops->lookup(parent, walk->last, walk->last_length, &victim);
    if (error)
        return error;
    error = removal_check(parent, victim);
    if (!error && walk->slash_behind && !directory)
        error = is_directory(victim) ? -EISDIR : -ENOTDIR;
    if (!error)
        error = parent->ops->remove
                    ? parent->ops->remove(parent, walk->last, walk->last_length, directory)
                    : -EPERM;
    inode_put(victim);
    return error;
}

long
sys_unlinkat(int dirfd, const char USER *path, int flags)
{
    struct target target;
    int error;

    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    error = target_find(&target, dirfd, path, PATH_PARENT);
    if (error)
        return error;
    error = name_remove(&target.walk, flags & AT_REMOVEDIR);
    target_end(&target);
    return error;
}

long
sys_unlink(const char USER *path)
{
    return sys_unlinkat(AT_FDCWD, path, 0);
}

long
sys_rmdir(const char USER *path)
{
    return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* ---- Moving ---- */

/* What stands at the new name must give way, if it may. */
static int
rename_make_room(struct path_walk *to, struct inode *moved)
{
    struct inode *there;
    int error = to->parent->ops->lookup(to->parent, to->last, to->last_length, &there);

    if (error)
        return error == -ENOENT ? 0 : error;
    if (there == moved)
        error = 1; /* two names of one file: nothing to do */
    else if (is_directory(there) != is_directory(moved))
        error = is_directory(there) ? -EISDIR : -ENOTDIR;
    else
        error = removal_check(to->parent, there);
    if (!error)
        error = to->parent->ops->remove(to->parent, to->last, to->last_length, is_directory(there));
    inode_put(there);
    return error;
}

static int
name_move(struct path_walk *from, struct path_walk *to)
{
    struct inode *moved;
    int error;

    if (from->parent->filesystem != to->parent->filesystem)
        return -EXDEV;
    if (last_name_check(from, true) || last_name_check(to, true))
        return -EBUSY;
    if (from->parent->filesystem->read_only)
        return -EROFS;
    if (!from->parent->ops->rename)
        return -EPERM;
    error = from->parent->ops->lookup(from->parent, from->last, from->last_length, &moved);
    if (error)
        return error;
    error = removal_check(from->parent, moved);
    if (!error)
        error = inode_permission(to->parent, 2 | 1);
    if (!error && (from->slash_behind || to->slash_behind) && !is_directory(moved))
        error = -ENOTDIR;
    if (!error)
        error = rename_make_room(to, moved);
    if (!error)
        error = from->parent->ops->rename(from->parent, from->last, from->last_length, to->parent,
                                          to->last, to->last_length);
    inode_put(moved);
    return MIN(error, 0);
}

long
sys_renameat(int fromfd, const char USER *from_path, int tofd, const char USER *to_path)
{
    struct target from, to;
    int error = target_find(&from, fromfd, from_path, PATH_PARENT);

    if (error)
        return error;
    error = target_find(&to, tofd, to_path, PATH_PARENT);
    if (!error) {
        error = name_move(&from.walk, &to.walk);
        target_end(&to);
    }
    target_end(&from);
    return error;
}

long
sys_rename(const char USER *from, const char USER *to)
{
    return sys_renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* ---- Size and mode ---- */

static int
inode_truncate(struct inode *inode, u32 low, u32 high)
{
    u64 size = (u64)high << 32 | low;

    if ((s64)size < 0)
        return -EINVAL;
    if (is_directory(inode))
        return -EISDIR;
    if (!is_regular(inode))
        return -EINVAL;
    if (inode->filesystem->read_only || !inode->ops->truncate)
        return -EROFS;
    return inode->ops->truncate(inode, size);
}

long
sys_truncate64(const char USER *path, u32 low, u32 high)
{
    struct inode *inode;
    int error = path_find_user(AT_FDCWD, path, 0, &inode);

    if (error)
        return error;
    error = inode_permission(inode, 2);
    if (!error)
        error = inode_truncate(inode, low, high);
    inode_put(inode);
    return error;
}

long
sys_ftruncate64(int fd, u32 low, u32 high)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    if ((file->flags & OPEN_ACCESS) == OPEN_READ || !file->inode)
        error = -EINVAL;
    else
        error = inode_truncate(file->inode, low, high);
    file_put(file);
    return error;
}

static int
inode_set_mode(struct inode *inode, u32 mode)
{
    const struct credentials *credentials = current_credentials();

    if (inode->filesystem->read_only || !inode->ops->truncate)
        return -EROFS;
    if (credentials->euid != 0 && credentials->euid != inode->uid)
        return -EPERM;
    inode->mode = (inode->mode & MODE_TYPE) | (mode & MODE_PERMISSIONS);
    return 0;
}

long
sys_chmod(const char USER *path, u32 mode)
{
    struct inode *inode;
    int error = path_find_user(AT_FDCWD, path, 0, &inode);

    if (error)
        return error;
    error = inode_set_mode(inode, mode);
    inode_put(inode);
    return error;
}

long
sys_fchmod(int fd, u32 mode)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    error = file->inode ? inode_set_mode(file->inode, mode) : -EINVAL;
    file_put(file);
    return error;
}
