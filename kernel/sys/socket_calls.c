/* System calls on sockets, but for those that send and receive (message_calls.c): each by its own number
 * and all by socketcall. There are local sockets only. */
#include "kernel/sys/socket_calls.h"

#include "arch.h"
#include "fs/descriptor.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define FAMILY_NONE 0u
#define FAMILY_UNIX 1u
#define FAMILY_BYTES 2u
#define ADDRESS_BYTES_MOST 128 /* struct sockaddr_storage */

/* linux/net.h */
#define TYPE_MASK 0xf
#define TYPE_RAW 3 /* of this family: datagrams */
#define TYPE_LAST 10
#define SOCK_NONBLOCK OPEN_NONBLOCK
#define SOCK_CLOEXEC OPEN_CLOSE_ON_EXEC

int
socket_file(int fd, struct file **file, struct unix_socket **socket)
{
    int error = descriptor_file(fd, file);

    if (error)
        return error;
    *socket = unix_socket_of(*file);
    if (*socket)
        return 0;
    error = (*file)->flags & OPEN_PATH ? -EBADF : -ENOTSOCK;
    file_put(*file);
    return error;
}

/* ---- Addresses ---- */

struct socket_address { /* struct sockaddr_un */
    u16 family;
    char bytes[UNIX_NAME_BYTES];
};

int
socket_address_take(struct unix_address *address, const void USER *from, s32 length)
{
    struct socket_address user;

    if (length < 0 || length > ADDRESS_BYTES_MOST)
        return -EINVAL;
    if ((size_t)length > sizeof user || length < (s32)FAMILY_BYTES)
        return -EINVAL;
    if (copy_from_user(&user, from, (size_t)length))
        return -EFAULT;
    if (user.family != FAMILY_UNIX)
        return -EINVAL;
    address->length = (u32)length - FAMILY_BYTES;
    memcpy(address->bytes, user.bytes, address->length);
    address->bytes[address->length] = 0;
    if (address->bytes[0])
        address->length = (u32)strlen(address->bytes) + 1;
    return 0;
}

int
socket_address_give(const struct unix_address *address, void USER *to, s32 USER *user_length,
                    u32 unnamed)
{
    u32 length = address->length ? FAMILY_BYTES + address->length : unnamed;
    struct socket_address user;
    s32 room;

    if (copy_from_user(&room, user_length, sizeof room))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    user.family = FAMILY_UNIX;
    memcpy(user.bytes, address->bytes, MIN(address->length, (u32)sizeof user.bytes));
    if (copy_to_user(to, &user, MIN(MIN((u32)room, length), (u32)sizeof user)))
        return -EFAULT;
    room = (s32)length;
    return copy_to_user(user_length, &room, sizeof room);
}

/* ---- Making ---- */

static int
type_check(int family, int type, int protocol)
{
    if (type & ~(TYPE_MASK | (int)SOCK_NONBLOCK | (int)SOCK_CLOEXEC))
        return -EINVAL;
    if (family != FAMILY_UNIX)
        return -EAFNOSUPPORT;
    if ((type & TYPE_MASK) > TYPE_LAST)
        return -EINVAL;
    if (protocol && protocol != FAMILY_UNIX)
        return -EPROTONOSUPPORT;
    switch (type & TYPE_MASK) {
    case UNIX_STREAM:
    case UNIX_DATAGRAM:
    case TYPE_RAW:
    case UNIX_PACKETS: return 0;
    default: return -ESOCKTNOSUPPORT;
    }
}

static enum unix_type
type_of(int type)
{
    return (type & TYPE_MASK) == TYPE_RAW ? UNIX_DATAGRAM : (enum unix_type)(type & TYPE_MASK);
}

long
sys_socket(int family, int type, int protocol)
{
    struct file *file;
    int fd, error = type_check(family, type, protocol);

    if (!error)
        error = unix_socket_create(type_of(type), type & SOCK_NONBLOCK, &file);
    if (!error)
        error = descriptor_install(current_task()->files, file, 0, type & SOCK_CLOEXEC, &fd);
    return error ? error : fd;
}

long
sys_socketpair(int family, int type, int protocol, int USER *to)
{
    struct file *files[2];
    int fds[2], error = type_check(family, type, protocol);

    if (!error)
        error = unix_socket_pair(type_of(type), type & SOCK_NONBLOCK, files);
    if (!error)
        error = descriptor_install_pair(files, type & SOCK_CLOEXEC, fds);
    if (error)
        return error;
    error = copy_to_user(to, fds, sizeof fds);
    if (error) {
        descriptor_close(current_task()->files, fds[0]);
        descriptor_close(current_task()->files, fds[1]);
    }
    return error;
}

/* ---- Names and connections ---- */

long
sys_bind(int fd, const void USER *user_address, int length)
{
    struct unix_address address;
    struct unix_socket *socket;
    struct file *file;
    int error = socket_file(fd, &file, &socket);

    if (error)
        return error;
    error = socket_address_take(&address, user_address, length);
    if (!error)
        error = unix_bind(socket, &address);
    file_put(file);
    return error;
}

long
sys_listen(int fd, int backlog)
{
    struct unix_socket *socket;
    struct file *file;
    int error = socket_file(fd, &file, &socket);

    if (error)
        return error;
    error = unix_listen(socket, backlog);
    file_put(file);
    return error;
}

static bool
is_no_address(const void USER *address, int length)
{
    u16 family;

    return length >= (int)FAMILY_BYTES && !copy_from_user(&family, address, sizeof family) &&
           family == FAMILY_NONE;
}

long
sys_connect(int fd, const void USER *user_address, int length)
{
    struct unix_address address;
    struct unix_socket *socket;
    struct file *file;
    int error = socket_file(fd, &file, &socket);

    if (error)
        return error;
    if (is_no_address(user_address, length))
        error = unix_disconnect(socket);
    else
        error = socket_address_take(&address, user_address, length);
    if (!error && !is_no_address(user_address, length))
        error = unix_connect(socket, &address, file->flags & OPEN_NONBLOCK);
    file_put(file);
    return error;
}

/* The new connection gets its number before its peer's name is told; -EFAULT there closes it. */
static long
accept_install(struct file *file, void USER *address, s32 USER *length, int flags)
{
    struct unix_address peer = {.length = 0};
    int fd, error = 0;

    (void)unix_peer_name(unix_socket_of(file), &peer);
    if (address)
        error = socket_address_give(&peer, address, length, FAMILY_BYTES);
    if (error) {
        file_put(file);
        return error;
    }
    error = descriptor_install(current_task()->files, file, 0, flags & SOCK_CLOEXEC, &fd);
    return error ? error : fd;
}

long
sys_accept4(int fd, void USER *address, s32 USER *length, int flags)
{
    struct unix_socket *socket;
    struct file *file, *new;
    int error;

    if (flags & ~(int)(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    error = socket_file(fd, &file, &socket);
    if (error)
        return error;
    error = unix_accept(socket, file->flags & OPEN_NONBLOCK, flags & SOCK_NONBLOCK, &new);
    file_put(file);
    return error ? error : accept_install(new, address, length, flags);
}

long
sys_getsockname(int fd, void USER *address, s32 USER *length)
{
    struct unix_address name;
    struct unix_socket *socket;
    struct file *file;
    int error = socket_file(fd, &file, &socket);

    if (error)
        return error;
    unix_name(socket, &name);
    file_put(file);
    return socket_address_give(&name, address, length, FAMILY_BYTES);
}

long
sys_getpeername(int fd, void USER *address, s32 USER *length)
{
    struct unix_address name;
    struct unix_socket *socket;
    struct file *file;
    int error = socket_file(fd, &file, &socket);

    if (error)
        return error;
    error = unix_peer_name(socket, &name);
    file_put(file);
    return error ? error : socket_address_give(&name, address, length, FAMILY_BYTES);
}

long
sys_shutdown(int fd, int how)
{
    struct unix_socket *socket;
    struct file *file;
    int error = socket_file(fd, &file, &socket);

    if (error)
        return error;
    error = unix_shutdown(socket, how);
    file_put(file);
    return error;
}

/* ---- Options ---- */

#define LEVEL_SOCKET 1 /* SOL_SOCKET */

long
sys_getsockopt(int fd, int level, int option, void USER *to, s32 USER *user_size)
{
    union unix_option value;
    struct unix_socket *socket;
    struct file *file;
    u32 has = 0;
    s32 size;
    int error = socket_file(fd, &file, &socket);

    if (error)
        return error;
    if (copy_from_user(&size, user_size, sizeof size))
        error = -EFAULT;
    else if (size < 0)
        error = -EINVAL;
    else
        error = level == LEVEL_SOCKET ? unix_option_get(socket, option, &value, &has) : -EOPNOTSUPP;
    file_put(file);
    if (error)
        return error;
    size = (s32)MIN((u32)size, has);
    if (copy_to_user(to, &value, (size_t)size))
        return -EFAULT;
    return copy_to_user(user_size, &size, sizeof size);
}

long
sys_setsockopt(int fd, int level, int option, const void USER *from, int size)
{
    union unix_option value = {.times = {0, 0}};
    struct unix_socket *socket;
    struct file *file;
    int error;

    if (size < 0)
        return -EINVAL;
    error = socket_file(fd, &file, &socket);
    if (error)
        return error;
    if (level != LEVEL_SOCKET)
        error = -EOPNOTSUPP;
    else if (copy_from_user(&value, from, MIN((size_t)size, sizeof value)))
        error = -EFAULT;
    else
        error = unix_option_set(socket, option, &value, (u32)size);
    file_put(file);
    return error;
}

/* ---- All by one number: linux/net.h ---- */

enum {
    CALL_SOCKET = 1, CALL_BIND, CALL_CONNECT, CALL_LISTEN, CALL_ACCEPT, CALL_GETSOCKNAME,
    CALL_GETPEERNAME, CALL_SOCKETPAIR, CALL_SEND, CALL_RECV, CALL_SENDTO, CALL_RECVFROM,
    CALL_SHUTDOWN, CALL_SETSOCKOPT, CALL_GETSOCKOPT, CALL_SENDMSG, CALL_RECVMSG, CALL_ACCEPT4,
    CALL_RECVMMSG, CALL_SENDMMSG,
};

static long
call_by_name(int call, const u32 *a)
{
    void USER *p1 = (void USER *)(uintptr_t)a[1];
    void USER *p2 = (void USER *)(uintptr_t)a[2];
    void USER *p3 = (void USER *)(uintptr_t)a[3];
    void USER *p4 = (void USER *)(uintptr_t)a[4];
    void USER *p5 = (void USER *)(uintptr_t)a[5];
    int fd = (int)a[0];

    switch (call) {
    case CALL_SOCKET: return sys_socket(fd, (int)a[1], (int)a[2]);
    case CALL_BIND: return sys_bind(fd, p1, (int)a[2]);
    case CALL_CONNECT: return sys_connect(fd, p1, (int)a[2]);
    case CALL_LISTEN: return sys_listen(fd, (int)a[1]);
    case CALL_ACCEPT: return sys_accept4(fd, p1, p2, 0);
    case CALL_GETSOCKNAME: return sys_getsockname(fd, p1, p2);
    case CALL_GETPEERNAME: return sys_getpeername(fd, p1, p2);
    case CALL_SOCKETPAIR: return sys_socketpair(fd, (int)a[1], (int)a[2], p3);
    case CALL_SEND: return sys_sendto(fd, p1, a[2], a[3], NULL, 0);
    case CALL_RECV: return sys_recvfrom(fd, p1, a[2], a[3], NULL, NULL);
    case CALL_SENDTO: return sys_sendto(fd, p1, a[2], a[3], p4, (int)a[5]);
    case CALL_RECVFROM: return sys_recvfrom(fd, p1, a[2], a[3], p4, p5);
    case CALL_SHUTDOWN: return sys_shutdown(fd, (int)a[1]);
    case CALL_SETSOCKOPT: return sys_setsockopt(fd, (int)a[1], (int)a[2], p3, (int)a[4]);
    case CALL_GETSOCKOPT: return sys_getsockopt(fd, (int)a[1], (int)a[2], p3, p4);
    case CALL_SENDMSG: return sys_sendmsg(fd, p1, a[2]);
    case CALL_RECVMSG: return sys_recvmsg(fd, p1, a[2]);
    case CALL_ACCEPT4: return sys_accept4(fd, p1, p2, (int)a[3]);
    case CALL_RECVMMSG: return sys_recvmmsg(fd, p1, a[2], a[3], p4);
    default: return sys_sendmmsg(fd, p1, a[2], a[3]);
    }
}

long
sys_socketcall(int call, const u32 USER *user)
{
    static const u8 counts[] = {0, 3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4};
    u32 arguments[6] = {0};

    if (call < CALL_SOCKET || call > CALL_SENDMMSG)
        return -EINVAL;
    if (copy_from_user(arguments, user, counts[call] * sizeof arguments[0]))
        return -EFAULT;
    return call_by_name(call, arguments);
}
