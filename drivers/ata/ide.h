/* What the parts of the IDE driver share: ide.c (channels, discovery, interrupts, reset), ide_pio.c
 * (data through the processor, packets) and ide_dma.c (data by the bus master). */
#ifndef DRIVERS_IDE_H
#define DRIVERS_IDE_H

#include "arch.h"
#include "drivers/ata/ata.h"
#include "io.h"

/* Command block registers, from channel->command_base on, [ATA-6] 7 */
#define IDE_DATA 0
#define IDE_ERROR 1 /* read; features when written */
#define IDE_COUNT 2 /* for packets: why the device interrupts */
#define IDE_LBA_LOW 3
#define IDE_LBA_MID 4
#define IDE_LBA_HIGH 5
#define IDE_DEVICE 6
#define IDE_STATUS 7 /* read (and ends the interrupt); command when written */

/* Device control, at channel->control, when written: nIEN (interrupts off) and software reset. Read,
 * it is the status without ending the interrupt. */
#define IDE_CONTROL_ENABLE 0x00
#define IDE_CONTROL_RESET 0x04

struct ide_channel {
    struct ata_port port;
    /* Immutable: */
    u16 command_base, control;
    u16 bus_master; /* 0: none */
    u8 irq;
    struct interrupt_handler handler;
    struct page *prd_page; /* the table that the bus master reads: the channel's, for ever */
    /* Interrupts off: */
    struct ata_command *active;
    const struct ata_device *selected; /* by the last write to the device register; NULL: unknown */
    bool packet_pending; /* the packet has not been sent yet */
    struct ata_device device[2];
};

static inline u8
ide_read(const struct ide_channel *channel, unsigned reg)
{
    return port_in8((u16)(channel->command_base + reg));
}

static inline void
ide_write(const struct ide_channel *channel, unsigned reg, u8 value)
{
    port_out8((u16)(channel->command_base + reg), value);
}

/* The status, without ending the interrupt. */
static inline u8
ide_alternate_status(const struct ide_channel *channel)
{
    return port_in8(channel->control);
}

/* The active command's end. Interrupts off. */
void ide_end(struct ide_channel *channel, enum ata_result result, u8 status);

/* ---- ide_pio.c. Interrupts off. ---- */

/* The device has interrupted, with this status: takes data, sends the packet, or ends the command. */
void ide_pio_service(struct ide_channel *channel, u8 status);
void ide_packet_service(struct ide_channel *channel, u8 status);
/* Waits up to 3 ms for the device to ask for the packet, and sends it; false: it did not. */
bool ide_packet_send(struct ide_channel *channel);

/* ---- ide_dma.c. Interrupts off. ---- */

/* Writes the table of memory pieces for the command and tells the bus master where it is. */
void ide_dma_prepare(struct ide_channel *channel, const struct ata_command *command);
void ide_dma_start(struct ide_channel *channel);
/* Did the channel's device interrupt, as the bus master sees it? */
bool ide_dma_interrupted(const struct ide_channel *channel);
/* Stops the bus master; what is wrong with its transfer: ATA_OK or ATA_CONFUSED. */
enum ata_result ide_dma_stop(struct ide_channel *channel);

#endif
