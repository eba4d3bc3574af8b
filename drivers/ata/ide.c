/* IDE controllers: two channels with up to two devices each, on PCI (class 01/01) or at the ports
 * where they have always been. Finds them, starts their commands, serves their interrupts, resets.
 *
 * ide_init runs once, on a fibril; the rest is called by ata_port.c (start, overdue with interrupts
 * off; reset on the port's fibril) and by interrupts. Every wait is bounded; a status of 0xff or 0x00
 * is an absent device at once. nIEN stays clear: all ends come by interrupt.
 *
 * Left out: ISA DMA, hot plugging, CFA; changing the transfer mode that the BIOS has set. */
#include "drivers/ata/ide.h"

#include "drivers/pci.h"
#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"

#define PCI_CLASS_STORAGE 0x01
#define PCI_SUBCLASS_IDE 0x01
#define PCI_IDE_NATIVE(channel) (1u << 2 * (channel)) /* interface bits, [PCI-IDE] 2.1 */
#define PCI_IDE_MASTER 0x80u

#define RESET_BOUND_NS 5000000000ull /* [ATA-6] 9.2 allows 31 s; nobody we know needs 1 */
#define MASTER_CHANNEL_2 8           /* the second channel's bus master registers, [BMIDE] 2 */

/* Where the channels are on a PC without PCI, and on PCI in compatibility mode, [PCI-IDE] 2.1 */
static const struct {
    u16 command_base, control;
    u8 irq;
} legacy[2] = {{0x1f0, 0x3f6, 14}, {0x170, 0x376, 15}};

static bool ide_off, ide_without_dma;

bool
ide_configure(const char *word)
{
    if (strcmp(word, "ide=off") == 0)
        ide_off = true;
    else if (strcmp(word, "ide=pio") == 0)
        ide_without_dma = true;
    else if (strcmp(word, "ide=dma") == 0)
        ide_without_dma = false;
    else
        return false;
    return true;
}

/* ---- Commands. Interrupts off. ---- */

static void
select_device(struct ide_channel *channel, const struct ata_device *device, u8 bits)
{
    /* bits 7 and 5 are obsolete but wanted set by old disks */
    ide_write(channel, IDE_DEVICE, 0xa0 | bits | (device->unit ? ATA_DEVICE_1 : 0));
    if (channel->selected == device)
        return;
    channel->selected = device;
    for (unsigned i = 0; i < 4; i++)
        ide_alternate_status(channel); /* 400 ns, [ATA-6] 9.7 */
}

/* The registers of a 48-bit command are written twice, the high half first, [ATA-6] 6.2. */
static void
write_taskfile(const struct ide_channel *channel, const struct ata_taskfile *taskfile)
{
    u64 lba = taskfile->lba;
    if (taskfile->extended) {
        ide_write(channel, IDE_ERROR, 0);
        ide_write(channel, IDE_COUNT, (u8)(taskfile->count >> 8));
        ide_write(channel, IDE_LBA_LOW, (u8)(lba >> 24));
        ide_write(channel, IDE_LBA_MID, (u8)(lba >> 32));
        ide_write(channel, IDE_LBA_HIGH, (u8)(lba >> 40));
    }
    ide_write(channel, IDE_ERROR, taskfile->features);
    ide_write(channel, IDE_COUNT, (u8)taskfile->count);
    ide_write(channel, IDE_LBA_LOW, (u8)lba);
    ide_write(channel, IDE_LBA_MID, (u8)(lba >> 8));
    ide_write(channel, IDE_LBA_HIGH, (u8)(lba >> 16));
    ide_write(channel, IDE_STATUS, taskfile->command);
}

void
ide_end(struct ide_channel *channel, enum ata_result result, u8 status)
{
    struct ata_command *command = channel->active;
    u8 error = status & ATA_ERR ? ide_read(channel, IDE_ERROR) : 0;
    channel->active = NULL;
    channel->packet_pending = false;
    ata_command_end(command, result, status, error);
}

/* After the taskfile of a packet command: the packet itself, now or when the device interrupts. */
static void
start_packet(struct ide_channel *channel, struct ata_command *command)
{
    channel->packet_pending = true;
    if (command->device->packet_interrupt)
        return;
    if (!ide_packet_send(channel))
        ide_end(channel, ATA_CONFUSED, ide_alternate_status(channel));
}

static void
ide_start(struct ata_port *port, struct ata_command *command)
{
    struct ide_channel *channel = port->controller;
    struct ata_taskfile taskfile = command->taskfile;
    bool dma = command->protocol == ATA_DMA_IN || command->protocol == ATA_PACKET_DMA;
    bool packet = command->protocol == ATA_PACKET_PIO || command->protocol == ATA_PACKET_DMA;
    u8 device = taskfile.device;
    if (!taskfile.extended)
        device |= taskfile.lba >> 24 & 15;
    ASSERT(!channel->active);
    channel->active = command;
    select_device(channel, command->device, device);
    u8 status = ide_alternate_status(channel);
    if (status & (ATA_BSY | ATA_DRQ)) {
        ide_end(channel, ATA_CONFUSED, status);
        return;
    }
    if (dma)
        ide_dma_prepare(channel, command);
    if (packet) /* how many bytes an interrupt may offer */
        taskfile.lba = MIN(command->bytes ? command->bytes : 2, 0xf000u) << 8;
    write_taskfile(channel, &taskfile);
    if (command->probe) {
        for (unsigned i = 0; i < 4; i++)
            status = ide_alternate_status(channel);
        if (status == 0x00 || status == 0xff) {
            ide_end(channel, ATA_CONFUSED, status);
            return;
        }
    }
    if (packet)
        start_packet(channel, command);
    if (dma && channel->active == command)
        ide_dma_start(channel);
}

/* ---- Interrupts ---- */

/* A DMA command has ended. Errors of the disk count more than what the bus master says: with a bad
 * sector it may say nothing, and with a short answer the disk may be content. */
static void
dma_service(struct ide_channel *channel, u8 status)
{
    enum ata_result result = ide_dma_stop(channel);
    struct ata_command *command = channel->active;
    if (status & (ATA_ERR | ATA_DF))
        result = ATA_FAILED;
    else if (status & (ATA_BSY | ATA_DRQ))
        result = ATA_CONFUSED;
    if (result == ATA_OK)
        command->transferred = command->bytes;
    ide_end(channel, result, status);
}

/* Does what the device wants, if it wants something, and counts that. (Before the next command
 * starts, so that the counters agree at any time.) */
static bool
service(struct ide_channel *channel, u64 *counter)
{
    struct ata_command *command = channel->active;
    if (!command) { /* late or not ours: reading the status ends it */
        ide_read(channel, IDE_STATUS);
        return false;
    }
    bool dma = command->protocol == ATA_DMA_IN || command->protocol == ATA_PACKET_DMA;
    if (dma && !channel->packet_pending && !ide_dma_interrupted(channel))
        return false;
    if (ide_alternate_status(channel) & ATA_BSY)
        return false;
    (*counter)++;
    u8 status = ide_read(channel, IDE_STATUS);
    if (dma && !channel->packet_pending)
        dma_service(channel, status);
    else if (command->protocol == ATA_PACKET_PIO || command->protocol == ATA_PACKET_DMA)
        ide_packet_service(channel, status);
    else
        ide_pio_service(channel, status);
    return true;
}

static bool
interrupt(void *argument)
{
    return service(argument, &ata_counters.irqs);
}

static bool
ide_overdue(struct ata_port *port)
{
    struct ide_channel *channel = port->controller;
    struct ata_command *command = channel->active;
    if (!command || service(channel, &ata_counters.polled))
        return command != NULL;
    command->status = ide_alternate_status(channel);
    if (channel->bus_master)
        ide_dma_stop(channel);
    channel->active = NULL;
    channel->packet_pending = false;
    return false;
}

/* ---- Reset ---- */

/* Waits until the selected device is not busy; false: it stays so, or nobody is there. */
static bool
wait_not_busy(struct ide_channel *channel, u64 end)
{
    for (;;) {
        u8 status = ide_alternate_status(channel);
        if (status == 0xff)
            return false;
        if (!(status & ATA_BSY))
            return true;
        if (time_now_ns() > end)
            return false;
        ata_port_sleep(&channel->port, 2000000);
    }
}

/* Software reset of both devices, [ATA-6] 9.2. */
static bool
ide_reset(struct ata_port *port)
{
    struct ide_channel *channel = port->controller;
    channel->selected = NULL;
    port_out8(channel->control, IDE_CONTROL_RESET);
    time_delay_us(10);
    port_out8(channel->control, IDE_CONTROL_ENABLE);
    ata_port_sleep(port, 3000000);
    u64 end = time_now_ns() + RESET_BOUND_NS; /* for both together */
    bool ready = false;
    for (unsigned i = 0; i < ARRAY_SIZE(channel->device); i++) {
        if (!port->devices[i] || port->devices[i]->gone)
            continue;
        select_device(channel, &channel->device[i], 0);
        ready |= wait_not_busy(channel, end);
    }
    ide_read(channel, IDE_STATUS);
    return ready;
}

static const struct ata_controller_ops ide_ops = {
    .start = ide_start,
    .overdue = ide_overdue,
    .reset = ide_reset,
};

/* ---- Finding channels and devices ---- */

enum signature { NOBODY, DISK, CD };

/* Who is there, by the registers as a reset leaves them, [ATA-6] 9.12. A CD drive's status may then
 * be 0x00, so the signature is looked at first. */
static enum signature
read_signature(struct ide_channel *channel, const struct ata_device *device)
{
    select_device(channel, device, 0);
    u8 status = ide_alternate_status(channel);
    u8 mid = ide_read(channel, IDE_LBA_MID), high = ide_read(channel, IDE_LBA_HIGH);
    if (status == 0xff)
        return NOBODY;
    if (mid == 0x14 && high == 0xeb)
        return CD;
    if (status == 0x00)
        return NOBODY;
    return DISK;
}

/* Is anybody on the channel? Before the reset, so that an empty channel takes no time. */
static bool
channel_occupied(struct ide_channel *channel)
{
    bool occupied = false;
    for (unsigned i = 0; i < ARRAY_SIZE(channel->device); i++)
        occupied |= read_signature(channel, &channel->device[i]) != NOBODY;
    return occupied;
}

static void
identify_device(struct ide_channel *channel, struct ata_device *device, enum signature signature)
{
    if (signature == NOBODY)
        return;
    device->packet = signature == CD;
    select_device(channel, device, 0);
    if (wait_not_busy(channel, time_now_ns() + RESET_BOUND_NS) && ata_identify(device) == 0)
        channel->port.devices[device->unit] = device;
}

/* Sets the channel up and identifies its devices; false: nothing to use there. */
static bool
channel_probe(struct ide_channel *channel)
{
    struct ata_port *port = &channel->port;
    port->ops = &ide_ops;
    port->controller = channel;
    for (unsigned i = 0; i < ARRAY_SIZE(channel->device); i++) {
        channel->device[i].port = port;
        channel->device[i].unit = (u8)i;
    }
    if (!channel_occupied(channel))
        return false;
    port->can_dma = channel->bus_master != 0;
    channel->handler = (struct interrupt_handler){.handle = interrupt, .argument = channel};
    interrupt_register(channel->irq, &channel->handler);
    port->devices[0] = &channel->device[0]; /* both, for the reset */
    port->devices[1] = &channel->device[1];
    ide_reset(port);
    port->devices[0] = port->devices[1] = NULL;
    /* Both signatures first: commands to one device write the other one's registers too. */
    enum signature first = read_signature(channel, &channel->device[0]);
    enum signature second = read_signature(channel, &channel->device[1]);
    identify_device(channel, &channel->device[0], first);
    identify_device(channel, &channel->device[1], second);
    return true; /* the handler is linked: the channel stays */
}

static void
channel_find(u16 command_base, u16 control, u16 bus_master, u8 irq)
{
    static unsigned channels;
    struct ide_channel *channel = heap_alloc(sizeof *channel);
    if (!channel)
        goto out_of_memory;
    channel->command_base = command_base;
    channel->control = control;
    channel->bus_master = ide_without_dma ? 0 : bus_master;
    channel->irq = irq;
    format_string(channel->port.name, sizeof channel->port.name, "ide%u", channels++);
    channel->prd_page = page_alloc();
    if (!channel->prd_page || ata_port_init(&channel->port, 1))
        goto free_channel;
    if (!channel_probe(channel)) {
        ata_port_free(&channel->port);
        page_put(channel->prd_page);
        heap_free(channel);
        return;
    }
    int error = ata_port_start(&channel->port);
    for (unsigned i = 0; i < ARRAY_SIZE(channel->device) && !error; i++)
        if (channel->port.devices[i])
            error = ata_register(channel->port.devices[i]);
    if (error)
        log_line("%s: error %d", channel->port.name, error);
    return;
free_channel:
    if (channel->prd_page)
        page_put(channel->prd_page);
    heap_free(channel);
out_of_memory:
    log_line("ide: out of memory");
}

/* One channel of a PCI controller, in whichever of the two modes it is, [PCI-IDE] 2. */
static void
pci_channel_find(const struct pci_device *controller, unsigned number)
{
    bool io;
    u16 command_base = legacy[number].command_base, control = legacy[number].control;
    u16 bus_master = 0;
    u8 irq = legacy[number].irq;
    if (controller->interface & PCI_IDE_NATIVE(number)) {
        command_base = (u16)pci_base(controller, 2 * number, &io);
        control = (u16)(pci_base(controller, 2 * number + 1, &io) + 2);
        irq = controller->interrupt_line;
        if (!command_base || control == 2 || irq > 15)
            return;
    }
    if (controller->interface & PCI_IDE_MASTER) {
        bus_master = (u16)pci_base(controller, 4, &io);
        if (!io)
            bus_master = 0;
        if (bus_master)
            bus_master += (u16)(number * MASTER_CHANNEL_2);
    }
    channel_find(command_base, control, bus_master, irq);
}

void
ide_init(void)
{
    struct pci_device controller;
    unsigned found = 0;
    if (ide_off)
        return;
    while (pci_find_class(PCI_CLASS_STORAGE, PCI_SUBCLASS_IDE, found, &controller)) {
        pci_enable(&controller);
        pci_channel_find(&controller, 0);
        pci_channel_find(&controller, 1);
        found++;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(legacy) && !found; i++)
        channel_find(legacy[i].command_base, legacy[i].control, 0, legacy[i].irq);
}
