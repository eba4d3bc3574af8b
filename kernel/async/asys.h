/* asys_submit and asys_await_completion: calls described by an array, results in a list. */
#ifndef KERNEL_ASYNC_ASYS_H
#define KERNEL_ASYNC_ASYS_H

/* At boot: lets the end of a task free its results, and registers /proc/self/calls. */
void asys_init(void);

#endif
