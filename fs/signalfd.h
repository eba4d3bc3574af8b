/* signalfd: a process's pending signals as a file. */
#ifndef FS_SIGNALFD_H
#define FS_SIGNALFD_H

#include "kernel/signal.h"
#include "kernel/types.h"

struct file;

/* `flags`: OPEN_NONBLOCK. 0 or -ENOMEM. */
int signalfd_create(signal_set mask, u32 flags, struct file **file);
bool file_is_signalfd(const struct file *file);
void signalfd_set_mask(struct file *file, signal_set mask);

#endif
