/* eventfd: a counter as a file. */
#ifndef FS_EVENTFD_H
#define FS_EVENTFD_H

#include "kernel/types.h"

struct file;

/* `flags`: OPEN_NONBLOCK. 0 or -ENOMEM. */
int eventfd_create(u32 count, bool semaphore, u32 flags, struct file **file);
bool file_is_eventfd(const struct file *file);
/* The kernel's way of adding to the counter: never sleeps; one that is full stays full. */
void eventfd_add(struct file *file, u64 value);

#endif
