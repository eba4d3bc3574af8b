/* Requests and disks: making and freeing requests, reading one page, the list of all disks. The queue
 * itself is block_queue.c's.
 *
 * Called by the page cache's owners, on any fibril, and by drivers and start-up code (disk_register).
 * Left out: writing. */
#include "drivers/block.h"

#include "arch.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include "kernel/wait.h"

static struct pool request_pool = POOL_INIT("block_request", struct block_request);
static struct disk *disks, **disks_end = &disks;

/* ---- Requests ---- */

struct block_request *
block_request_alloc(void)
{
    struct block_request *request = pool_alloc(&request_pool);
    if (request) {
        list_init(&request->link);
        list_init(&request->age_link);
    }
    return request;
}

void
block_request_free(struct block_request *request)
{
    for (unsigned i = 0; i < request->segment_count; i++)
        page_put(request->segments[i].page);
    pool_free(&request_pool, request);
}

bool
block_request_add(struct block_request *request, struct page *page, u32 offset, u32 length)
{
    ASSERT(length && offset % SECTOR_SIZE == 0 && length % SECTOR_SIZE == 0);
    ASSERT(offset + length <= PAGE_SIZE);
    if (request->segment_count) {
        struct block_segment *last = &request->segments[request->segment_count - 1];
        if (last->page == page && last->offset + last->length == offset) {
            last->length += length;
            request->sectors += length / SECTOR_SIZE;
            return true;
        }
    }
    if (request->segment_count == BLOCK_SEGMENTS)
        return false;
    page_get(page);
    request->segments[request->segment_count++] =
        (struct block_segment){.page = page, .offset = offset, .length = length};
    request->sectors += length / SECTOR_SIZE;
    return true;
}

void
block_request_end(struct block_request *request, int error)
{
    if (error && !request->bad_segments)
        request->bad_segments = (1u << request->segment_count) - 1;
    if (error)
        request->disk->statistics.errors++;
    if (request->done)
        request->done(request, error);
    block_request_free(request);
}

/* ---- Reading one page and waiting for it ---- */

struct block_wait {
    struct wait_queue queue;
    u8 references; /* the waiter's and the request's; interrupts off */
    bool finished;
    int error;
};

static void
wait_put(struct block_wait *wait)
{
    INTERRUPTS_OFF_SCOPE();
    if (--wait->references == 0)
        heap_free(wait);
}

static void
wait_request_done(struct block_request *request, int error)
{
    struct block_wait *wait = request->private;
    wait->error = error;
    wait->finished = true;
    wake_up_all(&wait->queue);
    wait_put(wait);
}

int
block_read_page(struct disk *disk, u64 sector, u32 count, struct page *page)
{
    struct block_request *request = block_request_alloc();
    struct block_wait *wait = heap_alloc(sizeof *wait);
    if (!request || !wait || !block_request_add(request, page, 0, count * SECTOR_SIZE)) {
        heap_free(wait);
        if (request)
            block_request_free(request);
        return -ENOMEM;
    }
    wait_queue_init(&wait->queue, "disk");
    wait->references = 2;
    request->disk = disk;
    request->sector = sector;
    request->done = wait_request_done;
    request->private = wait;
    block_submit(request);
    int error = wait_event_killable(&wait->queue, wait->finished);
    if (!error)
        error = wait->error;
    wait_put(wait);
    return error;
}

/* ---- Disks ---- */

void
disk_link(struct disk *disk)
{
    disk->next = NULL;
    *disks_end = disk;
    disks_end = &disk->next;
}

int
disk_register(struct disk *disk)
{
    ASSERT(disk->max_command_sectors >= BLOCK_SEGMENTS * PAGE_SIZE / SECTOR_SIZE);
    ASSERT(disk->max_command_segments >= BLOCK_SEGMENTS);
    disk->queue = block_queue_create();
    if (!disk->queue)
        return -ENOMEM;
    disk->whole = disk;
    disk_link(disk);
    if (partitions_find(disk))
        log_line("%s: out of memory while looking for partitions", disk->name);
    return 0;
}

struct disk *
disk_first(void)
{
    return disks;
}

struct disk *
disk_find(const char *name)
{
    struct disk *disk = disks;
    while (disk && strcmp(disk->name, name) != 0)
        disk = disk->next;
    return disk;
}

void
disks_log_statistics(void)
{
    for (struct disk *disk = disks; disk; disk = disk->next) {
        struct disk_statistics now;
        disk_statistics_read(disk, &now);
        if (disk->whole == disk && now.requests)
            log_line("disk: %s requests=%llu commands=%llu merged=%llu speculative=%llu "
                     "sectors=%llu gap_sectors=%llu errors=%llu inflight_max=%u waiting_max=%u",
                     disk->name, (unsigned long long)now.requests, (unsigned long long)now.commands,
                     (unsigned long long)now.merged, (unsigned long long)now.speculative,
                     (unsigned long long)now.sectors, (unsigned long long)now.gap_sectors,
                     (unsigned long long)now.errors, now.in_flight_most, now.waiting_most);
    }
}
