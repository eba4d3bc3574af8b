/* What goes through local sockets: messages, made by the sender without any lock and then queued at the
 * receiver in one step. A stream's are its pieces; a read takes as many as it wants. A message charges
 * its sender until it has been read. */
#include "fs/file.h"
#include "fs/iter.h"
#include "fs/unix_private.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/page.h"

#define SMALL_MESSAGE 512u             /* bytes kept beside the head; larger ones in pages */
#define STREAM_PIECE (8u * PAGE_SIZE)  /* most of a stream that is one message */
#define DATAGRAM_OVERHEAD 32u          /* of the send limit, not for bytes */

/* ---- Messages ---- */

static u32
message_charge(const struct unix_message *message)
{
    return sizeof *message + (message->page_count ? message->page_count * PAGE_SIZE : message->size);
}

bool
unix_may_send(const struct unix_socket *socket)
{
    return 4 * socket->charged <= socket->send_limit;
}

static void
message_free(struct unix_message *message)
{
    struct unix_socket *sender = message->sender;

    for (u32 i = 0; i < message->page_count; i++)
        if (message->pages[i])
            page_put(message->pages[i]);
    if (message->from)
        unix_name_put(message->from);
    if (message->rights) {
        unix_rights_received(message->rights);
        unix_rights_put(message->rights);
    }
    sender->charged -= message_charge(message);
    if (unix_may_send(sender))
        wake_up_all_key(&sender->writable, POLL_OUTPUT);
    heap_free(message);
    unix_put(sender);
}

/* The bytes from `offset` on, and how many lie there in a row. */
static char *
message_piece(struct unix_message *message, u32 offset, size_t *length)
{
    if (message->page_count == 0) {
        *length = message->size - offset;
        return (char *)message->pages + offset;
    }
    *length = MIN(message->size - offset, PAGE_SIZE - offset % PAGE_SIZE);
    return (char *)page_address(message->pages[offset / PAGE_SIZE]) + offset % PAGE_SIZE;
}

static int
message_fill(struct unix_message *message, struct iter *iter)
{
    u32 offset = 0;
    int error = 0;

    for (u32 i = 0; i < message->page_count; i++)
        if (!(message->pages[i] = page_alloc()))
            return -ENOMEM;
    while (!error && offset < message->size) {
        size_t length;
        char *piece = message_piece(message, offset, &length);
        error = iter_take(iter, piece, length);
        offset += (u32)length;
    }
    return error;
}

/* A message with the iter's next `size` bytes, charged to the socket. */
static int
message_make(struct unix_socket *socket, struct iter *iter, u32 size, const struct unix_send *send,
             struct unix_message **result)
{
    u32 pages = size > SMALL_MESSAGE ? DIVIDE_UP(size, PAGE_SIZE) : 0;
    struct unix_message *message =
        heap_alloc(sizeof *message + (pages ? pages * sizeof *message->pages : size));
    int error;

    if (!message)
        return -ENOMEM;
    message->size = size;
    message->page_count = pages;
    message->sender = socket;
    message->credentials = send->credentials ? *send->credentials : unix_credentials_own();
    unix_get(socket);
    if ((message->from = socket->name) != NULL)
        message->from->references++;
    socket->charged += message_charge(message);
    error = message_fill(message, iter);
    if (error)
        message_free(message);
    else
        *result = message;
    return error;
}

/* What comes in wakes one who waits for it; whoever has waited and leaves something behind wakes the
 * next. */
static void
wake_next(struct unix_socket *socket, const struct unix_received *received)
{
    if (received->waited && !list_empty(&socket->messages))
        wake_up_one_key(&socket->readable, POLL_KEY_INPUT | POLL_PRIORITY);
}

static void
message_queue(struct unix_socket *to, struct unix_message *message, struct unix_send *send)
{
    message->rights = send->rights;
    send->rights = NULL;
    if (message->rights)
        unix_rights_sent(message->rights);
    list_add_tail(&to->messages, &message->link);
    to->message_count++;
    wake_up_one_key(&to->readable, POLL_KEY_INPUT | POLL_PRIORITY);
}

static void
message_unqueue(struct unix_socket *socket, struct unix_message *message)
{
    list_remove(&message->link);
    socket->message_count--;
    if (socket->type == UNIX_DATAGRAM) {
        wake_up_all(&socket->room);
        wake_up_all(&unix_datagram_room);
    }
}

void
unix_messages_drop(struct unix_socket *socket)
{
    while (!list_empty(&socket->messages)) {
        struct unix_message *message = list_first(&socket->messages, struct unix_message, link);
        message_unqueue(socket, message);
        message_free(message);
    }
}

/* ---- Sending ---- */

/* Waits until the socket is charged with less than its limit. */
static int
room_wait(struct unix_socket *socket, u32 flags)
{
    if (socket->charged < socket->send_limit || socket->send_shut)
        return 0;
    if (flags & MESSAGE_DONT_WAIT)
        return -EAGAIN;
    return UNIX_WAIT(&socket->writable,
                     socket->charged < socket->send_limit || socket->send_shut,
                     socket->send_timeout_ns);
}

static bool
peer_takes(const struct unix_socket *socket)
{
    return !socket->send_shut && socket->peer && !socket->peer->dead && !socket->peer->receive_shut;
}

static int
send_piece(struct unix_socket *socket, struct iter *iter, struct unix_send *send)
{
    struct unix_message *message;
    int error = room_wait(socket, send->flags);

    if (error)
        return error;
    if (!peer_takes(socket))
        return -EPIPE;
    error = message_make(socket, iter,
                         (u32)MIN(iter->left, (size_t)MIN(STREAM_PIECE, socket->send_limit / 2)),
                         send, &message);
    if (error)
        return error;
    if (!peer_takes(socket)) { /* gone while the bytes were taken */
        message_free(message);
        return -EPIPE;
    }
    message_queue(socket->peer, message, send);
    return 0;
}

static int
send_stream(struct unix_socket *socket, struct iter *iter, struct unix_send *send)
{
    size_t sent = 0;
    int error = 0;

    if (send->to)
        return socket->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    if (socket->state != UNIX_CONNECTED)
        return -ENOTCONN;
    if (!peer_takes(socket))
        error = -EPIPE;
    while (!error && iter->left > 0) {
        error = send_piece(socket, iter, send);
        if (!error)
            sent = iter->done;
    }
    iter->done = sent;
    if (error == -EPIPE && sent == 0 && !(send->flags & MESSAGE_NO_SIGNAL))
        return file_broken_pipe();
    return sent ? 0 : error;
}

/* Where a datagram goes, referenced. */
static int
receiver_get(struct unix_socket *socket, const struct unix_send *send, struct unix_socket **to)
{
    if (send->to)
        return unix_find(send->to, socket->type, to);
    if (!socket->peer)
        return -ENOTCONN;
    *to = socket->peer;
    unix_get(*to);
    return 0;
}

/* May this socket send there, now? -ECONNREFUSED also ends being connected to it. */
static int
receiver_check(struct unix_socket *socket, struct unix_socket *to)
{
    if (to->dead) {
        if (socket->peer == to) {
            socket->peer = NULL;
            unix_put(to);
        }
        return socket->type == UNIX_DATAGRAM ? -ECONNREFUSED : -EPIPE;
    }
    if (socket->send_shut || to->receive_shut)
        return -EPIPE;
    return to->peer && to->peer != socket ? -EPERM : 0;
}

static bool
receiver_full(const struct unix_socket *socket, const struct unix_socket *to)
{
    return to != socket && to->peer != socket && to->message_count > UNIX_DATAGRAMS_MOST;
}

static int
receiver_wait(struct unix_socket *socket, struct unix_socket *to, u32 flags)
{
    int error = receiver_check(socket, to);

    while (!error && receiver_full(socket, to)) {
        if (flags & MESSAGE_DONT_WAIT)
            return -EAGAIN;
        error = UNIX_WAIT(&to->room, !receiver_full(socket, to) || to->dead || to->receive_shut,
                          socket->send_timeout_ns);
        if (!error)
            error = receiver_check(socket, to);
    }
    return error;
}

static int
send_datagram_to(struct unix_socket *socket, struct unix_socket *to, struct iter *iter,
                 struct unix_send *send)
{
    struct unix_message *message;
    int error = room_wait(socket, send->flags);

    if (!error)
        error = message_make(socket, iter, (u32)iter->left, send, &message);
    if (error)
        return error;
    error = receiver_wait(socket, to, send->flags);
    if (error)
        message_free(message);
    else
        message_queue(to, message, send);
    return error;
}

static int
send_datagram(struct unix_socket *socket, struct iter *iter, struct unix_send *send)
{
    struct unix_socket *to;
    int error = receiver_get(socket, send, &to);

    if (error)
        return error;
    if (iter->left > socket->send_limit - DATAGRAM_OVERHEAD)
        error = -EMSGSIZE;
    else
        error = send_datagram_to(socket, to, iter, send);
    unix_put(to);
    return error;
}

int
unix_send(struct unix_socket *socket, struct iter *iter, struct unix_send *send)
{
    if (send->flags & MESSAGE_OUT_OF_BAND)
        return -EOPNOTSUPP;
    if (socket->type == UNIX_STREAM)
        return send_stream(socket, iter, send);
    if (socket->type == UNIX_PACKETS) {
        if (socket->state != UNIX_CONNECTED)
            return -ENOTCONN;
        send->to = NULL;
    }
    return send_datagram(socket, iter, send);
}

/* ---- Receiving ---- */

/* Waits for a message. 1: there is one; 0: there will be none. */
static int
message_wait(struct unix_socket *socket, struct unix_received *received)
{
    int error;

    if (!list_empty(&socket->messages))
        return 1;
    error = unix_error_take(socket);
    if (error)
        return error;
    if (socket->receive_shut)
        return 0;
    if (received->flags & MESSAGE_DONT_WAIT)
        return -EAGAIN;
    received->waited = true;
    error = UNIX_WAIT(&socket->readable,
                      !list_empty(&socket->messages) || socket->receive_shut || socket->error,
                      socket->receive_timeout_ns);
    return error ? error : 1;
}

static int
message_copy(struct unix_message *message, u32 offset, size_t size, struct iter *iter)
{
    int error = 0;

    while (!error && size > 0) {
        size_t length;
        char *piece = message_piece(message, offset, &length);
        length = MIN(length, size);
        error = iter_put(iter, piece, length);
        offset += (u32)length;
        size -= length;
    }
    return error;
}

/* Who sent it, and its files: taken out of the message, or further references when it stays. */
static int
message_describe(struct unix_socket *socket, struct unix_message *message,
                 struct unix_received *received)
{
    struct unix_rights *rights = message->rights, *copy;

    received->has_credentials = socket->passes_credentials;
    received->credentials = message->credentials;
    if (message->from)
        received->from = message->from->address;
    if (!rights || received->rights)
        return 0;
    if (!(received->flags & MESSAGE_PEEK)) {
        message->rights = NULL;
        unix_rights_received(rights);
        received->rights = rights;
        return 0;
    }
    copy = heap_alloc(sizeof *copy + rights->count * sizeof *copy->files);
    if (!copy)
        return -ENOMEM;
    copy->count = rights->count;
    for (u32 i = 0; i < rights->count; i++) {
        copy->files[i] = rights->files[i];
        file_get(copy->files[i]);
    }
    received->rights = copy;
    return 0;
}

/* May bytes of this message be given together with those given already? */
static bool
may_join(const struct unix_socket *socket, const struct unix_message *message,
         const struct unix_received *received)
{
    const struct unix_credentials *given = &received->credentials, *own = &message->credentials;

    if (received->rights)
        return false;
    return !socket->passes_credentials ||
           (given->pid == own->pid && given->uid == own->uid && given->gid == own->gid);
}

/* Receive lock held. Gives what there is; 1 when what comes later may not be joined to it. */
static int
stream_copy(struct unix_socket *socket, struct iter *iter, struct unix_received *received)
{
    struct list *link = socket->messages.next;

    while (iter->left > 0 && link != &socket->messages) {
        struct unix_message *message = list_entry(link, struct unix_message, link);
        u32 size = (u32)MIN(iter->left, (size_t)(message->size - message->taken));
        int error = 0;
        if (iter->done > 0 && !may_join(socket, message, received))
            return 1;
        error = message_copy(message, message->taken, size, iter);
        if (!error)
            error = message_describe(socket, message, received);
        if (error)
            return error;
        link = link->next;
        if (received->flags & MESSAGE_PEEK)
            continue;
        message->taken += size;
        if (message->taken == message->size) {
            message_unqueue(socket, message);
            message_free(message);
        }
    }
    return received->rights ? 1 : 0;
}

static int
receive_stream(struct unix_socket *socket, struct iter *iter, struct unix_received *received)
{
    bool all = received->flags & MESSAGE_WAIT_ALL;
    int result = 0;

    if (socket->state != UNIX_CONNECTED)
        return -EINVAL;
    while (iter->left > 0) {
        result = message_wait(socket, received);
        if (result <= 0)
            break;
        result = mutex_lock(&socket->receive_lock);
        if (result)
            break;
        result = stream_copy(socket, iter, received);
        mutex_unlock(&socket->receive_lock);
        if (result || (iter->done > 0 && (!all || received->flags & MESSAGE_PEEK)))
            break;
    }
    return iter->done > 0 ? 0 : MIN(result, 0);
}

/* Receive lock held, there is a message: gives the first one, cut to what is wanted. */
static int
datagram_copy(struct unix_socket *socket, struct iter *iter, struct unix_received *received)
{
    struct unix_message *message = list_first(&socket->messages, struct unix_message, link);
    size_t size = MIN(iter->left, (size_t)message->size);
    bool peek = received->flags & MESSAGE_PEEK;
    int error = message_copy(message, 0, size, iter);

    received->size = message->size;
    if (!error)
        error = message_describe(socket, message, received);
    if (size < message->size)
        received->flags |= MESSAGE_TRUNCATED;
    if (!peek) {
        message_unqueue(socket, message);
        message_free(message);
    }
    return error;
}

static int
receive_datagram(struct unix_socket *socket, struct iter *iter, struct unix_received *received)
{
    if (socket->type == UNIX_PACKETS && socket->state != UNIX_CONNECTED)
        return -ENOTCONN;
    for (;;) {
        bool found;
        int result = message_wait(socket, received);
        if (result <= 0)
            return result;
        result = mutex_lock(&socket->receive_lock);
        if (result)
            return result;
        found = !list_empty(&socket->messages);
        if (found)
            result = datagram_copy(socket, iter, received);
        mutex_unlock(&socket->receive_lock);
        if (found)
            return result;
    }
}

int
unix_receive(struct unix_socket *socket, struct iter *iter, struct unix_received *received)
{
    int error;

    received->rights = NULL;
    received->waited = false;
    received->has_credentials = false;
    received->from.length = 0;
    if (received->flags & MESSAGE_OUT_OF_BAND)
        return -EOPNOTSUPP;
    if (socket->type == UNIX_STREAM)
        error = receive_stream(socket, iter, received);
    else
        error = receive_datagram(socket, iter, received);
    if (socket->type == UNIX_STREAM || error)
        received->size = iter->done;
    wake_next(socket, received);
    return error;
}
