/* Pipes: bytes that go from writers to readers through a ring of pages; with a name, FIFOs.
 *
 * Called by the open, read, write and poll families and by fs/splice.c. Readers and writers sleep
 * interruptibly, with no lock held. While bytes are moved the pipe has one reader and one writer: the
 * reader, under read_lock, moves `head`, the writer, under write_lock, `tail`, each after its bytes have
 * been copied. These locks are of the kind of a file's position lock: a copy may fault under them, and
 * nothing that a fault needs takes them. Who takes both takes read_lock first.
 *
 * A write of at most PIPE_ATOMIC bytes goes in whole or not at all (pipe(7)). The ring has twice as many
 * slots as the pipe may hold pages, so that its first and last page are never the same one. */
#include "fs/pipe.h"

#include "arch.h"
#include "fs/anonymous.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/task.h"
#include "kernel/wait.h"

#define PIPE_PAGES 16 /* 64 KiB, as Linux */
#define PIPE_PAGES_MOST 256 /* for other than root: /proc/sys/fs/pipe-max-size of Linux */
#define PIPE_PAGES_ROOT 1024
#define PIPE_ATOMIC 4096 /* PIPE_BUF */

struct pipe {
    u32 head, tail; /* bytes ever read and written; their difference is what it holds */
    u32 capacity;   /* bytes: a power of two, a page at least */
    u32 readers, writers; /* open files; one that is open for both counts twice */
    u32 reader_opens, writer_opens; /* ever */
    bool was_short; /* of room, for an atomic write, when bytes were last taken out */
    struct inode *inode; /* whose private this is; its files hold it */
    struct wait_queue readable, writable;
    struct mutex read_lock, write_lock;
    struct page **slots; /* the ring: made by the writer, freed by the reader */
};

static struct pool pipe_pool = POOL_INIT("pipe", struct pipe);

static u32
slot_count(u32 capacity)
{
    return 2 * (capacity / PAGE_SIZE);
}

static struct page **
slot_of(const struct pipe *pipe, u32 position)
{
    return &pipe->slots[position / PAGE_SIZE & (slot_count(pipe->capacity) - 1)];
}

static u32
pipe_held(const struct pipe *pipe)
{
    return pipe->tail - pipe->head;
}

static u32
pipe_room(const struct pipe *pipe)
{
    return pipe->capacity - pipe_held(pipe);
}

struct pipe *
pipe_of_file(const struct file *file)
{
    return file->ops == &pipe_file_ops ? file->private : NULL;
}

/* ---- Reading ---- */

static void
pipe_consume(struct pipe *pipe, u32 size)
{
    struct page **slot = slot_of(pipe, pipe->head);

    if (pipe_room(pipe) < PIPE_ATOMIC)
        pipe->was_short = true;
    pipe->head += size;
    if (pipe->head % PAGE_SIZE == 0) {
        page_put(*slot);
        *slot = NULL;
    }
}

/* A piece of at most `size` bytes from `position` on, within one page. */
static u32
piece_init(struct iter *piece, const struct pipe *pipe, u32 position, size_t size)
{
    u32 offset = position % PAGE_SIZE;
    u32 length = (u32)MIN(size, (size_t)(PAGE_SIZE - offset));

    iter_init_kernel(piece, (char *)page_address(*slot_of(pipe, position)) + offset, length);
    return length;
}

/* Read lock held; there are bytes. Copies what there is, at most what is wanted. */
static int
pipe_copy_out(struct pipe *pipe, struct iter *iter)
{
    int error = 0;

    while (!error && iter->left > 0 && pipe_held(pipe) > 0) {
        struct iter piece;
        u32 length = piece_init(&piece, pipe, pipe->head, MIN(iter->left, (size_t)pipe_held(pipe)));
        error = iter_put(iter, (void *)piece.base, length);
        if (!error)
            pipe_consume(pipe, length);
    }
    return error;
}

/* Bytes have gone out. Who needs room sleeps only while there is less than an atomic write takes. */
static void
wake_writers(struct pipe *pipe)
{
    if (!pipe->was_short)
        return;
    pipe->was_short = false;
    if (pipe_room(pipe) >= PIPE_ATOMIC)
        wake_up_one_key(&pipe->writable, POLL_OUTPUT);
    else
        wake_up_all_key(&pipe->writable, POLL_OUTPUT); /* it may be enough for one of them */
}

int
pipe_wait_readable(struct pipe *pipe, bool nonblocking)
{
    if (likely(pipe_held(pipe) > 0))
        return 0;
    if (nonblocking && pipe->writers > 0)
        return -EAGAIN;
    return wait_event_interruptible_shared(&pipe->readable,
                                           pipe_held(pipe) > 0 || pipe->writers == 0);
}

/* One pass: *ended, or something was read, or another reader was faster. */
static int
pipe_read_some(struct pipe *pipe, struct iter *iter, bool *ended)
{
    int error = mutex_lock(&pipe->read_lock);

    if (error)
        return error;
    *ended = pipe_held(pipe) == 0 && pipe->writers == 0;
    error = pipe_copy_out(pipe, iter);
    mutex_unlock(&pipe->read_lock);
    if (iter->done)
        wake_writers(pipe);
    return error;
}

static int
pipe_read(struct file *file, struct iter *iter, u64 *position)
{
    struct pipe *pipe = file->private;
    bool waited = false, ended = false;
    int error = 0;

    while (!error && !ended && iter->left > 0 && iter->done == 0) {
        if (pipe_held(pipe) == 0 && pipe->writers > 0) {
            if (file->flags & OPEN_NONBLOCK)
                return -EAGAIN;
            error = wait_event_interruptible(&pipe->readable,
                                             pipe_held(pipe) > 0 || pipe->writers == 0);
            waited = true;
        }
        if (!error)
            error = pipe_read_some(pipe, iter, &ended);
    }
    if (waited && pipe_held(pipe) > 0)
        wake_up_one_key(&pipe->readable, POLL_KEY_INPUT);
    return iter->done ? 0 : error;
}

long
pipe_drain(struct pipe *pipe, size_t skip, size_t size, bool keep, pipe_take *take, void *argument)
{
    size_t done = 0;
    int error = mutex_lock(&pipe->read_lock);

    if (error)
        return error;
    while (!error && done < size) {
        size_t before = keep ? skip + done : 0;
        struct iter piece;
        u32 length;
        if (before >= pipe_held(pipe))
            break;
        length = piece_init(&piece, pipe, pipe->head + (u32)before,
                            MIN(size - done, pipe_held(pipe) - before));
        error = take(argument, &piece);
        if (!keep && piece.done > 0)
            pipe_consume(pipe, (u32)piece.done);
        done += piece.done;
        if (piece.done < length)
            break;
    }
    mutex_unlock(&pipe->read_lock);
    if (done && !keep)
        wake_writers(pipe);
    return done ? (long)done : error;
}

/* ---- Writing ---- */

/* Write lock held. The page at this position, made if it is not there; NULL: no memory. */
static struct page *
page_for(struct pipe *pipe, u32 position)
{
    struct page **slot = slot_of(pipe, position);

    if (!*slot)
        *slot = page_alloc();
    return *slot;
}

/* Write lock held. Copies in at most `size` bytes; all or nothing if `whole`. */
static int
pipe_copy_in(struct pipe *pipe, struct iter *iter, size_t size, bool whole)
{
    u32 tail = pipe->tail;
    int error = 0;

    while (!error && size > 0) {
        u32 offset = tail % PAGE_SIZE;
        size_t part = MIN(size, (size_t)(PAGE_SIZE - offset));
        struct page *page = page_for(pipe, tail);
        if (!page)
            return -ENOMEM;
        error = iter_take(iter, (char *)page_address(page) + offset, part);
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

int
pipe_wait_writable(struct pipe *pipe, bool nonblocking)
{
    int error = 0;

    while (!error && pipe_room(pipe) == 0 && pipe->readers > 0) {
        if (nonblocking)
            return -EAGAIN;
        error = wait_event_interruptible_shared(&pipe->writable,
                                                pipe_room(pipe) > 0 || pipe->readers == 0);
    }
    return !error && pipe->readers == 0 ? file_broken_pipe() : error;
}

static int
wait_for_room(struct pipe *pipe, size_t wanted, bool whole, bool nonblocking, bool *waited)
{
    if (pipe->readers == 0)
        return file_broken_pipe();
    if (likely(pipe_may_write(pipe, wanted, whole) > 0))
        return 0;
    if (nonblocking)
        return -EAGAIN;
    *waited = true;
    return wait_event_interruptible(&pipe->writable, pipe_may_write(pipe, wanted, whole) > 0 ||
                                                         pipe->readers == 0);
}

static int
pipe_write_some(struct file *file, struct pipe *pipe, struct iter *iter, bool whole, bool *waited)
{
    size_t done = iter->done;
    int error = wait_for_room(pipe, iter->left, whole, file->flags & OPEN_NONBLOCK, waited);

    if (!error)
        error = mutex_lock(&pipe->write_lock);
    if (error)
        return error;
    if (pipe->readers > 0)
        error = pipe_copy_in(pipe, iter, pipe_may_write(pipe, iter->left, whole), whole);
    mutex_unlock(&pipe->write_lock);
    if (iter->done > done)
        wake_up_one_key(&pipe->readable, POLL_KEY_INPUT);
    return error;
}

static int
pipe_write(struct file *file, struct iter *iter, u64 *position)
{
    struct pipe *pipe = file->private;
    bool whole = iter->left <= MIN(pipe->capacity, PIPE_ATOMIC), waited = false;
    int error = 0;

    while (!error && iter->left > 0)
        error = pipe_write_some(file, pipe, iter, whole, &waited);
    if (waited && pipe_room(pipe) > 0) {
        pipe->was_short = true;
        wake_writers(pipe);
    }
    return iter->done && !(whole && error) ? 0 : error;
}

long
pipe_fill(struct pipe *pipe, size_t size, pipe_take *give, void *argument)
{
    size_t done = 0;
    int error = mutex_lock(&pipe->write_lock);

    if (error)
        return error;
    while (!error && done < size && pipe_room(pipe) > 0) {
        struct iter piece;
        u32 length;
        if (!page_for(pipe, pipe->tail)) {
            error = -ENOMEM;
            break;
        }
        length = piece_init(&piece, pipe, pipe->tail, MIN(size - done, (size_t)pipe_room(pipe)));
        error = give(argument, &piece);
        pipe->tail += (u32)piece.done;
        done += piece.done;
        if (piece.done < length)
            break;
    }
    mutex_unlock(&pipe->write_lock);
    if (done)
        wake_up_one_key(&pipe->readable, POLL_KEY_INPUT);
    return done ? (long)done : error;
}

/* ---- Poll, ioctl, capacity ---- */

static u32
pipe_poll(struct file *file, struct poll_table *table)
{
    struct pipe *pipe = file->private;
    u32 access = file->flags & OPEN_ACCESS, events = 0;

    if (access != OPEN_WRITE) {
        if (table)
            table->add(table, &pipe->readable);
        events |= pipe_held(pipe) > 0 ? POLL_IN | POLL_RDNORM : 0;
        /* a FIFO that had no writer since it was opened has not been hung up */
        if (pipe->writers == 0 && file->position != pipe->writer_opens)
            events |= POLL_HANG_UP;
    }
    if (access != OPEN_READ) {
        if (table)
            table->add(table, &pipe->writable);
        events |= pipe_room(pipe) >= PIPE_ATOMIC ? POLL_OUT | POLL_WRNORM : 0;
        events |= pipe->readers == 0 ? POLL_ERROR : 0;
    }
    return events;
}

#define FIONREAD 0x541b /* asm-generic/ioctls.h */

static int
pipe_ioctl(struct file *file, u32 command, uintptr_t argument)
{
    struct pipe *pipe = file->private;
    u32 held = pipe_held(pipe);

    if (command != FIONREAD)
        return -ENOTTY;
    return copy_to_user((void *)argument, &held, sizeof held);
}

u32
pipe_capacity(const struct pipe *pipe)
{
    return pipe->capacity;
}

static void
slots_free(struct page **slots, u32 capacity)
{
    for (u32 i = 0; i < slot_count(capacity); i++)
        if (slots[i])
            page_put(slots[i]);
    heap_free(slots);
}

/* Both locks held. What the pipe holds goes to the new ring's beginning. */
static int
pipe_resize(struct pipe *pipe, u32 capacity)
{
    struct page **slots = heap_alloc(slot_count(capacity) * sizeof *slots);
    u32 held = pipe_held(pipe), at = 0;

    if (!slots)
        return -ENOMEM;
    while (at < held) {
        struct iter piece;
        u32 length = piece_init(&piece, pipe, pipe->head + at, MIN(held - at, PAGE_SIZE - at % PAGE_SIZE));
        struct page **slot = &slots[at / PAGE_SIZE];
        if (!*slot && !(*slot = page_alloc())) {
            slots_free(slots, capacity);
            return -ENOMEM;
        }
        if (iter_take(&piece, (char *)page_address(*slot) + at % PAGE_SIZE, length))
            break; /* kernel memory: cannot be */
        at += length;
    }
    slots_free(pipe->slots, pipe->capacity);
    pipe->slots = slots;
    pipe->capacity = capacity;
    pipe->head = 0;
    pipe->tail = held;
    return 0;
}

long
pipe_set_capacity(struct pipe *pipe, u32 size)
{
    const struct credentials *credentials = current_credentials();
    u32 capacity = PAGE_SIZE;
    int error;

    if (size > 1u << 31)
        return -EINVAL;
    while (capacity < size)
        capacity *= 2;
    if (capacity > PIPE_PAGES_MOST * PAGE_SIZE && credentials->euid != 0)
        return -EPERM;
    if (capacity > PIPE_PAGES_ROOT * PAGE_SIZE)
        return -ENOMEM;
    error = mutex_lock(&pipe->read_lock);
    if (error)
        return error;
    error = mutex_lock(&pipe->write_lock);
    if (!error) {
        error = pipe_held(pipe) > capacity ? -EBUSY : pipe_resize(pipe, capacity);
        mutex_unlock(&pipe->write_lock);
    }
    mutex_unlock(&pipe->read_lock);
    wake_up_all(&pipe->writable);
    return error ? error : (long)capacity;
}

/* ---- Opening and closing ---- */

/* The inode's pipe, made if nobody has it open; NULL: no memory. */
static struct pipe *
pipe_of_inode(struct inode *inode)
{
    struct pipe *pipe = inode->private;

    if (pipe)
        return pipe;
    pipe = pool_alloc(&pipe_pool);
    if (!pipe)
        return NULL;
    pipe->capacity = PIPE_PAGES * PAGE_SIZE;
    pipe->slots = heap_alloc(slot_count(pipe->capacity) * sizeof *pipe->slots);
    if (!pipe->slots) {
        pool_free(&pipe_pool, pipe);
        return NULL;
    }
    wait_queue_init(&pipe->readable, "pipe read");
    wait_queue_init(&pipe->writable, "pipe write");
    mutex_init(&pipe->read_lock, "pipe reader");
    mutex_init(&pipe->write_lock, "pipe writer");
    pipe->inode = inode;
    inode->private = pipe;
    return pipe;
}

static void
pipe_release(struct file *file)
{
    struct pipe *pipe = file->private;
    u32 access = file->flags & OPEN_ACCESS;

    pipe->readers -= access != OPEN_WRITE;
    pipe->writers -= access != OPEN_READ;
    wake_up_all(&pipe->writable);
    wake_up_all(&pipe->readable);
    if (pipe->readers || pipe->writers)
        return;
    pipe->inode->private = NULL;
    slots_free(pipe->slots, pipe->capacity);
    pool_free(&pipe_pool, pipe);
}

/* A pipe's end opened once more, through /proc/PID/fd. */
static bool
has_no_name(const struct file *file)
{
    return file->inode->filesystem->transient;
}

/* fifo(7): who opens one end waits for somebody at the other, unless it is open for both. */
static int
pipe_wait_for_other(struct file *file, struct pipe *pipe)
{
    u32 access = file->flags & OPEN_ACCESS;
    u32 readers = pipe->reader_opens, writers = pipe->writer_opens;

    if (access == OPEN_READ_WRITE || file->flags & OPEN_NONBLOCK || has_no_name(file))
        return 0;
    if (access == OPEN_READ)
        return wait_event_interruptible(&pipe->readable,
                                        pipe->writers > 0 || pipe->writer_opens != writers);
    return wait_event_interruptible(&pipe->writable,
                                    pipe->readers > 0 || pipe->reader_opens != readers);
}

static int
pipe_open(struct file *file)
{
    u32 access = file->flags & OPEN_ACCESS;
    struct pipe *pipe = file->inode->private;
    int error;

    if (access == OPEN_WRITE && (file->flags & OPEN_NONBLOCK) && (!pipe || pipe->readers == 0) &&
        !has_no_name(file))
        return -ENXIO;
    pipe = pipe_of_inode(file->inode);
    if (!pipe)
        return -ENOMEM;
    file->private = pipe;
    if (access != OPEN_WRITE) {
        file->position = pipe->writers || has_no_name(file) ? 0 : pipe->writer_opens; /* for poll */
        pipe->readers++;
        pipe->reader_opens++;
        wake_up_all(&pipe->writable);
    }
    if (access != OPEN_READ) {
        pipe->writers++;
        pipe->writer_opens++;
        wake_up_all(&pipe->readable);
    }
    error = pipe_wait_for_other(file, pipe);
    if (error)
        pipe_release(file);
    return error;
}

const struct file_ops pipe_file_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .open = pipe_open,
    .release = pipe_release,
    .stream = true,
};

/* One end: its pipe is there, so nothing is waited for. */
static int
end_create(struct inode *inode, u32 flags, struct file **file)
{
    struct pipe *pipe = inode->private;
    int error = file_create(inode, &pipe_file_ops, flags, pipe, file);

    if (error)
        return error;
    pipe->readers += (flags & OPEN_ACCESS) == OPEN_READ;
    pipe->writers += (flags & OPEN_ACCESS) == OPEN_WRITE;
    pipe->writer_opens += (flags & OPEN_ACCESS) == OPEN_WRITE;
    return 0;
}

int
pipe_create(unsigned flags, struct file **reader, struct file **writer)
{
    struct inode *inode;
    int error = anonymous_inode_create(MODE_FIFO | 0600, &pipe_file_ops, &inode);

    if (error)
        return error;
    if (pipe_of_inode(inode)) {
        error = end_create(inode, OPEN_READ | flags, reader);
        if (error) {
            heap_free(((struct pipe *)inode->private)->slots);
            pool_free(&pipe_pool, inode->private);
        } else {
            error = end_create(inode, OPEN_WRITE | flags, writer);
            if (error)
                file_put(*reader);
        }
    } else {
        error = -ENOMEM;
    }
    inode_put(inode);
    return error;
}
