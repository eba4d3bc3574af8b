/* See splice.h. Called by the handlers of sendfile, splice, tee and copy_file_range. A pipe's pages are
 * read into and written from in place; between two other files the bytes pass through a page. Bytes that
 * one side gave and the other did not take stay where they were. */
#include "fs/splice.h"

#include "fs/file.h"
#include "fs/pipe.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/page.h"

/* ---- Between files ---- */

/* What fits in the page, from one file to the other. */
static int
copy_some(struct file *in, u64 *in_position, struct file *out, u64 *out_position, struct page *page,
          size_t size, size_t *moved)
{
    u64 start = *in_position;
    struct iter iter;
    int error;

    *moved = 0;
    iter_init_kernel(&iter, page_address(page), MIN(size, (size_t)PAGE_SIZE));
    error = file_read(in, &iter, in_position);
    if (error || iter.done == 0)
        return error;
    iter_init_kernel(&iter, page_address(page), iter.done);
    error = file_write(out, &iter, out_position);
    *moved = iter.done;
    *in_position = start + iter.done;
    return error;
}

long
splice_copy(struct file *in, u64 *in_position, struct file *out, u64 *out_position, size_t size)
{
    struct page *page = page_alloc();
    u64 *position = in_position ? in_position : &in->position;
    size_t done = 0, moved = 0;
    int error = 0;

    if (!page)
        return -ENOMEM;
    while (!error && done < size) {
        error = copy_some(in, position, out, out_position, page, size - done, &moved);
        done += moved;
        if (moved == 0)
            break;
        if (!error && done < size)
            error = schedule_point();
    }
    page_put(page);
    return done ? (long)done : error;
}

/* ---- Into and out of pipes ---- */

struct end {
    struct file *file;
    u64 *position;
};

static int
write_piece(void *argument, struct iter *piece)
{
    struct end *end = argument;

    return file_write(end->file, piece, end->position);
}

static int
read_piece(void *argument, struct iter *piece)
{
    struct end *end = argument;

    return file_read(end->file, piece, end->position);
}

static int
copy_piece(void *argument, struct iter *to)
{
    struct iter *from = argument;
    size_t size = MIN(from->left, to->left);
    int error = iter_take(from, (void *)to->base, size);

    if (!error)
        iter_skip(to, size);
    return error;
}

static int
pipe_piece(void *argument, struct iter *piece)
{
    long result = pipe_fill(argument, piece->left, copy_piece, piece);

    return result < 0 ? (int)result : 0;
}

/* Waits until bytes can go from the one to the other. 1: they can; 0: none will come. */
static int
wait_for_both(struct pipe *from, struct pipe *to, bool nonblocking)
{
    int error = pipe_wait_readable(from, nonblocking);

    if (error)
        return error;
    error = pipe_wait_writable(to, nonblocking);
    return error ? error : 1;
}

long
splice_tee(struct file *in, struct file *out, size_t size, bool nonblocking)
{
    struct pipe *from = pipe_of_file(in), *to = pipe_of_file(out);
    int ready = wait_for_both(from, to, nonblocking);

    return ready > 0 ? pipe_drain(from, 0, size, true, pipe_piece, to) : ready;
}

long
splice_move(struct file *in, u64 *in_position, struct file *out, u64 *out_position, size_t size,
            bool nonblocking)
{
    struct pipe *from = pipe_of_file(in), *to = pipe_of_file(out);
    bool in_waits = !nonblocking && !(in->flags & OPEN_NONBLOCK);
    bool out_waits = !nonblocking && !(out->flags & OPEN_NONBLOCK);
    int error;

    if (from && to) {
        int ready = wait_for_both(from, to, !in_waits || !out_waits);
        return ready > 0 ? pipe_drain(from, 0, size, false, pipe_piece, to) : ready;
    }
    if (from) {
        error = pipe_wait_readable(from, !in_waits);
        return error ? error
                     : pipe_drain(from, 0, size, false, write_piece,
                                  &(struct end){out, out_position});
    }
    error = pipe_wait_writable(to, !out_waits);
    return error ? error : pipe_fill(to, size, read_piece, &(struct end){in, in_position});
}
