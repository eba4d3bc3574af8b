/* The page allocator: see page.h. Free memory is kept in blocks of 2^order pages (a buddy system),
 * with a small stack of single pages in front, which is all that most calls touch. */
#include "kernel/page.h"
#include "arch.h"
#include "kernel/force.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define ORDERS 11
#define HOT_PAGES 64
#define RESERVE_PAGES 64 /* only for tasks that are being killed, so that they can unwind */
#define SHRINK_BATCH 64

static struct page *frames;
static u32 frame_count;
static u32 free_count, total_count; /* interrupts off, like all below */
static struct list free_blocks[ORDERS];
static struct page *hot[HOT_PAGES];
static u32 hot_count;
static struct page_shrinker *shrinkers;
static bool shrinking;

static u32
frame_of(const struct page *page)
{
    return page - frames;
}

struct page *
page_of_physical(u32 physical)
{
    ASSERT(physical >> PAGE_SHIFT < frame_count);
    return &frames[physical >> PAGE_SHIFT];
}

struct page *
page_of_address(const void *address)
{
    return page_of_physical(virtual_to_physical(address));
}

u32
page_physical(const struct page *page)
{
    return frame_of(page) << PAGE_SHIFT;
}

void *
page_address(const struct page *page)
{
    return physical_to_virtual(page_physical(page));
}

size_t
page_map_bytes(u32 memory_end)
{
    return (memory_end >> PAGE_SHIFT) * sizeof(struct page);
}

void
page_allocator_init(struct page *map, u32 memory_end)
{
    frames = map;
    frame_count = memory_end >> PAGE_SHIFT;
    memset(map, 0, page_map_bytes(memory_end));
    for (u32 i = 0; i < frame_count; i++)
        map[i].state = PAGE_PLAIN;
    for (unsigned order = 0; order < ORDERS; order++)
        list_init(&free_blocks[order]);
}

/* ---- Blocks ---- */

static void
block_insert(struct page *page, unsigned order)
{
    page->state = PAGE_FREE;
    page->order = order;
    list_add_head(&free_blocks[order], &page->link);
}

/* Gives a block back and joins it with its buddy as long as that is free too. */
static void
block_free(struct page *page, unsigned order)
{
    u32 frame = frame_of(page);
    while (order < ORDERS - 1) {
        u32 buddy_frame = frame ^ (1u << order);
        if (buddy_frame + (1u << order) > frame_count)
            break;
        struct page *buddy = &frames[buddy_frame];
        if (buddy->state != PAGE_FREE || buddy->order != order || buddy->references)
            break;
        list_remove(&buddy->link);
        buddy->state = PAGE_PLAIN;
        frame &= ~(1u << order);
        order++;
    }
    block_insert(&frames[frame], order);
}

static struct page *
block_alloc(unsigned order)
{
    unsigned from = order;
    while (from < ORDERS && list_empty(&free_blocks[from]))
        from++;
    if (from == ORDERS)
        return NULL;
    struct page *page = list_first(&free_blocks[from], struct page, link);
    list_remove(&page->link);
    while (from > order) {
        from--;
        block_insert(page + (1u << from), from);
    }
    return page;
}

void
page_allocator_add(u32 physical_start, u32 physical_end)
{
    u32 first = DIVIDE_UP(physical_start, PAGE_SIZE), end = physical_end >> PAGE_SHIFT;
    INTERRUPTS_OFF_SCOPE();
    for (u32 frame = first; frame < MIN(end, frame_count); frame++) {
        block_free(&frames[frame], 0);
        free_count++;
        total_count++;
    }
}

/* ---- Memory running low ---- */

void
page_register_shrinker(struct page_shrinker *shrinker)
{
    INTERRUPTS_OFF_SCOPE();
    shrinker->next = shrinkers;
    shrinkers = shrinker;
}

static unsigned
pages_shrink(unsigned wanted)
{
    unsigned given = 0;
    if (shrinking || interrupt_running())
        return 0;
    shrinking = true;
    for (struct page_shrinker *s = shrinkers; s && given < wanted; s = s->next)
        given += s->shrink(wanted - given);
    shrinking = false;
    return given;
}

void
pages_shrink_all(void)
{
    while (pages_shrink(~0u))
        ;
}

static bool
pages_available(u32 count)
{
    if (likely(free_count >= count + RESERVE_PAGES))
        return true;
    pages_shrink(count + SHRINK_BATCH);
    return free_count >= count + RESERVE_PAGES || (free_count >= count && task_killed());
}

/* ---- Pages ---- */

static void
page_start(struct page *page, unsigned order)
{
    page->state = PAGE_PLAIN;
    page->order = order;
    page->references = 1;
    page->error = 0;
    page->object = NULL;
    page->private = 0;
    list_init(&page->link);
    free_count -= 1u << order;
}

struct page *
page_alloc(void)
{
    if (!pages_available(1) || force_page_fails())
        return NULL;
    INTERRUPTS_OFF_SCOPE();
    struct page *page = hot_count ? hot[--hot_count] : block_alloc(0);
    if (page)
        page_start(page, 0);
    return page;
}

struct page *
page_alloc_zeroed(void)
{
    struct page *page = page_alloc();
    if (page)
        memset(page_address(page), 0, PAGE_SIZE);
    return page;
}

static void
hot_flush(void)
{
    while (hot_count)
        block_free(hot[--hot_count], 0);
}

/* A block, joined from the hot stack's pages if need be. Interrupts off. */
static struct page *
block_alloc_flushed(unsigned order)
{
    struct page *page = block_alloc(order);
    if (page)
        return page;
    hot_flush();
    return block_alloc(order);
}

/* Enough may be free, but in pieces: then the caches give back pages until a block has come together. */
struct page *
pages_alloc(unsigned order)
{
    ASSERT(order < ORDERS);
    if (!pages_available(1u << order) || force_page_fails())
        return NULL;
    INTERRUPTS_OFF_SCOPE();
    struct page *page;
    while (!(page = block_alloc_flushed(order)))
        if (!pages_shrink(SHRINK_BATCH))
            return NULL;
    page_start(page, order);
    return page;
}

void
page_get(struct page *page)
{
    INTERRUPTS_OFF_SCOPE();
    ASSERT(page->references > 0);
    page->references++;
}

void
page_put(struct page *page)
{
    INTERRUPTS_OFF_SCOPE();
    ASSERT(page->references > 0);
    if (--page->references > 0)
        return;
    ASSERT(page->state != PAGE_FREE && !page->object);
    free_count += 1u << page->order;
    if (page->order == 0 && hot_count < HOT_PAGES) {
        page->state = PAGE_PLAIN;
        hot[hot_count++] = page;
    } else {
        block_free(page, page->order);
    }
}

u32
pages_free(void)
{
    return free_count;
}

u32
pages_total(void)
{
    return total_count;
}
