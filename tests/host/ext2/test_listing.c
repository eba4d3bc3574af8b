// sources: fs/ext2/*.c fs/cache.c fs/inode.c fs/disk_object.c fs/read_ahead.c drivers/block.c drivers/block_queue.c drivers/partition.c tests/host/ext2/host_disk.c tests/host/ext2/walker.c tests/host/ext2/sha256.c tests/host/support/*.c
/* Whole trees: the lines and sums of our walk against those that tools/ext2-list has from
 * debugfs. */
#include "arch.h"
#include "ext2_host.h"
#include "kernel/errno.h"

static const char *image_name;
static bool sums;
static u32 batch;

/* The first line in which the texts differ, for the message. */
static void
show_difference(const char *ours, const char *reference)
{
    size_t start = 0;
    for (size_t i = 0; ours[i] && ours[i] == reference[i]; i++)
        if (ours[i] == '\n')
            start = i + 1;
    printf("# ours:    %.*s\n# debugfs: %.*s\n", (int)strcspn(ours + start, "\n"), ours + start,
           (int)strcspn(reference + start, "\n"), reference + start);
}

static void
compare_with_reference(void)
{
    struct filesystem *filesystem;
    struct walk walk = {.sums = sums, .batch = batch};
    char command[300];
    const char *image = host_image(image_name);
    snprintf(command, sizeof command, "tools/ext2-list %s %s", sums ? "--sum" : "", image);
    char *reference = host_command(command);
    CHECK(host_disk_open(image));
    int error = host_mount(&host_disk, &filesystem);
    CHECK(error == 0, "error %d", error);
    walk_tree(&walk, filesystem);
    char *ours = walk_text(&walk);
    bool same = strcmp(ours, reference) == 0;
    if (!same)
        show_difference(ours, reference);
    CHECK(same, "%zu lines of %s", walk.count, image_name);
    CHECK(walk.errors == 0, "%u, the last %d", walk.errors, walk.last_error);
    CHECK(!walk.mismatch);
    CHECK(walk.count > 5);
    walk_free(&walk);
    free(ours);
    free(reference);
    host_unmount(filesystem);
    host_disk_close();
}

static void
compare(const char *name, bool with_sums, u32 entries)
{
    static char title[80];
    image_name = name;
    sums = with_sums;
    batch = entries;
    snprintf(title, sizeof title, "listing of %s%s%s", name, with_sums ? " with sums" : "",
             entries ? ", in pieces" : "");
    host_run_test(title, compare_with_reference);
}

int
main(void)
{
    /* Brings the caches up, so that what they keep does not count as a leak. */
    if (!host_disk_open(host_image("small1k")))
        return 2;
    host_disk_close();
    compare("small1k", true, 0);
    compare("small2k", true, 0);
    compare("small4k", true, 1);
    compare("blocks1k", true, 0);
    compare("blocks1k", false, 7);
    compare("blocks2k", true, 0);
    compare("blocks4k", true, 0);
    compare("inode256", true, 100);
    compare("revision0", true, 0);
    compare("indexed", true, 50);
    compare("groups", true, 0);
    compare("inodes70k", false, 333);
    compare("sparse", false, 0);
    return test_result();
}
