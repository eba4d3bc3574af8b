/* Signals: see signal.h. The sending side; what happens at a return to user mode is in
 * signal_deliver.c. */
#include "kernel/relief.h"
#include "kernel/signal.h"
#include "arch.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define QUEUED_MOST 1024u /* real-time signals in one queue */

static struct pool entry_pool = POOL_INIT("signal", struct signal_entry);
static struct pool handlers_pool = POOL_INIT("signal_handlers", struct signal_handlers);

#define STOP_SIGNALS                                                                               \
    (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define IGNORED_BY_DEFAULT                                                                         \
    (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH) | SIGNAL_BIT(SIGCONT))
#define UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
/* What a fault of the program raises: first of all, so that its handler sees the fault's state. */
#define SYNCHRONOUS                                                                                \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |         \
     SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))

/* ---- Queues and handlers ---- */

void
signal_queue_init(struct signal_queue *queue)
{
    queue->set = 0;
    list_init(&queue->entries);
}

static void
entry_remove(struct signal_queue *queue, struct signal_entry *entry)
{
    list_remove(&entry->link);
    queue->count--;
}

void
signal_queue_flush(struct signal_queue *queue, signal_set which)
{
    struct signal_entry *entry, *following;
    INTERRUPTS_OFF_SCOPE();
    queue->set &= ~which;
    list_for_each_safe(entry, following, &queue->entries, link) {
        if (!(which & SIGNAL_BIT(entry->info.number)))
            continue;
        entry_remove(queue, entry);
        if (!entry->taken)
            pool_free(&entry_pool, entry);
    }
}

struct signal_handlers *
signal_handlers_create(void)
{
    struct signal_handlers *handlers = pool_alloc(&handlers_pool);
    if (handlers)
        handlers->references = 1;
    return handlers;
}

struct signal_handlers *
signal_handlers_copy(const struct signal_handlers *from)
{
    struct signal_handlers *handlers = signal_handlers_create();
    if (handlers)
        memcpy(handlers->actions, from->actions, sizeof(from->actions));
    return handlers;
}

void
signal_handlers_put(struct signal_handlers *handlers)
{
    if (handlers && --handlers->references == 0)
        pool_free(&handlers_pool, handlers);
}

void
signal_info_kernel(struct signal_info *info, int number)
{
    memset(info, 0, sizeof(*info));
    info->number = number;
    info->code = CODE_KERNEL;
}

/* ---- What a signal does if nobody catches it ---- */

static const struct signal_action *
action_of(const struct process *process, int number)
{
    return &process->handlers->actions[number - 1];
}

static bool
is_ignored(const struct process *process, int number)
{
    u32 handler = action_of(process, number)->handler;
    if (handler == HANDLER_IGNORE)
        return !(SIGNAL_BIT(number) & UNBLOCKABLE);
    return handler == HANDLER_DEFAULT && SIGNAL_BIT(number) & IGNORED_BY_DEFAULT;
}

static bool
is_fatal(const struct process *process, int number)
{
    return number == SIGKILL || (action_of(process, number)->handler == HANDLER_DEFAULT &&
                                 !(SIGNAL_BIT(number) & (STOP_SIGNALS | IGNORED_BY_DEFAULT)));
}

static bool
is_stop(const struct process *process, int number)
{
    if (number == SIGSTOP)
        return true;
    return action_of(process, number)->handler == HANDLER_DEFAULT &&
           SIGNAL_BIT(number) & STOP_SIGNALS;
}

/* ---- Sending; interrupts off ---- */

static void
queue_put(struct signal_queue *queue, struct signal_entry *entry)
{
    queue->set |= SIGNAL_BIT(entry->info.number);
    list_add_tail(&queue->entries, &entry->link);
    queue->count++;
}

static int
queue_add(struct signal_queue *queue, const struct signal_info *info)
{
    signal_set bit = SIGNAL_BIT(info->number);
    bool real_time = info->number >= SIGRTMIN;
    if (!real_time && queue->set & bit)
        return 0; /* one of a kind is enough */
    struct signal_entry *entry = queue->count < QUEUED_MOST ? pool_alloc(&entry_pool) : NULL;
    if (!entry && real_time && info->code != CODE_USER)
        return -EAGAIN;
    queue->set |= bit;
    if (entry) {
        entry->info = *info;
        queue_put(queue, entry);
    }
    return 0;
}

static bool
queue_holds(const struct signal_queue *queue, const struct signal_entry *wanted)
{
    const struct signal_entry *entry;
    list_for_each(entry, &queue->entries, link)
        if (entry == wanted)
            return true;
    return false;
}

static bool
queue_has_number(const struct signal_queue *queue, int number)
{
    const struct signal_entry *entry;
    list_for_each(entry, &queue->entries, link)
        if (entry->info.number == number)
            return true;
    return false;
}

static signal_set
task_mask(const struct task *task)
{
    const struct fibril *running = current_fibril();
    if (!task->user)
        return 0;
    /* Of several user contexts either will do: that which signals interrupt, or the running one. */
    if (unlikely(task->switch_work) && running->task == task && running->kind == FIBRIL_USER)
        return task->user->signal_mask & running->signal_mask;
    return task->user->signal_mask;
}

/* The task's user fibril shall look: at its return to user mode, or out of its sleep. */
static void
task_notice(struct task *task)
{
    task->return_work |= WORK_SIGNAL;
    if (task->user)
        fibril_wake(task->user);
}

static void
process_notice(struct process *process, int number)
{
    struct task *task;
    list_for_each(task, &process->tasks, process_link) {
        if (task_mask(task) & SIGNAL_BIT(number))
            continue;
        task_notice(task);
        return;
    }
    /* All block it: whoever unblocks it will see it. */
}

void
signal_look_again(struct process *process)
{
    struct task *task;
    INTERRUPTS_OFF_SCOPE();
    list_for_each(task, &process->tasks, process_link)
        if ((process->signals.set | task->signals.set) & ~task_mask(task))
            task_notice(task);
}

/* A continue undoes stops that are pending, and the other way round. */
static void
queues_cancel_opposite(struct process *process, int number)
{
    struct task *task;
    signal_set gone = number == SIGCONT                    ? STOP_SIGNALS
                      : SIGNAL_BIT(number) & STOP_SIGNALS ? SIGNAL_BIT(SIGCONT)
                                                           : 0;
    if (!gone)
        return;
    signal_queue_flush(&process->signals, gone);
    list_for_each(task, &process->tasks, process_link)
        signal_queue_flush(&task->signals, gone);
}

static bool
any_task_takes(const struct process *process, const struct task *only, int number)
{
    const struct task *task;
    if (only)
        return !(task_mask(only) & SIGNAL_BIT(number));
    list_for_each(task, &process->tasks, process_link)
        if (!(task_mask(task) & SIGNAL_BIT(number)))
            return true;
    return false;
}

/* What a signal does at once, whoever runs: true, and nothing is left to be queued. To a process that is
 * stopped nothing happens but SIGKILL, until it goes on. */
static bool
signal_act(struct process *process, const struct task *only, int number)
{
    if (process->exiting || process == &kernel_process)
        return true;
    queues_cancel_opposite(process, number);
    if (number == SIGCONT)
        process_continue(process);
    if (number == SIGKILL) {
        process_kill(process, number);
        return true;
    }
    if (!any_task_takes(process, only, number))
        return false;
    if (is_ignored(process, number))
        return true;
    if (process->stopped)
        return false;
    if (is_stop(process, number)) {
        process_stop(process, number);
        return true;
    }
    if (!is_fatal(process, number))
        return false;
    process_kill(process, number);
    return true;
}

static void
signal_notice(struct process *process, struct task *only, int number)
{
    wake_up_all(&process->signalled);
    if (!only)
        process_notice(process, number);
    else if (~task_mask(only) & SIGNAL_BIT(number))
        task_notice(only);
}

static int
signal_send(struct process *process, struct task *only, const struct signal_info *info)
{
    INTERRUPTS_OFF_SCOPE();
    if (signal_act(process, only, info->number))
        return 0;
    int error = queue_add(only ? &only->signals : &process->signals, info);
    if (!error)
        signal_notice(process, only, info->number);
    return error;
}

int
signal_send_process(struct process *process, const struct signal_info *info)
{
    return signal_send(process, NULL, info);
}

int
signal_send_task(struct task *task, const struct signal_info *info)
{
    return signal_send(task->process, task, info);
}

void
signal_send_entry(struct process *process, struct task *task, struct signal_entry *entry)
{
    int number = entry->info.number;
    INTERRUPTS_OFF_SCOPE();
    if (signal_act(process, task, number))
        return;
    struct signal_queue *queue = task ? &task->signals : &process->signals;
    if (number < SIGRTMIN && queue->set & SIGNAL_BIT(number))
        return;
    queue_put(queue, entry);
    signal_notice(process, task, number);
}

struct signal_entry *
signal_entry_reserve(void)
{
    struct signal_entry *entry = pool_alloc(&entry_pool);
    if (entry)
        list_init(&entry->link);
    return entry;
}

void
signal_entry_give_back(struct signal_entry *entry)
{
    pool_free(&entry_pool, entry);
}

void
signal_send_reserved(struct process *process, struct task *task, struct signal_entry *entry)
{
    INTERRUPTS_OFF_SCOPE();
    signal_send_entry(process, task, entry);
    if (!signal_entry_queued(entry))
        signal_entry_give_back(entry);
}

/* The queue is not known: it is that of the process or of one of its tasks. */
void
signal_withdraw_entry(struct process *process, struct signal_entry *entry)
{
    struct task *task;
    struct signal_queue *queue = &process->signals;
    INTERRUPTS_OFF_SCOPE();
    list_for_each(task, &process->tasks, process_link)
        if (queue_holds(&task->signals, entry))
            queue = &task->signals;
    int number = entry->info.number;
    entry_remove(queue, entry);
    if (!queue_has_number(queue, number))
        queue->set &= ~SIGNAL_BIT(number);
}

void
signal_force(const struct signal_info *info)
{
    struct fibril *self = current_fibril();
    struct process *process = self->task->process;
    struct signal_action *action = &process->handlers->actions[info->number - 1];
    signal_set bit = SIGNAL_BIT(info->number);
    INTERRUPTS_OFF_SCOPE();
    if (self->signal_mask & bit || action->handler == HANDLER_IGNORE)
        action->handler = HANDLER_DEFAULT;
    self->signal_mask &= ~bit;
    (void)signal_send_task(self->task, info);
    self->task->return_work |= WORK_SIGNAL; /* this fibril's, whichever signals interrupt */
}

/* ---- Taking ---- */

static void
entry_take(struct signal_queue *queue, struct signal_entry *entry, struct signal_info *info)
{
    entry_remove(queue, entry);
    *info = entry->info;
    if (entry->taken)
        entry->taken(entry, info);
    else
        pool_free(&entry_pool, entry);
}

/* The oldest of this number; the number stays in the set while there are more. */
static void
queue_take(struct signal_queue *queue, int number, struct signal_info *info)
{
    struct signal_entry *entry, *found = NULL;
    queue->set &= ~SIGNAL_BIT(number);
    list_for_each(entry, &queue->entries, link) {
        if (entry->info.number != number)
            continue;
        if (found) {
            queue->set |= SIGNAL_BIT(number);
            break;
        }
        found = entry;
    }
    if (found) {
        entry_take(queue, found, info);
    } else {
        memset(info, 0, sizeof(*info));
        info->number = number;
    }
}

static int
first_of(signal_set set)
{
    if (set & SYNCHRONOUS)
        set &= SYNCHRONOUS;
    u32 low = (u32)set, high = (u32)(set >> 32);
    return low ? __builtin_ctz(low) + 1 : __builtin_ctz(high) + 33;
}

/* The task's own come before the process's, as in Linux. */
bool
signal_take(signal_set set, struct signal_info *info)
{
    struct task *task = current_task();
    INTERRUPTS_OFF_SCOPE();
    struct signal_queue *queue = task->signals.set & set ? &task->signals : &task->process->signals;
    set &= queue->set;
    if (!set)
        return false;
    queue_take(queue, first_of(set), info);
    return true;
}

signal_set
signal_pending_set(void)
{
    const struct task *task = current_task();
    return task->signals.set | task->process->signals.set;
}

bool
signal_pending(void)
{
    return current_task()->process->stopped ||
           signal_pending_set() & ~current_fibril()->signal_mask;
}

void
signal_set_mask(signal_set mask)
{
    struct fibril *self = current_fibril();
    struct process *process = self->task->process;
    signal_set blocked = mask & ~self->signal_mask & process->signals.set;
    INTERRUPTS_OFF_SCOPE();
    if (unlikely(self->relief != NULL))
        self->relief->changes(self, true);
    self->signal_mask = mask & ~UNBLOCKABLE;
    if (signal_pending())
        self->task->return_work |= WORK_SIGNAL;
    if (blocked && process->task_count > 1)
        signal_look_again(process); /* this task may have been the one chosen for them */
}

void
signal_set_mask_until_return(signal_set mask)
{
    struct fibril *self = current_fibril();
    self->saved_mask = self->signal_mask;
    self->mask_saved = true;
    self->task->return_work |= WORK_SIGNAL; /* to bring the old one back */
    signal_set_mask(mask);
}

void
signal_set_mask_back(void)
{
    struct fibril *self = current_fibril();
    if (!self->mask_saved)
        return;
    self->mask_saved = false;
    signal_set_mask(self->saved_mask);
}

void
signal_set_action(int number, const struct signal_action *action)
{
    struct process *process = current_task()->process;
    struct task *task;
    INTERRUPTS_OFF_SCOPE();
    process->handlers->actions[number - 1] = *action;
    if (!is_ignored(process, number))
        return;
    signal_queue_flush(&process->signals, SIGNAL_BIT(number));
    list_for_each(task, &process->tasks, process_link)
        signal_queue_flush(&task->signals, SIGNAL_BIT(number));
}
