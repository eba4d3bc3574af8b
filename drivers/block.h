/* Disks and requests to them: what stands between the page cache and a disk driver.
 *
 * A request is a run of sectors and the pieces of cache (or pinned) pages that it fills. It owns
 * references to those pages and lies in memory of its own, so any waiter may leave at any moment.
 * Each disk has one queue: waiting requests are kept sorted by sector, and the driver takes them in
 * elevator order as *commands*: a command is one request or several whose sectors follow each other.
 * Merging therefore costs no copying: the requests of a command stay separate and end separately. */
#ifndef DRIVERS_BLOCK_H
#define DRIVERS_BLOCK_H

#include "kernel/cache_object.h"
#include "kernel/list.h"
#include "kernel/page.h"
#include "kernel/types.h"

#define SECTOR_SIZE 512u
#define BLOCK_SEGMENTS 16 /* of one request */

struct block_segment {
    struct page *page; /* referenced by the request */
    u16 offset, length; /* bytes; multiples of 512 */
};

struct block_request {
    struct list link; /* the queue's, interrupts off */
    struct disk *disk;
    u64 sector; /* in 512-byte sectors of `disk` (a partition: relative to it; the queue adds) */
    u32 sectors;
    u16 segment_count;
    u16 overtaken; /* by how many later ones */
    u64 submitted_ns;
    /* Called once, with interrupts off, usually in an interrupt: 0 or -EIO. The pages' references
     * are still held; when it returns the layer drops them and frees the request. */
    void (*done)(struct block_request *request, int error);
    void *private; /* the submitter's */
    struct block_segment segments[BLOCK_SEGMENTS];
};

/* A zeroed request, or NULL (out of memory). */
struct block_request *block_request_alloc(void);
void block_request_free(struct block_request *request); /* one that was not submitted */
/* Adds a piece; takes a reference to the page. False: no room for another segment. */
bool block_request_add(struct block_request *request, struct page *page, u32 offset, u32 length);
/* Hands the request over; it ends by itself. Never sleeps, never fails (a sector beyond the disk
 * ends the request with -EIO at once). Any fibril. */
void block_submit(struct block_request *request);

/* ---- Disks ---- */

/* What a driver gives. Both are called with interrupts off. */
struct disk_driver {
    /* There is work in the queue: take commands (block_take_command) while the device has room. */
    void (*kick)(struct disk *disk);
};

struct disk_statistics {
    u64 requests; /* submitted to the queue */
    u64 commands; /* given to the device */
    u64 merged;   /* requests that went with another one's command */
    u64 sectors;
    u64 errors;
    u64 busy_ns; /* time with at least one command at the device */
    u32 in_flight, in_flight_most; /* commands at the device */
    u32 waiting, waiting_most;     /* requests in the queue */
};

struct disk {
    char name[12]; /* ata0, ata0p2, cd0, ram0 */
    u64 sectors;
    u32 sector_size; /* of the device: 512, or 2048 for a CD (the queue speaks 512 all the same) */
    u32 max_command_sectors;
    u32 max_command_segments;
    bool read_only, removable;
    u32 id; /* st_dev: major << 8 | minor */
    struct cache_object object; /* the disk's own pages: metadata */
    struct disk *whole;         /* of a partition; itself otherwise */
    u64 start;                  /* of a partition, on `whole` */
    u8 partition_type;
    const struct disk_driver *driver;
    void *driver_data;
    struct block_queue *queue; /* of `whole` */
    struct disk_statistics statistics; /* of `whole`; interrupts off */
    struct disk *next;
};

/* Makes the disk known, with a queue of its own, reads its MBR and makes its partitions known.
 * May sleep; the driver must be able to serve requests. 0 or -ENOMEM (an unreadable or absent MBR is
 * no error). */
int disk_register(struct disk *disk);
struct disk *disk_first(void); /* ->next, in the order found, partitions behind their disk */
struct disk *disk_find(const char *name);

/* ---- For drivers, interrupts off ---- */

struct block_command {
    struct list requests; /* block_request.link, sectors ascending and adjacent */
    u64 sector;           /* absolute on the whole disk */
    u32 sectors;
    u32 request_count;
    u64 started_ns;
    u8 tries;
};
/* Fills `command` with the next work in elevator order within the disk's limits; false: none. */
bool block_take_command(struct disk *disk, struct block_command *command);
/* The command ended: every request of it gets `error`. */
void block_command_done(struct disk *disk, struct block_command *command, int error);
/* The command ended with one request bad: splits, so that each request ends by its own result. */
void block_command_split(struct disk *disk, struct block_command *command,
                         struct block_request **alone);

#endif
