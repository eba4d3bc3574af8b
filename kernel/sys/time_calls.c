/* System calls about time. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/wait.h"

#define NS_PER_SECOND 1000000000u

/* Linux's time.h */
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPU 2
#define CLOCK_THREAD_CPU 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOT_TIME 7

struct timespec32 { /* the i386 ABI's old struct timespec */
    s32 seconds, nanoseconds;
};
struct timespec64 {
    s64 seconds;
    s32 nanoseconds, padding;
};
struct timeval32 {
    s32 seconds, microseconds;
};

static int
clock_read(int clock, u64 *ns)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        *ns = time_boot_unix_ns() + time_now_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOT_TIME:
        *ns = time_now_ns();
        return 0;
    case CLOCK_PROCESS_CPU:
    case CLOCK_THREAD_CPU:
        *ns = current_task()->run_ticks * TICK_NS;
        return 0;
    }
    return -EINVAL;
}

long
sys_clock_gettime(int clock, void USER *user)
{
    u64 ns;
    int error = clock_read(clock, &ns);
    if (error)
        return error;
    struct timespec32 time = {ns / NS_PER_SECOND, ns % NS_PER_SECOND};
    return copy_to_user(user, &time, sizeof(time));
}

long
sys_clock_gettime64(int clock, void USER *user)
{
    u64 ns;
    int error = clock_read(clock, &ns);
    if (error)
        return error;
    struct timespec64 time = {ns / NS_PER_SECOND, ns % NS_PER_SECOND, 0};
    return copy_to_user(user, &time, sizeof(time));
}

long
sys_clock_getres(int clock, void USER *user)
{
    u64 ns;
    struct timespec32 resolution = {0, 1};
    int error = clock_read(clock, &ns);
    if (error || !user)
        return error;
    return copy_to_user(user, &resolution, sizeof(resolution));
}

long
sys_gettimeofday(void USER *user, void USER *zone)
{
    u64 us = (time_boot_unix_ns() + time_now_ns()) / 1000;
    struct timeval32 time = {us / 1000000, us % 1000000};
    static const s32 utc[2] = {0, 0};
    int error = user ? copy_to_user(user, &time, sizeof(time)) : 0;
    if (!error && zone)
        error = copy_to_user(zone, utc, sizeof(utc));
    return error;
}

long
sys_time(s32 USER *user)
{
    s32 seconds = (time_boot_unix_ns() + time_now_ns()) / NS_PER_SECOND;
    int error = user ? copy_to_user(user, &seconds, sizeof(seconds)) : 0;
    return error ? error : seconds;
}

/* Sleeps until at least the asked time has passed, and less than two ticks more. */
long
sys_nanosleep(const void USER *request, void USER *remaining)
{
    static struct wait_queue never = WAIT_QUEUE_INIT(never, "nanosleep");
    struct timespec32 time;
    int error = copy_from_user(&time, request, sizeof(time));
    if (error)
        return error;
    if (time.seconds < 0 || (u32)time.nanoseconds >= NS_PER_SECOND)
        return -EINVAL;
    u64 deadline = time_now_ns() + time.seconds * (u64)NS_PER_SECOND + time.nanoseconds;
    error = wait_event_interruptible_until(&never, false, deadline);
    if (error == -ETIMEDOUT)
        return 0;
    if (error == -ERESTARTSYS)
        error = -EINTR;
    u64 now = time_now_ns(), left = deadline > now ? deadline - now : 0;
    if (remaining) {
        time = (struct timespec32){left / NS_PER_SECOND, left % NS_PER_SECOND};
        int fault = copy_to_user(remaining, &time, sizeof(time));
        if (fault)
            return fault;
    }
    return error;
}
