/* Processes and how they are related: see process.h. Tasks are in task.c. */
#include "kernel/process.h"
#include "arch.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/interval_timer.h"
#include "kernel/string.h"
#include "kernel/task.h"

/* Linux's first limits (its INIT_RLIMITS). */
#define FILES_MOST 1024u
#define FILES_HARD 4096u
#define STACK_BYTES (8u << 20)
#define LOCKED_BYTES (8u << 20)
#define MESSAGE_BYTES 819200u

/* si_code of SIGCHLD */
enum { CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED };
#define CLOCK_TICKS 10 /* ours in one of siginfo's: 1/100 s */
#define STATUS_CONTINUED 0xffff
#define STATUS_STOPPED(signal) ((signal) << 8 | 0x7f)

static struct pool process_pool = POOL_INIT("process", struct process);
static struct list all_processes = LIST_INIT(all_processes);
static u32 user_processes;

struct process kernel_process = {
    .references = 1,
    .name = "kernel",
    .children = LIST_INIT(kernel_process.children),
    .sibling_link = LIST_INIT(kernel_process.sibling_link),
    .tasks = LIST_INIT(kernel_process.tasks),
    .asys_rings = LIST_INIT(kernel_process.asys_rings),
    .ended = WAIT_QUEUE_INIT(kernel_process.ended, "process_ended"),
    .changed = WAIT_QUEUE_INIT(kernel_process.changed, "child"),
};

static void
limits_init(struct process *process)
{
    for (unsigned i = 0; i < LIMITS; i++)
        process->limits[i] = (struct process_limit){LIMIT_NONE, LIMIT_NONE};
    process->limits[LIMIT_STACK] = (struct process_limit){STACK_BYTES, LIMIT_NONE};
    process->limits[LIMIT_CORE] = (struct process_limit){0, LIMIT_NONE};
    process->limits[LIMIT_FILES] = (struct process_limit){FILES_MOST, FILES_HARD};
    process->limits[LIMIT_LOCKED] = (struct process_limit){LOCKED_BYTES, LOCKED_BYTES};
    process->limits[LIMIT_MESSAGES] = (struct process_limit){MESSAGE_BYTES, MESSAGE_BYTES};
    process->limits[LIMIT_NICE] = (struct process_limit){0, 0};
    process->limits[LIMIT_PRIORITY] = (struct process_limit){0, 0};
    process->limits[LIMIT_CALLS] = (struct process_limit){CALLS_MOST, LIMIT_NONE};
}

void
process_set_name(struct process *process, const char *name)
{
    size_t length = MIN(strlen(name), sizeof(process->name) - 1);
    memset(process->name, 0, sizeof(process->name));
    memcpy(process->name, name, length);
}

struct process *
process_create(struct process *parent, const char *name, u32 id)
{
    struct process *process = pool_alloc(&process_pool);
    if (!process)
        return NULL;
    process->references = 1;
    process->id = id;
    process->parent = parent;
    process->exit_signal = SIGCHLD;
    process->started_ns = time_now_ns();
    process_set_name(process, name);
    list_init(&process->tasks);
    list_init(&process->children);
    list_init(&process->asys_rings);
    wait_queue_init(&process->ended, "process_ended");
    wait_queue_init(&process->changed, "child");
    wait_queue_init(&process->continued, "stopped");
    wait_queue_init(&process->signalled, "signals");
    signal_queue_init(&process->signals);
    if (parent == &kernel_process) {
        limits_init(process);
        process->group = process->session = id;
    } else {
        memcpy(process->limits, parent->limits, sizeof(process->limits));
        process->own_numbers = parent->own_numbers;
        process->no_new_privileges = parent->no_new_privileges;
        process->undumpable = parent->undumpable;
        process->group = parent->group;
        process->session = parent->session;
    }
    list_add_tail(&parent->children, &process->sibling_link);
    list_add_tail(&all_processes, &process->all_link);
    user_processes++;
    return process;
}

void
process_get(struct process *process)
{
    ASSERT(process->references > 0);
    process->references++;
}

void
process_put(struct process *process)
{
    ASSERT(process->references > 0);
    if (--process->references > 0)
        return;
    ASSERT(process->task_count == 0 && list_empty(&process->all_link));
    signal_queue_flush(&process->signals, ~0ull);
    wait_queue_end(&process->signalled);
    signal_handlers_put(process->handlers);
    pool_free(&process_pool, process);
}

void
process_reap(struct process *process)
{
    ASSERT(!list_empty(&process->all_link));
    list_remove(&process->all_link);
    list_remove(&process->sibling_link);
    user_processes--;
    wake_up_all(&kernel_process.changed);
    process_put(process);
}

struct process *
process_find(u32 pid)
{
    struct process *process;
    list_for_each(process, &all_processes, all_link)
        if (process->id == pid)
            return process;
    return NULL;
}

struct list *
process_list(void)
{
    return &all_processes;
}

u32
process_count(void)
{
    return user_processes;
}

void
process_usage_add(struct process_usage *to, const struct process_usage *more)
{
    to->ticks += more->ticks;
    to->user_ticks += more->user_ticks;
    to->pages_most = MAX(to->pages_most, more->pages_most);
    to->faults += more->faults;
}

void
process_usage(const struct process *process, struct process_usage *usage)
{
    const struct task *task;
    *usage = process->usage;
    list_for_each(task, &process->tasks, process_link) {
        struct process_usage own;
        task_usage(task, &own);
        process_usage_add(usage, &own);
    }
}

u64
process_ticks(const struct process *process)
{
    const struct task *task;
    u64 ticks = process->usage.ticks;
    list_for_each(task, &process->tasks, process_link)
        ticks += task->run_ticks;
    return ticks;
}

bool
process_limit_reached(const struct process *self)
{
    const struct process *process;
    u32 most = self->limits[LIMIT_PROCESSES].soft, count = 0;
    if (most == LIMIT_NONE || self->uid == 0)
        return false;
    list_for_each(process, &all_processes, all_link)
        count += process->uid == self->uid;
    return count >= most;
}

void
process_kill_all(void)
{
    struct process *process;
    list_for_each(process, &all_processes, all_link)
        process_kill(process, SIGKILL);
}

/* ---- Telling the parent ---- */

static bool
parent_ignores_children(const struct process *parent)
{
    if (parent == &kernel_process || !parent->handlers)
        return true;
    const struct signal_action *action = &parent->handlers->actions[SIGCHLD - 1];
    return action->handler == HANDLER_IGNORE || action->flags & ACTION_NO_CHILD_WAIT;
}

static int
status_code(int status)
{
    return (status & 0x7f) == 0 ? CLD_EXITED : status & 0x80 ? CLD_DUMPED : CLD_KILLED;
}

static void
parent_notify(struct process *process, int code, int status)
{
    struct process *parent = process->parent;
    bool stop = code == CLD_STOPPED || code == CLD_CONTINUED;
    struct signal_info info = {.number = stop ? SIGCHLD : process->exit_signal, .code = code};
    info.fields[0] = process->id;
    info.fields[1] = process->uid;
    info.fields[2] = (u32)status;
    info.fields[3] = (u32)process->usage.user_ticks / CLOCK_TICKS;
    info.fields[4] = (u32)(process->usage.ticks - process->usage.user_ticks) / CLOCK_TICKS;
    wake_up_all(&parent->changed);
    if (parent == &kernel_process || !info.number)
        return;
    if (stop && parent->handlers->actions[SIGCHLD - 1].flags & ACTION_NO_CHILD_STOP)
        return;
    (void)signal_send_process(parent, &info);
}

/* ---- Orphaned groups (POSIX 3.264): nobody in the session is left who could let them go on ---- */

static bool
has_keeper(const struct process *process)
{
    const struct process *parent = process->parent;
    return parent->session == process->session && parent->group != process->group;
}

/* But for `leaving`, whose end is being looked at. */
static bool
group_is_orphaned(u32 group, const struct process *leaving)
{
    const struct process *process;
    list_for_each(process, &all_processes, all_link)
        if (process->group == group && process != leaving && process->task_count > 0 &&
            has_keeper(process))
            return false;
    return true;
}

bool
process_group_is_orphaned(u32 group)
{
    return group_is_orphaned(group, NULL);
}

static bool
group_has_stopped(u32 group)
{
    const struct process *process;
    list_for_each(process, &all_processes, all_link)
        if (process->group == group && process->stopped && !process->exiting)
            return true;
    return false;
}

/* A group that becomes an orphan while some of it are stopped: they are told, and go on. */
static void
group_let_go(u32 group, const struct process *leaving)
{
    struct signal_info info;
    if (!group_has_stopped(group) || !group_is_orphaned(group, leaving))
        return;
    struct process *process, *following;
    signal_info_kernel(&info, SIGHUP);
    for (int round = 0; round < 2; round++) {
        list_for_each_safe(process, following, &all_processes, all_link)
            if (process->group == group)
                (void)signal_send_process(process, &info);
        info.number = SIGCONT;
    }
}

static void
orphans_adopt(struct process *process)
{
    struct process *child, *following;
    list_for_each_safe(child, following, &process->children, sibling_link) {
        list_remove(&child->sibling_link);
        child->parent = &kernel_process;
        list_add_tail(&kernel_process.children, &child->sibling_link);
        if (child->task_count > 0 && child->group != process->group &&
            child->session == process->session)
            group_let_go(child->group, NULL);
        if (child->task_count > 0 && child->parent_death_signal) {
            struct signal_info info;
            signal_info_kernel(&info, child->parent_death_signal);
            (void)signal_send_process(child, &info);
        }
        if (child->task_count == 0)
            process_reap(child);
    }
}

void
process_end(struct process *process)
{
    int status = process->exit_status;
    int code = status_code(status);
    process->memory_released = true;
    process_timers_end(process);
    if (has_keeper(process))
        group_let_go(process->group, process);
    orphans_adopt(process);
    wake_up_all(&process->ended);
    bool unwanted = parent_ignores_children(process->parent);
    parent_notify(process, code, code == CLD_EXITED ? status >> 8 & 0xff : status & 0x7f);
    if (unwanted)
        process_reap(process);
}

/* ---- Stopping ---- */

/* User fibrils leave their interruptible sleeps, so that what they waited for goes to others. */
static void
tasks_look(struct process *process)
{
    struct task *task;
    list_for_each(task, &process->tasks, process_link) {
        task->return_work |= WORK_SIGNAL;
        if (task->user)
            fibril_wake(task->user);
    }
}

void
process_stop(struct process *process, int signal)
{
    if (process->stopped || (signal != SIGSTOP && process_group_is_orphaned(process->group)))
        return;
    process->stopped = true;
    process->stop_signal = signal;
    process->stop_report = true;
    process->continue_report = false;
    tasks_look(process);
    parent_notify(process, CLD_STOPPED, signal);
}

void
process_continue(struct process *process)
{
    if (!process->stopped)
        return;
    process->stopped = false;
    process->stop_report = false;
    process->continue_report = true;
    wake_up_all(&process->continued);
    signal_look_again(process);
    parent_notify(process, CLD_CONTINUED, SIGCONT);
}

void
process_wait_while_stopped(void)
{
    struct process *process = current_task()->process;
    /* When it is cancelled the process ends, which the return to user mode sees. */
    (void)wait_event_killable(&process->continued, !process->stopped);
}

/* ---- Waiting ---- */

static bool
child_matches(const struct process *child, const struct wait_request *request)
{
    s32 pid = request->pid;
    bool clone = child->exit_signal != SIGCHLD;
    if (!(request->options & WAIT_ALL) && clone != !!(request->options & WAIT_CLONE))
        return false;
    if (pid > 0)
        return child->id == (u32)pid;
    if (pid == -1)
        return true;
    return child->group == (pid == 0 ? current_task()->process->group : (u32)-pid);
}

static bool
child_has_news(const struct process *child, u32 options)
{
    return (options & WAIT_EXITED && child->task_count == 0) ||
           (options & WAIT_STOPPED && child->stop_report) ||
           (options & WAIT_CONTINUED && child->continue_report);
}

/* The first matching child with news; *any: there is a matching one at all. */
static struct process *
child_find(const struct wait_request *request, bool *any)
{
    struct process *child;
    *any = false;
    list_for_each(child, &current_task()->process->children, sibling_link) {
        if (!child_matches(child, request))
            continue;
        *any = true;
        if (child_has_news(child, request->options))
            return child;
    }
    return NULL;
}

static bool
child_news_or_none(const struct wait_request *request)
{
    bool any;
    return child_find(request, &any) || !any;
}

static void
child_report(struct process *child, const struct wait_request *request, struct wait_result *result)
{
    bool keep = request->options & WAIT_KEEP;
    *result = (struct wait_result){.pid = child->id, .uid = child->uid};
    process_usage(child, &result->usage);
    process_usage_add(&result->usage, &child->children_usage);
    if (child->task_count == 0) {
        result->status = child->exit_status;
        result->code = status_code(child->exit_status);
        if (keep)
            return;
        process_usage_add(&current_task()->process->children_usage, &result->usage);
        process_reap(child);
    } else if (child->stop_report) {
        result->status = STATUS_STOPPED(child->stop_signal);
        result->code = CLD_STOPPED;
        child->stop_report = keep;
    } else {
        result->status = STATUS_CONTINUED;
        result->code = CLD_CONTINUED;
        child->continue_report = keep;
    }
}

int
process_wait(const struct wait_request *request, struct wait_result *result)
{
    bool any;
    *result = (struct wait_result){.pid = 0};
    if (!(request->options & WAIT_NO_HANG)) {
        int error = wait_event_interruptible(&current_task()->process->changed,
                                             child_news_or_none(request));
        if (error)
            return error;
    }
    struct process *child = child_find(request, &any);
    if (!any)
        return -ECHILD;
    if (child)
        child_report(child, request, result);
    return 0;
}

/* ---- Signals to others ---- */

bool
process_may_signal(const struct process *target, int number)
{
    const struct credentials *self = current_credentials();
    if (!self || self->euid == 0 || list_empty(&target->tasks))
        return true;
    const struct task *task = list_first(&target->tasks, struct task, process_link);
    const struct credentials *other = task->credentials;
    if (number == SIGCONT && target->session == current_task()->process->session)
        return true;
    return !other || self->euid == other->uid || self->uid == other->uid;
}

int
process_signal_group(u32 group, const struct signal_info *info)
{
    struct process *process, *following;
    int result = -ESRCH;
    list_for_each_safe(process, following, &all_processes, all_link) {
        if (process->group != group)
            continue;
        if (!process_may_signal(process, info->number)) {
            if (result == -ESRCH)
                result = -EPERM;
            continue;
        }
        result = 0;
        if (info->number)
            (void)signal_send_process(process, info);
    }
    return result;
}
