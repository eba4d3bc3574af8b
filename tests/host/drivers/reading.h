/* How tests of disk drivers read: many requests at once, each compared with what stands on the fake
 * disk (fake_byte) when it has ended. */
#ifndef READING_H
#define READING_H

#include "arch.h"
#include "drivers/block.h"
#include "host.h"
#include "kernel/wait.h"

u8 fake_byte(u64 sector, u32 at);

static inline void
note_end(struct block_request *request, int error)
{
    int *result = request->private;
    *result = error ? error : 1;
    for (unsigned i = 0; i < request->segment_count && error; i++)
        if (request->bad_segments & 1u << i)
            *result -= 1000; /* so that tests see how many pieces were bad */
}

/* Are the page's bytes those of the sector on a disk with such sectors? */
static inline bool
page_right(struct page *page, u64 sector, u32 size, u32 bytes)
{
    const u8 *at = page_address(page);
    for (u32 i = 0; i < bytes; i++) {
        u64 byte = sector * 512 + i;
        if (at[i] != fake_byte(byte / size, (u32)(byte % size)))
            return false;
    }
    return true;
}

struct reading {
    int result; /* 0: not ended; 1: good; else the error, less 1000 for each bad piece */
    unsigned pages;
    struct page *page[BLOCK_SEGMENTS];
    u64 sector;
};

static inline void
submit(struct disk *disk, struct reading *reading, u64 sector, unsigned pages)
{
    struct block_request *request = block_request_alloc();
    reading->result = 0;
    reading->pages = pages;
    reading->sector = sector;
    for (unsigned i = 0; i < pages; i++) {
        reading->page[i] = page_alloc();
        block_request_add(request, reading->page[i], 0, PAGE_SIZE);
    }
    request->disk = disk;
    request->sector = sector;
    request->done = note_end;
    request->private = &reading->result;
    block_submit(request);
}

static inline void
wait_all(struct reading *readings, unsigned count)
{
    static struct wait_queue queue = WAIT_QUEUE_INIT(queue, "test");
    for (unsigned i = 0; i < count; i++)
        for (unsigned tries = 0; !readings[i].result && tries < 100000; tries++)
            wait_event_until(&queue, readings[i].result != 0, time_now_ns() + 1000000);
}

static inline unsigned
count_wrong(struct reading *reading, u32 size)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < reading->pages; i++) {
        wrong += !page_right(reading->page[i], reading->sector + 8 * i, size, PAGE_SIZE);
        page_put(reading->page[i]);
    }
    return wrong;
}

/* Reads `count` requests of a page, each next to the other, and says how many are not as they should
 * be. */
static inline unsigned
read_run(struct disk *disk, u64 sector, unsigned count)
{
    static struct reading readings[256];
    unsigned bad = 0;
    for (unsigned i = 0; i < count; i++)
        submit(disk, &readings[i], sector + 8 * i, 1);
    wait_all(readings, count);
    for (unsigned i = 0; i < count; i++) {
        bool ended = readings[i].result == 1;
        bad += (count_wrong(&readings[i], disk->sector_size) != 0) || !ended;
    }
    return bad;
}

#endif
