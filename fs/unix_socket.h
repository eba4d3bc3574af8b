/* Sockets of the local kind, unix(7): pairs and named ones, byte streams, datagrams and sequenced
 * packets, with open files and credentials passed along. There are no others. */
#ifndef FS_UNIX_SOCKET_H
#define FS_UNIX_SOCKET_H

#include "kernel/types.h"

struct file;
struct iter;
struct unix_socket;

enum unix_type { UNIX_STREAM = 1, UNIX_DATAGRAM = 2, UNIX_PACKETS = 5 }; /* SOCK_ of Linux */

/* A name without its family: a path, or any bytes behind a zero. */
#define UNIX_NAME_BYTES 108
struct unix_address {
    u32 length; /* 0: none; a path's counts its zero */
    char bytes[UNIX_NAME_BYTES + 1]; /* a path has a zero behind it */
};

struct unix_credentials { /* struct ucred */
    u32 pid, uid, gid;
};

/* Open files on their way: each is a reference. */
#define UNIX_RIGHTS_MOST 253
struct unix_rights {
    struct unix_rights *next; /* unix_collect.c's */
    u32 count;
    struct file *files[];
};
void unix_rights_put(struct unix_rights *rights); /* NULL is allowed; may sleep */
bool unix_rights_too_many(u32 count); /* are so many on their way that `count` more are refused? */

/* `flags`: OPEN_NONBLOCK. 0, -ENOMEM. */
int unix_socket_create(enum unix_type type, u32 flags, struct file **file);
int unix_socket_pair(enum unix_type type, u32 flags, struct file *files[2]);
struct unix_socket *unix_socket_of(const struct file *file); /* NULL: not a socket */

/* ---- Names and connections. The socket is held by the caller's file. May sleep. ---- */

int unix_bind(struct unix_socket *socket, const struct unix_address *address);
int unix_listen(struct unix_socket *socket, int backlog);
int unix_connect(struct unix_socket *socket, const struct unix_address *address, bool nonblocking);
int unix_disconnect(struct unix_socket *socket); /* AF_UNSPEC: datagrams only */
int unix_accept(struct unix_socket *socket, bool nonblocking, u32 flags, struct file **file);
int unix_shutdown(struct unix_socket *socket, int how);
void unix_name(const struct unix_socket *socket, struct unix_address *address);
int unix_peer_name(const struct unix_socket *socket, struct unix_address *address);

/* ---- Messages ---- */

#define MESSAGE_PEEK 2u /* MSG_ of Linux's linux/socket.h */
#define MESSAGE_TRUNCATED 0x20u
#define MESSAGE_CONTROL_CUT 8u
#define MESSAGE_DONT_WAIT 0x40u
#define MESSAGE_END_OF_RECORD 0x80u
#define MESSAGE_WAIT_ALL 0x100u
#define MESSAGE_NO_SIGNAL 0x4000u
#define MESSAGE_OUT_OF_BAND 1u
#define MESSAGE_CLOSE_ON_EXEC 0x40000000u

struct unix_send {
    u32 flags;                      /* MESSAGE_ bits */
    const struct unix_address *to;  /* NULL: the peer */
    struct unix_rights *rights;     /* taken over when something was sent, and set to NULL */
    const struct unix_credentials *credentials; /* NULL: the caller's */
};
/* The iter's bytes. The count is iter->done (all of a datagram); 0 or an error. */
int unix_send(struct unix_socket *socket, struct iter *iter, struct unix_send *send);

struct unix_received {
    u32 flags;                 /* in: MESSAGE_ bits; out: MESSAGE_TRUNCATED, _END_OF_RECORD */
    size_t size;               /* of the message, if it was cut short (MESSAGE_TRUNCATED); else done */
    struct unix_address from;  /* who sent it, if that has a name */
    struct unix_rights *rights; /* the receiver's now; or NULL */
    bool has_credentials;
    struct unix_credentials credentials;
    bool waited; /* inside unix_receive */
};
int unix_receive(struct unix_socket *socket, struct iter *iter, struct unix_received *received);

/* ---- Options: SOL_SOCKET's, by SO_ number. -ENOPROTOOPT: not known. ---- */

union unix_option {
    s32 value;
    s32 pair[2];  /* struct linger, struct timeval */
    s64 times[2]; /* of 64 bits: seconds, microseconds */
    struct unix_credentials credentials;
};
/* *size: the bytes that it has. */
int unix_option_get(struct unix_socket *socket, int option, union unix_option *value, u32 *size);
int unix_option_set(struct unix_socket *socket, int option, const union unix_option *value, u32 size);

#endif
