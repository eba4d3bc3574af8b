/* Areas and page faults: see address_space.h. */
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/trace.h"

static struct pool space_pool = POOL_INIT("address_space", struct address_space);
static struct pool area_pool = POOL_INIT("area", struct area);

int
address_space_create(struct address_space **result)
{
    struct address_space *space = pool_alloc(&space_pool);
    if (!space)
        return -ENOMEM;
    space->references = 1;
    list_init(&space->areas);
    int error = page_directory_create(&space->directory);
    if (error) {
        pool_free(&space_pool, space);
        return error;
    }
    *result = space;
    return 0;
}

void
address_space_get(struct address_space *space)
{
    space->references++;
}

static void
pages_release(struct address_space *space, uintptr_t start, uintptr_t end)
{
    for (uintptr_t at = page_next_mapped(space->directory, start, end); at < end;
         at = page_next_mapped(space->directory, at + PAGE_SIZE, end)) {
        page_put(page_of_physical(page_unmap(space->directory, at)));
        space->page_count--;
    }
}

void
address_space_put(struct address_space *space)
{
    ASSERT(space->references > 0);
    if (--space->references > 0)
        return;
    struct area *area, *following;
    list_for_each_safe(area, following, &space->areas, link) {
        pages_release(space, area->start, area->end);
        list_remove(&area->link);
        pool_free(&area_pool, area);
    }
    ASSERT(space->page_count == 0);
    page_directory_destroy(space->directory);
    pool_free(&space_pool, space);
}

/* ---- Areas ---- */

static struct area *
area_find(struct address_space *space, uintptr_t address)
{
    struct area *area = space->last_found;
    if (area && area->start <= address && address < area->end)
        return area;
    list_for_each(area, &space->areas, link)
        if (area->start <= address && address < area->end)
            return space->last_found = area;
    return NULL;
}

static bool
range_valid(uintptr_t start, size_t size)
{
    return start % PAGE_SIZE == 0 && size % PAGE_SIZE == 0 && size > 0 && start < USER_END &&
           size <= USER_END - start;
}

static void
area_insert(struct address_space *space, struct area *new)
{
    struct area *area;
    list_for_each(area, &space->areas, link)
        if (area->start > new->start)
            break;
    list_insert_between(&new->link, area->link.prev, &area->link);
}

/* Makes `at` a boundary between areas, if it lies inside one. */
static int
area_split(struct address_space *space, uintptr_t at)
{
    struct area *area = area_find(space, at);
    if (!area || area->start == at)
        return 0;
    struct area *upper = pool_alloc(&area_pool);
    if (!upper)
        return -ENOMEM;
    upper->start = at;
    upper->end = area->end;
    upper->protection = area->protection;
    area->end = at;
    list_add_head(&area->link, &upper->link);
    return 0;
}

static int
area_isolate(struct address_space *space, uintptr_t start, uintptr_t end)
{
    int error = area_split(space, start);
    return error ? error : area_split(space, end);
}

int
area_remove(struct address_space *space, uintptr_t start, size_t size)
{
    if (!range_valid(start, size))
        return -EINVAL;
    uintptr_t end = start + size;
    int error = area_isolate(space, start, end);
    if (error)
        return error;
    struct area *area, *following;
    list_for_each_safe(area, following, &space->areas, link) {
        if (area->start < start || area->end > end)
            continue;
        pages_release(space, area->start, area->end);
        list_remove(&area->link);
        pool_free(&area_pool, area);
    }
    space->last_found = NULL;
    return 0;
}

int
area_create(struct address_space *space, uintptr_t start, size_t size, u32 protection)
{
    if (!range_valid(start, size))
        return -EINVAL;
    struct area *area = pool_alloc(&area_pool);
    if (!area)
        return -ENOMEM;
    int error = area_remove(space, start, size);
    if (error) {
        pool_free(&area_pool, area);
        return error;
    }
    area->start = start;
    area->end = start + size;
    area->protection = protection;
    area_insert(space, area);
    return 0;
}

bool
area_range_free(struct address_space *space, uintptr_t start, uintptr_t end)
{
    struct area *area;
    list_for_each(area, &space->areas, link)
        if (area->start < end && start < area->end)
            return false;
    return true;
}

int
area_find_free(struct address_space *space, size_t size, uintptr_t *start)
{
    uintptr_t top = USER_MAP_TOP;
    for (struct list *link = space->areas.prev; link != &space->areas; link = link->prev) {
        struct area *area = list_entry(link, struct area, link);
        if (area->end <= top && top - area->end >= size)
            break;
        if (area->start < top)
            top = area->start;
    }
    if (top < size + PAGE_SIZE)
        return -ENOMEM;
    *start = top - size;
    return 0;
}

static bool
range_mapped(struct address_space *space, uintptr_t start, uintptr_t end)
{
    while (start < end) {
        struct area *area = area_find(space, start);
        if (!area)
            return false;
        start = area->end;
    }
    return true;
}

int
area_protect(struct address_space *space, uintptr_t start, size_t size, u32 protection)
{
    if (!range_valid(start, size))
        return -EINVAL;
    uintptr_t end = start + size;
    if (!range_mapped(space, start, end))
        return -ENOMEM;
    int error = area_isolate(space, start, end);
    if (error)
        return error;
    struct area *area;
    list_for_each(area, &space->areas, link) {
        if (area->start < start || area->end > end)
            continue;
        area->protection = protection;
        uintptr_t at = page_next_mapped(space->directory, area->start, area->end);
        for (; at < area->end; at = page_next_mapped(space->directory, at + PAGE_SIZE, area->end))
            page_protect(space->directory, at, protection & PROTECTION_WRITE ? MAP_WRITE : 0);
    }
    return 0;
}

/* ---- Faults ---- */

int
address_space_fault(struct address_space *space, uintptr_t address, bool write)
{
    trace(TRACE_FAULT, address, write);
    uintptr_t start = ALIGN_DOWN(address, (uintptr_t)PAGE_SIZE);
    struct area *area = area_find(space, address);
    if (!area || !area->protection || (write && !(area->protection & PROTECTION_WRITE)))
        return -EFAULT;
    unsigned flags = 0;
    if (page_lookup(space->directory, start, &flags))
        return write && !(flags & MAP_WRITE) ? -EFAULT : 0;
    struct page *page = page_alloc_zeroed();
    if (!page)
        return -ENOMEM;
    int error = page_map(space->directory, start, page_physical(page),
                         area->protection & PROTECTION_WRITE ? MAP_WRITE : 0);
    if (error)
        page_put(page);
    else
        space->page_count++;
    return error;
}
