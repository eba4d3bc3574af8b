/* t-epoll [CASE…]: epoll's numbers and semantics, on everything that can be polled. Also
 * compiles for Linux, where every case has to pass too. */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
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

static int
made(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd < 0)
        check_failed("epoll_create1: errno %d", errno);
    return fd;
}

static int
control(int epoll, int operation, int fd, unsigned events, unsigned data)
{
    struct epoll_event event = {.events = events, .data.u64 = 0x100000000ull | data};

    return epoll_ctl(epoll, operation, fd, &event);
}

static void
add(int epoll, int fd, unsigned events, unsigned data)
{
    check_equal(control(epoll, EPOLL_CTL_ADD, fd, events, data), 0);
}

/* There is exactly one event now, this one; events 0: none. */
#define check_event(epoll, wanted, with)                                                           \
    do {                                                                                           \
        struct epoll_event got_[4] = {{0}};                                                        \
        unsigned wanted_ = (wanted);                                                               \
        int count_ = epoll_wait(epoll, got_, 4, 0);                                                \
        if (count_ != (wanted_ != 0) || got_[0].events != wanted_ ||                               \
            (wanted_ && got_[0].data.u64 != (0x100000000ull | (with))))                            \
            check_failed("%s:%d: %d events, 0x%x of %u, not 0x%x", __FILE__, __LINE__, count_,     \
                         got_[0].events, got_[0].data.u32, wanted_);                               \
    } while (0)

static void
say(int fd)
{
    check_equal(write(fd, "x", 1), 1);
}

static void
hear(int fd)
{
    char byte;

    check_equal(read(fd, &byte, 1), 1);
}

static void
ended(pid_t child)
{
    int status = -1;

    check_equal(waitpid(child, &status, 0), child);
    check_equal(status, 0);
}

/* ---- Cases ---- */

static void
level(void)
{
    int epoll = made(), fds[2];

    check_equal(pipe(fds), 0);
    add(epoll, fds[0], EPOLLIN, 7);
    check_event(epoll, 0, 0);
    say(fds[1]);
    say(fds[1]);
    check_event(epoll, EPOLLIN, 7);
    hear(fds[0]);
    check_event(epoll, EPOLLIN, 7);
    hear(fds[0]);
    check_event(epoll, 0, 0);
    close(fds[1]);
    check_event(epoll, EPOLLHUP, 7);
    check_event(epoll, EPOLLHUP, 7);
    close(fds[0]);
    check_event(epoll, 0, 0);
    close(epoll);
}

static void
edge(void)
{
    int epoll = made(), fds[2];

    check_equal(pipe(fds), 0);
    say(fds[1]);
    add(epoll, fds[0], EPOLLIN | EPOLLET, 8);
    check_event(epoll, EPOLLIN, 8);
    check_event(epoll, 0, 0);
    say(fds[1]);
    check_event(epoll, EPOLLIN, 8);
    hear(fds[0]);
    check_event(epoll, 0, 0);
    close(fds[1]);
    check_event(epoll, EPOLLIN | EPOLLHUP, 8);
    check_event(epoll, 0, 0);
    close(fds[0]);
    close(epoll);
}

static void
edge_of_writing(void)
{
    static char much[70000];
    int epoll = made(), fds[2];

    check_equal(pipe2(fds, O_NONBLOCK), 0);
    add(epoll, fds[1], EPOLLOUT | EPOLLET, 9);
    check_event(epoll, EPOLLOUT, 9);
    say(fds[1]);
    hear(fds[0]);
    check_event(epoll, 0, 0);
    check_equal(write(fds[1], much, sizeof much), 65536);
    check_event(epoll, 0, 0);
    check_equal(read(fds[0], much, 8192), 8192);
    check_event(epoll, EPOLLOUT, 9);
    check_equal(read(fds[0], much, 8192), 8192);
    check_event(epoll, 0, 0);
    close(fds[0]);
    check_event(epoll, EPOLLOUT | EPOLLERR, 9);
    close(fds[1]);
    close(epoll);
}

static void
edge_of_a_socket(void)
{
    int epoll = made(), fds[2];

    check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    add(epoll, fds[0], EPOLLOUT | EPOLLET, 10);
    check_event(epoll, EPOLLOUT, 10);
    say(fds[1]);
    check_event(epoll, 0, 0);
    check_equal(control(epoll, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 10), 0);
    check_event(epoll, EPOLLIN, 10);
    check_event(epoll, 0, 0);
    say(fds[1]);
    check_event(epoll, EPOLLIN, 10);
    shutdown(fds[1], SHUT_WR);
    check_event(epoll, EPOLLIN | EPOLLRDHUP, 10);
    check_event(epoll, 0, 0);
    close(fds[1]);
    check_event(epoll, EPOLLIN | EPOLLRDHUP | EPOLLHUP, 10);
    close(fds[0]);
    close(epoll);
}

static void
one_shot(void)
{
    int epoll = made(), fds[2];

    check_equal(pipe(fds), 0);
    say(fds[1]);
    add(epoll, fds[0], EPOLLIN | EPOLLONESHOT, 11);
    check_event(epoll, EPOLLIN, 11);
    check_event(epoll, 0, 0);
    say(fds[1]);
    check_event(epoll, 0, 0);
    check_equal(control(epoll, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLONESHOT, 12), 0);
    check_event(epoll, EPOLLIN, 12);
    check_event(epoll, 0, 0);
    check_equal(control(epoll, EPOLL_CTL_MOD, fds[0], EPOLLIN, 13), 0);
    check_event(epoll, EPOLLIN, 13);
    check_event(epoll, EPOLLIN, 13);
    close(fds[0]);
    close(fds[1]);
    close(epoll);
}

static void
changing(void)
{
    int epoll = made(), fds[2];

    check_equal(pipe(fds), 0);
    add(epoll, fds[1], EPOLLIN, 1);
    check_event(epoll, 0, 0);
    check_equal(control(epoll, EPOLL_CTL_MOD, fds[1], EPOLLOUT, 2), 0);
    check_event(epoll, EPOLLOUT, 2);
    check_equal(control(epoll, EPOLL_CTL_MOD, fds[1], 0, 3), 0);
    check_event(epoll, 0, 0);
    close(fds[0]);
    check_event(epoll, EPOLLERR, 3);
    check_equal(epoll_ctl(epoll, EPOLL_CTL_DEL, fds[1], NULL), 0);
    check_event(epoll, 0, 0);
    check_error(epoll_ctl(epoll, EPOLL_CTL_DEL, fds[1], NULL), ENOENT);
    add(epoll, fds[1], EPOLLOUT, 4);
    check_event(epoll, EPOLLOUT | EPOLLERR, 4);
    close(fds[1]);
    close(epoll);
}

static void
what_is_refused(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = made(), other = made(), fds[2], file = open("/", O_RDONLY);

    check_equal(pipe(fds), 0);
    check_error(epoll_create(0), EINVAL);
    check_error(epoll_create1(1), EINVAL);
    check_error(epoll_ctl(epoll, EPOLL_CTL_ADD, -1, &event), EBADF);
    check_error(epoll_ctl(-1, EPOLL_CTL_ADD, fds[0], &event), EBADF);
    check_error(epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event), EPERM);
    check_error(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event), EINVAL);
    check_error(epoll_ctl(fds[0], EPOLL_CTL_ADD, fds[1], &event), EINVAL);
    check_error(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], (void *)16), EFAULT);
    check_error(epoll_ctl(epoll, 99, fds[0], &event), EINVAL);
    check_error(epoll_ctl(epoll, EPOLL_CTL_MOD, fds[0], &event), ENOENT);
    add(epoll, fds[0], EPOLLIN, 1);
    check_error(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event), EEXIST);
    check_error(epoll_wait(epoll, &event, 0, 0), EINVAL);
    check_error(epoll_wait(epoll, &event, -1, 0), EINVAL);
    check_error(epoll_wait(epoll, &event, 0x7fffffff, 0), EINVAL);
    check_error(epoll_wait(-1, &event, 1, 0), EBADF);
    check_error(epoll_wait(fds[0], &event, 1, 0), EINVAL);
    check_error(control(epoll, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLEXCLUSIVE, 1), EINVAL);
    check_error(control(epoll, EPOLL_CTL_ADD, other, EPOLLIN | EPOLLEXCLUSIVE, 1), EINVAL);
    check_error(control(epoll, EPOLL_CTL_ADD, fds[1], EPOLLOUT | EPOLLONESHOT | EPOLLEXCLUSIVE, 1),
                EINVAL);
    add(other, fds[0], EPOLLIN | EPOLLEXCLUSIVE, 1);
    check_error(control(other, EPOLL_CTL_MOD, fds[0], EPOLLIN, 1), EINVAL);
    close(file);
    close(fds[0]);
    close(fds[1]);
    close(other);
    close(epoll);
}

/* The number belongs to the descriptor, the place in the epoll to the open file. */
static void
duplicates(void)
{
    int epoll = made(), fds[2], copy;

    check_equal(pipe(fds), 0);
    say(fds[1]);
    copy = dup(fds[0]);
    add(epoll, fds[0], EPOLLIN, 1);
    close(fds[0]);
    check_event(epoll, EPOLLIN, 1);
    check_error(epoll_ctl(epoll, EPOLL_CTL_DEL, fds[0], NULL), EBADF);
    add(epoll, copy, EPOLLET, 2);
    check_event(epoll, EPOLLIN, 1);
    close(copy);
    check_event(epoll, 0, 0);
    close(fds[1]);
    close(epoll);
}

/* Events come in turn: who has been told goes behind the others. */
static void
in_turn(void)
{
    enum { PIPES = 5 };
    int epoll = made(), fds[PIPES][2], seen[PIPES] = {0};

    for (int i = 0; i < PIPES; i++) {
        check_equal(pipe(fds[i]), 0);
        add(epoll, fds[i][0], EPOLLIN, i);
        say(fds[i][1]);
    }
    for (int i = 0; i < 2 * PIPES; i++) {
        struct epoll_event event = {.events = 0};
        check_equal(epoll_wait(epoll, &event, 1, 0), 1);
        seen[event.data.u32 % PIPES]++;
    }
    for (int i = 0; i < PIPES; i++) {
        check_equal(seen[i], 2);
        close(fds[i][0]);
        close(fds[i][1]);
    }
    close(epoll);
}

static void
more_than_fit(void)
{
    enum { PIPES = 40 };
    struct epoll_event events[PIPES + 10];
    int epoll = made(), fds[PIPES][2];

    for (int i = 0; i < PIPES; i++) {
        check_equal(pipe(fds[i]), 0);
        add(epoll, fds[i][0], EPOLLIN | (i % 2 ? EPOLLET : 0), i);
        say(fds[i][1]);
    }
    check_equal(epoll_wait(epoll, events, PIPES + 10, 0), PIPES);
    for (int i = 0; i < PIPES; i++)
        check_equal(events[i].data.u32, i);
    check_equal(epoll_wait(epoll, events, PIPES + 10, 0), PIPES / 2);
    for (int i = 0; i < PIPES; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
    check_equal(epoll_wait(epoll, events, PIPES + 10, 0), 0);
    close(epoll);
}

static void
nested(void)
{
    int top = made(), middle = made(), fds[2];
    struct pollfd polled = {top, POLLIN | POLLOUT, 0};

    check_equal(pipe(fds), 0);
    add(top, middle, EPOLLIN, 1);
    add(middle, fds[0], EPOLLIN, 2);
    check_equal(poll(&polled, 1, 0), 0);
    check_event(top, 0, 0);
    say(fds[1]);
    check_equal(poll(&polled, 1, 0), 1);
    check_equal(polled.revents, POLLIN);
    check_event(top, EPOLLIN, 1);
    check_event(middle, EPOLLIN, 2);
    check_event(top, EPOLLIN, 1);
    hear(fds[0]);
    check_event(top, 0, 0);
    check_equal(poll(&polled, 1, 0), 0);
    close(middle);
    close(fds[0]);
    close(fds[1]);
    close(top);
}

static void
nested_edge(void)
{
    int top = made(), middle = made(), fds[2];

    check_equal(pipe(fds), 0);
    add(middle, fds[0], EPOLLIN, 2);
    add(top, middle, EPOLLIN | EPOLLET, 1);
    say(fds[1]);
    check_event(top, EPOLLIN, 1);
    check_event(top, 0, 0);
    check_event(middle, EPOLLIN, 2);
    say(fds[1]);
    check_event(top, EPOLLIN, 1);
    close(middle);
    close(fds[0]);
    close(fds[1]);
    close(top);
}

static void
loops(void)
{
    int epolls[6];

    for (int i = 0; i < 6; i++)
        epolls[i] = made();
    add(epolls[0], epolls[1], EPOLLIN, 1);
    check_error(control(epolls[1], EPOLL_CTL_ADD, epolls[0], EPOLLIN, 1), ELOOP);
    add(epolls[1], epolls[2], EPOLLIN, 1);
    check_error(control(epolls[2], EPOLL_CTL_ADD, epolls[0], EPOLLIN, 1), ELOOP);
    add(epolls[2], epolls[3], EPOLLIN, 1);
    add(epolls[3], epolls[4], EPOLLIN, 1);
    check_error(control(epolls[4], EPOLL_CTL_ADD, epolls[0], EPOLLIN, 1), ELOOP);
    check_error(control(epolls[5], EPOLL_CTL_ADD, epolls[0], EPOLLIN, 1), ELOOP);
    check_equal(epoll_ctl(epolls[0], EPOLL_CTL_DEL, epolls[1], NULL), 0);
    add(epolls[1], epolls[0], EPOLLIN, 1);
    add(epolls[5], epolls[4], EPOLLIN, 1);
    for (int i = 0; i < 6; i++)
        close(epolls[i]);
}

/* The child's write ends the parent's wait. */
static void
waiting(void)
{
    struct epoll_event event = {.events = 0};
    int epoll = made(), fds[2];
    pid_t child;

    check_equal(pipe(fds), 0);
    add(epoll, fds[0], EPOLLIN, 5);
    check_equal(epoll_wait(epoll, &event, 1, 10), 0);
    child = fork();
    if (child == 0) {
        usleep(20000);
        _exit(write(fds[1], "y", 1) != 1);
    }
    check_equal(epoll_wait(epoll, &event, 1, -1), 1);
    check_equal(event.data.u32, 5);
    ended(child);
    close(fds[0]);
    close(fds[1]);
    close(epoll);
}

static int alarms;

static void
noted(int number)
{
    alarms += number == SIGALRM;
}

/* A handler ends a wait, whatever SA_RESTART says; the mask of epoll_pwait holds during it. */
static void
signals(void)
{
    struct sigaction action = {.sa_handler = noted, .sa_flags = SA_RESTART}, old;
    struct itimerval soon = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    struct epoll_event event;
    int epoll = made();
    sigset_t set, before;

    check_equal(sigaction(SIGALRM, &action, &old), 0);
    alarms = 0;
    setitimer(ITIMER_REAL, &soon, NULL);
    check_error(epoll_wait(epoll, &event, 1, -1), EINTR);
    check(alarms > 0);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    check_equal(epoll_pwait(epoll, &event, 1, 60, &set), 0);
    setitimer(ITIMER_REAL, &never, NULL);
    sigprocmask(SIG_BLOCK, &set, &before);
    kill(getpid(), SIGALRM);
    alarms = 0;
    check_equal(epoll_pwait(epoll, &event, 1, 0, &set), 0);
    check_equal(alarms, 0);
    check_error(epoll_pwait(epoll, &event, 1, -1, &before), EINTR);
    check_equal(alarms, 1);
    sigprocmask(SIG_SETMASK, &before, NULL);
    sigaction(SIGALRM, &old, NULL);
    close(epoll);
}

static void
short_times(void)
{
    struct timespec none = {0, 0}, some = {0, 3000000}, bad = {0, 1000000000};
    struct epoll_event event;
    int epoll = made();

    check_equal(epoll_pwait2(epoll, &event, 1, &none, NULL), 0);
    check_equal(epoll_pwait2(epoll, &event, 1, &some, NULL), 0);
    check_error(epoll_pwait2(epoll, &event, 1, &bad, NULL), EINVAL);
    close(epoll);
}

/* One event wakes one of those who wait; a level that stays wakes the next when the first is
 * there. */
static void
several_waiters(void)
{
    enum { WAITERS = 4 };
    struct epoll_event event;
    int epoll = made(), count = eventfd(0, EFD_SEMAPHORE), told = eventfd(0, EFD_NONBLOCK);
    pid_t children[WAITERS];

    add(epoll, count, EPOLLIN | EPOLLET, 1);
    for (int i = 0; i < WAITERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            if (epoll_wait(epoll, &event, 1, -1) == 1)
                eventfd_write(told, 1);
            _exit(0);
        }
    }
    for (int i = 0; i < WAITERS; i++) {
        eventfd_t value = 0;
        struct pollfd polled = {told, POLLIN, 0};
        usleep(20000);
        check_equal(eventfd_write(count, 1), 0);
        check_equal(poll(&polled, 1, 10000), 1);
        usleep(20000);
        check_equal(eventfd_read(told, &value), 0);
        check_equal(value, 1);
    }
    for (int i = 0; i < WAITERS; i++)
        ended(children[i]);
    close(count);
    close(told);
    close(epoll);
}

/* An epoll that goes over fork is the same one: what one process takes the other does not see. */
static void
shared_by_fork(void)
{
    int epoll = made(), fds[2];
    pid_t child;

    check_equal(pipe(fds), 0);
    add(epoll, fds[0], EPOLLIN | EPOLLONESHOT, 1);
    say(fds[1]);
    child = fork();
    if (child == 0) {
        struct epoll_event event;
        _exit(epoll_wait(epoll, &event, 1, 0) != 1);
    }
    ended(child);
    check_event(epoll, 0, 0);
    close(fds[0]);
    close(fds[1]);
    close(epoll);
}

/* The place of a file that the child has closed remains as long as the parent has it. */
static void
closed_in_the_child(void)
{
    int epoll = made(), fds[2];
    pid_t child;

    check_equal(pipe(fds), 0);
    add(epoll, fds[0], EPOLLIN, 1);
    child = fork();
    if (child == 0) {
        close(fds[0]);
        _exit(write(fds[1], "x", 1) != 1);
    }
    ended(child);
    check_event(epoll, EPOLLIN, 1);
    close(fds[0]);
    close(fds[1]);
    close(epoll);
}

static void
of_eventfd(void)
{
    int epoll = made(), fd = eventfd(0, 0);
    eventfd_t value;

    add(epoll, fd, EPOLLIN | EPOLLET, 1);
    check_event(epoll, 0, 0);
    eventfd_write(fd, 1);
    check_event(epoll, EPOLLIN, 1);
    eventfd_write(fd, 1);
    check_event(epoll, EPOLLIN, 1);
    check_event(epoll, 0, 0);
    eventfd_read(fd, &value);
    check_equal(control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT, 2), 0);
    check_event(epoll, EPOLLOUT, 2);
    close(fd);
    close(epoll);
}

static void
of_timerfd(void)
{
    struct itimerspec soon = {{0, 0}, {0, 5000000}};
    struct epoll_event event = {.events = 0};
    int epoll = made(), fd = timerfd_create(CLOCK_MONOTONIC, 0);
    unsigned long long count;

    add(epoll, fd, EPOLLIN, 1);
    check_event(epoll, 0, 0);
    timerfd_settime(fd, 0, &soon, NULL);
    check_equal(epoll_wait(epoll, &event, 1, 10000), 1);
    check_equal(read(fd, &count, 8), 8);
    check_event(epoll, 0, 0);
    close(fd);
    close(epoll);
}

static void
of_signalfd(void)
{
    struct signalfd_siginfo info;
    int epoll = made(), fd;
    sigset_t set, before;
    pid_t child;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &before);
    fd = signalfd(-1, &set, SFD_NONBLOCK);
    add(epoll, fd, EPOLLIN, 1);
    check_event(epoll, 0, 0);
    kill(getpid(), SIGUSR1);
    check_event(epoll, EPOLLIN, 1);
    check_equal(read(fd, &info, sizeof info), 128);
    check_event(epoll, 0, 0);
    child = fork();
    if (child == 0) { /* its own signal: not the parent's affair */
        kill(getpid(), SIGUSR1);
        _exit(read(fd, &info, sizeof info) != 128);
    }
    ended(child);
    check_event(epoll, 0, 0);
    close(fd);
    close(epoll);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* The maker of a signalfd's place in an epoll ends before those who wait there. */
static void
of_a_process_that_is_gone(void)
{
    struct signalfd_siginfo info;
    int epoll = made(), fd;
    sigset_t set, before;
    pid_t child;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &before);
    fd = signalfd(-1, &set, SFD_NONBLOCK);
    child = fork();
    if (child == 0)
        _exit(control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, 1) != 0);
    ended(child);
    kill(getpid(), SIGUSR1);
    check_equal(control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN, 2), 0);
    check_event(epoll, EPOLLIN, 2);
    check_equal(read(fd, &info, sizeof info), 128);
    check_event(epoll, 0, 0);
    close(fd);
    close(epoll);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void
of_datagrams(void)
{
    int epoll = made(), fds[2];

    check_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    add(epoll, fds[0], EPOLLIN, 1);
    check_event(epoll, 0, 0);
    say(fds[1]);
    check_event(epoll, EPOLLIN, 1);
    hear(fds[0]);
    check_event(epoll, 0, 0);
    close(fds[0]);
    close(fds[1]);
    close(epoll);
}

/* Buffers that are not there cost no event. */
static void
bad_memory(void)
{
    struct epoll_event event = {.events = 0};
    int epoll = made(), fd = eventfd(1, 0);

    add(epoll, fd, EPOLLIN | EPOLLET, 1);
    check_error(epoll_wait(epoll, (void *)16, 1, 0), EFAULT);
    check_event(epoll, EPOLLIN, 1);
    check_equal(control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, 2), 0);
    check_error(epoll_wait(epoll, (void *)16, 1, 0), EFAULT);
    check_equal(epoll_wait(epoll, &event, 1, 0), 1);
    check_event(epoll, 0, 0);
    close(fd);
    close(epoll);
}

/* Closed while somebody waits there: the wait goes on with what is left. */
static void
closed_while_waiting(void)
{
    int epoll = made(), fds[2], others[2];
    struct epoll_event event = {.events = 0};
    pid_t child;

    check_equal(pipe(fds), 0);
    check_equal(pipe(others), 0);
    add(epoll, fds[0], EPOLLIN, 1);
    add(epoll, others[0], EPOLLIN, 2);
    child = fork();
    if (child == 0) {
        close(fds[0]);
        close(fds[1]);
        usleep(20000);
        _exit(write(others[1], "x", 1) != 1);
    }
    close(fds[0]);
    close(fds[1]);
    check_equal(epoll_wait(epoll, &event, 1, -1), 1);
    check_equal(event.data.u32, 2);
    ended(child);
    close(others[0]);
    close(others[1]);
    close(epoll);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"level", level},
        {"edge", edge},
        {"edge_of_writing", edge_of_writing},
        {"edge_of_a_socket", edge_of_a_socket},
        {"one_shot", one_shot},
        {"changing", changing},
        {"what_is_refused", what_is_refused},
        {"duplicates", duplicates},
        {"in_turn", in_turn},
        {"more_than_fit", more_than_fit},
        {"nested", nested},
        {"nested_edge", nested_edge},
        {"loops", loops},
        {"waiting", waiting},
        {"signals", signals},
        {"short_times", short_times},
        {"several_waiters", several_waiters},
        {"shared_by_fork", shared_by_fork},
        {"closed_in_the_child", closed_in_the_child},
        {"of_eventfd", of_eventfd},
        {"of_timerfd", of_timerfd},
        {"of_signalfd", of_signalfd},
        {"of_a_process_that_is_gone", of_a_process_that_is_gone},
        {"of_datagrams", of_datagrams},
        {"bad_memory", bad_memory},
        {"closed_while_waiting", closed_while_waiting},
        {NULL, NULL},
    };
    return check_run(cases, argc, argv);
}
