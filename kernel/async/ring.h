/* Rings between a program and a context: pages of the kernel that the program sees. Nothing that the
 * program writes there is trusted: an index that makes no sense costs it the ring, never the kernel
 * anything. The kernel uses its own mapping of the pages, so it cannot fault. */
#ifndef KERNEL_ASYNC_RING_H
#define KERNEL_ASYNC_RING_H

#include "kernel/async/context.h"

/* Makes the rings of a new context in the running task's address space; fills what setup gives out. */
int asys_ring_create(struct asys_context *context, struct asys_setup *setup);
/* Takes them out of the running task's address space again, where asys_ring_create has put them. */
void asys_ring_hide(const struct ring *ring);
void asys_ring_destroy(struct ring *ring); /* NULL is allowed */

/* The result goes into the completion ring: false when results wait already or there is no room. */
bool asys_ring_store(struct asys_context *context, struct asys_record *record);
/* Results that wait go into the ring; true when none is left. Interrupts off. */
bool asys_ring_flush(struct asys_context *context);
u32 asys_ring_ready(const struct ring *ring); /* in the completion ring, not yet taken */

/* Submissions that are there now and not yet taken; 0 also for nonsense. */
u32 asys_ring_waiting(const struct ring *ring);
/* Copies the next submission out and takes it off the ring. */
void asys_ring_take(struct ring *ring, struct asys_entry *entry);
/* The last one taken: its id, for the program to see in its place; it is not taken after all. */
void asys_ring_tell_id(struct ring *ring, u64 id);
void asys_ring_give_back(struct ring *ring);

#endif
