/* Stack pages for fibrils: slots of address space with a guard page below each, and the few mapped
 * stacks that a task keeps so that a call that ends gives its stack to the next one. Any context. */
#ifndef KERNEL_STACK_H
#define KERNEL_STACK_H

#include "kernel/types.h"

#define STACK_FILL 0x46464646u /* never used words of a stack, with checks on (checks.h) */

struct task;

/* The lowest address of a stack page for a fibril of the task; NULL: no memory, or no slot. */
u8 *stack_take(struct task *task, u32 *slot);
/* Gives it back, to the task's spare ones if there is room and `keep`. Not while standing on it. */
void stack_give(struct task *task, u8 *bottom, u32 slot, bool keep);
void stack_drop_spares(struct task *task); /* unmaps the task's spare stacks */
u32 stack_spare_count(void);               /* of all tasks */

#endif
