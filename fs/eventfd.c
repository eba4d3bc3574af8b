/* eventfd: see eventfd.h. Called by eventfd's handlers and by read, write and poll. A read takes
 * the whole counter, or 1 with `semaphore`; it waits while there is nothing, a write while there
 * is no room below EVENT_FULL. What was taken and could not be copied out is put back. */
#include "fs/eventfd.h"

#include "fs/anonymous.h"
#include "fs/file.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/wait.h"

#define EVENT_FULL 0xffffffffffffffffull /* eventfd(2): no write may bring it there */

struct eventfd {
    u64 count; /* changed without sleeping */
    bool semaphore;
    struct wait_queue readable, writable;
};

static struct pool eventfd_pool = POOL_INIT("eventfd", struct eventfd);

static void
count_add(struct eventfd *event, u64 value)
{
    event->count = MIN(value, EVENT_FULL - event->count) + event->count;
    if (event->count > 0)
        wake_up_one_key(&event->readable, POLL_KEY_INPUT);
}

static u64
count_take(struct eventfd *event)
{
    u64 value = event->semaphore ? 1 : event->count;

    event->count -= value;
    wake_up_all_key(&event->writable, POLL_OUTPUT); /* each may need other room */
    return value;
}

static int
eventfd_read(struct file *file, struct iter *iter, u64 *position)
{
    struct eventfd *event = file->private;
    bool waits = event->count == 0;
    u64 value;
    int error = 0;

    if (iter->left < sizeof value)
        return -EINVAL;
    if (waits && file->flags & OPEN_NONBLOCK)
        return -EAGAIN;
    if (waits)
        error = wait_event_interruptible(&event->readable, event->count > 0);
    if (error)
        return error;
    value = count_take(event);
    error = iter_put(iter, &value, sizeof value);
    if (error)
        count_add(event, value);
    if (waits && event->count > 0)
        wake_up_one_key(&event->readable, POLL_KEY_INPUT);
    return error;
}

static int
eventfd_write(struct file *file, struct iter *iter, u64 *position)
{
    struct eventfd *event = file->private;
    u64 value;
    int error;

    if (iter->left < sizeof value)
        return -EINVAL;
    error = iter_take(iter, &value, sizeof value);
    if (!error && value == EVENT_FULL)
        error = -EINVAL;
    if (!error && value >= EVENT_FULL - event->count) {
        if (file->flags & OPEN_NONBLOCK)
            error = -EAGAIN;
        else
            error = wait_event_interruptible(&event->writable, value < EVENT_FULL - event->count);
    }
    if (error) {
        iter->done = 0; /* it has been read, but nothing was written */
        return error;
    }
    count_add(event, value);
    return 0;
}

static u32
eventfd_poll(struct file *file, struct poll_table *table)
{
    struct eventfd *event = file->private;
    u32 events = 0;

    if (table) {
        table->add(table, &event->readable);
        table->add(table, &event->writable);
    }
    if (event->count > 0)
        events |= POLL_IN;
    if (event->count == EVENT_FULL)
        events |= POLL_ERROR;
    if (event->count < EVENT_FULL - 1)
        events |= POLL_OUT;
    return events;
}

static void
eventfd_release(struct file *file)
{
    pool_free(&eventfd_pool, file->private);
}

static const struct file_ops eventfd_ops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
    .stream = true,
};

int
eventfd_create(u32 count, bool semaphore, u32 flags, struct file **file)
{
    struct eventfd *event = pool_alloc(&eventfd_pool);
    int error;

    if (!event)
        return -ENOMEM;
    event->count = count;
    event->semaphore = semaphore;
    wait_queue_init(&event->readable, "eventfd read");
    wait_queue_init(&event->writable, "eventfd write");
    error = anonymous_file_create(&eventfd_ops, flags, event, file);
    if (error)
        pool_free(&eventfd_pool, event);
    return error;
}

bool
file_is_eventfd(const struct file *file)
{
    return file->ops == &eventfd_ops;
}

void
eventfd_add(struct file *file, u64 value)
{
    count_add(file->private, value);
}
