/* The timers of a process: alarm and setitimer, and those of timer_create. They expire in interrupt
 * context and send signals. Made when a process first wants one. */
#ifndef KERNEL_INTERVAL_TIMER_H
#define KERNEL_INTERVAL_TIMER_H

#include "kernel/list.h"
#include "kernel/signal.h"
#include "kernel/timer.h"
#include "kernel/types.h"

struct process;
struct task;

/* What is left until a timer expires (0: it is not armed), and after which it does again (0: once). In
 * nanoseconds. */
struct interval {
    u64 left, again;
};

enum { TIMER_REAL, TIMER_VIRTUAL, TIMER_PROFILE, PROCESS_TIMERS }; /* ITIMER_ numbers */

/* setitimer: 0 or -ENOMEM. REAL counts time, VIRTUAL the process's ticks in user mode, PROFILE all its
 * ticks. */
int interval_timer_set(int which, const struct interval *new, struct interval *old);
void interval_timer_get(int which, struct interval *value);

/* From the clock, for a process with `counting` set: one of its ticks has passed. Interrupts off. */
void interval_timer_tick(struct process *process, bool user);

/* ---- timer_create ---- */

#define TIMERS_MOST 256u /* of one process */

struct posix_timer;
struct timer_notice {
    int kind; /* SIGEV_ numbers */
    int signal;
    u32 value;
    u32 tid; /* SIGEV_THREAD_ID's */
};
enum { NOTICE_SIGNAL, NOTICE_NONE, NOTICE_THREAD, NOTICE_THREAD_ID = 4 };

/* A timer of the running process by the wall clock or the monotonic one; *id is its number, and its
 * signal's value if there is no notice. 0, -EAGAIN. */
int posix_timer_create(bool wall_clock, const struct timer_notice *notice, int *id);
struct posix_timer *posix_timer_find(int id); /* of the running process; NULL */
void posix_timer_delete(struct posix_timer *timer);
/* Arms for a point in time of its clock, or from now on. */
void posix_timer_set(struct posix_timer *timer, bool absolute, const struct interval *new,
                     struct interval *old);
void posix_timer_get(const struct posix_timer *timer, struct interval *value);
int posix_timer_overrun(const struct posix_timer *timer); /* expiries that its last signal stood for */

void posix_timers_delete_all(struct process *process); /* at exec */
void process_timers_end(struct process *process);      /* all; at its end */

#endif
