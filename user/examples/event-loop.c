/* event-loop FILE…: one epoll over a timer, a signal, a pipe and the reads of files, which
 * arrive through an asyncfd: what asyncfd was proposed for in 2007. The files are read in
 * pieces, all at once, each piece started as soon as the one before it has come; meanwhile the
 * timer ticks, a child writes into the pipe, and when it ends its signal comes too. Prints each
 * file's size and the sum of its bytes, and at the end what the loop has seen. */
#include <fcntl.h>
#include <fibril/asyncfd.h>
#include <fibril/asys.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECE 4096
#define RESULTS 16

struct reader {
    const char *path;
    int fd;
    unsigned long long size;
    unsigned sum;
    unsigned char bytes[PIECE];
};

static struct {
    int epoll, timer, signals, pipe, results, context;
    struct asyncfd_uring ring;
    struct asyncfd_result slots[RESULTS];
    int readers;     /* that have not come to their end */
    int pipe_open, child_runs;
    unsigned ticks, messages, pieces;
} loop;

static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

static int
made(const char *what, int result)
{
    if (result < 0)
        fail(what);
    return result;
}

static void
watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    made("epoll_ctl", epoll_ctl(loop.epoll, EPOLL_CTL_ADD, fd, &event));
}

/* ---- Files ---- */

/* The cookie is the reader: it comes back with the result. */
static void
read_next(struct reader *reader)
{
    struct asys_entry entry = {.cookie = (uintptr_t)reader};

    asys_call(&entry, SYS_read, reader->fd, reader->bytes, PIECE);
    if (asys_enter(loop.context, &entry, 1) != 1)
        fail("asys_enter");
}

static void
piece_arrived(struct reader *reader, long long size)
{
    loop.pieces++;
    for (long long i = 0; i < size; i++)
        reader->sum = reader->sum * 31 + reader->bytes[i];
    if (size > 0) {
        reader->size += size;
        read_next(reader);
        return;
    }
    printf("%s: %llu bytes, sum %08x%s\n", reader->path, reader->size, reader->sum,
           size < 0 ? ", with an error" : "");
    close(reader->fd);
    free(reader);
    loop.readers--;
}

static void
results_arrived(void)
{
    struct asyncfd_result result;

    while (asyncfd_take(&loop.ring, &result))
        piece_arrived((struct reader *)(uintptr_t)result.cookie, result.res);
}

static void
reader_start(const char *path)
{
    struct reader *reader = calloc(1, sizeof *reader);

    if (!reader)
        fail("calloc");
    reader->path = path;
    reader->fd = made(path, open(path, O_RDONLY));
    loop.readers++;
    read_next(reader);
}

/* ---- Timer, signal, pipe ---- */

static void
timer_expired(void)
{
    unsigned long long count;

    if (read(loop.timer, &count, sizeof count) == sizeof count)
        loop.ticks += count;
}

static void
signal_arrived(void)
{
    struct signalfd_siginfo info;

    if (read(loop.signals, &info, sizeof info) == sizeof info && info.ssi_signo == SIGCHLD) {
        waitpid((pid_t)info.ssi_pid, NULL, 0);
        loop.child_runs = 0;
    }
}

static void
pipe_arrived(void)
{
    char line[64];
    long size = read(loop.pipe, line, sizeof line);

    if (size > 0) {
        loop.messages += size / 5;
        return;
    }
    close(loop.pipe);
    loop.pipe_open = 0;
}

/* ---- The loop ---- */

static void
child_start(void)
{
    int fds[2];

    made("pipe", pipe(fds));
    loop.child_runs = loop.pipe_open = 1;
    if (made("fork", fork()) == 0) {
        for (int i = 0; i < 3; i++) {
            usleep(5000);
            if (write(fds[1], "hello", 5) != 5)
                _exit(1);
        }
        _exit(0);
    }
    close(fds[1]);
    loop.pipe = fds[0];
    watch(loop.pipe);
}

static void
start(void)
{
    struct itimerspec every = {{0, 2000000}, {0, 2000000}};
    struct asys_setup setup = {.flags = ASYS_SETUP_ASYNCFD};
    sigset_t set;

    loop.epoll = made("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
    loop.timer = made("timerfd_create", timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    timerfd_settime(loop.timer, 0, &every, NULL);
    watch(loop.timer);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    loop.signals = made("signalfd", signalfd(-1, &set, SFD_CLOEXEC));
    watch(loop.signals);
    loop.ring = (struct asyncfd_uring){.ptr = (uintptr_t)loop.slots, .size = RESULTS};
    loop.results = made("asyncfd", asyncfd(-1, &loop.ring));
    watch(loop.results);
    setup.notify_fd = loop.results;
    loop.context = asys_context(&setup);
    child_start();
}

static void
dispatch(int fd)
{
    if (fd == loop.results)
        results_arrived();
    else if (fd == loop.timer)
        timer_expired();
    else if (fd == loop.signals)
        signal_arrived();
    else
        pipe_arrived();
}

int
main(int argc, char **argv)
{
    start();
    for (int i = 1; i < argc; i++)
        reader_start(argv[i]);
    while (loop.readers > 0 || loop.child_runs || loop.pipe_open || loop.ticks < 3) {
        struct epoll_event events[4];
        int count = made("epoll_wait", epoll_wait(loop.epoll, events, 4, -1));
        for (int i = 0; i < count; i++)
            dispatch(events[i].data.fd);
    }
    printf("messages=%u child=%d ticks_at_least_3=%d pieces=%u\n", loop.messages, loop.child_runs,
           loop.ticks >= 3, loop.pieces);
    return 0;
}
