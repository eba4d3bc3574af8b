/* What the files of local sockets share: unix_socket.c (life, poll, options), unix_name.c, unix_connect.c,
 * unix_message.c, unix_collect.c.
 *
 * All is changed in stretches without a sleep; only the receive lock is held across one, while bytes go
 * to user memory. A socket is counted: by its file, by the peer that points to it, by the messages that
 * it sent and that nobody has read yet, by a listener that has it in its queue. */
#ifndef FS_UNIX_PRIVATE_H
#define FS_UNIX_PRIVATE_H

#include "fs/unix_socket.h"
#include "kernel/list.h"
#include "kernel/mutex.h"
#include "kernel/wait.h"

struct inode;

struct unix_name { /* counted: who was connected to keeps it, and each message */
    u32 references;
    struct unix_address address;
    /* Of names that are no paths: */
    struct unix_name *next;
    struct unix_socket *socket; /* NULL: it has been closed */
};

enum unix_state { UNIX_UNCONNECTED, UNIX_LISTENING, UNIX_CONNECTED };

struct unix_socket {
    u32 references;
    u8 type, state;
    bool dead;                     /* its file has been closed */
    bool receive_shut, send_shut;  /* no more will come; no more may go */
    bool passes_credentials;
    s16 error;                     /* given once to the next call, as a positive errno; or 0 */
    u32 simple_options;            /* a bit for each SO_ number that is only kept */
    struct unix_socket *peer;      /* referenced */
    struct unix_name *name;        /* referenced; NULL: none */
    struct inode *bound;           /* referenced: the inode that its path leads to */
    struct file *file;             /* not referenced; NULL: none (any more) */
    struct list messages;          /* not read yet */
    u32 message_count;
    struct list pending;           /* of a listener: sockets that wait for accept, by pending_link */
    u32 pending_count, backlog;
    struct list pending_link;
    u32 charged, send_limit, receive_limit; /* bytes */
    u64 receive_timeout_ns, send_timeout_ns; /* 0: none */
    struct unix_credentials peer_credentials;
    struct wait_queue readable;    /* something to read, accept or notice */
    struct wait_queue writable;    /* room for what it sends, or the peer has changed */
    struct wait_queue room;        /* its own queue has got room: for those who send or connect to it */
    struct mutex receive_lock;
    /* unix_collect.c's: */
    struct list all_link;
    u32 in_flight; /* how often its file is on its way in messages */
    bool reachable; /* while looking for circles, */
    struct unix_socket *mark_next; /* and of those whose messages are still to be looked at */
};

struct unix_message {
    struct list link;
    struct unix_socket *sender; /* referenced; what it is charged for */
    struct unix_name *from;     /* referenced, or NULL */
    struct unix_rights *rights; /* or NULL */
    struct unix_credentials credentials;
    u32 size, taken;            /* bytes, and how many of them have been read */
    u32 page_count;
    struct page *pages[];       /* or, if page_count is 0, the bytes themselves */
};

extern const struct file_ops unix_file_ops;
struct unix_socket *unix_socket_new(enum unix_type type);
int unix_file_new(struct unix_socket *socket, u32 flags, struct file **file); /* takes the reference */
static inline void
unix_get(struct unix_socket *socket)
{
    socket->references++;
}
void unix_put(struct unix_socket *socket);
/* No more of it: what it had queued goes, its peer is told. Keeps its memory. May sleep. */
void unix_close(struct unix_socket *socket);
struct unix_credentials unix_credentials_own(void);
static inline bool
unix_has_connections(const struct unix_socket *socket)
{
    return socket->type != UNIX_DATAGRAM;
}
/* Waits with the time-out (0: none) of a socket: 0, -EAGAIN when it has passed, or why not. */
#define UNIX_WAIT(queue, condition, timeout_ns)                                                    \
    unix_wait_result(wait_event_interruptible_until(queue, condition,                              \
                                                    unix_deadline(timeout_ns)),                    \
                     timeout_ns)
u64 unix_deadline(u64 timeout_ns);
int unix_wait_result(int error, u64 timeout_ns);
int unix_error_take(struct unix_socket *socket); /* 0 or a negative errno */

/* Datagrams: somebody's full queue has got room (for poll, which cannot hold the receiver). */
extern struct wait_queue unix_datagram_room;
#define UNIX_DATAGRAMS_MOST 10 /* waiting at one socket: net.unix.max_dgram_qlen of Linux */

/* unix_name.c: the socket that has the name, referenced: 0, -ECONNREFUSED, -EPROTOTYPE, those of a walk. */
int unix_find(const struct unix_address *address, enum unix_type type, struct unix_socket **socket);
void unix_name_put(struct unix_name *name);
void unix_unbind(struct unix_socket *socket);

/* unix_message.c */
void unix_messages_drop(struct unix_socket *socket);
bool unix_may_send(const struct unix_socket *socket);

/* unix_collect.c */
void unix_rights_sent(struct unix_rights *rights);     /* they are in a message now */
void unix_rights_received(struct unix_rights *rights); /* and no longer */
void unix_all_add(struct unix_socket *socket);
void unix_all_remove(struct unix_socket *socket);
void unix_collect(void);

#endif
