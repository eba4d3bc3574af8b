/* System calls about scheduling. There is one processor and one class: policies and priorities are kept,
 * inherited and shown, and change nothing. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/sys/times.h"
#include "kernel/task.h"

enum { POLICY_OTHER, POLICY_FIFO, POLICY_ROUND_ROBIN, POLICY_BATCH, POLICY_IDLE = 5 };
#define RESET_ON_FORK 0x40000000
#define PRIORITY_MOST 99
#define SLICE_NS 10000000u /* as in scheduler.c */

long
sys_sched_yield(void)
{
    schedule_yield();
    return 0;
}

static int
task_of(int tid, struct task **task)
{
    if (tid < 0)
        return -EINVAL;
    *task = tid ? task_find((u32)tid) : current_task();
    return *task ? 0 : -ESRCH;
}

static bool
policy_is_real_time(int policy)
{
    return policy == POLICY_FIFO || policy == POLICY_ROUND_ROBIN;
}

static bool
policy_is_known(int policy)
{
    return policy >= POLICY_OTHER && policy <= POLICY_IDLE && policy != POLICY_BATCH + 1;
}

static int
policy_set(struct task *task, int policy, int priority)
{
    const struct credentials *self = current_credentials();
    bool real_time = policy_is_real_time(policy);
    if (!policy_is_known(policy) || priority < 0 || priority > PRIORITY_MOST ||
        real_time != (priority > 0))
        return -EINVAL;
    if (self->euid != 0 && (real_time || task->process->uid != self->uid))
        return -EPERM;
    task->policy = (u8)policy;
    task->priority = (u8)priority;
    return 0;
}

long
sys_sched_setscheduler(int tid, int policy, const int USER *user)
{
    struct task *task;
    int priority;
    if (policy < 0 || !user)
        return -EINVAL;
    int error = copy_from_user(&priority, user, sizeof(priority));
    if (!error)
        error = task_of(tid, &task);
    return error ? error : policy_set(task, policy & ~RESET_ON_FORK, priority);
}

long
sys_sched_getscheduler(int tid)
{
    struct task *task;
    int error = task_of(tid, &task);
    return error ? error : task->policy;
}

long
sys_sched_setparam(int tid, const int USER *user)
{
    struct task *task;
    int priority;
    if (!user)
        return -EINVAL;
    int error = copy_from_user(&priority, user, sizeof(priority));
    if (!error)
        error = task_of(tid, &task);
    return error ? error : policy_set(task, task->policy, priority);
}

long
sys_sched_getparam(int tid, int USER *user)
{
    struct task *task;
    int error = user ? task_of(tid, &task) : -EINVAL;
    if (error)
        return error;
    int priority = task->priority;
    return copy_to_user(user, &priority, sizeof(priority));
}

long
sys_sched_get_priority_max(int policy)
{
    return !policy_is_known(policy) ? -EINVAL : policy_is_real_time(policy) ? PRIORITY_MOST : 0;
}

long
sys_sched_get_priority_min(int policy)
{
    return !policy_is_known(policy) ? -EINVAL : policy_is_real_time(policy) ? 1 : 0;
}

long
sys_sched_rr_get_interval(int tid, void USER *user)
{
    struct task *task;
    int error = task_of(tid, &task);
    return error ? error : time_give32(user, SLICE_NS);
}

long
sys_sched_rr_get_interval_time64(int tid, void USER *user)
{
    struct task *task;
    int error = task_of(tid, &task);
    return error ? error : time_give64(user, SLICE_NS);
}

/* The set of processors is a row of words; the kernel's has one, with one bit. */
long
sys_sched_getaffinity(int tid, u32 size, u32 USER *user)
{
    static const u32 processors = 1;
    struct task *task;
    if (size < sizeof(processors) || size % sizeof(processors))
        return -EINVAL;
    int error = task_of(tid, &task);
    if (!error)
        error = copy_to_user(user, &processors, sizeof(processors));
    return error ? error : (long)sizeof(processors);
}

long
sys_sched_setaffinity(int tid, u32 size, const u32 USER *user)
{
    u32 processors = 0;
    struct task *task;
    int error = copy_from_user(&processors, user, MIN(size, (u32)sizeof(processors)));
    if (!error)
        error = task_of(tid, &task);
    return error ? error : processors & 1 ? 0 : -EINVAL;
}

long
sys_getcpu(u32 USER *processor, u32 USER *node)
{
    static const u32 zero;
    int error = processor ? copy_to_user(processor, &zero, sizeof(zero)) : 0;
    return !error && node ? copy_to_user(node, &zero, sizeof(zero)) : error;
}
