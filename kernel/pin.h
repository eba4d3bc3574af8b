/* Pinned user pages: memory of a program that a device, or the kernel through its own mapping, uses for
 * longer than a copy. A pinned page stays what the program sees at that address until it unmaps it: fork
 * copies it for the child at once instead of sharing it until somebody writes. */
#ifndef KERNEL_PIN_H
#define KERNEL_PIN_H

#include "kernel/page.h"
#include "kernel/types.h"

struct address_space;

/* The page at a user address, which may be written to, referenced and pinned. 0, -EFAULT, -ENOMEM, -EIO
 * or why the fibril was cancelled. Sleeps when the page is not there yet. */
int page_pin(struct address_space *space, uintptr_t address, struct page **page) MUST_CHECK;
void page_unpin(struct page *page); /* gives the reference back, too; any context */

/* Private memory only: shared pages are the same for all anyway. */
static inline bool
page_is_pinned(const struct page *page)
{
    return page->state == PAGE_PLAIN && page->private > 0;
}

#endif
