/* t-errors [CASE]: calls with arguments that are wrong in one way, or in two, so that the order of checks shows:
 * every result is compared with Linux. By the calls' numbers. Runs on Linux too, as root. */
#include "portable.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define TOP "/tmp/t-errors.d"
#define BAD 16 /* never mapped */
#define NO_FD 999
#define HERE AT_FDCWD
#define call(name, ...) show(syscall(SYS_##name, __VA_ARGS__))

static char buffer[8192], long_name[5000];
static int file, directory, fds[2], closed_end, read_only, path_fd;

static void
prepare(void)
{
    umask(022);
    check(mkdir(TOP, 0755) == 0);
    file = open(TOP "/file", O_CREAT | O_RDWR, 0644);
    check(write(file, "0123456789", 10) == 10);
    read_only = open(TOP "/file", O_RDONLY);
    directory = open(TOP, O_RDONLY | O_DIRECTORY);
    path_fd = open(TOP "/file", O_PATH);
    check(pipe(fds) == 0);
    check(symlink("loop", TOP "/loop") == 0);
    check(symlink("nowhere", TOP "/dangling") == 0);
    check(mkdir(TOP "/sub", 0755) == 0);
    memset(long_name, 'n', sizeof long_name - 1);
    closed_end = dup(file);
    close(closed_end);
}

static void
clean(void)
{
    static const char *const names[] = {"/file", "/loop", "/dangling", "/other", "/link"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        sprintf(buffer, TOP "%s", names[i]);
        unlink(buffer);
    }
    rmdir(TOP "/sub");
    check(rmdir(TOP) == 0);
    close(file);
    close(read_only);
    close(directory);
    close(path_fd);
    close(fds[0]);
    close(fds[1]);
}

static void
paths(void)
{
    static const char *const bad[] = {"", TOP "/none", TOP "/none/x", TOP "/file/x", TOP "/file/",
                                      TOP "/loop", TOP "/dangling", TOP "/sub/..", TOP "/", ".",
                                      long_name, (const char *)BAD, NULL};

    prepare();
    check(chdir(TOP) == 0);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *path = bad[i];
        printf("# path %u\n", i);
        show_error(open(path, O_RDONLY));
        show_error(open(path, O_WRONLY));
        show_error(open(path, O_RDONLY | O_DIRECTORY));
        show_error(open(path, O_RDONLY | O_NOFOLLOW));
        show_error(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
        unlink(TOP "/none");
        call(access, path, 0);
        call(access, path, 8);
        call(stat64, path, buffer);
        call(lstat64, path, buffer);
        call(readlink, path, buffer, 100);
        call(readlink, path, buffer, 0);
        call(truncate, path, 10);
        call(rmdir, path);
        check(mkdir(TOP "/sub", 0755) == 0 || errno == EEXIST);
        call(mkdir, path, 0755);
        rmdir(TOP "/none");
        call(chmod, path, 0755);
        call(chown32, path, -1, -1);
        call(link, path, TOP "/link");
        unlink(TOP "/link");
        call(link, TOP "/sub", path);
        call(symlink, "x", path);
        unlink(TOP "/none");
        call(rename, path, TOP "/other");
        rename(TOP "/other", path);
        if (strcmp(i < 10 ? path : "", TOP "/file") != 0)
            call(rename, TOP "/none", path);
        call(mknod, path, 0100644, 0);
        unlink(TOP "/none");
        call(utimensat_time64, HERE, path, NULL, 0);
        call(statfs, path, buffer);
        call(statx, HERE, path, 0, 0x7ff, buffer);
        call(execve, path, NULL, NULL);
        call(unlink, path);
        if (i == 5)
            check(symlink("loop", TOP "/loop") == 0);
        if (i == 6)
            check(symlink("nowhere", TOP "/dangling") == 0);
        check(chdir("/") == 0);
        call(chdir, path);
        check(chdir(TOP) == 0);
    }
    check(chdir("/") == 0);
    clean();
}

static void
descriptors(void)
{
    prepare();
    int bad[] = {-1, NO_FD, closed_end, file, directory, fds[0], fds[1], read_only, path_fd};
    struct iovec vector = {buffer, 10};

    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        int fd = bad[i];
        printf("# %u\n", i);
        if (fd != fds[0]) {
            call(read, fd, buffer, 10);
            call(readv, fd, &vector, 1);
        }
        call(read, fd, buffer, 0);
        call(read, fd, BAD, 0);
        call(write, fd, buffer, 3);
        call(write, fd, BAD, 3);
        call(write, fd, buffer, 0);
        call(writev, fd, &vector, 0);
        call(writev, fd, &vector, 1025);
        call(writev, fd, BAD, 1);
        call(pread64, fd, buffer, 4, 0, 0);
        call(pread64, fd, buffer, 4, -1, -1);
        call(pwrite64, fd, buffer, 4, 0, 0);
        call(lseek, fd, 0, SEEK_SET);
        call(lseek, fd, -1, SEEK_SET);
        call(lseek, fd, 0, 77);
        call(_llseek, fd, 0, 0, BAD, 0);
        call(fstat64, fd, BAD);
        call(fstatfs, fd, BAD);
        call(getdents64, fd, buffer, 10);
        call(getdents64, fd, BAD, 1000);
        call(ftruncate, fd, 10);
        call(ftruncate, fd, -1);
        call(fsync, fd);
        call(fdatasync, fd);
        call(fchmod, fd, 0644);
        call(fchown32, fd, -1, -1);
        call(fchdir, fd);
        check(chdir("/") == 0);
        call(ioctl, fd, 0x5401, buffer);
        call(ioctl, fd, 0x12345678, 0);
        call(fcntl64, fd, F_GETFD, 0);
        call(fcntl64, fd, F_DUPFD, -1);
        call(fcntl64, fd, F_DUPFD, 1 << 20);
        call(fcntl64, fd, F_GETFL, 0);
        call(fcntl64, fd, F_SETFL, 0);
        call(fcntl64, fd, 9999, 0);
        call(fcntl64, fd, F_GETLK, BAD);
        call(dup2, fd, -1);
        call(dup2, fd, 1 << 20);
        call(dup3, fd, fd, 0);
        call(dup3, fd, 500, 77);
        call(flock, fd, 0);
        call(fadvise64, fd, 0, 0, 0, 99);
        call(fadvise64, fd, 0, 0, 0, 0);
        call(readahead, fd, 0, 0, 10);
        call(syncfs, fd);
        call(utimensat_time64, fd, NULL, NULL, 0);
        call(sendfile, fds[1], fd, NULL, 0);
        call(openat, fd, "file", O_RDONLY | O_DIRECTORY);
        call(fstatat64, fd, "", buffer, AT_EMPTY_PATH);
        call(fstatat64, fd, "", buffer, 0);
        call(fstatat64, fd, "none", buffer, 0);
        call(fstatat64, fd, "/", buffer, 0);
        call(fstatat64, fd, "file", buffer, 0x12345);
        call(mkdirat, fd, "sub", 0755);
        call(unlinkat, fd, "sub", 77);
        call(unlinkat, fd, "none", 0);
        call(unlinkat, fd, "sub", 0);
        call(unlinkat, fd, "file", AT_REMOVEDIR);
        call(renameat, fd, "none", HERE, TOP "/other");
        call(readlinkat, fd, "loop", buffer, 100);
        call(faccessat, fd, "file", 4);
        call(fchmodat, fd, "none", 0644);
        call(symlinkat, "x", fd, "loop");
        call(linkat, fd, "file", HERE, TOP "/file", 0);
        call(linkat, fd, "file", HERE, TOP "/link", 1);
    }
    clean();
}

static void
several(void)
{
    static const long long time[2] = {0, 1000000000};

    prepare();
    show_error(open(TOP "/file", 3));
    call(open, TOP "/none", O_RDONLY | O_CREAT | O_DIRECTORY, 0600);
    unlink(TOP "/none");
    call(open, TOP, O_WRONLY | O_CREAT, 0600);
    show_error(open(TOP, O_RDONLY | O_TRUNC));
    show_error(open(TOP "/sub", O_RDWR | O_PATH | O_DIRECTORY));
    call(openat, HERE, "", O_RDONLY);
    call(creat, TOP "/sub", 0600);
    call(pipe, BAD);
    call(socketpair, 1, 1, 0, BAD);
    call(socketpair, 99, 1, 0, buffer);
    call(socketpair, 1, 99, 0, buffer);
    call(socketpair, 1, 1, 77, buffer);
    call(getcwd, buffer, 1);
    call(getcwd, buffer, 0);
    call(getcwd, BAD, 100);
    call(umask, 022);
    call(poll, BAD, 1, 0);
    call(poll, NULL, 0, 0);
    call(poll, buffer, 1 << 30, 0);
    call(ppoll_time64, NULL, 0, time, NULL, 0);
    call(_newselect, -1, NULL, NULL, NULL, NULL);
    call(_newselect, 1, BAD, NULL, NULL, NULL);
    call(pselect6_time64, 0, NULL, NULL, NULL, time, NULL);
    call(splice, fds[0], NULL, fds[1], NULL, 1, 0);
    call(tee, fds[0], fds[1], 1, 0);
    call(sendfile, file, NO_FD, NULL, 1);
    call(sendfile, directory, file, NULL, 1);
    call(copy_file_range, file, NULL, NO_FD, NULL, 1, 0);
    call(copy_file_range, directory, NULL, file, NULL, 1, 0);
    call(memfd_create, "x", 0x1000000);
    call(close_range, 100, 50, 0);
    call(close_range, 900, 901, 77);
    call(mknod, TOP "/other", 0170000, 0);
    call(mknod, TOP "/other", 0040755, 0);
    call(rename, TOP "/sub", TOP "/sub/x");
    call(rename, TOP "/file", TOP "/sub");
    call(rename, TOP "/sub", TOP "/file");
    call(rename, TOP "/file", TOP "/file");
    call(renameat2, HERE, TOP "/file", HERE, TOP "/sub", 3);
    call(link, TOP "/file", TOP "/file");
    call(linkat, HERE, TOP "/dangling", HERE, TOP "/link", AT_SYMLINK_FOLLOW);
    call(symlink, "", TOP "/link");
    call(symlink, long_name, TOP "/link");
    call(chmod, TOP "/loop", 0644);
    call(chmod, TOP "/dangling", 0644);
    call(lchown32, TOP "/dangling", 1, 1);
    call(truncate, TOP "/sub", 0);
    call(truncate64, TOP "/file", 0, -1);
    call(statfs64, TOP, 10, buffer);
    call(statfs64, TOP, 84, BAD);
    call(chroot, TOP "/file");
    call(chroot, TOP "/none");
    call(chroot, BAD);
    call(mount, BAD, BAD, BAD, 0, 0);
    call(umount2, TOP, 0x100);
    call(umount2, TOP, 0);
    call(sethostname, buffer, -1);
    call(sethostname, buffer, 100);
    call(reboot, 1, 2, 3, 4);
    call(personality, 0xffffffff);
    call(syslog, 99, buffer, 10);
    call(syslog, 3, buffer, -1);
    clean();
}

static void
absent(void)
{
    /* Numbers that nobody has. */
    show(syscall(511, 0));
    show(syscall(17, 0));
    show(syscall(31, 0));
    show(syscall(223, 0));
    show(syscall(-1, 0));
    show(syscall(0x40000000, 0));
    show(syscall(1000000, 0));
}

static const struct check_case cases[] = {
    {"paths", paths},
    {"descriptors", descriptors},
    {"several", several},
    {"absent", absent},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
