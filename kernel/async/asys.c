/* asys_submit and asys_await_completion, after Zach Brown's patches of January 2007.
 *
 * The way in is a batch that reads struct asys_input one by one; the way out is a list of completions
 * per task, from which waiters take. A call's record holds its completion, so that nothing has to be
 * allocated when it ends; the record lives until the completion has been collected, and is counted
 * against the limits as long. A task keeps some records for its next calls. */
#include "kernel/async/asys.h"
#include "arch.h"
#include "fs/pseudo.h"
#include "gen/syscalls.h"
#include "kernel/async/call.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/task.h"
#include "kernel/trace.h"

#define RECORDS_MOST_TASK (1u << 17)
#define RECORDS_MOST (1u << 18)
#define SPARES_MOST 64u

/* What user programs see: 16 and 8 bytes. */
struct asys_input {
    s32 syscall_nr;
    u32 cookie, nr_args, args;
};
struct asys_completion {
    s32 return_code;
    u32 cookie;
};
_Static_assert(sizeof(struct asys_input) == 16 && sizeof(struct asys_completion) == 8, "ABI");

struct asys_record {
    struct call call;
    union {
        struct list link;          /* asys_state.completed */
        struct asys_record *spare; /* the next of asys_state.spares */
    };
    struct asys_state *state;
    struct asys_completion completion;
};

struct asys_state {
    struct list completed;     /* not yet collected, oldest first */
    struct wait_queue waiters; /* in asys_await_completion */
    struct asys_record *spares;
    u32 spare_count;
    u32 records; /* in progress or not yet collected */
    u32 in_progress;
    u32 awaiting; /* of those in progress: sleeping for a completion themselves */
};

static struct pool record_pool = POOL_INIT("asys_record", struct asys_record);
static struct pool state_pool = POOL_INIT("asys_state", struct asys_state);
static u32 records_total;

static struct asys_state *
asys_state_of(struct task *task)
{
    if (task->asys)
        return task->asys;
    struct asys_state *state = pool_alloc(&state_pool);
    if (!state)
        return NULL;
    list_init(&state->completed);
    wait_queue_init(&state->waiters, "asys_await");
    return task->asys = state;
}

/* ---- Records ---- */

/* Only `state` is set: a spare one still holds its last call. */
static struct asys_record *
record_create(struct asys_state *state)
{
    if (state->records >= RECORDS_MOST_TASK || records_total >= RECORDS_MOST)
        return NULL;
    struct asys_record *record = state->spares;
    if (likely(record != NULL)) {
        state->spares = record->spare;
        state->spare_count--;
    } else {
        record = pool_alloc(&record_pool);
        if (!record)
            return NULL;
    }
    record->state = state;
    state->records++;
    records_total++;
    return record;
}

static void
record_free(struct asys_state *state, struct asys_record *record)
{
    state->records--;
    records_total--;
    if (state->spare_count < SPARES_MOST) {
        record->spare = state->spares;
        state->spares = record;
        state->spare_count++;
    } else {
        pool_free(&record_pool, record);
    }
}

/* The sink: into the list, and wake one who waits. */
static void
record_complete(struct call *call, long result)
{
    struct asys_record *record = container_of(call, struct asys_record, call);
    struct asys_state *state = record->state;
    record->completion.return_code = result;
    trace(TRACE_COMPLETE, call->number, (u32)result);
    state->in_progress--;
    list_add_tail(&state->completed, &record->link);
    if (!list_empty(&state->waiters.entries))
        wake_up_one(&state->waiters);
}

/* ---- Submitting ---- */

struct asys_batch {
    struct batch batch;
    struct asys_state *state;
    const struct asys_input USER *inputs;
    unsigned long index, count;
};

/* Whatever is wrong with an element that could be read is its completion's code. */
static void
record_fill(struct asys_record *record, const struct asys_input *input)
{
    struct call *call = &record->call;
    call->number = input->syscall_nr;
    call->error = 0;
    call->complete = record_complete;
    record->completion.cookie = input->cookie;
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
    struct asys_record *record = record_create(submit->state);
    if (!record)
        return -EAGAIN;
    record_fill(record, &input);
    submit->state->in_progress++;
    submit->index++;
    *call = &record->call;
    return 0;
}

long
sys_asys_submit(void USER *inputs, unsigned long count)
{
    struct asys_batch submit = {
        .batch.next = asys_next,
        .state = asys_state_of(current_task()),
        .inputs = inputs,
        .count = count,
    };
    if (!submit.state)
        return -EAGAIN;
    batch_run(&submit.batch);
    return submit.batch.started ? (long)submit.batch.started : submit.batch.error;
}

/* ---- Awaiting ---- */

/* Nothing is there, and nothing will come: every call in progress sleeps here itself. */
static bool
await_is_hopeless(const struct asys_state *state)
{
    return list_empty(&state->completed) && state->in_progress == state->awaiting;
}

static int
await_sleep(struct asys_state *state)
{
    bool background = current_fibril()->kind == FIBRIL_CALL;
    state->awaiting += background;
    int error = wait_event_interruptible(&state->waiters, !list_empty(&state->completed) ||
                                                              await_is_hopeless(state));
    state->awaiting -= background;
    return !error && list_empty(&state->completed) ? -EDEADLK : error;
}

long
sys_asys_await_completion(void USER *completion)
{
    struct asys_state *state = asys_state_of(current_task());
    if (!state)
        return -EAGAIN;
    int error = list_empty(&state->completed) ? await_sleep(state) : 0;
    if (error)
        return error;
    struct asys_record *record = list_first(&state->completed, struct asys_record, link);
    list_remove(&record->link); /* first, so that nobody else takes it while the copy sleeps */
    error = copy_to_user(completion, &record->completion, sizeof(record->completion));
    if (error) {
        list_add_head(&state->completed, &record->link);
        wake_up_one(&state->waiters);
        return error;
    }
    record_free(state, record);
    return 1;
}

/* ---- The end of a task, and what it shows ---- */

/* All its fibrils but the last have unwound, so every call has posted its completion. */
static void
asys_release(struct task *task)
{
    struct asys_state *state = task->asys;
    if (!state)
        return;
    ASSERT(state->in_progress == 0);
    struct asys_record *record, *following;
    list_for_each_safe(record, following, &state->completed, link)
        record_free(state, record);
    ASSERT(state->records == 0);
    while ((record = state->spares)) {
        state->spares = record->spare;
        pool_free(&record_pool, record);
    }
    task->asys = NULL;
    pool_free(&state_pool, state);
}

static void
show_calls(struct text_buffer *text)
{
    const struct task *task = current_task();
    text_print(text, "blocked %u\n", task->calls_blocked);
}

void
asys_init(void)
{
    static struct task_hooks hooks = {.release = asys_release};
    static struct proc_file calls = {.name = "self/calls", .show = show_calls};
    task_register_hooks(&hooks);
    proc_register(&calls);
}
