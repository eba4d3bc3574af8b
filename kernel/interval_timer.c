/* The timers of a process: see interval_timer.h. */
#include "kernel/interval_timer.h"
#include "arch.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define OVERRUN_MOST 0x7fffffff

struct tick_timer { /* counts ticks of the process */
    u64 left, again;
};

struct process_timers {
    struct process *process;
    /* Interrupts off: */
    struct timer real;
    u64 real_at, real_again; /* ns; real_at counts while the timer is armed */
    struct tick_timer ticks[PROCESS_TIMERS]; /* VIRTUAL and PROFILE */
    struct list posix;
    u32 posix_count;
    int next_id;
};

struct posix_timer {
    struct list link;
    int id;
    struct process *process;
    struct timer_notice notice;
    bool wall_clock;
    /* Interrupts off: */
    struct timer timer;
    u64 at, again;
    struct signal_entry entry;
    u32 missed;  /* expiries since its signal was queued */
    int overrun; /* those of the last signal that was taken */
};

static struct pool process_timers_pool = POOL_INIT("process_timers", struct process_timers);
static struct pool posix_pool = POOL_INIT("posix_timer", struct posix_timer);

static void real_expire(struct timer *timer);

static struct process_timers *
timers_of(struct process *process)
{
    if (process->timers)
        return process->timers;
    struct process_timers *timers = pool_alloc(&process_timers_pool);
    if (!timers)
        return NULL;
    timers->process = process;
    timer_init(&timers->real, real_expire);
    list_init(&timers->posix);
    return process->timers = timers;
}

/* The next time of a periodic timer that is later than now; how many were skipped. */
static u64
next_time(u64 at, u64 again, u32 *skipped)
{
    u64 now = time_now_ns();
    *skipped = 0;
    at += again;
    if (at > now)
        return at;
    u64 count = (now - at) / again + 1;
    *skipped = (u32)MIN(count, (u64)OVERRUN_MOST);
    return at + count * again;
}

static u64
time_left(const struct timer *timer, u64 at)
{
    u64 now = time_now_ns();
    if (!timer_armed(timer))
        return 0;
    return at > now ? at - now : 1;
}

/* ---- alarm, setitimer ---- */

static void
signal_from_kernel(struct process *process, int number)
{
    struct signal_info info;
    signal_info_kernel(&info, number);
    (void)signal_send_process(process, &info);
}

static void
real_expire(struct timer *timer)
{
    struct process_timers *timers = container_of(timer, struct process_timers, real);
    u32 skipped;
    if (timers->real_again) {
        timers->real_at = next_time(timers->real_at, timers->real_again, &skipped);
        timer_arm(&timers->real, timers->real_at);
    }
    signal_from_kernel(timers->process, SIGALRM);
}

static void
real_get(const struct process_timers *timers, struct interval *value)
{
    INTERRUPTS_OFF_SCOPE();
    value->left = time_left(&timers->real, timers->real_at);
    value->again = timers->real_again;
}

static void
real_set(struct process_timers *timers, const struct interval *new)
{
    INTERRUPTS_OFF_SCOPE();
    timer_cancel(&timers->real);
    timers->real_again = new->again;
    if (!new->left)
        return;
    timers->real_at = time_now_ns() + new->left;
    timer_arm(&timers->real, timers->real_at);
}

static u64
ticks_of_ns(u64 ns)
{
    return ns / TICK_NS + (ns % TICK_NS != 0);
}

static void
ticks_set(struct process_timers *timers, int which, const struct interval *new)
{
    INTERRUPTS_OFF_SCOPE();
    timers->ticks[which] = (struct tick_timer){ticks_of_ns(new->left), ticks_of_ns(new->again)};
    timers->process->counting =
        timers->ticks[TIMER_VIRTUAL].left || timers->ticks[TIMER_PROFILE].left;
}

void
interval_timer_get(int which, struct interval *value)
{
    const struct process_timers *timers = current_task()->process->timers;
    *value = (struct interval){0, 0};
    if (!timers)
        return;
    if (which == TIMER_REAL) {
        real_get(timers, value);
        return;
    }
    INTERRUPTS_OFF_SCOPE();
    value->left = timers->ticks[which].left * TICK_NS;
    value->again = timers->ticks[which].again * TICK_NS;
}

int
interval_timer_set(int which, const struct interval *new, struct interval *old)
{
    interval_timer_get(which, old);
    struct process_timers *timers = timers_of(current_task()->process);
    if (!timers)
        return -ENOMEM;
    if (which == TIMER_REAL)
        real_set(timers, new);
    else
        ticks_set(timers, which, new);
    return 0;
}

static void
tick_count(struct process_timers *timers, int which, int signal)
{
    struct tick_timer *timer = &timers->ticks[which];
    if (!timer->left || --timer->left)
        return;
    timer->left = timer->again;
    signal_from_kernel(timers->process, signal);
}

void
interval_timer_tick(struct process *process, bool user)
{
    struct process_timers *timers = process->timers;
    if (user)
        tick_count(timers, TIMER_VIRTUAL, SIGVTALRM);
    tick_count(timers, TIMER_PROFILE, SIGPROF);
    process->counting = timers->ticks[TIMER_VIRTUAL].left || timers->ticks[TIMER_PROFILE].left;
}

/* ---- timer_create ---- */

/* A timer's signal is taken: it tells how many expiries it stands for. */
static void
entry_taken(struct signal_entry *entry, struct signal_info *info)
{
    struct posix_timer *timer = container_of(entry, struct posix_timer, entry);
    timer->overrun = (int)MIN(timer->missed, (u32)OVERRUN_MOST);
    timer->missed = 0;
    info->fields[1] = (u32)timer->overrun;
}

/* As one signal waits at most, further expiries are counted. */
static void
posix_notify(struct posix_timer *timer, u32 skipped)
{
    struct task *task = NULL;
    if (timer->notice.kind == NOTICE_NONE)
        return;
    if (timer->notice.kind == NOTICE_THREAD_ID) {
        task = task_find(timer->notice.tid);
        if (!task || task->process != timer->process)
            return;
    }
    timer->missed += skipped;
    if (signal_entry_queued(&timer->entry))
        timer->missed++;
    else
        signal_send_entry(timer->process, task, &timer->entry);
}

static void
posix_expire(struct timer *expired)
{
    struct posix_timer *timer = container_of(expired, struct posix_timer, timer);
    u32 skipped = 0;
    if (timer->again) {
        timer->at = next_time(timer->at, timer->again, &skipped);
        timer_arm(&timer->timer, timer->at);
    }
    posix_notify(timer, skipped);
}

static void
entry_fill(struct posix_timer *timer, bool value_is_id)
{
    struct signal_info *info = &timer->entry.info;
    list_init(&timer->entry.link);
    timer->entry.taken = entry_taken;
    info->number = timer->notice.signal;
    info->code = CODE_TIMER;
    info->fields[0] = (u32)timer->id;
    info->fields[2] = value_is_id ? (u32)timer->id : timer->notice.value;
}

static bool
id_in_use(const struct process_timers *timers, int id)
{
    const struct posix_timer *timer;
    list_for_each(timer, &timers->posix, link)
        if (timer->id == id)
            return true;
    return false;
}

int
posix_timer_create(bool wall_clock, const struct timer_notice *notice, int *id)
{
    struct process_timers *timers = timers_of(current_task()->process);
    if (!timers || timers->posix_count >= TIMERS_MOST)
        return -EAGAIN;
    struct posix_timer *timer = pool_alloc(&posix_pool);
    if (!timer)
        return -EAGAIN;
    while (id_in_use(timers, timers->next_id))
        timers->next_id = (timers->next_id + 1) & OVERRUN_MOST;
    timer->id = *id = timers->next_id;
    timers->next_id = (timers->next_id + 1) & OVERRUN_MOST;
    timer->process = timers->process;
    timer->wall_clock = wall_clock;
    timer->notice = notice ? *notice : (struct timer_notice){.signal = SIGALRM};
    timer_init(&timer->timer, posix_expire);
    entry_fill(timer, !notice);
    list_add_tail(&timers->posix, &timer->link);
    timers->posix_count++;
    return 0;
}

struct posix_timer *
posix_timer_find(int id)
{
    struct process_timers *timers = current_task()->process->timers;
    struct posix_timer *timer;
    if (!timers)
        return NULL;
    list_for_each(timer, &timers->posix, link)
        if (timer->id == id)
            return timer;
    return NULL;
}

void
posix_timer_delete(struct posix_timer *timer)
{
    INTERRUPTS_OFF_SCOPE();
    timer_cancel(&timer->timer);
    if (signal_entry_queued(&timer->entry))
        signal_withdraw_entry(timer->process, &timer->entry);
    list_remove(&timer->link);
    timer->process->timers->posix_count--;
    pool_free(&posix_pool, timer);
}

void
posix_timer_get(const struct posix_timer *timer, struct interval *value)
{
    INTERRUPTS_OFF_SCOPE();
    value->left = time_left(&timer->timer, timer->at);
    value->again = timer->again;
}

void
posix_timer_set(struct posix_timer *timer, bool absolute, const struct interval *new,
                struct interval *old)
{
    posix_timer_get(timer, old);
    INTERRUPTS_OFF_SCOPE();
    timer_cancel(&timer->timer);
    timer->again = new->again;
    timer->missed = 0;
    timer->overrun = 0;
    if (!new->left)
        return;
    u64 base = timer->wall_clock ? time_boot_unix_ns() : 0;
    if (!absolute)
        timer->at = time_now_ns() + new->left;
    else
        timer->at = new->left > base ? new->left - base : 0;
    timer_arm(&timer->timer, timer->at);
}

int
posix_timer_overrun(const struct posix_timer *timer)
{
    return timer->overrun;
}

/* ---- The end ---- */

void
posix_timers_delete_all(struct process *process)
{
    struct posix_timer *timer, *following;
    if (!process->timers)
        return;
    list_for_each_safe(timer, following, &process->timers->posix, link)
        posix_timer_delete(timer);
}

void
process_timers_end(struct process *process)
{
    if (!process->timers)
        return;
    posix_timers_delete_all(process);
    timer_cancel(&process->timers->real);
    process->counting = false;
    pool_free(&process_timers_pool, process->timers);
    process->timers = NULL;
}
