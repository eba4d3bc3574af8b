/* Signals: who has which pending, and what is done about them when a user fibril returns to user mode.
 *
 * A signal is sent to a process or to one task. SIGKILL, and any other fatal signal that nobody
 * catches, ends the process at once: all its fibrils are cancelled. A caught one waits until a user
 * fibril that does not block it returns to user mode, and interrupts that fibril's interruptible sleep;
 * background calls never notice. A stop stops user fibrils at their return to user mode.
 * Numbers, codes and layouts are Linux/i386's (asm/signal.h, asm-generic/siginfo.h). */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include "kernel/list.h"
#include "kernel/types.h"

struct fibril;
struct process;
struct registers;
struct task;

#define SIGNALS 64
typedef u64 signal_set;
#define SIGNAL_BIT(number) (1ull << ((number)-1))

enum {
    SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV,
    SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN,
    SIGTTOU, SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
    SIGRTMIN
};

/* si_code */
#define CODE_USER 0
#define CODE_KERNEL 0x80
#define CODE_QUEUE -1
#define CODE_TIMER -2
#define CODE_ASYNC_IO -4
#define CODE_THREAD -6

/* struct siginfo, 128 bytes; `fields` by the kind: pid, uid, value | pid, uid, status, times | address |
 * timer, overrun, value. */
struct signal_info {
    s32 number, error, code;
    u32 fields[29];
};
_Static_assert(sizeof(struct signal_info) == 128, "siginfo");

#define ACTION_NO_CHILD_STOP 1u
#define ACTION_NO_CHILD_WAIT 2u
#define ACTION_INFO 4u
#define ACTION_ON_STACK 0x08000000u
#define ACTION_RESTART 0x10000000u
#define ACTION_NO_DEFER 0x40000000u
#define ACTION_RESET 0x80000000u
#define ACTION_RESTORER 0x04000000u
#define HANDLER_DEFAULT 0u
#define HANDLER_IGNORE 1u

struct signal_action { /* the kernel's struct sigaction of rt_sigaction: 20 bytes */
    u32 handler, flags, restorer;
    u32 mask_low, mask_high;
};

/* Counted: clone(CLONE_SIGHAND) shares it. */
struct signal_handlers {
    u32 references;
    struct signal_action actions[SIGNALS];
};

struct signal_queue {
    signal_set set;
    struct list entries; /* of struct signal_entry; a signal in the set may have none */
    u32 count;           /* of entries */
};

/* A signal that waits. A timer has one of its own, so that its expiry is never lost. */
struct signal_entry {
    struct list link;
    struct signal_info info;
    /* Called when it is taken, with the copy that is given out; NULL: made when it was sent, and
     * freed then. Interrupts off. */
    void (*taken)(struct signal_entry *entry, struct signal_info *info);
};

void signal_queue_init(struct signal_queue *queue);
void signal_queue_flush(struct signal_queue *queue, signal_set which);
struct signal_handlers *signal_handlers_create(void);                 /* all default; or NULL */
struct signal_handlers *signal_handlers_copy(const struct signal_handlers *from);
void signal_handlers_put(struct signal_handlers *handlers);

/* To any task of the process, or to this one. Any context but interrupts of the same queue: runs with
 * interrupts off. 0, or -EAGAIN: too many real-time signals queued. */
int signal_send_process(struct process *process, const struct signal_info *info);
int signal_send_task(struct task *task, const struct signal_info *info);
/* The same with the caller's entry, which must not be queued already (see signal_entry_queued) and not
 * go while it is: to `task`, or if that is NULL to the process. */
void signal_send_entry(struct process *process, struct task *task, struct signal_entry *entry);
/* Storage for a signal that is to be sent later and must not be lost then: NULL: no memory. Given to
 * signal_send_reserved, which sends it once, or given back. */
struct signal_entry *signal_entry_reserve(void);
void signal_entry_give_back(struct signal_entry *entry); /* NULL is allowed */
void signal_send_reserved(struct process *process, struct task *task, struct signal_entry *entry);
void signal_withdraw_entry(struct process *process, struct signal_entry *entry);
static inline bool
signal_entry_queued(const struct signal_entry *entry)
{
    return !list_empty(&entry->link);
}
/* A fault of the running user fibril: cannot be blocked or ignored. May end the task. */
void signal_force(const struct signal_info *info);
/* The process went on, or a task left it or has blocked signals: those that wait find another task. */
void signal_look_again(struct process *process);
void signal_info_kernel(struct signal_info *info, int number); /* CODE_KERNEL, nothing else */

/* Has the running user fibril's task a signal that it does not block? */
bool signal_pending(void);
signal_set signal_pending_set(void); /* of the task and the process, blocked or not */
/* Takes the first pending signal of `set`: false, or true with *info. */
bool signal_take(signal_set set, struct signal_info *info);
/* Changes the running user fibril's mask, or the mask until the next return to user mode. */
void signal_set_mask(signal_set mask);
void signal_set_mask_until_return(signal_set mask);
/* The call for which it was set has not been ended by a signal: it goes at once, so that none is
 * delivered under it. */
void signal_set_mask_back(void);
/* The action for a signal, changed: forgets pending ones that are ignored now. */
void signal_set_action(int number, const struct signal_action *action);

/* ---- Calls that a signal interrupts ----
 *
 * -ERESTARTSYS from an interruptible wait may be returned as it is: the call is made anew if no handler
 * ran, or one with SA_RESTART. Calls that any handler ends with -EINTR (signal(7): sleeps, poll, select,
 * waits with a time-out …) return signal_call_interrupted(error, deadline) instead; a stop and a continue
 * do not end them either, and then a relative time-out goes on where it was: */

/* The end of a call's relative time-out, or that of the same call when it was interrupted. */
u64 signal_call_deadline(u64 relative_ns);
/* What the call returns for an error of its wait. `deadline`: as signal_call_deadline() gave it, or 0. */
int signal_call_interrupted(int error, u64 deadline);

/* At a return to user mode with WORK_SIGNAL: stops, ends, or builds frames for handlers. */
void signal_deliver(struct registers *registers);

/* ---- arch/i386/signal_frame.c ---- */

#define SIGNAL_STACK_LEAST 2048u /* MINSIGSTKSZ */

struct signal_stack { /* sigaltstack; size 0: none */
    u32 base, size;
};
struct signal_frame {
    const struct signal_action *action;
    const struct signal_info *info;
    signal_set mask; /* to come back when the handler returns */
    struct signal_stack *stack;
};
/* Lets user mode continue in the handler: 0 or -EFAULT. May sleep. */
int signal_frame_push(struct registers *registers, const struct signal_frame *frame);
/* Back from a handler: restores registers, FPU, alternate stack; *result is what the call returns with
 * (the interrupted code's eax). 0 or -EFAULT. */
int signal_frame_pop(struct registers *registers, bool with_info, signal_set *mask,
                     struct signal_stack *stack, long *result);

#endif
