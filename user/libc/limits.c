/* What the process is and may do: ids, limits, priorities, names, the machine. */
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <fibril/calls.h>
#include <fibril/kernel_types.h>
#include "libc.h"

/* ---- Limits and priorities ---- */

int
prlimit(pid_t pid, int number, const struct rlimit *new, struct rlimit *old)
{
    return libc_result(sys_prlimit64(pid, number, new, old));
}

int
getrlimit(int number, struct rlimit *limit)
{
    return prlimit(0, number, NULL, limit);
}

int
setrlimit(int number, const struct rlimit *limit)
{
    return prlimit(0, number, limit, NULL);
}

/* The kernel says 20 - nice, so that it is never negative. */
int
getpriority(int which, id_t who)
{
    long result = libc_result(sys_getpriority(which, who));

    return result < 0 ? -1 : 20 - result;
}

int
setpriority(int which, id_t who, int nice)
{
    return libc_result(sys_setpriority(which, who, nice));
}

int
nice(int change)
{
    if (libc_result(sys_nice(change)) < 0)
        return -1;
    return getpriority(PRIO_PROCESS, 0);
}

/* ---- Ids ---- */

pid_t
gettid(void)
{
    return sys_gettid();
}

int
setuid(uid_t uid)
{
    return libc_result(sys_setuid(uid));
}

int
setgid(gid_t gid)
{
    return libc_result(sys_setgid(gid));
}

int
seteuid(uid_t uid)
{
    return libc_result(sys_setresuid(-1, uid, -1));
}

int
setegid(gid_t gid)
{
    return libc_result(sys_setresgid(-1, gid, -1));
}

int
setreuid(uid_t real, uid_t effective)
{
    return libc_result(sys_setreuid(real, effective));
}

int
setregid(gid_t real, gid_t effective)
{
    return libc_result(sys_setregid(real, effective));
}

int
setresuid(uid_t real, uid_t effective, uid_t saved)
{
    return libc_result(sys_setresuid(real, effective, saved));
}

int
setresgid(gid_t real, gid_t effective, gid_t saved)
{
    return libc_result(sys_setresgid(real, effective, saved));
}

int
getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    return libc_result(sys_getresuid((unsigned *)real, (unsigned *)effective, (unsigned *)saved));
}

int
getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
    return libc_result(sys_getresgid((unsigned *)real, (unsigned *)effective, (unsigned *)saved));
}

int
getgroups(int size, gid_t *list)
{
    return libc_result(sys_getgroups(size, (unsigned *)list));
}

int
setgroups(int count, const gid_t *list)
{
    return libc_result(sys_setgroups(count, (const unsigned *)list));
}

/* ---- Names and the machine ---- */

int
gethostname(char *name, size_t size)
{
    struct utsname names;

    if (uname(&names) < 0)
        return -1;
    if (strlen(names.nodename) >= size)
        return libc_result(-ENAMETOOLONG);
    strcpy(name, names.nodename);
    return 0;
}

int
sethostname(const char *name, size_t length)
{
    return libc_result(sys_sethostname(name, length));
}

int
setdomainname(const char *name, size_t length)
{
    return libc_result(sys_setdomainname(name, length));
}

int
sysinfo(struct sysinfo *information)
{
    return libc_result(sys_sysinfo(information));
}

ssize_t
getrandom(void *buffer, size_t size, unsigned flags)
{
    return libc_result(sys_getrandom(buffer, size, flags));
}

int
getentropy(void *buffer, size_t size)
{
    if (size > 256)
        return libc_result(-EIO);
    return getrandom(buffer, size, 0) == (ssize_t)size ? 0 : -1;
}

int
prctl(int option, ...)
{
    va_list list;
    unsigned long words[4];

    va_start(list, option);
    for (int i = 0; i < 4; i++)
        words[i] = va_arg(list, unsigned long);
    va_end(list);
    return libc_result(sys_prctl(option, words[0], words[1], words[2], words[3]));
}

/* ---- Scheduling ---- */

int
sched_yield(void)
{
    return libc_result(sys_sched_yield());
}

int
sched_setscheduler(pid_t tid, int policy, const struct sched_param *parameter)
{
    return libc_result(sys_sched_setscheduler(tid, policy, &parameter->sched_priority));
}

int
sched_getscheduler(pid_t tid)
{
    return libc_result(sys_sched_getscheduler(tid));
}

int
sched_setparam(pid_t tid, const struct sched_param *parameter)
{
    return libc_result(sys_sched_setparam(tid, &parameter->sched_priority));
}

int
sched_getparam(pid_t tid, struct sched_param *parameter)
{
    return libc_result(sys_sched_getparam(tid, &parameter->sched_priority));
}

int
sched_get_priority_max(int policy)
{
    return libc_result(sys_sched_get_priority_max(policy));
}

int
sched_get_priority_min(int policy)
{
    return libc_result(sys_sched_get_priority_min(policy));
}

int
sched_rr_get_interval(pid_t tid, struct timespec *interval)
{
    struct kernel_timespec raw;

    if (libc_result(sys_sched_rr_get_interval(tid, &raw)) < 0)
        return -1;
    *interval = (struct timespec){raw.seconds, raw.nanoseconds};
    return 0;
}

int
sched_getcpu(void)
{
    unsigned processor;

    return libc_result(sys_getcpu(&processor, NULL)) < 0 ? -1 : (int)processor;
}
