/* t-asys-signals [CASE…]: asynchronous calls and signals, fork, exec and kill. Signals go to the
 * user fibril: background calls do not notice them (A13), and codes that only the kernel knows
 * never come out (A14). Whoever is killed or replaced in the middle of his calls leaves nothing
 * behind (A17, A19). */
#include <poll.h>
#include "test.h"

#define WUNTRACED 2

static volatile unsigned handled;

static void
handle(int number)
{
    (void)number;
    handled++;
}

/* A child that signals its parent `count` times, `gap` ms apart, and ends. */
static long
signalling_child(int number, int count, int gap)
{
    long pid = sys_fork();

    if (pid != 0) {
        check(pid > 0);
        return pid;
    }
    for (int i = 0; i < count; i++) {
        test_nap(gap);
        sys_kill(sys_getppid(), number);
    }
    sys_exit(0);
    return 0;
}

/* ---- A13, A14 ---- */

/* The program's own sleep is interrupted; the hundred background calls sleep on and end well. */
static void
a13_signal_is_the_user_fibrils(void)
{
    struct kernel_timespec time = {0, 60 * MILLISECOND};
    struct pollfd wanted[50];
    char byte;
    int fds[2];

    test_pipe(fds);
    test_set_handler(SIGNAL_USR1, handle, 0);
    handled = 0;
    for (int i = 0; i < 50; i++) {
        wanted[i] = (struct pollfd){fds[0], POLLIN, 0};
        test_start(SYS_nanosleep, i, WORD(&time), 0, 0, 0);
        test_start(SYS_poll, 100 + i, WORD(&wanted[i]), 1, 60, 0);
    }
    long pid = signalling_child(SIGNAL_USR1, 5, 4);
    for (int i = 0; i < 5; i++)
        check_equal(sys_read(fds[0], &byte, 1), -EINTR);
    check_equal(handled, 5);
    for (int i = 0; i < 100; i++)
        check_equal(test_await().return_code, 0);
    check_equal(test_wait(pid), 0);
    test_close_both(fds);
}

/* Restarted where the handler asks for that; in the background nothing is interrupted either way.
 */
static void
a14_restart_codes(void)
{
    char bytes[21];
    int fds[2];

    test_pipe(fds);
    for (int restart = 0; restart < 2; restart++) {
        test_set_handler(SIGNAL_USR1, handle, restart ? SIGNAL_RESTART : 0);
        handled = 0;
        for (int i = 0; i < 20; i++)
            test_start(SYS_read, i, fds[0], WORD(&bytes[i]), 1, 0);
        long pid = sys_fork();
        if (pid == 0) {
            for (int i = 0; i < 3; i++) {
                test_nap(4);
                sys_kill(sys_getppid(), SIGNAL_USR1);
            }
            test_nap(8);
            sys_write(fds[1], "01234567890123456789x", 21);
            sys_exit(0);
        }
        long got;
        do {
            got = sys_read(fds[0], &bytes[20], 1);
            check(got == 1 || (!restart && got == -EINTR));
        } while (got == -EINTR);
        for (int i = 0; i < 20; i++)
            check_equal(test_await().return_code, 1);
        check_equal(test_wait(pid), 0);
        check_equal(handled, 3);
    }
    test_close_both(fds);
}

/* An await that a signal interrupts loses nothing; one in the background is not interrupted. */
static void
a13_signal_during_await(void)
{
    struct kernel_timespec time = {0, 40 * MILLISECOND};
    struct asys_completion inner = {0, 0}, done;
    int interrupted = 0, ended = 0;

    test_set_handler(SIGNAL_USR1, handle, 0);
    test_start(SYS_nanosleep, 1, WORD(&time), 0, 0, 0);
    test_start(SYS_nanosleep, 2, WORD(&time), 0, 0, 0);
    test_start(SYS_asys_await_completion, 3, WORD(&inner), 0, 0, 0);
    long pid = signalling_child(SIGNAL_USR1, 3, 5);
    while (ended < 2) {
        long result = sys_asys_await_completion(&done);
        check(result == 1 || result == -EINTR);
        interrupted += result == -EINTR;
        ended += result == 1;
    }
    check(interrupted >= 1);
    check(inner.cookie == 1 || inner.cookie == 2);
    check_equal(test_wait(pid), 0);
    test_nothing_left();
}

/* A handler runs between two calls of the same program that has others in progress, often. */
static void
a13_many_signals(void)
{
    struct kernel_timespec time = {0, MILLISECOND};

    test_set_handler(SIGNAL_USR1, handle, SIGNAL_RESTART);
    handled = 0;
    long pid = signalling_child(SIGNAL_USR1, 50, 1);
    for (int round = 0; round < 200; round++) {
        test_start(SYS_nanosleep, 1, WORD(&time), 0, 0, 0);
        test_start(SYS_sched_yield, 2, 0, 0, 0, 0);
        for (int i = 0; i < 2;) {
            struct asys_completion done;
            long result = sys_asys_await_completion(&done);
            check(result == 1 || result == -EINTR);
            if (result == 1) {
                check_equal(done.return_code, 0);
                i++;
            }
        }
    }
    check_equal(test_wait(pid), 0);
    check(handled > 0);
}

/* ---- Pipes without readers ---- */

static void
sigpipe_of_a_background_write(void)
{
    long pid = sys_fork();

    if (pid == 0) {
        int fds[2];
        sys_pipe(fds);
        sys_close(fds[0]);
        test_start(SYS_write, 1, fds[1], WORD("x"), 1, 0);
        test_nap(100);
        sys_exit(0);
    }
    check_equal(test_wait(pid), SIGNAL_PIPE);
    pid = sys_fork();
    if (pid == 0) {
        int fds[2];
        test_set_handler(SIGNAL_PIPE, SIGNAL_IGNORED, 0);
        sys_pipe(fds);
        sys_close(fds[0]);
        sys_exit(test_result(SYS_write, fds[1], WORD("x"), 1, 0) == -EPIPE ? 7 : 8);
    }
    check_equal(test_wait(pid), 7 << 8);
}

/* ---- Stopped: background calls finish ---- */

static void
stopped(void)
{
    int fds[2], status;
    char byte = 0;

    test_pipe(fds);
    long pid = sys_fork();
    if (pid == 0) {
        struct kernel_timespec time = {0, 10 * MILLISECOND};
        test_start(SYS_nanosleep, 1, WORD(&time), 0, 0, 0);
        test_start(SYS_write, 2, fds[1], WORD("s"), 1, 0);
        for (;;) /* stopped in user mode */
            if (sys_asys_await_completion(&(struct asys_completion){0, 0}) != 1)
                sys_exit(3);
    }
    check_equal(sys_read(fds[0], &byte, 1), 1);
    check_equal(sys_kill(pid, SIGNAL_STOP), 0);
    check_equal(sys_wait4(pid, &status, WUNTRACED, NULL), pid);
    check_equal(status & 0xff, 0x7f);
    test_nap(30); /* its nap ends meanwhile */
    check_equal(sys_kill(pid, SIGNAL_CONT), 0);
    check_equal(test_wait(pid), 3 << 8);
    test_close_both(fds);
}

/* ---- fork, exec ---- */

/* The child has its parent's memory and descriptors, but neither its calls nor its results. */
static void
fork_passes_no_calls(void)
{
    struct kernel_timespec time = {0, 30 * MILLISECOND};

    for (int i = 0; i < 30; i++)
        test_start(i % 2 ? SYS_nanosleep : SYS_getpid, i, WORD(&time), 0, 0, 0);
    long pid = sys_fork();
    if (pid == 0) {
        struct asys_completion done;
        bool none = sys_asys_await_completion(&done) == -EDEADLK && test_fibrils() == 1;
        bool works = test_result(SYS_getpid, 0, 0, 0, 0) == sys_getpid();
        sys_exit(none && works && check_failures == 0 ? 5 : 6);
    }
    check_equal(test_wait(pid), 5 << 8);
    for (int i = 0; i < 30; i++)
        check(test_await().return_code >= 0);
    test_nothing_left();
}

static void
fork_asynchronously(void)
{
    check_equal(test_result(SYS_fork, 0, 0, 0, 0), -EINVAL);
    check_equal(test_result(SYS_vfork, 0, 0, 0, 0), -EINVAL);
    check_equal(test_result(SYS_execve, WORD("/bin/true"), 0, 0, 0), -EINVAL);
}

/* An exec that fails cancels nothing; one that succeeds leaves no call of the old program. */
static void
exec(void)
{
    static char *const arguments[] = {"t-exit", "9", NULL};
    struct kernel_timespec time = {0, 30 * MILLISECOND}, long_time = {1000, 0};
    int fds[2];
    char byte;

    for (int i = 0; i < 20; i++)
        test_start(SYS_nanosleep, i, WORD(&time), 0, 0, 0);
    check_equal(sys_execve("/none/such", arguments, arguments + 2), -ENOENT);
    check_equal(sys_execve("/proc/self/status", arguments, arguments + 2), -EACCES);
    for (int i = 0; i < 20; i++)
        check_equal(test_await().return_code, 0);
    for (int round = 0; round < 20; round++) {
        test_pipe(fds);
        long pid = sys_fork();
        if (pid == 0) {
            for (int i = 0; i < 20; i++) {
                test_start(SYS_nanosleep, i, WORD(&long_time), 0, 0, 0);
                test_start(SYS_read, i, fds[0], WORD(&byte), 1, 0);
                test_start(SYS_asys_await_completion, i, WORD(NOWHERE), 0, 0, 0);
            }
            sys_execve("/bin/t-exit", arguments, arguments + 2);
            sys_exit(1);
        }
        check_equal(test_wait(pid), 9 << 8);
        sys_close(fds[1]);
        check_equal(sys_read(fds[0], &byte, 1), 0); /* nobody holds the other end any more */
        sys_close(fds[0]);
    }
}

/* ---- A17, A19: killed ---- */

static void
start_what_blocks(void)
{
    static struct kernel_timespec time = {1000, 0};
    static struct pollfd wanted;
    static char buffer[4096];
    int fds[2], file = sys_open("/bin/walk", O_RDONLY, 0);

    sys_pipe(fds);
    wanted = (struct pollfd){fds[0], POLLIN, 0};
    test_write_file("/proc/sys/vm/drop_caches", "3");
    for (int i = 0; i < 16; i++) {
        test_start(SYS_nanosleep, i, WORD(&time), 0, 0, 0);
        test_start(SYS_read, i, fds[0], WORD(buffer), 1, 0);
        test_start(SYS_poll, i, WORD(&wanted), 1, -1, 0);
        test_start(SYS_pread64, i, file, WORD(buffer), 4096, i * 4096);
    }
}

/* In each state: computing, asleep in a call of its own, awaiting, submitting for ever. */
static void
a17_killed(void)
{
    for (int round = 0; round < 40; round++) {
        long pid = sys_fork();
        if (pid == 0) {
            struct kernel_timespec time = {1000, 0};
            struct asys_completion done;
            start_what_blocks();
            switch (round % 4) {
            case 0:
                for (;;)
                    __asm__ volatile("");
            case 1:
                sys_nanosleep(&time, NULL);
                break;
            case 2:
                for (;;)
                    sys_asys_await_completion(&done);
            case 3:
                for (;;)
                    test_start(SYS_nanosleep, 1, WORD(&time), 0, 0, 0);
            }
            sys_exit(0);
        }
        test_nap(round % 5);
        check_equal(sys_kill(pid, SIGNAL_KILL), 0);
        check_equal(test_wait(pid), SIGNAL_KILL);
    }
}

/* A submit that submits itself, over and over; and a batch of ten million that ends at the limit.
 */
static void
a19_killed_while_it_grows(void)
{
    static struct asys_input self[2];
    static unsigned long args[2];

    args[0] = WORD(self), args[1] = 2;
    self[0] = self[1] = test_input(SYS_asys_submit, 5, 2, args);
    for (int round = 0; round < 6; round++) {
        long pid = sys_fork();
        if (pid == 0) {
            for (;;) {
                sys_asys_submit(self, 2);
                test_drain();
            }
        }
        test_nap(3 + 5 * round);
        check_equal(sys_kill(pid, SIGNAL_KILL), 0);
        check_equal(test_wait(pid), SIGNAL_KILL);
    }
}

/* Somebody else's signal while the calls of the killed one are on the way out. */
static void
killed_twice(void)
{
    for (int round = 0; round < 20; round++) {
        long pid = sys_fork();
        if (pid == 0) {
            start_what_blocks();
            sys_exit(4);
        }
        if (round % 2)
            sys_sched_yield();
        sys_kill(pid, SIGNAL_KILL);
        sys_kill(pid, SIGNAL_KILL);
        int status = test_wait(pid);
        check(status == SIGNAL_KILL || status == 4 << 8);
    }
}

static const struct check_case cases[] = {
    {"A13_signal_is_the_user_fibrils", a13_signal_is_the_user_fibrils},
    {"A13_signal_during_await", a13_signal_during_await},
    {"A13_many_signals", a13_many_signals},
    {"A14_restart_codes", a14_restart_codes},
    {"sigpipe-of-a-background-write", sigpipe_of_a_background_write},
    {"stopped", stopped},
    {"fork-passes-no-calls", fork_passes_no_calls},
    {"fork-asynchronously", fork_asynchronously},
    {"exec", exec},
    {"A17_killed", a17_killed},
    {"A19_killed_while_it_grows", a19_killed_while_it_grows},
    {"killed-twice", killed_twice},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
