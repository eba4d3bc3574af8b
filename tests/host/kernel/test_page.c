// sources: kernel/page.c kernel/force.c tests/host/support/*.c
/* The page allocator against a map of which frame is handed out: blocks are aligned, never overlap,
 * and everything that was given back can be had again in the largest blocks. */
#include "kernel/page.h"
#include "asserts.h"
#include "host.h"
#include "kernel/task.h"

#define FRAMES 8192u /* 32 MiB */
#define MEMORY_END (FRAMES * PAGE_SIZE)
#define RESERVE 64u
#define ORDER_MOST 10u

/* Physical memory is only numbers here, but for what page_alloc_zeroed clears. */
static struct page map[FRAMES];
static u8 owner[FRAMES]; /* 1: handed out */
static char *memory;     /* all of it, made when first needed */
static bool killed, in_interrupt;

bool
task_killed(void)
{
    return killed;
}

bool
interrupt_running(void)
{
    return in_interrupt;
}

void *
physical_to_virtual(u32 physical)
{
    if (!memory)
        memory = aligned_alloc(PAGE_SIZE, MEMORY_END);
    return memory + physical;
}

u32
virtual_to_physical(const void *address)
{
    return (u32)((const char *)address - memory);
}

static void
allocator_reset(u32 first, u32 end)
{
    page_allocator_init(map, MEMORY_END);
    memset(owner, 1, sizeof(owner));
    memset(owner + first, 0, end - first);
    page_allocator_add(first * PAGE_SIZE, end * PAGE_SIZE);
}

/* Notes a block as handed out; false if it is misplaced or overlaps another. */
static bool
block_take(struct page *page, unsigned order)
{
    u32 frame = page_physical(page) / PAGE_SIZE;
    if (frame % (1u << order) || frame + (1u << order) > FRAMES)
        return false;
    for (u32 i = 0; i < 1u << order; i++)
        if (owner[frame + i]++)
            return false;
    return page->references == 1 && page->order == order && page->state == PAGE_PLAIN &&
           !page->object && !page->private && !page->error;
}

static void
block_give(struct page *page, unsigned order)
{
    u32 frame = page_physical(page) / PAGE_SIZE;
    memset(owner + frame, 0, 1u << order);
    page_put(page);
}


/* The allocator's totals go on from test to test; its free pages must be `frames`. */
static bool
free_is(u32 frames)
{
    return pages_free() == frames;
}

/* ---- */

static struct page *held[FRAMES];

static unsigned
take_all(unsigned order, struct page **blocks)
{
    unsigned count = 0;
    struct page *page;
    while ((page = order ? pages_alloc(order) : page_alloc()))
        blocks[count++] = page;
    return count;
}

static void
every_order_is_aligned_and_disjoint(void)
{
    for (unsigned order = 0; order <= ORDER_MOST; order++) {
        u32 before = pages_free();
        unsigned count = take_all(order, held);
        CHECK(count == (before - RESERVE) >> order, "order %u: %u blocks", order, count);
        for (unsigned i = 0; i < count; i++)
            CHECK(block_take(held[i], order), "order %u, block %u", order, i);
        CHECK(free_is(before - (count << order)));
        for (unsigned i = 0; i < count; i++)
            block_give(held[i], order);
        CHECK(free_is(before), "order %u: %u free", order, pages_free());
    }
}

/* Single pages given back in any order join to the largest blocks again. */
static void
pieces_join_again(void)
{
    u32 before = pages_free();
    killed = true; /* the reserve too: every single page */
    unsigned count = take_all(0, held);
    CHECK(count == before && free_is(0), "%u of %u", count, before);
    CHECK(!page_alloc() && !pages_alloc(0));
    for (unsigned i = count; i-- > 1;) {
        unsigned other = (unsigned)rand() % (i + 1);
        struct page *swap = held[i];
        held[i] = held[other];
        held[other] = swap;
    }
    for (unsigned i = 0; i < count; i++)
        page_put(held[i]);
    unsigned large = take_all(ORDER_MOST, held);
    CHECK(large == before >> ORDER_MOST, "%u blocks of 4 MiB, not %u", large, before >> ORDER_MOST);
    while (large)
        page_put(held[--large]);
    killed = false;
    CHECK(free_is(before));
}

/* The last free pages may all stand on the hot stack: larger blocks must still be found in them. */
static void
hot_pages_join_when_a_block_is_wanted(void)
{
    struct page *two[2] = {NULL, NULL}, *pair;
    u32 before = pages_free();
    killed = true;
    unsigned count = take_all(0, held);
    for (unsigned i = 0; i + 1 < count; i++)
        if (page_physical(held[i]) % (2 * PAGE_SIZE) == 0)
            for (unsigned j = 0; j < count; j++)
                if (page_physical(held[j]) == page_physical(held[i]) + PAGE_SIZE) {
                    two[0] = held[i];
                    two[1] = held[j];
                    i = j = count;
                }
    CHECK(two[0] && two[1]);
    page_put(two[0]);
    page_put(two[1]);
    pair = pages_alloc(1);
    CHECK(pair && (pair == two[0] || pair == two[1]), "two hot buddies did not become a block");
    for (unsigned i = 0; i < count; i++)
        if (held[i] != two[0] && held[i] != two[1])
            page_put(held[i]);
    page_put(pair);
    killed = false;
    CHECK(free_is(before));
}

static void
the_hot_stack_gives_the_last_page_first(void)
{
    struct page *a = page_alloc(), *b = page_alloc();
    page_put(a);
    page_put(b);
    struct page *first = page_alloc(), *second = page_alloc();
    CHECK(first == b && second == a);
    page_put(first);
    page_put(second);
}

static void
the_reserve_is_for_the_killed(void)
{
    u32 before = pages_free();
    unsigned count = take_all(0, held);
    CHECK(free_is(RESERVE), "%u left", pages_free());
    killed = true;
    struct page *page = page_alloc();
    killed = false;
    CHECK(page && free_is(RESERVE - 1));
    CHECK(!page_alloc());
    page_put(page);
    CHECK(!pages_alloc(3));
    while (count)
        page_put(held[--count]);
    CHECK(free_is(before));
}

static void
references_are_counted(void)
{
    u32 before = pages_free();
    struct page *page = pages_alloc(2);
    page_get(page);
    page_get(page);
    CHECK(page->references == 3);
    page_put(page);
    page_put(page);
    CHECK(free_is(before - 4) && page->references == 1);
    page_put(page);
    CHECK(free_is(before));
}

static void
misuse_is_asserted(void)
{
    struct page *page = page_alloc(), *block = pages_alloc(3);
    page_put(page);
    CHECK(ASSERTS(page_put(page)), "a page put twice");
    CHECK(ASSERTS(page_get(page)), "a free page got");
    page_put(block);
    CHECK(ASSERTS(page_put(block)), "a block put twice");
    CHECK(ASSERTS(pages_alloc(ORDER_MOST + 1)), "an order too large");
    CHECK(ASSERTS(page_of_physical(MEMORY_END)), "a page that does not exist");
    page = page_alloc();
    page->object = (struct cache_object *)&page; /* still in a cache */
    CHECK(ASSERTS(page_put(page)), "a cached page freed");
    page->object = NULL;
    page->references = 1;
    page_put(page);
}

static void
addresses_and_numbers(void)
{
    struct page *page = page_alloc();
    CHECK(page_of_physical(page_physical(page)) == page);
    CHECK(page_of_physical(page_physical(page) + PAGE_SIZE - 1) == page);
    CHECK(page_of_address((char *)page_address(page) + 17) == page);
    CHECK(page_map_bytes(MEMORY_END) == FRAMES * sizeof(struct page));
    memset(page_address(page), 0xff, PAGE_SIZE);
    page_put(page);
    struct page *same = page_alloc_zeroed();
    CHECK(same == page);
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        CHECK(!((char *)page_address(same))[i], "byte %u is not zero", i);
    page_put(same);
}

/* ---- Shrinkers ---- */

static struct page *cached[600];
static unsigned cached_count, shrink_calls;
static bool shrink_recurses;

static unsigned
shrink_cached(unsigned wanted)
{
    unsigned given = 0;
    shrink_calls++;
    if (shrink_recurses) { /* a shrinker that allocates must not be called from inside itself */
        unsigned calls = shrink_calls;
        struct page *page = page_alloc();
        if (page)
            page_put(page);
        if (shrink_calls != calls)
            abort();
    }
    for (; given < wanted && cached_count; given++)
        page_put(cached[--cached_count]);
    return given;
}

static struct page_shrinker shrinker = {.shrink = shrink_cached};

static void
shrinkers_are_asked_when_memory_is_low(void)
{
    u32 before = pages_free();
    page_register_shrinker(&shrinker);
    while (cached_count < ARRAY_SIZE(cached))
        cached[cached_count++] = page_alloc();
    shrink_calls = 0;
    unsigned count = take_all(0, held);
    CHECK(shrink_calls > 0 && cached_count == 0, "%u still cached", cached_count);
    CHECK(count == before - RESERVE, "%u of %u", count, before);
    while (count)
        page_put(held[--count]);
    CHECK(free_is(before));
}

static void
shrinkers_are_not_asked_in_interrupts_or_inside_themselves(void)
{
    while (cached_count < 200)
        cached[cached_count++] = page_alloc();
    u32 before = pages_free();
    in_interrupt = true;
    shrink_calls = 0;
    unsigned count = take_all(0, held);
    CHECK(shrink_calls == 0 && cached_count == 200 && count == before - RESERVE);
    in_interrupt = false;
    shrink_recurses = true;
    struct page *page = page_alloc();
    shrink_recurses = false;
    CHECK(page && shrink_calls == 1);
    page_put(page);
    while (count)
        page_put(held[--count]);
    pages_shrink_all();
    CHECK(cached_count == 0);
}

/* Every second page of memory is in a cache that would give it back: a block must be found by asking. */
static void
bug_fragmented_memory_did_not_ask_the_shrinkers(void)
{
    static struct page *kept[FRAMES];
    unsigned kept_count = 0;
    u32 before = pages_free();
    killed = true;
    unsigned count = take_all(0, held);
    killed = false;
    for (unsigned i = 0; i < count; i++)
        if (page_physical(held[i]) / PAGE_SIZE % 2 == 0)
            page_put(held[i]);
        else if (cached_count < ARRAY_SIZE(cached) && page_physical(held[i]) / PAGE_SIZE % 4 == 1)
            cached[cached_count++] = held[i];
        else
            kept[kept_count++] = held[i];
    CHECK(pages_free() >= before / 2 && cached_count > 100);
    struct page *block = pages_alloc(1);
    CHECK(block, "half of memory is free, and a shrinker would have given the other half");
    page_put(block);
    CHECK(!pages_alloc(ORDER_MOST), "a block that cannot be");
    CHECK(cached_count == 0);
    while (kept_count)
        page_put(kept[--kept_count]);
    CHECK(free_is(before));
}

/* ---- Random against the map ---- */

static void
random_against_a_map(void)
{
    static struct {
        struct page *page;
        unsigned order;
    } blocks[FRAMES];
    unsigned count = 0;
    u32 before = pages_free(), used = 0;
    for (unsigned step = 0; step < 60000; step++) {
        bool grow = rand() % 1000 < (step / 6000 % 2 ? 350 : 650);
        if (grow) {
            unsigned order = (unsigned)__builtin_ctz((unsigned)rand() | 1u << ORDER_MOST);
            struct page *page = rand() % 2 && order == 0 ? page_alloc() : pages_alloc(order);
            if (!page) {
                CHECK(before - used < RESERVE + (1u << order) || order > 0, "step %u", step);
                continue;
            }
            CHECK(block_take(page, order), "step %u, order %u", step, order);
            blocks[count].page = page;
            blocks[count++].order = order;
            used += 1u << order;
        } else if (count) {
            unsigned i = (unsigned)rand() % count;
            block_give(blocks[i].page, blocks[i].order);
            used -= 1u << blocks[i].order;
            blocks[i] = blocks[--count];
        }
        CHECK(free_is(before - used), "step %u", step);
    }
    while (count--)
        block_give(blocks[count].page, blocks[count].order);
    CHECK(free_is(before));
    unsigned large = take_all(ORDER_MOST, held);
    CHECK(large == (before - RESERVE) >> ORDER_MOST, "%u blocks", large);
    while (large)
        page_put(held[--large]);
}

/* Ranges whose ends lie inside a page: only whole pages inside them are free; what lies beyond the
 * memory that was announced is left out. */
static void
ragged_ranges(void)
{
    u32 before = pages_free(), total = pages_total();
    page_allocator_add(7 * PAGE_SIZE + 1, 10 * PAGE_SIZE - 1); /* frame 8 only */
    CHECK(free_is(before + 1) && pages_total() == total + 1);
    page_allocator_add(3 * PAGE_SIZE + 1, 4 * PAGE_SIZE - 1); /* nothing */
    CHECK(free_is(before + 1));
    page_allocator_add(MEMORY_END, MEMORY_END + 16 * PAGE_SIZE);
    CHECK(free_is(before + 1));
}

int
main(void)
{
    srand(1);
    allocator_reset(16, FRAMES);
    RUN_TEST(every_order_is_aligned_and_disjoint);
    RUN_TEST(pieces_join_again);
    RUN_TEST(hot_pages_join_when_a_block_is_wanted);
    RUN_TEST(the_hot_stack_gives_the_last_page_first);
    RUN_TEST(the_reserve_is_for_the_killed);
    RUN_TEST(references_are_counted);
    RUN_TEST(addresses_and_numbers);
    RUN_TEST(misuse_is_asserted);
    RUN_TEST(random_against_a_map);
    RUN_TEST(shrinkers_are_asked_when_memory_is_low);
    RUN_TEST(shrinkers_are_not_asked_in_interrupts_or_inside_themselves);
    RUN_TEST(bug_fragmented_memory_did_not_ask_the_shrinkers);
    RUN_TEST(random_against_a_map);
    RUN_TEST(ragged_ranges);
    return test_result();
}
