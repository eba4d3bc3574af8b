/* asys_context, asys_enter, asys_collect and asys_cancel: contexts as files. Descriptor -1 means the
 * thread's own context, which asys_submit uses. */
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "gen/syscalls.h"
#include "kernel/async/asys.h"
#include "kernel/async/context.h"
#include "kernel/async/entry.h"
#include "kernel/async/notify.h"
#include "kernel/async/ring.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/signal.h"
#include "kernel/task.h"

#define SETUP_FLAGS                                                                                \
    (ASYS_SETUP_RINGS | ASYS_SETUP_POLL | ASYS_SETUP_SIGNAL | ASYS_SETUP_EVENTFD |                 \
     ASYS_SETUP_ASYNCFD)
#define EVENTS_AT_ONCE 7 /* copied out together: 224 bytes of stack */

/* ---- The file ---- */

static u32
context_poll(struct file *file, struct poll_table *table)
{
    struct asys_context *context = file->private;
    if (table)
        table->add(table, &context->waiters);
    return asys_context_ready(context) ? POLL_IN | POLL_RDNORM : 0;
}

static void
context_last_close(struct file *file)
{
    asys_context_close(file->private);
}

static void
context_release(struct file *file)
{
    struct asys_context *context = file->private;
    if (!context->closed)
        asys_context_close(context);
    asys_context_put(context);
}

static const struct file_ops context_ops = {
    .poll = context_poll,
    .last_close = context_last_close,
    .release = context_release,
    .stream = true,
    .stays_in_process = true,
};

/* The context behind a descriptor, referenced by its file or, for -1, by the task. */
static int
context_find(int fd, struct asys_context **context, struct file **file)
{
    *file = NULL;
    if (fd == -1) {
        *context = asys_context_of(current_task());
        return *context ? 0 : -EAGAIN;
    }
    int error = descriptor_file(fd, file);
    if (error)
        return error;
    if ((*file)->ops != &context_ops) {
        file_put(*file);
        return -EINVAL;
    }
    *context = (*file)->private;
    if ((*context)->space == current_task()->space)
        return 0;
    file_put(*file); /* the descriptors are shared with a process of other memory */
    return -EINVAL;
}

static void
context_leave(struct file *file)
{
    if (file)
        file_put(file);
}

/* ---- Rings: picked up at every return to user mode, or by a fibril of their own ---- */

struct ring_source {
    struct entry_source source;
    struct ring *ring;
    u32 left; /* of those that were there at the beginning */
};

static int
ring_next(struct entry_source *source, struct asys_entry *entry)
{
    struct ring_source *from = container_of(source, struct ring_source, source);
    if (from->left == 0 || asys_ring_waiting(from->ring) == 0) /* another thread takes some, too */
        return BATCH_END;
    source->last = --from->left == 0;
    asys_ring_take(from->ring, entry);
    return 0;
}

static void
ring_give_back(struct entry_source *source)
{
    asys_ring_give_back(container_of(source, struct ring_source, source)->ring);
}

static void
ring_tell_id(struct entry_source *source, u32 index, u64 id)
{
    (void)index;
    asys_ring_tell_id(container_of(source, struct ring_source, source)->ring, id);
}

static void
ring_pick_up(struct asys_context *context)
{
    u32 waiting = asys_ring_waiting(context->ring);
    struct ring_source from = {
        .source = {.next = ring_next, .give_back = ring_give_back, .tell_id = ring_tell_id},
        .ring = context->ring,
        .left = waiting};
    if (waiting > 0)
        (void)asys_entries_run(context, &from.source); /* what failed is left in the ring */
}

static void
look_end(struct task *task)
{
    INTERRUPTS_OFF_SCOPE();
    task->look = NULL;
    if (!task->flush)
        task->return_work &= ~WORK_LOOK;
}

/* A task's look at each return to user mode: all rings of its process. */
static void
rings_look(void)
{
    static u32 round;
    struct task *task = current_task();
    struct asys_context *context;
    if (list_empty(&task->process->asys_rings))
        look_end(task);
    round++;
again:
    list_for_each(context, &task->process->asys_rings, ring_link) {
        if (context->look_round == round || asys_ring_waiting(context->ring) == 0 ||
            context->space != task->space)
            continue;
        context->look_round = round;
        asys_context_get(context);
        ring_pick_up(context);
        asys_context_put(context);
        goto again; /* what the entries did may have closed any of them */
    }
}

static int ring_poll_start(struct task *task, struct asys_context *context);

/* The poller's thread ends: another one of the process goes on, if there is one and memory for it.
 * Otherwise entries are still picked up at returns to user mode. */
static void
ring_poll_elsewhere(struct asys_context *context)
{
    struct task *self = current_task(), *other = asys_other_thread(self);
    if (other && !context->closed && !self->process->exiting && !self->process->execing)
        (void)ring_poll_start(other, context);
}

static void
ring_poller(void *argument)
{
    struct asys_context *context = argument;
    static struct wait_queue never = WAIT_QUEUE_INIT(never, "asys_poll");
    while (!context->closed && !fibril_cancelled()) {
        ring_pick_up(context);
        (void)wait_event_killable_until(&never, context->closed, time_now_ns() + TICK_NS);
    }
    ring_poll_elsewhere(context);
    asys_context_put(context);
}

static int
ring_poll_start(struct task *task, struct asys_context *context)
{
    struct fibril *poller = fibril_create(task, FIBRIL_CALL, ring_poller, context);
    if (!poller)
        return -EAGAIN;
    asys_context_get(context);
    fibril_start(poller);
    return 0;
}

static void
looks_start(struct process *process)
{
    struct task *task;
    INTERRUPTS_OFF_SCOPE();
    list_for_each(task, &process->tasks, process_link) {
        task->look = rings_look;
        task->return_work |= WORK_LOOK;
    }
}

/* An error leaves the rings to the end of their context, but shown no longer. */
static int
rings_start(struct asys_context *context, struct asys_setup *setup)
{
    struct task *task = current_task();
    int error = asys_ring_create(context, setup);
    if (error)
        return error;
    if (setup->flags & ASYS_SETUP_POLL)
        error = ring_poll_start(task, context);
    if (error) {
        asys_ring_hide(context->ring);
        return error;
    }
    list_add_tail(&task->process->asys_rings, &context->ring_link);
    looks_start(task->process);
    return 0;
}

/* ---- asys_context ---- */

static int
context_make(struct asys_setup *setup, struct asys_context **result)
{
    struct asys_context *context;
    if (setup->flags & ~SETUP_FLAGS || setup->reserved ||
        (setup->flags & ASYS_SETUP_POLL && !(setup->flags & ASYS_SETUP_RINGS)))
        return -EINVAL;
    int error = asys_context_create(&context);
    if (error)
        return error;
    error = asys_notify_init(context, setup);
    if (!error && setup->flags & ASYS_SETUP_RINGS)
        error = rings_start(context, setup);
    if (error) {
        context->closed = true;
        context->plain = false;
        asys_context_put(context);
        return error;
    }
    *result = context;
    return 0;
}

/* Tells the setup and gives the file a descriptor; in any case the file is no longer the caller's. */
static int
context_install(struct file *file, const struct asys_setup *setup, void USER *user_setup, int *fd)
{
    int error = user_setup ? copy_to_user(user_setup, setup, sizeof(*setup)) : 0;
    if (error) {
        file_put(file);
        return error;
    }
    return descriptor_install(current_task()->files, file, 0, true, fd);
}

long
sys_asys_context(void USER *user_setup)
{
    struct asys_setup setup = {.flags = 0};
    struct asys_context *context;
    struct file *file;
    int fd, error = user_setup ? copy_from_user(&setup, user_setup, sizeof(setup)) : 0;
    if (!error)
        error = context_make(&setup, &context);
    if (error)
        return error;
    asys_context_get(context);
    error = file_create(NULL, &context_ops, OPEN_READ_WRITE, context, &file);
    if (error) {
        asys_context_close(context);
        asys_context_put(context);
    } else {
        error = context_install(file, &setup, user_setup, &fd);
    }
    if (error && context->ring)
        asys_ring_hide(context->ring);
    asys_context_put(context);
    return error ? error : fd;
}

/* ---- asys_enter ---- */

struct array_source {
    struct entry_source source;
    struct asys_entry USER *entries;
    unsigned long index, count;
};

static int
array_next(struct entry_source *source, struct asys_entry *entry)
{
    struct array_source *from = container_of(source, struct array_source, source);
    if (from->index == from->count)
        return BATCH_END;
    int error = copy_from_user(entry, &from->entries[from->index], sizeof(*entry));
    if (!error)
        source->last = ++from->index == from->count;
    return error;
}

static void
array_tell_id(struct entry_source *source, u32 index, u64 id)
{
    struct array_source *from = container_of(source, struct array_source, source);
    (void)!copy_to_user(&from->entries[index].id, &id, sizeof(id));
}

long
sys_asys_enter(int fd, void USER *entries, unsigned long count)
{
    struct asys_context *context;
    struct file *file;
    struct array_source from = {
        .source = {.next = array_next, .tell_id = array_tell_id}, .entries = entries, .count = count};
    int error = context_find(fd, &context, &file);
    if (error)
        return error;
    long taken = asys_entries_run(context, &from.source);
    context_leave(file);
    return taken;
}

/* ---- asys_collect ---- */

static u32
events_take(struct asys_context *context, struct asys_record **records,
            struct asys_event *events, u32 most)
{
    u32 count = 0;
    while (count < MIN(most, (u32)EVENTS_AT_ONCE) &&
           (records[count] = asys_context_take(context))) {
        const struct asys_record *r = records[count];
        events[count++] = (struct asys_event){r->cookie, r->id, r->result, r->event_flags, 0};
    }
    return count;
}

/* Copies out what is there, a few at a time; what could not be copied is put back, in order. */
static long
events_copy(struct asys_context *context, struct asys_event USER *user, u32 most)
{
    u32 total = 0;
    int error = 0;
    while (total < most && !error) {
        struct asys_record *records[EVENTS_AT_ONCE];
        struct asys_event events[EVENTS_AT_ONCE];
        u32 count = events_take(context, records, events, most - total);
        if (count == 0)
            break;
        error = copy_to_user(user + total, events, count * sizeof(events[0]));
        for (u32 i = count; i-- > 0;)
            if (error)
                asys_context_put_back(context, records[i]);
            else
                asys_record_release(records[i]);
        total += error ? 0 : count;
    }
    return total ? (long)total : error;
}

static int
wait_read(const struct asys_wait USER *user, struct asys_wait *wait, u64 *deadline)
{
    *wait = (struct asys_wait){.timeout = ~0ull, .least = 1, .most = 1};
    int error = user ? copy_from_user(wait, user, sizeof(*wait)) : 0;
    if (error)
        return error;
    if (wait->least > wait->most || wait->flags & ~ASYS_WAIT_ABSOLUTE)
        return -EINVAL;
    u64 now = time_now_ns();
    *deadline = wait->timeout == ~0ull                                        ? 0
                : wait->flags & ASYS_WAIT_ABSOLUTE || wait->timeout > ~0ull - now ? wait->timeout
                                                                              : now + wait->timeout;
    if (wait->timeout != ~0ull && *deadline == 0)
        *deadline = 1;
    return 0;
}

/* As in ppoll: for the time of the wait; without effect in a background call. */
static int
wait_mask(const struct asys_wait *wait)
{
    signal_set mask;
    if (!wait->mask)
        return 0;
    int error = copy_from_user(&mask, (const void USER *)(uintptr_t)wait->mask, sizeof(mask));
    if (!error && current_fibril()->kind == FIBRIL_USER)
        signal_set_mask_until_return(mask);
    return error;
}

/* With a ring the program takes the completions itself: how many there are for it. */
static long
ring_count(struct asys_context *context, u32 most)
{
    {
        INTERRUPTS_OFF_SCOPE();
        (void)asys_ring_flush(context);
    }
    return MIN(asys_ring_ready(context->ring), most);
}

long
sys_asys_collect(int fd, void USER *events, const void USER *user_wait)
{
    struct asys_context *context;
    struct asys_wait wait;
    struct file *file;
    u64 deadline;
    int error = wait_read(user_wait, &wait, &deadline);
    if (!error)
        error = wait_mask(&wait);
    if (!error)
        error = context_find(fd, &context, &file);
    if (error)
        return error;
    if (context->ring)
        ring_pick_up(context);
    if (wait.least > 0)
        error = asys_context_wait(context, wait.least, deadline);
    long count = context->ring ? ring_count(context, wait.most)
                               : events_copy(context, events, wait.most);
    if (count == 0 && wait.least > 0)
        count = error == -ERESTARTSYS ? -EINTR
                : error == -ETIMEDOUT ? 0
                : error               ? error
                                      : (context->closed ? -EBADF : -EDEADLK);
    context_leave(file);
    return count;
}

/* ---- asys_cancel ---- */

long
sys_asys_cancel(int fd, u32 what, u32 id_low, u32 id_high)
{
    struct asys_context *context;
    struct file *file;
    long count = -EINVAL;
    int error = context_find(fd, &context, &file);
    if (error)
        return error;
    if (what == ASYS_CANCEL_ID)
        count = asys_cancel_id(context, (u64)id_high << 32 | id_low) ? 1 : -ENOENT;
    else if (what == ASYS_CANCEL_CONTEXT)
        count = asys_cancel_context(context, -ECANCELED);
    else if (what == ASYS_CANCEL_ALL)
        count = asys_cancel_task(current_task());
    context_leave(file);
    return count;
}
