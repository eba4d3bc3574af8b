/* The asynchronous system calls' interfaces: the two calls of 2007 on each thread's own context, and
 * contexts as files with entries, rings and cancelling. */
#ifndef KERNEL_ASYNC_ASYS_H
#define KERNEL_ASYNC_ASYS_H

#include "kernel/types.h"

struct asys_context;
struct task;

/* At boot: lets the end of a task free its results, and registers /proc/self/calls. */
void asys_init(void);
/* The task's own context, made when first used; NULL: no memory. */
struct asys_context *asys_context_of(struct task *task);
/* A thread of its process that is not ending; NULL: there is none. */
struct task *asys_other_thread(const struct task *task);

#endif
