/* Runners: see call.h. */
#include "kernel/async/call.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/trace.h"

/* A cancellation was meant for the call that has ended, unless it is the task that ends. */
static void
cancel_forget(struct fibril *self)
{
    INTERRUPTS_OFF_SCOPE();
    if (!self->task->unwinding && !self->task->process->exiting)
        self->cancel_error = 0;
}

static void
call_run(struct fibril *self, struct call *call)
{
    do {
        struct call *following = call->following;
        self->call = call;
        if (unlikely(call->begin != NULL))
            call->begin(call);
        long result = call->error;
        if (likely(!result))
            result = syscall_invoke(call->number, call->arguments);
        self->call = NULL;
        if (unlikely(self->old_credentials != NULL))
            credentials_forget_old(self);
        call->complete(call, result);
        if (unlikely(self->cancel_error))
            cancel_forget(self);
        call = following;
    } while (unlikely(call != NULL));
}

static inline int
batch_fetch(struct fibril *self, struct batch *batch, struct call **call)
{
    int error = 0;
    if (unlikely(self->task->return_work & WORK_PREEMPT || self->cancel_error))
        error = schedule_point();
    if (unlikely(error))
        return error;
    batch->fetching = true;
    error = batch->next(batch, call);
    batch->fetching = false;
    wake_up_all(&batch->fetched);
    return error;
}

/* A runner's life. self->batch is cleared by the submitter when it goes on without this runner; then
 * the batch, which lies on the submitter's stack, must not be looked at again. */
static void
batch_runner(void *argument)
{
    struct fibril *self = current_fibril();
    struct batch *batch = self->batch = argument;
    do {
        struct call *call;
        int error = batch_fetch(self, batch, &call);
        if (unlikely(error)) {
            batch->error = error == BATCH_END ? 0 : error;
            break;
        }
        batch->started++;
        call_run(self, call);
        if (!self->batch)
            return;
    } while (!batch->last);
    batch->ended = true;
}

void
batch_run(struct batch *batch)
{
    struct task *task = current_task();
    wait_queue_init(&batch->fetched, "batch_fetch");
    batch->ended = batch->fetching = batch->last = false;
    batch->started = 0;
    batch->error = 0;
    while (!batch->ended) {
        struct fibril *runner = fibril_create(task, FIBRIL_CALL, batch_runner, batch);
        if (!runner) {
            batch->error = -EAGAIN;
            return;
        }
        schedule_start_now(runner);
        /* The runner has ended, or its entry has blocked, or the fetch of one has. */
        wait_event(&batch->fetched, !batch->fetching);
        if (!batch->ended) {
            runner->batch = NULL;
            task->calls_blocked++;
            batch->ended = batch->last;
        }
    }
}

struct single {
    struct batch batch;
    struct call *call;
};

static int
single_next(struct batch *batch, struct call **call)
{
    struct single *single = (struct single *)batch;
    *call = single->call;
    batch->last = true;
    return 0;
}

int
call_start(struct call *call)
{
    struct single single = {.batch.next = single_next, .call = call};
    batch_run(&single.batch);
    return single.batch.started ? 0 : -EAGAIN;
}
