/* newlib's, and the options of POSIX that this system has. */
#include_next <sys/features.h>
#ifndef _FIBRIL_SYS_FEATURES_H
#define _FIBRIL_SYS_FEATURES_H

#define _POSIX_TIMERS 1
#define _POSIX_MONOTONIC_CLOCK 200112L
#define _POSIX_CLOCK_SELECTION 1
#define _POSIX_THREADS 200112L
#define _POSIX_REALTIME_SIGNALS 200112L
#define _POSIX_SEMAPHORES 200112L

#endif
