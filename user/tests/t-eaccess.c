/* t-eaccess: what a file's mode allows, as root first and then, for good, as another user; and
 * writing to a file system that cannot be written. With the test image small1k as /mnt/0 also
 * permissions on ext2, and credentials that change while a call waits for the disk (A22). */
#include <sys/stat.h>
#include "test.h"

#define SECRET "/mnt/0/d0/file3" /* mode 0600, owner 0 */

static bool disk;

static long
try_open(const char *path, int flags)
{
    long fd = sys_open(path, flags, 0666);

    if (fd >= 0) {
        sys_close(fd);
        return 0;
    }
    return fd;
}

static void
make(const char *path, unsigned mode)
{
    long fd = sys_open(path, O_CREAT | O_EXCL | O_RDWR, 0600);

    check(fd >= 0);
    sys_close(fd);
    check_equal(sys_chmod(path, mode), 0);
}

static void
set_up(void)
{
    disk = sys_access("/mnt/0/d0", 0) == 0;
    make("/tmp/root-0600", 0600);
    make("/tmp/root-0644", 0644);
    make("/tmp/root-0622", 0622);
    make("/tmp/root-0000", 0);
    make("/tmp/open-0666", 0666);
    check_equal(sys_mkdir("/tmp/locked", 0700), 0);
    make("/tmp/locked/file", 0666);
    check_equal(sys_mkdir("/tmp/search", 0711), 0);
    make("/tmp/search/file", 0644);
    check_equal(sys_mkdir("/tmp/list", 0744), 0);
    make("/tmp/list/file", 0644);
}

/* Root reads and writes everything; it runs only what somebody may run. */
static void
root(void)
{
    check_equal(try_open("/tmp/root-0000", O_RDWR), 0);
    check_equal(try_open("/tmp/locked/file", O_RDWR), 0);
    check_equal(sys_access("/tmp/root-0000", 6), 0);
    check_equal(sys_access("/tmp/root-0000", 1), -EACCES);
    check_equal(sys_access("/tmp/locked", 7), 0);
}

/* ext2 is read-only, for root too. */
static void
read_only(void)
{
    check_equal(try_open("/bin/walk", O_RDWR), -EROFS);
    check_equal(try_open("/bin/walk", O_WRONLY), -EROFS);
    check_equal(try_open("/bin/walk", O_RDONLY | O_TRUNC), -EROFS);
    check_equal(try_open("/bin/none", O_CREAT | O_WRONLY), -EROFS);
    check_equal(try_open("/bin/walk", O_CREAT | O_RDONLY), 0); /* it is there: nothing to make */
    check_equal(sys_unlink("/bin/walk"), -EROFS);
    check_equal(sys_mkdir("/bin/none", 0777), -EROFS);
    check_equal(sys_rmdir("/bin"), -EROFS);
    check_equal(sys_access("/bin/walk", 2), -EROFS);
    check_equal(sys_access("/bin/walk", 4), 0);
    check_equal(sys_truncate64("/bin/walk", 0, 0), -EROFS);
    check_equal(sys_chmod("/bin/walk", 0777), -EROFS);
    check_equal(sys_rename("/bin/walk", "/bin/run"), -EROFS);
    check_equal(sys_link("/bin/walk", "/bin/run"), -EROFS);
    check_equal(sys_symlink("walk", "/bin/run"), -EROFS);
    check_equal(sys_link("/bin/walk", "/tmp/run"), -EXDEV);
}

/* The call was root's when it was started. The last case that root has. */
static void
a22_credentials_changed_in_a_call(void)
{
    long fd = -1;

    if (disk) {
        check_equal(test_write_file("/proc/sys/vm/drop_caches", "3"), 1);
        test_start(SYS_open, 1, WORD(SECRET), O_RDONLY, 0, 0);
    } else {
        puts("# A22 credentials: no /mnt/0");
    }
    check_equal(sys_setgid(100), 0);
    check_equal(sys_setuid(1000), 0);
    if (disk) {
        fd = test_await().return_code;
        check(fd >= 0);
        sys_close(fd);
    }
}

static void
user_ids(void)
{
    check_equal(sys_getuid(), 1000);
    check_equal(sys_geteuid(), 1000);
    check_equal(sys_getgid(), 100);
    check_equal(sys_setuid(0), -EPERM);
    check_equal(sys_setgid(0), -EPERM);
    check_equal(sys_setuid(1000), 0);
    check_equal(sys_getuid(), 1000);
}

static void
user_files(void)
{
    check_equal(try_open("/tmp/root-0600", O_RDONLY), -EACCES);
    check_equal(try_open("/tmp/root-0600", O_WRONLY), -EACCES);
    check_equal(try_open("/tmp/root-0644", O_RDONLY), 0);
    check_equal(try_open("/tmp/root-0644", O_RDWR), -EACCES);
    check_equal(try_open("/tmp/root-0644", O_RDONLY | O_TRUNC), -EACCES);
    check_equal(try_open("/tmp/root-0622", O_WRONLY), 0);
    check_equal(try_open("/tmp/root-0622", O_RDONLY), -EACCES);
    check_equal(try_open("/tmp/root-0000", O_RDONLY), -EACCES);
    check_equal(try_open("/tmp/open-0666", O_RDWR), 0);
    check_equal(sys_access("/tmp/root-0600", 0), 0); /* it exists */
    check_equal(sys_access("/tmp/root-0600", 4), -EACCES);
    check_equal(sys_access("/tmp/root-0644", 2), -EACCES);
    check_equal(sys_chmod("/tmp/root-0600", 0666), -EPERM);
    check_equal(test_result(SYS_open, WORD("/tmp/root-0600"), 0, 0, 0), -EACCES);
    if (disk)
        check_equal(try_open(SECRET, O_RDONLY), -EACCES);
}

static void
user_directories(void)
{
    struct kernel_stat status;
    char buffer[512];
    long fd;

    check_equal(try_open("/tmp/locked", O_RDONLY), -EACCES);
    check_equal(try_open("/tmp/locked/file", O_RDONLY), -EACCES);
    check_equal(try_open("/tmp/locked/none", O_RDONLY), -EACCES);
    check_equal(sys_stat64("/tmp/locked/file", &status), -EACCES);
    check_equal(sys_stat64("/tmp/locked/../root-0644", &status), -EACCES);
    check_equal(sys_stat64("/tmp/locked", &status), 0);
    check_equal(sys_chdir("/tmp/locked"), -EACCES);
    check_equal(sys_unlink("/tmp/locked/file"), -EACCES);
    check_equal(try_open("/tmp/locked/new", O_CREAT | O_WRONLY), -EACCES);
    check_equal(try_open("/tmp/search", O_RDONLY), -EACCES); /* to be passed, not listed */
    check_equal(try_open("/tmp/search/file", O_RDONLY), 0);
    fd = sys_open("/tmp/list", O_RDONLY, 0); /* to be listed, not passed */
    check(fd >= 0);
    check(sys_getdents64(fd, buffer, sizeof buffer) > 0);
    check_equal(sys_openat(fd, "file", O_RDONLY, 0), -EACCES);
    check_equal(sys_fchdir(fd), -EACCES);
    sys_close(fd);
    if (disk)
        check_equal(try_open("/mnt/0/lost+found", O_RDONLY), -EACCES);
}

/* A path that fails at a directory fails the same way asynchronously, a hundred times at once. */
static void
user_asynchronously(void)
{
    for (int i = 0; i < 100; i++)
        test_start(SYS_open, i, WORD(i % 2 ? "/tmp/locked/file" : "/tmp/root-0644"), O_RDONLY, 0,
                   0);
    for (int i = 0; i < 100; i++) {
        struct asys_completion done = test_await();
        check(done.cookie % 2 ? done.return_code == -EACCES : done.return_code >= 0);
        if (done.return_code >= 0)
            sys_close(done.return_code);
    }
}

/* What only root may do to the machine. */
static void
user_and_the_kernel(void)
{
    long result = test_write_file("/proc/provoke", "panic");

    check(result == -EACCES || result == -EPERM);
    result = test_write_file("/proc/sys/vm/drop_caches", "3");
    check(result == -EACCES || result == -EPERM);
    result = test_write_file("/proc/trace", "on");
    check(result == -EACCES || result == -EPERM);
}

static const struct check_case cases[] = {
    {"set-up", set_up},
    {"root", root},
    {"read-only", read_only},
    {"A22_credentials_changed_in_a_call", a22_credentials_changed_in_a_call},
    {"user-ids", user_ids},
    {"user-files", user_files},
    {"user-directories", user_directories},
    {"user-asynchronously", user_asynchronously},
    {"user-and-the-kernel", user_and_the_kernel},
    {NULL, NULL},
};

int
main(void)
{
    char *all[] = {"t-eaccess"};

    return check_run(cases, 1, all); /* they build on each other */
}
