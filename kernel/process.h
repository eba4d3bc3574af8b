/* Processes: what a group of tasks shares, and how processes are related. The kernel's own process is
 * the parent of the first programs and of orphans, and lets them go when they end. */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include "kernel/list.h"
#include "kernel/signal.h"
#include "kernel/types.h"
#include "kernel/wait.h"

struct async_heads;
struct task;

#define LIMITS 17 /* RLIMIT_ numbers, and one of ours */
enum { LIMIT_CPU, LIMIT_FILE_SIZE, LIMIT_DATA, LIMIT_STACK, LIMIT_CORE, LIMIT_RESIDENT,
       LIMIT_PROCESSES, LIMIT_FILES, LIMIT_LOCKED, LIMIT_SPACE, LIMIT_FILE_LOCKS, LIMIT_SIGNALS,
       LIMIT_MESSAGES, LIMIT_NICE, LIMIT_PRIORITY, LIMIT_REAL_TIME,
       LIMIT_CALLS /* each task's: background calls in progress or not yet collected */ };
#define LIMIT_NONE 0xffffffffu
#define FILES_HARD_MOST 65536u
#define CALLS_MOST (1u << 17)

struct process_limit {
    u32 soft, hard;
};

struct process_usage {
    u64 ticks, user_ticks; /* of processor time: all, and those in user mode */
    u32 pages_most;        /* in memory at one time */
    u32 faults;
};

struct process {
    u32 references; /* the zombie's own, and each user's */
    /* Immutable: */
    u32 id; /* pid: the tid of its first task */
    struct list all_link;
    /* Relations; changed without sleeping: */
    struct process *parent;
    struct list children; /* by sibling_link */
    struct list sibling_link;
    u32 group, session;
    u8 exit_signal; /* sent to the parent: SIGCHLD, or another of clone's */
    u8 parent_death_signal; /* prctl: sent to this process when its parent ends; or 0 */
    u32 uid; /* the real one of its tasks, for the parent */
    /* Its tasks; interrupts off: */
    struct list tasks;
    u32 task_count;  /* not yet ended */
    bool exiting;    /* exit_group or a fatal signal: every task ends */
    bool execing;    /* another of its tasks replaces the program: the rest end */
    int exit_status; /* as wait4 shows it: code << 8, or the signal */
    char name[16];
    struct wait_queue ended;   /* task_count has become 0 */
    struct wait_queue changed; /* a child ended, stopped or went on */
    /* vfork: the child no longer uses the parent's memory. */
    bool memory_released;
    /* Signals; interrupts off: */
    struct signal_handlers *handlers;
    struct signal_queue signals;
    struct wait_queue signalled; /* one has been sent, to it or one of its tasks */
    bool stopped;
    u8 stop_signal;
    bool stop_report, continue_report; /* not yet told to the parent by wait4 */
    struct wait_queue continued;
    /* Accounting: */
    struct process_limit limits[LIMITS];
    u64 started_ns; /* time_now_ns() when it was made */
    struct process_usage usage;          /* of its tasks that have ended */
    struct process_usage children_usage; /* of children that have been waited for, and theirs */
    struct async_heads *async_heads; /* kernel/async/head.c; NULL: none yet */
    struct process_timers *timers; /* kernel/interval_timer.c; NULL: none yet */
    bool counting; /* its timers count its ticks */
    struct list asys_rings; /* its contexts with rings */
    bool own_numbers; /* its program carries our ELF note: see SYSCALL_TWO_MEANINGS */
    bool executed;    /* it has another program than its parent: no longer the parent's to regroup */
    bool undumpable;  /* prctl; there are no core files, so it is kept and told, nothing more */
    bool no_new_privileges; /* prctl: exec gives no other ids */
};

extern struct process kernel_process;

/* A process without tasks, child of `parent`. NULL: no memory. It has one reference, the parent's. */
struct process *process_create(struct process *parent, const char *name, u32 id);
/* It has no tasks, and its parent knows: it leaves all lists, so that nobody finds it a second time, and the
 * parent's reference goes. Others may still hold theirs. */
void process_reap(struct process *process);
void process_get(struct process *process);
void process_put(struct process *process);
void process_set_name(struct process *process, const char *name);
struct process *process_find(u32 pid); /* zombies too; no reference is taken */
struct list *process_list(void);       /* all, by all_link */

void process_kill(struct process *process, int status); /* from anywhere */
void process_kill_all(void); /* every user process; the caller waits on kernel_process.changed */
u32 process_count(void);     /* user processes, zombies too */
u64 process_ticks(const struct process *process); /* of processor time, so far */
void process_usage(const struct process *process, struct process_usage *usage);
void process_usage_add(struct process_usage *to, const struct process_usage *more);
/* May it have no more children? (LIMIT_PROCESSES, of its user; root may.) */
bool process_limit_reached(const struct process *process);

/* The last task has left: children go to the kernel's process, the parent is told. */
void process_end(struct process *process);

/* Is there nobody in its session who could let it go on when it is stopped? */
bool process_group_is_orphaned(u32 group);

/* Interrupts off: */
void process_stop(struct process *process, int signal);
void process_continue(struct process *process);
/* The running user fibril waits while its process is stopped; killable. */
void process_wait_while_stopped(void);

/* ---- wait4, waitid ---- */

#define WAIT_NO_HANG 1u
#define WAIT_STOPPED 2u
#define WAIT_EXITED 4u
#define WAIT_CONTINUED 8u
#define WAIT_KEEP 0x01000000u
#define WAIT_OWN_CHILDREN 0x20000000u /* __WNOTHREAD: not told apart here */
#define WAIT_ALL 0x40000000u          /* __WALL */
#define WAIT_CLONE 0x80000000u        /* __WCLONE: only children that send another signal than SIGCHLD */

struct wait_request {
    s32 pid;      /* > 0: that one; 0: the caller's group; -1: any; < -1: that group */
    u32 options;  /* WAIT_ bits */
};
struct wait_result {
    u32 pid, uid;
    int status;  /* as wait4 shows it */
    int code;    /* CLD_ of siginfo */
    struct process_usage usage;
};
/* Sleeps. 0 with result->pid 0 if WAIT_NO_HANG found nothing; -ECHILD; -ERESTARTSYS. */
int process_wait(const struct wait_request *request, struct wait_result *result);

/* Sends to all of a group: 0, -ESRCH, -EPERM. */
int process_signal_group(u32 group, const struct signal_info *info);
bool process_may_signal(const struct process *target, int number);

#endif
