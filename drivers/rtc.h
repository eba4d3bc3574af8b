/* The battery-backed clock. */
#ifndef DRIVERS_RTC_H
#define DRIVERS_RTC_H

#include "kernel/types.h"

/* Seconds since 1970, taking the clock to be set to UTC; 0 if it makes no sense. Any context. */
u64 rtc_read(void);

#endif
