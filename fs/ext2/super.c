/* Mounting: the superblock's numbers are checked against each other and against the size of the
 * disk, so that the rest may rely on them; group descriptors are read when they are needed. Called
 * through struct filesystem_type by whoever mounts; may sleep. Read-only: the state and the mount
 * counts of the superblock do not matter, and features that only forbid writing are not looked
 * at. */
#include "fs/ext2/ext2.h"
#include "fs/cache.h"
#include "fs/ext2/ext2_fs.h"
#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/page.h"

/* Names of the bits of features_incompatible ([EXT2] 3.1 s_feature_incompat; from 0x10 on those of
 * ext4, Linux, Documentation/filesystems/ext4/super.rst), in mke2fs' words; NULL: not in use. */
static const char *const incompatible_names[] = {
    "compression", "filetype", "needs_recovery", "journal_dev", "meta_bg", NULL, "extent", "64bit",
    "mmp", "flex_bg", "ea_inode", NULL, "dirdata", "metadata_csum_seed", "large_dir", "inline_data",
    "encrypt", "casefold",
};

/* Refuses features that change what we read, by name. */
static int
check_features(const struct disk *disk, const struct ext2_super_raw *super)
{
    u32 unknown = super->features_incompatible & ~EXT2_INCOMPATIBLE_FILE_TYPE;
    if (super->revision == 0 || unknown == 0)
        return 0;
    char names[128];
    size_t length = 0;
    for (unsigned bit = 0; bit < 32; bit++) {
        if (!(unknown & 1u << bit))
            continue;
        const char *name = bit < ARRAY_SIZE(incompatible_names) ? incompatible_names[bit] : NULL;
        if (name)
            length += format_string(names + length, sizeof(names) - length, " %s", name);
        else
            length += format_string(names + length, sizeof(names) - length, " bit-%u", bit);
    }
    log_line("ext2 %s: not mounted, needs features that are not supported:%s", disk->name, names);
    return -EOPNOTSUPP;
}

static int
refuse(const struct disk *disk, const char *what, u32 number)
{
    log_line("ext2 %s: not mounted, damaged superblock: %s %u", disk->name, what, number);
    return -EUCLEAN;
}

/* Blocks: their size and number, and where the group descriptors lie. */
static int
check_blocks(struct ext2_filesystem *fs, const struct disk *disk,
             const struct ext2_super_raw *super)
{
    if (super->block_size_shift > 2) {
        if (super->block_size_shift > 6) /* [EXT2] 3.1: no system has more than 64 KiB */
            return refuse(disk, "block size 1024 <<", super->block_size_shift);
        log_line("ext2 %s: not mounted, blocks of %u KiB are not supported", disk->name,
                 1u << super->block_size_shift);
        return -EOPNOTSUPP;
    }
    fs->block_shift = 10 + super->block_size_shift;
    fs->block_size = 1u << fs->block_shift;
    fs->block_count = super->block_count;
    /* They begin in the block behind the superblock's, [EXT2] 3.2. */
    fs->descriptor_block = EXT2_SUPER_OFFSET / fs->block_size + 1;
    if (super->first_data_block > EXT2_SUPER_OFFSET / fs->block_size)
        return refuse(disk, "first data block", super->first_data_block);
    if (super->block_count <= fs->descriptor_block)
        return refuse(disk, "number of blocks", super->block_count);
    if ((u64)super->block_count << (fs->block_shift - 9) > disk->sectors)
        return refuse(disk, "more blocks than the disk has,", super->block_count);
    return 0;
}

/* Groups: how many there are follows from the blocks, and must agree with the inodes. */
static int
check_groups(struct ext2_filesystem *fs, const struct disk *disk,
             const struct ext2_super_raw *super)
{
    /* A group's bitmaps fill a block at most, [EXT2] 3.3 and 3.4. (A block of the block bitmap may
     * stand for clusters of blocks, so its size is not compared.) */
    if (super->blocks_per_group == 0)
        return refuse(disk, "blocks per group", super->blocks_per_group);
    if (super->inodes_per_group == 0 || super->inodes_per_group > 8 * fs->block_size)
        return refuse(disk, "inodes per group", super->inodes_per_group);
    u32 blocks = super->block_count - super->first_data_block;
    u32 groups = (blocks - 1) / super->blocks_per_group + 1;
    u32 per_block = fs->block_size / (u32)sizeof(struct ext2_group_raw);
    u32 descriptor_blocks = (groups - 1) / per_block + 1;
    if (descriptor_blocks >= super->block_count - fs->descriptor_block)
        return refuse(disk, "number of groups", groups);
    fs->first_block = fs->descriptor_block + descriptor_blocks;
    if (super->inode_count < fs->first_inode ||
        super->inode_count != (u64)groups * super->inodes_per_group)
        return refuse(disk, "number of inodes", super->inode_count);
    fs->inode_count = super->inode_count;
    fs->inodes_per_group = super->inodes_per_group;
    /* At most 8 * block_size inodes of block_size bytes: no overflow. */
    u32 table_bytes = super->inodes_per_group * fs->inode_size;
    fs->inode_table_blocks = (table_bytes - 1) / fs->block_size + 1;
    return 0;
}

static int
check_inodes(struct ext2_filesystem *fs, const struct disk *disk,
             const struct ext2_super_raw *super)
{
    fs->inode_size = EXT2_OLD_INODE_SIZE;
    fs->first_inode = EXT2_OLD_FIRST_INODE;
    if (super->revision == 0)
        return 0;
    fs->inode_size = super->inode_size;
    fs->first_inode = super->first_inode;
    if (fs->inode_size < EXT2_OLD_INODE_SIZE || fs->inode_size > fs->block_size ||
        (fs->inode_size & (fs->inode_size - 1)) != 0)
        return refuse(disk, "inode size", fs->inode_size);
    if (fs->first_inode < EXT2_OLD_FIRST_INODE)
        return refuse(disk, "first inode", fs->first_inode);
    return 0;
}

static int
check_super(struct ext2_filesystem *fs, const struct disk *disk,
            const struct ext2_super_raw *super)
{
    if (super->revision > EXT2_REVISION_DYNAMIC) {
        log_line("ext2 %s: not mounted, revision %u is not supported", disk->name, super->revision);
        return -EOPNOTSUPP;
    }
    int error = check_features(disk, super);
    if (!error)
        error = check_blocks(fs, disk, super);
    if (!error)
        error = check_inodes(fs, disk, super);
    if (!error)
        error = check_groups(fs, disk, super);
    if (error)
        return error;
    fs->revision = super->revision;
    fs->typed_entries = super->revision != 0 &&
                        (super->features_incompatible & EXT2_INCOMPATIBLE_FILE_TYPE);
    fs->wide_owners = super->creator == EXT2_CREATOR_LINUX || super->creator == EXT2_CREATOR_HURD;
    fs->free_blocks = MIN(super->free_blocks, fs->block_count);
    fs->free_inodes = MIN(super->free_inodes, fs->inode_count);
    return 0;
}

static int
read_super(struct ext2_filesystem *fs, struct disk *disk)
{
    if (disk->sectors < (EXT2_SUPER_OFFSET + 1024) / SECTOR_SIZE)
        return -EINVAL;
    struct page *page;
    int error = cache_get(&disk->object, EXT2_SUPER_OFFSET >> PAGE_SHIFT, &page);
    if (error)
        return error;
    const struct ext2_super_raw *super =
        (const void *)((const u8 *)page_address(page) + EXT2_SUPER_OFFSET);
    error = super->magic == EXT2_MAGIC ? check_super(fs, disk, super) : -EINVAL;
    page_put(page);
    return error;
}

/* Reads from the group's descriptor where its inode table begins. */
static int
read_inode_table(struct ext2_filesystem *fs, u32 group, u32 *block)
{
    u32 per_block = fs->block_size / (u32)sizeof(struct ext2_group_raw);
    u32 descriptors = fs->descriptor_block + group / per_block;
    unsigned shift = PAGE_SHIFT - fs->block_shift;
    struct page *page;
    int error = cache_get(&fs->filesystem.disk->object, descriptors >> shift, &page);
    if (error)
        return error;
    u32 offset = (descriptors & ((1u << shift) - 1)) << fs->block_shift;
    const struct ext2_group_raw *raw = (const void *)((const u8 *)page_address(page) + offset);
    *block = raw[group % per_block].inode_table;
    page_put(page);
    if (!ext2_blocks_valid(fs, *block, fs->inode_table_blocks))
        return ext2_damaged(fs, "group %u: no inode table can begin at block %u", group, *block);
    fs->known_group = group;
    fs->known_table = *block;
    return 0;
}

int
ext2_inode_table(struct ext2_filesystem *fs, u32 group, u32 *block)
{
    if (unlikely(fs->known_group != group || fs->known_table == 0))
        return read_inode_table(fs, group, block);
    *block = fs->known_table;
    return 0;
}

void
ext2_statistics(struct filesystem *filesystem, struct filesystem_statistics *statistics)
{
    const struct ext2_filesystem *fs = container_of(filesystem, struct ext2_filesystem, filesystem);
    *statistics = (struct filesystem_statistics){
        .magic = EXT2_MAGIC,
        .block_size = fs->block_size,
        .blocks = fs->block_count,
        .blocks_free = fs->free_blocks,
        .inodes = fs->inode_count,
        .inodes_free = fs->free_inodes,
    };
}

static int
ext2_mount(struct disk *disk, struct filesystem **filesystem)
{
    struct ext2_filesystem *fs = heap_alloc(sizeof(*fs));
    if (!fs)
        return -ENOMEM;
    int error = read_super(fs, disk);
    if (!error) {
        fs->filesystem.type = "ext2";
        fs->filesystem.ops = &ext2_filesystem_ops;
        fs->filesystem.disk = disk;
        fs->filesystem.device = disk->id;
        fs->filesystem.read_only = true;
        error = inode_find(&fs->filesystem, EXT2_ROOT_INODE, &fs->filesystem.root);
    }
    if (error) {
        heap_free(fs);
        return error;
    }
    *filesystem = &fs->filesystem;
    return 0;
}

static struct filesystem_type ext2_type = {.name = "ext2", .mount = ext2_mount};

void
ext2_init(void)
{
    filesystem_register(&ext2_type);
}
