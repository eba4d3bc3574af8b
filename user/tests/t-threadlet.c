/* Threadlets: functions that run as plain calls until they block. */
#include <fenv.h>
#include <fibril/threadlet.h>
#include <pthread.h>
#include <sys/signal.h>
#include <sys/wait.h>
#include "test.h"

#define SLOTS 16
#define STACK_BYTES 8192

static uint32_t ring[SLOTS];
static struct async_head head;

/* What is handed to a function: at the top of its stack. */
struct work {
    int a, b;
    long result;
    int fds[2];
    struct async_head *head;
    char text[40];
};

static struct work *
work_create(void)
{
    char *stack = malloc(STACK_BYTES + sizeof(struct work));
    struct work *work = (struct work *)(stack + STACK_BYTES);
    memset(work, 0, sizeof *work);
    return work;
}

static void
work_free(struct work *work)
{
    free((char *)work - STACK_BYTES);
}

static void
start_anew(void)
{
    async_head_init(&head, ring, SLOTS);
}

/* ---- Plain ---- */

static void
add(void *stack)
{
    struct work *work = stack;
    work->result = work->a + work->b;
}

static void
case_inline(void)
{
    struct work *work = work_create();
    start_anew();
    work->a = 40;
    work->b = 2;
    for (int i = 0; i < 100; i++) {
        work->result = 0;
        check_equal(threadlet_exec(add, work, &head), 1);
        check_equal(work->result, 42);
    }
    check(!async_peek(&head));
    check_equal(async_await(&head, 1), -EDEADLK);
    work_free(work);
}

static void
read_pipe(void *stack)
{
    struct work *work = stack;
    work->result = read(work->fds[0], work->text, sizeof work->text);
}

static void
case_blocks(void)
{
    struct work *work = work_create();
    int pid = getpid(), tid = sys_gettid();
    start_anew();
    test_pipe(work->fds);
    for (int round = 0; round < 10; round++) {
        check_equal(threadlet_exec(read_pipe, work, &head), 0);
        check_equal(getpid(), pid);
        check_equal(sys_gettid(), tid);
        check(!async_peek(&head));
        check_equal(write(work->fds[1], "hello", 5), 5);
        check(async_next(&head) == work);
        check_equal(work->result, 5);
        check(memcmp(work->text, "hello", 5) == 0);
    }
    check_equal(async_await(&head, 1), -EDEADLK);
    test_close_both(work->fds);
    work_free(work);
}

/* Many rounds, in which some block and some do not. */
static void
case_mixed(void)
{
    struct work *works[8];
    start_anew();
    for (unsigned i = 0; i < LENGTH(works); i++)
        works[i] = work_create();
    for (int round = 0; round < 20; round++) {
        int blocked = 0;
        for (unsigned i = 0; i < LENGTH(works); i++) {
            test_pipe(works[i]->fds);
            if (i % 2)
                check_equal(write(works[i]->fds[1], "now", 3), 3);
            check_equal(threadlet_exec(read_pipe, works[i], &head), i % 2);
            blocked += !(i % 2);
        }
        for (unsigned i = 0; i < LENGTH(works); i += 2)
            check_equal(write(works[i]->fds[1], "later", 5), 5);
        for (; blocked > 0; blocked--)
            check(async_next(&head) != NULL);
        for (unsigned i = 0; i < LENGTH(works); i++) {
            check_equal(works[i]->result, i % 2 ? 3 : 5);
            test_close_both(works[i]->fds);
        }
    }
    for (unsigned i = 0; i < LENGTH(works); i++)
        work_free(works[i]);
}

/* ---- What belongs to each ---- */

/* The caller's registers come back as a called function keeps them. */
int exec_with_registers(struct work *work, unsigned *after);
__asm__(".pushsection .text\n"
        "exec_with_registers:\n"
        " push %ebx; push %esi; push %edi; push %ebp\n"
        " mov 20(%esp), %eax\n"
        " mov $0x11111111, %ebx; mov $0x22222222, %esi; mov $0x33333333, %edi; mov $0x44444444, %ebp\n"
        " push $head; push %eax; push $read_pipe\n"
        " call threadlet_exec\n"
        " add $12, %esp\n"
        " mov 24(%esp), %ecx\n"
        " mov %ebx, (%ecx); mov %esi, 4(%ecx); mov %edi, 8(%ecx); mov %ebp, 12(%ecx)\n"
        " pushf; pop %edx; mov %edx, 16(%ecx)\n"
        " mov %ds, %edx; mov %edx, 20(%ecx); mov %es, %edx; mov %edx, 24(%ecx)\n"
        " pop %ebp; pop %edi; pop %esi; pop %ebx\n"
        " ret\n"
        ".popsection");

static void
case_registers(void)
{
    struct work *work = work_create();
    unsigned after[7];
    start_anew();
    test_pipe(work->fds);
    for (int ready = 0; ready < 2; ready++) {
        memset(after, 0, sizeof after);
        if (ready)
            check_equal(write(work->fds[1], "x", 1), 1);
        check_equal(exec_with_registers(work, after), ready);
        check_equal(after[0], 0x11111111);
        check_equal(after[1], 0x22222222);
        check_equal(after[2], 0x33333333);
        check_equal(after[3], 0x44444444);
        check_equal(after[4] & 0x400, 0); /* direction */
        check_equal(after[5] & 0xffff, 0x23);
        check_equal(after[6] & 0xffff, 0x23);
        if (!ready) {
            check_equal(write(work->fds[1], "x", 1), 1);
            check(async_next(&head) == work);
        }
    }
    test_close_both(work->fds);
    work_free(work);
}

static __thread int own = 1;

static void
set_own(void *stack)
{
    struct work *work = stack;
    own = 100 + work->a;
    errno = 77;
    if (work->b)
        read(work->fds[0], work->text, 1);
    work->result = own == 100 + work->a && errno == 77;
}

/* Thread-local variables and errno, whether or not it blocks. */
static void
case_thread_local(void)
{
    struct work *works[4];
    start_anew();
    own = 5;
    errno = 3;
    for (int i = 0; i < 4; i++) {
        works[i] = work_create();
        works[i]->a = i;
        works[i]->b = i > 0;
        test_pipe(works[i]->fds);
        check_equal(threadlet_exec(set_own, works[i], &head), i == 0);
        check_equal(own, 5);
        check_equal(errno, 3);
    }
    for (int i = 3; i > 0; i--)
        check_equal(write(works[i]->fds[1], "x", 1), 1);
    for (int i = 1; i < 4; i++)
        check(async_next(&head) != NULL);
    for (int i = 0; i < 4; i++) {
        check_equal(works[i]->result, 1);
        test_close_both(works[i]->fds);
        work_free(works[i]);
    }
    check_equal(own, 5);
}

static double
thirds(int n)
{
    volatile double sum = 0;
    for (int i = 0; i < n; i++)
        sum += 1.0 / 3;
    return sum;
}

/* Numbers in the FPU's registers over the block, and another rounding. */
static void
floating(void *stack)
{
    struct work *work = stack;
    double a = thirds(work->a), b = a * 2;
    __asm__ volatile("" : "+t"(a), "+u"(b));
    unsigned short control, up;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    up = control | 0x800;
    __asm__ volatile("fldcw %0" : : "m"(up));
    sys_read(work->fds[0], work->text, 1);
    __asm__ volatile("fnstcw %0" : "=m"(control));
    __asm__ volatile("" : "+t"(a), "+u"(b));
    work->result = control == up && a == thirds(work->a) + 0 && b == a * 2;
}

static void
case_fpu(void)
{
    struct work *work = work_create();
    unsigned short before, after;
    start_anew();
    test_pipe(work->fds);
    work->a = 1; /* one third is the same rounded up once */
    __asm__ volatile("fnstcw %0" : "=m"(before));
    volatile double mine = thirds(9);
    check_equal(threadlet_exec(floating, work, &head), 0);
    __asm__ volatile("fnstcw %0" : "=m"(after));
    check_equal(after, before);
    check(mine == thirds(9));
    check_equal(write(work->fds[1], "x", 1), 1);
    check(async_next(&head) == work);
    __asm__ volatile("fnstcw %0" : "=m"(after));
    check_equal(after, before);
    test_close_both(work->fds);
    work_free(work);
}

static uint64_t
mask_now(void)
{
    uint64_t mask = 0;
    sys_rt_sigprocmask(SIG_BLOCK, NULL, &mask, 8);
    return mask;
}

static void
block_usr2(void *stack)
{
    struct work *work = stack;
    uint64_t mask = 1ull << (SIGUSR2 - 1);
    sys_rt_sigprocmask(SIG_BLOCK, &mask, NULL, 8);
    if (work->b)
        read(work->fds[0], work->text, 1);
    work->result = mask_now() & mask ? 1 : 0;
}

/* The mask and the alternate stack that the function sets are its own. */
static void
case_mask(void)
{
    struct work *work = work_create();
    start_anew();
    test_pipe(work->fds);
    uint64_t before = mask_now();
    check_equal(threadlet_exec(block_usr2, work, &head), 1);
    check_equal(work->result, 1);
    check_equal(mask_now(), before);
    work->b = 1;
    check_equal(threadlet_exec(block_usr2, work, &head), 0);
    check_equal(mask_now(), before);
    check_equal(write(work->fds[1], "x", 1), 1);
    check(async_next(&head) == work);
    check_equal(work->result, 1);
    check_equal(mask_now(), before);
    test_close_both(work->fds);
    work_free(work);
}

static char alternate[2][16384];

static void
set_alternate(void *stack)
{
    struct work *work = stack;
    stack_t now, mine = {.ss_sp = alternate[1], .ss_size = sizeof alternate[1]};
    sigaltstack(&mine, NULL);
    if (work->b)
        read(work->fds[0], work->text, 1);
    sigaltstack(NULL, &now);
    work->result = now.ss_sp == alternate[1];
}

static void
case_alternate_stack(void)
{
    struct work *work = work_create();
    stack_t now, mine = {.ss_sp = alternate[0], .ss_size = sizeof alternate[0]};
    start_anew();
    test_pipe(work->fds);
    check_equal(sigaltstack(&mine, NULL), 0);
    for (work->b = 0; work->b < 2; work->b++) {
        check_equal(threadlet_exec(set_alternate, work, &head), !work->b);
        sigaltstack(NULL, &now);
        check(now.ss_sp == alternate[0]);
        if (work->b) {
            check_equal(write(work->fds[1], "x", 1), 1);
            check(async_next(&head) == work);
        }
        check_equal(work->result, 1);
    }
    mine.ss_flags = SS_DISABLE;
    sigaltstack(&mine, NULL);
    test_close_both(work->fds);
    work_free(work);
}

/* ---- Nested ---- */

static int inner_answer;

/* The inner one blocks: this one goes on, and ends inline. */
static void
outer(void *stack)
{
    struct work *work = stack;
    work->a = threadlet_exec(read_pipe, (struct work *)work->result, work->head);
    inner_answer = work->a;
    if (work->b)
        read(work->fds[0], work->text, 1);
    work->a = 99;
}

static void
case_nested(void)
{
    struct work *work = work_create(), *inner = work_create();
    start_anew();
    work->head = &head;
    for (int round = 0; round < 4; round++) {
        test_pipe(work->fds);
        test_pipe(inner->fds);
        work->result = WORD(inner);
        work->b = round & 1;
        inner_answer = -1;
        check_equal(threadlet_exec(outer, work, &head), !work->b);
        check_equal(inner_answer, 0);
        if (work->b) {
            check_equal(write(work->fds[1], "x", 1), 1);
            check(async_next(&head) == work);
        }
        check_equal(work->a, 99);
        check_equal(write(inner->fds[1], "abc", 3), 3);
        check(async_next(&head) == inner);
        check_equal(inner->result, 3);
        test_close_both(work->fds);
        test_close_both(inner->fds);
    }
    work_free(work);
    work_free(inner);
}

/* One that has been left starts others from its own context. */
static void
starter(void *stack)
{
    struct work *work = stack;
    struct work *inner = (struct work *)work->result;
    read(work->fds[0], work->text, 1);
    for (int i = 0; i < 3; i++) {
        work->a = threadlet_exec(add, inner, work->head); /* inline */
        if (work->a != 1)
            return;
    }
    work->b = threadlet_exec(read_pipe, inner, work->head);
    work->a = own;
}

static void
case_from_one_left(void)
{
    struct work *work = work_create(), *inner = work_create();
    start_anew();
    work->head = &head;
    for (int round = 0; round < 3; round++) {
        test_pipe(work->fds);
        test_pipe(inner->fds);
        work->result = WORD(inner);
        work->b = -1;
        check_equal(threadlet_exec(starter, work, &head), 0);
        check_equal(write(work->fds[1], "x", 1), 1);
        check(async_next(&head) == work);
        check_equal(work->b, 0);
        check_equal(write(inner->fds[1], "xy", 2), 2);
        check(async_next(&head) == inner);
        check_equal(inner->result, 2);
        test_close_both(work->fds);
        test_close_both(inner->fds);
    }
    work_free(work);
    work_free(inner);
}

/* Deeper than there are TLS entries: the innermost is a part of the one around it. */
static void
deep(void *stack)
{
    struct work *work = stack;
    if (--work->a > 0) {
        struct work *inner = work_create();
        *inner = *work;
        threadlet_exec(deep, inner, work->head);
        work->result = inner->result;
    } else {
        work->result = 1;
    }
}

static void
case_deep(void)
{
    struct work *work = work_create();
    start_anew();
    work->head = &head;
    work->a = 10;
    check_equal(threadlet_exec(deep, work, &head), 1);
    check_equal(work->result, 1);
    work_free(work);
}

/* ---- Many ---- */

/* Sleeps on a word of its own. */
static void
wait_for_word(void *stack)
{
    struct work *work = stack;
    while (work->a == 0)
        sys_futex_time64(WORD(&work->a), 0 /* FUTEX_WAIT */, 0, 0, 0, 0);
    work->result = 1;
}

static void
nap(void *stack)
{
    struct work *work = stack;
    struct kernel_timespec time = {work->a / 1000, work->a % 1000 * MILLISECOND};
    while (sys_nanosleep(&time, &time) == -EINTR) /* a signal may choose any context */
        ;
    work->result = 1;
}

static void
many(unsigned count)
{
    uint32_t *slots = calloc(count, sizeof *slots);
    struct async_head own_head;
    struct work **works = malloc(count * sizeof *works);
    unsigned blocked = 0;

    async_head_init(&own_head, slots, count);
    check_equal(threadlet_reserve(count), count);
    for (unsigned i = 0; i < count; i++) {
        works[i] = work_create();
        blocked += threadlet_exec(wait_for_word, works[i], &own_head) == 0;
    }
    check_equal(blocked, count);
    for (unsigned i = 0; i < count; i++) {
        works[i]->a = 1;
        check_equal(sys_futex_time64(WORD(&works[i]->a), 1 /* FUTEX_WAKE */, 1, 0, 0, 0), 1);
        struct work *work = async_next(&own_head);
        check(work == works[i] && work->result == 1);
        if (work)
            work->result = -1;
    }
    for (unsigned i = 0; i < count; i++) {
        check_equal(works[i]->result, -1);
        work_free(works[i]);
    }
    free(works);
    free(slots);
}

static void
case_many(void)
{
    many(300);
}

static void
case_ten_thousand(void)
{
    many(10000);
}

/* No spare context: the caller blocks with it. */
static void
case_none_left(void)
{
    struct work *works[70];
    int inline_ones = 0;
    long pid = fork();
    if (pid) {
        check_equal(test_wait(pid), 0);
        return;
    }
    static uint32_t slots[128];
    async_head_init(&head, slots, LENGTH(slots));
    for (unsigned i = 0; i < LENGTH(works); i++) {
        works[i] = work_create();
        works[i]->a = i < 64 ? 300 : 1;
        inline_ones += threadlet_exec(nap, works[i], &head);
    }
    exit(inline_ones == 6 && async_await(&head, 64) == 64 ? 0 : 1);
}

/* ---- Library ---- */

static void
print_and_allocate(void *stack)
{
    struct work *work = stack;
    FILE *file = fopen("/proc/self/status", "r");
    char *blocks[20];
    for (int i = 0; i < 20; i++)
        blocks[i] = malloc(100 + 37 * i);
    char line[80];
    work->result = file && fgets(line, sizeof line, file) && strncmp(line, "Name:", 5) == 0;
    test_nap(1 + work->a % 3);
    work->result += snprintf(line, sizeof line, "%d %s", work->a, strerror(ENOENT)) > 5;
    for (int i = 0; i < 20; i++)
        free(blocks[i]);
    if (file)
        fclose(file);
}

static void
case_malloc_and_stdio(void)
{
    struct work *works[12];
    start_anew();
    for (int round = 0; round < 5; round++) {
        int blocked = 0;
        for (unsigned i = 0; i < LENGTH(works); i++) {
            works[i] = work_create();
            works[i]->a = i;
            blocked += threadlet_exec(print_and_allocate, works[i], &head) == 0;
            free(malloc(50 * i));
        }
        check(blocked > 0);
        for (; blocked > 0; blocked--)
            check(async_next(&head) != NULL);
        for (unsigned i = 0; i < LENGTH(works); i++) {
            check_equal(works[i]->result, 2);
            work_free(works[i]);
        }
    }
}

/* ---- Signals, fork, exec, exit, threads ---- */

static volatile int handled;

static void
on_signal(int number)
{
    (void)number;
    handled++;
}

static void
case_signals(void)
{
    struct work *works[8];
    start_anew();
    signal(SIGALRM, on_signal);
    struct itimerval_kernel {
        long words[4];
    } every = {{0, 2000, 0, 2000}};
    sys_setitimer(0, (void *)&every, NULL);
    handled = 0;
    for (int round = 0; round < 20; round++) {
        int blocked = 0;
        for (unsigned i = 0; i < LENGTH(works); i++) {
            works[i] = work_create();
            works[i]->a = 1 + i % 4;
            blocked += threadlet_exec(nap, works[i], &head) == 0;
        }
        check_equal(blocked, (int)LENGTH(works));
        while (blocked > 0) {
            if (async_peek(&head))
                blocked--;
            else
                async_await(&head, 1);
        }
        for (unsigned i = 0; i < LENGTH(works); i++) {
            check_equal(works[i]->result, 1);
            work_free(works[i]);
        }
    }
    memset(&every, 0, sizeof every);
    sys_setitimer(0, (void *)&every, NULL);
    check(handled > 5);
    signal(SIGALRM, SIG_DFL);
}

/* The head sleeps, a signal comes: it is the head's sleep that ends. */
static void
case_signal_wakes_head(void)
{
    struct work *work = work_create();
    start_anew();
    test_set_handler(SIGALRM, on_signal, 0);
    work->a = 60;
    handled = 0;
    check_equal(threadlet_exec(nap, work, &head), 0);
    long once[4] = {0, 0, 0, 5000};
    sys_setitimer(0, (void *)once, NULL);
    check_equal(async_await(&head, 1), -EINTR);
    check_equal(handled, 1);
    check(async_next(&head) == work);
    check_equal(work->result, 1);
    signal(SIGALRM, SIG_DFL);
    work_free(work);
}

static void
fault(void *stack)
{
    struct work *work = stack;
    test_nap(1);
    *(volatile int *)work->result = 1;
}

static void
forks(void *stack)
{
    struct work *work = stack;
    if (work->b)
        test_nap(1);
    long pid = fork();
    if (pid == 0) {
        start_anew();
        struct work *own_work = work_create();
        own_work->a = 2;
        int answer = threadlet_exec(nap, own_work, &head);
        if (work->b && answer != 0)
            _exit(1);
        if (answer == 0 && async_next(&head) != own_work)
            _exit(2);
        _exit(own_work->result == 1 ? 0 : 3);
    }
    work->result = test_wait(pid);
}

static void
case_fork(void)
{
    struct work *blocked = work_create(), *work = work_create();
    start_anew();
    blocked->a = 50;
    check_equal(threadlet_exec(nap, blocked, &head), 0);
    long pid = fork(); /* the child has none blocked, and can have its own */
    if (pid == 0) {
        start_anew();
        if (async_await(&head, 1) != -EDEADLK)
            _exit(1);
        work->a = 2;
        if (threadlet_exec(nap, work, &head) != 0 || async_next(&head) != work)
            _exit(2);
        _exit(0);
    }
    check_equal(test_wait(pid), 0);
    work->b = 0;
    if (threadlet_exec(forks, work, &head) == 0)
        check(async_next(&head) != NULL);
    check(async_next(&head) != NULL || work->result == 0);
    check_equal(work->result, 0);
    work->b = 1;
    check_equal(threadlet_exec(forks, work, &head), 0);
    while (async_next(&head))
        ;
    check_equal(work->result, 0);
    work_free(work);
    work_free(blocked);
}

static void
execs(void *stack)
{
    char *const words[] = {"true", NULL};
    struct work *work = stack;
    test_nap(work->a);
    sys_execve("/bin/true", words, environ);
    _exit(9);
}

static void
exits(void *stack)
{
    struct work *work = stack;
    test_nap(work->a);
    exit(7);
}

/* A child with threadlets blocked that does `how`; its status. */
static int
child(int how)
{
    long pid = fork();
    if (pid == 0) {
        start_anew();
        for (int i = 0; i < 5; i++) {
            struct work *work = work_create();
            work->a = 100000;
            if (threadlet_exec(nap, work, &head) != 0)
                _exit(100);
        }
        struct work *work = work_create();
        char *const words[] = {"true", NULL};
        work->a = how & 1 ? 3 : 0;
        work->result = 16;
        if (how == 0)
            _exit(5);
        if (how == 1)
            sys_exit(6);
        if (how == 2)
            sys_execve("/bin/true", words, environ);
        if (how == 3)
            threadlet_exec(execs, work, &head);
        if (how == 4)
            threadlet_exec(exits, work, &head);
        if (how == 5)
            threadlet_exec(fault, work, &head);
        if (how == 6)
            sys_kill(getpid(), SIGNAL_KILL);
        for (;;)
            async_next(&head);
    }
    return test_wait(pid);
}

static void
case_ends(void)
{
    static const int statuses[] = {5 << 8, 6 << 8, 0, 0, 7 << 8, 11, SIGNAL_KILL};
    for (unsigned how = 0; how < LENGTH(statuses); how++)
        check_equal(child(how), statuses[how]);
}

static void *
thread_with_threadlets(void *argument)
{
    static uint32_t rings[4][SLOTS];
    struct async_head own_head;
    struct work *works[4];
    long number = (long)argument;
    async_head_init(&own_head, rings[number], SLOTS);
    for (int round = 0; round < 5; round++) {
        int blocked = 0;
        for (int i = 0; i < 4; i++) {
            works[i] = work_create();
            works[i]->a = 1 + (i + number) % 3;
            blocked += threadlet_exec(nap, works[i], &own_head) == 0;
        }
        for (; blocked > 0; blocked--)
            if (!async_next(&own_head))
                return (void *)1;
        for (int i = 0; i < 4; i++)
            work_free(works[i]);
    }
    return NULL;
}

static void
case_threads(void)
{
    pthread_t threads[4];
    void *result;
    for (long i = 0; i < 4; i++)
        check_equal(pthread_create(&threads[i], NULL, thread_with_threadlets, (void *)i), 0);
    for (int i = 0; i < 4; i++) {
        check_equal(pthread_join(threads[i], &result), 0);
        check(result == NULL);
    }
}

/* ---- Hostile: the calls by hand ---- */

/* A child registers a page, arms it with such a record and sleeps; its status. */
static int
hostile(const struct threadlet_record *record)
{
    long pid = fork();
    if (pid == 0) {
        struct threadlet_page *page = test_map(PAGE);
        if (sys_threadlet_on(WORD(page), 2) != 2)
            _exit(101);
        page->armed = WORD(record);
        test_nap(20);
        _exit(102);
    }
    return test_wait(pid);
}

static void
ends_well(void)
{
    _exit(42);
}

static void
case_hostile(void)
{
    static char stack[4096];
    struct threadlet_record record = {
        .esp = WORD(stack + sizeof stack - 64), .eip = WORD(ends_well), .gs = 0x3b, .fs = 0};
    check_equal(hostile(&record), 42 << 8);
    check_equal(hostile((void *)16), 11); /* not there */
    check_equal(hostile((void *)0x80100000u), 11);
    check_equal(hostile((void *)0xfffffffcu), 11);
    static const unsigned selectors[] = {0x08, 0x10, 0x1b, 0x23, 0x28, 0x30, 0x33, 0x3b, 0x4b, 0x53, 0xffff,
                                         0xffffffff, 0x3c, 0x3f, 1, 3, 4};
    for (unsigned i = 0; i < LENGTH(selectors); i++) {
        record.fs = selectors[i];
        check_equal(hostile(&record), 42 << 8);
    }
    record.fs = 0;
    record.eip = 0x80100000u; /* the kernel's code */
    check_equal(hostile(&record), 11);
    record.eip = 0;
    check_equal(hostile(&record), 11);
    record.eip = WORD(ends_well);
    record.esp = 0x80200000u; /* the kernel's memory as a stack */
    check_equal(hostile(&record), 11);
    record.esp = 0;
    check_equal(hostile(&record), 11);
    record.esp = WORD(stack + sizeof stack - 64);
    record.head = 0x80000000u; /* a head that is none: the caller goes on all the same */
    record.value = 1;
    check_equal(hostile(&record), 42 << 8);
}

static void
case_bad_calls(void)
{
    char *memory = test_map_before_nothing();
    check_equal(sys_threadlet_off(NULL), -EINVAL);
    check_equal(sys_threadlet_on(WORD(NOWHERE), 0), -EFAULT);
    check_equal(sys_threadlet_on(0x80000000u, 0), -EFAULT);
    check_equal(sys_threadlet_on(WORD(memory) + 1, 0), -EINVAL);
    check_equal(sys_threadlet_on(WORD(memory) + PAGE - 8, 0), -EINVAL); /* crosses a page */
    check_equal(sys_threadlet_on(WORD(memory), 0), 0);
    munmap(memory, PAGE); /* harms nobody */
    test_nap(1);
    check_equal(sys_threadlet_on(0, 0), 0);
    check_equal(test_result(SYS_threadlet_on, 0, 0, 0, 0), -EINVAL);
    check_equal(test_result(SYS_threadlet_off, 0, 0, 0, 0), -EINVAL);
}

/* A stack that does not exist: the function's own SIGSEGV. */
static void
case_no_stack(void)
{
    long pid = fork();
    if (pid == 0) {
        start_anew();
        threadlet_exec(add, NOWHERE, &head);
        _exit(1);
    }
    check_equal(test_wait(pid), 11);
}

static const struct check_case cases[] = {
    {"bad_calls", case_bad_calls},
    {"inline", case_inline},
    {"blocks", case_blocks},
    {"mixed", case_mixed},
    {"registers", case_registers},
    {"thread_local", case_thread_local},
    {"fpu", case_fpu},
    {"mask", case_mask},
    {"alternate_stack", case_alternate_stack},
    {"nested", case_nested},
    {"from_one_left", case_from_one_left},
    {"deep", case_deep},
    {"many", case_many},
    {"none_left", case_none_left},
    {"malloc_and_stdio", case_malloc_and_stdio},
    {"signals", case_signals},
    {"signal_wakes_head", case_signal_wakes_head},
    {"fork", case_fork},
    {"ends", case_ends},
    {"threads", case_threads},
    {"hostile", case_hostile},
    {"no_stack", case_no_stack},
    {NULL, NULL},
};
/* What takes 200 MiB of memory. */
static const struct check_case large[] = {{"ten_thousand", case_ten_thousand}, {NULL, NULL}};

int
main(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "ten_thousand") == 0 ? check_run(large, argc, argv)
                                                            : check_run(cases, argc, argv);
}
