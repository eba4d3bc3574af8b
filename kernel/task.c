/* Tasks and processes: see task.h. */
#include "kernel/task.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"

static struct pool task_pool = POOL_INIT("task", struct task);
static struct pool process_pool = POOL_INIT("process", struct process);
static struct pool credentials_pool = POOL_INIT("credentials", struct credentials);

struct task kernel_task;
static struct process kernel_process = {.references = 1, .name = "kernel"};
static struct list all_tasks = LIST_INIT(all_tasks);
static struct list all_processes = LIST_INIT(all_processes);
static struct task_hooks *hooks;
static u32 next_tid = 1;

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
    wait_queue_init(&task->fibril_ended, "fibril_ended");
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
    list_init(&kernel_process.tasks);
    wait_queue_init(&kernel_process.ended, "process_ended");
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

/* ---- Making ---- */

static struct process *
process_create(const char *name, u32 id)
{
    struct process *process = pool_alloc(&process_pool);
    if (!process)
        return NULL;
    process->references = 1; /* the zombie's: process_put by whoever waits for it */
    process->id = id;
    size_t length = MIN(strlen(name), sizeof(process->name) - 1);
    memcpy(process->name, name, length);
    list_init(&process->tasks);
    wait_queue_init(&process->ended, "process_ended");
    list_add_tail(&all_processes, &process->all_link);
    return process;
}

void
process_put(struct process *process)
{
    ASSERT(process->references > 0);
    if (--process->references > 0)
        return;
    list_remove(&process->all_link);
    pool_free(&process_pool, process);
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

static void
task_release_memory(struct task *task)
{
    if (task->space)
        address_space_put(task->space);
    task->space = NULL;
    if (task->credentials && --task->credentials->references == 0)
        pool_free(&credentials_pool, task->credentials);
    task->credentials = NULL;
}

static int
task_create_parts(struct task *task, void (*function)(void *), void *argument,
                  struct fibril **fibril)
{
    task->credentials = pool_alloc(&credentials_pool);
    if (!task->credentials)
        return -ENOMEM;
    task->credentials->references = 1;
    task->credentials->umask = 022;
    int error = address_space_create(&task->space);
    if (error)
        return error;
    *fibril = fibril_create(task, FIBRIL_USER, function, argument);
    if (!*fibril)
        return -ENOMEM;
    (*fibril)->user = user_context_create();
    if (!(*fibril)->user) {
        fibril_discard(*fibril);
        return -ENOMEM;
    }
    return 0;
}

int
task_create_process(const char *name, void (*function)(void *), void *argument,
                    struct task **result)
{
    struct task *task = pool_alloc(&task_pool);
    struct process *process = task ? process_create(name, next_tid) : NULL;
    if (!process) {
        pool_free(&task_pool, task);
        return -ENOMEM;
    }
    task_init(task, process, next_tid++);
    struct fibril *fibril;
    int error = task_create_parts(task, function, argument, &fibril);
    if (error) {
        task_release_memory(task);
        fibril_drop_spares(task);
        list_remove(&task->process_link);
        list_remove(&task->all_link);
        pool_free(&task_pool, task);
        process_put(process);
        return error;
    }
    if (result)
        *result = task;
    fibril_start(fibril);
    return 0;
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
    list_for_each(fibril, &task->fibrils, task_link)
        fibril_cancel(fibril, -EINTR);
}

/* Every other fibril of the task unwinds through its own error paths. The wait is bounded by the
 * longest uncancellable wait of the kernel. */
static void
task_unwind(struct task *task)
{
    task_cancel_fibrils(task);
    for (struct task_hooks *h = hooks; h; h = h->next)
        if (h->ending)
            h->ending(task);
    wait_event(&task->fibril_ended, task->fibril_count == 1);
    for (struct task_hooks *h = hooks; h; h = h->next)
        if (h->release)
            h->release(task);
    task_release_memory(task);
}

static void
process_leave(struct task *task)
{
    struct process *process = task->process;
    list_remove(&task->process_link);
    list_remove(&task->all_link);
    if (--process->task_count == 0)
        wake_up_all(&process->ended);
}

void
task_exit(int status)
{
    struct task *task = current_task();
    ASSERT(current_fibril()->kind == FIBRIL_USER);
    if (!task->process->exiting && task->process->task_count == 1) {
        task->process->exiting = true;
        task->process->exit_status = status;
    }
    task_unwind(task);
    interrupts_save();
    process_leave(task);
    fibril_drop_spares(task);
    task->ended = true;
    fibril_exit();
}

void
task_free(struct task *task)
{
    ASSERT(!task->queued && task->fibril_count == 0 && task->spare_count == 0);
    pool_free(&task_pool, task);
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

/* What waits at a return to user mode (arch_hooks.return_work). */
void
task_return_work(struct registers *registers)
{
    struct task *task = current_task();
    if (task->return_work & WORK_KILLED)
        task_exit(task->process->exit_status);
    schedule(SWITCH_PREEMPT);
}
