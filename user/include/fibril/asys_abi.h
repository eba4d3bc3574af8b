/* The structures that programs and the kernel share for asynchronous system calls: the only definition
 * of them; the kernel includes this file too. */
#ifndef FIBRIL_ASYS_ABI_H
#define FIBRIL_ASYS_ABI_H

#include <stdint.h>

/* ---- asys_submit and asys_await_completion (512, 513), as published in January 2007 ---- */

struct asys_input {
    int syscall_nr;
    unsigned long cookie; /* comes back with the completion */
    unsigned long nr_args; /* at most 6; missing ones are 0 */
    unsigned long *args;
};
struct asys_completion {
    long return_code; /* the call's result, or a negative error number */
    unsigned long cookie;
};

/* ---- asys_enter (529): the whole of what can be said about a call ---- */

struct asys_entry {
    uint64_t cookie;
    uint64_t deadline; /* CLOCK_MONOTONIC nanoseconds at which the call ends with -ETIME; 0: never */
    uint64_t id;       /* out, with ASYS_WANT_ID */
    uint16_t number;
    uint16_t flags;
    uint8_t source[6]; /* argument i is the result of the entry of this chain source[i] places back */
    uint16_t reserved;
    uint32_t argument[6];
    uint32_t reserved_too;
};

#define ASYS_LINK 1u    /* the next entry belongs to the same chain: it runs after this one */
#define ASYS_ALWAYS 2u  /* in a chain: runs after failure and cancel too */
#define ASYS_INLINE 4u  /* the first sleep fails with -EAGAIN instead */
#define ASYS_QUIET 8u   /* a completion only on failure */
#define ASYS_GROUP 16u  /* the next entry belongs to the same group: one completion when all are done,
                           with the cookie of the last one */
#define ASYS_WANT_ID 32u
#define ASYS_ENTRY_FLAGS 63u
#define ASYS_CHAIN_MOST 32

struct asys_event { /* one result */
    uint64_t cookie;
    uint64_t id; /* never used again */
    int32_t result;
    uint32_t flags;
    uint64_t reserved;
};
#define ASYS_EVENT_GROUP 1u /* of a whole group: 0, or the first member's error */

/* ---- asys_context (528) ---- */

struct asys_setup {
    uint32_t flags;
    uint32_t submissions, completions; /* out: entries of the rings; in: at least so many; 0: no rings */
    uint32_t ring_address;             /* out */
    uint32_t signal;                   /* ASYS_SETUP_SIGNAL: sent when the context becomes non-empty */
    uint32_t signal_value;
    int32_t notify_fd; /* ASYS_SETUP_EVENTFD: 1 is written when the context becomes non-empty;
                          ASYS_SETUP_ASYNCFD: all completions go there, none stays in the context */
    uint32_t reserved;
};
#define ASYS_SETUP_RINGS 1u
#define ASYS_SETUP_POLL 2u /* a fibril of the kernel looks at the ring at every tick */
#define ASYS_SETUP_SIGNAL 4u
#define ASYS_SETUP_EVENTFD 8u
#define ASYS_SETUP_ASYNCFD 16u /* not with EVENTFD; a cookie of 0 is refused */

/* The rings lie in pages of the kernel that the task sees: this header, then the submissions (64 bytes
 * each), then the completions (32 bytes each). Indices only grow; entry i lies at i & mask. Whoever
 * writes an index does so after the entries, with a barrier. */
struct asys_ring {
    uint32_t submission_head; /* the kernel's */
    uint32_t submission_tail; /* the program's */
    uint32_t submission_mask;
    uint32_t completion_head; /* the program's */
    uint32_t completion_tail; /* the kernel's */
    uint32_t completion_mask;
    uint32_t submission_offset, completion_offset; /* from this header, in bytes */
    uint32_t waiting; /* completions that wait in the kernel for room */
    uint32_t reserved[7];
};

/* ---- asys_collect (530) ---- */

struct asys_wait {
    uint64_t timeout; /* nanoseconds; ~0: none */
    uint32_t least, most;
    uint32_t flags;
    uint32_t mask; /* address of a 64-bit signal mask for the time of the wait, or 0 */
};
#define ASYS_WAIT_ABSOLUTE 1u /* timeout is a point of CLOCK_MONOTONIC */

/* ---- asys_cancel (531): what = one of these ---- */
#define ASYS_CANCEL_ID 0u      /* the call with this id */
#define ASYS_CANCEL_CONTEXT 1u /* all of the context */
#define ASYS_CANCEL_ALL 2u     /* all of this thread */

#endif
