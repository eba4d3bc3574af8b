/* Making, replacing and waiting for processes. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fibril/calls.h>
#include "libc.h"
#include "thread.h"

/* ---- fork ---- */

/* The child has this thread alone. So that it finds nobody inside the library, no other thread is
 * there while the memory is copied. */
pid_t
fork(void)
{
    long pid;

    thread_before_fork();
    pid = sys_fork();
    if (pid == 0)
        thread_in_child();
    else
        thread_in_parent();
    return libc_result(pid);
}

/* ---- exec ---- */

extern char **environ;

int
execve(const char *path, char *const arguments[], char *const environment[])
{
    return libc_result(sys_execve(path, arguments, environment));
}

int
execv(const char *path, char *const arguments[])
{
    return execve(path, arguments, environ);
}

/* A file that is no program may be a script without "#!". */
static void
execute_by_shell(const char *path, char *const arguments[], char *const environment[])
{
    int count = 0;

    while (arguments[count])
        count++;
    char **words = alloca((count + 2) * sizeof *words);
    words[0] = "/bin/sh";
    words[1] = (char *)path;
    for (int i = 1; i <= count; i++)
        words[i + 1] = arguments[i];
    if (count == 0)
        words[2] = NULL;
    execve(words[0], words, environment);
}

/* One directory of the path; returns when that failed, with errno. */
static void
execute_in(const char *directory, size_t length, const char *file, char *const arguments[],
           char *const environment[])
{
    size_t file_length = strlen(file);
    char *path = alloca(length + file_length + 2);

    memcpy(path, directory, length);
    if (length)
        path[length++] = '/';
    memcpy(path + length, file, file_length + 1);
    execve(path, arguments, environment);
    if (errno == ENOEXEC)
        execute_by_shell(path, arguments, environment);
}

int
execvpe(const char *file, char *const arguments[], char *const environment[])
{
    const char *path = getenv("PATH");
    int found = ENOENT;

    if (!*file || strchr(file, '/')) {
        execute_in("", 0, file, arguments, environment);
        return -1;
    }
    for (const char *at = path ? path : "/bin:/usr/bin"; at;) {
        const char *end = at + strcspn(at, ":");
        execute_in(at, end - at, file, arguments, environment);
        if (errno == EACCES)
            found = EACCES;
        else if (errno != ENOENT && errno != ENOTDIR)
            return -1;
        at = *end ? end + 1 : NULL;
    }
    errno = found;
    return -1;
}

int
execvp(const char *file, char *const arguments[])
{
    return execvpe(file, arguments, environ);
}

/* The arguments of execl and its kin, as an array of `count` and a null pointer. */
static int
list_count(va_list list)
{
    int count = 1;

    while (va_arg(list, char *))
        count++;
    return count;
}

static void
list_fill(char **words, const char *first, int count, va_list list)
{
    words[0] = (char *)first;
    for (int i = 1; i <= count; i++)
        words[i] = va_arg(list, char *);
}

/* Leaves `list` behind the null pointer. */
#define LIST_TAKE(words, first, list)                                                              \
    va_start(list, first);                                                                         \
    int words##_count = first ? list_count(list) : 0;                                              \
    va_end(list);                                                                                  \
    char **words = alloca((words##_count + 1) * sizeof *words);                                    \
    va_start(list, first);                                                                         \
    list_fill(words, first, words##_count, list)

int
execl(const char *path, const char *first, ...)
{
    va_list list;

    LIST_TAKE(words, first, list);
    va_end(list);
    return execve(path, words, environ);
}

int
execlp(const char *file, const char *first, ...)
{
    va_list list;

    LIST_TAKE(words, first, list);
    va_end(list);
    return execvpe(file, words, environ);
}

int
execle(const char *path, const char *first, ...)
{
    va_list list;

    LIST_TAKE(words, first, list);
    char **environment = va_arg(list, char **);
    va_end(list);
    return execve(path, words, environment);
}

/* ---- Waiting ---- */

/* The kernel's usage has 32-bit times: asm-generic/resource.h. */
struct kernel_usage {
    long user_seconds, user_microseconds, system_seconds, system_microseconds, rest[14];
};

static void
usage_give(const struct kernel_usage *from, struct rusage *to)
{
    to->ru_utime = (struct timeval){from->user_seconds, from->user_microseconds};
    to->ru_stime = (struct timeval){from->system_seconds, from->system_microseconds};
    memcpy(&to->ru_maxrss, from->rest, sizeof from->rest);
}

pid_t
wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    struct kernel_usage used;
    pid_t result = libc_result(sys_wait4(pid, status, options, usage ? &used : NULL));

    if (result > 0 && usage)
        usage_give(&used, usage);
    return result;
}

pid_t
wait3(int *status, int options, struct rusage *usage)
{
    return wait4(-1, status, options, usage);
}

pid_t
waitpid(pid_t pid, int *status, int options)
{
    return wait4(pid, status, options, NULL);
}

pid_t
wait(int *status)
{
    return wait4(-1, status, 0, NULL);
}

int
waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    return libc_result(sys_waitid(type, id, info, options, NULL));
}

int
getrusage(int who, struct rusage *usage)
{
    struct kernel_usage used;

    if (libc_result(sys_getrusage(who, &used)) < 0)
        return -1;
    usage_give(&used, usage);
    return 0;
}

/* ---- system ---- */

static void
run_shell(const char *command, const sigset_t *mask, const struct sigaction *interrupt,
          const struct sigaction *quit)
{
    sigaction(SIGINT, interrupt, NULL);
    sigaction(SIGQUIT, quit, NULL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

int
system(const char *command)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, interrupt, quit;
    sigset_t child = 1ull << (SIGCHLD - 1), mask;
    int status = -1;

    if (!command)
        return access("/bin/sh", X_OK) == 0;
    sigaction(SIGINT, &ignore, &interrupt);
    sigaction(SIGQUIT, &ignore, &quit);
    sigprocmask(SIG_BLOCK, &child, &mask);
    pid_t pid = fork();
    if (pid == 0)
        run_shell(command, &mask, &interrupt, &quit);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return status;
}

/* ---- Groups and sessions ---- */

int
setpgid(pid_t pid, pid_t group)
{
    return libc_result(sys_setpgid(pid, group));
}

int
setpgrp(void)
{
    return setpgid(0, 0);
}

pid_t
getpgid(pid_t pid)
{
    return libc_result(sys_getpgid(pid));
}

pid_t
getpgrp(void)
{
    return sys_getpgrp();
}

pid_t
setsid(void)
{
    return libc_result(sys_setsid());
}

pid_t
getsid(pid_t pid)
{
    return libc_result(sys_getsid(pid));
}
