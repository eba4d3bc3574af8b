/* t-fork [CASE]: what a child has of its parent, and what not. Runs on Linux too. */
#include "portable.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

static int
end_with(void *status)
{
    return *(int *)status;
}

static void
exit_codes(void)
{
    for (int code = 0; code < 256; code += 51)
        check_equal(exited(in_child(end_with, &code)), code);
    int beyond = 0x1ff;
    check_equal(exited(in_child(end_with, &beyond)), 255);
}

static int
look_at_ids(void *parent)
{
    return getppid() == *(pid_t *)parent && getpid() != *(pid_t *)parent ? 0 : 1;
}

static void
ids(void)
{
    pid_t self = getpid();

    check_equal(exited(in_child(look_at_ids, &self)), 0);
    check_equal(getpid(), self);
}

/* ---- Memory: each has its own from the first write on ---- */

#define PAGES 64
#define PAGE 4096

static int
write_all(void *memory)
{
    char *bytes = memory;

    for (int page = 0; page < PAGES; page++) {
        if (bytes[page * PAGE] != 1)
            return 1;
        bytes[page * PAGE] = 2;
    }
    for (int page = 0; page < PAGES; page++)
        if (bytes[page * PAGE] != 2)
            return 2;
    return 0;
}

static void
memory_is_copied(void)
{
    char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (int page = 0; page < PAGES; page++)
        memory[page * PAGE] = 1;
    check_equal(exited(in_child(write_all, memory)), 0);
    for (int page = 0; page < PAGES; page++)
        check_equal(memory[page * PAGE], 1);
    munmap(memory, PAGES * PAGE);
}

/* The parent writes first; the child must still see what was there. */
static void
parents_writes_are_not_seen(void)
{
    char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fds[2], status;
    char byte;

    *memory = 'a';
    check(pipe(fds) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? *memory : 0);
    }
    *memory = 'b';
    close(fds[1]);
    check(waitpid(pid, &status, 0) == pid);
    check_equal(exited(status), 'a');
    close(fds[0]);
    munmap(memory, PAGE);
}

static int
add_hundred(void *memory)
{
    *(int *)memory += 100;
    return 0;
}

static void
shared_memory_is_shared(void)
{
    int *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    check(memory != MAP_FAILED);
    *memory = 1;
    check_equal(exited(in_child(add_hundred, memory)), 0);
    check_equal(*memory, 101);
    munmap(memory, PAGE);
}

/* A value that goes through five generations, each of which changes it. */
static void
generations(void)
{
    static int value = 1;
    int status;

    for (int depth = 0; depth < 5; depth++) {
        pid_t pid = fork();
        if (pid != 0) {
            check(waitpid(pid, &status, 0) == pid);
            if (depth == 0)
                check_equal(exited(status), 32);
            else
                _exit(exited(status));
            return;
        }
        value *= 2;
    }
    _exit(value);
}

/* ---- Files ---- */

static int
read_three(void *fd)
{
    char bytes[3];

    return read(*(int *)fd, bytes, 3) == 3 && memcmp(bytes, "abc", 3) == 0 ? 0 : 1;
}

static void
positions_are_shared(void)
{
    char byte;
    int fd = open("/tmp/t-fork", O_CREAT | O_RDWR | O_TRUNC, 0600);

    check(write(fd, "abcdef", 6) == 6);
    check_equal(lseek(fd, 0, SEEK_SET), 0);
    check_equal(exited(in_child(read_three, &fd)), 0);
    check(read(fd, &byte, 1) == 1);
    check_equal(byte, 'd');
    close(fd);
    unlink("/tmp/t-fork");
}

static int
close_it(void *fd)
{
    return close(*(int *)fd);
}

static void
descriptors_are_copied(void)
{
    int fds[2];

    check(pipe(fds) == 0);
    check_equal(exited(in_child(close_it, &fds[0])), 0);
    check_equal(close(fds[0]), 0);
    check_equal(close(fds[1]), 0);
}

static int
change_directory(void *unused UNUSED)
{
    umask(077);
    return chdir("/");
}

static void
directory_and_umask_are_copied(void)
{
    char before[256], after[256];
    mode_t old = umask(027);

    check(chdir("/tmp") == 0);
    check(getcwd(before, sizeof before) != NULL);
    check_equal(exited(in_child(change_directory, NULL)), 0);
    check(getcwd(after, sizeof after) != NULL);
    check(strcmp(before, after) == 0);
    check_equal(umask(old), 027);
}

/* ---- Signals ---- */

static volatile sig_atomic_t handled;

static void
count(int number UNUSED)
{
    handled++;
}

static int
signals_of_child(void *unused UNUSED)
{
    sigset_t mask;
    struct itimerval timer;

    sigprocmask(SIG_SETMASK, NULL, &mask);
    if (!sigismember(&mask, SIGUSR2) || is_pending(SIGUSR2))
        return 1;
    raise(SIGUSR1);
    if (handled != 1)
        return 2;
    getitimer(ITIMER_REAL, &timer);
    return timer.it_value.tv_sec || timer.it_value.tv_usec ? 3 : 0;
}

static void
masks_and_handlers_pass_on_but_nothing_pending(void)
{
    struct itimerval timer = {.it_value = {100, 0}}, none = {.it_value = {0, 0}};

    handled = 0;
    handle(SIGUSR1, count, 0);
    handle(SIGUSR2, count, 0);
    block(SIGUSR2);
    raise(SIGUSR2);
    check(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    check_equal(exited(in_child(signals_of_child, NULL)), 0);
    check(setitimer(ITIMER_REAL, &none, NULL) == 0);
    check_equal(handled, 0);
    unblock(SIGUSR2);
    check_equal(handled, 1);
    handle(SIGUSR1, SIG_DFL, 0);
    handle(SIGUSR2, SIG_DFL, 0);
}

/* ---- Many, and orphans ---- */

static void
two_hundred_at_once(void)
{
    enum { MANY = 200 };
    pid_t pids[MANY];
    int fds[2], sum = 0, status;
    char byte;

    check(pipe(fds) == 0);
    for (int i = 0; i < MANY; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            close(fds[1]);
            _exit(read(fds[0], &byte, 1) == 0 ? i % 100 : 255);
        }
        check(pids[i] > 0);
    }
    close(fds[1]);
    for (int i = 0; i < MANY; i++) {
        check(waitpid(pids[i], &status, 0) == pids[i]);
        sum += exited(status);
    }
    check_equal(sum, 2 * 4950);
    close(fds[0]);
}

static int
leave_an_orphan(void *fds)
{
    int *ends = fds;
    pid_t parent = getpid();

    if (fork() == 0) {
        while (getppid() == parent)
            nap_ms(1);
        _exit(write(ends[1], "o", 1) != 1);
    }
    return 0;
}

static void
orphans_go_on(void)
{
    int fds[2];
    char byte = 0;

    check(pipe(fds) == 0);
    check_equal(exited(in_child(leave_an_orphan, fds)), 0);
    close(fds[1]);
    check(read(fds[0], &byte, 1) == 1);
    check_equal(byte, 'o');
    check_equal(error_of(waitpid(-1, NULL, WNOHANG)), ECHILD);
    close(fds[0]);
}

static void
vfork_waits_and_shares(void)
{
    static volatile int shared;
    int status;
    pid_t pid = vfork();

    if (pid == 0) {
        shared = 7;
        _exit(9);
    }
    check_equal(shared, 7);
    check(waitpid(pid, &status, 0) == pid);
    check_equal(exited(status), 9);
}

static void
floating_point_goes_along(void)
{
    volatile double quarter = 0.25;
    double held = quarter * 20; /* in a register, where the compiler likes that */
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(held == quarter * 20 ? 0 : 1);
    check(waitpid(pid, &status, 0) == pid);
    check_equal(exited(status), 0);
    check(held == quarter * 20);
}

static int
times_and_limits(void *unused UNUSED)
{
    struct rusage usage;
    struct rlimit limit;

    getrusage(RUSAGE_SELF, &usage);
    if (usage.ru_utime.tv_sec > 0)
        return 1;
    getrlimit(RLIMIT_CORE, &limit);
    return limit.rlim_cur == 4096 ? 0 : 2;
}

static void
limits_pass_on_and_times_do_not(void)
{
    struct rlimit old, limit;

    getrlimit(RLIMIT_CORE, &old);
    limit = old;
    limit.rlim_cur = 4096;
    if (limit.rlim_max < 4096)
        return;
    check(setrlimit(RLIMIT_CORE, &limit) == 0);
    check_equal(exited(in_child(times_and_limits, NULL)), 0);
    check(setrlimit(RLIMIT_CORE, &old) == 0);
}

static const struct check_case cases[] = {
    {"exit-codes", exit_codes},
    {"ids", ids},
    {"memory-is-copied", memory_is_copied},
    {"parents-writes-are-not-seen", parents_writes_are_not_seen},
    {"shared-memory-is-shared", shared_memory_is_shared},
    {"generations", generations},
    {"positions-are-shared", positions_are_shared},
    {"descriptors-are-copied", descriptors_are_copied},
    {"directory-and-umask-are-copied", directory_and_umask_are_copied},
    {"masks-and-handlers-pass-on-but-nothing-pending",
     masks_and_handlers_pass_on_but_nothing_pending},
    {"two-hundred-at-once", two_hundred_at_once},
    {"orphans-go-on", orphans_go_on},
    {"vfork-waits-and-shares", vfork_waits_and_shares},
    {"floating-point-goes-along", floating_point_goes_along},
    {"limits-pass-on-and-times-do-not", limits_pass_on_and_times_do_not},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
