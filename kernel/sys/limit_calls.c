/* System calls about what a process may use and has used: limits, times, usage, priorities. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/sys/times.h"
#include "kernel/task.h"
#include "kernel/timer.h"

/* ---- Limits ---- */

struct limit64 {
    u64 soft, hard;
};

#define LIMIT64_NONE (~0ull)
#define OLD_LIMIT_NONE 0x7fffffffu

static int
limit_set(struct process *process, u32 number, const struct process_limit *new)
{
    struct process_limit *limit = &process->limits[number];
    if (new->soft > new->hard)
        return -EINVAL;
    if (new->hard > limit->hard && current_credentials()->euid != 0)
        return -EPERM;
    if (number == LIMIT_FILES && new->hard != LIMIT_NONE && new->hard > FILES_HARD_MOST)
        return -EPERM;
    *limit = *new;
    const struct task *task;
    if (number == LIMIT_STACK)
        list_for_each(task, &process->tasks, process_link)
            if (task->space)
                address_space_limit_stack(task->space, new->soft);
    return 0;
}

long
sys_ugetrlimit(u32 number, void USER *user)
{
    if (number >= LIMITS)
        return -EINVAL;
    struct process_limit limit = current_task()->process->limits[number];
    return copy_to_user(user, &limit, sizeof(limit));
}

/* The call of before 2.4 knows no numbers beyond 2 GiB. */
long
sys_getrlimit(u32 number, void USER *user)
{
    if (number >= LIMITS)
        return -EINVAL;
    struct process_limit limit = current_task()->process->limits[number];
    limit.soft = MIN(limit.soft, OLD_LIMIT_NONE);
    limit.hard = MIN(limit.hard, OLD_LIMIT_NONE);
    return copy_to_user(user, &limit, sizeof(limit));
}

long
sys_setrlimit(u32 number, const void USER *user)
{
    struct process_limit limit;
    int error = copy_from_user(&limit, user, sizeof(limit));
    if (!error && number >= LIMITS)
        error = -EINVAL;
    return error ? error : limit_set(current_task()->process, number, &limit);
}

static u32
limit_narrow(u64 limit)
{
    return limit >= LIMIT_NONE ? LIMIT_NONE : (u32)limit;
}

static u64
limit_widen(u32 limit)
{
    return limit == LIMIT_NONE ? LIMIT64_NONE : limit;
}

/* Somebody else's limits are for root and for those with the same ids. */
static int
limit_process(int pid, struct process **process)
{
    const struct credentials *self = current_credentials();
    *process = pid ? process_find((u32)pid) : current_task()->process;
    if (!*process)
        return -ESRCH;
    if (*process != current_task()->process && self->euid != 0 && (*process)->uid != self->uid)
        return -EPERM;
    return 0;
}

long
sys_prlimit64(int pid, u32 number, const void USER *user_new, void USER *user_old)
{
    struct limit64 new = {0, 0}, old;
    struct process *process;
    if (number >= LIMITS)
        return -EINVAL;
    int error = user_new ? copy_from_user(&new, user_new, sizeof(new)) : 0;
    if (!error)
        error = limit_process(pid, &process);
    if (error)
        return error;
    old.soft = limit_widen(process->limits[number].soft);
    old.hard = limit_widen(process->limits[number].hard);
    if (user_new) {
        struct process_limit limit = {limit_narrow(new.soft), limit_narrow(new.hard)};
        error = new.soft > new.hard ? -EINVAL : limit_set(process, number, &limit);
    }
    if (!error && user_old)
        error = copy_to_user(user_old, &old, sizeof(old));
    return error;
}

/* ---- Times and usage ---- */

#define USAGE_SELF 0
#define USAGE_CHILDREN (-1)
#define USAGE_THREAD 1
#define CLOCK_TICKS 10 /* ours in one of times(): 1/100 s */

void
usage_fill(struct usage *usage, const struct process_usage *used)
{
    u64 user = used->user_ticks, system = used->ticks - used->user_ticks;
    memset(usage, 0, sizeof(*usage));
    usage->user = (struct timeval32){(s32)(user / 1000), (s32)(user % 1000) * 1000};
    usage->system = (struct timeval32){(s32)(system / 1000), (s32)(system % 1000) * 1000};
    usage->pages_most = used->pages_most * (PAGE_SIZE / 1024);
    usage->minor_faults = used->faults;
}

long
sys_getrusage(int who, void USER *user)
{
    struct usage usage;
    struct process_usage used;
    const struct task *task = current_task();
    if (who == USAGE_SELF)
        process_usage(task->process, &used);
    else if (who == USAGE_CHILDREN)
        used = task->process->children_usage;
    else if (who == USAGE_THREAD)
        used = (struct process_usage){task->run_ticks, task->user_ticks, 0, task->faults};
    else
        return -EINVAL;
    usage_fill(&usage, &used);
    return copy_to_user(user, &usage, sizeof(usage));
}

long
sys_times(void USER *user)
{
    struct process_usage own;
    const struct process_usage *children = &current_task()->process->children_usage;
    process_usage(current_task()->process, &own);
    s32 times[4] = {
        (s32)(own.user_ticks / CLOCK_TICKS),
        (s32)((own.ticks - own.user_ticks) / CLOCK_TICKS),
        (s32)(children->user_ticks / CLOCK_TICKS),
        (s32)((children->ticks - children->user_ticks) / CLOCK_TICKS),
    };
    int error = user ? copy_to_user(user, times, sizeof(times)) : 0;
    return error ? error : (long)(time_now_ns() / (CLOCK_TICKS * TICK_NS) & 0x7fffffff);
}

struct system_information { /* struct sysinfo of i386: 64 bytes */
    s32 uptime;
    u32 loads[3], total, free, shared, buffers, swap_total, swap_free;
    u16 processes, padding;
    u32 high_total, high_free, unit;
    u8 rest[8];
};
_Static_assert(sizeof(struct system_information) == 64, "sysinfo");

long
sys_sysinfo(void USER *user)
{
    struct system_information information = {
        .uptime = (s32)(time_now_ns() / NS_PER_SECOND),
        .total = pages_total() * PAGE_SIZE,
        .free = pages_free() * PAGE_SIZE,
        .processes = (u16)process_count(),
        .unit = 1,
    };
    return copy_to_user(user, &information, sizeof(information));
}

/* ---- Priorities: kept, inherited and shown; the scheduler gives everybody the same ---- */

enum { OF_PROCESS, OF_GROUP, OF_USER };
#define NICE_LEAST (-20)
#define NICE_MOST 19

static bool
priority_concerns(const struct task *task, int which, u32 who)
{
    const struct process *process = task->process;
    if (process == &kernel_process)
        return false;
    if (which == OF_PROCESS)
        return who ? task->tid == who : task == current_task();
    if (which == OF_GROUP)
        return process->group == (who ? who : current_task()->process->group);
    return process->uid == (who ? who : current_credentials()->uid);
}

/* Positive as Linux has it: 20 - nice. */
long
sys_getpriority(int which, int who)
{
    struct task *task;
    long best = -ESRCH;
    if (which < OF_PROCESS || which > OF_USER)
        return -EINVAL;
    list_for_each(task, task_list(), all_link)
        if (priority_concerns(task, which, (u32)who))
            best = MAX(best, 20 - task->nice);
    return best;
}

static int
nice_set(struct task *task, int nice)
{
    const struct credentials *self = current_credentials();
    if (self->euid != 0 && task->process->uid != self->uid && task->process->uid != self->euid)
        return -EPERM;
    if (self->euid != 0 && nice < task->nice)
        return -EACCES;
    task->nice = (s8)nice;
    return 0;
}

long
sys_setpriority(int which, int who, int nice)
{
    struct task *task;
    int result = -ESRCH;
    if (which < OF_PROCESS || which > OF_USER)
        return -EINVAL;
    nice = MAX(NICE_LEAST, MIN(nice, NICE_MOST));
    list_for_each(task, task_list(), all_link) {
        if (!priority_concerns(task, which, (u32)who))
            continue;
        int error = nice_set(task, nice);
        if (error || result == -ESRCH)
            result = error;
    }
    return result;
}

long
sys_nice(int change)
{
    struct task *self = current_task();
    change = MAX(-40, MIN(change, 40));
    int nice = MAX(NICE_LEAST, MIN(self->nice + change, NICE_MOST));
    int error = nice_set(self, nice);
    return error == -EACCES ? -EPERM : error;
}
