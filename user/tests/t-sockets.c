/* t-sockets [CASE…]: local sockets: pairs, connections, datagrams, packets, passed files and credentials,
 * and the errors of what cannot be. Needs /tmp. Also compiles for Linux, where every case has to pass
 * too. One process does both ends, so it never waits for what only itself could do. */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "check.h"

#define PATH "/tmp/t-sockets.s"

#define check_error(call, number)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long long error_result_ = (call);                                                          \
        if (error_result_ != -1 || errno != (number))                                              \
            check_failed("%s:%d: %s is %lld, errno %d, not %d", __FILE__, __LINE__, #call,         \
                         error_result_, errno, (number));                                          \
    } while (0)

static socklen_t
address_make(struct sockaddr_un *address, const char *path)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (path[0] == '@') {
        memcpy(address->sun_path + 1, path + 1, strlen(path) - 1);
        return offsetof(struct sockaddr_un, sun_path) + strlen(path);
    }
    strcpy(address->sun_path, path);
    return sizeof *address;
}

static int
bound(int type, const char *path)
{
    struct sockaddr_un address;
    socklen_t length = address_make(&address, path);
    int fd = socket(AF_UNIX, type, 0);

    check_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    return fd;
}

static int
connect_path(int fd, const char *path)
{
    struct sockaddr_un address;
    socklen_t length = address_make(&address, path);

    return connect(fd, (struct sockaddr *)&address, length);
}

static short
events_of(int fd)
{
    struct pollfd polled = {fd, POLLIN | POLLOUT, 0};

    poll(&polled, 1, 0);
    return polled.revents;
}

/* ---- Cases ---- */

static void
pair_of_streams(void)
{
    char bytes[16];
    int fds[2], waiting = 0;

    check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    check_equal(write(fds[0], "hello", 5), 5);
    check_equal(send(fds[0], " you", 4, 0), 4);
    check_equal(ioctl(fds[1], FIONREAD, &waiting), 0);
    check_equal(waiting, 9);
    check_equal(recv(fds[1], bytes, 3, MSG_PEEK), 3);
    check_equal(read(fds[1], bytes, 7), 7);
    check(memcmp(bytes, "hello y", 7) == 0);
    check_equal(read(fds[1], bytes, 16), 2);
    check_error(recv(fds[1], bytes, 16, MSG_DONTWAIT), EAGAIN);
    check_equal(write(fds[1], "back", 4), 4);
    check_equal(read(fds[0], bytes, 16), 4);
    check_equal(write(fds[1], "", 0), 0);
    check_error(lseek(fds[0], 0, SEEK_SET), ESPIPE);
    check_error(pread(fds[0], bytes, 1, 0), ESPIPE);
    close(fds[0]);
    check_equal(read(fds[1], bytes, 16), 0);
    check_error(send(fds[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    close(fds[1]);
}

static void
what_poll_sees(void)
{
    int fds[2], lone = socket(AF_UNIX, SOCK_STREAM, 0);

    check_equal(events_of(lone), POLLOUT | POLLHUP);
    close(lone);
    check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    check_equal(events_of(fds[0]), POLLOUT);
    check_equal(write(fds[1], "x", 1), 1);
    check_equal(events_of(fds[0]), POLLIN | POLLOUT);
    check_equal(shutdown(fds[1], SHUT_WR), 0);
    check_equal(events_of(fds[0]), POLLIN | POLLOUT);
    close(fds[1]);
    check_equal(events_of(fds[0]), POLLIN | POLLOUT | POLLHUP);
    close(fds[0]);
}

static void
a_full_stream(void)
{
    static char bytes[8192];
    int fds[2];
    long sent = 0, got = 0, one;

    check_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    while ((one = write(fds[0], bytes, sizeof bytes)) > 0)
        sent += one;
    check_equal(errno, EAGAIN);
    check(sent >= 65536);
    check_equal(events_of(fds[0]), 0);
    while ((one = read(fds[1], bytes, sizeof bytes)) > 0)
        got += one;
    check_equal(errno, EAGAIN);
    check_equal(got, sent);
    check_equal(events_of(fds[0]), POLLOUT);
    close(fds[0]);
    close(fds[1]);
}

static void
shutting_down(void)
{
    char bytes[4];
    int fds[2];

    check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    check_equal(write(fds[0], "last", 4), 4);
    check_equal(shutdown(fds[0], SHUT_WR), 0);
    check_error(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    check_equal(read(fds[1], bytes, 4), 4);
    check_equal(read(fds[1], bytes, 4), 0);
    check_equal(write(fds[1], "ok", 2), 2);
    check_equal(read(fds[0], bytes, 4), 2);
    check_error(shutdown(fds[0], 3), EINVAL);
    check_equal(shutdown(fds[0], SHUT_RD), 0);
    check_error(send(fds[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    close(fds[0]);
    close(fds[1]);
}

static void
unread_bytes_reset(void)
{
    char bytes[4];
    int fds[2];

    check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    check_equal(write(fds[0], "x", 1), 1);
    close(fds[1]); /* with a byte that nobody read */
    check_error(read(fds[0], bytes, 4), ECONNRESET);
    check_equal(read(fds[0], bytes, 4), 0);
    close(fds[0]);
}

static volatile int pipe_signals;

static void
count_signal(int number)
{
    (void)number;
    pipe_signals++;
}

static void
broken_pipe(void)
{
    int fds[2];
    void (*before)(int) = signal(SIGPIPE, count_signal);

    pipe_signals = 0;
    check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    close(fds[1]);
    check_error(write(fds[0], "x", 1), EPIPE);
    check_equal(pipe_signals, 1);
    check_error(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    check_equal(pipe_signals, 1);
    close(fds[0]);
    check_equal(pipe(fds), 0);
    close(fds[0]);
    check_error(write(fds[1], "x", 1), EPIPE);
    check_equal(pipe_signals, 2);
    close(fds[1]);
    signal(SIGPIPE, before);
}

/* A client connects, a server accepts. */
static void
connection(int type, const char *path)
{
    struct sockaddr_un address;
    socklen_t length = sizeof address;
    struct ucred peer;
    char bytes[16];
    int server = bound(type, path), client = socket(AF_UNIX, type, 0), other;

    check_error(connect_path(client, path), ECONNREFUSED); /* does not listen yet */
    check_equal(listen(server, 1), 0);
    check_error(accept4(server, NULL, NULL, 1), EINVAL);
    check_equal(connect_path(client, path), 0);
    check_error(connect_path(client, path), EISCONN);
    check_equal(send(client, "early", 5, 0), 5);
    check_equal(events_of(server), POLLIN);
    other = accept4(server, (struct sockaddr *)&address, &length, SOCK_CLOEXEC);
    check(other >= 0);
    check_equal(length, sizeof(sa_family_t)); /* the client has no name */
    check_equal(fcntl(other, F_GETFD), FD_CLOEXEC);
    check_equal(recv(other, bytes, 16, 0), 5);
    check_equal(send(other, "answer", 6, 0), 6);
    check_equal(recv(client, bytes, 16, 0), 6);
    length = sizeof address;
    check_equal(getpeername(client, (struct sockaddr *)&address, &length), 0);
    check_equal(length, offsetof(struct sockaddr_un, sun_path) + strlen(path) + (path[0] != '@'));
    check(memcmp(address.sun_path + 1, path + 1, strlen(path) - 1) == 0);
    length = sizeof address;
    check_equal(getsockname(other, (struct sockaddr *)&address, &length), 0);
    check(memcmp(address.sun_path + 1, path + 1, strlen(path) - 1) == 0);
    length = sizeof peer;
    check_equal(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
    check(length == sizeof peer && peer.pid == getpid() && peer.uid == getuid());
    close(other);
    check_equal(recv(client, bytes, 16, 0), 0);
    close(client);
    close(server);
    if (path[0] != '@')
        check_equal(unlink(path), 0);
}

static void
connections(void)
{
    connection(SOCK_STREAM, PATH);
    connection(SOCK_STREAM, "@t-sockets");
    connection(SOCK_SEQPACKET, PATH);
}

static void
a_full_queue(void)
{
    int server = bound(SOCK_STREAM, PATH), clients[4];

    check_equal(listen(server, 1), 0);
    for (int i = 0; i < 4; i++)
        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    check_equal(connect_path(clients[0], PATH), 0);
    check_equal(connect_path(clients[1], PATH), 0);
    check_error(connect_path(clients[2], PATH), EAGAIN);
    close(accept(server, NULL, NULL));
    check_equal(connect_path(clients[2], PATH), 0);
    close(server); /* those that wait are reset */
    check_error(connect_path(clients[3], PATH), ECONNREFUSED);
    check_error(recv(clients[1], &(char){0}, 1, 0), ECONNRESET);
    for (int i = 0; i < 4; i++)
        close(clients[i]);
    check_equal(unlink(PATH), 0);
}

static void
names_that_fail(void)
{
    struct sockaddr_un address;
    socklen_t length = address_make(&address, PATH);
    struct stat status;
    char bytes[4];
    int fd = bound(SOCK_STREAM, PATH), other = socket(AF_UNIX, SOCK_STREAM, 0);

    check_equal(stat(PATH, &status), 0);
    check(S_ISSOCK(status.st_mode));
    check_error(open(PATH, O_RDONLY), ENXIO);
    check_error(bind(other, (struct sockaddr *)&address, length), EADDRINUSE);
    length = address_make(&address, PATH "2");
    check_error(bind(fd, (struct sockaddr *)&address, length), EINVAL);
    check_error(unlink(PATH "2"), ENOENT);
    address.sun_family = AF_INET;
    check_error(bind(other, (struct sockaddr *)&address, length), EINVAL);
    check_error(bind(other, (struct sockaddr *)&address, 1), EINVAL);
    check_error(bind(other, (struct sockaddr *)&address, 200), EINVAL);
    check_error(listen(other, 1), EINVAL);
    check_error(accept(fd, NULL, NULL), EINVAL);
    check_error(connect_path(other, "/tmp/t-sockets.none"), ENOENT);
    check_error(connect_path(other, "@none"), ECONNREFUSED);
    check_error(connect_path(other, "/dev/null"), ECONNREFUSED);
    check_error(send(other, "x", 1, 0), ENOTCONN);
    check_error(recv(other, bytes, 1, 0), EINVAL);
    check_error(getpeername(other, (struct sockaddr *)&address, &length), ENOTCONN);
    close(other);
    other = socket(AF_UNIX, SOCK_DGRAM, 0);
    check_error(connect_path(other, PATH), EPROTOTYPE);
    check_error(listen(other, 1), EOPNOTSUPP);
    check_error(accept(other, NULL, NULL), EOPNOTSUPP);
    close(other);
    close(fd);
    other = socket(AF_UNIX, SOCK_STREAM, 0);
    check_error(connect_path(other, PATH), ECONNREFUSED); /* a name without a socket */
    close(other);
    check_equal(unlink(PATH), 0);
    check_error(socket(12345, SOCK_STREAM, 0), EAFNOSUPPORT);
    check_error(socket(AF_UNIX, 9, 0), ESOCKTNOSUPPORT);
    check_error(socket(AF_UNIX, SOCK_STREAM, 7), EPROTONOSUPPORT);
    check_error(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
    check_error(send(0x7fff, "x", 1, 0), EBADF);
    fd = open("/dev/null", O_RDWR);
    check_error(send(fd, "x", 1, 0), ENOTSOCK);
    close(fd);
}

static void
datagrams(void)
{
    struct sockaddr_un address, from;
    socklen_t length = address_make(&address, PATH), from_length = sizeof from;
    char bytes[16];
    int server = bound(SOCK_DGRAM, PATH), client = bound(SOCK_DGRAM, "@t-sockets-client");

    check_error(send(client, "x", 1, 0), ENOTCONN);
    check_equal(sendto(client, "one", 3, 0, (struct sockaddr *)&address, length), 3);
    check_equal(sendto(client, "", 0, 0, (struct sockaddr *)&address, length), 0);
    check_equal(sendto(client, "third", 5, 0, (struct sockaddr *)&address, length), 5);
    check_equal(recvfrom(server, bytes, 2, MSG_TRUNC, (struct sockaddr *)&from, &from_length), 3);
    check(memcmp(bytes, "on", 2) == 0);
    check_equal(from_length, offsetof(struct sockaddr_un, sun_path) + 17);
    check(memcmp(from.sun_path, "\0t-sockets-client", 17) == 0);
    check_equal(recv(server, bytes, 16, 0), 0);
    check_equal(recv(server, bytes, 16, MSG_PEEK), 5);
    check_equal(recv(server, bytes, 16, 0), 5);
    check_error(recv(server, bytes, 16, MSG_DONTWAIT), EAGAIN);
    check_equal(sendto(server, "back", 4, 0, (struct sockaddr *)&from, from_length), 4);
    check_equal(recv(client, bytes, 16, 0), 4);
    check_equal(connect_path(client, PATH), 0);
    check_equal(send(client, "now so", 6, 0), 6);
    check_equal(recv(server, bytes, 16, 0), 6);
    close(server);
    check_error(send(client, "x", 1, 0), ECONNREFUSED);
    check_error(send(client, "x", 1, 0), ENOTCONN);
    close(client);
    check_equal(unlink(PATH), 0);
}

static void
datagrams_of_a_full_queue(void)
{
    int server = bound(SOCK_DGRAM, "@t-sockets-full");
    int client = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), sent = 0;
    char byte;

    check_equal(connect_path(client, "@t-sockets-full"), 0);
    while (sent < 10000 && send(client, "x", 1, 0) == 1)
        sent++;
    check_equal(errno, EAGAIN);
    check_equal(events_of(client), 0);
    check_equal(recv(server, &byte, 1, 0), 1);
    check_equal(events_of(client), POLLOUT);
    check_equal(send(client, "x", 1, 0), 1);
    close(client);
    close(server);
}

static void
packets(void)
{
    char bytes[16];
    int fds[2];

    check_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
    check_equal(send(fds[0], "first", 5, 0), 5);
    check_equal(send(fds[0], "second", 6, 0), 6);
    check_equal(recv(fds[1], bytes, 3, 0), 3);
    check_equal(recv(fds[1], bytes, 16, 0), 6);
    close(fds[0]);
    check_equal(recv(fds[1], bytes, 16, 0), 0);
    check_error(send(fds[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    close(fds[1]);
}

/* ---- Passing files ---- */

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(16 * sizeof(int))];
};

static long
send_files(int to, const int *fds, int count, const char *text)
{
    union control control;
    struct iovec vector = {(void *)text, strlen(text)};
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_SPACE(count * sizeof(int)),
    };
    struct cmsghdr *header;

    memset(&control, 0, sizeof control);
    header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    return sendmsg(to, &message, 0);
}

/* How many came; the bytes in *size, the flags in *flags. */
static int
receive_files(int from, int *fds, int most, long *size, int *flags)
{
    union control control;
    char bytes[16];
    struct iovec vector = {bytes, sizeof bytes};
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_LEN(most * sizeof(int)),
    };
    struct cmsghdr *header;
    int count = 0;

    *size = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
    *flags = message.msg_flags & ~MSG_CMSG_CLOEXEC;
    header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS) {
        count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(header), count * sizeof(int));
    }
    return count;
}

static void
passed_files(void)
{
    int pair[2], ends[2], got[4], flags;
    long size;
    char bytes[8];

    check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    check_equal(pipe(ends), 0);
    check_equal(send_files(pair[0], ends, 2, "two"), 3);
    close(ends[0]);
    close(ends[1]);
    check_equal(receive_files(pair[1], got, 4, &size, &flags), 2);
    check(size == 3 && flags == 0);
    check_equal(fcntl(got[0], F_GETFD), FD_CLOEXEC);
    check_equal(write(got[1], "through", 7), 7);
    check_equal(read(got[0], bytes, 8), 7);
    check_error(send_files(pair[0], (int[]){999}, 1, "bad"), EBADF);
    check_equal(send_files(pair[0], got, 2, "less room"), 9);
    close(got[1]);
    check_equal(receive_files(pair[1], got + 1, 1, &size, &flags), 1);
    check(size == 9 && flags == MSG_CTRUNC);
    close(got[0]);
    close(got[1]);
    /* bytes behind those that came with a file wait for the next call */
    check_equal(send_files(pair[0], pair, 1, "with"), 4);
    check_equal(write(pair[0], "after", 5), 5);
    check_equal(receive_files(pair[1], got, 4, &size, &flags), 1);
    check_equal(size, 4);
    close(got[0]);
    check_equal(read(pair[1], bytes, 8), 5);
    /* read() drops what it cannot give */
    check_equal(pipe(ends), 0);
    check_equal(send_files(pair[0], ends + 1, 1, "w"), 1);
    close(ends[1]);
    check_equal(read(pair[1], bytes, 8), 1);
    check_equal(read(ends[0], bytes, 8), 0);
    close(ends[0]);
    close(pair[0]);
    close(pair[1]);
}

/* Sockets that hold each other when nobody has them open; the leak test sees whether they go. */
static void
circles(void)
{
    for (int round = 0; round < 20; round++) {
        int first[2], second[2];
        check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
        check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
        check_equal(send_files(first[0], second, 2, "x"), 1);
        check_equal(send_files(second[0], first, 2, "x"), 1);
        check_equal(send_files(first[1], first + 1, 1, "x"), 1); /* itself */
        close(first[0]);
        close(first[1]);
        close(second[0]);
        close(second[1]);
    }
}

/* Each in the one before: closing the first closes all, without nesting. */
static void
a_long_chain(void)
{
    int held = -1;

    for (int i = 0; i < 300; i++) {
        int pair[2];
        check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        if (held >= 0) {
            check_equal(send_files(pair[0], &held, 1, "x"), 1);
            close(held);
        }
        close(pair[0]);
        held = pair[1];
    }
    close(held);
}

static void
credentials(void)
{
    union control control;
    char byte;
    struct iovec vector = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct ucred own, wrong = {1234567, 0, 0};
    struct cmsghdr *header;
    socklen_t size = sizeof own;
    int pair[2], on = 1;

    check_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    check_equal(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &own, &size), 0);
    check_equal(own.pid, getpid());
    check_equal(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    check_equal(write(pair[0], "x", 1), 1);
    check_equal(recvmsg(pair[1], &message, 0), 1);
    header = CMSG_FIRSTHDR(&message);
    check(header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS);
    if (header)
        check(memcmp(CMSG_DATA(header), &own, sizeof own) == 0);
    if (getuid() != 0) {
        memcpy(CMSG_DATA(header), &wrong, sizeof wrong);
        message.msg_controllen = CMSG_SPACE(sizeof wrong);
        check_error(sendmsg(pair[0], &message, 0), EPERM);
    }
    close(pair[0]);
    close(pair[1]);
}

static void
options(void)
{
    struct { long seconds, microseconds; } time = {0, 20000};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), value = -1, pair[2];
    socklen_t size = sizeof value;

    check_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size), 0);
    check_equal(value, SOCK_STREAM);
    check_equal(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &size), 0);
    check_equal(value, AF_UNIX);
    check_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &size), 0);
    check_equal(value, 0);
    check_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size), 0);
    check_equal(value, 0);
    value = 30000;
    check_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof value), 0);
    check_equal(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, &size), 0);
    check_equal(value, 60000);
    check_error(getsockopt(fd, SOL_SOCKET, 12345, &value, &size), ENOPROTOOPT);
    check_error(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, 1), EINVAL);
    check_error(getsockopt(fd, 6, 1, &value, &size), EOPNOTSUPP);
    close(fd);
    check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    check_equal(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
    check_error(read(pair[0], &value, 1), EAGAIN); /* after 20 ms */
    close(pair[0]);
    close(pair[1]);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"pair_of_streams", pair_of_streams},
        {"what_poll_sees", what_poll_sees},
        {"a_full_stream", a_full_stream},
        {"shutting_down", shutting_down},
        {"unread_bytes_reset", unread_bytes_reset},
        {"broken_pipe", broken_pipe},
        {"connections", connections},
        {"a_full_queue", a_full_queue},
        {"names_that_fail", names_that_fail},
        {"datagrams", datagrams},
        {"datagrams_of_a_full_queue", datagrams_of_a_full_queue},
        {"packets", packets},
        {"passed_files", passed_files},
        {"circles", circles},
        {"a_long_chain", a_long_chain},
        {"credentials", credentials},
        {"options", options},
        {NULL, NULL},
    };

    return check_run(cases, argc, argv);
}
