/* For test programs: /proc/force (kernel/async/force.c), and kinds of calls that block, each of which is
 * prepared anew, started in the background, and fed with what it waits for. */
#ifndef TESTS_FORCE_H
#define TESTS_FORCE_H

#include <poll.h>
#include <sys/stat.h>
#include "test.h"

#define FORCE_ENTRIES 6

static int force_fd = -1;

static TEST_UNUSED void
force_open(void)
{
    force_fd = sys_open("/proc/force", O_WRONLY, 0);
    check(force_fd >= 0);
}

static TEST_UNUSED long
force(const char *format, unsigned number)
{
    char line[40];
    return sys_write(force_fd, line, (unsigned long)snprintf(line, sizeof line, format, number));
}

static TEST_UNUSED long
force_count(const char *word)
{
    return test_read_number("/proc/force", word);
}

static TEST_UNUSED void
force_off(void)
{
    check(force("off", 0) > 0);
}

/* ---- Kinds ---- */

struct force_kind {
    const char *name;
    unsigned (*prepare)(struct asys_entry *entries); /* how many; their cookies are made elsewhere */
    void (*feed)(void);                              /* may be NULL */
    void (*verify)(const int *results, bool whole);   /* whole: nothing was cancelled; may be NULL */
    void (*finish)(void);                            /* may be NULL */
    unsigned completions;                            /* 0: one for each entry */
    int may_fail;                                    /* beside what a cancelled call says */
};

static int kind_fds[2], kind_file = -1, kind_allowed;
static long kind_child;
static char kind_buffers[FORCE_ENTRIES][8192];
static char *kind_memory;
static struct pollfd kind_poll;
static int kind_word, kind_status;
static struct asys_event kind_event;
static int kind_context;
static struct kernel_stat kind_stat;
#define KIND_FILE "/mnt/0/bin/walk" /* on a disk of its own, which the cache has to read */

static void
kind_cold(void)
{
    test_write_file("/proc/sys/vm/drop_caches", "3");
}

static unsigned
read_disk(struct asys_entry *entries)
{
    kind_file = sys_open(KIND_FILE, O_RDONLY, 0);
    kind_cold();
    asys_call(&entries[0], SYS_pread64, kind_file, kind_buffers[0], 8192, 16384);
    return 1;
}

static void
close_file(void)
{
    sys_close(kind_file);
}

static void
check_8192(const int *results, bool whole)
{
    if (whole)
        check_equal(results[0], 8192);
    check(results[0] <= 8192);
}

static unsigned
path_on_disk(struct asys_entry *entries)
{
    kind_cold();
    asys_call(&entries[0], SYS_stat64, "/mnt/0/demo/newlib-salsa/newlib/libc/stdio/fread.c", &kind_stat);
    return 1;
}

/* The second wants the position of the file, which the first has locked. */
static unsigned
lock_of_a_file(struct asys_entry *entries)
{
    kind_file = sys_open(KIND_FILE, O_RDONLY, 0);
    kind_cold();
    asys_call(&entries[0], SYS_read, kind_file, kind_buffers[0], 8192);
    asys_call(&entries[1], SYS_read, kind_file, kind_buffers[1], 8192);
    asys_call(&entries[2], SYS_lseek, kind_file, 0, 1);
    return 3;
}

static void
check_position(const int *results, bool whole)
{
    int position = (int)sys_lseek(kind_file, 0, 1), bytes = 0;
    for (int i = 0; i < 2; i++)
        bytes += results[i] > 0 ? results[i] : 0;
    check_equal(position, bytes);
    if (whole)
        check_equal(bytes, 16384);
}

/* What is written lies in a file that is shown in memory and must be read first. */
static unsigned
fault_in_the_copy(struct asys_entry *entries)
{
    test_pipe(kind_fds);
    kind_file = sys_open(KIND_FILE, O_RDONLY, 0);
    kind_memory = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, kind_file, 32768);
    check(kind_memory != MAP_FAILED);
    kind_cold();
    asys_call(&entries[0], SYS_write, kind_fds[1], kind_memory, 8192);
    return 1;
}

static void
close_memory(void)
{
    munmap(kind_memory, 8192);
    sys_close(kind_file);
    test_close_both(kind_fds);
}

/* What a cancelled one has written it says. */
static void
check_in_pipe(const int *results, bool whole)
{
    kind_poll = (struct pollfd){kind_fds[0], POLLIN, 0};
    long there = sys_poll(&kind_poll, 1, 0) ? sys_read(kind_fds[0], kind_buffers[5], 8192) : 0;
    check_equal(there, results[0] > 0 ? results[0] : 0);
    if (whole)
        check_equal(there, 8192);
}

static unsigned
read_pipe(struct asys_entry *entries)
{
    test_pipe(kind_fds);
    asys_call(&entries[0], SYS_read, kind_fds[0], kind_buffers[0], 10);
    return 1;
}

static void
feed_pipe(void)
{
    check_equal(sys_write(kind_fds[1], "x", 1), 1);
}

static void
close_pipe(void)
{
    test_close_both(kind_fds);
}

/* The byte is either read or still there. */
static void
check_byte(const int *results, bool whole)
{
    kind_poll = (struct pollfd){kind_fds[0], POLLIN, 0};
    check_equal(sys_poll(&kind_poll, 1, 0), results[0] == 1 ? 0 : 1);
    if (whole)
        check_equal(results[0], 1);
}

static unsigned
write_full_pipe(struct asys_entry *entries)
{
    test_pipe(kind_fds);
    for (int i = 0; i < 16; i++)
        sys_write(kind_fds[1], kind_buffers[5], 4096);
    asys_call(&entries[0], SYS_write, kind_fds[1], kind_buffers[0], 8192);
    return 1;
}

static void
feed_full_pipe(void)
{
    for (int i = 0; i < 8; i++)
        check_equal(sys_read(kind_fds[0], kind_buffers[5], 8192), 8192);
}

static unsigned
poll_pipe(struct asys_entry *entries)
{
    test_pipe(kind_fds);
    kind_poll = (struct pollfd){kind_fds[0], POLLIN, 0};
    asys_call(&entries[0], SYS_poll, &kind_poll, 1, -1);
    return 1;
}

static void
check_one(const int *results, bool whole)
{
    if (whole || results[0] >= 0)
        check_equal(results[0], 1);
}

static void
check_zero(const int *results, bool whole)
{
    if (whole || results[0] >= 0)
        check_equal(results[0], 0);
}

static unsigned
nap(struct asys_entry *entries)
{
    static struct kernel_timespec time = {0, 3 * MILLISECOND};
    asys_call(&entries[0], SYS_nanosleep, &time, NULL);
    return 1;
}

static unsigned
wait_for_child(struct asys_entry *entries)
{
    kind_child = sys_fork();
    if (kind_child == 0) {
        test_nap(3);
        sys_exit_group(5);
    }
    asys_call(&entries[0], SYS_wait4, kind_child, &kind_status, 0, 0);
    return 1;
}

/* A child that was not reported is still to be waited for. */
static void
check_child(const int *results, bool whole)
{
    if (whole || results[0] > 0) {
        check_equal(results[0], kind_child);
        check_equal(kind_status, 5 << 8);
    } else {
        check_equal(test_wait(kind_child), 5 << 8);
    }
}

static unsigned
wait_on_futex(struct asys_entry *entries)
{
    kind_word = 0;
    asys_call(&entries[0], SYS_futex, &kind_word, 128, 0, 0, 0, 0);
    return 1;
}

static void
feed_futex(void)
{
    kind_word = 1;
    sys_futex(WORD(&kind_word), 129, 1, 0, 0, 0);
}

static unsigned
read_socket(struct asys_entry *entries)
{
    check_equal(sys_socketpair(1, 1, 0, kind_fds), 0);
    asys_call(&entries[0], SYS_read, kind_fds[0], kind_buffers[0], 10);
    return 1;
}

static unsigned
wait_on_epoll(struct asys_entry *entries)
{
    static char event[12]; /* struct epoll_event: its bytes do not matter here */
    const unsigned wanted[3] = {POLLIN, 0, 0};
    test_pipe(kind_fds);
    kind_file = (int)sys_epoll_create1(0);
    check_equal(sys_epoll_ctl(kind_file, 1, kind_fds[0], (void *)wanted), 0);
    asys_call(&entries[0], SYS_epoll_wait, kind_file, event, 1, -1);
    return 1;
}

static void
close_epoll(void)
{
    sys_close(kind_file);
    test_close_both(kind_fds);
}

/* A call of one context waits for one of another. */
static unsigned
collect_another(struct asys_entry *entries)
{
    struct asys_entry inner = {.cookie = 9};
    test_pipe(kind_fds);
    kind_context = asys_context(NULL);
    asys_call(&inner, SYS_read, kind_fds[0], kind_buffers[0], 1);
    check_equal(asys_enter(kind_context, &inner, 1), 1);
    asys_call(&entries[0], SYS_asys_collect, kind_context, &kind_event, NULL);
    return 1;
}

static void
check_inner(const int *results, bool whole)
{
    check_one(results, whole);
    if (results[0] < 0) /* it lies there still */
        check_equal(asys_collect(kind_context, &kind_event, 1, 1, ASYS_FOREVER), 1);
    check_equal(kind_event.cookie, 9);
    check(kind_event.result == 1 || (!whole && kind_event.result == -EINTR));
}

static void
close_another(void)
{
    sys_close(kind_context);
    test_close_both(kind_fds);
}

static unsigned
chain(struct asys_entry *entries)
{
    kind_file = (int)sys_open("/dev/null", O_RDONLY, 0);
    sys_close(kind_file); /* the number that the next one will have */
    kind_cold();
    asys_call(&entries[0], SYS_openat, AT_FDCWD, "/mnt/0/demo/newlib-salsa/newlib/libc/stdio/fread.c",
              O_RDONLY);
    asys_call(&entries[1], SYS_fstat64, asys_result(1), &kind_stat);
    asys_call(&entries[2], SYS_read, asys_result(2), kind_buffers[2], 4096);
    asys_call(&entries[3], SYS_close, asys_result(3));
    for (int i = 0; i < 4; i++)
        asys_flag(&entries[i], i < 3 ? ASYS_LINK : ASYS_ALWAYS);
    return 4;
}

/* Nothing is open that was not before. */
static void
check_chain(const int *results, bool whole)
{
    int fd = (int)sys_open("/dev/null", O_RDONLY, 0);
    check_equal(fd, kind_file);
    sys_close(fd);
    check_equal(results[3], results[0] >= 0 ? 0 : -EBADF);
    for (int i = 0; whole && i < 4; i++)
        check(results[i] >= 0);
}

static unsigned
group(struct asys_entry *entries)
{
    static struct kernel_timespec time = {0, 2 * MILLISECOND};
    test_pipe(kind_fds);
    asys_call(&entries[0], SYS_nanosleep, &time, NULL);
    asys_call(&entries[1], SYS_read, kind_fds[0], kind_buffers[0], 1);
    asys_call(&entries[2], SYS_getpid);
    asys_flag(&entries[0], ASYS_GROUP);
    asys_flag(&entries[1], ASYS_GROUP);
    return 3;
}

static void
check_group(const int *results, bool whole)
{
    if (whole)
        check_equal(results[2], 0);
}

static const struct force_kind force_kinds[] = {
    {"disk-read", read_disk, NULL, check_8192, close_file, 0, 0},
    {"path-on-disk", path_on_disk, NULL, check_zero, NULL, 0, 0},
    {"lock", lock_of_a_file, NULL, check_position, close_file, 0, 0},
    {"fault-in-copy", fault_in_the_copy, NULL, check_in_pipe, close_memory, 0, 0},
    {"pipe-read", read_pipe, feed_pipe, check_byte, close_pipe, 0, 0},
    {"pipe-write", write_full_pipe, feed_full_pipe, check_in_pipe, close_pipe, 0, 0},
    {"poll", poll_pipe, feed_pipe, check_one, close_pipe, 0, 0},
    {"nanosleep", nap, NULL, check_zero, NULL, 0, 0},
    {"wait4", wait_for_child, NULL, check_child, NULL, 0, 0},
    {"futex", wait_on_futex, feed_futex, check_zero, NULL, 0, 0},
    {"socket-read", read_socket, feed_pipe, check_byte, close_pipe, 0, 0},
    {"epoll", wait_on_epoll, feed_pipe, check_one, close_epoll, 0, 0},
    {"collect", collect_another, feed_pipe, check_inner, close_another, 0, 0},
    {"chain", chain, NULL, check_chain, NULL, 0, -EBADF},
    {"group", group, feed_pipe, check_group, close_pipe, 1, 0},
    {NULL, NULL, NULL, NULL, NULL, 0, 0},
};

static TEST_UNUSED unsigned
kind_prepare(const struct force_kind *kind, struct asys_entry *entries)
{
    memset(entries, 0, FORCE_ENTRIES * sizeof entries[0]);
    unsigned count = kind->prepare(entries);
    for (unsigned i = 0; i < count; i++)
        entries[i].cookie = i;
    return count;
}

/* Collects until nothing more will come: each completion once, and of a cancelled call what a cancelled
 * call may say. */
static TEST_UNUSED void
kind_collect(const struct force_kind *kind, int context, unsigned count, bool whole)
{
    int results[FORCE_ENTRIES] = {0};
    unsigned seen[FORCE_ENTRIES] = {0}, all = 0;
    struct asys_event event;
    long got;
    while ((got = asys_collect(context, &event, 1, 1, 5000000000ull)) == 1) {
        check(event.cookie < count && seen[event.cookie]++ == 0);
        results[event.cookie % FORCE_ENTRIES] = event.result;
        if (whole ? event.result < 0
                  : event.result < 0 && event.result != -ECANCELED && event.result != -EINTR &&
                        event.result != kind->may_fail && event.result != kind_allowed)
            check_failed("call %u ended with %d", (unsigned)event.cookie, event.result);
        all++;
    }
    check_equal(got, -EDEADLK);
    check_equal(all, kind->completions ? kind->completions : count);
    if (kind->verify)
        kind->verify(results, whole);
}

#endif
