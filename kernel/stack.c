/* Stack pages for fibrils: see stack.h. */
#include "kernel/stack.h"
#include "arch.h"
#include "kernel/checks.h"
#include "kernel/force.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define SPARE_STACKS_MOST 16 /* per task */
#define SPARE_OFFSET 16      /* of the link in an unused stack page: above STACK_MAGIC */

struct spare {
    struct list link;
    u32 slot;
};

/* Interrupts off: */
static u32 slots_used;  /* never used slots are those from here on */
static u32 *free_slots; /* a stack of slots that were used before */
static u32 free_slot_count;
static u32 spare_total;

static bool
slot_take(u32 *slot)
{
    if (!free_slots)
        free_slots = heap_alloc(stack_slot_count() * sizeof(u32));
    if (!free_slots)
        return false;
    if (free_slot_count)
        *slot = free_slots[--free_slot_count];
    else if (slots_used < stack_slot_count())
        *slot = slots_used++;
    else
        return false;
    return true;
}

static u8 *
stack_map_new(u32 *slot)
{
    struct page *page = page_alloc();
    if (!page)
        return NULL;
    if (!slot_take(slot)) {
        page_put(page);
        return NULL;
    }
    stack_slot_map(*slot, page_physical(page));
    return stack_slot_base(*slot);
}

static void
stack_unmap(u32 slot)
{
    page_put(page_of_physical(stack_slot_unmap(slot)));
    free_slots[free_slot_count++] = slot;
}

static struct spare *
spare_take(struct task *task)
{
    struct spare *spare = list_first(&task->spare_stacks, struct spare, link);
    list_remove(&spare->link);
    task->spare_count--;
    spare_total--;
    return spare;
}

static u8 *
stack_find(struct task *task, u32 *slot)
{
    if (!task->spare_count)
        return stack_map_new(slot);
    struct spare *spare = spare_take(task);
    *slot = spare->slot;
    return (u8 *)spare - SPARE_OFFSET;
}

u8 *
stack_take(struct task *task, u32 *slot)
{
    if (force_object_fails())
        return NULL;
    INTERRUPTS_OFF_SCOPE();
    u8 *bottom = stack_find(task, slot);
    if (unlikely(checks_enabled) && bottom)
        memset(bottom, STACK_FILL & 0xff, PAGE_SIZE);
    return bottom;
}

void
stack_give(struct task *task, u8 *bottom, u32 slot, bool keep)
{
    INTERRUPTS_OFF_SCOPE();
    if (!keep || task->spare_count == SPARE_STACKS_MOST) {
        stack_unmap(slot);
        return;
    }
    struct spare *spare = (struct spare *)(bottom + SPARE_OFFSET);
    spare->slot = slot;
    list_add_head(&task->spare_stacks, &spare->link);
    task->spare_count++;
    spare_total++;
}

void
stack_drop_spares(struct task *task)
{
    INTERRUPTS_OFF_SCOPE();
    while (task->spare_count)
        stack_unmap(spare_take(task)->slot);
}

u32
stack_spare_count(void)
{
    return spare_total;
}
