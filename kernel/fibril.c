/* Making and ending fibrils: stack slots, the stack page with struct fibril at its top, and the spare
 * stacks that a task keeps so that a call that ends gives its stack to the next one.
 * The switch itself is in scheduler.c. */
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/trace.h"

#define SPARE_STACKS_MOST 16 /* per task */
#define STACK_ALIGN 16u

/* Known to user_copy.asm and traps.asm. */
_Static_assert(offsetof(struct fibril, copy_recovery) == 4, "user_copy.asm");
_Static_assert(offsetof(struct cpu, current) == 0, "user_copy.asm");
_Static_assert(offsetof(struct cpu, task) == sizeof(void *), "traps.asm");
_Static_assert(offsetof(struct task, return_work) == 0, "traps.asm");
_Static_assert(sizeof(struct fibril) <= 256, "the stack page is small");

struct cpu cpu;

/* Interrupts off: */
static u32 slots_used;      /* never used slots are those from here on */
static u32 *free_slots;     /* a stack of slots that were used before */
static u32 free_slot_count;
static u32 next_id = 1;
static struct fibril_counts counts;

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

/* A fresh stack page in a slot of its own; returns its lowest address. */
static void *
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

static void *
stack_take(struct task *task, u32 *slot)
{
    if (!task->spare_count)
        return stack_map_new(slot);
    struct fibril *spare = list_first(&task->spare_stacks, struct fibril, task_link);
    list_remove(&spare->task_link);
    task->spare_count--;
    counts.spare--;
    *slot = spare->slot;
    return spare->stack_bottom;
}

static void fibril_main(void);

struct fibril *
fibril_create(struct task *task, enum fibril_kind kind, void (*function)(void *), void *argument)
{
    INTERRUPTS_OFF_SCOPE();
    u32 slot;
    u8 *bottom = stack_take(task, &slot);
    if (!bottom)
        return NULL;
    struct fibril *fibril =
        (void *)ALIGN_DOWN((uintptr_t)bottom + PAGE_SIZE - sizeof(*fibril), STACK_ALIGN);
    memset(fibril, 0, sizeof(*fibril));
    fibril->kind = kind;
    fibril->task = task;
    fibril->function = function;
    fibril->argument = argument;
    fibril->stack_top = fibril;
    fibril->stack_bottom = (u32 *)bottom;
    *fibril->stack_bottom = STACK_MAGIC;
    fibril->slot = slot;
    fibril->id = next_id++;
    fibril->call_number = fibril->restart_call = NO_CALL;
    /* A user fibril's frame for user mode lies at the very top, so C starts below it. */
    void *stack = kind == FIBRIL_USER ? (u8 *)fibril - USER_FRAME_BYTES : (u8 *)fibril;
    fibril->saved_stack = context_prepare(stack, fibril_main);
    list_add_tail(&task->fibrils, &fibril->task_link);
    task->fibril_count++;
    counts.alive++;
    counts.created++;
    return fibril;
}

/* The first frame of every fibril: the common tail of the switch first, like everybody. */
static void
fibril_main(void)
{
    schedule_tail();
    interrupts_restore(INTERRUPTS_ENABLED);
    struct fibril *self = current_fibril();
    self->function(self->argument);
    fibril_exit();
}

/* Gives the stack of a fibril that will not run (again) back. Interrupts off; not on that stack. */
void
fibril_release(struct fibril *fibril)
{
    struct task *task = fibril->task;
    ASSERT(fibril->state == FIBRIL_DEAD || fibril->state == FIBRIL_NEW);
    ASSERT(*fibril->stack_bottom == STACK_MAGIC);
    trace(TRACE_REAP, fibril->id, 0);
    list_remove(&fibril->task_link);
    user_context_destroy(fibril->user);
    fibril->user = NULL;
    counts.alive--;
    if (task->spare_count < SPARE_STACKS_MOST && !task->ended) {
        task->spare_count++;
        counts.spare++;
        list_add_head(&task->spare_stacks, &fibril->task_link);
    } else {
        stack_unmap(fibril->slot);
    }
    task->fibril_count--;
    wake_up_all(&task->fibril_ended);
    if (task->ended && task->fibril_count == 0)
        task_free(task);
}

void
fibril_discard(struct fibril *fibril)
{
    INTERRUPTS_OFF_SCOPE();
    ASSERT(fibril->state == FIBRIL_NEW);
    fibril_release(fibril);
}

void
fibril_exit(void)
{
    struct fibril *self = current_fibril();
    ASSERT(self->mutexes_held == 0 && !self->copy_recovery);
    interrupts_save();
    self->state = FIBRIL_DEAD;
    schedule_last(self);
}

void
fibril_drop_spares(struct task *task)
{
    INTERRUPTS_OFF_SCOPE();
    while (task->spare_count) {
        struct fibril *spare = list_first(&task->spare_stacks, struct fibril, task_link);
        list_remove(&spare->task_link);
        task->spare_count--;
        counts.spare--;
        stack_unmap(spare->slot);
    }
}

void
fibril_count(struct fibril_counts *result)
{
    INTERRUPTS_OFF_SCOPE();
    *result = counts;
}
