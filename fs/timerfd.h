/* timerfd: a timer as a file. */
#ifndef FS_TIMERFD_H
#define FS_TIMERFD_H

#include "kernel/interval_timer.h"
#include "kernel/types.h"

struct file;

/* By the wall clock or the monotonic one; `flags`: OPEN_NONBLOCK. 0 or -ENOMEM. */
int timerfd_create(bool wall_clock, u32 flags, struct file **file);
bool file_is_timerfd(const struct file *file);
/* Arms for a point in time of its clock, or from now on; left 0: not at all. */
void timerfd_set(struct file *file, bool absolute, const struct interval *new,
                 struct interval *old);
void timerfd_get(struct file *file, struct interval *value);

#endif
