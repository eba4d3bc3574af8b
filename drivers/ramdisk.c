/* A disk over a piece of memory (a multiboot module with the root file system). Requests go through
 * the same queue as those of real disks and are copied at once, in block_submit: a request has ended
 * when block_submit returns. Called by start-up code. Left out: writing. */
#include "drivers/ramdisk.h"

#include "arch.h"
#include "drivers/block.h"
#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"

#define RAMDISK_MAJOR 1 /* Linux, Documentation/admin-guide/devices.txt */
#define RAMDISK_MAX (256 / DISK_MINORS)

struct ramdisk {
    struct disk disk;
    const char *memory;
    bool serving; /* a request's end submitted another one; interrupts off */
};

static u32 ramdisk_count;

static void
copy_command(const struct ramdisk *ramdisk, const struct block_command *command)
{
    const char *from = ramdisk->memory + command->sector * SECTOR_SIZE;
    struct block_request *request;
    list_for_each (request, &command->requests, link) {
        for (unsigned i = 0; i < request->segment_count; i++) {
            const struct block_segment *segment = &request->segments[i];
            memcpy((char *)page_address(segment->page) + segment->offset, from, segment->length);
            from += segment->length;
        }
    }
}

static void
ramdisk_kick(struct disk *disk)
{
    struct ramdisk *ramdisk = disk->driver_data;
    struct block_command command;
    if (ramdisk->serving)
        return;
    ramdisk->serving = true;
    while (block_take_command(disk, &command)) {
        copy_command(ramdisk, &command);
        block_command_done(disk, &command, 0);
    }
    ramdisk->serving = false;
}

static const struct disk_driver ramdisk_driver = {.kick = ramdisk_kick};

int
ramdisk_create(const void *memory, size_t size, struct disk **disk)
{
    if (size < SECTOR_SIZE)
        return -EINVAL;
    if (ramdisk_count == RAMDISK_MAX)
        return -EAGAIN;
    struct ramdisk *ramdisk = heap_alloc(sizeof *ramdisk);
    if (!ramdisk)
        return -ENOMEM;
    ramdisk->memory = memory;
    struct disk *new = &ramdisk->disk;
    format_string(new->name, sizeof new->name, "ram%u", ramdisk_count);
    new->id = RAMDISK_MAJOR << 8 | ramdisk_count * DISK_MINORS;
    new->sectors = size / SECTOR_SIZE;
    new->sector_size = SECTOR_SIZE;
    new->max_command_sectors = BLOCK_SEGMENTS * PAGE_SIZE / SECTOR_SIZE;
    new->max_command_segments = BLOCK_SEGMENTS;
    new->read_only = true;
    new->driver = &ramdisk_driver;
    new->driver_data = ramdisk;
    int error = disk_register(new);
    if (error) {
        heap_free(ramdisk);
        return error;
    }
    ramdisk_count++;
    log_line("%s: %llu KiB of memory", new->name, (unsigned long long)(new->sectors / 2));
    if (disk)
        *disk = new;
    return 0;
}
