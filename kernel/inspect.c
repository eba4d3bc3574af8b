/* What fibrils are doing: see inspect.h. Only reads, and follows no pointer that could be wild: a chain
 * of frames is followed as long as it stays in the fibril's own stack page. */
#include "kernel/inspect.h"
#include "arch.h"
#include "kernel/fibril.h"
#include "kernel/log.h"
#include "kernel/stack.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

#define LOGGED_MOST 100u
#define DEPTH 12u

const char *
fibril_state_name(const struct fibril *fibril)
{
    static const char *const names[] = {"new", "ready", "running", "sleeping", "dead"};
    return names[fibril->state];
}

unsigned
fibril_backtrace(const struct fibril *fibril, uintptr_t *addresses, unsigned most)
{
    unsigned count = 0;
    const uintptr_t *frame = __builtin_frame_address(0);
    uintptr_t bottom = (uintptr_t)fibril->stack_bottom;
    INTERRUPTS_OFF_SCOPE();
    if (fibril->state == FIBRIL_DEAD || most == 0)
        return 0;
    if (fibril != cpu.current)
        addresses[count++] = context_saved(fibril->saved_stack, &frame);
    while (count < most && (uintptr_t)frame >= bottom &&
           (uintptr_t)frame <= (uintptr_t)fibril->stack_top - 2 * sizeof(*frame) && frame[1]) {
        addresses[count++] = frame[1];
        if (frame[0] <= (uintptr_t)frame)
            break;
        frame = (const uintptr_t *)frame[0];
    }
    return count;
}

u32
fibril_stack_used(const struct fibril *fibril)
{
    const u32 *word = fibril->stack_bottom + 1;
    if (fibril->kind == FIBRIL_IDLE || *word != STACK_FILL)
        return 0;
    while (*word == STACK_FILL && (const void *)word < fibril->stack_top)
        word++;
    return (u32)((const u8 *)fibril->stack_top - (const u8 *)word);
}

u32
fibril_sleeping_ms(const struct fibril *fibril)
{
    return fibril->state == FIBRIL_SLEEPING ? clock_ticks - fibril->sleeping_since : 0;
}

static void
fibril_log(const struct fibril *fibril)
{
    uintptr_t addresses[DEPTH], offset = 0;
    bool sleeping = fibril->state == FIBRIL_SLEEPING;
    log_line("fibril %u of task %u (%s): %s, %s%s%s, %u ms, stack %u", fibril->id,
             fibril->task->tid, fibril->task->process->name,
             fibril->call_number == NO_CALL ? "no call" : syscall_name(fibril->call_number),
             fibril_state_name(fibril), sleeping ? " on " : "", sleeping ? fibril->wait_channel : "",
             fibril_sleeping_ms(fibril), fibril_stack_used(fibril));
    unsigned count = fibril_backtrace(fibril, addresses, DEPTH);
    for (unsigned i = 0; i < count; i++)
        log_line("  %08lx %s", (unsigned long)addresses[i], symbol_find(addresses[i] - 1, &offset));
}

void
fibrils_log(void)
{
    const struct task *task;
    const struct fibril *fibril;
    u32 count = 0;
    INTERRUPTS_OFF_SCOPE();
    list_for_each(task, task_list(), all_link)
        list_for_each(fibril, &task->fibrils, task_link)
            if (count++ < LOGGED_MOST)
                fibril_log(fibril);
    if (count > LOGGED_MOST)
        log_line("and %u more fibrils: /proc/fibrils has them", count - LOGGED_MOST);
}
