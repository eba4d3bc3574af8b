// sources: fs/cache.c tests/host/support/*.c
/* The page cache against an object whose reads end when the test says so. */
#include "arch.h"
#include "fs/cache.h"
#include "host.h"
#include "kernel/fibril.h"
#include "kernel/task.h"
#include "kernel/wait.h"

#define PENDING_MAX 256

static struct cache_object object;
static struct page *pending[PENDING_MAX]; /* being read; referenced as by a request */
static unsigned pending_count, calls, last_count;
static int next_error;   /* what the reads end with */
static int start_error;  /* what the next call of read_pages ends its pages with, at once */

static void
read_pages(struct cache_object *owner, struct page **pages, unsigned count)
{
    int error = start_error;

    calls++;
    last_count = count;
    start_error = 0;
    for (unsigned i = 0; i < count; i++) {
        if (error) {
            cache_page_done(pages[i], error);
            continue;
        }
        page_get(pages[i]);
        pending[pending_count++] = pages[i];
    }
}

static bool
finish_one(void)
{
    struct page *page;

    if (pending_count == 0)
        return false;
    page = pending[0];
    memmove(pending, pending + 1, --pending_count * sizeof *pending);
    memset(page_address(page), (int)page->index + 1, PAGE_SIZE);
    interrupt_state state = interrupts_save();
    cache_page_done(page, next_error);
    interrupts_restore(state);
    page_put(page);
    return true;
}

static void
reset(void)
{
    static const struct cache_object_ops ops = {.read_pages = read_pages};
    cache_object_init(&object, &ops);
    host_pump = finish_one;
    pending_count = calls = last_count = 0;
    next_error = start_error = 0;
}

/* ---- Fibrils that get a page ---- */

struct getter {
    u32 index;
    int error;
    bool done;
    struct fibril *fibril;
    struct page *page;
};
static struct wait_queue getters_done = WAIT_QUEUE_INIT(getters_done, "getters");

static void
getter_main(void *argument)
{
    struct getter *getter = argument;
    getter->error = cache_get(&object, getter->index, &getter->page);
    if (!getter->error)
        page_put(getter->page);
    getter->done = true;
    wake_up_all(&getters_done);
}

static void
getter_start(struct getter *getter, u32 index)
{
    *getter = (struct getter){.index = index};
    getter->fibril = kernel_fibril_start(getter_main, getter);
}

static void
run_others(void)
{
    for (int i = 0; i < 8; i++)
        schedule_yield();
}

/* ---- Tests ---- */

static void
miss_then_hit(void)
{
    struct page *page;
    reset();
    CHECK(cache_get(&object, 7, &page) == 0);
    CHECK(*(u8 *)page_address(page) == 8 && page->references == 2);
    page_put(page);
    CHECK(cache_get(&object, 7, &page) == 0);
    page_put(page);
    CHECK(calls == 1 && object.page_count == 1);
    cache_drop_object(&object);
    CHECK(object.page_count == 0);
}

static void
two_fibrils_read_once(void)
{
    struct getter a, b;
    reset();
    getter_start(&a, 3);
    getter_start(&b, 3);
    run_others();
    CHECK(calls == 1 && !a.done && !b.done);
    wait_event(&getters_done, a.done && b.done);
    CHECK(a.error == 0 && b.error == 0 && a.page == b.page && calls == 1);
    cache_drop_object(&object);
}

static void
run_is_started_together(void)
{
    struct page *page;
    reset();
    CHECK(cache_get_run(&object, 0, 20, &page) == 0);
    page_put(page);
    CHECK(calls == 1 && last_count == CACHE_RUN_PAGES);
    while (finish_one())
        ;
    CHECK(cache_get_run(&object, 10, 20, &page) == 0);
    page_put(page);
    CHECK(calls == 1);
    cache_drop_object(&object);
}

static void
run_stops_at_a_page_that_is_there(void)
{
    struct page *page;
    reset();
    CHECK(cache_get(&object, 5, &page) == 0);
    page_put(page);
    CHECK(cache_get_run(&object, 2, 8, &page) == 0);
    page_put(page);
    CHECK(last_count == 3, "count %u", last_count);
    while (finish_one())
        ;
    cache_drop_object(&object);
}

static void
failed_page_leaves_the_cache(void)
{
    struct page *page;
    reset();
    next_error = -EIO;
    CHECK(cache_get(&object, 1, &page) == -EIO);
    CHECK(object.page_count == 0 && calls == 1);
    next_error = 0;
    CHECK(cache_get(&object, 1, &page) == 0);
    CHECK(calls == 2);
    page_put(page);
    cache_drop_object(&object);
}

static void
those_who_wait_see_the_error(void)
{
    struct getter a, b;
    reset();
    next_error = -EIO;
    getter_start(&a, 3);
    getter_start(&b, 3);
    wait_event(&getters_done, a.done && b.done);
    CHECK(a.error == -EIO && b.error == -EIO && calls == 1);
}

/* One page of a run fails: its neighbours are good. */
static void
only_the_bad_page_of_a_run_fails(void)
{
    struct page *page;
    reset();
    CHECK(cache_get_run(&object, 0, 3, &page) == 0);
    page_put(page);
    next_error = -EIO;
    finish_one();
    next_error = 0;
    finish_one();
    CHECK(object.page_count == 2);
    page = cache_peek(&object, 2);
    CHECK(page);
    page_put(page);
    cache_drop_object(&object);
}

/* read_pages of the one that starts fails as it would for a cancelled fibril; the other tries. */
static void
a_cancelled_starter_makes_the_next_one_try(void)
{
    struct getter a, b;
    struct page *page;
    reset();
    start_error = -EINTR;
    CHECK(cache_get(&object, 3, &page) == -EINTR);
    getter_start(&a, 3);
    getter_start(&b, 3);
    run_others();
    CHECK(pending_count == 1);
    next_error = -EINTR; /* what a later part of the read was told */
    finish_one();
    next_error = 0;
    wait_event(&getters_done, a.done && b.done);
    CHECK(a.error == -EINTR && b.error == 0 && calls == 3, "%d %d %u", a.error, b.error, calls);
    cache_drop_object(&object);
}

static void
a_waiter_may_leave(void)
{
    struct getter a;
    struct page *page;
    reset();
    host_pump = NULL;
    getter_start(&a, 3);
    run_others();
    fibril_cancel(a.fibril, -EINTR);
    wait_event(&getters_done, a.done);
    CHECK(a.error == -EINTR && object.page_count == 1);
    CHECK(!cache_peek(&object, 3));
    finish_one();
    page = cache_peek(&object, 3);
    CHECK(page && *(u8 *)page_address(page) == 4);
    page_put(page);
    cache_drop_object(&object);
}

static void
no_memory_is_an_error(void)
{
    struct page *page;
    reset();
    host_alloc_limit = 0;
    CHECK(cache_get(&object, 1, &page) == -ENOMEM);
    host_alloc_limit = 1; /* a run gets shorter */
    CHECK(cache_get_run(&object, 1, 5, &page) == 0);
    host_alloc_limit = -1;
    CHECK(last_count == 1);
    page_put(page);
    cache_drop_object(&object);
}

/* While pages are being read there will be memory: one waits for it. */
static void
no_memory_waits_for_reads(void)
{
    struct getter a, b;
    reset();
    getter_start(&a, 1);
    run_others();
    host_pump = NULL;
    host_alloc_limit = 0;
    getter_start(&b, 2);
    run_others();
    CHECK(!b.done && calls == 1);
    finish_one();
    wait_event(&getters_done, b.done); /* nothing is being read any more */
    CHECK(b.error == -ENOMEM);
    host_alloc_limit = -1;
    getter_start(&a, 3);
    run_others();
    host_alloc_limit = 0;
    getter_start(&b, 2);
    run_others();
    CHECK(!b.done);
    host_alloc_limit = -1;
    host_pump = finish_one;
    wait_event(&getters_done, b.done);
    CHECK(b.error == 0 && a.error == 0);
    cache_drop_object(&object);
}

static void
object_goes_while_a_page_is_being_read(void)
{
    struct getter a;
    reset();
    host_pump = NULL;
    getter_start(&a, 3);
    run_others();
    fibril_cancel(a.fibril, -EINTR);
    wait_event(&getters_done, a.done);
    cache_drop_object(&object);
    memset(&object, 0x55, sizeof object); /* its memory is used for something else */
    next_error = -EIO;
    finish_one();
}

static void
parts_end_the_page_with_the_first_error(void)
{
    struct getter a;
    struct page *page;
    reset();
    host_pump = NULL;
    getter_start(&a, 0);
    run_others();
    page = pending[0];
    cache_page_expect(page, 3);
    cache_page_part_done(page, 0);
    cache_page_part_done(page, -EIO);
    run_others();
    CHECK(!a.done);
    cache_page_part_done(page, -ENOMEM);
    wait_event(&getters_done, a.done);
    CHECK(a.error == -EIO, "%d", a.error);
    page_put(page);
    pending_count = 0;
}

static void
parts_are_counted_after_the_object_has_gone(void)
{
    struct getter a;
    struct page *page;
    reset();
    host_pump = NULL;
    getter_start(&a, 0);
    run_others();
    page = pending[0];
    cache_page_expect(page, 2);
    cache_drop_object(&object);
    cache_page_part_done(page, 0);
    run_others();
    CHECK(!a.done);
    cache_page_part_done(page, 0);
    wait_event(&getters_done, a.done);
    CHECK(a.error == 0);
    page_put(page);
    pending_count = 0;
}

static void
fill(u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct page *page;
        if (cache_get(&object, i, &page) == 0)
            page_put(page);
    }
}

static void
drop_all_spares_what_is_in_use(void)
{
    struct page *page;
    reset();
    fill(20);
    CHECK(cache_get(&object, 7, &page) == 0);
    cache_drop_all();
    CHECK(object.page_count == 1);
    page_put(page);
    cache_drop_all();
    CHECK(object.page_count == 0);
}

static void
drop_from_drops_the_tail(void)
{
    struct page *page;
    reset();
    fill(20);
    cache_drop_from(&object, 12);
    CHECK(object.page_count == 12);
    CHECK(!cache_peek(&object, 12));
    CHECK((page = cache_peek(&object, 11)) != NULL);
    page_put(page);
    CHECK(cache_get(&object, 0xfffffffe, &page) == 0); /* far away: the other way to look */
    page_put(page);
    cache_drop_from(&object, 5);
    CHECK(object.page_count == 5);
    cache_drop_object(&object);
    CHECK(object.page_count == 0);
}

static unsigned (*shrink)(unsigned wanted);

void
page_register_shrinker(struct page_shrinker *shrinker)
{
    shrink = shrinker->shrink;
}

static void
used_pages_get_a_second_chance(void)
{
    struct page *page;
    reset();
    fill(10);
    for (u32 i = 0; i < 3; i++) { /* the oldest are used again */
        CHECK(cache_get(&object, i, &page) == 0);
        page_put(page);
    }
    CHECK(shrink(4) == 4);
    CHECK(object.page_count == 6);
    for (u32 i = 0; i < 10; i++) {
        page = cache_peek(&object, i);
        CHECK(!page == (i >= 3 && i < 7), "page %u", i);
        if (page)
            page_put(page);
    }
    CHECK(shrink(100) == 6 && object.page_count == 0);
}

static void
pinned_pages_stay(void)
{
    struct page *page, *again;
    reset();
    object.pinned = true;
    CHECK(cache_create(&object, 4, &page) == 0);
    CHECK(*(u8 *)page_address(page) == 0);
    page_put(page);
    cache_drop_all();
    CHECK(shrink(10) == 0 && object.page_count == 1);
    CHECK(cache_create(&object, 4, &again) == 0 && again == page);
    page_put(again);
    cache_drop_object(&object);
}

/* Many fibrils, many pages, errors and cancellations, from a printed seed. */
static void
random_mix(void)
{
    static struct getter getters[20];
    unsigned seed = 12345;
    reset();
    for (unsigned i = 0; i < 20; i++)
        getter_start(&getters[i], (seed = seed * 1103515245 + 12345) >> 16 & 3);
    for (unsigned step = 0; step < 200; step++) {
        seed = seed * 1103515245 + 12345;
        next_error = seed >> 16 & 1 ? -EIO : 0;
        if (seed >> 20 & 1)
            finish_one();
        if ((seed >> 21 & 7) == 0)
            fibril_cancel(getters[seed >> 24 & 15].fibril, -ECANCELED);
        schedule_yield();
    }
    for (unsigned i = 0; i < 20; i++) {
        wait_event(&getters_done, getters[i].done);
        CHECK(getters[i].error == 0 || getters[i].error == -EIO ||
                  getters[i].error == -ECANCELED,
              "error %d", getters[i].error);
    }
    while (finish_one())
        ;
    cache_drop_object(&object);
}

int
main(void)
{
    cache_init();
    RUN_TEST(miss_then_hit);
    RUN_TEST(two_fibrils_read_once);
    RUN_TEST(run_is_started_together);
    RUN_TEST(run_stops_at_a_page_that_is_there);
    RUN_TEST(failed_page_leaves_the_cache);
    RUN_TEST(those_who_wait_see_the_error);
    RUN_TEST(only_the_bad_page_of_a_run_fails);
    RUN_TEST(a_cancelled_starter_makes_the_next_one_try);
    RUN_TEST(a_waiter_may_leave);
    RUN_TEST(no_memory_is_an_error);
    RUN_TEST(no_memory_waits_for_reads);
    RUN_TEST(object_goes_while_a_page_is_being_read);
    RUN_TEST(parts_end_the_page_with_the_first_error);
    RUN_TEST(parts_are_counted_after_the_object_has_gone);
    RUN_TEST(drop_all_spares_what_is_in_use);
    RUN_TEST(drop_from_drops_the_tail);
    RUN_TEST(used_pages_get_a_second_chance);
    RUN_TEST(pinned_pages_stay);
    RUN_TEST(random_mix);
    return test_result();
}
