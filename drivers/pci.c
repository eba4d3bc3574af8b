/* PCI configuration space by mechanism 1, [PCI-2.2] 3.2.2.3: an address written to port 0xcf8, data
 * at 0xcfc. Called by controller drivers at start-up. Left out: assigning addresses (the BIOS has),
 * capabilities, hot plugging. */
#include "drivers/pci.h"

#include "arch.h"
#include "io.h"
#include "kernel/log.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE 0x80000000u

/* Configuration header, [PCI-2.2] 6.1 */
#define REG_ID 0x00      /* vendor, device */
#define REG_COMMAND 0x04 /* command, status */
#define REG_CLASS 0x08   /* revision, interface, subclass, class */
#define REG_HEADER 0x0c  /* header type in bits 16 to 23 */
#define REG_BASE_0 0x10
#define REG_BUSES 0x18     /* of a bridge: primary, secondary, subordinate */
#define REG_INTERRUPT 0x3c /* line, pin */

#define COMMAND_IO 1u
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u

#define HEADER_MULTIFUNCTION 0x00800000u
#define NO_DEVICE 0xffff

static u32
config_address(const struct pci_device *device, unsigned offset)
{
    return CONFIG_ENABLE | (u32)device->bus << 16 | (u32)device->device << 11 |
           (u32)device->function << 8 | (offset & 0xfc);
}

u32
pci_read(const struct pci_device *device, unsigned offset)
{
    INTERRUPTS_OFF_SCOPE();
    port_out32(CONFIG_ADDRESS, config_address(device, offset));
    return port_in32(CONFIG_DATA);
}

void
pci_write(const struct pci_device *device, unsigned offset, u32 value)
{
    INTERRUPTS_OFF_SCOPE();
    port_out32(CONFIG_ADDRESS, config_address(device, offset));
    port_out32(CONFIG_DATA, value);
}

/* Fills in what the configuration space says; false: nothing there. */
static bool
read_header(struct pci_device *device)
{
    u32 id = pci_read(device, REG_ID);
    device->vendor = (u16)id;
    device->id = (u16)(id >> 16);
    if (device->vendor == NO_DEVICE || device->vendor == 0)
        return false;
    u32 class = pci_read(device, REG_CLASS);
    device->class = (u8)(class >> 24);
    device->subclass = (u8)(class >> 16);
    device->interface = (u8)(class >> 8);
    device->interrupt_line = (u8)pci_read(device, REG_INTERRUPT);
    return true;
}

/* Goes on to the next function that is there; false: the end. *device holds bus, device and function
 * of the last one, or `before_first`. Every bus is looked at, behind bridges or not. */
static const struct pci_device before_first = {.function = 0xff};

static bool
next_function(struct pci_device *device)
{
    static u8 buses; /* the highest bus number behind a bridge seen so far */
    unsigned place = device->function == 0xff
                         ? 0
                         : ((unsigned)device->bus << 8 | device->device << 3 | device->function) + 1;
    for (; place >> 8 <= buses; place++) {
        device->bus = (u8)(place >> 8);
        device->device = place >> 3 & 31;
        device->function = 0;
        bool first = (place & 7) == 0;
        if (!first && !(pci_read(device, REG_HEADER) & HEADER_MULTIFUNCTION)) {
            place |= 7; /* one function only */
            continue;
        }
        device->function = place & 7;
        if (!read_header(device)) {
            if (first)
                place |= 7;
            continue;
        }
        if (device->class == 0x06 && device->subclass == 0x04) /* bridge to another bus */
            buses = MAX(buses, (u8)(pci_read(device, REG_BUSES) >> 16));
        return true;
    }
    return false;
}

bool
pci_find_class(u8 class, u8 subclass, unsigned index, struct pci_device *found)
{
    *found = before_first;
    while (next_function(found))
        if (found->class == class && found->subclass == subclass && index-- == 0)
            return true;
    return false;
}

u32
pci_base(const struct pci_device *device, unsigned number, bool *io)
{
    u32 base = pci_read(device, REG_BASE_0 + 4 * number);
    *io = base & 1; /* [PCI-2.2] 6.2.5.1 */
    if (*io)
        return base & 0xfffc;
    bool wide = (base & 6) == 4;
    if (wide && number < 5 && pci_read(device, REG_BASE_0 + 4 * (number + 1)))
        return 0;
    return base & 0xfffffff0;
}

void
pci_enable(const struct pci_device *device)
{
    u32 command = pci_read(device, REG_COMMAND) & 0xffff; /* status bits are cleared by ones */
    pci_write(device, REG_COMMAND, command | COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER);
}

void
pci_describe(void)
{
    struct pci_device device = before_first;
    while (next_function(&device))
        log_line("pci %02x:%02x.%u: %04x:%04x class %02x%02x%02x irq %u", device.bus, device.device,
                 device.function, device.vendor, device.id, device.class, device.subclass,
                 device.interface, device.interrupt_line);
}
