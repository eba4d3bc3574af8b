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
 * Pages that were read ahead lie on a list of their own until they are wanted for the first time; so
 * they are bounded, the oldest make room for new ones, and when memory is short they go before any
 * page that is being used. Being wanted for the first time does not yet make a page that came with
 * others a used one: what is read once, from end to end, does not drive out what is read often.
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
#define AHEAD_SHARE 8     /* of all memory: one part may be pages that nobody has wanted yet */
#define PRIVATE_OF_CACHE (PAGE_PRIVATE_FRESH | PAGE_PRIVATE_AHEAD)

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
    struct list pages; /* all but those of pinned objects and those in `ahead`; oldest first */
    struct list ahead; /* PAGE_PRIVATE_AHEAD; oldest first */
    u32 ahead_most;
    u32 displaceable, earned_used; /* see ahead_displaceable */
    u64 earned_ms;
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
table_insert(struct cache_object *object, u32 index, struct page *page, enum page_state state,
             u32 private)
{
    struct page **bucket = bucket_of(object, index);

    page->object = object;
    page->index = index;
    page->state = state;
    page->error = 0;
    page->private = private;
    page->hash_next = *bucket;
    *bucket = page;
    object->page_count++;
    if (index >= object->index_limit)
        object->index_limit = index + 1;
    cache.statistics.pages++;
    if (object->pinned)
        list_init(&page->link);
    else if (private & PAGE_PRIVATE_AHEAD)
        list_add_tail(&cache.ahead, &page->link);
    else
        list_add_tail(&cache.pages, &page->link);
    if (private & PAGE_PRIVATE_AHEAD) {
        cache.statistics.ahead++;
        cache.statistics.ahead_unused++;
    }
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
    if (page->private & PAGE_PRIVATE_AHEAD) {
        cache.statistics.ahead_wasted++;
        cache.statistics.ahead_unused--;
    }
    page->private &= ~PRIVATE_OF_CACHE;
    if (page->state != PAGE_READING) /* else its request goes on, and counts the parts there */
        page->private = 0;
    cache.statistics.pages--;
}

/* The page is wanted, and was not known to be used. */
static void
page_note_use(struct page *page)
{
    if (page->private & PAGE_PRIVATE_AHEAD) {
        cache.statistics.ahead_used++;
        cache.statistics.ahead_unused--;
        list_remove(&page->link);
        list_add_tail(&cache.pages, &page->link);
    }
    if (page->state == PAGE_READING && page->private & PAGE_PRIVATE_AHEAD)
        page->private &= ~PAGE_PRIVATE_AHEAD; /* still fresh: see page_hurry */
    else if (page->private & PRIVATE_OF_CACHE)
        page->private &= ~PRIVATE_OF_CACHE;
    else if (page->state == PAGE_VALID)
        page->private |= PAGE_PRIVATE_USED;
}

/* ---- Waiting for a page ---- */

static struct wait_queue *
queue_of(const struct page *page)
{
    return &cache.queues[((uintptr_t)page / sizeof(struct page)) & cache.queue_mask];
}

static bool
page_waiter_wake(struct wait_entry *entry, u32 key)
{
    bool ready = container_of(entry, struct page_waiter, entry)->page->state != PAGE_READING;

    if (ready)
        fibril_wake(entry->fibril);
    return ready;
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
    page->private &= PRIVATE_OF_CACHE;
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
    page->private = (page->private & PRIVATE_OF_CACHE) | parts;
}

void
cache_page_part_done(struct page *page, int error)
{
    INTERRUPTS_OFF_SCOPE();
    ASSERT(page->state == PAGE_READING && (page->private & ~PRIVATE_OF_CACHE) > 0);
    if (error && !page->error)
        page->error = (s16)error;
    if ((--page->private & ~PRIVATE_OF_CACHE) == 0)
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

/* Looks at up to `looks` pages from the old end of the list on and gives up at most `wanted`. */
static unsigned
list_shrink(struct list *list, unsigned wanted, u32 looks, bool marked_too)
{
    unsigned freed = 0;

    for (; looks > 0 && freed < wanted; looks--) {
        INTERRUPTS_OFF_SCOPE();
        if (list_empty(list))
            break;
        struct page *page = list_first(list, struct page, link);
        bool marked = (page->private & PAGE_PRIVATE_USED) && page->state == PAGE_VALID;
        if ((!marked || marked_too) && page_give_up(page)) {
            freed++;
            continue;
        }
        if (marked && !marked_too)
            page->private &= ~PAGE_PRIVATE_USED;
        list_remove(&page->link);
        list_add_tail(list, &page->link);
    }
    return freed;
}

/* First what is not in use, then what was read ahead, then what was in use. */
static unsigned
cache_shrink(unsigned wanted)
{
    unsigned freed = list_shrink(&cache.pages, wanted, cache.statistics.pages, false);

    if (freed < wanted)
        freed += list_shrink(&cache.ahead, wanted - freed, cache.statistics.ahead_unused, true);
    if (freed < wanted)
        freed += list_shrink(&cache.pages, wanted - freed, cache.statistics.pages, false);
    return freed;
}

void
cache_drop_all(void)
{
    /* In short stretches: what comes in meanwhile is at the new end. */
    for (u32 left = cache.statistics.pages; left > 0; left -= MIN(left, 256u)) {
        list_shrink(&cache.ahead, 256, MIN(left, 256u), true);
        list_shrink(&cache.pages, 256, MIN(left, 256u), true);
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

/* Valid, and marked as used already? */
static inline bool
page_is_known(const struct page *page)
{
    return page->state == PAGE_VALID &&
           (page->private & (PAGE_PRIVATE_USED | PAGE_PRIVATE_FRESH)) == PAGE_PRIVATE_USED;
}

/* The page if it is in the cache (referenced), whatever its state. */
static inline struct page *
cache_look(struct cache_object *object, u32 index)
{
    INTERRUPTS_OFF_SCOPE();
    struct page *page = table_find(object, index);
    if (page) {
        page->references++;
        if (unlikely(!page_is_known(page)))
            page_note_use(page);
    }
    return page;
}

struct page *
cache_get_known(struct cache_object *object, u32 index)
{
    INTERRUPTS_OFF_SCOPE();
    struct page *page = table_find(object, index);
    if (!page || !page_is_known(page))
        return NULL;
    page->references++;
    cache.statistics.hits++;
    return page;
}

bool
cache_has(const struct cache_object *object, u32 index)
{
    INTERRUPTS_OFF_SCOPE();
    return table_find(object, index) != NULL;
}

bool
cache_is_reading(const struct cache_object *object, u32 index)
{
    INTERRUPTS_OFF_SCOPE();
    const struct page *page = table_find(object, index);
    return page && page->state == PAGE_READING;
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

u32
cache_ahead_room(void)
{
    u32 unused = cache.statistics.ahead_unused;

    return unused < cache.ahead_most ? cache.ahead_most - unused : 0;
}

/* How many pages may leave unwanted so that others can be read ahead: as many as were wanted meanwhile,
 * and all of them in a second or so. (Else guesses that are all wrong would keep the disk busy.) */
static u32
ahead_displaceable(void)
{
    u64 now_ms = time_now_ns() >> 20; /* nearly */
    u64 earned = (now_ms - cache.earned_ms) * cache.ahead_most >> 10;

    cache.earned_ms = now_ms;
    earned += cache.statistics.ahead_used - cache.earned_used;
    cache.earned_used = cache.statistics.ahead_used;
    cache.displaceable = (u32)MIN(cache.displaceable + earned, (u64)cache.ahead_most);
    return cache.displaceable;
}

/* How many of `count` pages may be read ahead now: the oldest that nobody has wanted make room. */
static u32
ahead_make_room(u32 count)
{
    u32 room = cache_ahead_room();

    if (room < count)
        cache.displaceable -=
            list_shrink(&cache.ahead, MIN(count - room, ahead_displaceable()), 2 * count, true);
    return MIN(count, cache_ahead_room());
}

/* Puts the run into the cache as being read, up to the first page that is there already; the others
 * are freed. Each page then has the cache's reference and the caller's. The first `wanted` have been
 * asked for. Returns how many. */
static unsigned
run_insert(struct cache_object *object, u32 index, struct page **pages, unsigned count,
           unsigned wanted)
{
    unsigned inserted = 0;

    for (; inserted < count; inserted++) {
        INTERRUPTS_OFF_SCOPE();
        if (table_find(object, index + inserted))
            break;
        u32 private = inserted >= wanted ? PRIVATE_OF_CACHE : inserted > 0 ? PAGE_PRIVATE_FRESH : 0;
        table_insert(object, index + inserted, pages[inserted], PAGE_READING, private);
        page_get(pages[inserted]);
        cache.reading++;
    }
    pages_put(pages + inserted, count - inserted);
    cache.statistics.misses += inserted;
    return inserted;
}

static void
run_read(struct cache_object *object, struct page **pages, unsigned count)
{
    cache.starting += count;
    object->ops->read_pages(object, pages, count);
    cache.starting -= count;
}

/* A run that somebody wants. */
struct run {
    struct cache_object *object;
    u32 index, count, ahead;
};

/* Starts reading the run as far as its pages are missing. *page is the first (referenced), being read
 * or ended; NULL if it has come into the cache by itself. */
static int
run_start(const struct run *run, struct page **page)
{
    struct page *pages[CACHE_RUN_PAGES];
    unsigned wanted = MIN(run->count, (u32)CACHE_RUN_PAGES);
    unsigned count = wanted + MIN(run->ahead, CACHE_RUN_PAGES - wanted);

    *page = NULL;
    if (count > wanted)
        count = wanted + ahead_make_room(count - wanted);
    run_alloc(pages, &count);
    if (count == 0)
        return -ENOMEM;
    count = run_insert(run->object, run->index, pages, count, wanted);
    if (count == 0)
        return 0;
    run_read(run->object, pages, count);
    *page = pages[0];
    pages_put(pages + 1, count - 1);
    return 0;
}

/* ---- Reading ahead ---- */

/* Pages for reading ahead: no more than there is memory that nobody uses. */
static unsigned
ahead_alloc(struct page **pages, u32 count)
{
    u32 reserve = cache.free_pages_wanted + FREE_PAGES_MIN, free, got = 0;

    count = ahead_make_room(count);
    if (pages_free() < reserve + count)
        list_shrink(&cache.pages, count, 2 * count, false);
    free = pages_free();
    count = free > reserve ? MIN(count, free - reserve) : 0;
    while (got < count && (pages[got] = page_alloc()) != NULL)
        got++;
    return got;
}

/* The first missing page from `index` on, and how many of `count` are missing from there on. */
static u32
missing_stretch(const struct cache_object *object, u32 *index, u32 count)
{
    u32 end = *index + count, last;

    INTERRUPTS_OFF_SCOPE();
    while (*index < end && table_find(object, *index))
        ++*index;
    for (last = *index; last < end && !table_find(object, last);)
        last++;
    return last - *index;
}

u32
cache_read_ahead(struct cache_object *object, u32 index, u32 count)
{
    struct page **pages = NULL;
    u32 started = 0;

    for (u32 end = index + count; index < end;) {
        u32 stretch = missing_stretch(object, &index, MIN(end - index, (u32)CACHE_AHEAD_PAGES));
        if (stretch == 0)
            continue;
        if (!pages)
            pages = heap_alloc(CACHE_AHEAD_PAGES * sizeof *pages);
        u32 got = pages ? ahead_alloc(pages, stretch) : 0;
        if (got == 0) {
            cache.statistics.ahead_refused++;
            break;
        }
        got = run_insert(object, index, pages, got, 0);
        if (got > 0)
            run_read(object, pages, got);
        pages_put(pages, got);
        index += got;
        started += got;
    }
    heap_free(pages);
    return started;
}

struct page *
cache_adopt(struct cache_object *object, u32 index)
{
    struct page *page;

    if (cache_ahead_room() == 0 ||
        pages_free() < cache.free_pages_wanted + FREE_PAGES_MIN || table_find(object, index))
        return NULL;
    page = page_alloc();
    if (page) {
        table_insert(object, index, page, PAGE_READING, PRIVATE_OF_CACHE);
        page_get(page);
        cache.reading++;
    }
    return page;
}

/* ---- Waiting for what is read ---- */

/* Nobody may have waited for the page's read so far; now somebody does. */
static void
page_hurry(struct page *page)
{
    struct cache_object *object;
    {
        INTERRUPTS_OFF_SCOPE();
        object = page->object;
        if (page->state != PAGE_READING || !object || !(page->private & PAGE_PRIVATE_FRESH))
            return;
        page->private &= ~PAGE_PRIVATE_FRESH;
    }
    if (object->ops->want_page)
        object->ops->want_page(object, page->index);
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
cache_get_missing(const struct run *run, struct page *page, struct page **result)
{
    for (;;) {
        bool started = false, retry;
        int error;
        if (!page) {
            error = run_start(run, &page);
            if (error == -ENOMEM)
                error = memory_wait();
            if (error)
                return error;
            started = page != NULL;
        }
        if (page) {
            if (!started)
                page_hurry(page);
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
        page = cache_look(run->object, run->index);
    }
}

int
cache_get_run_ahead(struct cache_object *object, u32 index, u32 count, u32 ahead,
                    struct page **result)
{
    struct page *page = cache_look(object, index);

    if (likely(page && page->state == PAGE_VALID)) {
        cache.statistics.hits++;
        *result = page;
        return 0;
    }
    return cache_get_missing(&(struct run){object, index, MAX(count, 1u), ahead}, page, result);
}

int
cache_get_run(struct cache_object *object, u32 index, u32 count, struct page **page)
{
    return cache_get_run_ahead(object, index, count, 0, page);
}

int
cache_get(struct cache_object *object, u32 index, struct page **page)
{
    return cache_get_run_ahead(object, index, 1, 0, page);
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
        table_insert(object, index, page, PAGE_VALID, 0);
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
    list_init(&cache.ahead);
    cache.ahead_most = cache.displaceable = pages_total() / AHEAD_SHARE;
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
