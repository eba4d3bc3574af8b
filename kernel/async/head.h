/* Heads: where completions of syslets and threadlets go. A head is a structure in the program's memory
 * that names a ring; the kernel knows it by its address, per process, and keeps for it what the ring has
 * no room for. Completions are written through user copies: the sink runs on a fibril of the program. */
#ifndef KERNEL_ASYNC_HEAD_H
#define KERNEL_ASYNC_HEAD_H

#include "kernel/list.h"
#include "kernel/types.h"
#include "kernel/wait.h"
#include "user/include/fibril/syslet_abi.h"

#define HEADS_MOST 1024u      /* of one process, in use */
#define EVENTS_MOST (1u << 17) /* of one process: in progress, or kept in the kernel */

/* What a process keeps; made when it is first needed, released with its last task. */
struct async_heads {
    struct list heads;
    u32 head_count;
    u32 events; /* in progress or kept, of all heads */
    struct list spares; /* async_event.link: of syslets that have ended, for the next ones */
    u32 spare_count;
};

struct async_head {
    struct list link; /* async_heads.heads */
    u32 address;
    u32 ring, slots; /* as the head said when it was last read */
    u32 in_progress;
    u32 waiters_count;
    u32 posted;        /* completions so far: tells waiters that something has changed */
    struct list kept;  /* async_event.link: no room, oldest first */
    u32 kept_count;
    struct wait_queue waiters;
};

/* One completion, made before what it tells begins. */
struct async_event {
    struct list link;
    struct async_head *head;
    u32 value; /* what goes into the slot; not 0 */
    /* It has been stored, or will never be; or a spare one is not needed any more. */
    void (*release)(struct async_event *event);
};

/* The head at this address of the running task, read and checked, and held until async_head_leave() or
 * the event's end: 0, -EFAULT, -EINVAL, -EAGAIN (a limit, or no memory). May fault. */
int async_head_enter(const void USER *user, struct async_head **head);
void async_head_leave(struct async_head *head);

/* The completion goes into the ring, or is kept. Never waits; may fault. The event's head is left. */
void async_event_post(struct async_event *event);

/* The running task's process's; NULL: none yet, or it is being released. */
struct async_heads *async_heads_of_current(void);
void async_head_init(void);

#endif
