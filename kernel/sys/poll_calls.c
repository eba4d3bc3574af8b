/* poll and ppoll. A signal mask is checked and has no effect: there are no signals yet. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "fs/poll.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/heap.h"

/* Copies the entries back; only revents may have changed. */
static int
results_copy(struct abi_pollfd USER *to, const struct abi_pollfd *fds, u32 count)
{
    return copy_to_user(to, fds, count * sizeof *fds);
}

static long
poll_user(struct abi_pollfd USER *user_fds, u32 count, bool wait, u64 deadline_ns)
{
    struct abi_pollfd *fds;
    u32 ready = 0;
    int error;

    if (count > DESCRIPTORS_MAX)
        return -EINVAL;
    fds = heap_alloc(count * sizeof *fds + 1);
    if (!fds)
        return -ENOMEM;
    error = copy_from_user(fds, user_fds, count * sizeof *fds);
    if (!error)
        error = poll_descriptors(fds, count, wait, deadline_ns, &ready);
    if (!error)
        error = results_copy(user_fds, fds, count);
    heap_free(fds);
    return error ? error : (long)ready;
}

long
sys_poll(void USER *fds, u32 count, int timeout_ms)
{
    u64 deadline = timeout_ms > 0 ? time_now_ns() + (u64)timeout_ms * 1000000u : 0;

    return poll_user(fds, count, timeout_ms != 0, deadline);
}

long
sys_ppoll(void USER *fds, u32 count, const void USER *timeout, const void USER *mask,
          size_t mask_size)
{
    struct abi_timespec time;
    u64 nanoseconds;

    if (mask && mask_size != 8)
        return -EINVAL;
    if (!timeout)
        return poll_user(fds, count, true, 0);
    if (copy_from_user(&time, timeout, sizeof time))
        return -EFAULT;
    if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds > 999999999)
        return -EINVAL;
    nanoseconds = (u64)time.seconds * 1000000000u + (u32)time.nanoseconds;
    return poll_user(fds, count, nanoseconds != 0, time_now_ns() + nanoseconds);
}
