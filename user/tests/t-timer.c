/* t-timer [CASE…]: nanosleep is true to a tick: never early, and late by less than two ticks of 1
 * ms. To be run with --icount, where time is counted in instructions and the host cannot disturb.
 */
#include "test.h"

#define TICK 1000000ll

static void
one_nap(long long nanoseconds)
{
    struct kernel_timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    long long begin = test_now_ns(), slept;

    check_equal(sys_nanosleep(&time, NULL), 0);
    slept = test_now_ns() - begin;
    if (slept < nanoseconds)
        check_failed("%lld ns asked, %lld slept: early", nanoseconds, slept);
    if (slept > nanoseconds + 2 * TICK)
        check_failed("%lld ns asked, %lld slept: late", nanoseconds, slept);
}

static void
true_to_a_tick(void)
{
    static const long long lengths[] = {
        0,        1,        1000,      500000,     999999,       1000000,
        1000001,  1500000,  1999999,   2000000,    10000000,     63999999,
        64000000, 64000001, 999999999, 1000000000, 4095999999ll, 4096000001ll};

    for (unsigned i = 0; i < LENGTH(lengths); i++)
        one_nap(lengths[i]);
    for (int i = 0; i < 300; i++)
        one_nap(test_random() % 20000 * 1000ll + test_random() % 1000);
}

static void
bad_lengths(void)
{
    struct kernel_timespec bad[] = {{-1, 0}, {0, -1}, {0, 1000000000}, {0, 0x7fffffff}, {-1, -1}};

    for (unsigned i = 0; i < LENGTH(bad); i++)
        check_equal(sys_nanosleep(&bad[i], NULL), -EINVAL);
    check_equal(sys_nanosleep(NULL, NULL), -EFAULT);
    check_equal(sys_nanosleep((void *)0x80000000, NULL), -EFAULT);
}

/* A thousand at once, in a scattered order, five ticks apart. */
static void
thousand_in_order(void)
{
    enum { COUNT = 1000 };
    static struct kernel_timespec naps[COUNT];
    static unsigned long args[COUNT][2];
    static struct asys_input inputs[COUNT];

    for (int i = 0; i < COUNT; i++) {
        int rank = i * 617 % COUNT, milliseconds = 100 + 5 * rank;
        naps[rank] =
            (struct kernel_timespec){milliseconds / 1000, milliseconds % 1000 * MILLISECOND};
        args[i][0] = WORD(&naps[rank]);
        inputs[i] = test_input(SYS_nanosleep, rank, 2, args[i]);
    }
    long long begin = test_now_ns();
    check_equal(sys_asys_submit(inputs, COUNT), COUNT);
    long long submitted = test_now_ns();
    for (int i = 0; i < COUNT; i++) {
        struct asys_completion done = test_await();
        long long now = test_now_ns(), due = (100 + 5 * i) * TICK;
        check_equal(done.cookie, i);
        check(now >= begin + due);
        check(now <= submitted + due + 3 * TICK);
    }
}

static void
poll_waits_too(void)
{
    for (int timeout = 0; timeout < 40; timeout++) {
        long long begin = test_now_ns(), waited;
        check_equal(sys_poll(NULL, 0, timeout), 0);
        waited = test_now_ns() - begin;
        check(waited >= timeout * TICK);
        check(waited <= (timeout + 2) * TICK);
    }
}

/* Monotonic, by every clock, and the coarse ones are no other time. */
static void
clocks_go_forward(void)
{
    static const int clocks[] = {CLOCK_REALTIME,        CLOCK_MONOTONIC,        CLOCK_MONOTONIC_RAW,
                                 CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME};

    for (unsigned i = 0; i < LENGTH(clocks); i++) {
        struct kernel_timespec last = {0, 0}, now;
        for (int round = 0; round < 2000; round++) {
            check_equal(sys_clock_gettime(clocks[i], &now), 0);
            check((unsigned long)now.nanoseconds < 1000000000);
            check(now.seconds > last.seconds ||
                  (now.seconds == last.seconds && now.nanoseconds >= last.nanoseconds));
            last = now;
        }
    }
    check_equal(sys_clock_gettime(77, NULL), -EINVAL);
    check_equal(sys_clock_gettime(CLOCK_MONOTONIC, NOWHERE), -EFAULT);
}

static const struct check_case cases[] = {
    {"true-to-a-tick", true_to_a_tick},       {"bad-lengths", bad_lengths},
    {"thousand-in-order", thousand_in_order}, {"poll-waits-too", poll_waits_too},
    {"clocks-go-forward", clocks_go_forward}, {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
