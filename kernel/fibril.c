/* Making and ending fibrils: the stack page with struct fibril at its top. Where stack pages come from
 * is in stack.c, the switch in scheduler.c. */
#include "kernel/fibril.h"
#include "kernel/stack.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/trace.h"


/* Known to user_copy.asm. */
_Static_assert(offsetof(struct fibril, copy_recovery) == 4, "user_copy.asm");
_Static_assert(sizeof(struct fibril) <= 256, "the stack page is small");

/* Interrupts off: */
static u32 next_id = 1;
struct fibril_counts fibril_counts;

static void
fibril_sleep_expired(struct timer *timer)
{
    fibril_wake(container_of(timer, struct fibril, sleep_timer));
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

struct fibril *
fibril_create(struct task *task, enum fibril_kind kind, void (*function)(void *), void *argument)
{
    INTERRUPTS_OFF_SCOPE();
    u32 slot;
    u8 *bottom = stack_take(task, &slot);
    if (!bottom)
        return NULL;
    struct fibril *fibril =
        (void *)ALIGN_DOWN((uintptr_t)bottom + PAGE_SIZE - sizeof(*fibril), 16u);
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
    timer_init(&fibril->sleep_timer, fibril_sleep_expired);
    if (unlikely(task->unwinding))
        fibril->cancel_error = -EINTR;
    /* A user fibril's frame for user mode lies at the very top, so C starts below it. */
    void *stack = kind == FIBRIL_USER ? (u8 *)fibril - USER_FRAME_BYTES : (u8 *)fibril;
    fibril->saved_stack = context_prepare(stack, fibril_main);
    list_add_tail(&task->fibrils, &fibril->task_link);
    task->fibril_count++;
    fibril_counts.alive++;
    fibril_counts.created++;
    return fibril;
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
    credentials_forget_old(fibril);
    fibril_counts.alive--;
    stack_give(task, (u8 *)fibril->stack_bottom, fibril->slot, !task->ended);
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
