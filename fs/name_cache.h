/* The name cache: (directory, name) -> inode number, so that a path whose inodes are in memory is
 * walked without asking its file system. It holds numbers, not references: an inode it names may
 * leave memory, and dropping either side needs no look at the other. On file systems that never
 * change it also remembers that a name is missing. Only name_cache_drop_all may give way to others. */
#ifndef FS_NAME_CACHE_H
#define FS_NAME_CACHE_H

#include "kernel/types.h"

struct inode;

#define NAME_MISSING 0 /* as a number: known not to exist (no file system numbers an inode 0) */

/* The hash of a name; the path walk makes it while it looks for the name's end. */
#define NAME_HASH_START 2166136261u
static inline u32
name_hash_add(u32 hash, char byte)
{
    return (hash ^ (u8)byte) * 16777619u; /* FNV-1a */
}

bool name_cache_find(const struct inode *directory, const char *name, size_t length, u32 hash,
                     u64 *number);
void name_cache_add(const struct inode *directory, const char *name, size_t length, u32 hash,
                    u64 number);
void name_cache_forget(const struct inode *directory, const char *name, size_t length);
void name_cache_drop_all(void);
u32 name_cache_count(void);
void name_cache_init(void);

#endif
