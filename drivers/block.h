/* Disks and requests to them: what stands between the page cache and a disk driver.
 *
 * A request is a run of sectors and the pieces of cache (or pinned) pages that it fills. It owns
 * references to those pages and lies in memory of its own, so any waiter may leave at any moment.
 * Each disk has one queue: waiting requests are kept sorted by sector, and the driver takes them in
 * elevator order as *commands*: a command is one request, or several whose sectors follow each other
 * with no gaps or small ones. Merging therefore costs no copying: the requests of a command stay
 * separate and end separately. */
#ifndef DRIVERS_BLOCK_H
#define DRIVERS_BLOCK_H

#include "kernel/cache_object.h"
#include "kernel/list.h"
#include "kernel/page.h"
#include "kernel/types.h"

#define SECTOR_SIZE 512u
#define BLOCK_SEGMENTS 16 /* of one request */

/* How many later requests may be given to the device before one that waits: fewer than
 * BLOCK_OVERTAKE_LIMIT and those of one more command. When the oldest request has been overtaken so
 * often, it is next. A driver of a device that takes several commands and chooses their order keeps
 * the same bound again for those, so nothing is overtaken by more than twice as many in all. */
#define BLOCK_OVERTAKE_LIMIT 1024u
#define BLOCK_COMMAND_REQUESTS 256u /* of one command, at most */

/* A command reads on through a gap of up to so many sectors; each page of it counts as a segment. */
#define BLOCK_GAP_SECTORS 64u
#define BLOCK_GAP_SEGMENTS(sectors) (((sectors) * SECTOR_SIZE + PAGE_SIZE - 1) / PAGE_SIZE)
/* A command that somebody waits for grows to so much by speculative requests. */
#define BLOCK_SPECULATIVE_SECTORS 256u

struct block_segment {
    struct page *page; /* referenced by the request */
    u16 offset, length; /* bytes; multiples of 512 */
};

struct block_request {
    struct list link;     /* of a command, or of the submitter's list */
    struct list age_link; /* in the order submitted; interrupts off */
    struct block_request *left, *right; /* in the queue's tree; interrupts off */
    struct disk *disk, *part; /* `part`: as the submitter gave it */
    /* In 512-byte sectors of `disk`. The submitter may give a partition and a sector of it; from
     * block_submit on, both are the whole disk's. */
    u64 sector;
    u32 sectors; /* the sum of the segments' lengths, kept by block_request_add */
    u16 segment_count;
    /* In `done` with an error: bit i is set if segment i was not read. The others are good. */
    u16 bad_segments;
    bool speculative; /* nobody waits for it yet: goes behind those that somebody waits for */
    u32 sequence; /* how many had been submitted to the queue before it */
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
/* Adds a piece; takes a reference to the page. False: no room for another segment. A piece that goes
 * on where the last one ended in the same page makes that segment longer. */
bool block_request_add(struct block_request *request, struct page *page, u32 offset, u32 length);
/* Hands the request over; it ends by itself. Never sleeps, never fails (a sector beyond the disk
 * ends the request with -EIO at once). Any fibril. */
void block_submit(struct block_request *request);
/* The same for several of one disk, by their `link`: the driver sees them at once, so that those which
 * continue each other make one command. The list is empty afterwards. */
void block_submit_list(struct list *requests);

/* For those who read what nobody has asked for: sleeps, killably, while BLOCK_BUSY requests or more wait
 * for the disk. 0 or why the fibril was cancelled. */
#define BLOCK_BUSY 4
struct disk;
int block_wait_calm(struct disk *disk) MUST_CHECK;
/* Somebody waits for this sector: a speculative request for it that is still in the queue becomes one
 * like the others. Any context. */
void block_want(struct disk *disk, u64 sector);

/* ---- Disks ---- */

/* What a driver gives. Called with interrupts off. */
struct disk_driver {
    /* There is work in the queue: take commands (block_take_command) while the device has room. */
    void (*kick)(struct disk *disk);
};

struct disk_statistics {
    u64 requests; /* submitted to the queue */
    u64 commands; /* given to the device */
    u64 merged;   /* requests that went with another one's command */
    u64 speculative; /* of the requests */
    u64 sectors;     /* read, and of them */
    u64 gap_sectors; /* those that nobody had asked for */
    u64 errors;  /* requests that ended with one */
    u64 busy_ns; /* time with at least one command at the device, up to the last change */
    u32 in_flight, in_flight_most; /* commands at the device */
    u32 waiting, waiting_most;     /* requests in the queue */
};

struct disk {
    /* Immutable once registered: */
    char name[12]; /* ata0, ata0p2, cd0, ram0 */
    u64 sectors;
    u32 sector_size; /* of the device: 512, or 2048 for a CD (the queue speaks 512 all the same) */
    u32 max_command_sectors; /* at least as many as one request can have (128) */
    u32 max_command_segments;
    u32 depth;       /* commands it takes at once, at most */
    u32 gap_sectors; /* reading so many more is no worse than another command */
    bool read_only, removable;
    u32 id; /* st_dev: major << 8 | minor; a partition's is its disk's and its number */
    struct cache_object object; /* the disk's own pages: metadata */
    struct disk *whole;         /* of a partition; itself otherwise */
    u64 start;                  /* of a partition, on `whole` */
    u8 partition_type;
    /* Gives a request that reads the page's worth of sectors from `sector` on (of this disk or
     * partition) into the disk's own page there, for a command that comes along; its sector and disk
     * are filled in by the caller. NULL: the page is there already, or there is no memory. Interrupts
     * off. The page cache's, set when the disk becomes known; may be NULL. */
    struct block_request *(*read_through)(struct disk *disk, u64 sector);
    const struct disk_driver *driver;
    void *driver_data;
    struct block_queue *queue; /* of `whole` */
    struct disk *next;
    /* Interrupts off: */
    struct disk_statistics statistics; /* of `whole` */
};

#define DISK_MINORS 32 /* ids of one disk: the whole of it and its partitions */

/* Makes the disk known, with a queue of its own, reads its MBR and makes its partitions known.
 * May sleep; the driver must be able to serve requests. The caller has set name, sectors,
 * sector_size, the limits, id and driver. 0, or -ENOMEM: it is not known (what goes wrong with its
 * partitions is said in the log only). */
int disk_register(struct disk *disk);
struct disk *disk_first(void); /* ->next, in the order found, partitions behind their disk */
struct disk *disk_find(const char *name);
/* Statistics as of now (busy time of a command in progress included). */
void disk_statistics_read(struct disk *disk, struct disk_statistics *statistics);

/* A log line for each disk that has been read. */
void disks_log_statistics(void);

/* Reads `count` sectors into the page, and waits, killably: 0, -EIO, -ENOMEM or why the fibril was
 * cancelled (the page may then still be written to, and is kept as long). For partition tables and
 * the like; everything else goes through the page cache. */
int block_read_page(struct disk *disk, u64 sector, u32 count, struct page *page) MUST_CHECK;

/* A word of the command line: block-gap=SECTORS. False: not that. */
bool block_configure(const char *word);

/* ---- Between block.c and block_queue.c ---- */

struct block_tree {
    struct block_request *root;
};
struct block_queue *block_queue_create(void); /* NULL: out of memory */
/* Gives the request its result and takes it away. Interrupts off. */
void block_request_end(struct block_request *request, int error);

/* Links an initialized disk or partition behind the known ones (block.c, partition.c). */
void disk_link(struct disk *disk);
/* Reads the partition tables of a whole disk and links its partitions: 0 or -ENOMEM. */
int partitions_find(struct disk *whole);

/* ---- For drivers, interrupts off ---- */

struct block_command {
    struct list requests; /* block_request.link, sectors ascending */
    u64 sector;           /* absolute on the whole disk */
    u32 sectors;          /* up to the end of the last request, gaps included */
    u32 gap_sectors;      /* in gaps: read and thrown away */
    u32 request_count;
    u32 segment_count; /* with a segment for each page of a gap, or part of one */
    bool speculative;
    u64 started_ns;
};
/* Fills `command` with the next work in elevator order within the disk's limits; false: none. */
bool block_take_command(struct disk *disk, struct block_command *command);
/* The command ended: every request of it that has not ended yet gets `error`. */
void block_command_done(struct disk *disk, struct block_command *command, int error);
/* One request of a command in progress ends alone, with -EIO if any of bad_segments is set: for
 * drivers that retry a failed command in pieces. block_command_done ends the rest. */
void block_command_split(struct disk *disk, struct block_command *command,
                         struct block_request *alone);

#endif
