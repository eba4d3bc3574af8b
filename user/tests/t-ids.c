/* t-ids [CASE]: who a process is and what it may: users, groups, sessions, umask, limits, priorities, prctl,
 * and what the system says of itself. Runs on Linux too, as root. */
#include "portable.h"
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>

/* Every case in a child of its own: nothing of it lasts. */
#define CASE(name)                                                                                 \
    static int name##_child(void *unused UNUSED);                                                  \
    static void name(void)                                                                         \
    {                                                                                              \
        show(exited(in_child(name##_child, NULL)));                                                \
    }                                                                                              \
    static int name##_child(void *unused UNUSED)

/* _exit loses what is not written out. */
static int
done(void)
{
    fflush(stdout);
    return 0;
}

/* Of a number that is somebody's: is it this process's? */
static int
own(int id)
{
    return id == getpid() ? 1 : id == -1 ? -1 : id == 0 ? 0 : 2;
}

/* ---- Users ---- */

static void
show_users(void)
{
    uid_t real, effective, saved;

    check(getresuid(&real, &effective, &saved) == 0);
    printf("  users = %d %d %d\n", (int)real, (int)effective, (int)saved);
}

CASE(users_of_root)
{
    show_users();
    show(setresuid(-1, 1000, -1));
    show_users();
    show(seteuid(0));
    show(setreuid(1000, 0));
    show_users();
    show(setresuid(1, 2, 3));
    show_users();
    show(setuid(1));
    show_users();
    show(setuid(3));
    show_users();
    show(setuid(0));
    show(setreuid(2, -1));
    show(setreuid(-1, 2));
    show(setreuid(-1, 1));
    show(setresuid(1, 1, 1));
    show_users();
    show(setresuid(-1, -1, -1));
    show(setuid(-1));
    show(seteuid(2));
    return done();
}

CASE(users_of_others)
{
    show(setreuid(5, 6)); /* the saved one becomes the effective one */
    show_users();
    show(setreuid(6, 5));
    show_users();
    show(setuid(77));
    show(setreuid(77, -1));
    show(syscall(SYS_getuid));
    return done();
}

CASE(groups_of_users)
{
    gid_t list[40], many[40], real, effective, saved;

    for (int i = 0; i < 40; i++)
        many[i] = i + 100;
    show(setgroups(3, many));
    show(getgroups(0, NULL));
    show(getgroups(2, list));
    show(getgroups(40, list));
    show(list[2]);
    show(getgroups(-1, list));
    show(setgroups(0, NULL));
    show(getgroups(40, list));
    show(setgroups(1, (gid_t *)16));
    show(setgroups(70000, many));
    show(setresgid(7, 8, 9));
    show(getresgid(&real, &effective, &saved));
    show(real * 100 + effective * 10 + saved);
    show(setuid(1000));
    show(setgroups(1, many));
    show(setgid(9));
    show(setgid(10));
    show(setregid(7, 7));
    show(setresgid(8, -1, -1));
    return done();
}

/* Files are made for the effective ids, and looked at with them. */
CASE(ids_and_files)
{
    struct stat status;
    int fd;

    umask(0);
    show(setresgid(50, 51, 52));
    show(setresuid(60, 61, 0));
    fd = open("/tmp/t-ids", O_CREAT | O_WRONLY, 0640);
    show(fstat(fd, &status));
    show(status.st_uid * 100 + status.st_gid);
    show(status.st_mode);
    close(fd);
    show(access("/tmp/t-ids", R_OK)); /* by the real ids */
    show(faccessat(AT_FDCWD, "/tmp/t-ids", R_OK, AT_EACCESS));
    show(open("/tmp/t-ids", O_RDONLY) >= 0);
    show(setresuid(-1, 62, -1));
    show(open("/tmp/t-ids", O_RDONLY) >= 0); /* the group may read */
    show(open("/tmp/t-ids", O_WRONLY));
    show(chmod("/tmp/t-ids", 0777));
    show(setresuid(-1, 0, -1));
    show(open("/tmp/t-ids", O_WRONLY) >= 0);
    show(unlink("/tmp/t-ids"));
    return done();
}

/* ---- Groups and sessions ---- */

CASE(sessions)
{
    int status, fds[2];
    char byte;

    show(own(getpgrp()));
    show(getpgid(0) == getpgrp());
    show(setpgid(0, 0));
    show(own(getpgrp()));
    show(setsid()); /* a leader of a group may not */
    check(pipe(fds) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        show(own(setsid()));
        show(own(getsid(0)));
        show(own(getpgrp()));
        show(setpgid(0, 0)); /* a leader of a session may not */
        fflush(stdout);
        check(write(fds[1], "x", 1) == 1);
        for (;;)
            pause();
    }
    check(read(fds[0], &byte, 1) == 1);
    show(setpgid(pid, pid)); /* another session's */
    show(getsid(pid) == pid);
    show(getpgid(pid) == pid);
    kill(pid, SIGKILL);
    check(waitpid(pid, &status, 0) == pid);
    pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    show(setpgid(pid, 12345)); /* no such group in this session */
    show(setpgid(pid, -1));
    show(setpgid(-1, 0));
    show(setpgid(getppid(), 0));
    show(setpgid(pid, pid));
    show(getpgid(pid) == pid);
    show(setpgid(pid, getpgrp()));
    show(getpgid(pid) == getpgrp());
    kill(pid, SIGKILL);
    check(waitpid(pid, &status, 0) == pid);
    show(getpgid(pid));
    show(getsid(pid));
    show(getpgid(-1));
    return done();
}

/* A child that has another program already is not put into another group. */
CASE(groups_after_exec)
{
    int status, fds[2];
    char byte;

    check(pipe2(fds, O_CLOEXEC) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        char *arguments[] = {"t-ids", "sleep", NULL};
        execv("/proc/self/exe", arguments);
        _exit(99);
    }
    close(fds[1]);
    show(read(fds[0], &byte, 1)); /* the end comes with exec */
    show(setpgid(pid, pid));
    kill(pid, SIGKILL);
    check(waitpid(pid, &status, 0) == pid);
    show(exited(status));
    return done();
}

/* ---- Limits ---- */

CASE(limits)
{
    struct rlimit limit = {100, 50};

    show(setrlimit(RLIMIT_NOFILE, &limit));
    limit = (struct rlimit){20, 30};
    show(setrlimit(RLIMIT_NOFILE, &limit));
    show(getrlimit(RLIMIT_NOFILE, &limit));
    show(limit.rlim_cur * 100 + limit.rlim_max);
    show(getrlimit(99, &limit));
    show(setrlimit(-1, &limit));
    show(getrlimit(RLIMIT_CPU, (struct rlimit *)16));
    show(fcntl(1, F_DUPFD, 19) >= 0);
    show(fcntl(1, F_DUPFD, 20));
    show(setuid(1000));
    limit = (struct rlimit){30, 30};
    show(setrlimit(RLIMIT_NOFILE, &limit));
    limit = (struct rlimit){30, 31};
    show(setrlimit(RLIMIT_NOFILE, &limit));
    limit = (struct rlimit){1, 1};
    show(setrlimit(RLIMIT_NPROC, &limit));
    show(fork());
    show(prlimit(getppid(), RLIMIT_NPROC, NULL, &limit));
    show(prlimit(0, RLIMIT_NPROC, NULL, &limit));
    show(limit.rlim_cur);
    show(prlimit(4000000, RLIMIT_NPROC, NULL, &limit));
    return done();
}

CASE(limit_of_file_size)
{
    struct rlimit limit = {10, RLIM_INFINITY};
    int fd = open("/tmp/t-ids", O_CREAT | O_RDWR | O_TRUNC, 0600);

    show(setrlimit(RLIMIT_FSIZE, &limit));
    handle(SIGXFSZ, SIG_IGN, 0);
    show(write(fd, "12345678901234567890", 20));
    show(write(fd, "x", 1));
    show(pwrite(fd, "x", 1, 100));
    show(ftruncate(fd, 11));
    show(ftruncate(fd, 10));
    unlink("/tmp/t-ids");
    handle(SIGXFSZ, SIG_DFL, 0);
    fflush(stdout);
    write(fd, "x", 1); /* kills */
    return 1;
}

CASE(limit_of_time)
{
    struct rlimit limit = {1, 2};

    handle(SIGXCPU, SIG_DFL, 0);
    show(setrlimit(RLIMIT_CPU, &limit));
    fflush(stdout);
    for (;;)
        ;
    return 0;
}

/* ---- umask, priorities, prctl ---- */

CASE(umask_and_modes)
{
    struct stat status;

    umask(022);
    show(umask(0777));
    show(umask(01777 + 027 - 0777));
    show(umask(027));
    show(mkdir("/tmp/t-ids", 0777));
    show(stat("/tmp/t-ids", &status));
    show(status.st_mode);
    show(rmdir("/tmp/t-ids"));
    show(open("/tmp/t-ids", O_CREAT | O_RDWR, 06777) >= 0);
    show(stat("/tmp/t-ids", &status));
    show(status.st_mode);
    show(unlink("/tmp/t-ids"));
    return done();
}

CASE(priorities)
{
    struct sched_param param = {.sched_priority = 0};

    show(setpriority(PRIO_PROCESS, 0, 0));
    show(getpriority(PRIO_PROCESS, 0));
    show(setpriority(PRIO_PROCESS, 0, 5));
    show(getpriority(PRIO_PROCESS, 0));
    show(syscall(SYS_getpriority, PRIO_PROCESS, 0));
    show(setpriority(PRIO_PROCESS, 0, 100));
    show(getpriority(PRIO_PROCESS, 0));
    show(nice(-3));
    show(getpriority(PRIO_PROCESS, 0));
    show(setpriority(9, 0, 0));
    show(getpriority(PRIO_PROCESS, 4000000));
    show(sched_getscheduler(0));
    show(sched_get_priority_max(SCHED_FIFO));
    show(sched_get_priority_min(SCHED_RR));
    show(sched_get_priority_max(77));
    show(sched_setscheduler(0, SCHED_OTHER, &param));
    param.sched_priority = 1;
    show(sched_setscheduler(0, SCHED_OTHER, &param));
    show(sched_getscheduler(4000000));
    show(sched_getparam(0, &param));
    show(param.sched_priority);
    show(setuid(1000));
    show(setpriority(PRIO_PROCESS, 0, 0));
    show(nice(-1));
    show(setpriority(PRIO_PROCESS, getppid(), 19));
    return done();
}

CASE(process_control)
{
    char name[20] = "";
    int signal = 0;

    show(prctl(PR_SET_NAME, "a name that is too long"));
    show(prctl(PR_GET_NAME, name));
    show(strcmp(name, "a name that is "));
    show(prctl(PR_SET_NAME, 16));
    show(prctl(PR_SET_PDEATHSIG, 65));
    show(prctl(PR_SET_PDEATHSIG, SIGTERM));
    show(prctl(PR_GET_PDEATHSIG, &signal));
    show(signal);
    show(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    show(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    show(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    show(prctl(PR_SET_DUMPABLE, 5));
    show(prctl(PR_SET_DUMPABLE, 0));
    show(prctl(PR_GET_DUMPABLE));
    show(prctl(123456));
    return done();
}

/* ---- Times and the system ---- */

CASE(usage)
{
    struct rusage usage;
    struct tms times_used;
    struct sysinfo info;
    struct utsname name;

    show(getrusage(RUSAGE_SELF, &usage));
    show(getrusage(7, &usage));
    show(getrusage(RUSAGE_SELF, (struct rusage *)16));
    show(getrusage(RUSAGE_CHILDREN, &usage));
    show(usage.ru_utime.tv_sec + usage.ru_utime.tv_usec);
    show(times((struct tms *)16));
    show(times(&times_used) != (clock_t)-1);
    while (times_used.tms_utime + times_used.tms_stime < 3)
        times(&times_used);
    show(times_used.tms_cutime + times_used.tms_cstime);
    getrusage(RUSAGE_SELF, &usage);
    show(usage.ru_minflt > 0);
    show(usage.ru_maxrss > 0);
    show(sysinfo(&info));
    show(info.totalram > info.freeram && info.freeram > 0);
    show(info.procs > 0);
    show(info.mem_unit > 0);
    show(sysinfo((struct sysinfo *)16));
    show(uname(&name));
    show(strcmp(name.sysname, "Linux"));
    show(uname((struct utsname *)16));
    return done();
}

CASE(random_bytes)
{
    unsigned char a[32] = {0}, b[32] = {0};

    show(syscall(SYS_getrandom, a, 32, 0));
    show(syscall(SYS_getrandom, b, 32, 1));
    show(memcmp(a, b, 32) != 0);
    show(syscall(SYS_getrandom, a, 0, 0));
    show(syscall(SYS_getrandom, a, 8, 0x100));
    show(syscall(SYS_getrandom, a, 8, 6)); /* two that exclude each other */
    show(syscall(SYS_getrandom, (void *)16, 8, 0));
    return done();
}

static const struct check_case cases[] = {
    {"users-of-root", users_of_root},
    {"users-of-others", users_of_others},
    {"groups-of-users", groups_of_users},
    {"ids-and-files", ids_and_files},
    {"sessions", sessions},
    {"groups-after-exec", groups_after_exec},
    {"limits", limits},
    {"limit-of-file-size", limit_of_file_size},
    {"limit-of-time", limit_of_time},
    {"umask-and-modes", umask_and_modes},
    {"priorities", priorities},
    {"process-control", process_control},
    {"usage", usage},
    {"random-bytes", random_bytes},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "sleep") == 0)
        pause();
    return check_run(cases, argc, argv);
}
