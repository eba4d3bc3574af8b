/* What waiting for events costs, and kernel AIO: the CPU's time stamps (under --icount: instructions,
 * exactly) per operation, the least of many rounds. Common interfaces by their numbers: it compiles for
 * Linux too (gcc -m32 -static), but for the rows of asyncfd.
 *
 * events [ROUNDS [NAME]] prints `name value` lines, or that of one NAME; bench/run.py reads them. */
#ifdef __linux__
#define _GNU_SOURCE
#include <linux/aio_abi.h>
#else
#include <fibril/aio_abi.h>
#include <fibril/asyncfd.h>
#include <fibril/asys.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "clock.h"

#define BATCH_MOST 64
#define BYTES 512
#define IDLE_MOST 10000

static unsigned rounds = 30;
static const char *only;
static char buffers[BATCH_MOST][BYTES];
static unsigned long context;
static int file, event, epoll;
static unsigned batch;

static void
fail(const char *what)
{
    fprintf(stderr, "events: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Measures `operation`, of which each call does `each` of what is named. */
static void
measure(const char *name, void (*operation)(void), unsigned each)
{
    unsigned long long least = ~0ull;

    if (only && strcmp(name, only) != 0)
        return;
    for (unsigned i = 0; i < rounds; i++) {
        unsigned long long begin = cycles();
        operation();
        unsigned long long took = cycles() - begin;
        least = took < least ? took : least;
    }
    printf("%s %llu\n", name, (least + each / 2) / each);
}

/* By int 0x80 with as little around it as there can be, here and there. */
static long
call(long number, long a, long b, long c, long d, long e)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                     : "memory");
    return result;
}
#define IO_SETUP 245
#define IO_GETEVENTS 247
#define IO_SUBMIT 248

/* ---- Kernel AIO ---- */

static void
aio_batch(void)
{
    static struct iocb iocbs[BATCH_MOST], *list[BATCH_MOST];
    static struct io_event events[BATCH_MOST];

    for (unsigned i = 0; i < batch; i++) {
        iocbs[i] = (struct iocb){.aio_data = i,
                                 .aio_lio_opcode = IOCB_CMD_PREAD,
                                 .aio_fildes = file,
                                 .aio_buf = (uintptr_t)buffers[i],
                                 .aio_nbytes = BYTES};
        list[i] = &iocbs[i];
    }
    if (call(IO_SUBMIT, context, batch, (long)list, 0, 0) != (long)batch ||
        call(IO_GETEVENTS, context, batch, batch, (long)events, 0) != (long)batch ||
        events[batch - 1].res != BYTES)
        fail("io_submit");
}

static void
measure_aio(void)
{
    static const unsigned sizes[] = {1, 8, 64};
    char name[40];

    if (call(IO_SETUP, BATCH_MOST, (long)&context, 0, 0, 0))
        fail("io_setup");
    for (unsigned i = 0; i < 3; i++) {
        batch = sizes[i];
        sprintf(name, "aio_pread_512_%u", batch);
        measure(name, aio_batch, batch);
    }
}

/* ---- asyncfd ---- */

#ifndef __linux__
static struct asyncfd_result results[BATCH_MOST];
static struct asyncfd_uring ring = {.size = BATCH_MOST};
static int delivering;

static void
asyncfd_batch(void)
{
    static struct asys_entry entries[BATCH_MOST];
    struct asyncfd_result result;
    unsigned taken = 0;

    for (unsigned i = 0; i < batch; i++)
        asys_call(&entries[i], SYS_pread64, file, buffers[i], BYTES, ASYS_64(0))->cookie = i + 1;
    if (asys_enter(delivering, entries, batch) != (long)batch)
        fail("asys_enter");
    while (asyncfd_take(&ring, &result))
        taken += result.res == BYTES;
    if (taken != batch)
        fail("asyncfd");
}

static void
measure_asyncfd(void)
{
    static const unsigned sizes[] = {1, 8, 64};
    struct asys_setup setup = {.flags = ASYS_SETUP_ASYNCFD};
    char name[40];

    ring.ptr = (uintptr_t)results;
    setup.notify_fd = asyncfd(-1, &ring);
    delivering = asys_context(&setup);
    if (setup.notify_fd < 0 || delivering < 0)
        fail("asyncfd");
    for (unsigned i = 0; i < 3; i++) {
        batch = sizes[i];
        sprintf(name, "asyncfd_pread_512_%u", batch);
        measure(name, asyncfd_batch, batch);
    }
}
#endif

/* ---- eventfd and epoll ---- */

static void
event_write_read(void)
{
    unsigned long long value = 1;

    if (write(event, &value, sizeof value) != sizeof value ||
        read(event, &value, sizeof value) != sizeof value)
        fail("eventfd");
}

static int to_and_fro[2];

static void *
echo(void *unused)
{
    unsigned long long value;

    while (read(to_and_fro[0], &value, sizeof value) == sizeof value && value == 1)
        if (write(to_and_fro[1], &value, sizeof value) != sizeof value)
            fail("eventfd");
    return unused;
}

/* Two wake-ups: there and back. */
static void
event_there_and_back(void)
{
    unsigned long long value = 1;

    if (write(to_and_fro[0], &value, sizeof value) != sizeof value ||
        read(to_and_fro[1], &value, sizeof value) != sizeof value)
        fail("eventfd");
}

static void
measure_wake(void)
{
    unsigned long long end = 2;
    pthread_t thread;

    to_and_fro[0] = eventfd(0, 0);
    to_and_fro[1] = eventfd(0, 0);
    if (pthread_create(&thread, NULL, echo, NULL))
        fail("pthread_create");
    measure("eventfd_wake", event_there_and_back, 2);
    if (write(to_and_fro[0], &end, sizeof end) != sizeof end)
        fail("eventfd");
    pthread_join(thread, NULL);
}

static void
epoll_one_ready(void)
{
    struct epoll_event found;

    if (epoll_wait(epoll, &found, 1, -1) != 1)
        fail("epoll_wait");
}

/* One that is ready among so many that are not. */
static void
measure_epoll(void)
{
    static const unsigned counts[] = {10, 1000, IDLE_MOST};
    struct rlimit limit = {IDLE_MOST + 100, IDLE_MOST + 100};
    struct epoll_event wish = {.events = EPOLLIN};
    unsigned there = 0;
    char name[40];

    setrlimit(RLIMIT_NOFILE, &limit);
    epoll = epoll_create1(0);
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, eventfd(1, 0), &wish))
        fail("epoll");
    for (unsigned i = 0; i < 3; i++) {
        for (; there + 1 < counts[i]; there++)
            if (epoll_ctl(epoll, EPOLL_CTL_ADD, eventfd(0, 0), &wish))
                fail("epoll_ctl");
        sprintf(name, "epoll_wait_%u", counts[i]);
        measure(name, epoll_one_ready, 1);
    }
}

int
main(int argc, char **argv)
{
    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        only = argv[2];
    file = open(argv[0], O_RDONLY);
    event = eventfd(0, 0);
    if (rounds < 2 || file < 0 || event < 0)
        fail("start");
    measure_aio();
#ifndef __linux__
    measure_asyncfd();
#endif
    measure("eventfd_write_read", event_write_read, 1);
    measure_wake();
    measure_epoll();
    return 0;
}
