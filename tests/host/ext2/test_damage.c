// sources: fs/ext2/*.c fs/cache.c fs/inode.c fs/disk_object.c fs/read_ahead.c drivers/block.c drivers/block_queue.c drivers/partition.c tests/host/ext2/host_disk.c tests/host/ext2/walker.c tests/host/ext2/sha256.c tests/host/support/*.c
/* Damaged images: the flips that tools/damage-image prints for a seed (EXT2_SEED in the
 * environment, or one made from the time) are made in memory, and the tree is walked and read.
 * Whatever the damage, the walk ends, in a bounded number of steps, with known errors, and gives
 * everything back. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "arch.h"
#include "ext2_host.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"

#define IMAGES_EACH 150
#define ENTRIES_MOST 20000 /* of trees of less than 100 entries */
#define REQUESTS_MOST 100000
#define SECONDS_MOST 20

static char seed[40];
static const char *image_name;
static unsigned walked, refused;

static bool
error_is_expected(int error)
{
    return error == -EUCLEAN || error == -EIO || error == -ENOENT;
}

/* Makes the flips of one line, "NUMBER KIND BYTE.BIT …". */
static void
flip(const char *line)
{
    int used;
    unsigned long place;
    unsigned bit;
    sscanf(line, "%*u %*s%n", &used);
    line += used;
    while (sscanf(line, " %lu.%u%n", &place, &bit, &used) == 2) {
        host_disk_bytes()[place] ^= (u8)(1u << bit);
        line += used;
    }
}

static void
walk_damaged(const char *line)
{
    struct filesystem *filesystem;
    struct walk walk = {
        .sums = true, .read_pages_most = 40, .entries_most = ENTRIES_MOST, .batch = 5};
    host_requests = 0;
    int error = host_mount(&host_disk, &filesystem);
    if (error) {
        CHECK(error == -EUCLEAN || error == -EINVAL || error == -EOPNOTSUPP || error == -EIO,
              "mount: %d, %s", error, line);
        refused++;
        host_drop_caches();
        return;
    }
    walk_tree(&walk, filesystem);
    CHECK(!walk.overrun, "%s", line);
    CHECK(walk.errors == 0 || error_is_expected(walk.last_error), "%d, %s", walk.last_error, line);
    CHECK(host_requests < REQUESTS_MOST, "%u, %s", host_requests, line);
    walked++;
    walk_free(&walk);
    host_unmount(filesystem);
}

static void
damage(void)
{
    char command[400];
    const char *image = host_image(image_name);
    snprintf(command, sizeof command, "tools/damage-image --flips %s %u %s", seed, IMAGES_EACH,
             image);
    char *lines = host_command(command);
    walked = refused = 0;
    CHECK(host_disk_open(image));
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned pages = host_pages_used, objects = host_objects_used;
        alarm(SECONDS_MOST);
        setenv("EXT2_LINE", line, 1); /* seen in a core file or a debugger */
        flip(line);
        walk_damaged(line);
        if (host_failed)
            return;
        CHECK(host_pages_used == pages && host_objects_used == objects, "leak: %s", line);
        flip(line);
    }
    alarm(0);
    printf("# %s, seed %s: %u walked, %u refused\n", image_name, seed, walked, refused);
    CHECK(walked > IMAGES_EACH / 2 && refused > 0);
    free(lines);
    host_disk_close();
}

int
main(void)
{
    const char *given = getenv("EXT2_SEED");
    snprintf(seed, sizeof seed, "%s", given ? given : "");
    if (!given)
        snprintf(seed, sizeof seed, "%ld", (long)time(NULL) % 100000);
    printf("# EXT2_SEED=%s\n", seed);
    fflush(stdout);
    if (!host_disk_open(host_image("small1k")))
        return 2;
    host_disk_close();
    static const char *const names[] = {"triple1k", "small2k", "small4k"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        image_name = names[i];
        static char title[60];
        snprintf(title, sizeof title, "damaged copies of %s", image_name);
        host_run_test(title, damage);
    }
    return test_result();
}
