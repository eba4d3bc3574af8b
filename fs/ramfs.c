/* Files in memory. A file's bytes are pinned pages of the page cache, its holes no pages at all; a
 * directory is a list of names. Inodes are referenced by their names, so that they stay in memory as
 * long as they have one; without a name an inode goes when its last user does.
 *
 * Called by the path walk and the handlers that make changes. Nothing here sleeps but copying to and
 * from user memory, so no lock is needed: every change is one stretch without a sleep. */
#include "fs/ramfs.h"

#include "arch.h"
#include "fs/cache.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/name_cache.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"

#define RAMFS_MAGIC 0x858458f6u /* RAMFS_MAGIC of Linux's linux/magic.h */
#define ROOT_NUMBER 1
#define SIZE_MAX_FILE ((u64)0xffffffff << PAGE_SHIFT)

struct ramfs {
    struct filesystem filesystem;
    u64 last_number; /* none is used twice */
    u32 inodes;
};

struct ramfs_inode {
    struct inode inode;
    struct ramfs_inode *parent; /* of a directory; itself at the root, NULL once removed */
    struct list names;          /* of a directory, in the order made */
    u64 last_position;          /* given to one of its names */
    char *target;               /* of a symbolic link */
};

struct ramfs_name {
    struct list link;
    struct ramfs_inode *node; /* referenced */
    u64 position;             /* ascending in its directory; never used twice */
    u8 length;
    char name[];
};

static struct pool inode_pool = POOL_INIT("ramfs_inode", struct ramfs_inode);
static const struct inode_ops ramfs_inode_ops;
static const struct file_ops ramfs_file_ops;

static struct ramfs_inode *
node_of(struct inode *inode)
{
    return container_of(inode, struct ramfs_inode, inode);
}

static struct ramfs *
ramfs_of(struct inode *inode)
{
    return container_of(inode->filesystem, struct ramfs, filesystem);
}

/* ---- Inodes ---- */

static struct inode *
ramfs_inode_alloc(struct filesystem *filesystem)
{
    struct ramfs_inode *node = pool_alloc(&inode_pool);

    if (!node)
        return NULL;
    container_of(filesystem, struct ramfs, filesystem)->inodes++;
    return &node->inode;
}

static void
ramfs_inode_free(struct inode *inode)
{
    ramfs_of(inode)->inodes--;
    heap_free(node_of(inode)->target);
    pool_free(&inode_pool, node_of(inode));
}

/* All inodes that exist are in memory. */
static int
ramfs_inode_read(struct inode *inode)
{
    return -ENOENT;
}

static void
ramfs_read_pages(struct cache_object *object, struct page **pages, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        memset(page_address(pages[i]), 0, PAGE_SIZE);
        cache_page_done(pages[i], 0);
    }
}

static int
node_create(struct ramfs *ramfs, u32 mode, u32 uid, u32 gid, struct ramfs_inode **result)
{
    static const struct cache_object_ops object_ops = {.read_pages = ramfs_read_pages};
    struct inode *inode;
    struct ramfs_inode *node;
    int error = inode_create(&ramfs->filesystem, ++ramfs->last_number, &inode);

    if (error)
        return error;
    cache_object_init(&inode->object, &object_ops);
    inode->object.pinned = true;
    inode->mode = mode;
    inode->uid = uid;
    inode->gid = gid;
    inode->links = 0;
    inode->ops = &ramfs_inode_ops;
    inode->file_ops = is_directory(inode) ? &file_directory_ops
                      : is_regular(inode) ? &ramfs_file_ops
                                          : NULL;
    inode_touch_all(inode);
    node = node_of(inode);
    list_init(&node->names);
    node->last_position = 2; /* "." and ".." */
    *result = node;
    return 0;
}

/* ---- Names ---- */

static struct ramfs_name *
name_find(const struct ramfs_inode *directory, const char *name, size_t length)
{
    struct ramfs_name *entry;

    list_for_each(entry, &directory->names, link)
        if (entry->length == length && memcmp(entry->name, name, length) == 0)
            return entry;
    return NULL;
}

/* Puts a name into the directory; the name references the node. */
static int
name_add(struct ramfs_inode *directory, const char *name, size_t length, struct ramfs_inode *node)
{
    struct ramfs_name *entry;

    if (length > NAME_BYTES_MAX)
        return -ENAMETOOLONG;
    if (directory->inode.links == 0)
        return -ENOENT; /* removed */
    if (name_find(directory, name, length))
        return -EEXIST;
    entry = heap_alloc(sizeof *entry + length);
    if (!entry)
        return -ENOSPC;
    entry->node = node;
    entry->length = (u8)length;
    entry->position = ++directory->last_position;
    memcpy(entry->name, name, length);
    list_add_tail(&directory->names, &entry->link);
    inode_get(&node->inode);
    node->inode.links++;
    if (is_directory(&node->inode)) {
        node->parent = directory;
        node->inode.links++; /* its own "." */
        directory->inode.links++;
    }
    directory->inode.size += sizeof *entry + length;
    inode_touch(&directory->inode);
    return 0;
}

static void
name_remove(struct ramfs_inode *directory, struct ramfs_name *entry)
{
    struct ramfs_inode *node = entry->node;

    name_cache_forget(&directory->inode, entry->name, entry->length);
    list_remove(&entry->link);
    directory->inode.size -= sizeof *entry + entry->length;
    node->inode.links--;
    if (is_directory(&node->inode)) {
        node->parent = NULL;
        node->inode.links--;
        directory->inode.links--;
    }
    inode_touch(&directory->inode);
    heap_free(entry);
    inode_put(&node->inode);
}

static int
ramfs_lookup(struct inode *inode, const char *name, size_t length, struct inode **result)
{
    struct ramfs_inode *directory = node_of(inode), *found;

    if (length == 2 && name[0] == '.' && name[1] == '.') {
        found = directory->parent;
    } else {
        struct ramfs_name *entry = name_find(directory, name, length);
        found = entry ? entry->node : NULL;
    }
    if (!found)
        return -ENOENT;
    inode_get(&found->inode);
    *result = &found->inode;
    return 0;
}

/* The first name at or behind the position; it may have changed while the last one was handed out. */
static struct ramfs_name *
name_at(const struct ramfs_inode *directory, u64 position)
{
    struct ramfs_name *entry;

    list_for_each(entry, &directory->names, link)
        if (entry->position > position)
            return entry;
    return NULL;
}

static int
ramfs_emit_name(struct ramfs_name *entry, directory_emit emit, void *argument)
{
    struct ramfs_inode *node = entry->node;
    size_t length = entry->length;
    u64 position = entry->position;
    char *copy = heap_alloc(length + 1); /* emit may sleep, and the name go meanwhile */
    int result;

    if (!copy)
        return -ENOMEM;
    memcpy(copy, entry->name, length);
    result = emit(argument, copy, length, node->inode.number,
                  (u8)((node->inode.mode & MODE_TYPE) >> 12), position);
    heap_free(copy);
    return result;
}

static int
ramfs_read_directory(struct inode *inode, u64 position, directory_emit emit, void *argument)
{
    struct ramfs_inode *directory = node_of(inode);
    struct ramfs_name *entry;
    int result = 0;

    if (position == 0) {
        result = emit(argument, ".", 1, inode->number, 4, 1);
        position = 1;
    }
    if (!result && position == 1) {
        u64 parent = directory->parent ? directory->parent->inode.number : inode->number;
        result = emit(argument, "..", 2, parent, 4, 2);
        position = 2;
    }
    while (!result && (entry = name_at(directory, position)) != NULL) {
        position = entry->position;
        result = ramfs_emit_name(entry, emit, argument);
    }
    return result;
}

/* ---- Changes ---- */

/* Gives the new node its name; the node is freed if that fails. */
static int
node_name(struct inode *directory, const char *name, size_t length, struct ramfs_inode *node,
          struct inode **result)
{
    int error = name_add(node_of(directory), name, length, node);

    if (error)
        inode_put(&node->inode);
    else
        *result = &node->inode;
    return error;
}

static int
ramfs_create_file(struct inode *directory, const char *name, size_t length, u32 mode, u32 uid,
                  u32 gid, struct inode **result)
{
    struct ramfs_inode *node;
    int error = node_create(ramfs_of(directory), mode, uid, gid, &node);

    if (error)
        return error;
    return node_name(directory, name, length, node, result);
}

static int
ramfs_symlink(struct inode *directory, const char *name, size_t length, const char *target,
              u32 uid, u32 gid, struct inode **result)
{
    struct ramfs_inode *node;
    int error = node_create(ramfs_of(directory), MODE_SYMLINK | 0777, uid, gid, &node);

    if (error)
        return error;
    node->inode.size = strlen(target);
    node->target = heap_alloc(node->inode.size + 1);
    if (!node->target) {
        inode_put(&node->inode);
        return -ENOSPC;
    }
    memcpy(node->target, target, node->inode.size);
    return node_name(directory, name, length, node, result);
}

static int
ramfs_read_link(struct inode *inode, char *target, size_t size, size_t *length)
{
    *length = MIN(size, (size_t)inode->size);
    memcpy(target, node_of(inode)->target, *length);
    return 0;
}

static int
ramfs_remove(struct inode *directory, const char *name, size_t length, bool directory_wanted)
{
    struct ramfs_name *entry = name_find(node_of(directory), name, length);

    if (!entry)
        return -ENOENT;
    if (is_directory(&entry->node->inode) != directory_wanted)
        return directory_wanted ? -ENOTDIR : -EISDIR;
    if (entry->node->inode.mounted)
        return -EBUSY;
    if (!list_empty(&entry->node->names))
        return -ENOTEMPTY;
    name_remove(node_of(directory), entry);
    return 0;
}

static int
ramfs_link(struct inode *directory, const char *name, size_t length, struct inode *inode)
{
    if (inode->links == 0)
        return -ENOENT;
    return name_add(node_of(directory), name, length, node_of(inode));
}

static int
ramfs_rename(struct inode *from, const char *name, size_t length, struct inode *to,
             const char *to_name, size_t to_length)
{
    struct ramfs_name *entry = name_find(node_of(from), name, length);
    struct ramfs_inode *node;
    int error;

    if (!entry)
        return -ENOENT;
    node = entry->node;
    for (struct ramfs_inode *up = node_of(to); up && is_directory(&node->inode); up = up->parent) {
        if (up == node)
            return -EINVAL; /* into itself */
        if (up == up->parent)
            break;
    }
    error = name_add(node_of(to), to_name, to_length, node);
    if (!error) {
        name_remove(node_of(from), entry);
        if (is_directory(&node->inode))
            node->parent = node_of(to);
    }
    return error;
}

static int
ramfs_truncate(struct inode *inode, u64 size)
{
    u64 pages = DIVIDE_UP(size, PAGE_SIZE);
    struct page *page;

    if (size > SIZE_MAX_FILE)
        return -EFBIG;
    if (size < inode->size) {
        if (pages <= 0xffffffff)
            cache_drop_from(&inode->object, (u32)pages);
        page = size % PAGE_SIZE ? cache_peek(&inode->object, (u32)(size / PAGE_SIZE)) : NULL;
        if (page) {
            memset((char *)page_address(page) + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
            page_put(page);
        }
    }
    inode->size = size;
    inode->sectors = (u64)inode->object.page_count * (PAGE_SIZE / 512);
    inode_touch(inode);
    return 0;
}

static const struct inode_ops ramfs_inode_ops = {
    .lookup = ramfs_lookup,
    .read_directory = ramfs_read_directory,
    .read_link = ramfs_read_link,
    .create = ramfs_create_file,
    .remove = ramfs_remove,
    .truncate = ramfs_truncate,
    .symlink = ramfs_symlink,
    .rename = ramfs_rename,
    .link = ramfs_link,
};

/* ---- Bytes ---- */

static int
ramfs_read(struct file *file, struct iter *iter, u64 *position)
{
    struct inode *inode = file->inode;
    u64 at = *position;
    int error = 0;

    while (iter->left > 0 && at < inode->size && !error) {
        u32 offset = at % PAGE_SIZE;
        size_t done = iter->done;
        size_t size = MIN(iter->left, (size_t)(PAGE_SIZE - offset));
        size = (size_t)MIN((u64)size, inode->size - at);
        struct page *page = cache_peek(&inode->object, (u32)(at >> PAGE_SHIFT));
        if (page) {
            error = iter_put(iter, (char *)page_address(page) + offset, size);
            page_put(page);
        } else {
            error = iter_put_zeros(iter, size);
        }
        at += iter->done - done;
        if (!error && iter->left > 0)
            error = schedule_point();
    }
    *position = at;
    return iter->done ? 0 : error;
}

/* Takes the bytes for one page. The file grows only by what has arrived. */
static int
ramfs_write_page(struct inode *inode, struct iter *iter, u64 at)
{
    u32 offset = at % PAGE_SIZE;
    size_t size = MIN(iter->left, (size_t)(PAGE_SIZE - offset)), done = iter->done;
    struct page *page;
    int error = cache_create(&inode->object, (u32)(at >> PAGE_SHIFT), &page);

    if (error)
        return -ENOSPC;
    error = iter_take(iter, (char *)page_address(page) + offset, size);
    page_put(page);
    if (iter->done > done && at + (iter->done - done) > inode->size)
        inode->size = at + (iter->done - done);
    return error;
}

static int
ramfs_write(struct file *file, struct iter *iter, u64 *position)
{
    struct inode *inode = file->inode;
    u64 at = file->flags & OPEN_APPEND ? inode->size : *position;
    int error = 0;

    while (iter->left > 0 && !error) {
        size_t done = iter->done;
        if (at >= SIZE_MAX_FILE) {
            error = -EFBIG;
            break;
        }
        error = ramfs_write_page(inode, iter, at);
        at += iter->done - done;
        if (!error && iter->left > 0)
            error = schedule_point();
    }
    inode->sectors = (u64)inode->object.page_count * (PAGE_SIZE / 512);
    inode_touch(inode);
    *position = at;
    return iter->done ? 0 : error;
}

static const struct file_ops ramfs_file_ops = {.read = ramfs_read, .write = ramfs_write};

/* ---- The file system ---- */

static void
ramfs_statistics(struct filesystem *filesystem, struct filesystem_statistics *statistics)
{
    struct ramfs *ramfs = container_of(filesystem, struct ramfs, filesystem);

    statistics->magic = RAMFS_MAGIC;
    statistics->block_size = PAGE_SIZE;
    statistics->blocks = pages_total();
    statistics->blocks_free = pages_free();
    statistics->inodes = ramfs->inodes;
}

int
ramfs_create(struct filesystem **result)
{
    static const struct filesystem_ops ops = {
        .inode_alloc = ramfs_inode_alloc,
        .inode_read = ramfs_inode_read,
        .inode_free = ramfs_inode_free,
        .statistics = ramfs_statistics,
    };
    static u32 count;
    struct ramfs *ramfs = heap_alloc(sizeof *ramfs);
    struct ramfs_inode *root;
    int error;

    if (!ramfs)
        return -ENOMEM;
    ramfs->filesystem.type = "ramfs";
    ramfs->filesystem.ops = &ops;
    ramfs->filesystem.device = ++count; /* major 0, as Linux numbers those without a disk */
    error = node_create(ramfs, MODE_DIRECTORY | 01777, 0, 0, &root);
    if (error) {
        heap_free(ramfs);
        return error;
    }
    root->inode.links = 2;
    root->parent = root;
    ramfs->filesystem.root = &root->inode;
    *result = &ramfs->filesystem;
    return 0;
}
