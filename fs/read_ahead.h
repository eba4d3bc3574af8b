/* Reading ahead: what will probably be wanted next is read before anybody asks for it. Readers only say
 * what they see (a file read in sequence, a directory listed) and go on; fibrils of the kernel task, a
 * few, do the reading with the same blocking code as anybody else, as long as few wait for the disk. The
 * pages are counted and bounded by the page cache (cache_read_ahead). */
#ifndef FS_READ_AHEAD_H
#define FS_READ_AHEAD_H

#include "kernel/types.h"

struct cache_object;
struct disk;
struct inode;
struct read_ahead_file;

#define READ_AHEAD_WINDOW 16          /* pages: with how many a reader in sequence begins … */
#define READ_AHEAD_WINDOW_MOST 256    /* … and to how many it comes, by doubling: 1 MiB */
#define READ_AHEAD_DISTANCE_MOST 4096 /* how far before a reader who still has to wait: 16 MiB */

/* What is known of the reads of an open file. All 0 at first. */
struct read_ahead_file {
    u32 start, next; /* pages: of the last read, and behind it */
    u32 end;         /* behind the last page that has been asked for or wished */
    u16 window;      /* how much is wished for at a time; 0: not read in sequence */
    u16 distance;    /* how far before the reader, at least */
};

/* What a reader wants: `count` (> 0) pages from `index` on, of a file of `limit` pages. */
struct read_ahead_reader {
    u32 index, count, limit;
    bool waits; /* the first page is being read just now */
};

/* What to do for a reader, when the first page is not known to be used already (cache_get_known).
 * `distance_most`: in pages. */
struct read_ahead_plan {
    u32 along;                  /* to be read in the same run, behind the `count` */
    u32 wish_index, wish_count; /* to be wished for, in pieces of file->window */
};
void read_ahead_plan(struct read_ahead_file *file, const struct read_ahead_reader *reader,
                     u32 distance_most, struct read_ahead_plan *plan);

/* The same, and wishes for it: what to read along. `inode` keeps the object. Never sleeps. */
u32 read_ahead_for_reader(struct read_ahead_file *file, struct inode *inode,
                          struct cache_object *object, u32 index, u32 count, u32 limit);

/* Wishes; the inode is kept until they have been served or dropped. Without effect when reading ahead
 * is off or the object is on no disk; the oldest is dropped when there are too many. Never sleep. */
void read_ahead_wish(struct inode *inode, struct cache_object *object, u32 index, u32 count);
/* Page `index` of the directory is being listed: inode->ops->read_ahead will be called. */
void read_ahead_wish_listing(struct inode *directory, u32 index);

/* For those who serve a wish, before each piece: lets those go first whom somebody waits for. */
int read_ahead_give_way(struct disk *disk) MUST_CHECK;

bool read_ahead_enabled(void); /* /proc/sys/vm/read_ahead */
void read_ahead_switch(bool on);
/* Forgets all wishes, and waits for those being served: 0 or why the fibril was cancelled. */
int read_ahead_drop(void);
void read_ahead_init(void);

#endif
