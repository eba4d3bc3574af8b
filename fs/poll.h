/* Waiting for any of several files to be ready: what poll(2) and its kin are made of. */
#ifndef FS_POLL_H
#define FS_POLL_H

#include "fs/abi.h"

struct file;

/* What `file` is ready for now (POLL_ bits); files without a poll function always are. */
u32 file_poll_now(struct file *file);

struct poll_request {
    u32 count;       /* of entries */
    u32 unasked;     /* POLL_ bits that are told whether asked for or not */
    bool wait;
    u64 deadline_ns; /* by time_now_ns(); 0: never */
};
/* Fills revents of all entries (kernel memory) and waits until one is not zero or the time comes. *ready
 * is how many. Sleeps interruptibly: 0, -ERESTARTSYS and its like, -ENOMEM. */
int poll_descriptors(struct abi_pollfd *fds, const struct poll_request *request, u32 *ready);

#endif
