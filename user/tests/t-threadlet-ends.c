/* Threadlets with signals, fork, exec, exit and threads; and what a hostile program may try. */
#include <pthread.h>
#include "threadlet.h"

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
            works[i]->a = 20 + i % 4;
            blocked += threadlet_exec(nap, works[i], &head) == 0;
        }
        check(blocked > 0); /* on a busy host a nap can be over before it begins */
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
        own_work->a = 25;
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
        work->a = 25;
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
    {"signals", case_signals},
    {"signal_wakes_head", case_signal_wakes_head},
    {"fork", case_fork},
    {"ends", case_ends},
    {"threads", case_threads},
    {"hostile", case_hostile},
    {"no_stack", case_no_stack},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
