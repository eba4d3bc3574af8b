/* Pipes: bytes that go from writers to readers through a ring of pages.
 *
 * Called by the read, write and poll families. Readers and writers sleep killably. Each end is one
 * open file, whose position lock keeps it to one mover at a time while bytes go to or from user
 * memory; no lock is held while waiting. So the ring has one reader and one writer at any moment: the
 * reader moves `head`, the writer `tail`, each after its bytes have been copied.
 *
 * A write of at most PIPE_ATOMIC bytes goes in whole or not at all (pipe(7)). Left out: SIGPIPE (there
 * are no signals yet; the writer gets -EPIPE). */
#include "fs/pipe.h"

#include "arch.h"
#include "fs/file.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/wait.h"

#define PIPE_PAGES 16 /* 64 KiB, as Linux */
#define PIPE_SIZE (PIPE_PAGES * PAGE_SIZE)
#define PIPE_ATOMIC 4096 /* PIPE_BUF */

struct pipe {
    u32 head, tail; /* bytes ever read and written; their difference is what it holds */
    bool reader_open, writer_open;
    struct wait_queue readable, writable;
    struct page *pages[PIPE_PAGES]; /* of the ring; made by the writer, freed by the reader */
};

static struct pool pipe_pool = POOL_INIT("pipe", struct pipe);

static u32
pipe_held(const struct pipe *pipe)
{
    return pipe->tail - pipe->head;
}

static u32
pipe_room(const struct pipe *pipe)
{
    return PIPE_SIZE - pipe_held(pipe);
}

/* ---- Reading ---- */

/* Position lock held; there are bytes. Copies what there is, at most what is wanted. */
static int
pipe_copy_out(struct pipe *pipe, struct iter *iter)
{
    int error = 0;

    while (!error && iter->left > 0 && pipe_held(pipe) > 0) {
        u32 slot = pipe->head / PAGE_SIZE % PIPE_PAGES, offset = pipe->head % PAGE_SIZE;
        u32 size = MIN(pipe_held(pipe), PAGE_SIZE - offset);
        size = (u32)MIN((size_t)size, iter->left);
        error = iter_put(iter, (char *)page_address(pipe->pages[slot]) + offset, size);
        if (error)
            break;
        pipe->head += size;
        if (pipe->head % PAGE_SIZE == 0) {
            page_put(pipe->pages[slot]);
            pipe->pages[slot] = NULL;
        }
    }
    return error;
}

static int
pipe_read(struct file *file, struct iter *iter, u64 *position)
{
    struct pipe *pipe = file->private;
    int error = 0;

    while (!error && iter->left > 0 && iter->done == 0) {
        if (pipe_held(pipe) == 0 && pipe->writer_open && (file->flags & OPEN_NONBLOCK))
            return -EAGAIN;
        error = wait_event_interruptible(&pipe->readable,
                                         pipe_held(pipe) > 0 || !pipe->writer_open);
        if (error)
            return error;
        error = mutex_lock(&file->position_lock);
        if (error)
            return error;
        bool ended = pipe_held(pipe) == 0 && !pipe->writer_open;
        error = pipe_copy_out(pipe, iter);
        mutex_unlock(&file->position_lock);
        if (iter->done)
            wake_up_all(&pipe->writable);
        if (ended)
            return 0;
    }
    return iter->done ? 0 : error;
}

/* ---- Writing ---- */

/* Position lock held. Copies in at most `size` bytes; all or nothing if `whole`. */
static int
pipe_copy_in(struct pipe *pipe, struct iter *iter, size_t size, bool whole)
{
    u32 tail = pipe->tail;
    int error = 0;

    while (!error && size > 0) {
        u32 slot = tail / PAGE_SIZE % PIPE_PAGES, offset = tail % PAGE_SIZE;
        size_t part = MIN(size, (size_t)(PAGE_SIZE - offset));
        if (!pipe->pages[slot] && !(pipe->pages[slot] = page_alloc()))
            return -ENOMEM;
        error = iter_take(iter, (char *)page_address(pipe->pages[slot]) + offset, part);
        if (error)
            break;
        tail += part;
        size -= part;
        if (!whole)
            pipe->tail = tail;
    }
    if (!error)
        pipe->tail = tail;
    return error;
}

/* What may go in now of `wanted` bytes; 0: wait. */
static size_t
pipe_may_write(const struct pipe *pipe, size_t wanted, bool whole)
{
    size_t room = pipe_room(pipe);

    if (whole)
        return room >= wanted ? wanted : 0;
    return MIN(room, wanted);
}

static int
pipe_write_some(struct file *file, struct pipe *pipe, struct iter *iter, bool whole)
{
    size_t size, done = iter->done;
    int error;

    if ((file->flags & OPEN_NONBLOCK) && pipe->reader_open &&
        pipe_may_write(pipe, iter->left, whole) == 0)
        return -EAGAIN;
    error = wait_event_interruptible(&pipe->writable,
                                     pipe_may_write(pipe, iter->left, whole) > 0 ||
                                         !pipe->reader_open);
    if (!error)
        error = mutex_lock(&file->position_lock);
    if (error)
        return error;
    size = pipe_may_write(pipe, iter->left, whole);
    error = pipe->reader_open ? pipe_copy_in(pipe, iter, size, whole) : -EPIPE;
    mutex_unlock(&file->position_lock);
    if (iter->done > done)
        wake_up_all(&pipe->readable);
    return error;
}

static int
pipe_write(struct file *file, struct iter *iter, u64 *position)
{
    struct pipe *pipe = file->private;
    bool whole = iter->left <= PIPE_ATOMIC;
    int error = 0;

    while (!error && iter->left > 0)
        error = pipe_write_some(file, pipe, iter, whole);
    return iter->done && !(whole && error) ? 0 : error;
}

/* ---- The rest ---- */

static u32
pipe_poll_reader(struct file *file, struct poll_table *table)
{
    struct pipe *pipe = file->private;

    if (table)
        table->add(table, &pipe->readable);
    return (pipe_held(pipe) > 0 ? POLL_IN | POLL_RDNORM : 0) |
           (pipe->writer_open ? 0 : POLL_HANG_UP);
}

static u32
pipe_poll_writer(struct file *file, struct poll_table *table)
{
    struct pipe *pipe = file->private;

    if (table)
        table->add(table, &pipe->writable);
    return (pipe_room(pipe) >= PIPE_ATOMIC ? POLL_OUT | POLL_WRNORM : 0) |
           (pipe->reader_open ? 0 : POLL_ERROR);
}

#define FIONREAD 0x541b

static int
pipe_ioctl(struct file *file, u32 command, uintptr_t argument)
{
    struct pipe *pipe = file->private;
    u32 held = pipe_held(pipe);

    if (command != FIONREAD)
        return -ENOTTY;
    return copy_to_user((void *)argument, &held, sizeof held);
}

static void
pipe_free_if_closed(struct pipe *pipe)
{
    if (pipe->reader_open || pipe->writer_open)
        return;
    for (unsigned i = 0; i < PIPE_PAGES; i++)
        if (pipe->pages[i])
            page_put(pipe->pages[i]);
    pool_free(&pipe_pool, pipe);
}

static void
pipe_release_reader(struct file *file)
{
    struct pipe *pipe = file->private;

    pipe->reader_open = false;
    wake_up_all(&pipe->writable);
    pipe_free_if_closed(pipe);
}

static void
pipe_release_writer(struct file *file)
{
    struct pipe *pipe = file->private;

    pipe->writer_open = false;
    wake_up_all(&pipe->readable);
    pipe_free_if_closed(pipe);
}

static const struct file_ops reader_ops = {
    .read = pipe_read,
    .poll = pipe_poll_reader,
    .ioctl = pipe_ioctl,
    .release = pipe_release_reader,
    .stream = true,
};

static const struct file_ops writer_ops = {
    .write = pipe_write,
    .poll = pipe_poll_writer,
    .ioctl = pipe_ioctl,
    .release = pipe_release_writer,
    .stream = true,
};

int
pipe_create(unsigned flags, struct file **reader, struct file **writer)
{
    struct pipe *pipe = pool_alloc(&pipe_pool);
    int error;

    if (!pipe)
        return -ENOMEM;
    wait_queue_init(&pipe->readable, "pipe read");
    wait_queue_init(&pipe->writable, "pipe write");
    error = file_create(NULL, &reader_ops, OPEN_READ | flags, pipe, reader);
    if (error) {
        pool_free(&pipe_pool, pipe);
        return error;
    }
    pipe->reader_open = true;
    error = file_create(NULL, &writer_ops, OPEN_WRITE | flags, pipe, writer);
    if (error) {
        file_put(*reader);
        return error;
    }
    pipe->writer_open = true;
    return 0;
}
