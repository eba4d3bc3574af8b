/* Syslets: async_exec runs a chain of atoms, each one system call, in the program's memory.
 *
 * A syslet is a runner fibril that interprets atoms: a call (call.h) whose beginning is the whole chain.
 * While nothing blocks, async_exec's caller does not go on; when an atom blocks, it does, and the chain
 * goes on by itself, with a completion at its end. An atom is read when it is reached, once. Nothing in
 * it is trusted, and nothing is kept of it: the chain may change while it runs. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/async/call.h"
#include "kernel/async/head.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

#define CHAIN_END 1
#define NUMBER_BITS 0xffffu
#define ERROR_MOST 4095
#define SPARES_MOST 64u

enum syslet_state {
    SYSLET_FOREGROUND, /* async_exec has not returned */
    SYSLET_BACKGROUND, /* it has: the end is told by a completion */
    SYSLET_ENDED,      /* without having been in the background: async_exec tells it */
};

struct syslet {
    struct call call;
    struct async_event event;
    u8 state; /* enum syslet_state */
    bool in_sync;  /* in an atom that the caller waits for */
    bool silent;   /* the last atom wants no completion */
    bool no_error; /* the result is a value, whatever it looks like */
    u8 slices;     /* whose end it has seen, this one and a further one */
    s32 error;     /* why the chain ended, or 0 */
    u32 atom;      /* the address of the one that is running, or was last */
    struct wait_queue changed; /* in_sync; async_exec waits here */
};

/* What is read of an atom at once: arguments end with the first null pointer, so the first is there. */
struct atom {
    u32 flags, number;
    u64 result_pointer, next, first_argument;
};
_Static_assert(sizeof(struct atom) == SYSLET_HEADER_BYTES + sizeof(u64), "syslet_uatom");

static struct pool syslet_pool = POOL_INIT("syslet", struct syslet);

/* ---- Reading an atom ---- */

static int
argument_read(u64 pointer, unsigned long *argument)
{
    if (unlikely(pointer >> 32))
        return -EINVAL;
    return copy_from_user(argument, (const void USER *)(uintptr_t)pointer, sizeof(*argument));
}

static int
arguments_read(u32 at, u64 pointer, unsigned long arguments[6])
{
    for (unsigned i = 0; pointer; i++) {
        int error = argument_read(pointer, &arguments[i]);
        if (error || i == 5)
            return error;
        at += sizeof(pointer);
        error = copy_from_user(&pointer, (const void USER *)(uintptr_t)at, sizeof(pointer));
        if (error)
            return error;
    }
    return 0;
}

static int
atom_check(const struct atom *atom)
{
    if (atom->flags & ~SYSLET_FLAGS || atom->number & ~NUMBER_BITS ||
        (atom->result_pointer | atom->next) >> 32)
        return -EINVAL;
    return (atom->flags & (SYSLET_ASYNC | SYSLET_SYNC)) == (SYSLET_ASYNC | SYSLET_SYNC) ? -EINVAL : 0;
}

/* ---- Running it ---- */

static bool
stops(u32 flags, long result, bool no_error)
{
    return (flags & SYSLET_STOP_ON_NONZERO && result != 0) ||
           (flags & SYSLET_STOP_ON_ZERO && result == 0) ||
           (flags & SYSLET_STOP_ON_NEGATIVE && result < 0) ||
           (flags & SYSLET_STOP_ON_NON_POSITIVE && result <= 0) ||
           (flags & SYSLET_STOP_ON_ERROR && !no_error && result < 0 && result >= -ERROR_MOST);
}

static int
result_store(const struct atom *atom, long result)
{
    if (!atom->result_pointer)
        return 0;
    return copy_to_user((void USER *)(uintptr_t)atom->result_pointer, &result, sizeof(result));
}

/* The caller of async_exec goes on when this gives way behind it. */
static void
leave_caller(const struct syslet *syslet)
{
    if (syslet->state == SYSLET_FOREGROUND)
        schedule(SWITCH_YIELD);
}

static int
atom_call(struct syslet *syslet, const struct atom *atom, long *result)
{
    unsigned long arguments[6] = {0};
    struct fibril *self = current_fibril();
    int error = arguments_read(syslet->atom + SYSLET_HEADER_BYTES, atom->first_argument, arguments);
    if (error) {
        if (syslet->state == SYSLET_BACKGROUND)
            (void)result_store(atom, error); /* nobody else would tell it */
        return error;
    }
    if (unlikely(atom->flags & SYSLET_ASYNC))
        leave_caller(syslet);
    syslet->in_sync = atom->flags & SYSLET_SYNC;
    syslet->no_error = false;
    *result = syscall_invoke(atom->number, arguments);
    if (unlikely(syslet->in_sync)) {
        syslet->in_sync = false;
        wake_up_all(&syslet->changed);
    }
    if (unlikely(self->old_credentials != NULL))
        credentials_forget_old(self);
    return result_store(atom, *result);
}

/* Reads and runs one atom; 0: syslet->atom is the next one; CHAIN_END; or why the chain ends. */
static int
atom_run(struct syslet *syslet)
{
    struct atom atom;
    long result;
    int error = copy_from_user(&atom, (const void USER *)(uintptr_t)syslet->atom, sizeof(atom));
    syslet->silent = !error && atom.flags & SYSLET_NO_COMPLETE;
    if (likely(!error))
        error = atom_check(&atom);
    if (likely(!error))
        error = atom_call(syslet, &atom, &result);
    if (unlikely(error))
        return error;
    u32 next = (u32)atom.next;
    if (atom.flags & SYSLET_STOPS && stops(atom.flags, result, syslet->no_error))
        next = atom.flags & SYSLET_SKIP_TO_NEXT_ON_STOP
                   ? syslet->atom + (u32)sizeof(struct syslet_uatom)
                   : 0;
    if (!next)
        return CHAIN_END;
    syslet->atom = next;
    return 0;
}

/* Between two atoms: others have their turn. A chain that has not blocked in a whole slice gives way to
 * async_exec's caller too. */
static int
chain_point(struct syslet *syslet)
{
    const struct task *task = current_task();
    if (unlikely(task->return_work & WORK_PREEMPT)) {
        if (task->slice_left == 0)
            syslet->slices = syslet->slices ? 2 : 1;
        schedule(syslet->slices > 1 ? SWITCH_YIELD : SWITCH_PREEMPT);
    }
    return fibril_cancelled();
}

static void
chain_run(struct call *call)
{
    struct syslet *syslet = container_of(call, struct syslet, call);
    int error;
    do {
        error = atom_run(syslet);
        if (likely(!error))
            error = chain_point(syslet);
    } while (likely(!error));
    syslet->error = error == CHAIN_END ? 0 : error;
    call->error = CHAIN_END; /* all has been done: there is no call to make */
}

static void
chain_ended(struct call *call, long unused)
{
    struct syslet *syslet = container_of(call, struct syslet, call);
    if (syslet->state == SYSLET_FOREGROUND) {
        syslet->state = SYSLET_ENDED;
        return;
    }
    syslet->event.value = syslet->atom;
    if (!syslet->silent) {
        async_event_post(&syslet->event);
        return;
    }
    async_head_leave(syslet->event.head);
    syslet->event.release(&syslet->event);
}

/* ---- Storage: a completion's is there before its chain begins ---- */

static void
syslet_release(struct async_event *event)
{
    struct async_heads *heads = async_heads_of_current();
    if (!heads || heads->spare_count == SPARES_MOST) {
        pool_free(&syslet_pool, container_of(event, struct syslet, event));
        return;
    }
    list_add_head(&heads->spares, &event->link);
    heads->spare_count++;
}

static struct syslet *
syslet_take(void)
{
    struct async_heads *heads = async_heads_of_current();
    if (!heads->spare_count)
        return pool_alloc(&syslet_pool);
    struct async_event *event = list_first(&heads->spares, struct async_event, link);
    list_remove(&event->link);
    heads->spare_count--;
    return container_of(event, struct syslet, event);
}

static struct syslet *
syslet_create(u32 atom, struct async_head *head)
{
    struct syslet *syslet = syslet_take();
    if (!syslet)
        return NULL;
    syslet->call.begin = chain_run;
    syslet->call.complete = chain_ended;
    syslet->call.following = NULL;
    syslet->call.error = 0;
    syslet->event.head = head;
    syslet->event.release = syslet_release;
    syslet->state = SYSLET_FOREGROUND;
    syslet->in_sync = syslet->silent = false;
    syslet->slices = 0;
    syslet->error = 0;
    syslet->atom = atom;
    wait_queue_init(&syslet->changed, "syslet_sync");
    return syslet;
}

/* ---- The calls ---- */

/* A signal ends the waiting for an atom with SYNC, not the atom. */
static void
sync_wait(struct syslet *syslet)
{
    int error = 0;
    while (syslet->state == SYSLET_FOREGROUND && syslet->in_sync && !error)
        error = wait_event_interruptible(&syslet->changed, !syslet->in_sync);
}

/* Its last atom, its error, or 0: it goes on by itself. */
static long
syslet_start(struct syslet *syslet)
{
    int error = call_start(&syslet->call);
    if (!error)
        sync_wait(syslet);
    if (!error && syslet->state == SYSLET_FOREGROUND) {
        syslet->state = SYSLET_BACKGROUND;
        return 0;
    }
    if (!error)
        error = syslet->error;
    u32 atom = syslet->atom;
    async_head_leave(syslet->event.head);
    syslet->event.release(&syslet->event);
    return error ? error : (long)atom;
}

long
sys_async_exec(void USER *atom, void USER *user_head)
{
    struct async_head *head;
    int error = async_head_enter(user_head, &head);
    if (error)
        return error;
    struct syslet *syslet = syslet_create((u32)(uintptr_t)atom, head);
    if (!syslet) {
        async_head_leave(head);
        return -EAGAIN;
    }
    return syslet_start(syslet);
}

/* The new value. As an atom's result it is none but a value once it has been stored. */
long
sys_umem_add(void USER *word, u32 increment)
{
    u32 seen, expected;
    if ((uintptr_t)word % sizeof(u32))
        return -EINVAL;
    int error = copy_from_user(&seen, word, sizeof(seen));
    do {
        expected = seen;
        if (!error)
            error = user_compare_exchange(word, &seen, expected + increment);
        if (error)
            return error;
    } while (seen != expected);
    struct call *call = current_fibril()->call;
    if (call && call->complete == chain_ended)
        container_of(call, struct syslet, call)->no_error = true;
    return (long)(expected + increment);
}
