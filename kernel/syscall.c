/* The dispatcher: see syscall.h. The int 0x80 way in is here too; the asynchronous ways are in
 * kernel/async. */
#include "kernel/syscall.h"
#include "arch/i386/registers.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/task.h"
#include "kernel/trace.h"

static const struct syscall_entry *table;
static unsigned table_size;

void
syscall_set_table(const struct syscall_entry *entries, unsigned size)
{
    table = entries;
    table_size = size;
}

const char *
syscall_name(u32 number)
{
    const char *name = number < table_size ? table[number].name : NULL;
    return name ? name : "?";
}

static void
syscall_report_absent(u32 number)
{
    static u32 reported[32]; /* a bit per number */
    if (number >= 32 * ARRAY_SIZE(reported) || reported[number / 32] & 1u << number % 32)
        return;
    reported[number / 32] |= 1u << number % 32;
    log_line("system call %u is not built in (task %u, %s)", number, current_task()->tid,
             current_task()->process->name);
}

/* For a number that is not built in, or whose call has flags: the number to use, or why not. */
static __attribute__((noinline)) s32
number_check(u32 number)
{
    if (number < table_size && table[number].flags & SYSCALL_TWO_MEANINGS &&
        current_task()->process->own_numbers)
        number += OWN_NUMBERS_BEHIND;
    if (number >= table_size || !table[number].call) {
        syscall_report_absent(number);
        return -ENOSYS;
    }
    bool refused = table[number].flags & SYSCALL_USER_CONTEXT;
    return refused && current_fibril()->kind != FIBRIL_USER ? -EINVAL : (s32)number;
}

/* Part of each way in, since it is the shortest calls that count the instructions. `outer` is what the
 * fibril does otherwise. */
static ALWAYS_INLINE long
invoke(struct fibril *self, u32 number, const unsigned long *arguments, u32 outer)
{
    if (unlikely(number >= table_size || !table[number].call || table[number].flags)) {
        s32 found = number_check(number);
        if (found < 0)
            return found;
        number = (u32)found;
    }
    const struct syscall_entry *entry = &table[number];
    self->call_number = number;
    trace(TRACE_CALL_IN, number, 0);
    long result = entry->call(arguments);
    trace(TRACE_CALL_OUT, self->call_number, (u32)result);
    ASSERT(self->mutexes_held == 0 && !self->copy_recovery);
    self->call_number = outer;
    return result;
}

long
syscall_invoke(u32 number, const unsigned long *arguments)
{
    struct fibril *self = current_fibril(); /* a call that submits may run others inside itself */
    return invoke(self, number, arguments, self->call_number);
}

/* int 0x80: number in eax, arguments in ebx, ecx, edx, esi, edi, ebp; the result goes to eax. */
void
syscall_from_user(struct registers *registers)
{
    u32 number = registers->eax;
    registers->eax = invoke(current_fibril(), number, &registers->ebx, NO_CALL);
    if (unlikely(registers->eax + ERESTARTNOHAND <= ERESTARTNOHAND - ERESTARTSYS) &&
        !(table[number].flags & SYSCALL_GIVES_REGISTERS)) {
        INTERRUPTS_OFF_SCOPE();
        current_fibril()->restart_call = number;
        current_fibril()->restart_error = (s32)registers->eax;
        current_task()->return_work |= WORK_SIGNAL;
    }
}
