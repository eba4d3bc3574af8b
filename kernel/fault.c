/* What becomes of faults: see fault.h. */
#include "kernel/fault.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/log.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

/* si_code */
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRERR 2

int
fault_user(uintptr_t address, bool write)
{
    struct task *task = current_task();
    if (!task->space)
        return -EFAULT;
    task->faults++;
    int error = address_space_fault(task->space, address, write);
    if (error == -ENOMEM && !task->process->exiting) {
        log_line("out of memory: task %u (%s) is killed", task->tid, task->process->name);
        process_kill(task->process, SIGKILL);
    }
    return error;
}

void
fault_user_exception(unsigned signal, int code, uintptr_t address)
{
    struct process *process = current_task()->process;
    struct signal_info info = {.number = signal, .code = code};
    info.fields[0] = address;
    if (process->handlers->actions[signal - 1].handler == HANDLER_DEFAULT && !process->exiting)
        log_limited(20, "task %u (%s): signal %u, address %08lx", current_task()->tid,
                    process->name, signal, (unsigned long)address);
    signal_force(&info);
}

void
fault_user_failed(int error, uintptr_t address)
{
    if (error == -ENXIO || error == -EIO)
        fault_user_exception(SIGBUS, BUS_ADRERR, address);
    else if (error == -EFAULT || error == -EACCES)
        fault_user_exception(SIGSEGV, error == -EFAULT ? SEGV_MAPERR : SEGV_ACCERR, address);
    /* Otherwise the process is ending, which the return to user mode sees. */
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
