/* t-thread-ends [CASE]: what fork, exit, the end of the first or the last thread, and signals do to a process of
 * several threads, and that each thread has its own FPU. Runs on Linux too. */
#include "signals.h"
#include <pthread.h>
#include <sched.h>

static void *
identity(void *argument)
{
    return argument;
}

static pthread_t
start(void *(*function)(void *), void *argument)
{
    pthread_t thread;

    check_equal(pthread_create(&thread, NULL, function, argument), 0);
    return thread;
}

static long
joined(pthread_t thread)
{
    void *result = (void *)-77;

    check_equal(pthread_join(thread, &result), 0);
    return (long)result;
}

/* ---- The whole process ---- */

static void *
sleep_long(void *unused UNUSED)
{
    nap_ms(100000);
    return NULL;
}

static void *
spin(void *unused UNUSED)
{
    for (;;)
        ;
    return NULL;
}

static void *
exit_process(void *status)
{
    nap_ms(10);
    exit((long)status);
}

static int
exit_from_a_thread(void *unused UNUSED)
{
    start(sleep_long, NULL);
    start(spin, NULL);
    start(exit_process, (void *)23);
    nap_ms(100000);
    return 1;
}

static int
first_thread_leaves(void *unused UNUSED)
{
    start(exit_process, (void *)24);
    pthread_exit(NULL);
}

static int
last_thread_leaves(void *unused UNUSED)
{
    start(identity, NULL);
    pthread_exit((void *)5); /* the process ends with 0 */
}

static int
killed_with_threads(void *unused UNUSED)
{
    for (int i = 0; i < 3; i++)
        start(i ? spin : sleep_long, NULL);
    nap_ms(10);
    kill(getpid(), SIGKILL);
    return 1;
}

static void *
fork_in_thread(void *unused UNUSED)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) { /* one thread, and locks that are free */
        pthread_t thread = start(identity, (void *)3);
        char *memory = malloc(1000);
        _exit(memory && joined(thread) == 3 && gettid() == getpid() ? 31 : 1);
    }
    return (void *)(waitpid(pid, &status, 0) == pid ? (long)exited(status) : -1);
}

static void *
allocate_always(void *stop)
{
    while (!*(volatile int *)stop)
        free(malloc(rand() % 5000));
    return NULL;
}

static void
the_process(void)
{
    static volatile int stop;

    show(exited(in_child(exit_from_a_thread, NULL)));
    show(exited(in_child(first_thread_leaves, NULL)));
    show(exited(in_child(last_thread_leaves, NULL)));
    show(exited(in_child(killed_with_threads, NULL)));
    fflush(stdout);
    pthread_t busy = start(allocate_always, (void *)&stop);
    for (int i = 0; i < 10; i++)
        check_equal(joined(start(fork_in_thread, NULL)), 31);
    stop = 1;
    show(joined(busy));
}

/* Threads that come and go while the process is killed: all of it ends. */
static void *
multiply(void *unused UNUSED)
{
    for (;;) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, identity, NULL) == 0)
            pthread_join(thread, NULL);
    }
    return NULL;
}

static void
killed_while_starting(void)
{
    for (int round = 0; round < 20; round++) {
        int status;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            start(multiply, NULL);
            start(multiply, NULL);
            multiply(NULL);
        }
        struct timespec time = {0, (round * 317 % 10) * 1000000 + 1000};
        nanosleep(&time, NULL);
        kill(pid, SIGKILL);
        check(waitpid(pid, &status, 0) == pid);
        check_equal(exited(status), -SIGKILL);
    }
}

/* ---- Signals and floating point ---- */

static volatile pthread_t handler_ran_in;

static void
note_thread(int number)
{
    handler_ran_in = pthread_self();
    count(number);
}

static void *
await_usr2(void *unused UNUSED)
{
    sigset_t set;
    int number = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigwait(&set, &number);
    return (void *)(long)number;
}

static void *
sleep_until_handled(void *unused UNUSED)
{
    struct timespec time = {10, 0};

    return (void *)(long)(nanosleep(&time, NULL) == -1 ? errno : 0);
}

static void
signals(void)
{
    block(SIGUSR2);
    pthread_t thread = start(await_usr2, NULL);
    nap_ms(10);
    show(pthread_kill(thread, SIGUSR2));
    show(joined(thread));
    thread = start(await_usr2, NULL);
    nap_ms(10);
    show(kill(getpid(), SIGUSR2)); /* whoever waits for it */
    show(joined(thread));
    handle(SIGUSR1, note_thread, 0);
    thread = start(sleep_until_handled, NULL);
    nap_ms(10);
    show(pthread_kill(thread, SIGUSR1));
    show(joined(thread));
    show(pthread_equal(handler_ran_in, thread) != 0);
    show(pthread_kill(pthread_self(), 0));
    show(pthread_kill(pthread_self(), 65));
    defaults();
}

static void *
compute(void *argument)
{
    double x = (long)argument, sum = 0;

    for (int i = 1; i <= 20000; i++) {
        sum += x / i;
        if (i % 500 == 0)
            sched_yield();
    }
    double again = 0;
    for (int i = 1; i <= 20000; i++)
        again += x / i;
    return (void *)(long)(sum != again);
}

static void *
set_rounding(void *argument)
{
    unsigned short word = (unsigned short)(0x37f | (long)argument << 10), now;

    __asm__ volatile("fldcw %0" ::"m"(word));
    for (int i = 0; i < 200; i++) {
        sched_yield();
        __asm__ volatile("fnstcw %0" : "=m"(now));
        if (now != word)
            return (void *)1;
    }
    return NULL;
}

static void
floating_point(void)
{
    pthread_t threads[4];

    for (long i = 0; i < 4; i++)
        threads[i] = start(compute, (void *)(i + 1));
    for (int i = 0; i < 4; i++)
        show(joined(threads[i]));
    for (long i = 0; i < 4; i++)
        threads[i] = start(set_rounding, (void *)i);
    for (int i = 0; i < 4; i++)
        show(joined(threads[i]));
}

static const struct check_case cases[] = {
    {"the-process", the_process},
    {"killed-while-starting", killed_while_starting},
    {"signals", signals},
    {"floating-point", floating_point},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
