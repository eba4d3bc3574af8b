/* t-event-hostile [CASE…]: what goes away while somebody waits for it, epolls whose ways meet
 * again, too many of them, and the terminal and contexts under epoll. Waits are made in the
 * background, so that this program can go on. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include "test.h"

static void
watch(int epoll, int fd, unsigned events, unsigned data)
{
    struct epoll_event event = {.events = events, .data.u32 = data};

    check_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

static long
result(void)
{
    return test_await().return_code;
}

/* ---- Cases ---- */

/* The wait has the epoll: closing its number does not end it. */
static void
epoll_closed(void)
{
    struct epoll_event event = {.events = 0};
    int epoll = epoll_create1(0), fds[2];

    test_pipe(fds);
    watch(epoll, fds[0], EPOLLIN, 4);
    test_start(SYS_epoll_wait, 1, epoll, WORD(&event), 1, -1ul);
    sys_close(epoll);
    check_equal(sys_write(fds[1], "x", 1), 1);
    check_equal(result(), 1);
    check_equal(event.data.u32, 4);
    test_close_both(fds);
}

/* The last descriptor of what is waited for is closed, by this fibril, while another waits. */
static void
watched_closed(void)
{
    struct epoll_event event = {.events = 0};
    int epoll = epoll_create1(0), fds[2], others[2];

    test_pipe(fds);
    test_pipe(others);
    watch(epoll, fds[0], EPOLLIN, 1);
    watch(epoll, others[0], EPOLLIN, 2);
    test_start(SYS_epoll_wait, 1, epoll, WORD(&event), 1, -1ul);
    check_equal(sys_write(fds[1], "x", 1), 1);
    sys_close(fds[0]); /* perhaps it has been woken for this one: it may tell of it or not */
    sys_close(fds[1]);
    check_equal(sys_write(others[1], "x", 1), 1);
    check_equal(result(), 1);
    check(event.data.u32 == 2 || event.data.u32 == 1);
    test_close_both(others);
    sys_close(epoll);
}

static void
replaced_by_another(void)
{
    struct epoll_event event = {.events = 0};
    int epoll = epoll_create1(0), fds[2], count = eventfd(1, 0);

    test_pipe(fds);
    watch(epoll, fds[0], EPOLLIN, 1);
    check_equal(sys_dup2(count, fds[0]), fds[0]);
    check_equal(epoll_wait(epoll, &event, 1, 0), 0);
    watch(epoll, fds[0], EPOLLIN, 2);
    check_equal(epoll_wait(epoll, &event, 1, 0), 1);
    check_equal(event.data.u32, 2);
    sys_close(count);
    test_close_both(fds);
    check_equal(epoll_wait(epoll, &event, 1, 0), 0);
    sys_close(epoll);
}

/* poll holds what it waits for; so do reads. */
static void
polled_closed(void)
{
    int fds[2], count = eventfd(0, 0), copy = (int)sys_dup(count);
    struct pollfd polled;
    eventfd_t value = 0;

    test_pipe(fds);
    polled = (struct pollfd){fds[0], POLLIN, 0};
    test_start(SYS_poll, 1, WORD(&polled), 1, -1ul, 0);
    sys_close(fds[0]);
    check_equal(sys_write(fds[1], "x", 1), 1);
    check_equal(result(), 1);
    check_equal(polled.revents, POLLIN);
    sys_close(fds[1]);
    test_start(SYS_read, 2, count, WORD(&value), 8, 0);
    sys_close(count);
    check_equal(eventfd_write(copy, 6), 0);
    check_equal(result(), 8);
    check_equal(value, 6);
    sys_close(copy);
}

/* Several layers of epolls, each in all of the layer above: the ways through them are many, and
 * a wake-up goes each edge once. */
static void
ways_that_meet(void)
{
    enum { LAYERS = 5, WIDTH = 20 };
    int epolls[LAYERS][WIDTH], fds[2];
    struct epoll_event event = {.events = 0};
    long long before, once;

    test_pipe(fds);
    for (int i = 0; i < LAYERS; i++)
        for (int j = 0; j < WIDTH; j++) {
            epolls[i][j] = epoll_create1(0);
            check(epolls[i][j] >= 0);
            if (i == 0)
                watch(epolls[i][j], fds[0], EPOLLIN, 0);
            for (int k = 0; i > 0 && k < WIDTH; k++)
                watch(epolls[i][j], epolls[i - 1][k], EPOLLIN | EPOLLET, k);
        }
    before = test_now_ns();
    check_equal(sys_write(fds[1], "x", 1), 1); /* 3,200,000 ways, 1,620 edges */
    once = test_now_ns() - before;
    printf("# %lld us for a write\n", once / 1000);
    for (int j = 0; j < WIDTH; j++)
        check_equal(epoll_wait(epolls[LAYERS - 1][j], &event, 1, 0), 1);
    for (int i = 0; i < LAYERS; i++)
        for (int j = 0; j < WIDTH; j++)
            sys_close(epolls[i][j]);
    test_close_both(fds);
}

/* One epoll is in 64 others at most. */
static void
in_too_many(void)
{
    int below = epoll_create1(0), above[65];
    struct epoll_event event = {.events = EPOLLIN};

    for (unsigned i = 0; i < LENGTH(above); i++) {
        above[i] = epoll_create1(0);
        check_equal(sys_epoll_ctl(above[i], EPOLL_CTL_ADD, below, &event), i < 64 ? 0 : -EINVAL);
    }
    sys_close(above[3]);
    check_equal(sys_epoll_ctl(above[64], EPOLL_CTL_ADD, below, &event), 0);
    for (unsigned i = 0; i < LENGTH(above); i++)
        sys_close(above[i]);
    sys_close(below);
}

/* No number is left for it: an error, and nothing stays behind. */
static void
no_number_left(void)
{
    struct rlimit none = {3, 65536}, old;
    unsigned long long mask = 0;

    check_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none.rlim_max = old.rlim_max;
    check_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    check_equal(sys_eventfd2(0, 0), -EMFILE);
    check_equal(sys_timerfd_create(CLOCK_MONOTONIC, 0), -EMFILE);
    check_equal(sys_signalfd4(-1, &mask, 8, 0), -EMFILE);
    check_equal(sys_epoll_create1(0), -EMFILE);
    check_equal(sys_asyncfd(-1, NULL), -EMFILE);
    check_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/* A process ends with waits of every kind in progress, by exit and by a signal. */
static void
ended_while_waiting(void)
{
    for (int round = 0; round < 4; round++) {
        long child = sys_fork();
        if (child == 0) {
            static struct epoll_event event;
            static unsigned long long bytes[16];
            int epoll = epoll_create1(0), count = eventfd(0, 0), fds[2];
            unsigned long long mask = 1ull << (SIGNAL_USR1 - 1);
            test_pipe(fds);
            watch(epoll, count, EPOLLIN, 0);
            watch(epoll, fds[0], EPOLLIN | EPOLLET, 0);
            test_start(SYS_epoll_wait, 1, epoll, WORD(&event), 1, -1ul);
            test_start(SYS_read, 2, count, WORD(bytes), 8, 0);
            test_start(SYS_read, 3, sys_timerfd_create(CLOCK_MONOTONIC, 0), WORD(bytes), 8, 0);
            test_start(SYS_read, 4, sys_signalfd4(-1, &mask, 8, 0), WORD(bytes), 128, 0);
            test_start(SYS_read, 5, sys_asyncfd(-1, NULL), WORD(bytes), 32, 0);
            if (round % 2)
                sys_kill(sys_getpid(), SIGNAL_KILL);
            sys_exit_group(round);
        }
        check_equal(test_wait(child), round % 2 ? SIGNAL_KILL : round << 8);
    }
}

/* The terminal (here the console without anybody who types) and a context. */
static void
terminal_and_context(void)
{
    int epoll = epoll_create1(0), terminal = (int)sys_open("/dev/console", O_RDWR, 0);
    int context = asys_context(NULL), null = (int)sys_open("/dev/null", O_RDWR, 0);
    struct epoll_event event = {.events = EPOLLIN}, got[2];
    struct asys_entry entry = {.cookie = 1};
    struct asys_event done;

    check(terminal >= 0);
    watch(epoll, terminal, EPOLLIN | EPOLLOUT | EPOLLONESHOT, 1);
    watch(epoll, context, EPOLLIN, 2);
    check_equal(sys_epoll_ctl(epoll, EPOLL_CTL_ADD, null, &event), -EPERM);
    check_equal(epoll_wait(epoll, got, 2, -1), 1);
    check_equal(got[0].data.u32, 1);
    check_equal(got[0].events, EPOLLOUT);
    check_equal(asys_enter(context, asys_call(&entry, SYS_getpid, 0), 1), 1);
    check_equal(epoll_wait(epoll, got, 2, -1), 1);
    check_equal(got[0].data.u32, 2);
    check_equal(asys_collect(context, &done, 1, 1, 0), 1);
    check_equal(epoll_wait(epoll, got, 2, 0), 0);
    sys_close(null);
    sys_close(context);
    sys_close(terminal);
    sys_close(epoll);
}

/* Masks of waits in the background are looked at and have no effect. */
static void
masks_in_the_background(void)
{
    struct epoll_event event;
    struct pollfd polled = {-1, 0, 0};
    static unsigned long long mask = ~0ull;
    struct kernel_timespec soon = {0, 1000000};
    unsigned long args[6] = {epoll_create1(0), WORD(&event), 1, 1, WORD(&mask), 8};
    struct asys_input one = test_input(SYS_epoll_pwait, 1, 6, args);

    check_equal(sys_asys_submit(&one, 1), 1);
    check_equal(result(), 0);
    args[4] = WORD(NOWHERE);
    check_equal(sys_asys_submit(&one, 1), 1);
    check_equal(result(), -EFAULT);
    args[4] = WORD(&mask);
    args[5] = 4;
    check_equal(sys_asys_submit(&one, 1), 1);
    check_equal(result(), -EINVAL);
    sys_close((int)args[0]);
    unsigned long others[6] = {WORD(&polled), 1, WORD(&soon), WORD(&mask), 8};
    one = test_input(SYS_ppoll, 1, 5, others);
    check_equal(sys_asys_submit(&one, 1), 1);
    check_equal(result(), 0);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"epoll_closed", epoll_closed},
        {"watched_closed", watched_closed},
        {"replaced_by_another", replaced_by_another},
        {"polled_closed", polled_closed},
        {"ways_that_meet", ways_that_meet},
        {"in_too_many", in_too_many},
        {"no_number_left", no_number_left},
        {"ended_while_waiting", ended_while_waiting},
        {"terminal_and_context", terminal_and_context},
        {"masks_in_the_background", masks_in_the_background},
        {NULL, NULL},
    };
    return check_run(cases, argc, argv);
}
