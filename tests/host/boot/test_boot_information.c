// sources: tests/host/support/*.c
/* The boot loader's tables, friendly and hostile: what becomes free memory, exactly once, and what does
 * not. The file is included so that each test can begin with fresh tables. */
#include <sys/mman.h>

#include "boot/boot_information.c"

#include "tests/host/kernel/asserts.h"

#define MIB (1u << 20)
#define FRAMES (MEMORY_MOST / PAGE_SIZE)
#define KERNEL_AT (1 * MIB)
#define KERNEL_BYTES 300000u
#define TABLES_AT 0x1000u
#define STRING_AT 0x80000u

u8 kernel_start[1], kernel_end[1];
static char *memory; /* 1 GiB of address space */
static u8 added[FRAMES];
static u32 added_count, map_start, map_bytes;
static bool added_twice, added_badly;

void *
physical_to_virtual(u32 physical)
{
    return memory + physical;
}

u32
virtual_to_physical(const void *address)
{
    if (address == kernel_start)
        return KERNEL_AT;
    if (address == kernel_end)
        return KERNEL_AT + KERNEL_BYTES;
    return (u32)((const char *)address - memory);
}

size_t
page_map_bytes(u32 memory_end)
{
    return memory_end / PAGE_SIZE * 32;
}

void
page_allocator_init(struct page *map, u32 memory_end)
{
    map_start = virtual_to_physical(map);
    map_bytes = (u32)page_map_bytes(memory_end);
}

void
page_allocator_add(u32 start, u32 end)
{
    if (start % PAGE_SIZE || end % PAGE_SIZE || start >= end || end > MEMORY_MOST)
        added_badly = true;
    for (; start < end; start += PAGE_SIZE) {
        added_twice |= added[start / PAGE_SIZE]++;
        added_count++;
    }
}

u32
pages_free(void)
{
    return added_count;
}

/* ---- A loader ---- */

static struct loader_information *loader;
static struct loader_module *modules;
static char *next_string;
static u32 map_end;

static void
loader_reset(void)
{
    memset(memory, 0, MIB);
    memset(&boot_information, 0, sizeof(boot_information));
    memset(strings, 0x55, sizeof(strings));
    strings_used = 0;
    reserved_count = 0;
    memset(added, 0, sizeof(added));
    added_count = 0;
    added_twice = added_badly = false;
    loader = physical_to_virtual(TABLES_AT);
    loader->map = map_end = TABLES_AT + 0x1000;
    loader->modules = TABLES_AT + 0x8000;
    modules = physical_to_virtual(loader->modules);
    next_string = physical_to_virtual(STRING_AT);
}

static u32
string_put(const char *text)
{
    u32 at = virtual_to_physical(next_string);
    strcpy(next_string, text);
    next_string += strlen(text) + 1;
    return at;
}

static void
range_put(u64 base, u64 length, u32 type)
{
    struct loader_range *range = physical_to_virtual(map_end);
    *range = (struct loader_range){sizeof(*range) - 4, base, length, type};
    map_end += sizeof(*range);
    loader->map_bytes = map_end - loader->map;
    loader->flags |= FLAG_MEMORY_MAP;
}

static void
module_put(u32 start, u32 end, const char *text)
{
    modules[loader->module_count++] = (struct loader_module){start, end, string_put(text), 0};
    loader->flags |= FLAG_MODULES;
}

/* An ordinary machine with so much memory. */
static void
machine_put(u64 bytes)
{
    range_put(0, 0x9fc00, 1);
    range_put(0x9fc00, 0x400, 2);
    range_put(MIB, bytes - MIB, 1);
    range_put(0xfffc0000, 0x40000, 2);
}

static void
start_up(void)
{
    boot_information_read(LOADER_MAGIC, TABLES_AT);
    boot_memory_init();
}

/* Is any page of [start, end) free? */
static bool
free_in(u32 start, u32 end)
{
    for (u32 frame = start / PAGE_SIZE; frame < DIVIDE_UP(end, PAGE_SIZE); frame++)
        if (added[frame])
            return true;
    return false;
}

static bool
all_free(u32 start, u32 end)
{
    for (u32 frame = start / PAGE_SIZE; frame < end / PAGE_SIZE; frame++)
        if (!added[frame])
            return false;
    return true;
}

/* What must hold whatever the tables say. */
static const char *
wrong(void)
{
    if (added_twice)
        return "a page was freed twice";
    if (added_badly)
        return "a range was freed that is none";
    if (free_in(0, LOW_MEMORY_END))
        return "low memory is free";
    if (free_in(KERNEL_AT, KERNEL_AT + KERNEL_BYTES))
        return "the kernel's memory is free";
    if (free_in(map_start, map_start + map_bytes))
        return "the page map's memory is free";
    for (unsigned i = 0; i < boot_information.module_count; i++)
        if (boot_information.modules[i].start < boot_information.modules[i].end &&
            free_in(boot_information.modules[i].start, boot_information.modules[i].end))
            return "a module's memory is free";
    return NULL;
}

#define START_UP()                                                                                 \
    do {                                                                                           \
        start_up();                                                                                \
        CHECK(!wrong(), "%s", wrong());                                                            \
    } while (0)

/* ---- */

static void
an_ordinary_machine(void)
{
    loader_reset();
    machine_put(128u * MIB);
    loader->flags |= FLAG_COMMAND_LINE;
    loader->command_line = string_put("init=/bin/walk -- -j 64");
    module_put(8 * MIB, 8 * MIB + 12345, "root");
    module_put(8 * MIB + 0x4000, 8 * MIB + 0x5000, "file=/tmp/x mode=0755");
    START_UP();
    CHECK(!strcmp(boot_information.command_line, "init=/bin/walk -- -j 64"));
    CHECK(boot_information.module_count == 2);
    CHECK(!strcmp(boot_information.modules[1].string, "file=/tmp/x mode=0755"));
    CHECK(boot_information.memory_end == 128u * MIB);
    u32 expected = 127 * 256 - DIVIDE_UP(KERNEL_BYTES, PAGE_SIZE) - 4 - 1 - map_bytes / PAGE_SIZE;
    CHECK(added_count == expected, "%u pages, not %u", added_count, expected);
    CHECK(all_free(64 * MIB, 128u * MIB));
}

static void
without_a_memory_map(void)
{
    loader_reset();
    loader->flags = FLAG_MEMORY;
    loader->memory_upper = 31 * 1024;
    START_UP();
    CHECK(boot_information.memory_end == 32 * MIB && all_free(20 * MIB, 32 * MIB));
    CHECK(boot_information.command_line && !boot_information.command_line[0]);
}

static void
tiny_memory_and_none(void)
{
    loader_reset();
    machine_put(16 * MIB);
    START_UP();
    loader_reset();
    machine_put(8 * MIB);
    CHECK(ASSERTS(start_up()) && strstr(assert_text, "memory"), "%s", assert_text);
    loader_reset();
    CHECK(ASSERTS(start_up()) && strstr(assert_text, "memory"), "%s", assert_text);
    loader_reset();
    machine_put(16 * MIB);
    CHECK(ASSERTS(boot_information_read(0x12345678, TABLES_AT)) &&
          strstr(assert_text, "12345678"), "%s", assert_text);
}

/* Modules that fill memory up leave no room for the page map: said by name. */
static void
no_room_for_the_page_map(void)
{
    loader_reset();
    machine_put(16 * MIB);
    module_put(KERNEL_AT + 301 * 1024, 16 * MIB, "root");
    CHECK(ASSERTS(start_up()) && strstr(assert_text, "page map"), "%s", assert_text);
}

static void
more_than_a_gibibyte(void)
{
    loader_reset();
    machine_put(3ull << 30);
    range_put(1ull << 32, 8ull << 30, 1);
    START_UP();
    CHECK(boot_information.memory_end == MEMORY_MOST);
    CHECK(all_free(MEMORY_MOST - 100 * MIB, MEMORY_MOST));
    CHECK(boot_information.memory_bytes > 10ull << 30);
}

static void
ragged_ranges(void)
{
    loader_reset();
    range_put(MIB, 31 * MIB, 1);
    range_put(40 * MIB + 1, 2 * PAGE_SIZE - 2, 1); /* no whole page */
    range_put(50 * MIB + 100, 3 * PAGE_SIZE, 1);   /* two whole pages */
    START_UP();
    CHECK(!free_in(40 * MIB, 40 * MIB + 3 * PAGE_SIZE));
    CHECK(!added[50 * MIB / PAGE_SIZE] && added[50 * MIB / PAGE_SIZE + 1] &&
          added[50 * MIB / PAGE_SIZE + 2] && !added[50 * MIB / PAGE_SIZE + 3]);
}

static void
modules_that_overlap(void)
{
    loader_reset();
    machine_put(64 * MIB);
    module_put(10 * MIB, 12 * MIB, "a");
    module_put(11 * MIB + 5, 13 * MIB + 7, "b");
    module_put(11 * MIB, 11 * MIB, "empty");
    module_put(KERNEL_AT + 1000, KERNEL_AT + KERNEL_BYTES + 5000, "over the kernel");
    module_put(63 * MIB, 65 * MIB, "beyond memory");
    START_UP();
    CHECK(boot_information.module_count == 5);
}

static void
bug_ranges_that_overlap_were_freed_twice(void)
{
    loader_reset();
    machine_put(64 * MIB);
    range_put(32 * MIB, 64 * MIB, 1);
    range_put(40 * MIB, MIB, 1);
    START_UP();
    CHECK(all_free(33 * MIB, 96 * MIB));
}

static void
bug_reserved_memory_inside_a_range_was_used(void)
{
    loader_reset();
    range_put(20 * MIB + 5, 3 * PAGE_SIZE, 2); /* before the range it lies in, and ragged */
    machine_put(64 * MIB);
    range_put(30 * MIB, 8 * MIB, 3); /* ACPI tables */
    START_UP();
    CHECK(!free_in(20 * MIB, 20 * MIB + 4 * PAGE_SIZE));
    CHECK(!free_in(30 * MIB, 38 * MIB));
    CHECK(all_free(39 * MIB, 64 * MIB));
}

/* The page map must not come to lie in reserved memory either. */
static void
bug_the_page_map_lay_in_reserved_memory(void)
{
    loader_reset();
    machine_put(64 * MIB);
    range_put(KERNEL_AT + KERNEL_BYTES, 4 * MIB, 2);
    START_UP();
    CHECK(map_start >= 5 * MIB, "the page map lies at %x", map_start);
}

static void
bug_hostile_ranges(void)
{
    loader_reset();
    machine_put(64 * MIB);
    range_put(~0ull - 5, 100, 1);      /* wraps round */
    range_put(32 * MIB, 0, 1);         /* empty */
    range_put(0x100000000ull, ~0ull, 1);
    START_UP();
    CHECK(boot_information.memory_end == 64 * MIB, "%x", boot_information.memory_end);
    loader_reset();
    machine_put(64 * MIB);
    struct loader_range *last = physical_to_virtual(map_end - sizeof(*last));
    last->size = 0xfffffffc; /* the next one would be this one */
    START_UP();
}

static void
too_many_ranges(void)
{
    loader_reset();
    machine_put(64 * MIB);
    for (unsigned i = 0; i < 100; i++)
        range_put(70 * MIB + i * 2 * PAGE_SIZE, PAGE_SIZE, 1);
    START_UP();
    CHECK(boot_information.range_count <= BOOT_RANGES);
}

static void
too_many_modules(void)
{
    loader_reset();
    machine_put(64 * MIB);
    for (unsigned i = 0; i < BOOT_MODULES + 3; i++)
        module_put(10 * MIB + i * PAGE_SIZE, 10 * MIB + (i + 1) * PAGE_SIZE, "m");
    START_UP();
    CHECK(boot_information.module_count == BOOT_MODULES);
}

/* Strings that together are longer than the room for them: cut, and the next ones empty. */
static void
bug_a_string_after_a_cut_one_wrote_everywhere(void)
{
    static char text[BOOT_STRING_BYTES + 100];
    loader_reset();
    machine_put(64 * MIB);
    memset(text, 'x', sizeof(text) - 1);
    loader->flags |= FLAG_COMMAND_LINE;
    loader->command_line = string_put(text);
    module_put(10 * MIB, 11 * MIB, "root");
    module_put(11 * MIB, 12 * MIB, "file=/x");
    START_UP();
    CHECK(strlen(boot_information.command_line) == BOOT_STRING_BYTES - 1);
    CHECK(boot_information.modules[0].string[0] == 0 && boot_information.modules[1].string[0] == 0);
}

int
main(void)
{
    memory = mmap(NULL, MEMORY_MOST, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return 1;
    RUN_TEST(an_ordinary_machine);
    RUN_TEST(without_a_memory_map);
    RUN_TEST(tiny_memory_and_none);
    RUN_TEST(no_room_for_the_page_map);
    RUN_TEST(more_than_a_gibibyte);
    RUN_TEST(ragged_ranges);
    RUN_TEST(modules_that_overlap);
    RUN_TEST(bug_ranges_that_overlap_were_freed_twice);
    RUN_TEST(bug_reserved_memory_inside_a_range_was_used);
    RUN_TEST(bug_the_page_map_lay_in_reserved_memory);
    RUN_TEST(too_many_ranges);
    RUN_TEST(too_many_modules);
    RUN_TEST(bug_a_string_after_a_cut_one_wrote_everywhere);
    RUN_TEST(bug_hostile_ranges);
    return test_result();
}
