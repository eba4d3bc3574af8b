/* System calls about signals: actions, masks, waiting, sending, and the way back from a handler. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/relief.h"
#include "kernel/signal.h"
#include "kernel/string.h"
#include "kernel/sys/times.h"
#include "kernel/task.h"

#define SET_BYTES 8u
#define UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };
enum { STACK_ON = 1, STACK_DISABLE = 2 };

struct old_action { /* struct old_sigaction */
    u32 handler, mask, flags, restorer;
};

static bool
number_valid(int number)
{
    return number >= 1 && number <= SIGNALS;
}

/* ---- Actions ---- */

static int
action_exchange(int number, const struct signal_action *new, struct signal_action *old)
{
    if (!number_valid(number) || (new && SIGNAL_BIT(number) & UNBLOCKABLE))
        return -EINVAL;
    *old = current_task()->process->handlers->actions[number - 1];
    if (new)
        signal_set_action(number, new);
    return 0;
}

long
sys_rt_sigaction(int number, const void USER *user_new, void USER *user_old, size_t set_bytes)
{
    struct signal_action new, old;
    if (set_bytes != SET_BYTES)
        return -EINVAL;
    int error = user_new ? copy_from_user(&new, user_new, sizeof(new)) : 0;
    if (!error)
        error = action_exchange(number, user_new ? &new : NULL, &old);
    if (!error && user_old)
        error = copy_to_user(user_old, &old, sizeof(old));
    return error;
}

long
sys_sigaction(int number, const void USER *user_new, void USER *user_old)
{
    struct old_action short_new, short_old;
    struct signal_action new, old;
    int error = user_new ? copy_from_user(&short_new, user_new, sizeof(short_new)) : 0;
    if (error)
        return error;
    if (user_new)
        new = (struct signal_action){short_new.handler, short_new.flags, short_new.restorer,
                                     short_new.mask, 0};
    error = action_exchange(number, user_new ? &new : NULL, &old);
    short_old = (struct old_action){old.handler, old.mask_low, old.flags, old.restorer};
    if (!error && user_old)
        error = copy_to_user(user_old, &short_old, sizeof(short_old));
    return error;
}

long
sys_signal(int number, uintptr_t handler)
{
    struct signal_action old, new = {.handler = handler, .flags = ACTION_RESET | ACTION_NO_DEFER};
    int error = action_exchange(number, &new, &old);
    return error ? error : (long)old.handler;
}

/* ---- Masks ---- */

static int
mask_change(int how, signal_set set)
{
    signal_set mask = current_fibril()->signal_mask;
    switch (how) {
    case SIG_BLOCK:
        mask |= set;
        break;
    case SIG_UNBLOCK:
        mask &= ~set;
        break;
    case SIG_SETMASK:
        mask = set;
        break;
    default:
        return -EINVAL;
    }
    signal_set_mask(mask);
    return 0;
}

static long
mask_call(int how, const void USER *user_new, void USER *user_old, size_t bytes)
{
    signal_set new = 0, old = current_fibril()->signal_mask;
    int error = user_new ? copy_from_user(&new, user_new, bytes) : 0;
    if (!error && user_new && how == SIG_SETMASK && bytes < sizeof(new))
        new |= old & ~0xffffffffull; /* the old call knows the first 32 only */
    if (!error && user_new)
        error = mask_change(how, new);
    if (!error && user_old)
        error = copy_to_user(user_old, &old, bytes);
    return error;
}

long
sys_rt_sigprocmask(int how, const void USER *new, void USER *old, size_t set_bytes)
{
    return set_bytes != SET_BYTES ? -EINVAL : mask_call(how, new, old, SET_BYTES);
}

long
sys_sigprocmask(int how, const void USER *new, void USER *old)
{
    return mask_call(how, new, old, sizeof(u32));
}

long
sys_rt_sigpending(void USER *set, size_t set_bytes)
{
    signal_set pending = signal_pending_set() & current_fibril()->signal_mask;
    return set_bytes > SET_BYTES ? -EINVAL : copy_to_user(set, &pending, set_bytes);
}

long
sys_sigpending(void USER *set)
{
    return sys_rt_sigpending(set, sizeof(u32));
}

/* ---- Waiting ---- */

static struct wait_queue never = WAIT_QUEUE_INIT(never, "signal");

static long
suspend(signal_set mask)
{
    signal_set_mask_until_return(mask);
    return signal_call_interrupted(wait_event_interruptible(&never, false), 0);
}

long
sys_rt_sigsuspend(const void USER *set, size_t set_bytes)
{
    signal_set mask;
    int error = set_bytes != SET_BYTES ? -EINVAL : copy_from_user(&mask, set, sizeof(mask));
    return error ? error : suspend(mask);
}

long
sys_sigsuspend(int unused, int unused_too, u32 mask)
{
    return suspend(mask);
}

long
sys_pause(void)
{
    return signal_call_interrupted(wait_event_interruptible(&never, false), 0);
}

/* Sleeps until one of `set`, blocked as it may be, is pending. */
static int
signal_await(signal_set set, u64 deadline, struct signal_info *info)
{
    int error = wait_event_interruptible_until(&current_task()->process->signalled,
                                               signal_pending_set() & set, deadline);
    if (signal_take(set, info))
        return 0;
    return error == -ETIMEDOUT ? -EAGAIN : error == -ERESTARTSYS ? -EINTR : error;
}

static long
await_call(const void USER *user_set, void USER *user_info, u64 deadline)
{
    signal_set set;
    struct signal_info info;
    int error = copy_from_user(&set, user_set, sizeof(set));
    if (!error)
        error = signal_await(set & ~UNBLOCKABLE, deadline, &info);
    if (!error && user_info)
        error = copy_to_user(user_info, &info, sizeof(info));
    return error ? error : info.number;
}

static long
await_for(const void USER *set, void USER *info, const void USER *timeout, size_t set_bytes,
          int (*take)(const void USER *user, u64 *ns))
{
    u64 ns;
    if (set_bytes != SET_BYTES)
        return -EINVAL;
    if (!timeout)
        return await_call(set, info, 0);
    int error = take(timeout, &ns);
    u64 now = time_now_ns();
    return error ? error : await_call(set, info, ns < ~0ull - now ? now + ns : ~0ull);
}

long
sys_rt_sigtimedwait(const void USER *set, void USER *info, const void USER *timeout,
                    size_t set_bytes)
{
    return await_for(set, info, timeout, set_bytes, time_take32);
}

long
sys_rt_sigtimedwait_time64(const void USER *set, void USER *info, const void USER *timeout,
                           size_t set_bytes)
{
    return await_for(set, info, timeout, set_bytes, time_take64);
}

/* ---- Sending ---- */

static void
info_user(struct signal_info *info, int number, int code)
{
    memset(info, 0, sizeof(*info));
    info->number = number;
    info->code = code;
    info->fields[0] = current_task()->process->id;
    info->fields[1] = current_task()->credentials->uid;
}

static int
send_process(u32 pid, const struct signal_info *info)
{
    struct process *process = process_find(pid);
    if (!process)
        return -ESRCH;
    if (!process_may_signal(process, info->number))
        return -EPERM;
    return info->number ? signal_send_process(process, info) : 0;
}

static int
send_all(const struct signal_info *info)
{
    struct process *process, *following;
    int result = -ESRCH;
    list_for_each_safe(process, following, process_list(), all_link) {
        if (process == current_task()->process || process->id == 1)
            continue;
        result = 0;
        if (info->number && process_may_signal(process, info->number))
            (void)signal_send_process(process, info);
    }
    return result;
}

long
sys_kill(int pid, int number)
{
    struct signal_info info;
    if (number && !number_valid(number))
        return -EINVAL;
    info_user(&info, number, CODE_USER);
    if (pid > 0)
        return send_process(pid, &info);
    if (pid == -1)
        return send_all(&info);
    return process_signal_group(pid == 0 ? current_task()->process->group : (u32)-pid, &info);
}

static int
send_task(int group, int tid, const struct signal_info *info)
{
    if (tid <= 0 || group == 0 || group < -1 || (info->number && !number_valid(info->number)))
        return -EINVAL;
    struct task *task = task_find(tid);
    if (!task || task->process == &kernel_process ||
        (group > 0 && task->process->id != (u32)group))
        return -ESRCH;
    if (!process_may_signal(task->process, info->number))
        return -EPERM;
    return info->number ? signal_send_task(task, info) : 0;
}

long
sys_tkill(int tid, int number)
{
    struct signal_info info;
    info_user(&info, number, CODE_THREAD);
    return send_task(-1, tid, &info);
}

long
sys_tgkill(int group, int tid, int number)
{
    struct signal_info info;
    info_user(&info, number, CODE_THREAD);
    return group <= 0 ? -EINVAL : send_task(group, tid, &info);
}

/* Nobody may pretend to be the kernel, or kill(), to somebody else. */
static int
info_from_user(struct signal_info *info, int number, const void USER *user, bool to_self)
{
    int error = copy_from_user(info, user, sizeof(*info));
    if (error)
        return error;
    info->number = number;
    return (info->code >= 0 || info->code == CODE_THREAD) && !to_self ? -EPERM : 0;
}

long
sys_rt_sigqueueinfo(int pid, int number, const void USER *user)
{
    struct signal_info info;
    if (number && !number_valid(number))
        return -EINVAL;
    int error =
        info_from_user(&info, number, user, (u32)pid == current_task()->process->id);
    return error ? error : send_process(pid, &info);
}

long
sys_rt_tgsigqueueinfo(int group, int tid, int number, const void USER *user)
{
    struct signal_info info;
    int error = info_from_user(&info, number, user, (u32)tid == current_task()->tid);
    return error ? error : group <= 0 ? -EINVAL : send_task(group, tid, &info);
}

/* ---- Stack and return ---- */

struct stack_user { /* stack_t */
    u32 base;
    s32 flags;
    u32 size;
};

static bool
on_signal_stack(const struct fibril *self)
{
    u32 esp = user_stack_pointer();
    return esp > self->signal_stack_base &&
           esp - self->signal_stack_base <= self->signal_stack_size;
}

static int
signal_stack_set(struct fibril *self, const struct stack_user *new)
{
    if (self->relief)
        self->relief->changes(self, false);
    if (on_signal_stack(self))
        return -EPERM;
    if (new->flags & STACK_DISABLE) {
        self->signal_stack_base = self->signal_stack_size = 0;
        return 0;
    }
    if (new->flags & ~STACK_ON)
        return -EINVAL;
    if (new->size < SIGNAL_STACK_LEAST)
        return -ENOMEM;
    self->signal_stack_base = new->base;
    self->signal_stack_size = new->size;
    return 0;
}

long
sys_sigaltstack(const void USER *user_new, void USER *user_old)
{
    struct fibril *self = current_fibril();
    struct stack_user new, old = {
        .base = self->signal_stack_base,
        .flags = !self->signal_stack_size ? STACK_DISABLE : on_signal_stack(self) ? STACK_ON : 0,
        .size = self->signal_stack_size,
    };
    int error = user_new ? copy_from_user(&new, user_new, sizeof(new)) : 0;
    if (!error && user_new)
        error = signal_stack_set(self, &new);
    if (!error && user_old)
        error = copy_to_user(user_old, &old, sizeof(old));
    return error;
}

static long
handler_return(bool with_info)
{
    struct fibril *self = current_fibril();
    struct signal_stack stack = {self->signal_stack_base, self->signal_stack_size};
    signal_set mask;
    long result;
    if (signal_frame_pop(user_frame(self), with_info, &mask, &stack, &result)) {
        struct signal_info info;
        signal_info_kernel(&info, SIGSEGV);
        signal_force(&info);
        return 0;
    }
    self->signal_stack_base = stack.base;
    self->signal_stack_size = stack.size;
    signal_set_mask(mask);
    return result;
}

long
sys_sigreturn(void)
{
    return handler_return(false);
}

long
sys_rt_sigreturn(void)
{
    return handler_return(true);
}

/* Linux restarts some sleeps by this call; here a sleep that a signal interrupted ends. */
long
sys_restart_syscall(void)
{
    return -EINTR;
}
