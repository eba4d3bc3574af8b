/* System calls that send and receive messages through sockets: sendto, recvfrom, sendmsg, recvmsg and the
 * calls for several of them, with what travels beside the bytes: open files and credentials. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/sys/socket_calls.h"
#include "kernel/sys/vectors.h"
#include "kernel/task.h"

struct message_header { /* struct msghdr */
    u32 name;
    s32 name_length;
    u32 vectors, vector_count;
    u32 control, control_length;
    u32 flags;
};
_Static_assert(sizeof(struct message_header) == 28, "struct msghdr");

struct control_header { /* struct cmsghdr */
    u32 length; /* with this header */
    s32 level, type;
};
#define CONTROL_ALIGN(length) ALIGN_UP(length, 4u)
#define LEVEL_SOCKET 1
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2 };

#define MESSAGES_MOST 1024       /* of sendmmsg and recvmmsg */
#define MESSAGE_WAIT_FOR_ONE 0x10000u

/* ---- sendto, recvfrom ---- */

long
sys_sendto(int fd, const void USER *bytes, size_t size, u32 flags, const void USER *to, int length)
{
    struct unix_address address;
    struct unix_send send = {.flags = flags};
    struct unix_socket *socket;
    struct file *file;
    struct iter iter;
    int error = socket_file(fd, &file, &socket);

    if (error)
        return error;
    send.flags |= socket_flags(file);
    if (to) {
        error = socket_address_take(&address, to, length);
        send.to = &address;
    }
    iter_init_user(&iter, (void USER *)bytes, MIN(size, (size_t)CALL_BYTES_MOST));
    if (!error)
        error = unix_send(socket, &iter, &send);
    file_put(file);
    return error ? error : (long)iter.done;
}

static long
received_size(const struct unix_received *received, const struct iter *iter, u32 asked)
{
    return asked & MESSAGE_TRUNCATED ? (long)received->size : (long)iter->done;
}

long
sys_recvfrom(int fd, void USER *bytes, size_t size, u32 flags, void USER *from, s32 USER *length)
{
    struct unix_received received = {.flags = flags & ~MESSAGE_TRUNCATED};
    struct unix_socket *socket;
    struct file *file;
    struct iter iter;
    int error = socket_file(fd, &file, &socket);

    if (error)
        return error;
    received.flags |= socket_flags(file);
    iter_init_user(&iter, bytes, MIN(size, (size_t)CALL_BYTES_MOST));
    error = unix_receive(socket, &iter, &received);
    unix_rights_put(received.rights);
    file_put(file);
    if (!error && from)
        error = socket_address_give(&received.from, from, length, 0);
    return error ? error : received_size(&received, &iter, flags);
}

/* ---- What is sent beside the bytes ---- */

struct sending {
    struct unix_send send;
    struct unix_address to;
    struct unix_credentials credentials;
};

static int
rights_take(struct sending *sending, const s32 *fds, u32 count)
{
    struct unix_rights *rights = sending->send.rights, *more;
    u32 before = rights ? rights->count : 0;

    if (count == 0)
        return 0;
    if (before + count > UNIX_RIGHTS_MOST)
        return -EINVAL;
    if (unix_rights_too_many(before + count))
        return -ETOOMANYREFS;
    more = heap_alloc(sizeof *more + (before + count) * sizeof *more->files);
    if (!more)
        return -ENOMEM;
    if (rights)
        memcpy(more->files, rights->files, before * sizeof *more->files);
    more->count = before;
    heap_free(rights);
    sending->send.rights = more;
    for (u32 i = 0; i < count; i++) {
        int error = descriptor_file(fds[i], &more->files[more->count]);
        if (error)
            return error;
        more->count++;
        if (more->files[i + before]->ops->stays_in_process)
            return -EINVAL;
    }
    return 0;
}

/* One may name oneself; root anybody. */
static int
credentials_take(struct sending *sending, const struct unix_credentials *given)
{
    const struct credentials *own = current_credentials();

    if (own->euid != 0 && (given->pid != current_task()->process->id ||
                           (given->uid != own->uid && given->uid != own->euid) ||
                           (given->gid != own->gid && given->gid != own->egid)))
        return -EPERM;
    sending->credentials = *given;
    sending->send.credentials = &sending->credentials;
    return 0;
}

static int
control_take_one(struct sending *sending, const struct control_header *header)
{
    const void *data = header + 1;
    u32 size = header->length - sizeof *header;

    if (header->level != LEVEL_SOCKET)
        return 0;
    if (header->type == SCM_RIGHTS)
        return rights_take(sending, data, size / sizeof(s32));
    if (header->type == SCM_CREDENTIALS && size == sizeof(struct unix_credentials))
        return credentials_take(sending, data);
    return -EINVAL;
}

static int
control_walk(struct sending *sending, const char *bytes, u32 length)
{
    u32 at = 0;
    int error = 0;

    while (!error && length - at >= sizeof(struct control_header)) {
        const struct control_header *header = (const void *)(bytes + at);
        if (header->length < sizeof *header || header->length > length - at)
            return -EINVAL;
        error = control_take_one(sending, header);
        at += MIN(CONTROL_ALIGN(header->length), length - at);
    }
    return error;
}

static int
control_take(struct sending *sending, u32 from, u32 length)
{
    struct page *page;
    int error;

    if (length == 0)
        return 0;
    if (length > PAGE_SIZE)
        return -ENOBUFS;
    page = page_alloc();
    if (!page)
        return -ENOMEM;
    error = copy_from_user(page_address(page), (const void USER *)(uintptr_t)from, length);
    if (!error)
        error = control_walk(sending, page_address(page), length);
    page_put(page);
    return error;
}

/* ---- sendmsg ---- */

static int
send_vectors(struct unix_socket *socket, const struct message_header *header,
             struct sending *sending, size_t *done)
{
    struct vectors vectors;
    struct iter iter;
    int error = vectors_take(&vectors, (const void USER *)(uintptr_t)header->vectors,
                             header->vector_count);

    if (error)
        return error;
    iter_init_vectors(&iter, vectors.list, vectors.size);
    error = unix_send(socket, &iter, &sending->send);
    *done = iter.done;
    vectors_drop(&vectors);
    return error;
}

static long
send_message(struct unix_socket *socket, const struct message_header *header, u32 flags)
{
    struct sending *sending;
    size_t done = 0;
    int error = 0;

    if (header->vector_count > IOV_MAX)
        return -EMSGSIZE;
    sending = heap_alloc(sizeof *sending);
    if (!sending)
        return -ENOMEM;
    sending->send.flags = flags;
    if (header->name && header->name_length) {
        error = socket_address_take(&sending->to, (const void USER *)(uintptr_t)header->name,
                                    header->name_length);
        sending->send.to = &sending->to;
    }
    if (!error)
        error = control_take(sending, header->control, header->control ? header->control_length : 0);
    if (!error)
        error = send_vectors(socket, header, sending, &done);
    unix_rights_put(sending->send.rights);
    heap_free(sending);
    return error ? error : (long)done;
}

long
sys_sendmsg(int fd, const void USER *user, u32 flags)
{
    struct message_header header;
    struct unix_socket *socket;
    struct file *file;
    long result = socket_file(fd, &file, &socket);

    if (result)
        return result;
    if (copy_from_user(&header, user, sizeof header))
        result = -EFAULT;
    else
        result = send_message(socket, &header, flags | socket_flags(file));
    file_put(file);
    return result;
}

/* ---- What is received beside the bytes ---- */

struct control {
    u32 to, left, done; /* user address, room, and what was put there */
    bool cut;
};

/* A header for `size` bytes behind it; how many of them fit. */
static int
control_begin(struct control *control, int type, u32 size, u32 *fits)
{
    struct control_header header = {sizeof header + size, LEVEL_SOCKET, type};

    *fits = 0;
    if (control->left < sizeof header) {
        control->cut = true;
        return 0;
    }
    *fits = MIN(size, control->left - (u32)sizeof header);
    control->cut |= *fits < size;
    header.length = sizeof header + *fits;
    return copy_to_user((void USER *)(uintptr_t)control->to, &header, sizeof header);
}

static void
control_end(struct control *control, u32 size)
{
    u32 length = MIN(CONTROL_ALIGN((u32)sizeof(struct control_header) + size), control->left);

    control->to += length;
    control->left -= length;
    control->done += length;
}

static int
control_give_credentials(struct control *control, const struct unix_received *received)
{
    u32 fits;
    int error = control_begin(control, SCM_CREDENTIALS, sizeof received->credentials, &fits);

    if (error || control->left < sizeof(struct control_header))
        return error;
    error = copy_to_user((void USER *)(uintptr_t)(control->to + sizeof(struct control_header)),
                         &received->credentials, fits);
    if (!error)
        control_end(control, fits);
    return error;
}

/* Gives the files numbers as far as there is room for them; the others are closed by the caller. */
static int
control_give_rights(struct control *control, const struct unix_rights *rights, bool close_on_exec)
{
    u32 room = control->left > sizeof(struct control_header)
                   ? (control->left - (u32)sizeof(struct control_header)) / sizeof(s32) : 0;
    u32 count = MIN(room, rights->count), given = 0, fits;
    int error = 0;

    control->cut |= count < rights->count;
    for (; given < count && !error; given++) {
        u32 at = control->to + sizeof(struct control_header) + given * sizeof(s32);
        int fd;
        file_get(rights->files[given]);
        error = descriptor_install(current_task()->files, rights->files[given], 0, close_on_exec,
                                   &fd);
        if (error)
            break;
        error = copy_to_user((void USER *)(uintptr_t)at, &fd, sizeof fd);
        if (error) {
            descriptor_close(current_task()->files, fd);
            break;
        }
    }
    control->cut |= error != 0;
    if (given == 0)
        return 0;
    error = control_begin(&(struct control){control->to, control->left, 0, false}, SCM_RIGHTS,
                          given * sizeof(s32), &fits);
    if (!error)
        control_end(control, given * sizeof(s32));
    return error;
}

static int
control_give(struct message_header *header, struct unix_received *received, u32 flags)
{
    struct control control = {header->control, header->control ? header->control_length : 0, 0, false};
    int error = 0;

    if (received->has_credentials)
        error = control_give_credentials(&control, received);
    if (!error && received->rights)
        error = control_give_rights(&control, received->rights, flags & MESSAGE_CLOSE_ON_EXEC);
    header->control_length = control.done;
    if (control.cut)
        received->flags |= MESSAGE_CONTROL_CUT;
    return error;
}

/* ---- recvmsg ---- */

static int
receive_vectors(struct unix_socket *socket, const struct message_header *header,
                struct unix_received *received, u32 flags, long *result)
{
    struct vectors vectors;
    struct iter iter;
    int error = vectors_take(&vectors, (const void USER *)(uintptr_t)header->vectors,
                             header->vector_count);

    if (error)
        return error;
    iter_init_vectors(&iter, vectors.list, vectors.size);
    error = unix_receive(socket, &iter, received);
    *result = received_size(received, &iter, flags);
    vectors_drop(&vectors);
    return error;
}

#define HEADER_FIELD(user, field) ((void USER *)((char USER *)(user) + offsetof(struct message_header, field)))

static int
header_give(void USER *user, struct message_header *header, struct unix_received *received,
            u32 flags)
{
    int error = 0;

    if (header->name)
        error = socket_address_give(&received->from, (void USER *)(uintptr_t)header->name,
                                    HEADER_FIELD(user, name_length), 0);
    if (!error)
        error = control_give(header, received, flags);
    header->flags = received->flags & (MESSAGE_TRUNCATED | MESSAGE_CONTROL_CUT);
    header->flags |= flags & MESSAGE_CLOSE_ON_EXEC;
    if (!error)
        error = copy_to_user(HEADER_FIELD(user, control_length), &header->control_length,
                             2 * sizeof(u32)); /* and the flags behind it */
    return error;
}

static long
receive_message(struct unix_socket *socket, void USER *user, u32 flags, u32 file_flags)
{
    struct message_header header;
    struct unix_received received = {.flags = (flags & ~MESSAGE_TRUNCATED) | file_flags};
    long result;
    int error;

    if (copy_from_user(&header, user, sizeof header))
        return -EFAULT;
    if (header.vector_count > IOV_MAX)
        return -EMSGSIZE;
    if (header.name_length < 0)
        return -EINVAL;
    error = receive_vectors(socket, &header, &received, flags, &result);
    if (error)
        return error;
    error = header_give(user, &header, &received, flags);
    unix_rights_put(received.rights);
    return error ? error : result;
}

long
sys_recvmsg(int fd, void USER *user, u32 flags)
{
    struct unix_socket *socket;
    struct file *file;
    long result = socket_file(fd, &file, &socket);

    if (result)
        return result;
    result = receive_message(socket, user, flags, socket_flags(file));
    file_put(file);
    return result;
}

/* ---- Several messages ---- */

struct message_entry { /* struct mmsghdr */
    struct message_header header;
    u32 length;
};

static int
entry_length_give(void USER *entry, long length)
{
    u32 value = (u32)length;

    return copy_to_user((char USER *)entry + offsetof(struct message_entry, length), &value,
                        sizeof value);
}

long
sys_sendmmsg(int fd, void USER *user, u32 count, u32 flags)
{
    u32 done = 0;
    long result = 0;

    for (count = MIN(count, (u32)MESSAGES_MOST); done < count; done++) {
        char USER *entry = (char USER *)user + done * sizeof(struct message_entry);
        result = sys_sendmsg(fd, entry, flags);
        if (result >= 0)
            result = entry_length_give(entry, result);
        if (result < 0)
            break;
    }
    return done ? (long)done : result;
}

/* Without a time-out, which Linux looks at only between messages. */
long
sys_recvmmsg(int fd, void USER *user, u32 count, u32 flags, const void USER *timeout)
{
    u32 done = 0;
    long result = 0;

    for (count = MIN(count, (u32)MESSAGES_MOST); done < count; done++) {
        char USER *entry = (char USER *)user + done * sizeof(struct message_entry);
        result = sys_recvmsg(fd, entry, flags & ~MESSAGE_WAIT_FOR_ONE);
        if (result >= 0)
            result = entry_length_give(entry, result);
        if (result < 0)
            break;
        if (flags & MESSAGE_WAIT_FOR_ONE)
            flags |= MESSAGE_DONT_WAIT;
    }
    return done ? (long)done : result;
}
