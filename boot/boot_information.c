/* The boot loader's information and the memory map: see boot_information.h. [Multiboot 0.6.96] 3.3 */
#include "boot/boot_information.h"
#include "arch.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/string.h"

#define LOADER_MAGIC 0x2badb002u
#define FLAG_MEMORY 0x001
#define FLAG_COMMAND_LINE 0x004
#define FLAG_MODULES 0x008
#define FLAG_MEMORY_MAP 0x040
#define MEMORY_AVAILABLE 1
#define MEMORY_LEAST (15u << 20)
#define MEMORY_MOST (1u << 30)
#define LOW_MEMORY_END (1u << 20)

struct loader_information {
    u32 flags, memory_lower, memory_upper, boot_device, command_line, module_count, modules;
    u32 symbols[4], map_bytes, map;
};
struct loader_module {
    u32 start, end, string, reserved;
};
struct __attribute__((packed)) loader_range {
    u32 size; /* of what follows */
    u64 base, length;
    u32 type;
};

struct boot_information boot_information;
static char strings[BOOT_STRING_BYTES];
static size_t strings_used;
/* What the map says is not memory to use, though a range of memory may lie over it. */
static struct boot_range reserved[BOOT_RANGES];
static unsigned reserved_count;
extern u8 kernel_start[], kernel_end[];

static const char *
string_keep(u32 physical)
{
    const char *text = physical_to_virtual(physical);
    size_t length = strlen(text);
    if (strings_used == sizeof(strings)) {
        log_line("boot: a string of %zu bytes is left out: no room", length);
        return "";
    }
    if (length + 1 > sizeof(strings) - strings_used) {
        log_line("boot: a string of %zu bytes is cut: too long", length);
        length = sizeof(strings) - strings_used - 1;
    }
    char *kept = strings + strings_used;
    memcpy(kept, text, length);
    kept[length] = 0;
    strings_used += length + 1;
    return kept;
}

static void
modules_read(const struct loader_information *loader)
{
    const struct loader_module *modules = physical_to_virtual(loader->modules);
    for (u32 i = 0; i < loader->module_count; i++) {
        if (i == BOOT_MODULES || modules[i].end > MEMORY_MOST) {
            log_line("boot: modules from number %u on are left out", i);
            break;
        }
        boot_information.modules[boot_information.module_count++] = (struct boot_module){
            modules[i].start, modules[i].end, string_keep(modules[i].string)};
    }
}

static void
range_add(u64 start, u64 end)
{
    struct boot_information *info = &boot_information;
    info->memory_bytes += end - MIN(start, end);
    start = MAX(start, LOW_MEMORY_END); /* the BIOS's, and the loader's tables */
    end = MIN(end, MEMORY_MOST);
    if (start >= end)
        return;
    if (info->range_count == BOOT_RANGES) {
        log_line("boot: memory at %08x is left out: too many ranges", (u32)start);
        return;
    }
    info->ranges[info->range_count++] = (struct boot_range){start, end};
    info->memory_end = MAX(info->memory_end, (u32)end);
}

static void
range_reserve(u64 start, u64 end)
{
    end = MIN(end, MEMORY_MOST);
    if (start >= end)
        return;
    if (reserved_count == BOOT_RANGES)
        panic("the memory map has too many reserved ranges");
    reserved[reserved_count++] = (struct boot_range){start, end};
}

static void
ranges_read(const struct loader_information *loader)
{
    if (!(loader->flags & FLAG_MEMORY_MAP)) {
        range_add(LOW_MEMORY_END, LOW_MEMORY_END + loader->memory_upper * 1024ull);
        return;
    }
    for (u32 at = 0; at + sizeof(struct loader_range) <= loader->map_bytes;) {
        const struct loader_range *range = physical_to_virtual(loader->map + at);
        u64 end = range->length <= ~range->base ? range->base + range->length : ~0ull;
        if (range->type == MEMORY_AVAILABLE)
            range_add(range->base, end);
        else
            range_reserve(range->base, end);
        if (range->size < sizeof(*range) - sizeof(range->size) || range->size > loader->map_bytes)
            break;
        at += range->size + sizeof(range->size);
    }
}

void
boot_information_read(u32 magic, u32 physical)
{
    if (magic != LOADER_MAGIC)
        panic("not started by a multiboot loader: magic is %08x", magic);
    const struct loader_information *loader = physical_to_virtual(physical);
    boot_information.command_line =
        loader->flags & FLAG_COMMAND_LINE ? string_keep(loader->command_line) : "";
    if (loader->flags & FLAG_MODULES)
        modules_read(loader);
    if (!(loader->flags & (FLAG_MEMORY | FLAG_MEMORY_MAP)))
        panic("the boot loader says nothing about memory");
    ranges_read(loader);
    if (boot_information.memory_end < MEMORY_LEAST)
        panic("too little memory: %u KiB", boot_information.memory_end / 1024);
}

/* ---- Free memory: the ranges less what is in use ---- */

static bool
overlaps(u32 start, u32 end, u32 used_start, u32 used_end, u32 *behind)
{
    if (start >= used_end || used_start >= end)
        return false;
    *behind = ALIGN_UP(used_end, PAGE_SIZE);
    return true;
}

/* Does the kernel, a module or something reserved lie in [start, end)? Then *behind is where it ends. */
static bool
in_use(u32 start, u32 end, u32 *behind)
{
    if (overlaps(start, end, virtual_to_physical(kernel_start), virtual_to_physical(kernel_end),
                 behind))
        return true;
    for (unsigned i = 0; i < boot_information.module_count; i++) {
        const struct boot_module *module = &boot_information.modules[i];
        if (overlaps(start, end, module->start, module->end, behind))
            return true;
    }
    for (unsigned i = 0; i < reserved_count; i++)
        if (overlaps(start, end, reserved[i].start, reserved[i].end, behind))
            return true;
    return false;
}

static u32
gap_find(u32 bytes)
{
    for (unsigned i = 0; i < boot_information.range_count; i++) {
        u32 start = ALIGN_UP((u32)boot_information.ranges[i].start, PAGE_SIZE);
        u32 end = boot_information.ranges[i].end, behind;
        while (start < end && end - start >= bytes) {
            if (!in_use(start, start + bytes, &behind))
                return start;
            start = behind;
        }
    }
    panic("no room for the page map of %u KiB", bytes / 1024);
}

/* Ranges may overlap: a page that lies in two is freed with the first. */
static bool
in_earlier_range(unsigned index, u32 page)
{
    const struct boot_range *ranges = boot_information.ranges;
    for (unsigned i = 0; i < index; i++)
        if (ranges[i].start <= page && page + PAGE_SIZE <= ranges[i].end)
            return true;
    return false;
}

static void
range_free(unsigned index, u32 map_start, u32 map_end)
{
    u32 start = boot_information.ranges[index].start, end = boot_information.ranges[index].end;
    for (u32 page = ALIGN_UP(start, PAGE_SIZE); page + PAGE_SIZE <= end;) {
        u32 behind;
        if (in_use(page, page + PAGE_SIZE, &behind) ||
            overlaps(page, page + PAGE_SIZE, map_start, map_end, &behind)) {
            page = behind;
            continue;
        }
        if (!in_earlier_range(index, page))
            page_allocator_add(page, page + PAGE_SIZE);
        page += PAGE_SIZE;
    }
}

void
boot_memory_init(void)
{
    const struct boot_information *info = &boot_information;
    u32 bytes = ALIGN_UP(page_map_bytes(info->memory_end), PAGE_SIZE);
    u32 map = gap_find(bytes);
    page_allocator_init(physical_to_virtual(map), info->memory_end);
    for (unsigned i = 0; i < info->range_count; i++)
        range_free(i, map, map + bytes);
    log_line("memory: %u KiB free of %u KiB", pages_free() * 4, (u32)(info->memory_bytes / 1024));
    if (info->memory_bytes > MEMORY_MOST)
        log_line("memory: only the first 1 GiB is used");
}
