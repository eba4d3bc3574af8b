/* epoll_create, epoll_ctl, epoll_wait and their kin. */
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/epoll.h"
#include "fs/file.h"
#include "fs/poll.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/sys/poll_calls.h"
#include "kernel/sys/times.h"
#include "kernel/task.h"

#define EVENTS_MOST (0x7fffffff / (int)sizeof(struct abi_epoll_event))

long
sys_epoll_create1(u32 flags)
{
    struct file *file;
    int fd, error;

    if (flags & ~OPEN_CLOSE_ON_EXEC)
        return -EINVAL;
    error = epoll_file_create(&file);
    if (!error)
        error = descriptor_install(current_task()->files, file, 0, flags & OPEN_CLOSE_ON_EXEC, &fd);
    return error ? error : fd;
}

long
sys_epoll_create(int size)
{
    return size > 0 ? sys_epoll_create1(0) : -EINVAL;
}

long
sys_epoll_ctl(int epoll_fd, int operation, int fd, const void USER *user_event)
{
    struct abi_epoll_event event = {0, 0, 0};
    struct file *epoll, *file;
    int error =
        operation != EPOLL_DELETE ? copy_from_user(&event, user_event, sizeof event) : 0;

    if (!error)
        error = descriptor_file(epoll_fd, &epoll);
    if (error)
        return error;
    error = descriptor_file(fd, &file);
    if (!error) {
        error = epoll_control(epoll, operation, fd, file, &event);
        file_put(file);
    }
    file_put(epoll);
    return error;
}

static long
events_wait(int fd, void USER *events, int most, const struct poll_request *request)
{
    struct file *epoll;
    long count;
    int error = most > 0 && most <= EVENTS_MOST ? 0 : -EINVAL;

    if (!error)
        error = descriptor_file(fd, &epoll);
    if (error)
        return error;
    count = file_is_epoll(epoll)
                ? epoll_collect(epoll, events, (u32)most, request->wait, request->deadline_ns)
                : -EINVAL;
    file_put(epoll);
    return count == -ERESTARTSYS ? -EINTR : count; /* signal(7): never made anew */
}

static long
events_wait_masked(int fd, void USER *events, int most, struct poll_request *request,
                   const void USER *mask, size_t mask_bytes)
{
    long result = poll_mask_begin(mask, mask_bytes);

    if (result)
        return result;
    result = events_wait(fd, events, most, request);
    return result == -EINTR ? result : poll_mask_end(request, result);
}

long
sys_epoll_pwait(int fd, void USER *events, int most, int timeout_ms, const void USER *mask,
                size_t mask_bytes)
{
    struct poll_request request = {.count = 0};

    poll_time_set(&request, timeout_ms >= 0, (u64)timeout_ms * NS_PER_MILLISECOND);
    return events_wait_masked(fd, events, most, &request, mask, mask_bytes);
}

long
sys_epoll_wait(int fd, void USER *events, int most, int timeout_ms)
{
    return sys_epoll_pwait(fd, events, most, timeout_ms, NULL, 0);
}

long
sys_epoll_pwait2(int fd, void USER *events, int most, const void USER *timeout,
                 const void USER *mask, size_t mask_bytes)
{
    struct poll_request request = {.count = 0};
    u64 relative = 0;
    int error = timeout ? time_take64(timeout, &relative) : 0;

    if (error)
        return error;
    poll_time_set(&request, timeout != NULL, relative);
    return events_wait_masked(fd, events, most, &request, mask, mask_bytes);
}
