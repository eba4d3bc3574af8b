/* Connections between local sockets: listen, connect, accept. A connect makes the socket that accept will
 * give out and does not wait for that: unix(7). */
#include "fs/file.h"
#include "fs/unix_private.h"
#include "kernel/errno.h"

#define BACKLOG_MOST 4096 /* net.core.somaxconn of Linux */

int
unix_listen(struct unix_socket *socket, int backlog)
{
    if (!unix_has_connections(socket))
        return -EOPNOTSUPP;
    if (!socket->name || socket->state == UNIX_CONNECTED)
        return -EINVAL;
    socket->backlog = (u32)MIN((u32)backlog, (u32)BACKLOG_MOST);
    socket->state = UNIX_LISTENING;
    socket->peer_credentials = unix_credentials_own(); /* what those who connect will be told */
    wake_up_all(&socket->room);
    return 0;
}

/* ---- connect ---- */

static bool
accepts(const struct unix_socket *listener)
{
    return listener->state == UNIX_LISTENING && !listener->receive_shut && !listener->dead;
}

/* Waits until the listener's queue has room. */
static int
queue_wait(struct unix_socket *socket, struct unix_socket *listener, bool nonblocking)
{
    if (accepts(listener) && listener->pending_count > listener->backlog) {
        int error;
        if (nonblocking)
            return -EAGAIN;
        error = UNIX_WAIT(&listener->room,
                          listener->pending_count <= listener->backlog || !accepts(listener),
                          socket->send_timeout_ns);
        if (error)
            return error;
    }
    return accepts(listener) ? 0 : -ECONNREFUSED;
}

/* Connects both and puts the new one into the listener's queue. */
static void
join(struct unix_socket *socket, struct unix_socket *listener, struct unix_socket *new)
{
    new->peer = socket;
    unix_get(socket);
    new->state = UNIX_CONNECTED;
    new->peer_credentials = unix_credentials_own();
    new->passes_credentials = listener->passes_credentials;
    new->name = listener->name;
    new->name->references++;
    socket->peer = new;
    unix_get(new);
    socket->state = UNIX_CONNECTED;
    socket->peer_credentials = listener->peer_credentials;
    list_add_tail(&listener->pending, &new->pending_link);
    listener->pending_count++;
    wake_up_one_key(&listener->readable, POLL_KEY_INPUT);
}

static int
connect_to(struct unix_socket *socket, struct unix_socket *listener, bool nonblocking)
{
    struct unix_socket *new;
    int error;

    do
        error = queue_wait(socket, listener, nonblocking);
    while (!error && listener->pending_count > listener->backlog);
    if (error)
        return error;
    if (socket->state != UNIX_UNCONNECTED) /* by another thread meanwhile */
        return socket->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
    new = unix_socket_new(socket->type);
    if (!new)
        return -ENOMEM;
    join(socket, listener, new);
    return 0;
}

static int
connect_stream(struct unix_socket *socket, const struct unix_address *address, bool nonblocking)
{
    struct unix_socket *listener;
    int error;

    if (socket->state != UNIX_UNCONNECTED)
        return socket->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
    error = unix_find(address, socket->type, &listener);
    if (error)
        return error;
    error = connect_to(socket, listener, nonblocking);
    unix_put(listener);
    return error;
}

/* From now on datagrams go there, and come from nowhere else. Takes over the reference. */
static void
peer_set(struct unix_socket *socket, struct unix_socket *peer)
{
    struct unix_socket *before = socket->peer;

    socket->peer = peer;
    if (before) {
        unix_messages_drop(socket);
        unix_put(before);
    }
    wake_up_all(&socket->writable);
}

static int
connect_datagram(struct unix_socket *socket, const struct unix_address *address)
{
    struct unix_socket *peer;
    int error = unix_find(address, socket->type, &peer);

    if (error)
        return error;
    if (peer->peer && peer->peer != socket) {
        unix_put(peer);
        return -EPERM;
    }
    peer_set(socket, peer);
    return 0;
}

int
unix_connect(struct unix_socket *socket, const struct unix_address *address, bool nonblocking)
{
    if (address->length == 0)
        return -EINVAL;
    if (unix_has_connections(socket))
        return connect_stream(socket, address, nonblocking);
    return connect_datagram(socket, address);
}

int
unix_disconnect(struct unix_socket *socket)
{
    if (unix_has_connections(socket))
        return -EINVAL;
    peer_set(socket, NULL);
    return 0;
}

/* ---- accept ---- */

/* A connection wakes one who waits for it; whoever has waited and leaves some behind wakes the next. */
static void
accept_wake_next(struct unix_socket *listener, bool waited)
{
    if (waited && !list_empty(&listener->pending))
        wake_up_one_key(&listener->readable, POLL_KEY_INPUT);
}

int
unix_accept(struct unix_socket *listener, bool nonblocking, u32 flags, struct file **file)
{
    struct unix_socket *socket;
    bool waited = false;

    if (!unix_has_connections(listener))
        return -EOPNOTSUPP;
    if (listener->state != UNIX_LISTENING)
        return -EINVAL;
    while (list_empty(&listener->pending)) {
        int error = listener->receive_shut ? -EINVAL : nonblocking ? -EAGAIN : 0;
        waited = !error;
        if (!error)
            error = UNIX_WAIT(&listener->readable,
                              !list_empty(&listener->pending) || listener->receive_shut,
                              listener->receive_timeout_ns);
        if (error) {
            accept_wake_next(listener, waited);
            return error;
        }
    }
    socket = list_first(&listener->pending, struct unix_socket, pending_link);
    list_remove(&socket->pending_link);
    listener->pending_count--;
    accept_wake_next(listener, waited);
    wake_up_all(&listener->room);
    return unix_file_new(socket, flags, file);
}
