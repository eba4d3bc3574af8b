/* A disk's pages in the page cache, read by block requests: one request for each run of pages.
 *
 * Called by the page cache (read_pages, on a fibril) and by the block layer (the end of a request, in
 * an interrupt). A disk whose size is no multiple of the page size ends in a page whose rest is zero. */
#include "fs/disk_object.h"

#include "drivers/block.h"
#include "fs/cache.h"
#include "kernel/errno.h"
#include "kernel/log.h"
#include "kernel/string.h"

#define PAGE_SECTORS (PAGE_SIZE / SECTOR_SIZE)

_Static_assert(CACHE_RUN_PAGES <= BLOCK_SEGMENTS, "a run of pages is one request");

static void
pages_done(struct block_request *request, int error)
{
    for (unsigned i = 0; i < request->segment_count; i++) {
        bool bad = request->bad_segments & (1u << i);
        cache_page_done(request->segments[i].page, bad ? error : 0);
    }
}

/* Adds the page, or its part that the disk has, zeroing the rest. */
static void
page_add(struct block_request *request, struct page *page, u64 sectors_left)
{
    u32 bytes = (u32)MIN(sectors_left, PAGE_SECTORS) * SECTOR_SIZE;

    if (bytes < PAGE_SIZE)
        memset((char *)page_address(page) + bytes, 0, PAGE_SIZE - bytes);
    bool added = block_request_add(request, page, 0, bytes);
    ASSERT(added);
}

static void
disk_read_pages(struct cache_object *object, struct page **pages, unsigned count)
{
    struct disk *disk = container_of(object, struct disk, object);
    u64 sector = (u64)pages[0]->index * PAGE_SECTORS;
    unsigned inside = 0;

    while (inside < count && sector + inside * PAGE_SECTORS < disk->sectors)
        inside++;
    for (unsigned i = inside; i < count; i++)
        cache_page_done(pages[i], -EIO);
    if (inside == 0)
        return;

    struct block_request *request = block_request_alloc();
    if (!request) {
        for (unsigned i = 0; i < inside; i++)
            cache_page_done(pages[i], -ENOMEM);
        return;
    }
    request->disk = disk;
    request->sector = sector;
    request->done = pages_done;
    for (unsigned i = 0; i < inside; i++)
        page_add(request, pages[i], disk->sectors - sector - i * PAGE_SECTORS);
    block_submit(request);
}

void
disk_object_init(struct disk *disk)
{
    static const struct cache_object_ops ops = {.read_pages = disk_read_pages};

    cache_object_init(&disk->object, &ops);
}
