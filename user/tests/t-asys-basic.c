/* t-asys-basic [CASE…]: asys_submit and asys_await_completion, as a program sees them: calls that
 * complete at once and calls that block, few and many, and arrays that cannot be read. The known
 * faults of the 2007 patch have t-asys-faults. */
#include "test.h"

/* ---- Few ---- */

static void
completes_at_once(void)
{
    char byte;
    int fds[2];

    test_pipe(fds);
    check_equal(test_result(SYS_getpid, 0, 0, 0, 0), sys_getpid());
    check_equal(test_result(SYS_write, fds[1], WORD("x"), 1, 0), 1);
    check_equal(test_result(SYS_read, fds[0], WORD(&byte), 1, 0), 1);
    check_equal(byte, 'x');
    check_equal(test_result(SYS_close, fds[0], 0, 0, 0), 0);
    check_equal(test_result(SYS_close, fds[0], 0, 0, 0), -EBADF);
    sys_close(fds[1]);
    test_nothing_left();
}

/* Done before submit returns: the effect is there although nobody has awaited. */
static void
done_when_submit_returns(void)
{
    int fds[2];
    char text[8] = "";
    unsigned long write_args[] = {0, WORD("abc"), 3}, read_args[] = {0, WORD(text), 8};

    test_pipe(fds);
    write_args[0] = fds[1], read_args[0] = fds[0];
    struct asys_input batch[] = {test_input(SYS_write, 1, 3, write_args),
                                 test_input(SYS_read, 2, 3, read_args)};
    check_equal(sys_asys_submit(batch, 2), 2);
    check(memcmp(text, "abc", 3) == 0);
    check_equal(test_await().cookie, 1);
    check_equal(test_await().return_code, 3);
    test_close_both(fds);
}

static void
blocks_on_a_pipe(void)
{
    char text[6] = "";
    int fds[2];

    test_pipe(fds);
    test_start(SYS_read, 1, fds[0], WORD(text), 5, 0);
    check_equal(text[0], 0);
    check_equal(sys_write(fds[1], "hallo", 5), 5);
    check_equal(test_await().return_code, 5);
    check(strcmp(text, "hallo") == 0);
    test_start(SYS_read, 2, fds[0], WORD(text), 5, 0);
    sys_close(fds[1]); /* end of file wakes it too */
    check_equal(test_await().return_code, 0);
    sys_close(fds[0]);
}

/* A read in progress holds its file: closing the descriptor does not disturb it. */
static void
close_while_reading(void)
{
    char text[4] = "";
    int fds[2];

    test_pipe(fds);
    test_start(SYS_read, 1, fds[0], WORD(text), 3, 0);
    check_equal(sys_close(fds[0]), 0);
    check_equal(sys_write(fds[1], "abc", 3), 3);
    check_equal(test_await().return_code, 3);
    check(memcmp(text, "abc", 3) == 0);
    test_set_handler(SIGNAL_PIPE, SIGNAL_IGNORED, 0);
    check_equal(sys_write(fds[1], "abc", 3), -EPIPE);
    sys_close(fds[1]);
}

static void
in_the_order_of_finishing(void)
{
    struct kernel_timespec naps[3] = {
        {0, 60 * MILLISECOND}, {0, 20 * MILLISECOND}, {0, 40 * MILLISECOND}};

    for (int i = 0; i < 3; i++)
        test_start(SYS_nanosleep, i, WORD(&naps[i]), 0, 0, 0);
    check_equal(test_await().cookie, 1);
    check_equal(test_await().cookie, 2);
    check_equal(test_await().cookie, 0);
    test_nothing_left();
}

/* Calls that do not block are done before submit returns, in order, and one that blocks does not
 * keep back those behind it. */
static void
mixed_batch(void)
{
    struct kernel_timespec time = {0, 30 * MILLISECOND};
    unsigned long nap_args[] = {WORD(&time), 0};
    struct asys_input batch[64];

    for (unsigned i = 0; i < LENGTH(batch); i++)
        batch[i] = i % 8 == 3 ? test_input(SYS_nanosleep, i, 2, nap_args)
                              : test_input(SYS_getpid, i, 0, NULL);
    check_equal(sys_asys_submit(batch, LENGTH(batch)), LENGTH(batch));
    for (unsigned i = 0; i < LENGTH(batch); i++) {
        if (i % 8 == 3)
            continue;
        struct asys_completion done = test_await();
        check_equal(done.cookie, i);
        check_equal(done.return_code, sys_getpid());
    }
    for (unsigned i = 3; i < LENGTH(batch); i += 8)
        check_equal(test_await().cookie, i);
    test_nothing_left();
}

/* ---- Calls about calls ---- */

static void
yields(void)
{
    struct asys_input batch[32];

    for (unsigned i = 0; i < LENGTH(batch); i++)
        batch[i] = test_input(SYS_sched_yield, i, 0, NULL);
    for (int round = 0; round < 20; round++) {
        check_equal(sys_asys_submit(batch, LENGTH(batch)), LENGTH(batch));
        check_equal(sys_sched_yield(), 0);
        for (unsigned i = 0; i < LENGTH(batch); i++)
            check_equal(test_await().cookie, i);
    }
    test_nothing_left();
}

static void
submit_inside_submit(void)
{
    struct kernel_timespec time = {0, 10 * MILLISECOND};
    unsigned long nap_args[] = {WORD(&time)}, inner_args[2];
    struct asys_input inner[] = {test_input(SYS_getpid, 1, 0, NULL),
                                 test_input(SYS_nanosleep, 2, 1, nap_args),
                                 test_input(SYS_getppid, 3, 0, NULL)};
    struct asys_input outer[] = {test_input(SYS_asys_submit, 4, 2, inner_args),
                                 test_input(SYS_getpid, 5, 0, NULL)};
    static const unsigned long order[] = {1, 3, 4, 5, 2};

    inner_args[0] = WORD(inner), inner_args[1] = LENGTH(inner);
    check_equal(sys_asys_submit(outer, 2), 2);
    for (unsigned i = 0; i < LENGTH(order); i++) {
        struct asys_completion done = test_await();
        check_equal(done.cookie, order[i]);
        if (done.cookie == 4)
            check_equal(done.return_code, LENGTH(inner));
    }
    test_nothing_left();
}

static void
await_as_an_asynchronous_call(void)
{
    struct kernel_timespec time = {0, 10 * MILLISECOND};
    struct asys_completion inner = {-1, 0}, done;

    test_start(SYS_getpid, 1, 0, 0, 0, 0); /* there already */
    test_start(SYS_asys_await_completion, 2, WORD(&inner), 0, 0, 0);
    check_equal(inner.cookie, 1);
    check_equal(inner.return_code, sys_getpid());
    check_equal(test_await().cookie, 2);
    test_start(SYS_nanosleep, 3, WORD(&time), 0, 0, 0); /* still to come */
    test_start(SYS_asys_await_completion, 4, WORD(&inner), 0, 0, 0);
    done = test_await();
    check_equal(done.cookie, 4);
    check_equal(done.return_code, 1);
    check_equal(inner.cookie, 3);
    test_nothing_left();
}

/* ---- Many ---- */

/* Sleeps of many lengths, submitted in a scattered order, all in progress at once. */
static void
many_naps(unsigned count, unsigned batch_size)
{
    struct kernel_timespec *naps = calloc(count, sizeof *naps);
    unsigned long(*args)[2] = calloc(count, sizeof *args);
    struct asys_input *inputs = calloc(count, sizeof *inputs);
    unsigned long long sum = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned rank = i * 7919ull % count; /* prime: every rank once */
        unsigned milliseconds = 100 + count / 5 + rank / 20;
        naps[rank] =
            (struct kernel_timespec){milliseconds / 1000, milliseconds % 1000 * MILLISECOND};
        args[i][0] = WORD(&naps[rank]);
        inputs[i] = test_input(SYS_nanosleep, rank, 2, args[i]);
    }
    for (unsigned i = 0; i < count; i += batch_size)
        check_equal(sys_asys_submit(inputs + i, batch_size), batch_size);
    check_equal(test_fibrils(), count + 1);
    for (unsigned i = 0; i < count; i++) {
        struct asys_completion done = test_await();
        check_equal(done.return_code, 0);
        sum += done.cookie;
    }
    check_equal(sum, (unsigned long long)count * (count - 1) / 2);
    test_nothing_left();
    check_equal(test_fibrils(), 1);
    free(naps), free(args), free(inputs);
}

static void
naps_1000(void)
{
    many_naps(1000, 100);
}

static void
naps_20000(void)
{
    many_naps(20000, 1000);
}

/* The lengths lie so far apart that the time of submitting does not matter. */
static void
naps_in_order(void)
{
    enum { COUNT = 25 };
    static struct kernel_timespec naps[COUNT];

    for (int i = 0; i < COUNT; i++) {
        int rank = i * 7 % COUNT;
        naps[rank] = (struct kernel_timespec){0, (20 + 15 * rank) * MILLISECOND};
        test_start(SYS_nanosleep, rank, WORD(&naps[rank]), 0, 0, 0);
    }
    for (int i = 0; i < COUNT; i++)
        check_equal(test_await().cookie, i);
}

/* Reads that all wait on one pipe; then each gets its byte, and each byte is read once. */
static void
many_reads(unsigned count)
{
    unsigned char *bytes = calloc(count, 1), *out = malloc(count);
    unsigned long long sum = 0, wanted = 0;
    unsigned left = count;
    int fds[2];

    test_pipe(fds);
    for (unsigned i = 0; i < count; i++) {
        out[i] = test_random();
        wanted += out[i];
        test_start(SYS_read, i, fds[0], WORD(bytes + i), 1, 0);
    }
    while (left > 0) {
        unsigned size = left < 500 ? left : 500;
        check_equal(sys_write(fds[1], out + count - left, size), size);
        for (unsigned i = 0; i < size; i++)
            check_equal(test_await().return_code, 1);
        left -= size;
    }
    for (unsigned i = 0; i < count; i++)
        sum += bytes[i];
    check_equal(sum, wanted);
    test_nothing_left();
    test_close_both(fds);
    free(bytes), free(out);
}

static void
reads_1000(void)
{
    many_reads(1000);
}

static void
reads_20000(void)
{
    many_reads(20000);
}

/* ---- Arrays and arguments that cannot be read ---- */

static void
no_entries(void)
{
    struct asys_input one = test_input(SYS_getpid, 1, 0, NULL);

    check_equal(sys_asys_submit(&one, 0), 0);
    check_equal(sys_asys_submit(NULL, 0), 0);
    check_equal(sys_asys_submit((void *)0xffffffff, 0), 0);
    test_nothing_left();
}

static void
array_nowhere(void)
{
    static void *const bad[] = {NULL,
                                NOWHERE,
                                (void *)0x7ffffff8,
                                (void *)0x80000000,
                                (void *)0xc0000000,
                                (void *)0xfffffff8};

    for (unsigned i = 0; i < LENGTH(bad); i++)
        check_equal(sys_asys_submit(bad[i], 2), -EFAULT);
    test_nothing_left();
}

/* What lies before the end of the mapping is submitted, an element that crosses it is not. */
static void
array_across_an_unmapped_page(void)
{
    char *page = test_map_before_nothing();

    for (unsigned whole = 0; whole < 5; whole++)
        for (unsigned part = 0; part < sizeof(struct asys_input); part += 4) {
            struct asys_input *batch = (void *)(page + PAGE - whole * sizeof *batch - part);
            for (unsigned i = 0; i < whole; i++)
                batch[i] = test_input(SYS_getpid, i, 0, NULL);
            check_equal(sys_asys_submit(batch, 0x20000000), whole ? (long)whole : -EFAULT);
            for (unsigned i = 0; i < whole; i++)
                check_equal(test_await().cookie, i);
        }
    test_nothing_left();
    munmap(page, PAGE);
}

/* An array in pages that were never touched: read as zeros, that is, call 0, which is refused. */
static void
array_never_touched(void)
{
    struct asys_input *batch = test_map(4 * PAGE);
    long count = 4 * PAGE / sizeof *batch;

    check_equal(sys_asys_submit(batch, count), count);
    for (long i = 0; i < count; i++)
        check_equal(test_await().cookie, 0);
    munmap(batch, 4 * PAGE);
}

static void
arguments_that_cannot_be_read(void)
{
    static void *const bad[] = {NULL,
                                NOWHERE,
                                (void *)0x7ffffffc,
                                (void *)0x80000000,
                                (void *)0xc0000000,
                                (void *)0xfffffffc};

    for (unsigned i = 0; i < LENGTH(bad); i++) {
        struct asys_input one = test_input(SYS_getpid, i, 2, bad[i]);
        check_equal(sys_asys_submit(&one, 1), 1);
        check_equal(test_await().return_code, -EFAULT);
    }
    unsigned long seven[7] = {0};
    struct asys_input one = test_input(SYS_getpid, 9, 7, seven);
    check_equal(sys_asys_submit(&one, 1), 1);
    check_equal(test_await().return_code, -EINVAL);
}

/* The arguments are copied at the start: they may change while the call waits. */
static void
arguments_are_copied(void)
{
    char text[4] = "";
    int fds[2];
    unsigned long args[3];
    struct asys_input one = test_input(SYS_read, 1, 3, args);

    test_pipe(fds);
    args[0] = fds[0], args[1] = WORD(text), args[2] = 3;
    check_equal(sys_asys_submit(&one, 1), 1);
    args[0] = args[1] = args[2] = ~0ul;
    one.cookie = 99;
    check_equal(sys_write(fds[1], "abc", 3), 3);
    struct asys_completion done = test_await();
    check_equal(done.return_code, 3);
    check_equal(done.cookie, 1);
    check(memcmp(text, "abc", 3) == 0);
    test_close_both(fds);
}

static const struct check_case cases[] = {
    {"completes-at-once", completes_at_once},
    {"done-when-submit-returns", done_when_submit_returns},
    {"blocks-on-a-pipe", blocks_on_a_pipe},
    {"close-while-reading", close_while_reading},
    {"in-the-order-of-finishing", in_the_order_of_finishing},
    {"mixed-batch", mixed_batch},
    {"yields", yields},
    {"submit-inside-submit", submit_inside_submit},
    {"await-as-an-asynchronous-call", await_as_an_asynchronous_call},
    {"naps-1000", naps_1000},
    {"naps-20000", naps_20000},
    {"naps-in-order", naps_in_order},
    {"reads-1000", reads_1000},
    {"reads-20000", reads_20000},
    {"no-entries", no_entries},
    {"array-nowhere", array_nowhere},
    {"array-across-an-unmapped-page", array_across_an_unmapped_page},
    {"array-never-touched", array_never_touched},
    {"arguments-that-cannot-be-read", arguments_that_cannot_be_read},
    {"arguments-are-copied", arguments_are_copied},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
