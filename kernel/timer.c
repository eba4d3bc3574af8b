/* The timer wheel: see timer.h. Five levels of 64 slots; level n has slots of 64^n ticks. A timer is
 * put where its distance says and moves one level down each time the wheel below comes round, so each
 * timer is touched at most five times, however many there are. */
#include "kernel/timer.h"
#include "arch.h"
#include "kernel/log.h"
#include "kernel/trace.h"

#define LEVELS 5
#define SLOT_BITS 6
#define SLOTS (1u << SLOT_BITS)
#define HORIZON (1ull << (LEVELS * SLOT_BITS))

static struct list wheel[LEVELS][SLOTS]; /* interrupts off, like all below */
u32 clock_ticks;
static u64 next_tick; /* the first one not yet served */
static bool ready;

static void
wheel_init(void)
{
    for (unsigned level = 0; level < LEVELS; level++)
        for (unsigned slot = 0; slot < SLOTS; slot++)
            list_init(&wheel[level][slot]);
    ready = true;
}

/* Timers beyond the horizon wait in the farthest slot and are placed anew when it comes. */
static void
wheel_insert(struct timer *timer)
{
    u64 expires = MAX(timer->expires, next_tick);
    if (expires - next_tick >= HORIZON)
        expires = next_tick + HORIZON - 1;
    unsigned level = 0;
    while ((expires - next_tick) >> (SLOT_BITS * (level + 1)))
        level++;
    list_add_tail(&wheel[level][expires >> (SLOT_BITS * level) & (SLOTS - 1)], &timer->link);
}

void
timer_init(struct timer *timer, void (*expire)(struct timer *timer))
{
    list_init(&timer->link);
    timer->expire = expire;
}

void
timer_arm(struct timer *timer, u64 time_ns)
{
    INTERRUPTS_OFF_SCOPE();
    if (unlikely(!ready))
        wheel_init();
    list_remove(&timer->link);
    timer->expires = DIVIDE_UP(MIN(time_ns, ~0ull - TICK_NS), TICK_NS); /* the end of time: never */
    wheel_insert(timer);
    trace(TRACE_TIMER_ARM, (u32)(timer->expires - next_tick), 0);
}

bool
timer_armed(const struct timer *timer)
{
    return !list_empty(&timer->link);
}

bool
timer_cancel(struct timer *timer)
{
    INTERRUPTS_OFF_SCOPE();
    bool armed = timer_armed(timer);
    list_remove(&timer->link);
    return armed;
}

/* Takes all timers out of a slot: what their functions arm anew must not be served with them. */
static void
slot_take(struct list *timers, unsigned level)
{
    list_init(timers);
    list_splice_tail(timers, &wheel[level][next_tick >> (SLOT_BITS * level) & (SLOTS - 1)]);
}

static void
wheel_cascade(unsigned level)
{
    struct list moving;
    slot_take(&moving, level);
    while (!list_empty(&moving)) {
        struct timer *timer = list_first(&moving, struct timer, link);
        list_remove(&timer->link);
        wheel_insert(timer);
    }
}

static void
wheel_serve_tick(void)
{
    struct list due;
    for (unsigned level = 1; level < LEVELS; level++) {
        if (next_tick & ((1ull << (SLOT_BITS * level)) - 1))
            break;
        wheel_cascade(level);
    }
    slot_take(&due, 0);
    next_tick++;
    while (!list_empty(&due)) {
        struct timer *timer = list_first(&due, struct timer, link);
        list_remove(&timer->link);
        timer->expire(timer);
    }
}

void
timer_tick(u64 now_ns)
{
    INTERRUPTS_OFF_SCOPE();
    if (unlikely(!ready))
        wheel_init();
    u64 now = now_ns / TICK_NS;
    clock_ticks = (u32)now;
    while (next_tick <= now)
        wheel_serve_tick();
}
