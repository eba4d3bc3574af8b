/* Path walk: from a path to an inode. Names are looked up in the name cache first ((directory, name)
 * -> inode), so a warm walk asks no file system.
 *
 * The rules are Linux's (path_resolution(7)): at most 40 symbolic links in one walk (-ELOOP), names
 * of at most 255 bytes, paths of at most 4095; a path that grows beyond that by a link's text is
 * -ENAMETOOLONG (Linux has no such limit on what links add). */
#ifndef FS_PATH_H
#define FS_PATH_H

#include "kernel/types.h"

struct filesystem;
struct inode;
struct page;

#define PATH_LINKS_MAX 40
#define AT_FDCWD (-100)

struct directory_context { /* a task's root, working directory and umask; counted */
    u32 references;
    struct inode *root, *working;
    u32 umask; /* permission bits that new files do not get */
};
/* A context that stands at the root of everything; NULL: no memory (or nothing mounted yet). */
struct directory_context *directory_context_create(void);
struct directory_context *directory_context_copy(const struct directory_context *from);
void directory_context_get(struct directory_context *context);
void directory_context_put(struct directory_context *context);

#define PATH_NO_FOLLOW 1u /* a symbolic link at the end is not followed */
#define PATH_DIRECTORY 2u /* -ENOTDIR unless it ends at a directory */
#define PATH_REAL_IDS 4u  /* by the real user and group instead of the effective ones */
#define PATH_EMPTY 8u     /* "" means where the walk starts */
#define PATH_PARENT 16u   /* stop before the last name */
#define PATH_CREATE 32u   /* a last name that does not exist is no error, nor a slash behind a file's */

/* A walk with all it found out. */
struct path_walk {
    /* The result, referenced: what the path leads to. With PATH_PARENT always, with PATH_CREATE
     * when it is missing: NULL, and `parent` (referenced) and `last` say where it would be. */
    struct inode *inode;
    struct inode *parent;
    const char *last; /* the last name, without a zero; lives until path_walk_end */
    size_t last_length;
    bool slash_behind; /* the last name was followed by a slash */
    /* The walk's own: */
    const char *rest;
    struct inode *root;  /* referenced */
    struct page *buffer; /* the rest of the path once a link was followed */
    unsigned flags;
    u32 uid, gid;
    u8 links;
};
/* Whatever it returns, path_walk_end has to follow. Sleeps. */
int path_walk(struct path_walk *walk, struct inode *base, const char *path, unsigned flags);
void path_walk_end(struct path_walk *walk);
/* Makes what a walk did not find (the parent and last name are there): `mode` has type and
 * permissions; the umask is taken off. Checks the directory's permission. */
int inode_make_child(struct path_walk *walk, u32 mode, struct inode **inode);

/* Walks `path` (kernel memory) from `base` (NULL: the working directory), checking search permission
 * by the task's credentials. *inode is referenced. Sleeps. -ENOENT, -ENOTDIR, -EACCES, -ELOOP,
 * -ENAMETOOLONG, -EIO … */
int path_find(struct inode *base, const char *path, unsigned flags, struct inode **inode);
/* As path_find, with AT_FDCWD or a directory's descriptor and a user path. */
int path_find_user(int dirfd, const char USER *path, unsigned flags, struct inode **inode);

/* A path copied from user memory: short ones on the caller's stack, others in a page. */
struct path_text {
    const char *text;
    struct page *page;
    char space[96];
};
int path_text_take(struct path_text *text, const char USER *path); /* -EFAULT, -ENAMETOOLONG, … */
void path_text_drop(struct path_text *text);
/* Where a walk of `path` by an *at call begins: *base is referenced, or NULL when the path is
 * absolute or dirfd is AT_FDCWD. -ENOENT (an empty path without PATH_EMPTY), -EBADF; the walk itself finds
 * out about -ENOTDIR. */
int path_base(int dirfd, const char *path, unsigned flags, struct inode **base);

/* 4 read, 2 write, 1 search or execute: 0 or -EACCES, by the running task's effective ids. */
int inode_permission(const struct inode *inode, unsigned wanted);
int inode_permission_real(const struct inode *inode, unsigned wanted);

/* The absolute path of a directory: *text points into `buffer` (of PATH_BYTES_MAX); it begins with
 * "(unreachable)" when that does not lead there from the task's root. -ENOENT: removed. Sleeps. */
int path_of_directory(struct inode *directory, char *buffer, const char **text);
/* The same for any inode: by one of its names, if it still has one where it was last found. */
int path_of_inode(struct inode *inode, char *buffer, const char **text);
/* The directory above, through mounts, referenced; above the root is the root. Sleeps. */
int path_parent(struct inode *directory, struct inode **parent);

/* Mounts onto the directory at `path`; NULL: as the root. Takes over the filesystem. */
int path_mount(struct filesystem *filesystem, const char *path);
struct filesystem *path_first_mount(void); /* ->next */

#endif
