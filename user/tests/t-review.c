/* The review of March 2007 (seed 003), point by point: 21 lines `point N ok`. tests/undo has a patch for
 * each that takes back what the reviewer asked for, and must turn its line red, and no other. */
#include <fibril/threadlet.h>
#include <signal.h>
#include <sys/wait.h>
#include "test.h"

#define SLOTS 4

static struct syslet_uatom atoms[8];
static long results[8];
static uint32_t ring[SLOTS];
static struct async_head head;
static unsigned long zero;

static void
start_anew(void)
{
    memset(atoms, 0, sizeof atoms);
    memset(results, 0x55, sizeof results);
    async_head_init(&head, ring, SLOTS);
}

static struct syslet_uatom *
put(int i, int number, unsigned flags, bool more)
{
    atoms[i] = (struct syslet_uatom){.nr = number, .flags = flags, .ret_ptr = WORD(&results[i])};
    if (more)
        atoms[i].next = WORD(&atoms[i + 1]);
    return &atoms[i];
}

static void
put_add(int i, unsigned *word, int increment, unsigned flags, bool more)
{
    static unsigned *address[8];
    static int by[8];

    address[i] = word;
    by[i] = increment;
    put(i, SYS_umem_add, flags, more);
    atoms[i].arg_ptr[0] = WORD(&address[i]);
    atoms[i].arg_ptr[1] = WORD(&by[i]);
}

static long
exec(void)
{
    return sys_async_exec(&atoms[0], &head.user);
}

/* ---- Syslets ---- */

/* async_wait's count is right across the ring's end; equal indices are none, or all. */
static bool
point_1(void)
{
    start_anew();
    ring[3] = ring[0] = 1;
    head.user.kernel_ring_idx = 1;
    bool around = sys_async_wait(0, 3, &head.user) == 2;
    head.user.kernel_ring_idx = 3;
    bool full = sys_async_wait(0, 3, &head.user) == SLOTS;
    ring[3] = 0;
    return around && full && sys_async_wait(0, 3, &head.user) == 0;
}

/* No way round the dispatcher: what it refuses in a background call it refuses here. */
static bool
point_3(void)
{
    static unsigned long bytes = 8; /* of the mask: the last of four arguments */
    start_anew();
    put(0, SYS_rt_sigprocmask, 0, false);
    for (int i = 0; i < 4; i++)
        atoms[0].arg_ptr[i] = WORD(i < 3 ? &zero : &bytes);
    return exec() == (long)WORD(&atoms[0]) && results[0] == -EINVAL;
}

/* 64-bit fields with an upper half: next and ret_ptr; and the arguments' pointers. */
static bool
point_4(void)
{
    start_anew();
    put(0, SYS_getpid, 0, false)->next = 0x100000000ull | WORD(&atoms[1]);
    bool next = exec() == -EINVAL;
    put(0, SYS_getpid, 0, false)->ret_ptr |= 0x8000000000000000ull;
    return next && exec() == -EINVAL;
}

static bool
point_5(void)
{
    start_anew();
    put(0, SYS_close, 0, false)->arg_ptr[0] = 0x100000000ull | WORD(&zero);
    bool first = exec() == -EINVAL;
    put(0, SYS_lseek, 0, false)->arg_ptr[0] = WORD(&zero);
    atoms[0].arg_ptr[1] = 0x100000000ull | WORD(&zero);
    return first && exec() == -EINVAL;
}

/* An endless chain can be killed. */
static bool
point_6(void)
{
    static unsigned word;
    long pid = sys_fork();
    if (pid == 0) {
        start_anew();
        put_add(0, &word, 1, SYSLET_ASYNC, false);
        atoms[0].next = WORD(&atoms[0]);
        exec();
        for (;;)
            test_nap(1000);
    }
    test_nap(20);
    sys_kill(pid, SIGNAL_KILL);
    for (int i = 0; i < 300; i++) {
        int status = 0;
        if (sys_wait4(pid, &status, WNOHANG, NULL) == pid)
            return status == SIGNAL_KILL;
        test_nap(10);
    }
    return false;
}

/* One state: a chain that was waited for is told once. */
static bool
point_7(void)
{
    static struct kernel_timespec time = {0, 25 * MILLISECOND}, *address = &time;
    start_anew();
    put(0, SYS_nanosleep, SYSLET_SYNC, false)->arg_ptr[0] = WORD(&address);
    atoms[0].arg_ptr[1] = WORD(&zero);
    return exec() == (long)WORD(&atoms[0]) && !async_peek(&head) &&
           async_await(&head, 1) == -EDEADLK;
}

/* Two stop conditions stop on either. */
static bool
point_8(void)
{
    bool right = true;
    for (int value = -1; value <= 1; value++) {
        unsigned word = 0;
        start_anew();
        put_add(0, &word, value, SYSLET_STOP_ON_NEGATIVE | SYSLET_STOP_ON_ZERO, true);
        put(1, SYS_getpid, 0, false);
        right = right && exec() == (long)WORD(&atoms[value > 0]);
    }
    return right;
}

static bool
point_9(void)
{
    static const unsigned bad[] = {0x200, 0x80000000u, SYSLET_ASYNC | SYSLET_SYNC};
    unsigned word = 0;
    bool right = true;
    for (unsigned i = 0; i < LENGTH(bad); i++) {
        start_anew();
        put_add(0, &word, 1, bad[i], false);
        right = right && exec() == -EINVAL;
    }
    return right && word == 0;
}

/* A value that looks like an error is none. */
static bool
point_10(void)
{
    unsigned word = 0;
    start_anew();
    put_add(0, &word, -1, SYSLET_STOP_ON_ERROR, true);
    put(1, SYS_getpid, 0, false);
    bool value = exec() == (long)WORD(&atoms[1]) && results[0] == -1;
    put_add(0, NOWHERE, -1, SYSLET_STOP_ON_ERROR, true);
    return value && exec() == (long)WORD(&atoms[0]) && results[0] == -EFAULT;
}

/* Nothing behind the first null pointer is touched. */
static bool
point_11(void)
{
    char *memory = test_map_before_nothing();
    struct syslet_uatom *atom = (void *)(memory + PAGE - 32);
    start_anew();
    atom->nr = SYS_getpid;
    atom->ret_ptr = WORD(&results[0]);
    bool right = sys_async_exec(atom, &head.user) == (long)WORD(atom) && results[0] == sys_getpid();
    munmap(memory, PAGE);
    return right;
}

/* The loop is a loop: any number of atoms. */
static bool
point_12(void)
{
    unsigned word = 20000;
    start_anew();
    put_add(0, &word, -1, SYSLET_STOP_ON_ZERO, false);
    atoms[0].next = WORD(&atoms[0]);
    long result = exec();
    return (result ? result : (long)async_next(&head)) == (long)WORD(&atoms[0]) && word == 0;
}

/* A number that is not built in is that atom's result. */
static bool
point_13(void)
{
    start_anew();
    put(0, 17, 0, true);
    put(1, SYS_getpid, 0, false);
    return exec() == (long)WORD(&atoms[1]) && results[0] == -ENOSYS && results[1] == sys_getpid();
}

/* Threadlets are documented: the page's example does what the page says. */
static bool
point_14(void)
{
    char text[32] = "";
    int fds[2], status;
    test_pipe(fds);
    long pid = sys_fork();
    if (pid == 0) {
        char *const words[] = {"threadlet-echo", NULL};
        sys_dup2(fds[1], 1);
        test_close_both(fds);
        sys_execve("/bin/threadlet-echo", words, environ);
        sys_exit(127);
    }
    sys_close(fds[1]);
    status = test_wait(pid);
    long size = sys_read(fds[0], text, sizeof text - 1);
    sys_close(fds[0]);
    return status == 0 && size > 0 && strcmp(text, "answered 3 of 3\n") == 0;
}

static bool
point_15(void)
{
    start_anew();
    put(0, 0x10000 | SYS_getpid, 0, false);
    bool upper = exec() == -EINVAL;
    put(0, 0xffff, 0, false);
    return upper && exec() == (long)WORD(&atoms[0]) && results[0] == -ENOSYS;
}

/* What does not fit is kept, counted, and comes. */
static bool
point_16(void)
{
    bool right = true;
    start_anew();
    for (int i = 0; i < 7; i++) {
        put(i, SYS_getpid, SYSLET_ASYNC, false);
        right = right && sys_async_exec(&atoms[i], &head.user) == 0;
    }
    right = right && async_await(&head, 7) == 7;
    for (int i = 0; i < 7 && right; i++) {
        struct syslet_uatom *event = async_next(&head);
        right = event == &atoms[i];
    }
    return right;
}

/* ---- Threadlets ---- */

static struct threadlet_page *page;
static struct threadlet_record record;
static int turns;

/* As setjmp: 0, and RELIEVED when the kernel continues another context with the record. */
int review_arm(struct threadlet_page *at, struct threadlet_record *where);
__asm__(".pushsection .text\n"
        "review_arm:\n"
        " mov 4(%esp), %edx; mov 8(%esp), %eax\n"
        " mov %ebx, (%eax); mov %esi, 4(%eax); mov %edi, 8(%eax); mov %ebp, 12(%eax)\n"
        " mov %esp, 16(%eax); movl $1f, 20(%eax); mov %fs, %ecx; mov %ecx, 24(%eax)\n"
        " mov %gs, %ecx; mov %ecx, 28(%eax)\n"
        " mov %eax, (%edx)\n"
        " xor %eax, %eax\n"
        "1: ret\n"
        ".popsection");

/* Runs the case in a child, where what goes wrong harms nobody; true if it ends with 0. */
static bool
in_child(void (*run)(void))
{
    long pid = sys_fork();
    if (pid == 0) {
        page = test_map(PAGE);
        if (sys_threadlet_on(WORD(page), 2) == 2)
            run();
        sys_exit_group(1);
    }
    return test_wait(pid) == 0;
}

/* What the context that takes over does: a few instructions that do not need anything right. */
void review_leave(void);
void review_look(void);
__asm__(".pushsection .text\n"
        "review_leave: mov $252, %eax; xor %ebx, %ebx; int $0x80\n"       /* exit_group(0) */
        "review_look:\n"                                                    /* esp is ebx + 2; exit with 0 */
        " mov %ebx, %ecx; add $2, %ecx; cmp %ecx, %esp; mov %ebx, %esp; je review_leave\n"
        " mov $252, %eax; mov $1, %ebx; int $0x80\n"
        ".popsection");

static char stack[4096] __attribute__((aligned(16)));

static void
sleep_armed(void)
{
    page->armed = WORD(&record);
    test_nap(30);
}

/* The whole context: a segment register too. */
void review_fs(void);
__asm__(".pushsection .text\n"
        "review_fs: mov %fs, %eax; cmp $0x23, %ax; je review_leave\n"
        " mov $252, %eax; mov $1, %ebx; int $0x80\n"
        ".popsection");

static void
whole_context(void)
{
    record = (struct threadlet_record){
        .eip = WORD(review_fs), .esp = WORD(stack + 2048), .fs = 0x23, .gs = 0x3b};
    sleep_armed();
}

static bool
point_2(void)
{
    return in_child(whole_context);
}

static void
function_that_waits(void *unused)
{
    (void)unused;
    test_nap(30);
}

static void
function_that_does_not(void *unused)
{
    (void)unused;
}

static bool
point_17(void)
{
    start_anew();
    char *top = stack + sizeof stack - 16;
    return threadlet_exec(function_that_does_not, top, &head) == 1 && !async_peek(&head) &&
           threadlet_exec(function_that_waits, top, &head) == 0 && async_next(&head) == top;
}

static void
arm_as_setjmp(void)
{
    volatile int local = 1;
    int answer = review_arm(page, &record);
    if (turns++ == 0) {
        local = 2;
        if (answer == 0)
            test_nap(30);
        sys_exit_group(1); /* the sleeper must not come first */
    }
    sys_exit_group(answer == 1 && local == 2 && turns == 2 ? 0 : 1);
}

static bool
point_18(void)
{
    turns = 0;
    return in_child(arm_as_setjmp);
}

/* Any stack pointer can be set, and is what was set. */
static void
any_stack_pointer(void)
{
    record = (struct threadlet_record){
        .eip = WORD(review_look), .ebx = WORD(stack + 2048), .esp = WORD(stack + 2050), .gs = 0x3b};
    sleep_armed();
}

static bool
point_19(void)
{
    return in_child(any_stack_pointer);
}

/* Flags are a new context's, whatever the one before had. */
void review_flags(void);
__asm__(".pushsection .text\n"
        "review_flags: pushf; pop %eax; and $0x64cd5, %eax; jz review_leave\n"
        " mov $252, %eax; mov $1, %ebx; int $0x80\n"
        ".popsection");

static void
legal_flags(void)
{
    record = (struct threadlet_record){
        .eip = WORD(review_flags), .esp = WORD(stack + 2048), .gs = 0x3b};
    sleep_armed();
}

static bool
point_20(void)
{
    return in_child(legal_flags);
}

/* Who might go asynchronous is refused nothing; who has is. */
static void
exec_while_armed(void)
{
    start_anew();
    put(0, SYS_getpid, 0, false);
    page->armed = WORD(&record);
    bool right = exec() == (long)WORD(&atoms[0]);
    page->armed = 0;
    sys_exit_group(right ? 0 : 1);
}

static bool
point_21(void)
{
    start_anew();
    put(0, SYS_async_exec, 0, false);
    return in_child(exec_while_armed);
}

int
main(void)
{
    static bool (*const points[])(void) = {
        point_1,  point_2,  point_3,  point_4,  point_5,  point_6,  point_7,
        point_8,  point_9,  point_10, point_11, point_12, point_13, point_14,
        point_15, point_16, point_17, point_18, point_19, point_20, point_21};
    int failed = 0;
    for (unsigned i = 0; i < LENGTH(points); i++) {
        bool right = points[i]();
        printf("point %u %s\n", i + 1, right ? "ok" : "not ok");
        fflush(stdout);
        failed += !right;
    }
    return failed > 0;
}
