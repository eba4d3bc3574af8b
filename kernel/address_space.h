/* A program's address space: areas of user addresses, and the page directory that shows what has been
 * touched of them. Pages come at the first touch. Counted: threads share one.
 *
 * Areas are changed and faults are served by fibrils that do not sleep meanwhile, so there is no lock. */
#ifndef KERNEL_ADDRESS_SPACE_H
#define KERNEL_ADDRESS_SPACE_H

#include "arch.h"
#include "kernel/list.h"
#include "kernel/types.h"

#define PROTECTION_READ 1u
#define PROTECTION_WRITE 2u
#define PROTECTION_EXECUTE 4u

#define USER_END 0x80000000u
#define USER_STACK_TOP 0x7ffff000u
#define USER_STACK_BYTES (8u << 20)
#define USER_MAP_TOP (USER_STACK_TOP - USER_STACK_BYTES - (1u << 20)) /* mappings grow down from here */

struct area {
    struct list link; /* ascending, never overlapping */
    uintptr_t start, end;
    u32 protection;
};

struct address_space {
    u32 references;
    page_directory directory;
    struct list areas;
    struct area *last_found; /* where the last look-up ended */
    uintptr_t heap_start, heap_end; /* brk */
    u32 page_count;
};

int address_space_create(struct address_space **space);
void address_space_get(struct address_space *space);
void address_space_put(struct address_space *space);
/* Interrupts off: brings its page directory in. */
static inline void
address_space_load(const struct address_space *space)
{
    page_directory_load(space->directory);
}

/* A new area of [start, start+size), both page aligned; what was there goes. 0, -EINVAL, -ENOMEM. */
int area_create(struct address_space *space, uintptr_t start, size_t size, u32 protection);
/* A free range for `size` bytes, high addresses first. 0 or -ENOMEM. */
int area_find_free(struct address_space *space, size_t size, uintptr_t *start);
bool area_range_free(struct address_space *space, uintptr_t start, uintptr_t end);
/* Takes [start, start+size) out, areas and pages. 0, -ENOMEM (an area had to be split). */
int area_remove(struct address_space *space, uintptr_t start, size_t size);
/* Changes the protection of a range that must be wholly mapped: 0, -ENOMEM. */
int area_protect(struct address_space *space, uintptr_t start, size_t size, u32 protection);
/* The page fault: 0 mended; -EFAULT: no such area or not allowed; -ENOMEM. */
int address_space_fault(struct address_space *space, uintptr_t address, bool write);

#endif
