// sources: drivers/ata/*.c drivers/block.c drivers/block_queue.c drivers/partition.c drivers/pci.c tests/host/drivers/fake_ahci.c tests/host/support/*.c
/* The ATA command layer and the AHCI driver against a fake controller with faults. Each test runs in
 * a process of its own, because controllers are found once. */
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/ata/ata.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "tests/host/drivers/fake_ahci.h"
#include "tests/host/drivers/reading.h"

#define NONE (~0ull)
#define MANY 120

static struct fake_port *const first = &fake[0], *const second = &fake[1], *const cd = &fake[2];
static struct reading readings[MANY];

static void
reset_fake(void)
{
    for (unsigned i = 0; i < FAKE_PORTS; i++) {
        fake[i].bad_sector = NONE;
        fake[i].bad_times = ~0u;
        fake[i].taskfile = 0x7f;
    }
    first->kind = FAKE_DISK;
    first->sectors = 1u << 20;
    first->depth = 32;
    first->link = 0x123;
    host_pump = fake_pump;
}

static void
add(struct fake_port *port, enum fake_kind kind, u64 sectors, unsigned depth)
{
    port->kind = kind;
    port->sectors = sectors;
    port->depth = depth;
    port->link = 0x123;
}

static struct disk *
start(const char *word)
{
    if (word)
        ata_configure(word);
    ata_init();
    memset(&ata_counters, 0, sizeof ata_counters);
    for (unsigned i = 0; i < FAKE_PORTS; i++)
        fake[i].queued_reads = fake[i].dma_reads = fake[i].resets = fake[i].packets = 0;
    fake_interrupts = 0;
    return disk_first();
}

#define CHECK_CLEAN()                                                                              \
    do {                                                                                           \
        CHECK(fake_protocol_errors == 0, "%u", fake_protocol_errors);                              \
        CHECK(ata_counters.polled == 0);                                                           \
        CHECK(ata_counters.commands == first->queued_reads + first->dma_reads +                    \
                                           second->queued_reads + second->dma_reads);              \
        CHECK(ata_counters.irqs + ata_counters.coalesced >= ata_counters.commands);                \
    } while (0)

/* After errors: some commands end before the device sees them. */
#define CHECK_WELL()                                                                               \
    do {                                                                                           \
        CHECK(fake_protocol_errors == 0, "%u", fake_protocol_errors);                              \
        CHECK(ata_counters.polled == 0);                                                           \
    } while (0)

/* Submits `count` requests of a page in places far from each other. */
static void
submit_apart(struct disk *disk, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        submit(disk, &readings[i], 4000 + 128 * i, 1);
}

/* Are all of them read but those where `bad` is set? */
static unsigned
count_unexpected(unsigned count, u64 bad)
{
    unsigned unexpected = 0;
    wait_all(readings, count);
    for (unsigned i = 0; i < count; i++) {
        bool is_bad = i < 64 && bad >> i & 1;
        unsigned wrong = count_wrong(&readings[i], 512);
        bool good = is_bad ? readings[i].result == -EIO - 1000
                           : readings[i].result == 1 && wrong == 0;
        unexpected += !good;
    }
    return unexpected;
}

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

/* A word that cannot be understood changes nothing. */
static void
fault_words(void)
{
    struct disk *disk = start(NULL);
    CHECK(strcmp(ata_fault_text(), "none") == 0);
    CHECK(ata_fault_set("short:1000000") && !ata_fault_set("short:1x"));
    CHECK(strcmp(ata_fault_text(), "short:1000000") == 0);
    CHECK(!ata_fault_set("drop:1@a-very-long-name") && !ata_fault_set("drop:1234567890"));
    CHECK(!ata_fault_set("silent:0") && !ata_fault_set("silent:0:") && !ata_fault_set("often"));
    submit_apart(disk, 40);
    CHECK(count_unexpected(40, 0) == 0 && ata_counters.resets == 0);
    CHECK(ata_fault_set("short:2@ata0") && ata_fault_set("none"));
    CHECK(!ata_fault_configure("ata-limit=0") && !ata_fault_configure("ata-limit=5s"));
    submit_apart(disk, 40);
    CHECK(count_unexpected(40, 0) == 0 && ata_counters.resets == 0);
    CHECK(ata_fault_set("short:2@ata0"));
    submit_apart(disk, 40);
    CHECK(count_unexpected(40, 0) == 0 && ata_counters.resets > 0);
    CHECK_WELL();
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
dead_at_start(void)
{
    first->dead = true;
    u64 before = time_now_ns();
    CHECK(start(NULL) == NULL);
    CHECK(time_now_ns() - before < 30000000000ull);
}

/* One of 32 queued reads fails for good: the log says which, the others start again, together. */
static void
failed_tag(void)
{
    struct disk *disk = start(NULL);
    first->bad_sector = 4000 + 128 * 20 + 3;
    submit_apart(disk, 64);
    CHECK(count_unexpected(64, 1ull << 20) == 0);
    CHECK(first->log_reads == 1 && first->resets == 0);
    CHECK(first->dma_reads == ATA_TRIES, "%u", first->dma_reads);
}

/* The same where the log is refused and the device goes on with the others, as QEMU does. */
static void
failed_tag_without_log(void)
{
    first->no_log = first->goes_on = true;
    struct disk *disk = start(NULL);
    first->bad_sector = 4000 + 128 * 20 + 3;
    submit_apart(disk, 64);
    CHECK(count_unexpected(64, 1ull << 20) == 0);
    CHECK(first->resets == 1 && first->log_reads == 1);
    CHECK(host_log_contains("ata0: sector 6560 (8 sectors): status 41, error 40"));
    CHECK_WELL();
}

static void
failed_tag_beside_others_that_stay(void)
{
    first->no_log = first->goes_on = first->tags_stay = true;
    struct disk *disk = start(NULL);
    first->bad_sector = 4000 + 128 * 20 + 3;
    submit_apart(disk, 64);
    CHECK(count_unexpected(64, 1ull << 20) == 0);
    CHECK(first->resets == 1 && first->log_reads == 0);
    CHECK_WELL();
}

static void
failed_tag_that_stands_still(void)
{
    first->no_log = true;
    struct disk *disk = start(NULL);
    first->bad_sector = 4000 + 128 * 20 + 3;
    submit_apart(disk, 64);
    CHECK(count_unexpected(64, 1ull << 20) == 0);
    CHECK_WELL();
}

/* Without a queue, where the controller forgets the command that failed. */
static void
failed_command_that_is_forgotten(void)
{
    struct disk *disk = start("ahci=single");
    first->forgets_failed = true;
    first->bad_sector = 4000 + 128 * 20 + 3;
    submit_apart(disk, 64);
    CHECK(count_unexpected(64, 1ull << 20) == 0);
    CHECK(first->resets == 0, "%u", first->resets);
    CHECK(host_log_contains("ata0: sector 6560 (8 sectors): status 41, error 40"));
    CHECK_WELL();
}

static void
bad_piece_of_a_large_read(void)
{
    struct disk *disk = start(NULL);
    first->bad_sector = 10000 + 64 + 21;
    for (unsigned i = 0; i < 10; i++)
        submit(disk, &readings[i], 10000 + 128 * i, 16);
    wait_all(readings, 10);
    for (unsigned i = 0; i < 10; i++) {
        unsigned wrong = count_wrong(&readings[i], 512);
        CHECK(readings[i].result == (i ? 1 : -EIO - 1000) && wrong == !i, "%u: %d", i,
              readings[i].result);
    }
    CHECK(ata_counters.errors == 1);
    CHECK_WELL();
}

static void
error_that_goes_away(void)
{
    struct disk *disk = start(NULL);
    first->bad_sector = 4000 + 128 * 7;
    first->bad_times = 1;
    submit_apart(disk, 64);
    CHECK(count_unexpected(64, 0) == 0 && ata_counters.errors == 0);
    CHECK_WELL();
}

static void
broken_frames(void)
{
    struct disk *disk = start(NULL);
    first->link_errors = 3;
    submit_apart(disk, 64);
    CHECK(count_unexpected(64, 0) == 0);
    CHECK(ata_counters.resets == 3 && ata_counters.errors == 0);
    CHECK_WELL();
}

/* One tag is never answered: after its time it is tried alone, and the others again. */
static void
silent_tag(void)
{
    struct disk *disk = start(NULL);
    first->hang_commands = 1;
    u64 before = time_now_ns();
    submit_apart(disk, 64);
    CHECK(count_unexpected(64, 0) == 0);
    CHECK(time_now_ns() - before < 7000000000ull && ata_counters.resets == 1);
    CHECK_WELL();
}

/* 32 commands take longer than the time limit of one: no reason to reset a disk that answers. */
static void
slow_and_steady(void)
{
    struct disk *disk = start(NULL);
    fake_step_ns = 200000000;
    submit_apart(disk, 64);
    CHECK(count_unexpected(64, 0) == 0);
    CHECK(ata_counters.resets == 0, "%u", (unsigned)ata_counters.resets);
    CHECK_CLEAN();
}

/* ... but one that is not answered beside others that are is not waited for without end. */
static void
silent_tag_of_a_slow_disk(void)
{
    static struct wait_queue queue = WAIT_QUEUE_INIT(queue, "test");
    struct disk *disk = start(NULL);
    fake_step_ns = 300000000;
    first->hang_commands = 1;
    u64 begin = time_now_ns();
    submit_apart(disk, MANY);
    while (first->resets == 0 && time_now_ns() < begin + 60000000000ull)
        wait_event_until(&queue, first->resets != 0, time_now_ns() + 10000000);
    u64 seconds = (time_now_ns() - begin) / 1000000000;
    CHECK(seconds >= 19 && seconds <= 21, "%llu", (unsigned long long)seconds);
    CHECK(count_unexpected(MANY, 0) == 0 && ata_counters.resets == 1);
    CHECK_WELL();
}

static void
dies_and_is_given_up(void)
{
    struct disk *disk = start(NULL);
    submit_apart(disk, 60);
    first->dead = true;
    u64 before = time_now_ns();
    CHECK(count_unexpected(60, ~0ull) == 0);
    CHECK(time_now_ns() - before < ATA_GIVE_UP_NS, "%llu s",
          (unsigned long long)(time_now_ns() - before) / 1000000000);
    before = time_now_ns();
    submit_apart(disk, 60);
    CHECK(time_now_ns() == before && count_unexpected(60, ~0ull) == 0); /* at once */
    CHECK(disk->statistics.in_flight == 0 && disk->statistics.waiting == 0);
}

static void
unplugged(void)
{
    struct disk *disk = start(NULL);
    submit_apart(disk, 60);
    fake_unplug(first);
    u64 before = time_now_ns();
    CHECK(count_unexpected(60, ~0ull) == 0);
    CHECK(time_now_ns() - before < ATA_GIVE_UP_NS);
    CHECK(fake_protocol_errors == 0);
}

static void
never_answers_but_resets(void)
{
    struct disk *disk = start(NULL);
    first->hang_commands = 10000;
    u64 before = time_now_ns();
    submit_apart(disk, 60);
    CHECK(count_unexpected(60, ~0ull) == 0);
    CHECK(time_now_ns() - before < ATA_GIVE_UP_NS);
}

static void
other_port_lives_on(void)
{
    add(second, FAKE_DISK, 90000, 32);
    struct disk *one = start(NULL), *two = disk_find("ata1");
    first->dead = true;
    submit(one, &readings[0], 0, 1);
    u64 before = time_now_ns();
    CHECK(read_run(two, 64, 200) == 0);
    CHECK(time_now_ns() - before < 1000000000ull);
    wait_all(readings, 1);
    CHECK(readings[0].result == -EIO - 1000);
    count_wrong(&readings[0], 512);
}

static void
lost_interrupt(void)
{
    struct disk *disk = start(NULL);
    submit_apart(disk, 1);
    first->lose_interrupts = 1;
    CHECK(count_unexpected(1, 0) == 0);
    CHECK(ata_counters.polled == 1 && ata_counters.resets == 0 && fake_protocol_errors == 0);
}

static void
short_transfer(void)
{
    struct disk *disk = start("ahci=single");
    first->short_transfers = 1;
    submit_apart(disk, 8);
    CHECK(count_unexpected(8, 0) == 0 && ata_counters.resets == 1 && ata_counters.errors == 0);
    CHECK_CLEAN();
}

static void
engine_that_does_not_stop(void)
{
    struct disk *disk = start(NULL);
    first->hang_commands = 10000;
    fake_stuck_engine = true;
    unsigned pages = host_pages_used;
    submit_apart(disk, 20);
    u64 before = time_now_ns();
    CHECK(count_unexpected(20, ~0ull) == 0);
    CHECK(time_now_ns() - before < ATA_GIVE_UP_NS);
    CHECK(host_pages_used == pages + 20, "%u", host_pages_used - pages); /* what it may still write to is nobody else's */
}

/* ---- CDs ---- */

static struct disk *
start_with_cd(void)
{
    add(first, FAKE_NOBODY, 0, 0);
    first->link = 0;
    add(cd, FAKE_CD, 10000, 0);
    start(NULL);
    return disk_find("cd0");
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
cd_errors(void)
{
    struct disk *disk = start_with_cd();
    cd->attentions = 2;
    CHECK(read_run(disk, 400, 20) == 0);
    cd->bad_sector = 1002;
    submit(disk, &readings[0], 4000, 8);
    wait_all(readings, 1);
    CHECK(readings[0].result == -EIO - 1000 && count_wrong(&readings[0], 2048) == 1);
    CHECK(host_log_contains("cd0: sector 4008 (8 sectors): status 41"));
    CHECK(fake_protocol_errors == 0);
}

/* The bound that ata.h gives for a CD drive that falls silent. */
static void
cd_that_dies(void)
{
    struct disk *disk = start_with_cd();
    cd->hang_commands = 10000;
    submit_apart(disk, 20);
    u64 before = time_now_ns();
    CHECK(count_unexpected(20, ~0ull) == 0);
    CHECK(time_now_ns() - before < ATA_GIVE_UP_CD_NS, "%llu s",
          (unsigned long long)(time_now_ns() - before) / 1000000000);
    CHECK(time_now_ns() - before > 60000000000ull, "%llu", (unsigned long long)(time_now_ns() - before) / 1000000000);
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

/* ---- All together ---- */

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

/* Many requests in random places, with errors now and then: nothing is lost, everything right. */
static void
random_faults(void)
{
    struct disk *disk = start(NULL);
    for (unsigned round = 0; round < 80; round++) {
        unsigned pages_before = host_pages_used;
        fake_batch = 1 + (unsigned)rand() % 5;
        first->bad_sector = (u64)rand() % 4000;
        first->bad_times = (unsigned)rand() % 4;
        first->fail_one_in = round % 3 == 0 ? 2 + (unsigned)rand() % 30 : 0;
        first->hang_one_in = round % 7 == 0 ? 60 : 0;
        first->link_errors = round % 5 == 0 ? (unsigned)rand() % 3 : 0;
        first->lose_interrupts = round % 11 == 0 ? (unsigned)rand() % 3 : 0;
        for (unsigned i = 0; i < MANY; i++)
            submit(disk, &readings[i], (u64)(rand() % 500) * 8, 1 + (unsigned)rand() % 16);
        wait_all(readings, MANY);
        for (unsigned i = 0; i < MANY; i++) {
            int result = readings[i].result;
            unsigned wrong = count_wrong(&readings[i], 512);
            CHECK(result == 1 ? wrong == 0 : result && wrong == (unsigned)(-EIO - result) / 1000,
                  "round %u: result %d, %u wrong", round, result, wrong);
        }
        CHECK(disk->statistics.in_flight == 0 && disk->statistics.waiting == 0);
        CHECK(host_pages_used == pages_before);
    }
    CHECK(fake_protocol_errors == 0);
}

static void
random_faults_with_log(void)
{
    srand(5);
    random_faults();
}

static void
random_faults_without_log(void)
{
    srand(6);
    first->no_log = first->goes_on = true;
    random_faults();
}

static void
random_faults_as_in_qemu(void)
{
    srand(7);
    first->no_log = first->goes_on = first->tags_stay = true;
    random_faults();
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
#define TEST(name) {#name, name}
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
    TEST(fault_words),
    TEST(multiplier_is_refused),
    TEST(bios_lets_go),
    TEST(identity_without_data),
    TEST(dead_at_start),
    TEST(failed_tag),
    TEST(failed_tag_without_log),
    TEST(failed_tag_beside_others_that_stay),
    TEST(failed_tag_that_stands_still),
    TEST(failed_command_that_is_forgotten),
    TEST(bad_piece_of_a_large_read),
    TEST(error_that_goes_away),
    TEST(broken_frames),
    TEST(silent_tag),
    TEST(slow_and_steady),
    TEST(silent_tag_of_a_slow_disk),
    TEST(dies_and_is_given_up),
    TEST(unplugged),
    TEST(never_answers_but_resets),
    TEST(other_port_lives_on),
    TEST(lost_interrupt),
    TEST(short_transfer),
    TEST(engine_that_does_not_stop),
    TEST(cd_reads),
    TEST(cd_errors),
    TEST(cd_that_dies),
    TEST(cd_without_disc),
    TEST(cd_whose_errors_are_forgotten),
    TEST(out_of_memory_at_start),
    TEST(random_faults_with_log),
    TEST(random_faults_without_log),
    TEST(random_faults_as_in_qemu),
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
