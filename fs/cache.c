/* The page cache: one hash table of all cached pages, one list of them in the order of their use.
 *
 * Called by file systems and files on fibrils, by block requests' ends in interrupts (cache_page_done
 * and its kin), and by the page allocator (the shrinker, which never sleeps).
 *
 * A page in the cache is referenced once by the cache, so one with a single reference is unused. The
 * list is ordered by when pages came in; a hit only sets a mark in the page (PAGE_PRIVATE_USED), and the
 * search for pages to give up passes a marked one once ("second chance"). While a page is being read,
 * page->private counts its outstanding parts instead. A page that has left the cache (given up,
 * failed, or its object gone) has no object.
 *
 * Left out: writing back. The only pages that differ from a disk are those of pinned objects. */
#include "fs/cache.h"

#include "arch.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include "kernel/wait.h"

#define FREE_PAGES_MIN 64 /* kept for those who cannot wait for the cache to shrink: interrupts */

static struct {
    struct page **buckets;
    u32 bucket_mask;
    struct wait_queue *queues; /* of those who wait for pages, by page */
    u32 queue_mask;
    u32 free_pages_wanted;
    u32 reading;                     /* pages being read; interrupts off */
    u32 starting;                    /* pages whose read_pages is running, ended ones included */
    u32 reads_ended;                 /* pages, ever */
    struct wait_queue memory_waiters; /* those who had no memory while pages were being read */
    struct list pages; /* all but those of pinned objects; oldest first */
    struct cache_statistics statistics;
} cache;

struct page_waiter {
    struct wait_entry entry;
    const struct page *page;
};

/* ---- The table; interrupts off ---- */

static inline struct page **
bucket_of(const struct cache_object *object, u32 index)
{
    u32 hash = (u32)((uintptr_t)object >> 4) * 2654435761u; /* [Knuth 3] 6.4, Fibonacci hashing */
    return &cache.buckets[((hash >> 8) + index) & cache.bucket_mask];
}

static inline struct page *
table_find(const struct cache_object *object, u32 index)
{
    struct page *page = *bucket_of(object, index);
    while (page && (page->index != index || page->object != object))
        page = page->hash_next;
    return page;
}

static void
table_insert(struct cache_object *object, u32 index, struct page *page, enum page_state state)
{
    struct page **bucket = bucket_of(object, index);

    page->object = object;
    page->index = index;
    page->state = state;
    page->error = 0;
    page->private = 0;
    page->hash_next = *bucket;
    *bucket = page;
    object->page_count++;
    if (index >= object->index_limit)
        object->index_limit = index + 1;
    cache.statistics.pages++;
    if (object->pinned)
        list_init(&page->link);
    else
        list_add_tail(&cache.pages, &page->link);
}

/* Takes the page out; the cache's reference is the caller's then. */
static void
table_remove(struct page *page)
{
    struct page **place = bucket_of(page->object, page->index);

    while (*place != page)
        place = &(*place)->hash_next;
    *place = page->hash_next;
    list_remove(&page->link);
    page->object->page_count--;
    page->object = NULL;
    if (page->state != PAGE_READING) /* else its request goes on, and counts the parts there */
        page->private = 0;
    cache.statistics.pages--;
}

/* ---- Waiting for a page ---- */

static struct wait_queue *
queue_of(const struct page *page)
{
    return &cache.queues[((uintptr_t)page / sizeof(struct page)) & cache.queue_mask];
}

static void
page_waiter_wake(struct wait_entry *entry, u32 key)
{
    if (container_of(entry, struct page_waiter, entry)->page->state != PAGE_READING)
        fibril_wake(entry->fibril);
}

/* Waits until the page's read has ended; the caller holds a reference. 0 or why the fibril was
 * cancelled. */
static int
page_wait(struct page *page)
{
    struct page_waiter waiter = {.entry = {.wake = page_waiter_wake}, .page = page};
    struct wait_queue *queue = queue_of(page);
    int error = 0;

    if (page->state != PAGE_READING)
        return 0;
    cache.statistics.waits++;
    wait_entry_add(queue, &waiter.entry);
    for (;;) {
        wait_prepare(queue->name);
        if (page->state != PAGE_READING) {
            error = 0;
            break;
        }
        if (error)
            break;
        error = wait_sleep(WAIT_KILLABLE, 0);
    }
    wait_finish();
    wait_entry_remove(&waiter.entry);
    return error;
}

void
cache_page_done(struct page *page, int error)
{
    INTERRUPTS_OFF_SCOPE();
    ASSERT(page->state == PAGE_READING);
    page->private = 0;
    page->error = (s16)error;
    page->state = error ? PAGE_FAILED : PAGE_VALID;
    wake_up_all(queue_of(page));
    cache.reads_ended++;
    cache.reading--;
    wake_up_all(&cache.memory_waiters);
    if (error && page->object) {
        table_remove(page);
        page_put(page);
    }
}

void
cache_page_expect(struct page *page, unsigned parts)
{
    ASSERT(page->state == PAGE_READING && parts > 0);
    page->private = parts;
}

void
cache_page_part_done(struct page *page, int error)
{
    INTERRUPTS_OFF_SCOPE();
    ASSERT(page->state == PAGE_READING && page->private > 0);
    if (error && !page->error)
        page->error = (s16)error;
    if (--page->private == 0)
        cache_page_done(page, page->error);
}

/* ---- Giving up pages ---- */

/* Gives up the page if nobody uses it. Interrupts off. */
static bool
page_give_up(struct page *page)
{
    if (page->references != 1 || page->state != PAGE_VALID)
        return false;
    table_remove(page);
    cache.statistics.dropped++;
    page_put(page);
    return true;
}

/* Looks at up to `looks` pages from the old end on and gives up at most `wanted`. */
static unsigned
cache_shrink_some(unsigned wanted, u32 looks, bool marked_too)
{
    unsigned freed = 0;

    for (; looks > 0 && freed < wanted; looks--) {
        INTERRUPTS_OFF_SCOPE();
        if (list_empty(&cache.pages))
            break;
        struct page *page = list_first(&cache.pages, struct page, link);
        bool marked = (page->private & PAGE_PRIVATE_USED) && page->state == PAGE_VALID;
        if ((!marked || marked_too) && page_give_up(page)) {
            freed++;
            continue;
        }
        if (marked && !marked_too)
            page->private &= ~PAGE_PRIVATE_USED;
        list_remove(&page->link);
        list_add_tail(&cache.pages, &page->link);
    }
    return freed;
}

static unsigned
cache_shrink(unsigned wanted)
{
    return cache_shrink_some(wanted, 2 * cache.statistics.pages, false);
}

void
cache_drop_all(void)
{
    /* In short stretches: what comes in meanwhile is at the new end. */
    for (u32 left = cache.statistics.pages; left > 0; left -= MIN(left, 256u)) {
        cache_shrink_some(256, MIN(left, 256u), true);
        if (schedule_point())
            return;
    }
}

static void
page_detach(struct page *page)
{
    table_remove(page);
    page_put(page);
}

/* The pages of `object` in one bucket, from `first` on. */
static void
bucket_drop(struct page **bucket, const struct cache_object *object, u32 first)
{
    INTERRUPTS_OFF_SCOPE();
    for (struct page *page = *bucket, *next; page; page = next) {
        next = page->hash_next;
        if (page->object == object && page->index >= first)
            page_detach(page);
    }
}

void
cache_drop_from(struct cache_object *object, u32 first)
{
    if (object->page_count == 0 || first >= object->index_limit)
        return;
    if (object->index_limit - first <= cache.bucket_mask) {
        for (u32 index = first; index < object->index_limit && object->page_count; index++) {
            INTERRUPTS_OFF_SCOPE();
            struct page *page = table_find(object, index);
            if (page)
                page_detach(page);
        }
    } else {
        for (u32 i = 0; i <= cache.bucket_mask && object->page_count; i++)
            bucket_drop(&cache.buckets[i], object, first);
    }
    object->index_limit = first;
}

void
cache_drop_object(struct cache_object *object)
{
    cache_drop_from(object, 0);
}

/* ---- Getting pages ---- */

/* The page if it is in the cache (referenced), whatever its state. */
static inline struct page *
cache_look(struct cache_object *object, u32 index)
{
    INTERRUPTS_OFF_SCOPE();
    struct page *page = table_find(object, index);
    if (page) {
        page->references++;
        if (likely(page->state == PAGE_VALID))
            page->private |= PAGE_PRIVATE_USED;
    }
    return page;
}

struct page *
cache_peek(struct cache_object *object, u32 index)
{
    struct page *page = cache_look(object, index);
    if (page && page->state != PAGE_VALID) {
        page_put(page);
        page = NULL;
    }
    return page;
}

static void
pages_put(struct page **pages, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        page_put(pages[i]);
}

/* Pages for a run: as many as there are, *count at most; a single one when memory is low. */
static void
run_alloc(struct page **pages, unsigned *count)
{
    unsigned got = 0;

    if (pages_free() < cache.free_pages_wanted && cache_shrink(*count) < *count)
        *count = 1;
    while (got < *count && (pages[got] = page_alloc()) != NULL)
        got++;
    *count = got;
}

/* Puts the run into the cache as being read, up to the first page that is there already; the others
 * are freed. Each page then has the cache's reference and the caller's. Returns how many. */
static unsigned
run_insert(struct cache_object *object, u32 index, struct page **pages, unsigned count)
{
    unsigned inserted = 0;

    for (; inserted < count; inserted++) {
        INTERRUPTS_OFF_SCOPE();
        if (table_find(object, index + inserted))
            break;
        table_insert(object, index + inserted, pages[inserted], PAGE_READING);
        page_get(pages[inserted]);
        cache.reading++;
    }
    pages_put(pages + inserted, count - inserted);
    cache.statistics.misses += inserted;
    return inserted;
}

/* Starts reading `index` and, as far as they are missing, the pages behind it. *page is the first
 * (referenced), being read or ended; NULL if it has come into the cache by itself. */
static int
run_start(struct cache_object *object, u32 index, unsigned count, struct page **page)
{
    struct page *pages[CACHE_RUN_PAGES];

    *page = NULL;
    run_alloc(pages, &count);
    if (count == 0)
        return -ENOMEM;
    count = run_insert(object, index, pages, count);
    if (count == 0)
        return 0;
    cache.starting += count;
    object->ops->read_pages(object, pages, count);
    cache.starting -= count;
    *page = pages[0];
    pages_put(pages + 1, count - 1);
    return 0;
}

/* Waits for a page that is not valid yet. 0: valid; or why not. `started`: the caller itself started
 * the read. *retry: it failed for a reason of the fibril that started it, so the caller shall try. */
static int
page_settle(struct page *page, bool started, bool *retry)
{
    int error = page_wait(page);

    *retry = false;
    if (error || page->state == PAGE_VALID)
        return error;
    *retry = !started && cache_error_is_callers(page->error);
    return page->error;
}

/* There was no memory. Pages that are being read can soon be given up: waits for one of them. 0: try
 * again; -ENOMEM when none is being read; or why the fibril was cancelled. Pages whose read is still
 * being started do not count: who starts it may be waiting here (for metadata), even this fibril. */
static int
memory_wait(void)
{
    u32 ended = cache.reads_ended;

    if (cache.reading <= cache.starting)
        return -ENOMEM;
    return wait_event_killable(&cache.memory_waiters, cache.reads_ended != ended);
}

static int
cache_get_missing(struct cache_object *object, u32 index, unsigned count, struct page *page,
                  struct page **result)
{
    for (;;) {
        bool started = false, retry;
        int error;
        if (!page) {
            error = run_start(object, index, MIN(count, (unsigned)CACHE_RUN_PAGES), &page);
            if (error == -ENOMEM)
                error = memory_wait();
            if (error)
                return error;
            started = page != NULL;
        }
        if (page) {
            error = page_settle(page, started, &retry);
            if (!error) {
                *result = page;
                return 0;
            }
            page_put(page);
            if (!retry)
                return error;
            error = schedule_point();
            if (error)
                return error;
        }
        page = cache_look(object, index);
    }
}

int
cache_get_run(struct cache_object *object, u32 index, u32 count, struct page **result)
{
    struct page *page = cache_look(object, index);

    if (likely(page && page->state == PAGE_VALID)) {
        cache.statistics.hits++;
        *result = page;
        return 0;
    }
    return cache_get_missing(object, index, MAX(count, 1u), page, result);
}

int
cache_get(struct cache_object *object, u32 index, struct page **page)
{
    return cache_get_run(object, index, 1, page);
}

int
cache_create(struct cache_object *object, u32 index, struct page **result)
{
    struct page *page = cache_look(object, index);

    if (!page) {
        page = page_alloc_zeroed();
        if (!page)
            return -ENOMEM;
        INTERRUPTS_OFF_SCOPE();
        table_insert(object, index, page, PAGE_VALID);
        page_get(page);
    }
    ASSERT(page->state == PAGE_VALID);
    *result = page;
    return 0;
}

/* ---- Start ---- */

void
cache_object_init(struct cache_object *object, const struct cache_object_ops *ops)
{
    *object = (struct cache_object){.ops = ops};
}

void
cache_count(struct cache_statistics *statistics)
{
    *statistics = cache.statistics;
}

u32
table_size_for(u32 wanted, u32 least, u32 most)
{
    u32 size = least;
    while (size < wanted && size < most)
        size *= 2;
    return size;
}

void
cache_init(void)
{
    static struct page_shrinker shrinker = {.shrink = cache_shrink};
    u32 buckets = table_size_for(pages_total() / 2, 256, 1u << 18);
    u32 queues = table_size_for(pages_total() / 64, 32, 2048);

    memset(&cache, 0, sizeof cache);
    list_init(&cache.pages);
    cache.buckets = heap_alloc(buckets * sizeof *cache.buckets);
    cache.queues = heap_alloc(queues * sizeof *cache.queues);
    if (!cache.buckets || !cache.queues)
        panic("no memory for the page cache's table");
    cache.bucket_mask = buckets - 1;
    cache.queue_mask = queues - 1;
    for (u32 i = 0; i < queues; i++)
        wait_queue_init(&cache.queues[i], "page");
    wait_queue_init(&cache.memory_waiters, "memory");
    cache.free_pages_wanted = MAX(FREE_PAGES_MIN, pages_total() / 64);
    page_register_shrinker(&shrinker);
}
