/* Limits on the size of the running process's address space. */
#ifndef KERNEL_SYS_MAP_LIMITS_H
#define KERNEL_SYS_MAP_LIMITS_H

#include "kernel/types.h"

/* Would `more` bytes go beyond LIMIT_SPACE? */
bool map_limit_reached(size_t more);

#endif
