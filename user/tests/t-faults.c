/* t-faults [CASE]: signals that the program's own doing raises, their codes and addresses. Runs on Linux too. */
#include "signals.h"
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>

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

#if defined(__i386__) || defined(__x86_64__)
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

/* QEMU's software processor never raises these. */
static void
sse_invalid(void *unused UNUSED)
{
    unsigned word = 0x1f80 & ~0x80, back = 0x1f80;

    __asm__ volatile("ldmxcsr %0; xorps %%xmm0, %%xmm0; divss %%xmm0, %%xmm0; ldmxcsr %1" ::"m"(word),
                     "m"(back));
}
#endif

#ifdef __fibril__
static const bool raises_simd_faults = false;
#else
static const bool raises_simd_faults = true;
#endif

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
#if defined(__i386__) || defined(__x86_64__)
    check_fault(divide, NULL, SIGFPE, FPE_INTDIV, false);
    check_fault(bad_instruction, NULL, SIGILL, ILL_ILLOPN, false);
    check_fault(privileged, NULL, SIGSEGV, SI_KERNEL, false);
    check_fault(breakpoint, NULL, SIGTRAP, SI_KERNEL, false);
    check_fault(x87_divide, NULL, SIGFPE, FPE_FLTDIV, false);
    __asm__ volatile("fninit");
    if (raises_simd_faults)
        check_fault(sse_invalid, NULL, SIGFPE, FPE_FLTINV, false);
    unsigned usual = 0x1f80;
    __asm__ volatile("ldmxcsr %0" ::"m"(usual));
#endif
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
    {"faults-cannot-be-put-off", faults_cannot_be_put_off},
    {"broken-pipe", broken_pipe},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
