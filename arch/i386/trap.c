/* What traps.asm calls: exceptions (of user mode, of user copies, of the kernel itself), and the work
 * that waits at a return to user mode. Runs on the stack of the interrupted fibril. */
#include "arch.h"
#include "arch/i386/cpu.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"

struct arch_hooks arch_hooks;
struct cpu cpu;

/* Vectors: [IA32-3] 6.15. Signals: Linux's numbers. */
#define VECTOR_DEVICE_NOT_AVAILABLE 7
#define VECTOR_PAGE_FAULT 14
#define VECTOR_FLOATING_POINT 16
#define VECTOR_SIMD 19
#define CODE_KERNEL 0x80 /* si_code that says nothing, with no address */
#define SIGNAL_ILLEGAL 4
#define SIGNAL_TRAP 5
#define SIGNAL_BUS 7
#define SIGNAL_FLOATING_POINT 8
#define SIGNAL_SEGMENT 11

#define FAULT_WRITE 2
#define USER_END 0x80000000u

static const struct {
    const char *name;
    u8 signal, code; /* for user mode: the signal and its si_code */
} exceptions[32] = {
    [0] = {"divide error", SIGNAL_FLOATING_POINT, 1},
    [1] = {"debug", SIGNAL_TRAP, 2},
    [2] = {"non-maskable interrupt", 0, 0},
    [3] = {"breakpoint", SIGNAL_TRAP, 0x80},
    [4] = {"overflow", SIGNAL_SEGMENT, 0x80},
    [5] = {"bound range exceeded", SIGNAL_SEGMENT, 0x80},
    [6] = {"invalid opcode", SIGNAL_ILLEGAL, 2},
    [7] = {"device not available", SIGNAL_FLOATING_POINT, 0x80},
    [10] = {"invalid task state", SIGNAL_SEGMENT, 0x80},
    [11] = {"segment not present", SIGNAL_BUS, 0x80},
    [12] = {"stack fault", SIGNAL_BUS, 0x80},
    [13] = {"general protection", SIGNAL_SEGMENT, 0x80},
    [14] = {"page fault", SIGNAL_SEGMENT, 1},
    [16] = {"floating-point error", SIGNAL_FLOATING_POINT, 7},
    [17] = {"alignment check", SIGNAL_BUS, 1},
    [18] = {"machine check", 0, 0},
    [19] = {"SIMD floating-point error", SIGNAL_FLOATING_POINT, 7},
};

static void
registers_print(const struct registers *r)
{
    arch_hooks.log("eip %08lx cs %02lx eflags %05lx  error %lx cr2 %08x", r->eip, r->cs, r->eflags,
             r->error, cpu_read_cr2());
    arch_hooks.log("eax %08lx ebx %08lx ecx %08lx edx %08lx", r->eax, r->ebx, r->ecx, r->edx);
    arch_hooks.log("esi %08lx edi %08lx ebp %08lx esp %08lx", r->esi, r->edi, r->ebp,
             registers_from_user(r) ? r->esp : (unsigned long)(uintptr_t)(&r->esp));
}

NORETURN static void
exception_in_kernel(const struct registers *registers)
{
    unsigned vector = registers->trap;
    const char *name = vector < 32 && exceptions[vector].name ? exceptions[vector].name : "unknown";
    arch_hooks.log("exception %u in the kernel: %s", vector, name);
    registers_print(registers);
    backtrace_print_from(registers->eip, (const void *)registers->ebp, 16);
    arch_hooks.panic("exception %u (%s) at %08lx", vector, name, registers->eip);
}

/* The copy ends with -EFAULT, or, if bringing the page in has been given up, with the reason of that. */
static void
copy_fails(struct registers *registers, uintptr_t recovery, int error)
{
    bool given_up = error == current_fibril()->cancel_error || error == -EAGAIN;
    registers->eip = recovery;
    registers->eax = given_up ? error : -EFAULT;
}

static void
page_fault(struct registers *registers)
{
    uintptr_t address = cpu_read_cr2();
    bool from_user = registers_from_user(registers);
    uintptr_t recovery = from_user ? 0 : current_fibril()->copy_recovery;
    bool kernel_fault = !from_user && !recovery;

    if (kernel_fault || !(registers->eflags & EFLAGS_INTERRUPT))
        exception_in_kernel(registers);
    __asm__ volatile("sti");
    if (!from_user)
        current_fibril()->copy_recovery = 0; /* a fault in the handler is the kernel's own */
    int error = address < USER_END
                    ? arch_hooks.user_fault(address, registers->error & FAULT_WRITE)
                    : -EFAULT;
    if (!from_user)
        current_fibril()->copy_recovery = recovery;
    if (error && from_user)
        arch_hooks.user_fault_failed(error, address);
    else if (error)
        copy_fails(registers, recovery, error);
}

void
trap_dispatch(struct registers *registers)
{
    if (registers->trap == VECTOR_PAGE_FAULT) {
        page_fault(registers);
        return;
    }
    if (!registers_from_user(registers))
        exception_in_kernel(registers);
    if (registers->trap == VECTOR_DEVICE_NOT_AVAILABLE && fpu_unavailable())
        return;
    __asm__ volatile("sti");
    unsigned vector = registers->trap, signal = vector < 32 ? exceptions[vector].signal : 0;
    if (!signal)
        arch_hooks.panic("exception %u in user mode", vector);
    int code = exceptions[vector].code;
    if (vector == VECTOR_FLOATING_POINT || vector == VECTOR_SIMD)
        code = fpu_error_code(vector == VECTOR_SIMD);
    arch_hooks.user_exception(signal, code, code == CODE_KERNEL ? 0 : registers->eip);
}

/* The hardware left the faulting state in the ordinary task state. */
void
double_fault_describe(uintptr_t *instruction, uintptr_t *frame, uintptr_t *address)
{
    *instruction = task_state.eip;
    *frame = task_state.ebp;
    *address = cpu_read_cr2();
}

void
return_to_user_work(struct registers *registers)
{
    __asm__ volatile("sti");
    arch_hooks.return_work(registers);
    __asm__ volatile("cli");
}

void
esp0_mismatch(void)
{
    arch_hooks.panic("return to user mode with the wrong kernel stack: TSS.esp0 is %08x", task_state.esp0);
}

struct registers *
user_frame(struct fibril *fibril)
{
    return (struct registers *)fibril->stack_top - 1;
}

uintptr_t
user_stack_pointer(void)
{
    return user_frame(current_fibril())->esp;
}

void
user_frame_reset(uintptr_t instruction, uintptr_t stack)
{
    *user_frame(current_fibril()) = (struct registers){
        .ds = SELECTOR_USER_DATA,
        .es = SELECTOR_USER_DATA,
        .eip = instruction,
        .cs = SELECTOR_USER_CODE,
        .eflags = EFLAGS_INTERRUPT | EFLAGS_FIXED,
        .esp = stack,
        .ss = SELECTOR_USER_DATA,
    };
}

void
user_start(uintptr_t instruction, uintptr_t stack)
{
    user_frame_reset(instruction, stack);
    user_resume();
}

void
user_frame_copy(struct fibril *child, uintptr_t stack)
{
    struct registers *frame = user_frame(child);
    *frame = *user_frame(current_fibril());
    frame->eax = 0;
    if (stack)
        frame->esp = stack;
}

void
user_resume(void)
{
    interrupts_save();
    user_enter(user_frame(current_fibril()));
}

/* ---- User copies: user_copy.asm has the rest ---- */

int
user_copy_failed(void)
{
    current_fibril()->copy_recovery = 0;
    return -EFAULT;
}

bool
user_range_valid(const void USER *address, size_t size)
{
    return (uintptr_t)address <= USER_END && size <= USER_END - (uintptr_t)address;
}

int
copy_string_from_user(char *to, const char USER *from, size_t size)
{
    if (!user_range_valid(from, 1))
        return -EFAULT;
    size_t room = MIN(size, USER_END - (uintptr_t)from);
    int length = (int)user_copy_string(to, from, room);
    if (length < 0)
        return length;
    if ((size_t)length == room)
        return room == size ? -ENAMETOOLONG : -EFAULT;
    return 0;
}
