/* Tasks, processes and what they share.
 *
 * A task is one thread of a program (its tid); a process is a group of tasks. Address space,
 * descriptor table, directory context and credentials are counted objects that tasks may share. A
 * task owns fibrils: its user fibril and one more for each call in progress on its own.
 * This file also has the kernel's own task (tid 0), whose fibrils serve drivers and the idle loop. */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include "kernel/fibril.h"
#include "kernel/list.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/types.h"
#include "kernel/wait.h"

struct address_space;
struct descriptor_table; /* fs/descriptor.h */
struct directory_context; /* fs/path.h: root and working directory */
struct asys_context;      /* kernel/async/context.h */

#define GROUPS_MOST 32 /* of a task beside its own; Linux has 65,536 */

/* Not changed once a call may have seen them: setuid and its kin replace them. */
struct credentials {
    u32 references;
    u32 uid, euid, saved_uid;
    u32 gid, egid, saved_gid;
    u32 group_count;
    u32 groups[GROUPS_MOST];
};

/* Bits of task->return_work, tested once on every return to user mode. */
#define WORK_READY 1u    /* a fibril of this task is ready */
#define WORK_PREEMPT 2u  /* another task's turn */
#define WORK_KILLED 4u   /* the process is ending */
#define WORK_LOOK 32u    /* the task's look() is called once at every return (known to traps.asm) */
#define WORK_SIGNAL 8u   /* a signal to look at, a mask to bring back, a stop */
#define WORK_CREDENTIALS 16u /* the user fibril's call has ended: its old credentials go */

/* Ready fibrils, chained by ready_next; `last` counts only while there is a first. */
struct ready_list {
    struct fibril *first, *last;
};

struct task {
    /* Interrupts off: */
    u32 return_work;        /* WORK_ bits; first, for the assembly's test */
    u32 switch_work;        /* WORK_ bits that a switch to a user fibril sets: of several, each looks */
    bool queued;            /* in the scheduler's run queue */
    u8 slice_left;          /* ticks */
    struct list run_link;
    struct ready_list ready_calls; /* ready call fibrils */
    struct ready_list ready_users; /* ready user fibrils, and call fibrils that yielded */
    struct list fibrils;     /* all its fibrils */
    u32 fibril_count;
    bool unwinding;          /* its fibrils have been cancelled, and new ones are from the start */
    struct wait_queue fibril_ended;
    struct signal_queue signals; /* for this task alone */

    /* Immutable: */
    u32 tid;
    struct process *process;
    struct fibril *user; /* its user fibril; of several the one that signals interrupt */
    struct fibril *ender; /* the user fibril that ends the task, or its program, for all others */
    /* The task's own fibrils': */
    struct address_space *space; /* NULL: a kernel task */
    struct descriptor_table *files;
    struct directory_context *directories;
    struct credentials *credentials;
    struct asys_context *asys; /* its own context, made when first used */
    u32 asys_records;          /* calls in progress or not yet collected, of all its contexts */
    void (*look)(void);        /* with WORK_LOOK; threads made later have it too */
    void (*flush)(void);       /* too: completions that wait in the kernel for room */
    struct list threadlets, threadlet_spares; /* kernel/async/threadlet.c: all, and those that wait */
    u32 threadlet_count;
    bool heads_left;           /* ending: it uses its process's heads no more */
    bool ended;            /* its last fibril is leaving: freed by the tail of that switch */
    struct list spare_stacks;
    u32 spare_count;
    u32 calls_started, calls_blocked; /* background calls */
    u64 run_ticks, user_ticks; /* of processor time: all, and those in user mode */
    u32 faults;
    s8 nice;             /* setpriority's, sched_setscheduler's: kept and shown, nothing more */
    u8 policy, priority;
    uintptr_t set_tid;      /* user address that gets the tid first of all; or 0 */
    uintptr_t clear_tid;    /* user address: set to 0 and woken when the task ends; or 0 */
    uintptr_t robust_list;  /* set_robust_list */
    struct list process_link;
    struct list all_link;
};

extern struct task kernel_task;
void kernel_task_init(u32 *stack_bottom, void *stack_top); /* first of all: the boot stack's */
struct registers;
void task_return_work(struct registers *registers); /* the arch floor's return_work hook */

/* Upper floors that keep something per task register here (at boot); the end of a task calls them
 * in order on its last fibril, which may sleep: `ending` while the task's other fibrils are being
 * cancelled, `release` when they all have unwound; `program` when another program replaces its own. */
struct task_hooks {
    void (*ending)(struct task *task);
    void (*release)(struct task *task);
    void (*program)(struct task *task);
    struct task_hooks *next;
};
void task_register_hooks(struct task_hooks *hooks);

/* Who the running call acts for: a call in progress keeps the credentials with which it was started.
 * NULL: the kernel itself. */
static inline const struct credentials *
current_credentials(void)
{
    const struct credentials *old = current_fibril()->old_credentials;
    return unlikely(old != NULL) ? old : current_task()->credentials;
}
/* From its next call on the running task acts for these ids. 0 or -ENOMEM. */
int credentials_change(const struct credentials *new);
bool credentials_have_group(const struct credentials *credentials, u32 gid); /* beside its own */
void credentials_forget_old(struct fibril *fibril); /* its call has ended */

/* A new process with one task with an empty address space; its user fibril will run
 * function(argument), usually to load a program and enter it. 0, -ENOMEM, -EAGAIN. */
int task_create_process(const char *name, void (*function)(void *argument), void *argument,
                        struct task **task);

/* For clone: a task like the running one, in its process or in a new child process, that has not been
 * started: its user fibril will return to user mode as the caller does, with result 0. Upper floors
 * add what they keep and call task_start, or task_discard. 0, -ENOMEM, -EAGAIN. */
struct task_clone {
    bool share_space, share_process, share_handlers;
    u8 exit_signal;
    uintptr_t stack; /* user stack pointer, or 0: the same */
};
int task_clone(const struct task_clone *clone, struct task **task);
void task_start(struct task *task);
void task_discard(struct task *task);
struct task *task_find(u32 tid);

NORETURN void task_exit(int status);           /* the running task; from any of its user fibrils */
NORETURN void process_exit(int status);        /* the running task's whole process */
/* For exec: the other tasks of the process end, this task's background calls are cancelled and have
 * unwound. Sleeps. 0, or why this task shall end itself. */
int task_become_alone(void);
/* What exec takes back of the running task: handlers, alternate stack, TLS, FPU; and the name. */
int task_reset_for_program(const char *path);
void task_set_space(struct task *task, struct address_space *space); /* the running task's, anew */
struct list *task_list(void); /* all tasks, by all_link; interrupts off or no sleep in between */

/* A fibril of the kernel task, for drivers: runs function(argument). NULL: out of memory. */
struct fibril *kernel_fibril_start(void (*function)(void *argument), void *argument);

void task_free(struct task *task); /* by the tail of its last fibril's last switch */

struct process_usage;
void task_usage(const struct task *task, struct process_usage *usage);
void task_tick(bool user); /* from the clock: the running task has used one more */

/* Was the running fibril's process told to end? */
bool task_killed(void);

#endif
