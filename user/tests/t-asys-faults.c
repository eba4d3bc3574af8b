/* t-asys-faults [CASE…]: a case for each known fault of the fibril patches of January 2007, by its
 * number in the list A1 to A23. What needs signals, kill or exec (A13, A14, parts of A17 and A19)
 * is in t-asys-signals, exit with calls pending (A17) in t-exit-pending, credentials (A22) in
 * t-eaccess. */
#include <poll.h>
#include "test.h"

/* ---- A1 to A3: what describes a call is not believed ---- */

static void
a1_call_number(void)
{
    static const int odd[] = {-1,
                              -4,
                              -2147483647 - 1,
                              2147483647,
                              0x7ffffff0,
                              0x40000000,
                              0x20000014 /* 4 * this wraps to 4 * 20 */,
                              1 << 20,
                              1024,
                              1023};

    for (unsigned i = 0; i < LENGTH(odd); i++) {
        check_equal(test_result(odd[i], 0, 0, 0, 0), -ENOSYS);
        check_equal(kernel_call0(odd[i]), -ENOSYS);
    }
    for (int number = 600; number < 1200; number++)
        test_start(number, number, 0, 0, 0, 0);
    for (int number = 600; number < 1200; number++) {
        struct asys_completion done = test_await();
        check_equal(done.cookie, number);
        check_equal(done.return_code, -ENOSYS);
    }
    test_nothing_left();
}

/* Counts whose fourfold wraps, and lists that end with the last mapped word. */
static void
a2_nr_args(void)
{
    static const unsigned long counts[] = {7,          8,          255,        0x3fffffff,
                                           0x40000000, 0x40000001, 0x7fffffff, 0x80000000,
                                           0xc0000001, 0xffffffff};
    char *page = test_map_before_nothing();
    unsigned long *last = (unsigned long *)(page + PAGE);

    for (unsigned i = 0; i < LENGTH(counts); i++) {
        struct asys_input one = test_input(SYS_getpid, i, counts[i], last - 6);
        check_equal(sys_asys_submit(&one, 1), 1);
        check_equal(test_await().return_code, -EINVAL);
    }
    for (unsigned long count = 0; count <= 6; count++) {
        struct asys_input fits = test_input(SYS_getpid, 1, count, last - count);
        struct asys_input beyond = test_input(SYS_getpid, 1, count, last - count + 1);
        check_equal(sys_asys_submit(&fits, 1), 1);
        check_equal(test_await().return_code, sys_getpid());
        check_equal(sys_asys_submit(&beyond, 1), 1);
        check_equal(test_await().return_code, count ? -EFAULT : sys_getpid());
    }
    munmap(page, PAGE);
}

/* Each short list follows a call that left six words of ones on the same stack. */
static void
a3_short_argument_lists(void)
{
    unsigned long ones[6] = {~0ul, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul};
    unsigned long create[] = {AT_FDCWD, WORD("/tmp/a3"), O_CREAT | O_RDWR}; /* no mode: 0 */
    struct kernel_stat status;
    char got[4] = "";
    int fd;

    for (int round = 0; round < 20; round++) {
        struct asys_input batch[] = {test_input(SYS_getpid, 1, 6, ones),
                                     test_input(SYS_openat, 2, 3, create)};
        check_equal(sys_asys_submit(batch, 2), 2);
        check_equal(test_await().return_code, sys_getpid());
        fd = test_await().return_code;
        check(fd >= 0);
        check_equal(sys_fstat64(fd, &status), 0);
        check_equal(status.mode & 07777, 0);
        check_equal(sys_write(fd, "abcd", 4), 4);
        unsigned long read_args[] = {fd, WORD(got), 4}; /* pread64 without an offset: 0 */
        struct asys_input read_batch[] = {test_input(SYS_getpid, 1, 6, ones),
                                          test_input(SYS_pread64, 2, 3, read_args)};
        check_equal(sys_asys_submit(read_batch, 2), 2);
        test_await();
        check_equal(test_await().return_code, 4);
        check(memcmp(got, "abcd", 4) == 0);
        sys_close(fd);
        sys_unlink("/tmp/a3");
    }
    /* A count of none: the pointer is not looked at. */
    struct asys_input none = test_input(SYS_getpid, 3, 0, (unsigned long *)0xffffffff);
    check_equal(sys_asys_submit(&none, 1), 1);
    check_equal(test_await().return_code, sys_getpid());
}

/* ---- A4 to A8: sleeping, waking, switching ---- */

/* The user fibril sleeps in ordinary calls of three kinds while asynchronous ones end. */
static void
a4_user_fibril_sleeps_in_a_call(void)
{
    struct kernel_timespec time = {0, 2 * MILLISECOND};
    struct pollfd wanted;
    char byte = 'x';
    int fds[2];

    test_pipe(fds);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 4; i++)
            test_start(SYS_nanosleep, i, WORD(&time), 0, 0, 0);
        test_nap(10);
        test_start(SYS_nanosleep, 4, WORD(&time), 0, 0, 0);
        wanted = (struct pollfd){fds[0], POLLIN, 0};
        check_equal(sys_poll(&wanted, 1, 8), 0);
        /* Here only the ending of the asynchronous call can wake the sleeping one. */
        test_start(SYS_nanosleep, 5, WORD(&time), 0, 0, 0);
        test_start(SYS_write, 6, fds[1], WORD(&byte), 1, 0);
        check_equal(sys_read(fds[0], &byte, 1), 1);
        for (int i = 0; i < 7; i++)
            test_await();
        test_nothing_left();
    }
    test_close_both(fds);
}

/* Each call gives way on a fibril that never ran before, and ends when another has just begun. */
static void
a5_fresh_fibrils(void)
{
    unsigned long none[1] = {0};
    struct asys_input batch[50];

    for (unsigned i = 0; i < LENGTH(batch); i++)
        batch[i] = test_input(i % 3 ? SYS_sched_yield : SYS_getpid, i, 0, none);
    for (int round = 0; round < 60; round++) {
        check_equal(sys_asys_submit(batch, LENGTH(batch)), LENGTH(batch));
        for (unsigned i = 0; i < LENGTH(batch); i++)
            check_equal(test_await().return_code >= 0, 1);
    }
    test_nothing_left();
    check_equal(test_fibrils(), 1);
}

/* Of eight pipes one ends the poll; the others are written to when the call is gone and its stack
 * is another call's. */
static void
a6_wake_ups_of_ended_calls(void)
{
    struct kernel_timespec time = {0, MILLISECOND};
    struct pollfd wanted[8];
    int fds[8][2];
    char byte = 0;

    for (int i = 0; i < 8; i++)
        test_pipe(fds[i]);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 8; i++)
            wanted[i] = (struct pollfd){fds[i][0], POLLIN, 0};
        test_start(SYS_poll, 1, WORD(wanted), 8, 5, 0);
        sys_write(fds[round % 8][1], &byte, 1);
        check_equal(test_await().return_code, 1);
        test_start(SYS_nanosleep, 2, WORD(&time), 0, 0, 0); /* on the same stack */
        for (int i = 0; i < 8; i++)
            if (i != round % 8)
                sys_write(fds[i][1], &byte, 1);
        check_equal(test_await().return_code, 0);
        for (int i = 0; i < 8; i++)
            sys_read(fds[i][0], &byte, 1);
    }
    for (int i = 0; i < 8; i++)
        test_close_both(fds[i]);
    test_nothing_left();
}

/* Calls end while the program only computes: it sees that in memory, with no call of its own. A
 * background await stores the completion of a nap; a nap's end lets an await go on, 32 times. */
static void
a7_ready_fibril_while_user_spins(void)
{
    enum { COUNT = 32 };
    static volatile struct asys_completion seen[COUNT];
    static struct kernel_timespec naps[COUNT];
    unsigned long turns = 0;

    for (int i = 0; i < COUNT; i++)
        seen[i] = (struct asys_completion){-1, ~0ul};
    /* The naps first: an await with nothing to come would end at once. */
    for (int i = 0; i < COUNT; i++) {
        naps[i] = (struct kernel_timespec){0, (5 + i * 3 % COUNT) * MILLISECOND};
        test_start(SYS_nanosleep, i, WORD(&naps[i]), 0, 0, 0);
    }
    for (int i = 0; i < COUNT; i++)
        test_start(SYS_asys_await_completion, 100 + i, WORD(&seen[i]), 0, 0, 0);
    for (int i = 0; i < COUNT; i++)
        while (seen[i].cookie == ~0ul && ++turns < 3000000000ul)
            ;
    for (int i = 0; i < COUNT; i++)
        check(seen[i].cookie != ~0ul);
    check_equal(test_drain(), COUNT); /* each of the 64 once: half in `seen`, half here */
}

/* Calls that yielded are ready, but behind the user fibril: they must get their turn all the same.
 */
static void
a7_yielded_calls_while_user_spins(void)
{
    enum { COUNT = 20 };
    static volatile struct asys_completion seen[COUNT];
    unsigned long turns = 0;

    for (int i = 0; i < COUNT; i++)
        seen[i] = (struct asys_completion){-1, ~0ul};
    for (int i = 0; i < COUNT; i++)
        test_start(SYS_sched_yield, i, 0, 0, 0, 0);
    for (int i = 0; i < COUNT; i++)
        test_start(SYS_asys_await_completion, 100 + i, WORD(&seen[i]), 0, 0, 0);
    for (int i = 0; i < COUNT; i++)
        while (seen[i].cookie == ~0ul && ++turns < 3000000000ul)
            ;
    for (int i = 0; i < COUNT; i++)
        check(seen[i].cookie != ~0ul);
    check_equal(test_drain(), COUNT);
}

/* A read that waits for the disk, watched in memory. */
static void
a7_disk_read_while_user_spins(void)
{
    volatile char *page = test_map(PAGE);
    unsigned long turns = 0;
    int fd = sys_open("/bin/walk", O_RDONLY, 0);

    check(fd >= 0);
    check_equal(test_write_file("/proc/sys/vm/drop_caches", "1"), 1);
    test_start(SYS_pread64, 1, fd, WORD(page), 16, 0);
    while (page[0] != 0x7f && ++turns < 3000000000ul)
        ;
    check(page[0] == 0x7f && page[1] == 'E');
    check_equal(test_await().return_code, 16);
    sys_close(fd);
    munmap((void *)page, PAGE);
}

/* The user fibril and 300 calls wake at the same tick, over and over. */
static void
a8_one_state(void)
{
    struct kernel_timespec time = {0, 4 * MILLISECOND};

    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 300; i++)
            test_start(SYS_nanosleep, i, WORD(&time), 0, 0, 0);
        check_equal(sys_nanosleep(&time, NULL), 0);
        check_equal(test_drain(), 300);
    }
    check_equal(test_fibrils(), 1);
}

/* ---- A9 to A12: what belongs to a call, to the user context, to the task ---- */

/* Reads of a cold file, all under way at once; their copies fault: into fresh pages (mended), into
 * nothing and into pages that cannot be written (-EFAULT). Each fault is its own call's. */
static void
a9_faults_of_many_calls(void)
{
    enum { COUNT = 60, SIZE = 2000 };
    char *good = test_map(COUNT * PAGE), *fixed = test_map(PAGE);
    char *edge = test_map_before_nothing();
    int fd = sys_open("/bin/walk", O_RDONLY, 0);

    check_equal(mprotect(fixed, PAGE, PROT_READ), 0);
    for (int round = 0; round < 5; round++) {
        check_equal(test_write_file("/proc/sys/vm/drop_caches", "1"), 1);
        for (unsigned i = 0; i < COUNT; i++) {
            char *to[] = {good + i * PAGE + 1000, NOWHERE, fixed, edge + PAGE - 100};
            test_start(SYS_pread64, i, fd, WORD(to[i % 4]), SIZE, i * 700);
        }
        for (unsigned i = 0; i < COUNT; i++) {
            struct asys_completion done = test_await();
            long wanted = done.cookie % 4 == 0   ? SIZE
                          : done.cookie % 4 == 3 ? done.return_code
                                                 : -EFAULT;
            check_equal(done.return_code, wanted);
            if (done.cookie % 4 == 3)
                check(done.return_code == -EFAULT ||
                      (done.return_code > 0 && done.return_code <= 100));
        }
        for (unsigned i = 0; i < COUNT; i += 4) {
            static char again[SIZE];
            check_equal(sys_pread64(fd, again, SIZE, i * 700, 0), SIZE);
            check(memcmp(again, good + i * PAGE + 1000, SIZE) == 0);
        }
        munmap(good, COUNT * PAGE);
        good = test_map(COUNT * PAGE);
    }
    munmap(good, COUNT * PAGE);
    munmap(fixed, PAGE);
    munmap(edge, PAGE);
    sys_close(fd);
}

/* Sixty-four walks that have each followed thirty symbolic links when they wait for the disk:
 * counted in the task they would be beyond the limit of forty. */
static void
a10_links_followed(void)
{
    static struct kernel_stat status[64];
    char name[40], target[40];

    check_equal(sys_symlink("/bin", "/tmp/a10-0"), 0);
    for (int i = 1; i < 45; i++) {
        sprintf(name, "/tmp/a10-%d", i);
        sprintf(target, "a10-%d", i - 1);
        check_equal(sys_symlink(target, name), 0);
    }
    check_equal(test_write_file("/proc/sys/vm/drop_caches", "3"), 1);
    for (int i = 0; i < 64; i++)
        test_start(SYS_stat64, i, WORD(i % 8 == 7 ? "/tmp/a10-44/walk" : "/tmp/a10-29/walk"),
                   WORD(&status[i]), 0, 0);
    for (int i = 0; i < 64; i++) {
        struct asys_completion done = test_await();
        check_equal(done.return_code, done.cookie % 8 == 7 ? -ELOOP : 0);
    }
    for (int i = 0; i < 45; i++) {
        sprintf(name, "/tmp/a10-%d", i);
        check_equal(sys_unlink(name), 0);
    }
}

/* Traps of every kind from user mode right after switches among fibrils, with others asleep: the
 * kernel asserts at each return that TSS.esp0 is the returning fibril's. */
static void
a11_esp0(void)
{
    struct kernel_timespec time = {0, MILLISECOND / 2};
    volatile double number = 1;
    char *pages = test_map(200 * PAGE);

    for (int i = 0; i < 200; i++) {
        test_start(SYS_nanosleep, i, WORD(&time), 0, 0, 0);
        test_start(SYS_sched_yield, i, 0, 0, 0, 0);
        pages[i * PAGE] = 1;   /* page fault */
        number = number * 1.5; /* device not available, at times */
        if (i % 10 == 0)
            test_nap(1);
        check_equal(sys_getpid(), getpid());
        test_await();
        test_await();
    }
    check(number > 1e34);
    munmap(pages, 200 * PAGE);
}

/* The deny list: calls that act on the caller's user context. Built in: -EINVAL; not: -ENOSYS. */
static void
a12_denied_calls(void)
{
    static const struct {
        int number;
        bool built_in;
    } denied[] = {
        {SYS_exit, true},
        {SYS_exit_group, true},
        {SYS_set_thread_area, true},
        {SYS_set_tid_address, true},
        {SYS_fork, true},
        {SYS_vfork, true},
        {SYS_clone, true},
        {SYS_execve, true},
        {SYS_sigreturn, true},
        {SYS_rt_sigreturn, true},
        {SYS_sigsuspend, true},
        {SYS_rt_sigsuspend, true},
        {SYS_pause, true},
        {SYS_sigprocmask, true},
        {SYS_rt_sigprocmask, true},
        {SYS_sigaltstack, true},
        {SYS_restart_syscall, true},
        {123 /* modify_ldt */, false},
        {435 /* clone3 */, false},
        {SYS_async_exec, true},
        {519 /* async_thread */, false},
        {SYS_threadlet_on, true},
        {SYS_threadlet_off, true},
    };
    struct asys_input batch[LENGTH(denied)];
    unsigned long args[6] = {0};

    for (unsigned i = 0; i < LENGTH(denied); i++)
        batch[i] = test_input(denied[i].number, i, 6, args);
    check_equal(sys_asys_submit(batch, LENGTH(denied)), LENGTH(denied)); /* the batch goes on */
    for (unsigned i = 0; i < LENGTH(denied); i++) {
        struct asys_completion done = test_await();
        check_equal(done.cookie, i);
        if (done.return_code != (denied[i].built_in ? -EINVAL : -ENOSYS))
            check_failed("call %d: %ld", denied[i].number, done.return_code);
    }
}

/* ---- A15 to A18: results and ends (A13, A14: t-asys-signals; A17: t-exit-pending) ---- */

/* Background awaits and the program's own take the same results: each exactly once. */
static void
a15_each_result_once(void)
{
    enum { WAITERS = 8, NAPS = 40 };
    static struct asys_completion inner[WAITERS];
    static unsigned char seen[1000];
    static struct kernel_timespec naps[NAPS];
    struct asys_completion done;

    for (int round = 0; round < 20; round++) {
        memset(seen, 0, sizeof seen);
        for (int i = 0; i < NAPS; i++) {
            naps[i] = (struct kernel_timespec){0, (1 + i * 7 % 10) * MILLISECOND};
            test_start(SYS_nanosleep, i, WORD(&naps[i]), 0, 0, 0);
        }
        for (int i = 0; i < WAITERS; i++) {
            inner[i] = (struct asys_completion){0, 999};
            test_start(SYS_asys_await_completion, 100 + i, WORD(&inner[i]), 0, 0, 0);
        }
        for (long count = 0; sys_asys_await_completion(&done) == 1; count++) {
            check(done.cookie < sizeof seen);
            seen[done.cookie % sizeof seen]++;
        }
        for (int i = 0; i < WAITERS; i++)
            seen[inner[i].cookie % sizeof seen]++;
        for (int i = 0; i < NAPS; i++)
            check_equal(seen[i], 1);
        for (int i = 0; i < WAITERS; i++)
            check_equal(seen[100 + i], 1);
        check_equal(seen[999], 0); /* each waiter got one */
    }
}

/* A fault in the copy puts the result back, at the head; a waiter with a bad pointer costs nothing.
 */
static void
a15_fault_loses_nothing(void)
{
    struct kernel_timespec time = {0, 5 * MILLISECOND};
    char *page = test_map_before_nothing();
    void *bad[] = {NULL,
                   NOWHERE,
                   (void *)0x7ffffffc,
                   (void *)0x80000000,
                   (void *)0xc0000000,
                   (void *)0xfffffffc,
                   page + PAGE - 4};

    for (int i = 0; i < 5; i++)
        test_start(SYS_getpid, i, 0, 0, 0, 0);
    for (int i = 0; i < 5; i++) {
        for (unsigned j = 0; j < LENGTH(bad); j++)
            check_equal(sys_asys_await_completion(bad[j]), -EFAULT);
        check_equal(test_await().cookie, i);
    }
    /* Two sleep for one nap; the first to be woken cannot store it. */
    test_start(SYS_nanosleep, 1, WORD(&time), 0, 0, 0);
    test_start(SYS_asys_await_completion, 2, WORD(NOWHERE), 0, 0, 0);
    struct asys_completion first = test_await(), second = test_await();
    check(first.cookie == 1 || second.cookie == 1);
    check(first.cookie == 2 || second.cookie == 2);
    check_equal(first.cookie == 2 ? first.return_code : second.return_code, -EFAULT);
    test_nothing_left();
    munmap(page, PAGE);
}

/* -EDEADLK: nothing is there and nothing can come, because every call in progress awaits itself. */
static void
a16_awaiting_nothing(void)
{
    struct asys_completion inner[3];
    struct kernel_timespec time = {0, 5 * MILLISECOND};

    for (int i = 0; i < 3; i++)
        test_nothing_left();
    check_equal(test_result(SYS_asys_await_completion, WORD(&inner[0]), 0, 0, 0), -EDEADLK);
    test_start(SYS_nanosleep, 1, WORD(&time), 0, 0, 0);
    for (int i = 0; i < 3; i++)
        test_start(SYS_asys_await_completion, 2 + i, WORD(&inner[i]), 0, 0, 0);
    check_equal(test_drain(), 1); /* of four; each of the others went to one of the three */
    test_nothing_left();
}

static void
a18_asynchronous_exit(void)
{
    for (int i = 0; i < 10; i++) {
        check_equal(test_result(SYS_exit, 3, 0, 0, 0), -EINVAL);
        check_equal(test_result(SYS_exit_group, 3, 0, 0, 0), -EINVAL);
    }
}

/* ---- A19: limits ---- */

/* One submit that submits itself, one that does so twice: ends at the limit, and gives all back. */
static void
a19_submit_submits_itself(void)
{
    for (unsigned times = 1; times <= 2; times++) {
        static struct asys_input self[2];
        static unsigned long args[2];
        unsigned long refused = 0, count = 0;
        struct asys_completion done;

        args[0] = WORD(self), args[1] = times;
        self[0] = self[1] = test_input(SYS_asys_submit, 5, 2, args);
        check_equal(sys_asys_submit(self, 1), 1);
        for (; sys_asys_await_completion(&done) == 1; count++) {
            check_equal(done.cookie, 5);
            check(done.return_code == -EAGAIN ||
                  (done.return_code > 0 && done.return_code <= (long)times));
            refused += done.return_code == -EAGAIN;
        }
        check(count > 1000);
        check(refused > 0);
        check_equal(test_fibrils(), 1);
        printf("# A19: %lu calls deep or wide, %lu refused\n", count, refused);
    }
}

/* Blocked calls until no more are taken: a partial count, then -EAGAIN; room comes back one by one.
 */
static void
a19_partial_count(void)
{
    static struct asys_input batch[1000];
    unsigned long args[3], taken = 0;
    struct asys_input one;
    static char bytes[1000];
    long count;
    int fds[2];

    test_pipe(fds);
    args[0] = fds[0], args[1] = WORD(bytes), args[2] = 1;
    one = test_input(SYS_read, 1, 3, args);
    for (unsigned i = 0; i < LENGTH(batch); i++)
        batch[i] = one;
    do {
        count = sys_asys_submit(batch, LENGTH(batch));
        taken += count > 0 ? count : 0;
    } while (count == (long)LENGTH(batch));
    check(count == -EAGAIN || count > 0);
    while (sys_asys_submit(&one, 1) == 1)
        taken++;
    check_equal(sys_asys_submit(&one, 1), -EAGAIN);
    /* What has ended but is not collected counts too; what is collected does not. */
    check_equal(sys_write(fds[1], bytes, 10), 10);
    for (int i = 0; i < 10; i++)
        check_equal(test_await().return_code, 1);
    for (int i = 0; i < 10; i++)
        check_equal(sys_asys_submit(&one, 1), 1);
    printf("# A19: %lu reads blocked at once\n", taken);
    while (taken > 0) {
        long written = sys_write(fds[1], bytes, taken < sizeof bytes ? taken : sizeof bytes);
        check(written > 0);
        for (long i = 0; i < written; i++, taken--)
            test_await();
    }
    test_nothing_left();
    test_close_both(fds);
    check_equal(test_fibrils(), 1);
}

/* ---- A20 to A23 ---- */

/* A thousand elements, each right or wrong in one of six ways, checked one by one. */
static void
a20_errors_of_later_elements(void)
{
    enum { COUNT = 1000 };
    static struct asys_input batch[COUNT];
    static long wanted[COUNT];
    unsigned long args[6] = {-1};
    struct asys_completion done;

    test_seed = 20;
    for (int i = 0; i < COUNT; i++) {
        switch (test_random() % 6) {
        case 0:
            batch[i] = test_input(SYS_getpid, i, 0, NULL), wanted[i] = sys_getpid();
            break;
        case 1:
            batch[i] = test_input(4000 + i, i, 6, args), wanted[i] = -ENOSYS;
            break;
        case 2:
            batch[i] = test_input(SYS_getpid, i, 7 + i, args), wanted[i] = -EINVAL;
            break;
        case 3:
            batch[i] = test_input(SYS_getpid, i, 1, NOWHERE), wanted[i] = -EFAULT;
            break;
        case 4:
            batch[i] = test_input(SYS_close, i, 1, args), wanted[i] = -EBADF;
            break;
        default:
            batch[i] = test_input(SYS_exit_group, i, 1, args), wanted[i] = -EINVAL;
            break;
        }
    }
    check_equal(sys_asys_submit(batch, COUNT), COUNT);
    for (int i = 0; i < COUNT; i++) {
        done = test_await();
        check_equal(done.cookie, i);
        check_equal(done.return_code, wanted[i]);
    }
    test_nothing_left();
}

/* Submits inside submits, with blocking calls between: every result has its own call's cookie. */
static void
a21_nested_completions(void)
{
    static struct asys_input level[4][6];
    static unsigned long nap_args[4][6][2], submit_args[4][2];
    static struct kernel_timespec naps[4][6];
    unsigned seen[4][6] = {{0}}, total = 0;
    struct asys_completion done;

    for (int l = 0; l < 4; l++)
        for (int i = 0; i < 6; i++) {
            naps[l][i] = (struct kernel_timespec){0, (1 + (l * 5 + i) % 7) * MILLISECOND};
            nap_args[l][i][0] = WORD(&naps[l][i]);
            level[l][i] = test_input(SYS_nanosleep, l * 10 + i, 2, nap_args[l][i]);
        }
    for (int l = 0; l < 3; l++) { /* in the middle of each level stands the next one */
        submit_args[l][0] = WORD(level[l + 1]);
        submit_args[l][1] = 6;
        level[l][3] = test_input(SYS_asys_submit, l * 10 + 3, 2, submit_args[l]);
    }
    check_equal(sys_asys_submit(level[0], 6), 6);
    for (; sys_asys_await_completion(&done) == 1; total++) {
        check(done.cookie < 40 && done.cookie % 10 < 6);
        seen[done.cookie / 10 % 4][done.cookie % 10 % 6]++;
        check_equal(done.return_code, done.cookie % 10 == 3 && done.cookie < 30 ? 6 : 0);
    }
    check_equal(total, 24);
    for (int l = 0; l < 4; l++)
        for (int i = 0; i < 6; i++)
            check_equal(seen[l][i], 1);
}

/* The directory in which a path begins is that of the moment the call was started. */
static void
a22_directory_changed_in_a_call(void)
{
    struct kernel_stat wanted, got;

    check_equal(sys_stat64("/bin/walk", &wanted), 0);
    for (int round = 0; round < 10; round++) {
        check_equal(sys_chdir("/bin"), 0);
        check_equal(test_write_file("/proc/sys/vm/drop_caches", "3"), 1);
        memset(&got, 0, sizeof got);
        test_start(SYS_stat64, 1, WORD("walk"), WORD(&got), 0, 0);
        check_equal(sys_chdir("/tmp"), 0);
        check_equal(test_await().return_code, 0);
        check_equal(got.inode, wanted.inode);
    }
    check_equal(sys_chdir("/"), 0);
}

/* Numbers that are not built in: the same answer by both ways in. The log names each once. */
static void
a23_policy(void)
{
    static const int absent[] = {17, 31, 32, 35, 44, 53, 56, 58, 98, 222, 223, 251, 285, 511};

    for (int round = 0; round < 3; round++)
        for (unsigned i = 0; i < LENGTH(absent); i++) {
            check_equal(kernel_call0(absent[i]), -ENOSYS);
            check_equal(test_result(absent[i], 0, 0, 0, 0), -ENOSYS);
        }
}

static const struct check_case cases[] = {
    {"A1_call_number", a1_call_number},
    {"A2_nr_args", a2_nr_args},
    {"A3_short_argument_lists", a3_short_argument_lists},
    {"A4_user_fibril_sleeps_in_a_call", a4_user_fibril_sleeps_in_a_call},
    {"A5_fresh_fibrils", a5_fresh_fibrils},
    {"A6_wake_ups_of_ended_calls", a6_wake_ups_of_ended_calls},
    {"A7_ready_fibril_while_user_spins", a7_ready_fibril_while_user_spins},
    {"A7_yielded_calls_while_user_spins", a7_yielded_calls_while_user_spins},
    {"A7_disk_read_while_user_spins", a7_disk_read_while_user_spins},
    {"A8_one_state", a8_one_state},
    {"A9_faults_of_many_calls", a9_faults_of_many_calls},
    {"A10_links_followed", a10_links_followed},
    {"A11_esp0", a11_esp0},
    {"A12_denied_calls", a12_denied_calls},
    {"A15_each_result_once", a15_each_result_once},
    {"A15_fault_loses_nothing", a15_fault_loses_nothing},
    {"A16_awaiting_nothing", a16_awaiting_nothing},
    {"A18_asynchronous_exit", a18_asynchronous_exit},
    {"A19_submit_submits_itself", a19_submit_submits_itself},
    {"A19_partial_count", a19_partial_count},
    {"A20_errors_of_later_elements", a20_errors_of_later_elements},
    {"A21_nested_completions", a21_nested_completions},
    {"A22_directory_changed_in_a_call", a22_directory_changed_in_a_call},
    {"A23_policy", a23_policy},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
