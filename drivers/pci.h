/* The PCI bus: finding devices and their registers. */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include "kernel/types.h"

struct pci_device {
    u8 bus, device, function;
    u8 class, subclass, interface;
    u16 vendor, id;
    u8 interrupt_line; /* as the BIOS has set it; 0xff: none */
};

/* The `index`-th function, in the order of the bus, with this class and subclass; false: none. */
bool pci_find_class(u8 class, u8 subclass, unsigned index, struct pci_device *found);

u32 pci_read(const struct pci_device *device, unsigned offset); /* offset: a multiple of 4 */
void pci_write(const struct pci_device *device, unsigned offset, u32 value);

/* The base of address register 0 to 5: *io tells ports from memory. 0: not assigned (or above 4 GiB). */
u32 pci_base(const struct pci_device *device, unsigned number, bool *io);

/* Lets the device answer at its ports and memory and be bus master. */
void pci_enable(const struct pci_device *device);

/* One log line for each function found. */
void pci_describe(void);

#endif
