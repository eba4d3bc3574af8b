/* Threadlets: functions that run as plain calls until they block. */
#include "threadlet.h"

/* ---- Plain ---- */

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
        works[i]->a = i < 64 ? 600 : 1;
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
    test_nap(20 + work->a % 3);
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

static const struct check_case cases[] = {
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
