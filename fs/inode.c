/* The inode cache, and the list of file system types.
 *
 * One table finds an inode in memory by (file system, number). Whoever is the first to want one makes
 * it and reads it; those who want it meanwhile wait. An inode that nobody references stays in the
 * table and on a list, oldest first, until there are too many of them, memory is wanted, or
 * drop_caches takes them; one without links goes at once. */
#include "fs/inode.h"

#include "arch.h"
#include "fs/cache.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/wait.h"

#define QUEUES 64
#define INODES_PER_PAGE 8 /* given up for one page that the allocator wants */

static struct {
    struct inode **buckets;
    u32 bucket_mask;
    u32 unused_most;
    struct list unused; /* oldest first */
    struct inode_statistics statistics;
    struct wait_queue queues[QUEUES]; /* of those who wait for an inode to be read, by inode */
    struct filesystem_type *types;
} inodes;

static inline struct inode **
bucket_of(const struct filesystem *filesystem, u64 number)
{
    u32 hash = (u32)(uintptr_t)filesystem / 16 + (u32)number + (u32)(number >> 32);
    return &inodes.buckets[(hash * 2654435761u >> 8) & inodes.bucket_mask];
}

static inline struct inode *
table_find(const struct filesystem *filesystem, u64 number)
{
    struct inode *inode = *bucket_of(filesystem, number);
    while (inode && (inode->number != number || inode->filesystem != filesystem))
        inode = inode->hash_next;
    return inode;
}

static void
table_insert(struct inode *inode)
{
    struct inode **bucket = bucket_of(inode->filesystem, inode->number);
    inode->hash_next = *bucket;
    *bucket = inode;
    inodes.statistics.inodes++;
}

static void
table_remove(struct inode *inode)
{
    struct inode **place = bucket_of(inode->filesystem, inode->number);
    while (*place != inode)
        place = &(*place)->hash_next;
    *place = inode->hash_next;
    inodes.statistics.inodes--;
}

/* ---- References ---- */

static void
inode_free(struct inode *inode)
{
    cache_drop_object(&inode->object);
    inode->filesystem->ops->inode_free(inode);
}

/* The oldest unused inode leaves memory. */
static void
inode_free_oldest(void)
{
    struct inode *inode = list_first(&inodes.unused, struct inode, unused_link);
    list_remove(&inode->unused_link);
    inodes.statistics.unused--;
    table_remove(inode);
    inode_free(inode);
}

void
inode_get(struct inode *inode)
{
    if (inode->references++ == 0) {
        list_remove(&inode->unused_link);
        inodes.statistics.unused--;
    }
}

void
inode_put(struct inode *inode)
{
    ASSERT(inode->references > 0);
    if (--inode->references > 0)
        return;
    if (likely(inode->state == INODE_VALID && inode->links > 0 && !inode->transient)) {
        list_add_tail(&inodes.unused, &inode->unused_link);
        if (unlikely(++inodes.statistics.unused > inodes.unused_most))
            inode_free_oldest();
        return;
    }
    if (inode->state == INODE_VALID) /* a failed one is no longer in the table */
        table_remove(inode);
    inode_free(inode);
}

struct inode_time
inode_time_now(void)
{
    u64 now = time_boot_unix_ns() + time_now_ns();

    return (struct inode_time){(s64)(now / 1000000000u), (u32)(now % 1000000000u)};
}

void
inode_touch(struct inode *inode)
{
    inode->modified = inode->changed = inode_time_now();
}

void
inode_touch_changed(struct inode *inode)
{
    inode->changed = inode_time_now();
}

void
inode_touch_all(struct inode *inode)
{
    inode->accessed = inode->modified = inode->changed = inode_time_now();
}

static bool
time_is_later(const struct inode_time *left, const struct inode_time *right)
{
    return left->seconds != right->seconds ? left->seconds > right->seconds
                                           : left->nanoseconds > right->nanoseconds;
}

void
inode_touch_accessed(struct inode *inode)
{
    if (!time_is_later(&inode->accessed, &inode->modified) ||
        !time_is_later(&inode->accessed, &inode->changed))
        inode->accessed = inode_time_now();
}

static unsigned
inode_shrink(unsigned wanted)
{
    u32 free_before = pages_free();

    for (unsigned i = 0; i < wanted * INODES_PER_PAGE && !list_empty(&inodes.unused); i++)
        inode_free_oldest();
    return pages_free() - free_before;
}

void
inode_drop_unused(void)
{
    /* Those that become unused meanwhile are at the new end. */
    for (u32 left = inodes.statistics.unused; left > 0 && !list_empty(&inodes.unused); left--) {
        inode_free_oldest();
        if (left % 64 == 0 && schedule_point())
            return;
    }
}

/* ---- Finding and making ---- */

static struct wait_queue *
queue_of(const struct inode *inode)
{
    return &inodes.queues[(uintptr_t)inode / 64 % QUEUES];
}

static struct inode *
inode_new(struct filesystem *filesystem, u64 number, enum inode_state state)
{
    struct inode *inode = filesystem->ops->inode_alloc(filesystem);

    if (!inode)
        return NULL;
    list_init(&inode->unused_link);
    inode->filesystem = filesystem;
    inode->number = number;
    inode->references = 1;
    inode->state = (u8)state;
    inode->transient = filesystem->transient;
    table_insert(inode);
    return inode;
}

int
inode_create(struct filesystem *filesystem, u64 number, struct inode **result)
{
    struct inode *inode = inode_new(filesystem, number, INODE_VALID);

    if (!inode)
        return -ENOMEM;
    *result = inode;
    return 0;
}

/* Makes the inode and reads it. */
static int
inode_make(struct filesystem *filesystem, u64 number, struct inode **result)
{
    struct inode *inode = inode_new(filesystem, number, INODE_READING);
    int error;

    if (!inode)
        return -ENOMEM;
    inodes.statistics.misses++;
    error = filesystem->ops->inode_read(inode);
    ASSERT(error <= 0);
    if (error) {
        inode->error = (s16)error;
        inode->state = INODE_FAILED;
        table_remove(inode);
    } else {
        inode->state = INODE_VALID;
    }
    wake_up_all(queue_of(inode));
    if (error)
        inode_put(inode);
    else
        *result = inode;
    return error;
}

/* The inode, referenced, is being read by another fibril: waits for that. *again: that fibril failed
 * for reasons of its own. */
static int
inode_wait(struct inode *inode, bool *again)
{
    int error = wait_event_killable(queue_of(inode), inode->state != INODE_READING);

    *again = false;
    if (!error && inode->state == INODE_FAILED) {
        error = inode->error;
        *again = cache_error_is_callers(error);
    }
    return error;
}

int
inode_find(struct filesystem *filesystem, u64 number, struct inode **result)
{
    for (;;) {
        struct inode *inode = table_find(filesystem, number);
        bool again;
        int error;
        if (!inode)
            return inode_make(filesystem, number, result);
        inode_get(inode);
        if (likely(inode->state == INODE_VALID)) {
            inodes.statistics.hits++;
            *result = inode;
            return 0;
        }
        error = inode_wait(inode, &again);
        if (!error) {
            *result = inode;
            return 0;
        }
        inode_put(inode);
        if (!again)
            return error;
        error = schedule_point();
        if (error)
            return error;
    }
}

/* ---- File system types ---- */

void
filesystem_register(struct filesystem_type *type)
{
    type->next = inodes.types;
    inodes.types = type;
}

/* Major 0 and ascending minors, as Linux numbers those without a disk. */
u32
filesystem_device_new(void)
{
    static u32 last;

    return ++last;
}

int
filesystem_mount_disk(struct disk *disk, struct filesystem **filesystem)
{
    for (struct filesystem_type *type = inodes.types; type; type = type->next) {
        int error = type->mount(disk, filesystem);
        if (error != -EINVAL)
            return error;
    }
    return -EINVAL;
}

void
inode_count(struct inode_statistics *statistics)
{
    *statistics = inodes.statistics;
}

void
inode_init(void)
{
    static struct page_shrinker shrinker = {.shrink = inode_shrink};
    u32 buckets = table_size_for(pages_total() / 2, 256, 1u << 17);
    struct filesystem_type *types = inodes.types;

    memset(&inodes, 0, sizeof inodes);
    inodes.types = types;
    list_init(&inodes.unused);
    inodes.buckets = heap_alloc(buckets * sizeof *inodes.buckets);
    if (!inodes.buckets)
        panic("no memory for the inode table");
    inodes.bucket_mask = buckets - 1;
    inodes.unused_most = MAX(256, pages_total());
    for (unsigned i = 0; i < QUEUES; i++)
        wait_queue_init(&inodes.queues[i], "inode");
    page_register_shrinker(&shrinker);
}
