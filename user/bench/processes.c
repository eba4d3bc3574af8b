/* What processes, threads and their talk cost: the CPU's time stamps (under --icount: instructions, exactly)
 * per operation, user code and C library included, the least of many rounds, so that what an interrupt took
 * away does not count. Only common interfaces: it compiles for Linux too (gcc -m32 -static -pthread), and
 * that binary runs here as well.
 *
 * processes [ROUNDS [NAME]] prints `name value` lines, or that of one NAME; bench/run.py reads them.
 * tools/profile shows what happens between stretch_begin and stretch_end: the last round of NAME. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "clock.h"

#define REPEAT 16 /* operations between two looks at the clock */
#define MEMORY_BYTES 4096
#define FUTEX_CALL 240 /* Linux/i386's numbers */
#define EVENTFD_CALL 328
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

static unsigned rounds = 30;
static const char *only, *own_path;
static int there[2], back[2], file, event = -1;
static char *shared;
static char buffer[512];

static void
fail(const char *what)
{
    fprintf(stderr, "processes: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Measures `operation`, of which each call does `each` of what is named. */
static void
measure(const char *name, void (*operation)(void), unsigned each)
{
    unsigned long long least = ~0ull;

    if (only && strcmp(name, only) != 0)
        return;
    for (unsigned round = 0; round < rounds; round++) {
        bool marked = only && round + 1 == rounds;
        if (marked)
            stretch_begin();
        unsigned long long start = cycles();
        for (int i = 0; i < REPEAT; i++)
            operation();
        unsigned long long time = cycles() - start;
        if (marked)
            stretch_end();
        if (time < least)
            least = time;
    }
    printf("%s %.1f\n", name, (double)least / REPEAT / each);
    fflush(stdout);
}

/* ---- Processes ---- */

static void
wait_for(pid_t pid)
{
    int status;

    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        fail("child");
}

static void
fork_exit_wait(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    wait_for(pid);
}

static void
execute(void)
{
    char *const arguments[] = {(char *)own_path, "end", NULL};

    execv(own_path, arguments);
    _exit(127);
}

static void
fork_exec_wait(void)
{
    pid_t pid = fork();

    if (pid == 0)
        execute();
    wait_for(pid);
}

static void
vfork_exec_wait(void)
{
    pid_t pid = vfork();

    if (pid == 0)
        execute();
    wait_for(pid);
}

static void *
thread(void *argument)
{
    return argument;
}

static void
thread_create_join(void)
{
    pthread_t made;

    if (pthread_create(&made, NULL, thread, NULL) != 0 || pthread_join(made, NULL) != 0)
        fail("thread");
}

/* ---- Switches: two that wake each other by turns ---- */

static void
pipe_ping_pong(void)
{
    char byte = 0;

    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
        fail("pipe");
}

static void
pipe_echo(void)
{
    char byte;

    while (read(there[0], &byte, 1) == 1)
        if (write(back[1], &byte, 1) != 1)
            _exit(1);
    _exit(0);
}

static void
measure_pipe_switch(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        close(there[1]);
        pipe_echo();
    }
    measure("pipe_switch", pipe_ping_pong, 2);
    close(there[1]);
    wait_for(pid);
}

static volatile int turn;

static void
futex(volatile int *word, int operation, int value)
{
    syscall(FUTEX_CALL, word, operation, value, NULL, NULL, 0);
}

static void
futex_pass(int to)
{
    turn = to;
    futex(&turn, FUTEX_WAKE, 1);
    while (turn == to)
        futex(&turn, FUTEX_WAIT, to);
}

static void *
futex_echo(void *unused)
{
    (void)unused;
    while (turn != 2) {
        while (turn == 0)
            futex(&turn, FUTEX_WAIT, 0);
        if (turn == 1) {
            turn = 0;
            futex(&turn, FUTEX_WAKE, 1);
        }
    }
    return NULL;
}

static void
futex_ping_pong(void)
{
    futex_pass(1);
}

static void
measure_futex_switch(void)
{
    pthread_t other;

    if (pthread_create(&other, NULL, futex_echo, NULL) != 0)
        fail("thread");
    measure("futex_switch", futex_ping_pong, 2);
    turn = 2;
    futex(&turn, FUTEX_WAKE, 1);
    pthread_join(other, NULL);
}

static void
yield(void)
{
    sched_yield();
}

/* The other one yields too, so each call is a switch there and back. */
static void
measure_yield_switch(void)
{
    pid_t pid;

    *shared = 0;
    pid = fork();
    if (pid == 0) {
        while (!*(volatile char *)shared)
            sched_yield();
        _exit(0);
    }
    measure("yield_switch", yield, 2);
    *shared = 1;
    wait_for(pid);
}

/* ---- Signals, memory, files ---- */

static void
handler(int number)
{
    (void)number;
}

static void
signal_and_return(void)
{
    kill(getpid(), SIGUSR1);
}

static void
map_and_unmap(void)
{
    void *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED || munmap(memory, MEMORY_BYTES) < 0)
        fail("mmap");
}

static void
map_touch_unmap(void)
{
    char *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        fail("mmap");
    *memory = 1;
    munmap(memory, MEMORY_BYTES);
}

static void
read_block(void)
{
    if (pread(file, buffer, sizeof buffer, 0) != (ssize_t)sizeof buffer)
        fail("read");
}

static void
open_and_close(void)
{
    int fd = open(own_path, O_RDONLY);

    if (fd < 0)
        fail("open");
    close(fd);
}

static void
stat_path(void)
{
    struct stat status;

    if (stat(own_path, &status) < 0)
        fail("stat");
}

static void
event_write_read(void)
{
    unsigned long long value = 1;

    if (write(event, &value, sizeof value) != sizeof value || read(event, &value, sizeof value) != sizeof value)
        fail("eventfd");
}

static void
measure_files(void)
{
    measure("read_512", read_block, 1);
    measure("open_close", open_and_close, 1);
    measure("stat", stat_path, 1);
    event = syscall(EVENTFD_CALL, 0, 0);
    if (event >= 0) /* not every kernel has them */
        measure("eventfd_write_read", event_write_read, 1);
}

int
main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "end") == 0)
        return 0;
    own_path = argv[0];
    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        only = argv[2];
    shared = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    file = open(own_path, O_RDONLY);
    if (rounds < 2 || shared == MAP_FAILED || file < 0 || pipe(there) < 0 || pipe(back) < 0)
        fail("start");
    signal(SIGUSR1, handler);
    measure("fork_exit_wait", fork_exit_wait, 1);
    measure("fork_exec_wait", fork_exec_wait, 1);
    measure("vfork_exec_wait", vfork_exec_wait, 1);
    measure("thread_create_join", thread_create_join, 1);
    measure("signal_and_return", signal_and_return, 1);
    measure("map_unmap", map_and_unmap, 1);
    measure("map_touch_unmap", map_touch_unmap, 1);
    measure_files();
    measure_pipe_switch();
    measure_futex_switch();
    measure_yield_switch();
    return 0;
}
