/* A PCI IDE controller with up to four devices, for host tests, with faults to order. It answers at
 * the ports (io.h) and works when host_pump lets it: one command, or one block of data, at a time. */
#ifndef FAKE_IDE_H
#define FAKE_IDE_H

#include "arch.h"
#include "host.h"
#include "io.h"
#include "kernel/page.h"

enum fake_kind { FAKE_NOBODY, FAKE_DISK, FAKE_CD };

struct fake_device {
    /* Set by the test: */
    enum fake_kind kind;
    u64 sectors; /* of 512 bytes; of a CD: of 2048 */
    bool no_lba48, no_dma, no_disc, wants_packet_interrupt, no_multiple;
    u64 bad_sector;          /* reads that touch it fail; ~0: none */
    unsigned bad_times;      /* so often, then it is good again */
    bool bad_is_empty;       /* ... without giving the good sectors before it */
    unsigned hang_commands;  /* so many reads are never answered: busy for ever, until a reset */
    bool dead;               /* resets do not help */
    unsigned lose_interrupts; /* so many ends are not announced */
    unsigned short_transfers; /* so many reads give less than was asked for, without an error */
    unsigned attentions;      /* of a CD: so many packets end in UNIT ATTENTION */
    /* What the test may look at: */
    unsigned reads, packets, resets, commands;
    u8 last_command;
    /* Inside: */
    u8 status, error, multiple;
    u8 sense_key, sense_code;
};

struct fake_channel {
    struct fake_device device[2];
    u8 features[2], count[2], low[2], mid[2], high[2]; /* [0] is the newer */
    u8 select, control;
    /* bus master */
    u8 bm_command, bm_status;
    u32 bm_table;
    /* the command in progress */
    bool busy, want_packet, dma;
    u64 sector;
    u32 left;      /* sectors to come */
    u8 buffer[65536];
    u32 buffer_at, buffer_size; /* data that wait to be taken (DRQ) */
    u8 packet[12];
    u32 packet_at;
    u32 answer; /* bytes of a packet's answer in the buffer */
    bool pending; /* an interrupt is due */
};

extern struct fake_channel fake[2];
extern unsigned fake_interrupts, fake_protocol_errors;
extern bool fake_no_pci, fake_no_bus_master, fake_floating;

u8 fake_byte(u64 sector, u32 at); /* what stands on the disks */
bool fake_pump(void);

#endif
