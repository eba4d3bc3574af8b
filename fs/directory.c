/* Open directories: getdents64 and the older getdents. Called by their handlers; the entries come from
 * the file system's read_directory and go straight to user memory. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/string.h"

const struct file_ops file_directory_ops = {0};

struct listing {
    char USER *to;
    size_t left, done;
    u64 next; /* position behind the last entry that was taken */
    u32 entries;
    bool old; /* in struct linux_dirent */
    const struct filesystem *filesystem;
};

#define RECORD_HEAD offsetof(struct abi_dirent64, name)
#define SHORT_NAME 56 /* names up to here go out in one copy */

/* Copies one record: its head, the name, and zeros up to `size`. */
static int
record_put(char USER *to, const struct abi_dirent64 *head, const char *name, size_t length,
           size_t size)
{
    union {
        struct abi_dirent64 head;
        char bytes[RECORD_HEAD + SHORT_NAME + 8];
    } record;
    int error;

    memcpy(&record.head, head, RECORD_HEAD);
    if (likely(length <= SHORT_NAME)) {
        memcpy(record.bytes + RECORD_HEAD, name, length);
        memset(record.bytes + RECORD_HEAD + length, 0, size - RECORD_HEAD - length);
        return copy_to_user(to, record.bytes, size);
    }
    error = copy_to_user(to, record.bytes, RECORD_HEAD);
    if (!error)
        error = copy_to_user(to + RECORD_HEAD, name, length);
    if (!error)
        error = clear_user(to + RECORD_HEAD + length, size - RECORD_HEAD - length);
    return error;
}

#define OLD_HEAD offsetof(struct abi_dirent, name)

/* The same in the old layout, with the type at the end. */
static int
old_record_put(char USER *to, const struct abi_dirent64 *head, const char *name, size_t length,
               size_t size)
{
    struct abi_dirent old = {head->inode_low, head->offset_low, head->record_length};
    int error;

    if (head->inode_high || head->offset_high)
        return -EOVERFLOW;
    error = copy_to_user(to, &old, OLD_HEAD);
    if (!error)
        error = copy_to_user(to + OLD_HEAD, name, length);
    if (!error)
        error = clear_user(to + OLD_HEAD + length, size - OLD_HEAD - length - 1);
    if (!error)
        error = copy_to_user(to + size - 1, &head->type, 1);
    return error;
}

static int
listing_emit(void *argument, const char *name, size_t length, u64 number, u8 type, u64 next)
{
    struct listing *listing = argument;
    size_t size = listing->old ? ALIGN_UP(OLD_HEAD + length + 2, 4)
                               : ALIGN_UP(RECORD_HEAD + length + 1, 8);
    u64 shown = inode_number_shown(listing->filesystem, number);
    struct abi_dirent64 head = {
        .inode_low = (u32)shown,
        .inode_high = (u32)(shown >> 32),
        .offset_low = (u32)next,
        .offset_high = (u32)(next >> 32),
        .record_length = (u16)size,
        .type = type,
    };
    int error;

    if (size > listing->left)
        return listing->done ? 1 : -EINVAL;
    error = (listing->old ? old_record_put : record_put)(listing->to, &head, name, length, size);
    if (error)
        return error;
    listing->to += size;
    listing->left -= size;
    listing->done += size;
    listing->next = next;
    return ++listing->entries % 64 == 0 ? schedule_point() : 0;
}

long
file_read_directory(struct file *file, void USER *buffer, size_t size, bool old_layout)
{
    struct listing listing = {
        .to = buffer,
        .left = MIN(size, (size_t)0x7ffff000),
        .old = old_layout,
    };
    int error;

    if (file->flags & OPEN_PATH)
        return -EBADF;
    if (!file->inode || !is_directory(file->inode))
        return -ENOTDIR;
    listing.filesystem = file->inode->filesystem;
    error = mutex_lock(&file->position_lock);
    if (error)
        return error;
    error = file->inode->ops->read_directory(file->inode, file->position, listing_emit, &listing);
    if (listing.done)
        file->position = listing.next;
    mutex_unlock(&file->position_lock);
    return listing.done ? (long)listing.done : MIN(error, 0);
}
