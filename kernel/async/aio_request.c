/* Requests of kernel AIO from their start to their end: the sink, cancelling (io_cancel, io_abandon),
 * signals, and lists. See aio.h. */
#include "kernel/async/aio.h"
#include "arch.h"
#include "fs/file.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/futex.h"
#include "kernel/heap.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/task.h"
#include "kernel/trace.h"

#define BUCKETS 1024u

/* One who cancels requests and waits for their ends; one at a time on a context. */
struct aio_abandon {
    u32 left, cancelled;
};

static struct pool request_pool = POOL_INIT("aio_request", struct aio_request);
static struct aio_request *buckets[BUCKETS]; /* in progress, by the iocb's address; interrupts off */

/* ---- Making and forgetting ---- */

struct aio_request *
aio_request_create(struct aio_context *context, bool wants_slot)
{
    if (context->closed || (wants_slot && aio_context_room(context) == 0))
        return NULL;
    struct aio_request *request = pool_alloc(&request_pool);
    if (!request)
        return NULL;
    list_init(&request->link);
    request->context = context;
    request->call.complete = aio_request_complete;
    context->references++;
    context->in_progress++;
    context->events_due += wants_slot;
    if (!wants_slot)
        request->flags = IOCB_FLAG_STATUS;
    return request;
}

/* Counted out; whoever waits on the context looks again. */
static void
request_free(struct aio_request *request)
{
    struct aio_context *context = request->context;
    context->in_progress--;
    context->ended++;
    wake_up_all(&context->waiters);
    aio_context_put(context);
    pool_free(&request_pool, request);
}

void
aio_request_forget(struct aio_request *request)
{
    request->context->events_due -= !(request->flags & IOCB_FLAG_STATUS);
    aio_result_file_drop(&request->result_file);
    aio_signal_drop(&request->signal);
    request_free(request);
}

static struct aio_request **
bucket_of(u32 iocb)
{
    return &buckets[iocb / 16 % BUCKETS];
}

void
aio_request_begin(struct aio_request *request)
{
    struct aio_request **bucket = bucket_of(request->iocb);
    trace(TRACE_SUBMIT, request->call.number, (u32)request->data);
    if (request->context->closed && !request->call.error)
        request->call.error = -ECANCELED;
    INTERRUPTS_OFF_SCOPE();
    request->fibril = current_fibril();
    list_add_tail(&request->context->active, &request->link);
    request->hash_next = *bucket;
    *bucket = request;
}

static void
request_leave(struct aio_request *request)
{
    struct aio_request **place = bucket_of(request->iocb);
    INTERRUPTS_OFF_SCOPE();
    request->fibril = NULL;
    list_remove(&request->link);
    while (*place != request)
        place = &(*place)->hash_next;
    *place = request->hash_next;
}

/* ---- The end ---- */

/* The result goes to memory of the program; what is wrong with that is the program's own affair. */
static void
status_write(struct aio_request *request, s64 result)
{
    u32 address = (u32)request->data, done = 1, wake, count;
    struct aio_status USER *status = (struct aio_status USER *)(uintptr_t)address;
    if (copy_to_user(&status->result, &result, sizeof(result)) ||
        copy_from_user(&wake, &status->wake, sizeof(wake)) ||
        copy_to_user(&status->done, &done, sizeof(done)) || !wake)
        return;
    if (copy_from_user(&count, (const void USER *)(uintptr_t)wake, sizeof(count)))
        return;
    count++;
    if (!copy_to_user((void USER *)(uintptr_t)wake, &count, sizeof(count)))
        (void)futex_wake(wake, true, 0x7fffffff, FUTEX_ANY);
}

void
aio_request_complete(struct call *call, long result)
{
    struct aio_request *request = container_of(call, struct aio_request, call);
    struct io_event event = {.data = request->data, .obj = request->iocb, .res = result};
    trace(TRACE_COMPLETE, call->number, (u32)result);
    request_leave(request);
    if (request->abandon) {
        request->abandon->left--;
        request->abandon->cancelled += result == -ECANCELED;
    }
    if (request->flags & IOCB_FLAG_STATUS) {
        status_write(request, result);
    } else {
        aio_context_store(request->context, &event);
        request->context->events_due--;
    }
    aio_result_file_tell(&request->result_file, &event);
    aio_signal_send(&request->signal);
    if (request->list)
        aio_list_done(request->list);
    request_free(request);
}

/* ---- Cancelling ---- */

static void
request_cancel(struct aio_request *request)
{
    if (request->fibril && request->fibril != current_fibril())
        fibril_cancel(request->fibril, -ECANCELED);
}

void
aio_context_cancel(struct aio_context *context)
{
    struct aio_request *request;
    INTERRUPTS_OFF_SCOPE();
    list_for_each(request, &context->active, link)
        request_cancel(request);
}

/* The request is told to end; its event comes as that of any other. */
long
sys_io_cancel(u32 id, void USER *iocb, void USER *result)
{
    struct aio_context *context;
    u32 key;
    (void)result; /* of Linux 2.5; unused since 3.11 */
    if (copy_from_user(&key, &((struct iocb USER *)iocb)->aio_key, sizeof(key)))
        return -EFAULT;
    int error = key ? -EINVAL : aio_context_find(id, &context);
    if (error)
        return error;
    error = -EINVAL;
    {
        INTERRUPTS_OFF_SCOPE();
        struct aio_request *request = *bucket_of((u32)(uintptr_t)iocb);
        while (request && (request->iocb != (u32)(uintptr_t)iocb || request->context != context))
            request = request->hash_next;
        if (request) {
            request_cancel(request);
            error = -EINPROGRESS;
        }
    }
    aio_context_put(context);
    return error;
}

/* ---- io_abandon, for aio_cancel(3): cancels and waits ---- */

static bool
is_meant(const struct aio_request *request, int descriptor, u32 iocb)
{
    return request->descriptor == descriptor && (!iocb || request->iocb == iocb) &&
           request->fibril != current_fibril();
}

static void
abandon_begin(struct aio_context *context, int descriptor, u32 iocb, struct aio_abandon *abandon)
{
    struct aio_request *request;
    INTERRUPTS_OFF_SCOPE();
    list_for_each(request, &context->active, link) {
        if (!is_meant(request, descriptor, iocb))
            continue;
        request->abandon = abandon;
        abandon->left++;
        request_cancel(request);
    }
}

/* Who waits is leaving before all have ended. */
static void
abandon_forget(struct aio_context *context)
{
    struct aio_request *request;
    list_for_each(request, &context->active, link)
        request->abandon = NULL;
}

long
sys_io_abandon(u32 id, int descriptor, void USER *iocb)
{
    struct aio_context *context;
    struct aio_abandon abandon = {0, 0};
    int error = aio_context_find(id, &context);
    if (error)
        return error;
    error = wait_event_killable(&context->waiters, !context->abandoning);
    if (!error) {
        context->abandoning = true;
        abandon_begin(context, descriptor, (u32)(uintptr_t)iocb, &abandon);
        u32 found = abandon.left;
        error = wait_event_killable(&context->waiters, abandon.left == 0);
        abandon_forget(context);
        context->abandoning = false;
        wake_up_all(&context->waiters);
        if (!error)
            error = found == 0                   ? AIO_ABANDON_ALL_DONE
                    : abandon.cancelled == found ? AIO_ABANDON_CANCELED
                                                 : AIO_ABANDON_NOT_CANCELED;
    }
    aio_context_put(context);
    return error;
}

static bool
is_behind(const struct aio_request *request)
{
    const struct aio_request *other;
    list_for_each(other, &request->context->active, link) {
        if (other == request)
            return false;
        if (other->descriptor == request->descriptor)
            return true;
    }
    return false;
}

int
aio_request_wait_before(struct aio_request *request)
{
    struct aio_context *context = request->context;
    int error = 0;
    while (!error && is_behind(request)) {
        u32 ended = context->ended;
        error = wait_event_killable(&context->waiters, context->ended != ended);
    }
    return error;
}
