/* Timers on a hierarchical wheel with a tick of 1 ms: arming and cancelling take constant time.
 * A timer's function runs once, in interrupt context, at the first tick that is not before its time.
 * The timer belongs to its user, who must cancel it before its memory goes; any context. */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include "kernel/list.h"
#include "kernel/types.h"

#define TICK_NS 1000000u

struct timer {
    struct list link; /* interrupts off; points to itself when not armed */
    u64 expires;      /* tick */
    void (*expire)(struct timer *timer);
};

void timer_init(struct timer *timer, void (*expire)(struct timer *timer));
void timer_arm(struct timer *timer, u64 time_ns); /* absolute, by time_now_ns(); re-arms too */
bool timer_cancel(struct timer *timer);           /* was it still armed? */
bool timer_armed(const struct timer *timer);
extern u32 clock_ticks; /* ms since boot at the last tick, modulo 2^32 */
void timer_tick(u64 now_ns); /* from the clock interrupt: runs everything due */

#endif
