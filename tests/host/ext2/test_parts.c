// sources: fs/ext2/*.c fs/cache.c fs/inode.c fs/disk_object.c fs/read_ahead.c drivers/block.c drivers/block_queue.c drivers/partition.c tests/host/ext2/host_disk.c tests/host/ext2/walker.c tests/host/ext2/sha256.c tests/host/support/*.c
/* The parts of fs/ext2 one by one: superblock and features, inodes, symbolic links, the number of
 * requests. Defects are made in the disk's copy of an image. Directories: test_directories.c. */
#include "parts.h"

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
    RUN_TEST(partition_is_mounted);
    return test_result();
}
