/* Contexts of kernel AIO: io_setup, io_destroy, io_getevents and their ring of events. See aio.h. */
#include "arch.h"
#include "fs/pseudo.h"
#include "gen/syscalls.h"
#include "kernel/async/aio.h"
#include "kernel/async/ring_memory.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/signal.h"
#include "kernel/task.h"
#include "kernel/timer.h"

#define EVENTS_MOST_CONTEXT (0x10000000u / (u32)sizeof(struct io_event)) /* more is nonsense: -EINVAL */
#define EVENTS_MOST 65536u /* asked for by all contexts: Linux's aio-max-nr */
#define EVENTS_AT_ONCE 4u  /* copied together: 128 bytes of stack */
#define HEADER_BYTES ((u32)sizeof(struct aio_ring))
#define BUCKETS 64u

_Static_assert(sizeof(struct aio_ring) == 32 && sizeof(struct io_event) == 32, "ABI");

static struct pool context_pool = POOL_INIT("aio_context", struct aio_context);
static struct aio_context *buckets[BUCKETS]; /* by address space and id */
static u32 events_total; /* as asked for */

static void context_release(struct address_space_part *part);

/* ---- Finding ---- */

static struct aio_context **
bucket_of(const struct address_space *space, u32 id)
{
    return &buckets[((uintptr_t)space / sizeof(*space) + id / PAGE_SIZE) % BUCKETS];
}

static void
bucket_add(struct aio_context *context)
{
    struct aio_context **bucket = bucket_of(context->space, context->id);
    context->hash_next = *bucket;
    *bucket = context;
}

static void
bucket_remove(struct aio_context *context)
{
    struct aio_context **place = bucket_of(context->space, context->id);
    while (*place != context)
        place = &(*place)->hash_next;
    *place = context->hash_next;
}

/* The ring that lies at this address has been moved there (mremap): that is the context's id now. */
static struct aio_context *
find_moved(struct address_space *space, u32 id)
{
    const struct area *area = area_find(space, id);
    struct address_space_part *part;
    if (!area || area->start != id || !area->source || area->source_page != 0)
        return NULL;
    list_for_each(part, &space->parts, link) {
        struct aio_context *context = container_of(part, struct aio_context, part);
        if (part->release != context_release || context->memory != area->source)
            continue;
        bucket_remove(context);
        context->id = id;
        bucket_add(context);
        return context;
    }
    return NULL;
}

int
aio_context_find(u32 id, struct aio_context **result)
{
    struct address_space *space = current_task()->space;
    struct aio_context *context = *bucket_of(space, id);
    while (context && (context->space != space || context->id != id))
        context = context->hash_next;
    if (!context)
        context = find_moved(space, id);
    if (!context)
        return -EINVAL;
    context->references++;
    *result = context;
    return 0;
}

static void
context_hide(struct aio_context *context)
{
    bucket_remove(context);
    list_remove(&context->part.link);
    context->closed = true;
    wake_up_all(&context->waiters);
}

void
aio_context_put(struct aio_context *context)
{
    ASSERT(context->references > 0);
    if (--context->references > 0)
        return;
    ASSERT(context->in_progress == 0);
    events_total -= context->events;
    map_source_put(context->memory);
    pool_free(&context_pool, context);
}

/* ---- The ring ---- */

/* How many events the program has not read. Its head may be anything. */
static u32
ring_unread(const struct aio_context *context)
{
    u32 head = context->header->head % context->slots;
    return context->tail >= head ? context->tail - head : context->tail + context->slots - head;
}

u32
aio_context_room(const struct aio_context *context)
{
    u32 used = ring_unread(context) + context->events_due;
    return used < context->slots - 1 ? context->slots - 1 - used : 0;
}

static struct io_event *
ring_event(const struct aio_context *context, u32 index)
{
    return ring_memory_at(context->memory, HEADER_BYTES + index * (u32)sizeof(struct io_event));
}

void
aio_context_store(struct aio_context *context, const struct io_event *event)
{
    *ring_event(context, context->tail) = *event;
    context->tail = context->tail + 1 < context->slots ? context->tail + 1 : 0;
    memory_barrier();
    context->header->tail = context->tail;
}

static void
header_init(struct aio_context *context)
{
    context->header = ring_memory_at(context->memory, 0);
    context->header->nr = context->slots;
    context->header->magic = AIO_RING_MAGIC;
    context->header->compat_features = 1;
    context->header->header_length = HEADER_BYTES;
}

/* ---- io_setup, io_destroy ---- */

/* The address space ends: its tasks have left it, and with them all requests. */
static void
context_release(struct address_space_part *part)
{
    struct aio_context *context = container_of(part, struct aio_context, part);
    context_hide(context);
    aio_context_put(context);
}

/* One slot of the ring always stays free. */
static int
context_create(u32 events, struct aio_context **result)
{
    struct aio_context *context = pool_alloc(&context_pool);
    if (!context)
        return -ENOMEM;
    context->bytes = ALIGN_UP(HEADER_BYTES + (events + 1) * (u32)sizeof(struct io_event), PAGE_SIZE);
    int error = ring_memory_create(context->bytes, &context->memory, &context->id);
    if (error) {
        pool_free(&context_pool, context);
        return error;
    }
    context->slots = (context->bytes - HEADER_BYTES) / (u32)sizeof(struct io_event);
    context->references = 1;
    context->space = current_task()->space;
    context->part.release = context_release;
    list_init(&context->active);
    wait_queue_init(&context->waiters, "io_getevents");
    header_init(context);
    context->events = events;
    events_total += events;
    bucket_add(context);
    list_add_tail(&context->space->parts, &context->part.link);
    *result = context;
    return 0;
}

/* Cancels what is in progress and waits for its end; -EINVAL when another did so before. */
static int
context_destroy(struct aio_context *context)
{
    if (context->closed)
        return -EINVAL;
    context_hide(context);
    aio_context_cancel(context);
    int error = wait_event_killable(&context->waiters, context->in_progress == 0);
    if (current_task()->space == context->space)
        ring_memory_unmap(context->memory, context->id, context->bytes);
    aio_context_put(context);
    return error;
}

long
sys_io_setup(u32 events, u32 USER *user_id)
{
    struct aio_context *context;
    u32 id;
    int error = copy_from_user(&id, user_id, sizeof(id));
    if (error)
        return error;
    if (id || !events || events > EVENTS_MOST_CONTEXT)
        return -EINVAL;
    if (events > EVENTS_MOST || events_total > EVENTS_MOST - events)
        return -EAGAIN;
    error = context_create(events, &context);
    if (error)
        return error;
    error = copy_to_user(user_id, &context->id, sizeof(context->id));
    if (error)
        (void)context_destroy(context);
    return error;
}

long
sys_io_destroy(u32 id)
{
    struct aio_context *context;
    int error = aio_context_find(id, &context);
    if (error)
        return error;
    error = context_destroy(context);
    aio_context_put(context);
    return error;
}

/* ---- io_getevents ---- */

/* Copies out what is there, up to `most`. Events leave the ring only once they have been copied: when
 * another reader, or the program itself, has moved the head meanwhile, the copy is made again. */
static long
events_copy(struct aio_context *context, struct io_event USER *user, u32 most)
{
    u32 total = 0;
    while (total < most && ring_unread(context) > 0) {
        struct io_event events[EVENTS_AT_ONCE];
        u32 seen = context->header->head, taken = context->taken, first = seen % context->slots;
        u32 count = MIN(MIN(ring_unread(context), context->slots - first),
                        MIN(most - total, EVENTS_AT_ONCE));
        for (u32 i = 0; i < count; i++)
            events[i] = *ring_event(context, first + i);
        int error = copy_to_user(user + total, events, count * sizeof(events[0]));
        if (!error)
            error = schedule_point();
        if (error)
            return total ? (long)total : error;
        if (context->header->head != seen || context->taken != taken)
            continue;
        context->header->head = (first + count) % context->slots;
        context->taken += count;
        total += count;
    }
    return total;
}

static long
events_wait(struct aio_context *context, u32 least, u32 most, struct io_event USER *user, u64 deadline)
{
    u32 total = 0;
    for (;;) {
        long count = events_copy(context, user + total, most - total);
        if (count < 0)
            return total ? (long)total : count;
        total += (u32)count;
        if (total >= least)
            return total;
        u32 wanted = MIN(least - total, context->slots - 1);
        int error = wait_event_interruptible_until(
            &context->waiters, ring_unread(context) >= wanted || context->closed, deadline);
        if (!error && ring_unread(context) < wanted)
            error = -EINVAL; /* closed */
        if (!error)
            continue;
        count = events_copy(context, user + total, most - total);
        total += count > 0 ? (u32)count : 0;
        return total || error == -ETIMEDOUT ? (long)total : signal_call_interrupted(error, deadline);
    }
}

struct time_limit {
    bool given;
    u64 relative_ns;
};

static long
events_get(u32 id, long least, long most, void USER *user, const struct time_limit *limit)
{
    struct aio_context *context;
    int error = aio_context_find(id, &context);
    if (error)
        return error;
    long count = -EINVAL;
    if (least >= 0 && least <= most) {
        bool wait = !limit->given || limit->relative_ns > 0;
        u64 deadline = limit->given && wait ? signal_call_deadline(limit->relative_ns) : 0;
        count = events_wait(context, wait ? (u32)least : 0, (u32)most, user, deadline);
    }
    aio_context_put(context);
    return count;
}

static int
time_limit_make(struct time_limit *limit, s64 seconds, s32 nanoseconds)
{
    if (seconds < 0 || nanoseconds < 0 || nanoseconds >= 1000000000)
        return -EINVAL;
    limit->given = true;
    limit->relative_ns = (u64)MIN(seconds, (s64)0x1ffffffff) * 1000000000u + (u32)nanoseconds;
    return 0;
}

static int
time_limit_take(struct time_limit *limit, const void USER *user, bool wide)
{
    s32 words[4];
    *limit = (struct time_limit){.given = false};
    if (!user)
        return 0;
    if (copy_from_user(words, user, wide ? 16 : 8))
        return -EFAULT;
    return wide ? time_limit_make(limit, (s64)((u64)(u32)words[1] << 32 | (u32)words[0]), words[2])
                : time_limit_make(limit, words[0], words[1]);
}

long
sys_io_getevents(u32 id, long least, long most, void USER *events, const void USER *timeout)
{
    struct time_limit limit;
    int error = time_limit_take(&limit, timeout, false);
    return error ? error : events_get(id, least, most, events, &limit);
}

struct user_mask { /* struct __aio_sigset */
    u32 mask, bytes;
};

/* The mask holds until the return to user mode; a background call has none to change. */
static int
mask_take(const void USER *user)
{
    struct user_mask given;
    signal_set mask;
    if (!user)
        return 0;
    if (copy_from_user(&given, user, sizeof(given)))
        return -EFAULT;
    if (!given.mask)
        return 0;
    if (given.bytes != sizeof(mask))
        return -EINVAL;
    if (copy_from_user(&mask, (const void USER *)(uintptr_t)given.mask, sizeof(mask)))
        return -EFAULT;
    if (current_fibril()->kind == FIBRIL_USER)
        signal_set_mask_until_return(mask);
    return 0;
}

static long
events_get_masked(u32 id, long least, long most, void USER *events, const struct time_limit *limit,
                  const void USER *mask)
{
    long count = mask_take(mask);
    if (count)
        return count;
    count = events_get(id, least, most, events, limit);
    if (count != -ERESTARTNOHAND)
        signal_set_mask_back();
    return count;
}

long
sys_io_pgetevents(u32 id, long least, long most, void USER *events, const void USER *timeout,
                  const void USER *mask)
{
    struct time_limit limit;
    int error = time_limit_take(&limit, timeout, false);
    return error ? error : events_get_masked(id, least, most, events, &limit, mask);
}

long
sys_io_pgetevents_time64(u32 id, long least, long most, void USER *events,
                         const void USER *timeout, const void USER *mask)
{
    struct time_limit limit;
    int error = time_limit_take(&limit, timeout, true);
    return error ? error : events_get_masked(id, least, most, events, &limit, mask);
}

/* ---- /proc/sys/fs/aio-max-nr and aio-nr ---- */

static void
show_most(struct text_buffer *text)
{
    text_print(text, "%u\n", EVENTS_MOST);
}

static void
show_total(struct text_buffer *text)
{
    text_print(text, "%u\n", events_total);
}

void
aio_init(void)
{
    static struct proc_file most = {.name = "sys/fs/aio-max-nr", .show = show_most};
    static struct proc_file total = {.name = "sys/fs/aio-nr", .show = show_total};
    proc_register(&most);
    proc_register(&total);
}
