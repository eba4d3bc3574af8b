/* Wait queues: see wait.h. */
#include "kernel/wait.h"
#include "kernel/fibril.h"
#include "kernel/signal.h"
#include "kernel/timer.h"

void
wait_entry_add(struct wait_queue *queue, struct wait_entry *entry)
{
    if (!entry->fibril)
        entry->fibril = current_fibril();
    INTERRUPTS_OFF_SCOPE();
    (entry->shared ? list_add_head : list_add_tail)(&queue->entries, &entry->link);
}

void
wait_entry_remove(struct wait_entry *entry)
{
    INTERRUPTS_OFF_SCOPE();
    list_remove(&entry->link);
}

static bool
entry_wake(struct wait_entry *entry, u32 key)
{
    if (entry->wake)
        return entry->wake(entry, key);
    bool sleeping = entry->fibril->state == FIBRIL_SLEEPING;
    fibril_wake(entry->fibril);
    return sleeping;
}

void
wake_up_all_key(struct wait_queue *queue, u32 key)
{
    struct wait_entry *entry, *following;
    INTERRUPTS_OFF_SCOPE();
    list_for_each_safe(entry, following, &queue->entries, link)
        (void)entry_wake(entry, key);
}

/* The one that is woken goes behind the others: it has had its turn, and the next wake-up need not
 * pass over it. */
bool
wake_up_one_key(struct wait_queue *queue, u32 key)
{
    struct wait_entry *entry, *following;
    INTERRUPTS_OFF_SCOPE();
    list_for_each_safe(entry, following, &queue->entries, link) {
        if (!entry_wake(entry, key) || entry->shared)
            continue;
        list_remove(&entry->link);
        list_add_tail(&queue->entries, &entry->link);
        return true;
    }
    return false;
}

void
wait_queue_end(struct wait_queue *queue)
{
    INTERRUPTS_OFF_SCOPE();
    while (!list_empty(&queue->entries))
        list_remove(queue->entries.next);
}

void
wait_prepare(const char *channel)
{
    struct fibril *self = current_fibril();
    self->wait_channel = channel;
    self->sleeping_since = clock_ticks;
    self->state = FIBRIL_SLEEPING;
    __asm__ volatile("" ::: "memory");
}

void
wait_finish(void)
{
    __asm__ volatile("" ::: "memory");
    current_fibril()->state = FIBRIL_RUNNING;
}

int
wait_sleep(enum wait_kind kind, u64 deadline_ns)
{
    struct fibril *self = current_fibril();
    if (kind != WAIT_UNCANCELLABLE) {
        if (self->cancel_error)
            return self->cancel_error;
        if (self->inline_only)
            return -EAGAIN;
        if (kind == WAIT_INTERRUPTIBLE && self->kind == FIBRIL_USER && signal_pending())
            return -ERESTARTSYS;
    }
    if (deadline_ns && time_now_ns() >= deadline_ns)
        return -ETIMEDOUT;
    if (deadline_ns)
        timer_arm(&self->sleep_timer, deadline_ns);
    schedule(SWITCH_BLOCK);
    if (deadline_ns)
        timer_cancel(&self->sleep_timer);
    return 0;
}

void
fibril_cancel(struct fibril *fibril, int error)
{
    INTERRUPTS_OFF_SCOPE();
    if (!fibril->cancel_error)
        fibril->cancel_error = error;
    fibril_wake(fibril);
}

int
fibril_cancelled(void)
{
    return current_fibril()->cancel_error;
}
