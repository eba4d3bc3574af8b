/* Checks that cost too much to be always on (the boot word checks=on; all tests have it): the order in
 * which mutexes are taken, and how deep each fibril's stack gets. */
#ifndef KERNEL_CHECKS_H
#define KERNEL_CHECKS_H

#include "kernel/types.h"

struct mutex;

extern bool checks_enabled; /* set at boot, for good */

/* The running fibril is about to wait for the mutex, or to take it. Panics if somebody who holds one like
 * it has ever gone for one like those that this fibril holds: they could wait for each other. Mutexes
 * are alike if their waiters' queues have the same name. */
void lock_order_wanted(const struct mutex *mutex);
void lock_order_taken(struct mutex *mutex); /* by the running fibril */
void lock_order_given(struct mutex *mutex); /* back, by its owner */

#endif
