// sources: drivers/block.c drivers/block_queue.c drivers/partition.c drivers/ramdisk.c tests/host/support/*.c
/* The request queue: order, merging, bounds, statistics, splitting, and the ramdisk on top of it. */
#include "arch.h"
#include "drivers/block.h"
#include "drivers/ramdisk.h"
#include "host.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"

/* A disk whose driver does nothing by itself: the test takes the commands. */
static struct disk disk = {.name = "test0",
                           .sectors = 1000000,
                           .sector_size = 512,
                           .max_command_sectors = 256,
                           .max_command_segments = 64};
static unsigned kicks;
static bool automatic; /* serve at once, with zeros */

static void
kick(struct disk *kicked)
{
    struct block_command command;
    kicks++;
    while (automatic && block_take_command(kicked, &command)) {
        struct block_request *request;
        list_for_each (request, &command.requests, link)
            for (unsigned i = 0; i < request->segment_count; i++)
                memset((char *)page_address(request->segments[i].page) + request->segments[i].offset,
                       0, request->segments[i].length);
        block_command_done(kicked, &command, 0);
    }
}

static const struct disk_driver driver = {.kick = kick};

/* What happened to the requests, by their `private` number. */
#define MOST 8192
static int ended[MOST];      /* how often */
static int results[MOST];
static unsigned end_order[MOST], end_count;
static unsigned bad_seen;

static void
note_end(struct block_request *request, int error)
{
    unsigned number = (unsigned)(uintptr_t)request->private;
    ended[number]++;
    results[number] = error;
    bad_seen = request->bad_segments;
    end_order[end_count++ % MOST] = number;
}

static void
forget(void)
{
    memset(ended, 0, sizeof ended);
    memset(results, 0, sizeof results);
    memset(&disk.statistics, 0, sizeof disk.statistics);
    end_count = 0;
}

static struct block_request *
make(struct disk *of, unsigned number, u64 sector, unsigned pages)
{
    struct block_request *request = block_request_alloc();
    for (unsigned i = 0; i < pages; i++) {
        struct page *page = page_alloc();
        block_request_add(request, page, 0, PAGE_SIZE);
        page_put(page);
    }
    request->disk = of;
    request->sector = sector;
    request->done = note_end;
    request->private = (void *)(uintptr_t)number;
    return request;
}

static void
submit(unsigned number, u64 sector, unsigned pages)
{
    block_submit(make(&disk, number, sector, pages));
}

static void
finish(struct block_command *command, int error)
{
    block_command_done(&disk, command, error);
}

static void
orders_by_sector(void)
{
    static const unsigned sectors[] = {800, 16, 400, 1600, 40, 1200};
    static const unsigned expected[] = {16, 40, 400, 800, 1200, 1600};
    struct block_command command;
    forget();
    kicks = 0;
    for (unsigned i = 0; i < 6; i++)
        submit(i, sectors[i], 1);
    CHECK(kicks == 6);
    CHECK(disk.statistics.waiting == 6 && disk.statistics.waiting_most == 6);
    for (unsigned i = 0; i < 6; i++) {
        CHECK(block_take_command(&disk, &command));
        CHECK(command.sector == expected[i], "%u", (unsigned)command.sector);
        finish(&command, 0);
    }
    CHECK(!block_take_command(&disk, &command));
    CHECK(end_count == 6);
}

static void
elevator_goes_on_upwards(void)
{
    struct block_command command;
    forget();
    submit(0, 1000, 1);
    CHECK(block_take_command(&disk, &command) && command.sector == 1000);
    finish(&command, 0);
    submit(1, 500, 1);
    submit(2, 2000, 1);
    submit(3, 1008, 1);
    u64 expected[] = {1008, 2000, 500};
    for (unsigned i = 0; i < 3; i++) {
        CHECK(block_take_command(&disk, &command) && command.sector == expected[i]);
        finish(&command, 0);
    }
}

static void
merges_neighbours(void)
{
    struct block_command command;
    forget();
    submit(0, 24, 1);
    submit(1, 8, 1);
    submit(2, 48, 1); /* a gap before it */
    submit(3, 16, 1);
    CHECK(block_take_command(&disk, &command));
    CHECK(command.sector == 8 && command.sectors == 24 && command.request_count == 3);
    CHECK(command.segment_count == 3);
    finish(&command, 0);
    CHECK(end_order[0] == 1 && end_order[1] == 3 && end_order[2] == 0);
    CHECK(block_take_command(&disk, &command) && command.sector == 48 && command.sectors == 8);
    finish(&command, 0);
    CHECK(disk.statistics.requests == 4 && disk.statistics.commands == 2);
    CHECK(disk.statistics.merged == 2 && disk.statistics.sectors == 32);
    CHECK(disk.statistics.waiting == 0 && disk.statistics.in_flight == 0);
}

static void
same_sector_twice(void)
{
    struct block_command command;
    forget();
    submit(0, 64, 1);
    submit(1, 64, 1);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(block_take_command(&disk, &command));
        CHECK(command.sectors == 8 && command.request_count == 1);
        finish(&command, 0);
        CHECK(ended[i] == 1 || ended[1 - i] == 1);
    }
    CHECK(ended[0] == 1 && ended[1] == 1);
}

static void
command_limits(void)
{
    struct block_command command;
    forget();
    for (unsigned i = 0; i < 5; i++)
        submit(i, 128 * i, 16); /* 128 sectors each, 256 in a command */
    u32 expected[] = {256, 256, 128};
    for (unsigned i = 0; i < 3; i++) {
        CHECK(block_take_command(&disk, &command) && command.sectors == expected[i]);
        finish(&command, 0);
    }
    disk.max_command_segments = 20;
    for (unsigned i = 0; i < 2; i++)
        submit(i, 128 * i, 16);
    CHECK(block_take_command(&disk, &command) && command.segment_count == 16);
    finish(&command, 0);
    CHECK(block_take_command(&disk, &command) && command.segment_count == 16);
    finish(&command, 0);
    disk.max_command_segments = 64;
}

static void
overtaking_is_bounded(void)
{
    struct block_command command;
    unsigned served = 0, number = 1;
    forget();
    submit(0, 900000, 1); /* far up */
    CHECK(block_take_command(&disk, &command));
    finish(&command, 0);
    forget();
    submit(0, 0, 1); /* behind the elevator */
    while (!ended[0]) {
        /* always somebody in front of it */
        submit(number, 900008 + 16 * number, 1);
        number++;
        CHECK(block_take_command(&disk, &command));
        finish(&command, 0);
        served++;
        CHECK(served <= BLOCK_OVERTAKE_LIMIT + BLOCK_COMMAND_REQUESTS, "%u", served);
    }
    CHECK(served == BLOCK_OVERTAKE_LIMIT + 1, "%u", served);
    while (block_take_command(&disk, &command))
        finish(&command, 0);
}

/* Many requests in random places, arriving while others are served: each ends once, none is
 * overtaken by more later ones than the header promises. */
static void
random_traffic(void)
{
    static unsigned overtaken[MOST];
    struct block_command command;
    unsigned next = 0, total = 6000;
    forget();
    srand(4711);
    memset(overtaken, 0, sizeof overtaken);
    while (end_count < total) {
        for (unsigned i = (unsigned)rand() % 24; i && next < total; i--)
            submit(next++, (u64)(rand() % 2000) * 8, 1);
        unsigned first = end_count;
        if (!block_take_command(&disk, &command))
            continue;
        finish(&command, 0);
        for (unsigned i = first; i < end_count; i++)
            for (unsigned older = 0; older < end_order[i]; older++)
                overtaken[older] += !ended[older];
    }
    for (unsigned i = 0; i < total; i++) {
        CHECK(ended[i] == 1, "request %u ended %d times", i, ended[i]);
        CHECK(overtaken[i] < BLOCK_OVERTAKE_LIMIT + BLOCK_COMMAND_REQUESTS);
    }
    CHECK(disk.statistics.requests == total);
    CHECK(disk.statistics.commands + disk.statistics.merged == total);
}

static void
reads_through_small_gaps(void)
{
    struct block_command command;
    forget();
    disk.gap_sectors = 16;
    submit(0, 0, 1);
    submit(1, 24, 1); /* 16 sectors later */
    submit(2, 33, 1); /* one later */
    submit(3, 58, 1); /* 17 later: too far */
    CHECK(block_take_command(&disk, &command));
    CHECK(command.sector == 0 && command.sectors == 41 && command.request_count == 3);
    CHECK(command.gap_sectors == 17 && command.segment_count == 3 + 2 + 1);
    finish(&command, 0);
    CHECK(block_take_command(&disk, &command) && command.sector == 58 && command.sectors == 8);
    finish(&command, 0);
    CHECK(disk.statistics.merged == 2 && disk.statistics.gap_sectors == 17);
    CHECK(disk.statistics.sectors == 49);
    disk.max_command_segments = 4; /* a gap's pages count */
    submit(0, 0, 1);
    submit(1, 24, 2);
    CHECK(block_take_command(&disk, &command) && command.sectors == 8);
    finish(&command, 0);
    CHECK(block_take_command(&disk, &command) && command.sectors == 16);
    finish(&command, 0);
    disk.max_command_segments = 64;
    disk.gap_sectors = 0;
}

/* The page cache's side of reading through: every other page is there already. */
static unsigned fillers;

static struct block_request *
fill_gap(struct disk *of, u64 sector)
{
    if (sector / 8 % 2)
        return NULL;
    fillers++;
    return make(of, 100 + (unsigned)sector / 8, 0, 1);
}

static void
gaps_are_offered_to_the_cache(void)
{
    struct block_command command;
    struct disk part = disk;
    part.whole = &disk;
    part.start = 2048;
    part.sectors = 800;
    part.read_through = fill_gap;
    disk.gap_sectors = 64;
    for (unsigned own = 0; own < 2; own++) {
        forget();
        fillers = 0;
        for (unsigned i = 0; i < 2; i++) {
            struct block_request *request = make(&part, i, i * 40, 1);
            request->segments[0].page->object = own ? &part.object : NULL;
            block_submit(request);
        }
        CHECK(block_take_command(&disk, &command));
        CHECK(command.sector == 2048 && command.sectors == 48 && command.segment_count == 6);
        CHECK(command.gap_sectors == (own ? 16 : 32) && fillers == (own ? 2 : 0));
        CHECK(command.request_count == 2 + fillers && disk.statistics.merged == 1);
        finish(&command, 0);
        CHECK(ended[0] == 1 && ended[1] == 1 && end_count == 2 + fillers);
        CHECK(disk.statistics.gap_sectors == 32 && ended[102] == (int)own && ended[104] == (int)own);
    }
    disk.gap_sectors = 0;
}

static void
submit_speculative(unsigned number, u64 sector)
{
    struct block_request *request = make(&disk, number, sector, 1);
    request->speculative = true;
    block_submit(request);
}

static void
speculation_gives_way(void)
{
    struct block_command command, other;
    forget();
    submit_speculative(0, 8);
    submit_speculative(1, 800);
    submit_speculative(2, 1600);
    submit(3, 3200, 1);
    submit(4, 792, 1); /* takes its neighbour along */
    CHECK(block_take_command(&disk, &command) && command.sector == 3200);
    finish(&command, 0);
    CHECK(block_take_command(&disk, &command) && command.sector == 792 && command.sectors == 16);
    finish(&command, 0);
    block_want(&disk, 1603);
    block_want(&disk, 1608);
    CHECK(block_take_command(&disk, &command) && command.sector == 1600);
    finish(&command, 0);
    CHECK(block_take_command(&disk, &command) && command.sector == 8);
    submit_speculative(5, 80); /* only one command of these at a time: the depth is not known */
    CHECK(!block_take_command(&disk, &other));
    finish(&command, 0);
    CHECK(block_take_command(&disk, &command) && command.sector == 80);
    finish(&command, 0);
    CHECK(end_count == 6 && disk.statistics.speculative == 4);
}

static void
speculation_is_not_forgotten(void)
{
    struct block_command command;
    unsigned served = 0;
    forget();
    submit_speculative(0, 0);
    for (; !ended[0]; served++) {
        submit(1, 16 + 16 * served, 1);
        CHECK(block_take_command(&disk, &command));
        finish(&command, 0);
    }
    CHECK(served == BLOCK_OVERTAKE_LIMIT + 1);
    while (block_take_command(&disk, &command))
        finish(&command, 0);
}

static void
several_at_once(void)
{
    struct block_command command;
    struct list requests;
    forget();
    list_init(&requests);
    for (unsigned i = 0; i < 4; i++)
        list_add_tail(&requests, &make(&disk, i, 64 * i, 8)->link);
    kicks = 0;
    block_submit_list(&requests);
    CHECK(kicks == 1 && list_empty(&requests));
    CHECK(block_take_command(&disk, &command) && command.sectors == 256);
    finish(&command, 0);
    CHECK(end_count == 4);
}

/* 200,000 requests wait in any order; a linear search would take minutes. */
static void
deep_queue(void)
{
    struct block_command command;
    unsigned commands = 0, turns = 0;
    forget();
    srand(31);
    struct page *page = page_alloc();
    for (unsigned i = 0; i < 200000; i++) {
        struct block_request *request = make(&disk, 0, (u64)(rand() % 60000) * 16, 0);
        block_request_add(request, page, 0, 512);
        block_submit(request);
    }
    page_put(page);
    u64 last = 0;
    for (; block_take_command(&disk, &command); commands++) {
        turns += command.sector < last;
        last = command.sector;
        finish(&command, 0);
    }
    CHECK(end_count == 200000 && ended[0] == 200000 && commands == 200000);
    CHECK(turns > 0);
}

static void
words(void)
{
    CHECK(block_configure("block-gap=0") && !block_configure("block-gap=x"));
    CHECK(!block_configure("block") && block_configure("block-gap=64"));
}

static void
beyond_the_end(void)
{
    forget();
    kicks = 0;
    submit(0, disk.sectors - 8, 2);
    submit(1, disk.sectors, 1);
    submit(2, ~0ull - 3, 1);
    CHECK(kicks == 0 && end_count == 3);
    CHECK(results[0] == -EIO && results[1] == -EIO && results[2] == -EIO);
    CHECK(disk.statistics.errors == 3 && bad_seen == 1);
}

static void
partition_sectors_are_relative(void)
{
    struct block_command command;
    struct disk part = disk;
    part.whole = &disk;
    part.start = 2048;
    part.sectors = 800;
    forget();
    block_submit(make(&part, 0, 16, 1));
    CHECK(block_take_command(&disk, &command) && command.sector == 2064);
    finish(&command, 0);
    block_submit(make(&part, 1, 800, 1));
    CHECK(results[1] == -EIO && !block_take_command(&disk, &command));
}

static void
failed_command_ends_all(void)
{
    struct block_command command;
    forget();
    submit(0, 8, 1);
    submit(1, 16, 3);
    CHECK(block_take_command(&disk, &command));
    finish(&command, -EIO);
    CHECK(results[0] == -EIO && results[1] == -EIO && bad_seen == 7);
    CHECK(disk.statistics.errors == 2);
}

static void
split_ends_each_alone(void)
{
    struct block_command command;
    forget();
    for (unsigned i = 0; i < 4; i++)
        submit(i, 8 + 8 * i, 1);
    CHECK(block_take_command(&disk, &command) && command.request_count == 4);
    struct block_request *first = list_first(&command.requests, struct block_request, link);
    struct block_request *second = list_first(&first->link, struct block_request, link);
    second->bad_segments = 1;
    block_command_split(&disk, &command, second);
    CHECK(end_count == 1 && results[1] == -EIO);
    block_command_split(&disk, &command, first);
    CHECK(end_count == 2 && results[0] == 0);
    finish(&command, 0);
    CHECK(end_count == 4 && results[2] == 0 && results[3] == 0);
    CHECK(disk.statistics.errors == 1 && disk.statistics.in_flight == 0);
}

static void
pieces_of_one_page_join(void)
{
    forget();
    struct block_request *request = block_request_alloc();
    struct page *page = page_alloc(), *other = page_alloc();
    CHECK(block_request_add(request, page, 1024, 1024));
    CHECK(block_request_add(request, page, 2048, 1024));
    CHECK(request->segment_count == 1 && request->segments[0].length == 2048);
    CHECK(page->references == 2);
    CHECK(block_request_add(request, page, 0, 1024)); /* not in a row */
    CHECK(request->segment_count == 2 && request->sectors == 6);
    for (unsigned i = 2; i < BLOCK_SEGMENTS; i++)
        CHECK(block_request_add(request, i % 2 ? page : other, 0, 512));
    block_request_free(request);
    CHECK(page->references == 1 && other->references == 1);
    page_put(page);
    page_put(other);
}

static void
busy_time(void)
{
    struct block_command one, two;
    struct disk_statistics statistics;
    forget();
    submit(0, 8, 1);
    submit(1, 80, 1);
    host_time_advance(1000);
    CHECK(block_take_command(&disk, &one));
    host_time_advance(1000);
    CHECK(block_take_command(&disk, &two));
    host_time_advance(1000);
    finish(&one, 0);
    disk_statistics_read(&disk, &statistics);
    CHECK(statistics.busy_ns == 2000 && statistics.in_flight == 1 && statistics.in_flight_most == 2);
    host_time_advance(1000);
    finish(&two, 0);
    host_time_advance(1000);
    disk_statistics_read(&disk, &statistics);
    CHECK(statistics.busy_ns == 3000 && statistics.in_flight == 0);
}

static void
reader_leaves_early(void)
{
    struct page *page = page_alloc();
    struct block_command command;
    forget();
    current_fibril()->cancel_error = -EINTR;
    CHECK(block_read_page(&disk, 0, 1, page) == -EINTR);
    current_fibril()->cancel_error = 0;
    CHECK(page->references == 2); /* the request's */
    CHECK(block_take_command(&disk, &command));
    finish(&command, 0);
    CHECK(page->references == 1);
    page_put(page);
}

static void
out_of_memory(void)
{
    struct page *page = page_alloc();
    for (host_alloc_limit = 0; host_alloc_limit < 2;) {
        int limit = host_alloc_limit;
        CHECK(block_read_page(&disk, 0, 1, page) == -ENOMEM);
        host_alloc_limit = limit + 1;
    }
    host_alloc_limit = -1;
    page_put(page);
}

static void
ramdisk_reads(void)
{
    enum { SIZE = 40 * 512 + 100 };
    static unsigned char memory[SIZE];
    struct disk *ram;
    for (unsigned i = 0; i < SIZE; i++)
        memory[i] = (unsigned char)(i * 7 + i / 512);
    CHECK(ramdisk_create(memory, 511, NULL) == -EINVAL);
    CHECK(ramdisk_create(memory, SIZE, &ram) == 0);
    CHECK(ram->sectors == 40 && disk_find("ram0") == ram);
    struct page *page = page_alloc();
    CHECK(block_read_page(ram, 30, 8, page) == 0);
    CHECK(memcmp(page_address(page), memory + 30 * 512, 4096) == 0);
    CHECK(block_read_page(ram, 33, 8, page) == -EIO);
    page_put(page);
    host_objects_used -= 2; /* a disk stays for ever, and so does its queue */
}

int
main(void)
{
    disk.driver = &driver;
    automatic = true;
    if (disk_register(&disk))
        return 1;
    automatic = false;
    RUN_TEST(orders_by_sector);
    RUN_TEST(elevator_goes_on_upwards);
    RUN_TEST(merges_neighbours);
    RUN_TEST(same_sector_twice);
    RUN_TEST(command_limits);
    RUN_TEST(overtaking_is_bounded);
    RUN_TEST(random_traffic);
    RUN_TEST(reads_through_small_gaps);
    RUN_TEST(gaps_are_offered_to_the_cache);
    RUN_TEST(speculation_gives_way);
    RUN_TEST(speculation_is_not_forgotten);
    RUN_TEST(several_at_once);
    RUN_TEST(deep_queue);
    RUN_TEST(words);
    RUN_TEST(beyond_the_end);
    RUN_TEST(partition_sectors_are_relative);
    RUN_TEST(failed_command_ends_all);
    RUN_TEST(split_ends_each_alone);
    RUN_TEST(pieces_of_one_page_join);
    RUN_TEST(busy_time);
    RUN_TEST(reader_leaves_early);
    RUN_TEST(out_of_memory);
    RUN_TEST(ramdisk_reads);
    return test_result();
}
