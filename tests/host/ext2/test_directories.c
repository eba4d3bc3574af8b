// sources: fs/ext2/*.c fs/cache.c fs/inode.c fs/disk_object.c fs/read_ahead.c drivers/block.c drivers/block_queue.c drivers/partition.c tests/host/ext2/host_disk.c tests/host/ext2/walker.c tests/host/ext2/sha256.c tests/host/support/*.c
/* Directories of fs/ext2: reading from any position, lookups, and entries with single defects, made in
 * the disk's copy of an image. */
#include "parts.h"

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
    host_drop_caches();
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

int
main(void)
{
    if (!host_disk_open(host_image("small1k")))
        return 2;
    host_disk_close();
    RUN_TEST(directory_read_from_any_position);
    RUN_TEST(lookups_in_any_order);
    RUN_TEST(entries_are_checked);
    RUN_TEST(unused_entries_are_passed_over);
    RUN_TEST(record_at_the_end_of_the_page);
    RUN_TEST(hole_in_a_directory);
    RUN_TEST(directory_in_two_places);
    RUN_TEST(remembered_positions_after_reading_again);
    return test_result();
}
