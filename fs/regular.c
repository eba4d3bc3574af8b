/* Reading regular files (and disks) through the page cache. Called by the read family of calls and by
 * kernel code that loads files; sleeps when a page has to be read.
 *
 * A read of several pages asks for all of them at its first missing one, so that their disk requests
 * go out together, with more when the file is read in sequence (read_ahead.h). Pages that are known to
 * be in use are just found. */
#include "arch.h"
#include "fs/cache.h"
#include "fs/direct.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"

/* A page that is missing, or wanted for the first time: the reader may be followed ahead. */
static int
get_news(struct file *file, struct cache_object *object, u32 index, u32 pages, u64 size,
         struct page **page)
{
    u32 limit = (u32)MIN(DIVIDE_UP(size, (u64)PAGE_SIZE), (u64)UINT32_MAX);
    u32 along = read_ahead_for_reader(&file->ahead, file->inode, object, index, pages, limit);

    return cache_get_run_ahead(object, index, pages, along, page);
}

int
file_read_pages(struct file *file, struct cache_object *object, u64 size, struct iter *iter,
                u64 *position)
{
    u64 start = *position;
    int error = 0;

    while (iter->left > 0 && start + iter->done < size && !error) {
        u64 at = start + iter->done;
        size_t offset = at % PAGE_SIZE;
        size_t wanted = (size_t)MIN((u64)iter->left, size - at);
        if (at >> PAGE_SHIFT > 0xfffffffe) {
            error = -EFBIG; /* beyond 16 TiB: no page has such an index */
            break;
        }
        u32 index = (u32)(at >> PAGE_SHIFT);
        struct page *page = cache_get_known(object, index);
        if (unlikely(!page)) {
            error = get_news(file, object, index,
                             (u32)((offset + wanted + PAGE_SIZE - 1) / PAGE_SIZE), size, &page);
            if (error)
                break;
        }
        error = iter_put_part(iter, (char *)page_address(page) + offset, MIN(wanted, PAGE_SIZE - offset));
        page_put(page);
        if (!error && iter->left > 0)
            error = schedule_point();
    }
    *position = start + iter->done;
    return iter->done > 0 ? 0 : error;
}

static int
regular_read(struct file *file, struct iter *iter, u64 *position)
{
    if (unlikely(file->flags & OPEN_DIRECT) && file->inode->ops->map)
        return direct_read_inode(file->inode, iter, position);
    return file_read_pages(file, &file->inode->object, file->inode->size, iter, position);
}

const struct file_ops file_regular_ops = {.read = regular_read};
