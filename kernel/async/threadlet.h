/* Threadlets: user fibrils that relieve one another where one of them sleeps. */
#ifndef KERNEL_ASYNC_THREADLET_H
#define KERNEL_ASYNC_THREADLET_H

/* Start-up code calls it. The calls are threadlet_on and threadlet_off (syscalls.master); layouts in
 * user/include/fibril/syslet_abi.h. */
void threadlet_init(void);

#endif
