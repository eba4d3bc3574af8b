/* System calls about the calling process itself. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/string.h"
#include "kernel/task.h"

long
sys_exit(int status)
{
    task_exit((status & 0xff) << 8);
}

long
sys_exit_group(int status)
{
    process_exit((status & 0xff) << 8);
}

long
sys_getpid(void)
{
    return current_task()->process->id;
}

long
sys_getppid(void)
{
    return current_task()->process->parent->id;
}

long
sys_gettid(void)
{
    return current_task()->tid;
}

long
sys_getuid(void)
{
    return current_task()->credentials->uid;
}

long
sys_geteuid(void)
{
    return current_task()->credentials->euid;
}

long
sys_getgid(void)
{
    return current_task()->credentials->gid;
}

long
sys_getegid(void)
{
    return current_task()->credentials->egid;
}

/* The calls of before 2.4, with 16-bit numbers. */
long
sys_getuid16(void)
{
    return MIN(current_task()->credentials->uid, 65534u);
}

long
sys_setuid(u32 uid)
{
    struct credentials new = *current_task()->credentials;
    if (new.euid != 0 && uid != new.uid)
        return -EPERM;
    if (new.euid == 0)
        new.uid = uid;
    new.euid = uid;
    return credentials_change(&new);
}

long
sys_setgid(u32 gid)
{
    struct credentials new = *current_task()->credentials;
    if (new.euid != 0 && gid != new.gid)
        return -EPERM;
    if (new.euid == 0)
        new.gid = gid;
    new.egid = gid;
    return credentials_change(&new);
}

long
sys_umask(u32 mask)
{
    u32 old = current_task()->credentials->umask;
    current_task()->credentials->umask = mask & 0777;
    return old;
}

long
sys_sched_yield(void)
{
    schedule_yield();
    return 0;
}

struct new_utsname { /* linux/utsname.h: 390 bytes */
    char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

long
sys_uname(void USER *user)
{
    static const struct new_utsname name = {
        .sysname = "Fibril",
        .nodename = "fibril",
        .release = "6.1.0-fibril-" FIBRIL_VERSION, /* C libraries refuse kernels that look old */
        .version = "#1",
        .machine = "i686",
        .domainname = "(none)",
    };
    return copy_to_user(user, &name, sizeof(name));
}

/* The thread library asks for these at start-up; with one task per process there is nothing to do. */
long
sys_set_tid_address(void USER *address)
{
    return current_task()->tid;
}

long
sys_set_thread_area(void USER *user)
{
    u32 descriptor[4];
    int error = copy_from_user(descriptor, user, sizeof(descriptor));
    if (error)
        return error;
    error = user_context_set_tls(current_fibril()->user, descriptor);
    if (error)
        return error;
    return copy_to_user(user, descriptor, sizeof(descriptor[0]));
}
