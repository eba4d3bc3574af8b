/* Completion contexts: where the results of calls go until somebody collects them. Each task has one of
 * its own (asys_await_completion's); more can be made, each a file that can be polled.
 *
 * A call is counted by its context, its task and the machine from its start until its completion has
 * been collected; its record is its completion's storage, so ending a call never allocates. Results are
 * kept in the order of finishing: in a list, or in a ring that the program sees, and in the list while
 * the ring is full. */
#ifndef KERNEL_ASYNC_CONTEXT_H
#define KERNEL_ASYNC_CONTEXT_H

#include "kernel/async/call.h"
#include "kernel/list.h"
#include "kernel/timer.h"
#include "kernel/types.h"
#include "kernel/wait.h"
#include "user/include/fibril/asys_abi.h"

struct asyncfd;
struct asyncfd_delivery;
struct file;
struct process;
struct ring;
struct task;

extern u32 asys_records_most; /* of the machine: in progress or not yet collected */

struct asys_context {
    const struct address_space *space; /* where it was made; only compared */
    u32 references; /* the file's or task's; it lives on until the last record is gone too */
    bool closed;    /* nobody will collect: completions are dropped */
    bool plain;     /* not closed, no ring, nobody to be told: no interrupt touches its lists */
    struct list completed; /* asys_record.link: not yet collected, oldest first; interrupts off */
    u32 completed_count;
    struct list active;        /* asys_record.link: in progress */
    struct wait_queue waiters; /* for completions; poll too */
    u32 records;               /* in progress or not yet collected */
    u32 in_progress;
    u32 awaiting; /* of these: sleeping for a completion of this context themselves */
    struct asys_record *spares;
    u32 spare_count;
    struct ring *ring;        /* or NULL */
    struct list ring_link;    /* the process's asys_rings */
    struct list backlog_link; /* contexts whose list waits for room in the ring */
    u32 look_round;           /* the last look at all rings that has picked up this one's */
    struct list moved;        /* asys_record.link: moved into the ring at the tick; to be released */
    struct process *notify_process; /* gets the signal; counted */
    u32 notify_signal, notify_value;
    struct file *notify_file; /* gets an 8-byte 1 written; referenced */
    struct asyncfd *asyncfd;  /* gets the completions instead of the list; counted, or NULL */
};

/* What the calls of a chain share; heap, freed by the last of them. */
struct asys_chain {
    u8 count, done;
    bool failed;
    s32 cancel_error;
    s32 results[ASYS_CHAIN_MOST];
};
struct asys_group {
    u32 members;  /* not yet done */
    bool closed;  /* all members are known */
    s32 error;    /* the first member's that failed */
    struct asys_record *carrier; /* done, and kept for the completion while the group is open */
    u64 cookie;
};

/* In a spare one is zero what only some calls have: error, cancel_error, begin, following, flags,
 * event_flags, chain, group, deadline, delivery. Whoever set it clears it, or asys_record_release. */
struct asys_record {
    struct call call;
    struct list link;
    struct asys_context *context;
    struct fibril *fibril; /* while it runs; interrupts off */
    u64 cookie, id; /* id: 0 for calls that asys_submit started */
    s32 result;
    u32 task_id;     /* the thread that submitted it */
    u16 flags;       /* ASYS_ */
    u8 event_flags;
    u8 place;        /* in its chain */
    u8 source[6];
    s32 cancel_error; /* cancelled before it began */
    struct asys_chain *chain;
    struct asys_group *group;
    struct asyncfd_delivery *delivery; /* reserved, if the context has an asyncfd */
    u64 deadline;
    struct timer timer;
    struct asys_record *hash_next; /* records with ASYS_WANT_ID; or the next spare one */
};

/* Never sleep: */
int asys_context_create(struct asys_context **context);
void asys_context_get(struct asys_context *context);
void asys_context_put(struct asys_context *context);
/* Cancels everything in progress; what completes from now on is dropped. Does not wait. */
void asys_context_close(struct asys_context *context);

/* A record for a call of the running task, counted in: NULL at a limit or without memory. All but the
 * call's number and arguments is set. */
struct asys_record *asys_record_create(struct asys_context *context);
/* The call's end: the result goes where the context says. Never waits, never fails. */
void asys_record_post(struct asys_record *record, long result);
/* Its end without a completion. */
void asys_record_drop(struct asys_record *record);
/* Collected: counted out, and freed. */
void asys_record_release(struct asys_record *record);

/* The oldest completion, taken off the list; NULL: none. */
struct asys_record *asys_context_take(struct asys_context *context);
/* The copy to the user faulted: it is the oldest again. */
void asys_context_put_back(struct asys_context *context, struct asys_record *record);
u32 asys_context_ready(const struct asys_context *context); /* completions not yet collected */
/* Sleeps until `least` are ready, or nothing more will come, or the deadline (0: none). */
int asys_context_wait(struct asys_context *context, u32 least, u64 deadline_ns);
/* Results that waited for room in rings go there: at the tick; interrupts off. */
void asys_backlogs_flush(void);

/* The record that a call is part of; NULL: it is another interface's. */
struct asys_record *asys_record_of(struct call *call);
void asys_record_complete(struct call *call, long result); /* the sink of plain records */

u64 asys_id_take(void); /* never given before */

/* ---- cancel.c; interrupts need not be off ---- */

void asys_id_insert(struct asys_record *record);
void asys_id_remove(struct asys_record *record);
void asys_record_cancel(struct asys_record *record, int error);
/* How many were cancelled; the running call itself is left out. */
u32 asys_cancel_context(struct asys_context *context, int error);
u32 asys_cancel_task(struct task *task);
bool asys_cancel_id(struct asys_context *context, u64 id);

#endif
