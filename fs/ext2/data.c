/* Reading an inode's contents into the page cache: the pages' blocks are mapped to runs and asked
 * for in as few requests as possible. The page cache calls read_pages on the fibril that wants the
 * pages; mapping may sleep, the requests end by themselves.
 *
 * A page has as many parts as it has blocks; each part ends once: at once for a hole or an error,
 * with its request otherwise. So a page is complete when its last block is, a bad block fails only
 * its own page, and a fibril that is cancelled in the middle leaves no page behind. Left out: bytes
 * behind the end of the file in its last block are what the disk holds (zeros, unless somebody put
 * them there). */
#include "fs/cache.h"
#include "fs/ext2/ext2.h"
#include "kernel/errno.h"
#include "kernel/string.h"

/* No file has pages from this index on: ext2_blocks_most is below 2^31, a page has 1 to 4 blocks.
 * So numbers of file blocks fit in 32 bits. */
#define PAGES_MOST (1u << 29)

/* Pages being read, and the request being put together. */
struct read {
    struct ext2_filesystem *fs;
    struct page **pages;
    u32 first_block; /* of the file: the first page's first */
    struct block_request *request;
    u32 next_physical; /* the block that would continue the request */
};

/* In an interrupt. Every segment is a whole number of blocks of one page. */
static void
request_done(struct block_request *request, int error)
{
    unsigned block_shift = (unsigned)(uintptr_t)request->private;
    for (unsigned i = 0; i < request->segment_count; i++) {
        const struct block_segment *segment = &request->segments[i];
        int part_error = request->bad_segments & 1u << i ? error : 0;
        for (unsigned blocks = segment->length >> block_shift; blocks > 0; blocks--)
            cache_page_part_done(segment->page, part_error);
    }
}

static void
submit(struct read *read)
{
    if (read->request)
        block_submit(read->request);
    read->request = NULL;
}

/* Where file block `block` lies in the pages: the page, the offset in it, and how many of `count`
 * blocks lie in that page. */
static struct page *
place(const struct read *read, u32 block, u32 *count, u32 *offset)
{
    unsigned shift = PAGE_SHIFT - read->fs->block_shift;
    u32 relative = block - read->first_block;
    u32 inside = relative & ((1u << shift) - 1);
    *offset = inside << read->fs->block_shift;
    *count = MIN(*count, (1u << shift) - inside);
    return read->pages[relative >> shift];
}

/* Ends `count` blocks without the disk: with an error, or as a hole of zeros. */
static void
end_blocks(const struct read *read, u32 block, u32 count, int error)
{
    while (count > 0) {
        u32 blocks = count, offset;
        struct page *page = place(read, block, &blocks, &offset);
        if (!error)
            memset((u8 *)page_address(page) + offset, 0, blocks << read->fs->block_shift);
        for (u32 i = 0; i < blocks; i++)
            cache_page_part_done(page, error);
        block += blocks;
        count -= blocks;
    }
}

static bool
request_begin(struct read *read, u32 physical)
{
    read->request = block_request_alloc();
    if (!read->request)
        return false;
    unsigned block_shift = read->fs->block_shift;
    read->request->disk = read->fs->filesystem.disk;
    read->request->sector = (u64)physical << (block_shift - 9); /* sectors of 512 = 2^9 bytes */
    read->request->done = request_done;
    read->request->private = (void *)(uintptr_t)block_shift;
    read->next_physical = physical;
    return true;
}

/* Asks for a run, as part of the request under construction if it continues it. */
static void
read_run(struct read *read, u32 block, struct ext2_run run)
{
    unsigned block_shift = read->fs->block_shift;
    if (read->request && read->next_physical != run.physical)
        submit(read);
    while (run.count > 0) {
        u32 blocks = run.count, offset;
        struct page *page = place(read, block, &blocks, &offset);
        if (!read->request && !request_begin(read, run.physical)) {
            end_blocks(read, block, run.count, -ENOMEM);
            return;
        }
        if (!block_request_add(read->request, page, offset, blocks << block_shift)) {
            submit(read);
            continue;
        }
        read->next_physical += blocks;
        run.physical += blocks;
        run.count -= blocks;
        block += blocks;
    }
}

/* Is this error the reading fibril's own, so that trying further blocks is no use? */
static bool
error_is_final(int error)
{
    return error != -EIO && error != -EUCLEAN;
}

static void
ext2_read_pages(struct cache_object *object, struct page **pages, unsigned count)
{
    struct ext2_inode *inode = ext2_inode_of(container_of(object, struct inode, object));
    struct read read = {.fs = ext2_filesystem_of(&inode->inode), .pages = pages};
    unsigned shift = PAGE_SHIFT - read.fs->block_shift;
    read.first_block = MIN(pages[0]->index, PAGES_MOST) << shift;
    for (unsigned i = 0; i < count; i++)
        cache_page_expect(pages[i], 1u << shift);

    /* The size is at most ext2_blocks_most blocks (inode.c). */
    u64 size = inode->inode.size;
    u32 file_blocks = (u32)((size + read.fs->block_size - 1) >> read.fs->block_shift);
    u32 block = read.first_block, end = block + (count << shift);
    while (block < end) {
        struct ext2_run run = {0, end - block};
        int error = 0;
        if (block < file_blocks)
            error = ext2_map(inode, block, MIN(end, file_blocks) - block, &run);
        if (error && error_is_final(error))
            run.count = end - block;
        if (error || run.physical == 0)
            end_blocks(&read, block, run.count, error);
        else
            read_run(&read, block, run);
        block += run.count;
    }
    submit(&read);
}

const struct cache_object_ops ext2_data_ops = {.read_pages = ext2_read_pages};
