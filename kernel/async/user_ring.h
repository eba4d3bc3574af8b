/* A program's own ring of results: memory that it has registered. Its pages are pinned, so the
 * kernel writes and reads them through its own mapping: never a fault, never a sleep, whatever
 * becomes of the program's mapping. Size and place are taken once; the program's index is
 * checked each time it is read. */
#ifndef KERNEL_ASYNC_USER_RING_H
#define KERNEL_ASYNC_USER_RING_H

#include "kernel/types.h"
#include "user/include/fibril/asyncfd_abi.h"

struct user_ring;

/* Of the running task's memory: 0, -EFAULT, -EINVAL, -ENOMEM. Sleeps. */
int user_ring_create(struct asyncfd_uring USER *header, struct user_ring **ring);
void user_ring_destroy(struct user_ring *ring); /* NULL is allowed; any context */

/* Never sleep, never fault; interrupts off. */
/* false: no room */
bool user_ring_store(struct user_ring *ring, const struct asyncfd_result *result);
bool user_ring_usable(const struct user_ring *ring); /* does the program's index make sense? */
bool user_ring_unread(const struct user_ring *ring); /* are there results that it has not taken? */

#endif
