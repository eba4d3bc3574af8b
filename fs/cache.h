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

#define CACHE_RUN_PAGES 16 /* read by one call of read_pages, at most */

/* In page->private of a valid page: the cache's mark of a hit. The other bits are the object's owner's
 * and are 0 when the page becomes valid. */
#define PAGE_PRIVATE_USED 1u

/* A referenced page with good contents: 0, -EIO, -ENOMEM or why the fibril was cancelled. Sleeps.
 * The caller gives it back with page_put. */
int cache_get(struct cache_object *object, u32 index, struct page **page) MUST_CHECK;
/* The same, when the caller will want `count` pages from `index` on: missing ones of the first
 * CACHE_RUN_PAGES are started together. */
int cache_get_run(struct cache_object *object, u32 index, u32 count,
                  struct page **page) MUST_CHECK;
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
};
void cache_count(struct cache_statistics *statistics);
void cache_init(void);

#endif
