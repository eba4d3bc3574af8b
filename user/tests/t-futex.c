/* t-futex [CASE]: futex by its number: waiting and waking, between threads of a process and between
 * processes, requeueing, bit sets, time-outs, and what a robust list leaves. Runs on Linux too. */
#include "signals.h"
#include <pthread.h>
#include <sys/mman.h>

enum { WAIT, WAKE, REQUEUE = 3, CMP_REQUEUE, WAKE_OP, LOCK_PI, WAIT_BITSET = 9, WAKE_BITSET,
       PRIVATE = 128, REAL_CLOCK = 256 };
#define OWNER_DIED 0x40000000
#define WAITERS 0x80000000u

/* The call's own time, of 32 bits. */
struct old_time {
    long tv_sec, tv_nsec;
};

/* A page that children share. */
struct words {
    volatile int word, other, sleeping, woken;
};

static struct words *
words_map(void)
{
    struct words *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    check(words != MAP_FAILED);
    return words;
}

static long
futex(volatile int *word, int operation, int value, const void *time, volatile void *second, int value3)
{
    return syscall(SYS_futex, word, operation, value, time, second, value3);
}

static void
refused(void)
{
    static volatile int word, other;
    struct old_time zero = {0, 0}, bad = {0, 1000000000}, before = {-1, 0};

    show(futex(&word, WAIT, 1, NULL, NULL, 0));
    show(futex(&word, WAIT | PRIVATE, 1, NULL, NULL, 0));
    show(futex(&word, WAIT, 0, &zero, NULL, 0));
    show(futex(&word, WAIT, 0, &bad, NULL, 0));
    show(futex(&word, WAIT, 0, &before, NULL, 0));
    show(futex(&word, WAIT, 0, (void *)16, NULL, 0));
    show(futex((int *)((char *)&word + 1), WAIT, 0, &zero, NULL, 0));
    show(futex((int *)((char *)&word + 2), WAKE, 1, NULL, NULL, 0));
    show(futex((int *)16, WAIT, 0, &zero, NULL, 0));
    show(futex((int *)0x70001000, WAIT, 0, &zero, NULL, 0));
    show(futex((int *)0x70001000, WAKE | PRIVATE, 1, NULL, NULL, 0));
    show(futex(&word, WAKE, 1, NULL, NULL, 0));
    show(futex(&word, WAKE, -1, NULL, NULL, 0));
    show(futex(&word, WAIT_BITSET, 0, &zero, NULL, 0));
    show(futex(&word, WAKE_BITSET, 1, NULL, NULL, 0));
    show(futex(&word, WAIT_BITSET, 1, NULL, NULL, 1));
    show(futex(&word, 99, 0, NULL, NULL, 0));
    show(futex(&word, WAKE | REAL_CLOCK, 1, NULL, NULL, 0));
    show(futex(&word, CMP_REQUEUE, 1, (void *)1, &other, 5));
    show(futex(&word, CMP_REQUEUE, -1, (void *)1, &other, 0));
    show(futex(&word, CMP_REQUEUE, 1, (void *)-1, &other, 0));
    show(futex(&word, CMP_REQUEUE, 1, (void *)1, (int *)16, 0));
    show(futex(&word, CMP_REQUEUE, 1, (void *)1, &other, 0));
    show(futex(&word, REQUEUE, 1, (void *)1, &other, 0));
    show(syscall(SYS_set_robust_list, NULL, 12));
    show(syscall(SYS_set_robust_list, NULL, 13));
}

static void
times(void)
{
    static volatile int word;
    struct old_time soon = {0, 20000000}, at;
    long long before = now_ns();

    show(futex(&word, WAIT, 0, &soon, NULL, 0));
    show(now_ns() - before >= 20000000);
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &at);
    show(futex(&word, WAIT_BITSET, 0, &at, NULL, -1)); /* it has come already */
    at.tv_sec += 100;
    show(futex(&word, WAIT_BITSET, 1, &at, NULL, -1));
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &at);
    show(futex(&word, WAIT_BITSET | REAL_CLOCK, 0, &at, NULL, -1));
    alarm_soon(0);
    show(futex(&word, WAIT, 0, NULL, NULL, 0));
    alarm_soon(0);
    at.tv_sec = 10;
    show(futex(&word, WAIT, 0, &at, NULL, 0));
    alarm_soon(SA_RESTART);
    show(futex(&word, WAIT, 0, &at, NULL, 0)); /* one with a time is not made anew */
    show(handled >= 3);
    defaults();
}

/* ---- Sleepers in children or threads ---- */

struct sleeper {
    struct words *words;
    int operation, bits;
};

static void
sleep_on(const struct sleeper *sleeper)
{
    __sync_fetch_and_add(&sleeper->words->sleeping, 1);
    if (futex(&sleeper->words->word, sleeper->operation, 0, NULL, NULL, sleeper->bits) == 0)
        __sync_fetch_and_add(&sleeper->words->woken, 1);
}

static void *
sleep_thread(void *sleeper)
{
    sleep_on(sleeper);
    return NULL;
}

static void
await_sleeping(struct words *words, int count)
{
    for (int i = 0; i < 3000 && words->sleeping < count; i++)
        nap_ms(1);
    nap_ms(20); /* and the last one asleep */
}

static void
await_woken(struct words *words, int count)
{
    for (int i = 0; i < 3000 && words->woken < count; i++)
        nap_ms(1);
    nap_ms(5);
}

static void
among_processes(void)
{
    struct words *words = words_map();
    pid_t pids[5];

    for (int i = 0; i < 5; i++) {
        struct sleeper sleeper = {words, WAIT, 0};
        fflush(stdout);
        pids[i] = fork();
        if (pids[i] == 0) {
            sleep_on(&sleeper);
            _exit(0);
        }
    }
    await_sleeping(words, 5);
    show(futex(&words->word, WAKE | PRIVATE, 5, NULL, NULL, 0)); /* another key */
    show(futex(&words->other, WAKE, 5, NULL, NULL, 0));
    show(futex(&words->word, WAKE, 2, NULL, NULL, 0));
    await_woken(words, 2);
    show(words->woken);
    /* The page by another address is the same futex. */
    show(futex(&words->word, WAKE, 0x7fffffff, NULL, NULL, 0));
    for (int i = 0; i < 5; i++)
        check(waitpid(pids[i], NULL, 0) == pids[i]);
    show(words->woken);
    munmap(words, 4096);
}

/* ---- Requeueing, bit sets, wake-op, among threads ---- */

static void
start_sleepers(pthread_t *threads, int count, struct sleeper *sleeper)
{
    sleeper->words->sleeping = sleeper->words->woken = 0;
    for (int i = 0; i < count; i++)
        check(pthread_create(&threads[i], NULL, sleep_thread, sleeper) == 0);
    await_sleeping(sleeper->words, count);
}

static void
join_sleepers(pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        check(pthread_join(threads[i], NULL) == 0);
}

static void
requeueing(void)
{
    struct words *words = words_map();
    struct sleeper sleeper = {words, WAIT | PRIVATE, 0};
    pthread_t threads[6];

    start_sleepers(threads, 6, &sleeper);
    show(futex(&words->word, CMP_REQUEUE | PRIVATE, 1, (void *)3, &words->other, 7)); /* another value */
    show(futex(&words->word, CMP_REQUEUE | PRIVATE, 1, (void *)3, &words->other, 0));
    await_woken(words, 1);
    show(words->woken);
    show(futex(&words->other, WAKE | PRIVATE, 1, NULL, NULL, 0));
    show(futex(&words->word, REQUEUE | PRIVATE, 0, (void *)1, &words->other, 0));
    show(futex(&words->word, WAKE | PRIVATE, 100, NULL, NULL, 0));
    show(futex(&words->other, WAKE | PRIVATE, 100, NULL, NULL, 0));
    join_sleepers(threads, 6);
    show(words->woken);
    munmap(words, 4096);
}

static void
bit_sets(void)
{
    struct words *words = words_map();
    struct sleeper one = {words, WAIT_BITSET | PRIVATE, 1}, two = {words, WAIT_BITSET | PRIVATE, 6};
    pthread_t threads[4];

    words->sleeping = words->woken = 0;
    for (int i = 0; i < 4; i++)
        check(pthread_create(&threads[i], NULL, sleep_thread, i % 2 ? &two : &one) == 0);
    await_sleeping(words, 4);
    show(futex(&words->word, WAKE_BITSET | PRIVATE, 10, NULL, NULL, 8));
    show(futex(&words->word, WAKE_BITSET | PRIVATE, 1, NULL, NULL, 4));
    show(futex(&words->word, WAKE_BITSET | PRIVATE, 10, NULL, NULL, 1));
    show(futex(&words->word, WAKE | PRIVATE, 10, NULL, NULL, 0)); /* any bit */
    join_sleepers(threads, 4);
    show(words->woken);
    munmap(words, 4096);
}

#define OP(operation, argument, compare, with)                                                     \
    ((operation) << 28 | (compare) << 24 | (argument) << 12 | (with))

static void
wake_and_change(void)
{
    struct words *words = words_map();
    struct sleeper sleeper = {words, WAIT | PRIVATE, 0};
    pthread_t threads[2];

    start_sleepers(threads, 2, &sleeper);
    words->other = 5;
    /* other += 3; wakes on other, too, if it was 4 */
    show(futex(&words->word, WAKE_OP | PRIVATE, 1, (void *)1, &words->other, OP(1, 3, 0, 4)));
    show(words->other);
    /* other = 2, if it was more than 4: the word is other's own queue */
    show(futex(&words->other, WAKE_OP | PRIVATE, 1, (void *)1, &words->word, OP(1, 0, 0, 0)));
    join_sleepers(threads, 2);
    show(futex(&words->word, WAKE_OP | PRIVATE, 1, (void *)1, (int *)16, OP(0, 0, 0, 0)));
    show(futex(&words->word, WAKE_OP | PRIVATE, 1, (void *)1, &words->other, OP(2, 0x10, 1, 0)));
    show(words->other);
    show(futex(&words->word, WAKE_OP | PRIVATE, 1, (void *)1, &words->other, OP(3, 8, 1, 0)));
    show(words->other);
    show(futex(&words->word, WAKE_OP | PRIVATE, 1, (void *)1, &words->other, OP(4, 1, 1, 0)));
    show(words->other);
    show(futex(&words->word, WAKE_OP | PRIVATE, 1, (void *)1, &words->other, OP(9, 5, 1, 0)));
    show(words->other);
    show(futex(&words->word, WAKE_OP | PRIVATE, 1, (void *)1, &words->other, OP(6, 5, 1, 0)));
    munmap(words, 4096);
}

/* ---- The end of a task ---- */

struct robust { /* struct robust_list_head of linux/futex.h, and a list of two */
    void *list, *offset, *pending;
    struct {
        void *next;
        volatile int word;
    } locks[2];
};

static int
die_with_locks(void *argument)
{
    struct robust *robust = argument;
    int self = syscall(SYS_gettid);

    robust->list = &robust->locks[0];
    robust->offset = (void *)sizeof(void *);
    robust->pending = NULL;
    robust->locks[0].next = &robust->locks[1];
    robust->locks[1].next = robust; /* the head: the end */
    robust->locks[0].word = self;
    robust->locks[1].word = self + 1; /* somebody else's */
    return syscall(SYS_set_robust_list, robust, 12) ? 1 : 0;
}

static void
robust_lists(void)
{
    struct robust *robust =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct words *words = words_map();

    show(exited(in_child(die_with_locks, robust)));
    show(robust->locks[0].word == OWNER_DIED);
    show((robust->locks[1].word & OWNER_DIED) != 0);
    /* Whoever waits for such a lock is woken. */
    robust->locks[0].word = 0;
    fflush(stdout);
    pid_t owner = fork();
    if (owner == 0) {
        die_with_locks(robust);
        __sync_fetch_and_or(&robust->locks[0].word, WAITERS);
        words->sleeping = 1;
        nap_ms(50);
        _exit(0);
    }
    await_sleeping(words, 1);
    int value = robust->locks[0].word;
    show(value == (int)(owner | WAITERS));
    show(futex(&robust->locks[0].word, WAIT, value, NULL, NULL, 0));
    show(robust->locks[0].word == (int)(OWNER_DIED | WAITERS));
    check(waitpid(owner, NULL, 0) == owner);
    munmap(robust, 4096);
    munmap(words, 4096);
}

/* set_tid_address: the word is cleared and woken at the end, if somebody else has the memory. */
static volatile int tid_word;

static void *
end_with_tid_address(void *unused UNUSED)
{
    long tid = syscall(SYS_gettid);

    tid_word = 1;
    check(syscall(SYS_set_tid_address, &tid_word) == tid);
    syscall(SYS_exit, 0);
    return NULL;
}

static int
use_tid_address(void *unused UNUSED)
{
    pthread_t thread;
    int value;

    check(pthread_create(&thread, NULL, end_with_tid_address, NULL) == 0);
    pthread_detach(thread);
    nap_ms(10);
    while ((value = tid_word) != 0)
        futex(&tid_word, WAIT, value, NULL, NULL, 0);
    return tid_word;
}

static void
tid_address(void)
{
    show(exited(in_child(use_tid_address, NULL)));
}

/* ---- Many at once: a counter behind a lock of words ---- */

#define ROUNDS 2000
static volatile int lock_word, counter;

static void *
add_under_lock(void *unused UNUSED)
{
    for (int i = 0; i < ROUNDS; i++) {
        int seen = __sync_val_compare_and_swap(&lock_word, 0, 1);
        while (seen != 0) {
            if (seen == 2 || __sync_val_compare_and_swap(&lock_word, 1, 2) != 0)
                futex(&lock_word, WAIT | PRIVATE, 2, NULL, NULL, 0);
            seen = __sync_val_compare_and_swap(&lock_word, 0, 2);
        }
        counter++;
        if (i % 50 == 0)
            syscall(SYS_sched_yield);
        if (__sync_fetch_and_sub(&lock_word, 1) != 1) {
            lock_word = 0;
            futex(&lock_word, WAKE | PRIVATE, 1, NULL, NULL, 0);
        }
    }
    return NULL;
}

static void
a_lock(void)
{
    pthread_t threads[4];

    counter = lock_word = 0;
    for (int i = 0; i < 4; i++)
        check(pthread_create(&threads[i], NULL, add_under_lock, NULL) == 0);
    join_sleepers(threads, 4);
    show(counter);
}

static const struct check_case cases[] = {
    {"refused", refused},
    {"times", times},
    {"among-processes", among_processes},
    {"requeueing", requeueing},
    {"bit-sets", bit_sets},
    {"wake-and-change", wake_and_change},
    {"robust-lists", robust_lists},
    {"tid-address", tid_address},
    {"a-lock", a_lock},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
