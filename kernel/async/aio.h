/* Kernel AIO: struct iocb is one more way to describe a call, and a ring of io_events one more sink.
 * aio_context.c has contexts and their rings, aio_request.c the requests in progress and their ends,
 * aio_submit.c makes calls of iocbs and lists of them.
 *
 * A request takes a slot of its context's ring from its submission until its event has been read, so
 * storing an event never waits and never fails. Contexts belong to an address space: threads share
 * them, children do not get them, and they end with it. */
#ifndef KERNEL_ASYNC_AIO_H
#define KERNEL_ASYNC_AIO_H

#include "kernel/address_space.h"
#include "kernel/async/call.h"
#include "kernel/list.h"
#include "kernel/types.h"
#include "kernel/wait.h"
#include "user/include/fibril/aio_abi.h"

struct file;
struct map_source;
struct process;
struct signal_entry;

struct aio_context {
    struct address_space_part part; /* of `space`, while it is open */
    u32 references;                 /* the address space's, and each user's */
    bool closed;
    struct address_space *space; /* whose: never looked into */
    u32 id;                      /* address of the ring there */
    struct aio_context *hash_next;
    struct list active; /* aio_request.link, in order of submission; interrupts off */
    u32 in_progress;    /* and these will want a slot: */
    u32 events_due;
    struct wait_queue waiters; /* an event has come, a request has ended, or it is closed */
    u32 ended;                 /* requests, so far */
    bool abandoning;           /* somebody is in io_abandon */
    /* The ring. The program's copies of nr and tail are never read back. */
    struct map_source *memory;
    volatile struct aio_ring *header;
    u32 bytes, slots, tail;
    u32 events; /* asked for */
    u32 taken; /* by the kernel for the program, so far */
};

/* A signal that is due when something is done; process NULL: none. */
struct aio_signal {
    struct process *process; /* referenced */
    u32 task_id;             /* 0: any of the process's */
    struct signal_entry *entry;
};

/* IOCB_FLAG_RESFD: an eventfd that is told, or an asyncfd that gets the result; all NULL: none. */
struct aio_result_file {
    struct file *event;      /* referenced */
    struct asyncfd *asyncfd; /* referenced */
    struct asyncfd_delivery *delivery;
};

/* What the requests of one lio_submit share. */
struct aio_list {
    u32 left;       /* requests not yet done, and 1 while they are being started */
    u32 references; /* the same, and the maker's */
    struct aio_signal signal;
    struct wait_queue done;
};

struct aio_request {
    struct call call;
    struct list link;
    struct aio_context *context; /* referenced */
    struct fibril *fibril;       /* while it runs; interrupts off */
    struct aio_request *hash_next;
    u64 data;
    u32 iocb; /* its address */
    s32 descriptor;
    u32 flags;           /* IOCB_FLAG_ */
    struct aio_abandon *abandon; /* who waits for its end, or NULL */
    struct aio_result_file result_file;
    struct aio_signal signal;
    struct aio_list *list;
};

/* ---- aio_context.c ---- */

void aio_init(void); /* at boot: registers /proc/sys/fs/aio-max-nr and aio-nr */

/* The running task's context with this id, referenced: 0 or -EINVAL. */
int aio_context_find(u32 id, struct aio_context **context);
void aio_context_put(struct aio_context *context);
/* Events that can still be promised. */
u32 aio_context_room(const struct aio_context *context);
/* Puts one in, whose slot was promised; does not wake. */
void aio_context_store(struct aio_context *context, const struct io_event *event);

/* ---- aio_request.c ---- */

/* A request of the running task, counted in; NULL: no slot or no memory. */
struct aio_request *aio_request_create(struct aio_context *context, bool wants_slot);
/* It was not started: as if it had never been. */
void aio_request_forget(struct aio_request *request);
/* It will be started on the running fibril: from now on it can be cancelled, and ends once. */
void aio_request_begin(struct aio_request *request);
void aio_request_complete(struct call *call, long result); /* the sink */
/* Cancels what is in progress of a context. Does not wait. */
void aio_context_cancel(struct aio_context *context);
/* Sleeps until all before `request` that use its descriptor have ended. 0, or why it was cancelled. */
int aio_request_wait_before(struct aio_request *request);

/* ---- aio_notify.c ---- */

/* A signal as the struct sigevent at `user` asks for it: 0, -EFAULT, -EINVAL, -EAGAIN (no memory). */
int aio_signal_init(struct aio_signal *signal, u32 user);
void aio_signal_send(struct aio_signal *signal); /* once; nothing if there is none */
void aio_signal_drop(struct aio_signal *signal);

/* The one behind a descriptor, and a place for the result: 0, -EBADF, -EINVAL, -EAGAIN. */
int aio_result_file_find(struct aio_result_file *file, int fd, u64 data);
void aio_result_file_tell(struct aio_result_file *file, const struct io_event *event); /* once */
void aio_result_file_drop(struct aio_result_file *file);

/* A list with nobody in it but its maker; `user`: its sigevent, or 0. */
int aio_list_create(u32 user, struct aio_list **list);
void aio_list_join(struct aio_list *list);
/* A request of it is done, or it will have no more (the maker): the last one tells. */
void aio_list_done(struct aio_list *list);
void aio_list_put(struct aio_list *list); /* the maker's reference */

#endif
