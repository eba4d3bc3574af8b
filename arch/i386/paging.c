/* Page tables. The kernel half of every page directory is the same and is complete at boot: large
 * pages for the direct map, page tables for the fibril stack slots and for the device window. So no
 * kernel directory entry ever changes, and directories need no synchronising.
 *
 *     0x00000000  user                                    a directory of its own per address space
 *     0x80000000  direct map of at most 1 GiB             4 MiB pages
 *     0xC0000000  fibril stack slots, 8 KiB each          page tables made here
 *     0xF4000000  device window, 64 MiB                   page tables made here
 *
 * Any fibril or interrupt may map; interrupts need not be off: an entry is written in one store. */
#include "arch.h"
#include "arch/i386/cpu.h"
#include "kernel/errno.h"
#include "kernel/string.h"

/* [IA32-3] 4.3, table 4-4 to 4-6 */
#define ENTRY_PRESENT 0x01u
#define ENTRY_WRITE 0x02u
#define ENTRY_USER 0x04u
#define ENTRY_WRITE_THROUGH 0x08u
#define ENTRY_UNCACHED 0x10u
#define ENTRY_LARGE 0x80u
#define ENTRY_HIDDEN 0x200u /* ours: not present, but the address counts (MAP_HIDDEN) */
#define ENTRY_USED (ENTRY_PRESENT | ENTRY_HIDDEN)
#define ENTRY_ADDRESS 0xfffff000u

#define LARGE_PAGE (4u << 20)
#define USER_ENTRIES 512
#define STACK_REGION 0xc0000000u
#define STACK_SLOT_BYTES 8192u
#define STACK_SLOTS_MOST 106496u
#define DEVICE_REGION 0xf4000000u
#define DEVICE_REGION_BYTES (64u << 20)

u32 kernel_page_directory[1024] __attribute__((aligned(4096)));
static unsigned slot_count;
static uintptr_t device_next = DEVICE_REGION;

static u32 *
table_of(const u32 *directory, uintptr_t virtual)
{
    u32 entry = directory[virtual >> 22];
    return entry & ENTRY_PRESENT ? physical_to_virtual(entry & ENTRY_ADDRESS) : NULL;
}

static u32 *
entry_of(page_directory directory, uintptr_t virtual)
{
    u32 *table = table_of(physical_to_virtual(directory), virtual);
    return table ? &table[virtual >> PAGE_SHIFT & 1023] : NULL;
}

static u32 *
kernel_entry_of(uintptr_t virtual)
{
    return &table_of(kernel_page_directory, virtual)[virtual >> PAGE_SHIFT & 1023];
}

static void
kernel_tables_create(uintptr_t start, u32 bytes)
{
    for (u32 i = start >> 22; i < (start >> 22) + DIVIDE_UP(bytes, LARGE_PAGE); i++) {
        u32 table = arch_hooks.page_take(true);
        if (!table)
            arch_hooks.panic("no memory for the kernel's page tables");
        kernel_page_directory[i] = table | ENTRY_PRESENT | ENTRY_WRITE;
    }
}

void
paging_init(u32 memory_end)
{
    for (u32 i = DIVIDE_UP(memory_end, LARGE_PAGE); i < 256; i++)
        kernel_page_directory[(DIRECT_MAP_BASE >> 22) + i] = 0;
    slot_count = MIN(memory_end / STACK_SLOT_BYTES, STACK_SLOTS_MOST);
    kernel_tables_create(STACK_REGION, slot_count * STACK_SLOT_BYTES);
    kernel_tables_create(DEVICE_REGION, DEVICE_REGION_BYTES);
    cpu_write_cr3(cpu_read_cr3());
}

volatile void *
device_map(u32 physical, size_t size)
{
    u32 offset = physical % PAGE_SIZE;
    u32 bytes = ALIGN_UP(offset + size, PAGE_SIZE);
    INTERRUPTS_OFF_SCOPE();
    if (bytes > DEVICE_REGION + DEVICE_REGION_BYTES - device_next)
        return NULL;
    uintptr_t start = device_next;
    for (u32 done = 0; done < bytes; done += PAGE_SIZE)
        *kernel_entry_of(start + done) = (physical - offset + done) | ENTRY_PRESENT | ENTRY_WRITE |
                                         ENTRY_WRITE_THROUGH | ENTRY_UNCACHED;
    device_next += bytes;
    return (volatile u8 *)start + offset;
}

/* ---- User directories ---- */

int
page_directory_create(page_directory *directory)
{
    u32 page = arch_hooks.page_take(false);
    if (!page)
        return -ENOMEM;
    u32 *entries = physical_to_virtual(page);
    memset(entries, 0, USER_ENTRIES * 4);
    memcpy(entries + USER_ENTRIES, kernel_page_directory + USER_ENTRIES, USER_ENTRIES * 4);
    *directory = page;
    return 0;
}

/* Of a page table or directory: the first of [entry, end) that is used, or `end`. Most are not, so four are
 * looked at together. */
static u32 *
entry_next_used(u32 *entry, u32 *end)
{
    while (entry + 4 <= end && !(entry[0] | entry[1] | entry[2] | entry[3]))
        entry += 4;
    while (entry < end && !(*entry & ENTRY_USED))
        entry++;
    return entry;
}

void
page_directory_destroy(page_directory directory)
{
    if (cpu_read_cr3() == directory)
        page_directory_load(0);
    u32 *entry = physical_to_virtual(directory), *end = entry + USER_ENTRIES;
    for (entry = entry_next_used(entry, end); entry < end; entry = entry_next_used(entry + 1, end))
        arch_hooks.page_give(*entry & ENTRY_ADDRESS);
    arch_hooks.page_give(directory);
}

void
page_directory_load(page_directory directory)
{
    cpu_write_cr3(directory ? directory : virtual_to_physical(kernel_page_directory));
}

static u32
entry_bits(unsigned flags)
{
    if (flags & MAP_HIDDEN)
        return ENTRY_HIDDEN;
    return ENTRY_PRESENT | ENTRY_USER | (flags & MAP_WRITE ? ENTRY_WRITE : 0);
}

int
page_map(page_directory directory, uintptr_t virtual, u32 physical, unsigned flags)
{
    u32 *entries = physical_to_virtual(directory);
    if (!(entries[virtual >> 22] & ENTRY_PRESENT)) {
        u32 table = arch_hooks.page_take(true);
        if (!table)
            return -ENOMEM;
        entries[virtual >> 22] = table | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER;
    }
    u32 *entry = entry_of(directory, virtual);
    ARCH_ASSERT(!(*entry & ENTRY_USED));
    *entry = physical | entry_bits(flags);
    return 0;
}

static void
page_changed(page_directory directory, uintptr_t virtual)
{
    if (cpu_read_cr3() == directory)
        cpu_invalidate_page(virtual);
}

u32
page_unmap(page_directory directory, uintptr_t virtual)
{
    u32 *entry = entry_of(directory, virtual);
    if (!entry || !(*entry & ENTRY_USED))
        return 0;
    u32 physical = *entry & ENTRY_ADDRESS;
    *entry = 0;
    page_changed(directory, virtual);
    return physical;
}

uintptr_t
page_next_mapped(page_directory directory, uintptr_t virtual, uintptr_t end)
{
    while (virtual < end) {
        uintptr_t table_end = MIN(end, (virtual | (LARGE_PAGE - 1)) + 1);
        u32 *first = entry_of(directory, virtual);
        if (first) {
            u32 *last = first + (table_end - virtual + PAGE_SIZE - 1) / PAGE_SIZE;
            u32 *found = entry_next_used(first, last);
            if (found < last)
                return virtual + (u32)(found - first) * PAGE_SIZE;
        }
        virtual = table_end;
    }
    return end;
}

u32
page_lookup(page_directory directory, uintptr_t virtual, unsigned *flags)
{
    u32 *entry = entry_of(directory, virtual);
    if (!entry || !(*entry & ENTRY_USED))
        return 0;
    if (flags)
        *flags = (*entry & ENTRY_WRITE ? MAP_WRITE : 0) | (*entry & ENTRY_HIDDEN ? MAP_HIDDEN : 0);
    return *entry & ENTRY_ADDRESS;
}

void
page_protect(page_directory directory, uintptr_t virtual, unsigned flags)
{
    u32 *entry = entry_of(directory, virtual);
    if (!entry || !(*entry & ENTRY_USED))
        return;
    *entry = (*entry & ENTRY_ADDRESS) | entry_bits(flags);
    page_changed(directory, virtual);
}

/* ---- Fibril stack slots ---- */

unsigned
stack_slot_count(void)
{
    return slot_count;
}

void *
stack_slot_base(unsigned slot)
{
    return (void *)(STACK_REGION + slot * STACK_SLOT_BYTES + PAGE_SIZE);
}

void
stack_slot_map(unsigned slot, u32 physical)
{
    *kernel_entry_of((uintptr_t)stack_slot_base(slot)) = physical | ENTRY_PRESENT | ENTRY_WRITE;
}

u32
stack_slot_unmap(unsigned slot)
{
    u32 *entry = kernel_entry_of((uintptr_t)stack_slot_base(slot));
    u32 physical = *entry & ENTRY_ADDRESS;
    *entry = 0;
    cpu_invalidate_page((uintptr_t)stack_slot_base(slot));
    return physical;
}
