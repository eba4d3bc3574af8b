/* t-epoll-random SEED [ROUNDS]: operations by chance on epolls, pipes, counters and sockets,
 * each with what it gives, events sorted. The same program on Linux prints the same: the
 * transcripts are compared. Pipes get whole pages, since Linux counts their room in pages. */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIPES 5
#define COUNTERS 4
#define SOCKETS 4
#define EPOLLS 4
#define FIRST_COUNTER (2 * PIPES)
#define FIRST_SOCKET (FIRST_COUNTER + COUNTERS)
#define FIRST_EPOLL (FIRST_SOCKET + 2 * SOCKETS)
#define FILES (FIRST_EPOLL + EPOLLS)
#define PAGE 4096

static int fds[FILES];
static char buffer[16 * PAGE];
static unsigned seed;

/* The same numbers everywhere (Numerical Recipes' generator). */
static unsigned
chance(unsigned below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void
say(const char *what, int slot, int other, long result)
{
    int number = errno;

    printf("%s %d %d: %ld", what, slot, other, result);
    if (result < 0)
        printf(" errno %d", number);
    printf("\n");
}

/* ---- Files ---- */

static void
close_slot(int slot)
{
    if (fds[slot] >= 0)
        close(fds[slot]);
    fds[slot] = -1;
}

static void
open_pair(int slot, int result, const int pair[2])
{
    if (result < 0)
        exit(1);
    fds[slot] = pair[0];
    fds[slot + 1] = pair[1];
}

static void
open_slot(int slot)
{
    int pair[2];

    if (slot < FIRST_COUNTER) {
        slot &= ~1;
        close_slot(slot);
        close_slot(slot + 1);
        open_pair(slot, pipe2(pair, O_NONBLOCK), pair);
    } else if (slot < FIRST_SOCKET) {
        close_slot(slot);
        fds[slot] = eventfd(0, EFD_NONBLOCK);
    } else if (slot < FIRST_EPOLL) {
        slot &= ~1;
        close_slot(slot);
        close_slot(slot + 1);
        open_pair(slot, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), pair);
    } else {
        close_slot(slot);
        fds[slot] = epoll_create1(0);
    }
}

/* ---- Operations ---- */

static void
do_control(void)
{
    static const unsigned kinds[] = {EPOLLIN,  EPOLLOUT, EPOLLIN | EPOLLOUT,
                                     EPOLLIN | EPOLLRDHUP, 0, EPOLLPRI};
    static const unsigned ways[] = {0, 0, EPOLLET, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT};
    int epoll = FIRST_EPOLL + (int)chance(EPOLLS), slot = (int)chance(FILES);
    int operation = 1 + (int)chance(3);
    struct epoll_event event = {.events = kinds[chance(6)] | ways[chance(6)],
                                .data.u64 = (unsigned)slot};

    say("control", epoll, slot, epoll_ctl(fds[epoll], operation, fds[slot], &event));
    printf("  %d %x\n", operation, event.events);
}

static int
by_slot(const void *left, const void *right)
{
    const struct epoll_event *one = left, *other = right;

    return (int)one->data.u64 - (int)other->data.u64;
}

static void
do_wait(void)
{
    struct epoll_event events[FILES];
    int epoll = FIRST_EPOLL + (int)chance(EPOLLS);
    int count = epoll_wait(fds[epoll], events, FILES, 0);

    say("wait", epoll, 0, count);
    if (count > 0)
        qsort(events, (size_t)count, sizeof events[0], by_slot);
    for (int i = 0; i < count; i++)
        printf("  %d %x\n", (int)events[i].data.u64, events[i].events);
}

/* A write that fails for want of room wakes those who poll for reading in Linux: here it does
 * not. */
static int
is_full(int slot)
{
    struct pollfd polled = {fds[slot], POLLOUT, 0};

    return poll(&polled, 1, 0) == 0;
}

static void
do_write(void)
{
    int slot = (int)chance(FIRST_EPOLL);
    uint64_t one = 1 + chance(3);

    if (is_full(slot))
        return;
    if (slot < FIRST_COUNTER)
        say("write", slot, 0, write(fds[slot], buffer, PAGE << chance(5)));
    else if (slot < FIRST_SOCKET)
        say("write", slot, 0, write(fds[slot], &one, 8));
    else
        say("write", slot, 0, write(fds[slot], buffer, one));
}

static void
do_read(void)
{
    int slot = (int)chance(FIRST_EPOLL);

    if (slot < FIRST_COUNTER)
        say("read", slot, 0, read(fds[slot], buffer, PAGE << chance(5)));
    else
        say("read", slot, 0, read(fds[slot], buffer, 8));
}

static void
do_rarely(void)
{
    int slot = (int)chance(FILES);

    switch (chance(4)) {
    case 0:
        printf("close %d\n", slot);
        close_slot(slot);
        break;
    case 1:
        printf("open %d\n", slot);
        open_slot(slot);
        break;
    case 2:
        say("shutdown", slot, 0, shutdown(fds[slot], (int)chance(3)));
        break;
    default:
        for (slot = 0; slot < FILES; slot++)
            if (fds[slot] < 0)
                open_slot(slot);
        printf("all are open\n");
    }
}

int
main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 3000;

    seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 1;
    signal(SIGPIPE, SIG_IGN);
    for (int slot = 0; slot < FILES; slot++)
        fds[slot] = -1;
    for (int slot = 0; slot < FILES; slot++)
        if (fds[slot] < 0)
            open_slot(slot);
    for (int i = 0; i < rounds; i++) {
        unsigned what = chance(100);
        if (what < 25)
            do_control();
        else if (what < 55)
            do_wait();
        else if (what < 77)
            do_write();
        else if (what < 98)
            do_read();
        else
            do_rarely();
    }
    for (int slot = 0; slot < FILES; slot++)
        close_slot(slot);
    return 0;
}
