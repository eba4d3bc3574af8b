/* See iter.h. Called by files of every kind, on the fibril of the call that moves the bytes. */
#include "fs/iter.h"

#include "arch.h"
#include "kernel/errno.h"
#include "kernel/log.h"
#include "kernel/string.h"

void
iter_init_user(struct iter *iter, void USER *base, size_t size)
{
    *iter = (struct iter){.base = (uintptr_t)base, .piece = size, .left = size, .user = true};
}

void
iter_init_kernel(struct iter *iter, void *base, size_t size)
{
    *iter = (struct iter){.base = (uintptr_t)base, .piece = size, .left = size};
}

void
iter_init_vectors(struct iter *iter, const struct io_vector *vectors, size_t size)
{
    *iter = (struct iter){.next = vectors, .left = size, .user = true};
}

/* At most `size` bytes in one piece, where the iter stands (left > 0). */
static inline size_t
iter_piece(struct iter *iter, size_t size)
{
    while (iter->piece == 0) {
        iter->base = iter->next->base;
        iter->piece = iter->next->length;
        iter->next++;
    }
    return MIN(size, iter->piece);
}

static inline void
iter_advance(struct iter *iter, size_t size)
{
    iter->base += size;
    iter->piece -= size;
    iter->left -= size;
    iter->done += size;
}

void
iter_skip(struct iter *iter, size_t size)
{
    ASSERT(size <= iter->piece && size <= iter->left);
    iter_advance(iter, size);
}

int
iter_put(struct iter *iter, const void *from, size_t size)
{
    ASSERT(size <= iter->left);
    while (size > 0) {
        size_t part = iter_piece(iter, size);
        if (iter->user) {
            int error = copy_to_user((void *)iter->base, from, part);
            if (unlikely(error))
                return error;
        } else {
            memcpy((void *)iter->base, from, part);
        }
        iter_advance(iter, part);
        from = (const char *)from + part;
        size -= part;
    }
    return 0;
}

int
iter_put_zeros(struct iter *iter, size_t size)
{
    ASSERT(size <= iter->left);
    while (size > 0) {
        size_t part = iter_piece(iter, size);
        if (iter->user) {
            int error = clear_user((void *)iter->base, part);
            if (unlikely(error))
                return error;
        } else {
            memset((void *)iter->base, 0, part);
        }
        iter_advance(iter, part);
        size -= part;
    }
    return 0;
}

int
iter_take(struct iter *iter, void *to, size_t size)
{
    ASSERT(size <= iter->left);
    while (size > 0) {
        size_t part = iter_piece(iter, size);
        if (iter->user) {
            int error = copy_from_user(to, (const void *)iter->base, part);
            if (unlikely(error))
                return error;
        } else {
            memcpy(to, (const void *)iter->base, part);
        }
        iter_advance(iter, part);
        to = (char *)to + part;
        size -= part;
    }
    return 0;
}

/* ---- As far as the user's memory goes ---- */

/* After a failure, which has moved `moved` of `size` bytes: what of the rest lies in the next page. */
static size_t
page_part(struct iter *iter, size_t moved, size_t size)
{
    size_t piece = iter_piece(iter, size - moved);
    return MIN(piece, PAGE_SIZE - iter->base % PAGE_SIZE);
}

int
iter_put_part(struct iter *iter, const void *from, size_t size)
{
    size_t before = iter->done, moved;
    int error = iter_put(iter, from, size);
    if (likely(!error))
        return 0;
    while ((moved = iter->done - before) < size)
        if (iter_put(iter, (const char *)from + moved, page_part(iter, moved, size)))
            return error;
    return 0;
}

int
iter_put_zeros_part(struct iter *iter, size_t size)
{
    size_t before = iter->done, moved;
    int error = iter_put_zeros(iter, size);
    if (likely(!error))
        return 0;
    while ((moved = iter->done - before) < size)
        if (iter_put_zeros(iter, page_part(iter, moved, size)))
            return error;
    return 0;
}

int
iter_take_part(struct iter *iter, void *to, size_t size)
{
    size_t before = iter->done, moved;
    int error = iter_take(iter, to, size);
    if (likely(!error))
        return 0;
    while ((moved = iter->done - before) < size)
        if (iter_take(iter, (char *)to + moved, page_part(iter, moved, size)))
            return error;
    return 0;
}
