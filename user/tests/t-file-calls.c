/* t-file-calls [CASE…]: what t-files leaves out: owners and times, statx and the old stats, /proc/self, many
 * names in one directory, limits. Also runs on Linux, as root. */
#define TOP "/tmp/t-file-calls.d"
#include "file-calls.h"

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
    check_equal(CALL2(106, TOP "/f", bytes), 0); /* struct stat of 2.0 */
    memcpy(&mode, bytes + 8, 2);
    memcpy(&size, bytes + 20, 4);
    check(mode == status.st_mode && size == 12);
    check_equal(CALL2(99, TOP, bytes), 0);
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
    check_equal(CALL3(READ, fd, &byte, 1), -EBADF); /* read */
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
        {"through_proc", through_proc},
        {"nameless_files", nameless_files},
        {"limits", limits},
        {"another_root", another_root},
        {"seeking", seeking},
        {NULL, NULL},
    };

    return run_in_directory(cases, argc, argv);
}
