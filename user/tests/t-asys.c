/* t-asys [CASE…]: asys_submit and asys_await_completion, as a program sees them. The cases are named
 * after the faults of the 2007 patch (docs: A1 to A23) and after what is special otherwise. */
#include <errno.h>
#include <fcntl.h>
#include <fibril/asys.h>
#include <fibril/calls.h>
#include <fibril/kernel_types.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define MILLISECOND 1000000L
#define NOWHERE ((void *)16)

static struct asys_input
input(int number, unsigned long cookie, unsigned long count, unsigned long *args)
{
    return (struct asys_input){number, cookie, count, args};
}

/* Submits one call with these arguments. */
static void
start(int number, unsigned long cookie, unsigned long a, unsigned long b, unsigned long c)
{
    unsigned long args[6] = {a, b, c};
    struct asys_input one = input(number, cookie, 6, args);

    check_equal(asys_submit(&one, 1), 1);
}

static struct asys_completion
await(void)
{
    struct asys_completion done = {-12345, 0};

    check_equal(asys_await_completion(&done), 1);
    return done;
}

/* The completion's code of one call that is awaited at once. */
static long
result_of(int number, unsigned long a, unsigned long b, unsigned long c)
{
    struct asys_completion done;

    start(number, 77, a, b, c);
    done = await();
    check_equal(done.cookie, 77);
    return done.return_code;
}

static void
check_nothing_left(void)
{
    struct asys_completion done;

    check_equal(asys_await_completion(&done), -1);
    check_equal(errno, EDEADLK);
}

static long long
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void
nap(long nanoseconds)
{
    struct timespec time = {0, nanoseconds};

    check_equal(nanosleep(&time, NULL), 0);
}

/* ---- What it is for ---- */

static void
in_the_order_of_finishing(void)
{
    struct kernel_timespec naps[3] = {{0, 60 * MILLISECOND}, {0, 20 * MILLISECOND}, {0, 40 * MILLISECOND}};
    long long begin = now_ns();

    for (int i = 0; i < 3; i++)
        start(SYS_nanosleep, i, (unsigned long)&naps[i], 0, 0);
    check(now_ns() - begin < 15 * MILLISECOND);
    check_equal(await().cookie, 1);
    check_equal(await().cookie, 2);
    check_equal(await().cookie, 0);
    check(now_ns() - begin >= 60 * MILLISECOND);
    check(now_ns() - begin < 100 * MILLISECOND);
    check_nothing_left();
}

/* Calls that do not block are done before submit returns, in order, and one that blocks does not
 * keep back those behind it. */
static void
mixed_batch(void)
{
    struct kernel_timespec time = {0, 30 * MILLISECOND};
    unsigned long nap_args[] = {(unsigned long)&time, 0};
    struct asys_input batch[64];

    for (unsigned i = 0; i < LENGTH(batch); i++)
        batch[i] = i % 8 == 3 ? input(SYS_nanosleep, i, 2, nap_args) : input(SYS_getpid, i, 0, NULL);
    check_equal(asys_submit(batch, LENGTH(batch)), LENGTH(batch));
    for (unsigned i = 0; i < LENGTH(batch); i++) {
        if (i % 8 == 3)
            continue;
        struct asys_completion done = await();
        check_equal(done.cookie, i);
        check_equal(done.return_code, getpid());
    }
    for (unsigned i = 3; i < LENGTH(batch); i += 8)
        check_equal(await().cookie, i);
    check_nothing_left();
}

static void
pipe_in_the_background(void)
{
    char text[6] = "";
    int fds[2];

    check_equal(pipe(fds), 0);
    start(SYS_read, 1, fds[0], (unsigned long)text, 5);
    check_equal(write(fds[1], "hallo", 5), 5);
    check_equal(await().return_code, 5);
    check(strcmp(text, "hallo") == 0);
    close(fds[0]);
    close(fds[1]);
}

/* A read in progress holds its file: closing the descriptor does not disturb it. */
static void
close_while_reading(void)
{
    char text[4] = "";
    int fds[2];

    check_equal(pipe(fds), 0);
    start(SYS_read, 1, fds[0], (unsigned long)text, 3);
    check_equal(close(fds[0]), 0);
    check_equal(write(fds[1], "abc", 3), 3);
    check_equal(await().return_code, 3);
    check(memcmp(text, "abc", 3) == 0);
    close(fds[1]);
}

/* ---- The faults ---- */

static void
a1_unchecked_call_number(void)
{
    static const int numbers[] = {-1, -2147483647 - 1, 2147483647, 0, 17, 500, 511, 600, 1 << 20};

    for (unsigned i = 0; i < LENGTH(numbers); i++)
        check_equal(result_of(numbers[i], 0, 0, 0), -ENOSYS);
    check_nothing_left();
}

static void
a2_unchecked_argument_count(void)
{
    static const unsigned long counts[] = {7, 8, 0x40000000, 0x40000001, 0x80000000, 0xffffffff};
    unsigned long args[8] = {0};

    for (unsigned i = 0; i < LENGTH(counts); i++) {
        struct asys_input one = input(SYS_getpid, i, counts[i], args);
        check_equal(asys_submit(&one, 1), 1);
        check_equal(await().return_code, -EINVAL);
    }
}

/* After a call with six large arguments, one with none must see zeros. */
static void
a3_short_argument_lists(void)
{
    unsigned long garbage[6] = {~0ul, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul};
    struct asys_input batch[] = {input(SYS_getpid, 1, 6, garbage), input(SYS_nanosleep, 2, 0, NULL)};

    check_equal(asys_submit(batch, 2), 2);
    check_equal(await().return_code, getpid());
    check_equal(await().return_code, -EFAULT); /* nanosleep(NULL, NULL) */
}

static void
a4_user_sleeps_while_a_call_ends(void)
{
    struct kernel_timespec time = {0, 10 * MILLISECOND};

    for (int i = 0; i < 5; i++) {
        start(SYS_nanosleep, 5, (unsigned long)&time, 0, 0);
        nap(30 * MILLISECOND);
        check_equal(await().return_code, 0);
    }
}

static void
a5_many_fresh_fibrils(void)
{
    struct kernel_timespec time = {0, MILLISECOND};

    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 100; i++)
            start(SYS_nanosleep, i, (unsigned long)&time, 0, 0);
        for (int i = 0; i < 100; i++)
            check_equal(await().return_code, 0);
    }
    check_nothing_left();
}

/* The time-out of a poll that was ended by data must not wake anybody afterwards. */
static void
a6_wake_ups_of_calls_that_have_ended(void)
{
    struct pollfd wanted;
    int fds[2];

    check_equal(pipe(fds), 0);
    for (int i = 0; i < 50; i++) {
        char byte = 0;
        wanted = (struct pollfd){fds[0], POLLIN, 0};
        start(SYS_poll, 1, (unsigned long)&wanted, 1, 5);
        check_equal(write(fds[1], &byte, 1), 1);
        check_equal(await().return_code, 1);
        check_equal(wanted.revents, POLLIN);
        check_equal(read(fds[0], &byte, 1), 1);
        start(SYS_poll, 1, (unsigned long)&wanted, 1, 2);
        check_equal(await().return_code, 0);
    }
    close(fds[0]);
    close(fds[1]);
}

/* A call that ends while the program computes in user mode gets its turn. */
static void
a7_ready_fibril_interrupts_user_mode(void)
{
    volatile struct pollfd watched;
    long long begin = now_ns();
    unsigned long turns = 0;
    int fds[2];

    check_equal(pipe(fds), 0);
    watched.fd = fds[0];
    watched.events = POLLIN;
    watched.revents = 0x7f;
    start(SYS_poll, 1, (unsigned long)&watched, 1, 20); /* in the end it clears revents */
    while (watched.revents == 0x7f && ++turns < 2000000000ul)
        ;
    check_equal(watched.revents, 0);
    check(now_ns() - begin < 200 * MILLISECOND);
    check_equal(await().return_code, 0);
    close(fds[0]);
    close(fds[1]);
}

static void
a12_calls_that_act_on_the_caller(void)
{
    static const int numbers[] = {SYS_exit, SYS_exit_group, SYS_set_thread_area};

    for (unsigned i = 0; i < LENGTH(numbers); i++)
        check_equal(result_of(numbers[i], 0, 0, 0), -EINVAL);
}

/* Every result is delivered once, also when several calls wait for results. */
static void
a15_one_result_one_waiter(void)
{
    struct asys_completion inner[2] = {{0, 0}, {0, 0}};
    struct kernel_timespec time = {0, 10 * MILLISECOND};
    int waiters = 0;
    bool slept = false;

    start(SYS_asys_await_completion, 100, (unsigned long)&inner[0], 0, 0);
    start(SYS_asys_await_completion, 101, (unsigned long)&inner[1], 0, 0);
    start(SYS_nanosleep, 1, (unsigned long)&time, 0, 0);
    nap(20 * MILLISECOND);
    /* The nap's completion went to the one, whose own went to the other, whose own is to be had here;
     * or some of them are still to be had: in any case each once. */
    for (;;) {
        struct asys_completion done;
        if (asys_await_completion(&done) < 0)
            break;
        waiters += done.cookie >= 100;
        slept |= done.cookie == 1;
    }
    check_equal(errno, EDEADLK);
    for (int i = 0; i < 2; i++) {
        waiters += inner[i].cookie >= 100;
        slept |= inner[i].cookie == 1;
    }
    check_equal(waiters, 2);
    check(slept);
}

static void
a15_fault_loses_no_result(void)
{
    start(SYS_getpid, 9, 0, 0, 0);
    check_equal(asys_await_completion(NOWHERE), -1);
    check_equal(errno, EFAULT);
    check_equal(await().return_code, getpid());
    check_nothing_left();
}

static void
a16_awaiting_nothing(void)
{
    check_nothing_left();
    check_equal(result_of(SYS_getpid, 0, 0, 0), getpid());
    check_nothing_left();
    /* A background call that awaits, with nothing to come, gets the same answer. */
    struct asys_completion inner;
    check_equal(result_of(SYS_asys_await_completion, (unsigned long)&inner, 0, 0), -EDEADLK);
}

/* Calls in progress are limited by what the machine has: EAGAIN, and all taken ones complete. */
static void
a19_limits(void)
{
    static char bytes[1 << 18];
    unsigned long taken = 0, done = 0;
    int fds[2];

    check_equal(pipe(fds), 0);
    for (;;) {
        unsigned long args[] = {fds[0], (unsigned long)bytes, 1};
        struct asys_input batch[64];
        long count;
        for (unsigned i = 0; i < LENGTH(batch); i++)
            batch[i] = input(SYS_read, i, 3, args);
        count = asys_submit(batch, LENGTH(batch));
        if (count > 0)
            taken += count;
        if (count < (long)LENGTH(batch)) {
            check(count > 0 || errno == EAGAIN);
            break;
        }
    }
    check(taken > 1000);
    while (done < taken) {
        long written = write(fds[1], bytes, taken - done < 4096 ? taken - done : 4096);
        check(written > 0);
        if (written <= 0)
            break;
        for (long i = 0; i < written; i++)
            check_equal(await().return_code, 1);
        done += written;
    }
    check_nothing_left();
    close(fds[0]);
    close(fds[1]);
}

static void
a20_errors_of_later_elements(void)
{
    unsigned long args[6] = {0};
    struct asys_input batch[] = {
        input(SYS_getpid, 0, 0, NULL),   input(9999, 1, 0, NULL),  input(SYS_getpid, 2, 9, args),
        input(SYS_getpid, 3, 2, NOWHERE), input(SYS_exit, 4, 1, args), input(SYS_getpid, 5, 6, args),
    };
    const long wanted[] = {getpid(), -ENOSYS, -EINVAL, -EFAULT, -EINVAL, getpid()};

    check_equal(asys_submit(batch, LENGTH(batch)), LENGTH(batch));
    for (unsigned i = 0; i < LENGTH(batch); i++) {
        struct asys_completion done = await();
        check_equal(done.cookie, i);
        check_equal(done.return_code, wanted[i]);
    }
}

static void
a21_submitting_asynchronously(void)
{
    unsigned long args[] = {0, 0};
    struct asys_input inner[] = {input(SYS_getpid, 1, 0, NULL), input(SYS_getppid, 2, 0, args)};

    start(SYS_asys_submit, 3, (unsigned long)inner, 2, 0);
    check_equal(await().cookie, 1);
    check_equal(await().cookie, 2);
    struct asys_completion done = await();
    check_equal(done.cookie, 3);
    check_equal(done.return_code, 2);
}

static void
a23_the_same_policy(void)
{
    static const int harmless[] = {SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid, SYS_geteuid};

    for (unsigned i = 0; i < LENGTH(harmless); i++)
        check_equal(result_of(harmless[i], 0, 0, 0), syscall(harmless[i]));
    check_equal(result_of(SYS_close, 12345, 0, 0), -EBADF);
    check_equal(result_of(SYS_read, 0x7fffffff, 0, 1), -EBADF);
    check_equal(result_of(SYS_open, (unsigned long)NOWHERE, 0, 0), -EFAULT);
    check_equal(result_of(SYS_open, (unsigned long)"/none/such", 0, 0), -ENOENT);
}

static void
bad_pointers(void)
{
    struct asys_input batch[2] = {input(SYS_getpid, 1, 0, NULL), input(SYS_getpid, 2, 0, NULL)};
    /* An array whose second half lies beyond user space's end can only be submitted in part. */
    static void *const bad[] = {NULL, NOWHERE, (void *)0x7ffffff8, (void *)0x80000000,
                                (void *)0xc0000000, (void *)0xfffffff8};

    for (unsigned i = 0; i < LENGTH(bad); i++) {
        check_equal(asys_submit(bad[i], 2), -1);
        check_equal(errno, EFAULT);
    }
    check_equal(asys_submit(batch, 0), 0);
    check_equal(asys_submit(NULL, 0), 0);
    check_nothing_left();
}

/* The array ends at the end of the heap: what can be read is submitted, the rest ends the batch. */
static void
batch_that_runs_into_nothing(void)
{
    char *end = sbrk(0);
    unsigned long room = -(unsigned long)end & 4095;
    struct asys_input *batch;

    check(sbrk(room + 4096) != (void *)-1);
    end = sbrk(0);
    batch = (struct asys_input *)end - 3;
    for (int i = 0; i < 3; i++)
        batch[i] = input(SYS_getpid, i, 0, NULL);
    check_equal(asys_submit(batch, 0x20000000), 3);
    for (int i = 0; i < 3; i++)
        check_equal(await().cookie, i);
    check_nothing_left();
}

static const struct check_case cases[] = {
    {"in-the-order-of-finishing", in_the_order_of_finishing},
    {"mixed-batch", mixed_batch},
    {"pipe-in-the-background", pipe_in_the_background},
    {"close-while-reading", close_while_reading},
    {"A1-unchecked-call-number", a1_unchecked_call_number},
    {"A2-unchecked-argument-count", a2_unchecked_argument_count},
    {"A3-short-argument-lists", a3_short_argument_lists},
    {"A4-user-sleeps-while-a-call-ends", a4_user_sleeps_while_a_call_ends},
    {"A5-many-fresh-fibrils", a5_many_fresh_fibrils},
    {"A6-wake-ups-of-calls-that-have-ended", a6_wake_ups_of_calls_that_have_ended},
    {"A7-ready-fibril-interrupts-user-mode", a7_ready_fibril_interrupts_user_mode},
    {"A12-calls-that-act-on-the-caller", a12_calls_that_act_on_the_caller},
    {"A15-one-result-one-waiter", a15_one_result_one_waiter},
    {"A15-fault-loses-no-result", a15_fault_loses_no_result},
    {"A16-awaiting-nothing", a16_awaiting_nothing},
    {"A19-limits", a19_limits},
    {"A20-errors-of-later-elements", a20_errors_of_later_elements},
    {"A21-submitting-asynchronously", a21_submitting_asynchronously},
    {"A23-the-same-policy", a23_the_same_policy},
    {"bad-pointers", bad_pointers},
    {"batch-that-runs-into-nothing", batch_that_runs_into_nothing},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
