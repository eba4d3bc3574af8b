/* A fibril: one kernel stack of a task, with the few words that schedule it.
 *
 * The stack is one page; struct fibril lies at its top, an unmapped guard page below it:
 *
 *     slot + 8 KiB  +--------------------------+
 *                   | struct fibril            |  found through current_fibril(), never by masking
 *     stack_top  -> +--------------------------+
 *                   | user registers           |  user fibrils only: what int 0x80 pushed
 *                   | frames of the call  |    |
 *                   |                     v    |
 *                   | STACK_MAGIC              |  checked at every switch
 *     slot + 4 KiB  +--------------------------+
 *                   | never mapped             |  touching it: double fault, reported by name
 *     slot          +--------------------------+
 *
 * So there are some 3.7 KiB for a call: no array over 256 bytes on it, and nothing a device touches.
 *
 * States (one word, changed with interrupts off):
 *
 *     NEW --fibril_start--> READY --schedule--> RUNNING --fibril_exit--> DEAD --(tail)--> freed
 *                             ^                  |   ^
 *                             |  yield           |   | woken before it had gone to sleep
 *                             +------------------+   |
 *                             |   wait_prepare       v
 *                             +---- wake ---- SLEEPING (on the processor still, or switched away)
 */
#ifndef KERNEL_FIBRIL_H
#define KERNEL_FIBRIL_H

#include "arch.h"
#include "kernel/cpu.h"
#include "kernel/list.h"
#include "kernel/log.h"
#include "kernel/timer.h"
#include "kernel/types.h"
#include "kernel/wait.h"

struct task;
struct call;
struct relief;
struct credentials;

enum fibril_state { FIBRIL_NEW, FIBRIL_READY, FIBRIL_RUNNING, FIBRIL_SLEEPING, FIBRIL_DEAD };

enum fibril_kind {
    FIBRIL_CALL, /* runs one background call, or a batch of them */
    FIBRIL_USER, /* goes to and from user mode */
    FIBRIL_IDLE, /* the kernel task's, run when nothing else is ready */
};

struct fibril {
    /* Used by assembly: see the offsets asserted in fibril.c. */
    void *saved_stack;       /* the switch's: valid while not RUNNING */
    uintptr_t copy_recovery; /* where a fault inside a user copy continues; 0: not in one */

    /* Interrupts off: */
    u8 state; /* enum fibril_state */
    /* Immutable once started: */
    u8 kind; /* enum fibril_kind */
    /* Anybody sets it, with interrupts off: */
    s32 cancel_error; /* 0, or what its sleeps return from now on: -EINTR, -ECANCELED, -ETIME */
    struct fibril *ready_next; /* in its task's ready list */
    struct task *task;
    struct list task_link; /* task->fibrils */
    void (*function)(void *argument);
    void *argument;
    void *stack_top;
    u32 *stack_bottom; /* where STACK_MAGIC stands */
    u32 id, slot;            /* id: unique, never used again */
    u32 sleeping_since;      /* while SLEEPING: clock_ticks */

    /* The running fibril's own: */
    u32 call_number;          /* what it does now, for traces and listings; NO_CALL: nothing */
    const char *wait_channel; /* while SLEEPING */
    struct timer sleep_timer; /* ends a sleep with a deadline */
    struct user_context *user; /* user fibrils: TLS, FPU; owned */
    struct relief *relief;    /* kernel/relief.h; user fibrils, or NULL */
    struct call *call;        /* async: the call it runs, if it runs one */
    void *batch;              /* async: the batch it takes entries from; the submitter clears it */
    struct credentials *old_credentials; /* those of its call, if the task has got others since */
    u32 restart_call;         /* a system call that a signal interrupted, or NO_CALL */
    s32 restart_error;        /* its result: -ERESTARTSYS or -ERESTARTNOHAND */
    u64 resume_deadline;      /* when a call with a time-out that is made anew ends, if `resuming` */
    /* User fibrils': the mask, and the one to come back at the return to user mode, if mask_saved */
    u64 signal_mask, saved_mask;
    u32 signal_stack_base, signal_stack_size;
    bool mask_saved, resuming; /* resuming: the next thing user mode does is to make that call anew */
    u8 mutexes_held, link_depth; /* path walk: symbolic links followed */
    bool inline_only; /* its first sleep fails with -EAGAIN instead */
};

#define STACK_MAGIC 0x4c494246u /* "FIBL" in memory: FIBriL */
#define NO_CALL 0xffffffffu
#define USER_FRAME_BYTES 64u /* struct registers of arch/i386, at the top of a user fibril's stack */

/* Makes a fibril that will run function(argument) and then end. NULL: out of memory or stacks.
 * It belongs to `task`; fibril_start makes it ready. Any fibril may call this. */
struct fibril *fibril_create(struct task *task, enum fibril_kind kind,
                             void (*function)(void *argument), void *argument);
void fibril_start(struct fibril *fibril);   /* NEW -> READY, behind the other ready ones */
void fibril_discard(struct fibril *fibril); /* NEW, never started: gives it back */
NORETURN void fibril_exit(void);            /* the running fibril ends */

/* Wakes a sleeping fibril; no effect in any other state. Any context. */
void fibril_wake(struct fibril *fibril);
/* Makes every killable sleep of the fibril, now and later, end with `error`. Any context. */
void fibril_cancel(struct fibril *fibril, int error);
/* May the running fibril go on? 0, or why its call shall unwind. For loops that do not sleep. */
int fibril_cancelled(void);

/* ---- Scheduling (scheduler.c) ---- */

enum switch_reason { SWITCH_BLOCK, SWITCH_YIELD, SWITCH_PREEMPT, SWITCH_EXIT, SWITCH_SUBMIT };

/* The running fibril gives way: SLEEPING it sleeps (unless it has been woken meanwhile), RUNNING it
 * stays ready. Returns when it is chosen again. Asserts: on its own stack, interrupts on, not
 * inside an interrupt. Never allocates, never touches user memory, never fails. */
void schedule(enum switch_reason reason);
/* Goes behind all other ready fibrils, of its own task and of others. */
void schedule_yield(void);
/* A point in a long loop: lets others run if their turn has come; 0 or fibril_cancelled(). */
int schedule_point(void) MUST_CHECK;
/* Runs `fibril` (NEW) at once; the caller stays ready and continues when it blocks or ends. */
void schedule_start_now(struct fibril *fibril);

void schedule_tick(void);          /* from the clock, every ms: time slices */
NORETURN void schedule_idle(void); /* the idle fibril's life */
/* What runs first on a stack that has been switched to, the first frame of a new fibril included:
 * frees the fibril that ended with this switch. Interrupts off. */
void schedule_tail(void);
void fibril_release(struct fibril *fibril); /* for schedule_tail */

/* The stacks: how many are mapped, in use and spare (for leak tests). */
struct fibril_counts {
    u32 alive, created; /* interrupts off */
};
extern struct fibril_counts fibril_counts;

#endif
