/* System calls that read clocks and sleep. Timers are in timer_calls.c. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/signal.h"
#include "kernel/sys/times.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/wait.h"

/* Linux's time.h */
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPU 2
#define CLOCK_THREAD_CPU 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOT_TIME 7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOT_TIME_ALARM 9
#define CLOCK_TAI 11
#define TIMER_ABSOLUTE 1

/* Negative numbers are the clocks of a task or process: its number, inverted, above three bits. */
#define CLOCK_OF_TASK 4
#define CLOCK_KIND 3
#define CLOCK_KIND_FILE 3

static int
clock_read_of_task(int clock, u64 *ns)
{
    u32 id = ~(u32)(clock >> 3);
    if ((clock & CLOCK_KIND) == CLOCK_KIND_FILE)
        return -EINVAL;
    const struct task *task = id ? task_find(id) : current_task();
    if (!task)
        return -EINVAL;
    *ns = TICK_NS * (clock & CLOCK_OF_TASK ? task->run_ticks : process_ticks(task->process));
    return 0;
}

static int
clock_read(int clock, u64 *ns)
{
    if (clock < 0)
        return clock_read_of_task(clock, ns);
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
        *ns = time_boot_unix_ns() + time_now_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOT_TIME:
    case CLOCK_BOOT_TIME_ALARM:
        *ns = time_now_ns();
        return 0;
    case CLOCK_PROCESS_CPU:
        *ns = process_ticks(current_task()->process) * TICK_NS;
        return 0;
    case CLOCK_THREAD_CPU:
        *ns = current_task()->run_ticks * TICK_NS;
        return 0;
    }
    return -EINVAL;
}

static long
clock_give(int clock, void USER *user, int (*give)(void USER *user, u64 ns))
{
    u64 ns;
    int error = clock_read(clock, &ns);
    return error ? error : give(user, ns);
}

long
sys_clock_gettime(int clock, void USER *time)
{
    return clock_give(clock, time, time_give32);
}

long
sys_clock_gettime64(int clock, void USER *time)
{
    return clock_give(clock, time, time_give64);
}

/* Reading is exact to the nanosecond, but for the clocks that count ticks. */
static long
resolution_give(int clock, void USER *user, int (*give)(void USER *user, u64 ns))
{
    u64 ns;
    int error = clock_read(clock, &ns);
    bool ticks = clock < 0 || clock == CLOCK_PROCESS_CPU || clock == CLOCK_THREAD_CPU;
    return error || !user ? error : give(user, ticks ? TICK_NS : 1);
}

long
sys_clock_getres(int clock, void USER *resolution)
{
    return resolution_give(clock, resolution, time_give32);
}

long
sys_clock_getres_time64(int clock, void USER *resolution)
{
    return resolution_give(clock, resolution, time_give64);
}

/* Nobody sets the clock: it is the machine's. */
static long
clock_set(int clock)
{
    u64 ns;
    int error = clock_read(clock, &ns);
    return error ? error : clock == CLOCK_REALTIME ? -EPERM : -EINVAL;
}

long
sys_clock_settime(int clock, const void USER *time)
{
    u64 ns;
    int error = time_take32(time, &ns);
    return error ? error : clock_set(clock);
}

long
sys_clock_settime64(int clock, const void USER *time)
{
    u64 ns;
    int error = time_take64(time, &ns);
    return error ? error : clock_set(clock);
}

long
sys_settimeofday(const void USER *time, const void USER *zone)
{
    return -EPERM;
}

long
sys_stime(const s32 USER *time)
{
    return -EPERM;
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

/* ---- Sleeping: until at least the asked time has passed, and less than two ticks more ---- */

static int
sleep_until(u64 deadline)
{
    static struct wait_queue never = WAIT_QUEUE_INIT(never, "nanosleep");
    int error = wait_event_interruptible_until(&never, false, deadline);
    return error == -ETIMEDOUT ? 0 : error;
}

static long
sleep_for(u64 ns, void USER *remaining, int (*give)(void USER *user, u64 ns))
{
    u64 deadline = signal_call_deadline(ns);
    int error = signal_call_interrupted(sleep_until(deadline), deadline);
    if (!error || !remaining)
        return error;
    u64 now = time_now_ns();
    int fault = give(remaining, deadline > now ? deadline - now : 0);
    return fault ? fault : error;
}

long
sys_nanosleep(const void USER *request, void USER *remaining)
{
    u64 ns;
    int error = time_take32(request, &ns);
    return error ? error : sleep_for(ns, remaining, time_give32);
}

static int
clock_check_sleep(int clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOT_TIME:
    case CLOCK_TAI:
        return 0;
    case CLOCK_PROCESS_CPU: /* which Linux has */
    case CLOCK_THREAD_CPU:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
        return -EOPNOTSUPP;
    }
    return -EINVAL;
}

static long
clock_sleep(int clock, int flags, u64 ns, void USER *remaining, int (*give)(void USER *, u64))
{
    if (!(flags & TIMER_ABSOLUTE))
        return sleep_for(ns, remaining, give);
    bool wall_clock = clock == CLOCK_REALTIME || clock == CLOCK_TAI;
    return signal_call_interrupted(sleep_until(time_deadline_absolute(wall_clock, ns)), 0);
}

long
sys_clock_nanosleep(int clock, int flags, const void USER *request, void USER *remaining)
{
    u64 ns;
    int error = clock_check_sleep(clock);
    if (!error)
        error = time_take32(request, &ns);
    return error ? error : clock_sleep(clock, flags, ns, remaining, time_give32);
}

long
sys_clock_nanosleep_time64(int clock, int flags, const void USER *request, void USER *remaining)
{
    u64 ns;
    int error = clock_check_sleep(clock);
    if (!error)
        error = time_take64(request, &ns);
    return error ? error : clock_sleep(clock, flags, ns, remaining, time_give64);
}
