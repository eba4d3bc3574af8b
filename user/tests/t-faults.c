/* t-faults [CASE]: signals that the program's own doing raises, their codes and addresses. Runs on Linux too. */
#include "signals.h"
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf environment;

static volatile int fault_code;
static void *volatile fault_address;

static void
fault(int number, siginfo_t *info, void *context UNUSED)
{
    fault_code = info->si_code;
    fault_address = info->si_addr;
    siglongjmp(environment, number);
}

static void
check_fault(void (*function)(void *), void *argument, int number, int code, bool address_counts)
{
    handle_info(number, fault, 0);
    int got = sigsetjmp(environment, 1);
    if (got == 0) {
        function(argument);
        check(!"the fault happened");
    }
    check_equal(got, number);
    check_equal(fault_code, code);
    if (address_counts)
        check(fault_address == argument);
    defaults();
}

static void
write_there(void *address)
{
    char *volatile there = address;

    *(volatile char *)there = 1;
}

static void
read_there(void *address)
{
    char *volatile there = address;

    (void)*(volatile char *)there;
}

static void
divide(void *unused UNUSED)
{
    __asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; mov $1, %%eax; div %%ecx" ::
                         : "eax", "ecx", "edx");
}

static void
bad_instruction(void *unused UNUSED)
{
    __asm__ volatile("ud2");
}

static void
privileged(void *unused UNUSED)
{
    __asm__ volatile("hlt");
}

static void
breakpoint(void *unused UNUSED)
{
    __asm__ volatile("int3");
}

static void
x87_divide(void *unused UNUSED)
{
    unsigned short word = 0x37f & ~4;

    __asm__ volatile("fldcw %0; fld1; fldz; fdivrp %%st, %%st(1); fwait" ::"m"(word));
}

static void
sse_invalid(void)
{
    unsigned word = 0x1f80 & ~0x80, back = 0x1f80;

    __asm__ volatile("ldmxcsr %0; xorps %%xmm0, %%xmm0; divss %%xmm0, %%xmm0; ldmxcsr %1" ::"m"(word),
                     "m"(back));
}

static void
codes_of_faults(void)
{
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("/tmp/t-signals", O_CREAT | O_RDWR | O_TRUNC, 0600);
    char *file = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

    check_fault(read_there, (void *)16, SIGSEGV, SEGV_MAPERR, true);
    check_fault(write_there, page, SIGSEGV, SEGV_ACCERR, true);
    mprotect(page, 4096, PROT_NONE);
    check_fault(read_there, page, SIGSEGV, SEGV_ACCERR, true);
    check_fault(read_there, file, SIGBUS, BUS_ADRERR, true);
    munmap(page, 4096);
    munmap(file, 4096);
    close(fd);
    unlink("/tmp/t-signals");
    check_fault(divide, NULL, SIGFPE, FPE_INTDIV, false);
    check_fault(bad_instruction, NULL, SIGILL, ILL_ILLOPN, false);
    check_fault(privileged, NULL, SIGSEGV, SI_KERNEL, false);
    check_fault(breakpoint, NULL, SIGTRAP, SI_KERNEL, false);
    check_fault(x87_divide, NULL, SIGFPE, FPE_FLTDIV, false);
    __asm__ volatile("fninit");
}

/* ---- By instruction: signal, code, what the context says ---- */

static volatile int trap_number, error_code, flags_seen;
static volatile unsigned long instruction;

static void
note_context(int number, siginfo_t *info, void *context)
{
    ucontext_t *user = context;

    fault_code = info->si_code;
    fault_address = info->si_addr;
    trap_number = user->uc_mcontext.gregs[REG_TRAPNO];
    error_code = user->uc_mcontext.gregs[REG_ERR];
    instruction = user->uc_mcontext.gregs[REG_EIP];
    flags_seen = user->uc_mcontext.gregs[REG_EFL];
    siglongjmp(environment, number);
}

#define FAULTING(name, ...)                                                                        \
    static void name(void)                                                                         \
    {                                                                                              \
        __asm__ volatile(__VA_ARGS__);                                                             \
    }

/* Divisions whose exception is not masked: bits of the control word. */
#define X87(mask, code)                                                                            \
    "fninit; pushw $" #mask "; fldcw (%%esp); addl $2, %%esp;" code "; fwait" ::: "memory"
#define X87_OPERANDS(mask, first, second, code) X87(mask, first ";" second ";" code)

FAULTING(divide_by_zero, "xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx" ::: "eax", "ecx", "edx")
FAULTING(divide_overflow, "mov $-1, %%ecx; mov $0x80000000, %%eax; cltd; idiv %%ecx" ::: "eax", "ecx", "edx")
FAULTING(undefined, "ud2" :::)
FAULTING(undefined_too, ".byte 0x0f, 0xff, 0xc0" :::)
FAULTING(locked_register, ".byte 0xf0, 0x89, 0xc0" :::)
FAULTING(halt, "hlt" :::)
FAULTING(port_in, "inb $0x80" ::: "eax")
FAULTING(interrupts_off, "cli" :::)
FAULTING(control_register, "mov %%cr0, %%eax" ::: "eax")
FAULTING(wrong_interrupt, "int $0x55" :::)
FAULTING(kernels_interrupt, "int $0x0e" :::)
FAULTING(bad_segment, "push %%es; mov $0x1b3, %%eax; mov %%eax, %%es; pop %%es" ::: "eax")
FAULTING(no_segment, "push %%es; xor %%eax, %%eax; mov %%eax, %%es; mov %%es:0, %%eax; pop %%es" ::: "eax")
FAULTING(break_here, "int3" :::)
FAULTING(overflow_trap, "mov $0x7fffffff, %%eax; add $1, %%eax; into" ::: "eax")
FAULTING(single_step, "pushfl; orl $0x100, (%%esp); popfl; nop; nop" ::: "memory")
FAULTING(jump_nowhere, "mov $0x70001000, %%eax; jmp *%%eax" ::: "eax")
FAULTING(call_null, "xor %%eax, %%eax; call *%%eax" ::: "eax")
FAULTING(read_kernel, "mov 0xfffff000, %%eax" ::: "eax")
FAULTING(float_invalid, X87_OPERANDS(0x37e, "fldz", "fldz", "fdivrp %%st, %%st(1)"))
FAULTING(float_divide, X87_OPERANDS(0x37b, "fld1", "fldz", "fdivrp %%st, %%st(1)"))
FAULTING(float_stack, X87(0x37e, "fstp %%st(0)"))

/* 2^16383 times 2, by the exponent. */
static void
float_overflow(void)
{
    unsigned short word = 0x377;
    unsigned char large[10] = {0, 0, 0, 0, 0, 0, 0, 0x80, 0xfe, 0x7f};

    __asm__ volatile("fninit; fldcw %0; fldt %1; fadd %%st(0); fwait" ::"m"(word), "m"(large));
}

static void
float_underflow(void)
{
    unsigned short word = 0x36f;
    unsigned char small[10] = {0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0};

    __asm__ volatile("fninit; fldcw %0; fldt %1; fmul %%st(0); fwait" ::"m"(word), "m"(small));
}

static void
float_inexact(void)
{
    unsigned short word = 0x35f;
    int three = 3;

    __asm__ volatile("fninit; fldcw %0; fld1; fidivl %1; fwait" ::"m"(word), "m"(three));
}

static const struct {
    const char *name;
    void (*function)(void);
    int number;
} instructions[] = {
    {"division by zero", divide_by_zero, SIGFPE},
    {"division that overflows", divide_overflow, SIGFPE},
    {"ud2", undefined, SIGILL},
    {"undefined", undefined_too, SIGILL},
    {"lock with a register", locked_register, SIGILL},
    {"hlt", halt, SIGSEGV},
    {"in", port_in, SIGSEGV},
    {"cli", interrupts_off, SIGSEGV},
    {"cr0", control_register, SIGSEGV},
    {"int 0x55", wrong_interrupt, SIGSEGV},
    {"int 0x0e", kernels_interrupt, SIGSEGV},
    {"a segment that is not there", bad_segment, SIGSEGV},
    {"no segment", no_segment, SIGSEGV},
    {"int3", break_here, SIGTRAP},
    {"into", overflow_trap, SIGSEGV},
    {"single step", single_step, SIGTRAP},
    {"jump to nowhere", jump_nowhere, SIGSEGV},
    {"call of NULL", call_null, SIGSEGV},
    {"read of the kernel", read_kernel, SIGSEGV},
    {"invalid", float_invalid, SIGFPE},
    {"float division by zero", float_divide, SIGFPE},
    {"empty stack", float_stack, SIGFPE},
    {"overflow", float_overflow, SIGFPE},
    {"underflow", float_underflow, SIGFPE},
    {"inexact", float_inexact, SIGFPE},
};

/* The address: none, the instruction's, or another one, which is told. */
static void
by_instruction(void)
{
    for (unsigned i = 0; i < sizeof instructions / sizeof *instructions; i++) {
        handle_info(instructions[i].number, note_context, 0);
        int got = sigsetjmp(environment, 1);
        if (got == 0)
            instructions[i].function();
        __asm__ volatile("fninit");
        defaults();
        printf("  %s = signal %d, code %d, trap %d, error %x, trace flag %d, ", instructions[i].name, got,
               fault_code, trap_number, error_code, !!(flags_seen & 0x100));
        if ((unsigned long)fault_address == instruction)
            printf("at the instruction\n");
        else
            printf("address %lx\n", (unsigned long)fault_address);
    }
}

/* QEMU's software processor never raises this one. */
static void
of_sse(void)
{
    unsigned usual = 0x1f80;

    handle_info(SIGFPE, note_context, 0);
    int got = sigsetjmp(environment, 1);
    if (got == 0) {
        sse_invalid();
        puts("# this processor raises no exception of SSE");
    } else {
        check_equal(fault_code, FPE_FLTINV);
        check((unsigned long)fault_address == instruction);
        check_equal(trap_number, 19);
    }
    __asm__ volatile("ldmxcsr %0" ::"m"(usual));
    defaults();
}

static int
fault_while_blocked(void *unused UNUSED)
{
    handle(SIGSEGV, count, 0);
    block(SIGSEGV);
    read_there((void *)16);
    return 0;
}

static int
fault_while_ignored(void *unused UNUSED)
{
    handle(SIGSEGV, SIG_IGN, 0);
    read_there((void *)16);
    return 0;
}

/* One that is blocked or ignored kills. */
static void
faults_cannot_be_put_off(void)
{
    check_equal(exited(in_child(fault_while_blocked, NULL)), -SIGSEGV);
    check_equal(exited(in_child(fault_while_ignored, NULL)), -SIGSEGV);
}

static int
write_to_nobody(void *fd)
{
    return write(*(int *)fd, "x", 1) == 1 ? 0 : 1;
}

static void
broken_pipe(void)
{
    int fds[2];

    check(pipe(fds) == 0);
    close(fds[0]);
    check_equal(exited(in_child(write_to_nobody, &fds[1])), -SIGPIPE);
    handle(SIGPIPE, count, 0);
    check_equal(error_of(write(fds[1], "x", 1)), EPIPE);
    check_equal(handled, 1);
    handle(SIGPIPE, SIG_IGN, 0);
    check_equal(error_of(write(fds[1], "x", 1)), EPIPE);
    close(fds[1]);
    defaults();
}

static const struct check_case cases[] = {
    {"codes-of-faults", codes_of_faults},
    {"by-instruction", by_instruction},
    {"of-sse", of_sse},
    {"faults-cannot-be-put-off", faults_cannot_be_put_off},
    {"broken-pipe", broken_pipe},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
