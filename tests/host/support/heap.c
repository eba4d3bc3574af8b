/* The heap for host unit tests: calloc, with counts. */
#include "host.h"
#include "kernel/heap.h"

#define WEAK __attribute__((weak))

unsigned host_objects_used;
bool host_alloc_allowed(void);

WEAK void *
heap_alloc(size_t size)
{
    if (!host_alloc_allowed())
        return NULL;
    host_objects_used++;
    return calloc(1, size ? size : 1);
}

WEAK void
heap_free(void *memory)
{
    if (memory)
        host_objects_used--;
    free(memory);
}

WEAK void *
pool_alloc(struct pool *pool)
{
    void *object = heap_alloc(pool->object_size);
    if (object)
        pool->objects++;
    return object;
}

WEAK void
pool_free(struct pool *pool, void *object)
{
    if (object)
        pool->objects--;
    heap_free(object);
}

WEAK u32
heap_objects(void)
{
    return host_objects_used;
}

WEAK struct pool *
pools_first(void)
{
    return NULL;
}
