/* What the tests of file calls share: calls by their numbers, so that results are the kernel's: a value or a
 * negative errno. Each program has a directory, TOP, to write in. */
#ifndef TESTS_FILE_CALLS_H
#define TESTS_FILE_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <fibril/kernel_call.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"

#define CALL6(nr, a, b, c, d, e, f)                                                                \
    kernel_call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL0(nr) CALL6(nr, 0, 0, 0, 0, 0, 0)
#define CALL1(nr, a) CALL6(nr, a, 0, 0, 0, 0, 0)
#define CALL2(nr, a, b) CALL6(nr, a, b, 0, 0, 0, 0)
#define CALL3(nr, a, b, c) CALL6(nr, a, b, c, 0, 0, 0)
#define CALL4(nr, a, b, c, d) CALL6(nr, a, b, c, d, 0, 0)
#define CALL5(nr, a, b, c, d, e) CALL6(nr, a, b, c, d, e, 0)

enum { /* Linux/i386's */
    READ = 3, OPEN = 5, CLOSE = 6, FORK = 2, WAIT4 = 114, EXIT = 1, FCNTL = 221, FLOCK = 143, MKNOD = 14,
    CHMOD = 15, CHOWN = 212, LCHOWN = 198, FCHOWN = 207, UTIMENSAT = 412, STATX = 383,
    RENAMEAT2 = 353, SENDFILE = 239, SPLICE = 313, TEE = 315, COPY_RANGE = 377, MEMFD = 356,
    SETUID = 213, SYMLINK = 83, LINK = 9, READLINK = 85, STATFS = 99, SELECT = 142, GETDENTS = 141,
    PIPE2 = 331, SETRLIMIT = 340, IOCTL = 54, LSEEK = 19, TRUNCATE = 92, CLOSE_RANGE = 436,
    NANOSLEEP = 162, SETGID = 214, SETGROUPS = 206, CHROOT = 61, GETCWD = 183, LINKAT = 303,
    FALLOCATE = 324, RENAME = 38,
};

#define FILE_CALLS __attribute__((unused)) static
#define BAD_POINTER ((void *)16)
#define AT_CWD (-100)
#define TIME_NOW 0x3fffffff
#define TIME_OMIT 0x3ffffffe
#define PIPE_GET_SIZE 1032
#define PIPE_SET_SIZE 1031

struct time64 {
    int64_t seconds, nanoseconds;
};

#define LARGE 0100000

FILE_CALLS long
open_file(const char *path, int flags, int mode)
{
    return CALL3(OPEN, path, flags | LARGE, mode);
}

FILE_CALLS void
make_file(const char *path, const char *text)
{
    int fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    check(fd >= 0);
    check_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

FILE_CALLS long
flags_of_file(int fd)
{
    return CALL3(FCNTL, fd, 3, 0) & ~0100000;
}

FILE_CALLS void
nap(long milliseconds)
{
    long time[2] = {0, milliseconds * 1000000};

    CALL2(NANOSLEEP, time, NULL);
}

/* Runs in a child; its exit status. */
FILE_CALLS int
in_child(int (*run)(void))
{
    int status = -1;
    long pid = CALL0(FORK);

    if (pid == 0)
        CALL1(EXIT, run());
    check_equal(CALL4(WAIT4, pid, &status, 0, NULL), pid);
    return (status & 0x7f) ? -1 : status >> 8;
}

/* Runs the cases in a directory of the program's own. */
FILE_CALLS int
run_in_directory(const struct check_case *cases, int argc, char **argv)
{
    int status;

    umask(022);
    if (mkdir(TOP, 0755))
        return perror(TOP), 1;
    status = check_run(cases, argc, argv);
    if (rmdir(TOP))
        return perror(TOP), 1;
    return status;
}

#endif
