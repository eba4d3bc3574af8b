/* epoll: files that tell which of many others are ready. */
#ifndef FS_EPOLL_H
#define FS_EPOLL_H

#include "kernel/types.h"

struct file;

/* Events beside the POLL_ ones, Linux's (linux/eventpoll.h). */
#define EPOLL_EXCLUSIVE (1u << 28)
#define EPOLL_WAKE_UP (1u << 29)
#define EPOLL_ONE_SHOT (1u << 30)
#define EPOLL_EDGE (1u << 31)

enum { EPOLL_ADD = 1, EPOLL_DELETE, EPOLL_MODIFY };

struct abi_epoll_event {
    u32 events, data_low, data_high;
};
_Static_assert(sizeof(struct abi_epoll_event) == 12, "struct epoll_event");

int epoll_file_create(struct file **file); /* 0 or -ENOMEM */
bool file_is_epoll(const struct file *file);
/* epoll_ctl on `file`, which stands behind the number fd. `event` (kernel memory) is not looked
 * at by EPOLL_DELETE. Never sleeps. */
int epoll_control(struct file *epoll, int operation, int fd, struct file *file,
                  const struct abi_epoll_event *event);
/* At most `most` events; with `wait`, sleeps interruptibly until there is one or the deadline
 * (0: none) comes. The count, -EFAULT, or why the sleep ended. */
long epoll_collect(struct file *epoll, struct abi_epoll_event USER *events, u32 most, bool wait,
                   u64 deadline_ns);
/* From file_put: the last reference has gone, and with it the file's places in epolls. */
void epoll_forget_file(struct file *file);

#endif
