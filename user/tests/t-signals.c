/* t-signals [CASE]: sending, blocking, queueing and waiting, to processes, groups and threads. Runs on
 * Linux too. */
#include "signals.h"
#include <pthread.h>
#include <sys/syscall.h>

/* ---- Basics ---- */

static void
errors(void)
{
    struct sigaction action = {.sa_handler = count};
    sigset_t set;

    check_equal(error_of(sigaction(0, &action, NULL)), EINVAL);
    check_equal(error_of(sigaction(65, &action, NULL)), EINVAL);
    check_equal(error_of(sigaction(SIGKILL, &action, NULL)), EINVAL);
    check_equal(error_of(sigaction(SIGSTOP, &action, NULL)), EINVAL);
    check_equal(error_of(kill(getpid(), 65)), EINVAL);
    check_equal(error_of(kill(getpid(), -1)), EINVAL);
    check_equal(error_of(kill(0x3fffffff, 0)), ESRCH);
    check_equal(kill(getpid(), 0), 0);
    sigemptyset(&set);
    check_equal(error_of(sigprocmask(77, &set, NULL)), EINVAL);
    check_equal(error_of(syscall(SYS_tgkill, getpid(), -1, 0)), EINVAL);
    check_equal(error_of(syscall(SYS_tgkill, 1 << 22, getpid(), 0)), ESRCH);
}

static void
kill_and_stop_cannot_be_blocked(void)
{
    sigset_t all, mask;

    sigfillset(&all);
    check(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
    check(sigprocmask(SIG_SETMASK, NULL, &mask) == 0);
    check(!sigismember(&mask, SIGKILL) && !sigismember(&mask, SIGSTOP));
    check(sigismember(&mask, SIGTERM) && sigismember(&mask, SIGRTMAX));
    defaults();
}

static void
who_sent_it(void)
{
    union sigval value = {.sival_int = 4711};

    handle_info(SIGUSR1, note, 0);
    check(kill(getpid(), SIGUSR1) == 0);
    check_equal(handled, 1);
    check_equal(last.si_code, SI_USER);
    check_equal(last.si_pid, getpid());
    check_equal(last.si_uid, getuid());
    raise(SIGUSR1);
    check_equal(last.si_code, SI_TKILL);
    check(sigqueue(getpid(), SIGUSR1, value) == 0);
    check_equal(last.si_code, SI_QUEUE);
    check_equal(last.si_value.sival_int, 4711);
    defaults();
}

static void
blocked_ones_wait(void)
{
    handle(SIGUSR1, count, 0);
    block(SIGUSR1);
    for (int i = 0; i < 3; i++)
        raise(SIGUSR1);
    check_equal(handled, 0);
    check(is_pending(SIGUSR1) && !is_pending(SIGUSR2));
    unblock(SIGUSR1);
    check_equal(handled, 1);
    check(!is_pending(SIGUSR1));
    defaults();
}

/* Ignoring forgets what is pending, and so does a default that ignores. */
static void
ignored_ones_go(void)
{
    block(SIGUSR1);
    block(SIGCHLD);
    raise(SIGUSR1);
    raise(SIGCHLD);
    check(is_pending(SIGUSR1) && is_pending(SIGCHLD));
    handle(SIGUSR1, SIG_IGN, 0);
    handle(SIGCHLD, SIG_DFL, 0);
    check(!is_pending(SIGUSR1) && !is_pending(SIGCHLD));
    handle(SIGUSR1, count, 0);
    unblock(SIGUSR1);
    check_equal(handled, 0);
    defaults();
}

/* ---- Real-time ones: queued, in order, lowest number first ---- */

static void
note_value(int number, siginfo_t *info, void *context UNUSED)
{
    if (handled < 100)
        order[handled] = (number - SIGRTMIN) * 100 + info->si_value.sival_int;
    handled++;
}

static void
queueing(void)
{
    static const int wanted[] = {101, 102, 103, 301, 302};

    for (int i = 1; i <= 3; i++) {
        handle_info(SIGRTMIN + i, note_value, 0);
        block(SIGRTMIN + i);
    }
    check(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 1}) == 0);
    check(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 1}) == 0);
    check(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 2}) == 0);
    check(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 2}) == 0);
    check(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 3}) == 0);
    siginfo_t info;
    sigset_t set;
    sigemptyset(&set);
    for (int i = 1; i <= 3; i++)
        sigaddset(&set, SIGRTMIN + i);
    for (int i = 0; i < 5; i++) {
        check(sigwaitinfo(&set, &info) > 0);
        check_equal((info.si_signo - SIGRTMIN) * 100 + info.si_value.sival_int, wanted[i]);
    }
    /* Handlers of several that come due at once: the last one entered runs first. */
    check(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 7}) == 0);
    check(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 8}) == 0);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    check_equal(handled, 2);
    check_equal(order[0], 207);
    check_equal(order[1], 108);
    defaults();
}

static void
many_are_queued(void)
{
    siginfo_t info;
    sigset_t set;

    block(SIGRTMIN + 4);
    for (int i = 0; i < 500; i++)
        check(sigqueue(getpid(), SIGRTMIN + 4, (union sigval){.sival_int = i}) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 4);
    for (int i = 0; i < 500; i++) {
        check_equal(sigwaitinfo(&set, &info), SIGRTMIN + 4);
        check_equal(info.si_value.sival_int, i);
    }
    check(!is_pending(SIGRTMIN + 4));
    defaults();
}

/* rt_sigqueueinfo by its number: 32 words, of which the sender fills what it likes, but not who it is not. */
static void
own_information(void)
{
    int words[32] = {SIGRTMIN + 2, 0, SI_QUEUE, 11, 22, 33};
    siginfo_t got;
    sigset_t set;

    block(SIGRTMIN + 2);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 2);
    show(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN + 2, words));
    show(sigwaitinfo(&set, &got) == SIGRTMIN + 2);
    show(got.si_code);
    show(got.si_pid);
    show(got.si_uid);
    show(got.si_value.sival_int);
    words[2] = -77;
    show(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGRTMIN + 2, words));
    show(sigwaitinfo(&set, &got) == SIGRTMIN + 2);
    show(got.si_code);
    words[2] = SI_USER; /* one may say that of oneself */
    show(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN + 2, words));
    show(sigwaitinfo(&set, &got) == SIGRTMIN + 2);
    show(syscall(SYS_rt_sigqueueinfo, getppid(), 0, words)); /* but not to others */
    words[2] = SI_TKILL;
    show(syscall(SYS_rt_sigqueueinfo, getppid(), 0, words));
    words[2] = SI_QUEUE;
    show(syscall(SYS_rt_sigqueueinfo, getpid(), 65, words));
    show(syscall(SYS_rt_sigqueueinfo, getpid(), 0, words));
    show(syscall(SYS_rt_sigqueueinfo, 4000000, SIGRTMIN + 2, words));
    show(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN + 2, 16));
    show(is_pending(SIGRTMIN + 2));
    show(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 16, NULL, 8));
    show(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 4));
    show(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 16));
    show(syscall(SYS_rt_sigaction, SIGUSR1, 16, NULL, 8));
    show(syscall(SYS_rt_sigpending, 16, 8));
    show(syscall(SYS_rt_sigpending, words, 9));
    show(syscall(SYS_rt_sigsuspend, 16, 8));
    show(syscall(SYS_rt_sigtimedwait, 16, NULL, NULL, 8));
    show(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0));
    show(syscall(SYS_tkill, 0, 0));
    show(syscall(SYS_tkill, 4000000, 0));
    show(kill(-4000000, 0));
    show(kill(INT32_MIN, 0));
    defaults();
}

/* ---- Waiting ---- */

static void
timed_wait(void)
{
    struct timespec none = {0, 0}, some = {0, 20000000}, bad = {0, 1000000000};
    sigset_t set;
    siginfo_t info;

    block(SIGUSR1);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    check_equal(error_of(sigtimedwait(&set, &info, &none)), EAGAIN);
    long long before = now_ns();
    check_equal(error_of(sigtimedwait(&set, &info, &some)), EAGAIN);
    check(now_ns() - before >= 20000000);
    check_equal(error_of(sigtimedwait(&set, &info, &bad)), EINVAL);
    raise(SIGUSR1);
    check_equal(sigtimedwait(&set, &info, &none), SIGUSR1);
    check_equal(info.si_pid, getpid());
    /* One that is not waited for, and is handled, ends the waiting. */
    alarm_soon(SA_RESTART);
    check_equal(error_of(sigwaitinfo(&set, &info)), EINTR);
    check(handled >= 1);
    defaults();
}

static void
suspend(void)
{
    sigset_t none, mask;
    struct itimerval soon = {.it_value = {0, 20000}};

    handle(SIGALRM, count, SA_RESTART);
    block(SIGALRM);
    setitimer(ITIMER_REAL, &soon, NULL);
    sigemptyset(&none);
    check_equal(error_of(sigsuspend(&none)), EINTR);
    check_equal(handled, 1);
    sigprocmask(SIG_SETMASK, NULL, &mask);
    check(sigismember(&mask, SIGALRM));
    /* One that was pending all the time. */
    raise(SIGALRM);
    check_equal(error_of(sigsuspend(&none)), EINTR);
    check_equal(handled, 2);
    defaults();
}

/* ---- Groups ---- */

static void
to_a_group(void)
{
    int status;
    pid_t pids[3];

    fflush(stdout);
    for (int i = 0; i < 3; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            for (;;)
                pause();
        }
        check(setpgid(pids[i], pids[0]) == 0);
    }
    check(killpg(pids[0], SIGTERM) == 0);
    for (int i = 0; i < 3; i++) {
        check(waitpid(pids[i], &status, 0) == pids[i]);
        check_equal(exited(status), -SIGTERM);
    }
    check_equal(error_of(killpg(pids[0], 0)), ESRCH);
}

/* A group nobody can let go on any more: its stopped members are told and go on. */
static int
orphan_a_stopped_group(void *fds)
{
    int *ends = fds;

    setsid(); /* so that whoever adopts the child is of another session */
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        handle(SIGHUP, count, 0);
        raise(SIGSTOP);
        nap_ms(5);
        _exit(write(ends[1], handled == 1 ? "h" : "n", 1) != 1);
    }
    setpgid(pid, pid);
    return waitpid(pid, NULL, WUNTRACED) == pid ? 0 : 1;
}

static void
orphaned_group(void)
{
    int fds[2];
    char byte = 0;

    check(pipe(fds) == 0);
    check_equal(exited(in_child(orphan_a_stopped_group, fds)), 0);
    close(fds[1]);
    check(read(fds[0], &byte, 1) == 1);
    check_equal(byte, 'h');
    close(fds[0]);
}

static int
stop_in_orphaned_group(void *unused UNUSED)
{
    setsid(); /* nobody else is in this session */
    raise(SIGTSTP);
    raise(SIGTTIN);
    return 6;
}

static void
no_stop_for_orphans(void)
{
    check_equal(exited(in_child(stop_in_orphaned_group, NULL)), 6);
}

/* ---- Threads ---- */

static volatile pthread_t handled_by;

static void
note_thread(int number)
{
    handled_by = pthread_self();
    count(number);
}

static void *
open_ear(void *end)
{
    unblock(SIGUSR1);
    while (!*(volatile int *)end)
        nap_ms(1);
    return NULL;
}

/* One for the process goes to a thread that does not block it; one for a thread to that one. */
static void
threads(void)
{
    static volatile int end;
    pthread_t thread;

    end = 0;
    handle(SIGUSR1, note_thread, 0);
    block(SIGUSR1);
    check(pthread_create(&thread, NULL, open_ear, (void *)&end) == 0);
    nap_ms(10);
    check(kill(getpid(), SIGUSR1) == 0);
    for (int i = 0; i < 1000 && handled < 1; i++)
        nap_ms(1);
    check_equal(handled, 1);
    check(pthread_equal(handled_by, thread));
    check(pthread_kill(pthread_self(), SIGUSR1) == 0);
    nap_ms(5);
    check_equal(handled, 1);
    check(is_pending(SIGUSR1));
    unblock(SIGUSR1);
    check_equal(handled, 2);
    check(pthread_equal(handled_by, pthread_self()));
    end = 1;
    check(pthread_join(thread, NULL) == 0);
    defaults();
}

/* What a thread leaves unhandled when it ends or blocks, another one handles. */
static void *
end_soon(void *unused UNUSED)
{
    nap_ms(30);
    return NULL;
}

static void
a_fatal_one_ends_all(void)
{
    int status;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        for (int i = 0; i < 4; i++)
            pthread_create(&thread, NULL, i ? open_ear : end_soon, (void *)&handled);
        nap_ms(10);
        pthread_kill(thread, SIGTERM);
        for (;;)
            pause();
    }
    check(waitpid(pid, &status, 0) == pid);
    check_equal(exited(status), -SIGTERM);
}

static const struct check_case cases[] = {
    {"errors", errors},
    {"kill-and-stop-cannot-be-blocked", kill_and_stop_cannot_be_blocked},
    {"who-sent-it", who_sent_it},
    {"blocked-ones-wait", blocked_ones_wait},
    {"ignored-ones-go", ignored_ones_go},
    {"queueing", queueing},
    {"many-are-queued", many_are_queued},
    {"own-information", own_information},
    {"timed-wait", timed_wait},
    {"suspend", suspend},
    {"to-a-group", to_a_group},
    {"orphaned-group", orphaned_group},
    {"no-stop-for-orphans", no_stop_for_orphans},
    {"threads", threads},
    {"a-fatal-one-ends-all", a_fatal_one_ends_all},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
