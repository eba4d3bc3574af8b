/* Which blocks on the disk hold a file's blocks, [EXT2] 3.5 i_block: twelve direct numbers in the
 * inode, then a block of numbers, a block of blocks of numbers, and one level more. A number of 0
 * is a hole, on any level. Called by data.c on the reading fibril; sleeps to read indirect
 * blocks. */
#include "drivers/block.h"
#include "fs/cache.h"
#include "fs/direct.h"
#include "fs/ext2/ext2.h"
#include "kernel/errno.h"

#define LEVELS_MOST 3
#define SECTOR_SHIFT 9

/* Numbers in an indirect block, as a shift. */
static unsigned
numbers_shift(const struct ext2_filesystem *fs)
{
    return fs->block_shift - 2;
}

u32
ext2_blocks_most(const struct ext2_filesystem *fs)
{
    unsigned shift = numbers_shift(fs); /* at most 10: the sum stays below 2^31 */
    return EXT2_DIRECT + (1u << shift) + (1u << 2 * shift) + (1u << 3 * shift);
}

bool
ext2_map_begins(const struct ext2_filesystem *fs, u32 block)
{
    return block >= EXT2_DIRECT && ((block - EXT2_DIRECT) & ((1u << numbers_shift(fs)) - 1)) == 0;
}

/* The block alone, when the page it lies in cannot be read: the bad sector may be in a neighbour,
 * which may be another file's. Such pages are not kept. */
static int
read_block_alone(struct ext2_filesystem *fs, u32 block, struct page **page, const void **data)
{
    u32 sectors_shift = fs->block_shift - SECTOR_SHIFT;
    *page = page_alloc();
    if (!*page)
        return -ENOMEM;
    int error = block_read_page(fs->filesystem.disk, (u64)block << sectors_shift,
                                1u << sectors_shift, *page);
    if (error)
        page_put(*page);
    *data = page_address(*page);
    return error;
}

int
ext2_block_get(struct ext2_filesystem *fs, u32 block, struct page **page, const void **data)
{
    return ext2_block_get_ahead(fs, block, 0, page, data);
}

int
ext2_block_get_ahead(struct ext2_filesystem *fs, u32 block, u32 ahead, struct page **page,
                     const void **data)
{
    if (!ext2_blocks_valid(fs, block, 1))
        return ext2_damaged(fs, "block %u does not exist", block);
    unsigned shift = PAGE_SHIFT - fs->block_shift; /* blocks in a page */
    u32 index = block >> shift, last = (block + ahead) >> shift;
    int error = cache_get_run_ahead(&fs->filesystem.disk->object, index, 1, last - index, page);
    if (error == -EIO && shift)
        return read_block_alone(fs, block, page, data);
    if (error)
        return error;
    u32 offset = (block & ((1u << shift) - 1)) << fs->block_shift;
    *data = (const u8 *)page_address(*page) + offset;
    return 0;
}

/* The run at the start of `numbers`, at most `count` of them. */
static int
measure_run(struct ext2_filesystem *fs, const struct ext2_inode *inode, const u32 *numbers,
            u32 count, struct ext2_run *run)
{
    u32 first = numbers[0], length = 1;
    run->physical = first;
    run->count = 1;
    if (first == 0) {
        while (length < count && numbers[length] == 0)
            length++;
    } else {
        if (!ext2_blocks_valid(fs, first, 1))
            return ext2_damaged(fs, "inode %u: block %u does not exist", (u32)inode->inode.number,
                                first);
        u32 most = MIN(count, fs->block_count - first);
        while (length < most && numbers[length] == first + length)
            length++;
    }
    run->count = length;
    return 0;
}

/* How many levels of indirect blocks lie above file block *block; makes *block relative to the
 * first one below that root. More than LEVELS_MOST: the format has no such block. */
static unsigned
find_level(unsigned shift, u32 *block)
{
    unsigned level = 0;
    if (*block < EXT2_DIRECT)
        return 0;
    *block -= EXT2_DIRECT;
    for (level = 1; level <= LEVELS_MOST && *block >> shift * level; level++)
        *block -= 1u << shift * level;
    return level;
}

int
ext2_map(struct ext2_inode *inode, u32 block, u32 count, struct ext2_run *run)
{
    struct ext2_filesystem *fs = ext2_filesystem_of(&inode->inode);
    unsigned shift = numbers_shift(fs);
    u32 relative = block;
    unsigned level = find_level(shift, &relative);
    run->count = count;
    if (level > LEVELS_MOST)
        return ext2_damaged(fs, "inode %u: block %u is beyond the format", (u32)inode->inode.number,
                            block);
    const u32 *numbers = inode->block;
    u32 index = level ? EXT2_DIRECT - 1 + level : relative;
    u32 slots = EXT2_DIRECT;
    struct page *page = NULL;
    int error = 0;
    for (; level > 0; level--) {
        u32 span = 1u << shift * level;
        u32 rest = span - (relative & (span - 1));
        run->physical = 0;
        run->count = MIN(count, rest);
        struct page *above = page;
        u32 number = numbers[index];
        const void *data = NULL;
        if (number != 0)
            error = ext2_block_get(fs, number, &page, &data);
        if (above)
            page_put(above);
        if (number == 0 || error)
            return error;
        numbers = data;
        slots = 1u << shift;
        index = relative >> shift * (level - 1) & (slots - 1);
    }
    error = measure_run(fs, inode, numbers + index, MIN(count, slots - index), run);
    if (page)
        page_put(page);
    return error;
}

int
ext2_map_bytes(struct inode *inode, u64 offset, u32 length, struct direct_run *result)
{
    struct ext2_filesystem *fs = ext2_filesystem_of(inode);
    u32 inside = (u32)offset & (fs->block_size - 1);
    u32 blocks = (inside + length + fs->block_size - 1) >> fs->block_shift;
    struct ext2_run run;
    /* The size, and so the offset, is at most ext2_blocks_most blocks. */
    int error = ext2_map(ext2_inode_of(inode), (u32)(offset >> fs->block_shift), blocks, &run);
    if (error)
        return error;
    *result = (struct direct_run){
        .disk = fs->filesystem.disk,
        .sector = ((u64)run.physical << (fs->block_shift - SECTOR_SHIFT)) + inside / SECTOR_SIZE,
        .length = (run.count << fs->block_shift) - inside,
        .hole = run.physical == 0,
    };
    return 0;
}
