/* A PCI AHCI controller with up to four devices, for host tests, with faults to order. It answers at
 * its registers (io.h) and works when host_pump lets it: a few commands at a time, queued ones in any
 * order, then the interrupt. */
#ifndef FAKE_AHCI_H
#define FAKE_AHCI_H

#include "arch.h"
#include "host.h"
#include "io.h"
#include "kernel/page.h"

#define FAKE_PORTS 4

enum fake_kind { FAKE_NOBODY, FAKE_DISK, FAKE_CD, FAKE_MULTIPLIER };

struct fake_port {
    /* Set by the test: */
    enum fake_kind kind;
    u64 sectors; /* of 512 bytes; of a CD: of 2048 */
    unsigned depth; /* NCQ; 0: none */
    bool no_log;    /* READ LOG EXT is refused */
    bool goes_on;   /* after a queued error it works on at the others, until a reset, as QEMU does */
    bool tags_stay; /* ... and shows them after the port was stopped, as QEMU did before 8.1 */
    bool forgets_failed; /* an unqueued command that failed is not issued any more, as in old QEMUs */
    bool starves;        /* the queued command in slot 0 is done when there is nothing else to do */
    u64 bad_sector; /* reads that touch it fail; ~0: none */
    unsigned bad_times;       /* so often, then it is good again */
    unsigned fail_one_in;     /* reads fail at random; 0: never */
    unsigned hang_commands;   /* so many reads are never answered, until a reset */
    unsigned hang_one_in;     /* reads are never answered at random */
    bool says_nothing;        /* IDENTIFY succeeds, and gives no data */
    bool dead;                /* answers nothing, and no reset helps */
    unsigned lose_interrupts; /* so many interrupts do not come */
    unsigned short_transfers; /* so many unqueued reads give less than was asked, without an error */
    unsigned link_errors;     /* so many reads end in a broken frame */
    unsigned attentions;      /* of a CD: so many packets end in UNIT ATTENTION */
    bool no_disc;
    /* What the test may look at: */
    unsigned queued_reads, dma_reads, packets, log_reads, resets, most_in_flight;
    unsigned most_overtaken; /* commands that were issued later and ended before another one */
    u16 slots_used;
    /* Registers: */
    u32 list, received, interrupts, enabled, command, taskfile, signature, link, link_control,
        link_error, queued, issued;
    /* Inside: */
    bool stopped_by_error, log_due;
    u32 stuck;          /* slots that are never answered */
    u32 ghosts;         /* slots that go on, and are not seen in the registers */
    unsigned issues, issue_of[32]; /* how many commands had been issued before that of a slot */
    unsigned overtaken[32];
    u8 log[512];
    u8 sense_key, sense_code;
};

extern struct fake_port fake[FAKE_PORTS];
extern unsigned fake_interrupts, fake_protocol_errors;
extern u64 fake_step_ns;      /* how long it works before it goes on */
extern unsigned fake_batch;   /* commands that end with one interrupt, at most */
extern unsigned fake_slots;   /* of the controller */
extern bool fake_no_queue;    /* the controller cannot do NCQ */
extern bool fake_bios_owned;  /* the BIOS lets go when it is asked */
extern bool fake_stuck_engine; /* a port's engine, once stopped, says for ever that it runs */

u8 fake_byte(u64 sector, u32 at); /* what stands on the disks */
bool fake_pump(void);
void fake_unplug(struct fake_port *port);

#endif
