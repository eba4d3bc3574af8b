/* <sys/eventfd.h>, <sys/timerfd.h>, <sys/signalfd.h>, <sys/epoll.h> */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <fibril/calls.h>
#include <fibril/kernel_types.h>
#include "libc.h"

_Static_assert(sizeof(struct epoll_event) == 12, "struct epoll_event");
_Static_assert(sizeof(struct signalfd_siginfo) == 128, "struct signalfd_siginfo");

/* ---- eventfd ---- */

int
eventfd(unsigned count, int flags)
{
    return libc_result(sys_eventfd2(count, flags));
}

int
eventfd_read(int fd, eventfd_t *value)
{
    return read(fd, value, sizeof *value) == sizeof *value ? 0 : -1;
}

int
eventfd_write(int fd, eventfd_t value)
{
    return write(fd, &value, sizeof value) == sizeof value ? 0 : -1;
}

/* ---- timerfd ---- */

struct kernel_itimerspec64 {
    struct kernel_timespec64 interval, value;
};

static void
itimerspec_give(const struct kernel_itimerspec64 *from, struct itimerspec *to)
{
    to->it_interval = (struct timespec){from->interval.seconds, from->interval.nanoseconds};
    to->it_value = (struct timespec){from->value.seconds, from->value.nanoseconds};
}

int
timerfd_create(int clock, int flags)
{
    return libc_result(sys_timerfd_create(clock, flags));
}

int
timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
    struct kernel_itimerspec64 to = {
        {new->it_interval.tv_sec, new->it_interval.tv_nsec, 0},
        {new->it_value.tv_sec, new->it_value.tv_nsec, 0},
    }, from;

    if (libc_result(sys_timerfd_settime64(fd, flags, &to, &from)) < 0)
        return -1;
    if (old)
        itimerspec_give(&from, old);
    return 0;
}

int
timerfd_gettime(int fd, struct itimerspec *value)
{
    struct kernel_itimerspec64 raw;

    if (libc_result(sys_timerfd_gettime64(fd, &raw)) < 0)
        return -1;
    itimerspec_give(&raw, value);
    return 0;
}

/* ---- signalfd ---- */

int
signalfd(int fd, const sigset_t *mask, int flags)
{
    return libc_result(sys_signalfd4(fd, mask, sizeof *mask, flags));
}

/* ---- epoll ---- */

int
epoll_create(int size)
{
    return libc_result(sys_epoll_create(size));
}

int
epoll_create1(int flags)
{
    return libc_result(sys_epoll_create1(flags));
}

int
epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    return libc_result(sys_epoll_ctl(epoll, operation, fd, event));
}

int
epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout_ms, const sigset_t *mask)
{
    return libc_result(sys_epoll_pwait(epoll, events, most, timeout_ms, mask, sizeof *mask));
}

int
epoll_wait(int epoll, struct epoll_event *events, int most, int timeout_ms)
{
    return epoll_pwait(epoll, events, most, timeout_ms, NULL);
}

int
epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *timeout,
             const sigset_t *mask)
{
    struct kernel_timespec64 time;

    if (timeout)
        time = (struct kernel_timespec64){timeout->tv_sec, timeout->tv_nsec, 0};
    return libc_result(
        sys_epoll_pwait2(epoll, events, most, timeout ? &time : NULL, mask, sizeof *mask));
}
