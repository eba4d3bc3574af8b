/* System calls about the calling process itself. */
#include "arch.h"
#include "fs/path.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define FIRST_PROCESS 1

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
    const struct process *process = current_task()->process;
    if (process->parent == &kernel_process) /* where orphans are; no program is their parent */
        return process->id == FIRST_PROCESS ? 0 : FIRST_PROCESS;
    return process->parent->id;
}

long
sys_gettid(void)
{
    return current_task()->tid;
}

long
sys_umask(u32 mask)
{
    struct directory_context *context = current_task()->directories;
    u32 old = context->umask;
    context->umask = mask & 0777;
    return old;
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

long
sys_get_thread_area(void USER *user)
{
    u32 descriptor[4];
    int error = copy_from_user(descriptor, user, sizeof(descriptor));
    if (!error)
        error = user_context_get_tls(current_fibril()->user, descriptor);
    return error ? error : copy_to_user(user, descriptor, sizeof(descriptor));
}

/* There is one personality, Linux's; flags are accepted and forgotten. */
#define PERSONALITY_LINUX 0u
#define PERSONALITY_QUERY 0xffffffffu

long
sys_personality(u32 wanted)
{
    return wanted == PERSONALITY_QUERY || (wanted & 0xff) == PERSONALITY_LINUX
               ? (long)PERSONALITY_LINUX
               : -EINVAL;
}

/* ---- prctl: linux/prctl.h ---- */

enum { SET_DEATH_SIGNAL = 1, GET_DEATH_SIGNAL, GET_DUMPABLE, SET_DUMPABLE, GET_KEEP_CAPS = 7,
       SET_KEEP_CAPS, SET_NAME = 15, GET_NAME, GET_SECCOMP = 21, CAPABILITY_READ = 23,
       SET_TIMER_SLACK = 29, GET_TIMER_SLACK, SET_NO_NEW_PRIVILEGES = 38, GET_NO_NEW_PRIVILEGES };
#define NAME_BYTES 16
#define TIMER_SLACK_NS 50000
#define CAPABILITIES 41

static long
name_take(const char USER *user)
{
    char name[NAME_BYTES];
    int error = copy_string_from_user(name, user, sizeof(name));
    if (error && error != -ENAMETOOLONG)
        return error;
    name[sizeof(name) - 1] = 0;
    process_set_name(current_task()->process, name);
    return 0;
}

static long
word_give(uintptr_t user, s32 word)
{
    return copy_to_user((void USER *)user, &word, sizeof(word));
}

long
sys_prctl(int option, uintptr_t argument, uintptr_t third, uintptr_t fourth, uintptr_t fifth)
{
    struct process *self = current_task()->process;
    switch (option) {
    case SET_NAME:
        return name_take((const char USER *)argument);
    case GET_NAME:
        return copy_to_user((void USER *)argument, self->name, NAME_BYTES);
    case SET_DEATH_SIGNAL:
        if (argument > SIGNALS)
            return -EINVAL;
        self->parent_death_signal = (u8)argument;
        return 0;
    case GET_DEATH_SIGNAL:
        return word_give(argument, self->parent_death_signal);
    case GET_DUMPABLE:
        return !self->undumpable;
    case SET_DUMPABLE:
        if (argument > 1)
            return -EINVAL;
        self->undumpable = !argument;
        return 0;
    case GET_KEEP_CAPS:
    case SET_KEEP_CAPS:
        return argument > 1 ? -EINVAL : 0;
    case GET_SECCOMP:
        return 0;
    case CAPABILITY_READ:
        return argument < CAPABILITIES ? 1 : -EINVAL;
    case SET_TIMER_SLACK:
        return 0;
    case GET_TIMER_SLACK:
        return TIMER_SLACK_NS;
    case SET_NO_NEW_PRIVILEGES:
        if (argument != 1 || third || fourth || fifth)
            return -EINVAL;
        self->no_new_privileges = true;
        return 0;
    case GET_NO_NEW_PRIVILEGES:
        return argument || third || fourth || fifth ? -EINVAL : self->no_new_privileges;
    }
    return -EINVAL;
}
