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

static long
directory_read(int fd, void USER *buffer, size_t size, bool old_layout)
{
    struct file *file;
    long result = descriptor_file(fd, &file);

    if (result)
        return result;
    result = file_read_directory(file, buffer, size, old_layout);
    file_put(file);
    return result;
}

long
sys_getdents64(int fd, void USER *buffer, size_t size)
{
    return directory_read(fd, buffer, size, false);
}

long
sys_getdents(int fd, void USER *buffer, size_t size)
{
    return directory_read(fd, buffer, size, true);
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
    error = path_base(dirfd, target->text.text, how, &base);
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

/* FIFOs, plain files and sockets; devices are what /dev shows, and no others can be made. */
static int
node_check(u32 mode)
{
    switch (mode & MODE_TYPE) {
    case 0:
    case MODE_REGULAR:
    case MODE_FIFO:
    case MODE_SOCKET: return 0;
    case MODE_CHARACTER:
    case MODE_BLOCK: return -EPERM;
    case MODE_DIRECTORY: return -EPERM;
    default: return -EINVAL;
    }
}

long
sys_mknodat(int dirfd, const char USER *path, u32 mode, u32 device)
{
    struct target target;
    int error = node_check(mode);

    if (error)
        return error;
    if (!(mode & MODE_TYPE))
        mode |= MODE_REGULAR;
    error = target_find(&target, dirfd, path, PATH_CREATE | PATH_NO_FOLLOW);
    if (error)
        return error;
    if (target.walk.inode)
        error = -EEXIST;
    else if (target.walk.slash_behind)
        error = -ENOENT;
    else
        error = inode_make_child(&target.walk, mode & (MODE_TYPE | MODE_PERMISSIONS),
                                 &target.walk.inode);
    target_end(&target);
    return error;
}

long
sys_mknod(const char USER *path, u32 mode, u32 device)
{
    return sys_mknodat(AT_FDCWD, path, mode, device);
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

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    error = path_find_user(fromfd, from,
                           (flags & AT_SYMLINK_FOLLOW ? 0 : PATH_NO_FOLLOW) |
                               (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0),
                           &inode);
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

/* May what stands at the new name be replaced? The file system will do it. */
static int
rename_check_target(struct path_walk *to, struct inode *moved, bool replace)
{
    struct inode *there;
    int error = to->parent->ops->lookup(to->parent, to->last, to->last_length, &there);

    if (error == -ENOENT)
        return inode_permission(to->parent, 2 | 1);
    if (error)
        return error;
    if (!replace)
        error = -EEXIST;
    else if (there != moved)
        error = removal_check(to->parent, there);
    if (!error && there != moved && is_directory(there) != is_directory(moved))
        error = is_directory(there) ? -EISDIR : -ENOTDIR;
    inode_put(there);
    return error;
}

static int
rename_check(struct path_walk *from, struct path_walk *to, struct inode *moved, bool replace)
{
    int error = removal_check(from->parent, moved);

    if (!error && (from->slash_behind || to->slash_behind) && !is_directory(moved))
        error = -ENOTDIR;
    if (!error)
        error = rename_check_target(to, moved, replace);
    if (!error && is_directory(moved) && from->parent != to->parent)
        error = inode_permission(moved, 2); /* its ".." changes */
    return error;
}

static int
name_move(struct path_walk *from, struct path_walk *to, bool replace)
{
    struct inode *moved;
    int error;

    if (from->parent->filesystem != to->parent->filesystem)
        return -EXDEV;
    if (last_name_check(from, true))
        return -EBUSY;
    if (last_name_check(to, true))
        return replace ? -EBUSY : -EEXIST;
    if (from->parent->filesystem->read_only)
        return -EROFS;
    error = from->parent->ops->lookup(from->parent, from->last, from->last_length, &moved);
    if (error)
        return error;
    error = from->parent->ops->rename ? rename_check(from, to, moved, replace) : -EPERM;
    if (!error)
        error = from->parent->ops->rename(from->parent, from->last, from->last_length, to->parent,
                                          to->last, to->last_length);
    inode_put(moved);
    return error;
}

#define RENAME_NOREPLACE 1u

long
sys_renameat2(int fromfd, const char USER *from_path, int tofd, const char USER *to_path, u32 flags)
{
    struct target from, to;
    int error;

    if (flags & ~RENAME_NOREPLACE)
        return -EINVAL; /* exchanging, whiteouts */
    error = target_find(&from, fromfd, from_path, PATH_PARENT);
    if (error)
        return error;
    error = target_find(&to, tofd, to_path, PATH_PARENT);
    if (!error) {
        error = name_move(&from.walk, &to.walk, !(flags & RENAME_NOREPLACE));
        target_end(&to);
    }
    target_end(&from);
    return error;
}

long
sys_renameat(int fromfd, const char USER *from, int tofd, const char USER *to)
{
    return sys_renameat2(fromfd, from, tofd, to, 0);
}

long
sys_rename(const char USER *from, const char USER *to)
{
    return sys_renameat(AT_FDCWD, from, AT_FDCWD, to);
}
