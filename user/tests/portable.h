/* What tests share that also run on Linux, as the same file: nothing here names an interface of Fibril's.
 * Their whole output is compared, see tests/system/test_portable.py; so it has no pids, times, addresses. */
#ifndef TESTS_PORTABLE_H
#define TESTS_PORTABLE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

#define PORTABLE __attribute__((unused)) static

/* The error number of a call that has to fail, or 0. */
#define error_of(call) ((call) == -1 ? errno : 0)

/* Tells what a call gave, value or error number, in a line that has to be the same on Linux. */
#define show(call) (errno = 0, show_result(#call, (long)(call)))

PORTABLE long
show_result(const char *call, long result)
{
    int error = errno;

    if (result == -1 && error)
        printf("  %s = error %d\n", call, error);
    else
        printf("  %s = %ld\n", call, result);
    errno = error;
    return result;
}

/* The same for a call whose result is nobody's business unless it is an error: a pid, an address. */
#define show_error(call) (errno = 0, show_result(#call, (long)(call) == -1 ? -1 : 0))

/* A handler's prototype says that it gets a number. */
#define UNUSED __attribute__((unused))

PORTABLE long long
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

PORTABLE void
nap_ms(int milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};

    while (nanosleep(&time, &time) < 0 && errno == EINTR)
        ;
}

/* Runs a function in a child; the child's status as wait gives it. */
PORTABLE int
in_child(int (*function)(void *), void *argument)
{
    int status = -1;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0)
        _exit(function(argument));
    check(pid > 0);
    check(waitpid(pid, &status, 0) == pid);
    return status;
}

/* The exit status, or minus the signal that ended it. */
PORTABLE int
exited(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

PORTABLE void
handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigemptyset(&action.sa_mask);
    check(sigaction(number, &action, NULL) == 0);
}

PORTABLE void
block(int number)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

PORTABLE void
unblock(int number)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    check(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

PORTABLE bool
is_pending(int number)
{
    sigset_t set;

    check(sigpending(&set) == 0);
    return sigismember(&set, number);
}

#endif
