/* What a walker wants who has listed a directory: the inodes of its entries and the first blocks of its
 * subdirectories. Called by read-ahead fibrils (fs/read_ahead.c) for one page of entries at a time;
 * sleeps. Nothing is said about what cannot be read: whoever wants it will see.
 *
 * The inodes of a directory's entries mostly lie side by side, so the blocks of the inode tables are
 * sorted and read in runs; each run goes on a little, to inodes which a walker wants soon as well. */
#include "fs/cache.h"
#include "fs/ext2/ext2.h"
#include "fs/read_ahead.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/page.h"

#define DIRECTORY_PAGES 16u       /* of a subdirectory */
#define SUBDIRECTORY 0x80000000u  /* beside an inode's number: there are fewer than 2^31 */
#define TYPE_DIRECTORY 2          /* [EXT2] 4.1.1 file_type */

struct entries {
    u32 count;
    u32 numbers[PAGE_SIZE / (EXT2_ENTRY_HEADER + 4)]; /* of the inodes; shorter names do not exist */
};

/* The entries of a page whose records are good, but for `.` and `..`. */
static void
collect_entries(const struct ext2_filesystem *fs, const u8 *base, u32 size, struct entries *entries)
{
    const struct ext2_entry_raw *entry;
    for (u32 offset = 0; offset < size; offset += entry->record_length) {
        entry = (const struct ext2_entry_raw *)(base + offset);
        bool dots = entry->name[0] == '.' &&
                    (entry->name_length == 1 || (entry->name_length == 2 && entry->name[1] == '.'));
        if (entry->inode == 0 || dots || entry->inode >= SUBDIRECTORY)
            continue;
        bool below = fs->typed_entries && entry->type == TYPE_DIRECTORY;
        entries->numbers[entries->count++] = entry->inode | (below ? SUBDIRECTORY : 0);
    }
}

/* Sorts the numbers, which are mostly in order, by inode. */
static void
sort_entries(struct entries *entries)
{
    for (u32 i = 1; i < entries->count; i++) {
        u32 number = entries->numbers[i], place = i;
        for (; place > 0 && (entries->numbers[place - 1] & ~SUBDIRECTORY) > (number & ~SUBDIRECTORY);
             place--)
            entries->numbers[place] = entries->numbers[place - 1];
        entries->numbers[place] = number;
    }
}

/* Pages of the disk to be read as one run. */
struct stretch {
    struct disk *disk;
    u32 first, end;
};

static void
stretch_read(struct stretch *stretch)
{
    if (stretch->end > stretch->first && read_ahead_give_way(stretch->disk) == 0)
        cache_read_ahead(&stretch->disk->object, stretch->first, stretch->end - stretch->first);
}

/* The page is wanted; if it has to be read, then with those behind it, up to `limit`. */
static void
stretch_add(struct stretch *stretch, u32 page, u32 limit)
{
    if (page >= stretch->first && page < stretch->end)
        return;
    if (cache_has(&stretch->disk->object, page))
        return;
    if (stretch->end <= stretch->first || page < stretch->first || page > stretch->end) {
        stretch_read(stretch);
        stretch->first = page;
    }
    stretch->end = MIN(page + 1 + EXT2_TABLE_AHEAD, limit);
}

/* Starts reading the blocks of the inode tables in which the entries' inodes lie. */
static void
read_tables(struct ext2_filesystem *fs, const struct entries *entries)
{
    struct stretch stretch = {.disk = fs->filesystem.disk};
    unsigned shift = PAGE_SHIFT - fs->block_shift;
    u32 group = ~0u, table = 0;
    for (u32 i = 0; i < entries->count; i++) {
        u32 index = (entries->numbers[i] & ~SUBDIRECTORY) - 1;
        if (index / fs->inodes_per_group != group) {
            group = index / fs->inodes_per_group;
            if (ext2_inode_table(fs, group, &table))
                break;
        }
        u32 block = table + (index % fs->inodes_per_group * fs->inode_size >> fs->block_shift);
        u32 last = table + fs->inode_table_blocks - 1;
        stretch_add(&stretch, block >> shift, (last >> shift) + 1);
    }
    stretch_read(&stretch);
}

/* Starts reading the first blocks of the subdirectories; waits for their inodes. */
static void
read_subdirectories(struct ext2_filesystem *fs, const struct entries *entries)
{
    for (u32 i = 0; i < entries->count; i++) {
        struct inode *inode;
        if (!(entries->numbers[i] & SUBDIRECTORY))
            continue;
        if (read_ahead_give_way(fs->filesystem.disk))
            return;
        if (inode_find(&fs->filesystem, entries->numbers[i] & ~SUBDIRECTORY, &inode))
            continue;
        u32 pages = (u32)MIN(DIVIDE_UP(inode->size, (u64)PAGE_SIZE), (u64)DIRECTORY_PAGES);
        if (is_directory(inode) && !ext2_data_is_near(inode))
            cache_read_ahead(&inode->object, 0, pages);
        inode_put(inode);
    }
}

void
ext2_read_ahead(struct inode *directory, u32 index)
{
    struct ext2_filesystem *fs = ext2_filesystem_of(directory);
    struct page *page = cache_peek(&directory->object, index);
    struct entries *entries = page ? heap_alloc(sizeof *entries) : NULL;
    if (entries && ext2_directory_page_checked(page)) {
        u32 left = (u32)directory->size - (index << PAGE_SHIFT);
        collect_entries(fs, page_address(page), MIN(left, PAGE_SIZE), entries);
    }
    if (page)
        page_put(page);
    if (entries && entries->count > 0) {
        sort_entries(entries);
        read_tables(fs, entries);
        read_subdirectories(fs, entries);
    }
    heap_free(entries);
}
