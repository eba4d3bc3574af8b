/* Memory of a ring between the kernel and a program: pages of the kernel that the running task sees at
 * an address of its own. What the program does with its mapping harms nobody but itself: the kernel uses
 * the pages through its own. Children do not get the mapping. */
#ifndef KERNEL_ASYNC_RING_MEMORY_H
#define KERNEL_ASYNC_RING_MEMORY_H

#include "arch.h"
#include "kernel/map_source.h"
#include "kernel/page.h"

/* Zeroed, of `bytes` rounded up to pages. 0, -ENOMEM. */
int ring_memory_create(u32 bytes, struct map_source **memory, u32 *address);
/* The program's mapping goes, if it is still the one made: the maker's address space only. */
void ring_memory_unmap(struct map_source *memory, u32 address, u32 bytes);

/* Where the kernel finds byte `offset`; what is kept there must not cross a page. */
static inline void *
ring_memory_at(struct map_source *memory, u32 offset)
{
    return (u8 *)page_address(shared_memory_page(memory, offset >> PAGE_SHIFT)) + offset % PAGE_SIZE;
}

#endif
