/* Kernel objects smaller than a page. A pool hands out objects of one size and counts them (so that
 * tests can see a leak); heap_alloc picks among pools of general sizes. Any context; never sleeps;
 * NULL when memory is out. Contents of a new object are zero. */
#ifndef KERNEL_HEAP_H
#define KERNEL_HEAP_H

#include "kernel/list.h"
#include "kernel/types.h"

struct slab; /* heap.c */

struct pool {
    const char *name;
    u32 object_size;
    u32 objects; /* handed out now */
    u32 pages;   /* held now */
    /* Interrupts off: */
    struct list partial; /* slabs with room */
    struct slab *spare;  /* one empty slab, kept for the next object */
    struct pool *next;
    bool registered;
};
#define POOL_INIT(pool_name, type)                                                                 \
    {                                                                                              \
        .name = pool_name, .object_size = sizeof(type)                                             \
    }

void *pool_alloc(struct pool *pool);
void pool_free(struct pool *pool, void *object); /* NULL is allowed */

void *heap_alloc(size_t size); /* up to 4 MiB; from 2 KiB on whole pages */
void heap_free(void *memory);  /* NULL is allowed */

void heap_init(void); /* lets the allocator take back empty slabs */
/* Before the first object: from now on free objects are filled, and one that has been written to when it is
 * handed out again is a panic that names its pool. Costs some hundred instructions an object. */
void heap_check(void);
u32 heap_objects(void);     /* all objects of all pools: for leak tests */
struct pool *pools_first(void); /* for /proc/slabinfo-like listings: ->next */

#endif
