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
    bool has_arguments; /* the last atom had: call.arguments is not all 0 */
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
    u32 result, result_high, next, next_high, argument, argument_high; /* 64-bit pointers */
};
#define ATOM_WORDS 8
_Static_assert(sizeof(struct atom) == 4 * ATOM_WORDS, "all of it is read");
_Static_assert(sizeof(struct atom) == SYSLET_HEADER_BYTES + sizeof(u64), "syslet_uatom");

static struct pool syslet_pool = POOL_INIT("syslet", struct syslet);

/* ---- Reading an atom ---- */

/* From the pointer `pointer` on, the first of the atom at `at`. */
static __attribute__((noinline)) int
arguments_read(u32 at, u32 pointer, u32 high, unsigned long arguments[6])
{
    u32 words[2] = {pointer, high};
    at += SYSLET_HEADER_BYTES;
    for (unsigned i = 0; words[0] || words[1]; i++) {
        if (words[1])
            return -EINVAL;
        u32 value;
        int error = user_read_words(&value, (const void USER *)(uintptr_t)words[0], 1);
        arguments[i] = value;
        if (error || i == 5)
            return error;
        at += sizeof(words);
        error = user_read_words(words, (const void USER *)(uintptr_t)at, 2);
        if (error)
            return error;
    }
    return 0;
}

static __attribute__((noinline)) int
atom_check(const struct atom *atom)
{
    u32 place = atom->flags & (SYSLET_ASYNC | SYSLET_SYNC);
    if (atom->flags & ~SYSLET_FLAGS || atom->number & ~NUMBER_BITS || atom->result_high ||
        atom->next_high || place == (SYSLET_ASYNC | SYSLET_SYNC))
        return -EINVAL;
    return 0;
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

static inline int
result_store(const struct atom *atom, long result)
{
    return atom->result ? user_write_word((void USER *)(uintptr_t)atom->result, (u32)result) : 0;
}

/* Before the call of an atom with flags: who waits for it. */
static void
atom_place(struct syslet *syslet, u32 flags)
{
    syslet->no_error = false;
    syslet->in_sync = flags & SYSLET_SYNC;
    if (flags & SYSLET_ASYNC && syslet->state == SYSLET_FOREGROUND)
        schedule(SWITCH_YIELD); /* async_exec's caller goes on when this gives way behind it */
}

static void
sync_end(struct syslet *syslet)
{
    syslet->in_sync = false;
    wake_up_all(&syslet->changed);
}

static __attribute__((noinline)) int
arguments_fail(const struct syslet *syslet, const struct atom *atom, int error)
{
    if (syslet->state == SYSLET_BACKGROUND)
        (void)!result_store(atom, error); /* nobody else would tell it */
    return error;
}

/* The arguments are kept in the call, where all that the last atom had not stay 0. */
static __attribute__((noinline)) int
atom_arguments(struct syslet *syslet, const struct atom *atom)
{
    unsigned long *arguments = syslet->call.arguments;
    for (unsigned i = 0; i < 6; i++)
        arguments[i] = 0;
    syslet->has_arguments = atom->argument | atom->argument_high;
    int error = arguments_read(syslet->atom, atom->argument, atom->argument_high, arguments);
    return unlikely(error) ? arguments_fail(syslet, atom, error) : 0;
}

/* The atom that follows, or 0. */
static u32
atom_next(const struct syslet *syslet, const struct atom *atom, long result)
{
    if (!(atom->flags & SYSLET_STOPS) || !stops(atom->flags, result, syslet->no_error))
        return atom->next;
    return atom->flags & SYSLET_SKIP_TO_NEXT_ON_STOP
               ? syslet->atom + (u32)sizeof(struct syslet_uatom)
               : 0;
}

/* Reads and runs one atom; 0: syslet->atom is the next one; CHAIN_END; or why the chain ends. Atoms
 * without flags are what the instructions are counted of. */
static ALWAYS_INLINE int
atom_run(struct syslet *syslet, struct fibril *self)
{
    struct atom atom;
    int error = user_read_words(&atom.flags, (void USER *)(uintptr_t)syslet->atom, ATOM_WORDS);
    if (likely(!error) && unlikely(atom.flags | (atom.number & ~NUMBER_BITS) | atom.result_high |
                                   atom.next_high))
        error = atom_check(&atom);
    if (likely(!error) && (syslet->has_arguments | atom.argument | atom.argument_high))
        error = atom_arguments(syslet, &atom);
    if (unlikely(error))
        return error;
    if (unlikely(atom.flags))
        atom_place(syslet, atom.flags);
    long result = syscall_invoke(atom.number, syslet->call.arguments);
    if (unlikely(self->old_credentials != NULL))
        credentials_forget_old(self);
    if (unlikely(syslet->in_sync))
        sync_end(syslet);
    if (atom.result)
        error = user_write_word((void USER *)(uintptr_t)atom.result, (u32)result);
    if (unlikely(atom.flags))
        atom.next = atom_next(syslet, &atom, result);
    if (unlikely(error))
        return error;
    if (unlikely(!atom.next)) {
        syslet->silent = atom.flags & SYSLET_NO_COMPLETE;
        return CHAIN_END;
    }
    syslet->atom = atom.next;
    return 0;
}

static __attribute__((noinline)) void
chain_give_way(struct syslet *syslet)
{
    if (current_task()->slice_left == 0)
        syslet->slices = syslet->slices ? 2 : 1;
    schedule(syslet->slices > 1 ? SWITCH_YIELD : SWITCH_PREEMPT);
}

static void
chain_run(struct call *call)
{
    struct syslet *syslet = container_of(call, struct syslet, call);
    struct fibril *self = current_fibril();
    const struct task *task = self->task;
    int error;
    do {
        error = atom_run(syslet, self);
        if (unlikely(task->return_work & WORK_PREEMPT) && !error)
            chain_give_way(syslet);
        if (unlikely(self->cancel_error) && !error)
            error = self->cancel_error;
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
    syslet->has_arguments = true;
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
