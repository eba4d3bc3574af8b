/* Anonymous memory that several address spaces show: a table of pages that come at the first touch. */
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/map_source.h"
#include "kernel/page.h"

struct shared_memory {
    struct map_source source;
    u32 page_count;
    struct page **pages;
};

static int
shared_memory_get_page(struct map_source *source, u32 index, struct page **page)
{
    struct shared_memory *memory = container_of(source, struct shared_memory, source);
    if (index >= memory->page_count)
        return -ENXIO;
    if (!memory->pages[index])
        memory->pages[index] = page_alloc_zeroed();
    if (!memory->pages[index])
        return -ENOMEM;
    page_get(memory->pages[index]);
    *page = memory->pages[index];
    return 0;
}

static void
shared_memory_release(struct map_source *source)
{
    struct shared_memory *memory = container_of(source, struct shared_memory, source);
    for (u32 i = 0; i < memory->page_count; i++)
        if (memory->pages[i])
            page_put(memory->pages[i]);
    heap_free(memory->pages);
    heap_free(memory);
}

static const struct map_source_ops shared_memory_ops = {
    .get_page = shared_memory_get_page,
    .release = shared_memory_release,
};

int
shared_memory_create(size_t size, struct map_source **source)
{
    struct shared_memory *memory = heap_alloc(sizeof(*memory));
    if (!memory)
        return -ENOMEM;
    memory->page_count = DIVIDE_UP(size, PAGE_SIZE);
    memory->pages = heap_alloc(memory->page_count * sizeof(*memory->pages));
    if (!memory->pages) {
        heap_free(memory);
        return -ENOMEM;
    }
    memory->source = (struct map_source){.references = 1, .ops = &shared_memory_ops};
    *source = &memory->source;
    return 0;
}

int
shared_memory_fill(struct map_source *source)
{
    struct shared_memory *memory = container_of(source, struct shared_memory, source);
    for (u32 i = 0; i < memory->page_count; i++) {
        struct page *page;
        int error = shared_memory_get_page(source, i, &page);
        if (error)
            return error;
        page_put(page); /* the table keeps its own reference */
    }
    return 0;
}

struct page *
shared_memory_page(struct map_source *source, u32 index)
{
    return container_of(source, struct shared_memory, source)->pages[index];
}
