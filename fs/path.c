/* The path walk: from a path to an inode, through the name cache, symbolic links and mounts.
 *
 * Called by system-call handlers and by kernel code that opens files; sleeps when a file system has to
 * read. One loop goes from name to name. A symbolic link is followed by making a new path of its
 * target and what was left, in a page of the walk's own: no recursion, whatever links lead to. The
 * ids and the root are taken once, so that a walk sees one of each from its start to its end. */
#include "fs/path.h"

#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/name_cache.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/task.h"

/* One name of the path. */
struct component {
    const char *name;
    size_t length;
    u32 hash;
    const char *after; /* what follows the name: a slash or the end */
    bool last, slash_behind;
};

/* ---- Permissions ---- */

static int
permission_check(const struct inode *inode, unsigned wanted, u32 uid, u32 gid)
{
    u32 mode = inode->mode;

    if (likely(uid == 0)) { /* root may do all but execute what nobody may execute */
        bool runs = (mode & 0111) || is_directory(inode);
        return (wanted & 1) && !runs ? -EACCES : 0;
    }
    if (uid == inode->uid)
        mode >>= 6;
    else if (gid == inode->gid || credentials_have_group(current_credentials(), inode->gid))
        mode >>= 3;
    return (mode & wanted & 7) == wanted ? 0 : -EACCES;
}

int
inode_permission(const struct inode *inode, unsigned wanted)
{
    const struct credentials *credentials = current_credentials();

    if (!credentials)
        return 0;
    return permission_check(inode, wanted, credentials->euid, credentials->egid);
}

int
inode_permission_real(const struct inode *inode, unsigned wanted)
{
    const struct credentials *credentials = current_credentials();

    if (!credentials)
        return 0;
    return permission_check(inode, wanted, credentials->uid, credentials->gid);
}

/* ---- Mounts ---- */

static struct filesystem *mounts, **mounts_end = &mounts;

struct filesystem *
path_first_mount(void)
{
    return mounts;
}

/* From a directory that something is mounted on to that one's root; keeps one reference. */
static struct inode *
mount_enter(struct inode *inode)
{
    while (unlikely(inode->mounted)) {
        struct inode *root = inode->mounted->root;
        inode_get(root);
        inode_put(inode);
        inode = root;
    }
    return inode;
}

int
path_mount(struct filesystem *filesystem, const char *path)
{
    struct inode *covers = NULL;

    if (path) {
        int error = path_find(NULL, path, PATH_DIRECTORY, &covers);
        if (error)
            return error;
        covers->mounted = filesystem;
    } else {
        ASSERT(!mounts);
    }
    filesystem->covers = covers; /* keeps the walk's reference */
    filesystem->next = NULL;
    *mounts_end = filesystem;
    mounts_end = &filesystem->next;
    return 0;
}

/* ---- Root and working directory ---- */

static struct pool context_pool = POOL_INIT("directory_context", struct directory_context);

static struct directory_context *
context_new(struct inode *root, struct inode *working, u32 umask)
{
    struct directory_context *context = pool_alloc(&context_pool);

    if (!context)
        return NULL;
    inode_get(root);
    inode_get(working);
    *context = (struct directory_context){1, root, working, umask};
    return context;
}

struct directory_context *
directory_context_create(void)
{
    return mounts ? context_new(mounts->root, mounts->root, 022) : NULL;
}

struct directory_context *
directory_context_copy(const struct directory_context *from)
{
    return context_new(from->root, from->working, from->umask);
}

void
directory_context_get(struct directory_context *context)
{
    context->references++;
}

void
directory_context_put(struct directory_context *context)
{
    ASSERT(context->references > 0);
    if (--context->references > 0)
        return;
    inode_put(context->root);
    inode_put(context->working);
    pool_free(&context_pool, context);
}

/* ---- One step ---- */

int
path_parent(struct inode *directory, struct inode **parent)
{
    while (directory == directory->filesystem->root && directory->filesystem->covers)
        directory = directory->filesystem->covers;
    if (directory == directory->filesystem->root) {
        inode_get(directory); /* above the root is the root */
        *parent = directory;
        return 0;
    }
    return directory->ops->lookup(directory, "..", 2, parent);
}

static int
child_look_up(struct inode *directory, const struct component *component, struct inode **child)
{
    struct filesystem *filesystem = directory->filesystem;
    int error = directory->ops->lookup(directory, component->name, component->length, child);

    if (!error)
        (*child)->found_in = directory->number;
    if (filesystem->names_vary)
        return error;
    if (!error)
        name_cache_add(directory, component->name, component->length, component->hash,
                       (*child)->number);
    else if (error == -ENOENT && filesystem->read_only)
        name_cache_add(directory, component->name, component->length, component->hash,
                       NAME_MISSING);
    return error;
}

static inline int
child_find(struct inode *directory, const struct component *component, struct inode **child)
{
    u64 number;

    if (likely(name_cache_find(directory, component->name, component->length, component->hash,
                               &number))) {
        if (number == NAME_MISSING)
            return -ENOENT;
        int error = inode_find(directory->filesystem, number, child);
        if (likely(!error))
            (*child)->found_in = directory->number;
        if (likely(error != -ENOENT))
            return error;
    }
    return child_look_up(directory, component, child);
}

/* What the component leads to, referenced. */
static inline int
step(const struct path_walk *walk, const struct component *component, struct inode **result)
{
    struct inode *directory = walk->inode;
    int error;

    if (component->name[0] == '.') {
        if (component->length == 1 ||
            (component->length == 2 && component->name[1] == '.' && directory == walk->root)) {
            inode_get(directory);
            *result = directory;
            return 0;
        }
        if (component->length == 2 && component->name[1] == '.') {
            error = path_parent(directory, result);
            if (!error)
                *result = mount_enter(*result);
            return error;
        }
    }
    error = child_find(directory, component, result);
    if (likely(!error))
        *result = mount_enter(*result);
    return error;
}

/* A link that needs no walk: the walk stands at once where it leads, and goes on with what follows. */
static int
link_jump(struct path_walk *walk, struct inode *link, const char *after)
{
    struct inode *target;
    int error = link->ops->jump(link, &target);

    if (error)
        return error;
    inode_put(walk->inode);
    walk->inode = target;
    walk->rest = after;
    return 0;
}

/* Goes on with the link's target instead of its name. The walk stands where the link lies. */
static int
link_follow(struct path_walk *walk, struct inode *link, const char *after)
{
    size_t length = 0, left = strlen(after);
    struct page *page;
    char *text;
    int error;

    if (++walk->links > PATH_LINKS_MAX)
        return -ELOOP;
    if (link->ops->jump)
        return link_jump(walk, link, after);
    page = page_alloc();
    if (!page)
        return -ENOMEM;
    text = page_address(page);
    error = link->ops->read_link(link, text, PATH_BYTES_MAX - 1, &length);
    if (!error && length == 0)
        error = -ENOENT;
    if (!error && length + left >= PATH_BYTES_MAX)
        error = -ENAMETOOLONG;
    if (error) {
        page_put(page);
        return error;
    }
    memcpy(text + length, after, left + 1);
    if (walk->buffer)
        page_put(walk->buffer);
    walk->buffer = page;
    walk->rest = text;
    if (text[0] == '/') {
        inode_put(walk->inode);
        walk->inode = walk->root;
        inode_get(walk->inode);
    }
    return 0;
}

/* ---- The walk ---- */

/* Takes the next name off the path. */
static inline int
component_take(struct path_walk *walk, struct component *component)
{
    const char *text = walk->rest;
    u32 hash = NAME_HASH_START;

    component->name = text;
    do
        hash = name_hash_add(hash, *text++);
    while (*text && *text != '/');
    component->hash = hash;
    component->length = (size_t)(text - component->name);
    component->after = text;
    while (*text == '/')
        text++;
    component->last = !*text;
    component->slash_behind = component->last && text != component->after;
    walk->rest = text;
    return component->length > NAME_BYTES_MAX ? -ENAMETOOLONG : 0;
}

/* The walk ends in the directory where it stands; `component` is the last name. */
static void
stop_at_parent(struct path_walk *walk, const struct component *component)
{
    walk->parent = walk->inode;
    walk->inode = NULL;
    walk->last = component->name;
    walk->last_length = component->length;
    walk->slash_behind = component->slash_behind;
}

static int
walk_names(struct path_walk *walk)
{
    struct component component = {.name = ""};

    while (*walk->rest == '/')
        walk->rest++;
    while (*walk->rest) {
        struct inode *next;
        int error;
        if (unlikely(!is_directory(walk->inode)))
            return -ENOTDIR;
        error = permission_check(walk->inode, 1, walk->uid, walk->gid);
        if (unlikely(error))
            return error;
        error = component_take(walk, &component);
        if (unlikely(error))
            return error;
        if (component.last && (walk->flags & PATH_PARENT)) {
            stop_at_parent(walk, &component);
            return 0;
        }
        error = step(walk, &component, &next);
        if (unlikely(error)) {
            if (error == -ENOENT && component.last && (walk->flags & PATH_CREATE)) {
                stop_at_parent(walk, &component);
                return 0;
            }
            return error;
        }
        if (unlikely(is_symlink(next)) && (!component.last || component.slash_behind ||
                                           !(walk->flags & PATH_NO_FOLLOW))) {
            error = link_follow(walk, next, component.after);
            inode_put(next);
            if (error)
                return error;
            while (*walk->rest == '/')
                walk->rest++;
            component.slash_behind = component.slash_behind && !*walk->rest;
            continue;
        }
        inode_put(walk->inode);
        walk->inode = next;
    }
    walk->slash_behind = component.slash_behind;
    if (walk->flags & PATH_PARENT)
        stop_at_parent(walk, &(struct component){.name = "", .last = true});
    else if (((component.slash_behind && !(walk->flags & PATH_CREATE)) ||
              (walk->flags & PATH_DIRECTORY)) &&
             !is_directory(walk->inode))
        return -ENOTDIR;
    return 0;
}

int
path_walk(struct path_walk *walk, struct inode *base, const char *path, unsigned flags)
{
    const struct task *task = current_task();
    const struct directory_context *directories = task->directories;
    const struct credentials *credentials = current_credentials();

    *walk = (struct path_walk){.flags = flags, .rest = path};
    if (likely(credentials)) {
        bool real = flags & PATH_REAL_IDS;
        walk->uid = real ? credentials->uid : credentials->euid;
        walk->gid = real ? credentials->gid : credentials->egid;
    }
    if (unlikely(!mounts || (!*path && !(flags & PATH_EMPTY))))
        return -ENOENT;
    walk->root = likely(directories) ? directories->root : mounts->root;
    inode_get(walk->root);
    if (*path == '/')
        walk->inode = walk->root;
    else if (base)
        walk->inode = base;
    else
        walk->inode = likely(directories) ? directories->working : mounts->root;
    inode_get(walk->inode);
    return walk_names(walk);
}

void
path_walk_end(struct path_walk *walk)
{
    if (walk->inode)
        inode_put(walk->inode);
    if (unlikely(walk->parent))
        inode_put(walk->parent);
    if (likely(walk->root))
        inode_put(walk->root);
    if (unlikely(walk->buffer))
        page_put(walk->buffer);
}

int
path_find(struct inode *base, const char *path, unsigned flags, struct inode **inode)
{
    struct path_walk walk;
    int error = path_walk(&walk, base, path, flags);

    if (likely(!error)) {
        *inode = walk.inode;
        walk.inode = NULL;
    }
    path_walk_end(&walk);
    return error;
}

/* ---- Paths from user memory ---- */

int
path_text_take(struct path_text *text, const char USER *path)
{
    int error = copy_string_from_user(text->space, path, sizeof text->space);

    text->page = NULL;
    text->text = text->space;
    if (likely(error != -ENAMETOOLONG))
        return error;
    text->page = page_alloc();
    if (!text->page)
        return -ENOMEM;
    text->text = page_address(text->page);
    error = copy_string_from_user(page_address(text->page), path, PATH_BYTES_MAX);
    if (error)
        path_text_drop(text);
    return error;
}

void
path_text_drop(struct path_text *text)
{
    if (unlikely(text->page))
        page_put(text->page);
    text->page = NULL;
}

int
path_base(int dirfd, const char *path, unsigned flags, struct inode **base)
{
    struct file *file;
    int error;

    *base = NULL;
    if (!*path && !(flags & PATH_EMPTY))
        return -ENOENT;
    if (dirfd == AT_FDCWD || path[0] == '/')
        return 0;
    error = descriptor_file(dirfd, &file);
    if (error)
        return error;
    if (file->inode) {
        inode_get(file->inode);
        *base = file->inode;
    } else {
        error = -ENOTDIR;
    }
    file_put(file);
    return error;
}

int
path_find_user(int dirfd, const char USER *path, unsigned flags, struct inode **inode)
{
    struct path_text text;
    struct inode *base;
    int error = path_text_take(&text, path);

    if (error)
        return error;
    error = path_base(dirfd, text.text, flags, &base);
    if (!error) {
        error = path_find(base, text.text, flags, inode);
        if (base)
            inode_put(base);
    }
    path_text_drop(&text);
    return error;
}
