/* Sockets. */
#include <sys/socket.h>
#include <fibril/calls.h>
#include "libc.h"

int
socket(int family, int type, int protocol)
{
    return libc_result(sys_socket(family, type, protocol));
}

int
socketpair(int family, int type, int protocol, int fds[2])
{
    return libc_result(sys_socketpair(family, type, protocol, fds));
}

int
bind(int fd, const struct sockaddr *address, socklen_t length)
{
    return libc_result(sys_bind(fd, address, length));
}

int
listen(int fd, int backlog)
{
    return libc_result(sys_listen(fd, backlog));
}

int
connect(int fd, const struct sockaddr *address, socklen_t length)
{
    return libc_result(sys_connect(fd, address, length));
}

int
accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    return libc_result(sys_accept4(fd, address, (int *)length, flags));
}

int
accept(int fd, struct sockaddr *address, socklen_t *length)
{
    return accept4(fd, address, length, 0);
}

int
getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    return libc_result(sys_getsockname(fd, address, (int *)length));
}

int
getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    return libc_result(sys_getpeername(fd, address, (int *)length));
}

int
shutdown(int fd, int how)
{
    return libc_result(sys_shutdown(fd, how));
}

int
getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
    return libc_result(sys_getsockopt(fd, level, option, value, (int *)size));
}

int
setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
    return libc_result(sys_setsockopt(fd, level, option, value, size));
}

ssize_t
sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to,
       socklen_t length)
{
    return libc_result(sys_sendto(fd, bytes, size, flags, to, length));
}

ssize_t
send(int fd, const void *bytes, size_t size, int flags)
{
    return sendto(fd, bytes, size, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    return libc_result(sys_sendmsg(fd, message, flags));
}

ssize_t
recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from, socklen_t *length)
{
    return libc_result(sys_recvfrom(fd, bytes, size, flags, from, (int *)length));
}

ssize_t
recv(int fd, void *bytes, size_t size, int flags)
{
    return recvfrom(fd, bytes, size, flags, NULL, NULL);
}

ssize_t
recvmsg(int fd, struct msghdr *message, int flags)
{
    return libc_result(sys_recvmsg(fd, message, flags));
}
