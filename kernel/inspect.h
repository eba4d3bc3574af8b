/* What fibrils are doing, for listings: /proc/fibrils and the console's key. */
#ifndef KERNEL_INSPECT_H
#define KERNEL_INSPECT_H

#include "kernel/types.h"

struct fibril;

/* The functions it is in, innermost first; how many. */
unsigned fibril_backtrace(const struct fibril *fibril, uintptr_t *addresses, unsigned most);
/* The most bytes that it has ever used of its stack; 0: not known, the checks are off (checks.h). */
u32 fibril_stack_used(const struct fibril *fibril);
/* For how long it has been asleep, ms; 0: it is not. */
u32 fibril_sleeping_ms(const struct fibril *fibril);
const char *fibril_state_name(const struct fibril *fibril);

/* All of them (or so many that the log can hold) with their backtraces, into the log. Any context. */
void fibrils_log(void);

#endif
