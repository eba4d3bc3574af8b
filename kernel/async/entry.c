/* Entries: see entry.h. What an entry asks for beside its call is done in two places: when it begins
 * (arguments, deadline, is it to run at all) and in its sink. */
#include "kernel/async/entry.h"
#include "arch.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/trace.h"

#define ERROR_MOST 4095

static struct pool chain_pool = POOL_INIT("asys_chain", struct asys_chain);
static struct pool group_pool = POOL_INIT("asys_group", struct asys_group);

struct entry_batch {
    struct batch batch;
    struct asys_context *context;
    struct entry_source *source;
    struct asys_group *group; /* open: the next entry is a member */
    u32 taken;
};

static bool
is_error(long result)
{
    return result < 0 && result >= -ERROR_MOST;
}

/* ---- Beginning ---- */

static void
deadline_reached(struct timer *timer)
{
    asys_record_cancel(container_of(timer, struct asys_record, timer), -ETIME);
}

/* An *always* entry runs in spite of what was cancelled before it. */
static void
cancellation_set_aside(struct fibril *self, struct asys_record *record)
{
    INTERRUPTS_OFF_SCOPE();
    record->cancel_error = 0;
    if (!self->task->unwinding && !self->task->process->exiting)
        self->cancel_error = 0;
}

static void
arguments_from_results(struct asys_record *record)
{
    for (unsigned i = 0; i < 6; i++)
        if (record->source[i])
            record->call.arguments[i] =
                (unsigned long)record->chain->results[record->place - record->source[i]];
}

static void
chain_begin(struct fibril *self, struct asys_record *record)
{
    struct asys_chain *chain = record->chain;
    if (record->flags & ASYS_ALWAYS)
        cancellation_set_aside(self, record);
    else if (chain->cancel_error)
        record->call.error = chain->cancel_error;
    else if (chain->failed)
        record->call.error = -ECANCELED;
    if (!record->call.error)
        arguments_from_results(record);
}

static void
entry_begin(struct call *call)
{
    struct asys_record *record = container_of(call, struct asys_record, call);
    struct fibril *self = current_fibril();
    {
        INTERRUPTS_OFF_SCOPE();
        record->fibril = self;
        if (record->cancel_error && !call->error && !(record->flags & ASYS_ALWAYS && record->chain))
            call->error = record->cancel_error;
    }
    if (record->chain && !call->error)
        chain_begin(self, record);
    if (record->deadline) {
        timer_init(&record->timer, deadline_reached);
        timer_arm(&record->timer, record->deadline);
    }
    self->inline_only = record->flags & ASYS_INLINE;
}

/* ---- The sink ---- */

static void
chain_done(struct asys_record *record, long result)
{
    struct asys_chain *chain = record->chain;
    chain->results[record->place] = (s32)result;
    if (is_error(result))
        chain->failed = true;
    if (++chain->done == chain->count)
        pool_free(&chain_pool, chain);
    record->chain = NULL;
}

static void
group_post(struct asys_group *group, struct asys_record *record)
{
    s32 error = group->error;
    record->cookie = group->cookie;
    record->event_flags |= ASYS_EVENT_GROUP;
    pool_free(&group_pool, group);
    asys_record_post(record, error);
}

/* The member that is done last carries the group's completion. While the group is open one that is
 * done is kept for it: perhaps no further member can be taken. */
static void
group_done(struct asys_record *record, long result)
{
    struct asys_group *group = record->group;
    if (is_error(result) && !group->error)
        group->error = (s32)result;
    record->group = NULL;
    if (--group->members == 0 && !group->closed && !group->carrier) {
        record->fibril = NULL;
        group->carrier = record;
    } else if (group->members > 0 || !group->closed) {
        asys_record_drop(record);
    } else {
        if (group->carrier)
            asys_record_drop(group->carrier);
        group_post(group, record);
    }
}

void
asys_entry_complete(struct call *call, long result)
{
    struct asys_record *record = container_of(call, struct asys_record, call);
    if (record->deadline)
        timer_cancel(&record->timer);
    current_fibril()->inline_only = false;
    if (record->chain)
        chain_done(record, result);
    if (record->group)
        group_done(record, result);
    else if (record->flags & ASYS_QUIET && !is_error(result))
        asys_record_drop(record);
    else
        asys_record_post(record, result);
}

/* ---- Taking entries ---- */

/* An argument comes from the result of an entry of the same chain before this one. */
static bool
sources_are_there(const struct asys_record *record)
{
    for (unsigned i = 0; i < 6; i++)
        if (record->source[i] > record->place)
            return false;
    return true;
}

static bool
has_sources(const struct asys_entry *entry)
{
    u32 first;
    u16 rest;
    memcpy(&first, entry->source, sizeof(first));
    memcpy(&rest, entry->source + sizeof(first), sizeof(rest));
    return first | rest;
}

static void
record_fill(struct asys_record *record, const struct asys_entry *entry)
{
    record->call.number = entry->number;
    record->call.begin = entry_begin;
    record->call.complete = asys_entry_complete;
    record->cookie = entry->cookie;
    record->deadline = entry->deadline;
    record->flags = entry->flags;
    record->id = asys_id_take();
    memcpy(record->call.arguments, entry->argument, sizeof(entry->argument));
    memcpy(record->source, entry->source, sizeof(entry->source));
    if (unlikely(has_sources(entry)) && !sources_are_there(record))
        record->call.error = -EINVAL;
    if (entry->flags & ~ASYS_ENTRY_FLAGS || entry->reserved || entry->reserved_too)
        record->call.error = -EINVAL;
    trace(TRACE_SUBMIT, record->call.number, (u32)entry->cookie);
}

static void
entry_give_back(struct entry_batch *submit)
{
    if (submit->source->give_back)
        submit->source->give_back(submit->source);
}

static int
group_join(struct entry_batch *submit, struct asys_record *record, const struct asys_entry *entry)
{
    struct asys_group *group = submit->group;
    if (!group && !(entry->flags & ASYS_GROUP))
        return 0;
    if (!group)
        group = submit->group = pool_alloc(&group_pool);
    if (!group)
        return -EAGAIN;
    group->members++;
    group->cookie = entry->cookie;
    record->group = group;
    if (!(entry->flags & ASYS_GROUP)) {
        group->closed = true;
        submit->group = NULL;
    }
    return 0;
}

/* `chain` is the one that the entry before it has begun, or NULL. */
static int
chain_join(struct asys_chain *chain, struct asys_record *record, bool linked)
{
    if (!chain && linked && !(chain = pool_alloc(&chain_pool)))
        return -EAGAIN;
    record->chain = chain;
    record->place = chain ? chain->count++ : 0;
    return 0;
}

/* It was the last one taken for its chain, and is not taken after all. */
static void
chain_part(struct asys_record *record)
{
    struct asys_chain *chain = record->chain;
    if (chain && --chain->count == 0)
        pool_free(&chain_pool, chain);
    record->chain = NULL;
}

static int
record_take(struct entry_batch *submit, struct asys_chain *chain, struct asys_record **result,
            bool *linked)
{
    struct asys_entry entry;
    int error = submit->source->next(submit->source, &entry);
    if (error)
        return error;
    struct asys_record *record = NULL;
    if (submit->context->asyncfd && entry.cookie == 0)
        error = -EINVAL; /* nobody would see its result */
    else if (!(record = asys_record_create(submit->context)))
        error = -EAGAIN;
    if (error) {
        entry_give_back(submit);
        return error;
    }
    *linked = entry.flags & ASYS_LINK;
    error = chain_join(chain, record, *linked);
    record_fill(record, &entry);
    if (!error)
        error = group_join(submit, record, &entry);
    if (error) {
        entry_give_back(submit);
        chain_part(record);
        asys_record_drop(record);
        return error;
    }
    if (entry.flags & ASYS_WANT_ID) {
        asys_id_insert(record);
        if (submit->source->tell_id)
            submit->source->tell_id(submit->source, submit->taken, record->id);
    }
    submit->taken++;
    *result = record;
    return 0;
}

/* The rest of a chain whose first entry is there. What cannot be taken cuts the chain: what was taken
 * runs, and the batch ends after it. */
static void
chain_take(struct entry_batch *submit, struct asys_record *first)
{
    struct asys_record *last = first, *record;
    struct asys_chain *chain = first->chain;
    bool linked = true;
    while (linked && chain->count < ASYS_CHAIN_MOST) {
        int error = record_take(submit, chain, &record, &linked);
        if (error) {
            submit->batch.error = error;
            return;
        }
        last->call.following = &record->call;
        last = record;
    }
    if (linked)
        last->call.error = -EINVAL;
}

static int
entry_next(struct batch *batch, struct call **call)
{
    struct entry_batch *submit = container_of(batch, struct entry_batch, batch);
    struct asys_record *record;
    bool linked;
    if (batch->error) /* a chain was cut */
        return batch->error;
    int error = record_take(submit, NULL, &record, &linked);
    if (error)
        return error;
    if (linked)
        chain_take(submit, record);
    batch->last = submit->source->last;
    *call = &record->call;
    return 0;
}

/* A group that the batch's end leaves open ends with the members that there are. */
static void
group_close(struct entry_batch *submit)
{
    struct asys_group *group = submit->group;
    if (!group)
        return;
    group->closed = true;
    if (group->members == 0)
        group_post(group, group->carrier);
}

long
asys_entries_run(struct asys_context *context, struct entry_source *source)
{
    struct entry_batch submit = {
        .batch.next = entry_next, .context = context, .source = source};
    asys_context_get(context);
    batch_run(&submit.batch);
    group_close(&submit);
    asys_context_put(context);
    return submit.taken ? (long)submit.taken : submit.batch.error;
}
