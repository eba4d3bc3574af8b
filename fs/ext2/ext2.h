/* ext2, the read path: the format on disk and what the files of this folder share.
 *
 *     super.c      mount: superblock, features, geometry; group descriptors
 *     inode.c      an inode's number -> struct inode
 *     block_map.c  (inode, block, count) -> runs of disk blocks
 *     data.c       pages of an inode's contents -> block requests
 *     directory.c  lookup and reading of directories
 *     symlink.c    targets of symbolic links
 *     read_ahead.c what a walker will want next
 *
 * Metadata is read through the disk's own pages (ext2_block_get), contents through the inode's;
 * there is no other buffer. Nothing is ever written. Every number from the disk is checked against
 * the geometry before it is used; a damaged one is -EUCLEAN and a line in the log.
 *
 * [EXT2] is Dave Poirier, "The Second Extended File System: Internal Layout". All numbers on disk
 * are little-endian, as the processor's are; records lie at multiples of 4, so they are read in
 * place. */
#ifndef FS_EXT2_EXT2_H
#define FS_EXT2_EXT2_H

#include "drivers/block.h"
#include "fs/inode.h"
#include "kernel/log.h"
#include "kernel/types.h"

/* ---- On disk: the superblock, 1024 bytes from the start, [EXT2] 3.1 ---- */

#define EXT2_SUPER_OFFSET 1024u
#define EXT2_MAGIC 0xef53
#define EXT2_ROOT_INODE 2u

struct ext2_super_raw {
    u32 inode_count;       /* 0 */
    u32 block_count;       /* 4 */
    u32 reserved_blocks;   /* 8 */
    u32 free_blocks;       /* 12 */
    u32 free_inodes;       /* 16 */
    u32 first_data_block;  /* 20: 1 with blocks of 1 KiB, else 0 */
    u32 block_size_shift;  /* 24: block size is 1024 << this */
    u32 fragment_shift;    /* 28 */
    u32 blocks_per_group;  /* 32 */
    u32 fragments_per_group; /* 36 */
    u32 inodes_per_group;  /* 40 */
    u32 mount_time;        /* 44 */
    u32 write_time;        /* 48 */
    u16 mount_count;       /* 52 */
    u16 mount_count_most;  /* 54 */
    u16 magic;             /* 56 */
    u16 state;             /* 58 */
    u16 on_errors;         /* 60 */
    u16 minor_revision;    /* 62 */
    u32 check_time;        /* 64 */
    u32 check_interval;    /* 68 */
    u32 creator;           /* 72 */
    u32 revision;          /* 76: 0, or 1 ("dynamic") */
    u16 reserved_uid;      /* 80 */
    u16 reserved_gid;      /* 82 */
    /* From revision 1 on: */
    u32 first_inode;       /* 84: the first that is not reserved */
    u16 inode_size;        /* 88 */
    u16 group_number;      /* 90: of this copy */
    u32 features_compatible;   /* 92: unknown ones do no harm */
    u32 features_incompatible; /* 96: unknown ones forbid the mount */
    u32 features_read_only;    /* 100: unknown ones forbid writing only */
};

enum ext2_creator { EXT2_CREATOR_LINUX = 0, EXT2_CREATOR_HURD = 1 };

#define EXT2_REVISION_DYNAMIC 1u
#define EXT2_OLD_FIRST_INODE 11u /* of revision 0, [EXT2] 3.1 s_first_ino */
#define EXT2_OLD_INODE_SIZE 128u /* of revision 0, [EXT2] 3.1 s_inode_size */

/* features_incompatible, [EXT2] 3.1 s_feature_incompat: entries carry the file's type. */
#define EXT2_INCOMPATIBLE_FILE_TYPE 0x2u

/* ---- On disk: a block group's descriptor, [EXT2] 3.2 ---- */

struct ext2_group_raw {
    u32 block_bitmap;      /* 0 */
    u32 inode_bitmap;      /* 4 */
    u32 inode_table;       /* 8: its first block */
    u16 free_blocks;       /* 12 */
    u16 free_inodes;       /* 14 */
    u16 directories;       /* 16 */
    u16 pad;               /* 18 */
    u32 reserved[3];       /* 20 */
};

/* ---- On disk: an inode, [EXT2] 3.5 ---- */

#define EXT2_DIRECT 12 /* block numbers in the inode; then single, double and triple indirect */
#define EXT2_SLOTS 15

struct ext2_inode_raw {
    u16 mode;              /* 0 */
    u16 uid;               /* 2: low half */
    u32 size;              /* 4: low half */
    u32 access_time;       /* 8: seconds since 1970, signed */
    u32 change_time;       /* 12 */
    u32 modify_time;       /* 16 */
    u32 deletion_time;     /* 20 */
    u16 gid;               /* 24: low half */
    u16 links;             /* 26 */
    u32 sectors;           /* 28: of 512 bytes, indirect blocks included */
    u32 flags;             /* 32 */
    u32 os1;               /* 36 */
    u32 block[EXT2_SLOTS]; /* 40 */
    u32 generation;        /* 100 */
    u32 attributes;        /* 104: block of extended attributes */
    u32 size_high;         /* 108: of regular files, revision 1 */
    u32 fragment;          /* 112 */
    u16 os2_fragment;      /* 116 */
    u16 os2_pad;           /* 118 */
    u16 uid_high;          /* 120 (Linux, Hurd) */
    u16 gid_high;          /* 122 */
    u32 os2_reserved;      /* 124 */
    /* In inodes larger than 128 bytes (Linux, Documentation/filesystems/ext4/inodes.rst): */
    u16 extra_size;        /* 128: bytes in use behind offset 128 */
    u16 checksum_high;     /* 130 */
    u32 change_time_extra; /* 132: nanoseconds << 2 | bits 32 and 33 of the seconds */
    u32 modify_time_extra; /* 136 */
    u32 access_time_extra; /* 140 */
};

/* ---- On disk: a directory entry, [EXT2] 4.1 ---- */

struct ext2_entry_raw {
    u32 inode;         /* 0: 0 if the entry is unused */
    u16 record_length; /* 4: to the next entry, a multiple of 4 */
    u8 name_length;    /* 6 */
    u8 type;           /* 7: with EXT2_INCOMPATIBLE_FILE_TYPE */
    char name[];       /* 8: no zero behind it */
};
#define EXT2_ENTRY_HEADER 8u

_Static_assert(offsetof(struct ext2_super_raw, magic) == 56, "superblock");
_Static_assert(offsetof(struct ext2_super_raw, features_read_only) == 100, "superblock");
_Static_assert(sizeof(struct ext2_group_raw) == 32, "group descriptor");
_Static_assert(offsetof(struct ext2_inode_raw, block) == 40, "inode");
_Static_assert(offsetof(struct ext2_inode_raw, extra_size) == EXT2_OLD_INODE_SIZE, "inode");
_Static_assert(offsetof(struct ext2_entry_raw, name) == EXT2_ENTRY_HEADER, "entry");

/* ---- In memory ---- */

struct ext2_filesystem {
    struct filesystem filesystem; /* first */
    /* Immutable, checked at mount: */
    u32 block_size; /* 1024, 2048 or 4096 */
    u32 block_shift;
    u32 first_block; /* the lowest number that may hold anything but superblock and descriptors */
    u32 block_count; /* numbers from this on do not exist */
    u32 descriptor_block; /* where the group descriptors begin */
    u32 inode_count;
    u32 first_inode; /* lower ones but the root are reserved */
    u32 inodes_per_group;
    u32 inode_size;
    u32 inode_table_blocks; /* of each group */
    u32 revision;
    u32 free_blocks, free_inodes; /* as the superblock says */
    bool wide_owners; /* owners have high halves */
    bool typed_entries;
    /* Of the group asked for last (super.c); changed without sleeping. 0: of none. */
    u32 known_group, known_table;
};

struct ext2_inode {
    struct inode inode; /* first */
    /* Immutable once valid: numbers of blocks, or the target of a fast symbolic link, or a
     * device. */
    u32 block[EXT2_SLOTS];
    bool fast_symlink;
    /* Of a directory, changed without sleeping (directory.c): */
    u32 parent;          /* the directory that it was found in; 0: not yet looked up */
    u32 lookup_position; /* behind the entry found last: where the next lookup begins */
    u32 read_position;   /* where the last reader stopped: known to be an entry's start */
};

static inline struct ext2_filesystem *
ext2_filesystem_of(const struct inode *inode)
{
    return container_of(inode->filesystem, struct ext2_filesystem, filesystem);
}

static inline struct ext2_inode *
ext2_inode_of(struct inode *inode)
{
    return container_of(inode, struct ext2_inode, inode);
}

/* May `count` blocks from `block` on hold data or metadata? */
static inline bool
ext2_blocks_valid(const struct ext2_filesystem *fs, u32 block, u32 count)
{
    return block >= fs->first_block && block < fs->block_count && count <= fs->block_count - block;
}

/* May a directory entry name this inode? */
static inline bool
ext2_inode_number_valid(const struct ext2_filesystem *fs, u32 number)
{
    return number <= fs->inode_count && (number >= fs->first_inode || number == EXT2_ROOT_INODE);
}

/* What is wrong with the disk, for the log: a few of each kind. Gives -EUCLEAN. */
#define ext2_damaged(fs, format, ...)                                                              \
    ({                                                                                             \
        log_limited(8, "ext2 %s: " format, (fs)->filesystem.disk->name, ##__VA_ARGS__);            \
        -EUCLEAN;                                                                                  \
    })

/* A metadata block, through the disk's pages: *page is referenced, *data the block inside it.
 * Sleeps. -EUCLEAN if there can be no such block, and the errors of cache_get. */
int ext2_block_get(struct ext2_filesystem *fs, u32 block, struct page **page,
                   const void **data) MUST_CHECK;
/* The same, and up to `ahead` blocks behind it are read along, if nobody has asked for them yet. */
int ext2_block_get_ahead(struct ext2_filesystem *fs, u32 block, u32 ahead, struct page **page,
                         const void **data) MUST_CHECK;

/* super.c: the descriptor's number of the first block of a group's inode table, checked. Sleeps. */
int ext2_inode_table(struct ext2_filesystem *fs, u32 group, u32 *block) MUST_CHECK;

/* Whoever wants an inode mostly wants its neighbours next: so many further blocks of the table are read
 * along. */
#define EXT2_TABLE_AHEAD 15u

/* inode.c */
extern const struct filesystem_ops ext2_filesystem_ops;
void ext2_statistics(struct filesystem *filesystem, struct filesystem_statistics *statistics);

/* block_map.c: how many blocks a file can have. */
u32 ext2_blocks_most(const struct ext2_filesystem *fs);

/* A stretch of a file whose blocks follow each other on the disk, or a hole. */
struct ext2_run {
    u32 physical; /* the first block on the disk; 0: a hole */
    u32 count;    /* blocks, at least 1 */
};
/* The run that begins at block `block` of the inode, no longer than `count` (> 0). Sleeps. On
 * errors too run->count is set: so many blocks cannot be found for the same reason. -EUCLEAN, -EIO,
 * -ENOMEM or why the fibril was cancelled. */
int ext2_map(struct ext2_inode *inode, u32 block, u32 count, struct ext2_run *run) MUST_CHECK;

/* As inode_ops' map. `offset` is a multiple of 512. */
int ext2_map_bytes(struct inode *inode, u64 offset, u32 length, struct direct_run *run);
/* Is this file block the first whose number stands in another indirect block than the one before it?
 * So ext2_map may have to read. */
bool ext2_map_begins(const struct ext2_filesystem *fs, u32 block);

extern const struct cache_object_ops ext2_data_ops;    /* data.c */
/* data.c: has the first page of the contents been read along with something else, so that getting it
 * takes no request? */
bool ext2_data_is_near(struct inode *inode);
extern const struct inode_ops ext2_directory_ops;      /* directory.c */
/* directory.c: have all records of this page been found good? */
bool ext2_directory_page_checked(const struct page *page);
void ext2_read_ahead(struct inode *directory, u32 index); /* read_ahead.c: see struct inode_ops */
extern const struct inode_ops ext2_symlink_ops;        /* symlink.c */

#endif
