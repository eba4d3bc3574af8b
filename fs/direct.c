/* Direct reads: see direct.h. Called by the read family on a file that was opened with O_DIRECT.
 *
 * A read goes in chunks of up to 1 MiB. The user's pages of a chunk are pinned first, which may fault
 * and sleep; then its requests are put together and submitted at once, and waited for. The requests fill
 * the pages, never the addresses, and the chunk owns the pins: a reader that is cancelled leaves at once,
 * and the last request to end gives all of it back. An error fails the chunk it is in.
 *
 * Left out: writing; memory of the kernel as the target. */
#include "fs/direct.h"

#include "arch.h"
#include "drivers/block.h"
#include "fs/inode.h"
#include "fs/iter.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/pin.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/wait.h"

#define CHUNK_BYTES (1u << 20)
#define SPARE_PIECES 32u /* beyond the whole pages; with many short vectors, a chunk is less */

struct piece {
    struct page *page; /* pinned */
    u16 offset, length;
};

struct chunk {
    struct wait_queue finished;
    u32 references; /* the reader's and each request's; interrupts off */
    int error;      /* of any request */
    u32 size;       /* bytes, the sum of the pieces' */
    u32 count, room;
    struct piece pieces[];
};

/* Whose bytes they are. */
struct source {
    struct inode *inode; /* or NULL */
    struct disk *disk;
    u64 size; /* bytes */
};

static void
chunk_put(struct chunk *chunk)
{
    INTERRUPTS_OFF_SCOPE();
    if (--chunk->references > 1)
        return;
    wake_up_all(&chunk->finished); /* only the reader is left, if he is */
    if (chunk->references > 0)
        return;
    for (u32 i = 0; i < chunk->count; i++)
        page_unpin(chunk->pieces[i].page);
    heap_free(chunk);
}

/* ---- The user's pages ---- */

/* The part of a page where the iter stands, at most `most` bytes long. */
static size_t
iter_place(struct iter *iter, size_t most)
{
    while (iter->piece == 0) {
        iter->base = iter->next->base;
        iter->piece = iter->next->length;
        iter->next++;
    }
    return MIN(MIN(most, iter->piece), PAGE_SIZE - iter->base % PAGE_SIZE);
}

static bool
iter_is_aligned(struct iter iter)
{
    while (iter.left > 0) {
        while (iter.piece == 0) {
            iter.base = iter.next->base;
            iter.piece = iter.next->length;
            iter.next++;
        }
        if ((iter.base | iter.piece) % DIRECT_ALIGNMENT != 0)
            return false;
        iter.left -= MIN(iter.piece, iter.left);
        iter.piece = 0;
    }
    return true;
}

/* Pins the next pages of the reader, at most `most` bytes, and moves the iter on. */
static int
chunk_pin(struct chunk *chunk, struct iter *iter, size_t most)
{
    while (chunk->size < most && chunk->count < chunk->room) {
        struct piece *piece = &chunk->pieces[chunk->count];
        size_t length = iter_place(iter, most - chunk->size);
        if (!user_range_valid((void *)iter->base, length))
            return -EFAULT;
        int error = page_pin(current_task()->space, iter->base, &piece->page);
        if (error)
            return error;
        piece->offset = iter->base % PAGE_SIZE;
        piece->length = (u16)length;
        chunk->count++;
        chunk->size += length;
        iter->base += length;
        iter->piece -= length;
        iter->left -= length;
    }
    return 0;
}

/* ---- Requests ---- */

static void
request_done(struct block_request *request, int error)
{
    struct chunk *chunk = request->private;

    if (error)
        chunk->error = error;
    chunk_put(chunk);
}

/* A run being turned into requests. */
struct build {
    struct chunk *chunk;
    struct list requests;
    struct block_request *request; /* being filled; the last of the list */
    u32 piece, inside;             /* where the chunk has got to */
};

static int
request_begin(struct build *build, const struct direct_run *run)
{
    struct block_request *request = block_request_alloc();

    if (!request)
        return -ENOMEM;
    request->disk = run->disk;
    request->sector = run->sector;
    request->done = request_done;
    request->private = build->chunk;
    build->request = request;
    list_add_tail(&build->requests, &request->link);
    return 0;
}

/* Fills `length` bytes of the chunk from the run, or with zeros. */
static int
build_run(struct build *build, struct direct_run run, u32 length)
{
    build->request = NULL;
    while (length > 0) {
        const struct piece *piece = &build->chunk->pieces[build->piece];
        u32 part = MIN(length, piece->length - build->inside), offset = piece->offset + build->inside;
        int error = run.hole || build->request ? 0 : request_begin(build, &run);
        if (error)
            return error;
        if (run.hole) {
            memset((char *)page_address(piece->page) + offset, 0, part);
        } else if (!block_request_add(build->request, piece->page, offset, part)) {
            build->request = NULL; /* full */
            continue;
        }
        run.sector += part / SECTOR_SIZE;
        length -= part;
        build->inside += part;
        if (build->inside == piece->length) {
            build->inside = 0;
            build->piece++;
        }
    }
    return 0;
}

static int
source_map(const struct source *source, u64 offset, u32 length, struct direct_run *run)
{
    if (source->inode)
        return source->inode->ops->map(source->inode, offset, length, run);
    *run = (struct direct_run){source->disk, offset / SECTOR_SIZE, length, false};
    return 0;
}

/* Puts together what the whole chunk needs, which lies at `offset`. */
static int
build_all(struct build *build, const struct source *source, u64 offset)
{
    u32 left = build->chunk->size;
    int error = 0;

    while (left > 0 && !error) {
        struct direct_run run;
        error = source_map(source, offset, left, &run);
        if (!error) {
            u32 length = MIN(left, run.length);
            error = build_run(build, run, length);
            offset += length;
            left -= length;
        }
    }
    return error;
}

static void
build_submit(struct build *build)
{
    struct block_request *request;

    list_for_each(request, &build->requests, link)
        build->chunk->references++;
    block_submit_list(&build->requests);
}

static void
build_discard(struct build *build)
{
    while (!list_empty(&build->requests)) {
        struct block_request *request = list_first(&build->requests, struct block_request, link);
        list_remove(&request->link);
        block_request_free(request);
    }
}

/* ---- Reading ---- */

/* Bytes behind the end of the file, in its last sector, are nobody's. */
static void
chunk_clear_tail(struct chunk *chunk, u32 tail)
{
    const struct piece *last = &chunk->pieces[chunk->count - 1];

    memset((char *)page_address(last->page) + last->offset + last->length - tail, 0, tail);
}

/* Reads into the pinned pages and waits. */
static int
chunk_fill(struct chunk *chunk, const struct source *source, u64 offset)
{
    struct build build = {.chunk = chunk};
    int error;

    list_init(&build.requests);
    error = build_all(&build, source, offset);
    if (error) {
        build_discard(&build);
        return error;
    }
    build_submit(&build);
    error = wait_event_killable(&chunk->finished, chunk->references == 1);
    return error ? error : chunk->error;
}

/* One chunk: at most `most` bytes, of which the file may have fewer. *got: those it has. */
static int
chunk_read(const struct source *source, struct iter *iter, u64 offset, size_t most, u32 *got)
{
    u32 room = (u32)(most / PAGE_SIZE) + SPARE_PIECES;
    struct chunk *chunk = heap_alloc(sizeof *chunk + room * sizeof *chunk->pieces);
    struct iter ahead = *iter;
    int error;

    if (!chunk)
        return -ENOMEM;
    chunk->room = room;
    wait_queue_init(&chunk->finished, "direct_read");
    chunk->references = 1;
    error = chunk_pin(chunk, &ahead, most);
    if (!error)
        error = chunk_fill(chunk, source, offset);
    if (!error) {
        u64 left = source->size - offset;
        *got = (u32)MIN((u64)chunk->size, left);
        if (chunk->size > left)
            chunk_clear_tail(chunk, chunk->size - (u32)left);
        ahead.done += *got;
        *iter = ahead;
    }
    chunk_put(chunk);
    return error;
}

static int
direct_read(const struct source *source, struct iter *iter, u64 *position)
{
    int error = 0;

    if (*position % DIRECT_ALIGNMENT != 0 || !iter->user || !iter_is_aligned(*iter))
        return -EINVAL;
    while (iter->left > 0 && *position < source->size && !error) {
        u64 left = ALIGN_UP(source->size - *position, (u64)DIRECT_ALIGNMENT);
        size_t most = (size_t)MIN(MIN((u64)iter->left, left), (u64)CHUNK_BYTES);
        u32 got = 0;
        error = chunk_read(source, iter, *position, most, &got);
        *position += got;
        if (!error)
            error = schedule_point();
    }
    return iter->done > 0 ? 0 : error;
}

int
direct_read_inode(struct inode *inode, struct iter *iter, u64 *position)
{
    struct source source = {.inode = inode, .size = inode->size};

    return direct_read(&source, iter, position);
}

int
direct_read_disk(struct disk *disk, struct iter *iter, u64 *position)
{
    struct source source = {.disk = disk, .size = disk->sectors * SECTOR_SIZE};

    return direct_read(&source, iter, position);
}
