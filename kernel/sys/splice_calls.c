/* System calls that move bytes from file to file: sendfile, splice, tee, vmsplice, copy_file_range. */
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pipe.h"
#include "fs/splice.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/task.h"

#define BYTES_MAX 0x7ffff000u /* moved by one call, as Linux's MAX_RW_COUNT */

#define SPLICE_NONBLOCK 2u /* linux/splice.h */
#define SPLICE_FLAGS 0xfu

/* Both files of a call, referenced. */
static int
pair_get(int in_fd, int out_fd, struct file **in, struct file **out)
{
    int error = descriptor_file(in_fd, in);

    if (error)
        return error;
    error = descriptor_file(out_fd, out);
    if (!error && (!file_is_readable(*in) || !file_is_writable(*out))) {
        file_put(*out);
        error = -EBADF;
    }
    if (error)
        file_put(*in);
    return error;
}

static void
pair_put(struct file *in, struct file *out)
{
    file_put(in);
    file_put(out);
}

/* ---- Positions that the caller may give ---- */

struct place {
    u64 position;
    bool given;
};

static int
place_take(struct place *place, const s64 USER *from)
{
    place->given = from != NULL;
    if (!from)
        return 0;
    if (copy_from_user(&place->position, from, sizeof place->position))
        return -EFAULT;
    return (s64)place->position < 0 ? -EINVAL : 0;
}

static u64 *
place_of(struct place *place)
{
    return place->given ? &place->position : NULL;
}

static long
place_give(const struct place *place, s64 USER *to, long result)
{
    if (place->given && result > 0 && copy_to_user(to, &place->position, sizeof place->position))
        return -EFAULT;
    return result;
}

/* ---- sendfile ---- */

static bool
is_file_or_disk(const struct file *file)
{
    return file->inode &&
           (is_regular(file->inode) || (file->inode->mode & MODE_TYPE) == MODE_BLOCK);
}

static long
send_file(int out_fd, int in_fd, struct place *place, size_t size)
{
    struct file *in, *out;
    long result = pair_get(in_fd, out_fd, &in, &out);

    if (result)
        return result;
    if (in->ops->stream && place->given)
        result = -ESPIPE;
    else if (size == 0)
        result = 0;
    else if (!is_file_or_disk(in) || (out->flags & OPEN_APPEND))
        result = -EINVAL;
    else
        result = splice_copy(in, place_of(place), out, NULL, MIN(size, (size_t)BYTES_MAX));
    pair_put(in, out);
    return result;
}

long
sys_sendfile64(int out, int in, s64 USER *offset, size_t size)
{
    struct place place;
    long result = place_take(&place, offset);

    if (!result)
        result = send_file(out, in, &place, size);
    return place_give(&place, offset, result);
}

long
sys_sendfile(int out, int in, s32 USER *offset, size_t size)
{
    struct place place = {.given = offset != NULL};
    s32 narrow = 0;
    long result;

    if (offset && copy_from_user(&narrow, offset, sizeof narrow))
        return -EFAULT;
    if (narrow < 0)
        return -EINVAL;
    place.position = (u64)narrow;
    result = send_file(out, in, &place, size);
    narrow = (s32)place.position;
    if (offset && result > 0 && copy_to_user(offset, &narrow, sizeof narrow))
        return -EFAULT;
    return result;
}

/* ---- splice, tee ---- */

static int
splice_check(const struct file *in, const struct place *in_place, const struct file *out,
             const struct place *out_place)
{
    const struct pipe *from = pipe_of_file(in), *to = pipe_of_file(out);

    if (!from && !to)
        return -EINVAL;
    if ((from && in_place->given) || (to && out_place->given))
        return -ESPIPE;
    if (from == to)
        return -EINVAL;
    if ((!from && in_place->given && in->ops->stream) ||
        (!to && out_place->given && out->ops->stream))
        return -EINVAL;
    if (!to && (out->flags & OPEN_APPEND))
        return -EINVAL;
    return (!from && !in->ops->read) || (!to && !out->ops->write) ? -EINVAL : 0;
}

long
sys_splice(int in_fd, s64 USER *in_offset, int out_fd, s64 USER *out_offset, size_t size, u32 flags)
{
    struct place in_place, out_place;
    struct file *in, *out;
    long result;

    if (size == 0)
        return 0;
    if (flags & ~SPLICE_FLAGS)
        return -EINVAL;
    result = pair_get(in_fd, out_fd, &in, &out);
    if (result)
        return result;
    in_place.given = in_offset != NULL;
    out_place.given = out_offset != NULL;
    result = splice_check(in, &in_place, out, &out_place);
    if (!result)
        result = place_take(&in_place, in_offset);
    if (!result)
        result = place_take(&out_place, out_offset);
    if (!result)
        result = splice_move(in, place_of(&in_place), out, place_of(&out_place),
                             MIN(size, (size_t)BYTES_MAX), flags & SPLICE_NONBLOCK);
    pair_put(in, out);
    return place_give(&out_place, out_offset, place_give(&in_place, in_offset, result));
}

long
sys_tee(int in_fd, int out_fd, size_t size, u32 flags)
{
    struct file *in, *out;
    long result;

    if (flags & ~SPLICE_FLAGS)
        return -EINVAL;
    if (size == 0)
        return 0;
    result = pair_get(in_fd, out_fd, &in, &out);
    if (result)
        return result;
    if (!pipe_of_file(in) || !pipe_of_file(out) || pipe_of_file(in) == pipe_of_file(out))
        result = -EINVAL;
    else
        result = splice_tee(in, out, size, flags & SPLICE_NONBLOCK);
    pair_put(in, out);
    return result;
}

/* Pages are copied, never lent: so this is readv or writev on a pipe. */
long
sys_vmsplice(int fd, const void USER *vectors, u32 count, u32 flags)
{
    struct file *file;
    bool writes;
    int error;

    if (flags & ~SPLICE_FLAGS)
        return -EINVAL;
    error = descriptor_file(fd, &file);
    if (error)
        return error;
    writes = file_is_writable(file);
    error = !pipe_of_file(file) ? -EBADF : 0;
    file_put(file);
    if (error)
        return error;
    return writes ? sys_writev(fd, vectors, count) : sys_readv(fd, vectors, count);
}

/* ---- copy_file_range ---- */

static int
copy_check(const struct file *in, u64 from, const struct file *out, u64 to, size_t size)
{
    if (!in->inode || !out->inode)
        return -EINVAL;
    if (is_directory(in->inode) || is_directory(out->inode))
        return -EISDIR;
    if (!is_regular(in->inode) || !is_regular(out->inode))
        return -EINVAL;
    if (out->flags & OPEN_APPEND)
        return -EBADF;
    if (from + size < from || to + size < to)
        return -EOVERFLOW;
    if (in->inode == out->inode && from < to + size && to < from + size)
        return -EINVAL;
    return 0;
}

long
sys_copy_file_range(int in_fd, s64 USER *in_offset, int out_fd, s64 USER *out_offset, size_t size,
                    u32 flags)
{
    struct place in_place, out_place;
    struct file *in, *out;
    long result;

    if (flags)
        return -EINVAL;
    size = MIN(size, (size_t)BYTES_MAX);
    result = place_take(&in_place, in_offset);
    if (!result)
        result = place_take(&out_place, out_offset);
    if (!result)
        result = pair_get(in_fd, out_fd, &in, &out);
    if (result)
        return result;
    result = copy_check(in, in_place.given ? in_place.position : in->position, out,
                        out_place.given ? out_place.position : out->position, size);
    if (!result)
        result = splice_copy(in, place_of(&in_place), out, place_of(&out_place), size);
    pair_put(in, out);
    return place_give(&out_place, out_offset, place_give(&in_place, in_offset, result));
}
