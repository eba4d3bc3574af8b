/* The bus master of a PCI IDE channel, [BMIDE] "Programming Interface for Bus Master IDE Controller",
 * revision 1.0: it moves data between the disk and a list of memory pieces by itself. Called by ide.c
 * with interrupts off. Left out: writing. */
#include "drivers/ata/ide.h"

/* Registers, from channel->bus_master on, [BMIDE] 2 */
#define BM_COMMAND 0
#define BM_STATUS 2
#define BM_TABLE 4
#define BM_COMMAND_START 0x01
#define BM_COMMAND_TO_MEMORY 0x08
#define BM_STATUS_ACTIVE 0x01
#define BM_STATUS_ERROR 0x02
#define BM_STATUS_INTERRUPT 0x04
#define BM_STATUS_CAPABLE 0x60 /* set by the BIOS, kept */

/* One piece of memory, [BMIDE] 1.2: within 64 KiB, an even number of bytes (0 means 64 KiB). */
struct prd {
    u32 physical;
    u16 bytes;
    u16 flags;
};
#define PRD_LAST 0x8000
#define PRD_REACH 65536u

/* May the piece be joined to the table's last one? */
static bool
goes_on(const struct prd *last, u32 last_bytes, u32 physical, u32 bytes)
{
    return last->physical + last_bytes == physical &&
           last->physical / PRD_REACH == (physical + bytes - 1) / PRD_REACH;
}

void
ide_dma_prepare(struct ide_channel *channel, const struct ata_command *command)
{
    struct prd *table = page_address(channel->prd_page);
    unsigned count = 0;
    u32 last_bytes = 0;
    for (unsigned i = 0; i < command->segment_count; i++) {
        const struct block_segment *segment = &command->segments[i];
        u32 physical = page_physical(segment->page) + segment->offset;
        if (count && goes_on(&table[count - 1], last_bytes, physical, segment->length)) {
            last_bytes += segment->length;
        } else {
            table[count++] = (struct prd){.physical = physical};
            last_bytes = segment->length;
        }
        table[count - 1].bytes = (u16)last_bytes;
    }
    table[count - 1].flags = PRD_LAST;
    u8 status = port_in8(channel->bus_master + BM_STATUS) & BM_STATUS_CAPABLE;
    port_out8(channel->bus_master + BM_COMMAND, 0);
    port_out8(channel->bus_master + BM_STATUS, status | BM_STATUS_ERROR | BM_STATUS_INTERRUPT);
    port_out32(channel->bus_master + BM_TABLE, page_physical(channel->prd_page));
}

void
ide_dma_start(struct ide_channel *channel)
{
    port_out8(channel->bus_master + BM_COMMAND, BM_COMMAND_TO_MEMORY | BM_COMMAND_START);
}

bool
ide_dma_interrupted(const struct ide_channel *channel)
{
    return port_in8(channel->bus_master + BM_STATUS) & BM_STATUS_INTERRUPT;
}

enum ata_result
ide_dma_stop(struct ide_channel *channel)
{
    u8 status = port_in8(channel->bus_master + BM_STATUS);
    port_out8(channel->bus_master + BM_COMMAND, BM_COMMAND_TO_MEMORY);
    port_out8(channel->bus_master + BM_STATUS, (status & BM_STATUS_CAPABLE) | BM_STATUS_ERROR |
                                                   BM_STATUS_INTERRUPT);
    /* Still active: the device has given less than the table has room for, [BMIDE] 2.2.2. */
    return status & (BM_STATUS_ERROR | BM_STATUS_ACTIVE) ? ATA_CONFUSED : ATA_OK;
}
