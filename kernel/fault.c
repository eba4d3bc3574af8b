/* What becomes of faults: see fault.h. */
#include "kernel/fault.h"
#include "arch/i386/registers.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/log.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

#define SIGNAL_KILL 9

int
fault_user(uintptr_t address, bool write, bool present)
{
    struct task *task = current_task();
    if (!task->space)
        return -EFAULT;
    int error = address_space_fault(task->space, address, write);
    if (error == -ENOMEM) {
        log_line("out of memory: task %u (%s) is killed", task->tid, task->process->name);
        process_kill(task->process, SIGNAL_KILL);
    }
    return error;
}

/* Signals cannot be caught yet: each ends the process. */
void
fault_user_exception(unsigned signal, struct registers *registers, uintptr_t address)
{
    struct task *task = current_task();
    if (!task->process->exiting)
        log_limited(20, "task %u (%s): signal %u at eip %08lx, address %08lx", task->tid,
                    task->process->name, signal, registers->eip, (unsigned long)address);
    process_exit(signal);
}

void
fault_double(void)
{
    uintptr_t instruction, frame, address;
    const struct fibril *fibril = current_fibril();
    double_fault_describe(&instruction, &frame, &address);
    uintptr_t bottom = (uintptr_t)fibril->stack_bottom;
    backtrace_print_from(instruction, (const void *)frame, 24);
    if (address < bottom && address >= bottom - PAGE_SIZE)
        panic("kernel stack overflow: fibril %u of task %u (%s) in call %s", fibril->id,
              fibril->task->tid, fibril->task->process->name,
              fibril->call_number == NO_CALL ? "none" : syscall_name(fibril->call_number));
    panic("double fault at %08lx, address %08lx", (unsigned long)instruction,
          (unsigned long)address);
}
