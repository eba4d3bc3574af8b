/* t-handlers [CASE]: how handlers run: nesting, masks, stacks of their own, what they change in the context
 * they return to, and that they leave the FPU's registers alone. Runs on Linux too. */
#include "signals.h"
#include <setjmp.h>
#include <ucontext.h>

/* ---- Handlers ---- */

static volatile sig_atomic_t depth, deepest;

static void
nest(int number)
{
    if (++depth > deepest)
        deepest = depth;
    if (++handled < 5)
        raise(number);
    depth--;
}

static void
nesting(void)
{
    depth = deepest = 0;
    handle(SIGUSR1, nest, 0); /* itself blocked: one after the other */
    raise(SIGUSR1);
    check_equal(deepest, 1);
    deepest = 0;
    defaults();
    handle(SIGUSR1, nest, SA_NODEFER);
    raise(SIGUSR1);
    check_equal(deepest, 5);
    defaults();
}

static void
raise_two(int number UNUSED)
{
    raise(SIGUSR2);
    check_equal(handled, 0); /* in the handler's mask */
    raise(SIGURG);
    check_equal(handled, 1); /* not in it */
}

static void
masks_of_handlers(void)
{
    struct sigaction action = {.sa_handler = raise_two};

    handle(SIGUSR2, count, 0);
    handle(SIGURG, count, 0);
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR2);
    check(sigaction(SIGUSR1, &action, NULL) == 0);
    raise(SIGUSR1);
    check_equal(handled, 2);
    defaults();
}

static void
once_only(void)
{
    struct sigaction action;

    handle(SIGUSR1, count, SA_RESETHAND);
    raise(SIGUSR1);
    check(sigaction(SIGUSR1, NULL, &action) == 0);
    check(action.sa_handler == SIG_DFL);
    check_equal(handled, 1);
    defaults();
}

/* ---- An own stack ---- */

static char *volatile where;
static stack_t during;

static void
look_at_stack(int number UNUSED)
{
    char here;

    where = &here;
    sigaltstack(NULL, &during);
    count(number);
}

static void
own_stack(void)
{
    static char memory[65536];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory}, old, off = {.ss_flags = SS_DISABLE};
    stack_t small = {.ss_sp = memory, .ss_size = 100};

    check(sigaltstack(NULL, &old) == 0);
    check_equal(old.ss_flags, SS_DISABLE);
    check_equal(error_of(sigaltstack(&small, NULL)), ENOMEM);
    check(sigaltstack(&stack, NULL) == 0);
    handle(SIGUSR1, look_at_stack, SA_ONSTACK);
    raise(SIGUSR1);
    check(where >= memory && where < memory + sizeof memory);
    check_equal(during.ss_flags, SS_ONSTACK);
    handle(SIGUSR1, look_at_stack, 0);
    raise(SIGUSR1);
    check(where < memory || where >= memory + sizeof memory);
    check(sigaltstack(&off, &old) == 0);
    check(old.ss_sp == memory && old.ss_flags == 0);
    defaults();
}

static sigjmp_buf environment;

static void
jump_out(int number)
{
    siglongjmp(environment, number);
}

static int
overflow(int level)
{
    volatile char big[1024];

    big[0] = (char)level;
    return level < 1 << 30 ? overflow(level + 1) + big[0] : 0;
}

static int
overflow_in_child(void *unused UNUSED)
{
    static char memory[65536];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};

    sigaltstack(&stack, NULL);
    handle(SIGSEGV, jump_out, SA_ONSTACK);
    if (sigsetjmp(environment, 1) == SIGSEGV)
        return 5;
    return overflow(0);
}

static int
overflow_without_stack(void *unused UNUSED)
{
    handle(SIGSEGV, jump_out, 0);
    if (sigsetjmp(environment, 1) == SIGSEGV)
        return 5;
    return overflow(0);
}

/* The stack has no end for a handler to run on, unless it has one of its own. */
static void
stack_overflow(void)
{
    check_equal(exited(in_child(overflow_in_child, NULL)), 5);
    check_equal(exited(in_child(overflow_without_stack, NULL)), -SIGSEGV);
}

/* What may be said of the stack when, and what a handler finds. */
static char first_stack[65536], second_stack[65536];

static void
change_stack_inside(int number)
{
    stack_t second = {.ss_sp = second_stack, .ss_size = sizeof second_stack}, now;
    char here;

    show(sigaltstack(&second, NULL)); /* not while it is in use */
    show(sigaltstack(NULL, &now));
    show(now.ss_flags);
    show(now.ss_sp == first_stack && now.ss_size == sizeof first_stack);
    show(&here >= first_stack && &here < first_stack + sizeof first_stack);
    if (number == SIGUSR1)
        raise(SIGUSR2); /* on the same stack, further down */
    count(number);
}

static void
rules_of_stacks(void)
{
    stack_t first = {.ss_sp = first_stack, .ss_size = sizeof first_stack}, old;
    stack_t off = {.ss_flags = SS_DISABLE};

    show(sigaltstack((stack_t *)16, NULL));
    first.ss_flags = 77;
    show(sigaltstack(&first, NULL));
    first.ss_flags = SS_ONSTACK;
    show(sigaltstack(&first, &old)); /* taken for 0 */
    show(sigaltstack(NULL, &old));
    show(old.ss_flags);
    first.ss_flags = 0;
    show(sigaltstack(&first, NULL));
    handle(SIGUSR1, change_stack_inside, SA_ONSTACK);
    handle(SIGUSR2, change_stack_inside, SA_ONSTACK);
    raise(SIGUSR1);
    show(handled);
    show(sigaltstack(NULL, &old));
    show(old.ss_flags);
    show(sigaltstack(&off, NULL));
    show(sigaltstack(NULL, &old));
    show(old.ss_flags);
    defaults();
}

/* ---- What a handler changes, and what it must not. (The compiler keeps nothing in SSE registers across
 * these lines; for i686 it would not even know their names.) ---- */

#if defined(__i386__)
#define INSTRUCTION REG_EIP
#define ACCUMULATOR REG_EAX
#elif defined(__x86_64__)
#define INSTRUCTION REG_RIP
#define ACCUMULATOR REG_RAX
#endif

static void
skip_and_mend(int number UNUSED, siginfo_t *info UNUSED, void *context)
{
    ucontext_t *user = context;

    user->uc_mcontext.gregs[INSTRUCTION] += 2; /* ud2 */
    user->uc_mcontext.gregs[ACCUMULATOR] = 4711;
    sigaddset(&user->uc_sigmask, SIGURG);
}

static void
changed_context(void)
{
    int result = 1;
    sigset_t mask;

    handle_info(SIGILL, skip_and_mend, 0);
    __asm__ volatile("ud2" : "+a"(result));
    check_equal(result, 4711);
    sigprocmask(SIG_SETMASK, NULL, &mask);
    check(sigismember(&mask, SIGURG) && !sigismember(&mask, SIGILL));
    defaults();
}

#define X87_REGISTERS "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)"

static volatile double handlers_double;

static void
compute(int number)
{
    handlers_double = handlers_double * 3 + 0.5;
    for (int i = 0; i < 20; i++)
        handlers_double = handlers_double / 1.5 + i;
    __asm__ volatile("fninit; xorps %%xmm0, %%xmm0; xorps %%xmm1, %%xmm1; xorps %%xmm2, %%xmm2" ::
                         : X87_REGISTERS);
    count(number);
}

/* FPU and SSE registers are what they were, whatever a handler does with them. */
static void
floating_point_survives(void)
{
    double in[2] = {1.25, -7.5}, out[2] = {0, 0};
    long double deep = 0;

    __asm__ volatile("fninit; fld1; fldpi; movupd %2, %%xmm1\n\t"
                     "int3\n\t"
                     "movupd %%xmm1, %1; fstpt %0; fstp %%st(0)"
                     : "=m"(deep), "=m"(out)
                     : "m"(in)
                     : X87_REGISTERS);
    check(out[0] == 1.25 && out[1] == -7.5);
    check(deep > 3.14159265358979L && deep < 3.1415926535898L);
    defaults();
}

static void
trap_computes(int number UNUSED)
{
    compute(number);
}

static void
floating_point(void)
{
    handle(SIGTRAP, trap_computes, 0);
    floating_point_survives();
}

/* The state of SSE and x87 as a signal handler finds it in the context, and as it may change it: struct
 * _fpstate of asm/sigcontext.h: 112 bytes of FSAVE's layout, then FXSAVE's. */
struct fpu_frame {
    unsigned words[7];
    unsigned char registers[80];
    unsigned short status, magic;
    unsigned char fxsave[512];
};

static void
change_fpu(int number, siginfo_t *information UNUSED, void *context)
{
    struct fpu_frame *frame = (void *)((ucontext_t *)context)->uc_mcontext.fpregs;
    double value;

    show(frame != NULL);
    show(frame->magic == 0); /* FXSAVE's part is there */
    memcpy(&value, frame->fxsave + 160 + 16 * 3, sizeof value); /* xmm3 */
    show(value == 2.5);
    value = 9.75;
    memcpy(frame->fxsave + 160 + 16 * 3, &value, sizeof value);
    frame->fxsave[24] ^= 0x80; /* mxcsr: another rounding, 0x1f80 to 0x1f00 */
    count(number);
}

static void
floating_point_in_the_context(void)
{
    double in = 2.5, out = 0;
    unsigned control = 0, usual = 0x1f80;

    handle_info(SIGTRAP, change_fpu, 0);
    __asm__ volatile("movsd %2, %%xmm3; int3; movsd %%xmm3, %0; stmxcsr %1"
                     : "=m"(out), "=m"(control) : "m"(in));
    __asm__ volatile("ldmxcsr %0" ::"m"(usual));
    show(out == 9.75);
    show(control);
    defaults();
}

/* What is set for SSE and x87 goes to a child, and not to another program. */
static int
look_at_controls(void *unused UNUSED)
{
    unsigned short word;
    unsigned control;

    __asm__ volatile("fnstcw %0; stmxcsr %1" : "=m"(word), "=m"(control));
    return word == 0x27f && control == 0x9fc0 ? 6 : 1;
}

static void
controls_are_inherited(void)
{
    unsigned short odd = 0x27f, usual = 0x37f;
    unsigned odd_control = 0x9fc0, usual_control = 0x1f80;

    __asm__ volatile("fldcw %0; ldmxcsr %1" ::"m"(odd), "m"(odd_control));
    show(exited(in_child(look_at_controls, NULL)));
    show(look_at_controls(NULL));
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        char *arguments[] = {"t-handlers", "controls", NULL};
        execv("/proc/self/exe", arguments);
        _exit(99);
    }
    __asm__ volatile("fldcw %0; ldmxcsr %1" ::"m"(usual), "m"(usual_control));
    check(waitpid(pid, &status, 0) == pid);
    show(exited(status));
}

/* The handler finds fresh registers. */
static volatile unsigned short control_seen;

static void
look_at_control(int number)
{
    unsigned short control;

    __asm__ volatile("fnstcw %0" : "=m"(control));
    control_seen = control;
    count(number);
}

static void
fresh_registers(void)
{
    unsigned short odd = 0x27f, after, usual = 0x37f;

    handle(SIGUSR1, look_at_control, 0);
    __asm__ volatile("fldcw %0" ::"m"(odd));
    raise(SIGUSR1);
    __asm__ volatile("fnstcw %0; fldcw %1" : "=m"(after) : "m"(usual));
    check_equal(control_seen, 0x37f);
    check_equal(after, 0x27f);
    defaults();
}

static const struct check_case cases[] = {
    {"nesting", nesting},
    {"masks-of-handlers", masks_of_handlers},
    {"once-only", once_only},
    {"own-stack", own_stack},
    {"stack-overflow", stack_overflow},
    {"changed-context", changed_context},
    {"rules-of-stacks", rules_of_stacks},
    {"floating-point", floating_point},
    {"floating-point-in-the-context", floating_point_in_the_context},
    {"controls-are-inherited", controls_are_inherited},
    {"fresh-registers", fresh_registers},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    unsigned short word;
    unsigned control;

    __asm__ volatile("fnstcw %0; stmxcsr %1" : "=m"(word), "=m"(control));
    if (argc == 2 && strcmp(argv[1], "controls") == 0)
        return word == 0x37f && control == 0x1f80 ? 0 : 1;
    return check_run(cases, argc, argv);
}
