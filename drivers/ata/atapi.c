/* What to send to a CD drive: ATAPI packets, [MMC-3] and [ATA-6] 9.8. Sectors are of 2048 bytes; the
 * queue speaks 512, so a read that begins or ends inside a sector reads the rest into a scratch page.
 * Context as for ata_command.c. Left out: audio, writing, changing the disc after start-up. */
#include "arch.h"
#include "drivers/ata/ata.h"
#include "kernel/errno.h"
#include "kernel/log.h"
#include "kernel/string.h"

#define CD_SECTOR_SIZE 2048u
#define CD_UNIT (CD_SECTOR_SIZE / SECTOR_SIZE)

#define PACKET_TEST_UNIT_READY 0x00 /* [MMC-3] 5 */
#define PACKET_REQUEST_SENSE 0x03
#define PACKET_READ_CAPACITY 0x25
#define PACKET_READ_10 0x28
#define FEATURE_DMA 1u /* of PACKET, [ATA-6] 8.23 */

#define SENSE_SIZE 18
#define SENSE_NOT_READY 2 /* sense keys, [MMC-3] annex A */
#define SENSE_UNIT_ATTENTION 6
#define ASC_BECOMING_READY 0x04
#define ASC_NO_MEDIUM 0x3a
#define READY_TRIES 20
#define READY_PAUSE_NS 250000000ull

static void
write_be32(u8 *bytes, u32 value)
{
    bytes[0] = (u8)(value >> 24);
    bytes[1] = (u8)(value >> 16);
    bytes[2] = (u8)(value >> 8);
    bytes[3] = (u8)value;
}

static u32
read_be32(const u8 *bytes)
{
    return (u32)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

/* Makes room for the bytes before the first wanted one. */
static void
add_head(struct ata_command *command, u32 bytes)
{
    ASSERT(command->segment_count < ATA_SEGMENTS);
    memmove(&command->segments[1], &command->segments[0],
            command->segment_count * sizeof command->segments[0]);
    command->segment_count++;
    command->segments[0] =
        (struct block_segment){.page = command->device->port->scratch, .length = (u16)bytes};
    command->bytes += bytes;
}

void
atapi_build_read(struct ata_command *command, u64 sector, u32 sectors)
{
    struct ata_device *device = command->device;
    u32 before = (u32)sector % CD_UNIT;
    u32 after = (CD_UNIT - (before + sectors) % CD_UNIT) % CD_UNIT;
    if (before)
        add_head(command, before * SECTOR_SIZE);
    if (after)
        ata_command_add_segment(command, device->port->scratch, 0, after * SECTOR_SIZE);
    command->protocol = device->dma ? ATA_PACKET_DMA : ATA_PACKET_PIO;
    command->taskfile.command = ATA_PACKET;
    command->taskfile.features = device->dma ? FEATURE_DMA : 0;
    command->packet[0] = PACKET_READ_10; /* [MMC-3] 5.14: address in bytes 2 to 5, count in 7 and 8 */
    write_be32(&command->packet[2], (u32)(sector / CD_UNIT));
    u32 count = (before + sectors + after) / CD_UNIT;
    command->packet[7] = (u8)(count >> 8);
    command->packet[8] = (u8)count;
}

/* Runs a packet command that gives `bytes` bytes into the scratch page. */
static struct ata_command *
run_packet(struct ata_device *device, u8 operation, u32 bytes)
{
    struct ata_command *command = ata_command_spare(device);
    command->protocol = ATA_PACKET_PIO;
    command->taskfile.command = ATA_PACKET;
    command->packet[0] = operation;
    if (operation == PACKET_REQUEST_SENSE)
        command->packet[4] = (u8)bytes;
    if (bytes)
        ata_command_add_segment(command, device->port->scratch, 0, bytes);
    ata_run_alone(device->port, command);
    return command;
}

/* Sense data of the last failure, [MMC-3] table A.3: false if there are none. */
static bool
read_sense(struct ata_device *device, u8 *key, u8 *code, u8 *qualifier)
{
    u8 *sense = page_address(device->port->scratch);
    memset(sense, 0, SENSE_SIZE);
    if (run_packet(device, PACKET_REQUEST_SENSE, SENSE_SIZE)->result != ATA_OK)
        return false;
    *key = sense[2] & 15;
    *code = sense[12];
    *qualifier = sense[13];
    return true;
}

void
atapi_request_sense(struct ata_device *device)
{
    u8 key, code, qualifier;
    if (!read_sense(device, &key, &code, &qualifier))
        return;
    if (key == SENSE_UNIT_ATTENTION)
        return; /* only wanted to tell us something */
    log_limited(16, "%s: sense key %x, code %02x/%02x", device->disk.name, key, code, qualifier);
    if (key == SENSE_NOT_READY && code == ASC_BECOMING_READY)
        ata_port_sleep(device->port, READY_PAUSE_NS);
}

/* Waits for a disc that is being taken up: 0, -ENODEV (no disc), -EIO. */
static int
wait_until_ready(struct ata_device *device)
{
    u8 key = 0, code = 0, qualifier = 0;
    for (unsigned i = 0; i < READY_TRIES; i++) {
        struct ata_command *command = run_packet(device, PACKET_TEST_UNIT_READY, 0);
        if (command->result == ATA_OK)
            return 0;
        if (command->result != ATA_FAILED || !read_sense(device, &key, &code, &qualifier))
            return -EIO;
        if (key == SENSE_NOT_READY && code == ASC_NO_MEDIUM)
            return -ENODEV;
        if (key == SENSE_NOT_READY)
            ata_port_sleep(device->port, READY_PAUSE_NS);
    }
    return -EIO;
}

int
atapi_read_capacity(struct ata_device *device)
{
    const char *name = device->port->name;
    int error = wait_until_ready(device);
    if (error) {
        log_line("%s: '%s': %s", name, device->model, error == -EIO ? "not ready" : "no disc");
        return -ENODEV;
    }
    struct ata_command *command = run_packet(device, PACKET_READ_CAPACITY, 8);
    const u8 *answer = page_address(device->port->scratch);
    if (command->result != ATA_OK || command->transferred < 8) {
        log_line("%s: '%s' does not tell its capacity: status %02x", name, device->model,
                 command->status);
        return -ENODEV;
    }
    u32 last = read_be32(answer), size = read_be32(answer + 4);
    if (size != CD_SECTOR_SIZE || last == 0xffffffff) {
        log_line("%s: '%s' has %u sectors of %u bytes: not used", name, device->model, last + 1, size);
        return -ENODEV;
    }
    struct disk *disk = &device->disk;
    disk->sectors = ((u64)last + 1) * CD_UNIT;
    disk->sector_size = CD_SECTOR_SIZE;
    disk->removable = true;
    disk->max_command_sectors = 256;
    return 0;
}
