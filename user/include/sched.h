/* newlib's, and what it declares for other systems only. */
#include_next <sched.h>
#ifndef _FIBRIL_SCHED_H
#define _FIBRIL_SCHED_H

int sched_yield(void);

#endif
