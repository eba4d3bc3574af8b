/* Areas and page faults: see address_space.h. */
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/map_source.h"
#include "kernel/page.h"
#include "kernel/pin.h"
#include "kernel/string.h"
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
    list_init(&space->parts);
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

/* Takes the areas within [start, end), none of which crosses an end, out with their pages. Does not
 * sleep; what their sources hold is given up later, by areas_give_up. */
static void
areas_detach(struct address_space *space, uintptr_t start, uintptr_t end, struct list *detached)
{
    struct area *area, *following;
    list_init(detached);
    list_for_each_safe(area, following, &space->areas, link) {
        if (area->start < start || area->end > end)
            continue;
        pages_release(space, area->start, area->end);
        list_remove(&area->link);
        list_add_tail(detached, &area->link);
        space->area_count--;
    }
    space->last_found = NULL;
    space->changes++;
}

/* May sleep: nothing of the address space may be relied on across it. */
static void
areas_give_up(struct list *detached)
{
    while (!list_empty(detached)) {
        struct area *area = list_first(detached, struct area, link);
        list_remove(&area->link);
        map_source_put(area->source);
        pool_free(&area_pool, area);
    }
}

void
address_space_put(struct address_space *space)
{
    ASSERT(space->references > 0);
    if (--space->references > 0)
        return;
    while (!list_empty(&space->parts)) {
        struct address_space_part *part =
            list_first(&space->parts, struct address_space_part, link);
        list_remove(&part->link);
        part->release(part);
    }
    struct list detached;
    areas_detach(space, 0, USER_END, &detached);
    areas_give_up(&detached);
    map_source_put(space->program);
    ASSERT(space->page_count == 0);
    page_directory_destroy(space->directory);
    pool_free(&space_pool, space);
}

size_t
address_space_peek(const struct address_space *space, uintptr_t address, void *to, size_t size)
{
    size_t done = 0;
    while (done < size && address + done < USER_END) {
        uintptr_t at = address + done, offset = at % PAGE_SIZE;
        size_t length = MIN(size - done, PAGE_SIZE - offset);
        u32 physical = page_lookup(space->directory, at - offset, NULL);
        if (!physical)
            break;
        memcpy((char *)to + done, (const char *)physical_to_virtual(physical) + offset, length);
        done += length;
    }
    return done;
}

/* ---- Areas ---- */

struct area *
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

/* The list's place for an area at `start`: the one that it is to follow. */
static struct list *
area_place(struct address_space *space, uintptr_t start)
{
    struct area *area;
    list_for_each(area, &space->areas, link)
        if (area->start > start)
            break;
    return area->link.prev;
}

static struct area *
area_new(struct address_space *space)
{
    struct area *area = space->area_count < AREAS_MOST ? pool_alloc(&area_pool) : NULL;
    if (area)
        space->area_count++;
    return area;
}

static void
area_unused(struct address_space *space, struct area *area)
{
    space->area_count--;
    pool_free(&area_pool, area);
}

/* Makes `at` a boundary between areas, if it lies inside one. */
static int
area_split(struct address_space *space, uintptr_t at)
{
    struct area *area = area_find(space, at);
    if (!area || area->start == at)
        return 0;
    struct area *upper = area_new(space);
    if (!upper)
        return -ENOMEM;
    *upper = *area;
    upper->start = at;
    upper->source_page += (at - area->start) >> PAGE_SHIFT;
    map_source_get(upper->source);
    area->end = at;
    list_add_head(&area->link, &upper->link);
    return 0;
}

int
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
    struct list detached;
    areas_detach(space, start, end, &detached);
    areas_give_up(&detached);
    return 0;
}

int
area_create(struct address_space *space, uintptr_t start, size_t size, u32 protection)
{
    return area_create_mapped(space, start, size, protection, false, NULL, 0);
}

static bool
areas_alike(const struct area *a, const struct area *b)
{
    return !a->source && !b->source && a->protection == b->protection && a->flags == b->flags;
}

/* Plain anonymous memory joins what is like it beside it: brk and many mappings would make long lists. */
static bool
area_join(struct address_space *space, struct list *before, const struct area *new)
{
    struct area *lower = list_entry(before, struct area, link);
    struct area *upper = list_entry(before->next, struct area, link);
    if (before != &space->areas && lower->end == new->start && areas_alike(lower, new))
        lower->end = new->end;
    else if (before->next != &space->areas && new->end == upper->start && areas_alike(new, upper))
        upper->start = new->start;
    else
        return false;
    return true;
}

/* Puts `new` in the place of what is there; may sleep only to give that up. */
static int
area_insert(struct address_space *space, const struct area *new, bool may_join)
{
    struct list detached;
    if (!range_valid(new->start, new->end - new->start))
        return -EINVAL;
    struct area *area = area_new(space);
    if (!area)
        return -ENOMEM;
    int error = area_isolate(space, new->start, new->end);
    if (error) {
        area_unused(space, area);
        return error;
    }
    areas_detach(space, new->start, new->end, &detached);
    struct list *before = area_place(space, new->start);
    if (may_join && area_join(space, before, new)) {
        area_unused(space, area);
    } else {
        *area = *new;
        map_source_get(area->source);
        list_add_head(before, &area->link);
    }
    areas_give_up(&detached);
    return 0;
}

int
area_create_like(struct address_space *space, const struct area *new)
{
    return area_insert(space, new, true);
}

int
area_create_mapped(struct address_space *space, uintptr_t start, size_t size, u32 protection,
                   bool shared, struct map_source *source, u32 source_page)
{
    if (!range_valid(start, size))
        return -EINVAL;
    struct area new = {
        .start = start, .end = start + size, .protection = protection, .shared = shared,
        .source = source, .source_page = source_page,
    };
    return area_create_like(space, &new);
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

void
address_space_limit_stack(struct address_space *space, size_t bytes)
{
    space->stack_least = USER_STACK_TOP - MIN(ALIGN_DOWN(bytes, PAGE_SIZE), USER_STACK_TOP);
}

size_t
address_space_size(const struct address_space *space)
{
    const struct area *area;
    size_t size = 0;
    list_for_each(area, &space->areas, link)
        size += area->end - area->start;
    return size;
}

bool
area_range_mapped(struct address_space *space, uintptr_t start, uintptr_t end)
{
    while (start < end) {
        struct area *area = area_find(space, start);
        if (!area)
            return false;
        start = area->end;
    }
    return true;
}

/* A page that others may have, too, stays read-only until it is written to. */
static void
area_protect_pages(struct address_space *space, const struct area *area)
{
    unsigned flags = !area->protection                                    ? MAP_HIDDEN
                     : area->protection & PROTECTION_WRITE && area->shared ? MAP_WRITE
                                                                           : 0;
    for (uintptr_t at = page_next_mapped(space->directory, area->start, area->end); at < area->end;
         at = page_next_mapped(space->directory, at + PAGE_SIZE, area->end))
        page_protect(space->directory, at, flags);
}

/* Makes *end the first hole, or the first area that must not have this protection: 0, -ENOMEM, -EACCES. */
static int
protectable_end(struct address_space *space, uintptr_t start, uintptr_t *end, u32 protection)
{
    for (uintptr_t at = start; at < *end;) {
        struct area *area = area_find(space, at);
        bool refused = area && protection & PROTECTION_WRITE && area->flags & AREA_NO_WRITE;
        if (!area || refused) {
            *end = at;
            return refused ? -EACCES : -ENOMEM;
        }
        at = area->end;
    }
    return 0;
}

int
area_protect(struct address_space *space, uintptr_t start, size_t size, u32 protection)
{
    if (!range_valid(start, size))
        return -EINVAL;
    uintptr_t end = start + size;
    int error = area_isolate(space, start, end);
    if (error)
        return error;
    int result = protectable_end(space, start, &end, protection);
    struct area *area;
    list_for_each(area, &space->areas, link) {
        if (area->start < start || area->end > end)
            continue;
        area->protection = protection;
        area_protect_pages(space, area);
    }
    space->changes++;
    return result;
}

/* Moves what is shown at `from` to `to`. 0 or -ENOMEM (a page table): then some pages are lost to the
 * old place and come anew at the next touch, which only anonymous memory would notice; so page tables
 * are made before. */
static int
pages_move(struct address_space *space, uintptr_t from, uintptr_t to, size_t size)
{
    for (uintptr_t at = page_next_mapped(space->directory, from, from + size); at < from + size;
         at = page_next_mapped(space->directory, at + PAGE_SIZE, from + size)) {
        unsigned flags;
        u32 physical = page_lookup(space->directory, at, &flags);
        int error = page_map(space->directory, to + (at - from), physical, flags);
        if (error)
            return error;
        page_unmap(space->directory, at);
    }
    return 0;
}

void
address_space_drop_pages(struct address_space *space, uintptr_t start, uintptr_t end)
{
    pages_release(space, start, end);
}

/* The area [start, start+old_size), isolated. */
static int
area_take(struct address_space *space, uintptr_t start, size_t old_size, struct area **area)
{
    *area = area_find(space, start);
    if (!*area || (*area)->end < start + old_size)
        return -EFAULT;
    int error = area_isolate(space, start, start + old_size);
    *area = area_find(space, start);
    return error;
}

static int
area_move(struct address_space *space, struct area *area, size_t new_size, uintptr_t to)
{
    uintptr_t from = area->start;
    size_t old_size = area->end - from, moved = MIN(old_size, new_size);
    struct area new = *area;
    new.start = to;
    new.end = to + new_size;
    int error = area_insert(space, &new, false); /* joined to the old one, that could not go alone */
    if (error)
        return error;
    error = pages_move(space, from, to, moved);
    if (error) {
        (void)pages_move(space, to, from, moved);
        (void)area_remove(space, to, new_size);
        return error;
    }
    return area_remove(space, from, old_size);
}

int
area_move_to(struct address_space *space, uintptr_t start, size_t old_size, size_t new_size,
             uintptr_t to)
{
    struct area *area;
    if (!range_valid(start, old_size) || !range_valid(to, new_size) ||
        (start < to + new_size && to < start + old_size))
        return -EINVAL;
    int error = area_remove(space, to, new_size);
    if (!error)
        error = area_take(space, start, old_size, &area);
    if (!error && !area_range_free(space, to, to + new_size))
        error = -EFAULT; /* something has been mapped there while the old sources were given up */
    return error ? error : area_move(space, area, new_size, to);
}

int
area_resize(struct address_space *space, uintptr_t start, size_t old_size, size_t new_size,
            bool may_move, uintptr_t *result)
{
    struct area *area;
    if (!range_valid(start, old_size) || !range_valid(start, new_size))
        return -EINVAL;
    *result = start;
    if (new_size < old_size)
        return area_remove(space, start + new_size, old_size - new_size);
    int error = area_take(space, start, old_size, &area);
    if (error || new_size == old_size)
        return error;
    if (area_range_free(space, start + old_size, start + new_size)) {
        area->end = start + new_size;
        space->changes++;
        return 0;
    }
    if (!may_move)
        return -ENOMEM;
    error = area_find_free(space, new_size, result);
    return error ? error : area_move(space, area, new_size, *result);
}

/* ---- Showing pages ---- */

static int
page_show(struct address_space *space, uintptr_t at, struct page *page, unsigned flags)
{
    int error = page_map(space->directory, at, page_physical(page), flags);
    if (error) {
        page_put(page);
    } else {
        space->page_count++;
        space->pages_most = MAX(space->pages_most, space->page_count);
    }
    return error;
}

static struct page *
page_copy(const struct page *page)
{
    struct page *copy = page_alloc();
    if (copy)
        memcpy(page_address(copy), page_address(page), PAGE_SIZE);
    return copy;
}

/* ---- fork ---- */

static int
pages_copy(struct address_space *from, struct address_space *to, const struct area *area)
{
    for (uintptr_t at = page_next_mapped(from->directory, area->start, area->end); at < area->end;
         at = page_next_mapped(from->directory, at + PAGE_SIZE, area->end)) {
        unsigned flags;
        struct page *page = page_of_physical(page_lookup(from->directory, at, &flags));
        bool copied = !area->shared && page_is_pinned(page);
        if (copied) {
            page = page_copy(page);
            if (!page)
                return -ENOMEM;
        } else {
            page_get(page);
        }
        if (!copied && !area->shared && flags & MAP_WRITE) {
            flags &= ~MAP_WRITE;
            page_protect(from->directory, at, flags);
        }
        int error = page_show(to, at, page, flags);
        if (error)
            return error;
    }
    return 0;
}

int
address_space_copy(struct address_space *from, struct address_space **result)
{
    struct address_space *space;
    int error = address_space_create(&space);
    if (error)
        return error;
    space->heap_start = from->heap_start;
    space->heap_end = from->heap_end;
    space->stack_least = from->stack_least;
    space->program = map_source_get(from->program);
    space->arguments_start = from->arguments_start;
    space->arguments_end = from->arguments_end;
    space->environment_start = from->environment_start;
    space->environment_end = from->environment_end;
    struct area *area;
    list_for_each(area, &from->areas, link) {
        if (area->flags & AREA_NO_FORK)
            continue;
        struct area *copy = area_new(space);
        if (!copy) {
            error = -ENOMEM;
            break;
        }
        *copy = *area;
        map_source_get(copy->source);
        list_add_tail(&space->areas, &copy->link);
        if (!(area->flags & AREA_WIPE_ON_FORK))
            error = pages_copy(from, space, area);
        if (error)
            break;
    }
    if (error)
        address_space_put(space);
    else
        *result = space;
    return error;
}

/* ---- Faults ---- */

static int
fault_anonymous(struct address_space *space, const struct area *area, uintptr_t at)
{
    struct page *page = page_alloc_zeroed();
    if (!page)
        return -ENOMEM;
    return page_show(space, at, page, area->protection & PROTECTION_WRITE ? MAP_WRITE : 0);
}

/* The page is there, read-only, and may be written to: it is copied, unless nobody else has it. */
static int
fault_write(struct address_space *space, const struct area *area, uintptr_t at, u32 physical)
{
    struct page *page = page_of_physical(physical);
    if (area->shared || page_is_pinned(page) || (page->references == 1 && !page->object)) {
        page_protect(space->directory, at, MAP_WRITE);
        return 0;
    }
    struct page *copy = page_copy(page);
    if (!copy)
        return -ENOMEM;
    page_unmap(space->directory, at);
    page_put(page);
    space->page_count--;
    return page_show(space, at, copy, MAP_WRITE);
}

/* The page comes from the source, which may sleep; if areas have changed meanwhile, the fault is left
 * to happen again. */
static int
fault_source(struct address_space *space, const struct area *area, uintptr_t at, bool write)
{
    struct map_source *source = map_source_get(area->source);
    u32 changes = space->changes;
    struct page *page;
    int error = source->ops->get_page(
        source, area->source_page + ((at - area->start) >> PAGE_SHIFT), &page);
    map_source_put(source);
    if (error)
        return error;
    if (space->changes != changes || page_lookup(space->directory, at, NULL)) {
        page_put(page);
        return 0;
    }
    if (write && !area->shared) {
        struct page *copy = page_copy(page);
        page_put(page);
        return copy ? page_show(space, at, copy, MAP_WRITE) : -ENOMEM;
    }
    bool writable = area->shared && area->protection & PROTECTION_WRITE;
    return page_show(space, at, page, writable ? MAP_WRITE : 0);
}

int
address_space_fault(struct address_space *space, uintptr_t address, bool write)
{
    trace(TRACE_FAULT, address, write);
    uintptr_t at = ALIGN_DOWN(address, (uintptr_t)PAGE_SIZE);
    struct area *area = area_find(space, address);
    if (!area)
        return -EFAULT;
    if (!area->protection || (write && !(area->protection & PROTECTION_WRITE)))
        return -EACCES;
    unsigned flags = 0;
    u32 physical = page_lookup(space->directory, at, &flags);
    if (physical && write && !(flags & MAP_WRITE))
        return fault_write(space, area, at, physical);
    if (physical && flags & MAP_HIDDEN)
        page_protect(space->directory, at, 0);
    if (physical)
        return 0;
    if (unlikely(area->flags & AREA_STACK) && at < space->stack_least)
        return -EFAULT;
    if (area->source)
        return fault_source(space, area, at, write);
    return fault_anonymous(space, area, at);
}
