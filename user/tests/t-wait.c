/* t-wait [CASE]: waiting for children: wait4, waitpid, waitid, what they report and when they return.
 * Runs on Linux too. */
#include "portable.h"
#include <sys/resource.h>
#include <sys/time.h>

/* A child that sleeps until it is told to end, or for ever. */
static pid_t
sleeper(void)
{
    fflush(stdout);
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    check(pid > 0);
    return pid;
}

static pid_t
ending(int status)
{
    fflush(stdout);
    pid_t pid = fork();

    if (pid == 0)
        _exit(status);
    check(pid > 0);
    return pid;
}

static void
end(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    check(waitpid(pid, &status, 0) == pid);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
nobody(void)
{
    check_equal(error_of(wait(NULL)), ECHILD);
    check_equal(error_of(waitpid(-1, NULL, WNOHANG)), ECHILD);
    check_equal(error_of(waitpid(getpid(), NULL, 0)), ECHILD);
    check_equal(error_of(waitpid(getppid(), NULL, 0)), ECHILD);
    check_equal(error_of(waitpid(-1, NULL, 0x80)), EINVAL);
    check_equal(error_of(waitid(P_ALL, 0, NULL, WEXITED)), ECHILD);
    check_equal(error_of(waitid(P_ALL, 0, NULL, WNOHANG)), EINVAL);
    check_equal(error_of(waitid((idtype_t)77, 0, NULL, WEXITED)), EINVAL);
}

static void
no_hang(void)
{
    pid_t pid = sleeper();
    int status = 77;

    check_equal(waitpid(pid, &status, WNOHANG), 0);
    check_equal(status, 77);
    end(pid);
}

static void
statuses(void)
{
    int status, numbers[] = {SIGHUP, SIGTERM, SIGUSR1, SIGALRM, SIGRTMIN + 5};

    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        pid_t pid = sleeper();
        check(kill(pid, numbers[i]) == 0);
        check(waitpid(pid, &status, 0) == pid);
        check(WIFSIGNALED(status) && !WIFEXITED(status) && !WIFSTOPPED(status));
        check_equal(WTERMSIG(status), numbers[i]);
    }
    check(waitpid(ending(42), &status, 0) > 0);
    check_equal(status, 42 << 8);
}

static void
which(void)
{
    pid_t first = ending(1), second = ending(2), third = ending(3);
    int status;

    check(setpgid(third, third) == 0 || errno == EACCES || errno == ESRCH);
    check(waitpid(second, &status, 0) == second);
    check_equal(exited(status), 2);
    check(waitpid(-1, &status, 0) > 0);
    check(waitpid(-1, &status, 0) > 0);
    check_equal(error_of(waitpid(first, &status, 0)), ECHILD);
}

static void
groups(void)
{
    pid_t own = sleeper(), other = sleeper();
    int status;

    check(setpgid(other, other) == 0);
    check_equal(waitpid(0, &status, WNOHANG), 0);
    check(kill(-other, SIGTERM) == 0);
    check(waitpid(-other, &status, 0) == other);
    check_equal(error_of(waitpid(-other, &status, 0)), ECHILD);
    kill(own, SIGTERM);
    check(waitpid(0, &status, 0) == own);
}

static void
stop_and_continue(void)
{
    pid_t pid = sleeper();
    int status;

    check(kill(pid, SIGSTOP) == 0);
    check(waitpid(pid, &status, WUNTRACED) == pid);
    check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    check_equal(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
    check(kill(pid, SIGTERM) == 0); /* waits until it goes on */
    nap_ms(5);
    check_equal(waitpid(pid, &status, WNOHANG), 0);
    check(kill(pid, SIGCONT) == 0);
    check(waitpid(pid, &status, 0) == pid);
    check_equal(exited(status), -SIGTERM);

    pid = sleeper();
    check(kill(pid, SIGSTOP) == 0);
    check(waitpid(pid, &status, WUNTRACED) == pid);
    check(kill(pid, SIGCONT) == 0);
    check(waitpid(pid, &status, WCONTINUED) == pid);
    check(WIFCONTINUED(status));
    check_equal(waitpid(pid, &status, WCONTINUED | WUNTRACED | WNOHANG), 0);
    check(kill(pid, SIGSTOP) == 0);
    end(pid); /* SIGKILL does not wait */
}

static void
waitid_tells(void)
{
    siginfo_t info;
    pid_t pid = ending(9);

    check(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
    check_equal(info.si_signo, SIGCHLD);
    check_equal(info.si_code, CLD_EXITED);
    check_equal(info.si_pid, pid);
    check_equal(info.si_uid, getuid());
    check_equal(info.si_status, 9);
    check(waitid(P_ALL, 0, &info, WEXITED) == 0); /* it was still there */
    check_equal(info.si_pid, pid);
    check_equal(error_of(waitid(P_PID, pid, &info, WEXITED)), ECHILD);

    pid = sleeper();
    memset(&info, 7, sizeof info);
    check(waitid(P_PID, pid, &info, WEXITED | WNOHANG) == 0);
    check_equal(info.si_pid, 0);
    check_equal(info.si_signo, 0);
    kill(pid, SIGSTOP);
    check(waitid(P_PID, pid, &info, WSTOPPED) == 0);
    check_equal(info.si_code, CLD_STOPPED);
    check_equal(info.si_status, SIGSTOP);
    kill(pid, SIGCONT);
    check(waitid(P_PGID, getpgrp(), &info, WCONTINUED) == 0);
    check_equal(info.si_code, CLD_CONTINUED);
    check_equal(info.si_status, SIGCONT);
    kill(pid, SIGTERM);
    check(waitid(P_PID, pid, &info, WEXITED) == 0);
    check_equal(info.si_code, CLD_KILLED);
    check_equal(info.si_status, SIGTERM);
}

/* ---- SIGCHLD ---- */

static volatile sig_atomic_t children;
static volatile siginfo_t last;

static void
child_changed(int number UNUSED, siginfo_t *info, void *context UNUSED)
{
    children++;
    last = *info;
}

static void
handle_children(int flags)
{
    struct sigaction action = {.sa_sigaction = child_changed, .sa_flags = SA_SIGINFO | flags};

    children = 0;
    sigemptyset(&action.sa_mask);
    check(sigaction(SIGCHLD, &action, NULL) == 0);
}

static void
await(volatile sig_atomic_t *count, int wanted)
{
    for (int i = 0; i < 2000 && *count < wanted; i++)
        nap_ms(1);
    check_equal(*count, wanted);
}

static void
the_parent_is_told(void)
{
    handle_children(0);
    pid_t pid = ending(5);
    await(&children, 1);
    check_equal(last.si_pid, pid);
    check_equal(last.si_code, CLD_EXITED);
    check_equal(last.si_status, 5);
    check(wait(NULL) == pid);

    pid = sleeper();
    kill(pid, SIGSTOP);
    await(&children, 2);
    check_equal(last.si_code, CLD_STOPPED);
    kill(pid, SIGCONT);
    await(&children, 3);
    check_equal(last.si_code, CLD_CONTINUED);
    end(pid);

    handle_children(SA_NOCLDSTOP);
    pid = sleeper();
    kill(pid, SIGSTOP);
    check(waitpid(pid, NULL, WUNTRACED) == pid);
    kill(pid, SIGCONT);
    check(waitpid(pid, NULL, WCONTINUED) == pid);
    nap_ms(5);
    check_equal(children, 0);
    end(pid);
    handle(SIGCHLD, SIG_DFL, 0);
}

static void
ignored_children_are_not_kept(void)
{
    handle(SIGCHLD, SIG_IGN, 0);
    ending(1);
    ending(2);
    check_equal(error_of(wait(NULL)), ECHILD); /* returns when both have ended */
    handle_children(SA_NOCLDWAIT);
    ending(3);
    check_equal(error_of(wait(NULL)), ECHILD);
    handle(SIGCHLD, SIG_DFL, 0);
}

static void
nothing(int number UNUSED)
{
}

/* A handler ends the waiting unless it says SA_RESTART. */
static void
interrupted(void)
{
    struct itimerval soon = {{0, 200000}, {0, 20000}}, none = {{0, 0}, {0, 0}};
    pid_t pid = sleeper();

    handle(SIGALRM, nothing, 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    check_equal(error_of(waitpid(pid, NULL, 0)), EINTR);
    fflush(stdout);
    pid_t killer = fork();
    if (killer == 0) {
        nap_ms(60);
        kill(pid, SIGTERM);
        _exit(0);
    }
    handle(SIGALRM, nothing, SA_RESTART);
    setitimer(ITIMER_REAL, &soon, NULL);
    check(waitpid(pid, NULL, 0) == pid);
    check(waitpid(killer, NULL, 0) == killer);
    setitimer(ITIMER_REAL, &none, NULL);
    handle(SIGALRM, SIG_DFL, 0);
}

static void
usage(void)
{
    struct rusage used, before, after;
    int status;

    getrusage(RUSAGE_CHILDREN, &before);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        do
            getrusage(RUSAGE_SELF, &used);
        while (used.ru_utime.tv_sec * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec < 20000);
        _exit(0);
    }
    check(wait4(pid, &status, 0, &used) == pid);
    check(used.ru_utime.tv_sec * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_sec * 1000000 +
              used.ru_stime.tv_usec > 10000);
    getrusage(RUSAGE_CHILDREN, &after);
    check(after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec + after.ru_stime.tv_usec >
          before.ru_utime.tv_sec * 1000000 + before.ru_utime.tv_usec + before.ru_stime.tv_usec);
}

static const struct check_case cases[] = {
    {"nobody", nobody},
    {"no-hang", no_hang},
    {"statuses", statuses},
    {"which", which},
    {"groups", groups},
    {"stop-and-continue", stop_and_continue},
    {"waitid-tells", waitid_tells},
    {"the-parent-is-told", the_parent_is_told},
    {"ignored-children-are-not-kept", ignored_children_are_not_kept},
    {"interrupted", interrupted},
    {"usage", usage},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
