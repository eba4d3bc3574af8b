/* t-eventfd [CASE…]: eventfd's numbers and semantics. Also compiles for Linux, where every case
 * has to pass too. */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

#define MOST 0xfffffffffffffffeull

#define check_error(call, number)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long long error_result_ = (call);                                                          \
        if (error_result_ != -1 || errno != (number))                                              \
            check_failed("%s:%d: %s is %lld, errno %d, not %d", __FILE__, __LINE__, #call,         \
                         error_result_, errno, (number));                                          \
    } while (0)

static int
made(unsigned count, int flags)
{
    int fd = eventfd(count, flags);

    if (fd < 0)
        check_failed("eventfd(%u, %d): errno %d", count, flags, errno);
    return fd;
}

static unsigned long long
taken(int fd)
{
    eventfd_t value = 0;

    check_equal(eventfd_read(fd, &value), 0);
    return value;
}

static short
events_of(int fd)
{
    struct pollfd polled = {fd, POLLIN | POLLOUT, 0};

    poll(&polled, 1, 0);
    return polled.revents;
}

/* ---- Cases ---- */

static void
counter(void)
{
    int fd = made(3, EFD_NONBLOCK);
    eventfd_t value = 0;

    check_equal(taken(fd), 3);
    check_error(read(fd, &value, 8), EAGAIN);
    check_equal(eventfd_write(fd, 5), 0);
    check_equal(eventfd_write(fd, 7), 0);
    check_equal(taken(fd), 12);
    check_equal(eventfd_write(fd, 0), 0);
    check_error(read(fd, &value, 8), EAGAIN);
    close(fd);
}

static void
semaphore(void)
{
    int fd = made(2, EFD_NONBLOCK | EFD_SEMAPHORE);
    eventfd_t value = 0;

    check_equal(taken(fd), 1);
    check_equal(eventfd_write(fd, 1), 0);
    check_equal(taken(fd), 1);
    check_equal(taken(fd), 1);
    check_error(read(fd, &value, 8), EAGAIN);
    close(fd);
}

static void
its_limits(void)
{
    int fd = made(0xffffffff, EFD_NONBLOCK);
    eventfd_t value = MOST + 1;

    check_error(write(fd, &value, 8), EINVAL);
    value = MOST;
    check_error(write(fd, &value, 8), EAGAIN);
    value = MOST - 0xffffffff;
    check_equal(write(fd, &value, 8), 8);
    check_equal(events_of(fd), POLLIN);
    value = 1;
    check_error(write(fd, &value, 8), EAGAIN);
    value = 0;
    check_equal(write(fd, &value, 8), 8);
    check_equal(taken(fd) == MOST, 1);
    check_equal(events_of(fd), POLLOUT);
    close(fd);
}

static void
sizes(void)
{
    int fd = made(1, EFD_NONBLOCK);
    unsigned long long values[2] = {9, 9};
    struct iovec halves[2] = {{values, 4}, {(char *)values + 4, 4}};

    check_error(read(fd, values, 7), EINVAL);
    check_error(write(fd, values, 7), EINVAL);
    check_error(write(fd, values, 0), EINVAL);
    check_equal(read(fd, values, 16), 8);
    check_equal(values[0], 1);
    check_equal(values[1], 9);
    check_equal(eventfd_write(fd, 4), 0);
    values[0] = 0;
    check_equal(readv(fd, halves, 2), 8);
    check_equal(values[0], 4);
    close(fd);
}

static void
bad_memory(void)
{
    int fd = made(6, EFD_NONBLOCK);

    check_error(write(fd, (void *)16, 8), EFAULT);
    check_error(read(-1, (void *)16, 8), EBADF);
    check_equal(taken(fd), 6);
    close(fd);
}

static void
flags_and_files(void)
{
    int fd = made(0, EFD_CLOEXEC | EFD_NONBLOCK), copy = dup(fd);
    struct stat status;

    check_error(eventfd(0, 2), EINVAL);
    check_error(eventfd(0, O_RDWR | EFD_NONBLOCK), EINVAL);
    check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    check_equal(fcntl(copy, F_GETFD), 0);
    check_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
    check_error(pread(fd, &status, 8, 0), ESPIPE);
    check_equal(fstat(fd, &status), 0);
    check_equal(status.st_mode & 0777, 0600);
    check_equal(eventfd_write(copy, 4), 0);
    close(copy);
    check_equal(taken(fd), 4);
    close(fd);
}

static void
polled(void)
{
    int fd = made(0, 0);

    check_equal(events_of(fd), POLLOUT);
    check_equal(eventfd_write(fd, 1), 0);
    check_equal(events_of(fd), POLLIN | POLLOUT);
    check_equal(taken(fd), 1);
    check_equal(events_of(fd), POLLOUT);
    close(fd);
}

/* A child waits for what its parent writes, and the other way round. */
static void
waiting(void)
{
    int there = made(0, 0), back = made(0, EFD_SEMAPHORE), status = -1;
    pid_t child = fork();

    if (child == 0) {
        eventfd_t value = 0;
        int bad = eventfd_read(there, &value) != 0 || value != 40;
        bad |= eventfd_write(back, 2) != 0;
        _exit(bad);
    }
    usleep(20000);
    check_equal(eventfd_write(there, 40), 0);
    check_equal(taken(back), 1);
    check_equal(taken(back), 1);
    check_equal(waitpid(child, &status, 0), child);
    check_equal(status, 0);
    close(there);
    close(back);
}

/* Each of several readers gets one of a semaphore that is written once. */
static void
readers_share(void)
{
    enum { READERS = 5 };
    int fd = made(0, EFD_SEMAPHORE), status;
    pid_t children[READERS];

    for (int i = 0; i < READERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            eventfd_t value = 0;
            _exit(eventfd_read(fd, &value) != 0 || value != 1);
        }
    }
    usleep(30000);
    check_equal(eventfd_write(fd, READERS), 0);
    for (int i = 0; i < READERS; i++) {
        check_equal(waitpid(children[i], &status, 0), children[i]);
        check_equal(status, 0);
    }
    check_equal(events_of(fd), POLLOUT);
    close(fd);
}

/* A write that waits for room goes on when somebody has read. */
static void
writer_waits(void)
{
    int fd = made(0, 0), status = -1;
    eventfd_t value = MOST;
    pid_t child;

    check_equal(write(fd, &value, 8), 8);
    child = fork();
    if (child == 0)
        _exit(eventfd_write(fd, 3) != 0);
    usleep(20000);
    check_equal(taken(fd) == MOST, 1);
    check_equal(taken(fd), 3);
    check_equal(waitpid(child, &status, 0), child);
    check_equal(status, 0);
    close(fd);
}

static void
noted(int number)
{
    (void)number;
}

static void
interrupted(void)
{
    int fd = made(0, 0);
    struct sigaction action = {.sa_handler = noted}, old;
    struct itimerval soon = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    eventfd_t value;

    check_equal(sigaction(SIGALRM, &action, &old), 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    check_error(read(fd, &value, 8), EINTR);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &old, NULL);
    close(fd);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"counter", counter},
        {"semaphore", semaphore},
        {"its_limits", its_limits},
        {"sizes", sizes},
        {"bad_memory", bad_memory},
        {"flags_and_files", flags_and_files},
        {"polled", polled},
        {"waiting", waiting},
        {"readers_share", readers_share},
        {"writer_waits", writer_waits},
        {"interrupted", interrupted},
        {NULL, NULL},
    };
    return check_run(cases, argc, argv);
}
