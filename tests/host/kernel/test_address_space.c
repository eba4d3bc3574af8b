// sources: kernel/address_space.c kernel/shared_memory.c tests/host/support/*.c
/* Areas and faults against a map with one entry per page: what is mapped, how it is protected, and the
 * byte that stands at its beginning; across forks, with every allocation failing in turn. */
#include "kernel/address_space.h"
#include "host.h"
#include "kernel/map_source.h"
#include "paging.h"

#define BASE 0x10000000u
#define WINDOW 48u /* pages */
#define READ PROTECTION_READ
#define WRITE PROTECTION_WRITE
#define READ_WRITE (READ | WRITE)

struct model_page {
    bool mapped;
    u32 protection;
    u8 byte;
};

struct world {
    struct address_space *space;
    struct model_page pages[WINDOW];
};

static uintptr_t
at(unsigned page)
{
    return BASE + page * PAGE_SIZE;
}

static u8 *
byte_of(struct address_space *space, uintptr_t address)
{
    u32 physical = page_lookup(space->directory, address, NULL);
    return physical ? physical_to_virtual(physical) : NULL;
}

/* What the CPU and the fault handler together do for a program's access: 0, or what ends it. */
static int
touch(struct address_space *space, uintptr_t address, bool write)
{
    for (int attempt = 0; attempt < 4; attempt++) {
        unsigned flags;
        u32 physical = page_lookup(space->directory, address, &flags);
        if (physical && !(flags & MAP_HIDDEN) && (!write || flags & MAP_WRITE))
            return 0;
        int error = address_space_fault(space, address, write);
        if (error)
            return error;
    }
    return -EIO; /* a fault that is mended for ever */
}

static int
load(struct address_space *space, uintptr_t address, u8 *byte)
{
    int error = touch(space, address, false);
    if (!error)
        *byte = *byte_of(space, address);
    return error;
}

static int
store(struct address_space *space, uintptr_t address, u8 byte)
{
    int error = touch(space, address, true);
    if (!error)
        *byte_of(space, address) = byte;
    return error;
}

/* ---- The world and its model ---- */

/* Do areas and model agree, and are the areas in order? */
static const char *
wrong(const struct world *world)
{
    uintptr_t end = 0;
    const struct area *area;
    u32 shown = 0;
    list_for_each(area, &world->space->areas, link) {
        if (area->start < end || area->start >= area->end)
            return "areas overlap or are out of order";
        end = area->end;
    }
    for (unsigned i = 0; i < WINDOW; i++) {
        const struct model_page *page = &world->pages[i];
        area = area_find(world->space, at(i));
        if (!area != !page->mapped)
            return page->mapped ? "an area is missing" : "an area too many";
        if (area && area->protection != page->protection)
            return "another protection";
        const u8 *byte = byte_of(world->space, at(i));
        if (byte && !area)
            return "a page without an area";
        if (area && (byte ? *byte : 0) != page->byte)
            return "other contents";
        shown += !!byte;
    }
    return shown == world->space->page_count ? NULL : "pages are counted wrongly";
}

static void
model_set(struct world *world, unsigned first, unsigned count, struct model_page page)
{
    for (unsigned i = first; i < first + count; i++)
        world->pages[i] = page;
}

static bool
model_mapped(const struct world *world, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        if (!world->pages[i].mapped)
            return false;
    return true;
}

/* After -ENOMEM, area_create may have taken away what was there, all or nothing of it. */
static void
model_after_failed_create(struct world *world, unsigned first, unsigned count)
{
    if (area_range_free(world->space, at(first), at(first + count)))
        model_set(world, first, count, (struct model_page){false, 0, 0});
}

/* Up to the first hole. */
static void
model_protect(struct world *world, unsigned first, unsigned count, u32 protection)
{
    for (unsigned i = first; i < first + count && world->pages[i].mapped; i++)
        world->pages[i].protection = protection;
}

/* -ENOMEM may be for the hole or for a lack of memory, which leaves everything as it was. */
static void
model_protect_if_done(struct world *world, unsigned first, unsigned count, u32 protection)
{
    const struct area *area = area_find(world->space, at(first));
    if (area && area->protection == protection)
        model_protect(world, first, count, protection);
}

static const char *
access_check(struct world *world, unsigned page, bool write)
{
    struct model_page *model = &world->pages[page];
    u8 byte = 0, value = (u8)(1 + rand() % 255);
    int error = write ? store(world->space, at(page) + 1234 * 0, value)
                      : load(world->space, at(page), &byte);
    bool allowed = model->mapped && (write ? model->protection & WRITE : model->protection);
    if (error == -ENOMEM && host_alloc_limit == 0)
        return NULL;
    if (allowed != !error)
        return error ? "an access that is allowed failed" : "an access that is not allowed succeeded";
    if (error && error != (model->mapped ? -EACCES : -EFAULT))
        return "another error";
    if (!error && write)
        model->byte = value;
    return !error && !write && byte != model->byte ? "another byte was read" : NULL;
}

/* One random operation; NULL, or what did not agree with the model. */
static const char *
step(struct world *world)
{
    static const u32 protections[] = {0, READ, READ_WRITE, READ_WRITE, READ | PROTECTION_EXECUTE};
    unsigned first = (unsigned)rand() % WINDOW, count = 1 + (unsigned)rand() % MIN(12u, WINDOW - first);
    u32 protection = protections[rand() % 5];
    size_t size = count * PAGE_SIZE;
    int error;
    switch (rand() % 8) {
    case 0:
        error = area_create(world->space, at(first), size, protection);
        if (error)
            model_after_failed_create(world, first, count);
        else
            model_set(world, first, count, (struct model_page){true, protection, 0});
        break;
    case 1:
        error = area_remove(world->space, at(first), size);
        if (!error)
            model_set(world, first, count, (struct model_page){false, 0, 0});
        break;
    case 2:
        error = area_protect(world->space, at(first), size, protection);
        if (!error && !model_mapped(world, first, count))
            return "a range with a hole was protected";
        if (!error || host_alloc_limit != 0)
            model_protect(world, first, count, protection);
        else if (!model_mapped(world, first, count))
            model_protect_if_done(world, first, count, protection);
        if (!model_mapped(world, first, count))
            return error == -ENOMEM ? NULL : "another error";
        break;
    default:
        return access_check(world, first, rand() % 2);
    }
    return error && !(error == -ENOMEM && host_alloc_limit == 0) ? "it failed" : NULL;
}

static bool
world_create(struct world *world)
{
    *world = (struct world){.space = NULL};
    return address_space_create(&world->space) == 0;
}

/* ---- */

static void
random_against_a_model(void)
{
    srand(11);
    for (unsigned round = 0; round < 60; round++) {
        struct world world;
        CHECK(world_create(&world));
        for (unsigned i = 0; i < 400; i++) {
            const char *why = step(&world);
            why = why ? why : wrong(&world);
            CHECK(!why, "round %u, step %u: %s", round, i, why);
        }
        address_space_put(world.space);
    }
}

/* A family of up to four address spaces that fork from each other: what one writes no other sees. */
static void
forks_against_models(void)
{
    srand(12);
    for (unsigned round = 0; round < 40; round++) {
        struct world worlds[4] = {{.space = NULL}};
        CHECK(world_create(&worlds[0]));
        for (unsigned i = 0; i < 600; i++) {
            struct world *world = &worlds[rand() % 4], *other = &worlds[rand() % 4];
            if (world->space && world != other && rand() % 40 == 0) {
                if (other->space)
                    address_space_put(other->space);
                *other = *world;
                CHECK(address_space_copy(world->space, &other->space) == 0);
            }
            if (!world->space)
                continue;
            const char *why = step(world);
            for (unsigned j = 0; j < 4 && !why; j++)
                why = worlds[j].space ? wrong(&worlds[j]) : NULL;
            CHECK(!why, "round %u, step %u: %s", round, i, why);
        }
        for (unsigned j = 0; j < 4; j++)
            if (worlds[j].space)
                address_space_put(worlds[j].space);
    }
}

/* The Nth allocation fails, for every N: -ENOMEM, the model still agrees, nothing leaks (which
 * host_run_test looks at). */
static void
every_allocation_fails_once(void)
{
    for (int limit = 0; limit < 120; limit++) {
        struct world world, child = {.space = NULL};
        srand(13);
        host_alloc_limit = limit;
        if (!world_create(&world)) {
            host_alloc_limit = -1;
            continue;
        }
        for (unsigned i = 0; i < 150; i++) {
            const char *why = step(&world);
            why = why ? why : wrong(&world);
            CHECK(!why, "allocation %d, step %u: %s", limit, i, why);
            if (i == 100 && address_space_copy(world.space, &child.space) == 0) {
                memcpy(child.pages, world.pages, sizeof(child.pages));
                CHECK(!wrong(&child), "allocation %d: %s", limit, wrong(&child));
            }
        }
        host_alloc_limit = -1;
        if (child.space)
            address_space_put(child.space);
        address_space_put(world.space);
    }
}

static void
bad_ranges(void)
{
    static const struct {
        uintptr_t start;
        size_t size;
    } bad[] = {{BASE + 1, PAGE_SIZE}, {BASE, PAGE_SIZE + 1}, {BASE, 0}, {USER_END, PAGE_SIZE},
               {USER_END - PAGE_SIZE, 2 * PAGE_SIZE}, {BASE, 0x80000000u}, {BASE, 0xfffff000u},
               {0xfffff000u, PAGE_SIZE}, {0xfffff000u, 0x2000}};
    struct address_space *space;
    CHECK(address_space_create(&space) == 0);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK(area_create(space, bad[i].start, bad[i].size, READ) == -EINVAL, "%u", i);
        CHECK(area_remove(space, bad[i].start, bad[i].size) == -EINVAL, "%u", i);
        CHECK(area_protect(space, bad[i].start, bad[i].size, READ) == -EINVAL, "%u", i);
    }
    CHECK(area_create(space, 0, USER_END, READ) == 0);
    CHECK(area_remove(space, PAGE_SIZE, USER_END - 2 * PAGE_SIZE) == 0);
    CHECK(area_find(space, 0) && area_find(space, USER_END - 1) && !area_find(space, PAGE_SIZE));
    address_space_put(space);
}

/* ---- Free ranges ---- */

static void
free_ranges_from_the_top(void)
{
    struct address_space *space;
    uintptr_t first, second, third;
    CHECK(address_space_create(&space) == 0);
    CHECK(area_create(space, USER_STACK_TOP - USER_STACK_BYTES, USER_STACK_BYTES, READ_WRITE) == 0);
    CHECK(area_find_free(space, 3 * PAGE_SIZE, &first) == 0 && first + 3 * PAGE_SIZE == USER_MAP_TOP);
    CHECK(area_create(space, first, 3 * PAGE_SIZE, READ) == 0);
    CHECK(area_find_free(space, PAGE_SIZE, &second) == 0 && second == first - PAGE_SIZE);
    CHECK(area_create(space, first - 4 * PAGE_SIZE, PAGE_SIZE, READ | PROTECTION_EXECUTE) == 0);
    CHECK(area_find_free(space, 3 * PAGE_SIZE, &second) == 0 && second == first - 3 * PAGE_SIZE);
    CHECK(area_find_free(space, 4 * PAGE_SIZE, &third) == 0 && third == first - 8 * PAGE_SIZE);
    CHECK(area_find_free(space, USER_MAP_TOP - 2 * PAGE_SIZE, &third) == -ENOMEM);
    address_space_put(space);
}

static void
free_ranges_in_random_holes(void)
{
    srand(14);
    for (unsigned round = 0; round < 300; round++) {
        struct address_space *space;
        bool used[64] = {false};
        CHECK(address_space_create(&space) == 0);
        CHECK(area_create(space, 0, USER_MAP_TOP - 64 * PAGE_SIZE, READ) == 0);
        for (unsigned i = 0; i < 64; i++)
            if ((used[i] = rand() % 3 == 0))
                CHECK(area_create(space, USER_MAP_TOP - (64 - i) * PAGE_SIZE, PAGE_SIZE, READ_WRITE) == 0);
        for (unsigned size = 1; size < 8; size++) {
            int expected = -1; /* the highest hole that is large enough */
            for (unsigned i = 0, run = 0; i < 64; i++) {
                run = used[i] ? 0 : run + 1;
                if (run >= size)
                    expected = (int)(i + 1 - size);
            }
            uintptr_t start = 0;
            int error = area_find_free(space, size * PAGE_SIZE, &start);
            CHECK(expected < 0 ? error == -ENOMEM
                               : !error && start == USER_MAP_TOP - (64 - (unsigned)expected) * PAGE_SIZE,
                  "round %u, size %u", round, size);
        }
        address_space_put(space);
    }
}

/* ---- Neighbours that become one ---- */

static void
growing_memory_is_one_area(void)
{
    struct address_space *space;
    CHECK(address_space_create(&space) == 0);
    for (unsigned i = 0; i < 1000; i++)
        CHECK(area_create(space, at(i), PAGE_SIZE, READ_WRITE) == 0);
    CHECK(space->area_count <= 2, "%u areas", space->area_count);
    address_space_put(space);
}

static void
a_program_cannot_have_areas_without_end(void)
{
    struct address_space *space;
    int error = 0;
    CHECK(address_space_create(&space) == 0);
    unsigned i = 0;
    for (; i < AREAS_MOST + 10 && !error; i++)
        error = area_create(space, at(2 * i), PAGE_SIZE, READ);
    CHECK(error == -ENOMEM && i >= AREAS_MOST / 2);
    address_space_put(space);
}

/* ---- Sources ---- */

static struct address_space *source_space;
static void (*while_source_sleeps)(void), (*while_source_goes)(void);
static struct page *source_page;
static int source_error;
static unsigned sources_released;

static int
source_get_page(struct map_source *source, u32 index, struct page **page)
{
    if (while_source_sleeps)
        while_source_sleeps();
    if (source_error)
        return source_error;
    page_get(source_page);
    *page = source_page;
    return 0;
}

static void
source_release(struct map_source *source)
{
    sources_released++;
    if (while_source_goes)
        while_source_goes();
}

static const struct map_source_ops source_ops = {source_get_page, source_release, NULL};

static bool
source_begin(struct map_source *source)
{
    *source = (struct map_source){.references = 1, .ops = &source_ops};
    while_source_sleeps = while_source_goes = NULL;
    source_error = 0;
    sources_released = 0;
    source_page = page_alloc_zeroed();
    return address_space_create(&source_space) == 0 && source_page;
}

static void
a_private_source_is_copied_when_written(void)
{
    struct map_source source;
    u8 byte;
    CHECK(source_begin(&source));
    *(u8 *)page_address(source_page) = 77;
    CHECK(area_create_mapped(source_space, at(0), 4 * PAGE_SIZE, READ_WRITE, false, &source, 5) == 0);
    CHECK(load(source_space, at(1), &byte) == 0 && byte == 77);
    CHECK(store(source_space, at(1), 78) == 0 && store(source_space, at(2), 79) == 0);
    CHECK(*(u8 *)page_address(source_page) == 77 && *byte_of(source_space, at(1)) == 78);
    map_source_put(&source);
    address_space_put(source_space);
    CHECK(sources_released == 1 && source_page->references == 1);
    page_put(source_page);
}

static struct page *numbered[8];

static int
numbered_get_page(struct map_source *source, u32 index, struct page **page)
{
    if (index >= ARRAY_SIZE(numbered))
        return -ENXIO;
    page_get(numbered[index]);
    *page = numbered[index];
    return 0;
}

/* Each part of an area that has been split shows its own pages, and holds the source. */
static void
parts_of_a_split_area_show_their_own_pages(void)
{
    static const struct map_source_ops ops = {numbered_get_page, source_release, NULL};
    struct map_source source;
    u8 byte;
    CHECK(source_begin(&source));
    source.ops = &ops;
    for (unsigned i = 0; i < ARRAY_SIZE(numbered); i++) {
        numbered[i] = page_alloc_zeroed();
        *(u8 *)page_address(numbered[i]) = (u8)(40 + i);
    }
    CHECK(area_create_mapped(source_space, at(0), 7 * PAGE_SIZE, READ, false, &source, 1) == 0);
    map_source_put(&source);
    CHECK(area_remove(source_space, at(2), PAGE_SIZE) == 0);
    CHECK(area_protect(source_space, at(4), PAGE_SIZE, READ_WRITE) == 0);
    for (unsigned i = 0; i < 7; i++)
        if (i != 2)
            CHECK(load(source_space, at(i), &byte) == 0 && byte == 41 + i, "page %u shows %u", i, byte);
    CHECK(area_remove(source_space, at(0), 6 * PAGE_SIZE) == 0 && sources_released == 0);
    address_space_put(source_space);
    CHECK(sources_released == 1);
    for (unsigned i = 0; i < ARRAY_SIZE(numbered); i++)
        page_put(numbered[i]);
    page_put(source_page);
}

static void
a_shared_source_is_written_through(void)
{
    struct map_source source;
    struct address_space *child;
    CHECK(source_begin(&source));
    CHECK(area_create_mapped(source_space, at(0), 2 * PAGE_SIZE, READ_WRITE, true, &source, 0) == 0);
    map_source_put(&source);
    CHECK(store(source_space, at(0), 5) == 0 && *(u8 *)page_address(source_page) == 5);
    CHECK(address_space_copy(source_space, &child) == 0);
    CHECK(store(child, at(0), 6) == 0 && *byte_of(source_space, at(0)) == 6);
    address_space_put(source_space);
    CHECK(sources_released == 0);
    address_space_put(child);
    CHECK(sources_released == 1 && source_page->references == 1);
    page_put(source_page);
}

static void
the_errors_of_a_source_reach_the_program(void)
{
    static const int errors[] = {-ENXIO, -EIO, -ENOMEM, -EINTR};
    struct map_source source;
    CHECK(source_begin(&source));
    CHECK(area_create_mapped(source_space, at(0), PAGE_SIZE, READ, false, &source, 0) == 0);
    map_source_put(&source);
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        source_error = errors[i];
        CHECK(touch(source_space, at(0), false) == errors[i]);
    }
    source_error = 0;
    CHECK(touch(source_space, at(0), false) == 0);
    address_space_put(source_space);
    page_put(source_page);
}

static void
unmap_meanwhile(void)
{
    while_source_sleeps = NULL;
    if (area_remove(source_space, at(0), 4 * PAGE_SIZE))
        abort();
}

static void
unmap_and_map_meanwhile(void)
{
    unmap_meanwhile();
    if (area_create(source_space, at(0), 4 * PAGE_SIZE, READ_WRITE))
        abort();
}

static void
touch_meanwhile(void)
{
    while_source_sleeps = NULL;
    if (touch(source_space, at(1), true))
        abort();
}

static void
areas_that_change_while_a_fault_sleeps(void)
{
    struct map_source source;
    u8 byte = 9;
    CHECK(source_begin(&source));
    *(u8 *)page_address(source_page) = 77;
    for (int write = 0; write < 2; write++) {
        CHECK(area_create_mapped(source_space, at(0), 4 * PAGE_SIZE, READ_WRITE, false, &source, 0) == 0);
        while_source_sleeps = unmap_meanwhile;
        CHECK(touch(source_space, at(1), write) == -EFAULT);
        CHECK(area_create_mapped(source_space, at(0), 4 * PAGE_SIZE, READ_WRITE, false, &source, 0) == 0);
        while_source_sleeps = unmap_and_map_meanwhile;
        CHECK(touch(source_space, at(1), write) == 0);
        CHECK(load(source_space, at(1), &byte) == 0 && byte == 0);
        CHECK(area_create_mapped(source_space, at(0), 4 * PAGE_SIZE, READ_WRITE, false, &source, 0) == 0);
        while_source_sleeps = touch_meanwhile;
        CHECK(touch(source_space, at(1), write) == 0);
    }
    map_source_put(&source);
    address_space_put(source_space);
    CHECK(source_page->references == 1);
    page_put(source_page);
}

static void
unmap_the_rest(void)
{
    while_source_goes = NULL;
    if (area_remove(source_space, at(0), 32 * PAGE_SIZE) ||
        area_create(source_space, at(1), PAGE_SIZE, READ_WRITE) || touch(source_space, at(1), true))
        abort();
}

/* Giving a source up may sleep, and another call of the program changes the areas meanwhile. */
static void
bug_areas_that_changed_while_a_source_was_given_up(void)
{
    struct map_source sources[8];
    CHECK(source_begin(&sources[0]));
    for (unsigned i = 0; i < 8; i++) {
        sources[i] = (struct map_source){.references = 1, .ops = &source_ops};
        CHECK(area_create_mapped(source_space, at(2 * i), PAGE_SIZE, READ, i % 2, &sources[i], 0) == 0);
        CHECK(touch(source_space, at(2 * i), false) == 0);
        map_source_put(&sources[i]);
    }
    while_source_goes = unmap_the_rest;
    CHECK(area_remove(source_space, at(0), 16 * PAGE_SIZE) == 0);
    CHECK(sources_released == 8, "%u released", sources_released);
    CHECK(area_find(source_space, at(1)), "a mapping made meanwhile went with the old ones");
    CHECK(source_space->area_count == 1 && source_space->page_count == 1);
    address_space_put(source_space);
    CHECK(source_page->references == 1);
    page_put(source_page);
}

static void
shared_memory(void)
{
    struct map_source *source;
    struct address_space *parent, *child;
    u8 byte;
    CHECK(shared_memory_create(3 * PAGE_SIZE - 5, &source) == 0);
    CHECK(address_space_create(&parent) == 0);
    CHECK(area_create_mapped(parent, at(0), 5 * PAGE_SIZE, READ_WRITE, true, source, 0) == 0);
    map_source_put(source);
    CHECK(store(parent, at(2), 7) == 0 && store(parent, at(3), 7) == -ENXIO);
    CHECK(address_space_copy(parent, &child) == 0);
    CHECK(load(child, at(2), &byte) == 0 && byte == 7);
    CHECK(store(child, at(1), 8) == 0 && load(parent, at(1), &byte) == 0 && byte == 8);
    address_space_put(parent);
    CHECK(load(child, at(1), &byte) == 0 && byte == 8);
    address_space_put(child);
    for (int limit = 0; limit < 6; limit++) {
        host_alloc_limit = limit;
        int error = shared_memory_create(PAGE_SIZE, &source);
        int filled = error ? error : shared_memory_fill(source);
        CHECK(!filled || filled == -ENOMEM);
        if (!error)
            map_source_put(source);
    }
}

/* ---- mremap ---- */

static void
resizing(void)
{
    struct world world;
    uintptr_t result;
    CHECK(world_create(&world));
    struct address_space *space = world.space;
    CHECK(area_create(space, at(0), 4 * PAGE_SIZE, READ_WRITE) == 0);
    for (unsigned i = 0; i < 4; i++)
        CHECK(store(space, at(i), (u8)(10 + i)) == 0);
    CHECK(area_resize(space, at(0), 4 * PAGE_SIZE, 6 * PAGE_SIZE, false, &result) == 0 && result == at(0));
    CHECK(store(space, at(5), 15) == 0);
    CHECK(area_create(space, at(6), PAGE_SIZE, READ) == 0);
    CHECK(area_resize(space, at(0), 6 * PAGE_SIZE, 7 * PAGE_SIZE, false, &result) == -ENOMEM);
    CHECK(area_resize(space, at(0), 6 * PAGE_SIZE, 8 * PAGE_SIZE, true, &result) == 0);
    CHECK(result != at(0) && !area_find(space, at(0)) && area_find(space, at(6)));
    for (unsigned i = 0; i < 6; i++) {
        u8 byte;
        CHECK(load(space, result + i * PAGE_SIZE, &byte) == 0 && byte == (i == 4 ? 0 : 10 + i));
    }
    CHECK(area_resize(space, result, 8 * PAGE_SIZE, 2 * PAGE_SIZE, false, &result) == 0);
    CHECK(!area_find(space, result + 2 * PAGE_SIZE) && space->page_count == 2);
    CHECK(area_resize(space, at(20), PAGE_SIZE, 2 * PAGE_SIZE, true, &result) == -EFAULT);
    CHECK(area_resize(space, at(0), 0, PAGE_SIZE, true, &result) == -EINVAL);
    address_space_put(space);
}

static void
resizing_when_memory_is_out(void)
{
    for (int limit = 0; limit < 12; limit++) {
        struct world world;
        uintptr_t result;
        u8 byte;
        CHECK(world_create(&world));
        CHECK(area_create(world.space, at(0), 4 * PAGE_SIZE, READ_WRITE) == 0);
        CHECK(area_create(world.space, at(4), PAGE_SIZE, READ) == 0);
        for (unsigned i = 0; i < 4; i++)
            CHECK(store(world.space, at(i), (u8)(10 + i)) == 0);
        host_alloc_limit = limit;
        int error = area_resize(world.space, at(0), 3 * PAGE_SIZE, 5 * PAGE_SIZE, true, &result);
        host_alloc_limit = -1;
        uintptr_t where = error ? at(0) : result;
        CHECK(!error || error == -ENOMEM);
        for (unsigned i = 0; i < 3; i++)
            CHECK(load(world.space, where + i * PAGE_SIZE, &byte) == 0 && byte == 10 + i,
                  "allocation %d: page %u is lost", limit, i);
        CHECK(load(world.space, at(3), &byte) == 0 && byte == 13);
        address_space_put(world.space);
    }
}

/* Moved to just behind or before itself, or far away, longer or shorter: either all is moved or, out of
 * memory, nothing is. */
static void
moving_when_memory_is_out(void)
{
    static const unsigned to[] = {13, 7, 30, 14, 1022}, sizes[] = {3, 3, 5, 2, 3}; /* 1024: a table */
    for (unsigned i = 0; i < ARRAY_SIZE(to); i++)
        for (int limit = 0; limit < 8; limit++) {
            struct world world;
            u8 byte;
            CHECK(world_create(&world));
            CHECK(area_create(world.space, at(10), 3 * PAGE_SIZE, READ_WRITE) == 0);
            for (unsigned page = 0; page < 3; page++)
                CHECK(store(world.space, at(10 + page), (u8)(20 + page)) == 0);
            host_alloc_limit = limit;
            int error = area_move_to(world.space, at(10), 3 * PAGE_SIZE, sizes[i] * PAGE_SIZE, at(to[i]));
            host_alloc_limit = -1;
            CHECK(error == 0 || error == -ENOMEM);
            for (unsigned page = 0; page < (error ? 3 : MIN(3u, sizes[i])); page++)
                CHECK(load(world.space, at((error ? 10 : to[i]) + page), &byte) == 0 && byte == 20 + page,
                      "case %u, allocation %d: page %u is lost", i, limit, page);
            CHECK(error || !area_find(world.space, at(to[i] == 7 ? 10 : 12)));
            address_space_put(world.space);
        }
}

static void
map_at_the_target(void)
{
    while_source_goes = NULL;
    if (area_create(source_space, at(20), PAGE_SIZE, READ_WRITE) || store(source_space, at(20), 3))
        abort();
}

/* What the move replaces is given up, and sleeping there, another call maps something in its place. */
static void
a_move_to_where_something_is_mapped_meanwhile(void)
{
    struct map_source source;
    u8 byte;
    CHECK(source_begin(&source));
    CHECK(area_create_mapped(source_space, at(20), PAGE_SIZE, READ, false, &source, 0) == 0);
    map_source_put(&source);
    CHECK(area_create(source_space, at(0), PAGE_SIZE, READ_WRITE) == 0 && store(source_space, at(0), 9) == 0);
    while_source_goes = map_at_the_target;
    CHECK(area_move_to(source_space, at(0), PAGE_SIZE, PAGE_SIZE, at(20)) == -EFAULT);
    CHECK(load(source_space, at(0), &byte) == 0 && byte == 9);
    CHECK(load(source_space, at(20), &byte) == 0 && byte == 3);
    address_space_put(source_space);
    page_put(source_page);
}

int
main(void)
{
    RUN_TEST(random_against_a_model);
    RUN_TEST(forks_against_models);
    RUN_TEST(every_allocation_fails_once);
    RUN_TEST(bad_ranges);
    RUN_TEST(free_ranges_from_the_top);
    RUN_TEST(free_ranges_in_random_holes);
    RUN_TEST(growing_memory_is_one_area);
    RUN_TEST(a_program_cannot_have_areas_without_end);
    RUN_TEST(a_private_source_is_copied_when_written);
    RUN_TEST(parts_of_a_split_area_show_their_own_pages);
    RUN_TEST(a_shared_source_is_written_through);
    RUN_TEST(the_errors_of_a_source_reach_the_program);
    RUN_TEST(areas_that_change_while_a_fault_sleeps);
    RUN_TEST(bug_areas_that_changed_while_a_source_was_given_up);
    RUN_TEST(shared_memory);
    RUN_TEST(resizing);
    RUN_TEST(resizing_when_memory_is_out);
    RUN_TEST(moving_when_memory_is_out);
    RUN_TEST(a_move_to_where_something_is_mapped_meanwhile);
    return test_result();
}
