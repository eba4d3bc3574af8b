// sources: kernel/heap.c kernel/page.c kernel/force.c tests/host/support/*.c
/* Pools and general memory on the kernel's own pages: objects never overlap, are zero, are counted,
 * and every page comes back. */
#include "kernel/heap.h"
#include "asserts.h"
#include "host.h"
#include "kernel/page.h"
#include "kernel/task.h"

#define FRAMES 4096u /* 16 MiB */
#define MEMORY_END (FRAMES * PAGE_SIZE)

static struct page map[FRAMES];
static char *memory;
static u32 pages_at_start;

bool
task_killed(void)
{
    return false;
}

bool
interrupt_running(void)
{
    return false;
}

void *
physical_to_virtual(u32 physical)
{
    return memory + physical;
}

u32
virtual_to_physical(const void *address)
{
    return (u32)((const char *)address - memory);
}

/* Are all slabs and blocks back, once the spare slabs are given up? */
static bool
all_given_back(void)
{
    pages_shrink_all();
    for (struct pool *pool = pools_first(); pool; pool = pool->next)
        if (pool->objects || pool->pages)
            return false;
    return heap_objects() == 0 && pages_free() == pages_at_start;
}

static bool
is_zero(const void *object, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const char *)object)[i])
            return false;
    return true;
}

/* ---- Pools ---- */

struct small {
    char bytes[40];
};
struct odd {
    char bytes[3];
};
struct half {
    char bytes[2016];
};
static struct pool small_pool = POOL_INIT("small", struct small);
static struct pool odd_pool = POOL_INIT("odd", struct odd);
static struct pool half_pool = POOL_INIT("half", struct half);

static void
objects_are_zero_even_when_used_before(void)
{
    for (unsigned round = 0; round < 3; round++) {
        struct small *a = pool_alloc(&small_pool), *b = pool_alloc(&small_pool);
        CHECK(a && b && a != b && is_zero(a, sizeof(*a)) && is_zero(b, sizeof(*b)));
        memset(a, 0xff, sizeof(*a));
        memset(b, 0xff, sizeof(*b));
        pool_free(&small_pool, a);
        pool_free(&small_pool, b);
    }
    CHECK(all_given_back());
}

static void
counts_and_pages(void)
{
    static void *objects[5000];
    struct pool *pools[] = {&small_pool, &odd_pool, &half_pool};
    for (unsigned p = 0; p < ARRAY_SIZE(pools); p++) {
        struct pool *pool = pools[p];
        unsigned count = p == 2 ? 500 : ARRAY_SIZE(objects);
        for (unsigned i = 0; i < count; i++) {
            CHECK((objects[i] = pool_alloc(pool)));
            memset(objects[i], (int)i, pool->object_size);
            CHECK(pool->objects == i + 1);
        }
        for (unsigned i = 0; i < count; i++)
            for (unsigned byte = 0; byte < pool->object_size; byte++)
                CHECK(((u8 *)objects[i])[byte] == (u8)i, "%s %u overlaps", pool->name, i);
        CHECK(pool->pages * PAGE_SIZE < count * (pool->object_size + 16u) + 3 * PAGE_SIZE,
              "%u pages for %u objects", pool->pages, count);
        CHECK(heap_objects() == count);
        for (unsigned i = 0; i < count; i++)
            pool_free(pool, objects[i]);
        CHECK(pool->objects == 0 && pool->pages == 1, "%u pages kept", pool->pages);
    }
    CHECK(all_given_back());
}

/* An empty slab is kept for the next object, so that one object alone does not fetch and give back a
 * page each time. */
static void
one_empty_slab_is_spared(void)
{
    void *object = pool_alloc(&small_pool);
    pool_free(&small_pool, object);
    u32 pages = pages_free();
    for (unsigned i = 0; i < 10; i++) {
        void *again = pool_alloc(&small_pool);
        CHECK(again == object && pages_free() == pages);
        pool_free(&small_pool, again);
    }
    CHECK(small_pool.pages == 1);
    CHECK(all_given_back());
}

static void
a_full_slab_has_room_again_after_a_free(void)
{
    static void *objects[600];
    for (unsigned i = 0; i < ARRAY_SIZE(objects); i++)
        objects[i] = pool_alloc(&small_pool);
    u32 pages = small_pool.pages;
    for (unsigned i = 0; i < ARRAY_SIZE(objects); i += 3)
        pool_free(&small_pool, objects[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(objects); i += 3)
        objects[i] = pool_alloc(&small_pool);
    CHECK(small_pool.pages == pages, "%u pages instead of %u", small_pool.pages, pages);
    for (unsigned i = 0; i < ARRAY_SIZE(objects); i++)
        pool_free(&small_pool, objects[i]);
    CHECK(all_given_back());
}

static void
misuse_is_asserted(void)
{
    void *object = pool_alloc(&small_pool);
    CHECK(ASSERTS(pool_free(&half_pool, object)), "an object freed into another pool");
    pool_free(&small_pool, object);
    CHECK(ASSERTS(pool_free(&small_pool, object)), "an object freed twice, the slab being empty");
    void *big = heap_alloc(5000);
    heap_free(big);
    CHECK(ASSERTS(heap_free(big)), "a block freed twice");
    pool_free(&small_pool, NULL);
    heap_free(NULL);
    CHECK(all_given_back());
}

/* ---- General sizes ---- */

static void
every_size(void)
{
    for (size_t size = 0; size < 20000; size += size < 4200 ? 1 : 61) {
        u8 *a = heap_alloc(size), *b = heap_alloc(size);
        CHECK(a && b && is_zero(a, size) && is_zero(b, size), "%zu", size);
        CHECK((uintptr_t)a % sizeof(void *) == 0);
        CHECK(a + size <= b || b + size <= a, "%zu: overlap", size);
        memset(a, 1, size);
        memset(b, 2, size);
        CHECK(!size || (a[0] == 1 && a[size - 1] == 1));
        heap_free(a);
        heap_free(b);
    }
    CHECK(all_given_back());
}

static void
big_blocks(void)
{
    u32 before = pages_free();
    void *block = heap_alloc(4u << 20);
    CHECK(block && pages_free() == before - 1024 && heap_objects() == 1);
    CHECK(is_zero(block, 4u << 20));
    heap_free(block);
    CHECK(!heap_alloc((4u << 20) + 1));
    CHECK(all_given_back());
}

/* Sizes whose rounding up to pages does not fit into a word must fail, not hang or succeed. */
static void
bug_absurd_sizes_hung(void)
{
    static const size_t sizes[] = {0x7fffffff, 0x80000000, 0x80000001, 0xfffff001, 0xffffffff,
                                   SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX - 4095, SIZE_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
        CHECK(!heap_alloc(sizes[i]), "%zx", sizes[i]);
}

static void
exhaustion_is_null_and_harmless(void)
{
    static void *objects[FRAMES * 2];
    unsigned count = 0;
    while ((objects[count] = heap_alloc(2000)))
        count++;
    CHECK(count > FRAMES && !pool_alloc(&small_pool) && !heap_alloc(4096));
    CHECK(heap_objects() == count);
    heap_free(objects[--count]);
    heap_free(objects[--count]);
    CHECK((objects[count] = heap_alloc(2000)));
    count++;
    while (count)
        heap_free(objects[--count]);
    CHECK(all_given_back());
}

/* Low memory takes the spare slabs of other pools. */
static void
low_memory_takes_spare_slabs(void)
{
    static struct page *held[FRAMES];
    pool_free(&odd_pool, pool_alloc(&odd_pool));
    CHECK(odd_pool.pages == 1);
    unsigned count = 0;
    while ((held[count] = page_alloc()))
        count++;
    CHECK(odd_pool.pages == 0);
    while (count)
        page_put(held[--count]);
    CHECK(all_given_back());
}

static void
random_sizes_against_a_model(void)
{
    static struct {
        u8 *memory;
        size_t size;
    } blocks[2000];
    srand(3);
    for (unsigned step = 0; step < 60000; step++) {
        unsigned i = (unsigned)rand() % ARRAY_SIZE(blocks);
        if (blocks[i].memory) {
            for (size_t at = 0; at < blocks[i].size; at += 7)
                CHECK(blocks[i].memory[at] == (u8)i, "step %u: block %u is damaged", step, i);
            heap_free(blocks[i].memory);
            blocks[i].memory = NULL;
        } else {
            blocks[i].size = (size_t)rand() % (1u << (rand() % 15));
            blocks[i].memory = heap_alloc(blocks[i].size);
            CHECK(blocks[i].memory && is_zero(blocks[i].memory, blocks[i].size), "step %u", step);
            memset(blocks[i].memory, (int)i, blocks[i].size);
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++)
        heap_free(blocks[i].memory);
    CHECK(all_given_back());
}

int
main(void)
{
    memory = aligned_alloc(PAGE_SIZE, MEMORY_END);
    memset(memory, 0xa5, MEMORY_END);
    page_allocator_init(map, MEMORY_END);
    page_allocator_add(PAGE_SIZE, MEMORY_END);
    heap_init();
    pages_at_start = pages_free();
    RUN_TEST(objects_are_zero_even_when_used_before);
    RUN_TEST(counts_and_pages);
    RUN_TEST(one_empty_slab_is_spared);
    RUN_TEST(a_full_slab_has_room_again_after_a_free);
    RUN_TEST(misuse_is_asserted);
    RUN_TEST(every_size);
    RUN_TEST(big_blocks);
    RUN_TEST(bug_absurd_sizes_hung);
    RUN_TEST(exhaustion_is_null_and_harmless);
    RUN_TEST(low_memory_takes_spare_slabs);
    RUN_TEST(random_sizes_against_a_model);
    free(memory);
    return test_result();
}
