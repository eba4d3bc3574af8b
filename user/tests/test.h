/* What the test programs share beside check.h: calls started and awaited in one line, small files,
 * the clock. Numbers are what the kernel says: a result or a negative errno. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <fibril/asys.h>
#include <fibril/calls.h>
#include <fibril/kernel_types.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

#define TEST_UNUSED __attribute__((unused))
#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define MILLISECOND 1000000L
#define PAGE 4096ul
#define NOWHERE ((void *)16) /* never mapped */
#define WORD(value) ((unsigned long)(value))

static TEST_UNUSED struct asys_input
test_input(int number, unsigned long cookie, unsigned long count, unsigned long *args)
{
    return (struct asys_input){number, cookie, count, args};
}

/* Submits one call with these arguments; fails the case if it is not taken. */
static TEST_UNUSED void
test_start(int number, unsigned long cookie, unsigned long a, unsigned long b, unsigned long c,
           unsigned long d)
{
    unsigned long args[6] = {a, b, c, d};
    struct asys_input one = test_input(number, cookie, 6, args);

    check_equal(sys_asys_submit(&one, 1), 1);
}

static TEST_UNUSED struct asys_completion
test_await(void)
{
    struct asys_completion done = {-12345, ~0ul};

    check_equal(sys_asys_await_completion(&done), 1);
    return done;
}

/* The completion's code of one call, with nothing else in progress. */
static TEST_UNUSED long
test_result(int number, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    struct asys_completion done;

    test_start(number, 77, a, b, c, d);
    done = test_await();
    check_equal(done.cookie, 77);
    return done.return_code;
}

/* Awaiting says that nothing is there and nothing will come. */
static TEST_UNUSED void
test_nothing_left(void)
{
    struct asys_completion done;

    check_equal(sys_asys_await_completion(&done), -EDEADLK);
}

/* Takes completions until there are none; how many. */
static TEST_UNUSED unsigned long
test_drain(void)
{
    struct asys_completion done;
    unsigned long count = 0;

    while (sys_asys_await_completion(&done) == 1)
        count++;
    return count;
}

static TEST_UNUSED void
test_nap(long milliseconds)
{
    struct kernel_timespec time = {milliseconds / 1000, milliseconds % 1000 * MILLISECOND};

    check_equal(sys_nanosleep(&time, NULL), 0);
}

static TEST_UNUSED long long
test_now_ns(void)
{
    struct kernel_timespec now = {0, 0};

    sys_clock_gettime(CLOCK_MONOTONIC, &now);
    return now.seconds * 1000000000ll + now.nanoseconds;
}

static TEST_UNUSED long
test_write_file(const char *path, const char *text)
{
    int fd = sys_open(path, O_WRONLY, 0);
    long result;

    if (fd < 0)
        return fd;
    result = sys_write(fd, text, strlen(text));
    sys_close(fd);
    return result;
}

/* The number behind the word at the beginning of a line of a text file; -1 if there is none. */
static TEST_UNUSED long
test_read_number(const char *path, const char *word)
{
    char line[200];
    long number = -1;
    FILE *file = fopen(path, "r");

    while (file && number < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, word, strlen(word)) == 0)
            number = strtol(line + strlen(word), NULL, 10);
    if (file)
        fclose(file);
    return number;
}

/* How many requests the disk has had. */
static TEST_UNUSED unsigned long long
test_disk_requests(const char *disk)
{
    char line[200], name[32];
    unsigned long long requests = 0, found = 0;
    FILE *file = fopen("/proc/diskstats", "r");

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%*u %*u %31s %llu", name, &requests) == 2 && strcmp(name, disk) == 0)
            found = requests;
    if (file)
        fclose(file);
    return found;
}

static TEST_UNUSED long
test_fibrils(void)
{
    return test_read_number("/proc/self/status", "Fibrils:");
}

static TEST_UNUSED void *
test_map(unsigned long size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        puts("not ok mmap: no memory for the test");
        exit(1);
    }
    return memory;
}

/* The first page is there, the one behind it is not. */
static TEST_UNUSED char *
test_map_before_nothing(void)
{
    char *memory = test_map(2 * PAGE);

    munmap(memory + PAGE, PAGE);
    return memory;
}

static TEST_UNUSED void
test_pipe(int fds[2])
{
    check_equal(sys_pipe(fds), 0);
}

static TEST_UNUSED void
test_close_both(const int fds[2])
{
    sys_close(fds[0]);
    sys_close(fds[1]);
}

/* Signals by the kernel's numbers (newlib's <signal.h> has others), without the library. */
#define SIGNAL_KILL 9
#define SIGNAL_USR1 10
#define SIGNAL_PIPE 13
#define SIGNAL_CONT 18
#define SIGNAL_STOP 19
#define SIGNAL_RESTART 0x10000000ul /* flags: SA_RESTART, SA_RESTORER of asm/signal.h */
#define SIGNAL_RESTORER 0x04000000ul
#define SIGNAL_IGNORED ((void (*)(int))1)

struct test_action { /* struct sigaction of asm/signal.h */
    void (*handler)(int number);
    unsigned long flags;
    void (*restorer)(void);
    unsigned mask[2];
};

/* What a handler returns to: sigreturn, number 119. */
void test_restore(void);
__asm__(".pushsection .text\n"
        "test_restore: popl %eax\n\t movl $119, %eax\n\t int $0x80\n"
        ".popsection");

static TEST_UNUSED void
test_set_handler(int number, void (*handler)(int), unsigned long flags)
{
    struct test_action action = {handler, flags | SIGNAL_RESTORER, test_restore, {0, 0}};

    check_equal(sys_rt_sigaction(number, &action, NULL, 8), 0);
}

/* Waits for the child; its status as wait4 gives it. */
static TEST_UNUSED int
test_wait(long pid)
{
    int status = -1;

    check_equal(sys_wait4(pid, &status, 0, NULL), pid);
    return status;
}

static unsigned test_seed = 1;

/* Numbers that look like chance and are the same in every run (Numerical Recipes' generator). */
static TEST_UNUSED unsigned
test_random(void)
{
    test_seed = test_seed * 1664525u + 1013904223u;
    return test_seed >> 8;
}

#endif
