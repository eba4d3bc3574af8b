/* Clocks and sleeping. */
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

/* Processor time is not accounted yet: the time since power-on stands for it. Ticks as clock() counts
 * them (CLOCKS_PER_SEC). */
clock_t
times(struct tms *times)
{
    struct timespec now;
    clock_t ticks;

    if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
        return (clock_t)-1;
    ticks = now.tv_sec * CLOCKS_PER_SEC + now.tv_nsec / (1000000000 / CLOCKS_PER_SEC);
    *times = (struct tms){.tms_utime = ticks};
    return ticks;
}
