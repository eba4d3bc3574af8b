/* pipe and pipe2. */
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/pipe.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/task.h"

long
sys_pipe2(int USER *to, int flags)
{
    struct file *ends[2];
    int fds[2];
    int error;

    if (flags & ~(OPEN_CLOSE_ON_EXEC | OPEN_NONBLOCK))
        return -EINVAL;
    error = pipe_create(flags & OPEN_NONBLOCK, &ends[0], &ends[1]);
    if (!error)
        error = descriptor_install_pair(ends, flags & OPEN_CLOSE_ON_EXEC, fds);
    if (error)
        return error;
    error = copy_to_user(to, fds, sizeof fds);
    if (error) {
        descriptor_close(current_task()->files, fds[0]);
        descriptor_close(current_task()->files, fds[1]);
    }
    return error;
}

long
sys_pipe(int USER *to)
{
    return sys_pipe2(to, 0);
}
