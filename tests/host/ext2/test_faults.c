// sources: fs/ext2/*.c fs/cache.c fs/inode.c fs/disk_object.c fs/read_ahead.c drivers/block.c drivers/block_queue.c drivers/partition.c tests/host/ext2/host_disk.c tests/host/ext2/walker.c tests/host/ext2/sha256.c tests/host/support/*.c
/* Faults from outside, at every place where one can happen: the Nth request to the disk fails, the
 * walking fibril is cancelled at the Nth request, the Nth allocation fails. What was read must be
 * right, what was not must be said, and once the fault has gone everything must be right again,
 * without the caches having been dropped. */
#include "arch.h"
#include "ext2_host.h"
#include "fs/read_ahead.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"

static char *reference;
static const char *image;

static bool
pump_all(void)
{
    while (host_pump())
        ;
    return true;
}

/* Is each line one of the reference's, or that with - for its sum? Both are sorted. */
static bool
lines_are_right(const struct walk *walk)
{
    const char *at = reference;
    for (size_t i = 0; i < walk->count; i++) {
        const char *line = strchr(walk->lines[i], 0) + 1;
        bool found = false;
        while (*at && !found) {
            char full[1024], bare[1024];
            size_t length = strcspn(at, "\n");
            snprintf(full, sizeof full, "%.*s", (int)length, at);
            at += length + 1;
            strcpy(bare, full);
            char *sum = bare;
            for (unsigned spaces = 0; spaces < 4; sum++)
                spaces += *sum == ' ';
            memmove(sum + 1, strchr(sum, ' '), strlen(strchr(sum, ' ')) + 1);
            *sum = '-';
            found = strcmp(line, full) == 0 || strcmp(line, bare) == 0;
        }
        if (!found)
            return false;
    }
    return true;
}

/* Mounts and walks with whatever fault is set; *error is the last one met. */
static bool
walk_with_fault(struct filesystem **filesystem, int *error)
{
    struct walk walk = {.sums = true, .batch = 9};
    *filesystem = NULL;
    *error = host_mount(&host_disk, filesystem);
    if (*error)
        return true;
    walk_tree(&walk, *filesystem);
    bool right = lines_are_right(&walk) && !walk.mismatch;
    if (walk.errors)
        *error = walk.last_error;
    walk_free(&walk);
    return right;
}

/* The same tree again, with no fault and warm caches. */
static bool
walk_afterwards(struct filesystem *filesystem)
{
    struct walk walk = {.sums = true};
    if (!filesystem && host_mount(&host_disk, &filesystem))
        return false;
    walk_tree(&walk, filesystem);
    char *text = walk_text(&walk);
    bool right = strcmp(text, reference) == 0 && walk.errors == 0;
    free(text);
    walk_free(&walk);
    host_unmount(filesystem);
    return right;
}

static void
begin_round(void)
{
    host_drop_caches();
    memset(&host_faults, 0, sizeof host_faults);
    host_requests = 0;
}

static void
end_round(void)
{
    memset(&host_faults, 0, sizeof host_faults);
    host_alloc_limit = -1;
    current_fibril()->cancel_error = 0;
    pump_all();
}

/* How many requests a walk without faults makes. */
static u32
count_requests(void)
{
    struct filesystem *filesystem;
    int error;
    begin_round();
    if (!walk_with_fault(&filesystem, &error) || error)
        return 0;
    u32 requests = host_requests;
    host_unmount(filesystem);
    return requests;
}

static void
requests_fail(void)
{
    struct filesystem *filesystem;
    int error;
    CHECK(host_disk_open(image));
    u32 last = count_requests(), failed = 0;
    CHECK(last > (read_ahead_enabled() ? 30 : 50), "%u", last); /* (fewer and longer ones then) */
    for (u32 number = 1; number <= last; number++) {
        begin_round();
        host_faults.fail_request = number;
        CHECK(walk_with_fault(&filesystem, &error), "request %u", number);
        CHECK(error == 0 || error == -EIO, "request %u: %d", number, error);
        failed += error != 0;
        end_round();
        CHECK(walk_afterwards(filesystem), "request %u", number);
    }
    CHECK(failed > last / 3, "%u of %u", failed, last);
    host_disk_close();
}

static void
fibril_cancelled_anywhere(void)
{
    struct filesystem *filesystem;
    int error;
    CHECK(host_disk_open(image));
    u32 last = count_requests();
    CHECK(last > 30, "%u", last);
    for (u32 number = 1; number <= last; number++) {
        begin_round();
        host_faults.cancel_request = number;
        CHECK(walk_with_fault(&filesystem, &error), "request %u", number);
        /* What a request brings counts, even if the fibril was cancelled meanwhile. */
        CHECK(error == (number < last ? -EINTR : 0), "request %u: %d", number, error);
        end_round();
        CHECK(walk_afterwards(filesystem), "request %u", number);
    }
    host_disk_close();
}

static void
allocations_fail(void)
{
    struct filesystem *filesystem;
    int error = -ENOMEM;
    CHECK(host_disk_open(image));
    for (int number = 0; error != 0; number++) {
        begin_round();
        host_alloc_limit = number;
        CHECK(walk_with_fault(&filesystem, &error), "allocation %d", number);
        CHECK(error == 0 || error == -ENOMEM, "allocation %d: %d", number, error);
        CHECK(number < 5000);
        end_round();
        CHECK(walk_afterwards(filesystem), "allocation %d", number);
    }
    host_disk_close();
}

/* The same while others read ahead: their requests are among those that fail, and so are their
 * allocations. (Who is cancelled cannot be said then.) */
static void
requests_fail_beside_read_ahead(void)
{
    read_ahead_switch(true);
    requests_fail();
}

static void
allocations_fail_beside_read_ahead(void)
{
    read_ahead_switch(true);
    allocations_fail();
}

int
main(void)
{
    char command[300];
    image = strdup(host_image("small1k"));
    if (!host_disk_open(image))
        return 2;
    host_disk_close();
    snprintf(command, sizeof command, "tools/ext2-list --sum %s", image);
    reference = host_command(command);
    read_ahead_switch(false);
    RUN_TEST(requests_fail);
    RUN_TEST(fibril_cancelled_anywhere);
    RUN_TEST(allocations_fail);
    RUN_TEST(requests_fail_beside_read_ahead);
    RUN_TEST(allocations_fail_beside_read_ahead);
    return test_result();
}
