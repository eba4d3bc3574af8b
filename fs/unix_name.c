/* Names of local sockets: paths, which are inodes of type socket, and names that begin with a zero, which
 * are kept here in a list. A name outlives its socket as long as somebody was connected to it. */
#include "fs/inode.h"
#include "fs/path.h"
#include "fs/unix_private.h"
#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/list.h"
#include "kernel/string.h"

static struct pool name_pool = POOL_INIT("unix_name", struct unix_name);
static struct unix_name *abstract_names;

static bool
is_path(const struct unix_address *address)
{
    return address->bytes[0] != 0;
}

static struct unix_name *
abstract_find(const struct unix_address *address)
{
    struct unix_name *name = abstract_names;

    while (name && (name->address.length != address->length ||
                    memcmp(name->address.bytes, address->bytes, address->length) != 0))
        name = name->next;
    return name;
}

static struct unix_name *
name_new(const struct unix_address *address, struct unix_socket *socket)
{
    struct unix_name *name = pool_alloc(&name_pool);

    if (name) {
        name->references = 1;
        name->address = *address;
        name->socket = socket;
    }
    return name;
}

void
unix_name_put(struct unix_name *name)
{
    if (--name->references == 0)
        pool_free(&name_pool, name);
}

/* ---- Giving and taking away ---- */

/* Makes the inode that the path leads to; it knows the socket while that is open. */
static int
path_bind(struct unix_socket *socket, const struct unix_address *address)
{
    struct path_walk walk;
    int error = path_walk(&walk, NULL, address->bytes, PATH_CREATE | PATH_NO_FOLLOW);

    if (!error && walk.inode)
        error = -EADDRINUSE;
    if (!error && walk.slash_behind)
        error = -ENOENT;
    if (!error && socket->name)
        error = -EINVAL; /* it has one already */
    if (!error)
        error = inode_make_child(&walk, MODE_SOCKET | 0777, &walk.inode);
    if (!error && socket->name) {
        error = -EINVAL; /* by another thread, while the walk slept */
    } else if (!error) {
        walk.inode->private = socket;
        inode_get(walk.inode);
        socket->bound = walk.inode;
    }
    path_walk_end(&walk);
    return error;
}

/* A free name of five digits: unix(7), autobind. */
static int
address_choose(struct unix_address *address)
{
    static u32 next;

    for (u32 tries = 0; tries < 1u << 20; tries++) {
        address->length = 1 + (u32)format_string(address->bytes + 1, UNIX_NAME_BYTES - 1, "%05x",
                                                 next++ & 0xfffff);
        address->bytes[0] = 0;
        if (!abstract_find(address))
            return 0;
    }
    return -ENOSPC;
}

static int
abstract_bind(const struct unix_address *address, struct unix_name *name)
{
    if (abstract_find(address))
        return -EADDRINUSE;
    name->next = abstract_names;
    abstract_names = name;
    return 0;
}

int
unix_bind(struct unix_socket *socket, const struct unix_address *wanted)
{
    struct unix_address address = *wanted;
    struct unix_name *name;
    int error = 0;

    if (socket->name && address.length == 0)
        return 0;
    if (socket->name && !is_path(&address))
        return -EINVAL;
    if (address.length == 0)
        error = address_choose(&address);
    if (error)
        return error;
    name = name_new(&address, socket);
    if (!name)
        return -ENOMEM;
    error = is_path(&address) ? path_bind(socket, &address) : abstract_bind(&address, name);
    if (error)
        unix_name_put(name);
    else
        socket->name = name;
    return error;
}

void
unix_unbind(struct unix_socket *socket)
{
    struct unix_name *name = socket->name, **place = &abstract_names;

    if (!name)
        return;
    while (*place && *place != name)
        place = &(*place)->next;
    if (*place && name->socket == socket)
        *place = name->next;
    if (name->socket == socket)
        name->socket = NULL;
    if (socket->bound) {
        socket->bound->private = NULL;
        inode_put(socket->bound);
        socket->bound = NULL;
    }
}

/* ---- Finding ---- */

static int
path_find_socket(const struct unix_address *address, struct unix_socket **socket)
{
    struct inode *inode;
    int error = path_find(NULL, address->bytes, 0, &inode);

    if (error)
        return error;
    error = inode_permission(inode, 2);
    if (!error && ((inode->mode & MODE_TYPE) != MODE_SOCKET || !inode->private))
        error = -ECONNREFUSED;
    *socket = inode->private;
    if (!error)
        unix_get(*socket);
    inode_put(inode);
    return error;
}

int
unix_find(const struct unix_address *address, enum unix_type type, struct unix_socket **result)
{
    struct unix_socket *socket = NULL;
    int error = 0;

    if (is_path(address)) {
        error = path_find_socket(address, &socket);
    } else {
        struct unix_name *name = abstract_find(address);
        if (name) {
            socket = name->socket;
            unix_get(socket);
        } else {
            error = -ECONNREFUSED;
        }
    }
    if (!error && socket->type != type) {
        unix_put(socket);
        error = -EPROTOTYPE;
    }
    *result = socket;
    return error;
}

void
unix_name(const struct unix_socket *socket, struct unix_address *address)
{
    if (socket->name)
        *address = socket->name->address;
    else
        address->length = 0;
}

int
unix_peer_name(const struct unix_socket *socket, struct unix_address *address)
{
    if (!socket->peer)
        return -ENOTCONN;
    unix_name(socket->peer, address);
    return 0;
}
