/* t-asys-nomem [CASE…]: for each operation the first allocation fails, then the second, and so on until it
 * succeeds: each time an error of the right kind, and pages, objects and fibrils as before. Prints how
 * many allocations each operation makes. */
#include <fibril/asyncfd.h>
#include <sys/epoll.h>
#include "force.h"

#define FAILURES_MOST 300

struct operation {
    const char *name;
    long (*run)(void); /* a negative error number, or what to give to `undo` */
    void (*undo)(long result);
    int wanted[3]; /* the errors it may have */
};

static struct asys_entry entries[FORCE_ENTRIES];
static struct asys_event events[FORCE_ENTRIES];
static struct kernel_timespec long_nap = {1000, 0};
static int fds[2], watched_fds[2], ready_context;

static void
close_it(long fd)
{
    sys_close((int)fd);
}

static void
nothing(long result)
{
    (void)result;
}

/* ---- Operations ---- */

static long
submit(void)
{
    static unsigned long args[2];
    args[0] = WORD(&long_nap);
    struct asys_input one = test_input(SYS_nanosleep, 1, 2, args);
    return sys_asys_submit(&one, 1);
}

static void
cancel_own(long taken)
{
    struct asys_completion done;
    check_equal(taken, 1);
    check_equal(asys_cancel_all(), 1);
    check_equal(sys_asys_await_completion(&done), 1);
    check_equal(done.return_code, -ECANCELED);
}

static long
context(void)
{
    return asys_context(NULL);
}

static long
context_with_rings(void)
{
    static struct asys_setup setup;
    setup = (struct asys_setup){
        .flags = ASYS_SETUP_RINGS | ASYS_SETUP_POLL, .submissions = 64, .completions = 512};
    return asys_context(&setup);
}

static void
close_rings(long fd)
{
    sys_close((int)fd);
    test_nap(3);
}

/* The rings of a context that could not be made are not to be seen in memory. */
static long
mappings(void)
{
    char line[200];
    long count = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    while (file && fgets(line, sizeof line, file))
        count++;
    if (file)
        fclose(file);
    return count;
}

static long
enter_nap(void)
{
    asys_call(&entries[0], SYS_nanosleep, &long_nap, NULL);
    return asys_enter(ready_context, entries, 1);
}

static void
cancel_ready(long taken)
{
    struct asys_event event;
    check(taken >= 1);
    asys_cancel_context(ready_context);
    while (asys_collect(ready_context, &event, 1, 1, ASYS_FOREVER) == 1)
        ;
}

/* A chain that is cut ends where it was cut; what was taken of it runs. */
static long
enter_chain(void)
{
    for (int i = 0; i < 3; i++) {
        asys_call(&entries[i], SYS_nanosleep, &long_nap, NULL);
        asys_flag(&entries[i], i < 2 ? ASYS_LINK : 0);
    }
    long taken = asys_enter(ready_context, entries, 3);
    if (taken > 0 && taken < 3) {
        cancel_ready(taken);
        return -EAGAIN;
    }
    return taken;
}

static long
enter_group(void)
{
    for (int i = 0; i < 3; i++) {
        asys_call(&entries[i], SYS_nanosleep, &long_nap, NULL);
        asys_flag(&entries[i], i < 2 ? ASYS_GROUP : 0);
    }
    long taken = asys_enter(ready_context, entries, 3);
    if (taken > 0 && taken < 3) {
        cancel_ready(taken);
        return -EAGAIN;
    }
    return taken;
}

/* What cannot be taken stays in the ring, and is taken when there is memory. */
static struct asys ring;
static long
ring_start(void)
{
    asys_call(asys_next(&ring), SYS_nanosleep, &long_nap, NULL);
    asys_publish(&ring);
    sys_getpid(); /* its return is the pick-up */
    return ring.ring->submission_head == ring.tail ? 1 : -EAGAIN;
}

static void
ring_cancel(long taken)
{
    struct asys_event event;
    sys_getpid(); /* takes what was left */
    check_equal(ring.ring->submission_head, ring.tail);
    check(taken >= 1);
    check_equal(asys_cancel_context(ring.fd), 1);
    check_equal(asys_wait(&ring, &event, ASYS_FOREVER), 1);
    check_equal(event.result, -ECANCELED);
}

static long
cancel_and_collect(void)
{
    enter_nap();
    long cancelled = asys_cancel_context(ready_context);
    long got = asys_collect(ready_context, events, 1, 1, ASYS_FOREVER);
    return cancelled == 1 && got == 1 ? 1 : -EAGAIN;
}

static long
open_file(void)
{
    return sys_open("/demo/newlib-salsa/newlib/libc/stdio/fread.c", O_RDONLY, 0);
}

static long
open_new(void)
{
    return sys_open("/tmp/new-file", O_RDWR | O_CREAT, 0644);
}

static void
unlink_new(long fd)
{
    sys_close((int)fd);
    check_equal(sys_unlink("/tmp/new-file"), 0);
}

static long
fork_child(void)
{
    long pid = sys_fork();
    if (pid == 0)
        sys_exit_group(0);
    return pid;
}

static void
wait_child(long pid)
{
    check_equal(test_wait(pid), 0);
}

static long
map_memory(void)
{
    return kernel_call6(SYS_mmap2, 0, 4 * PAGE, 3, 0x22, -1, 0);
}

static void
unmap_memory(long at)
{
    check_equal(sys_munmap((unsigned long)at, 4 * PAGE), 0);
}

static long
make_pipe(void)
{
    return sys_pipe(fds);
}

static void
close_pipe_both(long result)
{
    (void)result;
    test_close_both(fds);
}

static long
make_sockets(void)
{
    return sys_socketpair(1, 1, 0, fds);
}

static long
make_eventfd(void)
{
    return sys_eventfd2(0, 0);
}

static long
make_timerfd(void)
{
    return sys_timerfd_create(CLOCK_MONOTONIC, 0);
}

static long
make_signalfd(void)
{
    static const unsigned long long mask = 1;
    return sys_signalfd4(-1, &mask, sizeof mask, 0);
}

static long
make_epoll(void)
{
    return sys_epoll_create1(0);
}

/* A pipe's two ends, each under one watch. */
static long
watch(void)
{
    static struct epoll_event event = {.events = EPOLLIN};
    long epoll = sys_epoll_create1(0), result = epoll;
    for (int i = 0; i < 2 && result >= 0; i++)
        result = sys_epoll_ctl((int)epoll, EPOLL_CTL_ADD, watched_fds[i], &event);
    if (epoll >= 0 && result < 0)
        sys_close((int)epoll);
    return result < 0 ? result : epoll;
}

/* An asyncfd with a ring of two pages, and a call that delivers there. */
static struct asyncfd_result results[256];
static struct asyncfd_uring results_ring;

static long
make_asyncfd(void)
{
    memset(results, 0, sizeof results);
    results_ring = (struct asyncfd_uring){.ptr = WORD(results), .size = LENGTH(results)};
    return sys_asyncfd(-1, &results_ring);
}

static long
deliver(void)
{
    long fd = make_asyncfd();
    struct asys_setup setup = {.flags = ASYS_SETUP_ASYNCFD, .notify_fd = (int)fd};
    struct asys_entry entry = {.cookie = 5};
    int bound = fd < 0 ? (int)fd : asys_context(&setup);
    long taken = bound;
    if (bound >= 0) {
        taken = asys_enter(bound, asys_call(&entry, SYS_getpid, 0), 1);
        sys_close(bound);
    }
    if (fd >= 0 && taken < 0)
        sys_close((int)fd);
    check(taken != 1 || results[0].cookie == 5);
    return taken < 0 ? taken : fd;
}

static const struct operation operations[] = {
    {"submit", submit, cancel_own, {-EAGAIN}},
    {"context", context, close_it, {-ENOMEM}},
    {"context-with-rings", context_with_rings, close_rings, {-ENOMEM, -EAGAIN}},
    {"enter", enter_nap, cancel_ready, {-EAGAIN}},
    {"chain", enter_chain, cancel_ready, {-EAGAIN}},
    {"group", enter_group, cancel_ready, {-EAGAIN}},
    {"ring", ring_start, ring_cancel, {-EAGAIN}},
    {"cancel-and-collect", cancel_and_collect, nothing, {-EAGAIN}},
    {"open", open_file, close_it, {-ENOMEM}},
    {"open-new", open_new, unlink_new, {-ENOMEM, -ENOSPC}},
    {"fork", fork_child, wait_child, {-ENOMEM, -EAGAIN}},
    {"mmap", map_memory, unmap_memory, {-ENOMEM}},
    {"pipe", make_pipe, close_pipe_both, {-ENOMEM}},
    {"socketpair", make_sockets, close_pipe_both, {-ENOMEM, -ENOBUFS}},
    {"eventfd", make_eventfd, close_it, {-ENOMEM}},
    {"timerfd", make_timerfd, close_it, {-ENOMEM}},
    {"signalfd", make_signalfd, close_it, {-ENOMEM}},
    {"epoll", make_epoll, close_it, {-ENOMEM}},
    {"watch", watch, close_it, {-ENOMEM}},
    {"asyncfd", make_asyncfd, close_it, {-ENOMEM}},
    {"deliver", deliver, close_it, {-ENOMEM, -EAGAIN}},
    {NULL, NULL, NULL, {0}},
};

/* ---- The Nth fails ---- */

/* Did an allocation of the operation fail? */
static bool
run_failing(const struct operation *operation, unsigned which)
{
    sys_close(ready_context); /* one that has no spare records yet */
    ready_context = asys_context(NULL);
    memset(entries, 0, sizeof entries);
    check(force("fail %u", which) > 0);
    long result = operation->run();
    bool failed = force("off", 0) > 0; /* whose own allocation fails when the operation makes fewer */
    if (!failed)
        force_off();
    else
        failed = force_count("failed") == 1;
    if (!failed) {
        check(result >= 0);
    } else if (result < 0) {
        bool known = false;
        for (int i = 0; i < 3; i++)
            known |= operation->wanted[i] && result == operation->wanted[i];
        if (!known)
            check_failed("allocation %u fails: the result is %ld", which, result);
    }
    if (operation->run == ring_start)
        operation->undo(1);
    else if (result >= 0)
        operation->undo(result);
    return failed;
}

static void
run_operation(const struct operation *operation)
{
    unsigned which = 0, repeats = 0;
    operation->undo(operation->run()); /* what a first time leaves in pools and tables stays there */
    long fibrils = test_fibrils(), maps = mappings();
    while (run_failing(operation, ++which) && which < FAILURES_MOST && !check_failures) {
        check_equal(test_fibrils(), fibrils);
        repeats++;
    }
    if (operation->run != context_with_rings)
        check_equal(mappings(), maps);
    else
        check_equal(mappings(), maps + 1); /* the last one succeeded */
    printf("# %s: %u allocations\n", operation->name, repeats);
    check(repeats > 0 && repeats < FAILURES_MOST);
}

int
main(int argc, char **argv)
{
    int failed = 0;
    force_open();
    ready_context = asys_context(NULL);
    asys_open(&ring, 8);
    test_pipe(watched_fds);
    for (const struct operation *operation = operations; operation->name; operation++) {
        if (argc > 1 && strcmp(argv[1], operation->name))
            continue;
        check_failures = 0;
        run_operation(operation);
        if (check_failures)
            printf("not ok %s: %s (%d failures)\n", operation->name, check_first, check_failures);
        else
            printf("ok %s\n", operation->name);
        fflush(stdout);
        failed += check_failures > 0;
    }
    return failed > 0;
}
