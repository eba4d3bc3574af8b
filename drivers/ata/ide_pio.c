/* Data through the processor: what the interrupts of PIO commands and packet commands ask for.
 * Called by ide.c in the interrupt, with interrupts off. Left out: writing. */
#include "drivers/ata/ide.h"

/* Interrupt reason, in the count register during packet commands, [ATA-6] 9.8 */
#define REASON_COMMAND 1u /* the packet is wanted, or the command has ended */
#define REASON_TO_HOST 2u

#define PACKET_WORDS 6
#define PACKET_WAIT_US 3000 /* [ATA-6] 8.16.6, word 0: within 3 ms */

/* Reads `bytes` (even) bytes from the data register to where the command's next bytes go; what it
 * has no room for is read and dropped. */
static void
take_data(struct ide_channel *channel, struct ata_command *command, u32 bytes)
{
    u16 data = channel->command_base + IDE_DATA;
    while (bytes && command->segment < command->segment_count) {
        const struct block_segment *segment = &command->segments[command->segment];
        u32 piece = MIN(bytes, (u32)segment->length - command->segment_offset);
        char *to = (char *)page_address(segment->page) + segment->offset + command->segment_offset;
        port_in16_many(data, to, piece / 2);
        bytes -= piece;
        command->transferred += piece;
        command->segment_offset += piece;
        if (command->segment_offset == segment->length) {
            command->segment++;
            command->segment_offset = 0;
        }
    }
    for (; bytes; bytes -= 2)
        port_in16(data);
}

/* A read without DMA: an interrupt for each sector, or each `multiple` sectors, when they are ready
 * to be taken, [ATA-6] 9.5; none after the last. */
void
ide_pio_service(struct ide_channel *channel, u8 status)
{
    struct ata_command *command = channel->active;
    if (status & (ATA_ERR | ATA_DF)) {
        ide_end(channel, ATA_FAILED, status);
    } else if (command->protocol == ATA_NO_DATA) {
        ide_end(channel, ATA_OK, status);
    } else if (!(status & ATA_DRQ)) {
        ide_end(channel, ATA_CONFUSED, status);
    } else {
        u32 block = SECTOR_SIZE;
        if (command->read && command->device->multiple)
            block *= command->device->multiple;
        take_data(channel, command, MIN(block, command->bytes - command->transferred));
        if (command->transferred == command->bytes)
            ide_end(channel, ATA_OK, status);
    }
}

bool
ide_packet_send(struct ide_channel *channel)
{
    for (unsigned waited = 0;; waited += 10) {
        u8 status = ide_alternate_status(channel);
        if (!(status & ATA_BSY) && (status & ATA_DRQ))
            break;
        if (waited >= PACKET_WAIT_US || (!(status & ATA_BSY) && (status & ATA_ERR)))
            return false;
        time_delay_us(10);
    }
    channel->packet_pending = false;
    port_out16_many(channel->command_base + IDE_DATA, channel->active->packet, PACKET_WORDS);
    return true;
}

/* The device asks for the packet, offers some of the data, or has ended the command. */
void
ide_packet_service(struct ide_channel *channel, u8 status)
{
    struct ata_command *command = channel->active;
    u8 reason = ide_read(channel, IDE_COUNT);
    if (status & (ATA_ERR | ATA_DF)) {
        ide_end(channel, ATA_FAILED, status);
    } else if (!(status & ATA_DRQ)) {
        bool whole = !command->read || command->transferred == command->bytes;
        ide_end(channel, whole ? ATA_OK : ATA_CONFUSED, status);
    } else if (channel->packet_pending && (reason & REASON_COMMAND)) {
        ide_packet_send(channel);
    } else if (reason & REASON_COMMAND || !(reason & REASON_TO_HOST)) {
        ide_end(channel, ATA_CONFUSED, status);
    } else {
        u32 bytes = ide_read(channel, IDE_LBA_MID) | (u32)ide_read(channel, IDE_LBA_HIGH) << 8;
        take_data(channel, command, ALIGN_UP(bytes, 2u));
    }
}
