// sources: drivers/ata/*.c drivers/block.c drivers/block_queue.c drivers/partition.c drivers/pci.c tests/host/drivers/fake_ahci.c tests/host/support/*.c
/* The ATA command layer and the AHCI driver against a fake controller with faults to order. */
#include "tests/host/drivers/ahci_host.h"

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

static const struct ahci_test tests[] = {
    TEST(fault_words),
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
    TEST(cd_errors),
    TEST(cd_that_dies),
    TEST(random_faults_with_log),
    TEST(random_faults_without_log),
    TEST(random_faults_as_in_qemu),
};

int
main(int argc, char **argv)
{
    return run_ahci_tests(tests, ARRAY_SIZE(tests), argc, argv);
}
