/* t-fpu [CASE…]: the FPU's and the SSE registers belong to the user context. They survive system
 * calls, asynchronous calls that block and end, the clock's interrupt, and, when two of these run
 * as two inits, switches between tasks; and a program begins with none of another's values in them.
 */
#include "test.h"

struct fpu_values {
    double stack[8];
    unsigned char xmm[8][16];
    unsigned short control;
    unsigned mxcsr;
};

static struct fpu_values *values, *found;
static unsigned char state[512] __attribute__((aligned(16)));

/* All registers as the program found them. */
static void
state_save(void)
{
    __asm__ volatile("fxsave %0" : "=m"(state));
}

/* Fills the registers, spins for about `turns` turns, makes the call `number` if it is not 0, and
 * reads the registers back; no compiled code runs between. The call's result. */
static long
fill_and_read(unsigned turns, int number, long first, long second)
{
    __asm__ volatile("fninit\n\t"
                     "fldcw %c[control](%[v])\n\t"
                     "ldmxcsr %c[mxcsr](%[v])\n\t"
                     "fldl 0(%[v])\n\t fldl 8(%[v])\n\t fldl 16(%[v])\n\t fldl 24(%[v])\n\t"
                     "fldl 32(%[v])\n\t fldl 40(%[v])\n\t fldl 48(%[v])\n\t fldl 56(%[v])\n\t"
                     "movups 64(%[v]), %%xmm0\n\t movups 80(%[v]), %%xmm1\n\t"
                     "movups 96(%[v]), %%xmm2\n\t movups 112(%[v]), %%xmm3\n\t"
                     "movups 128(%[v]), %%xmm4\n\t movups 144(%[v]), %%xmm5\n\t"
                     "movups 160(%[v]), %%xmm6\n\t movups 176(%[v]), %%xmm7\n\t"
                     "1: decl %[turns]\n\t jnz 1b\n\t"
                     "testl %%eax, %%eax\n\t jz 2f\n\t int $0x80\n\t 2:\n\t"
                     "fstpl 56(%[f])\n\t fstpl 48(%[f])\n\t fstpl 40(%[f])\n\t fstpl 32(%[f])\n\t"
                     "fstpl 24(%[f])\n\t fstpl 16(%[f])\n\t fstpl 8(%[f])\n\t fstpl 0(%[f])\n\t"
                     "movups %%xmm0, 64(%[f])\n\t movups %%xmm1, 80(%[f])\n\t"
                     "movups %%xmm2, 96(%[f])\n\t movups %%xmm3, 112(%[f])\n\t"
                     "movups %%xmm4, 128(%[f])\n\t movups %%xmm5, 144(%[f])\n\t"
                     "movups %%xmm6, 160(%[f])\n\t movups %%xmm7, 176(%[f])\n\t"
                     "fnstcw %c[control](%[f])\n\t"
                     "stmxcsr %c[mxcsr](%[f])\n\t"
                     "fninit"
                     : [turns] "+d"(turns), "+a"(number)
                     : "b"(first), "c"(second), [v] "S"(values), [f] "D"(found),
                       [control] "i"(offsetof(struct fpu_values, control)),
                       [mxcsr] "i"(offsetof(struct fpu_values, mxcsr))
                     : "memory", "cc");
    unsigned usual = 0x1f80;
    __asm__ volatile("ldmxcsr %0" ::"m"(usual));
    return number;
}

static void
make_values(void)
{
    for (int i = 0; i < 8; i++) {
        values->stack[i] = (double)(int)test_random() / 7;
        for (int j = 0; j < 16; j++)
            values->xmm[i][j] = test_random();
    }
    values->control = test_random() % 2 ? 0x37f : 0x77f; /* rounding */
    values->mxcsr = test_random() % 2 ? 0x1f80 : 0x3f80;
    memset(found, 0, sizeof *found);
}

static bool
same_values(void)
{
    return memcmp(values->stack, found->stack, sizeof values->stack) == 0 &&
           memcmp(values->xmm, found->xmm, sizeof values->xmm) == 0 &&
           values->control == found->control && values->mxcsr == found->mxcsr;
}

static void
rounds(int count, unsigned turns, int number, bool calls)
{
    struct kernel_timespec time = {0, MILLISECOND};

    for (int round = 0; round < count; round++) {
        make_values();
        if (calls) {
            test_start(SYS_nanosleep, 1, WORD(&time), 0, 0, 0);
            test_start(SYS_sched_yield, 2, 0, 0, 0, 0);
        }
        fill_and_read(turns, number, 0, 0);
        check(same_values());
        if (calls) {
            test_await();
            test_await();
        }
    }
}

static void
in_user_mode(void)
{
    rounds(2000, 1, 0, false);
}

static void
across_system_calls(void)
{
    rounds(2000, 1, SYS_getpid, false);
    rounds(500, 1, SYS_sched_yield, false);
}

/* The clock strikes, and asynchronous calls end, while the registers are full. */
static void
across_interrupts(void)
{
    rounds(60, 3000000, SYS_sched_yield, true);
}

/* A child begins with its parent's registers; and neither sees the other's from then on. */
static void
across_fork(void)
{
    for (int round = 0; round < 20; round++) {
        make_values();
        long pid = fill_and_read(1, SYS_fork, 0, 0);
        bool same = same_values();
        if (pid == 0) {
            test_seed += 17;
            rounds(50, 20000, SYS_sched_yield, false);
            sys_exit(same && check_failures == 0 ? 0 : 1);
        }
        check(pid > 0 && same);
        rounds(20, 20000, SYS_sched_yield, false);
        check_equal(test_wait(pid), 0);
    }
}

/* ---- A handler has registers of its own ---- */

static volatile unsigned handled;

static void
clobber(int number)
{
    (void)number;
    __asm__ volatile("fninit\n\t fldpi\n\t fldpi\n\t xorps %xmm0, %xmm0\n\t"
                     "movaps %xmm0, %xmm3\n\t movaps %xmm0, %xmm7");
    handled++;
}

static void
across_signal_handlers(void)
{
    test_set_handler(SIGNAL_USR1, clobber, 0);
    for (unsigned round = 1; round <= 200; round++) {
        make_values();
        check_equal(fill_and_read(1, SYS_kill, sys_getpid(), SIGNAL_USR1), 0);
        check(same_values());
        check_equal(handled, round);
    }
}

/* The initial state: [IA32-1] 8.1.5 and 11.6.4; nothing in the data registers. */
static void
initial_state(void)
{
    bool clean = true;

    check_equal(state[0] | state[1] << 8, 0x37f);
    check_equal(state[24] | state[25] << 8 | state[26] << 16, 0x1f80);
    for (int i = 32; i < 288; i++) /* st0 to st7, xmm0 to xmm7 */
        clean = clean && state[i] == 0;
    check(clean);
}

static const struct check_case cases[] = {
    {"initial-state", initial_state},
    {"in-user-mode", in_user_mode},
    {"across-system-calls", across_system_calls},
    {"across-interrupts", across_interrupts},
    {"across-fork", across_fork},
    {"across-signal-handlers", across_signal_handlers},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    state_save();
    test_seed = sys_getpid() * 7919;
    values = malloc(sizeof *values);
    found = malloc(sizeof *found);
    return check_run(cases, argc, argv);
}
