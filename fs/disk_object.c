/* A disk's pages in the page cache, read by block requests, as few as hold the pages.
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

/* One request for the first pages, as many as it takes; how many. 0: no memory. */
static unsigned
request_make(struct disk *disk, struct page **pages, unsigned count, struct list *requests)
{
    struct block_request *request = block_request_alloc();
    unsigned added = MIN(count, BLOCK_SEGMENTS);

    if (!request)
        return 0;
    request->disk = disk;
    request->sector = (u64)pages[0]->index * PAGE_SECTORS;
    request->done = pages_done;
    request->speculative = cache_page_is_ahead(pages[0]); /* and so are the others, then */
    for (unsigned i = 0; i < added; i++)
        page_add(request, pages[i], disk->sectors - request->sector - i * PAGE_SECTORS);
    list_add_tail(requests, &request->link);
    return added;
}

static void
pages_fail(struct page **pages, unsigned count, int error)
{
    for (unsigned i = 0; i < count; i++)
        cache_page_done(pages[i], error);
}

static void
disk_read_pages(struct cache_object *object, struct page **pages, unsigned count)
{
    struct disk *disk = container_of(object, struct disk, object);
    u64 disk_pages = DIVIDE_UP(disk->sectors, (u64)PAGE_SECTORS);
    u32 index = pages[0]->index;
    unsigned inside = index < disk_pages ? (unsigned)MIN(disk_pages - index, (u64)count) : 0, made;
    struct list requests = LIST_INIT(requests);

    pages_fail(pages + inside, count - inside, -EIO);
    for (; inside > 0; pages += made, inside -= made) {
        made = request_make(disk, pages, inside, &requests);
        if (made == 0) {
            pages_fail(pages, inside, -ENOMEM);
            break;
        }
    }
    block_submit_list(&requests);
}

static void
disk_want_page(struct cache_object *object, u32 index)
{
    struct disk *disk = container_of(object, struct disk, object);

    block_want(disk, (u64)index * PAGE_SECTORS);
}

/* struct disk's read_through. Interrupts off. */
static struct block_request *
disk_read_through(struct disk *disk, u64 sector)
{
    struct page *page;
    struct block_request *request = block_request_alloc();

    if (!request)
        return NULL;
    page = cache_adopt(&disk->object, (u32)(sector / PAGE_SECTORS));
    if (!page) {
        block_request_free(request);
        return NULL;
    }
    request->done = pages_done;
    (void)block_request_add(request, page, 0, PAGE_SIZE);
    page_put(page);
    return request;
}

void
disk_object_init(struct disk *disk)
{
    static const struct cache_object_ops ops = {
        .read_pages = disk_read_pages,
        .want_page = disk_want_page,
    };

    disk->read_through = disk_read_through;
    cache_object_init(&disk->object, &ops);
    disk->object.disk = disk;
}
