/* Allocations that are made to fail: see force.h. */
#include "kernel/force.h"
#include "arch.h"
#include "kernel/fibril.h"

struct task *force_task;
u32 force_failing;
u32 force_allocations;

void
force_fail(struct task *task, u32 which)
{
    INTERRUPTS_OFF_SCOPE();
    force_task = task;
    force_failing = which;
    force_allocations = 0;
}

bool
force_allocation(bool of_calls_only)
{
    const struct fibril *self = current_fibril();
    if (cpu.task != force_task || interrupt_running())
        return false;
    if (of_calls_only && self->kind == FIBRIL_USER && self->call_number == NO_CALL)
        return false;
    force_allocations++;
    return force_failing > 0 && --force_failing == 0;
}
