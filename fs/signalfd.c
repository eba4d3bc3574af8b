/* signalfd: see signalfd.h. Called by signalfd's handlers and by read and poll. Who reads or
 * polls sees its own signals, whoever made the file. A signal has to be blocked, or it is
 * delivered as ever. The layout of what is read is Linux's (linux/signalfd.h). */
#include "fs/signalfd.h"

#include "fs/anonymous.h"
#include "fs/file.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/task.h"

struct signalfd {
    signal_set mask;
};

struct abi_signalfd_info {
    u32 number;
    s32 error, code;
    u32 pid, uid;
    s32 fd;
    u32 timer, band, overrun, trap;
    s32 status, value;
    u64 pointer, user_time, system_time, address;
    u16 address_low_bits, pad;
    s32 system_call;
    u64 call_address;
    u32 architecture;
    u8 reserved[28];
};
_Static_assert(sizeof(struct abi_signalfd_info) == 128, "struct signalfd_siginfo");
_Static_assert(offsetof(struct abi_signalfd_info, pointer) == 48, "ssi_ptr");
_Static_assert(offsetof(struct abi_signalfd_info, address) == 72, "ssi_addr");

static struct pool signalfd_pool = POOL_INIT("signalfd", struct signalfd);

/* What the words of `fields` are, see struct signal_info, goes by the code. */
static void
info_fill(struct abi_signalfd_info *out, const struct signal_info *info)
{
    *out = (struct abi_signalfd_info){
        .number = (u32)info->number, .error = info->error, .code = info->code};
    if (info->code == CODE_TIMER) {
        out->timer = info->fields[0];
        out->overrun = info->fields[1];
    } else if (info->code > 0 && info->code != CODE_KERNEL && info->number != SIGCHLD) {
        out->address = info->fields[0];
        return;
    } else {
        out->pid = info->fields[0];
        out->uid = info->fields[1];
    }
    if (info->code < 0 && info->code != CODE_THREAD) {
        out->value = (s32)info->fields[2];
        out->pointer = info->fields[2];
    } else if (info->number == SIGCHLD && info->code > 0 && info->code != CODE_KERNEL) {
        out->status = (s32)info->fields[2];
        out->user_time = info->fields[3];
        out->system_time = info->fields[4];
    }
}

/* Takes one signal out to the reader: 0, -EAGAIN: none is there; -EFAULT, and it stays where it
 * was. */
static int
signal_put(const struct signalfd *signalfd, struct iter *iter)
{
    struct abi_signalfd_info out;
    struct signal_info info;
    struct iter probe = *iter;
    int error;

    if (!(signal_pending_set() & signalfd->mask))
        return -EAGAIN;
    error = iter_put_zeros(&probe, sizeof out); /* as nothing sleeps from here on, it holds */
    if (error)
        return error;
    if (!signal_take(signalfd->mask, &info))
        return -EAGAIN;
    info_fill(&out, &info);
    return iter_put(iter, &out, sizeof out);
}

static int
signalfd_read(struct file *file, struct iter *iter, u64 *position)
{
    struct signalfd *signalfd = file->private;
    struct process *process = current_task()->process;
    int error = 0;

    if (iter->left < sizeof(struct abi_signalfd_info))
        return -EINVAL;
    while (!error && iter->left >= sizeof(struct abi_signalfd_info)) {
        error = signal_put(signalfd, iter);
        if (error != -EAGAIN || iter->done > 0 || file->flags & OPEN_NONBLOCK)
            continue;
        error = wait_event_interruptible(&process->signalled,
                                         signal_pending_set() & signalfd->mask);
    }
    return iter->done > 0 ? 0 : error;
}

static u32
signalfd_poll(struct file *file, struct poll_table *table)
{
    const struct signalfd *signalfd = file->private;

    if (table)
        table->add(table, &current_task()->process->signalled);
    return signal_pending_set() & signalfd->mask ? POLL_IN : 0;
}

static void
signalfd_release(struct file *file)
{
    pool_free(&signalfd_pool, file->private);
}

static const struct file_ops signalfd_ops = {
    .read = signalfd_read,
    .poll = signalfd_poll,
    .release = signalfd_release,
    .stream = true,
};

bool
file_is_signalfd(const struct file *file)
{
    return file->ops == &signalfd_ops;
}

void
signalfd_set_mask(struct file *file, signal_set mask)
{
    struct signalfd *signalfd = file->private;

    signalfd->mask = mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
    wake_up_all(&current_task()->process->signalled);
}

int
signalfd_create(signal_set mask, u32 flags, struct file **file)
{
    struct signalfd *signalfd = pool_alloc(&signalfd_pool);
    int error;

    if (!signalfd)
        return -ENOMEM;
    error = anonymous_file_create(&signalfd_ops, flags, signalfd, file);
    if (error)
        pool_free(&signalfd_pool, signalfd);
    else
        signalfd_set_mask(*file, mask);
    return error;
}
