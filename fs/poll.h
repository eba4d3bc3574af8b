/* Waiting for any of several files to be ready: what poll(2) and its kin are made of. */
#ifndef FS_POLL_H
#define FS_POLL_H

#include "fs/abi.h"

struct file;

/* What `file` is ready for now (POLL_ bits); files without a poll function always are. */
u32 file_poll_now(struct file *file);

/* Fills revents of all `count` entries (kernel memory) and waits until one is not zero or the time
 * comes: `deadline_ns` by time_now_ns(), 0: never; `wait` false: does not wait. *ready is how many.
 * Sleeps interruptibly: 0, -EINTR and its like, -ENOMEM. */
int poll_descriptors(struct abi_pollfd *fds, u32 count, bool wait, u64 deadline_ns, u32 *ready);

#endif
