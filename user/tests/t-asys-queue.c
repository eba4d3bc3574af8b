/* t-asys-queue [CASE…]: what <fibril/asys.h> promises beside t-asys-entries: arguments that are
 * results, chains that a full ring does not cut, ids of calls in rings, waiting for many, masks and
 * points of time, notification, signals awaited by calls. */
#include <poll.h>
#include <sys/epoll.h>
#include "queue.h"

#define SIGNAL_BIT(number) (1ull << ((number)-1))
#define REALTIME 40

/* ---- Describing calls ---- */

static void
arguments_of_all_kinds(void)
{
    static char text[4], at_end[4];
    queue_open(8);
    asys_flag(asys_add(&queue, SYS_open, "/bin/t-exit", O_RDONLY), ASYS_LINK | ASYS_QUIET);
    asys_flag(asys_add(&queue, SYS_pread64, asys_result(1), text, 3, ASYS_64(1)),
              ASYS_LINK)->cookie = 1;
    asys_flag(asys_add(&queue, SYS_pread64, asys_result(2), at_end, 3, ASYS_64(5ll << 32)),
              ASYS_LINK)->cookie = 2;
    asys_flag(asys_add(&queue, SYS_close, asys_result(3)), ASYS_ALWAYS)->cookie = 3;
    expect(1, 3);
    expect(2, 0);
    expect(3, 0);
    check(memcmp(text, "ELF", 3) == 0);
    queue_end();
}

static void
number_too_large(void)
{
    queue_open(8);
    asys_add(&queue, 0x10000 + SYS_getpid)->cookie = 1;
    asys_add(&queue, -1)->cookie = 2;
    expect(1, -ENOSYS);
    expect(2, -ENOSYS);
    queue_end();
}

/* An entry that was filled once is used for another call: nothing of the old one stays. */
static void
entry_used_again(void)
{
    struct asys_entry entries[2] = {{.cookie = 1, .flags = ASYS_LINK}, {.cookie = 2}};
    struct asys_event events[2];
    asys_call(&entries[0], SYS_getpid);
    asys_call(&entries[1], SYS_close, asys_result(1));
    asys_call(&entries[1], SYS_getpgid, 0);
    check_equal(entries[1].source[0], 0);
    check_equal(asys_enter(-1, entries, 2), 2);
    check_equal(asys_collect(-1, events, 2, 2, ASYS_FOREVER), 2);
    check_equal(events[1].result, sys_getpgid(0));
    check(asys_call((struct asys_entry *)NULL, SYS_getpid) == NULL);
}

/* ---- Chains, groups and the ring's size ---- */

static void
chain_across_a_full_ring(void)
{
    queue_open(8);
    check_equal(queue.submissions, 8);
    for (int i = 0; i < 6; i++)
        add_getpid(i);
    asys_flag(asys_add(&queue, SYS_open, "/dev/null", O_RDWR), ASYS_LINK)->cookie = 6;
    asys_flag(asys_add(&queue, SYS_write, asys_result(1), "abc", 3), ASYS_LINK)->cookie = 7;
    check_equal(queue.ring->submission_head, 0);
    asys_flag(asys_add(&queue, SYS_write, asys_result(2), "de", 2), ASYS_LINK)->cookie = 8;
    check_equal(queue.ring->submission_head, 6); /* what stands before the chain has begun */
    asys_add(&queue, SYS_close, asys_result(3))->cookie = 9;
    for (int i = 0; i < 6; i++)
        expect(i, sys_getpid());
    check(next_event().result >= 3);
    expect(7, 3);
    expect(8, 2);
    expect(9, 0);
    queue_end();
}

static void
group_across_a_full_ring(void)
{
    struct asys_event event;
    queue_open(8);
    for (int i = 0; i < 5; i++)
        add_getpid(i);
    for (int i = 0; i < 6; i++)
        asys_flag(add_getpid(100 + i), i < 5 ? ASYS_GROUP : 0);
    for (int i = 0; i < 5; i++)
        expect(i, sys_getpid());
    event = next_event();
    check_equal(event.cookie, 105);
    check_equal(event.flags, ASYS_EVENT_GROUP);
    queue_end();
}

static void
chain_longer_than_the_ring(void)
{
    queue_open(8);
    add_getpid(0);
    for (int i = 0; i < 8; i++)
        asys_flag(add_getpid(1 + i), ASYS_LINK);
    check(asys_next(&queue) == NULL);
    check(asys_add(&queue, SYS_getpid) == NULL);
    for (int i = 0; i < 9; i++)
        expect(i, sys_getpid()); /* the ring's end is the chain's */
    check(asys_next(&queue) != NULL);
    asys_close(&queue);
}

static void
many_more_than_the_ring(void)
{
    enum { CALLS = 1000 };
    static unsigned char seen[CALLS];
    static char byte;
    int fds[2];
    test_pipe(fds);
    memset(seen, 0, sizeof seen);
    queue_open(8);
    for (int i = 0; i < CALLS; i++)
        asys_add(&queue, SYS_read, fds[0], &byte, 1)->cookie = i;
    asys_start(&queue);
    for (int i = 0; i < CALLS; i++)
        sys_write(fds[1], "x", 1);
    for (int i = 0; i < CALLS; i++) {
        struct asys_event event = next_event();
        check(event.cookie < CALLS && event.result == 1 && !seen[event.cookie]++);
    }
    queue_end();
    test_close_both(fds);
}

/* A chain whose entries form a group too: one completion for all of it. */
static void
chain_as_a_group(void)
{
    struct asys_event event;
    static struct kernel_stat status;
    static const char *const paths[] = {"/dev/null", "/nowhere"};
    queue_open(8);
    for (int i = 0; i < 2; i++) {
        asys_flag(asys_add(&queue, SYS_open, paths[i], O_RDONLY), ASYS_LINK | ASYS_GROUP);
        asys_flag(asys_add(&queue, SYS_fstat64, asys_result(1), &status), ASYS_LINK | ASYS_GROUP);
        asys_flag(asys_add(&queue, SYS_close, asys_result(2)), ASYS_ALWAYS)->cookie = 10 + i;
        event = next_event();
        check_equal(event.cookie, 10 + i);
        check_equal(event.result, i == 0 ? 0 : -ENOENT); /* what failed first */
        check_equal(event.flags, ASYS_EVENT_GROUP);
    }
    queue_end();
}

/* ---- What a call has reached when it is ended ---- */

/* A pipe takes 64 KiB of the 100: the write that is cut short says so. */
static void
partial_results_are_counts(void)
{
    enum { INLINE, DEADLINE, CANCEL, WAYS };
    static char bytes[100000];
    queue_open(8);
    for (int way = INLINE; way < WAYS; way++) {
        int fds[2];
        test_pipe(fds);
        struct asys_entry *entry = asys_add(&queue, SYS_write, fds[1], bytes, sizeof bytes);
        entry->cookie = way;
        if (way == INLINE)
            asys_flag(entry, ASYS_INLINE);
        if (way == DEADLINE)
            asys_within(entry, 5 * MILLISECOND);
        asys_start(&queue);
        if (way == CANCEL)
            check_equal(asys_cancel_context(queue.fd), 1);
        expect(way, 65536);
        check_equal(sys_read(fds[0], bytes, sizeof bytes), 65536);
        test_close_both(fds);
    }
    queue_end();
}

/* ---- Descriptors ---- */

static void
last_descriptor_ends_the_context(void)
{
    long before = test_fibrils();
    queue_open(8);
    int second = (int)sys_dup(queue.fd);
    add_nap(1);
    asys_start(&queue);
    check_equal(sys_close(queue.fd), 0);
    check_equal(test_fibrils(), before + 1);
    queue.fd = second;
    add_getpid(2);
    expect(2, sys_getpid());
    check_equal(sys_close(second), 0);
    test_nap(5);
    check_equal(test_fibrils(), before);
    munmap((void *)queue.ring, queue.bytes);
}

/* ---- Ids ---- */

static void
ids_in_a_ring(void)
{
    queue_open(8);
    struct asys_entry *first = asys_flag(add_nap(1), ASYS_WANT_ID);
    struct asys_entry *second = asys_flag(add_nap(2), ASYS_WANT_ID);
    struct asys_entry *third = add_nap(3);
    check_equal(first->id, 0);
    check_equal(asys_start(&queue), 0);
    check(first->id > 0 && second->id > first->id);
    check_equal(third->id, 0);
    uint64_t wanted = second->id;
    check_equal(asys_cancel_call(queue.fd, wanted), 1);
    struct asys_event event = next_event();
    check_equal(event.cookie, 2);
    check_equal(event.id, wanted);
    check_equal(event.result, -ECANCELED);
    check_equal(asys_cancel_call(queue.fd, wanted), -ENOENT);
    check_equal(asys_cancel_context(queue.fd), 2);
    expect(1, -ECANCELED);
    expect(3, -ECANCELED);
    queue_end();
}

/* ---- Waiting ---- */

static void
waits_for_many(void)
{
    struct asys_event event;
    queue_open(8);
    for (int i = 0; i < 3; i++)
        add_nap(i);
    add_getpid(3);
    add_getpid(4);
    check_equal(asys_ready(&queue, 5, 20 * MILLISECOND), 2);
    check_equal(asys_ready(&queue, 2, ASYS_FOREVER), 2);
    check_equal(asys_ready(&queue, 17, 0), -EINVAL); /* more than the ring holds */
    check_equal(asys_cancel_context(queue.fd), 3);
    check_equal(asys_ready(&queue, 5, ASYS_FOREVER), 5);
    check_equal(asys_ready(&queue, 9, ASYS_FOREVER), 5); /* no more will come */
    for (int i = 0; i < 5; i++)
        check_equal(asys_peek(&queue, &event), 1);
    check_equal(asys_peek(&queue, &event), 0);
    check_equal(asys_ready(&queue, 0, 0), 0);
    add_nap(9);
    check_equal(asys_wait(&queue, &event, 10 * MILLISECOND), 0);
    asys_cancel_context(queue.fd);
    expect(9, -ECANCELED);
    queue_end();
}

static void
waits_until_a_point_of_time(void)
{
    struct asys_event event;
    queue_open(8);
    add_nap(1);
    asys_start(&queue);
    struct asys_wait wait = {.timeout = 1, .least = 1, .most = 1, .flags = ASYS_WAIT_ABSOLUTE};
    check_equal(asys_collect_wait(queue.fd, &event, &wait), 0); /* long past */
    long long before = test_now_ns();
    wait.timeout = asys_deadline(20 * MILLISECOND);
    check_equal(asys_collect_wait(queue.fd, &event, &wait), 0);
    check(test_now_ns() - before >= 20 * MILLISECOND);
    check_equal(asys_collect_wait(queue.fd, &event, NOWHERE), -EFAULT);
    asys_cancel_context(queue.fd);
    expect(1, -ECANCELED);
    queue_end();
}

static volatile int handled;

static void
count_signal(int number)
{
    handled += number == SIGNAL_USR1;
}

static void
block(uint64_t set)
{
    check_equal(sys_rt_sigprocmask(0, &set, NULL, 8), 0);
}

static void
unblock(uint64_t set)
{
    check_equal(sys_rt_sigprocmask(1, &set, NULL, 8), 0);
}

/* The signal is pending and blocked but for the time of the wait; a background call's mask does
 * nothing. */
static void
waits_with_a_mask(void)
{
    static uint64_t open_mask = 0;
    static struct asys_event event;
    static struct asys_wait wait = {.timeout = ~0ull, .least = 1, .most = 1};
    int context = asys_context(NULL);
    handled = 0;
    wait.mask = WORD(&open_mask);
    queue_open(8);
    add_nap(1);
    asys_start(&queue);
    test_set_handler(SIGNAL_USR1, count_signal, 0);
    block(SIGNAL_BIT(SIGNAL_USR1));
    sys_kill(sys_getpid(), SIGNAL_USR1);
    struct asys_entry entry = {.cookie = 7};
    asys_call(&entry, SYS_asys_collect, queue.fd, NULL, &wait);
    check_equal(asys_enter(context, &entry, 1), 1);
    test_nap(5);
    check_equal(handled, 0);
    check_equal(asys_collect_wait(queue.fd, NULL, &wait), -EINTR);
    check_equal(handled, 1);
    sys_kill(sys_getpid(), SIGNAL_USR1);
    check_equal(handled, 1); /* blocked again */
    asys_cancel_context(queue.fd);
    check_equal(asys_collect(context, &event, 1, 1, ASYS_FOREVER), 1);
    check_equal(event.result, 1);
    expect(1, -ECANCELED);
    unblock(SIGNAL_BIT(SIGNAL_USR1));
    check_equal(handled, 2);
    queue_end();
    sys_close(context);
}

/* The masks of ppoll, pselect6 and epoll_pwait likewise: checked, and nothing more. */
static void
masks_of_other_calls(void)
{
    static uint64_t open_mask = 0;
    static struct pollfd nothing;
    static struct {
        const uint64_t *mask;
        size_t size;
    } selected = {&open_mask, 8};
    int epoll = (int)sys_epoll_create1(0);
    handled = 0;
    queue_open(8);
    test_set_handler(SIGNAL_USR1, count_signal, 0);
    block(SIGNAL_BIT(SIGNAL_USR1));
    sys_kill(sys_getpid(), SIGNAL_USR1);
    asys_add(&queue, SYS_ppoll, &nothing, 0, NULL, &open_mask, 8);
    asys_add(&queue, SYS_pselect6, 0, NULL, NULL, NULL, NULL, &selected);
    asys_add(&queue, SYS_epoll_pwait, epoll, &nothing, 1, -1, &open_mask, 8);
    check_equal(asys_ready(&queue, 1, 5 * MILLISECOND), 0);
    check_equal(handled, 0);
    asys_cancel_context(queue.fd);
    for (int i = 0; i < 3; i++)
        expect(0, -ECANCELED);
    asys_add(&queue, SYS_ppoll, &nothing, 0, NULL, NOWHERE, 8);
    expect(0, -EFAULT);
    asys_add(&queue, SYS_epoll_pwait, epoll, &nothing, 1, -1, &open_mask, 4);
    expect(0, -EINVAL);
    check_equal(handled, 0);
    unblock(SIGNAL_BIT(SIGNAL_USR1));
    check_equal(handled, 1);
    sys_close(epoll);
    queue_end();
}

/* A queue is awaited by a call of another context. */
static void
awaited_by_another(void)
{
    struct asys_event event;
    int context = asys_context(NULL);
    struct asys_wait wait = {.timeout = ~0ull, .least = 2, .most = 2};
    queue_open(8);
    add_nap(1);
    add_nap(2);
    asys_start(&queue);
    struct asys_entry entry = {.cookie = 7};
    asys_call(&entry, SYS_asys_collect, queue.fd, NULL, &wait);
    check_equal(asys_enter(context, &entry, 1), 1);
    check_equal(asys_collect(context, &event, 0, 1, 0), 0);
    check_equal(asys_cancel_context(queue.fd), 2);
    check_equal(asys_collect(context, &event, 1, 1, ASYS_FOREVER), 1);
    check_equal(event.result, 2);
    expect(1, -ECANCELED);
    expect(2, -ECANCELED);
    queue_end();
    sys_close(context);
}

/* ---- Signals ---- */

/* si_value of one that is pending; -1: none. */
static long
signal_value(int number)
{
    static const struct kernel_timespec now = {0, 0};
    uint64_t set = SIGNAL_BIT(number);
    int info[32] = {0};
    return sys_rt_sigtimedwait(&set, info, &now, 8) == number ? info[5] : -1;
}

/* Told when the context becomes non-empty, with the value, and once. */
static void
notified_by_a_signal(void)
{
    struct asys_setup setup = {.submissions = 8, .completions = 8, .flags = ASYS_SETUP_SIGNAL,
                               .signal = REALTIME, .signal_value = 4711};
    block(SIGNAL_BIT(REALTIME));
    check_equal(asys_open_setup(&queue, &setup), 0);
    check_equal(setup.flags, ASYS_SETUP_SIGNAL | ASYS_SETUP_RINGS);
    for (int round = 0; round < 3; round++) {
        check_equal(signal_value(REALTIME), -1);
        add_getpid(1);
        add_getpid(2);
        asys_start(&queue);
        check_equal(signal_value(REALTIME), 4711);
        check_equal(signal_value(REALTIME), -1);
        expect(1, sys_getpid());
        expect(2, sys_getpid());
    }
    queue_end();
    unblock(SIGNAL_BIT(REALTIME));
}

/* An eventfd counts how often the context became non-empty; one that is full as can be
 * says that it has overflowed, as eventfd(2) has it for the kernel's own adding. */
static void
notified_by_an_eventfd(void)
{
    uint64_t count = 0, most = ~0ull - 1;
    int counter = (int)sys_eventfd2(0, 0x800 /* EFD_NONBLOCK */);
    struct asys_setup setup = {
        .submissions = 8, .completions = 8, .flags = ASYS_SETUP_EVENTFD, .notify_fd = counter};
    check_equal(asys_open_setup(&queue, &setup), 0);
    check_equal(sys_read(counter, &count, 8), -EAGAIN);
    for (int round = 0; round < 3; round++) {
        add_getpid(1);
        add_getpid(2);
        asys_start(&queue);
        expect(1, sys_getpid());
        expect(2, sys_getpid());
    }
    check_equal(sys_read(counter, &count, 8), 8);
    check_equal(count, 3);
    check_equal(sys_write(counter, &most, 8), 8);
    add_getpid(3);
    expect(3, sys_getpid());
    check_equal(sys_read(counter, &count, 8), 8);
    check_equal(count, ~0ull);
    sys_close(counter); /* the context holds it */
    add_getpid(4);
    expect(4, sys_getpid());
    queue_end();
}

/* A queue and a context among an epoll's descriptors, and the epoll awaited by a call of the
 * queue. */
static void
in_an_epoll(void)
{
    struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = 11}, got = {.events = 0};
    int epoll = (int)sys_epoll_create1(0), context = asys_context(NULL);
    struct asys_entry entry = {.cookie = 5};
    struct asys_event event;
    check_equal(sys_epoll_ctl(epoll, EPOLL_CTL_ADD, context, &wanted), 0);
    queue_open(8);
    check_equal(sys_epoll_wait(epoll, &got, 1, 0), 0);
    asys_add(&queue, SYS_epoll_wait, epoll, &got, 1, -1)->cookie = 1;
    asys_start(&queue);
    check_equal(asys_ready(&queue, 1, 2 * MILLISECOND), 0);
    asys_call(&entry, SYS_getpid);
    check_equal(asys_enter(context, &entry, 1), 1);
    expect(1, 1);
    check_equal(got.data.u32, 11);
    check_equal(got.events, EPOLLIN);
    check_equal(sys_epoll_wait(epoll, &got, 1, 0), 1);
    check_equal(asys_collect(context, &event, 1, 1, 0), 1);
    check_equal(sys_epoll_wait(epoll, &got, 1, 0), 0);
    wanted.data.u32 = 12;
    check_equal(sys_epoll_ctl(epoll, EPOLL_CTL_ADD, queue.fd, &wanted), 0);
    add_getpid(2);
    asys_start(&queue);
    check_equal(sys_epoll_wait(epoll, &got, 1, 0), 1);
    check_equal(got.data.u32, 12);
    expect(2, sys_getpid());
    check_equal(sys_epoll_wait(epoll, &got, 1, 0), 0);
    sys_close(epoll);
    sys_close(context);
    queue_end();
}

/* rt_sigtimedwait as a call: for the process, for the thread, not at all, and cancelled. */
static void
signals_awaited_by_calls(void)
{
    static uint64_t set = SIGNAL_BIT(SIGNAL_USR1) | SIGNAL_BIT(REALTIME);
    static int info[32];
    block(set);
    queue_open(8);
    for (int i = 0; i < 2; i++) {
        asys_add(&queue, SYS_rt_sigtimedwait, &set, info, NULL, 8)->cookie = 1;
        asys_start(&queue);
        check_equal(asys_ready(&queue, 1, 2 * MILLISECOND), 0);
        if (i == 0)
            sys_kill(sys_getpid(), SIGNAL_USR1);
        else
            sys_tkill(sys_gettid(), REALTIME);
        expect(1, i == 0 ? SIGNAL_USR1 : REALTIME);
        check_equal(info[0], i == 0 ? SIGNAL_USR1 : REALTIME);
    }
    asys_within(asys_add(&queue, SYS_rt_sigtimedwait, &set, info, NULL, 8), 5 * MILLISECOND);
    expect(0, -ETIME);
    asys_add(&queue, SYS_rt_sigtimedwait, &set, info, NULL, 8);
    asys_start(&queue);
    asys_cancel_context(queue.fd);
    expect(0, -ECANCELED);
    queue_end();
    unblock(set);
}

/* ---- fork, polling ---- */

static void
fork_has_no_queue(void)
{
    int fds[2];
    queue_open(8);
    add_nap(1);
    asys_start(&queue);
    test_pipe(fds);
    long pid = sys_fork();
    if (pid == 0) {
        int wrong = sys_write(fds[1], (const void *)queue.ring, 4) != -EFAULT;
        wrong |= (asys_collect(queue.fd, NULL, 0, 0, 0) != -EBADF) << 1;
        wrong |= (asys_cancel_all() != 0) << 2;
        sys_exit_group(wrong);
    }
    check_equal(test_wait(pid), 0);
    check_equal(asys_cancel_all(), 1);
    expect(1, -ECANCELED);
    queue_end();
    test_close_both(fds);
}

static void
polled(void)
{
    struct asys_setup setup = {.flags = ASYS_SETUP_POLL, .submissions = 8, .completions = 8};
    struct asys_event event;
    check_equal(asys_open_setup(&queue, &setup), 0);
    for (int i = 0; i < 20; i++) {
        asys_flag(add_getpid(i), ASYS_WANT_ID);
        asys_publish(&queue);
        while (!asys_peek(&queue, &event))
            ;
        check_equal(event.cookie, i);
        check_equal(event.result, sys_getpid());
    }
    asys_close(&queue);
}

static const struct check_case cases[] = {
    {"arguments_of_all_kinds", arguments_of_all_kinds},
    {"number_too_large", number_too_large},
    {"entry_used_again", entry_used_again},
    {"chain_across_a_full_ring", chain_across_a_full_ring},
    {"group_across_a_full_ring", group_across_a_full_ring},
    {"chain_longer_than_the_ring", chain_longer_than_the_ring},
    {"many_more_than_the_ring", many_more_than_the_ring},
    {"chain_as_a_group", chain_as_a_group},
    {"partial_results_are_counts", partial_results_are_counts},
    {"last_descriptor_ends_the_context", last_descriptor_ends_the_context},
    {"ids_in_a_ring", ids_in_a_ring},
    {"waits_for_many", waits_for_many},
    {"waits_until_a_point_of_time", waits_until_a_point_of_time},
    {"waits_with_a_mask", waits_with_a_mask},
    {"masks_of_other_calls", masks_of_other_calls},
    {"awaited_by_another", awaited_by_another},
    {"notified_by_a_signal", notified_by_a_signal},
    {"notified_by_an_eventfd", notified_by_an_eventfd},
    {"in_an_epoll", in_an_epoll},
    {"signals_awaited_by_calls", signals_awaited_by_calls},
    {"fork_has_no_queue", fork_has_no_queue},
    {"polled", polled},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
