/* Times to and from user memory, and points in time: see times.h. */
#include "kernel/sys/times.h"
#include "arch.h"
#include "kernel/errno.h"

static int
time_check(s64 seconds, s32 nanoseconds, u64 *ns)
{
    if (seconds < 0 || (u32)nanoseconds >= NS_PER_SECOND)
        return -EINVAL;
    u64 most = ~0ull / NS_PER_SECOND - 1;
    *ns = (u64)seconds > most ? ~0ull : (u64)seconds * NS_PER_SECOND + (u32)nanoseconds;
    return 0;
}

int
time_take32(const void USER *user, u64 *ns)
{
    struct timespec32 time;
    int error = copy_from_user(&time, user, sizeof(time));
    return error ? error : time_check(time.seconds, time.nanoseconds, ns);
}

int
time_take64(const void USER *user, u64 *ns)
{
    struct timespec64 time;
    int error = copy_from_user(&time, user, sizeof(time));
    return error ? error : time_check(time.seconds, time.nanoseconds, ns);
}

int
time_give32(void USER *user, u64 ns)
{
    struct timespec32 time = {(s32)(ns / NS_PER_SECOND), (s32)(ns % NS_PER_SECOND)};
    return copy_to_user(user, &time, sizeof(time));
}

int
time_give64(void USER *user, u64 ns)
{
    struct timespec64 time = {(s64)(ns / NS_PER_SECOND), (s32)(ns % NS_PER_SECOND), 0};
    return copy_to_user(user, &time, sizeof(time));
}

u64
time_deadline_absolute(bool wall_clock, u64 ns)
{
    u64 boot = wall_clock ? time_boot_unix_ns() : 0;
    return ns > boot ? ns - boot : 1;
}
