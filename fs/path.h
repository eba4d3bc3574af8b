/* Path walk: from a path to an inode. Names are looked up in the name cache first ((directory, name)
 * -> inode), so a warm walk asks no file system. */
#ifndef FS_PATH_H
#define FS_PATH_H

#include "kernel/types.h"

struct filesystem;
struct inode;

struct directory_context { /* a task's root and working directory; counted */
    u32 references;
    struct inode *root, *working;
};

#define PATH_NO_FOLLOW 1u /* a symbolic link at the end is not followed */
#define PATH_DIRECTORY 2u /* -ENOTDIR unless it ends at a directory */

/* Walks `path` (kernel memory) from `base` (NULL: the working directory), checking search permission
 * by the task's credentials. *inode is referenced. Sleeps. -ENOENT, -ENOTDIR, -EACCES, -ELOOP,
 * -ENAMETOOLONG, -EIO … */
int path_find(struct inode *base, const char *path, unsigned flags, struct inode **inode);
/* As path_find, with AT_FDCWD or a directory's descriptor and a user path; *path_empty (if not NULL)
 * allows "" to mean the descriptor itself. */
int path_find_user(int dirfd, const char USER *path, unsigned flags, bool empty_allowed,
                   struct inode **inode);
/* Everything but the last name: its directory, and the name (at most 255 bytes, no zero needed). */
int path_find_parent(struct inode *base, const char *path, struct inode **directory,
                     const char **name, size_t *length);
int inode_permission(const struct inode *inode, unsigned wanted); /* 4 read, 2 write, 1 search */

/* Mounts onto the directory at `path`; NULL: as the root. Takes over the filesystem. */
int path_mount(struct filesystem *filesystem, const char *path);
struct filesystem *path_first_mount(void); /* ->next */

#endif
