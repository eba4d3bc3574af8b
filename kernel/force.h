/* Forcing what chance hardly ever does, for tests: an allocation that fails, an act at a chosen switch of
 * a call. Set and read through /proc/force (kernel/async/force.c); here is what the places ask that can
 * be made to fail. Costs one test where it is asked, and the switch nothing: it is seen through the trace. */
#ifndef KERNEL_FORCE_H
#define KERNEL_FORCE_H

#include "kernel/types.h"

struct task;

extern struct task *force_task; /* whose calls it is about; NULL: nothing is forced */
extern u32 force_failing;       /* the allocation that is to fail, counted down; 0: none (any more) */
extern u32 force_allocations;   /* of that task since force_fail */

void force_fail(struct task *task, u32 which); /* from now on the allocations of `task` are counted */
bool force_allocation(bool of_calls_only);     /* shall this one fail? */

/* In page_alloc, pages_alloc: those for user mode's own page faults, which would end the program, are left
 * alone. */
static inline bool
force_page_fails(void)
{
    return unlikely(force_task != NULL) && force_allocation(true);
}

/* In pool_alloc, stack_take. */
static inline bool
force_object_fails(void)
{
    return unlikely(force_task != NULL) && force_allocation(false);
}

#endif
