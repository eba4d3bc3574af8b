/* t-files [CASE…]: files, directories, links and descriptors, and the error numbers of what cannot be.
 * Needs a directory to write in (/tmp). Also compiles for Linux, where every case has to pass too. */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"

/* Calls that the C library has no function for; -errno as the kernel gives it. */
#ifdef __linux__
#include <sys/syscall.h>
#define result_of(value) ({ long value_ = (value); value_ < 0 ? -(long)errno : value_; })
#define call_symlink(target, path) result_of(symlink(target, path))
#define call_rename(from, to) result_of(rename(from, to))
#define call_link(from, to) result_of(link(from, to))
#define call_getdents(fd, to, size) result_of(syscall(SYS_getdents64, fd, to, size))
#define call_read(fd, to, size) result_of(syscall(SYS_read, fd, to, size))
#define call_write(fd, from, size) result_of(syscall(SYS_write, fd, from, size))
#define call_readv(fd, vectors, count) result_of(syscall(SYS_readv, fd, vectors, count))
#define call_chmod(path, mode) result_of(chmod(path, mode))
#else
#include <fibril/kernel_call.h>
#define call_symlink(target, path) kernel_call2(83, (long)(target), (long)(path))
#define call_rename(from, to) kernel_call2(38, (long)(from), (long)(to))
#define call_link(from, to) kernel_call2(9, (long)(from), (long)(to))
#define call_getdents(fd, to, size) kernel_call3(220, fd, (long)(to), size)
#define call_read(fd, to, size) kernel_call3(3, fd, (long)(to), size)
#define call_write(fd, from, size) kernel_call3(4, fd, (long)(from), size)
#define call_readv(fd, vectors, count) kernel_call3(145, fd, (long)(vectors), count)
#define call_chmod(path, mode) kernel_call2(15, (long)(path), mode)
#endif

#define TOP "/tmp/t-files.d"
static volatile long bad_address = 16; /* so that the compiler does not see it */
#define BAD_POINTER ((void *)bad_address)

/* Expects the call to fail with this number. */
#define check_error(call, number)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long long error_result_ = (call);                                                          \
        if (error_result_ != -1 || errno != (number))                                              \
            check_failed("%s:%d: %s is %lld, errno %d, not %d", __FILE__, __LINE__, #call,         \
                         error_result_, errno, (number));                                          \
    } while (0)

static void
make_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    check(fd >= 0);
    check_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* ---- Cases ---- */

static void
writing_and_reading(void)
{
    char bytes[32];
    struct stat status;
    int fd;

    make_file(TOP "/f", "hello, world");
    check_equal(stat(TOP "/f", &status), 0);
    check_equal(status.st_size, 12);
    check(S_ISREG(status.st_mode) && status.st_nlink == 1);
    fd = open(TOP "/f", O_RDWR);
    check_equal(read(fd, bytes, 5), 5);
    check(memcmp(bytes, "hello", 5) == 0);
    check_equal(lseek(fd, -5, SEEK_END), 7);
    check_equal(read(fd, bytes, sizeof bytes), 5);
    check_equal(read(fd, bytes, sizeof bytes), 0);
    check_equal(pread(fd, bytes, 4, 3), 4);
    check(memcmp(bytes, "lo, ", 4) == 0);
    check_equal(lseek(fd, 0, SEEK_CUR), 12);
    check_equal(pwrite(fd, "J", 1, 0), 1);
    check_equal(lseek(fd, 100, SEEK_SET), 100);
    check_equal(write(fd, "end", 3), 3);
    check_equal(pread(fd, bytes, 20, 90), 13);
    check(bytes[0] == 0 && memcmp(bytes + 10, "end", 3) == 0);
    check_equal(ftruncate(fd, 3), 0);
    check_equal(pread(fd, bytes, 20, 0), 3);
    check(memcmp(bytes, "Jel", 3) == 0);
    check_error(lseek(fd, -1, SEEK_SET), EINVAL);
    check_error(lseek(fd, 0, 99), EINVAL);
    check_error(pread(fd, bytes, 1, -1), EINVAL);
    close(fd);
    fd = open(TOP "/f", O_WRONLY | O_APPEND);
    check_equal(write(fd, "++", 2), 2);
    check_equal(lseek(fd, 0, SEEK_CUR), 5);
    close(fd);
    check_equal(unlink(TOP "/f"), 0);
}

static void
beyond_4_gib(void)
{
    char byte = 0;
    struct stat status;
    int fd = open(TOP "/big", O_RDWR | O_CREAT, 0600);

    check_equal(lseek(fd, 5ll << 30, SEEK_SET), 5ll << 30);
    check_equal(write(fd, "x", 1), 1);
    check_equal(fstat(fd, &status), 0);
    check_equal(status.st_size, (5ll << 30) + 1);
    check_equal(pread(fd, &byte, 1, 5ll << 30), 1);
    check_equal(byte, 'x');
    check_equal(pread(fd, &byte, 1, 3ll << 30), 1);
    check_equal(byte, 0);
    close(fd);
    check_equal(unlink(TOP "/big"), 0);
}

static void
bad_descriptors_and_pointers(void)
{
    char byte;
    int fd = open(TOP, O_RDONLY | O_DIRECTORY), file;

    make_file(TOP "/f", "text");
    check_error(read(-1, &byte, 1), EBADF);
    check_error(read(999, &byte, 1), EBADF);
    check_error(close(999), EBADF);
    check_error(read(fd, &byte, 1), EISDIR);
    check_error(write(fd, &byte, 1), EBADF);
    close(fd);
    file = open(TOP "/f", O_RDONLY);
    check_error(write(file, "x", 1), EBADF);
    check_equal(call_read(file, BAD_POINTER, 4), -EFAULT);
    check_equal(call_read(file, BAD_POINTER, 0), 0);
    check_equal(call_readv(file, BAD_POINTER, 1), -EFAULT);
    check_equal(call_readv(file, BAD_POINTER, -1), -EINVAL);
    check_equal(call_getdents(file, &byte, 1), -ENOTDIR);
    close(file);
    file = open(TOP "/f", O_WRONLY);
    check_error(read(file, &byte, 1), EBADF);
    check_equal(call_write(file, BAD_POINTER, 4), -EFAULT);
    close(file);
    check_error(open(BAD_POINTER, O_RDONLY), EFAULT);
    check_equal(unlink(TOP "/f"), 0);
}

static void
paths_that_fail(void)
{
    struct stat status;
    char path[5000];

    make_file(TOP "/f", "");
    check_error(stat("", &status), ENOENT);
    check_error(stat(TOP "/none", &status), ENOENT);
    check_error(stat(TOP "/none/f", &status), ENOENT);
    check_error(stat(TOP "/f/", &status), ENOTDIR);
    check_error(stat(TOP "/f/.", &status), ENOTDIR);
    check_error(stat(TOP "/f/..", &status), ENOTDIR);
    check_error(open(TOP, O_WRONLY), EISDIR);
    check_error(open(TOP "/f", O_RDONLY | O_DIRECTORY), ENOTDIR);
    check_error(open(TOP "/f", O_RDONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    check_error(open(TOP "/new/", O_WRONLY | O_CREAT, 0600), EISDIR);
    check_error(open(TOP "/none/f", O_WRONLY | O_CREAT, 0600), ENOENT);
    memset(path, 'x', sizeof path);
    memcpy(path, TOP "/", sizeof TOP);
    path[sizeof TOP + 256] = 0;
    check_error(stat(path, &status), ENAMETOOLONG);
    path[sizeof TOP + 256] = 'x';
    for (unsigned i = sizeof TOP; i < sizeof path - 1; i += 2)
        memcpy(path + i, "./", 2);
    path[sizeof path - 1] = 0;
    check_error(stat(path, &status), ENAMETOOLONG);
    path[4095] = 0;
    check_equal(stat(path, &status), 0);
    check_equal(unlink(TOP "/f"), 0);
}

static void
links(void)
{
    char text[64];
    struct stat status;

    check_equal(mkdir(TOP "/d", 0755), 0);
    make_file(TOP "/d/f", "in d");
    check_equal(call_symlink("d", TOP "/to-d"), 0);
    check_equal(call_symlink("to-d/f", TOP "/to-f"), 0);
    check_equal(call_symlink("loop", TOP "/loop"), 0);
    check_equal(call_symlink("nowhere", TOP "/dangling"), 0);
    check_equal(call_symlink("x", TOP "/to-d"), -EEXIST);
    check_equal(call_symlink("", TOP "/y"), -ENOENT);
    check_equal(readlink(TOP "/to-f", text, sizeof text), 6);
    check(memcmp(text, "to-d/f", 6) == 0);
    check_equal(readlink(TOP "/to-f", text, 3), 3);
    check_error(readlink(TOP "/d/f", text, sizeof text), EINVAL);
    check_error(readlink(TOP "/to-f", text, 0), EINVAL);
    check_equal(stat(TOP "/to-f", &status), 0);
    check(S_ISREG(status.st_mode) && status.st_size == 4);
    check_equal(lstat(TOP "/to-f", &status), 0);
    check(S_ISLNK(status.st_mode) && status.st_size == 6);
    check_equal(lstat(TOP "/to-d/", &status), 0);
    check(S_ISDIR(status.st_mode));
    check_error(stat(TOP "/loop", &status), ELOOP);
    check_error(open(TOP "/to-f", O_RDONLY | O_NOFOLLOW), ELOOP);
    check_error(open(TOP "/dangling", O_RDONLY), ENOENT);
    check_error(open(TOP "/dangling", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    check_error(mkdir(TOP "/dangling", 0700), EEXIST);
    close(open(TOP "/dangling", O_WRONLY | O_CREAT, 0600));
    check_equal(stat(TOP "/nowhere", &status), 0);
    check_equal(call_link(TOP "/d/f", TOP "/hard"), 0);
    check_equal(stat(TOP "/hard", &status), 0);
    check_equal(status.st_nlink, 2);
    check_equal(call_link(TOP "/d", TOP "/hard-d"), -EPERM);
    check_equal(call_link(TOP "/d/f", TOP "/hard"), -EEXIST);
    check_equal(unlink(TOP "/hard"), 0);
    check_equal(unlink(TOP "/nowhere"), 0);
    check_equal(unlink(TOP "/dangling"), 0);
    check_equal(unlink(TOP "/loop"), 0);
    check_equal(unlink(TOP "/to-f"), 0);
    check_equal(unlink(TOP "/to-d"), 0);
    check_equal(unlink(TOP "/d/f"), 0);
    check_equal(rmdir(TOP "/d"), 0);
}

static void
removing(void)
{
    check_equal(mkdir(TOP "/d", 0755), 0);
    make_file(TOP "/d/f", "x");
    check_error(mkdir(TOP "/d", 0755), EEXIST);
    check_error(mkdir(TOP "/d/.", 0755), EEXIST);
    check_error(mkdir(TOP "/d/f/x", 0755), ENOTDIR);
    check_error(rmdir(TOP "/d"), ENOTEMPTY);
    check_error(rmdir(TOP "/d/f"), ENOTDIR);
    check_error(rmdir(TOP "/d/."), EINVAL);
    check_error(rmdir(TOP "/d/.."), ENOTEMPTY);
    check_error(unlink(TOP "/d"), EISDIR);
    check_error(unlink(TOP "/d/f/"), ENOTDIR);
    check_error(unlink(TOP "/none"), ENOENT);
    check_error(rmdir("/"), EBUSY);
    check_equal(mkdir(TOP "/e/", 0755), 0);
    check_equal(rmdir(TOP "/e/"), 0);
    check_equal(unlink(TOP "/d/f"), 0);
    check_equal(rmdir(TOP "/d"), 0);
}

static void
moving(void)
{
    struct stat status;

    check_equal(mkdir(TOP "/a", 0755), 0);
    check_equal(mkdir(TOP "/b", 0755), 0);
    make_file(TOP "/a/f", "one");
    make_file(TOP "/g", "three");
    check_equal(call_rename(TOP "/a/f", TOP "/b/h"), 0);
    check_error(stat(TOP "/a/f", &status), ENOENT);
    check_equal(call_rename(TOP "/b/h", TOP "/g"), 0);
    check_equal(stat(TOP "/g", &status), 0);
    check_equal(status.st_size, 3);
    check_equal(call_rename(TOP "/g", TOP "/a"), -EISDIR);
    check_equal(call_rename(TOP "/a", TOP "/g"), -ENOTDIR);
    check_equal(call_rename(TOP "/a", TOP "/a/b"), -EINVAL);
    check_equal(call_rename(TOP "/none", TOP "/x"), -ENOENT);
    check_equal(call_rename(TOP "/a", TOP "/b"), 0);
    make_file(TOP "/b/in", "");
    check_equal(mkdir(TOP "/c", 0755), 0);
    check_equal(call_rename(TOP "/c", TOP "/b"), -ENOTEMPTY);
    check_equal(call_rename(TOP "/b", TOP "/c"), 0);
    check_equal(stat(TOP "/c/../g", &status), 0);
    check_equal(unlink(TOP "/c/in"), 0);
    check_equal(rmdir(TOP "/c"), 0);
    check_equal(unlink(TOP "/g"), 0);
}

static void
open_but_removed(void)
{
    char bytes[8];
    int fd;

    make_file(TOP "/f", "still");
    fd = open(TOP "/f", O_RDWR);
    check_equal(unlink(TOP "/f"), 0);
    check_equal(read(fd, bytes, 8), 5);
    check_equal(pwrite(fd, "more", 4, 5), 4);
    check_equal(pread(fd, bytes, 8, 5), 4);
    close(fd);
    check_equal(mkdir(TOP "/d", 0755), 0);
    fd = open(TOP "/d", O_RDONLY);
    check_equal(rmdir(TOP "/d"), 0);
    check_error(openat(fd, "x", O_WRONLY | O_CREAT, 0600), ENOENT);
    close(fd);
}

static void
working_directory(void)
{
    char path[128];
    struct stat here, there;
    int fd;

    check_equal(mkdir(TOP "/d", 0755), 0);
    check_equal(chdir(TOP "/d"), 0);
    check(getcwd(path, sizeof path) && strcmp(path, TOP "/d") == 0);
    check_error(getcwd(path, 3) == NULL ? -1 : 0, ERANGE);
    make_file("f", "x");
    check_equal(stat(TOP "/d/f", &there), 0);
    check_equal(stat("../d/f", &here), 0);
    check_equal(here.st_ino, there.st_ino);
    check_error(chdir("f"), ENOTDIR);
    fd = open("/", O_RDONLY);
    check_equal(fchdir(fd), 0);
    check(getcwd(path, sizeof path) && strcmp(path, "/") == 0);
    check_equal(fstatat(fd, TOP + 1, &there, 0), 0);
    close(fd);
    check_error(fchdir(fd), EBADF);
    check_equal(unlink(TOP "/d/f"), 0);
    check_equal(rmdir(TOP "/d"), 0);
}

static void
at_calls(void)
{
    struct stat status;
    int fd, file;

    make_file(TOP "/f", "four");
    fd = open(TOP, O_RDONLY | O_DIRECTORY);
    file = openat(fd, "f", O_RDONLY);
    check(file >= 0);
    check_equal(fstatat(fd, "f", &status, 0), 0);
    check_equal(status.st_size, 4);
    check_error(fstatat(fd, "", &status, 0), ENOENT);
    check_equal(fstatat(file, "", &status, AT_EMPTY_PATH), 0);
    check_equal(status.st_size, 4);
    check_error(fstatat(file, "f", &status, 0), ENOTDIR);
    check_error(fstatat(999, "f", &status, 0), EBADF);
    check_equal(fstatat(999, TOP "/f", &status, 0), 0);
    check_error(fstatat(fd, "f", &status, 1 << 30), EINVAL);
    check_error(unlinkat(fd, "f", AT_REMOVEDIR), ENOTDIR);
    check_equal(unlinkat(fd, "f", 0), 0);
    check_equal(mkdirat(fd, "d", 0700), 0);
    check_equal(unlinkat(fd, "d", AT_REMOVEDIR), 0);
    close(file);
    close(fd);
}

static void
listing(void)
{
    char path[64], bytes[512];
    DIR *directory;
    struct dirent *entry;
    int count = 0, sum = 0, fd;

    check_equal(mkdir(TOP "/d", 0755), 0);
    for (int i = 0; i < 40; i++) {
        snprintf(path, sizeof path, TOP "/d/%d", i);
        make_file(path, "");
    }
    directory = opendir(TOP "/d");
    while ((entry = readdir(directory)) != NULL) {
        count++;
        sum += atoi(entry->d_name);
        check(entry->d_type == (entry->d_name[0] == '.' ? DT_DIR : DT_REG));
    }
    closedir(directory);
    check_equal(count, 42);
    check_equal(sum, 780);
    fd = open(TOP "/d", O_RDONLY);
    check_equal(call_getdents(fd, bytes, 10), -EINVAL);
    count = 0;
    for (long size; (size = call_getdents(fd, bytes, 100)) > 0;)
        for (long at = 0; at < size; at += *(unsigned short *)(bytes + at + 16))
            count++;
    check_equal(count, 42);
    check_equal(lseek(fd, 0, SEEK_SET), 0);
    check(call_getdents(fd, bytes, sizeof bytes) > 0);
    check_equal(lseek(fd, 0, SEEK_SET), 0);
    check_equal(call_getdents(fd, BAD_POINTER, 512), -EFAULT);
    close(fd);
    for (int i = 0; i < 40; i++) {
        snprintf(path, sizeof path, TOP "/d/%d", i);
        check_equal(unlink(path), 0);
    }
    check_equal(rmdir(TOP "/d"), 0);
}

static void
descriptors(void)
{
    char bytes[4];
    int fd, other;

    make_file(TOP "/f", "abcdef");
    fd = open(TOP "/f", O_RDONLY | O_CLOEXEC);
    check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    other = dup(fd);
    check(other > fd);
    check_equal(fcntl(other, F_GETFD), 0);
    check_equal(read(fd, bytes, 2), 2);
    check_equal(read(other, bytes, 2), 2);
    check(memcmp(bytes, "cd", 2) == 0); /* one position */
    check_equal(dup2(fd, 50), 50);
    check_equal(dup2(50, 50), 50);
    check_error(dup2(999, 51), EBADF);
    check_error(dup2(999, 999), EBADF);
    check_error(dup2(fd, -1), EBADF);
    check_error(dup3(fd, fd, 0), EINVAL);
    check_equal(fcntl(fd, F_DUPFD, 60), 60);
    check_error(fcntl(fd, F_DUPFD, -1), EINVAL);
    check_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    close(fd);
    check_equal(read(60, bytes, 1), 1);
    check_equal(bytes[0], 'e');
    close(50);
    close(60);
    close(other);
    check_error(fcntl(60, F_GETFD), EBADF);
    check_equal(unlink(TOP "/f"), 0);
}

static void
pipes(void)
{
    char bytes[8];
    int fds[2];
    struct pollfd polled[2];
    struct stat status;

    check_equal(pipe2(fds, O_NONBLOCK), 0);
    check_error(read(fds[0], bytes, 1), EAGAIN);
    check_error(lseek(fds[0], 0, SEEK_SET), ESPIPE);
    check_error(pread(fds[0], bytes, 1, 0), ESPIPE);
    check_error(write(fds[0], bytes, 1), EBADF);
    check_equal(fstat(fds[0], &status), 0);
    check(S_ISFIFO(status.st_mode));
    polled[0] = (struct pollfd){fds[0], POLLIN, 0};
    polled[1] = (struct pollfd){fds[1], POLLOUT, 0};
    check_equal(poll(polled, 2, 0), 1);
    check_equal(polled[1].revents, POLLOUT);
    check_equal(write(fds[1], "abc", 3), 3);
    check_equal(poll(polled, 2, 1000), 2);
    check_equal(read(fds[0], bytes, 8), 3);
    polled[1].fd = -1;
    check_equal(poll(polled, 2, 20), 0);
    polled[1].fd = 999;
    check_equal(poll(polled, 2, -1), 1);
    check_equal(polled[1].revents, POLLNVAL);
    close(fds[1]);
    check_equal(poll(polled, 1, -1), 1);
    check_equal(polled[0].revents, POLLHUP);
    check_equal(read(fds[0], bytes, 8), 0);
    close(fds[0]);
    check_error(pipe(BAD_POINTER), EFAULT);
}

static void
modes(void)
{
    struct stat status;
    int fd, before = umask(027);

    fd = open(TOP "/f", O_WRONLY | O_CREAT, 0666);
    check_equal(fstat(fd, &status), 0);
    check_equal(status.st_mode & 07777, 0640);
    close(fd);
    check_equal(umask(before), 027);
    check_equal(call_chmod(TOP "/f", 0401), 0);
    check_equal(stat(TOP "/f", &status), 0);
    check_equal(status.st_mode & 07777, 0401);
    check_equal(access(TOP "/f", F_OK), 0);
    check_equal(access(TOP "/f", R_OK | W_OK | X_OK), 0);
    check_equal(call_chmod(TOP "/f", 0600), 0);
    check_error(access(TOP "/f", X_OK), EACCES);
    check_error(access(TOP "/f", 8), EINVAL);
    check_error(access(TOP "/none", F_OK), ENOENT);
    check_equal(unlink(TOP "/f"), 0);
}

static void
devices(void)
{
    char bytes[8] = "1234567";
    struct stat status;
    int fd = open("/dev/zero", O_RDWR);

    check_equal(read(fd, bytes, 8), 8);
    check(memcmp(bytes, "\0\0\0\0\0\0\0\0", 8) == 0);
    check_equal(fstat(fd, &status), 0);
    check(S_ISCHR(status.st_mode));
    check_equal(status.st_rdev, 0x105);
    close(fd);
    fd = open("/dev/null", O_RDWR);
    check_equal(read(fd, bytes, 8), 0);
    check_equal(write(fd, bytes, 8), 8);
    check_equal(call_write(fd, BAD_POINTER, 8), 8);
    close(fd);
    fd = open("/dev/full", O_WRONLY);
    check_error(write(fd, "x", 1), ENOSPC);
    close(fd);
    check_error(open("/dev/none", O_RDONLY), ENOENT);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"writing_and_reading", writing_and_reading},
        {"beyond_4_gib", beyond_4_gib},
        {"bad_descriptors_and_pointers", bad_descriptors_and_pointers},
        {"paths_that_fail", paths_that_fail},
        {"links", links},
        {"removing", removing},
        {"moving", moving},
        {"open_but_removed", open_but_removed},
        {"working_directory", working_directory},
        {"at_calls", at_calls},
        {"listing", listing},
        {"descriptors", descriptors},
        {"pipes", pipes},
        {"modes", modes},
        {"devices", devices},
        {NULL, NULL},
    };
    int status;

    if (mkdir(TOP, 0755))
        return perror(TOP), 1;
    status = check_run(cases, argc, argv);
    chdir("/");
    if (rmdir(TOP))
        return perror(TOP), 1;
    return status;
}
