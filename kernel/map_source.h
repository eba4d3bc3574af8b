/* Where the pages of a mapped area come from: a file, or memory that several address spaces share.
 * Upper floors make them (fs/file_map.c); areas hold references. */
#ifndef KERNEL_MAP_SOURCE_H
#define KERNEL_MAP_SOURCE_H

#include "kernel/types.h"

struct page;
struct map_source;

struct map_source_ops {
    /* The page at `index`, valid and referenced. Sleeps. -ENXIO: beyond the end (SIGBUS); -EIO,
     * -ENOMEM, or why the fibril was cancelled. */
    int (*get_page)(struct map_source *source, u32 index, struct page **page);
    void (*release)(struct map_source *source); /* the last reference has gone; may sleep */
    /* For /proc/self/maps: the path or a name, at most `size` bytes with the zero; may be NULL. */
    void (*describe)(struct map_source *source, char *text, size_t size);
};

struct map_source {
    u32 references;
    const struct map_source_ops *ops;
};

static inline struct map_source *
map_source_get(struct map_source *source)
{
    if (source)
        source->references++;
    return source;
}

static inline void
map_source_put(struct map_source *source)
{
    if (source && --source->references == 0)
        source->ops->release(source);
}

/* Zeroed memory of `size` bytes that all who map it share. 0 or -ENOMEM. */
int shared_memory_create(size_t size, struct map_source **source);
int shared_memory_fill(struct map_source *source); /* makes all its pages now: 0 or -ENOMEM */
struct page *shared_memory_page(struct map_source *source, u32 index); /* after that */

#endif
