/* t-asys-entries [CASE…]: asys_enter, asys_collect, asys_cancel and rings: chains with results as
 * arguments, *always*, groups, quiet, inline, deadlines, cancelling, contexts as files, and what a
 * hostile program may put into a ring. */
#include <poll.h>
#include <sys/stat.h>
#include "test.h"

#define NANOSECONDS(milliseconds) ((milliseconds)*1000000ull)

static struct asys_entry
entry_of(int number, unsigned long a, unsigned long b, unsigned long c, uint64_t cookie,
         unsigned flags)
{
    return (struct asys_entry){.number = (uint16_t)number,
                               .cookie = cookie,
                               .flags = (uint16_t)flags,
                               .argument = {a, b, c}};
}

static int
context_new(void)
{
    int fd = asys_context(NULL);
    check(fd >= 0);
    return fd;
}

static struct asys_event
one_event(int context)
{
    struct asys_event event = {.result = -12345};
    check_equal(asys_collect(context, &event, 1, 1, ASYS_FOREVER), 1);
    return event;
}

static void
expect(int context, uint64_t cookie, int result)
{
    struct asys_event event = one_event(context);
    check_equal(event.cookie, cookie);
    check_equal(event.result, result);
}

static void
expect_nothing(int context)
{
    struct asys_event event;
    check_equal(asys_collect(context, &event, 0, 1, 0), 0);
    check_equal(asys_collect(context, &event, 1, 1, ASYS_FOREVER), -EDEADLK);
}

static struct kernel_timespec long_nap = {1000, 0};

static struct asys_entry
nap_entry(uint64_t cookie, unsigned flags)
{
    return entry_of(SYS_nanosleep, WORD(&long_nap), 0, 0, cookie, flags);
}

/* ---- Chains ---- */

static void
chain_opens_and_closes(void)
{
    static char status[256], text[64];
    struct asys_entry chain[4];
    memset(chain, 0, sizeof chain);
    asys_call(&chain[0], SYS_open, "/proc/self/status", O_RDONLY)->flags = ASYS_LINK;
    asys_call(&chain[1], SYS_fstat64, asys_result(1), status)->flags = ASYS_LINK;
    asys_call(&chain[2], SYS_read, asys_result(2), text, 63)->flags = ASYS_LINK;
    asys_call(&chain[3], SYS_close, asys_result(3))->flags = ASYS_ALWAYS;
    for (int i = 0; i < 4; i++)
        chain[i].cookie = i;
    check_equal(asys_enter(-1, chain, 4), 4);
    struct asys_event events[4];
    check_equal(asys_collect(-1, events, 4, 4, ASYS_FOREVER), 4);
    check(events[0].result >= 3);
    check_equal(events[1].result, 0);
    check_equal(events[2].result, 63);
    check_equal(events[3].result, 0);
    check_equal(sys_close(events[0].result), -EBADF);
    expect_nothing(-1);
}

static void
chain_fails(void)
{
    struct asys_entry chain[] = {
        entry_of(SYS_getpid, 0, 0, 0, 1, ASYS_LINK), entry_of(SYS_close, 999, 0, 0, 2, ASYS_LINK),
        entry_of(SYS_getpid, 0, 0, 0, 3, ASYS_LINK),
        entry_of(SYS_getpid, 0, 0, 0, 4, ASYS_LINK | ASYS_ALWAYS),
        entry_of(SYS_getpid, 0, 0, 0, 5, 0)};
    check_equal(asys_enter(-1, chain, 5), 5);
    expect(-1, 1, sys_getpid());
    expect(-1, 2, -EBADF);
    expect(-1, 3, -ECANCELED);
    expect(-1, 4, sys_getpid());
    expect(-1, 5, -ECANCELED);
    expect_nothing(-1);
}

static void
chain_cancelled(void)
{
    int context = context_new();
    struct asys_entry chain[] = {nap_entry(1, ASYS_LINK | ASYS_WANT_ID),
                                 entry_of(SYS_getpid, 0, 0, 0, 2, ASYS_LINK),
                                 entry_of(SYS_getpid, 0, 0, 0, 3, ASYS_ALWAYS)};
    check_equal(asys_enter(context, chain, 3), 3);
    check_equal(asys_cancel_call(context, chain[0].id), 1);
    expect(context, 1, -ECANCELED);
    expect(context, 2, -ECANCELED);
    expect(context, 3, sys_getpid());
    check_equal(asys_cancel_call(context, chain[0].id), -ENOENT);
    expect_nothing(context);
    sys_close(context);
}

/* A later entry is cancelled while an earlier one sleeps. */
static void
chain_cancelled_ahead(void)
{
    int fds[2], context = context_new();
    char byte;
    test_pipe(fds);
    struct asys_entry chain[] = {entry_of(SYS_read, fds[0], WORD(&byte), 1, 1, ASYS_LINK),
                                 entry_of(SYS_getpid, 0, 0, 0, 2, ASYS_WANT_ID)};
    check_equal(asys_enter(context, chain, 2), 2);
    check_equal(asys_cancel_call(context, chain[1].id), 1);
    sys_write(fds[1], "x", 1);
    check_equal(one_event(context).cookie, 1);
    expect(context, 2, -ECANCELED);
    test_close_both(fds);
    sys_close(context);
}

/* What is wrong with an entry itself is not healed by *always*: its source lies outside the chain. */
static void
chain_hostile(void)
{
    struct asys_entry entries[] = {entry_of(SYS_getpid, 0, 0, 0, 1, ASYS_LINK | ASYS_ALWAYS),
                                   entry_of(SYS_close, 0, 0, 0, 2, ASYS_ALWAYS),
                                   entry_of(SYS_getpid, 0, 0, 0, 3, 0x8000),
                                   entry_of(SYS_getpid, 0, 0, 0, 4, 0),
                                   entry_of(SYS_getpid, 0, 0, 0, 5, 0)};
    entries[1].source[0] = 200;
    entries[3].source[5] = 1;
    entries[4].reserved = 1;
    check_equal(asys_enter(-1, entries, 5), 5);
    expect(-1, 1, sys_getpid());
    for (int i = 2; i <= 5; i++)
        expect(-1, i, -EINVAL);
    expect_nothing(-1);
}

static void
chain_too_long(void)
{
    struct asys_entry entries[ASYS_CHAIN_MOST + 2];
    for (int i = 0; i < ASYS_CHAIN_MOST + 2; i++)
        entries[i] = entry_of(SYS_getpid, 0, 0, 0, i, i <= ASYS_CHAIN_MOST ? ASYS_LINK : 0);
    check_equal(asys_enter(-1, entries, ASYS_CHAIN_MOST + 2), ASYS_CHAIN_MOST + 2);
    for (int i = 0; i < ASYS_CHAIN_MOST + 2; i++)
        expect(-1, i, i == ASYS_CHAIN_MOST - 1 ? -EINVAL : sys_getpid());
}

/* ---- Groups, quiet, inline, deadlines ---- */

static void
group_of_three(void)
{
    int fds[2], context = context_new();
    char byte;
    test_pipe(fds);
    struct asys_entry group[] = {entry_of(SYS_getpid, 0, 0, 0, 1, ASYS_GROUP),
                                 entry_of(SYS_read, fds[0], WORD(&byte), 1, 2, ASYS_GROUP),
                                 entry_of(SYS_getpid, 0, 0, 0, 3, 0)};
    struct asys_event event;
    check_equal(asys_enter(context, group, 3), 3);
    check_equal(asys_collect(context, &event, 0, 1, 0), 0);
    sys_write(fds[1], "x", 1);
    event = one_event(context);
    check_equal(event.cookie, 3);
    check_equal(event.result, 0);
    check_equal(event.flags, ASYS_EVENT_GROUP);
    group[0] = entry_of(SYS_close, 999, 0, 0, 1, ASYS_GROUP);
    check_equal(asys_enter(context, group, 1), 1); /* the array's end closes it */
    expect(context, 1, -EBADF);
    expect_nothing(context);
    test_close_both(fds);
    sys_close(context);
}

/* The next member cannot be read: the group ends with those that were taken. */
static void
group_cut(void)
{
    char *page = test_map_before_nothing();
    struct asys_entry *entries = (struct asys_entry *)(page + PAGE) - 2;
    entries[0] = entry_of(SYS_getpid, 0, 0, 0, 1, ASYS_GROUP);
    entries[1] = entry_of(SYS_getpid, 0, 0, 0, 2, ASYS_GROUP);
    check_equal(asys_enter(-1, entries, 3), 2);
    struct asys_event event = one_event(-1);
    check_equal(event.cookie, 2);
    check_equal(event.flags, ASYS_EVENT_GROUP);
    expect_nothing(-1);
    check_equal(asys_enter(-1, entries + 2, 1), -EFAULT);
    entries[1].flags = ASYS_LINK;
    check_equal(asys_enter(-1, entries + 1, 2), 1);
    expect(-1, 2, sys_getpid());
    expect_nothing(-1);
    munmap(page, PAGE);
}

static void
quiet(void)
{
    struct asys_entry entries[] = {entry_of(SYS_getpid, 0, 0, 0, 1, ASYS_QUIET),
                                   entry_of(SYS_close, 999, 0, 0, 2, ASYS_QUIET)};
    check_equal(asys_enter(-1, entries, 2), 2);
    expect(-1, 2, -EBADF);
    expect_nothing(-1);
}

static void
inline_only(void)
{
    int fds[2];
    char text[8];
    test_pipe(fds);
    struct asys_entry entry = entry_of(SYS_read, fds[0], WORD(text), 8, 1, ASYS_INLINE);
    check_equal(asys_enter(-1, &entry, 1), 1);
    expect(-1, 1, -EAGAIN);
    sys_write(fds[1], "abc", 3);
    check_equal(asys_enter(-1, &entry, 1), 1);
    expect(-1, 1, 3);
    test_close_both(fds);
}

static void
deadlines(void)
{
    int context = context_new();
    struct asys_entry entries[] = {nap_entry(1, 0), nap_entry(2, ASYS_LINK),
                                   entry_of(SYS_getpid, 0, 0, 0, 3, ASYS_ALWAYS)};
    entries[0].deadline = asys_deadline(NANOSECONDS(20));
    entries[1].deadline = asys_deadline(NANOSECONDS(40));
    check_equal(asys_enter(context, entries, 3), 3);
    expect(context, 1, -ETIME);
    expect(context, 2, -ETIME);
    expect(context, 3, sys_getpid());
    entries[0].deadline = 1; /* long ago, but the call does not sleep */
    entries[0].number = SYS_getpid;
    check_equal(asys_enter(context, entries, 1), 1);
    check_equal(one_event(context).cookie, 1);
    expect_nothing(context);
    sys_close(context);
}

/* ---- Cancelling ---- */

static void
cancel_context_and_all(void)
{
    int a = context_new(), b = context_new();
    struct asys_entry naps[] = {nap_entry(1, 0), nap_entry(2, 0)};
    check_equal(asys_enter(a, naps, 2), 2);
    check_equal(asys_enter(b, naps, 2), 2);
    check_equal(asys_cancel_context(a), 2);
    expect(a, 1, -ECANCELED);
    expect(a, 2, -ECANCELED);
    check_equal(asys_enter(-1, naps, 1), 1);
    check_equal(asys_cancel_all(), 3);
    expect(b, 1, -ECANCELED);
    expect(b, 2, -ECANCELED);
    expect(-1, 1, -ECANCELED);
    check_equal(asys_cancel_all(), 0);
    sys_close(a);
    sys_close(b);
}

/* A call of a context cancels the others, and itself not. */
static void
cancel_by_own_call(void)
{
    int context = context_new();
    struct asys_entry entries[] = {
        nap_entry(1, 0),
        entry_of(SYS_asys_cancel, context, ASYS_CANCEL_CONTEXT, 0, 2, 0)};
    check_equal(asys_enter(context, entries, 2), 2);
    expect(context, 2, 1);
    expect(context, 1, -ECANCELED);
    sys_close(context);
}

static void
ids_are_new(void)
{
    uint64_t last = 0;
    struct asys_entry entry = entry_of(SYS_getpid, 0, 0, 0, 1, ASYS_WANT_ID);
    for (int i = 0; i < 1000; i++) {
        check_equal(asys_enter(-1, &entry, 1), 1);
        check_equal(one_event(-1).id, entry.id);
        check(entry.id > last);
        last = entry.id;
    }
}

/* ---- Collecting ---- */

static void
collect_limits(void)
{
    struct asys_event events[16];
    struct asys_entry entries[10];
    int context = context_new();
    for (int i = 0; i < 10; i++)
        entries[i] = entry_of(SYS_getpid, 0, 0, 0, i, 0);
    check_equal(asys_enter(context, entries, 10), 10);
    check_equal(asys_collect(context, events, 5, 4, 0), -EINVAL);
    check_equal(asys_collect(context, events, 2, 4, 0), 4);
    check_equal(events[3].cookie, 3);
    check_equal(asys_collect(context, NOWHERE, 1, 4, 0), -EFAULT);
    check_equal(asys_collect(context, events, 16, 16, ASYS_FOREVER), 6); /* no more will come */
    check_equal(events[0].cookie, 4);
    check_equal(events[5].cookie, 9);
    entries[0] = nap_entry(1, 0);
    check_equal(asys_enter(context, entries, 1), 1);
    long long before = test_now_ns();
    check_equal(asys_collect(context, events, 1, 1, NANOSECONDS(30)), 0);
    check(test_now_ns() - before >= 30 * MILLISECOND);
    struct asys_wait wait = {asys_deadline(NANOSECONDS(20)), 1, 1, ASYS_WAIT_ABSOLUTE, 0};
    check_equal(sys_asys_collect(context, events, &wait), 0);
    wait.flags = 2;
    check_equal(sys_asys_collect(context, events, &wait), -EINVAL);
    check_equal(sys_asys_collect(0, events, NULL), -EINVAL);
    check_equal(sys_asys_collect(999, events, NULL), -EBADF);
    sys_close(context);
}

static void
collect_many_partly(void)
{
    struct asys_entry entries[20];
    struct asys_event events[20];
    char *page = test_map_before_nothing();
    struct asys_event *edge = (struct asys_event *)(page + PAGE) - 9;
    for (int i = 0; i < 20; i++)
        entries[i] = entry_of(SYS_getpid, 0, 0, 0, i, 0);
    check_equal(asys_enter(-1, entries, 20), 20);
    long got = asys_collect(-1, edge, 1, 20, 0);
    check(got > 0 && got <= 9);
    check_equal(asys_collect(-1, events, 1, 20, 0), 20 - got);
    for (int i = 0; i < 20 - got; i++)
        check_equal(events[i].cookie, got + i);
    munmap(page, PAGE);
}

/* ---- Contexts as files ---- */

static void
poll_on_a_context(void)
{
    int fds[2], context = context_new();
    char byte;
    test_pipe(fds);
    struct pollfd poll_ = {context, POLLIN, 0};
    struct asys_entry entry = entry_of(SYS_read, fds[0], WORD(&byte), 1, 1, 0);
    check_equal(asys_enter(context, &entry, 1), 1);
    check_equal(sys_poll(&poll_, 1, 0), 0);
    struct asys_entry writer = entry_of(SYS_poll, WORD(&poll_), 1, -1, 2, 0);
    check_equal(asys_enter(-1, &writer, 1), 1); /* polled by a call of another context */
    sys_write(fds[1], "x", 1);
    expect(-1, 2, 1);
    check_equal(poll_.revents, POLLIN);
    check_equal(sys_poll(&poll_, 1, -1), 1);
    expect(context, 1, 1);
    check_equal(sys_poll(&poll_, 1, 0), 0);
    test_close_both(fds);
    sys_close(context);
}

static void
contexts_await_each_other(void)
{
    int a = context_new(), b = context_new();
    static struct asys_event events[2];
    struct asys_entry in_a = entry_of(SYS_asys_collect, b, WORD(&events[0]), 0, 1, 0),
                      in_b = entry_of(SYS_asys_collect, a, WORD(&events[1]), 0, 2, 0);
    struct asys_entry nap = nap_entry(3, 0);
    check_equal(asys_enter(b, &nap, 1), 1); /* so that b is not empty when a asks */
    check_equal(asys_enter(a, &in_a, 1), 1);
    check_equal(asys_enter(b, &in_b, 1), 1);
    check_equal(asys_cancel_context(b), 2);
    struct asys_event event;
    check_equal(asys_collect(a, &event, 1, 1, NANOSECONDS(1000)), 1);
    check_equal(event.cookie, 1);
    check_equal(event.result, 1);
    sys_close(a);
    sys_close(b);
}

static void
close_with_calls_pending(void)
{
    int fds[2], context = context_new();
    char byte;
    long before = test_fibrils();
    test_pipe(fds);
    struct asys_entry entries[] = {entry_of(SYS_read, fds[0], WORD(&byte), 1, 1, ASYS_WANT_ID),
                                   nap_entry(2, ASYS_LINK), entry_of(SYS_getpid, 0, 0, 0, 3, 0),
                                   nap_entry(4, ASYS_GROUP), nap_entry(5, 0)};
    check_equal(asys_enter(context, entries, 5), 5);
    check_equal(sys_close(context), 0);
    test_nap(5);
    check_equal(test_fibrils(), before);
    test_close_both(fds);
}

static void
close_by_own_call(void)
{
    int context = context_new();
    long before = test_fibrils();
    struct asys_entry entries[] = {nap_entry(1, 0), entry_of(SYS_close, context, 0, 0, 2, ASYS_LINK),
                                   entry_of(SYS_getpid, 0, 0, 0, 3, ASYS_ALWAYS),
                                   entry_of(SYS_getpid, 0, 0, 0, 4, 0)};
    check(asys_enter(context, entries, 4) >= 3);
    test_nap(5);
    check_equal(test_fibrils(), before);
    check_equal(sys_close(context), -EBADF);
}

/* A call of the context holds its file while the last descriptor goes. */
static void
close_while_own_call_collects(void)
{
    static struct asys_event event;
    int context = context_new();
    long before = test_fibrils();
    struct asys_entry entries[] = {
        nap_entry(1, 0), entry_of(SYS_asys_collect, context, WORD(&event), 0, 2, 0)};
    check_equal(asys_enter(context, entries, 2), 2);
    check_equal(sys_close(context), 0);
    test_nap(5);
    check_equal(test_fibrils(), before);
}

static void
fork_and_exit_with_calls(void)
{
    int context = context_new();
    struct asys_entry naps[] = {nap_entry(1, ASYS_LINK), nap_entry(2, ASYS_ALWAYS)};
    check_equal(asys_enter(context, naps, 2), 2);
    long pid = sys_fork();
    if (pid == 0) {
        int wrong = asys_collect(context, NULL, 0, 0, 0) != -EBADF;
        int own = asys_context(NULL);
        wrong |= asys_enter(own, naps, 2) != 2;
        sys_exit_group(wrong);
    }
    check_equal(test_wait(pid), 0);
    check_equal(asys_cancel_context(context), 2);
    expect(context, 1, -ECANCELED);
    asys_cancel_context(context); /* the second was an *always* one and sleeps now */
    expect(context, 2, -ECANCELED);
    sys_close(context);
}

static void
exec_with_calls(void)
{
    long pid = sys_fork();
    if (pid == 0) {
        struct asys queue;
        char *arguments[] = {"t-exit", "7", NULL}, *environment[] = {NULL};
        struct asys_entry naps[] = {nap_entry(1, 0), nap_entry(2, 0)};
        asys_open(&queue, 8);
        asys_enter(queue.fd, naps, 2);
        asys_enter(-1, naps, 2);
        sys_execve("/bin/t-exit", arguments, environment);
        sys_exit_group(99);
    }
    check_equal(test_wait(pid), 7 << 8);
}

/* ---- Rings ---- */

static void
ring_calls(void)
{
    struct asys queue;
    struct asys_event event;
    check_equal(asys_open(&queue, 8), 0);
    for (int i = 0; i < 100; i++)
        asys_call(asys_next(&queue), SYS_getpid)->cookie = i;
    for (int i = 0; i < 100; i++) {
        check_equal(asys_wait(&queue, &event, ASYS_FOREVER), 1);
        check_equal(event.cookie, i);
        check_equal(event.result, sys_getpid());
    }
    check_equal(asys_wait(&queue, &event, ASYS_FOREVER), -EDEADLK);
    asys_close(&queue);
}

/* More results than the ring holds wait in the kernel, in order, and come while the program spins. */
static void
ring_backlog(void)
{
    struct asys queue;
    struct asys_event event;
    check_equal(asys_open(&queue, 8), 0);
    for (int i = 0; i < 40; i++) {
        asys_call(asys_next(&queue), SYS_getpid)->cookie = i;
        asys_start(&queue);
    }
    check_equal(queue.ring->completion_tail, 16);
    check_equal(queue.ring->waiting, 24);
    long long before = test_now_ns();
    for (int i = 0; i < 40; i++) {
        while (!asys_peek(&queue, &event))
            if (queue.ring->reserved[0])
                return;
        check_equal(event.cookie, i);
    }
    check(test_now_ns() - before < 100 * MILLISECOND);
    asys_close(&queue);
}

static void
ring_hostile(void)
{
    struct asys queue;
    struct asys_event event;
    check_equal(asys_open(&queue, 8), 0);
    queue.ring->submission_tail = 0x80000000u;
    sys_getpid();
    queue.ring->submission_tail = 9;
    sys_getpid();
    check_equal(queue.ring->submission_head, 0);
    queue.ring->completion_head = 77;
    queue.ring->submission_mask = queue.ring->completion_mask = ~0u;
    queue.ring->submission_offset = queue.ring->completion_offset = 0x70000000;
    queue.ring->submission_tail = 0;
    for (int i = 0; i < 8; i++)
        asys_call(asys_next(&queue), SYS_getpid)->cookie = i;
    asys_start(&queue);
    check_equal(queue.ring->waiting, 8);
    queue.ring->completion_head = 0;
    for (int i = 0; i < 8; i++) {
        check_equal(asys_wait(&queue, &event, ASYS_FOREVER), 1);
        check_equal(event.cookie, i);
    }
    munmap((void *)queue.ring, PAGE);
    check_equal(asys_collect(queue.fd, NULL, 0, 0, 0), 0);
    sys_close(queue.fd);
}

/* Entries of a ring close this ring's context, another's, and unmap the ring. */
static void
ring_closed_by_entries(void)
{
    struct asys one, two, three;
    long before = test_fibrils();
    check_equal(asys_open(&one, 8), 0);
    check_equal(asys_open(&two, 8), 0);
    check_equal(asys_open(&three, 8), 0);
    asys_call(asys_next(&one), SYS_close, two.fd);
    asys_call(asys_next(&one), SYS_close, three.fd);
    asys_call(asys_next(&one), SYS_munmap, one.ring, PAGE);
    asys_call(asys_next(&one), SYS_close, one.fd);
    asys_call(asys_next(&one), SYS_getpid);
    asys_call(asys_next(&two), SYS_nanosleep, &long_nap, NULL);
    asys_call(asys_next(&three), SYS_nanosleep, &long_nap, NULL);
    asys_publish(&two);
    asys_publish(&three);
    asys_publish(&one);
    test_nap(5);
    check_equal(test_fibrils(), before);
    check_equal(sys_close(one.fd), -EBADF);
    check_equal(sys_close(two.fd), -EBADF);
    check_equal(sys_close(three.fd), -EBADF);
    munmap((void *)two.ring, PAGE);
    munmap((void *)three.ring, PAGE);
}

/* ASYS_SETUP_POLL: taken at the tick, with no return to user mode by way of a call. */
static void
ring_polled(void)
{
    struct asys_setup setup = {
        .flags = ASYS_SETUP_RINGS | ASYS_SETUP_POLL, .submissions = 8, .completions = 8};
    int fd = asys_context(&setup);
    check(fd >= 0);
    volatile struct asys_ring *ring = (struct asys_ring *)setup.ring_address;
    struct asys_entry *entry =
        (struct asys_entry *)(setup.ring_address + ring->submission_offset);
    *entry = entry_of(SYS_getpid, 0, 0, 0, 5, 0);
    ring->submission_tail = 1;
    while (ring->completion_tail == 0)
        ;
    sys_close(fd);
    test_nap(5);
    munmap((void *)ring, PAGE);
}

static void
setup_wrong(void)
{
    struct asys_setup setup = {.flags = 0x100};
    check_equal(asys_context(&setup), -EINVAL);
    setup = (struct asys_setup){.flags = ASYS_SETUP_POLL};
    check_equal(asys_context(&setup), -EINVAL);
    setup = (struct asys_setup){.flags = ASYS_SETUP_RINGS, .submissions = 1u << 20};
    check_equal(asys_context(&setup), -EINVAL);
    setup = (struct asys_setup){.flags = ASYS_SETUP_EVENTFD, .notify_fd = 999};
    check_equal(asys_context(&setup), -EBADF);
    setup = (struct asys_setup){.flags = ASYS_SETUP_SIGNAL, .signal = 65};
    check_equal(asys_context(&setup), -EINVAL);
    check_equal(asys_context(NOWHERE), -EFAULT);
    check_equal(asys_enter(0, NULL, 0), -EINVAL);
    check_equal(asys_cancel_call(-1, 1), -ENOENT);
    check_equal(sys_asys_cancel(-1, 77, 0, 0), -EINVAL);
}

/* ---- Notification ---- */

/* The eventfd is full: telling never waits. Nothing but an eventfd will do. */
static void
notify_never_waits(void)
{
    int fds[2], counter = (int)sys_eventfd2(0, 0);
    unsigned long long most = 0xfffffffffffffffeull, count = 0;
    check_equal(sys_write(counter, &most, sizeof most), sizeof most);
    struct asys_setup setup = {.flags = ASYS_SETUP_EVENTFD, .notify_fd = counter};
    int context = asys_context(&setup);
    struct asys_entry entry = entry_of(SYS_getpid, 0, 0, 0, 1, 0);
    check(context >= 0);
    check_equal(asys_enter(context, &entry, 1), 1);
    expect(context, 1, sys_getpid());
    sys_read(counter, &count, sizeof count);
    check_equal(asys_enter(context, &entry, 1), 1);
    check_equal(sys_read(counter, &count, sizeof count), sizeof count);
    check_equal(count, 1);
    sys_close(context);
    sys_close(counter);
    test_pipe(fds);
    setup.notify_fd = fds[1];
    check_equal(asys_context(&setup), -EINVAL);
    test_close_both(fds);
}

static const struct check_case cases[] = {
    {"chain_opens_and_closes", chain_opens_and_closes},
    {"chain_fails", chain_fails},
    {"chain_cancelled", chain_cancelled},
    {"chain_cancelled_ahead", chain_cancelled_ahead},
    {"chain_hostile", chain_hostile},
    {"chain_too_long", chain_too_long},
    {"group_of_three", group_of_three},
    {"group_cut", group_cut},
    {"quiet", quiet},
    {"inline_only", inline_only},
    {"deadlines", deadlines},
    {"cancel_context_and_all", cancel_context_and_all},
    {"cancel_by_own_call", cancel_by_own_call},
    {"ids_are_new", ids_are_new},
    {"collect_limits", collect_limits},
    {"collect_many_partly", collect_many_partly},
    {"poll_on_a_context", poll_on_a_context},
    {"contexts_await_each_other", contexts_await_each_other},
    {"close_with_calls_pending", close_with_calls_pending},
    {"close_by_own_call", close_by_own_call},
    {"close_while_own_call_collects", close_while_own_call_collects},
    {"fork_and_exit_with_calls", fork_and_exit_with_calls},
    {"exec_with_calls", exec_with_calls},
    {"ring_calls", ring_calls},
    {"ring_backlog", ring_backlog},
    {"ring_hostile", ring_hostile},
    {"ring_closed_by_entries", ring_closed_by_entries},
    {"ring_polled", ring_polled},
    {"setup_wrong", setup_wrong},
    {"notify_never_waits", notify_never_waits},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
