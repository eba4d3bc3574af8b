/* Open files in messages of local sockets: how they are given up, and what nobody can reach any more.
 *
 * A message may hold a socket whose own messages hold others. So giving up files is not done in the
 * middle of closing one, which would nest as deep as the user likes, but one after the other from a list.
 * And sockets may hold each other in a circle, when all their descriptors have been closed after they
 * were sent; whenever a socket is closed while others are on their way, such circles are looked for:
 * whatever can be reached from a socket that is open somewhere stays. */
#include "fs/file.h"
#include "fs/unix_private.h"
#include "kernel/errno.h"
#include "kernel/heap.h"

#define FILES_MOST 16384u /* on their way in all messages */

static struct list all_sockets = LIST_INIT(all_sockets);
static u32 files_in_flight, sockets_in_flight;
static struct unix_rights *dying; /* to be given up */
static bool giving_up;

void
unix_all_add(struct unix_socket *socket)
{
    list_add_tail(&all_sockets, &socket->all_link);
}

void
unix_all_remove(struct unix_socket *socket)
{
    list_remove(&socket->all_link);
}

/* ---- Counting ---- */

static void
flight_count(struct unix_rights *rights, int change)
{
    files_in_flight += (u32)(change * (int)rights->count);
    for (u32 i = 0; i < rights->count; i++) {
        struct unix_socket *socket = unix_socket_of(rights->files[i]);
        if (!socket)
            continue;
        socket->in_flight += (u32)change;
        sockets_in_flight += (u32)change;
    }
}

void
unix_rights_sent(struct unix_rights *rights)
{
    flight_count(rights, 1);
}

void
unix_rights_received(struct unix_rights *rights)
{
    flight_count(rights, -1);
}

bool
unix_rights_too_many(u32 count)
{
    return files_in_flight + count > FILES_MOST;
}

/* ---- Giving up ---- */

void
unix_rights_put(struct unix_rights *rights)
{
    if (!rights)
        return;
    rights->next = dying;
    dying = rights;
    if (giving_up)
        return; /* whoever does it now goes on with these */
    giving_up = true;
    while (dying) {
        rights = dying;
        dying = rights->next;
        for (u32 i = 0; i < rights->count; i++)
            file_put(rights->files[i]);
        heap_free(rights);
    }
    giving_up = false;
}

/* ---- Circles ---- */

/* Only messages hold it. */
static bool
is_candidate(const struct unix_socket *socket)
{
    return socket->file && socket->in_flight > 0 && socket->file->references == socket->in_flight;
}

static void
mark(struct unix_socket *socket, struct unix_socket **marked)
{
    if (socket->reachable)
        return;
    socket->reachable = true;
    socket->mark_next = *marked;
    *marked = socket;
}

static void
mark_messages(const struct unix_socket *socket, struct unix_socket **marked)
{
    const struct unix_message *message;

    list_for_each(message, &socket->messages, link) {
        for (u32 i = 0; message->rights && i < message->rights->count; i++) {
            struct unix_socket *inside = unix_socket_of(message->rights->files[i]);
            if (inside)
                mark(inside, marked);
        }
    }
}

/* What somebody has open, and what can be received from there. */
static void
mark_all(void)
{
    struct unix_socket *marked = NULL, *socket;
    const struct unix_socket *pending;

    list_for_each(socket, &all_sockets, all_link)
        socket->reachable = false;
    list_for_each(socket, &all_sockets, all_link)
        if (socket->file && !is_candidate(socket))
            mark(socket, &marked);
    while ((socket = marked) != NULL) {
        marked = socket->mark_next;
        mark_messages(socket, &marked);
        list_for_each(pending, &socket->pending, pending_link)
            mark_messages(pending, &marked);
    }
}

/* A socket that nothing but a circle holds, and that holds messages itself; or NULL. */
static struct unix_socket *
garbage_find(void)
{
    struct unix_socket *socket;

    mark_all();
    list_for_each(socket, &all_sockets, all_link)
        if (!socket->reachable && is_candidate(socket) && !list_empty(&socket->messages))
            return socket;
    return NULL;
}

void
unix_collect(void)
{
    struct unix_socket *socket;

    while (sockets_in_flight > 0 && (socket = garbage_find()) != NULL) {
        unix_get(socket);
        unix_messages_drop(socket); /* the circle is broken here, and comes apart */
        unix_put(socket);
    }
}
