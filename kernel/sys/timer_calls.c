/* System calls about timers that send signals. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/interval_timer.h"
#include "kernel/sys/times.h"
#include "kernel/task.h"

#define TIMER_ABSOLUTE 1
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_BOOT_TIME 7
#define CLOCK_TAI 11

struct itimerval { /* the period comes first */
    struct timeval32 again, left;
};
struct itimerspec32 {
    struct timespec32 again, left;
};
struct itimerspec64 {
    struct timespec64 again, left;
};

static struct timeval32
timeval_of(u64 ns)
{
    return (struct timeval32){(s32)(ns / NS_PER_SECOND),
                              (s32)(ns % NS_PER_SECOND / NS_PER_MICROSECOND)};
}

static bool
timeval_valid(const struct timeval32 *time)
{
    return time->seconds >= 0 && (u32)time->microseconds < 1000000;
}

static u64
ns_of_timeval(const struct timeval32 *time)
{
    return (u64)time->seconds * NS_PER_SECOND + (u32)time->microseconds * NS_PER_MICROSECOND;
}

/* A timer that runs has at least a microsecond left. */
static int
interval_give(void USER *user, const struct interval *value)
{
    u64 left = value->left && value->left < NS_PER_MICROSECOND ? NS_PER_MICROSECOND : value->left;
    struct itimerval times = {timeval_of(value->again), timeval_of(left)};
    return copy_to_user(user, &times, sizeof(times));
}

long
sys_getitimer(int which, void USER *user)
{
    struct interval value;
    if (which < 0 || which >= PROCESS_TIMERS)
        return -EINVAL;
    interval_timer_get(which, &value);
    return interval_give(user, &value);
}

long
sys_setitimer(int which, const void USER *user_new, void USER *user_old)
{
    struct itimerval times = {{0, 0}, {0, 0}};
    struct interval new, old;
    int error = user_new ? copy_from_user(&times, user_new, sizeof(times)) : 0;
    if (error)
        return error;
    if (which < 0 || which >= PROCESS_TIMERS || !timeval_valid(&times.again) ||
        !timeval_valid(&times.left))
        return -EINVAL;
    new = (struct interval){ns_of_timeval(&times.left), ns_of_timeval(&times.again)};
    error = interval_timer_set(which, &new, &old);
    return error || !user_old ? error : interval_give(user_old, &old);
}

long
sys_alarm(u32 seconds)
{
    struct interval new = {(u64)seconds * NS_PER_SECOND, 0}, old;
    int error = interval_timer_set(TIMER_REAL, &new, &old);
    if (error)
        return error;
    u32 left = (u32)((old.left + NS_PER_SECOND / 2) / NS_PER_SECOND);
    return old.left && !left ? 1 : left; /* the end that is coming is not "none" */
}

/* ---- timer_create ---- */

struct sigevent { /* the part that counts, of 64 bytes */
    u32 value;
    s32 signal, kind, tid;
};

static int
notice_check(const struct sigevent *event)
{
    const struct task *task;
    if (event->kind == NOTICE_NONE)
        return 0;
    if (event->kind != NOTICE_SIGNAL && event->kind != NOTICE_THREAD &&
        event->kind != NOTICE_THREAD_ID)
        return -EINVAL;
    if (event->signal < 1 || event->signal > SIGNALS)
        return -EINVAL;
    if (event->kind != NOTICE_THREAD_ID)
        return 0;
    task = task_find((u32)event->tid);
    return task && task->process == current_task()->process ? 0 : -EINVAL;
}

static int
timer_clock(int clock, bool *wall_clock)
{
    *wall_clock = clock == CLOCK_REALTIME || clock == CLOCK_TAI;
    if (*wall_clock || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOT_TIME)
        return 0;
    return clock == 2 || clock == 3 || clock < 0 ? -EOPNOTSUPP : -EINVAL; /* no processor time */
}

long
sys_timer_create(int clock, const void USER *user_event, int USER *user_id)
{
    struct sigevent event;
    struct timer_notice notice;
    bool wall_clock;
    int id, error = timer_clock(clock, &wall_clock);
    if (!error && user_event)
        error = copy_from_user(&event, user_event, sizeof(event));
    if (!error && user_event)
        error = notice_check(&event);
    if (error)
        return error;
    if (user_event)
        notice = (struct timer_notice){event.kind, event.signal, event.value, (u32)event.tid};
    error = posix_timer_create(wall_clock, user_event ? &notice : NULL, &id);
    if (error)
        return error;
    error = copy_to_user(user_id, &id, sizeof(id));
    if (error && posix_timer_find(id))
        posix_timer_delete(posix_timer_find(id));
    return error;
}

long
sys_timer_delete(int id)
{
    struct posix_timer *timer = posix_timer_find(id);
    if (!timer)
        return -EINVAL;
    posix_timer_delete(timer);
    return 0;
}

long
sys_timer_getoverrun(int id)
{
    const struct posix_timer *timer = posix_timer_find(id);
    return timer ? posix_timer_overrun(timer) : -EINVAL;
}

static int
timer_change(int id, int flags, const struct interval *new, struct interval *old)
{
    struct posix_timer *timer = posix_timer_find(id);
    if (!timer)
        return -EINVAL;
    posix_timer_set(timer, flags & TIMER_ABSOLUTE, new, old);
    return 0;
}

static int
timer_look(int id, struct interval *value)
{
    const struct posix_timer *timer = posix_timer_find(id);
    if (!timer)
        return -EINVAL;
    posix_timer_get(timer, value);
    return 0;
}

/* An itimerspec lies in memory as two timespecs. */
static int
pair_take(const u8 USER *user, size_t size, int (*take)(const void USER *, u64 *), struct interval *value)
{
    int error = take(user, &value->again);
    return error ? error : take(user + size / 2, &value->left);
}

static int
pair_give(u8 USER *user, size_t size, int (*give)(void USER *, u64), const struct interval *value)
{
    int error = give(user, value->again);
    return error ? error : give(user + size / 2, value->left);
}

long
sys_timer_settime(int id, int flags, const void USER *user_new, void USER *user_old)
{
    struct interval new, old;
    int error = pair_take(user_new, sizeof(struct itimerspec32), time_take32, &new);
    if (!error)
        error = timer_change(id, flags, &new, &old);
    if (!error && user_old)
        error = pair_give(user_old, sizeof(struct itimerspec32), time_give32, &old);
    return error;
}

long
sys_timer_settime64(int id, int flags, const void USER *user_new, void USER *user_old)
{
    struct interval new, old;
    int error = pair_take(user_new, sizeof(struct itimerspec64), time_take64, &new);
    if (!error)
        error = timer_change(id, flags, &new, &old);
    if (!error && user_old)
        error = pair_give(user_old, sizeof(struct itimerspec64), time_give64, &old);
    return error;
}

long
sys_timer_gettime(int id, void USER *user)
{
    struct interval value;
    int error = timer_look(id, &value);
    return error ? error : pair_give(user, sizeof(struct itimerspec32), time_give32, &value);
}

long
sys_timer_gettime64(int id, void USER *user)
{
    struct interval value;
    int error = timer_look(id, &value);
    return error ? error : pair_give(user, sizeof(struct itimerspec64), time_give64, &value);
}
