/* Signals for host unit tests: what is sent is kept, nothing is done about it. */
#include "host.h"
#include "kernel/signal.h"
#include "kernel/task.h"

#define WEAK __attribute__((weak))

WEAK struct process kernel_process;
WEAK int host_last_signal;

WEAK void
signal_info_kernel(struct signal_info *info, int number)
{
    *info = (struct signal_info){.number = number, .code = CODE_KERNEL};
}

WEAK int
signal_send_task(struct task *task, const struct signal_info *info)
{
    host_last_signal = info->number;
    return 0;
}

WEAK bool
credentials_have_group(const struct credentials *credentials, u32 gid)
{
    return false; /* no groups beside its own */
}
