/* What the tests of the AHCI driver share: a fake controller (fake_ahci.h), with a disk of a queue of 32
 * at its first port, and reads that are compared with what stands there. */
#ifndef AHCI_HOST_H
#define AHCI_HOST_H

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

static inline void
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

static inline void
add(struct fake_port *port, enum fake_kind kind, u64 sectors, unsigned depth)
{
    port->kind = kind;
    port->sectors = sectors;
    port->depth = depth;
    port->link = 0x123;
}

static inline struct disk *
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
static inline void
submit_apart(struct disk *disk, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        submit(disk, &readings[i], 4000 + 128 * i, 1);
}

/* Are all of them read but those where `bad` is set? */
static inline unsigned
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

static inline struct disk *
start_with_cd(void)
{
    add(first, FAKE_NOBODY, 0, 0);
    first->link = 0;
    add(cd, FAKE_CD, 10000, 0);
    start(NULL);
    return disk_find("cd0");
}

struct ahci_test {
    const char *name;
    void (*run)(void);
};
#define TEST(name) {#name, name}

/* Runs all, or the one that is named, each in a process of its own: the exit status of the program. */
static inline int
run_ahci_tests(const struct ahci_test *tests, unsigned count, int argc, char **argv)
{
    int failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < count; i++) {
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

#endif
