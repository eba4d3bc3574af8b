/* Pools of equal objects, and general memory made of them: see heap.h. A slab is one page: a header
 * and as many objects as fit, the free ones chained through their first word. A slab is found from
 * an object by the object's address. */
#include "kernel/heap.h"
#include "arch.h"
#include "kernel/force.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/string.h"

struct slab {
    struct pool *pool;
    void *free; /* chain */
    struct list link;
    u32 used;
};
#define SLAB_HEADER ALIGN_UP(sizeof(struct slab), 16)
#define OBJECT_ALIGN sizeof(void *)
#define BIG_MARK 0x424947u /* page->private of a heap block of whole pages */
#define SLAB_MARK 0x534c4142u
#define BIGGEST (4u << 20) /* page.h: blocks of at most 2^10 pages */

static struct pool *pools;
static bool checked;

#define FREED 0xf7eedf7eu /* what free objects are full of behind their first word, when checked */

static void
object_fill(const struct pool *pool, u32 *object)
{
    for (u32 i = 1; i < pool->object_size / sizeof(*object); i++)
        object[i] = FREED;
}

static void
object_check(const struct pool *pool, const u32 *object)
{
    for (u32 i = 1; i < pool->object_size / sizeof(*object); i++)
        if (object[i] != FREED)
            panic("heap: a free object of %s was written to: %08x at %p + %u", pool->name, object[i],
                  (const void *)object, i * (u32)sizeof(*object));
}

static u32
pool_slot_size(const struct pool *pool)
{
    return ALIGN_UP(MAX(pool->object_size, (u32)sizeof(void *)), (u32)OBJECT_ALIGN);
}

static struct slab *
slab_of(void *object)
{
    return (struct slab *)ALIGN_DOWN((uintptr_t)object, (uintptr_t)PAGE_SIZE);
}

static void
pool_register(struct pool *pool)
{
    list_init(&pool->partial);
    pool->next = pools;
    pools = pool;
    pool->registered = true;
}

static struct slab *
slab_create(struct pool *pool)
{
    struct page *page = page_alloc();
    if (!page)
        return NULL;
    page->private = SLAB_MARK;
    struct slab *slab = page_address(page);
    u32 size = pool_slot_size(pool);
    ASSERT(SLAB_HEADER + size <= PAGE_SIZE);
    slab->pool = pool;
    slab->used = 0;
    slab->free = NULL;
    u32 count = (PAGE_SIZE - SLAB_HEADER) / size;
    for (u32 i = count; i-- > 0;) {
        void **object = (void **)((u8 *)slab + SLAB_HEADER + i * size);
        *object = slab->free;
        slab->free = object;
        if (checked)
            object_fill(pool, (u32 *)object);
    }
    pool->pages++;
    return slab;
}

static void
slab_destroy(struct slab *slab)
{
    slab->pool->pages--;
    struct page *page = page_of_address(slab);
    page->private = 0;
    page_put(page);
}

static struct slab *
pool_slab_with_room(struct pool *pool)
{
    if (!list_empty(&pool->partial))
        return list_first(&pool->partial, struct slab, link);
    struct slab *slab = pool->spare;
    pool->spare = NULL;
    if (!slab)
        slab = slab_create(pool);
    if (slab)
        list_add_head(&pool->partial, &slab->link);
    return slab;
}

void *
pool_alloc(struct pool *pool)
{
    void **object;
    if (force_object_fails())
        return NULL;
    {
        INTERRUPTS_OFF_SCOPE();
        if (unlikely(!pool->registered))
            pool_register(pool);
        struct slab *slab = pool_slab_with_room(pool);
        if (!slab)
            return NULL;
        object = slab->free;
        slab->free = *object;
        slab->used++;
        pool->objects++;
        if (!slab->free)
            list_remove(&slab->link);
    }
    if (unlikely(checked))
        object_check(pool, (const u32 *)object);
    return memset(object, 0, pool->object_size);
}

void
pool_free(struct pool *pool, void *memory)
{
    if (!memory)
        return;
    INTERRUPTS_OFF_SCOPE();
    struct slab *slab = slab_of(memory);
    ASSERT(slab->pool == pool && slab->used > 0);
    void **object = memory;
    if (!slab->free)
        list_add_head(&pool->partial, &slab->link);
    *object = slab->free;
    slab->free = object;
    if (unlikely(checked))
        object_fill(pool, (u32 *)object);
    pool->objects--;
    if (--slab->used > 0)
        return;
    list_remove(&slab->link);
    if (pool->spare)
        slab_destroy(slab);
    else
        pool->spare = slab;
}

/* ---- General sizes ---- */

static struct pool general[] = {
    {.name = "heap-16", .object_size = 16},     {.name = "heap-32", .object_size = 32},
    {.name = "heap-48", .object_size = 48},     {.name = "heap-64", .object_size = 64},
    {.name = "heap-96", .object_size = 96},     {.name = "heap-128", .object_size = 128},
    {.name = "heap-192", .object_size = 192},   {.name = "heap-256", .object_size = 256},
    {.name = "heap-384", .object_size = 384},   {.name = "heap-512", .object_size = 512},
    {.name = "heap-768", .object_size = 768},   {.name = "heap-1008", .object_size = 1008},
    {.name = "heap-1344", .object_size = 1344}, {.name = "heap-2016", .object_size = 2016},
};
static u32 big_objects;

static void *
heap_alloc_pages(size_t size)
{
    unsigned order = 0;
    if (size > BIGGEST)
        return NULL;
    while (((size_t)PAGE_SIZE << order) < size)
        order++;
    struct page *page = pages_alloc(order);
    if (!page)
        return NULL;
    page->private = BIG_MARK;
    INTERRUPTS_OFF_SCOPE();
    big_objects++;
    return memset(page_address(page), 0, (size_t)PAGE_SIZE << order);
}

void *
heap_alloc(size_t size)
{
    /* The first four are 16 bytes apart. */
    for (unsigned i = size <= 64 ? (MAX(size, 1u) - 1) / 16 : 4; i < ARRAY_SIZE(general); i++)
        if (size <= general[i].object_size)
            return pool_alloc(&general[i]);
    return heap_alloc_pages(size);
}

void
heap_free(void *memory)
{
    if (!memory)
        return;
    struct page *page = page_of_address((void *)ALIGN_DOWN((uintptr_t)memory, PAGE_SIZE));
    if (page->private == SLAB_MARK) {
        pool_free(slab_of(memory)->pool, memory);
        return;
    }
    ASSERT(page->private == BIG_MARK);
    INTERRUPTS_OFF_SCOPE();
    page->private = 0;
    big_objects--;
    page_put(page);
}

/* ---- Counting, and giving back ---- */

u32
heap_objects(void)
{
    u32 objects = big_objects;
    for (struct pool *pool = pools; pool; pool = pool->next)
        objects += pool->objects;
    return objects;
}

struct pool *
pools_first(void)
{
    return pools;
}

static unsigned
heap_shrink(unsigned wanted)
{
    unsigned given = 0;
    INTERRUPTS_OFF_SCOPE();
    for (struct pool *pool = pools; pool && given < wanted; pool = pool->next) {
        if (!pool->spare)
            continue;
        slab_destroy(pool->spare);
        pool->spare = NULL;
        given++;
    }
    return given;
}

void
heap_check(void)
{
    ASSERT(!pools);
    checked = true;
}

void
heap_init(void)
{
    static struct page_shrinker shrinker = {.shrink = heap_shrink};
    page_register_shrinker(&shrinker);
}
