/* t-event-scale [IDLE]: what one ready file costs its waiter when IDLE others (10,000) are
 * registered in the same epoll, against when it is alone; and what one wake-up costs when many
 * wait for the same thing (readers of a pipe, of a socket, of an eventfd, waiters at an epoll), against one.
 * To be run with --icount, where a tick of the cycle counter is an instruction. Prints the
 * costs, the cheapest of ROUNDS each, and `idle_ratio=R waiters_ratio=R`, the largest one. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include "test.h"

#define ROUNDS 100
#define WAITERS 300

static unsigned long long
cycles(void)
{
    unsigned low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
    return (unsigned long long)high << 32 | low;
}

/* ---- Idle ones ---- */

static void
watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    check_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

/* Its event comes, is told, and goes. */
static unsigned
cost_of_one(int epoll, int fd)
{
    struct epoll_event event;
    unsigned least = ~0u;
    eventfd_t value;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned long long before = cycles();
        check_equal(eventfd_write(fd, 1), 0);
        check_equal(epoll_wait(epoll, &event, 1, -1), 1);
        check_equal(eventfd_read(fd, &value), 0);
        unsigned cost = (unsigned)(cycles() - before);
        check_equal(event.data.fd, fd);
        least = cost < least ? cost : least;
    }
    return least;
}

static unsigned
cost_of_adding(int epoll, const int *fds, int count)
{
    unsigned long long before = cycles();

    for (int i = 0; i < count; i++)
        watch(epoll, fds[i]);
    return (unsigned)((cycles() - before) / count);
}

/* Thousands wait in vain. */
static double
idle_ones(int count)
{
    int epoll = epoll_create1(0), one = eventfd(0, 0), *fds = malloc(count * sizeof *fds);
    struct rlimit limit = {count + 100, count + 100};
    unsigned alone, among, first, last;

    check_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < count; i++)
        check((fds[i] = eventfd(0, 0)) >= 0);
    watch(epoll, one);
    alone = cost_of_one(epoll, one);
    first = cost_of_adding(epoll, fds, count / 100);
    cost_of_adding(epoll, fds + count / 100, count - 2 * (count / 100));
    last = cost_of_adding(epoll, fds + count - count / 100, count / 100);
    among = cost_of_one(epoll, one);
    printf("idle=0 cost=%u\nidle=%d cost=%u add_first=%u add_last=%u\n", alone, count, among, first,
           last);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    free(fds);
    close(one);
    close(epoll);
    return (double)among / alone;
}

/* ---- Many waiters ---- */

struct thing {
    const char *name;
    int number; /* of the call that waits */
    int fd, end;
    unsigned long argument[4];
};

static void
wait_for(struct thing *thing)
{
    test_start(thing->number, 1, thing->fd, thing->argument[0], thing->argument[1],
               thing->argument[2]);
}

/* One more waits, one is woken. */
static unsigned
cost_of_waking(struct thing *thing)
{
    static const eventfd_t one = 1;
    unsigned least = ~0u;

    for (int i = 0; i < ROUNDS; i++) {
        struct asys_completion done;
        wait_for(thing);
        unsigned long long before = cycles();
        check_equal(write(thing->end, &one, 8), 8);
        check_equal(sys_asys_await_completion(&done), 1);
        unsigned cost = (unsigned)(cycles() - before);
        check(done.return_code > 0);
        least = cost < least ? cost : least;
    }
    return least;
}

static double
many_waiters(struct thing *thing)
{
    unsigned alone = cost_of_waking(thing), among;

    for (int i = 1; i < WAITERS; i++)
        wait_for(thing);
    among = cost_of_waking(thing);
    printf("%s: waiters=1 cost=%u waiters=%d cost=%u\n", thing->name, alone, WAITERS, among);
    check_equal(asys_cancel_all(), WAITERS - 1);
    check_equal(test_drain(), WAITERS - 1);
    return (double)among / alone;
}

int
main(int argc, char **argv)
{
    static eventfd_t value;
    static struct epoll_event event;
    int fds[2], sockets[2], count = eventfd(0, EFD_SEMAPHORE), told = eventfd(0, 0), epoll = epoll_create1(0);
    double idle = idle_ones(argc > 1 ? atoi(argv[1]) : 10000), waiters = 0;

    test_pipe(fds);
    check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    event.events = EPOLLIN | EPOLLET;
    check_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, told, &event), 0);
    struct thing things[] = {
        {"pipe", SYS_read, fds[0], fds[1], {WORD(&value), sizeof value}},
        {"socket", SYS_read, sockets[0], sockets[1], {WORD(&value), sizeof value}},
        {"eventfd", SYS_read, count, count, {WORD(&value), sizeof value}},
        {"epoll", SYS_epoll_wait, epoll, told, {WORD(&event), 1, -1ul}},
    };
    for (unsigned i = 0; i < LENGTH(things); i++) {
        double ratio = many_waiters(&things[i]);
        waiters = ratio > waiters ? ratio : waiters;
    }
    printf("idle_ratio=%.2f waiters_ratio=%.2f\n", idle, waiters);
    if (check_failures)
        printf("not ok: %s\n", check_first);
    return check_failures != 0;
}
