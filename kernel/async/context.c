/* Completion contexts: see context.h. */
#include "kernel/async/context.h"
#include "arch.h"
#include "fs/file.h"
#include "kernel/async/asyncfd.h"
#include "kernel/async/entry.h"
#include "kernel/async/notify.h"
#include "kernel/async/ring.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/task.h"
#include "kernel/trace.h"

#define SPARES_MOST 64u

static struct pool record_pool = POOL_INIT("asys_record", struct asys_record);
static struct pool context_pool = POOL_INIT("asys_context", struct asys_context);
static struct list backlogs = LIST_INIT(backlogs); /* interrupts off */
u32 asys_records_most = 1u << 18;
static u32 records_total;

/* ---- Contexts ---- */

int
asys_context_create(struct asys_context **result)
{
    struct asys_context *context = pool_alloc(&context_pool);
    if (!context)
        return -ENOMEM;
    context->references = 1;
    context->plain = true;
    context->space = current_task()->space;
    list_init(&context->completed);
    list_init(&context->active);
    list_init(&context->backlog_link);
    list_init(&context->ring_link);
    list_init(&context->moved);
    wait_queue_init(&context->waiters, "asys_await");
    *result = context;
    return 0;
}

void
asys_context_get(struct asys_context *context)
{
    context->references++;
}

static void
spares_free(struct asys_context *context)
{
    while (context->spares) {
        struct asys_record *record = context->spares;
        context->spares = record->hash_next;
        pool_free(&record_pool, record);
    }
}

static void
context_free(struct asys_context *context)
{
    spares_free(context);
    asys_ring_destroy(context->ring);
    asys_notify_end(context);
    pool_free(&context_pool, context);
}

void
asys_context_put(struct asys_context *context)
{
    ASSERT(context->references > 0);
    if (--context->references == 0 && context->records == 0)
        context_free(context);
}

/* Records that the tick has moved into the ring: it may not release them itself. */
static void
moved_release(struct asys_context *context)
{
    while (unlikely(!list_empty(&context->moved))) {
        struct asys_record *record = list_first(&context->moved, struct asys_record, link);
        {
            INTERRUPTS_OFF_SCOPE();
            list_remove(&record->link);
        }
        asys_record_release(record);
    }
}

void
asys_context_close(struct asys_context *context)
{
    struct asys_record *record;
    asys_context_get(context);
    context->closed = true;
    context->plain = false;
    asys_cancel_context(context, -ECANCELED);
    {
        INTERRUPTS_OFF_SCOPE();
        list_remove(&context->backlog_link);
        list_remove(&context->ring_link);
    }
    moved_release(context);
    while ((record = asys_context_take(context)))
        asys_record_release(record);
    wake_up_all(&context->waiters);
    asys_context_put(context);
}

/* ---- Records ---- */

static inline struct asys_record *
record_take(struct asys_context *context)
{
    struct asys_record *record = context->spares;
    if (unlikely(!record))
        return pool_alloc(&record_pool);
    context->spares = record->hash_next;
    context->spare_count--;
    return record;
}

static bool
limit_reached(const struct task *task)
{
    return task->asys_records >= task->process->limits[LIMIT_CALLS].soft ||
           records_total >= asys_records_most;
}

struct asys_record *
asys_record_create(struct asys_context *context)
{
    struct task *task = current_task();
    if (unlikely(!context->plain)) {
        if (context->closed)
            return NULL;
        moved_release(context);
    }
    if (unlikely(limit_reached(task)))
        return NULL;
    struct asys_record *record = record_take(context);
    if (unlikely(!record))
        return NULL;
    if (unlikely(context->asyncfd != NULL) &&
        !(record->delivery = asyncfd_reserve(context->asyncfd))) {
        pool_free(&record_pool, record);
        return NULL;
    }
    task->asys_records++;
    records_total++;
    context->records++;
    context->in_progress++;
    record->context = context;
    record->task_id = task->tid;
    list_add_tail(&context->active, &record->link);
    return record;
}

u64
asys_id_take(void)
{
    static u64 last;
    return ++last;
}

/* The limit is the submitting thread's, which may have ended. */
static void
task_count_out(u32 tid)
{
    struct task *task = current_task();
    if (unlikely(task->tid != tid))
        task = task_find(tid);
    if (likely(task && task->asys_records > 0))
        task->asys_records--;
}

/* For the next call: see struct asys_record. */
static void
record_clear(struct asys_record *record)
{
    record->call.error = 0;
    record->call.following = NULL;
    record->call.begin = NULL;
    record->flags = record->event_flags = 0;
    record->chain = NULL;
    record->group = NULL;
    record->deadline = 0;
    record->cancel_error = 0;
}

static __attribute__((noinline)) void
record_free(struct asys_context *context, struct asys_record *record)
{
    pool_free(&record_pool, record);
    if (context->records == 0 && context->references == 0)
        context_free(context);
}

void
asys_record_release(struct asys_record *record)
{
    struct asys_context *context = record->context;
    if (unlikely(record->delivery != NULL)) {
        asyncfd_unreserve(context->asyncfd, record->delivery);
        record->delivery = NULL;
    }
    task_count_out(record->task_id);
    records_total--;
    context->records--;
    if (unlikely(context->spare_count >= SPARES_MOST || context->closed)) {
        record_free(context, record);
        return;
    }
    if (unlikely((uintptr_t)record->call.begin | (u32)record->call.error | (u32)record->cancel_error))
        record_clear(record);
    record->hash_next = context->spares;
    context->spares = record;
    context->spare_count++;
}

/* No longer in progress: taken off the list of those that are. Interrupts off. */
static inline void
record_detach(struct asys_record *record)
{
    record->fibril = NULL;
    list_unlink(&record->link);
}

static void
record_count_done(struct asys_record *record)
{
    record->context->in_progress--;
    if (unlikely(record->flags & ASYS_WANT_ID))
        asys_id_remove(record);
}

static void
record_leave(struct asys_record *record)
{
    {
        INTERRUPTS_OFF_SCOPE();
        record_detach(record);
    }
    record_count_done(record);
}

void
asys_record_drop(struct asys_record *record)
{
    struct asys_context *context = record->context;
    record_leave(record);
    wake_up_all(&context->waiters); /* perhaps nothing more will come */
    asys_record_release(record);
}

/* From the list of calls in progress to that of completions. */
static void
completed_add(struct asys_context *context, struct asys_record *record)
{
    INTERRUPTS_OFF_SCOPE();
    record_detach(record);
    list_add_tail(&context->completed, &record->link);
    context->completed_count++;
    if (context->ring && list_empty(&context->backlog_link))
        list_add_tail(&backlogs, &context->backlog_link);
}

/* An asyncfd gets it though the context may be closed: who waits there learns that the call has ended. */
static void
record_deliver(struct asys_record *record)
{
    struct asyncfd_delivery *delivery = record->delivery;
    delivery->result = (struct asyncfd_result){
        .cookie = record->cookie, .obj = record->id, .res = record->result};
    record->delivery = NULL;
    asyncfd_add_result(record->context->asyncfd, delivery);
    asys_record_drop(record);
}

/* Into the ring if there is one with room; the context has been told of. */
static __attribute__((noinline)) void
post_specially(struct asys_context *context, struct asys_record *record)
{
    if (record->delivery) {
        record_deliver(record);
        return;
    }
    if (context->closed) {
        asys_record_drop(record);
        return;
    }
    bool was_empty = asys_context_ready(context) == 0;
    bool stored = context->ring && asys_ring_store(context, record);
    if (stored) {
        record_leave(record);
    } else {
        record_count_done(record); /* before, since the tick may move it on into the ring */
        completed_add(context, record);
    }
    wake_up_all(&context->waiters);
    if (was_empty && asys_notify_wanted(context))
        asys_notify(context);
    if (stored)
        asys_record_release(record);
}

void
asys_record_post(struct asys_record *record, long result)
{
    struct asys_context *context = record->context;
    record->result = (s32)result;
    trace(TRACE_COMPLETE, record->call.number, (u32)result);
    if (unlikely(!context->plain)) {
        post_specially(context, record);
        return;
    }
    record_count_done(record);
    record_detach(record);
    list_add_tail(&context->completed, &record->link);
    context->completed_count++;
    wake_up_all(&context->waiters);
}

void
asys_record_complete(struct call *call, long result)
{
    asys_record_post(container_of(call, struct asys_record, call), result);
}

struct asys_record *
asys_record_of(struct call *call)
{
    if (call->complete != asys_record_complete && call->complete != asys_entry_complete)
        return NULL;
    return container_of(call, struct asys_record, call);
}

/* ---- Collecting ---- */

u32
asys_context_ready(const struct asys_context *context)
{
    return context->completed_count + (context->ring ? asys_ring_ready(context->ring) : 0);
}

static ALWAYS_INLINE struct asys_record *
completed_take(struct asys_context *context)
{
    if (list_empty(&context->completed))
        return NULL;
    struct asys_record *record = list_first(&context->completed, struct asys_record, link);
    list_unlink(&record->link);
    context->completed_count--;
    return record;
}

struct asys_record *
asys_context_take(struct asys_context *context)
{
    if (likely(context->plain))
        return completed_take(context);
    INTERRUPTS_OFF_SCOPE();
    return completed_take(context);
}

void
asys_context_put_back(struct asys_context *context, struct asys_record *record)
{
    {
        INTERRUPTS_OFF_SCOPE();
        list_add_head(&context->completed, &record->link);
        context->completed_count++;
    }
    wake_up_all(&context->waiters);
}

void
asys_backlogs_flush(void)
{
    struct asys_context *context, *following;
    list_for_each_safe(context, following, &backlogs, backlog_link)
        if (asys_ring_flush(context))
            list_remove(&context->backlog_link);
}

/* Nothing more will come: every call in progress sleeps here itself. */
static bool
is_hopeless(const struct asys_context *context)
{
    return context->in_progress == context->awaiting;
}

int
asys_context_wait(struct asys_context *context, u32 least, u64 deadline_ns)
{
    struct call *call = current_fibril()->call;
    const struct asys_record *own = call ? asys_record_of(call) : NULL;
    bool counted = own && own->context == context;
    context->awaiting += counted;
    int error = wait_event_interruptible_until(
        &context->waiters,
        asys_context_ready(context) >= least || is_hopeless(context) || context->closed,
        deadline_ns);
    context->awaiting -= counted;
    return error;
}
