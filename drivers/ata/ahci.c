/* AHCI controllers (PCI class 01/06/01): finds them, takes them over from the BIOS, finds the devices
 * at their ports, and brings a port back after errors. Commands and interrupts: ahci_command.c.
 *
 * ahci_init runs once, on a fibril; resets run on the port's fibril. Every wait is bounded; a port
 * without a device is passed at once. Left out: port multipliers (refused by name), hot plugging,
 * power management, message-signalled interrupts, coalescing by the controller (CCC). */
#include "drivers/ata/ahci.h"

#include "drivers/pci.h"
#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"

#define PCI_CLASS_STORAGE 0x01
#define PCI_SUBCLASS_SATA 0x06
#define PCI_INTERFACE_AHCI 0x01
#define PCI_REGISTERS 5 /* the base address, [AHCI] 2.1.11 */

#define CAPABILITY_NCQ (1u << 30) /* [AHCI] 3.1.1 */
#define CAPABILITY_STAGGERED (1u << 27)
#define CAPABILITY_SLOTS(capabilities) (((capabilities) >> 8 & 31) + 1)
#define CAPABILITY_2_HANDOFF 1u
#define CONTROL_AHCI (1u << 31)
#define CONTROL_INTERRUPTS 2u
#define HANDOFF_BIOS 1u /* [AHCI] 3.1.11 */
#define HANDOFF_US 2u
#define HANDOFF_BUSY 0x10u

#define LINK_DEVICE 15u /* [AHCI] 3.3.10 */
#define LINK_NOBODY 0u
#define LINK_READY 3u
#define LINK_RESET 0x301u /* and no power saving; [AHCI] 3.3.11 */
#define LINK_GO 0x300u

#define SIGNATURE_DISK 0x00000101u /* [SATA] 11.3 and 11.4 */
#define SIGNATURE_CD 0xeb140101u
#define SIGNATURE_MULTIPLIER 0x96690101u


#define ENGINE_BOUND_NS 500000000ull  /* [AHCI] 10.1.2, 10.3 */
#define LINK_BOUND_NS 200000000ull    /* [AHCI] 10.1: 10 ms are usual */
#define BUSY_BOUND_NS 5000000000ull   /* as for IDE: until a disk is ready after a reset */
#define HANDOFF_BOUND_NS 2000000000ull /* [AHCI] 10.6.3 */
#define STEP_NS 1000000u

static bool ahci_off, ahci_without_queue;

bool
ahci_configure(const char *word)
{
    if (strcmp(word, "ahci=off") == 0)
        ahci_off = true;
    else if (strcmp(word, "ahci=single") == 0)
        ahci_without_queue = true;
    else
        return false;
    return true;
}

/* ---- A port's state. On a fibril that holds the port. ---- */

/* Waits until the register's bits are as wanted: were they, in time? */
static bool
wait_for(struct ahci_port *ahci, unsigned reg, u32 bits, u32 wanted, u64 bound_ns)
{
    u64 end = time_now_ns() + bound_ns;
    while ((device_read32(ahci->registers, reg) & bits) != wanted) {
        if (time_now_ns() > end)
            return false;
        ata_port_sleep(&ahci->port, STEP_NS);
    }
    return true;
}

static void
change_command(struct ahci_port *ahci, u32 clear, u32 set)
{
    u32 command = device_read32(ahci->registers, PORT_COMMAND);
    device_write32(ahci->registers, PORT_COMMAND, (command & ~clear) | set);
}

/* Stops the work on the list of commands, [AHCI] 10.3.2. */
static bool
engine_stop(struct ahci_port *ahci)
{
    ahci->running = false;
    change_command(ahci, COMMAND_START, 0);
    bool stopped = wait_for(ahci, PORT_COMMAND, COMMAND_RUNNING, 0, ENGINE_BOUND_NS);
    ahci->port.may_write = !stopped;
    return stopped;
}

/* Starts it, when the device is ready, [AHCI] 10.3.1. */
static bool
engine_start(struct ahci_port *ahci)
{
    if (!wait_for(ahci, PORT_TASKFILE, ATA_BSY | ATA_DRQ, 0, BUSY_BOUND_NS))
        return false;
    device_write32(ahci->registers, PORT_LINK_ERROR, ~0u);
    device_write32(ahci->registers, PORT_INTERRUPTS, ~0u);
    change_command(ahci, 0, COMMAND_START);
    ahci->running = true;
    return true;
}

/* COMRESET, [AHCI] 10.4.2. What the device was doing, it forgets. */
static bool
ahci_reset(struct ata_port *port)
{
    struct ahci_port *ahci = port->controller;
    bool stopped = engine_stop(ahci);
    device_write32(ahci->registers, PORT_LINK_CONTROL, LINK_RESET);
    ata_port_sleep(port, 2 * STEP_NS); /* at least 1 ms */
    device_write32(ahci->registers, PORT_LINK_CONTROL, LINK_GO);
    if (!wait_for(ahci, PORT_LINK, LINK_DEVICE, LINK_READY, LINK_BOUND_NS))
        return false;
    device_write32(ahci->registers, PORT_LINK_ERROR, ~0u); /* lets the first frame in */
    return (stopped || engine_stop(ahci)) && engine_start(ahci);
}

/* After an error: [AHCI] 6.2.2.1. The queue is empty then; where it is not (QEMU), the device may be
 * going on with it. */
static bool
ahci_restart(struct ata_port *port)
{
    struct ahci_port *ahci = port->controller;
    u32 busy = ATA_BSY | ATA_DRQ;
    return engine_stop(ahci) && !(device_read32(ahci->registers, PORT_TASKFILE) & busy) &&
           !device_read32(ahci->registers, PORT_QUEUED) && engine_start(ahci);
}

static const struct ata_controller_ops ahci_ops = {
    .start = ahci_start,
    .overdue = ahci_overdue,
    .restart = ahci_restart,
    .reset = ahci_reset,
};

/* ---- Finding devices ---- */

/* Is a device at the port? The BIOS has had time to wake it, unless it may spin up one by one. */
static bool
port_occupied(struct ahci_port *ahci, bool staggered)
{
    bool asleep = staggered && !(device_read32(ahci->registers, PORT_COMMAND) & COMMAND_SPIN_UP);
    change_command(ahci, 0, COMMAND_SPIN_UP | COMMAND_POWER_ON);
    if (asleep)
        wait_for(ahci, PORT_LINK, LINK_DEVICE, LINK_READY, LINK_BOUND_NS);
    return (device_read32(ahci->registers, PORT_LINK) & LINK_DEVICE) != LINK_NOBODY;
}

static bool
receiving_stop(struct ahci_port *ahci)
{
    change_command(ahci, COMMAND_RECEIVE, 0);
    return wait_for(ahci, PORT_COMMAND, COMMAND_RECEIVE_RUNNING, 0, ENGINE_BOUND_NS);
}

/* Who is there, after a reset: 0; -ENODEV: nobody we can use. */
static int
port_identify(struct ahci_port *ahci)
{
    struct ata_port *port = &ahci->port;
    struct ata_device *device = &ahci->device;
    u32 signature = device_read32(ahci->registers, PORT_SIGNATURE);
    if (signature == SIGNATURE_MULTIPLIER)
        log_line("%s: port multipliers are not supported", port->name);
    if (signature != SIGNATURE_DISK && signature != SIGNATURE_CD)
        return -ENODEV;
    device->port = port;
    device->packet = signature == SIGNATURE_CD;
    int error = ata_identify(device);
    if (error)
        return error;
    port->devices[0] = device;
    unsigned depth = MAX(device->queue_depth, 1u);
    error = ahci_slots_alloc(ahci, depth);
    return error ? error : ata_port_deepen(port, depth);
}

/* Takes the port over: 0; -ENODEV: nothing to use there; -ENOMEM. */
static int
port_set_up(struct ahci_port *ahci, bool staggered)
{
    struct ata_port *port = &ahci->port;
    port->ops = &ahci_ops;
    port->controller = ahci;
    port->can_dma = true;
    port->queue_most = ahci->controller->queues ? ahci->controller->slots : 0;
    if (!port_occupied(ahci, staggered) || !engine_stop(ahci) || !receiving_stop(ahci))
        return -ENODEV;
    ahci_lists_set(ahci);
    change_command(ahci, 0, COMMAND_RECEIVE);
    device_write32(ahci->registers, PORT_ENABLED, INTERRUPTS_WANTED);
    if (!ahci_reset(port)) {
        log_line("%s: the device does not get ready", port->name);
        return -ENODEV;
    }
    return port_identify(ahci);
}

static void
port_free(struct ahci_port *ahci)
{
    for (unsigned i = 0; i < AHCI_SLOTS; i++)
        if (ahci->tables[i])
            page_put(ahci->tables[i]);
    if (ahci->lists)
        page_put(ahci->lists);
    heap_free(ahci);
}

/* Looks at one port and makes its device known: 0, -ENODEV, -ENOMEM. */
static int
port_find(struct ahci_controller *controller, unsigned number, bool staggered)
{
    static unsigned ports;
    int error = -ENOMEM;
    struct ahci_port *ahci = heap_alloc(sizeof *ahci);
    if (!ahci)
        return -ENOMEM;
    ahci->controller = controller;
    ahci->registers = (volatile u8 *)controller->registers + 0x100 + 0x80 * number;
    ahci->lists = page_alloc_zeroed();
    format_string(ahci->port.name, sizeof ahci->port.name, "sata%u", ports);
    if (!ahci->lists || ahci_slots_alloc(ahci, 1) || ata_port_init(&ahci->port, 1))
        goto free_port;
    controller->ports[number] = ahci;
    error = port_set_up(ahci, staggered);
    if (!error) {
        ports++;
        error = ata_port_start(&ahci->port);
        return error ? error : ata_register(&ahci->device);
    }
    controller->ports[number] = NULL;
    device_write32(ahci->registers, PORT_ENABLED, 0);
    if (!engine_stop(ahci) || !receiving_stop(ahci))
        return error; /* it may still write into what is its */
    ata_port_free(&ahci->port);
free_port:
    port_free(ahci);
    return error;
}

/* ---- Finding controllers ---- */

/* [AHCI] 10.6.3 */
static void
take_from_bios(struct ahci_controller *controller)
{
    volatile void *registers = controller->registers;
    if (!(device_read32(registers, HBA_CAPABILITIES_2) & CAPABILITY_2_HANDOFF))
        return;
    u32 handoff = device_read32(registers, HBA_HANDOFF);
    device_write32(registers, HBA_HANDOFF, handoff | HANDOFF_US);
    u64 end = time_now_ns() + HANDOFF_BOUND_NS;
    while (device_read32(registers, HBA_HANDOFF) & (HANDOFF_BIOS | HANDOFF_BUSY)) {
        if (time_now_ns() > end) {
            log_line("ahci: the BIOS does not let go: taken");
            return;
        }
        time_delay_us(100);
    }
}

static void
controller_find(const struct pci_device *pci)
{
    bool io;
    u32 base = pci_base(pci, PCI_REGISTERS, &io);
    struct ahci_controller *controller = heap_alloc(sizeof *controller);
    if (!controller || !base || io || pci->interrupt_line > 15) {
        log_line("ahci: a controller that cannot be used (base %08x, interrupt %u)", base,
                 pci->interrupt_line);
        heap_free(controller);
        return;
    }
    pci_enable(pci);
    controller->registers = device_map(base, 0x100 + 0x80 * AHCI_PORTS);
    take_from_bios(controller);
    device_write32(controller->registers, HBA_CONTROL, CONTROL_AHCI);
    u32 capabilities = device_read32(controller->registers, HBA_CAPABILITIES);
    u32 there = device_read32(controller->registers, HBA_PORTS);
    controller->slots = CAPABILITY_SLOTS(capabilities);
    controller->queues = (capabilities & CAPABILITY_NCQ) && !ahci_without_queue;
    device_write32(controller->registers, HBA_INTERRUPTS, ~0u);
    controller->handler =
        (struct interrupt_handler){.handle = ahci_interrupt, .argument = controller};
    interrupt_register(pci->interrupt_line, &controller->handler);
    device_write32(controller->registers, HBA_CONTROL, CONTROL_AHCI | CONTROL_INTERRUPTS);
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        if (there & 1u << i &&
            port_find(controller, i, capabilities & CAPABILITY_STAGGERED) == -ENOMEM)
            log_line("ahci: out of memory");
}

void
ahci_init(void)
{
    struct pci_device pci;
    for (unsigned i = 0; !ahci_off && pci_find_class(PCI_CLASS_STORAGE, PCI_SUBCLASS_SATA, i, &pci);
         i++)
        if (pci.interface == PCI_INTERFACE_AHCI)
            controller_find(&pci);
}
