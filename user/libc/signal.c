/* Signals: <signal.h> over the kernel's calls. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <fibril/calls.h>
#include <fibril/kernel_types.h>
#include "libc.h"

#define SA_RESTORER 0x04000000
#define SET_BYTES sizeof(sigset_t)

struct kernel_action { /* of rt_sigaction */
    unsigned long handler, flags, restorer;
    sigset_t mask;
};

/* kernel_call.asm: where handlers return to */
void libc_signal_return(void);
void libc_signal_return_info(void);

/* ---- Sets ---- */

static int
number_check(int number)
{
    return number < 1 || number >= NSIG ? libc_result(-EINVAL) : 0;
}

int
sigemptyset(sigset_t *set)
{
    *set = 0;
    return 0;
}

int
sigfillset(sigset_t *set)
{
    *set = ~0ull;
    return 0;
}

int
sigaddset(sigset_t *set, int number)
{
    if (number_check(number) < 0)
        return -1;
    *set |= 1ull << (number - 1);
    return 0;
}

int
sigdelset(sigset_t *set, int number)
{
    if (number_check(number) < 0)
        return -1;
    *set &= ~(1ull << (number - 1));
    return 0;
}

int
sigismember(const sigset_t *set, int number)
{
    if (number_check(number) < 0)
        return -1;
    return *set >> (number - 1) & 1;
}

/* ---- Actions ---- */

int
sigaction(int number, const struct sigaction *new, struct sigaction *old)
{
    struct kernel_action from, to;
    void (*back)(void) = libc_signal_return;

    if (new && new->sa_flags & SA_SIGINFO)
        back = libc_signal_return_info;
    if (new)
        from = (struct kernel_action){(unsigned long)new->sa_handler,
                                      (unsigned long)new->sa_flags | SA_RESTORER,
                                      (unsigned long)back, new->sa_mask};
    if (libc_result(sys_rt_sigaction(number, new ? &from : NULL, old ? &to : NULL, SET_BYTES)) < 0)
        return -1;
    if (old)
        *old = (struct sigaction){.sa_handler = (_sig_func_ptr)to.handler,
                                  .sa_mask = to.mask,
                                  .sa_flags = (int)(to.flags & ~SA_RESTORER)};
    return 0;
}

/* As in BSD and glibc: the handler stays, and interrupted calls are made anew. */
_sig_func_ptr
signal(int number, _sig_func_ptr handler)
{
    struct sigaction new = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;

    return sigaction(number, &new, &old) < 0 ? SIG_ERR : old.sa_handler;
}

int
siginterrupt(int number, int interrupt)
{
    struct sigaction action;

    if (sigaction(number, NULL, &action) < 0)
        return -1;
    action.sa_flags = interrupt ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
    return sigaction(number, &action, NULL);
}

int
sigaltstack(const stack_t *new, stack_t *old)
{
    return libc_result(sys_sigaltstack(new, old));
}

/* ---- Masks and waiting ---- */

int
sigprocmask(int how, const sigset_t *new, sigset_t *old)
{
    return libc_result(sys_rt_sigprocmask(how, new, old, SET_BYTES));
}

int
pthread_sigmask(int how, const sigset_t *new, sigset_t *old)
{
    return -sys_rt_sigprocmask(how, new, old, SET_BYTES);
}

int
sigpending(sigset_t *set)
{
    return libc_result(sys_rt_sigpending(set, SET_BYTES));
}

int
sigsuspend(const sigset_t *mask)
{
    return libc_result(sys_rt_sigsuspend(mask, SET_BYTES));
}

int
pause(void)
{
    return libc_result(sys_pause());
}

int
sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    struct kernel_timespec time;

    if (timeout)
        time = (struct kernel_timespec){timeout->tv_sec, timeout->tv_nsec};
    return libc_result(sys_rt_sigtimedwait(set, info, timeout ? &time : NULL, SET_BYTES));
}

int
sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    return sigtimedwait(set, info, NULL);
}

int
sigwait(const sigset_t *set, int *number)
{
    long result;

    do
        result = sys_rt_sigtimedwait(set, NULL, NULL, SET_BYTES);
    while (result == -EINTR);
    if (result < 0)
        return -result;
    *number = result;
    return 0;
}

/* ---- Sending ---- */

int
kill(pid_t pid, int number)
{
    return libc_result(sys_kill(pid, number));
}

int
killpg(pid_t group, int number)
{
    return group < 0 ? libc_result(-EINVAL) : kill(-group, number);
}

int
raise(int number)
{
    return libc_result(sys_tgkill(sys_getpid(), sys_gettid(), number));
}

int
sigqueue(pid_t pid, int number, const union sigval value)
{
    siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};

    info.si_pid = sys_getpid();
    info.si_uid = sys_getuid();
    info.si_value = value;
    return libc_result(sys_rt_sigqueueinfo(pid, number, &info));
}

/* Ends by SIGABRT whatever has been done about it. */
void
abort(void)
{
    sigset_t only = 1ull << (SIGABRT - 1);

    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(SIGABRT);
    signal(SIGABRT, SIG_DFL);
    raise(SIGABRT);
    for (;;)
        _exit(127);
}

/* ---- Names ---- */

char *
strsignal(int number)
{
    static const char *const names[] = {
        "Unknown signal", "Hangup", "Interrupt", "Quit", "Illegal instruction",
        "Trace/breakpoint trap", "Aborted", "Bus error", "Floating point exception", "Killed",
        "User defined signal 1", "Segmentation fault", "User defined signal 2", "Broken pipe",
        "Alarm clock", "Terminated", "Stack fault", "Child exited", "Continued",
        "Stopped (signal)", "Stopped", "Stopped (tty input)", "Stopped (tty output)",
        "Urgent I/O condition", "CPU time limit exceeded", "File size limit exceeded",
        "Virtual timer expired", "Profiling timer expired", "Window changed", "I/O possible",
        "Power failure", "Bad system call"};
    static _Thread_local char text[32];

    if (number > 0 && number < SIGRTMIN)
        return (char *)names[number];
    sprintf(text, number >= SIGRTMIN && number < NSIG ? "Real-time signal %d" : "Unknown signal %d",
            number >= SIGRTMIN && number < NSIG ? number - SIGRTMIN : number);
    return text;
}

void
psignal(int number, const char *text)
{
    if (text && *text)
        fprintf(stderr, "%s: ", text);
    fprintf(stderr, "%s\n", strsignal(number));
}

/* ---- setjmp with the mask ---- */

int
__sigsetjmp_save(sigjmp_buf environment, int save)
{
    environment->mask_saved = save;
    if (save)
        sigprocmask(SIG_SETMASK, NULL, &environment->mask);
    return 0;
}

void
siglongjmp(sigjmp_buf environment, int value)
{
    if (environment->mask_saved)
        sigprocmask(SIG_SETMASK, &environment->mask, NULL);
    longjmp(environment->context, value);
}
