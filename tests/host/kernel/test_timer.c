// sources: kernel/timer.c tests/host/support/*.c
/* The timer wheel: every timer fires exactly once, at the first tick that is not before its time. */
#include "kernel/timer.h"
#include "arch.h"
#include "host.h"

#define HORIZON (1ull << 30) /* ticks: five levels of 64 slots */
#define MANY 4000

struct probe {
    struct timer timer;
    u64 due; /* tick */
    unsigned fired;
};

static u64 now; /* the tick being served; monotonic over all tests, as the wheel is */
static const char *wrong; /* what a timer's function saw that must not be */

static void
probe_expire(struct timer *timer)
{
    struct probe *probe = container_of(timer, struct probe, timer);
    probe->fired++;
    if (now != probe->due)
        wrong = now < probe->due ? "early" : "late";
    if (timer_armed(timer))
        wrong = "still armed in its own function";
    if (!host_interrupts_off)
        wrong = "served with interrupts on";
}

static void
tick_to(u64 tick)
{
    while (now < tick) {
        now++;
        timer_tick(now * TICK_NS);
    }
}

/* Serves ticks until `tick` in one call, as after a long time without interrupts. The functions then
 * see `now` = tick. */
static void
jump_to(u64 tick)
{
    now = tick;
    timer_tick(now * TICK_NS);
}

static void
probe_arm(struct probe *probe, u64 due)
{
    timer_init(&probe->timer, probe_expire);
    probe->due = due;
    probe->fired = 0;
    timer_arm(&probe->timer, due * TICK_NS);
}

/* Distances around every boundary between levels, from every phase of the lowest two wheels. */
static void
fires_at_exactly_its_tick(void)
{
    static const u64 boundaries[] = {1, 63, 64, 65, 127, 128, 4095, 4096, 4097, 8191, 8192, 12288};
    static struct probe probes[ARRAY_SIZE(boundaries) * 3];
    for (unsigned phase = 0; phase < 130; phase++) {
        unsigned count = 0;
        wrong = NULL;
        for (unsigned i = 0; i < ARRAY_SIZE(boundaries); i++)
            for (int around = -1; around <= 1; around++)
                probe_arm(&probes[count++], now + boundaries[i] + (u64)around + (i == 0 ? 1 : 0));
        tick_to(now + 12300);
        CHECK(!wrong, "phase %u: %s", phase, wrong);
        for (unsigned i = 0; i < count; i++)
            CHECK(probes[i].fired == 1, "phase %u, timer %u fired %u times", phase, i, probes[i].fired);
        tick_to(now + 1 + phase % 67);
    }
}

/* The upper levels: 64^3 is crossed tick by tick, with timers on both sides of it. */
static void
fires_at_exactly_its_tick_on_the_third_level(void)
{
    static struct probe probes[41];
    u64 base = now + (1u << 18);
    wrong = NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(probes); i++)
        probe_arm(&probes[i], base + i - 20);
    struct probe aligned;
    probe_arm(&aligned, ALIGN_UP(base, 1ull << 18));
    tick_to(base + (1u << 18) + 30);
    CHECK(!wrong, "%s", wrong);
    for (unsigned i = 0; i < ARRAY_SIZE(probes); i++)
        CHECK(probes[i].fired == 1, "timer %u fired %u times", i, probes[i].fired);
    CHECK(aligned.fired == 1);
}

/* Levels four and five, where going tick by tick would take too long with checks: the wheel is asked
 * to catch up to just before the time, and then the tick itself. */
static void
fires_at_exactly_its_tick_on_the_upper_levels(void)
{
    static const u64 distances[] = {(1ull << 24) - 1, 1ull << 24, (1ull << 24) + 1, 3ull << 24};
    struct probe probes[ARRAY_SIZE(distances)];
    u64 base = now;
    wrong = NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(distances); i++)
        probe_arm(&probes[i], base + distances[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(distances); i++) {
        if (now < base + distances[i] - 1)
            jump_to(base + distances[i] - 1);
        CHECK(!probes[i].fired, "timer %u was early", i);
        jump_to(base + distances[i]);
        CHECK(probes[i].fired == 1 && !wrong, "timer %u: fired %u, %s", i, probes[i].fired,
              wrong ? wrong : "");
    }
}

/* Beyond the horizon a timer goes round the wheel: it must neither fire early nor be lost. */
static void
beyond_the_horizon(void)
{
    struct probe far, edge;
    u64 base = now;
    wrong = NULL;
    probe_arm(&edge, base + HORIZON);
    probe_arm(&far, base + HORIZON + (1u << 20) + 77);
    jump_to(base + HORIZON - 1);
    CHECK(!edge.fired && !far.fired, "early");
    jump_to(base + HORIZON);
    CHECK(edge.fired == 1 && !far.fired && !wrong);
    jump_to(far.due - 1);
    CHECK(!far.fired, "early");
    jump_to(far.due);
    CHECK(far.fired == 1 && !wrong);
}

/* The greatest time there is means never: it must not wrap round to the past. */
static void
bug_the_end_of_time_fired_at_once(void)
{
    struct probe probe;
    probe_arm(&probe, now + 1);
    timer_arm(&probe.timer, ~0ull);
    tick_to(now + 200);
    CHECK(!probe.fired, "a timer at the end of time fired");
    CHECK(timer_cancel(&probe.timer));
}

static void
time_in_the_past_fires_at_the_next_tick(void)
{
    struct probe probe;
    wrong = NULL;
    probe_arm(&probe, now + 1);
    timer_arm(&probe.timer, 0);
    CHECK(timer_armed(&probe.timer));
    tick_to(now + 1);
    CHECK(probe.fired == 1 && !wrong);
}

/* Times inside a tick are rounded up: the function never runs before the time. */
static void
inside_a_tick_rounds_up(void)
{
    struct probe probe;
    wrong = NULL;
    probe_arm(&probe, now + 6);
    timer_arm(&probe.timer, (now + 5) * TICK_NS + 1);
    timer_tick((now + 5) * TICK_NS + TICK_NS - 1);
    CHECK(!probe.fired, "early");
    now += 6;
    timer_tick(now * TICK_NS);
    CHECK(probe.fired == 1 && !wrong);
}

static void
cancel_says_whether_it_was_armed(void)
{
    struct probe probe;
    probe_arm(&probe, now + 70);
    CHECK(timer_armed(&probe.timer));
    CHECK(timer_cancel(&probe.timer));
    CHECK(!timer_armed(&probe.timer) && !timer_cancel(&probe.timer));
    tick_to(now + 100);
    CHECK(!probe.fired);
    probe_arm(&probe, now + 3);
    tick_to(now + 10);
    CHECK(probe.fired == 1 && !timer_cancel(&probe.timer));
}

static void
arming_again_moves_it(void)
{
    struct probe probe;
    wrong = NULL;
    probe_arm(&probe, now + 5000);
    probe.due = now + 9;
    timer_arm(&probe.timer, probe.due * TICK_NS);
    tick_to(now + 20);
    CHECK(probe.fired == 1 && !wrong);
    probe_arm(&probe, now + 3);
    probe.due = now + 4500;
    timer_arm(&probe.timer, probe.due * TICK_NS);
    tick_to(now + 5100);
    CHECK(probe.fired == 1 && !wrong, "%s", wrong ? wrong : "");
}

/* ---- From inside a timer's function ---- */

static struct probe chained;
static unsigned rounds_left;

static void
chain_expire(struct timer *timer)
{
    probe_expire(timer);
    if (rounds_left--) {
        chained.due = now + 1;
        timer_arm(timer, chained.due * TICK_NS);
    }
}

static void
rearmed_from_inside_runs_at_the_next_tick(void)
{
    wrong = NULL;
    rounds_left = 300;
    probe_arm(&chained, now + 1);
    chained.timer.expire = chain_expire;
    u64 start = now;
    tick_to(start + 200);
    CHECK(chained.fired == 200 && !wrong, "fired %u times", chained.fired);
    tick_to(start + 400);
    CHECK(chained.fired == 301 && !wrong, "fired %u times", chained.fired);
}

static unsigned distance;

static void
distance_expire(struct timer *timer)
{
    probe_expire(timer);
    if (chained.fired == 1) {
        chained.due = now + distance;
        timer_arm(timer, chained.due * TICK_NS);
    }
}

/* A distance of 64 falls into the very slot that is being served. */
static void
rearmed_from_inside_at_every_distance(void)
{
    for (distance = 1; distance < 200; distance++) {
        wrong = NULL;
        probe_arm(&chained, now + 1);
        chained.timer.expire = distance_expire;
        tick_to(now + 250);
        CHECK(chained.fired == 2 && !wrong, "distance %u: %s", distance, wrong ? wrong : "lost");
    }
}

static unsigned immediate_count;

static void
immediate_expire(struct timer *timer)
{
    immediate_count++;
    timer_arm(timer, 0); /* already past: must not be served within the same tick for ever */
}

static void
rearmed_for_the_past_runs_once_a_tick(void)
{
    struct timer timer;
    timer_init(&timer, immediate_expire);
    immediate_count = 0;
    timer_arm(&timer, (now + 1) * TICK_NS);
    tick_to(now + 50);
    CHECK(immediate_count == 50, "fired %u times", immediate_count);
    timer_cancel(&timer);
}

static struct probe victim;

static void
canceller_expire(struct timer *timer)
{
    (void)timer;
    timer_cancel(&victim.timer);
}

static void
cancelled_by_a_neighbour_of_the_same_tick(void)
{
    struct timer canceller;
    timer_init(&canceller, canceller_expire);
    timer_arm(&canceller, (now + 70) * TICK_NS);
    probe_arm(&victim, now + 70);
    tick_to(now + 80);
    CHECK(!victim.fired, "a cancelled timer fired");
}

/* ---- Random timers against a list of times ---- */

static u64
random_distance(void)
{
    return 1 + (u64)(rand() & 0xffff) % (1u << (rand() % 16));
}

static void
random_timers_against_a_model(void)
{
    static struct probe probes[MANY];
    static bool armed[MANY];
    srand(20070130);
    wrong = NULL;
    for (unsigned i = 0; i < MANY; i++)
        timer_init(&probes[i].timer, probe_expire);
    for (unsigned step = 0; step < 30000; step++) {
        struct probe *probe = &probes[rand() % MANY];
        bool *is_armed = &armed[probe - probes];
        if (*is_armed && probe->due <= now) {
            CHECK(probe->fired == 1, "step %u: fired %u times", step, probe->fired);
            *is_armed = false;
        }
        if (rand() % 4 == 0) {
            CHECK(timer_cancel(&probe->timer) == *is_armed, "step %u", step);
            *is_armed = false;
        } else {
            probe->due = now + random_distance();
            probe->fired = 0;
            timer_arm(&probe->timer, probe->due * TICK_NS);
            *is_armed = true;
        }
        if (rand() % 3 == 0)
            tick_to(now + (unsigned)rand() % 20);
        CHECK(!wrong, "step %u: %s", step, wrong);
    }
    tick_to(now + 70000);
    for (unsigned i = 0; i < MANY; i++)
        CHECK(!armed[i] || probes[i].fired == 1, "timer %u fired %u times", i, probes[i].fired);
    CHECK(!wrong, "%s", wrong);
}

/* Constant time: arming and cancelling one timer among a hundred thousand is as quick as among one.
 * The bound is generous; a walk along a list would be a thousand times slower. */
static u64
cycles_of_many(struct probe *probe)
{
    u64 start = __builtin_ia32_rdtsc();
    for (unsigned i = 0; i < 20000; i++) {
        timer_arm(&probe->timer, (now + 5 + i % 9000) * TICK_NS);
        timer_cancel(&probe->timer);
    }
    return __builtin_ia32_rdtsc() - start;
}

static void
arming_takes_constant_time(void)
{
    static struct probe crowd[100000];
    struct probe probe;
    timer_init(&probe.timer, probe_expire);
    u64 alone = cycles_of_many(&probe);
    for (unsigned i = 0; i < ARRAY_SIZE(crowd); i++)
        probe_arm(&crowd[i], now + 5 + i % 9000);
    u64 crowded = cycles_of_many(&probe);
    for (unsigned i = 0; i < ARRAY_SIZE(crowd); i++)
        CHECK(timer_cancel(&crowd[i].timer));
    CHECK(crowded < alone * 20, "alone %llu, among many %llu cycles", (unsigned long long)alone,
          (unsigned long long)crowded);
}

int
main(void)
{
    RUN_TEST(fires_at_exactly_its_tick);
    RUN_TEST(fires_at_exactly_its_tick_on_the_third_level);
    RUN_TEST(inside_a_tick_rounds_up);
    RUN_TEST(time_in_the_past_fires_at_the_next_tick);
    RUN_TEST(cancel_says_whether_it_was_armed);
    RUN_TEST(arming_again_moves_it);
    RUN_TEST(rearmed_from_inside_runs_at_the_next_tick);
    RUN_TEST(rearmed_from_inside_at_every_distance);
    RUN_TEST(rearmed_for_the_past_runs_once_a_tick);
    RUN_TEST(cancelled_by_a_neighbour_of_the_same_tick);
    RUN_TEST(random_timers_against_a_model);
    RUN_TEST(arming_takes_constant_time);
    RUN_TEST(bug_the_end_of_time_fired_at_once);
    RUN_TEST(fires_at_exactly_its_tick_on_the_upper_levels);
    RUN_TEST(beyond_the_horizon);
    return test_result();
}
