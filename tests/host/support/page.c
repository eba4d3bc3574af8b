/* Pages for host unit tests: every allocation is a block of its own, so that the address sanitizer
 * sees overruns and use after free; a table gives them physical addresses. */
#include "arch.h"
#include "host.h"
#include "kernel/page.h"

#define FRAMES 65536 /* 256 MiB; frame 0 stays unused */
#define BUCKETS 4096
#define WEAK __attribute__((weak))

static struct page frames[FRAMES];
static char *frame_memory[FRAMES];
static u32 frame_next[FRAMES]; /* of the hash chain by address, or of the list of free frames */
static u32 buckets[BUCKETS];
static u32 free_frame;      /* single frames given back */
static u32 fresh_frame = 1; /* never used from here on */
unsigned host_pages_used;
int host_alloc_limit = -1;
unsigned char host_page_fill = 0xa5;

bool host_alloc_allowed(void);

bool
host_alloc_allowed(void)
{
    if (host_alloc_limit > 0)
        host_alloc_limit--;
    else if (host_alloc_limit == 0)
        return false;
    return true;
}

static u32 *
bucket_of(const void *memory)
{
    return &buckets[((uintptr_t)memory >> PAGE_SHIFT) % BUCKETS];
}

static u32
frame_of(const void *address)
{
    const char *start = (const char *)ALIGN_DOWN((uintptr_t)address, (uintptr_t)PAGE_SIZE);
    for (u32 frame = *bucket_of(start); frame; frame = frame_next[frame])
        if (frame_memory[frame] == start)
            return frame;
    fprintf(stderr, "host: %p is not in a page\n", address);
    abort();
}

WEAK struct page *
pages_alloc(unsigned order)
{
    u32 count = 1u << order, first = free_frame;
    if (!host_alloc_allowed())
        return NULL;
    if (order || !first) {
        first = fresh_frame;
        if (first + count > FRAMES)
            return NULL;
        fresh_frame += count;
    } else {
        free_frame = frame_next[first];
    }
    char *memory = aligned_alloc(PAGE_SIZE, (size_t)count * PAGE_SIZE);
    memset(memory, host_page_fill, (size_t)count * PAGE_SIZE);
    for (u32 i = 0; i < count; i++) {
        u32 *bucket = bucket_of(memory + i * PAGE_SIZE);
        frame_memory[first + i] = memory + i * PAGE_SIZE;
        frame_next[first + i] = *bucket;
        *bucket = first + i;
    }
    frames[first] = (struct page){.references = 1, .state = PAGE_PLAIN, .order = order};
    list_init(&frames[first].link);
    host_pages_used += count;
    return &frames[first];
}

WEAK struct page *
page_alloc(void)
{
    return pages_alloc(0);
}

WEAK struct page *
page_alloc_zeroed(void)
{
    struct page *page = page_alloc();
    if (page)
        memset(page_address(page), 0, PAGE_SIZE);
    return page;
}

WEAK void
page_get(struct page *page)
{
    if (!page->references)
        abort();
    page->references++;
}

static void
forget_frame(u32 frame)
{
    u32 *link = bucket_of(frame_memory[frame]);
    while (*link != frame)
        link = &frame_next[*link];
    *link = frame_next[frame];
    frame_memory[frame] = NULL;
}

WEAK void
page_put(struct page *page)
{
    if (!page->references)
        abort();
    if (--page->references)
        return;
    u32 frame = (u32)(page - frames), count = 1u << page->order;
    char *memory = frame_memory[frame];
    for (u32 i = 0; i < count; i++)
        forget_frame(frame + i);
    for (u32 i = 0; i < count; i++) {
        frame_next[frame + i] = free_frame;
        free_frame = frame + i;
        frames[frame + i].state = PAGE_FREE;
    }
    host_pages_used -= count;
    free(memory);
}

WEAK struct page *
page_of_physical(u32 physical)
{
    return &frames[physical >> PAGE_SHIFT];
}

WEAK struct page *
page_of_address(const void *address)
{
    return &frames[frame_of(address)];
}

WEAK u32
page_physical(const struct page *page)
{
    return (u32)(page - frames) << PAGE_SHIFT;
}

WEAK void *
page_address(const struct page *page)
{
    return frame_memory[page - frames];
}

WEAK u32
pages_free(void)
{
    return FRAMES - host_pages_used;
}

WEAK u32
pages_total(void)
{
    return FRAMES;
}

WEAK void
page_register_shrinker(struct page_shrinker *shrinker)
{
    (void)shrinker;
}

WEAK void *
physical_to_virtual(u32 physical)
{
    if (!frame_memory[physical >> PAGE_SHIFT])
        abort();
    return frame_memory[physical >> PAGE_SHIFT] + physical % PAGE_SIZE;
}

WEAK u32
virtual_to_physical(const void *address)
{
    return (frame_of(address) << PAGE_SHIFT) + (u32)((uintptr_t)address % PAGE_SIZE);
}
