/* t-lio [CASE…]: lio_submit has none of the faults of the patch of 2006, L1 to L9; and IOCB_FLAG_STATUS
 * and io_abandon, on which <aio.h> stands. */
#include <sys/wait.h>
#include "aio_test.h"

#define SIGNAL_FIRST 34 /* real-time signals, which queue */
#define SIGNAL_LIST 35

static unsigned id;
static int fds[2], file;

/* ---- Signals with their values, counted ---- */

struct kernel_siginfo {
    int number, error, code;
    unsigned pid, uid;
    int value;
    int rest[26];
};
static volatile int seen_first, seen_list, seen_code, last_value;

static void
note_signal(int number, struct kernel_siginfo *info, void *context)
{
    (void)context;
    seen_first += number == SIGNAL_FIRST;
    seen_list += number == SIGNAL_LIST;
    seen_code = info->code;
    last_value = info->value;
}

/* What such a handler returns to: rt_sigreturn, number 173. */
void lio_restore(void);
__asm__(".pushsection .text\n"
        "lio_restore: movl $173, %eax\n\t int $0x80\n"
        ".popsection");

static void
handle(int number)
{
    struct {
        void (*handler)(int number, struct kernel_siginfo *info, void *context);
        unsigned long flags;
        void (*restorer)(void);
        unsigned mask[2];
    } action = {note_signal, SIGNAL_RESTART | SIGNAL_RESTORER | 4 /* SA_SIGINFO */, lio_restore, {0, 0}};
    check_equal(sys_rt_sigaction(number, &action, NULL, 8), 0);
}

static struct sigevent
event_of(int number, int value)
{
    return (struct sigevent){
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = number, .sigev_value.sival_int = value};
}

static void
begin(void)
{
    seen_first = seen_list = 0;
    handle(SIGNAL_FIRST);
    handle(SIGNAL_LIST);
    id = aio_setup(16);
    test_pipe(fds);
    file = sys_open("/tmp/t-lio", O_RDWR | O_CREAT, 0600);
}

static void
end(void)
{
    test_close_both(fds);
    sys_close(file);
    check_equal(sys_io_destroy(id), 0);
}

static struct iocb
nothing(void)
{
    return aio_request(IOCB_CMD_NOOP, file, NULL, 0, 0);
}

static long
lio(int mode, long count, struct iocb **list, struct sigevent *event)
{
    return sys_lio_submit(id, mode, count, list, event);
}

/* Objects of the kernel's heap, of all kinds; the process's own are the same before and after. */
static long
objects(void)
{
    return test_read_number("/proc/pools", "total");
}

/* ---- The nine ---- */

/* The list's storage outlives whoever leaves first: the waiter or the last request. */
static void
L1_wait_uses_nothing_freed(void)
{
    begin();
    for (int i = 0; i < 200; i++) {
        char a = 0, b = 0;
        struct iocb first = aio_waiting(fds, &a), second = aio_waiting(fds, &b);
        struct iocb write = aio_request(IOCB_CMD_PWRITE, fds[1], "xy", 2, 0);
        struct iocb *list[] = {&first, &second, &write};
        struct io_event events[3];
        check_equal(lio(AIO_LIO_WAIT, 3, list, NULL), 3);
        check_equal(aio_events(id, events, 3), 3);
        check_equal(a + b, 'x' + 'y');
    }
    end();
}

static void
no_leak(int mode, struct sigevent *event, long count, struct iocb **list, long result)
{
    struct io_event events[16];
    long before;
    for (int i = 0; i < 3; i++) { /* storage that is kept is there then */
        check_equal(lio(mode, count, list, event), result);
        aio_events(id, events, 16);
    }
    before = objects();
    for (int i = 0; i < 100; i++) {
        check_equal(lio(mode, count, list, event), result);
        aio_events(id, events, 16);
    }
    check_equal(objects(), before);
}

static void
L2_no_leak_without_notification(void)
{
    begin();
    struct iocb one = nothing(), *list[] = {&one, &one};
    struct sigevent none = {.sigev_notify = SIGEV_NONE};
    no_leak(AIO_LIO_NOWAIT, &none, 2, list, 2);
    no_leak(AIO_LIO_NOWAIT, NULL, 2, list, 2);
    no_leak(AIO_LIO_WAIT, &none, 2, list, 2);
    end();
}

static void
L3_bad_mode(void)
{
    begin();
    struct iocb one = nothing(), *list[] = {&one};
    struct sigevent event = event_of(SIGNAL_LIST, 0);
    no_leak(2, &event, 1, list, -EINVAL);
    no_leak(-1, &event, 1, list, -EINVAL);
    check_equal(seen_list, 0);
    end();
}

static void
L4_first_pointer_faults(void)
{
    begin();
    struct iocb one = nothing(), *list[] = {NOWHERE, &one};
    struct sigevent event = event_of(SIGNAL_LIST, 0);
    no_leak(AIO_LIO_NOWAIT, &event, 2, list, -EFAULT);
    no_leak(AIO_LIO_WAIT, &event, 2, list, -EFAULT);
    no_leak(AIO_LIO_NOWAIT, &event, 2, NOWHERE, -EFAULT);
    check_equal(seen_list, 0);
    event.sigev_signo = 99;
    list[0] = &one;
    no_leak(AIO_LIO_NOWAIT, &event, 2, list, -EINVAL);
    no_leak(AIO_LIO_NOWAIT, NOWHERE, 2, list, -EFAULT);
    end();
}

static void
L5_wait_can_be_killed(void)
{
    begin();
    for (int i = 0; i < 20; i++) {
        long pid = sys_fork();
        if (pid == 0) {
            char byte;
            id = aio_setup(4);
            struct iocb waiting = aio_waiting(fds, &byte), *list[] = {&waiting};
            sys_exit_group((int)lio(AIO_LIO_WAIT, 1, list, NULL));
        }
        if (i % 2)
            test_nap(5);
        check_equal(sys_kill(pid, SIGNAL_KILL), 0);
        check_equal(test_wait(pid), SIGNAL_KILL);
    }
    end();
}

static void
L6_counts_do_not_wrap(void)
{
    begin();
    struct iocb one = nothing(), *list[] = {&one};
    check_equal(lio(AIO_LIO_WAIT, 0x40000001, list, NULL), -EFAULT);
    check_equal(lio(AIO_LIO_WAIT, 0x7fffffff, list, NULL), -EFAULT);
    check_equal(lio(AIO_LIO_WAIT, -1, list, NULL), -EINVAL);
    check_equal(lio(AIO_LIO_WAIT, (long)0xc0000001, list, NULL), -EINVAL);
    aio_expect_nothing(id);
    end();
}

/* Three requests that cannot be started are three events and one signal, after them. */
static void
L7_failures_are_events(void)
{
    begin();
    struct iocb bad[3], *list[3];
    struct io_event events[4];
    struct sigevent event = event_of(SIGNAL_LIST, 4711);
    bad[0] = bad[1] = bad[2] = nothing();
    bad[0].aio_fildes = 12345;
    bad[1].aio_lio_opcode = 99;
    bad[2].aio_buf = 1ull << 32;
    for (int i = 0; i < 3; i++) {
        bad[i].aio_data = i;
        list[i] = &bad[i];
    }
    check_equal(lio(AIO_LIO_NOWAIT, 3, list, &event), 3);
    check_equal(seen_list, 1);
    check_equal(last_value, 4711);
    check_equal(seen_code, -4);
    check_equal(aio_events(id, events, 4), 3);
    check_equal(events[0].res, -EBADF);
    check_equal(events[1].res, -EINVAL);
    check_equal(events[2].res, -EINVAL);
    for (int i = 0; i < 3; i++)
        check_equal(events[i].data, i);
    end();
}

/* With and without a sigevent, waiting or not: the same entries are taken. */
static void
L8_goes_on_after_an_error(void)
{
    begin();
    struct iocb good = nothing(), bad = nothing();
    struct iocb *list[] = {&good, &bad, &good}, *cut[] = {&good, NOWHERE, &good};
    struct sigevent event = event_of(SIGNAL_LIST, 1);
    bad.aio_fildes = 12345;
    for (int i = 0; i < 4; i++) {
        struct io_event events[4];
        int mode = i & 1 ? AIO_LIO_WAIT : AIO_LIO_NOWAIT;
        struct sigevent *told = i & 2 ? &event : NULL;
        check_equal(lio(mode, 3, list, told), 3);
        check_equal(aio_events(id, events, 4), 3);
        check_equal(events[1].res, -EBADF);
        check_equal(lio(mode, 3, cut, told), 1);
        check_equal(aio_events(id, events, 4), 1);
    }
    check_equal(seen_list, 2);
    end();
}

/* Who waits learns of a failure: the count is that of events, and each has its own result. */
static void
L9_wait_tells_of_failures(void)
{
    begin();
    char byte;
    struct iocb good = nothing(), bad = aio_request(IOCB_CMD_PREAD, fds[0], NOWHERE, 1, 0);
    struct iocb *list[] = {&bad, &good};
    struct io_event events[2];
    sys_write(fds[1], "x", 1);
    check_equal(lio(AIO_LIO_WAIT, 2, list, NULL), 2);
    check_equal(aio_events(id, events, 2), 2);
    check_equal(events[0].res, -EFAULT);
    check_equal(events[1].res, 0);
    check_equal(sys_read(fds[0], &byte, 1), 1);
    end();
}

/* ---- What else is promised ---- */

static void
both_notifications(void)
{
    begin();
    char byte = 0;
    struct sigevent first = event_of(SIGNAL_FIRST, 11), last = event_of(SIGNAL_LIST, 22);
    struct iocb waiting = aio_waiting(fds, &byte), quick = nothing();
    struct iocb *list[] = {&waiting, &quick};
    quick.aio_reserved2 = WORD(&first);
    check_equal(lio(AIO_LIO_NOWAIT, 2, list, &last), 2);
    check_equal(seen_first, 1);
    check_equal(last_value, 11);
    check_equal(seen_list, 0);
    sys_write(fds[1], "x", 1);
    aio_expect(id, &quick, 0);
    aio_expect(id, &waiting, 1);
    check_equal(seen_list, 1);
    check_equal(last_value, 22);
    check_equal(aio_submit(id, &quick), -EINVAL); /* io_submit does not know the field */
    end();
}

static void
empty_list(void)
{
    begin();
    struct sigevent last = event_of(SIGNAL_LIST, 5);
    check_equal(lio(AIO_LIO_WAIT, 0, NULL, NULL), 0);
    check_equal(lio(AIO_LIO_NOWAIT, 0, NULL, &last), 0);
    check_equal(seen_list, 1);
    end();
}

static void
cancelled_request_counts(void)
{
    begin();
    char byte;
    struct sigevent last = event_of(SIGNAL_LIST, 5);
    struct iocb waiting = aio_waiting(fds, &byte), *list[] = {&waiting};
    check_equal(lio(AIO_LIO_NOWAIT, 1, list, &last), 1);
    check_equal(seen_list, 0);
    check_equal(sys_io_cancel(id, &waiting, NULL), -EINPROGRESS);
    aio_expect(id, &waiting, -ECANCELED);
    check_equal(seen_list, 1);
    end();
}

/* A signal ends the wait, not the requests. */
static void
wait_is_interrupted(void)
{
    begin();
    char byte = 0;
    struct iocb waiting = aio_waiting(fds, &byte), *list[] = {&waiting};
    unsigned timer[4] = {0, 0, 0, 20000}; /* setitimer: once, after 20 ms */
    handle(14);
    check_equal(sys_setitimer(0, timer, NULL), 0);
    check_equal(lio(AIO_LIO_WAIT, 1, list, NULL), -EINTR);
    aio_expect_nothing(id);
    sys_write(fds[1], "x", 1);
    aio_expect(id, &waiting, 1);
    end();
}

/* No event: the result goes where the request says, then the word counts up. */
static void
status(void)
{
    begin();
    char byte = 0;
    unsigned word = 10;
    struct aio_status told = {-1, 0, WORD(&word)};
    struct iocb waiting = aio_waiting(fds, &byte);
    waiting.aio_flags = IOCB_FLAG_STATUS;
    waiting.aio_data = WORD(&told);
    check_equal(aio_submit(id, &waiting), 1);
    check_equal(told.done, 0);
    test_start(SYS_futex, 1, WORD(&word), 128, 10, 0);
    sys_write(fds[1], "x", 1);
    check_equal(test_await().return_code, 0);
    check_equal(told.result, 1);
    check_equal(told.done, 1);
    check_equal(word, 11);
    aio_expect_nothing(id);
    waiting.aio_data = WORD(NOWHERE); /* the program's own affair */
    check_equal(aio_submit(id, &waiting), 1);
    sys_write(fds[1], "x", 1);
    aio_expect_nothing(id);
    end();
}

static void
abandon(void)
{
    begin();
    char byte;
    struct aio_status told[3] = {{0, 0, 0}};
    struct iocb waiting[3];
    check_equal(sys_io_abandon(id, fds[0], NULL), AIO_ABANDON_ALL_DONE);
    for (int i = 0; i < 3; i++) {
        waiting[i] = aio_waiting(fds, &byte);
        waiting[i].aio_flags = IOCB_FLAG_STATUS;
        waiting[i].aio_data = WORD(&told[i]);
        check_equal(aio_submit(id, &waiting[i]), 1);
    }
    check_equal(sys_io_abandon(id, fds[1], NULL), AIO_ABANDON_ALL_DONE);
    check_equal(sys_io_abandon(id, fds[0], &waiting[1]), AIO_ABANDON_CANCELED);
    check(!told[0].done && told[1].done && !told[2].done);
    check_equal(told[1].result, -ECANCELED);
    check_equal(sys_io_abandon(id, fds[0], NULL), AIO_ABANDON_CANCELED);
    check(told[0].done && told[2].done);
    check_equal(sys_io_abandon(id, fds[0], NULL), AIO_ABANDON_ALL_DONE);
    end();
}

static const struct check_case cases[] = {
    {"L1_wait_uses_nothing_freed", L1_wait_uses_nothing_freed},
    {"L2_no_leak_without_notification", L2_no_leak_without_notification},
    {"L3_bad_mode", L3_bad_mode},
    {"L4_first_pointer_faults", L4_first_pointer_faults},
    {"L5_wait_can_be_killed", L5_wait_can_be_killed},
    {"L6_counts_do_not_wrap", L6_counts_do_not_wrap},
    {"L7_failures_are_events", L7_failures_are_events},
    {"L8_goes_on_after_an_error", L8_goes_on_after_an_error},
    {"L9_wait_tells_of_failures", L9_wait_tells_of_failures},
    {"both_notifications", both_notifications},
    {"empty_list", empty_list},
    {"cancelled_request_counts", cancelled_request_counts},
    {"wait_is_interrupted", wait_is_interrupted},
    {"status", status},
    {"abandon", abandon},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
