/* t-pipes [CASE]: pipes under load: whole writes up to PIPE_BUF, waiting and being interrupted, ends that
 * close, descriptors that are passed on, tee, splice, sendfile. Runs on Linux too. */
#include "signals.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define BUF 4096 /* PIPE_BUF */
#define CAPACITY 65536

static char block_of[2 * CAPACITY];

static void
pipe_of(int fds[2], int flags)
{
    check(pipe2(fds, flags) == 0);
}

static void
close_both(int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static int
start(int (*function)(void *), void *argument)
{
    fflush(stdout);
    pid_t pid = fork();

    if (pid == 0)
        _exit(function(argument));
    check(pid > 0);
    return pid;
}

static int
status_of(int pid)
{
    int status = -1;

    check(waitpid(pid, &status, 0) == pid);
    return exited(status);
}

static void
refused(void)
{
    int fds[2];
    char byte;

    show(pipe2(fds, 12345678));
    show(syscall(SYS_pipe, (int *)16));
    show(syscall(SYS_pipe2, (int *)16, 0));
    pipe_of(fds, O_CLOEXEC);
    show(fcntl(fds[0], F_GETFD));
    show(read(fds[1], &byte, 1));
    show(write(fds[0], &byte, 1));
    show(lseek(fds[0], 0, SEEK_SET));
    show(pread(fds[0], &byte, 1, 0));
    show(pwrite(fds[1], &byte, 1, 0));
    show(ftruncate(fds[1], 0));
    show(fsync(fds[1]));
    show(read(fds[0], &byte, 0));
    show(write(fds[1], &byte, 0));
    show(write(fds[1], (char *)16, 1));
    show(write(fds[1], (char *)16, 0));
    close_both(fds);
    pipe_of(fds, O_NONBLOCK);
    show(read(fds[0], &byte, 1));
    show(write(fds[1], "x", 1));
    show(read(fds[0], (char *)16, 1));
    show(read(fds[0], &byte, 1)); /* it is still there */
    show(fcntl(fds[0], F_GETFL));
    show(fcntl(fds[1], F_GETFL));
    close(fds[1]);
    show(read(fds[0], &byte, 1)); /* the end, not EAGAIN */
    close(fds[0]);
}

/* ---- Whole writes ---- */

/* Writes lines of one letter, each of `size` bytes. */
struct writer {
    int fd, size, times;
    char letter;
};

static int
write_lines(void *argument)
{
    struct writer *writer = argument;
    char line[CAPACITY];

    memset(line, writer->letter, writer->size);
    for (int i = 0; i < writer->times; i++)
        if (write(writer->fd, line, writer->size) != writer->size)
            return 1;
    return 0;
}

/* Reads in odd pieces: how often a letter changed other than at a multiple of `size`. */
static int
count_mixed(int fd, int size)
{
    char piece[777];
    int got, run = 0, mixed = 0, last = 0;

    while ((got = read(fd, piece, sizeof piece)) > 0)
        for (int i = 0; i < got; i++) {
            if (piece[i] != last && run % size)
                mixed++;
            run = piece[i] == last ? run + 1 : 1;
            last = piece[i];
        }
    return got < 0 ? -1 : mixed;
}

static void
whole_writes(void)
{
    static const int sizes[] = {BUF, 100, 4095, 1000};

    for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int fds[2], pids[4];
        pipe_of(fds, 0);
        for (int i = 0; i < 4; i++) {
            struct writer writer = {fds[1], sizes[s], 100, (char)('a' + i)};
            pids[i] = start(write_lines, &writer);
        }
        close(fds[1]);
        show(count_mixed(fds[0], sizes[s]));
        for (int i = 0; i < 4; i++)
            check_equal(status_of(pids[i]), 0);
        close(fds[0]);
    }
}

/* With less room than a whole write needs, one that does not wait writes nothing at all. */
static void
no_room(void)
{
    int fds[2];
    struct pollfd poll_out;

    pipe_of(fds, O_NONBLOCK);
    poll_out = (struct pollfd){.fd = fds[1], .events = POLLOUT};
    show(write(fds[1], block_of, CAPACITY - 100));
    show(write(fds[1], block_of, 101));
    show(write(fds[1], block_of, BUF));
    show(write(fds[1], block_of, 100));
    show(write(fds[1], block_of, 1));
    show(poll(&poll_out, 1, 0));
    show(read(fds[0], block_of, BUF));
    show(poll(&poll_out, 1, 0));
    show(write(fds[1], block_of, 2 * BUF)); /* more than PIPE_BUF: a part */
    show(write(fds[1], block_of, 1));
    close_both(fds);
}

/* ---- Waiting ---- */

static int
read_slowly(void *fds)
{
    int *ends = fds, sum = 0, got;

    close(ends[1]);
    do {
        nap_ms(1);
        got = read(ends[0], block_of, 5000);
        sum += got;
    } while (got > 0);
    return sum == 3 * CAPACITY / 2 ? 0 : 1;
}

static void
a_large_write_waits(void)
{
    int fds[2];

    pipe_of(fds, 0);
    int pid = start(read_slowly, fds);
    close(fds[0]);
    show(write(fds[1], block_of, 3 * CAPACITY / 2));
    close(fds[1]);
    show(status_of(pid));
}

static void
interrupted(void)
{
    int fds[2];

    pipe_of(fds, 0);
    alarm_soon(0);
    show(write(fds[1], block_of, CAPACITY + 10)); /* what has gone in counts */
    alarm_soon(0);
    show(write(fds[1], block_of, 10));
    alarm_soon(SA_RESTART);
    show(write(fds[1], block_of, 0));
    show(read(fds[0], block_of, CAPACITY));
    alarm_soon(0);
    show(read(fds[0], block_of, 1));
    show(handled >= 3);
    nap_ms(30);
    defaults();
    close_both(fds);
}

static int
close_later(void *fds)
{
    int *ends = fds;

    close(ends[0]);
    nap_ms(20);
    return 0; /* the last writer, or so */
}

static void
the_last_end_goes(void)
{
    int fds[2];
    char byte;

    pipe_of(fds, 0);
    int pid = start(close_later, fds);
    close(fds[1]);
    show(read(fds[0], &byte, 1)); /* waits for the child's end */
    show(status_of(pid));
    close(fds[0]);
}

static int
fill_until_broken(void *fds)
{
    int *ends = fds;

    close(ends[0]);
    handle(SIGPIPE, SIG_IGN, 0);
    while (write(ends[1], block_of, BUF) == BUF)
        ;
    return errno;
}

static void
the_reader_goes(void)
{
    int fds[2];
    struct pollfd out;

    pipe_of(fds, 0);
    int pid = start(fill_until_broken, fds);
    nap_ms(20);
    out = (struct pollfd){.fd = fds[1], .events = POLLOUT};
    show(poll(&out, 1, 0)); /* it is full */
    close(fds[0]);
    show(status_of(pid));
    show(poll(&out, 1, 0));
    show(out.revents);
    close(fds[1]);
}

static void
polling(void)
{
    int fds[2];
    struct pollfd both[2];

    pipe_of(fds, 0);
    both[0] = (struct pollfd){.fd = fds[0], .events = POLLIN | POLLOUT};
    both[1] = (struct pollfd){.fd = fds[1], .events = POLLIN | POLLOUT};
    show(poll(both, 2, 0));
    show(both[0].revents);
    show(both[1].revents);
    check(write(fds[1], "x", 1) == 1);
    show(poll(both, 2, 0));
    show(both[0].revents);
    close(fds[1]);
    both[1].fd = 99;
    show(poll(both, 2, 0));
    show(both[0].revents);
    show(both[1].revents);
    check(read(fds[0], block_of, 1) == 1);
    show(poll(both, 1, -1));
    show(both[0].revents);
    close(fds[0]);
}

/* ---- Vectors ---- */

static void
vectors(void)
{
    int fds[2];
    char a[4] = "", b[4] = "";
    struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cde", 3}}, in[2] = {{a, 2}, {b, 3}};

    pipe_of(fds, O_NONBLOCK);
    show(writev(fds[1], out, 3));
    show(readv(fds[0], in, 2));
    show(strcmp(a, "ab"));
    show(strcmp(b, "cde"));
    show(writev(fds[1], out, 0));
    show(writev(fds[1], out, 2000));
    show(writev(fds[1], out, -1));
    out[1].iov_len = -5;
    show(writev(fds[1], out, 3));
    out[1] = (struct iovec){(char *)16, 1};
    show(writev(fds[1], out, 3)); /* the bad one is the second */
    show(read(fds[0], block_of, 10));
    close_both(fds);
}

/* ---- From pipe to pipe and file ---- */

static void
tee_and_splice(void)
{
    int from[2], to[2];

    pipe_of(from, 0);
    pipe_of(to, O_NONBLOCK);
    check(write(from[1], "0123456789", 10) == 10);
    show(syscall(SYS_tee, from[0], to[1], 4, 0));
    show(syscall(SYS_splice, from[0], NULL, to[1], NULL, 3, 0));
    memset(block_of, 0, 20);
    show(read(to[0], block_of, 20));
    show(memcmp(block_of, "0123012", 7));
    show(syscall(SYS_tee, from[0], from[1], 1, 0));
    show(syscall(SYS_tee, from[1], to[1], 1, 0));
    show(syscall(SYS_tee, from[0], to[0], 1, 0));
    show(syscall(SYS_tee, 99, to[1], 1, 0));
    show(syscall(SYS_tee, from[0], to[1], 0, 0));
    show(syscall(SYS_splice, from[0], NULL, to[1], NULL, 0, 0));
    close(from[1]);
    show(syscall(SYS_splice, from[0], NULL, to[1], NULL, 100, 0)); /* what there is */
    show(syscall(SYS_splice, from[0], NULL, to[1], NULL, 100, 0)); /* the end */
    show(syscall(SYS_tee, from[0], to[1], 100, 0));
    close(to[0]);
    handle(SIGPIPE, SIG_IGN, 0);
    close(from[0]);
    pipe_of(from, 0);
    check(write(from[1], "x", 1) == 1);
    show(syscall(SYS_splice, from[0], NULL, to[1], NULL, 1, 0));
    show(read(from[0], block_of, 1)); /* it has not gone */
    handle(SIGPIPE, SIG_DFL, 0);
    close_both(from);
    close(to[1]);
}

static int
splice_slowly(void *fds)
{
    int *ends = fds, total = 0, got;

    close(ends[1]);
    int null = open("/tmp/t-pipes", O_CREAT | O_RDWR | O_TRUNC, 0600);
    while ((got = syscall(SYS_splice, ends[0], NULL, null, NULL, 10000, 0)) > 0)
        total += got;
    struct stat status;
    fstat(null, &status);
    unlink("/tmp/t-pipes");
    return total == 2 * CAPACITY && status.st_size == total ? 0 : 1;
}

static void
splice_waits(void)
{
    int fds[2];

    pipe_of(fds, 0);
    int pid = start(splice_slowly, fds);
    close(fds[0]);
    nap_ms(10);
    show(write(fds[1], block_of, 2 * CAPACITY));
    close(fds[1]);
    show(status_of(pid));
}

static void
sendfile_to_a_pipe(void)
{
    int fds[2], file = open("/tmp/t-pipes", O_CREAT | O_RDWR | O_TRUNC, 0600);
    char text[8] = "";

    check(write(file, "abcdefgh", 8) == 8);
    pipe_of(fds, O_NONBLOCK);
    lseek(file, 2, SEEK_SET);
    show(syscall(SYS_sendfile, fds[1], file, NULL, 3));
    show(lseek(file, 0, SEEK_CUR));
    show(read(fds[0], text, 8));
    show(memcmp(text, "cde", 3));
    show(syscall(SYS_sendfile, file, fds[0], NULL, 3));
    show(syscall(SYS_sendfile, fds[1], file, NULL, 0));
    show(syscall(SYS_sendfile, fds[1], file, (long *)16, 1));
    show(syscall(SYS_sendfile, fds[1], 99, NULL, 1));
    show(syscall(SYS_sendfile, fds[1], file, NULL, 100));
    show(syscall(SYS_sendfile, fds[1], file, NULL, 100));
    close_both(fds);
    close(file);
    unlink("/tmp/t-pipes");
}

/* ---- Named ---- */

static int
open_for_writing(void *unused UNUSED)
{
    int fd = open("/tmp/t-pipes", O_WRONLY);

    return fd < 0 || write(fd, "x", 1) != 1;
}

static void
named(void)
{
    char byte;

    check(mkfifo("/tmp/t-pipes", 0600) == 0);
    alarm_soon(0);
    show(open("/tmp/t-pipes", O_RDONLY)); /* interrupted */
    alarm_soon(0);
    show(open("/tmp/t-pipes", O_WRONLY));
    defaults();
    show(open("/tmp/t-pipes", O_WRONLY | O_NONBLOCK));
    int pid = start(open_for_writing, NULL);
    int fd = open("/tmp/t-pipes", O_RDONLY);
    show(read(fd, &byte, 1));
    show(status_of(pid));
    show(read(fd, &byte, 1));
    show(lseek(fd, 0, SEEK_CUR));
    close(fd);
    unlink("/tmp/t-pipes");
}

static const struct check_case cases[] = {
    {"refused", refused},
    {"whole-writes", whole_writes},
    {"no-room", no_room},
    {"a-large-write-waits", a_large_write_waits},
    {"interrupted", interrupted},
    {"the-last-end-goes", the_last_end_goes},
    {"the-reader-goes", the_reader_goes},
    {"polling", polling},
    {"vectors", vectors},
    {"tee-and-splice", tee_and_splice},
    {"splice-waits", splice_waits},
    {"sendfile-to-a-pipe", sendfile_to_a_pipe},
    {"named", named},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
