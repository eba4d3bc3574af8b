/* t-file-moves [CASE…]: named pipes, capacities, what goes from file to file inside the kernel, locks, select.
 * Also runs on Linux, as root. */
#define TOP "/tmp/t-file-moves.d"
#include "file-calls.h"

/* ---- Pipes ---- */

static int
writes_to_fifo(void)
{
    int fd = open_file(TOP "/p", O_WRONLY, 0); /* waits for the reader */

    return fd < 0 || write(fd, "through", 7) != 7;
}

static void
named_pipes(void)
{
    char bytes[16];
    int fd, other, status;
    long pid;

    check_equal(CALL3(MKNOD, TOP "/p", 0010600, 0), 0);
    check_equal(open_file(TOP "/p", O_WRONLY | O_NONBLOCK, 0), -ENXIO);
    fd = open_file(TOP "/p", O_RDONLY | O_NONBLOCK, 0);
    check_equal(read(fd, bytes, 1), 0); /* nobody writes */
    other = open_file(TOP "/p", O_WRONLY | O_NONBLOCK, 0);
    check_equal(read(fd, bytes, 1), -1);
    check_equal(errno, EAGAIN);
    check_equal(write(other, "xyz", 3), 3);
    close(other);
    check_equal(read(fd, bytes, 16), 3);
    check_equal(read(fd, bytes, 16), 0);
    close(fd);
    pid = CALL0(FORK);
    if (pid == 0)
        CALL1(EXIT, writes_to_fifo());
    fd = open_file(TOP "/p", O_RDONLY, 0);
    check_equal(read(fd, bytes, 16), 7);
    check_equal(read(fd, bytes, 16), 0);
    close(fd);
    check_equal(CALL4(WAIT4, pid, &status, 0, NULL), pid);
    check_equal(status, 0);
    fd = open_file(TOP "/p", O_RDWR, 0); /* both: waits for nobody */
    check_equal(write(fd, "self", 4), 4);
    check_equal(read(fd, bytes, 16), 4);
    close(fd);
    check_equal(unlink(TOP "/p"), 0);
}

static void
capacities(void)
{
    static char bytes[70000];
    int fds[2], waiting;

    check_equal(CALL2(PIPE2, fds, O_NONBLOCK), 0);
    check_equal(CALL3(FCNTL, fds[0], PIPE_GET_SIZE, 0), 65536);
    check_equal(write(fds[1], bytes, sizeof bytes), 65536);
    check_equal(write(fds[1], bytes, 1), -1);
    check_equal(errno, EAGAIN);
    check_equal(CALL3(IOCTL, fds[0], 0x541b, &waiting), 0);
    check_equal(waiting, 65536);
    check_equal(CALL3(FCNTL, fds[1], PIPE_SET_SIZE, 32768), -EBUSY);
    check_equal(read(fds[0], bytes, 60000), 60000);
    check_equal(CALL3(FCNTL, fds[1], PIPE_SET_SIZE, 100000), 131072);
    check_equal(read(fds[0], bytes, 70000), 5536);
    check_equal(CALL3(FCNTL, fds[1], PIPE_SET_SIZE, 1), 4096);
    check_equal(write(fds[1], bytes, 5000), 4096);
    check_equal(CALL3(FCNTL, 0x7fff, PIPE_GET_SIZE, 0), -EBADF);
    close(fds[0]);
    close(fds[1]);
}

/* ---- From file to file ---- */

static void
sending(void)
{
    char bytes[32];
    int64_t offset = 3;
    int in, out, fds[2];

    make_file(TOP "/f", "0123456789");
    in = open_file(TOP "/f", O_RDONLY, 0);
    out = open_file(TOP "/g", O_RDWR | O_CREAT, 0600);
    check_equal(CALL4(SENDFILE, out, in, &offset, 4), 4);
    check_equal(offset, 7);
    check_equal(lseek(in, 0, SEEK_CUR), 0);
    check_equal(CALL4(SENDFILE, out, in, NULL, 100), 10);
    check_equal(lseek(in, 0, SEEK_CUR), 10);
    check_equal(CALL4(SENDFILE, out, in, NULL, 100), 0);
    check_equal(pread(out, bytes, 32, 0), 14);
    check(memcmp(bytes, "34560123456789", 14) == 0);
    check_equal(CALL4(SENDFILE, in, in, NULL, 1), -EBADF);
    check_equal(CALL2(PIPE2, fds, 0), 0);
    check_equal(CALL4(SENDFILE, out, fds[0], NULL, 1), -EINVAL);
    check_equal(CALL4(SENDFILE, fds[1], out, &(int64_t){0}, 5), 5);
    check_equal(read(fds[0], bytes, 32), 5);
    check_equal(CALL6(COPY_RANGE, in, &(int64_t){2}, out, &(int64_t){0}, 3, 0), 3);
    check_equal(pread(out, bytes, 4, 0), 4);
    check(memcmp(bytes, "2346", 4) == 0);
    check_equal(CALL6(COPY_RANGE, in, NULL, out, NULL, 3, 1), -EINVAL);
    check_equal(CALL6(COPY_RANGE, fds[0], NULL, out, NULL, 3, 0), -EINVAL);
    check_equal(CALL6(COPY_RANGE, out, &(int64_t){0}, out, &(int64_t){1}, 3, 0), -EINVAL);
    close(fds[0]);
    close(fds[1]);
    close(in);
    close(out);
    check_equal(unlink(TOP "/f"), 0);
    check_equal(unlink(TOP "/g"), 0);
}

static void
splicing(void)
{
    char bytes[32];
    int64_t offset = 2;
    int a[2], b[2], file;

    check_equal(CALL2(PIPE2, a, 0), 0);
    check_equal(CALL2(PIPE2, b, 0), 0);
    make_file(TOP "/f", "0123456789");
    file = open_file(TOP "/f", O_RDWR, 0);
    check_equal(CALL6(SPLICE, file, &offset, a[1], NULL, 5, 0), 5);
    check_equal(offset, 7);
    check_equal(CALL4(TEE, a[0], b[1], 100, 0), 5);
    check_equal(CALL6(SPLICE, a[0], NULL, b[1], NULL, 3, 0), 3);
    check_equal(read(a[0], bytes, 32), 2);
    check(memcmp(bytes, "56", 2) == 0);
    offset = 8;
    check_equal(CALL6(SPLICE, b[0], NULL, file, &offset, 100, 0), 8);
    check_equal(offset, 16);
    check_equal(pread(file, bytes, 32, 0), 16);
    check(memcmp(bytes, "0123456723456234", 16) == 0);
    check_equal(CALL6(SPLICE, b[0], NULL, a[1], NULL, 1, 2), -EAGAIN);
    check_equal(CALL6(SPLICE, file, NULL, file, NULL, 1, 0), -EINVAL);
    check_equal(CALL6(SPLICE, a[0], &offset, file, NULL, 1, 0), -ESPIPE);
    check_equal(CALL6(SPLICE, a[0], NULL, a[1], NULL, 1, 0), -EINVAL);
    check_equal(CALL4(TEE, a[0], file, 1, 0), -EINVAL);
    check_equal(CALL4(TEE, a[0], b[1], 1, 2), -EAGAIN);
    check_equal(CALL6(SPLICE, a[0], NULL, b[1], NULL, 1, 0x100), -EINVAL);
    close(a[1]);
    check_equal(CALL6(SPLICE, a[0], NULL, file, NULL, 1, 0), 0); /* the end */
    close(a[0]);
    close(b[0]);
    close(b[1]);
    close(file);
    check_equal(unlink(TOP "/f"), 0);
}

/* ---- Locks ---- */

struct lock { /* struct flock, of 64-bit offsets */
    short type, whence;
    int32_t start, start_high, length, length_high;
    int pid;
};
enum { READ_LOCK, WRITE_LOCK, NO_LOCK };
enum { GET_LOCK = 12, SET_LOCK = 13, SET_LOCK_WAIT = 14 };

static long
lock(int fd, int command, int type, long start, long length)
{
    struct lock wanted = {.type = type, .start = start, .length = length};

    wanted.start_high = start < 0 ? -1 : 0;
    return CALL3(FCNTL, fd, command, &wanted);
}

/* What stands in the way of a write lock there: its type times 1000 and start; -1: nothing. */
static int
obstacle(int fd, long start, long length)
{
    struct lock found = {.type = WRITE_LOCK, .start = start, .length = length};

    if (CALL3(FCNTL, fd, GET_LOCK, &found))
        return -2;
    return found.type == NO_LOCK ? -1 : found.type * 1000 + (int)found.start;
}

static int
sees_locks(void)
{
    int fd = open_file(TOP "/f", O_RDWR, 0);

    if (obstacle(fd, 0, 10) != 1000 || obstacle(fd, 10, 5) != -1)
        return 1;
    if (obstacle(fd, 15, 100) != 20 || obstacle(fd, 30, 0) != 1000 + 50)
        return 2;
    if (lock(fd, SET_LOCK, READ_LOCK, 0, 1) != -EAGAIN || lock(fd, SET_LOCK, READ_LOCK, 20, 5) != 0)
        return 3;
    if (lock(fd, SET_LOCK, WRITE_LOCK, 20, 5) != -EAGAIN)
        return 4;
    return lock(fd, SET_LOCK, WRITE_LOCK, 10, 5) != 0 ? 5 : 0;
}

static int
takes_lock_later(void)
{
    int fd = open_file(TOP "/f", O_RDWR, 0);

    return lock(fd, SET_LOCK_WAIT, WRITE_LOCK, 0, 0) != 0;
}

static void
record_locks(void)
{
    int fd, other, status;
    long pid;

    make_file(TOP "/f", "x");
    fd = open_file(TOP "/f", O_RDWR, 0);
    check_equal(lock(fd, SET_LOCK, WRITE_LOCK, 0, 30), 0);
    check_equal(lock(fd, SET_LOCK, NO_LOCK, 10, 10), 0);   /* a hole */
    check_equal(lock(fd, SET_LOCK, READ_LOCK, 20, 10), 0); /* changed */
    check_equal(lock(fd, SET_LOCK, WRITE_LOCK, 50, 0), 0); /* to the end */
    check_equal(obstacle(fd, 0, 0), -1);                   /* one's own */
    check_equal(in_child(sees_locks), 0);
    check_equal(lock(fd, SET_LOCK, 7, 0, 1), -EINVAL);
    check_equal(lock(fd, SET_LOCK, WRITE_LOCK, -5, 1), -EINVAL);
    pid = CALL0(FORK);
    if (pid == 0)
        CALL1(EXIT, takes_lock_later());
    nap(30);
    check_equal(CALL4(WAIT4, pid, &status, 1, NULL), 0); /* it waits */
    other = open_file(TOP "/f", O_RDONLY, 0);
    check_equal(lock(other, SET_LOCK, WRITE_LOCK, 0, 1), -EBADF);
    close(other); /* closing any descriptor gives up all locks of the process */
    check_equal(CALL4(WAIT4, pid, &status, 0, NULL), pid);
    check_equal(status, 0);
    close(fd);
    check_equal(unlink(TOP "/f"), 0);
}

static int
crosses_locks(void)
{
    int fd = open_file(TOP "/f", O_RDWR, 0);

    if (lock(fd, SET_LOCK, WRITE_LOCK, 1, 1))
        return 1;
    nap(20);
    return lock(fd, SET_LOCK_WAIT, WRITE_LOCK, 0, 1) != 0;
}

static void
dead_locks(void)
{
    int fd, status;
    long pid;

    make_file(TOP "/f", "x");
    fd = open_file(TOP "/f", O_RDWR, 0);
    check_equal(lock(fd, SET_LOCK, WRITE_LOCK, 0, 1), 0);
    pid = CALL0(FORK);
    if (pid == 0)
        CALL1(EXIT, crosses_locks());
    nap(60); /* the child has the second and waits for the first */
    check_equal(lock(fd, SET_LOCK_WAIT, WRITE_LOCK, 1, 1), -EDEADLK);
    check_equal(lock(fd, SET_LOCK, NO_LOCK, 0, 0), 0);
    check_equal(CALL4(WAIT4, pid, &status, 0, NULL), pid);
    check_equal(status, 0);
    close(fd);
    check_equal(unlink(TOP "/f"), 0);
}

static void
whole_locks(void)
{
    enum { SHARED = 1, EXCLUSIVE = 2, NOW = 4, OFF = 8 };
    int one, two, third;

    make_file(TOP "/f", "x");
    one = open_file(TOP "/f", O_RDONLY, 0);
    two = open_file(TOP "/f", O_RDONLY, 0);
    third = dup(one);
    check_equal(CALL2(FLOCK, one, SHARED), 0);
    check_equal(CALL2(FLOCK, two, SHARED | NOW), 0);
    check_equal(CALL2(FLOCK, two, EXCLUSIVE | NOW), -EAGAIN);
    check_equal(CALL2(FLOCK, one, EXCLUSIVE | NOW), 0); /* two has lost its own by asking for more */
    check_equal(CALL2(FLOCK, two, SHARED | NOW), -EAGAIN);
    check_equal(CALL2(FLOCK, third, OFF), 0); /* the same open file */
    check_equal(CALL2(FLOCK, two, EXCLUSIVE | NOW), 0);
    close(two);
    check_equal(CALL2(FLOCK, one, EXCLUSIVE | NOW), 0);
    check_equal(CALL2(FLOCK, one, 3), -EINVAL);
    check_equal(CALL2(FLOCK, 0x7fff, SHARED), -EBADF);
    close(one);
    close(third);
    check_equal(unlink(TOP "/f"), 0);
}

/* ---- select ---- */

static void
selecting(void)
{
    unsigned long read_set[32] = {0}, write_set[32] = {0};
    long time[2] = {0, 10000};
    int fds[2];
    enum { BITS = 8 * sizeof(long) };

    check_equal(CALL2(PIPE2, fds, 0), 0);
    read_set[fds[0] / BITS] |= 1ul << fds[0] % BITS;
    write_set[fds[1] / BITS] |= 1ul << fds[1] % BITS;
    check_equal(CALL5(SELECT, fds[1] + 1, read_set, write_set, NULL, time), 1);
    check_equal(read_set[fds[0] / BITS], 0);
    check(write_set[fds[1] / BITS] != 0);
    read_set[fds[0] / BITS] |= 1ul << fds[0] % BITS;
    check_equal(CALL5(SELECT, fds[0] + 1, read_set, NULL, NULL, time), 0);
    check(time[0] == 0 && time[1] == 0);
    check_equal(write(fds[1], "x", 1), 1);
    read_set[fds[0] / BITS] |= 1ul << fds[0] % BITS;
    check_equal(CALL5(SELECT, fds[0] + 1, read_set, NULL, NULL, NULL), 1);
    read_set[500 / BITS] |= 1ul << 500 % BITS;
    check_equal(CALL5(SELECT, 501, read_set, NULL, NULL, NULL), 1); /* beyond the table: not seen */
    read_set[0] |= 1ul << 25;
    check_equal(CALL5(SELECT, 26, read_set, NULL, NULL, NULL), -EBADF);
    check_equal(CALL5(SELECT, -1, NULL, NULL, NULL, NULL), -EINVAL);
    check_equal(CALL5(SELECT, 1, BAD_POINTER, NULL, NULL, NULL), -EFAULT);
    close(fds[0]);
    close(fds[1]);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"named_pipes", named_pipes},
        {"capacities", capacities},
        {"sending", sending},
        {"splicing", splicing},
        {"record_locks", record_locks},
        {"dead_locks", dead_locks},
        {"whole_locks", whole_locks},
        {"selecting", selecting},
        {NULL, NULL},
    };

    return run_in_directory(cases, argc, argv);
}
