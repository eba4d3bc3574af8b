/* What the two files of socket calls share: socket_calls.c and message_calls.c. */
#ifndef KERNEL_SYS_SOCKET_CALLS_H
#define KERNEL_SYS_SOCKET_CALLS_H

#include "fs/file.h"
#include "fs/unix_socket.h"
#include "kernel/types.h"

/* The file behind the descriptor, referenced, which is a socket: 0, -EBADF, -ENOTSOCK. */
int socket_file(int fd, struct file **file, struct unix_socket **socket);
/* A struct sockaddr of user memory: 0, -EFAULT, -EINVAL. */
int socket_address_take(struct unix_address *address, const void USER *from, s32 length);
/* The other way round; *length is what there is room for, and becomes what there is. `unnamed`: the
 * length of no name at all, 2 or 0. */
int socket_address_give(const struct unix_address *address, void USER *to, s32 USER *length,
                        u32 unnamed);
/* MESSAGE_DONT_WAIT, if the file does not block. */
static inline u32
socket_flags(const struct file *file)
{
    return file->flags & OPEN_NONBLOCK ? MESSAGE_DONT_WAIT : 0;
}

#endif
