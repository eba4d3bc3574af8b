/* t-file-calls [CASE…]: what t-files leaves out: owners and times, statx and the old stats, named pipes,
 * locks, splice and its kin, select, /proc/self, many names in one directory, limits. By the numbers of
 * the calls, so that the results are the kernel's. Also compiles for Linux, 32 and 64 bits, where every
 * case has to pass too (as root). Needs a directory to write in (/tmp). */
#ifdef __linux__
#define _GNU_SOURCE
#include <sys/syscall.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"

#ifdef __linux__
#define CALL6(nr, a, b, c, d, e, f)                                                                \
    ({                                                                                             \
        long call_ = syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)); \
        call_ < 0 ? -(long)errno : call_;                                                          \
    })
#else
#include <fibril/kernel_call.h>
#define CALL6(nr, a, b, c, d, e, f)                                                                \
    kernel_call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#endif
#define CALL0(nr) CALL6(nr, 0, 0, 0, 0, 0, 0)
#define CALL1(nr, a) CALL6(nr, a, 0, 0, 0, 0, 0)
#define CALL2(nr, a, b) CALL6(nr, a, b, 0, 0, 0, 0)
#define CALL3(nr, a, b, c) CALL6(nr, a, b, c, 0, 0, 0)
#define CALL4(nr, a, b, c, d) CALL6(nr, a, b, c, d, 0, 0)
#define CALL5(nr, a, b, c, d, e) CALL6(nr, a, b, c, d, e, 0)

#ifdef __x86_64__
enum {
    OPEN = SYS_open, CLOSE = SYS_close, FORK = SYS_fork, WAIT4 = SYS_wait4, EXIT = SYS_exit,
    FCNTL = SYS_fcntl, FLOCK = SYS_flock, MKNOD = SYS_mknod, CHMOD = SYS_chmod, CHOWN = SYS_chown,
    LCHOWN = SYS_lchown, FCHOWN = SYS_fchown, UTIMENSAT = SYS_utimensat, STATX = SYS_statx,
    RENAMEAT2 = SYS_renameat2, SENDFILE = SYS_sendfile, SPLICE = SYS_splice, TEE = SYS_tee,
    COPY_RANGE = SYS_copy_file_range, MEMFD = SYS_memfd_create, SETUID = SYS_setuid,
    SYMLINK = SYS_symlink, LINK = SYS_link, READLINK = SYS_readlink, STATFS = SYS_statfs,
    SELECT = SYS_select, GETDENTS = SYS_getdents, PIPE2 = SYS_pipe2, SETRLIMIT = SYS_prlimit64,
    IOCTL = SYS_ioctl, LSEEK = SYS_lseek, TRUNCATE = SYS_truncate, CLOSE_RANGE = SYS_close_range,
    NANOSLEEP = SYS_nanosleep, SETGID = SYS_setgid, SETGROUPS = SYS_setgroups, CHROOT = SYS_chroot,
    GETCWD = SYS_getcwd, LINKAT = SYS_linkat, FALLOCATE = SYS_fallocate, RENAME = SYS_rename,
};
#else
enum { /* Linux/i386's */
    OPEN = 5, CLOSE = 6, FORK = 2, WAIT4 = 114, EXIT = 1, FCNTL = 221, FLOCK = 143, MKNOD = 14,
    CHMOD = 15, CHOWN = 212, LCHOWN = 198, FCHOWN = 207, UTIMENSAT = 412, STATX = 383,
    RENAMEAT2 = 353, SENDFILE = 239, SPLICE = 313, TEE = 315, COPY_RANGE = 377, MEMFD = 356,
    SETUID = 213, SYMLINK = 83, LINK = 9, READLINK = 85, STATFS = 99, SELECT = 142, GETDENTS = 141,
    PIPE2 = 331, SETRLIMIT = 340, IOCTL = 54, LSEEK = 19, TRUNCATE = 92, CLOSE_RANGE = 436,
    NANOSLEEP = 162, SETGID = 214, SETGROUPS = 206, CHROOT = 61, GETCWD = 183, LINKAT = 303,
    FALLOCATE = 324, RENAME = 38,
};
#endif

#define TOP "/tmp/t-file-calls.d"
#define BAD_POINTER ((void *)16)
#define AT_CWD (-100)
#define TIME_NOW 0x3fffffff
#define TIME_OMIT 0x3ffffffe
#define PIPE_GET_SIZE 1032
#define PIPE_SET_SIZE 1031

struct time64 {
    int64_t seconds, nanoseconds;
};

#ifdef __x86_64__
#define LARGE 0
#else
#define LARGE 0100000
#endif

static long
open_file(const char *path, int flags, int mode)
{
    return CALL3(OPEN, path, flags | LARGE, mode);
}

static void
make_file(const char *path, const char *text)
{
    int fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    check(fd >= 0);
    check_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static long
flags_of_file(int fd)
{
    return CALL3(FCNTL, fd, 3, 0) & ~0100000;
}

static void
nap(long milliseconds)
{
    long time[2] = {0, milliseconds * 1000000};

    CALL2(NANOSLEEP, time, NULL);
}

/* Runs in a child; its exit status. */
static int
in_child(int (*run)(void))
{
    int status = -1;
    long pid = CALL0(FORK);

    if (pid == 0)
        CALL1(EXIT, run());
    check_equal(CALL4(WAIT4, pid, &status, 0, NULL), pid);
    return (status & 0x7f) ? -1 : status >> 8;
}

/* ---- Owners, modes, times ---- */

static void
owners(void)
{
    struct stat status;
    int fd;

    make_file(TOP "/f", "x");
    check_equal(CALL3(SYMLINK, "f", TOP "/l", 0), 0);
    check_equal(CALL2(CHMOD, TOP "/f", 06755), 0);
    check_equal(CALL3(CHOWN, TOP "/l", 3, 4), 0);
    check_equal(stat(TOP "/f", &status), 0);
    check(status.st_uid == 3 && status.st_gid == 4);
    check_equal(status.st_mode & 07777, 0755); /* the set-id bits go */
    check_equal(CALL3(LCHOWN, TOP "/l", 5, -1), 0);
    check_equal(lstat(TOP "/l", &status), 0);
    check(status.st_uid == 5 && status.st_gid != 5);
    fd = open_file(TOP "/f", O_RDONLY, 0);
    check_equal(CALL3(FCHOWN, fd, -1, 7), 0);
    check_equal(fstat(fd, &status), 0);
    check(status.st_uid == 3 && status.st_gid == 7);
    close(fd);
    check_equal(CALL3(CHOWN, TOP "/none", 0, 0), -ENOENT);
    check_equal(unlink(TOP "/l"), 0);
    check_equal(unlink(TOP "/f"), 0);
}

static int
as_nobody(void)
{
    struct stat status;

    if (CALL2(SETGROUPS, 0, NULL) || CALL1(SETGID, 1000) || CALL1(SETUID, 1000))
        return 1;
    if (CALL2(CHMOD, TOP "/d/theirs", 0777) != -EPERM)
        return 2;
    if (CALL3(CHOWN, TOP "/d/own", 1001, -1) != -EPERM)
        return 3;
    if (CALL3(CHOWN, TOP "/d/own", -1, 1001) != -EPERM)
        return 4;
    if (CALL3(CHOWN, TOP "/d/own", 1000, 1000) != 0)
        return 5;
    if (unlink(TOP "/d/theirs") == 0 || errno != EPERM) /* the sticky bit */
        return 6;
    if (CALL2(RENAME, TOP "/d/theirs", TOP "/d/x") != -EPERM)
        return 7;
    if (CALL2(RENAME, TOP "/d/own", TOP "/d/theirs") != -EPERM)
        return 8;
    if (open_file(TOP "/d/secret", O_RDONLY, 0) != -EACCES)
        return 9;
    if (open_file(TOP "/closed/x", O_RDONLY | O_CREAT, 0600) != -EACCES)
        return 10;
    if (CALL4(UTIMENSAT, AT_CWD, TOP "/d/theirs", NULL, 0) != -EACCES)
        return 11;
    if (CALL4(UTIMENSAT, AT_CWD, TOP "/d/theirs", ((struct time64[2]){{1, 0}, {1, 0}}), 0) != -EPERM)
        return 12;
    if (CALL1(CHROOT, "/") != -EPERM)
        return 13;
    close(open_file(TOP "/d/new", O_WRONLY | O_CREAT, 0666));
    if (stat(TOP "/d/new", &status) || status.st_uid != 1000 || status.st_gid != 1000)
        return 14;
    return unlink(TOP "/d/own") || unlink(TOP "/d/new") ? 15 : 0;
}

static void
another_user(void)
{
    make_file("/tmp/t-file-calls.probe", "");
    unlink("/tmp/t-file-calls.probe");
    check_equal(mkdir(TOP "/d", 0777), 0);
    check_equal(CALL2(CHMOD, TOP "/d", 01777), 0);
    check_equal(mkdir(TOP "/closed", 0755), 0);
    make_file(TOP "/d/theirs", "x");
    make_file(TOP "/d/secret", "x");
    make_file(TOP "/d/own", "x");
    check_equal(CALL2(CHMOD, TOP "/d/secret", 0600), 0);
    check_equal(CALL3(CHOWN, TOP "/d/own", 1000, 1000), 0);
    check_equal(in_child(as_nobody), 0);
    check_equal(unlink(TOP "/d/secret"), 0);
    check_equal(unlink(TOP "/d/theirs"), 0);
    check_equal(rmdir(TOP "/d"), 0);
    check_equal(rmdir(TOP "/closed"), 0);
}

static void
set_group_directories(void)
{
    struct stat status;

    check_equal(mkdir(TOP "/d", 0755), 0);
    check_equal(CALL3(CHOWN, TOP "/d", -1, 77), 0);
    check_equal(CALL2(CHMOD, TOP "/d", 02755), 0);
    make_file(TOP "/d/f", "");
    check_equal(mkdir(TOP "/d/e", 0755), 0);
    check_equal(stat(TOP "/d/f", &status), 0);
    check(status.st_gid == 77 && !(status.st_mode & S_ISGID));
    check_equal(stat(TOP "/d/e", &status), 0);
    check(status.st_gid == 77 && (status.st_mode & S_ISGID));
    check_equal(rmdir(TOP "/d/e"), 0);
    check_equal(unlink(TOP "/d/f"), 0);
    check_equal(rmdir(TOP "/d"), 0);
}

static void
times(void)
{
    struct time64 both[2] = {{1000, 5}, {2000, 7}}, one[2] = {{0, TIME_OMIT}, {3000, 0}};
    struct time64 now[2] = {{0, TIME_NOW}, {0, TIME_OMIT}}, bad[2] = {{0, 1000000000}, {0, 0}};
    struct time64 none[2] = {{0, TIME_OMIT}, {0, TIME_OMIT}};
    struct stat status;
    int fd;

    make_file(TOP "/f", "x");
    check_equal(CALL2(SYMLINK, "f", TOP "/l"), 0);
    check_equal(CALL4(UTIMENSAT, AT_CWD, TOP "/l", both, 0), 0);
    check_equal(stat(TOP "/f", &status), 0);
    check(status.st_atime == 1000 && status.st_mtime == 2000 && status.st_ctime > 1000000);
    check_equal(CALL4(UTIMENSAT, AT_CWD, TOP "/f", one, 0), 0);
    check_equal(stat(TOP "/f", &status), 0);
    check(status.st_atime == 1000 && status.st_mtime == 3000);
    check_equal(CALL4(UTIMENSAT, AT_CWD, TOP "/l", both, AT_SYMLINK_NOFOLLOW), 0);
    check_equal(lstat(TOP "/l", &status), 0);
    check_equal(status.st_mtime, 2000);
    fd = open_file(TOP "/f", O_RDONLY, 0);
    check_equal(CALL4(UTIMENSAT, fd, NULL, now, 0), 0);
    check_equal(fstat(fd, &status), 0);
    check(status.st_atime > 1000000 && status.st_mtime == 3000);
    check_equal(CALL4(UTIMENSAT, fd, NULL, NULL, 0), 0);
    check_equal(fstat(fd, &status), 0);
    check(status.st_mtime > 1000000);
    close(fd);
    check_equal(CALL4(UTIMENSAT, AT_CWD, TOP "/f", bad, 0), -EINVAL);
    check_equal(CALL4(UTIMENSAT, AT_CWD, TOP "/none", NULL, 0), -ENOENT);
    check_equal(CALL4(UTIMENSAT, AT_CWD, TOP "/none", none, 0), 0); /* nothing to do */
    check_equal(CALL4(UTIMENSAT, AT_CWD, TOP "/f", NULL, 1), -EINVAL);
    check_equal(unlink(TOP "/l"), 0);
    check_equal(unlink(TOP "/f"), 0);
}

static void
new_and_old_status(void)
{
    unsigned char bytes[256];
    struct stat status;
    uint32_t word, size;
    uint16_t mode;

    make_file(TOP "/f", "twelve bytes");
    check_equal(stat(TOP "/f", &status), 0);
    check_equal(CALL5(STATX, AT_CWD, TOP "/f", 0, 0xfff, bytes), 0);
    memcpy(&word, bytes + 16, 4);
    memcpy(&mode, bytes + 28, 2);
    memcpy(&size, bytes + 40, 4);
    check(word == 1 && mode == status.st_mode && size == 12); /* links, mode, size */
    memcpy(&word, bytes + 32, 4);
    check_equal(word, (uint32_t)status.st_ino);
    check_equal(CALL5(STATX, AT_CWD, TOP "/f", 0, 0x80000000u, bytes), -EINVAL);
    check_equal(CALL5(STATX, AT_CWD, TOP "/f", 0x6000, 0, bytes), -EINVAL);
    check_equal(CALL5(STATX, AT_CWD, TOP "/none", 0, 0, bytes), -ENOENT);
    check_equal(CALL5(STATX, AT_CWD, TOP "/f", 0, 0, BAD_POINTER), -EFAULT);
#ifndef __x86_64__
    check_equal(CALL2(106, TOP "/f", bytes), 0); /* struct stat of 2.0 */
    memcpy(&mode, bytes + 8, 2);
    memcpy(&size, bytes + 20, 4);
    check(mode == status.st_mode && size == 12);
    check_equal(CALL2(99, TOP, bytes), 0);
#endif
    check_equal(unlink(TOP "/f"), 0);
}

/* ---- Names ---- */

static void
replacing(void)
{
    struct stat status;

    check_equal(mkdir(TOP "/a", 0755), 0);
    check_equal(mkdir(TOP "/a/b", 0755), 0);
    make_file(TOP "/f", "f");
    make_file(TOP "/g", "gg");
    check_equal(CALL5(RENAMEAT2, AT_CWD, TOP "/f", AT_CWD, TOP "/g", 1), -EEXIST);
    check_equal(CALL5(RENAMEAT2, AT_CWD, TOP "/f", AT_CWD, TOP "/h", 1), 0);
    check_equal(CALL5(RENAMEAT2, AT_CWD, TOP "/h", AT_CWD, TOP "/f", 1 << 10), -EINVAL);
    check_equal(CALL2(RENAME, TOP "/h", TOP "/f"), 0);
    check_equal(CALL2(RENAME, TOP "/a/b", TOP "/a"), -ENOTEMPTY); /* onto what it lies in */
    check_equal(CALL2(RENAME, TOP "/a", TOP "/a/b/c"), -EINVAL);
    check_equal(CALL2(RENAME, TOP "/f", TOP "/a/"), -ENOTDIR);
    check_equal(CALL2(RENAME, TOP "/f/", TOP "/x"), -ENOTDIR);
    check_equal(CALL2(RENAME, TOP "/a/.", TOP "/x"), -EBUSY);
    check_equal(CALL2(RENAME, TOP "/a/b/..", TOP "/x"), -EBUSY);
    check_equal(CALL2(LINK, TOP "/f", TOP "/hard"), 0);
    check_equal(CALL2(RENAME, TOP "/f", TOP "/hard"), 0); /* two names of one file: both stay */
    check_equal(stat(TOP "/hard", &status), 0);
    check_equal(status.st_nlink, 2);
    check_equal(CALL2(RENAME, TOP "/f", TOP "/g"), 0);
    check_equal(stat(TOP "/g", &status), 0);
    check(status.st_size == 1 && status.st_nlink == 2);
    check_equal(stat(TOP "/a", &status), 0);
    check_equal(status.st_nlink, 3);
    check_equal(CALL2(RENAME, TOP "/a/b", TOP "/b/"), 0);
    check_equal(stat(TOP "/a", &status), 0);
    check_equal(status.st_nlink, 2);
    check_equal(rmdir(TOP "/b"), 0);
    check_equal(rmdir(TOP "/a"), 0);
    check_equal(unlink(TOP "/g"), 0);
    check_equal(unlink(TOP "/hard"), 0);
}

static void
many_names(void)
{
    enum { NAMES = 3000 };
    unsigned char seen[NAMES] = {0};
    char path[64], bytes[4096];
    int fd, count = 0, doubles = 0;

    check_equal(mkdir(TOP "/d", 0755), 0);
    for (int i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, TOP "/d/name-%d", i);
        check_equal(CALL3(MKNOD, path, 0100644, 0), 0);
    }
    fd = open_file(TOP "/d", O_RDONLY | O_DIRECTORY, 0);
    /* the old layout; every second name goes while the rest is listed */
    for (long size; (size = CALL3(GETDENTS, fd, bytes, sizeof bytes)) > 0;)
        for (long at = 0; at < size;) {
            unsigned short length;
            const char *name = bytes + at + 2 * sizeof(long) + 2;
            memcpy(&length, bytes + at + 2 * sizeof(long), 2);
            if (name[0] == 'n') {
                int number = atoi(name + 5);
                doubles += seen[number]++;
                count++;
                check_equal(bytes[at + length - 1], 8); /* a plain file */
                if (number % 2) {
                    snprintf(path, sizeof path, TOP "/d/%s", name);
                    check_equal(unlink(path), 0);
                }
            }
            at += length;
        }
    check_equal(count, NAMES);
    check_equal(doubles, 0);
    close(fd);
    for (int i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, TOP "/d/name-%d", i);
        check_equal(unlink(path), i % 2 ? -1 : 0);
    }
    check_equal(rmdir(TOP "/d"), 0);
}

static void
nodes(void)
{
    struct stat status;

    check_equal(CALL3(MKNOD, TOP "/p", 0010640, 0), 0);
    check_equal(CALL3(MKNOD, TOP "/p", 0010640, 0), -EEXIST);
    check_equal(CALL3(MKNOD, TOP "/d", 0040755, 0), -EPERM);
    check_equal(CALL3(MKNOD, TOP "/x", 0120777, 0), -EINVAL);
    check_equal(stat(TOP "/p", &status), 0);
    check(S_ISFIFO(status.st_mode) && (status.st_mode & 0777) == 0640);
    check_equal(CALL3(MKNOD, TOP "/s", 0140600, 0), 0);
    check_equal(open_file(TOP "/s", O_RDONLY, 0), -ENXIO);
    check_equal(unlink(TOP "/s"), 0);
    check_equal(unlink(TOP "/p"), 0);
}

static void
opening(void)
{
    struct stat status;
    char byte;
    int fd;

    make_file(TOP "/f", "abc");
    check_equal(open_file(TOP "/f", O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
    fd = open_file(TOP "/f", O_RDWR | O_APPEND, 0);
    check_equal(lseek(fd, 1, SEEK_SET), 1);
    check_equal(write(fd, "d", 1), 1);
    check_equal(lseek(fd, 0, SEEK_CUR), 4);
    check_equal(flags_of_file(fd), O_RDWR | O_APPEND);
    check_equal(CALL3(FCNTL, fd, 4, O_NONBLOCK), 0);
    check_equal(flags_of_file(fd), O_RDWR | O_NONBLOCK);
    close(fd);
    fd = open_file(TOP "/f", O_WRONLY | O_TRUNC, 0);
    check_equal(fstat(fd, &status), 0);
    check_equal(status.st_size, 0);
    close(fd);
    fd = open_file(TOP "/f", O_PATH, 0);
    check(fd >= 0);
    check_equal(CALL3(0x7fff & (sizeof(long) == 8 ? 0 : 3), fd, &byte, 1), -EBADF); /* read */
    check_equal(CALL3(FCNTL, fd, 4, 0), -EBADF);
    check_equal(CALL3(FCHOWN, fd, 0, 0), -EBADF);
    check_equal(flags_of_file(fd), O_PATH);
    check_equal(fstat(fd, &status), 0);
    close(fd);
    check_equal(CALL2(SYMLINK, "f", TOP "/l"), 0);
    check_equal(open_file(TOP "/l", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
    fd = open_file(TOP "/l", O_PATH | O_NOFOLLOW, 0);
    check_equal(fstat(fd, &status), 0);
    check(S_ISLNK(status.st_mode));
    close(fd);
    check_equal(open_file(TOP "/f", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
    check_equal(open_file(TOP, O_RDWR, 0), -EISDIR);
    check_equal(open_file(TOP "/f/", O_RDONLY, 0), -ENOTDIR);
    check_equal(open_file(TOP "/none", O_RDONLY, 0), -ENOENT);
    check_equal(unlink(TOP "/l"), 0);
    check_equal(unlink(TOP "/f"), 0);
}

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
#ifdef __x86_64__
    int64_t start, length;
#else
    int32_t start, start_high, length, length_high;
#endif
    int pid;
};
enum { READ_LOCK, WRITE_LOCK, NO_LOCK };
#ifdef __x86_64__
enum { GET_LOCK = 5, SET_LOCK = 6, SET_LOCK_WAIT = 7 };
#else
enum { GET_LOCK = 12, SET_LOCK = 13, SET_LOCK_WAIT = 14 };
#endif

static long
lock(int fd, int command, int type, long start, long length)
{
    struct lock wanted = {.type = type, .start = start, .length = length};

#ifndef __x86_64__
    wanted.start_high = start < 0 ? -1 : 0;
#endif
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

/* ---- The rest ---- */

static void
through_proc(void)
{
    char path[64], text[128];
    struct stat status, same;
    int fds[2], fd;

    make_file(TOP "/f", "content");
    fd = open_file(TOP "/f", O_RDONLY, 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    check_equal(CALL3(READLINK, path, text, sizeof text), sizeof TOP + 1);
    check(memcmp(text, TOP "/f", sizeof TOP + 1) == 0);
    check_equal(stat(path, &status), 0);
    check_equal(fstat(fd, &same), 0);
    check(status.st_ino == same.st_ino && status.st_dev == same.st_dev);
    check_equal(lstat(path, &status), 0);
    check(S_ISLNK(status.st_mode) && (status.st_mode & 0700) == 0500);
    check_equal(unlink(TOP "/f"), 0);
    close(fd);
    fd = open_file(path, O_RDONLY, 0);
    check_equal(fd, -ENOENT);
    check_equal(CALL2(PIPE2, fds, 0), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fds[0]);
    check(CALL3(READLINK, path, text, sizeof text) > 6 && memcmp(text, "pipe:[", 6) == 0);
    check_equal(write(fds[1], "x", 1), 1);
    fd = open_file(path, O_RDONLY | O_NONBLOCK, 0); /* the same pipe once more */
    check_equal(read(fd, text, 1), 1);
    close(fd);
    close(fds[0]);
    close(fds[1]);
    check_equal(open_file("/proc/none", O_RDONLY, 0), -ENOENT);
    check_equal(stat("/proc/self/root", &status), 0);
    check_equal(stat("/", &same), 0);
    check_equal(status.st_ino, same.st_ino);
    check_equal(stat("/proc/self/task", &status), 0);
    check(S_ISDIR(status.st_mode));
    check_equal(stat("/dev/fd/0", &status), stat("/proc/self/fd/0", &same));
}

static void
nameless_files(void)
{
    char bytes[8];
    struct stat status;
    int fd = CALL2(MEMFD, "name", 1);

    check(fd >= 0);
    check_equal(CALL3(FCNTL, fd, 1, 0), 1);
    check_equal(write(fd, "hello", 5), 5);
    check_equal(ftruncate(fd, 3), 0);
    check_equal(pread(fd, bytes, 8, 0), 3);
    check_equal(fstat(fd, &status), 0);
    check(S_ISREG(status.st_mode) && status.st_size == 3 && status.st_nlink == 0);
    close(fd);
    check_equal(CALL2(MEMFD, "name", 1 << 20), -EINVAL);
    check_equal(CALL2(MEMFD, BAD_POINTER, 0), -EFAULT);
}

static int
few_descriptors(void)
{
    uint64_t limit[2] = {10, 10};
    int fds[2], fd;

    if (CALL4(SETRLIMIT, 0, 7, limit, NULL))
        return 1;
    while ((fd = dup(1)) >= 0)
        if (fd >= 10)
            return 2;
    if (errno != EMFILE || CALL2(PIPE2, fds, 0) != -EMFILE)
        return 3;
    if (CALL3(FCNTL, 1, 0, 10) != -EINVAL || dup2(1, 10) != -1 || errno != EBADF)
        return 4;
    close(9);
    if (CALL2(PIPE2, fds, 0) != -EMFILE || dup(1) != 9)
        return 5;
    return CALL3(CLOSE_RANGE, 3, ~0u, 0) || dup(1) != 3 ? 6 : 0;
}

static void
limits(void)
{
    check_equal(in_child(few_descriptors), 0);
    check_equal(CALL3(CLOSE_RANGE, 5, 4, 0), -EINVAL);
}

static int
elsewhere(void)
{
    char path[64];
    struct stat status, same;

    if (CALL1(CHROOT, TOP "/d") || CALL2(GETCWD, path, sizeof path) <= 0)
        return 1;
    if (path[0] == '/') /* the working directory lies outside: "(unreachable)" or an error */
        return 2;
    if (chdir("/") || CALL2(GETCWD, path, sizeof path) != 2 || strcmp(path, "/"))
        return 3;
    if (stat("/inside", &status) || stat("/../../inside", &same) || status.st_ino != same.st_ino)
        return 4;
    return stat("/tmp", &status) == 0 ? 5 : 0;
}

static void
another_root(void)
{
    check_equal(mkdir(TOP "/d", 0755), 0);
    make_file(TOP "/d/inside", "x");
    check_equal(chdir("/"), 0);
    check_equal(in_child(elsewhere), 0);
    check_equal(CALL1(CHROOT, TOP "/d/inside"), -ENOTDIR);
    check_equal(unlink(TOP "/d/inside"), 0);
    check_equal(rmdir(TOP "/d"), 0);
}

static void
seeking(void)
{
    int fd;

    make_file(TOP "/f", "0123456789");
    fd = open_file(TOP "/f", O_RDONLY, 0);
    check_equal(CALL3(LSEEK, fd, 4, 3), 4);   /* data */
    check_equal(CALL3(LSEEK, fd, 4, 4), 10);  /* the next hole is the end */
    check_equal(CALL3(LSEEK, fd, 10, 3), -ENXIO);
    check_equal(CALL3(LSEEK, fd, 10, 4), -ENXIO);
    check_equal(CALL3(LSEEK, fd, 0, 9), -EINVAL);
    close(fd);
    check_equal(CALL2(TRUNCATE, TOP "/f", -1), -EINVAL);
    check_equal(CALL2(TRUNCATE, TOP, 0), -EISDIR);
    check_equal(CALL2(TRUNCATE, TOP "/f", 2), 0);
    check_equal(unlink(TOP "/f"), 0);
    fd = open_file("/dev/null", O_RDONLY, 0);
    check_equal(CALL3(LSEEK, fd, 1000, 0), 0);
    close(fd);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"owners", owners},
        {"another_user", another_user},
        {"set_group_directories", set_group_directories},
        {"times", times},
        {"new_and_old_status", new_and_old_status},
        {"replacing", replacing},
        {"many_names", many_names},
        {"nodes", nodes},
        {"opening", opening},
        {"named_pipes", named_pipes},
        {"capacities", capacities},
        {"sending", sending},
        {"splicing", splicing},
        {"record_locks", record_locks},
        {"dead_locks", dead_locks},
        {"whole_locks", whole_locks},
        {"selecting", selecting},
        {"through_proc", through_proc},
        {"nameless_files", nameless_files},
        {"limits", limits},
        {"another_root", another_root},
        {"seeking", seeking},
        {NULL, NULL},
    };
    int status;

    umask(022);
    if (mkdir(TOP, 0755))
        return perror(TOP), 1;
    status = check_run(cases, argc, argv);
    if (rmdir(TOP))
        return perror(TOP), 1;
    return status;
}
