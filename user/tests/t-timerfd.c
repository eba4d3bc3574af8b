/* t-timerfd [CASE…]: timerfd's numbers and semantics. Also compiles for Linux, where every case has to
 * pass too. No case says how late a timer may be. */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

#define MS 1000000ll

#define check_error(call, number)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long long error_result_ = (call);                                                          \
        if (error_result_ != -1 || errno != (number))                                              \
            check_failed("%s:%d: %s is %lld, errno %d, not %d", __FILE__, __LINE__, #call,         \
                         error_result_, errno, (number));                                          \
    } while (0)

static int
made(int clock, int flags)
{
    int fd = timerfd_create(clock, flags);

    if (fd < 0)
        check_failed("timerfd_create(%d, %d): errno %d", clock, flags, errno);
    return fd;
}

static struct timespec
spec_of(long long ns)
{
    return (struct timespec){ns / 1000000000, ns % 1000000000};
}

static long long
ns_of(struct timespec time)
{
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static long long
now_ns(int clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return ns_of(now);
}

static void
set(int fd, int flags, long long first, long long again)
{
    struct itimerspec value = {spec_of(again), spec_of(first)};

    check_equal(timerfd_settime(fd, flags, &value, NULL), 0);
}

static unsigned long long
expired(int fd)
{
    uint64_t count = 0;

    check_equal(read(fd, &count, 8), 8);
    return count;
}

static int
is_ready(int fd, int ms)
{
    struct pollfd polled = {fd, POLLIN | POLLOUT, 0};

    poll(&polled, 1, ms);
    return polled.revents;
}

/* ---- Cases ---- */

static void
once(void)
{
    int fd = made(CLOCK_MONOTONIC, 0);
    long long begin = now_ns(CLOCK_MONOTONIC);
    uint64_t count;

    check_equal(is_ready(fd, 0), 0);
    set(fd, 0, 20 * MS, 0);
    check_equal(expired(fd), 1);
    check(now_ns(CLOCK_MONOTONIC) - begin >= 20 * MS);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    check_error(read(fd, &count, 8), EAGAIN);
    close(fd);
}

static void
periodic(void)
{
    int fd = made(CLOCK_MONOTONIC, 0);
    long long begin = now_ns(CLOCK_MONOTONIC);
    unsigned long long count = 0;

    set(fd, 0, 5 * MS, 5 * MS);
    while (count < 6)
        count += expired(fd);
    check(now_ns(CLOCK_MONOTONIC) - begin >= (long long)count * 5 * MS);
    close(fd);
}

/* What nobody has read meanwhile is counted all the same. */
static void
missed(void)
{
    int fd = made(CLOCK_MONOTONIC, TFD_NONBLOCK);
    long long begin, end;
    unsigned long long count;

    begin = now_ns(CLOCK_MONOTONIC);
    set(fd, 0, 2 * MS, 2 * MS);
    usleep(50000);
    count = expired(fd);
    end = now_ns(CLOCK_MONOTONIC);
    check(count >= 24);
    check((long long)count <= (end - begin) / (2 * MS));
    close(fd);
}

static void
absolute(void)
{
    static const int clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME};

    for (int i = 0; i < 3; i++) {
        int fd = made(clocks[i], 0);
        long long when = now_ns(clocks[i]) + 15 * MS;
        set(fd, TFD_TIMER_ABSTIME, when, 0);
        check_equal(expired(fd), 1);
        check(now_ns(clocks[i]) >= when);
        close(fd);
    }
}

static void
in_the_past(void)
{
    int fd = made(CLOCK_REALTIME, 0);

    set(fd, TFD_TIMER_ABSTIME, 1, 0);
    check_equal(is_ready(fd, 1000), POLLIN);
    check_equal(expired(fd), 1);
    close(fd);
}

static void
what_is_left(void)
{
    int fd = made(CLOCK_MONOTONIC, 0);
    struct itimerspec value, old, none = {{0, 0}, {0, 0}};

    check_equal(timerfd_gettime(fd, &value), 0);
    check_equal(ns_of(value.it_value), 0);
    set(fd, 0, 100000 * MS, 7 * MS);
    check_equal(timerfd_gettime(fd, &value), 0);
    check(ns_of(value.it_value) > 90000 * MS && ns_of(value.it_value) <= 100000 * MS);
    check_equal(ns_of(value.it_interval), 7 * MS);
    check_equal(timerfd_settime(fd, 0, &none, &old), 0);
    check(ns_of(old.it_value) > 90000 * MS);
    check_equal(ns_of(old.it_interval), 7 * MS);
    check_equal(timerfd_gettime(fd, &value), 0);
    check_equal(ns_of(value.it_value), 0);
    check_equal(is_ready(fd, 0), 0);
    close(fd);
}

/* Setting it anew forgets expiries that nobody has read. */
static void
set_anew(void)
{
    int fd = made(CLOCK_MONOTONIC, TFD_NONBLOCK);
    uint64_t count;

    set(fd, 0, 1 * MS, 0);
    check_equal(is_ready(fd, 1000), POLLIN);
    set(fd, 0, 100000 * MS, 0);
    check_equal(is_ready(fd, 0), 0);
    check_error(read(fd, &count, 8), EAGAIN);
    close(fd);
}

static void
what_is_refused(void)
{
    struct itimerspec bad[] = {{{0, 0}, {0, 1000000000}}, {{0, -1}, {1, 0}}, {{0, 0}, {-1, 0}}};
    struct itimerspec good = {{0, 0}, {1, 0}};
    int fd = made(CLOCK_MONOTONIC, TFD_CLOEXEC), other = open("/", O_RDONLY);
    uint64_t count = 1;

    check_error(timerfd_create(2, 0), EINVAL);
    check_error(timerfd_create(-1, 0), EINVAL);
    check_error(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
    for (int i = 0; i < 3; i++)
        check_error(timerfd_settime(fd, 0, &bad[i], NULL), EINVAL);
    check_error(timerfd_settime(fd, 4, &good, NULL), EINVAL);
    check_error(timerfd_settime(-1, 0, &good, NULL), EBADF);
    check_error(timerfd_settime(other, 0, &good, NULL), EINVAL);
    check_error(timerfd_gettime(other, &good), EINVAL);
    check_error(timerfd_gettime(-1, &good), EBADF);
    check_error(read(fd, &count, 7), EINVAL);
    check_error(write(fd, &count, 8), EINVAL);
    check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(other);
    close(fd);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"once", once},
        {"periodic", periodic},
        {"missed", missed},
        {"absolute", absolute},
        {"in_the_past", in_the_past},
        {"what_is_left", what_is_left},
        {"set_anew", set_anew},
        {"what_is_refused", what_is_refused},
        {NULL, NULL},
    };
    return check_run(cases, argc, argv);
}
