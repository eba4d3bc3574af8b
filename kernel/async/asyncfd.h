/* asyncfd: files through which results of asynchronous calls reach a program: a ring of its own
 * memory, or read(2). Whoever delivers reserves a place before the call starts, so delivering
 * never fails. */
#ifndef KERNEL_ASYNC_ASYNCFD_H
#define KERNEL_ASYNC_ASYNCFD_H

#include "kernel/list.h"
#include "kernel/types.h"
#include "user/include/fibril/asyncfd_abi.h"

struct asyncfd;

/* The storage of a result until the program has it. */
struct asyncfd_delivery {
    struct list link;
    struct asyncfd_result result;
};

/* The one behind a descriptor, with a reference, which does not keep the file open: -EBADF,
 * -EINVAL. */
int asyncfd_get(int fd, struct asyncfd **asyncfd);
void asyncfd_put(struct asyncfd *asyncfd);

/* NULL: no memory, or too many. */
struct asyncfd_delivery *asyncfd_reserve(struct asyncfd *asyncfd);
void asyncfd_unreserve(struct asyncfd *asyncfd, struct asyncfd_delivery *delivery);
/* Takes the delivery over. Its result's cookie is not 0. Never sleeps. */
void asyncfd_add_result(struct asyncfd *asyncfd, struct asyncfd_delivery *delivery);

/* Results that wait for room in rings go there: at the tick; interrupts off. */
void asyncfd_backlogs_flush(void);

#endif
