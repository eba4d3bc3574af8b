/* Functions that newlib's own files name and for which the kernel has no call yet. They fail with
 * ENOSYS, but that raise() and abort() end the program. A call that enters syscalls.master moves from
 * here to the file of its family. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fibril/calls.h>
#include "libc.h"

static int
absent(void)
{
    return libc_result(-ENOSYS);
}

/* newlib delivers signals inside the process; what reaches kill() has the default effect. */
int
kill(pid_t pid, int signal)
{
    if (pid != getpid())
        return absent();
    if (signal != 0)
        _exit(128 + signal);
    return 0;
}

int
fork(void)
{
    return absent();
}

int
execve(const char *path, char *const arguments[], char *const environment[])
{
    (void)path, (void)arguments, (void)environment;
    return absent();
}

int
wait(int *status)
{
    (void)status;
    return absent();
}

int
link(const char *from, const char *to)
{
    (void)from, (void)to;
    return absent();
}

int
getentropy(void *buffer, size_t size)
{
    (void)buffer, (void)size;
    return absent();
}

int
sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    (void)how, (void)set;
    if (old)
        *old = 0;
    return 0; /* nothing sends signals yet */
}
