/* The owner of cached pages: an inode's contents or a disk. Only the struct, so that drivers/ can
 * embed it; the operations on it are in fs/cache.h. */
#ifndef KERNEL_CACHE_OBJECT_H
#define KERNEL_CACHE_OBJECT_H

#include "kernel/list.h"
#include "kernel/types.h"

struct disk;
struct page;
struct cache_object;

struct cache_object_ops {
    /* Starts reading `count` pages (at most CACHE_AHEAD_PAGES) whose indices follow each other; they
     * are PAGE_READING and the caller holds a reference to each. Every one must be finished exactly
     * once with cache_page_done (fs/cache.h), now or later, here or from a block request's end;
     * whoever finishes it later needs a reference of its own (block requests have one). May sleep
     * (reading metadata); no lock is held. */
    void (*read_pages)(struct cache_object *object, struct page **pages, unsigned count);
    /* Somebody waits for a page that is being read ahead: its request goes before others like it. May
     * sleep. NULL: nothing to be done. */
    void (*want_page)(struct cache_object *object, u32 index);
};

struct cache_object {
    const struct cache_object_ops *ops;
    struct disk *disk; /* where its pages are read from, so that it pays to read ahead; NULL: nowhere */
    u32 page_count; /* of its pages in the cache; interrupts off */
    u32 index_limit; /* above the highest index it ever had in the cache; interrupts off */
    bool pinned;    /* its pages are the only copy (ramfs): never dropped */
};

#endif
