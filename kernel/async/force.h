/* /proc/force: for tests, forces an allocation to fail or a call to be cancelled at a chosen moment. */
#ifndef KERNEL_ASYNC_FORCE_H
#define KERNEL_ASYNC_FORCE_H

void force_init(void);

#endif
