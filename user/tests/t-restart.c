/* t-restart [CASE]: what a handler, a stop and a continuation do to a call that sleeps. Runs on Linux too. */
#include "signals.h"
#include <fcntl.h>
#include <poll.h>

static int
write_later(void *fd)
{
    nap_ms(60);
    return write(*(int *)fd, "x", 1) != 1;
}

static void
read_is_restarted(void)
{
    int fds[2], status;
    char byte;

    check(pipe(fds) == 0);
    alarm_soon(0);
    check_equal(error_of(read(fds[0], &byte, 1)), EINTR);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(write_later(&fds[1]));
    alarm_soon(SA_RESTART);
    check_equal(read(fds[0], &byte, 1), 1);
    check(handled >= 2);
    check(waitpid(pid, &status, 0) == pid);
    close(fds[0]);
    close(fds[1]);
    defaults();
}

static void
sleeps_are_not_restarted(void)
{
    struct timespec time = {10, 0}, left = {0, 0};

    alarm_soon(SA_RESTART);
    check_equal(error_of(nanosleep(&time, &left)), EINTR);
    check(left.tv_sec < 10 && left.tv_nsec > 0);
    alarm_soon(SA_RESTART);
    check_equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &left), EINTR);
    struct pollfd none = {.fd = -1};
    alarm_soon(SA_RESTART);
    check_equal(error_of(poll(&none, 1, 10000)), EINTR);
    alarm_soon(SA_RESTART);
    check_equal(error_of(poll(&none, 1, -1)), EINTR);
    alarm_soon(SA_RESTART);
    check_equal(error_of(pause()), EINTR);
    check(handled >= 5);
    defaults();
}

/* A stop and a continue are not seen by a sleep, but by the clock: it ends when it would have. */
static int
sleep_through(void *unused UNUSED)
{
    struct timespec time = {0, 500000000};
    long long before = now_ns();

    if (nanosleep(&time, NULL) != 0)
        return 1;
    long long took = now_ns() - before;
    return took >= 500000000 ? 0 : 2;
}

static int
poll_through(void *unused UNUSED)
{
    struct pollfd none = {.fd = -1};
    long long before = now_ns();

    if (poll(&none, 1, 500) != 0)
        return 1;
    long long took = now_ns() - before;
    return took >= 499000000 ? 0 : 2;
}

static void
stops_do_not_end_sleeps(void)
{
    int (*functions[])(void *) = {sleep_through, poll_through};
    int status;

    for (int i = 0; i < 2; i++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            _exit(functions[i](NULL));
        for (int j = 0; j < 3; j++) {
            nap_ms(10);
            kill(pid, SIGSTOP);
            check(waitpid(pid, &status, WUNTRACED) == pid);
            nap_ms(5);
            kill(pid, SIGCONT);
        }
        check(waitpid(pid, &status, 0) == pid);
        check_equal(exited(status), 0);
    }
}

/* What a stopped one was waiting for goes to others. */
static void
the_stopped_do_not_take(void)
{
    int fds[2], status;
    char byte = 0;

    check(pipe(fds) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(read(fds[0], &byte, 1) == 1 ? byte : 99);
    nap_ms(20);
    kill(pid, SIGSTOP);
    check(waitpid(pid, &status, WUNTRACED) == pid);
    check(write(fds[1], "a", 1) == 1);
    nap_ms(10);
    check(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
    check(read(fds[0], &byte, 1) == 1);
    check(fcntl(fds[0], F_SETFL, 0) == 0);
    kill(pid, SIGCONT);
    check(write(fds[1], "b", 1) == 1);
    check(waitpid(pid, &status, 0) == pid);
    check_equal(exited(status), 'b');
    close(fds[0]);
    close(fds[1]);
}

static const struct check_case cases[] = {
    {"read-is-restarted", read_is_restarted},
    {"sleeps-are-not-restarted", sleeps_are_not_restarted},
    {"stops-do-not-end-sleeps", stops_do_not_end_sleeps},
    {"the-stopped-do-not-take", the_stopped_do_not_take},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
