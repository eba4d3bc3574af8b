/* Physical pages: one struct page for each page frame of the direct map, and their allocator.
 * Any context may allocate and free (interrupts are held off for some tens of instructions);
 * nothing here sleeps. When memory runs low the allocator first calls the registered shrinkers,
 * if the caller is a fibril. */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include "kernel/list.h"
#include "kernel/types.h"

struct cache_object;

enum page_state {
    PAGE_FREE,
    PAGE_PLAIN,   /* belongs to whoever allocated it */
    PAGE_READING, /* in the cache, and owned by the request that fills it */
    PAGE_VALID,   /* in the cache, contents good */
    PAGE_FAILED,  /* taken out of the cache: reading it ended with page->error */
};

/* 32 bytes on i386. */
struct page {
    u32 references; /* interrupts off, or a fibril that holds one */
    u8 state;       /* enum page_state */
    u8 order;       /* of a free block, or of a multi-page allocation's first page */
    s16 error;      /* why it is PAGE_FAILED: a negative errno */
    /* The page cache's (fs/cache.c), interrupts off: */
    struct cache_object *object;
    u32 index;              /* position in the object, in pages */
    struct page *hash_next; /* of the cache's hash chain */
    struct list link;       /* the free list, or the cache's recently-used list */
    u32 private;            /* free for the owner: e.g. parts of the page still being read */
};

/* At boot: `map` describes the frames below memory_end (page_map_bytes of it, in the direct map);
 * then every free range is added. */
size_t page_map_bytes(u32 memory_end);
void page_allocator_init(struct page *map, u32 memory_end);
void page_allocator_add(u32 physical_start, u32 physical_end);

/* One page, contents undefined, one reference; NULL if there is none. */
struct page *page_alloc(void);
struct page *page_alloc_zeroed(void);
/* 2^order pages in a row (order at most 10), one reference, on the first. */
struct page *pages_alloc(unsigned order);
void page_get(struct page *page);
void page_put(struct page *page); /* the last reference frees it (all 2^order pages) */

struct page *page_of_physical(u32 physical);
struct page *page_of_address(const void *address); /* of the direct map */
u32 page_physical(const struct page *page);
void *page_address(const struct page *page);

u32 pages_free(void);
u32 pages_total(void);

/* A shrinker gives up to `wanted` pages back to the allocator and says how many. It must not sleep. */
struct page_shrinker {
    unsigned (*shrink)(unsigned wanted);
    struct page_shrinker *next;
};
void page_register_shrinker(struct page_shrinker *shrinker);
/* Asks every shrinker for all it has (drop_caches). */
void pages_shrink_all(void);

#endif
