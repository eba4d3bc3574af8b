// sources: drivers/block.c drivers/block_queue.c drivers/partition.c tests/host/support/*.c
/* Partition tables, good and hostile. */
#include "arch.h"
#include "drivers/block.h"
#include "host.h"

#define SECTORS 4096

static unsigned char image[SECTORS * SECTOR_SIZE];
static struct disk *found[32];
static unsigned found_count;
static bool (*refuse)(u64 sector);

static void
start_image(void)
{
    memset(image, 0, sizeof image);
}

static void
sign(u32 sector)
{
    image[sector * SECTOR_SIZE + 510] = 0x55;
    image[sector * SECTOR_SIZE + 511] = 0xaa;
}

static void
entry(u32 sector, unsigned number, u8 type, u32 start, u32 sectors)
{
    unsigned char *at = image + sector * SECTOR_SIZE + 446 + number * 16;
    at[4] = type;
    memcpy(at + 8, &start, 4);
    memcpy(at + 12, &sectors, 4);
    sign(sector);
}

static void
serve(struct disk *disk)
{
    struct block_command command;
    while (block_take_command(disk, &command)) {
        struct block_request *request;
        u64 sector = command.sector;
        int error = refuse && refuse(sector) ? -5 : 0;
        list_for_each (request, &command.requests, link)
            for (unsigned i = 0; i < request->segment_count; i++) {
                memcpy((char *)page_address(request->segments[i].page) +
                           request->segments[i].offset,
                       image + sector * SECTOR_SIZE, request->segments[i].length);
                sector += request->segments[i].length / SECTOR_SIZE;
            }
        block_command_done(disk, &command, error);
    }
}

static const struct disk_driver driver = {.kick = serve};

/* Registers the image as a disk and collects its partitions. Disks stay for ever: their memory is
 * no leak (one object for each partition, and a queue for the whole disk). */
static void
scan_sized(u32 sector_size, u64 sectors)
{
    static struct disk disks[64];
    static unsigned count;
    struct disk *disk = &disks[count];
    snprintf(disk->name, sizeof disk->name, "d%u", count++);
    disk->sectors = sectors;
    disk->sector_size = sector_size;
    disk->max_command_sectors = 128;
    disk->max_command_segments = 16;
    disk->driver = &driver;
    if (disk_register(disk))
        abort();
    host_objects_used--; /* its queue */
    found_count = 0;
    for (struct disk *part = disk->next; part; part = part->next) {
        found[found_count++] = part;
        host_objects_used--;
    }
}

static void
scan(void)
{
    scan_sized(512, SECTORS);
}

static void
no_table(void)
{
    start_image();
    scan();
    CHECK(found_count == 0);
    memset(image, 0xff, sizeof image);
    scan();
    CHECK(found_count == 0);
}

static void
four_primary(void)
{
    start_image();
    for (unsigned i = 0; i < 4; i++)
        entry(0, i, 0x83, 100 + 1000 * i, 1000);
    scan();
    CHECK(found_count == 3, "%u", found_count); /* the last one lies outside */
    CHECK(found[1]->start == 1100 && found[1]->sectors == 1000 && found[1]->partition_type == 0x83);
    CHECK(found[1]->whole != found[1] && found[1]->whole->start == 0);
    CHECK(found[0]->id == found[0]->whole->id + 1);
    CHECK(strcmp(found[2]->name + strlen(found[2]->name) - 2, "p3") == 0);
}

static void
whole_disk_file_system(void)
{
    start_image();
    memset(image + 446, 0x42, 64); /* code where the entries stand */
    sign(0);
    scan();
    CHECK(found_count == 0);
}

static void
edges(void)
{
    start_image();
    entry(0, 0, 0x83, 0, 10);            /* contains its table */
    entry(0, 1, 0x83, 1, SECTORS - 1);   /* just fits */
    entry(0, 2, 0x83, SECTORS, 1);       /* just does not */
    entry(0, 3, 0x83, 0xffffffff, 0xffffffff);
    scan();
    CHECK(found_count == 1 && found[0]->sectors == SECTORS - 1);
    start_image();
    entry(0, 0, 0x83, 2, SECTORS - 1); /* one too long */
    entry(0, 1, 0x83, 5, 0);           /* empty */
    entry(0, 2, 0xee, 1, 100);         /* GPT */
    scan();
    CHECK(found_count == 0);
}

static void
overlap(void)
{
    start_image();
    entry(0, 0, 0x83, 100, 100);
    entry(0, 1, 0x83, 199, 10);
    entry(0, 2, 0x83, 90, 11);
    entry(0, 3, 0x83, 200, 10);
    scan();
    CHECK(found_count == 2 && found[1]->start == 200);
}

static void
logical(void)
{
    start_image();
    entry(0, 0, 0x83, 10, 90);
    entry(0, 1, 0x05, 1000, 2000);
    entry(1000, 0, 0x83, 10, 100);
    entry(1000, 1, 0x05, 500, 400);
    entry(1500, 0, 0x82, 10, 100);
    scan();
    CHECK(found_count == 3);
    CHECK(found[1]->start == 1010 && found[2]->start == 1510);
    CHECK(strcmp(found[2]->name + strlen(found[2]->name) - 2, "p6") == 0);
}

static void
logical_circle(void)
{
    start_image();
    entry(0, 0, 0x0f, 1000, 2000);
    for (unsigned i = 0; i < 2; i++)
        entry(1000 + 100 * i, 1, 0x05, i ? 0 : 100, 10);
    entry(1000, 0, 0x83, 10, 10);
    entry(1100, 1, 0x05, 100, 10); /* itself */
    entry(1100, 0, 0x83, 10, 10);
    scan();
    CHECK(found_count == 2, "%u", found_count);
}

static void
logical_outside(void)
{
    start_image();
    entry(0, 0, 0x05, 1000, 2000);
    entry(1000, 0, 0x83, 10, 1991); /* longer than the extended partition */
    entry(1000, 1, 0x05, 2000, 10); /* behind it */
    scan();
    CHECK(found_count == 0);
    start_image();
    entry(0, 0, 0x05, 4000, 2000); /* the extended one itself */
    scan();
    CHECK(found_count == 0);
}

static void
many_logical(void)
{
    start_image();
    entry(0, 0, 0x05, 100, 3900);
    for (unsigned i = 0; i < 30; i++) {
        entry(100 + 100 * i, 0, 0x83, 1, 50);
        entry(100 + 100 * i, 1, 0x05, 100 * (i + 1), 100);
    }
    scan();
    CHECK(found_count == 16, "%u", found_count);
}

static bool
refuse_first(u64 sector)
{
    return sector == 0;
}

static bool
refuse_extended(u64 sector)
{
    return sector == 1000;
}

static void
unreadable(void)
{
    start_image();
    entry(0, 0, 0x83, 10, 100);
    entry(0, 1, 0x05, 1000, 100);
    refuse = refuse_first;
    scan();
    CHECK(found_count == 0);
    refuse = refuse_extended;
    scan();
    refuse = NULL;
    CHECK(found_count == 1);
}

static void
of_a_cd(void)
{
    start_image();
    entry(0, 0, 0xcd, 1, 99);
    entry(0, 1, 0x83, 100, 1000);
    entry(0, 2, 0x05, 2002, 100); /* not at the beginning of a sector of the CD */
    entry(2002, 0, 0x83, 10, 10);
    scan_sized(2048, SECTORS);
    CHECK(found_count == 3 && found[1]->start == 100 && found[2]->start == 2012);
}

static void
tiny_disk(void)
{
    start_image();
    entry(0, 0, 0x83, 1, 1);
    scan_sized(512, 1);
    CHECK(found_count == 0);
    scan_sized(2048, 2); /* not one sector */
    CHECK(found_count == 0);
}

static void
garbage(void)
{
    srand(7);
    for (unsigned round = 0; round < 30; round++) {
        for (unsigned i = 0; i < sizeof image; i++)
            image[i] = (unsigned char)rand();
        for (u32 sector = 0; sector < SECTORS; sector++) {
            for (unsigned i = 0; i < 4; i++) {
                u8 type = rand() % 2 ? 0x05 : 0x83;
                u32 start = (u32)rand() % (SECTORS + 100), size = (u32)rand() % SECTORS;
                entry(sector, i, type, start, size);
                image[sector * SECTOR_SIZE + 446 + i * 16] = 0x80;
            }
        }
        scan();
        CHECK(found_count <= 16);
        for (unsigned i = 0; i < found_count; i++)
            CHECK(found[i]->sectors && found[i]->start + found[i]->sectors <= SECTORS);
    }
}

int
main(void)
{
    RUN_TEST(no_table);
    RUN_TEST(four_primary);
    RUN_TEST(whole_disk_file_system);
    RUN_TEST(edges);
    RUN_TEST(overlap);
    RUN_TEST(logical);
    RUN_TEST(logical_circle);
    RUN_TEST(logical_outside);
    RUN_TEST(many_logical);
    RUN_TEST(unreadable);
    RUN_TEST(of_a_cd);
    RUN_TEST(tiny_disk);
    RUN_TEST(garbage);
    return test_result();
}
