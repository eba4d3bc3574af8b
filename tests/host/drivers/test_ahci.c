// sources: drivers/ata/*.c drivers/block.c drivers/block_queue.c drivers/partition.c drivers/pci.c tests/host/drivers/fake_ahci.c tests/host/support/*.c
/* The ATA command layer and the AHCI driver against a fake controller that works: finding devices, reads
 * in any order and any number. What becomes of faults: test_ahci_faults.c. */
#include "tests/host/drivers/ahci_host.h"

static void
queued_reads(void)
{
    struct disk *disk = start(NULL);
    CHECK(disk && strcmp(disk->name, "ata0") == 0 && disk->sectors == 1u << 20);
    submit_apart(disk, MANY);
    CHECK(count_unexpected(MANY, 0) == 0);
    CHECK(first->most_in_flight == 32 && first->queued_reads == MANY && first->dma_reads == 0);
    CHECK(disk->statistics.in_flight_most == 32 && disk->statistics.in_flight == 0);
    CHECK(ata_counters.irqs == MANY && ata_counters.coalesced == 0);
    CHECK_CLEAN();
}

static void
merged_reads(void)
{
    struct disk *disk = start(NULL);
    for (unsigned i = 0; i < 100; i++)
        submit(disk, &readings[i], 1000 + 64 * i, 8);
    CHECK(count_unexpected(100, 0) == 0);
    CHECK(first->queued_reads <= 36, "%u", first->queued_reads); /* 32, and 68 * 64 sectors merged */
    CHECK_CLEAN();
}

static void
small_gaps(void)
{
    struct disk *disk = start(NULL);
    for (unsigned i = 0; i < MANY; i++)
        submit(disk, &readings[i], 4000 + 64 * i + i % 7, 1);
    CHECK(count_unexpected(MANY, 0) == 0);
    CHECK(first->queued_reads < 40, "%u", first->queued_reads);
    CHECK(disk->statistics.gap_sectors > 70 * 40);
    first->bad_sector = 4000 + 64 * 60 + 20; /* in a gap */
    for (unsigned i = 0; i < MANY; i++)
        submit(disk, &readings[i], 4000 + 64 * i, 1);
    CHECK(count_unexpected(MANY, 0) == 0 && ata_counters.errors == 0);
    CHECK(fake_protocol_errors == 0);
}

/* A device that would leave one command to the end of days gets no more until it has done it. */
static void
nobody_starves(void)
{
    static struct reading many[4096];
    first->starves = true;
    struct disk *disk = start(NULL);
    first->most_overtaken = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
        submit(disk, &many[i], 128 * i, 1);
    wait_all(many, ARRAY_SIZE(many));
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
        CHECK(many[i].result == 1 && count_wrong(&many[i], 512) == 0);
    CHECK(first->most_overtaken >= 900 && first->most_overtaken < BLOCK_OVERTAKE_LIMIT + 32,
          "%u", first->most_overtaken);
    CHECK_CLEAN();
}

static void
a_megabyte_at_once(void)
{
    struct disk *disk = start("ahci=single");
    submit(disk, &readings[100], 0, 1); /* so that the others wait */
    for (unsigned i = 0; i < 32; i++)
        submit(disk, &readings[i], 1000 + 128 * i, 16);
    CHECK(count_unexpected(32, 0) == 0);
    wait_all(&readings[100], 1);
    count_wrong(&readings[100], 512);
    CHECK(first->dma_reads == 3, "%u", first->dma_reads);
    CHECK_CLEAN();
}

/* The most that a command with 28-bit addresses can read: its count is written as 0. */
static void
most_of_a_short_command(void)
{
    struct disk *disk = start("ahci=single");
    submit(disk, &readings[100], 0, 1); /* so that the others wait */
    for (unsigned i = 0; i < 2; i++)
        submit(disk, &readings[i], 1000 + 128 * i, 16);
    CHECK(count_unexpected(2, 0) == 0);
    wait_all(&readings[100], 1);
    count_wrong(&readings[100], 512);
    CHECK(first->dma_reads == 2, "%u", first->dma_reads);
    CHECK_CLEAN();
}

static void
ends_share_an_interrupt(void)
{
    fake_batch = 8;
    struct disk *disk = start(NULL);
    submit_apart(disk, MANY);
    CHECK(count_unexpected(MANY, 0) == 0);
    CHECK(fake_interrupts < MANY / 4 && ata_counters.irqs + ata_counters.coalesced == MANY);
    CHECK_CLEAN();
}

static void
depth_of_the_device(void)
{
    first->depth = 7;
    struct disk *disk = start(NULL);
    submit_apart(disk, MANY);
    CHECK(count_unexpected(MANY, 0) == 0 && first->most_in_flight == 7);
    CHECK_CLEAN();
}

static void
depth_of_the_controller(void)
{
    fake_slots = 5;
    struct disk *disk = start(NULL);
    submit_apart(disk, MANY);
    CHECK(count_unexpected(MANY, 0) == 0 && first->most_in_flight == 5);
    CHECK_CLEAN();
}

static void
without_queue(const char *word)
{
    struct disk *disk = start(word);
    submit_apart(disk, 40);
    CHECK(count_unexpected(40, 0) == 0);
    CHECK(first->queued_reads == 0 && first->dma_reads == 40 && first->most_in_flight == 1);
    CHECK_CLEAN();
}

static void
device_without_queue(void)
{
    first->depth = 0;
    without_queue(NULL);
}

static void
controller_without_queue(void)
{
    fake_no_queue = true;
    without_queue(NULL);
}

static void
queue_not_wanted(void)
{
    without_queue("ahci=single");
}

static void
large_disk(void)
{
    first->sectors = 1ull << 33;
    struct disk *disk = start(NULL);
    CHECK(disk->sectors == 1ull << 33);
    CHECK(read_run(disk, (1ull << 28) - 80, 20) == 0);
    CHECK(read_run(disk, (1ull << 32) + 12345, 20) == 0);
    CHECK(read_run(disk, (1ull << 33) - 8, 1) == 0);
    CHECK_CLEAN();
}

static void
several_ports(void)
{
    add(second, FAKE_DISK, 90000, 4);
    add(cd, FAKE_CD, 5000, 0);
    struct disk *one = start(NULL), *two = disk_find("ata1"), *three = disk_find("cd0");
    CHECK(two && two->sectors == 90000 && three && three->sectors == 20000);
    for (unsigned i = 0; i < MANY; i++)
        submit(i % 2 ? one : two, &readings[i], i * 600, 1);
    CHECK(count_unexpected(MANY, 0) == 0);
    CHECK(first->most_in_flight == 32 && second->most_in_flight == 4);
    CHECK(read_run(three, 400, 50) == 0);
    CHECK_CLEAN();
}

static void
absent_at_once(void)
{
    add(first, FAKE_NOBODY, 0, 0);
    first->link = 0;
    unsigned pages = host_pages_used;
    u64 before = time_now_ns();
    CHECK(start(NULL) == NULL);
    CHECK(time_now_ns() - before < 1000000, "%llu", (unsigned long long)(time_now_ns() - before));
    CHECK(host_pages_used == pages);
    CHECK(fake_protocol_errors == 0);
}

static void
ahci_off(void)
{
    CHECK(!ata_configure("ahci=maybe"));
    CHECK(start("ahci=off") == NULL && first->resets == 0);
}

static void
multiplier_is_refused(void)
{
    add(second, FAKE_MULTIPLIER, 0, 0);
    CHECK(start(NULL) && !disk_find("ata1") && host_log_contains("port multipliers"));
}

static void
bios_lets_go(void)
{
    fake_bios_owned = true;
    CHECK(read_run(start(NULL), 64, 8) == 0);
    CHECK_CLEAN();
}

static void
identity_without_data(void)
{
    add(second, FAKE_DISK, 90000, 32);
    second->says_nothing = true;
    host_page_fill = 0x42; /* which would be a disk */
    CHECK(start(NULL) && !disk_find("ata1"));
    CHECK_CLEAN();
}

static void
cd_reads(void)
{
    cd->attentions = 1;
    struct disk *disk = start_with_cd();
    CHECK(disk && disk->sectors == 40000 && disk->sector_size == 2048);
    CHECK(read_run(disk, 400, 50) == 0);
    CHECK(cd->packets < 6 && ata_counters.packets == cd->packets && ata_counters.requests == 0);
    CHECK(fake_protocol_errors == 0 && ata_counters.irqs >= ata_counters.packets);
    for (unsigned before = 0; before < 4; before++)
        for (unsigned sectors = 1; sectors <= 8; sectors++) {
            struct page *page = page_alloc();
            CHECK(block_read_page(disk, 1000 + before, sectors, page) == 0);
            CHECK(page_right(page, 1000 + before, 2048, sectors * 512));
            page_put(page);
        }
    CHECK(fake_protocol_errors == 0);
}

static void
cd_without_disc(void)
{
    cd->no_disc = true;
    CHECK(!start_with_cd() && host_log_contains("no disc"));
}

static void
cd_whose_errors_are_forgotten(void)
{
    cd->no_disc = cd->forgets_failed = true;
    CHECK(!start_with_cd() && host_log_contains("no disc"));
}

static void
out_of_memory_at_start(void)
{
    for (int limit = 0; limit < 60; limit++) {
        pid_t child = fork();
        if (child == 0) {
            host_alloc_limit = limit;
            ata_init();
            host_alloc_limit = -1;
            struct disk *disk = disk_first();
            _exit(disk && disk->queue && read_run(disk, 64, 40) != 0);
        }
        int status;
        waitpid(child, &status, 0);
        CHECK(status == 0, "at %d: %x", limit, status);
    }
}

static const struct ahci_test tests[] = {
    TEST(queued_reads),
    TEST(merged_reads),
    TEST(small_gaps),
    TEST(nobody_starves),
    TEST(a_megabyte_at_once),
    TEST(most_of_a_short_command),
    TEST(ends_share_an_interrupt),
    TEST(depth_of_the_device),
    TEST(depth_of_the_controller),
    TEST(device_without_queue),
    TEST(controller_without_queue),
    TEST(queue_not_wanted),
    TEST(large_disk),
    TEST(several_ports),
    TEST(absent_at_once),
    TEST(ahci_off),
    TEST(multiplier_is_refused),
    TEST(bios_lets_go),
    TEST(identity_without_data),
    TEST(cd_reads),
    TEST(cd_without_disc),
    TEST(cd_whose_errors_are_forgotten),
    TEST(out_of_memory_at_start),
};

int
main(int argc, char **argv)
{
    return run_ahci_tests(tests, ARRAY_SIZE(tests), argc, argv);
}
