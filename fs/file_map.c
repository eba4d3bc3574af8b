/* Files as the source of mapped pages: the page cache's own pages are shown. Called by page faults, which
 * sleep here while a page is read. */
#include "fs/file_map.h"
#include "fs/cache.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/map_source.h"

#define READ_TOGETHER 16 /* pages; a program or library is used from its beginning on */

struct file_map {
    struct map_source source;
    struct file *file;
};

static struct pool map_pool = POOL_INIT("file_map", struct file_map);

static int
file_map_get_page(struct map_source *source, u32 index, struct page **page)
{
    struct inode *inode = container_of(source, struct file_map, source)->file->inode;
    u64 pages = DIVIDE_UP(inode->size, (u64)PAGE_SIZE);
    if (index >= pages)
        return -ENXIO;
    return cache_get_run(&inode->object, index, (u32)MIN(pages - index, (u64)READ_TOGETHER), page);
}

static void
file_map_release(struct map_source *source)
{
    struct file_map *map = container_of(source, struct file_map, source);
    file_put(map->file);
    pool_free(&map_pool, map);
}

static const struct map_source_ops file_map_ops = {
    .get_page = file_map_get_page,
    .release = file_map_release,
};

int
file_map_source(struct file *file, struct map_source **source)
{
    if (!file->inode || !is_regular(file->inode) || !file->inode->object.ops)
        return -ENODEV;
    struct file_map *map = pool_alloc(&map_pool);
    if (!map)
        return -ENOMEM;
    file_get(file);
    map->file = file;
    map->source = (struct map_source){.references = 1, .ops = &file_map_ops};
    *source = &map->source;
    return 0;
}

struct inode *
file_map_inode(const struct map_source *source)
{
    return source->ops == &file_map_ops ? container_of(source, struct file_map, source)->file->inode
                                        : NULL;
}
