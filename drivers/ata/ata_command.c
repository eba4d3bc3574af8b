/* What to send to an ATA disk: the command that reads a run of sectors, IDENTIFY and what its answer
 * means, SET MULTIPLE MODE. Shared by all controllers; runs with interrupts off (building reads) or
 * on the fibril that holds the port (the rest). Left out: disks without LBA, disks with sectors of
 * other sizes than 512 bytes (both refused by name), transfer modes (as the BIOS has set them). */
#include "arch.h"
#include "drivers/ata/ata.h"
#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/log.h"
#include "kernel/string.h"

#define LBA28_END (1ull << 28)
#define LBA28_SECTORS 256u
#define LBA48_SECTORS 2048u /* 1 MiB in one command; 65536 would be allowed */
#define MULTIPLE_WANTED 16u

#define ATA_MAJOR 3 /* Linux, Documentation/admin-guide/devices.txt */
#define CD_MAJOR 11

/* Words of IDENTIFY, [ATA-6] table 27 */
#define ID_CONFIGURATION 0
#define ID_MODEL 27 /* to 46 */
#define ID_MULTIPLE 47
#define ID_CAPABILITIES 49
#define ID_SECTORS_28 60
#define ID_MULTIWORD_DMA 63
#define ID_QUEUE_DEPTH 75
#define ID_SATA_CAPABILITIES 76
#define ID_COMMAND_SETS 83
#define ID_SECTORS_48 100
#define ID_SECTOR_SIZE 106
#define CAPABILITY_DMA 0x0100
#define CAPABILITY_LBA 0x0200
#define MULTIWORD_DMA_MODES 0x0007
#define SETS_VALID_MASK 0xc000 /* also of word 106 */
#define SETS_VALID 0x4000
#define SETS_LBA48 0x0400
#define SECTOR_SIZE_GIVEN 0x1000
#define SATA_NCQ 0x0100

void
ata_command_clear(struct ata_command *command)
{
    command->read = command->probe = false;
    command->bytes = 0;
    command->segment_count = 0;
    command->protocol = ATA_NO_DATA;
    memset(&command->taskfile, 0, sizeof command->taskfile);
    memset(command->packet, 0, sizeof command->packet);
}

void
ata_command_add_segment(struct ata_command *command, struct page *page, u32 offset, u32 length)
{
    ASSERT(command->segment_count < ATA_SEGMENTS);
    command->segments[command->segment_count++] =
        (struct block_segment){.page = page, .offset = offset, .length = length};
    command->bytes += length;
}

/* Which of the six read commands, [ATA-6] 8.27 to 8.35. */
static u8
read_command(const struct ata_device *device, bool extended)
{
    if (device->dma)
        return extended ? ATA_READ_DMA_EXT : ATA_READ_DMA;
    if (device->multiple)
        return extended ? ATA_READ_MULTIPLE_EXT : ATA_READ_MULTIPLE;
    return extended ? ATA_READ_SECTORS_EXT : ATA_READ_SECTORS;
}

void
ata_build_read(struct ata_command *command, u64 sector, u32 sectors)
{
    const struct ata_device *device = command->device;
    command->read = true;
    if (device->packet) {
        atapi_build_read(command, sector, sectors);
        return;
    }
    bool queued = device->queue_depth && !device->port->held;
    bool extended = queued || sector + sectors > LBA28_END || sectors > LBA28_SECTORS;
    ASSERT(device->lba48 || !extended);
    command->protocol = queued ? ATA_QUEUED_IN : device->dma ? ATA_DMA_IN : ATA_PIO_IN;
    command->taskfile = (struct ata_taskfile){
        .command = queued ? ATA_READ_FPDMA_QUEUED : read_command(device, extended),
        .device = ATA_DEVICE_LBA,
        .extended = extended,
        .count = (u16)sectors, /* 256 is written as 0 to an 8-bit register */
        .lba = sector,
    };
}

/* ---- IDENTIFY ---- */

/* Strings have the first of each two characters in the high byte, [ATA-6] 8.15.8. */
static void
copy_model(char model[41], const u16 *words)
{
    for (unsigned i = 0; i < 40; i += 2) {
        u16 word = words[ID_MODEL + i / 2];
        model[i] = (char)(word >> 8);
        model[i + 1] = (char)word;
    }
    for (unsigned i = 0; i < 40; i++)
        if (model[i] < ' ' || model[i] > '~')
            model[i] = ' ';
    unsigned length = 40;
    while (length && model[length - 1] == ' ')
        length--;
    model[length] = 0;
}

static u64
sector_count(const struct ata_device *device, const u16 *words)
{
    if (device->lba48)
        return words[ID_SECTORS_48] | (u64)words[ID_SECTORS_48 + 1] << 16 |
               (u64)words[ID_SECTORS_48 + 2] << 32;
    return words[ID_SECTORS_28] | (u32)words[ID_SECTORS_28 + 1] << 16;
}

/* What we cannot use about a disk, or NULL. */
static const char *
find_unusable(const u16 *words, u64 sectors)
{
    u16 size = words[ID_SECTOR_SIZE];
    if (!(words[ID_CAPABILITIES] & CAPABILITY_LBA))
        return "no LBA";
    if ((size & SETS_VALID_MASK) == SETS_VALID && (size & SECTOR_SIZE_GIVEN))
        return "sectors of another size than 512 bytes";
    if (!sectors)
        return "no sectors";
    return NULL;
}

static int
parse_disk(struct ata_device *device, const u16 *words)
{
    u16 sets = words[ID_COMMAND_SETS];
    device->lba48 = (sets & SETS_VALID_MASK) == SETS_VALID && (sets & SETS_LBA48);
    device->multiple_most = MIN(words[ID_MULTIPLE] & 0xff, MULTIPLE_WANTED);
    u16 sata = words[ID_SATA_CAPABILITIES];
    if (sata != 0xffff && (sata & SATA_NCQ) && device->lba48)
        device->queue_depth = MIN((words[ID_QUEUE_DEPTH] & 31u) + 1, device->port->queue_most);
    struct disk *disk = &device->disk;
    disk->depth = MAX(device->queue_depth, 1u);
    disk->sectors = sector_count(device, words);
    const char *unusable = find_unusable(words, disk->sectors);
    if (unusable) {
        log_line("%s: '%s' has %s: not used", device->port->name, device->model, unusable);
        return -ENODEV;
    }
    if (!device->lba48)
        disk->sectors = MIN(disk->sectors, LBA28_END);
    disk->sector_size = SECTOR_SIZE;
    disk->max_command_sectors = device->lba48 ? LBA48_SECTORS : LBA28_SECTORS;
    return 0;
}

int
ata_identify(struct ata_device *device)
{
    struct ata_port *port = device->port;
    struct ata_command *command = ata_command_spare(device);
    command->probe = true;
    command->protocol = ATA_PIO_IN;
    command->taskfile.command = device->packet ? ATA_IDENTIFY_PACKET : ATA_IDENTIFY;
    ata_command_add_segment(command, port->scratch, 0, SECTOR_SIZE);
    memset(page_address(port->scratch), 0, SECTOR_SIZE); /* if it gives less, that is not used */
    ata_run_alone(port, command);
    if (command->result != ATA_OK) {
        bool absent = command->status == 0x00 || command->status == 0xff ||
                      (command->result == ATA_FAILED && command->error == ATA_ABORTED);
        if (!absent)
            log_line("%s: device %u does not identify itself: status %02x, error %02x", port->name,
                     device->unit, command->status, command->error);
        return -ENODEV;
    }
    const u16 *words = page_address(port->scratch);
    copy_model(device->model, words);
    /* v86 has the modes but not the capability bit */
    device->dma = port->can_dma && ((words[ID_CAPABILITIES] & CAPABILITY_DMA) ||
                                    (words[ID_MULTIWORD_DMA] & MULTIWORD_DMA_MODES));
    struct disk *disk = &device->disk;
    disk->max_command_segments = ATA_SEGMENTS - 2;
    disk->gap_sectors = BLOCK_GAP_SECTORS;
    disk->depth = 1;
    disk->driver = &ata_disk_driver;
    disk->driver_data = device;
    disk->read_only = true;
    if (!device->packet)
        return parse_disk(device, words);
    device->packet_interrupt = (words[ID_CONFIGURATION] & 0x60) == 0x20;
    return atapi_read_capacity(device);
}

/* The page of the queued error log, [SATA] 13.7.1: byte 0 has the tag, or bit 7 set if it was no queued
 * command; 2 and 3 are status and error; all 512 bytes sum up to 0. */
#define QUEUE_ERROR_PAGE 0x10

bool
ata_read_queue_error(struct ata_device *device, unsigned *slot, u8 *status, u8 *error)
{
    const u8 *log = page_address(device->port->scratch);
    u8 sum = 0;
    if (device->no_log)
        return false;
    struct ata_command *command = ata_command_spare(device);
    command->protocol = ATA_PIO_IN;
    command->taskfile = (struct ata_taskfile){
        .command = ATA_READ_LOG_EXT, .extended = true, .count = 1, .lba = QUEUE_ERROR_PAGE};
    ata_command_add_segment(command, device->port->scratch, 0, SECTOR_SIZE);
    ata_run_alone(device->port, command);
    device->no_log = command->result == ATA_FAILED && (command->error & ATA_ABORTED);
    if (command->result != ATA_OK || command->transferred < SECTOR_SIZE)
        return false;
    for (unsigned i = 0; i < SECTOR_SIZE; i++)
        sum += log[i];
    *slot = log[0] & 31;
    *status = log[2];
    *error = log[3];
    return sum == 0 && !(log[0] & 0x80);
}

void
ata_device_set_up(struct ata_device *device)
{
    device->multiple = 0;
    if (device->packet || device->dma || device->multiple_most < 2)
        return;
    struct ata_command *command = ata_command_spare(device);
    command->taskfile.command = ATA_SET_MULTIPLE;
    command->taskfile.count = device->multiple_most;
    ata_run_alone(device->port, command);
    if (command->result == ATA_OK)
        device->multiple = device->multiple_most;
}

int
ata_register(struct ata_device *device)
{
    static unsigned disks, cds;
    struct disk *disk = &device->disk;
    unsigned number = device->packet ? cds++ : disks++;
    format_string(disk->name, sizeof disk->name, device->packet ? "cd%u" : "ata%u", number);
    disk->id = (device->packet ? CD_MAJOR : ATA_MAJOR) << 8;
    disk->id += number * DISK_MINORS; /* beyond 8 disks this goes on into the next major number */
    log_line("%s: %s device %u, '%s', %llu sectors, %s%s, depth %u", disk->name, device->port->name,
             device->unit, device->model, (unsigned long long)disk->sectors,
             device->dma ? "DMA" : "PIO", device->lba48 ? ", 48-bit" : "",
             MAX(device->queue_depth, 1u));
    return disk_register(disk);
}
