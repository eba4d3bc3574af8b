/* Pinned user pages: see pin.h. The count lies in page->private, which nobody else uses in pages of user
 * memory; a page of the page cache (a file mapped shared) needs none, its reference is enough. */
#include "kernel/pin.h"

#include "arch.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/log.h"

/* The page as it is shown now, if it may be written to; NULL: let the fault find it. */
static struct page *
page_shown(const struct address_space *space, uintptr_t address)
{
    unsigned flags = 0;
    u32 physical = page_lookup(space->directory, ALIGN_DOWN(address, (uintptr_t)PAGE_SIZE), &flags);

    return physical && (flags & MAP_WRITE) && !(flags & MAP_HIDDEN) ? page_of_physical(physical)
                                                                    : NULL;
}

int
page_pin(struct address_space *space, uintptr_t address, struct page **result)
{
    struct page *page;
    int error;

    while (!(page = page_shown(space, address))) {
        error = address_space_fault(space, address, true);
        if (!error)
            error = schedule_point(); /* areas may change again and again */
        if (error)
            return error == -EACCES || error == -ENXIO ? -EFAULT : error;
    }
    INTERRUPTS_OFF_SCOPE();
    page_get(page);
    if (page->state == PAGE_PLAIN)
        page->private++;
    *result = page;
    return 0;
}

void
page_unpin(struct page *page)
{
    INTERRUPTS_OFF_SCOPE();
    if (page->state == PAGE_PLAIN) {
        ASSERT(page->private > 0);
        page->private--;
    }
    page_put(page);
}
