// sources: drivers/ata/*.c drivers/block.c drivers/block_queue.c drivers/partition.c drivers/pci.c tests/host/drivers/fake_ide.c tests/host/support/*.c
/* The ATA command layer and the IDE driver against a fake controller with faults. Each test runs in a
 * process of its own, because controllers are found once. */
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/ata/ata.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "tests/host/drivers/fake_ide.h"
#include "tests/host/drivers/reading.h"

#define NONE (~0ull)

static struct fake_device *const master = &fake[0].device[0], *const slave = &fake[0].device[1],
                                *const cd = &fake[1].device[0];

static void
reset_fake(void)
{
    for (unsigned i = 0; i < 2; i++)
        for (unsigned j = 0; j < 2; j++) {
            struct fake_device *device = &fake[i].device[j];
            device->status = 0x40;
            device->error = 1;
            device->bad_sector = NONE;
            device->bad_times = ~0u;
        }
    master->kind = FAKE_DISK;
    master->sectors = 1u << 20;
    host_pump = fake_pump;
}

static struct disk *
start(const char *word)
{
    if (word)
        ide_configure(word);
    ide_init();
    memset(&ata_counters, 0, sizeof ata_counters);
    master->reads = slave->reads = cd->reads = fake_interrupts = 0;
    return disk_first();
}

#define CHECK_CLEAN()                                                                              \
    do {                                                                                           \
        CHECK(fake_protocol_errors == 0, "%u", fake_protocol_errors);                              \
        CHECK(ata_counters.polled == 0);                                                           \
        CHECK(ata_counters.commands == master->reads + slave->reads);                              \
        CHECK(ata_counters.irqs >= ata_counters.commands);                                         \
    } while (0)

static void
dma_reads(void)
{
    struct disk *disk = start(NULL);
    CHECK(disk && strcmp(disk->name, "ata0") == 0 && disk->sectors == 1u << 20);
    CHECK(read_run(disk, 1000, 100) == 0);
    CHECK(master->last_command == 0xc8 || master->last_command == 0x25);
    CHECK(master->reads < 10, "%u", master->reads); /* merged */
    CHECK(ata_counters.irqs == ata_counters.commands);
    CHECK(ata_counters.requests == ata_counters.commands);
    CHECK_CLEAN();
}

static void
pio_reads(void)
{
    struct disk *disk = start("ide=pio");
    CHECK(master->multiple == 16);
    CHECK(read_run(disk, 1000, 100) == 0);
    CHECK(master->last_command == 0xc4 || master->last_command == 0x29);
    CHECK_CLEAN();
}

static void
pio_without_multiple(void)
{
    master->no_multiple = true;
    struct disk *disk = start("ide=pio");
    CHECK(read_run(disk, 77, 40) == 0);
    CHECK(master->last_command == 0x20 || master->last_command == 0x24);
    CHECK_CLEAN();
}

static void
pio_without_pci(void)
{
    fake_no_pci = fake_no_bus_master = true;
    struct disk *disk = start(NULL);
    CHECK(disk && read_run(disk, 5, 9) == 0);
    CHECK_CLEAN();
}

static void
disk_without_dma(void)
{
    master->no_dma = true;
    struct disk *disk = start(NULL);
    CHECK(disk && read_run(disk, 5, 9) == 0 && master->last_command == 0xc4);
    CHECK_CLEAN();
}

static void
lba48(void)
{
    master->sectors = 1ull << 33;
    struct disk *disk = start(NULL);
    CHECK(disk->sectors == 1ull << 33);
    CHECK(read_run(disk, (1ull << 28) - 80, 20) == 0); /* across the end of 28 bits */
    CHECK(read_run(disk, (1ull << 32) + 12345, 20) == 0);
    CHECK(master->last_command == 0x25);
    CHECK(read_run(disk, (1ull << 33) - 8, 1) == 0);
    CHECK_CLEAN();
}

static void
lba28_only(void)
{
    master->no_lba48 = true;
    master->sectors = (1u << 28) - 1;
    struct disk *disk = start(NULL);
    CHECK(disk->sectors == (1u << 28) - 1);
    CHECK(read_run(disk, (1u << 28) - 1 - 800, 100) == 0);
    CHECK(master->last_command == 0xc8);
    CHECK_CLEAN();
}

static void
two_devices(void)
{
    slave->kind = FAKE_DISK;
    slave->sectors = 5000;
    struct disk *first = start(NULL), *second = disk_find("ata1");
    CHECK(second && second->sectors == 5000);
    static struct reading readings[60];
    for (unsigned i = 0; i < 60; i++)
        submit(i % 2 ? first : second, &readings[i], (i * 376) % 4000, 1);
    wait_all(readings, 60);
    for (unsigned i = 0; i < 60; i++)
        CHECK(readings[i].result == 1 && count_wrong(&readings[i], 512) == 0);
    CHECK(slave->reads >= 2 && master->reads >= 2);
    CHECK_CLEAN();
}

static void
slave_only(void)
{
    master->kind = FAKE_NOBODY;
    slave->kind = FAKE_DISK;
    slave->sectors = 5000;
    struct disk *disk = start(NULL);
    CHECK(disk && disk->next == NULL && read_run(disk, 100, 5) == 0);
    CHECK_CLEAN();
}

static void
absent_at_once(void)
{
    master->kind = FAKE_NOBODY;
    u64 before = time_now_ns();
    CHECK(start(NULL) == NULL);
    CHECK(time_now_ns() - before < 1000000, "%llu", (unsigned long long)(time_now_ns() - before));
    fake_floating = fake_no_pci = true;
    ide_init();
    CHECK(time_now_ns() - before < 1000000 && disk_first() == NULL);
}

static void
ide_off(void)
{
    CHECK(!ide_configure("ide=maybe"));
    CHECK(start("ide=off") == NULL && master->commands == 0);
}

static void
dead_at_start(void)
{
    master->dead = true;
    u64 before = time_now_ns();
    CHECK(start(NULL) == NULL);
    CHECK(time_now_ns() - before < 30000000000ull);
}

static void
bad_sector_in_the_middle(void)
{
    static struct reading readings[30];
    struct disk *disk = start(NULL);
    submit(disk, &readings[0], 0, 1); /* so that the others wait and merge */
    for (unsigned i = 1; i < 30; i++)
        submit(disk, &readings[i], 4000 + 64 * i, 8);
    master->bad_sector = 4000 + 64 * 13 + 21;
    wait_all(readings, 30);
    for (unsigned i = 0; i < 30; i++) {
        unsigned wrong = count_wrong(&readings[i], 512);
        if (i == 13)
            CHECK(readings[i].result == -EIO - 1000 && wrong == 1, "%d", readings[i].result);
        else
            CHECK(readings[i].result == 1 && wrong == 0, "%u: %d", i, readings[i].result);
    }
    CHECK(ata_counters.errors == 1 && disk->statistics.errors == 1);
    CHECK(host_log_contains("ata0: sector 4848 (8 sectors): status 41, error 40"));
    CHECK(disk->statistics.in_flight == 0 && disk->statistics.waiting == 0);
    CHECK_CLEAN();
}

static void
bad_sector_by_pio(void)
{
    static struct reading reading;
    struct disk *disk = start("ide=pio");
    master->bad_sector = 100;
    submit(disk, &reading, 64, 8);
    wait_all(&reading, 1);
    CHECK(reading.result == -EIO - 1000 && count_wrong(&reading, 512) == 1);
    CHECK(read_run(disk, 200, 10) == 0);
    CHECK_CLEAN();
}

static void
error_that_goes_away(void)
{
    struct disk *disk = start(NULL);
    master->bad_sector = 100;
    master->bad_times = 2;
    CHECK(read_run(disk, 64, 8) == 0);
    CHECK(ata_counters.errors == 0 && master->bad_times == 0);
    CHECK_CLEAN();
}

static void
hang_and_reset(void)
{
    struct disk *disk = start(NULL);
    unsigned resets = master->resets;
    master->hang_commands = 1;
    u64 before = time_now_ns();
    CHECK(read_run(disk, 64, 8) == 0);
    CHECK(time_now_ns() - before < 7000000000ull && master->resets == resets + 1);
    CHECK(ata_counters.resets == 1 && ata_counters.errors == 0);
    CHECK(ata_counters.polled == 0 && fake_protocol_errors == 0);
}

static void
hang_by_pio(void)
{
    struct disk *disk = start("ide=pio");
    master->hang_commands = 2;
    CHECK(read_run(disk, 64, 8) == 0);
    CHECK(master->multiple == 16); /* set again */
    CHECK(ata_counters.polled == 0 && fake_protocol_errors == 0);
}

static void
dies_and_is_given_up(void)
{
    static struct reading readings[40];
    struct disk *disk = start(NULL);
    for (unsigned i = 0; i < 20; i++)
        submit(disk, &readings[i], 160 * i, 2);
    master->dead = true;
    u64 before = time_now_ns();
    wait_all(readings, 20);
    CHECK(time_now_ns() - before < 60000000000ull);
    for (unsigned i = 0; i < 20; i++) {
        CHECK(readings[i].result == -EIO - 2000, "%u: %d", i, readings[i].result);
        count_wrong(&readings[i], 512);
    }
    before = time_now_ns();
    for (unsigned i = 20; i < 40; i++) {
        submit(disk, &readings[i], 160 * i, 1);
        CHECK(readings[i].result == -EIO - 1000);
        count_wrong(&readings[i], 512);
    }
    CHECK(time_now_ns() == before); /* at once */
    CHECK(disk->statistics.in_flight == 0 && disk->statistics.waiting == 0);
}

static void
slave_lives_on(void)
{
    slave->kind = FAKE_DISK;
    slave->sectors = 5000;
    struct disk *first = start(NULL), *second = disk_find("ata1");
    static struct reading readings[2];
    master->hang_commands = 1000; /* answers resets, but never a read */
    submit(first, &readings[0], 0, 1);
    submit(second, &readings[1], 0, 1);
    wait_all(readings, 2);
    CHECK(readings[0].result == -EIO - 1000 && readings[1].result == 1);
    count_wrong(&readings[0], 512);
    CHECK(count_wrong(&readings[1], 512) == 0);
    CHECK(read_run(second, 64, 30) == 0);
}

static void
lost_interrupt(void)
{
    struct disk *disk = start(NULL);
    master->lose_interrupts = 1;
    CHECK(read_run(disk, 64, 8) == 0);
    CHECK(ata_counters.polled == 1 && ata_counters.resets == 0 && fake_protocol_errors == 0);
}

static void
lost_interrupt_by_pio(void)
{
    struct disk *disk = start("ide=pio");
    master->lose_interrupts = 2;
    CHECK(read_run(disk, 64, 8) == 0);
    CHECK(ata_counters.polled == 2 && ata_counters.resets == 0 && fake_protocol_errors == 0);
}

static void
short_transfer(void)
{
    struct disk *disk = start(NULL);
    master->short_transfers = 1;
    CHECK(read_run(disk, 64, 8) == 0);
    CHECK(ata_counters.resets == 1 && ata_counters.errors == 0);
}

static void
short_transfer_by_pio(void)
{
    struct disk *disk = start("ide=pio");
    master->short_transfers = 2;
    CHECK(read_run(disk, 64, 8) == 0);
    CHECK(ata_counters.resets == 2 && ata_counters.errors == 0);
}

static void
spurious_interrupts(void)
{
    struct disk *disk = start(NULL);
    u64 before = ata_counters.irqs;
    CHECK(!host_interrupt(14) && ata_counters.irqs == before);
    CHECK(read_run(disk, 64, 8) == 0);
    CHECK_CLEAN();
}

static void
beyond_what_identify_said(void)
{
    struct disk *disk = start(NULL);
    static struct reading reading;
    master->sectors = 1000; /* has shrunk */
    submit(disk, &reading, 2000, 1);
    wait_all(&reading, 1);
    CHECK(reading.result == -EIO - 1000);
    count_wrong(&reading, 512);
    CHECK(read_run(disk, 64, 8) == 0);
}

static void
add_cd(void)
{
    cd->kind = FAKE_CD;
    cd->sectors = 10000;
}

static void
cd_reads(void)
{
    add_cd();
    cd->attentions = 1;
    start(NULL);
    struct disk *disk = disk_find("cd0");
    CHECK(disk && disk->sectors == 40000 && disk->sector_size == 2048);
    CHECK(read_run(disk, 400, 50) == 0);
    CHECK(cd->reads < 6 && ata_counters.packets == cd->reads && ata_counters.requests == 0);
    CHECK(fake_protocol_errors == 0 && ata_counters.irqs >= ata_counters.packets);
}

static void
cd_reads_by_pio(void)
{
    add_cd();
    cd->wants_packet_interrupt = true;
    start("ide=pio");
    struct disk *disk = disk_find("cd0");
    CHECK(disk && read_run(disk, 400, 50) == 0);
    CHECK(fake_protocol_errors == 0 && ata_counters.polled == 0);
}

/* Reads that begin and end inside a sector of the CD. */
static void
cd_unaligned(const char *word)
{
    static struct reading reading;
    add_cd();
    start(word);
    struct disk *disk = disk_find("cd0");
    for (unsigned before = 0; before < 4; before++) {
        for (unsigned sectors = 1; sectors <= 8; sectors++) {
            struct page *page = page_alloc();
            CHECK(block_read_page(disk, 1000 + before, sectors, page) == 0);
            CHECK(page_right(page, 1000 + before, 2048, sectors * 512));
            page_put(page);
        }
        submit(disk, &reading, 3000 + before, 16);
        wait_all(&reading, 1);
        CHECK(reading.result == 1 && count_wrong(&reading, 2048) == 0);
    }
    CHECK(fake_protocol_errors == 0);
}

static void
cd_unaligned_dma(void)
{
    cd_unaligned(NULL);
}

static void
cd_unaligned_pio(void)
{
    cd_unaligned("ide=pio");
}

static void
cd_attention_while_reading(void)
{
    add_cd();
    start(NULL);
    cd->attentions = 2;
    CHECK(read_run(disk_find("cd0"), 400, 20) == 0);
    CHECK(ata_counters.errors == 0 && fake_protocol_errors == 0);
}

static void
cd_bad_sector(void)
{
    static struct reading reading;
    add_cd();
    start(NULL);
    cd->bad_sector = 1002;
    submit(disk_find("cd0"), &reading, 4000, 8);
    wait_all(&reading, 1);
    CHECK(reading.result == -EIO - 1000 && count_wrong(&reading, 2048) == 1, "%d", reading.result);
    CHECK(host_log_contains("cd0: sector 4008 (8 sectors): status 41"));
}

static void
cd_without_disc(void)
{
    add_cd();
    cd->no_disc = true;
    start(NULL);
    CHECK(!disk_find("cd0") && host_log_contains("no disc"));
}

static void
out_of_memory_at_start(void)
{
    unsigned objects = host_objects_used, pages = host_pages_used;
    for (int limit = 0; limit < 4; limit++) {
        host_alloc_limit = limit;
        ide_init();
        CHECK(disk_first() == NULL);
        CHECK(host_objects_used == objects && host_pages_used == pages, "at %d", limit);
    }
    host_alloc_limit = -1;
    CHECK(start(NULL) != NULL);
}

/* Many requests in random places, with errors now and then: nothing is lost, everything right. */
static void
random_faults(void)
{
    static struct reading readings[64];
    struct disk *disk = start(NULL);
    srand(99);
    for (unsigned round = 0; round < 60; round++) {
        unsigned pages_before = host_pages_used;
        master->bad_sector = (u64)rand() % 4000;
        master->bad_times = (unsigned)rand() % 4;
        if (round % 5 == 0)
            master->hang_commands = (unsigned)rand() % 2;
        if (round % 7 == 0)
            master->short_transfers = (unsigned)rand() % 3;
        if (round % 11 == 0)
            master->lose_interrupts = (unsigned)rand() % 3;
        for (unsigned i = 0; i < 64; i++)
            submit(disk, &readings[i], (u64)(rand() % 500) * 8, 1 + (unsigned)rand() % 16);
        wait_all(readings, 64);
        for (unsigned i = 0; i < 64; i++) {
            int result = readings[i].result;
            unsigned wrong = count_wrong(&readings[i], 512);
            CHECK(result == 1 ? wrong == 0 : wrong == (unsigned)(-EIO - result) / 1000,
                  "round %u: result %d, %u wrong", round, result, wrong);
        }
        CHECK(disk->statistics.in_flight == 0 && disk->statistics.waiting == 0);
        CHECK(host_pages_used == pages_before);
    }
    CHECK(fake_protocol_errors == 0);
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
#define TEST(name) {#name, name}
    TEST(dma_reads),
    TEST(pio_reads),
    TEST(pio_without_multiple),
    TEST(pio_without_pci),
    TEST(disk_without_dma),
    TEST(lba48),
    TEST(lba28_only),
    TEST(two_devices),
    TEST(slave_only),
    TEST(absent_at_once),
    TEST(ide_off),
    TEST(dead_at_start),
    TEST(bad_sector_in_the_middle),
    TEST(bad_sector_by_pio),
    TEST(error_that_goes_away),
    TEST(hang_and_reset),
    TEST(hang_by_pio),
    TEST(dies_and_is_given_up),
    TEST(slave_lives_on),
    TEST(lost_interrupt),
    TEST(lost_interrupt_by_pio),
    TEST(short_transfer),
    TEST(short_transfer_by_pio),
    TEST(spurious_interrupts),
    TEST(beyond_what_identify_said),
    TEST(cd_reads),
    TEST(cd_reads_by_pio),
    TEST(cd_unaligned_dma),
    TEST(cd_unaligned_pio),
    TEST(cd_attention_while_reading),
    TEST(cd_bad_sector),
    TEST(cd_without_disc),
    TEST(out_of_memory_at_start),
    TEST(random_faults),
};

int
main(int argc, char **argv)
{
    int failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
        if (argc > 1 && strcmp(argv[1], tests[i].name) != 0)
            continue;
        pid_t child = fork();
        if (child == 0) {
            test_begin(tests[i].name);
            reset_fake();
            tests[i].run();
            if (!host_failed)
                printf("ok %s\n", tests[i].name);
            fflush(stdout);
            _exit(test_result());
        }
        int status;
        waitpid(child, &status, 0);
        failed |= status != 0;
        if (WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) > 1))
            printf("not ok %s: ended with status %x\n", tests[i].name, status);
    }
    return failed;
}
