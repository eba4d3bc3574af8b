/* Times as user programs give and take them: 32-bit and 64-bit timespec and timeval of Linux/i386. */
#ifndef KERNEL_SYS_TIMES_H
#define KERNEL_SYS_TIMES_H

#include "kernel/types.h"

#define NS_PER_SECOND 1000000000u
#define NS_PER_MILLISECOND 1000000u
#define NS_PER_MICROSECOND 1000u

struct timespec32 {
    s32 seconds, nanoseconds;
};
struct timespec64 {
    s64 seconds;
    s32 nanoseconds, padding;
};
struct timeval32 {
    s32 seconds, microseconds;
};

struct usage { /* struct rusage */
    struct timeval32 user, system;
    u32 pages_most, unused[3]; /* KiB */
    u32 minor_faults, rest[9];
};
_Static_assert(sizeof(struct usage) == 72, "rusage");
struct process_usage;
void usage_fill(struct usage *usage, const struct process_usage *used);

/* A timespec in user memory, as nanoseconds (times beyond 584 years are that): 0, -EFAULT, -EINVAL. */
int time_take32(const void USER *user, u64 *ns);
int time_take64(const void USER *user, u64 *ns);
/* The other way round: 0 or -EFAULT. */
int time_give32(void USER *user, u64 ns);
int time_give64(void USER *user, u64 ns);

/* The point in time_now_ns() that a clock (the wall clock, or the monotonic one) shows as `ns`; never 0,
 * which would mean none. */
u64 time_deadline_absolute(bool wall_clock, u64 ns);

#endif
