/* System calls that wait for children, and those about groups and sessions. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/sys/times.h"
#include "kernel/task.h"

enum { P_ALL, P_PID, P_PGID };
#define WAIT_KINDS (WAIT_OWN_CHILDREN | WAIT_ALL | WAIT_CLONE)
#define INT_LEAST (-0x7fffffff - 1)

static int
usage_put(void USER *user, const struct process_usage *used)
{
    struct usage usage;
    usage_fill(&usage, used);
    return copy_to_user(user, &usage, sizeof(usage));
}

long
sys_wait4(int pid, int USER *status, int options, void USER *usage)
{
    struct wait_request request = {.pid = pid, .options = options};
    struct wait_result result;
    if (options & ~(int)(WAIT_NO_HANG | WAIT_STOPPED | WAIT_CONTINUED | WAIT_KINDS))
        return -EINVAL;
    if (pid == INT_LEAST)
        return -ESRCH;
    request.options |= WAIT_EXITED;
    int error = process_wait(&request, &result);
    if (error)
        return error;
    if (result.pid && status)
        error = copy_to_user(status, &result.status, sizeof(result.status));
    if (!error && result.pid && usage)
        error = usage_put(usage, &result.usage);
    return error ? error : (long)result.pid;
}

long
sys_waitpid(int pid, int USER *status, int options)
{
    return sys_wait4(pid, status, options, NULL);
}

long
sys_waitid(int which, int id, void USER *user_info, int options, void USER *usage)
{
    struct wait_request request = {.options = options};
    struct wait_result result;
    struct signal_info info;
    u32 wanted = WAIT_EXITED | WAIT_STOPPED | WAIT_CONTINUED;
    if (options & ~(int)(wanted | WAIT_NO_HANG | WAIT_KEEP | WAIT_KINDS) || !(options & wanted) ||
        which < P_ALL || which > P_PGID || (which == P_PID && id <= 0) ||
        (which == P_PGID && id < 0))
        return -EINVAL;
    request.pid = which == P_ALL ? -1 : which == P_PID ? id : -id;
    int error = process_wait(&request, &result);
    if (error)
        return error;
    memset(&info, 0, sizeof(info));
    if (result.pid) {
        info.number = SIGCHLD;
        info.code = result.code;
        info.fields[0] = result.pid;
        info.fields[1] = result.uid;
        info.fields[2] = result.code == 1 ? result.status >> 8 & 0xff : result.status & 0x7f;
        if (result.code >= 5)
            info.fields[2] = result.code == 5 ? result.status >> 8 & 0xff : SIGCONT;
    }
    if (user_info)
        error = copy_to_user(user_info, &info, sizeof(info));
    if (!error && usage)
        error = usage_put(usage, &result.usage);
    return error;
}

/* ---- Groups and sessions ---- */

static struct process *
process_or_self(int pid)
{
    return pid == 0 ? current_task()->process : process_find(pid);
}

static bool
group_in_session(u32 group, u32 session)
{
    struct process *process;
    list_for_each(process, process_list(), all_link)
        if (process->group == group && process->session == session)
            return true;
    return false;
}

long
sys_setpgid(int pid, int group)
{
    struct process *self = current_task()->process, *process = process_or_self(pid);
    if (group < 0 || (pid < 0 && group == 0))
        return -EINVAL;
    if (!process || (process != self && process->parent != self))
        return -ESRCH;
    u32 wanted = group ? (u32)group : process->id;
    if (process->session != self->session)
        return -EPERM;
    if (process != self && process->executed)
        return -EACCES;
    if (process->session == process->id)
        return -EPERM;
    if (wanted != process->id && !group_in_session(wanted, process->session))
        return -EPERM;
    process->group = wanted;
    return 0;
}

long
sys_getpgid(int pid)
{
    const struct process *process = process_or_self(pid);
    return process ? (long)process->group : -ESRCH;
}

long
sys_getpgrp(void)
{
    return current_task()->process->group;
}

long
sys_getsid(int pid)
{
    const struct process *process = process_or_self(pid);
    return process ? (long)process->session : -ESRCH;
}

long
sys_setsid(void)
{
    struct process *self = current_task()->process, *process;
    list_for_each(process, process_list(), all_link)
        if (process->group == self->id)
            return -EPERM;
    self->group = self->session = self->id;
    return self->id;
}
