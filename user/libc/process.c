/* The process itself. */
#include <aio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <fibril/calls.h>
#include "libc.h"

void
_exit(int status)
{
    for (;;)
        sys_exit_group(status);
}

pid_t
getpid(void)
{
    return sys_getpid();
}

pid_t
getppid(void)
{
    return sys_getppid();
}

uid_t
getuid(void)
{
    return sys_getuid();
}

uid_t
geteuid(void)
{
    return sys_geteuid();
}

gid_t
getgid(void)
{
    return sys_getgid();
}

gid_t
getegid(void)
{
    return sys_getegid();
}

mode_t
umask(mode_t mask)
{
    return sys_umask(mask);
}

int
uname(struct utsname *name)
{
    return libc_result(sys_uname(name));
}

int
getpagesize(void)
{
    return 4096;
}

long
sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE:
        return 4096;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return 1;
    case _SC_CLK_TCK:
        return 100;
    case _SC_ASYNCHRONOUS_IO:
        return 200112;
    case _SC_AIO_LISTIO_MAX:
        return AIO_LISTIO_MAX;
    case _SC_AIO_PRIO_DELTA_MAX:
        return AIO_PRIO_DELTA_MAX;
    }
    return libc_result(-EINVAL);
}
