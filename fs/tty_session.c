/* Job control: which session a terminal controls, which of its groups is in the foreground, and what
 * happens to the others when they read or write. POSIX chapter 11.1. */
#include "arch.h"
#include "fs/file.h"
#include "fs/pseudo.h"
#include "fs/tty.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/task.h"

static struct tty *terminals;

struct tty *
tty_of_process(const struct process *process)
{
    struct tty *tty = terminals;

    while (tty && (tty->session == 0 || tty->session != process->session))
        tty = tty->next;
    return tty;
}

static void
session_take(struct tty *tty, const struct process *leader)
{
    tty->session = leader->session;
    tty->foreground = leader->group;
}

static bool
is_leader(const struct process *process)
{
    return process->session == process->id;
}

void
tty_opened(struct tty *tty)
{
    const struct process *process = current_task()->process;

    if (process && is_leader(process) && tty->session == 0 && !tty_of_process(process))
        session_take(tty, process);
}

void
tty_signal(struct tty *tty, int number)
{
    struct signal_info info;

    signal_info_kernel(&info, number);
    if (tty->foreground)
        (void)process_signal_group(tty->foreground, &info); /* nobody may be left of it */
}

/* ---- In the background ---- */

static bool
is_ignored(const struct process *process, int signal)
{
    if (current_fibril()->kind == FIBRIL_USER &&
        (current_fibril()->signal_mask & SIGNAL_BIT(signal)))
        return true;
    return process->handlers && process->handlers->actions[signal - 1].handler == HANDLER_IGNORE;
}

int
tty_check_foreground(struct tty *tty, int signal)
{
    struct process *process = current_task()->process;
    struct signal_info info;

    if (!process || tty_of_process(process) != tty || process->group == tty->foreground ||
        tty->foreground == 0)
        return 0;
    if (is_ignored(process, signal))
        return signal == SIGTTIN ? -EIO : 0;
    if (process_group_is_orphaned(process->group))
        return -EIO;
    signal_info_kernel(&info, signal);
    (void)process_signal_group(process->group, &info);
    return -ERESTARTSYS;
}

/* ---- ioctl ---- */

enum {
    TIOCSCTTY = 0x540e, TIOCGPGRP, TIOCSPGRP, TIOCNOTTY = 0x5422, TIOCGSID = 0x5429,
};

static int
number_give(u32 number, uintptr_t to)
{
    return copy_to_user((void USER *)to, &number, sizeof number);
}

/* Is there a process in this group and session? 0; -ESRCH: not in the group; -EPERM: in another session. */
static int
group_check(u32 group, u32 session)
{
    struct process *process;
    int error = -ESRCH;

    list_for_each(process, process_list(), all_link) {
        if (process->group != group)
            continue;
        if (process->session == session)
            return 0;
        error = -EPERM;
    }
    return error;
}

static int
foreground_set(struct tty *tty, uintptr_t from)
{
    const struct process *process = current_task()->process;
    s32 group;
    int error = tty_check_foreground(tty, SIGTTOU);

    if (error)
        return error;
    if (tty_of_process(process) != tty)
        return -ENOTTY;
    if (copy_from_user(&group, (const void USER *)from, sizeof group))
        return -EFAULT;
    if (group < 0)
        return -EINVAL;
    error = group_check((u32)group, process->session);
    if (!error)
        tty->foreground = (u32)group;
    return error;
}

static int
control_take(struct tty *tty, bool steal)
{
    const struct process *process = current_task()->process;

    if (is_leader(process) && tty->session == process->session)
        return 0;
    if (!is_leader(process) || tty_of_process(process))
        return -EPERM;
    if (tty->session != 0 && !(steal && current_credentials()->euid == 0))
        return -EPERM;
    session_take(tty, process);
    return 0;
}

/* The terminal is nobody's any more. */
static void
control_give_up(struct tty *tty)
{
    u32 group = tty->foreground;
    struct signal_info info;

    tty->session = tty->foreground = 0;
    if (!group)
        return;
    signal_info_kernel(&info, SIGHUP);
    (void)process_signal_group(group, &info);
    signal_info_kernel(&info, SIGCONT);
    (void)process_signal_group(group, &info);
}

int
tty_session_ioctl(struct tty *tty, u32 command, uintptr_t argument)
{
    const struct process *process = current_task()->process;
    bool own = tty_of_process(process) == tty;

    switch (command) {
    case TIOCSCTTY: return control_take(tty, argument == 1);
    case TIOCGPGRP: return own ? number_give(tty->foreground, argument) : -ENOTTY;
    case TIOCSPGRP: return foreground_set(tty, argument);
    case TIOCGSID: return own ? number_give(tty->session, argument) : -ENOTTY;
    case TIOCNOTTY:
        if (!own)
            return -ENOTTY;
        if (is_leader(process)) /* others keep it as long as their session has it */
            control_give_up(tty);
        return 0;
    default: return -ENOTTY;
    }
}

/* ---- The end of a session's leader ---- */

static void
task_ends(struct task *task)
{
    struct process *process = task->process;
    struct tty *tty = process ? tty_of_process(process) : NULL;

    if (tty && is_leader(process) && process->task_count == 1)
        control_give_up(tty);
}

/* ---- /dev/tty: the controlling terminal of whoever opens it ---- */

static int
own_terminal_open(struct file *file)
{
    struct tty *tty = tty_of_process(current_task()->process);

    if (!tty)
        return -ENXIO;
    file->private = tty;
    file->ops = &tty_file_ops;
    return 0;
}

static const struct file_ops own_terminal_ops = {.open = own_terminal_open, .stream = true};

void
tty_session_init(struct tty *tty)
{
    static struct task_hooks hooks = {.release = task_ends};
    static struct device_file device = {
        .name = "tty",
        .mode = 0666,
        .device = 5 << 8, /* Linux's Documentation/admin-guide/devices.txt */
        .ops = &own_terminal_ops,
    };

    if (!terminals) {
        task_register_hooks(&hooks);
        device_register(&device);
    }
    tty->next = terminals;
    terminals = tty;
}
