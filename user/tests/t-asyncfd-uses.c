/* t-asyncfd-uses [CASE…]: asyncfd under epoll, what a hostile program may do to its ring, and who delivers
 * there beside plain calls. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include "aio_test.h"
#include "asyncfd_test.h"

/* ---- Under epoll ---- */

static void
under_epoll(void)
{
    struct bound bound = bound_new(2);
    int level = epoll_create1(0), edge = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    long pid = sys_getpid();

    check_equal(epoll_ctl(level, EPOLL_CTL_ADD, bound.fd, &event), 0);
    event.events |= EPOLLET;
    check_equal(epoll_ctl(edge, EPOLL_CTL_ADD, bound.fd, &event), 0);
    check_equal(epoll_wait(level, &event, 1, 0), 0);
    results_come(&bound, 1, 1);
    check_equal(epoll_wait(level, &event, 1, 0), 1);
    check_equal(epoll_wait(level, &event, 1, 0), 1);
    check_equal(epoll_wait(edge, &event, 1, 0), 1);
    check_equal(epoll_wait(edge, &event, 1, 0), 0);
    results_come(&bound, 2, 3);
    check_equal(epoll_wait(edge, &event, 1, 0), 1);
    expect(&bound, 1, pid);
    expect(&bound, 2, pid);
    check_equal(epoll_wait(edge, &event, 1, 1000), 1); /* the one that had waited for room */
    expect(&bound, 3, pid);
    check_equal(epoll_wait(level, &event, 1, 0), 0);
    check_equal(start(bound.context, SYS_nanosleep, WORD(&short_nap), 0, 0, 4), 1);
    check_equal(epoll_wait(level, &event, 1, -1), 1);
    expect(&bound, 4, 0);
    sys_close(level);
    sys_close(edge);
    bound_end(&bound);
}

/* Contexts are polled too, and epolls and asyncfds by each other's calls. */
static void
each_other(void)
{
    struct bound bound = bound_new(8);
    int epoll = epoll_create1(0), own = asys_context(NULL);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 1}, got[2];
    struct asys_entry wait = entry_of(SYS_epoll_wait, epoll, WORD(got), 2, 1);
    struct asys_event done;

    wait.argument[3] = -1u;
    check_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, bound.fd, &event), 0);
    event.data.u32 = 2;
    check_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, own, &event), 0);
    check_equal(asys_enter(bound.context, &wait, 1), 1);
    check_equal(start(own, SYS_getpid, 0, 0, 0, 5), 1);
    test_nap(5);
    check_equal(got[0].data.u32, 2);
    expect(&bound, 1, 1);
    check_equal(asys_collect(own, &done, 1, 1, ASYS_FOREVER), 1);
    sys_close(own);
    sys_close(epoll);
    bound_end(&bound);
}

/* ---- Hostile ---- */

static void
overwritten(void)
{
    struct bound bound = bound_new(16);
    long pid = sys_getpid();

    for (int round = 0; round < 200; round++) {
        unsigned *words = (unsigned *)bound.ring;
        for (unsigned i = 0; i < 5; i++)
            words[i] = test_random();
        for (unsigned i = 0; i < 16 * 8; i++)
            ((unsigned *)bound.results)[i] = test_random() & test_random();
        results_come(&bound, 1, 3);
        events_of(bound.fd);
    }
    memset(bound.results, 0, 16 * sizeof(struct asyncfd_result));
    *bound.ring = (struct asyncfd_uring){.ptr = WORD(bound.results), .size = 16};
    check_equal(sys_asyncfd(bound.fd, bound.ring), bound.fd);
    for (unsigned i = 0, next = 0; i < 600 && events_of(bound.fd) == POLLIN; i++) {
        struct asyncfd_result result;
        if (!asyncfd_take(bound.ring, &result))
            break;
        check(result.res == pid && result.cookie >= 1 && result.cookie <= 3);
        check(next == 0 || result.cookie == next); /* in order, none twice */
        next = result.cookie % 3 + 1;
    }
    expect_nothing(&bound);
    bound_end(&bound);
}

/* Not writable when it is registered: refused; later: the program's own affair. */
static void
read_only(void)
{
    struct bound bound = bound_new(16);
    long pid = sys_getpid();
    void *other = test_map(PAGE);

    check_equal(mprotect(bound.ring, bound.bytes, PROT_READ), 0);
    results_come(&bound, 1, 2);
    check_equal(events_of(bound.fd), POLLIN);
    check_equal(bound.results[1].res, pid);
    check_equal(sys_asyncfd(bound.fd, bound.ring), -EFAULT);
    check_equal(mprotect(bound.ring, bound.bytes, PROT_READ | PROT_WRITE), 0);
    expect(&bound, 1, pid);
    expect(&bound, 2, pid);
    munmap(other, PAGE);
    bound_end(&bound);
}

/* A ring that lies across pages, not aligned to its results. */
static void
across_pages(void)
{
    char *memory = test_map(4 * PAGE);
    struct asyncfd_uring *ring = (struct asyncfd_uring *)(memory + PAGE - 12);
    struct bound bound = {.ring = ring};
    long pid = sys_getpid();

    *ring = (struct asyncfd_uring){.ptr = WORD(memory) + 2 * PAGE - 20, .size = 3};
    bound.fd = (int)sys_asyncfd(-1, ring);
    bound.context = context_for(bound.fd, 0);
    for (unsigned i = 1; i <= 20; i++) {
        results_come(&bound, i, i);
        expect(&bound, i, pid);
    }
    sys_close(bound.context);
    sys_close(bound.fd);
    munmap(memory, 4 * PAGE);
}

/* Each of the calls gives one result, though their context goes. */
static void
context_destroyed(void)
{
    enum { CALLS = 500 };
    struct bound bound = bound_new(64);
    bool seen[CALLS + 1] = {false};
    unsigned count = 0;

    for (unsigned i = 1; i <= CALLS; i++)
        check_equal(start(bound.context, SYS_nanosleep, WORD(&long_nap), 0, 0, i), 1);
    sys_close(bound.context);
    while (count < CALLS && events_of(bound.fd) == POLLIN) {
        struct asyncfd_result result;
        while (asyncfd_take(bound.ring, &result)) {
            check(result.cookie <= CALLS && !seen[result.cookie] && result.res == -ECANCELED);
            seen[result.cookie % (CALLS + 1)] = true;
            count++;
        }
        test_nap(1);
    }
    check_equal(count, CALLS);
    bound.context = context_for(bound.fd, 0);
    bound_end(&bound);
}

/* The process ends with results waiting, calls in progress and the ring unmapped. */
static void
end_with_everything(void)
{
    int status;
    long child = sys_fork();

    if (child == 0) {
        struct bound bound = bound_new(2);
        results_come(&bound, 1, 100);
        for (unsigned i = 1; i <= 100; i++)
            start(bound.context, SYS_nanosleep, WORD(&long_nap), 0, 0, i);
        munmap(bound.ring, bound.bytes);
        sys_exit_group(3);
    }
    check_equal(sys_wait4(child, &status, 0, NULL), child);
    check_equal(status, 3 << 8);
}

static void
setups(void)
{
    struct bound bound = bound_new(2);
    struct asys_setup setup = {.flags = ASYS_SETUP_ASYNCFD, .notify_fd = 0};

    check_equal(asys_context(&setup), -EINVAL);
    setup.notify_fd = 999;
    check_equal(asys_context(&setup), -EBADF);
    setup.notify_fd = bound.fd;
    setup.flags |= ASYS_SETUP_EVENTFD;
    check_equal(asys_context(&setup), -EINVAL);
    check_equal(context_for(bound.fd, 0x400), -EINVAL);
    bound_end(&bound);
}

/* Groups, chains and quiet entries give what they would give a context. */
static void
groups(void)
{
    struct bound bound = bound_new(8);
    struct asys_entry entries[3] = {entry_of(SYS_getpid, 0, 0, 0, 1),
                                    entry_of(SYS_close, 999, 0, 0, 2),
                                    entry_of(SYS_getpid, 0, 0, 0, 3)};

    entries[0].flags = entries[1].flags = ASYS_GROUP;
    check_equal(asys_enter(bound.context, entries, 3), 3);
    expect(&bound, 3, -EBADF);
    entries[0].flags = entries[1].flags = entries[2].flags = ASYS_QUIET;
    check_equal(asys_enter(bound.context, entries, 3), 3);
    expect(&bound, 2, -EBADF);
    expect_nothing(&bound);
    bound_end(&bound);
}

/* Kernel AIO's requests name an asyncfd as they name an eventfd: it gets the event too. */
static void
of_kernel_aio(void)
{
    struct bound bound = bound_new(4);
    int file = (int)sys_open("/bin/walk", O_RDONLY, 0);
    unsigned id = aio_setup(16);
    static char bytes[8][512];
    struct iocb iocbs[8], *list[8];

    for (unsigned i = 0; i < 8; i++) {
        iocbs[i] = aio_request(IOCB_CMD_PREAD, file, bytes[i], 512, 512 * i);
        iocbs[i].aio_flags = IOCB_FLAG_RESFD;
        iocbs[i].aio_resfd = bound.fd;
        iocbs[i].aio_data = i + 1;
        list[i] = &iocbs[i];
    }
    check_equal(sys_io_submit(id, 8, list), 8);
    for (unsigned i = 0, count = 0; count < 8 && i < 1000; i++) {
        struct asyncfd_result result;
        struct pollfd polled = {bound.fd, POLLIN, 0};
        poll(&polled, 1, 1000);
        while (asyncfd_take(bound.ring, &result)) {
            check(result.cookie >= 1 && result.cookie <= 8);
            check(result.res == 512 && result.res2 == 0);
            check_equal(result.obj, WORD(&iocbs[result.cookie - 1]));
            count++;
        }
        check(count == 8 || i < 999);
    }
    for (unsigned i = 0; i < 8; i++) {
        struct io_event event;
        check_equal(sys_io_getevents(id, 1, 1, &event, NULL), 1);
    }
    iocbs[0].aio_data = 0;
    check_equal(aio_submit(id, &iocbs[0]), -EINVAL);
    iocbs[1].aio_resfd = file;
    check_equal(aio_submit(id, &iocbs[1]), -EINVAL);
    iocbs[1].aio_resfd = 999;
    check_equal(aio_submit(id, &iocbs[1]), -EBADF);
    iocbs[2].aio_buf = WORD(NOWHERE);
    check_equal(aio_submit(id, &iocbs[2]), 1);
    check_equal(sys_io_destroy(id), 0);
    expect(&bound, 3, -EFAULT);
    expect_nothing(&bound);
    sys_close(file);
    bound_end(&bound);
}

/* ---- A context's other ways of telling ---- */

static void
eventfd_is_told(void)
{
    int event = eventfd(0, EFD_NONBLOCK);
    struct asys_setup setup = {.flags = ASYS_SETUP_EVENTFD, .notify_fd = event};
    int context = asys_context(&setup);
    struct asys_event done;
    eventfd_t value = 0;
    int fds[2];
    char byte;

    check(context >= 0);
    check_equal(start(context, SYS_getpid, 0, 0, 0, 1), 1);
    check_equal(start(context, SYS_getpid, 0, 0, 0, 2), 1);
    check_equal(eventfd_read(event, &value), 0);
    check_equal(value, 1); /* when it became non-empty */
    check_equal(asys_collect(context, &done, 1, 1, 0), 1);
    check_equal(asys_collect(context, &done, 1, 1, 0), 1);
    test_pipe(fds);
    check_equal(start(context, SYS_read, fds[0], WORD(&byte), 1, 3), 1);
    check_equal(eventfd_read(event, &value), -1);
    check_equal(sys_write(fds[1], "x", 1), 1);
    check_equal(asys_collect(context, &done, 1, 1, ASYS_FOREVER), 1);
    check_equal(eventfd_read(event, &value), 0);
    check_equal(value, 1);
    test_close_both(fds);
    sys_close(context);
    sys_close(event);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"under_epoll", under_epoll},
        {"each_other", each_other},
        {"overwritten", overwritten},
        {"read_only", read_only},
        {"across_pages", across_pages},
        {"context_destroyed", context_destroyed},
        {"end_with_everything", end_with_everything},
        {"setups", setups},
        {"groups", groups},
        {"of_kernel_aio", of_kernel_aio},
        {"eventfd_is_told", eventfd_is_told},
        {NULL, NULL},
    };
    return check_run(cases, argc, argv);
}
