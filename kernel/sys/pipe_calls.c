/* pipe and pipe2. */
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/pipe.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/task.h"

/* Both numbers, or none; takes over both references. */
static int
install_pair(struct file *reader, struct file *writer, bool close_on_exec, int fds[2])
{
    struct descriptor_table *table = current_task()->files;
    int error = descriptor_install(table, reader, 0, close_on_exec, &fds[0]);

    if (error) {
        file_put(writer);
        return error;
    }
    error = descriptor_install(table, writer, 0, close_on_exec, &fds[1]);
    if (error)
        descriptor_close(table, fds[0]);
    return error;
}

long
sys_pipe2(int USER *to, int flags)
{
    struct file *reader, *writer;
    int fds[2];
    int error;

    if (flags & ~(OPEN_CLOSE_ON_EXEC | OPEN_NONBLOCK))
        return -EINVAL;
    error = pipe_create(flags & OPEN_NONBLOCK, &reader, &writer);
    if (!error)
        error = install_pair(reader, writer, flags & OPEN_CLOSE_ON_EXEC, fds);
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
