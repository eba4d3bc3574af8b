/* t-asys-threads [CASE…]: asynchronous calls in a process of several tasks, which share memory and
 * descriptors: each task's calls and results are its own, its end cancels its own calls only, and
 * the end of the process all. */
#include "test.h"

/* clone's flags (linux/sched.h): VM, FS, FILES, SIGHAND, THREAD, SYSVSEM */
#define THREAD_FLAGS (0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000)
#define STACK_BYTES (16 * PAGE)

struct thread {
    void (*function)(struct thread *thread);
    int number;
    volatile int running; /* cleared by the task when it has left its stack */
    volatile long result;
    char *stack;
};

static void __attribute__((used, noreturn)) thread_main(struct thread *thread)
{
    thread->function(thread);
    __asm__ volatile("movl $0, %0\n\t xorl %%ebx, %%ebx\n\t int $0x80" ::"m"(thread->running),
                     "a"(SYS_exit)
                     : "ebx", "memory");
    __builtin_unreachable();
}

/* clone with a stack on which `thread` lies; the child calls thread_main and never returns here. */
static long __attribute__((noinline)) clone_thread(unsigned long flags, unsigned long *stack)
{
    long result;

    __asm__ volatile("int $0x80\n\t"
                     "test %%eax, %%eax\n\t jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t call thread_main\n\t"
                     "1:"
                     : "=a"(result)
                     : "0"(120), "b"(flags), "c"(stack), "d"(NULL), "S"(NULL), "D"(NULL)
                     : "memory");
    return result;
}

static void
thread_start(struct thread *thread, void (*function)(struct thread *), int number)
{
    *thread = (struct thread){.function = function, .number = number, .running = 1};
    thread->stack = test_map(STACK_BYTES);
    unsigned long *top = (unsigned long *)(thread->stack + STACK_BYTES) - 4;
    top[0] = WORD(thread);
    check(clone_thread(THREAD_FLAGS, top) > 0);
}

static void
thread_join(struct thread *thread)
{
    while (thread->running)
        test_nap(1);
    munmap(thread->stack, STACK_BYTES);
}

/* ---- Each has its own ---- */

static void
many_calls(struct thread *thread)
{
    struct kernel_timespec time = {0, 2 * MILLISECOND};
    unsigned long args[] = {WORD(&time), 0};
    struct asys_completion done;
    long wrong = 0;

    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 20; i++) {
            struct asys_input one =
                test_input(i % 2 ? SYS_nanosleep : SYS_gettid, thread->number * 100 + i, 2, args);
            wrong += sys_asys_submit(&one, 1) != 1;
        }
        for (int i = 0; i < 20; i++) {
            wrong += sys_asys_await_completion(&done) != 1;
            wrong += done.cookie / 100 != (unsigned)thread->number;
            wrong += done.return_code != (done.cookie % 2 ? 0 : sys_gettid());
        }
        wrong += sys_asys_await_completion(&done) != -EDEADLK;
    }
    thread->result = wrong;
}

static void
each_its_own(void)
{
    static struct thread threads[8];

    for (int i = 0; i < 8; i++)
        thread_start(&threads[i], many_calls, i + 1);
    struct thread self = {.number = 9};
    many_calls(&self);
    check_equal(self.result, 0);
    for (int i = 0; i < 8; i++) {
        thread_join(&threads[i]);
        check_equal(threads[i].result, 0);
    }
}

/* ---- Ends ---- */

static int shared_pipe[2];

static void
start_blocking(int count)
{
    static struct kernel_timespec time = {1000, 0};
    static char byte;
    unsigned long nap[] = {WORD(&time), 0}, read[] = {shared_pipe[0], WORD(&byte), 1};

    for (int i = 0; i < count; i++) {
        struct asys_input one =
            i % 2 ? test_input(SYS_nanosleep, i, 2, nap) : test_input(SYS_read, i, 3, read);
        sys_asys_submit(&one, 1);
    }
}

static void
blocks_and_ends(struct thread *thread)
{
    start_blocking(20);
    thread->result = 1;
}

/* A task ends with calls pending; the others' calls go on. */
static void
a_task_ends(void)
{
    struct kernel_timespec time = {0, 50 * MILLISECOND};
    static struct thread thread;

    test_pipe(shared_pipe);
    for (int i = 0; i < 10; i++)
        test_start(SYS_nanosleep, i, WORD(&time), 0, 0, 0);
    for (int round = 0; round < 10; round++) {
        thread_start(&thread, blocks_and_ends, round);
        thread_join(&thread);
        check_equal(thread.result, 1);
    }
    for (int i = 0; i < 10; i++)
        check_equal(test_await().return_code, 0);
    test_nothing_left();
    sys_close(shared_pipe[1]);
    char byte;
    check_equal(sys_read(shared_pipe[0], &byte, 1), 0);
    sys_close(shared_pipe[0]);
}

static void
blocks_and_spins(struct thread *thread)
{
    start_blocking(20);
    thread->result = 1;
    for (;;)
        if (thread->number % 2)
            test_nap(1);
}

static void
blocks_and_ends_the_process(struct thread *thread)
{
    start_blocking(20);
    sys_exit_group(20 + thread->number);
}

static void
blocks_and_executes(struct thread *thread)
{
    static char *const arguments[] = {"t-exit", "33", NULL};

    (void)thread;
    start_blocking(20);
    sys_execve("/bin/t-exit", arguments, arguments + 2);
    sys_exit_group(1);
}

/* Five tasks with calls pending, computing or asleep; one of them ends the process, or replaces it,
 * or it is killed from outside, or the first task does it. */
static void
the_process_ends(void)
{
    static const int wanted[] = {20 << 8, 33 << 8, SIGNAL_KILL, 7 << 8};

    for (int round = 0; round < 24; round++) {
        int how = round % 4;
        long pid = sys_fork();
        if (pid == 0) {
            static struct thread threads[5];
            test_pipe(shared_pipe);
            for (int i = 0; i < 4; i++)
                thread_start(&threads[i], blocks_and_spins, i);
            if (how == 0)
                thread_start(&threads[4], blocks_and_ends_the_process, 0);
            if (how == 1)
                thread_start(&threads[4], blocks_and_executes, 0);
            start_blocking(20);
            if (how == 3) {
                test_nap(round % 5);
                sys_exit_group(7);
            }
            for (;;)
                test_nap(1000);
        }
        if (how == 2) {
            test_nap(round % 7);
            sys_kill(pid, SIGNAL_KILL);
        }
        check_equal(test_wait(pid), wanted[how]);
    }
}

/* ---- Memory that another task takes away ---- */

static char *volatile target;

static void
maps_and_unmaps(struct thread *thread)
{
    for (int i = 0; i < 300; i++) {
        sys_munmap(WORD(target), PAGE);
        kernel_call6(SYS_mmap2, WORD(target), PAGE, 3, 0x32, -1, 0);
    }
    thread->result = 1;
}

static void
memory_that_comes_and_goes(void)
{
    static struct thread thread;
    char text[16];
    int fds[2];

    test_pipe(fds);
    target = test_map(PAGE);
    thread_start(&thread, maps_and_unmaps, 0);
    while (thread.result == 0) {
        test_start(SYS_read, 1, fds[0], WORD(target), 10, 0);
        check_equal(sys_write(fds[1], "0123456789", 10), 10);
        long result = test_await().return_code;
        check(result == 10 || result == -EFAULT);
        if (result == -EFAULT)
            check_equal(sys_read(fds[0], text, 10), 10);
    }
    thread_join(&thread);
    munmap(target, PAGE);
    test_close_both(fds);
}

static const struct check_case cases[] = {
    {"each-its-own", each_its_own},
    {"a-task-ends", a_task_ends},
    {"the-process-ends", the_process_ends},
    {"memory-that-comes-and-goes", memory_that_comes_and_goes},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
