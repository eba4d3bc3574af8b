/* Heads: see head.h.
 *
 * A slot that is 0 is free. The kernel claims the slot at kernel_ring_idx by one compare-and-exchange,
 * and then advances the index: a completion is never written over another, whatever the program does to
 * its ring, and two sinks of which one faults in between do not meet in one slot. What finds no room is
 * kept, in order, and moved on at each completion, at each async_wait and, while there is any, at each
 * return to user mode: a program that only looks at its ring sees it come. */
#include "kernel/async/head.h"
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/task.h"

#define SLOT_BYTES 4u

_Static_assert(sizeof(struct syslet_uatom) == 80 && sizeof(struct async_head_user) == 64, "ABI");
_Static_assert(offsetof(struct syslet_uatom, arg_ptr) == SYSLET_HEADER_BYTES, "ABI");

static struct pool heads_pool = POOL_INIT("async_heads", struct async_heads);
static struct pool head_pool = POOL_INIT("async_head", struct async_head);

/* ---- Finding them ---- */

struct async_heads *
async_heads_of_current(void)
{
    return current_task()->process->async_heads;
}

static struct async_heads *
heads_make(void)
{
    struct process *process = current_task()->process;
    if (likely(process->async_heads != NULL))
        return process->async_heads;
    struct async_heads *heads = pool_alloc(&heads_pool);
    if (heads) {
        list_init(&heads->heads);
        list_init(&heads->spares);
    }
    return process->async_heads = heads;
}

static bool
is_idle(const struct async_head *head)
{
    return head->in_progress == 0 && head->kept_count == 0 && head->waiters_count == 0;
}

/* The one at this address, moved to the front, or one that is not in use any more, or NULL. */
static struct async_head *
head_find(struct async_heads *heads, u32 address)
{
    struct async_head *head, *idle = NULL;
    list_for_each(head, &heads->heads, link) {
        if (head->address == address)
            return head;
        if (is_idle(head))
            idle = head;
    }
    if (idle)
        idle->address = address;
    return idle;
}

static struct async_head *
head_create(struct async_heads *heads, u32 address)
{
    struct async_head *head = heads->head_count < HEADS_MOST ? pool_alloc(&head_pool) : NULL;
    if (!head)
        return NULL;
    head->address = address;
    list_init(&head->kept);
    wait_queue_init(&head->waiters, "async_wait");
    list_add_head(&heads->heads, &head->link);
    heads->head_count++;
    return head;
}

/* ---- What a head says ---- */

static bool
is_address(u64 value)
{
    return value < DIRECT_MAP_BASE;
}

static int
head_check(const struct async_head_user *user)
{
    if (user->head_stack || user->head_ip || user->new_thread_stack || user->new_thread_ip)
        return -EINVAL;
    if (!is_address(user->completion_ring_ptr) || !is_address(user->ring_size_bytes))
        return -EINVAL;
    u32 ring = (u32)user->completion_ring_ptr, bytes = (u32)user->ring_size_bytes;
    if (!ring || ring % SLOT_BYTES || !bytes || bytes % SLOT_BYTES)
        return -EINVAL;
    return user_range_valid((void USER *)(uintptr_t)ring, bytes) ? 0 : -EINVAL;
}

static int
head_read(const void USER *from, struct async_head_user *user)
{
    int error = copy_from_user(user, from, sizeof(*user));
    return error ? error : head_check(user);
}

static int
head_look_up(u32 address, const struct async_head_user *user, struct async_head **result)
{
    struct async_heads *heads = heads_make();
    if (!heads)
        return -EAGAIN;
    struct async_head *head = head_find(heads, address);
    if (!head)
        head = head_create(heads, address);
    if (!head)
        return -EAGAIN;
    head->ring = (u32)user->completion_ring_ptr;
    head->slots = (u32)user->ring_size_bytes / SLOT_BYTES;
    *result = head;
    return 0;
}

int
async_head_enter(const void USER *from, struct async_head **result)
{
    struct async_head_user user;
    int error = head_read(from, &user);
    if (!error)
        error = head_look_up((u32)(uintptr_t)from, &user, result);
    if (error)
        return error;
    struct async_heads *heads = async_heads_of_current();
    if (heads->events >= EVENTS_MOST)
        return -EAGAIN;
    heads->events++;
    (*result)->in_progress++;
    return 0;
}

/* Nothing more comes from this one: those who wait look again. */
void
async_head_leave(struct async_head *head)
{
    async_heads_of_current()->events--;
    if (--head->in_progress == 0)
        wake_up_all(&head->waiters);
}

/* ---- The ring ---- */

static void USER *
slot_at(const struct async_head *head, u32 index)
{
    return (void USER *)(uintptr_t)(head->ring + index * SLOT_BYTES);
}

static int
index_read(const struct async_head *head, u32 *index)
{
    u64 value;
    int error = copy_from_user(&value, (void USER *)(uintptr_t)head->address, sizeof(value));
    if (error)
        return error;
    *index = (u32)value;
    return value < head->slots ? 0 : -EINVAL;
}

/* 0; -EAGAIN: no room; -EFAULT or -EINVAL: the ring cannot be used as it is. */
static int
ring_store(const struct async_head *head, u32 value)
{
    u32 index, seen = 0;
    int error = index_read(head, &index);
    if (!error)
        error = user_compare_exchange(slot_at(head, index), &seen, value);
    if (error)
        return error;
    if (seen)
        return -EAGAIN;
    u64 next = index + 1 == head->slots ? 0 : index + 1;
    memory_barrier();
    /* Where this faults the slot is filled all the same, and counts as full from now on. */
    (void)!copy_to_user((void USER *)(uintptr_t)head->address, &next, sizeof(next));
    return 0;
}

/* Only kept ones that are taken off the list are stored, since storing may sleep. */
static int
head_flush(struct async_head *head)
{
    int error = 0;
    while (!error && head->kept_count > 0) {
        struct async_event *event = list_first(&head->kept, struct async_event, link);
        list_remove(&event->link);
        head->kept_count--;
        error = ring_store(head, event->value);
        if (error) {
            list_add_head(&head->kept, &event->link);
            head->kept_count++;
        } else {
            async_heads_of_current()->events--;
            event->release(event);
        }
    }
    return error;
}

/* At each return to user mode while something is kept (task->flush). */
static void
heads_flush(void)
{
    struct task *task = current_task();
    struct async_heads *heads = async_heads_of_current();
    struct async_head *head;
    u32 left = 0;
    list_for_each(head, &heads->heads, link) {
        head->in_progress++; /* it stays though flushing sleeps */
        (void)head_flush(head);
        head->in_progress--;
        left += head->kept_count;
    }
    if (left)
        return;
    INTERRUPTS_OFF_SCOPE();
    task->flush = NULL;
    if (!task->look)
        task->return_work &= ~WORK_LOOK;
}

static void
event_keep(struct async_event *event)
{
    struct async_head *head = event->head;
    struct task *task = current_task();
    async_heads_of_current()->events++;
    list_add_tail(&head->kept, &event->link);
    head->kept_count++;
    INTERRUPTS_OFF_SCOPE();
    task->flush = heads_flush;
    task->return_work |= WORK_LOOK;
}

void
async_event_post(struct async_event *event)
{
    struct async_head *head = event->head;
    int error = head_flush(head);
    if (!error)
        error = ring_store(head, event->value);
    if (error)
        event_keep(event);
    head->posted++;
    wake_up_all(&head->waiters);
    async_head_leave(head);
    if (!error)
        event->release(event);
}

/* ---- async_wait ---- */

/* How many the program has not taken: the slots from its index to the kernel's, around the end. Equal
 * indices: none, or all if that slot is filled. */
static int
ring_count(const struct async_head *head, u32 user_index, u32 *count)
{
    u32 index, slot;
    int error = index_read(head, &index);
    if (!error && user_index >= head->slots)
        error = -EINVAL;
    if (!error && index == user_index)
        error = copy_from_user(&slot, slot_at(head, index), sizeof(slot));
    if (error)
        return error;
    if (index == user_index)
        *count = slot ? head->slots : 0;
    else
        *count = index > user_index ? index - user_index : index + head->slots - user_index;
    return 0;
}

static long
head_wait(struct async_head *head, u32 least, u32 user_index)
{
    for (;;) {
        u32 count, seen = head->posted;
        int error = head_flush(head);
        if (error && error != -EAGAIN)
            return error;
        error = ring_count(head, user_index, &count);
        if (error)
            return error;
        count += head->kept_count;
        if (count >= least)
            return count;
        if (head->posted == seen && head->in_progress == 0)
            return count ? (long)count : -EDEADLK;
        error = wait_event_interruptible(&head->waiters,
                                         head->posted != seen || head->in_progress == 0);
        if (error)
            return error;
    }
}

long
sys_async_wait(unsigned long least, unsigned long user_index, const void USER *from)
{
    struct async_head_user user;
    struct async_head *head;
    int error = head_read(from, &user);
    if (!error)
        error = head_look_up((u32)(uintptr_t)from, &user, &head);
    if (error)
        return error;
    head->waiters_count++;
    long result = head_wait(head, least, user_index);
    head->waiters_count--;
    return result;
}

/* ---- The end of a process, or of its program ---- */

static void
events_release(struct list *events)
{
    while (!list_empty(events)) {
        struct async_event *event = list_first(events, struct async_event, link);
        list_remove(&event->link);
        event->release(event);
    }
}

/* Nothing is in progress any more. */
static void
heads_release(struct process *process)
{
    struct async_heads *heads = process->async_heads;
    process->async_heads = NULL;
    if (!heads)
        return;
    while (!list_empty(&heads->heads)) {
        struct async_head *head = list_first(&heads->heads, struct async_head, link);
        events_release(&head->kept);
        list_remove(&head->link);
        pool_free(&head_pool, head);
    }
    events_release(&heads->spares);
    pool_free(&heads_pool, heads);
}

/* Tasks of a process may end side by side: the last to come here releases. */
static void
task_release(struct task *task)
{
    struct task *other;
    task->flush = NULL;
    task->heads_left = true;
    list_for_each(other, &task->process->tasks, process_link)
        if (!other->heads_left)
            return;
    heads_release(task->process);
}

static void
program_release(struct task *task)
{
    task->flush = NULL;
    heads_release(task->process);
}

void
async_head_init(void)
{
    static struct task_hooks hooks = {.release = task_release, .program = program_release};
    task_register_hooks(&hooks);
}
