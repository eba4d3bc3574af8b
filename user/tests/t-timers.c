/* t-timers [CASE]: alarm, interval timers, timers by number, clocks and sleeping by them. Runs on Linux too.
 * No case says how late something is, only that it is not early and what is left over. */
#include "signals.h"

#define MS 1000000

static const struct timespec short_time = {0, 20 * MS}, long_time = {100, 0}, none = {0, 0};

static void
wait_handled(int count)
{
    for (int i = 0; i < 3000 && handled < count; i++)
        nap_ms(1);
}

static void
alarms(void)
{
    handle(SIGALRM, count, 0);
    show(alarm(100));
    show(alarm(50)); /* what was left, rounded up */
    show(alarm(0));
    show(alarm(0));
    alarm(1);
    show(pause());
    show(handled);
    struct itimerval timer = {.it_value = {30, 400000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    show(alarm(0)); /* the same timer */
    timer.it_value = (struct timeval){0, 1000};
    setitimer(ITIMER_REAL, &timer, NULL);
    show(alarm(5) <= 1);
    alarm(0);
    defaults();
}

static void
interval(void)
{
    struct itimerval timer = {{0, 10000}, {0, 5000}}, old, bad = {{0, 0}, {0, 1000000}};

    handle(SIGALRM, count, 0);
    show(setitimer(ITIMER_REAL, &timer, NULL));
    wait_handled(3);
    show(handled >= 3);
    show(getitimer(ITIMER_REAL, &old));
    show(old.it_interval.tv_usec);
    show(old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 10000);
    show(setitimer(ITIMER_REAL, NULL, &old)); /* stops it */
    show(old.it_interval.tv_usec);
    show(getitimer(ITIMER_REAL, &old));
    show(old.it_value.tv_usec + old.it_interval.tv_usec);
    show(setitimer(ITIMER_REAL, &bad, NULL));
    bad.it_value = (struct timeval){-1, 0};
    show(setitimer(ITIMER_REAL, &bad, NULL));
    show(setitimer(3, &timer, NULL));
    show(getitimer(7, &old));
    show(syscall(SYS_getitimer, ITIMER_REAL, 16));
    show(syscall(SYS_setitimer, ITIMER_REAL, 16, NULL));
    defaults();
}

static void
of_processor_time(void)
{
    struct itimerval timer = {.it_value = {0, 30000}};

    handle(SIGVTALRM, count, 0);
    handle(SIGPROF, count, 0);
    check(setitimer(ITIMER_VIRTUAL, &timer, NULL) == 0);
    nap_ms(60);
    show(handled); /* a sleep does not count */
    while (handled < 1)
        ;
    show(order[0] == SIGVTALRM);
    check(setitimer(ITIMER_PROF, &timer, NULL) == 0);
    while (handled < 2)
        ;
    show(order[1] == SIGPROF);
    defaults();
}

/* ---- Timers by number ---- */

static void
numbered(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 8};
    struct itimerspec spec = {none, short_time}, left;
    timer_t timer, other;

    event.sigev_value.sival_int = 4711;
    handle_info(SIGRTMIN + 8, note, 0);
    show(timer_create(CLOCK_MONOTONIC, &event, &timer));
    show(timer_gettime(timer, &left));
    show(left.it_value.tv_sec + left.it_value.tv_nsec);
    show(timer_settime(timer, 0, &spec, NULL));
    wait_handled(1);
    show(handled);
    show(last.si_code == SI_TIMER);
    show(last.si_value.sival_int);
    show(timer_getoverrun(timer));
    spec = (struct itimerspec){long_time, long_time};
    show(timer_settime(timer, 0, &spec, &left));
    show(left.it_value.tv_sec);
    show(timer_gettime(timer, &left));
    show(left.it_value.tv_sec >= 99 && left.it_interval.tv_sec == 100);
    spec.it_value = none;
    show(timer_settime(timer, 0, &spec, &left));
    show(left.it_value.tv_sec >= 99);
    show(timer_gettime(timer, &left));
    show(left.it_value.tv_sec);
    show(timer_create(CLOCK_REALTIME, NULL, &other)); /* SIGALRM, its number as value */
    handle_info(SIGALRM, note, 0);
    clock_gettime(CLOCK_REALTIME, &spec.it_value);
    spec.it_interval = none;
    show(timer_settime(other, TIMER_ABSTIME, &spec, NULL)); /* the past: at once */
    wait_handled(2);
    show(handled);
    show(last.si_signo == SIGALRM);
    show(timer_delete(timer));
    show(timer_delete(timer));
    show(timer_delete(other));
    defaults();
}

/* A signal that is pending is not sent again; how often it would have been is told. */
static void
overruns(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec spec = {{0, 5 * MS}, {0, 5 * MS}}, stop = {none, none};
    timer_t timer;

    handle_info(SIGUSR1, note, 0);
    block(SIGUSR1);
    show(timer_create(CLOCK_MONOTONIC, &event, &timer));
    show(timer_settime(timer, 0, &spec, NULL));
    nap_ms(60);
    unblock(SIGUSR1);
    show(handled >= 1);
    show(timer_getoverrun(timer) >= 0);
    show(timer_settime(timer, 0, &stop, NULL));
    show(timer_delete(timer));
    defaults();
}

static void
numbered_refused(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 0};
    struct itimerspec spec = {none, {0, 1000 * MS}}, some = {none, long_time};
    timer_t timer;

    show(timer_create(CLOCK_MONOTONIC, &event, &timer));
    event.sigev_signo = 65;
    show(timer_create(CLOCK_MONOTONIC, &event, &timer));
    event = (struct sigevent){.sigev_notify = 77, .sigev_signo = SIGUSR1};
    show(timer_create(CLOCK_MONOTONIC, &event, &timer));
    event = (struct sigevent){.sigev_notify = SIGEV_NONE, .sigev_signo = 12345};
    show(timer_create(99, &event, &timer));
    show(timer_create(CLOCK_MONOTONIC, &event, &timer)); /* the number does not matter */
    show(timer_settime(timer, 0, &spec, NULL));
    spec.it_value = (struct timespec){-1, 0};
    show(timer_settime(timer, 0, &spec, NULL));
    show(syscall(SYS_timer_settime, timer, 0, 16, NULL));
    show(timer_settime(timer, 0, &some, NULL));
    show(syscall(SYS_timer_gettime, timer, 16));
    show(timer_gettime((timer_t)12345, &spec));
    show(timer_settime((timer_t)12345, 0, &some, NULL));
    show(timer_getoverrun((timer_t)12345));
    show(timer_delete((timer_t)12345));
    show(timer_delete(timer));
    show(syscall(SYS_timer_create, CLOCK_MONOTONIC, 16, &timer));
    show(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 16));
}

static int
timers_of_child(void *timer)
{
    struct itimerspec left;

    return timer_gettime(*(timer_t *)timer, &left) == -1 ? errno : 0;
}

/* A child has none of them. */
static void
not_inherited(void)
{
    struct itimerspec spec = {none, long_time};
    timer_t timer;

    check(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0);
    check(timer_settime(timer, 0, &spec, NULL) == 0);
    show(exited(in_child(timers_of_child, &timer)));
    show(timer_delete(timer));
}

/* ---- Clocks ---- */

static void
clocks(void)
{
    static const clockid_t ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
                                    CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
                                    CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME};
    struct timespec time, later;

    for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++) {
        show(clock_gettime(ids[i], &time));
        show(clock_getres(ids[i], &later));
        show(later.tv_sec);
        show(clock_gettime(ids[i], &later));
        show(later.tv_sec > time.tv_sec || (later.tv_sec == time.tv_sec && later.tv_nsec >= time.tv_nsec));
    }
    show(clock_gettime(16, &time));
    show(clock_gettime(-100, &time));
    show(clock_getres(99, &time));
    show(clock_getres(CLOCK_MONOTONIC, NULL));
    show(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 16));
    show(clock_settime(CLOCK_MONOTONIC, &time));
    show(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &time));
    time.tv_nsec = -1;
    show(clock_settime(CLOCK_REALTIME, &time));
    clock_gettime(CLOCK_REALTIME, &time);
    show(time.tv_sec > 1000000000);
    struct timeval now;
    show(gettimeofday(&now, NULL));
    show(now.tv_sec - time.tv_sec <= 1);
    show(syscall(SYS_gettimeofday, 16, NULL));
}

static void
sleeping(void)
{
    struct timespec time, left = {7, 7}, bad[] = {{-1, 0}, {0, -1}, {0, 1000000000}};
    long long before = now_ns();

    show(nanosleep(&short_time, NULL));
    show(now_ns() - before >= 20 * MS);
    for (int i = 0; i < 3; i++) {
        show(nanosleep(&bad[i], NULL));
        show(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad[i], NULL));
    }
    show(syscall(SYS_nanosleep, 16, NULL));
    show(clock_nanosleep(99, 0, &short_time, NULL));
    show(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &short_time, NULL));
    before = now_ns();
    show(clock_nanosleep(CLOCK_REALTIME, 0, &short_time, NULL));
    show(now_ns() - before >= 20 * MS - 1000);
    clock_gettime(CLOCK_MONOTONIC, &time);
    show(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL)); /* over already */
    time.tv_nsec += 20 * MS;
    if (time.tv_nsec >= 1000 * MS) {
        time.tv_nsec -= 1000 * MS;
        time.tv_sec++;
    }
    show(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL));
    show(now_ns() >= time.tv_sec * 1000000000ll + time.tv_nsec);
    /* Interrupted: what is left is told for a duration, not for a time of day. */
    time.tv_sec += 50;
    alarm_soon(0);
    show(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, &left));
    show(left.tv_sec);
    alarm_soon(0);
    show(clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, &left));
    show(left.tv_sec);
    alarm_soon(0);
    show(syscall(SYS_nanosleep, (long[2]){100, 0}, 16));
    alarm_soon(0);
    show(nanosleep(&long_time, NULL));
    show(handled >= 4);
    defaults();
}

static const struct check_case cases[] = {
    {"alarms", alarms},
    {"interval", interval},
    {"of-processor-time", of_processor_time},
    {"numbered", numbered},
    {"overruns", overruns},
    {"numbered-refused", numbered_refused},
    {"not-inherited", not_inherited},
    {"clocks", clocks},
    {"sleeping", sleeping},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
