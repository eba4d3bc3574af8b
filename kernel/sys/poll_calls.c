/* poll and ppoll, and what select shares with them. */
#include "kernel/sys/poll_calls.h"

#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/poll.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/signal.h"
#include "kernel/sys/times.h"

/* ---- Time-outs and masks ---- */

void
poll_time_set(struct poll_request *request, bool given, u64 relative_ns)
{
    request->wait = !given || relative_ns > 0;
    request->deadline_ns = given && relative_ns > 0 ? signal_call_deadline(relative_ns) : 0;
}

u64
poll_time_left(const struct poll_request *request)
{
    u64 now = time_now_ns();

    return request->deadline_ns > now ? request->deadline_ns - now : 0;
}

int
poll_mask_begin(const void USER *user, size_t mask_bytes)
{
    signal_set mask;

    if (!user)
        return 0;
    if (mask_bytes != sizeof mask)
        return -EINVAL;
    if (copy_from_user(&mask, user, sizeof mask))
        return -EFAULT;
    if (current_fibril()->kind == FIBRIL_USER) /* no signal ends a background call */
        signal_set_mask_until_return(mask);
    return 0;
}

long
poll_mask_end(const struct poll_request *request, long result)
{
    if (result == -ERESTARTSYS)
        return signal_call_interrupted((int)result, request->deadline_ns);
    signal_set_mask_back();
    return result;
}

/* ---- poll ---- */

static long
poll_user(struct abi_pollfd USER *user_fds, const struct poll_request *request)
{
    size_t size = request->count * sizeof(struct abi_pollfd);
    struct abi_pollfd *fds;
    u32 ready = 0;
    int error;

    if (request->count > descriptor_limit())
        return -EINVAL;
    fds = heap_alloc(size + 1);
    if (!fds)
        return -ENOMEM;
    error = copy_from_user(fds, user_fds, size);
    if (!error)
        error = poll_descriptors(fds, request, &ready);
    if (!error)
        error = copy_to_user(user_fds, fds, size);
    heap_free(fds);
    return error ? error : (long)ready;
}

long
sys_poll(void USER *fds, u32 count, int timeout_ms)
{
    struct poll_request request = {.count = count, .unasked = POLL_ERROR | POLL_HANG_UP};

    poll_time_set(&request, timeout_ms >= 0, (u64)timeout_ms * 1000000u);
    return poll_mask_end(&request, poll_user(fds, &request));
}

static long
poll_masked(void USER *fds, struct poll_request *request, const void USER *mask, size_t mask_bytes)
{
    long result = poll_mask_begin(mask, mask_bytes);

    return result ? result : poll_mask_end(request, poll_user(fds, request));
}

long
sys_ppoll(void USER *fds, u32 count, void USER *timeout, const void USER *mask, size_t mask_bytes)
{
    struct poll_request request = {.count = count, .unasked = POLL_ERROR | POLL_HANG_UP};
    u64 relative = 0;
    long result = timeout ? time_take32(timeout, &relative) : 0;

    if (result)
        return result;
    poll_time_set(&request, timeout != NULL, relative);
    result = poll_masked(fds, &request, mask, mask_bytes);
    if (timeout && time_give32(timeout, poll_time_left(&request)))
        return result; /* it may be read-only: Linux does not mind either */
    return result;
}

long
sys_ppoll_time64(void USER *fds, u32 count, void USER *timeout, const void USER *mask,
                 size_t mask_bytes)
{
    struct poll_request request = {.count = count, .unasked = POLL_ERROR | POLL_HANG_UP};
    u64 relative = 0;
    long result = timeout ? time_take64(timeout, &relative) : 0;

    if (result)
        return result;
    poll_time_set(&request, timeout != NULL, relative);
    result = poll_masked(fds, &request, mask, mask_bytes);
    if (timeout && time_give64(timeout, poll_time_left(&request)))
        return result;
    return result;
}

/* ---- Ours ---- */

/* Waits for one of these events of one file: those that are there. */
long
sys_poll_file(int fd, u32 events)
{
    struct poll_request request = {.count = 1, .unasked = POLL_ERROR | POLL_HANG_UP};
    struct abi_pollfd one = {.fd = fd, .events = (s16)events};
    u32 ready;

    if (fd < 0)
        return -EBADF;
    poll_time_set(&request, false, 0);
    int error = poll_descriptors(&one, &request, &ready);
    if (!error && (u16)one.revents & POLL_INVALID)
        error = -EBADF;
    return poll_mask_end(&request, error ? error : (u16)one.revents);
}

long
sys_no_operation(void)
{
    return 0;
}
