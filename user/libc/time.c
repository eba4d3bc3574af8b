/* Clocks and sleeping. */
#include <signal.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>
#include <fibril/calls.h>
#include <fibril/kernel_types.h>
#include "libc.h"

int
clock_gettime(clockid_t clock, struct timespec *time)
{
    struct kernel_timespec now;

    if (libc_result(sys_clock_gettime(clock, &now)) < 0)
        return -1;
    *time = (struct timespec){now.seconds, now.nanoseconds};
    return 0;
}

int
clock_getres(clockid_t clock, struct timespec *resolution)
{
    struct kernel_timespec raw;

    if (libc_result(sys_clock_getres(clock, &raw)) < 0)
        return -1;
    if (resolution)
        *resolution = (struct timespec){raw.seconds, raw.nanoseconds};
    return 0;
}

int
gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct kernel_timeval now;

    if (libc_result(sys_gettimeofday(&now, zone)) < 0)
        return -1;
    *time = (struct timeval){now.seconds, now.microseconds};
    return 0;
}

int
nanosleep(const struct timespec *request, struct timespec *remaining)
{
    struct kernel_timespec wanted = {request->tv_sec, request->tv_nsec}, left;

    if (request->tv_sec != wanted.seconds)
        return libc_result(-EINVAL); /* beyond what the ABI's 32 bits hold */
    if (libc_result(sys_nanosleep(&wanted, &left)) == 0)
        return 0;
    if (remaining && errno == EINTR)
        *remaining = (struct timespec){left.seconds, left.nanoseconds};
    return -1;
}

unsigned
sleep(unsigned seconds)
{
    struct timespec time = {seconds, 0};

    return nanosleep(&time, &time) == 0 ? 0 : time.tv_sec;
}

int
usleep(useconds_t microseconds)
{
    struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};

    return nanosleep(&time, NULL);
}

/* Ticks of sysconf(_SC_CLK_TCK), since some moment in the past. */
clock_t
times(struct tms *times)
{
    long ticks[4];
    long result = libc_result(sys_times(times ? ticks : NULL));

    if (times)
        *times = (struct tms){ticks[0], ticks[1], ticks[2], ticks[3]};
    return result;
}

clock_t
clock(void)
{
    struct timespec used;

    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) < 0)
        return (clock_t)-1;
    return used.tv_sec * CLOCKS_PER_SEC + used.tv_nsec / (1000000000 / CLOCKS_PER_SEC);
}

/* The result is the error number itself, unlike everywhere else. */
int
clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
                struct timespec *remaining)
{
    struct kernel_timespec64 wanted = {request->tv_sec, request->tv_nsec, 0}, left;
    long result = sys_clock_nanosleep_time64(clock, flags, &wanted, &left);

    if (result == -EINTR && remaining && !(flags & TIMER_ABSTIME))
        *remaining = (struct timespec){left.seconds, left.nanoseconds};
    return -result;
}

/* ---- Timers that send signals ---- */

unsigned
alarm(unsigned seconds)
{
    return sys_alarm(seconds);
}

struct kernel_itimerval {
    struct kernel_timeval interval, value;
};

static void
itimer_give(const struct kernel_itimerval *from, struct itimerval *to)
{
    to->it_interval = (struct timeval){from->interval.seconds, from->interval.microseconds};
    to->it_value = (struct timeval){from->value.seconds, from->value.microseconds};
}

int
getitimer(int which, struct itimerval *value)
{
    struct kernel_itimerval raw;

    if (libc_result(sys_getitimer(which, &raw)) < 0)
        return -1;
    itimer_give(&raw, value);
    return 0;
}

int
setitimer(int which, const struct itimerval *restrict new, struct itimerval *restrict old)
{
    struct kernel_itimerval from, to;

    if (new)
        from = (struct kernel_itimerval){{new->it_interval.tv_sec, new->it_interval.tv_usec},
                                         {new->it_value.tv_sec, new->it_value.tv_usec}};
    if (libc_result(sys_setitimer(which, new ? &from : NULL, &to)) < 0)
        return -1;
    if (old)
        itimer_give(&to, old);
    return 0;
}

int
timer_create(clockid_t clock, struct sigevent *restrict event, timer_t *restrict timer)
{
    int id;

    if (event && event->sigev_notify == SIGEV_THREAD)
        return libc_result(-ENOTSUP);
    if (libc_result(sys_timer_create(clock, event, &id)) < 0)
        return -1;
    *timer = (timer_t)id;
    return 0;
}

int
timer_delete(timer_t timer)
{
    return libc_result(sys_timer_delete((int)timer));
}

int
timer_getoverrun(timer_t timer)
{
    return libc_result(sys_timer_getoverrun((int)timer));
}

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
timer_settime(timer_t timer, int flags, const struct itimerspec *restrict new,
              struct itimerspec *restrict old)
{
    struct kernel_itimerspec64 to, from = {
        {new->it_interval.tv_sec, new->it_interval.tv_nsec, 0},
        {new->it_value.tv_sec, new->it_value.tv_nsec, 0}};

    if (libc_result(sys_timer_settime64((int)timer, flags, &from, &to)) < 0)
        return -1;
    if (old)
        itimerspec_give(&to, old);
    return 0;
}

int
timer_gettime(timer_t timer, struct itimerspec *value)
{
    struct kernel_itimerspec64 raw;

    if (libc_result(sys_timer_gettime64((int)timer, &raw)) < 0)
        return -1;
    itimerspec_give(&raw, value);
    return 0;
}

int
clock_settime(clockid_t clock, const struct timespec *time)
{
    struct kernel_timespec64 raw = {time->tv_sec, time->tv_nsec, 0};

    return libc_result(sys_clock_settime64(clock, &raw));
}
