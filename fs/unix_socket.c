/* Local sockets: their life, what poll sees of them, shutdown and options. See unix_socket.h and
 * unix_private.h. Called by the socket calls and by read, write, poll and close. */
#include "fs/unix_socket.h"

#include "arch.h"
#include "fs/anonymous.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/unix_private.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/task.h"

#define BUFFER_DEFAULT 212992u /* net.core.wmem_default and wmem_max of Linux */
#define BUFFER_LEAST 2304u

static struct pool socket_pool = POOL_INIT("unix_socket", struct unix_socket);
struct wait_queue unix_datagram_room = WAIT_QUEUE_INIT(unix_datagram_room, "datagram room");

/* ---- Life ---- */

struct unix_credentials
unix_credentials_own(void)
{
    const struct credentials *credentials = current_credentials();

    return (struct unix_credentials){
        .pid = current_task()->process ? current_task()->process->id : 0,
        .uid = credentials ? credentials->euid : 0,
        .gid = credentials ? credentials->egid : 0,
    };
}

struct unix_socket *
unix_socket_new(enum unix_type type)
{
    struct unix_socket *socket = pool_alloc(&socket_pool);

    if (!socket)
        return NULL;
    socket->references = 1;
    socket->type = type;
    socket->send_limit = socket->receive_limit = BUFFER_DEFAULT;
    socket->peer_credentials = (struct unix_credentials){0, ~0u, ~0u};
    list_init(&socket->messages);
    list_init(&socket->pending);
    list_init(&socket->pending_link);
    wait_queue_init(&socket->readable, "socket read");
    wait_queue_init(&socket->writable, "socket write");
    wait_queue_init(&socket->room, "socket room");
    mutex_init(&socket->receive_lock, "socket reader");
    unix_all_add(socket);
    return socket;
}

void
unix_put(struct unix_socket *socket)
{
    ASSERT(socket->references > 0);
    if (--socket->references > 0)
        return;
    ASSERT(socket->dead && list_empty(&socket->messages) && !socket->peer);
    unix_all_remove(socket);
    if (socket->name)
        unix_name_put(socket->name);
    pool_free(&socket_pool, socket);
}

int
unix_file_new(struct unix_socket *socket, u32 flags, struct file **file)
{
    struct inode *inode;
    int error = anonymous_inode_create(MODE_SOCKET | 0777, NULL, &inode);

    if (!error) {
        error = file_create(inode, &unix_file_ops, OPEN_READ_WRITE | flags, socket, file);
        inode_put(inode);
    }
    if (error) {
        unix_close(socket);
        unix_put(socket);
        return error;
    }
    socket->file = *file;
    return 0;
}

int
unix_socket_create(enum unix_type type, u32 flags, struct file **file)
{
    struct unix_socket *socket = unix_socket_new(type);

    return socket ? unix_file_new(socket, flags, file) : -ENOMEM;
}

int
unix_socket_pair(enum unix_type type, u32 flags, struct file *files[2])
{
    struct unix_socket *sockets[2];
    int error = unix_socket_create(type, flags, &files[0]);

    if (error)
        return error;
    error = unix_socket_create(type, flags, &files[1]);
    if (error) {
        file_put(files[0]);
        return error;
    }
    for (unsigned i = 0; i < 2; i++)
        sockets[i] = files[i]->private;
    for (unsigned i = 0; i < 2; i++) {
        sockets[i]->peer = sockets[1 - i];
        unix_get(sockets[1 - i]);
        sockets[i]->peer_credentials = unix_credentials_own();
        if (unix_has_connections(sockets[i]))
            sockets[i]->state = UNIX_CONNECTED;
    }
    return 0;
}

struct unix_socket *
unix_socket_of(const struct file *file)
{
    return file->ops == &unix_file_ops ? file->private : NULL;
}

/* The other end of a connection sees that nothing will come and nothing may go any more. */
static void
peer_tell(struct unix_socket *socket, struct unix_socket *peer, bool unread)
{
    if (unix_has_connections(socket)) {
        peer->receive_shut = peer->send_shut = true;
        if (unread)
            peer->error = ECONNRESET;
    }
    wake_up_all(&peer->readable);
    wake_up_all(&peer->writable);
}

static void
pending_drop(struct unix_socket *listener)
{
    while (!list_empty(&listener->pending)) {
        struct unix_socket *socket =
            list_first(&listener->pending, struct unix_socket, pending_link);
        list_remove(&socket->pending_link);
        listener->pending_count--;
        unix_close(socket);
        unix_put(socket);
    }
}

void
unix_close(struct unix_socket *socket)
{
    struct unix_socket *peer = socket->peer;
    bool unread = !list_empty(&socket->messages) || !socket->file;

    socket->dead = true;
    socket->file = NULL;
    socket->receive_shut = socket->send_shut = true;
    unix_unbind(socket);
    socket->peer = NULL;
    unix_messages_drop(socket);
    pending_drop(socket);
    wake_up_all(&socket->readable);
    wake_up_all(&socket->writable);
    wake_up_all(&socket->room);
    wake_up_all(&unix_datagram_room);
    if (peer) {
        if (peer->peer == socket)
            peer_tell(socket, peer, unread);
        unix_put(peer);
    }
}

static void
socket_release(struct file *file)
{
    struct unix_socket *socket = file->private;

    unix_close(socket);
    unix_put(socket);
    unix_collect();
}

/* ---- Errors and time-outs ---- */

int
unix_error_take(struct unix_socket *socket)
{
    int error = socket->error;

    socket->error = 0;
    return -error;
}

u64
unix_deadline(u64 timeout_ns)
{
    return timeout_ns ? time_now_ns() + timeout_ns : 0;
}

int
unix_wait_result(int error, u64 timeout_ns)
{
    if (error == -ETIMEDOUT)
        return -EAGAIN;
    return error == -ERESTARTSYS && timeout_ns ? -EINTR : error;
}

/* ---- Files ---- */

static int
socket_read(struct file *file, struct iter *iter, u64 *position)
{
    struct unix_received received = {
        .flags = file->flags & OPEN_NONBLOCK ? MESSAGE_DONT_WAIT : 0,
    };
    int error = iter->left > 0 ? unix_receive(file->private, iter, &received) : 0;

    unix_rights_put(received.rights); /* nowhere to put them */
    return error;
}

static int
socket_write(struct file *file, struct iter *iter, u64 *position)
{
    struct unix_send send = {.flags = file->flags & OPEN_NONBLOCK ? MESSAGE_DONT_WAIT : 0};

    return unix_send(file->private, iter, &send);
}


static bool
datagram_peer_full(const struct unix_socket *socket)
{
    const struct unix_socket *peer = socket->peer;

    return socket->type == UNIX_DATAGRAM && peer && peer->peer != socket &&
           peer->message_count > UNIX_DATAGRAMS_MOST;
}

static u32
socket_poll(struct file *file, struct poll_table *table)
{
    struct unix_socket *socket = file->private;
    u32 events = 0;

    if (table) {
        table->add(table, &socket->readable);
        table->add(table, &socket->writable);
        if (socket->type == UNIX_DATAGRAM)
            table->add(table, &unix_datagram_room);
    }
    if (socket->error)
        events |= POLL_ERROR;
    if (socket->receive_shut && socket->send_shut)
        events |= POLL_HANG_UP;
    if (socket->receive_shut)
        events |= POLL_READ_HANG_UP | POLL_IN | POLL_RDNORM;
    if (!list_empty(&socket->messages) || !list_empty(&socket->pending))
        events |= POLL_IN | POLL_RDNORM;
    if (unix_has_connections(socket) && socket->state == UNIX_UNCONNECTED)
        events |= POLL_HANG_UP;
    if (socket->state != UNIX_LISTENING && unix_may_send(socket) && !datagram_peer_full(socket))
        events |= POLL_OUT | POLL_WRNORM | POLL_WRBAND;
    return events;
}

#define FIONREAD 0x541b /* asm-generic/sockios.h: SIOCINQ, SIOCOUTQ */
#define TIOCOUTQ 0x5411

/* Of a stream all bytes, else those of the next message. */
static u32
bytes_waiting(const struct unix_socket *socket)
{
    const struct unix_message *message;
    u32 bytes = 0;

    list_for_each(message, &socket->messages, link) {
        bytes += message->size - message->taken;
        if (socket->type != UNIX_STREAM)
            break;
    }
    return bytes;
}

static int
socket_ioctl(struct file *file, u32 command, uintptr_t argument)
{
    const struct unix_socket *socket = file->private;
    u32 value;

    if (command == FIONREAD) {
        if (socket->state == UNIX_LISTENING)
            return -EINVAL;
        value = bytes_waiting(socket);
    } else if (command == TIOCOUTQ) {
        value = socket->charged;
    } else {
        return -ENOTTY;
    }
    return copy_to_user((void *)argument, &value, sizeof value);
}

const struct file_ops unix_file_ops = {
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .ioctl = socket_ioctl,
    .release = socket_release,
    .stream = true,
};

int
unix_shutdown(struct unix_socket *socket, int how)
{
    bool receive = how == 0 || how == 2, send = how == 1 || how == 2;
    struct unix_socket *peer = socket->peer;

    if ((u32)how > 2)
        return -EINVAL;
    socket->receive_shut |= receive;
    socket->send_shut |= send;
    wake_up_all(&socket->readable);
    wake_up_all(&socket->writable);
    if (peer && unix_has_connections(socket)) {
        peer->receive_shut |= send;
        peer->send_shut |= receive;
        wake_up_all(&peer->readable);
        wake_up_all(&peer->writable);
    }
    return 0;
}

/* ---- Options: asm-generic/socket.h ---- */

enum {
    SO_DEBUG = 1, SO_REUSEADDR, SO_TYPE, SO_ERROR, SO_DONTROUTE, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF,
    SO_KEEPALIVE, SO_OOBINLINE, SO_NO_CHECK, SO_PRIORITY, SO_LINGER, SO_BSDCOMPAT, SO_REUSEPORT,
    SO_PASSCRED, SO_PEERCRED, SO_RCVLOWAT, SO_SNDLOWAT, SO_RCVTIMEO, SO_SNDTIMEO,
    SO_TIMESTAMP = 29, SO_ACCEPTCONN, SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE, SO_PROTOCOL = 38,
    SO_DOMAIN, SO_RCVTIMEO_NEW = 66, SO_SNDTIMEO_NEW
};
#define FAMILY_UNIX 1
/* Kept and given back, without any effect here. */
#define SIMPLE_OPTIONS                                                                             \
    (1u << SO_DEBUG | 1u << SO_REUSEADDR | 1u << SO_DONTROUTE | 1u << SO_BROADCAST |               \
     1u << SO_KEEPALIVE | 1u << SO_OOBINLINE | 1u << SO_NO_CHECK | 1u << SO_REUSEPORT |            \
     1u << SO_TIMESTAMP)

static bool
option_is_simple(int option)
{
    return option < 32 && (SIMPLE_OPTIONS >> option & 1);
}

static void
time_out_get(u64 nanoseconds, bool wide, union unix_option *value, u32 *size)
{
    u64 seconds = nanoseconds / 1000000000u, microseconds = nanoseconds % 1000000000u / 1000;

    if (wide) {
        value->times[0] = (s64)seconds;
        value->times[1] = (s64)microseconds;
    } else {
        value->pair[0] = (s32)MIN(seconds, (u64)INT32_MAX);
        value->pair[1] = (s32)microseconds;
    }
    *size = wide ? sizeof value->times : sizeof value->pair;
}

int
unix_option_get(struct unix_socket *socket, int option, union unix_option *value, u32 *size)
{
    *value = (union unix_option){.times = {0, 0}};
    *size = sizeof value->value;
    switch (option) {
    case SO_TYPE: value->value = socket->type; return 0;
    case SO_ERROR: value->value = -unix_error_take(socket); return 0;
    case SO_SNDBUF: value->value = (s32)socket->send_limit; return 0;
    case SO_RCVBUF: value->value = (s32)socket->receive_limit; return 0;
    case SO_PASSCRED: value->value = socket->passes_credentials; return 0;
    case SO_ACCEPTCONN: value->value = socket->state == UNIX_LISTENING; return 0;
    case SO_DOMAIN: value->value = FAMILY_UNIX; return 0;
    case SO_RCVLOWAT:
    case SO_SNDLOWAT: value->value = 1; return 0;
    case SO_PROTOCOL:
    case SO_PRIORITY: return 0;
    case SO_LINGER: *size = sizeof value->pair; return 0;
    case SO_PEERCRED:
        value->credentials = socket->peer_credentials;
        *size = sizeof value->credentials;
        return 0;
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW:
        time_out_get(socket->receive_timeout_ns, option == SO_RCVTIMEO_NEW, value, size);
        return 0;
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW:
        time_out_get(socket->send_timeout_ns, option == SO_SNDTIMEO_NEW, value, size);
        return 0;
    }
    if (!option_is_simple(option))
        return -ENOPROTOOPT;
    value->value = socket->simple_options >> option & 1;
    return 0;
}

/* Twice what is asked for, within bounds: socket(7). */
static u32
buffer_size(s32 wanted)
{
    u32 most = MIN((u32)wanted, BUFFER_DEFAULT);

    return MAX(2 * most, 2 * BUFFER_LEAST);
}

static int
time_out_set(u64 *nanoseconds, const union unix_option *value, bool wide, u32 size)
{
    s64 seconds = wide ? value->times[0] : value->pair[0];
    s64 microseconds = wide ? value->times[1] : value->pair[1];

    if (size < (wide ? sizeof value->times : sizeof value->pair))
        return -EINVAL;
    if (microseconds < 0 || microseconds >= 1000000)
        return -EDOM;
    if (seconds < 0)
        *nanoseconds = 1; /* over at once */
    else if (seconds > INT32_MAX)
        *nanoseconds = 0;
    else
        *nanoseconds = (u64)seconds * 1000000000u + (u64)microseconds * 1000;
    return 0;
}

int
unix_option_set(struct unix_socket *socket, int option, const union unix_option *value, u32 size)
{
    switch (option) {
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW:
        return time_out_set(&socket->receive_timeout_ns, value, option == SO_RCVTIMEO_NEW, size);
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW:
        return time_out_set(&socket->send_timeout_ns, value, option == SO_SNDTIMEO_NEW, size);
    }
    if (size < sizeof value->value)
        return -EINVAL;
    switch (option) {
    case SO_SNDBUF: case SO_SNDBUFFORCE: socket->send_limit = buffer_size(value->value); return 0;
    case SO_RCVBUF: case SO_RCVBUFFORCE: socket->receive_limit = buffer_size(value->value); return 0;
    case SO_PASSCRED: socket->passes_credentials = value->value != 0; return 0;
    case SO_RCVLOWAT: case SO_PRIORITY: case SO_LINGER: return 0;
    }
    if (!option_is_simple(option))
        return -ENOPROTOOPT;
    if (value->value)
        socket->simple_options |= 1u << option;
    else
        socket->simple_options &= ~(1u << option);
    return 0;
}
