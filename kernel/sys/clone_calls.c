/* System calls that make processes and threads, and the one that replaces a program. All act on the
 * caller's user context. */
#include "arch.h"
#include "arch/i386/registers.h"
#include "fs/descriptor.h"
#include "fs/path.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/sys/program.h"
#include "kernel/task.h"

/* linux/sched.h */
#define CLONE_EXIT_SIGNAL 0xffu
#define CLONE_VM 0x100u
#define CLONE_FS 0x200u
#define CLONE_FILES 0x400u
#define CLONE_SIGHAND 0x800u
#define CLONE_VFORK 0x4000u
#define CLONE_PARENT 0x8000u
#define CLONE_THREAD 0x10000u
#define CLONE_NAMESPACES 0x7e020000u
#define CLONE_SETTLS 0x80000u
#define CLONE_PARENT_SETTID 0x100000u
#define CLONE_CHILD_CLEARTID 0x200000u
#define CLONE_CHILD_SETTID 0x1000000u

struct clone_request {
    u32 flags;
    uintptr_t stack, parent_tid, tls, child_tid;
};

static int
flags_check(u32 flags)
{
    if (flags & (CLONE_NAMESPACES | CLONE_PARENT))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND && !(flags & CLONE_VM)) ||
        (flags & CLONE_THREAD && !(flags & CLONE_SIGHAND)))
        return -EINVAL;
    return (flags & CLONE_EXIT_SIGNAL) > SIGNALS ? -EINVAL : 0;
}

static int
clone_files(struct task *self, struct task *task, u32 flags)
{
    int error = 0;
    if (flags & CLONE_FILES) {
        task->files = self->files;
        descriptor_table_get(task->files);
    } else {
        error = descriptor_table_copy(self->files, &task->files);
    }
    if (flags & CLONE_FS) {
        task->directories = self->directories;
        directory_context_get(task->directories);
    } else {
        task->directories = directory_context_copy(self->directories);
    }
    return task->directories ? error : -ENOMEM;
}

static int
clone_tls(struct task *task, uintptr_t tls)
{
    u32 descriptor[4];
    int error = copy_from_user(descriptor, (const void USER *)tls, sizeof(descriptor));
    return error ? error : user_context_set_tls(task->user->user, descriptor);
}

static int
clone_parts(struct task *task, const struct clone_request *request)
{
    u32 tid = task->tid;
    int error = clone_files(current_task(), task, request->flags);
    if (!error && request->flags & CLONE_SETTLS)
        error = clone_tls(task, request->tls);
    if (!error && request->flags & CLONE_PARENT_SETTID)
        error = copy_to_user((void USER *)request->parent_tid, &tid, sizeof(tid));
    if (request->flags & CLONE_CHILD_SETTID)
        task->set_tid = request->child_tid;
    if (request->flags & CLONE_CHILD_CLEARTID)
        task->clear_tid = request->child_tid;
    return error;
}

static void
clone_give_up(struct task *task)
{
    if (task->files)
        descriptor_table_put(task->files);
    if (task->directories)
        directory_context_put(task->directories);
    task->files = NULL;
    task->directories = NULL;
    task_discard(task);
}

static long
clone_run(const struct clone_request *request)
{
    u32 flags = request->flags;
    struct task_clone clone = {
        .share_space = flags & CLONE_VM,
        .share_process = flags & CLONE_THREAD,
        .share_handlers = flags & CLONE_SIGHAND,
        .exit_signal = flags & CLONE_EXIT_SIGNAL,
        .stack = request->stack,
    };
    struct task *task;
    int error = flags_check(flags);
    if (!error)
        error = task_clone(&clone, &task);
    if (error)
        return error;
    error = clone_parts(task, request);
    if (error) {
        clone_give_up(task);
        return error;
    }
    struct process *child = task->process;
    u32 tid = task->tid;
    process_get(child);
    task_start(task);
    if (flags & CLONE_VFORK) /* when cancelled, the return to user mode ends this task */
        (void)wait_event_killable(&child->ended, child->memory_released);
    process_put(child);
    return tid;
}

long
sys_fork(void)
{
    return clone_run(&(struct clone_request){.flags = SIGCHLD});
}

long
sys_vfork(void)
{
    return clone_run(&(struct clone_request){.flags = CLONE_VFORK | CLONE_VM | SIGCHLD});
}

long
sys_clone(u32 flags, uintptr_t stack, uintptr_t parent_tid, uintptr_t tls, uintptr_t child_tid)
{
    return clone_run(&(struct clone_request){flags, stack, parent_tid, tls, child_tid});
}

long
sys_execve(const char USER *path, const void USER *arguments, const void USER *environment)
{
    struct path_text text;
    struct program program = {.path = NULL};
    struct program_entry entry;
    int error = path_text_take(&text, path);
    if (error)
        return error;
    program.path = text.text;
    error = string_list_add_user(&program.arguments, arguments);
    if (!error)
        error = string_list_add_user(&program.environment, environment);
    if (!error)
        error = program_execute(&program, &entry);
    string_list_free(&program.arguments);
    string_list_free(&program.environment);
    path_text_drop(&text);
    if (error)
        return error;
    user_frame_reset(entry.instruction, entry.stack);
    return 0;
}
