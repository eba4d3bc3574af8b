/* System calls that go from a path to something: open, access, readlink, the working directory. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/memory_file.h"
#include "fs/path.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/task.h"

/* ---- Opening ---- */

static int
open_text(int dirfd, const char *path, u32 flags, u32 mode, struct file **file)
{
    struct inode *base;
    int error = path_base(dirfd, path, 0, &base);

    if (error)
        return error;
    error = file_open(base, path, flags, mode, file);
    if (base)
        inode_put(base);
    return error;
}

static long
open_user(int dirfd, const char USER *path, u32 flags, u32 mode)
{
    struct path_text text;
    struct file *file;
    int fd, error = path_text_take(&text, path);

    if (error)
        return error;
    error = open_text(dirfd, text.text, flags, mode, &file);
    path_text_drop(&text);
    if (!error)
        error = descriptor_install(current_task()->files, file, 0, flags & OPEN_CLOSE_ON_EXEC, &fd);
    return error ? error : fd;
}

long
sys_open(const char USER *path, int flags, u32 mode)
{
    return open_user(AT_FDCWD, path, (u32)flags, mode);
}

long
sys_creat(const char USER *path, u32 mode)
{
    return open_user(AT_FDCWD, path, OPEN_CREATE | OPEN_WRITE | OPEN_TRUNCATE, mode);
}

long
sys_openat(int dirfd, const char USER *path, int flags, u32 mode)
{
    return open_user(dirfd, path, (u32)flags, mode);
}

#define MEMFD_CLOEXEC 1u /* linux/memfd.h */
#define MEMFD_ALLOW_SEALING 2u
#define MEMFD_NAME_MOST 249 /* NAME_MAX less "memfd:" */

/* The name is checked and not kept. */
long
sys_memfd_create(const char USER *name, u32 flags)
{
    struct path_text text;
    struct file *file;
    int fd, error;

    if (flags & ~(MEMFD_CLOEXEC | MEMFD_ALLOW_SEALING))
        return -EINVAL;
    error = path_text_take(&text, name);
    if (error)
        return error == -ENAMETOOLONG ? -EINVAL : error;
    error = strlen(text.text) > MEMFD_NAME_MOST ? -EINVAL : memory_file_create(&file);
    path_text_drop(&text);
    if (!error)
        error = descriptor_install(current_task()->files, file, 0, flags & MEMFD_CLOEXEC, &fd);
    return error ? error : fd;
}

/* ---- Access ---- */

static int
access_check(const struct inode *inode, unsigned wanted, bool effective)
{
    bool file_type = is_regular(inode) || is_directory(inode) || is_symlink(inode);

    if ((wanted & 2) && inode->filesystem->read_only && file_type)
        return -EROFS;
    return effective ? inode_permission(inode, wanted) : inode_permission_real(inode, wanted);
}

long
sys_faccessat2(int dirfd, const char USER *path, int mode, int flags)
{
    struct inode *inode;
    unsigned how = flags & AT_EACCESS ? 0 : PATH_REAL_IDS;
    int error;

    if ((mode & ~7) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
        return -EINVAL;
    if (flags & AT_SYMLINK_NOFOLLOW)
        how |= PATH_NO_FOLLOW;
    if (flags & AT_EMPTY_PATH)
        how |= PATH_EMPTY;
    error = path_find_user(dirfd, path, how, &inode);
    if (error)
        return error;
    error = access_check(inode, (unsigned)mode, flags & AT_EACCESS);
    inode_put(inode);
    return error;
}

long
sys_faccessat(int dirfd, const char USER *path, int mode)
{
    return sys_faccessat2(dirfd, path, mode, 0);
}

long
sys_access(const char USER *path, int mode)
{
    return sys_faccessat2(AT_FDCWD, path, mode, 0);
}

/* ---- Links ---- */

static long
link_copy_out(struct inode *inode, char USER *buffer, size_t size)
{
    struct page *page;
    size_t length = 0;
    int error;

    if (!is_symlink(inode))
        return -EINVAL;
    page = page_alloc();
    if (!page)
        return -ENOMEM;
    error = inode->ops->read_link(inode, page_address(page), PAGE_SIZE, &length);
    length = MIN(length, size);
    if (!error)
        error = copy_to_user(buffer, page_address(page), length);
    page_put(page);
    return error ? error : (long)length;
}

long
sys_readlinkat(int dirfd, const char USER *path, char USER *buffer, int size)
{
    struct inode *inode;
    long result;

    if (size <= 0)
        return -EINVAL;
    result = path_find_user(dirfd, path, PATH_NO_FOLLOW, &inode);
    if (result)
        return result;
    result = link_copy_out(inode, buffer, (size_t)size);
    inode_put(inode);
    return result;
}

long
sys_readlink(const char USER *path, char USER *buffer, int size)
{
    return sys_readlinkat(AT_FDCWD, path, buffer, size);
}

/* ---- Working directory ---- */

/* Takes over the reference. */
static int
working_directory_set(struct inode *directory)
{
    struct directory_context *context = current_task()->directories;
    struct inode *before = context->working;
    int error = inode_permission(directory, 1);

    if (error) {
        inode_put(directory);
        return error;
    }
    context->working = directory;
    inode_put(before);
    return 0;
}

long
sys_chdir(const char USER *path)
{
    struct inode *directory;
    int error = path_find_user(AT_FDCWD, path, PATH_DIRECTORY, &directory);

    return error ? error : working_directory_set(directory);
}

long
sys_fchdir(int fd)
{
    struct inode *directory = NULL;
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    if (file->inode && is_directory(file->inode)) {
        directory = file->inode;
        inode_get(directory);
    }
    file_put(file);
    return directory ? working_directory_set(directory) : -ENOTDIR;
}

long
sys_getcwd(char USER *buffer, size_t size)
{
    struct page *page = page_alloc();
    struct inode *directory;
    const char *path;
    long result;

    if (!page)
        return -ENOMEM;
    directory = current_task()->directories->working;
    inode_get(directory);
    result = path_of_directory(directory, page_address(page), &path);
    inode_put(directory);
    if (!result) {
        size_t length = strlen(path) + 1;
        if (length > size)
            result = -ERANGE;
        else
            result = copy_to_user(buffer, path, length) ? -EFAULT : (long)length;
    }
    page_put(page);
    return result;
}

long
sys_chroot(const char USER *path)
{
    struct directory_context *context = current_task()->directories;
    struct inode *directory, *before;
    int error = path_find_user(AT_FDCWD, path, PATH_DIRECTORY, &directory);

    if (error)
        return error;
    error = inode_permission(directory, 1);
    if (!error && current_credentials()->euid != 0)
        error = -EPERM;
    if (error) {
        inode_put(directory);
        return error;
    }
    before = context->root;
    context->root = directory;
    inode_put(before);
    return 0;
}
