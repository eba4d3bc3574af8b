/* Commands on an AHCI port: written into its slots, started, and ended by interrupts. Called by
 * ata_port.c and by interrupts, with interrupts off.
 *
 * A slot is a header in the port's list and a table of its own, which holds the command as the device
 * gets it and the list of memory pieces. All commands that one interrupt finds finished end together.
 *
 * After an error the port stands still until it is restarted ([AHCI] 6.2.2): all its commands end.
 * The one that failed is known if it was alone; of queued ones only the device's log knows it. */
#include "drivers/ata/ahci.h"

#include "kernel/errno.h"
#include "kernel/log.h"
#include "kernel/string.h"

/* The page at `lists`, [AHCI] 4.1 */
#define RECEIVED_OFFSET 1024u

struct command_header { /* [AHCI] 4.2.2 */
    u32 flags;          /* and, in the upper half, how many memory pieces */
    u32 transferred;
    u32 table, table_high;
    u32 reserved[4];
};
#define HEADER_FIS_WORDS 5u
#define HEADER_PACKET 0x0020u

struct memory_piece { /* [AHCI] 4.2.3.3 */
    u32 physical, physical_high;
    u32 reserved;
    u32 last_byte; /* bytes less one */
};
#define PIECE_BYTES (4u << 20) /* at most */

struct command_table { /* [AHCI] 4.2.3; aligned to 128 bytes */
    u8 fis[64];
    u8 packet[16];
    u8 reserved[48];
    struct memory_piece pieces[ATA_SEGMENTS];
};
#define TABLE_ORDER 1u
_Static_assert(sizeof(struct command_table) <= PAGE_SIZE << TABLE_ORDER, "table too small");

#define FIS_TO_DEVICE 0x27 /* [SATA] 10.3.4 */
#define FIS_COMMAND 0x80

/* ---- Memory ---- */

int
ahci_slots_alloc(struct ahci_port *ahci, unsigned count)
{
    ASSERT(count <= AHCI_SLOTS);
    for (unsigned i = 0; i < count; i++) {
        if (ahci->tables[i])
            continue;
        ahci->tables[i] = pages_alloc(TABLE_ORDER);
        if (!ahci->tables[i])
            return -ENOMEM;
    }
    return 0;
}

void
ahci_lists_set(struct ahci_port *ahci)
{
    u32 physical = page_physical(ahci->lists);
    device_write32(ahci->registers, PORT_COMMAND_LIST, physical);
    device_write32(ahci->registers, PORT_COMMAND_LIST + 4, 0);
    device_write32(ahci->registers, PORT_RECEIVED, physical + RECEIVED_OFFSET);
    device_write32(ahci->registers, PORT_RECEIVED + 4, 0);
}

static struct command_header *
header_of(struct ahci_port *ahci, unsigned slot)
{
    return (struct command_header *)page_address(ahci->lists) + slot;
}

/* ---- Starting ---- */

/* The memory pieces, those that follow each other joined: how many. */
static u32
write_pieces(struct command_table *table, const struct ata_command *command)
{
    u32 count = 0, bytes = 0, end = 0;
    for (unsigned i = 0; i < command->segment_count; i++) {
        const struct block_segment *segment = &command->segments[i];
        u32 physical = page_physical(segment->page) + segment->offset;
        if (!count || physical != end || bytes + segment->length > PIECE_BYTES) {
            table->pieces[count++] = (struct memory_piece){.physical = physical};
            bytes = 0;
        }
        bytes += segment->length;
        end = physical + segment->length;
        table->pieces[count - 1].last_byte = bytes - 1;
    }
    return count;
}

/* The registers as a frame for the device, [SATA] 10.3.4. A queued command has its count where the
 * features are, and its tag where the count is, [SATA] 13.6.4.1. */
static void
write_fis(u8 *fis, const struct ata_command *command)
{
    const struct ata_taskfile *taskfile = &command->taskfile;
    u16 features = taskfile->features, count = taskfile->count;
    u8 device = taskfile->device;
    if (command->protocol == ATA_QUEUED_IN) {
        features = taskfile->count;
        count = (u16)(command->slot << 3);
    }
    if (!taskfile->extended)
        device |= taskfile->lba >> 24 & 15;
    memset(fis, 0, 20);
    fis[0] = FIS_TO_DEVICE;
    fis[1] = FIS_COMMAND;
    fis[2] = taskfile->command;
    fis[3] = (u8)features;
    fis[4] = (u8)taskfile->lba;
    fis[5] = (u8)(taskfile->lba >> 8);
    fis[6] = (u8)(taskfile->lba >> 16);
    fis[7] = device;
    if (taskfile->extended) {
        fis[8] = (u8)(taskfile->lba >> 24);
        fis[9] = (u8)(taskfile->lba >> 32);
        fis[10] = (u8)(taskfile->lba >> 40);
        fis[11] = (u8)(features >> 8);
        fis[13] = (u8)(count >> 8);
    }
    fis[12] = (u8)count;
}

void
ahci_start(struct ata_port *port, struct ata_command *command)
{
    struct ahci_port *ahci = port->controller;
    unsigned slot = command->slot;
    bool packet = command->protocol == ATA_PACKET_PIO || command->protocol == ATA_PACKET_DMA;
    ASSERT(!(ahci->issued & 1u << slot));
    if (!ahci->running) { /* a reset did not help */
        ata_command_end(command, ATA_CONFUSED, ATA_BSY, 0);
        return;
    }
    struct command_table *table = page_address(ahci->tables[slot]);
    struct command_header *header = header_of(ahci, slot);
    write_fis(table->fis, command);
    if (packet) {
        memcpy(table->packet, command->packet, sizeof command->packet);
        memset(table->packet + 12, 0, 4);
        u32 most = MIN(command->bytes ? command->bytes : 2, 0xf000u); /* that PIO gives at once */
        table->fis[5] = (u8)most;
        table->fis[6] = (u8)(most >> 8);
    }
    u32 pieces = write_pieces(table, command);
    *header = (struct command_header){
        .flags = pieces << 16 | (packet ? HEADER_PACKET : 0) | HEADER_FIS_WORDS,
        .table = page_physical(ahci->tables[slot]),
    };
    ahci->active[slot] = command;
    ahci->issued |= 1u << slot;
    if (command->protocol == ATA_QUEUED_IN)
        device_write32(ahci->registers, PORT_QUEUED, 1u << slot);
    device_write32(ahci->registers, PORT_ISSUED, 1u << slot);
}

/* ---- Ends ---- */

static void
end_slot(struct ahci_port *ahci, unsigned slot, enum ata_result result, u32 taskfile)
{
    struct ata_command *command = ahci->active[slot];
    ahci->active[slot] = NULL;
    ahci->issued &= ~(1u << slot);
    /* The count of bytes is not for queued commands, [AHCI] 5.4.1. */
    if (command->protocol != ATA_QUEUED_IN)
        command->transferred = header_of(ahci, slot)->transferred;
    else if (result == ATA_OK)
        command->transferred = command->bytes;
    ata_command_end(command, result, (u8)taskfile, (u8)(taskfile >> 8));
}

static void
end_slots(struct ahci_port *ahci, u32 slots, enum ata_result result)
{
    u32 taskfile = device_read32(ahci->registers, PORT_TASKFILE);
    for (unsigned slot = 0; slot < AHCI_SLOTS; slot++)
        if (slots & 1u << slot)
            end_slot(ahci, slot, result, taskfile);
}

/* What the device or the controller has not finished. */
static u32
open_slots(const struct ahci_port *ahci)
{
    return device_read32(ahci->registers, PORT_QUEUED) |
           device_read32(ahci->registers, PORT_ISSUED);
}

static unsigned
count_bits(u32 bits)
{
    unsigned count = 0;
    for (; bits; bits &= bits - 1)
        count++;
    return count;
}

/* Which commands end by the error that these interrupts tell of. One that is not queued is alone on
 * the port; not every controller still shows it as open (QEMU's did not until 8.1). */
static u32
failed_slots(const struct ahci_port *ahci, u32 interrupts, u32 open)
{
    if (!(interrupts & INTERRUPT_ERRORS) || !ahci->issued)
        return 0;
    const struct ata_command *any = list_first(&ahci->port.active, struct ata_command, link);
    return any->protocol == ATA_QUEUED_IN ? ahci->issued & open : ahci->issued;
}

/* Ends what is finished and, after an error, everything else: was there anything? */
static bool
service(struct ahci_port *ahci, u64 *counter)
{
    u32 interrupts = device_read32(ahci->registers, PORT_INTERRUPTS);
    device_write32(ahci->registers, PORT_INTERRUPTS, interrupts);
    u32 open = open_slots(ahci);
    u32 failed = failed_slots(ahci, interrupts, open);
    u32 finished = ahci->issued & ~open & ~failed;
    if (!(finished | failed))
        return false;
    (*counter)++;
    unsigned ends = count_bits(finished | failed);
    ata_counters.coalesced += ends - 1;
    /* The failed ones first: they hold the port, so that nothing starts on it now. */
    enum ata_result result = interrupts & INTERRUPT_TASKFILE_ERROR ? ATA_FAILED : ATA_CONFUSED;
    if (failed)
        end_slots(ahci, failed, result);
    end_slots(ahci, finished, ATA_OK);
    return true;
}

bool
ahci_interrupt(void *argument)
{
    struct ahci_controller *controller = argument;
    u32 ports = device_read32(controller->registers, HBA_INTERRUPTS);
    if (!ports)
        return false;
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        if (ports & 1u << i && controller->ports[i])
            service(controller->ports[i], &ata_counters.irqs);
    device_write32(controller->registers, HBA_INTERRUPTS, ports);
    return true;
}

bool
ahci_overdue(struct ata_port *port)
{
    struct ahci_port *ahci = port->controller;
    const struct ata_command *oldest = list_first(&port->active, struct ata_command, link);
    bool has_it = ahci->active[oldest->slot] == oldest;
    if (has_it && !(open_slots(ahci) & 1u << oldest->slot))
        return service(ahci, &ata_counters.polled);
    u32 taskfile = device_read32(ahci->registers, PORT_TASKFILE);
    for (unsigned slot = 0; slot < AHCI_SLOTS; slot++)
        if (ahci->active[slot])
            ahci->active[slot]->status = (u8)taskfile;
    u32 command = device_read32(ahci->registers, PORT_COMMAND);
    device_write32(ahci->registers, PORT_COMMAND, command & ~COMMAND_START);
    memset(ahci->active, 0, sizeof ahci->active);
    ahci->issued = 0;
    ahci->running = false;
    return false;
}
