/* t-signalfd [CASE…]: signalfd's numbers and semantics. Also compiles for Linux, where every case has to
 * pass too. */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

#define check_error(call, number)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long long error_result_ = (call);                                                          \
        if (error_result_ != -1 || errno != (number))                                              \
            check_failed("%s:%d: %s is %lld, errno %d, not %d", __FILE__, __LINE__, #call,         \
                         error_result_, errno, (number));                                          \
    } while (0)

static sigset_t
blocked(int first, int second)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, first);
    sigaddset(&set, second);
    check_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    return set;
}

static int
made(sigset_t set, int flags)
{
    int fd = signalfd(-1, &set, flags);

    if (fd < 0)
        check_failed("signalfd: errno %d", errno);
    return fd;
}

static short
events_of(int fd)
{
    struct pollfd polled = {fd, POLLIN | POLLOUT, 0};

    poll(&polled, 1, 0);
    return polled.revents;
}

/* ---- Cases ---- */

static void
one_signal(void)
{
    int fd = made(blocked(SIGUSR1, SIGUSR2), SFD_NONBLOCK);
    struct signalfd_siginfo info;

    check_equal(sizeof info, 128);
    check_error(read(fd, &info, sizeof info), EAGAIN);
    check_equal(events_of(fd), 0);
    check_equal(kill(getpid(), SIGUSR1), 0);
    check_equal(events_of(fd), POLLIN);
    check_equal(read(fd, &info, sizeof info), sizeof info);
    check_equal(info.ssi_signo, SIGUSR1);
    check_equal(info.ssi_code, SI_USER);
    check_equal(info.ssi_pid, getpid());
    check_equal(info.ssi_uid, getuid());
    check_equal(events_of(fd), 0);
    close(fd);
}

static void
several(void)
{
    int fd = made(blocked(SIGUSR1, SIGUSR2), SFD_NONBLOCK);
    struct signalfd_siginfo info[4];

    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    check_equal(read(fd, info, 128 * 3 + 100), 256);
    check_equal(info[0].ssi_signo, SIGUSR1);
    check_equal(info[1].ssi_signo, SIGUSR2);
    check_error(read(fd, info, 127), EINVAL);
    close(fd);
}

static void
values(void)
{
    int fd = made(blocked(SIGRTMIN + 3, SIGUSR2), SFD_NONBLOCK);
    struct signalfd_siginfo info[2];

    check_equal(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 77}), 0);
    check_equal(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = -5}), 0);
    check_equal(read(fd, info, sizeof info), 256);
    check_equal(info[0].ssi_code, SI_QUEUE);
    check_equal(info[0].ssi_int, 77);
    check_equal(info[0].ssi_pid, getpid());
    check_equal(info[1].ssi_int, -5);
    close(fd);
}

static void
only_the_mask(void)
{
    sigset_t both = blocked(SIGUSR1, SIGUSR2), one, pending;
    struct signalfd_siginfo info;
    int fd;

    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    fd = made(one, SFD_NONBLOCK);
    kill(getpid(), SIGUSR2);
    check_error(read(fd, &info, sizeof info), EAGAIN);
    check_equal(signalfd(fd, &both, 0), fd);
    check_equal(events_of(fd), POLLIN);
    check_equal(read(fd, &info, sizeof info), 128);
    check_equal(info.ssi_signo, SIGUSR2);
    sigpending(&pending);
    check_equal(sigismember(&pending, SIGUSR2), 0);
    close(fd);
}

static void
a_child_that_ends(void)
{
    int fd = made(blocked(SIGCHLD, SIGUSR2), 0), status = -1;
    struct signalfd_siginfo info;
    pid_t child = fork();

    if (child == 0)
        _exit(7);
    check_equal(read(fd, &info, sizeof info), 128);
    check_equal(info.ssi_signo, SIGCHLD);
    check_equal(info.ssi_code, CLD_EXITED);
    check_equal(info.ssi_pid, child);
    check_equal(info.ssi_status, 7);
    check_equal(waitpid(child, &status, 0), child);
    close(fd);
}

/* Who reads sees its own signals, not those of who made the file. */
static void
of_the_reader(void)
{
    int fd = made(blocked(SIGUSR1, SIGUSR2), SFD_NONBLOCK), status = -1;
    struct signalfd_siginfo info;
    pid_t child;

    kill(getpid(), SIGUSR1);
    child = fork();
    if (child == 0) {
        int bad = read(fd, &info, sizeof info) != -1 || errno != EAGAIN;
        kill(getpid(), SIGUSR2);
        bad |= read(fd, &info, sizeof info) != 128 || info.ssi_signo != SIGUSR2;
        _exit(bad);
    }
    check_equal(waitpid(child, &status, 0), child);
    check_equal(status, 0);
    check_equal(read(fd, &info, sizeof info), 128);
    check_equal(info.ssi_signo, SIGUSR1);
    close(fd);
}

static void
waiting(void)
{
    int fd = made(blocked(SIGUSR1, SIGUSR2), 0), status = -1;
    struct signalfd_siginfo info;
    pid_t child = fork();

    if (child == 0) {
        usleep(20000);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    check_equal(read(fd, &info, sizeof info), 128);
    check_equal(info.ssi_signo, SIGUSR1);
    check_equal(info.ssi_pid, child);
    check_equal(waitpid(child, &status, 0), child);
    close(fd);
}

static void
polling(void)
{
    int fd = made(blocked(SIGUSR1, SIGUSR2), SFD_NONBLOCK), status = -1;
    struct pollfd polled = {fd, POLLIN, 0};
    struct signalfd_siginfo info;
    pid_t child = fork();

    if (child == 0) {
        usleep(20000);
        kill(getppid(), SIGUSR2);
        _exit(0);
    }
    check_equal(poll(&polled, 1, 10000), 1);
    check_equal(read(fd, &info, sizeof info), 128);
    check_equal(info.ssi_signo, SIGUSR2);
    check_equal(waitpid(child, &status, 0), child);
    close(fd);
}

static void
what_is_refused(void)
{
    sigset_t set = blocked(SIGUSR1, SIGUSR2);
    int fd = made(set, SFD_CLOEXEC), other = open("/", O_RDONLY);
    struct signalfd_siginfo info;

    check_error(signalfd(-1, &set, 1), EINVAL);
    check_error(signalfd(other, &set, 0), EINVAL);
    check_error(signalfd(999, &set, 0), EBADF);
    check_error(write(fd, &info, sizeof info), EINVAL);
    check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(other);
    close(fd);
}

/* A buffer that is not there costs no signal. */
static void
bad_memory(void)
{
    int fd = made(blocked(SIGUSR1, SIGUSR2), SFD_NONBLOCK);
    struct signalfd_siginfo info;

    check_error(read(fd, (void *)16, sizeof info), EAGAIN);
#ifndef __linux__
    kill(getpid(), SIGUSR1);
    check_error(read(fd, (void *)16, sizeof info), EFAULT);
    check_equal(read(fd, &info, sizeof info), 128);
#endif
    close(fd);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"one_signal", one_signal},
        {"several", several},
        {"values", values},
        {"only_the_mask", only_the_mask},
        {"a_child_that_ends", a_child_that_ends},
        {"of_the_reader", of_the_reader},
        {"waiting", waiting},
        {"polling", polling},
        {"what_is_refused", what_is_refused},
        {"bad_memory", bad_memory},
        {NULL, NULL},
    };
    return check_run(cases, argc, argv);
}
