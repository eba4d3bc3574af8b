/* What the tests of signals share: handlers that count and note, and everything back as it was. */
#ifndef TESTS_SIGNALS_H
#define TESTS_SIGNALS_H

#include "portable.h"
#include <sys/time.h>

PORTABLE volatile sig_atomic_t handled, order[100];
PORTABLE volatile siginfo_t last;

PORTABLE void
count(int number)
{
    if (handled < 100)
        order[handled] = number;
    handled++;
}

PORTABLE void
note(int number, siginfo_t *info, void *context UNUSED)
{
    last = *info;
    count(number);
}

PORTABLE void
handle_info(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};

    sigemptyset(&action.sa_mask);
    check(sigaction(number, &action, NULL) == 0);
}

PORTABLE void
defaults(void)
{
    struct itimerval none = {{0, 0}, {0, 0}};
    sigset_t all;

    setitimer(ITIMER_REAL, &none, NULL);
    for (int number = 1; number <= SIGRTMAX; number++)
        if (number != SIGKILL && number != SIGSTOP && (number < 32 || number >= SIGRTMIN))
            handle(number, SIG_DFL, 0);
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    handled = 0;
}

/* SIGALRMs from 20 ms on, counted, until defaults(); flags of their handler. On a busy machine the first may
 * come before the call that it is to interrupt. */
PORTABLE void
alarm_soon(int flags)
{
    struct itimerval soon = {{0, 200000}, {0, 20000}};

    handle(SIGALRM, count, flags);
    setitimer(ITIMER_REAL, &soon, NULL);
}

#endif
