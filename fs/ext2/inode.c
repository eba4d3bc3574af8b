/* From an inode's number to struct inode, [EXT2] 3.5 and 3.6: the inode cache (fs/inode.c) calls
 * inode_read on the fibril that wants it; it sleeps to read the descriptor and the table's
 * block. */
#include "fs/cache.h"
#include "fs/ext2/ext2.h"
#include "fs/file.h"
#include "fs/read_ahead.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/string.h"

static struct pool inode_pool = POOL_INIT("ext2_inode", struct ext2_inode);
static const struct inode_ops no_ops; /* special files */
static const struct inode_ops regular_ops = {.map = ext2_map_bytes};

static struct inode *
ext2_inode_alloc(struct filesystem *filesystem)
{
    struct ext2_inode *inode = pool_alloc(&inode_pool);
    if (!inode)
        return NULL;
    cache_object_init(&inode->inode.object, &ext2_data_ops);
    inode->inode.object.disk = filesystem->disk;
    return &inode->inode;
}

static void
ext2_inode_free(struct inode *inode)
{
    pool_free(&inode_pool, ext2_inode_of(inode));
}

/* A time stamp; `extra` widens it to 34 bits and nanoseconds. */
#define set_time(time, base, extra)                                                                \
    do {                                                                                           \
        (time).seconds = (s32)(base) + ((s64)((extra)&3) << 32);                                   \
        (time).nanoseconds = (extra) >> 2 < 1000000000u ? (extra) >> 2 : 0;                        \
    } while (0)

static void
read_times(const struct ext2_filesystem *fs, struct inode *inode, const struct ext2_inode_raw *raw)
{
    u32 access = 0, change = 0, modify = 0;
    if (fs->inode_size > EXT2_OLD_INODE_SIZE && raw->extra_size % 4 == 0 &&
        raw->extra_size <= fs->inode_size - EXT2_OLD_INODE_SIZE &&
        EXT2_OLD_INODE_SIZE + raw->extra_size >= sizeof(*raw)) {
        access = raw->access_time_extra;
        change = raw->change_time_extra;
        modify = raw->modify_time_extra;
    }
    set_time(inode->accessed, raw->access_time, access);
    set_time(inode->changed, raw->change_time, change);
    set_time(inode->modified, raw->modify_time, modify);
}

/* Linux's numbers: the first slot has the old form, major << 8 | minor; if it is 0, the second has
 * the new one, in which bits 20 to 31 extend the minor. Both are what st_rdev shows. */
static u32
device_number(const struct ext2_inode_raw *raw)
{
    return raw->block[0] ? raw->block[0] & 0xffff : raw->block[1];
}

static int
check_directory(struct ext2_filesystem *fs, struct inode *inode)
{
    if (inode->size == 0 || (inode->size & (fs->block_size - 1)) != 0 ||
        inode->size >> fs->block_shift > fs->block_count)
        return ext2_damaged(fs, "inode %u: a directory of %u bytes", (u32)inode->number,
                            (u32)inode->size);
    inode->ops = &ext2_directory_ops;
    inode->file_ops = &file_directory_ops;
    return 0;
}

static int
check_regular(struct ext2_filesystem *fs, struct inode *inode, const struct ext2_inode_raw *raw)
{
    if (fs->revision != 0)
        inode->size |= (u64)raw->size_high << 32;
    if (inode->size > (u64)ext2_blocks_most(fs) << fs->block_shift)
        return ext2_damaged(fs, "inode %u: a file of 0x%x%08x bytes", (u32)inode->number,
                            (u32)(inode->size >> 32), (u32)inode->size);
    inode->ops = &regular_ops;
    inode->file_ops = &file_regular_ops;
    return 0;
}

/* What depends on the type. */
static int
read_type(struct ext2_filesystem *fs, struct inode *inode, const struct ext2_inode_raw *raw)
{
    inode->ops = &no_ops;
    switch (inode->mode & MODE_TYPE) {
    case MODE_DIRECTORY:
        return check_directory(fs, inode);
    case MODE_REGULAR:
        return check_regular(fs, inode, raw);
    case MODE_SYMLINK:
        inode->ops = &ext2_symlink_ops;
        /* A fast one has no block but perhaps one of extended attributes. */
        ext2_inode_of(inode)->fast_symlink =
            raw->sectors == (raw->attributes ? fs->block_size / SECTOR_SIZE : 0);
        return 0;
    case MODE_CHARACTER:
    case MODE_BLOCK:
        inode->device = device_number(raw);
        return 0;
    case MODE_FIFO:
    case MODE_SOCKET:
        return 0;
    default:
        return ext2_damaged(fs, "inode %u: mode 0x%x", (u32)inode->number, inode->mode);
    }
}

static int
fill(struct ext2_filesystem *fs, struct inode *inode, const struct ext2_inode_raw *raw)
{
    if (raw->links == 0)
        return ext2_damaged(fs, "inode %u is in use without a link", (u32)inode->number);
    inode->mode = raw->mode;
    inode->links = raw->links;
    inode->uid = raw->uid | (fs->wide_owners ? (u32)raw->uid_high << 16 : 0);
    inode->gid = raw->gid | (fs->wide_owners ? (u32)raw->gid_high << 16 : 0);
    inode->size = raw->size;
    inode->sectors = raw->sectors;
    memcpy(ext2_inode_of(inode)->block, raw->block, sizeof(raw->block));
    read_times(fs, inode, raw);
    if (inode->number == EXT2_ROOT_INODE && !is_directory(inode))
        return ext2_damaged(fs, "the root has mode 0x%x", inode->mode);
    return read_type(fs, inode, raw);
}

static int
ext2_inode_read(struct inode *inode)
{
    struct ext2_filesystem *fs = ext2_filesystem_of(inode);
    if (inode->number > UINT32_MAX || !ext2_inode_number_valid(fs, (u32)inode->number))
        return ext2_damaged(fs, "inode %u does not exist", (u32)inode->number);
    u32 index = (u32)inode->number - 1;
    u32 block;
    int error = ext2_inode_table(fs, index / fs->inodes_per_group, &block);
    if (error)
        return error;
    /* A block holds a whole number of inodes. */
    u32 offset = index % fs->inodes_per_group * fs->inode_size;
    u32 inside = offset >> fs->block_shift;
    u32 ahead = read_ahead_enabled() ? MIN(fs->inode_table_blocks - 1 - inside, EXT2_TABLE_AHEAD) : 0;
    struct page *page;
    const void *data;
    error = ext2_block_get_ahead(fs, block + inside, ahead, &page, &data);
    if (error)
        return error;
    error = fill(fs, inode, (const void *)((const u8 *)data + (offset & (fs->block_size - 1))));
    page_put(page);
    return error;
}

const struct filesystem_ops ext2_filesystem_ops = {
    .inode_alloc = ext2_inode_alloc,
    .inode_read = ext2_inode_read,
    .inode_free = ext2_inode_free,
    .statistics = ext2_statistics,
};
