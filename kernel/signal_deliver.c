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

/* ---- Interrupted calls ---- */

u64
signal_call_deadline(u64 relative_ns)
{
    struct fibril *self = current_fibril();
    bool resuming = self->resuming;
    self->resuming = false;
    if (resuming)
        return self->resume_deadline;
    u64 now = time_now_ns();
    return relative_ns < ~0ull - now ? now + relative_ns : ~0ull;
}

int
signal_call_interrupted(int error, u64 deadline)
{
    if (error != -ERESTARTSYS)
        return error;
    current_fibril()->resume_deadline = deadline;
    return -ERESTARTNOHAND;
}

static void
call_made_anew(struct fibril *self, struct registers *registers)
{
    registers->eax = self->restart_call;
    registers->eip -= SYSCALL_INSTRUCTION_BYTES;
    self->resuming = self->restart_error == -ERESTARTNOHAND && self->resume_deadline;
    self->restart_call = NO_CALL;
}

/* A handler is to run: the call that was interrupted is made anew after it, or ends. */
static void
call_interrupted_by(struct fibril *self, struct registers *registers, u32 action_flags)
{
    bool anew = self->restart_error == -ERESTARTSYS && action_flags & ACTION_RESTART;
    if (self->restart_call != NO_CALL && anew) {
        call_made_anew(self, registers);
    } else if (self->restart_call != NO_CALL) {
        registers->eax = -EINTR;
        self->restart_call = NO_CALL;
    } else if (self->resuming) {
        registers->eip += SYSCALL_INSTRUCTION_BYTES; /* it was about to be made anew */
        registers->eax = -EINTR;
        self->resuming = false;
    }
}

/* ---- Handlers ---- */

static void
mask_for_handler(struct fibril *self, const struct signal_action *action, int number)
{
    signal_set blocked = (signal_set)action->mask_high << 32 | action->mask_low;
    if (!(action->flags & ACTION_NO_DEFER))
        blocked |= SIGNAL_BIT(number);
    signal_set_mask(self->signal_mask | blocked);
}

/* There is no room for the frame: SIGSEGV, whose handler may have a stack of its own. */
static void
frame_failed(int number)
{
    struct process *process = current_task()->process;
    struct signal_info info;
    if (number == SIGSEGV)
        process->handlers->actions[SIGSEGV - 1].handler = HANDLER_DEFAULT;
    signal_info_kernel(&info, SIGSEGV);
    signal_force(&info);
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
    call_interrupted_by(self, registers, action.flags);
    if (signal_frame_push(registers, &frame)) {
        frame_failed(info->number);
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
    if (self->restart_call != NO_CALL)
        call_made_anew(self, registers);
    if (self->mask_saved) {
        self->mask_saved = false;
        signal_set_mask(self->saved_mask);
    }
}
