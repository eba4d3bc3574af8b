/* Tasks and processes: see task.h. */
#include "kernel/stack.h"
#include "kernel/task.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/futex.h"
#include "kernel/heap.h"
#include "kernel/interval_timer.h"
#include "kernel/log.h"
#include "kernel/string.h"

_Static_assert(offsetof(struct task, return_work) == 0, "traps.asm");

static struct pool task_pool = POOL_INIT("task", struct task);
static struct pool credentials_pool = POOL_INIT("credentials", struct credentials);

struct task kernel_task;
static struct list all_tasks = LIST_INIT(all_tasks);
static struct task_hooks *hooks;
static u32 next_tid = 1;
#define TICKS_PER_SECOND 1000u
#define TIDS_MOST 4194304u /* as Linux's largest pid_max */

void
task_register_hooks(struct task_hooks *new)
{
    struct task_hooks **last = &hooks;
    while (*last)
        last = &(*last)->next;
    *last = new;
}

struct list *
task_list(void)
{
    return &all_tasks;
}

static void
task_init(struct task *task, struct process *process, u32 tid)
{
    task->tid = tid;
    task->process = process;
    list_init(&task->run_link);
    list_init(&task->fibrils);
    list_init(&task->spare_stacks);
    list_init(&task->threadlets);
    list_init(&task->threadlet_spares);
    wait_queue_init(&task->fibril_ended, "fibril_ended");
    signal_queue_init(&task->signals);
    list_add_tail(&process->tasks, &task->process_link);
    list_add_tail(&all_tasks, &task->all_link);
    process->task_count++;
}

/* The boot stack's fibril: from now on start-up code is a fibril of the kernel task, which will become
 * its idle fibril. */
void
kernel_task_init(u32 *stack_bottom, void *stack_top)
{
    static struct fibril boot_fibril;
    task_init(&kernel_task, &kernel_process, 0);
    boot_fibril = (struct fibril){
        .state = FIBRIL_RUNNING,
        .kind = FIBRIL_IDLE,
        .task = &kernel_task,
        .stack_bottom = stack_bottom,
        .stack_top = stack_top,
        .call_number = NO_CALL,
    };
    *stack_bottom = STACK_MAGIC;
    list_add_tail(&kernel_task.fibrils, &boot_fibril.task_link);
    kernel_task.fibril_count = 1;
    cpu.current = cpu.idle = &boot_fibril;
    cpu.task = &kernel_task;
}

struct fibril *
kernel_fibril_start(void (*function)(void *), void *argument)
{
    struct fibril *fibril = fibril_create(&kernel_task, FIBRIL_CALL, function, argument);
    if (fibril)
        fibril_start(fibril);
    return fibril;
}

/* ---- Credentials ---- */

static struct credentials *
credentials_copy(const struct credentials *from)
{
    struct credentials *copy = pool_alloc(&credentials_pool);
    if (copy) {
        *copy = *from;
        copy->references = 1;
    }
    return copy;
}

static void
credentials_put(struct credentials *credentials)
{
    if (credentials && --credentials->references == 0)
        pool_free(&credentials_pool, credentials);
}

int
credentials_change(const struct credentials *new)
{
    struct task *task = current_task();
    struct credentials *old = task->credentials, *copy = credentials_copy(new);
    if (!copy)
        return -ENOMEM;
    task->credentials = copy;
    task->process->uid = copy->uid;
    INTERRUPTS_OFF_SCOPE();
    struct fibril *fibril;
    list_for_each(fibril, &task->fibrils, task_link) {
        if (fibril->call_number == NO_CALL || fibril->old_credentials)
            continue;
        fibril->old_credentials = old;
        old->references++;
        if (fibril->kind == FIBRIL_USER)
            task->return_work |= WORK_CREDENTIALS;
    }
    credentials_put(old);
    return 0;
}

bool
credentials_have_group(const struct credentials *credentials, u32 gid)
{
    for (u32 i = 0; i < credentials->group_count; i++)
        if (credentials->groups[i] == gid)
            return true;
    return false;
}

void
credentials_forget_old(struct fibril *fibril)
{
    credentials_put(fibril->old_credentials);
    fibril->old_credentials = NULL;
}

/* ---- Making ---- */

static void
task_release_memory(struct task *task)
{
    struct process_usage *usage = &task->process->usage;
    if (task->space) {
        usage->pages_most = MAX(usage->pages_most, task->space->pages_most);
        address_space_put(task->space);
    }
    task->space = NULL;
    credentials_put(task->credentials);
    task->credentials = NULL;
}

static u32
tid_take(void)
{
    while (next_tid > TIDS_MOST || task_find(next_tid) || process_find(next_tid))
        next_tid = next_tid > TIDS_MOST ? 2 : next_tid + 1;
    return next_tid++;
}

struct task *
task_find(u32 tid)
{
    struct task *task;
    list_for_each(task, &all_tasks, all_link)
        if (task->tid == tid)
            return task;
    return NULL;
}

static int
user_fibril_create(struct task *task, void (*function)(void *), void *argument,
                   struct user_context *context)
{
    if (!context)
        return -ENOMEM;
    struct fibril *fibril = fibril_create(task, FIBRIL_USER, function, argument);
    if (!fibril) {
        user_context_destroy(context);
        return -ENOMEM;
    }
    fibril->user = context;
    task->user = fibril;
    return 0;
}

/* A task that has no fibrils (any more) and was never started. */
static void
task_destroy(struct task *task)
{
    struct process *process = task->process;
    task_release_memory(task);
    signal_queue_flush(&task->signals, ~0ull);
    stack_drop_spares(task);
    list_remove(&task->process_link);
    list_remove(&task->all_link);
    pool_free(&task_pool, task);
    if (--process->task_count == 0)
        process_reap(process);
}

void
task_discard(struct task *task)
{
    if (task->user)
        fibril_discard(task->user);
    task_destroy(task);
}

/* A task in `process`, or, if that is NULL, in a new child process of `parent`. */
static struct task *
task_create(struct process *process, struct process *parent, const char *name)
{
    struct task *task = pool_alloc(&task_pool);
    if (!task)
        return NULL;
    u32 tid = tid_take();
    if (!process)
        process = process_create(parent, name, tid);
    if (!process) {
        pool_free(&task_pool, task);
        return NULL;
    }
    task_init(task, process, tid);
    return task;
}

static int
task_create_first_parts(struct task *task, void (*function)(void *), void *argument)
{
    task->process->handlers = signal_handlers_create();
    task->credentials = pool_alloc(&credentials_pool);
    if (!task->credentials || !task->process->handlers)
        return -ENOMEM;
    task->credentials->references = 1;
    int error = address_space_create(&task->space);
    return error ? error : user_fibril_create(task, function, argument, user_context_create());
}

int
task_create_process(const char *name, void (*function)(void *), void *argument,
                    struct task **result)
{
    struct task *task = task_create(NULL, &kernel_process, name);
    if (!task)
        return -ENOMEM;
    int error = task_create_first_parts(task, function, argument);
    if (error) {
        task_discard(task);
        return error;
    }
    if (result)
        *result = task;
    task_start(task);
    return 0;
}


/* ---- clone ---- */

static void
clone_main(void *unused)
{
    struct task *self = current_task();
    if (self->set_tid) /* a bad address is the program's own affair, as in Linux */
        (void)!copy_to_user((void USER *)self->set_tid, &self->tid, sizeof(self->tid));
    user_resume();
}

static int
clone_space(const struct task_clone *clone, struct task *self, struct task *task)
{
    if (!clone->share_space)
        return address_space_copy(self->space, &task->space);
    task->space = self->space;
    address_space_get(task->space);
    return 0;
}

static int
clone_process_parts(const struct task_clone *clone, struct task *self, struct task *task)
{
    struct process *process = task->process;
    if (clone->share_process)
        return 0;
    process->exit_signal = clone->exit_signal;
    if (clone->share_handlers) {
        process->handlers = self->process->handlers;
        process->handlers->references++;
    } else {
        process->handlers = signal_handlers_copy(self->process->handlers);
    }
    return process->handlers ? 0 : -ENOMEM;
}

static int
clone_user_fibril(const struct task_clone *clone, struct task *task)
{
    struct fibril *self = current_fibril();
    int error = user_fibril_create(task, clone_main, NULL, user_context_copy(self->user));
    if (error)
        return error;
    user_frame_copy(task->user, clone->stack);
    task->user->signal_mask = self->signal_mask;
    if (!clone->share_space || !clone->stack) {
        task->user->signal_stack_base = self->signal_stack_base;
        task->user->signal_stack_size = self->signal_stack_size;
    }
    return 0;
}

int
task_clone(const struct task_clone *clone, struct task **result)
{
    struct task *self = current_task();
    if (self->process->exiting || self->process->execing)
        return -EINTR; /* it does not return to user mode */
    if (!clone->share_process && process_limit_reached(self->process))
        return -EAGAIN;
    struct task *task = task_create(clone->share_process ? self->process : NULL, self->process,
                                    self->process->name);
    if (!task)
        return -ENOMEM;
    task->credentials = self->credentials;
    task->credentials->references++;
    task->process->uid = task->credentials->uid;
    task->nice = self->nice;
    task->policy = self->policy;
    task->priority = self->priority;
    if (clone->share_process && (task->look = self->look))
        task->return_work |= WORK_LOOK;
    int error = clone_process_parts(clone, self, task);
    if (!error)
        error = clone_space(clone, self, task);
    if (!error)
        error = clone_user_fibril(clone, task);
    if (error)
        task_discard(task);
    else
        *result = task;
    return error;
}

/* ---- Ending ---- */

bool
task_killed(void)
{
    return cpu.task->process->exiting;
}

static void
task_cancel_fibrils(struct task *task)
{
    struct fibril *fibril;
    INTERRUPTS_OFF_SCOPE();
    task->unwinding = true;
    list_for_each(fibril, &task->fibrils, task_link)
        fibril_cancel(fibril, -EINTR);
}

/* Those that have been cancelled, user fibrils too, which end at their return to user mode. */
static void
task_wait_for_fibrils(struct task *task)
{
    task->ender = current_fibril();
    task->return_work |= WORK_KILLED;
    for (struct task_hooks *h = hooks; h; h = h->next)
        if (h->ending)
            h->ending(task);
    wait_event(&task->fibril_ended, task->fibril_count == 1);
}

/* Every other fibril of the task unwinds through its own error paths. The wait is bounded by the
 * longest uncancellable wait of the kernel. */
static void
task_unwind(struct task *task)
{
    task_cancel_fibrils(task);
    task_wait_for_fibrils(task);
    if (!task->process->exiting)
        current_fibril()->cancel_error = 0; /* a thread's end may still read its memory in */
    futex_leave_memory(task);
    for (struct task_hooks *h = hooks; h; h = h->next)
        if (h->release)
            h->release(task);
    task_release_memory(task);
}

void
task_usage(const struct task *task, struct process_usage *usage)
{
    *usage = (struct process_usage){
        .ticks = task->run_ticks,
        .user_ticks = task->user_ticks,
        .pages_most = task->space ? task->space->pages_most : 0,
        .faults = task->faults,
    };
}

/* LIMIT_CPU is in seconds: a signal each further one, the end at the hard limit. */
static void
limit_tick(struct process *process)
{
    const struct process_limit *limit = &process->limits[LIMIT_CPU];
    u64 ticks = process_ticks(process), seconds = ticks / TICKS_PER_SECOND;
    struct signal_info info;
    if (ticks % TICKS_PER_SECOND || seconds < limit->soft)
        return;
    signal_info_kernel(&info, seconds >= limit->hard ? SIGKILL : SIGXCPU);
    (void)signal_send_process(process, &info);
}

void
task_tick(bool user)
{
    struct task *task = current_task();
    struct process *process = task->process;
    task->user_ticks += user;
    cpu.user_ticks += user;
    if (unlikely(process->counting))
        interval_timer_tick(process, user);
    if (unlikely(process->limits[LIMIT_CPU].soft != LIMIT_NONE) && process != &kernel_process)
        limit_tick(process);
}

static void
process_leave(struct task *task)
{
    struct process *process = task->process;
    list_remove(&task->process_link);
    list_remove(&task->all_link);
    struct process_usage usage;
    task_usage(task, &usage);
    process_usage_add(&process->usage, &usage);
    signal_queue_flush(&task->signals, ~0ull);
    if (--process->task_count == 0) {
        process->exiting = true;
        process_end(process);
    } else {
        wake_up_all(&process->ended); /* exec waits to be alone */
        signal_look_again(process);
    }
}

void
task_exit(int status)
{
    struct task *task = current_task();
    ASSERT(current_fibril()->kind == FIBRIL_USER);
    if (task->ender && task->ender != current_fibril())
        fibril_exit();
    struct process *process = task->process;
    if (!process->exiting) {
        if (task->tid == process->id) /* the first one's status counts, though others outlive it */
            process->exit_status = status;
        process->exiting = process->task_count == 1;
    }
    task_unwind(task);
    interrupts_save();
    process_leave(task);
    stack_drop_spares(task);
    task->ended = true;
    fibril_exit();
}

void
task_free(struct task *task)
{
    ASSERT(!task->queued && task->fibril_count == 0 && task->spare_count == 0);
    pool_free(&task_pool, task);
}

/* ---- exec ---- */

static void
others_kill(struct task *self)
{
    struct task *task;
    INTERRUPTS_OFF_SCOPE();
    list_for_each(task, &self->process->tasks, process_link) {
        if (task == self)
            continue;
        task->return_work |= WORK_KILLED;
        task_cancel_fibrils(task);
    }
}

int
task_become_alone(void)
{
    struct task *self = current_task();
    struct process *process = self->process;
    struct fibril *fibril;
    if (process->exiting || process->execing)
        return -EINTR;
    process->execing = true;
    others_kill(self);
    {
        INTERRUPTS_OFF_SCOPE();
        self->unwinding = true;
        list_for_each(fibril, &self->fibrils, task_link)
            if (fibril != current_fibril())
                fibril_cancel(fibril, -EINTR);
    }
    task_wait_for_fibrils(self);
    wait_event(&process->ended, process->task_count == 1);
    self->unwinding = process->exiting;
    process->execing = false;
    if (process->exiting)
        return -EINTR;
    self->ender = NULL;
    self->return_work &= ~WORK_KILLED;
    self->user = current_fibril();
    self->tid = process->id; /* whichever it was, it is the process now */
    return 0;
}

static const char *
base_name(const char *path)
{
    const char *name = path;
    for (; *path; path++)
        if (*path == '/' && path[1])
            name = path + 1;
    return name;
}

static int
handlers_reset(struct process *process)
{
    if (process->handlers->references > 1) {
        struct signal_handlers *own = signal_handlers_copy(process->handlers);
        if (!own)
            return -ENOMEM;
        signal_handlers_put(process->handlers);
        process->handlers = own;
    }
    for (int i = 0; i < SIGNALS; i++) {
        u32 handler = process->handlers->actions[i].handler;
        process->handlers->actions[i] = (struct signal_action){
            .handler = handler == HANDLER_IGNORE ? HANDLER_IGNORE : HANDLER_DEFAULT};
    }
    return 0;
}

int
task_reset_for_program(const char *path)
{
    struct task *self = current_task();
    struct fibril *fibril = current_fibril();
    for (struct task_hooks *h = hooks; h; h = h->next)
        if (h->program)
            h->program(self);
    process_set_name(self->process, base_name(path));
    self->process->executed = true;
    self->process->undumpable = false;
    self->set_tid = 0;
    fibril->signal_stack_base = fibril->signal_stack_size = 0;
    user_context_reset(fibril->user);
    return handlers_reset(self->process);
}

void
task_set_space(struct task *task, struct address_space *space)
{
    struct address_space *old = task->space;
    futex_leave_memory(task);
    {
        INTERRUPTS_OFF_SCOPE();
        task->space = space;
        address_space_load(space);
    }
    address_space_put(old);
    task->process->memory_released = true;
    wake_up_all(&task->process->ended);
}

void
process_kill(struct process *process, int status)
{
    struct task *task;
    INTERRUPTS_OFF_SCOPE();
    if (process->exiting)
        return;
    process->exiting = true;
    process->exit_status = status;
    list_for_each(task, &process->tasks, process_link) {
        task->return_work |= WORK_KILLED;
        task_cancel_fibrils(task);
    }
}

void
process_exit(int status)
{
    process_kill(current_task()->process, status);
    task_exit(status);
}

/* An interrupt may have ended or stopped the process after clone had looked at it and before the new task
 * was in its list: then nobody has told the task. */
void
task_start(struct task *task)
{
    const struct process *process = task->process;
    INTERRUPTS_OFF_SCOPE();
    if (process->exiting || process->execing) {
        task->return_work |= WORK_KILLED;
        task_cancel_fibrils(task);
    }
    if (process->stopped)
        task->return_work |= WORK_SIGNAL;
    fibril_start(task->user);
}

/* What waits at a return to user mode (arch_hooks.return_work). */
void
task_return_work(struct registers *registers)
{
    struct task *task = current_task();
    if (task->return_work & WORK_KILLED)
        task_exit(task->process->exit_status);
    if (task->return_work & WORK_LOOK && task->look)
        task->look();
    if (task->return_work & WORK_LOOK && task->flush)
        task->flush();
    if (task->return_work & WORK_CREDENTIALS) {
        INTERRUPTS_OFF_SCOPE();
        task->return_work &= ~WORK_CREDENTIALS;
        credentials_forget_old(current_fibril());
    }
    if (task->return_work & WORK_SIGNAL)
        signal_deliver(registers);
    else if (task->return_work & (WORK_READY | WORK_PREEMPT))
        schedule(SWITCH_PREEMPT);
}
