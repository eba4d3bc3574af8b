/* Signals at a return to user mode: see signal.h. Runs on the user fibril that returns, interrupts on;
 * may sleep. */
#include "arch.h"
#include "arch/i386/registers.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/log.h"
#include "kernel/signal.h"
#include "kernel/task.h"

#define SYSCALL_INSTRUCTION_BYTES 2

/* An interrupted system call is made anew (true), or returns -EINTR. */
static void
call_resume(struct registers *registers, bool again)
{
    struct fibril *self = current_fibril();
    if (self->restart_call == NO_CALL)
        return;
    if (again) {
        registers->eax = self->restart_call;
        registers->eip -= SYSCALL_INSTRUCTION_BYTES;
    } else {
        registers->eax = -EINTR;
    }
    self->restart_call = NO_CALL;
}

static void
mask_for_handler(struct fibril *self, const struct signal_action *action, int number)
{
    signal_set blocked = (signal_set)action->mask_high << 32 | action->mask_low;
    if (!(action->flags & ACTION_NO_DEFER))
        blocked |= SIGNAL_BIT(number);
    signal_set_mask(self->signal_mask | blocked);
}

static void
handler_enter(struct registers *registers, struct signal_action *shared, struct signal_info *info)
{
    struct fibril *self = current_fibril();
    struct signal_action action = *shared;
    struct signal_stack stack = {self->signal_stack_base, self->signal_stack_size};
    struct signal_frame frame = {
        .action = &action,
        .info = info,
        .mask = self->mask_saved ? self->saved_mask : self->signal_mask,
        .stack = &stack,
    };
    if (action.flags & ACTION_RESET)
        shared->handler = HANDLER_DEFAULT;
    call_resume(registers, action.flags & ACTION_RESTART);
    if (signal_frame_push(registers, &frame)) {
        process_kill(self->task->process, SIGSEGV);
        return;
    }
    self->mask_saved = false;
    mask_for_handler(self, &action, info->number);
}

/* One signal that was taken; its handler may have been changed since it was sent. */
static void
deliver_one(struct registers *registers, struct signal_info *info)
{
    struct process *process = current_task()->process;
    struct signal_action *action = &process->handlers->actions[info->number - 1];
    if (action->handler > HANDLER_IGNORE)
        handler_enter(registers, action, info);
    else
        (void)signal_send_task(current_task(), info); /* default or ignored: acts at once */
}

void
signal_deliver(struct registers *registers)
{
    struct fibril *self = current_fibril();
    struct task *task = self->task;
    struct signal_info info;
    process_wait_while_stopped();
    {
        INTERRUPTS_OFF_SCOPE();
        task->return_work &= ~WORK_SIGNAL;
    }
    while (!task->process->exiting && signal_take(~self->signal_mask, &info))
        deliver_one(registers, &info);
    call_resume(registers, true);
    if (self->mask_saved) {
        self->mask_saved = false;
        signal_set_mask(self->saved_mask);
    }
}
