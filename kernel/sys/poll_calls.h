/* What poll_calls.c and select_calls.c share: time-outs that are told what is left of them, and signal
 * masks for the time of the wait. */
#ifndef KERNEL_SYS_POLL_CALLS_H
#define KERNEL_SYS_POLL_CALLS_H

#include "kernel/types.h"

struct poll_request;

/* Sets wait and deadline_ns for a time-out (given: false, none: for ever). */
void poll_time_set(struct poll_request *request, bool given, u64 relative_ns);
u64 poll_time_left(const struct poll_request *request);

/* The mask that holds while the call waits: NULL, none. 0, -EFAULT, -EINVAL. */
int poll_mask_begin(const void USER *mask, size_t mask_bytes);
/* Afterwards: what the call returns for `result`. */
long poll_mask_end(const struct poll_request *request, long result);

#endif
