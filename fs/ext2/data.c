/* Reading an inode's contents into the page cache: the pages' blocks are mapped to runs and asked
 * for in as few requests as possible. The page cache calls read_pages on the fibril that wants the
 * pages; mapping may sleep, the requests end by themselves.
 *
 * A page has as many parts as it has blocks; each part ends once: at once for a hole or an error,
 * with its request otherwise. So a page is complete when its last block is, a bad block fails only
 * its own page, and a fibril that is cancelled in the middle leaves no page behind. Bytes behind the end
 * of the file in its last block are made zero when they have been read: mapped pages show them. */
#include "arch.h"
#include "fs/cache.h"
#include "fs/ext2/ext2.h"
#include "fs/read_ahead.h"
#include "kernel/errno.h"
#include "kernel/string.h"

/* No file has pages from this index on: ext2_blocks_most is below 2^31, a page has 1 to 4 blocks.
 * So numbers of file blocks fit in 32 bits. */
#define PAGES_MOST (1u << 29)

#define ALONG_BLOCKS 7u /* behind a directory: the request's other segments */

/* Pages being read, and the request being put together. */
struct read {
    struct ext2_filesystem *fs;
    struct page **pages;
    u32 first_block; /* of the file: the first page's first */
    u32 last_block;  /* of the file, of which `tail` bytes lie behind its end */
    u32 tail;
    struct block_request *request;
    u32 next_physical; /* the block that would continue the request */
    struct list ready; /* requests that are complete: submitted together */
};

/* What a request's end has to know; it fits into request->private, for the inode may be gone then. */
#define PRIVATE_SHIFT_BITS 4
static void *
private_make(unsigned block_shift, u32 tail)
{
    return (void *)(uintptr_t)(tail << PRIVATE_SHIFT_BITS | block_shift);
}

/* In an interrupt. Every segment is a whole number of blocks of one page. */
static void
request_done(struct block_request *request, int error)
{
    u32 private = (u32)(uintptr_t)request->private;
    unsigned block_shift = private & ((1u << PRIVATE_SHIFT_BITS) - 1);
    u32 tail = private >> PRIVATE_SHIFT_BITS; /* of the last segment */
    if (tail) {
        const struct block_segment *last = &request->segments[request->segment_count - 1];
        memset((u8 *)page_address(last->page) + last->offset + last->length - tail, 0, tail);
    }
    for (unsigned i = 0; i < request->segment_count; i++) {
        const struct block_segment *segment = &request->segments[i];
        int part_error = request->bad_segments & 1u << i ? error : 0;
        for (unsigned blocks = segment->length >> block_shift; blocks > 0; blocks--)
            cache_page_part_done(segment->page, part_error);
    }
}

static void
request_complete(struct read *read)
{
    if (read->request)
        list_add_tail(&read->ready, &read->request->link);
    read->request = NULL;
}

static void
submit(struct read *read)
{
    request_complete(read);
    block_submit_list(&read->ready);
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

/* `page` is the first. */
static bool
request_begin(struct read *read, u32 physical, const struct page *page)
{
    read->request = block_request_alloc();
    if (!read->request)
        return false;
    unsigned block_shift = read->fs->block_shift;
    read->request->disk = read->fs->filesystem.disk;
    read->request->sector = (u64)physical << (block_shift - 9); /* sectors of 512 = 2^9 bytes */
    read->request->done = request_done;
    read->request->speculative = cache_page_is_ahead(page);
    read->request->private = private_make(block_shift, 0);
    read->next_physical = physical;
    return true;
}

/* The disk's own page of the block, if it has been read or is being read (along with others). */
static bool
disk_has(const struct ext2_filesystem *fs, u32 physical)
{
    return cache_has(&fs->filesystem.disk->object, physical >> (PAGE_SHIFT - fs->block_shift));
}

/* How many blocks of the run have to be read: the first one, and up to the next one that is there. */
static u32
missing_count(const struct ext2_filesystem *fs, struct ext2_run run)
{
    u32 count = 1;
    while (count < run.count && !disk_has(fs, run.physical + count))
        count++;
    return count;
}

/* Copies a block out of the disk's own pages. */
static void
copy_block(const struct read *read, u32 block, u32 physical)
{
    u32 blocks = 1, offset, size = read->fs->block_size;
    struct page *page = place(read, block, &blocks, &offset), *from;
    const void *data;
    int error = ext2_block_get(read->fs, physical, &from, &data);
    if (!error) {
        u32 tail = block == read->last_block ? read->tail : 0;
        u8 *to = (u8 *)page_address(page) + offset;
        memcpy(to, data, size - tail);
        memset(to + size - tail, 0, tail);
        page_put(from);
    }
    cache_page_part_done(page, error);
}

/* Blocks behind the last request's: read into the disk's own pages, as far as there is room. */
static void
read_along(struct read *read)
{
    struct disk *disk = read->fs->filesystem.disk;
    unsigned shift = PAGE_SHIFT - read->fs->block_shift;
    for (u32 left = ALONG_BLOCKS; left > 0 && read->request; left--) {
        u32 physical = read->next_physical;
        if (physical & ((1u << shift) - 1) || !ext2_blocks_valid(read->fs, physical, 1u << shift) ||
            read->request->segment_count == BLOCK_SEGMENTS)
            break;
        interrupt_state state = interrupts_save();
        struct page *page = cache_adopt(&disk->object, physical >> shift);
        interrupts_restore(state);
        if (!page)
            break;
        cache_page_expect(page, 1u << shift);
        bool added = block_request_add(read->request, page, 0, PAGE_SIZE);
        ASSERT(added);
        page_put(page);
        read->next_physical += 1u << shift;
    }
}

/* Asks for a run, as part of the request under construction if it continues it. */
static void
read_run(struct read *read, u32 block, struct ext2_run run)
{
    unsigned block_shift = read->fs->block_shift;
    if (read->request && read->next_physical != run.physical)
        request_complete(read);
    while (run.count > 0) {
        u32 blocks = run.count, offset;
        struct page *page = place(read, block, &blocks, &offset);
        if (!read->request && !request_begin(read, run.physical, page)) {
            end_blocks(read, block, run.count, -ENOMEM);
            return;
        }
        if (!block_request_add(read->request, page, offset, blocks << block_shift)) {
            request_complete(read);
            continue;
        }
        if (read->tail && block + blocks - 1 == read->last_block)
            read->request->private = private_make(block_shift, read->tail);
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

/* Asks for the file's blocks from read->first_block up to `end`; those from `file_blocks` on are zeros. */
static void
read_blocks(struct ext2_inode *inode, struct read *read, u32 end, u32 file_blocks)
{
    for (u32 block = read->first_block; block < end;) {
        struct ext2_run run = {0, end - block};
        int error = 0;
        if (ext2_map_begins(read->fs, block))
            submit(read); /* finding the next ones may take a while */
        if (block < file_blocks)
            error = ext2_map(inode, block, MIN(end, file_blocks) - block, &run);
        if (error && error_is_final(error))
            run.count = end - block;
        if (error || run.physical == 0) {
            end_blocks(read, block, run.count, error);
        } else if (disk_has(read->fs, run.physical)) {
            run.count = 1;
            submit(read); /* getting the page may take a while */
            copy_block(read, block, run.physical);
        } else {
            run.count = missing_count(read->fs, run);
            read_run(read, block, run);
        }
        block += run.count;
    }
    if (is_directory(&inode->inode) && read_ahead_enabled())
        read_along(read);
    submit(read);
}

static void
ext2_read_pages(struct cache_object *object, struct page **pages, unsigned count)
{
    struct ext2_inode *inode = ext2_inode_of(container_of(object, struct inode, object));
    struct read read = {.fs = ext2_filesystem_of(&inode->inode), .pages = pages};
    unsigned shift = PAGE_SHIFT - read.fs->block_shift;
    list_init(&read.ready);
    read.first_block = MIN(pages[0]->index, PAGES_MOST) << shift;
    for (unsigned i = 0; i < count; i++)
        cache_page_expect(pages[i], 1u << shift);

    /* The size is at most ext2_blocks_most blocks (inode.c). */
    u64 size = inode->inode.size;
    u32 file_blocks = (u32)((size + read.fs->block_size - 1) >> read.fs->block_shift);
    read.last_block = file_blocks - 1;
    read.tail = (file_blocks << read.fs->block_shift) - (u32)size;
    read_blocks(inode, &read, read.first_block + (count << shift), file_blocks);
}

bool
ext2_data_is_near(struct inode *inode)
{
    u32 physical = ext2_inode_of(inode)->block[0];
    return physical != 0 && disk_has(ext2_filesystem_of(inode), physical);
}

static void
ext2_want_page(struct cache_object *object, u32 index)
{
    struct ext2_inode *inode = ext2_inode_of(container_of(object, struct inode, object));
    struct ext2_filesystem *fs = ext2_filesystem_of(&inode->inode);
    unsigned shift = PAGE_SHIFT - fs->block_shift;
    u32 block = index << shift, end = block + (1u << shift);
    while (block < end) {
        struct ext2_run run;
        if (ext2_map(inode, block, end - block, &run) == 0 && run.physical != 0)
            block_want(fs->filesystem.disk, (u64)run.physical << (fs->block_shift - 9));
        block += run.count;
    }
}

const struct cache_object_ops ext2_data_ops = {
    .read_pages = ext2_read_pages,
    .want_page = ext2_want_page,
};
