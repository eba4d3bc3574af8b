/* The one page cache: 4 KiB pages keyed by (object, index), found in constant time, bounded by
 * memory and given back when memory runs low. Two fibrils that want the same page read it once.
 *
 * A page that is being read is PAGE_READING and belongs to its request; whoever wants it waits,
 * killably, and may leave at any moment. A page whose read failed leaves the cache as PAGE_FAILED with
 * its error, so that those who waited see the error and those who come later try again. When the
 * fibril that was to start the read was cancelled or out of memory, the error is that and the
 * waiters start over by themselves. */
#ifndef FS_CACHE_H
#define FS_CACHE_H

#include "kernel/cache_object.h"
#include "kernel/errno.h"
#include "kernel/page.h"
#include "kernel/types.h"

#define CACHE_RUN_PAGES 16    /* started together for one who waits, at most */
#define CACHE_AHEAD_PAGES 256 /* the same for nobody yet: 1 MiB */

/* In page->private of a valid page, the cache's own bits. The others are the object's owner's and are
 * 0 when the page becomes valid. */
#define PAGE_PRIVATE_USED 1u           /* more than once since the search for old ones came past */
#define PAGE_PRIVATE_FRESH 0x80000000u /* read together with others, and not yet wanted by itself */
#define PAGE_PRIVATE_AHEAD 0x40000000u /* read before anybody asked for it, and not yet wanted */

/* A referenced page with good contents: 0, -EIO, -ENOMEM or why the fibril was cancelled. Sleeps.
 * The caller gives it back with page_put. */
int cache_get(struct cache_object *object, u32 index, struct page **page) MUST_CHECK;
/* The same, when the caller will want `count` pages from `index` on: missing ones of the first
 * CACHE_RUN_PAGES are started together. */
int cache_get_run(struct cache_object *object, u32 index, u32 count,
                  struct page **page) MUST_CHECK;
/* The same, and up to `ahead` pages behind those are read along, in case somebody wants them. */
int cache_get_run_ahead(struct cache_object *object, u32 index, u32 count, u32 ahead,
                        struct page **page) MUST_CHECK;
/* The page (referenced) if it is valid and was wanted before, so that there is nothing to be learned
 * from its being wanted now; else NULL. Never sleeps. */
struct page *cache_get_known(struct cache_object *object, u32 index);
bool cache_has(const struct cache_object *object, u32 index); /* there, or being read */
bool cache_is_reading(const struct cache_object *object, u32 index);
u32 cache_ahead_room(void); /* for how many more pages that nobody has asked for */
/* Starts reading those of `count` pages that are missing, for nobody yet, as far as there is room for
 * such pages; the caller does not wait for them, but may sleep while they are started. How many. */
u32 cache_read_ahead(struct cache_object *object, u32 index, u32 count);
/* The page if it is there and valid (referenced), else NULL. Never sleeps. */
struct page *cache_peek(struct cache_object *object, u32 index);
/* A zeroed, valid page put in by its owner (ramfs): 0, -ENOMEM; an existing one is returned. */
int cache_create(struct cache_object *object, u32 index, struct page **page) MUST_CHECK;

/* The end of a page's read: 0 or a negative errno. Any context. */
void cache_page_done(struct page *page, int error);

/* For pages filled by several requests or pieces: sets how many parts are outstanding, and ends the
 * page when the last part has ended (with the first error, if any). Any context. */
void cache_page_expect(struct page *page, unsigned parts);
void cache_page_part_done(struct page *page, int error);

/* Is the page being read for nobody yet? */
static inline bool
cache_page_is_ahead(const struct page *page)
{
    return page->private & PAGE_PRIVATE_AHEAD;
}
/* A page that somebody's request passes on its way: put in as being read ahead, referenced; NULL if it
 * is there already, or there is no room or no memory for it. Interrupts off. */
struct page *cache_adopt(struct cache_object *object, u32 index);

/* Gives up every page of the object (it is going away, or has changed): those in use keep their
 * memory until they are put. May not be called while its pages are being read by the caller. */
void cache_drop_object(struct cache_object *object);
void cache_drop_from(struct cache_object *object, u32 first); /* those from index `first` on */
/* All clean, unused pages of all objects. */
void cache_drop_all(void);
void cache_object_init(struct cache_object *object, const struct cache_object_ops *ops);

/* Is this error a reason of the fibril that tried (cancelled, no memory), which says nothing about
 * the page or inode it tried for? Others try for themselves then. */
static inline bool
cache_error_is_callers(int error)
{
    return error == -EINTR || error == -ECANCELED || error == -ETIME || error == -ENOMEM ||
           error == -EAGAIN;
}

/* The power of two from `least` to `most` that is not below `wanted`: sizes of hash tables. */
u32 table_size_for(u32 wanted, u32 least, u32 most);

struct cache_statistics {
    u32 pages, hits, misses, waits, dropped;
    /* Of the pages that were read before anybody asked for them: all; those that somebody wanted
     * later; those that left without. The rest are `ahead_unused`, still there. */
    u32 ahead, ahead_used, ahead_wasted, ahead_unused;
    u32 ahead_refused; /* times that there was no room for any */
};
void cache_count(struct cache_statistics *statistics);
void cache_init(void);

#endif
