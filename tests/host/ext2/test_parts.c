// sources: fs/ext2/*.c fs/cache.c fs/inode.c fs/disk_object.c drivers/block.c drivers/block_queue.c drivers/partition.c tests/host/ext2/host_disk.c tests/host/ext2/walker.c tests/host/ext2/sha256.c tests/host/support/*.c
/* The parts of fs/ext2 one by one: superblock and features, inodes, directories with single
 * defects, symbolic links, the number of requests. Defects are made in the disk's copy of an image;
 * where things lie is asked of debugfs. */
#include <unistd.h>

#include "arch.h"
#include "ext2_host.h"
#include "fs/cache.h"
#include "fs/ext2/ext2.h"
#include "fs/disk_object.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"

static const char *image;
static struct filesystem *filesystem;

static bool
open_mounted(const char *name)
{
    image = host_image(name);
    return host_disk_open(image) && host_mount(&host_disk, &filesystem) == 0;
}

static void
close_mounted(void)
{
    host_unmount(filesystem);
    host_disk_close();
}

/* Forgets all that was read but the root, so that what the test changes on the disk is seen. */
static void
forget(void)
{
    cache_drop_object(&filesystem->root->object);
    host_drop_caches();
}

/* The first number in debugfs' answer. */
static u32
debugfs_number(const char *request)
{
    char command[400];
    snprintf(command, sizeof command, "debugfs -R '%s' %s 2>/dev/null", request, image);
    char *answer = host_command(command);
    u32 number = (u32)strtoul(answer + strcspn(answer, "0123456789"), NULL, 10);
    free(answer);
    return number;
}

static u32
block_size(void)
{
    return container_of(filesystem, struct ext2_filesystem, filesystem)->block_size;
}

static u8 *
disk_block(u32 block)
{
    return host_disk_bytes() + (size_t)block * block_size();
}

/* Block `index` of the file at `path`, on the disk. */
static u8 *
file_block(const char *path, u32 index)
{
    char request[300];
    snprintf(request, sizeof request, "bmap %s %u", path, index);
    return disk_block(debugfs_number(request));
}

/* The inode of `path` on the disk. Of images with one group only. */
static struct ext2_inode_raw *
raw_inode(const char *path)
{
    char command[400];
    u32 number, block, offset;
    snprintf(command, sizeof command, "debugfs -R 'imap %s' %s 2>/dev/null", path, image);
    char *answer = host_command(command);
    int found = sscanf(strstr(answer, "Inode"),
                       "Inode %u is part of block group 0 %*[^b]block %u, offset %x", &number,
                       &block, &offset);
    free(answer);
    return found == 3 ? (struct ext2_inode_raw *)(disk_block(block) + offset) : NULL;
}

static struct ext2_entry_raw *
raw_entry(const char *directory, const char *name)
{
    u8 *base = file_block(directory, 0);
    for (u32 offset = 0; offset < block_size();) {
        struct ext2_entry_raw *entry = (struct ext2_entry_raw *)(base + offset);
        if (entry->name_length == strlen(name) && !memcmp(entry->name, name, strlen(name)))
            return entry;
        offset += entry->record_length;
    }
    return NULL;
}

static int
find_error(const char *path)
{
    struct inode *inode;
    int error = host_find(filesystem, path, &inode);
    if (!error)
        inode_put(inode);
    return error;
}

/* ---- Superblock ---- */

static int
mount_error(void)
{
    struct filesystem *other;
    host_drop_caches();
    int error = host_mount(&host_disk, &other);
    if (!error)
        host_unmount(other);
    return error;
}

static void
incompatible_features_are_refused_by_name(void)
{
    static const char *const names[] = {
        [0] = "compression", [2] = "needs_recovery", [4] = "meta_bg",
        [6] = "extent",      [7] = "64bit",          [9] = "flex_bg",
        [15] = "inline_data", [16] = "encrypt",      [25] = "bit-25"};
    CHECK(host_disk_open(host_image("small1k")));
    struct ext2_super_raw *super = (struct ext2_super_raw *)(host_disk_bytes() + 1024);
    for (unsigned bit = 0; bit < 32; bit++) {
        if (bit == 1)
            continue;
        super->features_incompatible = 2 | 1u << bit;
        host_log_last[0] = 0;
        CHECK(mount_error() == -EOPNOTSUPP, "bit %u", bit);
        if (bit < ARRAY_SIZE(names) && names[bit])
            CHECK(strstr(host_log_last, names[bit]) != NULL, "%s", host_log_last);
    }
    super->features_incompatible = ~0u;
    CHECK(mount_error() == -EOPNOTSUPP);
    super->features_incompatible = 2;
    super->features_compatible = super->features_read_only = ~0u;
    CHECK(mount_error() == 0);
    host_disk_close();
}

static void
ext4_image_is_refused(void)
{
    CHECK(host_disk_open(host_image("refused")));
    CHECK(mount_error() == -EOPNOTSUPP);
    CHECK(strstr(host_log_last, "extent") && strstr(host_log_last, "64bit"), "%s", host_log_last);
    host_disk_close();
}

static void
superblock_numbers_are_checked(void)
{
    static const struct {
        unsigned offset;
        u32 value;
        int error;
    } cases[] = {
        {0, 0, -EUCLEAN},          {0, 10, -EUCLEAN},        {0, 0xffffffff, -EUCLEAN},
        {4, 0, -EUCLEAN},          {4, 2, -EUCLEAN},         {4, 513, -EUCLEAN},
        {4, 0xffffffff, -EUCLEAN}, {20, 2, -EUCLEAN},        {20, 0xffffffff, -EUCLEAN},
        {24, 3, -EOPNOTSUPP},      {24, 6, -EOPNOTSUPP},     {24, 7, -EUCLEAN},
        {24, 0xffffffff, -EUCLEAN}, {32, 0, -EUCLEAN},       {32, 1, -EUCLEAN},
        {40, 0, -EUCLEAN},         {40, 8193, -EUCLEAN},     {40, 0xffffffff, -EUCLEAN},
        {76, 2, -EOPNOTSUPP},      {84, 0, -EUCLEAN},        {84, 0xffffffff, -EUCLEAN},
        {88, 0, -EUCLEAN},         {88, 64, -EUCLEAN},       {88, 200, -EUCLEAN},
        {88, 2048, -EUCLEAN},      {56, 0, -EINVAL},
    };
    CHECK(host_disk_open(host_image("small1k")));
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        u8 *place = host_disk_bytes() + 1024 + cases[i].offset, before[4];
        memcpy(before, place, 4);
        host_log_last[0] = 0;
        memcpy(place, &cases[i].value, cases[i].offset == 88 || cases[i].offset == 56 ? 2 : 4);
        int error = mount_error();
        CHECK(error == cases[i].error, "%d at %u", error, cases[i].offset);
        CHECK(error != -EUCLEAN || strstr(host_log_last, "damaged superblock"), "%u: %s",
              cases[i].offset, host_log_last);
        memcpy(place, before, 4);
    }
    CHECK(mount_error() == 0);
    host_disk_close();
}

static void
disk_too_small_is_not_ours(void)
{
    CHECK(host_disk_open(host_image("small1k")));
    u64 sectors = host_disk.sectors;
    host_disk.sectors = 3;
    CHECK(mount_error() == -EINVAL);
    host_disk.sectors = sectors - 1;
    CHECK(mount_error() == -EUCLEAN);
    host_disk.sectors = sectors;
    CHECK(mount_error() == 0);
    host_disk_close();
}

static void
statistics_are_the_superblocks(void)
{
    struct filesystem_statistics statistics;
    CHECK(open_mounted("small2k"));
    filesystem->ops->statistics(filesystem, &statistics);
    CHECK(statistics.magic == 0xef53 && statistics.block_size == 2048);
    CHECK(statistics.blocks == host_disk_size() / 2048 && statistics.inodes >= 96);
    CHECK(statistics.blocks_free < statistics.blocks && statistics.blocks_free > 0);
    CHECK(statistics.inodes_free < statistics.inodes && statistics.inodes_free > 0);
    close_mounted();
}

/* ---- Inodes ---- */

static void
owners_devices_and_times(void)
{
    struct inode *inode;
    CHECK(open_mounted("blocks1k"));
    CHECK(host_find(filesystem, "sizes/1", &inode) == 0);
    CHECK(inode->uid == 65536 && inode->gid == 131073, "%u %u", inode->uid, inode->gid);
    inode_put(inode);
    CHECK(host_find(filesystem, "sizes/0", &inode) == 0);
    CHECK(inode->modified.seconds == -5, "%lld", (long long)inode->modified.seconds);
    inode_put(inode);
    CHECK(host_find(filesystem, "special/tty", &inode) == 0);
    CHECK(inode->device == (4 << 8 | 64), "0x%x", inode->device);
    inode_put(inode);
    CHECK(host_find(filesystem, "special/large", &inode) == 0); /* 259, 60000 = 0xea60 */
    CHECK(inode->device == (0xea << 20 | 259 << 8 | 0x60), "0x%x", inode->device);
    inode_put(inode);
    CHECK(host_find(filesystem, "links/hard", &inode) == 0);
    CHECK(inode->links == 2 && inode->size == 4 && inode->sectors == 2);
    inode_put(inode);
    close_mounted();
}

static void
nanoseconds_of_large_inodes(void)
{
    struct inode *inode;
    CHECK(open_mounted("inode256"));
    struct ext2_inode_raw *raw = raw_inode("/sizes/1");
    CHECK(raw != NULL);
    raw->extra_size = 32;
    raw->modify_time = 5;
    raw->modify_time_extra = 123456789u << 2 | 1;
    forget();
    CHECK(host_find(filesystem, "sizes/1", &inode) == 0);
    CHECK(inode->modified.seconds == 5 + (1ll << 32) && inode->modified.nanoseconds == 123456789);
    inode_put(inode);
    raw->extra_size = 300; /* more than the inode has: ignored */
    forget();
    CHECK(host_find(filesystem, "sizes/1", &inode) == 0);
    CHECK(inode->modified.seconds == 5 && inode->modified.nanoseconds == 0);
    inode_put(inode);
    close_mounted();
}

static void
inode_numbers_are_checked(void)
{
    static const u64 numbers[] = {0, 1, 3, 10, 1000, 0xffffffff, 0x100000002};
    struct inode *inode;
    CHECK(open_mounted("small1k"));
    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++)
        CHECK(inode_find(filesystem, numbers[i], &inode) == -EUCLEAN);
    close_mounted();
}

static void
inodes_are_checked(void)
{
    CHECK(open_mounted("small1k"));
    struct ext2_inode_raw *file = raw_inode("/single"), *directory = raw_inode("/d0");
    struct ext2_inode_raw saved = *file;
    CHECK(file && directory);
    file->links = 0;
    forget();
    CHECK(find_error("single") == -EUCLEAN);
    *file = saved;
    file->mode = 0x3000 | 0644;
    forget();
    CHECK(find_error("single") == -EUCLEAN);
    *file = saved;
    file->size_high = 0x80000000;
    forget();
    CHECK(find_error("single") == -EUCLEAN);
    file->size_high = 4; /* 16 GiB and a little are the most with blocks of 1 KiB */
    file->size = (12 + 256 + 65536) * 1024;
    forget();
    CHECK(find_error("single") == 0);
    file->size++;
    forget();
    CHECK(find_error("single") == -EUCLEAN);
    *file = saved;
    static const u32 sizes[] = {0, 1, 1025, 513 * 1024, 0xfffffc00};
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        directory->size = sizes[i];
        forget();
        CHECK(find_error("d0") == -EUCLEAN, "%u", sizes[i]);
    }
    directory->size = 1024;
    forget();
    CHECK(find_error("d0") == 0 && find_error("single") == 0);
    raw_inode("/")->mode = file->mode;
    inode_put(filesystem->root);
    CHECK(mount_error() == -EUCLEAN);
    host_drop_caches();
    heap_free(filesystem);
    host_disk_close();
}

/* ---- Contents ---- */

/* Reads all pages of the file; the first error, and how many pages failed. */
static int
read_all(const char *path, u32 *failed)
{
    struct inode *inode;
    int result = 0, error = host_find(filesystem, path, &inode);
    *failed = 0;
    for (u32 index = 0; !error && index < DIVIDE_UP(inode->size, PAGE_SIZE); index++) {
        struct page *page;
        int page_error =
            cache_get_run(&inode->object, index, DIVIDE_UP(inode->size, PAGE_SIZE) - index, &page);
        if (page_error) {
            *failed += 1;
            result = result ? result : page_error;
        } else {
            page_put(page);
        }
    }
    if (!error)
        inode_put(inode);
    return error ? error : result;
}

static void
few_requests(void)
{
    u32 failed;
    CHECK(open_mounted("small1k"));
    CHECK(find_error("single") == 0);
    host_requests = 0;
    /* 12 blocks, the indirect block, 18 blocks: as they lie on the disk. */
    CHECK(read_all("single", &failed) == 0);
    CHECK(host_requests == 3, "%u", host_requests);
    close_mounted();
    CHECK(open_mounted("small4k"));
    CHECK(find_error("single") == 0);
    host_requests = 0;
    /* 30 pages: 16, the indirect block in between them, 14. */
    CHECK(read_all("single", &failed) == 0);
    CHECK(host_requests == 4, "%u", host_requests);
    close_mounted();
    CHECK(open_mounted("blocks1k"));
    CHECK(find_error("holes/every-second") == 0);
    host_requests = 0;
    /* 10 pages; the file's blocks 0, 2, … 38 lie side by side, but for the indirect block behind
     * 10. */
    CHECK(read_all("holes/every-second", &failed) == 0);
    CHECK(host_requests == 3, "%u", host_requests);
    close_mounted();
}

static void
holes_cost_no_requests(void)
{
    struct inode *inode;
    struct page *page;
    CHECK(open_mounted("sparse"));
    CHECK(host_find(filesystem, "most", &inode) == 0);
    host_requests = 0;
    u32 last = (u32)((inode->size - 1) / PAGE_SIZE);
    CHECK(cache_get_run(&inode->object, last - 20, 21, &page) == 0);
    CHECK(host_requests == 0, "%u", host_requests);
    const u8 *bytes = page_address(page);
    CHECK(bytes[0] == 0 && !memcmp(bytes, bytes + 1, PAGE_SIZE - 1));
    page_put(page);
    inode_put(inode);
    close_mounted();
}

static void
pages_behind_the_end_are_zero(void)
{
    static const u32 indices[] = {8, 100, 1u << 29, 1u << 30, 0xfffffff0};
    struct inode *inode;
    CHECK(open_mounted("small1k"));
    CHECK(host_find(filesystem, "single", &inode) == 0);
    for (unsigned i = 0; i < ARRAY_SIZE(indices); i++) {
        struct page *page;
        CHECK(cache_get(&inode->object, indices[i], &page) == 0);
        CHECK(*(u8 *)page_address(page) == 0);
        page_put(page);
    }
    inode_put(inode);
    close_mounted();
}

static void
bad_sector_fails_its_page_only(void)
{
    u32 failed;
    CHECK(open_mounted("small1k"));
    host_faults.bad_sector = (u64)(file_block("/single", 5) - host_disk_bytes()) / SECTOR_SIZE;
    CHECK(read_all("single", &failed) == -EIO);
    CHECK(failed == 1, "%u", failed);
    forget();
    /* In the indirect block: blocks 12 to 29, pages 3 to 7. */
    host_faults.bad_sector =
        (u64)(disk_block(raw_inode("/single")->block[12]) - host_disk_bytes()) / SECTOR_SIZE;
    CHECK(read_all("single", &failed) == -EIO);
    CHECK(failed == 5, "%u", failed);
    host_faults.bad_sector = 0;
    CHECK(read_all("single", &failed) == 0);
    close_mounted();
}

/* Asks for all pages in one go; the first of them that did not come. */
static u32
first_missing_page(const char *path)
{
    struct inode *inode;
    struct page *page;
    if (host_find(filesystem, path, &inode))
        return 1000;
    u32 pages = (u32)DIVIDE_UP(inode->size, PAGE_SIZE), missing = pages, found = 0;
    int error = cache_get_run(&inode->object, 0, pages, &page);
    if (!error)
        page_put(page);
    while (host_pump())
        ;
    for (u32 index = 0; index < pages; index++) {
        page = cache_peek(&inode->object, index);
        if (page)
            page_put(page);
        else
            missing = MIN(missing, index);
        found += page != NULL;
    }
    inode_put(inode);
    return error || found != pages - 1 ? 1000 + found : missing;
}

static void
bad_block_number_fails_its_page_only(void)
{
    static const u32 numbers[] = {1, 2, 512, 0xffffffff};
    u32 failed;
    CHECK(open_mounted("small1k"));
    struct ext2_inode_raw *raw = raw_inode("/single");
    u32 saved = raw->block[6], *indirect = (u32 *)disk_block(raw->block[12]);
    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        raw->block[6] = numbers[i];
        forget();
        CHECK(read_all("single", &failed) == -EUCLEAN, "%u", numbers[i]);
        CHECK(failed == 1, "%u: %u", numbers[i], failed);
        forget();
        CHECK(first_missing_page("single") == 1, "%u", first_missing_page("single"));
    }
    raw->block[6] = saved;
    indirect[1] = indirect[17] = 99999;
    forget();
    CHECK(read_all("single", &failed) == -EUCLEAN);
    CHECK(failed == 2, "%u", failed);
    raw->block[12] = 99999;
    forget();
    CHECK(read_all("single", &failed) == -EUCLEAN);
    CHECK(failed == 5, "%u", failed);
    close_mounted();
}

static void
cancelled_while_mapping(void)
{
    struct inode *inode;
    struct page *page;
    CHECK(open_mounted("small1k"));
    CHECK(host_find(filesystem, "single", &inode) == 0);
    host_requests = 0;
    current_fibril()->cancel_error = -EINTR; /* the wait for the indirect block ends with it */
    CHECK(cache_get_run(&inode->object, 0, 8, &page) == -EINTR);
    current_fibril()->cancel_error = 0;
    host_drop_caches();
    /* Nothing may still be waiting to be read: pages 0 to 2 have come, the others were given up. */
    CHECK(cache_get_run(&inode->object, 0, 8, &page) == 0);
    page_put(page);
    CHECK(inode->object.page_count == 8, "%u", inode->object.page_count);
    inode_put(inode);
    close_mounted();
}

/* ---- Symbolic links ---- */

static void
symbolic_links_are_checked(void)
{
    struct inode *inode;
    char target[200];
    size_t length;
    CHECK(open_mounted("small1k"));
    CHECK(host_find(filesystem, "fast", &inode) == 0);
    CHECK(inode->ops->read_link(inode, target, sizeof target, &length) == 0);
    CHECK(length == 8 && !memcmp(target, "d0/file0", 8));
    CHECK(inode->ops->read_link(inode, target, 3, &length) == 0 && length == 3);
    inode_put(inode);
    static const struct {
        const char *path;
        u32 size;
    } cases[] = {{"fast", 0}, {"fast", 60}, {"fast", 0xffffffff}, {"fast", 9},
                 {"slow", 0}, {"slow", 1024}, {"slow", 200}};
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ext2_inode_raw *raw = raw_inode(cases[i].path);
        u32 saved = raw->size;
        raw->size = cases[i].size;
        forget();
        CHECK(host_find(filesystem, cases[i].path, &inode) == 0);
        CHECK(inode->ops->read_link(inode, target, sizeof target, &length) == -EUCLEAN, "%s %u",
              cases[i].path, cases[i].size);
        inode_put(inode);
        raw->size = saved;
    }
    struct ext2_inode_raw *fast = raw_inode("fast"), saved = *fast;
    memset(fast->block, 'x', sizeof fast->block);
    for (fast->size = 59; fast->size <= 60; fast->size++) {
        forget();
        CHECK(host_find(filesystem, "fast", &inode) == 0);
        CHECK(inode->ops->read_link(inode, target, sizeof target, &length) ==
              (fast->size < 60 ? 0 : -EUCLEAN));
        inode_put(inode);
    }
    *fast = saved;
    forget();
    CHECK(host_find(filesystem, "slow", &inode) == 0);
    host_faults.bad_sector = (u64)(file_block("/slow", 0) - host_disk_bytes()) / SECTOR_SIZE;
    CHECK(inode->ops->read_link(inode, target, sizeof target, &length) == -EIO);
    inode_put(inode);
    close_mounted();
}

/* ---- Directories ---- */

struct seen {
    u32 count;
    u64 first_number, last_next;
};

static int
note_entry(void *argument, const char *name, size_t length, u64 number, u8 type, u64 next)
{
    struct seen *seen = argument;
    if (seen->count++ == 0)
        seen->first_number = number;
    if (next <= seen->last_next)
        return -1000;
    seen->last_next = next;
    return 0;
}

/* The entries from a position on, the errors included. */
static int
read_from(const char *path, u64 position, struct seen *seen)
{
    struct inode *inode;
    *seen = (struct seen){.last_next = position};
    int error = host_find(filesystem, path, &inode);
    if (error)
        return error;
    error = inode->ops->read_directory(inode, position, note_entry, seen);
    inode_put(inode);
    return error;
}

static void
directory_read_from_any_position(void)
{
    struct seen all, seen;
    CHECK(open_mounted("small1k"));
    CHECK(read_from("d0", 0, &all) == 0);
    CHECK(all.count == 2 + 14 && all.last_next == 1024, "%u", all.count);
    u32 before = all.count;
    for (u64 position = 0; position <= 1030; position++) {
        CHECK(read_from("d0", position, &seen) == 0, "%u", (u32)position);
        CHECK(seen.count <= before && seen.count + 1 >= before, "%u", (u32)position);
        before = seen.count;
    }
    CHECK(before == 0);
    CHECK(read_from("d0", ~0ull, &seen) == 0 && seen.count == 0);
    CHECK(read_from("d0", 1ull << 32, &seen) == 0 && seen.count == 0);
    close_mounted();
}

static void
lookups_in_any_order(void)
{
    CHECK(open_mounted("blocks1k"));
    for (unsigned i = 0; i < 3000; i++) {
        char path[80];
        unsigned number = 2 + i * 7919 % 598;
        snprintf(path, sizeof path, "many/file %04u %.*s", number, (int)(number % 23),
                 "yyyyyyyyyyyyyyyyyyyyyyy");
        CHECK(find_error(path) == 0, "%s", path);
        if (i % 10 == 0)
            CHECK(find_error("many/absent") == -ENOENT && find_error("many/file 000") == -ENOENT);
    }
    CHECK(find_error("many/file 0000 ") == -ENOENT); /* debugfs has removed it */
    close_mounted();
}

/* One defect of the entry "file12" of d0: what is before it is seen, what is behind it is an
 * error. */
static int
with_defect(void (*defect)(struct ext2_entry_raw *entry), u32 *seen_entries)
{
    struct ext2_entry_raw *entry = raw_entry("/d0", "file12");
    u8 saved[64];
    struct seen seen;
    memcpy(saved, entry, sizeof saved);
    defect(entry);
    forget();
    int error = read_from("d0", 0, &seen);
    *seen_entries = seen.count;
    if (error == -EUCLEAN && find_error("d0/file0") != 0)
        error = -1001;
    if (error == -EUCLEAN && find_error("d0/file9") != -EUCLEAN)
        error = -1002;
    memcpy(entry, saved, sizeof saved);
    return error;
}

static void
defect_length_zero(struct ext2_entry_raw *entry)
{
    entry->record_length = 0;
}

static void
defect_unused_zero(struct ext2_entry_raw *entry)
{
    memset(entry, 0, 8);
}

static void
defect_unused_four(struct ext2_entry_raw *entry)
{
    memset(entry, 0, 8);
    entry->record_length = 4;
}

static void
defect_length_short(struct ext2_entry_raw *entry)
{
    entry->record_length = 12;
}

static void
defect_length_odd(struct ext2_entry_raw *entry)
{
    entry->record_length += 2;
}

static void
defect_length_long(struct ext2_entry_raw *entry)
{
    entry->record_length = 1024;
}

static void
defect_length_most(struct ext2_entry_raw *entry)
{
    entry->record_length = 65532;
}

static void
defect_name_long(struct ext2_entry_raw *entry)
{
    entry->name_length = 255;
}

static void
defect_name_empty(struct ext2_entry_raw *entry)
{
    entry->name_length = 0;
}

static void
defect_name_slash(struct ext2_entry_raw *entry)
{
    entry->name[2] = '/';
}

static void
defect_name_zero(struct ext2_entry_raw *entry)
{
    entry->name[2] = 0;
}

static void
defect_inode_large(struct ext2_entry_raw *entry)
{
    entry->inode = 0x7fffffff;
}

static void
defect_inode_reserved(struct ext2_entry_raw *entry)
{
    entry->inode = 7;
}


static void
entries_are_checked(void)
{
    static void (*const defects[])(struct ext2_entry_raw *entry) = {
        defect_length_zero, defect_length_short, defect_length_odd,  defect_length_long,
        defect_length_most, defect_name_long,    defect_name_empty,  defect_name_slash,
        defect_name_zero,   defect_inode_large,  defect_inode_reserved,
        defect_unused_zero, defect_unused_four};
    u32 seen;
    CHECK(open_mounted("small1k"));
    for (unsigned i = 0; i < ARRAY_SIZE(defects); i++) {
        int error = with_defect(defects[i], &seen);
        CHECK(error == -EUCLEAN, "defect %u: %d", i, error);
        CHECK(seen == 3, "defect %u: %u", i, seen); /* . .. file0 */
    }
    forget();
    CHECK(find_error("d0/file9") == 0);
    close_mounted();
}

static void
unused_entries_are_passed_over(void)
{
    struct seen seen;
    CHECK(open_mounted("small1k"));
    raw_entry("/d0", "file12")->inode = 0;
    CHECK(read_from("d0", 0, &seen) == 0 && seen.count == 15, "%u", seen.count);
    CHECK(find_error("d0/file12") == -ENOENT && find_error("d0/file15") == 0);
    close_mounted();
}

/* A last record that would leave 4 bytes: no room even for a header. */
static void
record_at_the_end_of_the_page(void)
{
    struct seen seen;
    CHECK(open_mounted("small4k"));
    u8 *base = file_block("/d0", 0);
    u32 offset = 0;
    while (offset + ((struct ext2_entry_raw *)(base + offset))->record_length < 4096)
        offset += ((struct ext2_entry_raw *)(base + offset))->record_length;
    ((struct ext2_entry_raw *)(base + offset))->record_length -= 4;
    CHECK(read_from("d0", 0, &seen) == -EUCLEAN);
    CHECK(seen.count == 16, "%u", seen.count);
    ((struct ext2_entry_raw *)(base + offset))->record_length -= 4;
    ((struct ext2_entry_raw *)(base + 4088))->record_length = 8; /* the shortest one there is */
    forget();
    CHECK(read_from("d0", 0, &seen) == 0);
    CHECK(seen.count == 16 && find_error("d0/nobody") == -ENOENT);
    close_mounted();
}

static void
hole_in_a_directory(void)
{
    struct seen seen;
    CHECK(open_mounted("small1k"));
    raw_inode("/d0")->block[0] = 0;
    CHECK(read_from("d0", 0, &seen) == -EUCLEAN && seen.count == 0);
    CHECK(find_error("d0/file0") == -EUCLEAN);
    close_mounted();
}

static void
directory_in_two_places(void)
{
    struct walk walk = {.entries_most = 1000};
    CHECK(open_mounted("small1k"));
    raw_entry("/a/b/c", "d")->inode = debugfs_number("ls -d /a"); /* a itself, below itself */
    CHECK(find_error("a/b/c/d") == -EUCLEAN);
    walk_tree(&walk, filesystem);
    CHECK(!walk.overrun && walk.errors == 1 && walk.last_error == -EUCLEAN);
    walk_free(&walk);
    raw_entry("/a/b/c", "d")->inode = 2;
    forget();
    CHECK(find_error("a/b/c/d") == -EUCLEAN);
    CHECK(find_error("a/..") == 0 && find_error("a/b/..") == 0 && find_error("a/.") == 0);
    close_mounted();
}

static int
stop_at_file33(void *argument, const char *name, size_t length, u64 number, u8 type, u64 next)
{
    if (length == 6 && !memcmp(name, "file33", 6))
        return 1;
    *(u64 *)argument = next;
    return 0;
}

/* Remembered places of entries are not believed once the page has been read again: here the entry
 * file30 has swallowed file33, and what stood there is zeros, over which no loop would get on. */
static void
remembered_positions_after_reading_again(void)
{
    struct inode *inode;
    struct seen seen = {0};
    u64 position = 0;
    CHECK(open_mounted("small1k"));
    CHECK(host_find(filesystem, "d0", &inode) == 0);
    struct ext2_entry_raw *entry = raw_entry("/d0", "file30"), *next = raw_entry("/d0", "file33");
    CHECK(entry && (u8 *)next == (u8 *)entry + entry->record_length);
    CHECK(inode->ops->read_directory(inode, 0, stop_at_file33, &position) == 1);
    CHECK(find_error("d0/file30") == 0);
    CHECK(ext2_inode_of(inode)->lookup_position == position &&
          ext2_inode_of(inode)->read_position == position);
    entry->record_length += next->record_length;
    memset(next, 0, next->record_length);
    cache_drop_object(&inode->object);
    host_drop_caches();
    alarm(5);
    CHECK(find_error("d0/file36") == 0);
    cache_drop_object(&inode->object);
    host_drop_caches();
    ext2_inode_of(inode)->read_position = (u32)position;
    CHECK(inode->ops->read_directory(inode, position, note_entry, &seen) == 0);
    CHECK(seen.count == 4, "%u", seen.count); /* file36, file39, file6, file9 are left */
    alarm(0);
    inode_put(inode);
    close_mounted();
}

static void
partition_is_mounted(void)
{
    struct walk walk = {.sums = true};
    CHECK(host_disk_open(host_image("partitioned")));
    CHECK(partitions_find(&host_disk) == 0);
    struct disk *partition = disk_find("test0p2");
    CHECK(partition && partition->partition_type == 0x83);
    disk_object_init(partition);
    CHECK(host_mount(partition, &filesystem) == 0);
    walk_tree(&walk, filesystem);
    char *ours = walk_text(&walk);
    char *reference = host_command("tools/ext2-list --sum build/images/partitioned.img");
    CHECK(strcmp(ours, reference) == 0 && walk.count > 50);
    free(ours);
    free(reference);
    walk_free(&walk);
    host_unmount(filesystem);
    host_disk_close();
    host_objects_used -= 2; /* the partitions stay known */
}

int
main(void)
{
    if (!host_disk_open(host_image("small1k")))
        return 2;
    host_disk_close();
    RUN_TEST(incompatible_features_are_refused_by_name);
    RUN_TEST(ext4_image_is_refused);
    RUN_TEST(superblock_numbers_are_checked);
    RUN_TEST(disk_too_small_is_not_ours);
    RUN_TEST(statistics_are_the_superblocks);
    RUN_TEST(owners_devices_and_times);
    RUN_TEST(nanoseconds_of_large_inodes);
    RUN_TEST(inode_numbers_are_checked);
    RUN_TEST(inodes_are_checked);
    RUN_TEST(few_requests);
    RUN_TEST(holes_cost_no_requests);
    RUN_TEST(pages_behind_the_end_are_zero);
    RUN_TEST(bad_sector_fails_its_page_only);
    RUN_TEST(bad_block_number_fails_its_page_only);
    RUN_TEST(cancelled_while_mapping);
    RUN_TEST(symbolic_links_are_checked);
    RUN_TEST(directory_read_from_any_position);
    RUN_TEST(lookups_in_any_order);
    RUN_TEST(entries_are_checked);
    RUN_TEST(unused_entries_are_passed_over);
    RUN_TEST(record_at_the_end_of_the_page);
    RUN_TEST(hole_in_a_directory);
    RUN_TEST(directory_in_two_places);
    RUN_TEST(remembered_positions_after_reading_again);
    RUN_TEST(partition_is_mounted);
    return test_result();
}
