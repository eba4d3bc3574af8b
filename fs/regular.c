/* Reading regular files (and disks) through the page cache. Called by the read family of calls and by
 * kernel code that loads files; sleeps when a page has to be read.
 *
 * A read of several pages asks for all of them at its first missing one, so that their disk requests
 * go out together. Left out: reading ahead of what was asked for. */
#include "arch.h"
#include "fs/cache.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"

/* Copies what the reader wants of one page. */
static int
read_page(struct cache_object *object, u64 position, size_t pages, size_t size, struct iter *iter)
{
    struct page *page;
    int error = cache_get_run(object, (u32)(position >> PAGE_SHIFT), (u32)pages, &page);

    if (error)
        return error;
    error = iter_put(iter, (char *)page_address(page) + position % PAGE_SIZE, size);
    page_put(page);
    return error;
}

int
file_read_pages(struct cache_object *object, u64 size, struct iter *iter, u64 *position)
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
        error = read_page(object, at, (offset + wanted + PAGE_SIZE - 1) / PAGE_SIZE,
                          MIN(wanted, PAGE_SIZE - offset), iter);
        if (!error && iter->left > 0)
            error = schedule_point();
    }
    *position = start + iter->done;
    return iter->done > 0 ? 0 : error;
}

static int
regular_read(struct file *file, struct iter *iter, u64 *position)
{
    return file_read_pages(&file->inode->object, file->inode->size, iter, position);
}

const struct file_ops file_regular_ops = {.read = regular_read};
