/* asys_submit and asys_await_completion, after Zach Brown's patches of January 2007: a batch that reads
 * struct asys_input one by one, and the list of completions of the thread's own context. */
#include "kernel/async/asys.h"
#include "arch.h"
#include "fs/pseudo.h"
#include "gen/syscalls.h"
#include "kernel/async/context.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/task.h"
#include "kernel/trace.h"

_Static_assert(sizeof(struct asys_input) == 16 && sizeof(struct asys_completion) == 8, "ABI");

struct asys_context *
asys_context_of(struct task *task)
{
    if (!task->asys && asys_context_create(&task->asys))
        task->asys = NULL;
    return task->asys;
}

/* ---- Submitting ---- */

struct asys_batch {
    struct batch batch;
    struct asys_context *context;
    const struct asys_input USER *inputs;
    unsigned long index, count;
};

/* Whatever is wrong with an element that could be read is its completion's code. */
static void
record_fill(struct asys_record *record, const struct asys_input *input)
{
    struct call *call = &record->call;
    call->number = input->syscall_nr;
    call->complete = asys_record_complete;
    record->id = 0;
    record->fibril = current_fibril();
    record->cookie = input->cookie;
    call->arguments[0] = call->arguments[1] = call->arguments[2] = 0;
    call->arguments[3] = call->arguments[4] = call->arguments[5] = 0;
    if (input->nr_args > 6)
        call->error = -EINVAL;
    else if (input->nr_args)
        call->error = copy_from_user(call->arguments, (const void USER *)(uintptr_t)input->args,
                                     input->nr_args * sizeof(long));
    trace(TRACE_SUBMIT, call->number, input->cookie);
}

static int
asys_next(struct batch *batch, struct call **call)
{
    struct asys_batch *submit = container_of(batch, struct asys_batch, batch);
    struct asys_input input;
    if (submit->index == submit->count)
        return BATCH_END;
    int error = copy_from_user(&input, &submit->inputs[submit->index], sizeof(input));
    if (error)
        return error;
    struct asys_record *record = asys_record_create(submit->context);
    if (!record)
        return -EAGAIN;
    record_fill(record, &input);
    batch->last = ++submit->index == submit->count;
    *call = &record->call;
    return 0;
}

long
sys_asys_submit(void USER *inputs, unsigned long count)
{
    struct asys_batch submit = {
        .batch.next = asys_next,
        .context = asys_context_of(current_task()),
        .inputs = inputs,
        .count = count,
    };
    if (!submit.context)
        return -EAGAIN;
    batch_run(&submit.batch);
    return submit.batch.started ? (long)submit.batch.started : submit.batch.error;
}

/* ---- Awaiting ---- */

long
sys_asys_await_completion(void USER *user)
{
    struct asys_context *context = asys_context_of(current_task());
    if (!context)
        return -EAGAIN;
    struct asys_record *record = asys_context_take(context);
    if (!record) {
        int error = asys_context_wait(context, 1, 0);
        if (error)
            return error == -ERESTARTSYS ? -EINTR : error;
        record = asys_context_take(context);
        if (!record)
            return -EDEADLK;
    }
    struct asys_completion completion = {record->result, (u32)record->cookie};
    int error = copy_to_user(user, &completion, sizeof(completion));
    if (error) {
        asys_context_put_back(context, record);
        return error;
    }
    asys_record_release(record);
    return 1;
}

/* ---- The end of a task, and what it shows ---- */

struct task *
asys_other_thread(const struct task *task)
{
    struct task *other;
    list_for_each(other, &task->process->tasks, process_link)
        if (other != task && !other->unwinding)
            return other;
    return NULL;
}

/* Nobody returns to user mode any more who would look at them. */
static void
rings_forget(struct process *process)
{
    INTERRUPTS_OFF_SCOPE();
    while (!list_empty(&process->asys_rings))
        list_remove(process->asys_rings.next);
}

/* All its fibrils but the last have unwound, so every call has posted its completion. */
static void
asys_release(struct task *task)
{
    if (!asys_other_thread(task))
        rings_forget(task->process);
    if (!task->asys)
        return;
    asys_context_close(task->asys);
    asys_context_put(task->asys);
    task->asys = NULL;
}

static void
show_calls(struct text_buffer *text, const struct proc_subject *subject)
{
    const struct task *task = subject->task;
    text_print(text, "blocked %u\ncounted %u\n", task ? task->calls_blocked : 0,
               task ? task->asys_records : 0);
}

/* /proc/sys/kernel/calls_max: calls of the whole machine in progress or not yet collected. */
static void
show_most(struct text_buffer *text)
{
    text_print(text, "%u\n", asys_records_most);
}

static int
store_most(const char *text, size_t length)
{
    u32 most = 0;
    if (current_credentials()->euid != 0)
        return -EPERM;
    if (length > 0 && text[length - 1] == '\n')
        length--;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || most > 99999999u)
            return -EINVAL;
        most = most * 10 + (u32)(text[i] - '0');
    }
    if (length == 0)
        return -EINVAL;
    asys_records_most = most;
    return 0;
}

void
asys_init(void)
{
    static struct task_hooks hooks = {.release = asys_release};
    static struct proc_file calls = {.name = "calls", .show_subject = show_calls};
    static struct proc_file most = {
        .name = "sys/kernel/calls_max", .show = show_most, .store = store_most};
    task_register_hooks(&hooks);
    proc_register(&calls);
    proc_register(&most);
}
