/* Files in memory: inodes, bytes and the file system; names are in ramfs_directory.c. A file's bytes are
 * pinned pages of the page cache, its holes no pages at all. Inodes are referenced by their names, so
 * that they stay in memory as long as they have one; without a name an inode goes when its last user
 * does. All files together take at most half of memory (-ENOSPC).
 *
 * Called by the path walk, reads and writes and the handlers that make changes. Nothing here sleeps but
 * copying to and from user memory, so no lock is needed: every change is one stretch without a sleep. */
#include "fs/ramfs.h"

#include "arch.h"
#include "fs/cache.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pipe.h"
#include "fs/ramfs_node.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define RAMFS_MAGIC 0x858458f6u /* RAMFS_MAGIC of Linux's linux/magic.h */
#define SIZE_MAX_FILE ((u64)0xffffffff << PAGE_SHIFT)

static struct pool inode_pool = POOL_INIT("ramfs_inode", struct ramfs_inode);
static const struct file_ops ramfs_file_ops;
static u32 pages_used; /* by all files, as counted by pages_account */

static u32
pages_most(void)
{
    return pages_total() / 2;
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
    struct ramfs_inode *node = ramfs_node(inode);

    ramfs_of(inode)->inodes--;
    pages_used -= node->pages;
    ramfs_names_free(&node->names);
    heap_free(node->target);
    pool_free(&inode_pool, node);
}

/* All inodes that exist are in memory. */
static int
ramfs_inode_read(struct inode *inode)
{
    return -ENOENT;
}

/* A mapped hole is touched. */
static void
ramfs_read_pages(struct cache_object *object, struct page **pages, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        memset(page_address(pages[i]), 0, PAGE_SIZE);
        cache_page_done(pages[i], 0);
    }
}

static const struct file_ops *
file_ops_for(u32 mode)
{
    switch (mode & MODE_TYPE) {
    case MODE_DIRECTORY: return &file_directory_ops;
    case MODE_REGULAR: return &ramfs_file_ops;
    case MODE_FIFO: return &pipe_file_ops;
    default: return NULL;
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
    inode->file_ops = file_ops_for(mode);
    inode_touch_all(inode);
    node = ramfs_node(inode);
    list_init(&node->names.list);
    node->names.last_position = 2; /* "." and ".." */
    *result = node;
    return 0;
}

int
ramfs_node_create(struct inode *beside, u32 mode, u32 uid, u32 gid, struct ramfs_inode **node)
{
    return node_create(ramfs_of(beside), mode, uid, gid, node);
}

/* The count of the inode's pages has changed. */
static void
pages_account(struct inode *inode)
{
    struct ramfs_inode *node = ramfs_node(inode);

    pages_used += inode->object.page_count - node->pages;
    node->pages = inode->object.page_count;
    inode->sectors = (u64)node->pages * (PAGE_SIZE / 512);
}

/* ---- Bytes ---- */

int
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
    pages_account(inode);
    inode_touch(inode);
    return 0;
}

static int
ramfs_read(struct file *file, struct iter *iter, u64 *position)
{
    struct inode *inode = file->inode;
    u64 at = *position;
    int error = 0;

    if (!(file->flags & OPEN_NO_ATIME))
        inode_touch_accessed(inode);
    while (iter->left > 0 && at < inode->size && !error) {
        u32 offset = at % PAGE_SIZE;
        size_t done = iter->done;
        size_t size = MIN(iter->left, (size_t)(PAGE_SIZE - offset));
        size = (size_t)MIN((u64)size, inode->size - at);
        struct page *page = cache_peek(&inode->object, (u32)(at >> PAGE_SHIFT));
        if (page) {
            error = iter_put_part(iter, (char *)page_address(page) + offset, size);
            page_put(page);
        } else {
            error = iter_put_zeros_part(iter, size);
        }
        at += iter->done - done;
        if (!error && iter->left > 0)
            error = schedule_point();
    }
    *position = at;
    return iter->done ? 0 : error;
}

/* The page of the file for writing, made if there is none. */
static int
page_for_write(struct inode *inode, u64 at, struct page **page)
{
    u32 index = (u32)(at >> PAGE_SHIFT);

    *page = cache_peek(&inode->object, index);
    if (*page)
        return 0;
    if (pages_used >= pages_most() || cache_create(&inode->object, index, page))
        return -ENOSPC;
    pages_account(inode);
    return 0;
}

/* Takes the bytes for one page. The file grows only by what has arrived. */
static int
ramfs_write_page(struct inode *inode, struct iter *iter, u64 at, size_t size)
{
    size_t done = iter->done;
    struct page *page;
    int error = page_for_write(inode, at, &page);

    if (error)
        return error;
    error = iter_take_part(iter, (char *)page_address(page) + at % PAGE_SIZE, size);
    page_put(page);
    if (iter->done > done && at + (iter->done - done) > inode->size)
        inode->size = at + (iter->done - done);
    return error;
}

/* Whoever writes to a program takes its set-id bits away, but for root. */
static void
set_ids_clear(struct inode *inode)
{
    const struct credentials *credentials = current_credentials();

    if (!(inode->mode & 06000) || !credentials || credentials->euid == 0)
        return;
    inode->mode &= ~04000u;
    if (inode->mode & 010)
        inode->mode &= ~02000u;
}

static int
ramfs_write(struct file *file, struct iter *iter, u64 *position)
{
    struct inode *inode = file->inode;
    u64 at = file->flags & OPEN_APPEND ? inode->size : *position;
    u64 end;
    int error = iter->left > 0 ? file_write_limit(file, at, &end) : 0;

    if (error || iter->left == 0)
        return error;
    set_ids_clear(inode);
    end = MIN(end, SIZE_MAX_FILE);
    while (iter->left > 0 && !error) {
        size_t size = MIN(iter->left, (size_t)(PAGE_SIZE - at % PAGE_SIZE)), done = iter->done;
        if (at >= end) {
            error = -EFBIG;
            break;
        }
        error = ramfs_write_page(inode, iter, at, (size_t)MIN((u64)size, end - at));
        at += iter->done - done;
        if (!error && iter->left > 0)
            error = schedule_point();
    }
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
    statistics->blocks = pages_most();
    statistics->blocks_free = MIN(pages_most() - MIN(pages_used, pages_most()), pages_free());
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
    struct ramfs *ramfs = heap_alloc(sizeof *ramfs);
    struct ramfs_inode *root;
    int error;

    if (!ramfs)
        return -ENOMEM;
    ramfs->filesystem.type = "ramfs";
    ramfs->filesystem.ops = &ops;
    ramfs->filesystem.device = filesystem_device_new();
    ramfs->filesystem.attributes_change = true;
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

int
ramfs_create_unnamed(struct filesystem *filesystem, u32 mode, u32 uid, u32 gid,
                     struct inode **inode)
{
    struct ramfs_inode *node;
    int error = node_create(container_of(filesystem, struct ramfs, filesystem), mode, uid, gid,
                            &node);

    if (!error)
        *inode = &node->inode;
    return error;
}
