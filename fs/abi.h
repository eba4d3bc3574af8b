/* Structures of files that user programs share with the kernel: Linux/i386's (include/uapi of
 * Linux: asm/stat.h, linux/dirent.h, asm-generic/{poll,statfs,fcntl}.h). */
#ifndef FS_ABI_H
#define FS_ABI_H

#include "kernel/types.h"

struct abi_stat64 {
    u64 device;
    u32 pad0;
    u32 inode_low; /* the number's low 32 bits */
    u32 mode, links, uid, gid;
    u32 special_device_low, special_device_high; /* a 64-bit word at 4-byte alignment, as all here */
    u32 pad3;
    u32 size_low, size_high;
    u32 block_size;
    u32 blocks_low, blocks_high; /* of 512 bytes */
    u32 accessed, accessed_ns, modified, modified_ns, changed, changed_ns;
    u32 inode_number_low, inode_number_high;
};
_Static_assert(sizeof(struct abi_stat64) == 96, "struct stat64");
_Static_assert(offsetof(struct abi_stat64, mode) == 16, "struct stat64: st_mode");
_Static_assert(offsetof(struct abi_stat64, special_device_low) == 32, "struct stat64: st_rdev");
_Static_assert(offsetof(struct abi_stat64, size_low) == 44, "struct stat64: st_size");
_Static_assert(offsetof(struct abi_stat64, blocks_low) == 56, "struct stat64: st_blocks");
_Static_assert(offsetof(struct abi_stat64, accessed) == 64, "struct stat64: st_atime");
_Static_assert(offsetof(struct abi_stat64, inode_number_low) == 88, "struct stat64: st_ino");

/* What stat, lstat and fstat of 2.0 give: asm/stat.h's struct stat. */
struct abi_stat {
    u32 device, inode;
    u16 mode, links, uid, gid;
    u32 special_device, size, block_size, blocks;
    u32 accessed, accessed_ns, modified, modified_ns, changed, changed_ns;
    u32 unused[2];
};
_Static_assert(sizeof(struct abi_stat) == 64, "struct stat");

/* And those of before: struct __old_kernel_stat. */
struct abi_stat_oldest {
    u16 device, inode, mode, links, uid, gid, special_device;
    u32 size, accessed, modified, changed;
};
_Static_assert(sizeof(struct abi_stat_oldest) == 32, "struct __old_kernel_stat");

struct abi_statx_time {
    u32 seconds_low, seconds_high, nanoseconds, pad;
};
struct abi_statx { /* linux/stat.h */
    u32 mask, block_size;
    u32 attributes_low, attributes_high;
    u32 links, uid, gid;
    u16 mode, pad;
    u32 inode_low, inode_high, size_low, size_high, blocks_low, blocks_high;
    u32 attributes_mask_low, attributes_mask_high;
    struct abi_statx_time accessed, born, changed, modified;
    u32 special_major, special_minor, device_major, device_minor;
    u32 mount_low, mount_high, spare[26];
};
_Static_assert(sizeof(struct abi_statx) == 256, "struct statx");
_Static_assert(offsetof(struct abi_statx, accessed) == 64, "struct statx: stx_atime");

/* linux_dirent64; the name and its zero follow the 19 bytes, the record is padded to 8. */
struct abi_dirent64 {
    u32 inode_low, inode_high;
    u32 offset_low, offset_high;
    u16 record_length;
    u8 type;
    char name[];
};
_Static_assert(offsetof(struct abi_dirent64, name) == 19, "struct linux_dirent64");

/* linux_dirent: the type follows the name's zero at the record's last byte; padded to 4. */
struct abi_dirent {
    u32 inode, offset;
    u16 record_length;
    char name[];
};
_Static_assert(offsetof(struct abi_dirent, name) == 10, "struct linux_dirent");

struct abi_pollfd {
    s32 fd;
    s16 events, revents;
};
_Static_assert(sizeof(struct abi_pollfd) == 8, "struct pollfd");

struct abi_iovec {
    u32 base, length;
};
_Static_assert(sizeof(struct abi_iovec) == 8, "struct iovec");

struct abi_statfs64 {
    u32 type, block_size;
    u32 blocks[2], blocks_free[2], blocks_available[2], files[2], files_free[2]; /* low, high */
    u32 id[2];
    u32 name_length, fragment_size, flags, spare[4];
};
_Static_assert(sizeof(struct abi_statfs64) == 84, "struct statfs64");

struct abi_statfs {
    u32 type, block_size, blocks, blocks_free, blocks_available, files, files_free, id[2];
    u32 name_length, fragment_size, flags, spare[4];
};
_Static_assert(sizeof(struct abi_statfs) == 64, "struct statfs");

struct abi_timespec { /* with a 32-bit time_t */
    s32 seconds, nanoseconds;
};

struct abi_timespec64 {
    s64 seconds;
    s32 nanoseconds, padding;
};

struct abi_timeval {
    s32 seconds, microseconds;
};

#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR 0x200
#define AT_SYMLINK_FOLLOW 0x400
#define AT_EACCESS 0x200
#define AT_EMPTY_PATH 0x1000
#define AT_NO_AUTOMOUNT 0x800

#define AT_STATX_SYNC_TYPE 0x6000

struct abi_flock { /* asm-generic/fcntl.h: struct flock, struct flock64 */
    s16 type, whence;
    s32 start, length;
    s32 pid;
};
struct abi_flock64 {
    s16 type, whence;
    u32 start_low, start_high, length_low, length_high;
    s32 pid;
};
_Static_assert(sizeof(struct abi_flock) == 16 && sizeof(struct abi_flock64) == 24, "struct flock");

#define F_DUPFD 0
#define F_GETFD 1
#define F_SETFD 2
#define F_GETFL 3
#define F_SETFL 4
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7
#define F_SETOWN 8
#define F_GETOWN 9
#define F_SETSIG 10
#define F_GETSIG 11
#define F_GETLK64 12
#define F_SETLK64 13
#define F_SETLKW64 14
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#define F_DUPFD_CLOEXEC 1030
#define F_SETPIPE_SZ 1031
#define F_GETPIPE_SZ 1032
#define FD_CLOEXEC 1

#define IOV_MAX 1024

#endif
