/* Memory of rings: see ring_memory.h. */
#include "kernel/async/ring_memory.h"

#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/task.h"

static int
memory_map(struct map_source *memory, u32 bytes, u32 *address)
{
    struct address_space *space = current_task()->space;
    uintptr_t at;
    int error = area_find_free(space, bytes, &at);
    if (error)
        return error;
    struct area area = {
        .start = at,
        .end = at + bytes,
        .protection = PROTECTION_READ | PROTECTION_WRITE,
        .shared = true,
        .flags = AREA_NO_FORK,
        .source = memory,
    };
    *address = at;
    return area_create_like(space, &area);
}

int
ring_memory_create(u32 bytes, struct map_source **memory, u32 *address)
{
    bytes = ALIGN_UP(bytes, PAGE_SIZE);
    int error = shared_memory_create(bytes, memory);
    if (error)
        return error;
    error = shared_memory_fill(*memory);
    if (!error)
        error = memory_map(*memory, bytes, address);
    if (error)
        map_source_put(*memory);
    return error;
}

void
ring_memory_unmap(struct map_source *memory, u32 address, u32 bytes)
{
    struct address_space *space = current_task()->space;
    struct area *area = area_find(space, address);
    if (area && area->source == memory && area->start == address)
        (void)area_remove(space, address, MIN(ALIGN_UP(bytes, PAGE_SIZE), area->end - area->start));
}
