/* The name cache: see name_cache.h. Called by the path walk; the shrinker by the page allocator.
 *
 * Entries lie in a hash table and on a list, oldest first; a hit marks its entry, and the search for
 * one to give up passes a marked one once. */
#include "fs/name_cache.h"

#include "arch.h"
#include "fs/cache.h"
#include "fs/inode.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/list.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/string.h"

#define NAMES_PER_PAGE 64 /* given up for one page that the allocator wants */

struct name_entry {
    struct name_entry *hash_next;
    struct list age_link;
    const struct filesystem *filesystem;
    u64 directory, number;
    u32 hash;
    u8 length;
    bool used;
    char name[];
};

static struct {
    struct name_entry **buckets;
    u32 bucket_mask;
    u32 count, most;
    struct list ages;
} names;

static inline struct name_entry **
bucket_of(const struct inode *directory, u32 hash)
{
    u32 mixed = (hash ^ (u32)directory->number) * 2654435761u;
    return &names.buckets[(mixed >> 8) & names.bucket_mask];
}

static inline bool
name_equal(const char *left, const char *right, size_t length)
{
    while (length-- > 0)
        if (left[length] != right[length])
            return false;
    return true;
}

/* Where the entry is linked, or would be: *place is it or NULL. */
static inline struct name_entry **
entry_find(const struct inode *directory, const char *name, size_t length, u32 hash)
{
    struct name_entry **place = bucket_of(directory, hash), *entry;

    for (; (entry = *place) != NULL; place = &entry->hash_next)
        if (entry->hash == hash && entry->length == length &&
            entry->directory == directory->number && entry->filesystem == directory->filesystem &&
            name_equal(entry->name, name, length))
            break;
    return place;
}

static void
entry_free(struct name_entry **place)
{
    struct name_entry *entry = *place;

    *place = entry->hash_next;
    list_remove(&entry->age_link);
    names.count--;
    heap_free(entry);
}

static void
entry_free_by_age(struct name_entry *entry)
{
    u32 mixed = (entry->hash ^ (u32)entry->directory) * 2654435761u;
    struct name_entry **place = &names.buckets[(mixed >> 8) & names.bucket_mask];

    while (*place != entry)
        place = &(*place)->hash_next;
    entry_free(place);
}

/* Gives up the oldest entries that were not used since they were last looked at. */
static void
names_give_up(u32 wanted)
{
    for (u32 looks = 2 * names.count; looks > 0 && wanted > 0 && names.count > 0; looks--) {
        struct name_entry *entry = list_first(&names.ages, struct name_entry, age_link);
        if (!entry->used) {
            entry_free_by_age(entry);
            wanted--;
            continue;
        }
        entry->used = false;
        list_remove(&entry->age_link);
        list_add_tail(&names.ages, &entry->age_link);
    }
}

bool
name_cache_find(const struct inode *directory, const char *name, size_t length, u32 hash,
                u64 *number)
{
    struct name_entry *entry = *entry_find(directory, name, length, hash);

    if (!entry)
        return false;
    entry->used = true;
    *number = entry->number;
    return true;
}

void
name_cache_add(const struct inode *directory, const char *name, size_t length, u32 hash,
               u64 number)
{
    struct name_entry *entry;

    if (names.count >= names.most)
        names_give_up(1);
    entry = heap_alloc(sizeof *entry + length);
    if (!entry)
        return; /* it is only a cache */
    struct name_entry **place = entry_find(directory, name, length, hash);
    if (*place) {
        (*place)->number = number;
        heap_free(entry);
        return;
    }
    entry->filesystem = directory->filesystem;
    entry->directory = directory->number;
    entry->number = number;
    entry->hash = hash;
    entry->length = (u8)length;
    memcpy(entry->name, name, length);
    entry->hash_next = NULL;
    *place = entry;
    list_add_tail(&names.ages, &entry->age_link);
    names.count++;
}

void
name_cache_forget(const struct inode *directory, const char *name, size_t length)
{
    u32 hash = NAME_HASH_START;

    for (size_t i = 0; i < length; i++)
        hash = name_hash_add(hash, name[i]);
    struct name_entry **place = entry_find(directory, name, length, hash);
    if (*place)
        entry_free(place);
}

void
name_cache_drop_all(void)
{
    /* Those that come in meanwhile are at the new end. */
    for (u32 left = names.count; left > 0 && names.count > 0; left--) {
        entry_free_by_age(list_first(&names.ages, struct name_entry, age_link));
        if (left % 256 == 0 && schedule_point())
            return;
    }
}

u32
name_cache_count(void)
{
    return names.count;
}

static unsigned
names_shrink(unsigned wanted)
{
    u32 free_before = pages_free();

    names_give_up(wanted * NAMES_PER_PAGE);
    return pages_free() - free_before;
}

void
name_cache_init(void)
{
    static struct page_shrinker shrinker = {.shrink = names_shrink};
    u32 buckets = table_size_for(pages_total() / 2, 256, 1u << 17);

    memset(&names, 0, sizeof names);
    list_init(&names.ages);
    names.buckets = heap_alloc(buckets * sizeof *names.buckets);
    if (!names.buckets)
        panic("no memory for the name table");
    names.bucket_mask = buckets - 1;
    names.most = MAX(256, pages_total());
    page_register_shrinker(&shrinker);
}
