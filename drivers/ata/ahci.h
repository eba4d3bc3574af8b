/* What the parts of the AHCI driver share: ahci.c (finding controllers, ports and devices, reset) and
 * ahci_command.c (starting commands, interrupts). Numbers are from [AHCI] (Serial ATA AHCI 1.3.1) and
 * [SATA] (Serial ATA 3.0). */
#ifndef DRIVERS_AHCI_H
#define DRIVERS_AHCI_H

#include "arch.h"
#include "drivers/ata/ata.h"
#include "io.h"

#define AHCI_PORTS 32u
#define AHCI_SLOTS 32u

/* Registers of the controller, [AHCI] 3.1 */
#define HBA_CAPABILITIES 0x00
#define HBA_CONTROL 0x04
#define HBA_INTERRUPTS 0x08 /* a bit for each port, cleared by ones */
#define HBA_PORTS 0x0c      /* a bit for each port there is */
#define HBA_CAPABILITIES_2 0x24
#define HBA_HANDOFF 0x28

/* Registers of a port, from 0x100 + 0x80 * number on, [AHCI] 3.3 */
#define PORT_COMMAND_LIST 0x00 /* and its upper half behind it */
#define PORT_RECEIVED 0x08     /* likewise */
#define PORT_INTERRUPTS 0x10   /* cleared by ones */
#define PORT_ENABLED 0x14      /* which interrupts */
#define PORT_COMMAND 0x18
#define PORT_TASKFILE 0x20 /* status in bits 0 to 7, error in 8 to 15 */
#define PORT_SIGNATURE 0x24
#define PORT_LINK 0x28         /* SATA status */
#define PORT_LINK_CONTROL 0x2c /* SATA control */
#define PORT_LINK_ERROR 0x30   /* SATA error, cleared by ones */
#define PORT_QUEUED 0x34       /* SATA active: NCQ tags the device has not finished */
#define PORT_ISSUED 0x38       /* commands the controller has not finished */

/* Interrupts, [AHCI] 3.3.5 */
#define INTERRUPT_TASKFILE_ERROR (1u << 30)
#define INTERRUPT_HOST_BUS_FATAL (1u << 29)
#define INTERRUPT_HOST_BUS_DATA (1u << 28)
#define INTERRUPT_INTERFACE_FATAL (1u << 27)
#define INTERRUPT_ERRORS                                                                           \
    (INTERRUPT_TASKFILE_ERROR | INTERRUPT_HOST_BUS_FATAL | INTERRUPT_HOST_BUS_DATA |               \
     INTERRUPT_INTERFACE_FATAL)
#define INTERRUPT_ENDS 0x2fu /* a frame with registers, data or finished tags; a piece of memory */
/* Not those of the link (bits 4, 6, 22): they would come until PORT_LINK_ERROR is cleared, which the
 * reset does, on a fibril. A device that is gone is seen by its silence. */
#define INTERRUPTS_WANTED (INTERRUPT_ERRORS | INTERRUPT_ENDS)

#define COMMAND_START 0x0001u
#define COMMAND_SPIN_UP 0x0002u
#define COMMAND_POWER_ON 0x0004u
#define COMMAND_RECEIVE 0x0010u
#define COMMAND_RECEIVE_RUNNING 0x4000u
#define COMMAND_RUNNING 0x8000u

struct ahci_controller;

struct ahci_port {
    struct ata_port port;
    /* Immutable: */
    struct ahci_controller *controller;
    volatile void *registers;
    struct page *lists; /* the list of commands and the place for received FISes, for ever */
    struct page *tables[AHCI_SLOTS]; /* one for each slot, for ever */
    struct ata_device device;
    /* Interrupts off: */
    bool running; /* it takes commands */
    struct ata_command *active[AHCI_SLOTS]; /* by slot */
    u32 issued;                             /* the slots of the active commands */
};

struct ahci_controller {
    /* Immutable: */
    volatile void *registers;
    u32 slots; /* commands a port can have */
    bool queues; /* it can do NCQ */
    struct ahci_port *ports[AHCI_PORTS];
    struct interrupt_handler handler;
};

/* ---- ahci_command.c ---- */

/* Memory for the slots up to `count`: 0 or -ENOMEM. */
int ahci_slots_alloc(struct ahci_port *ahci, unsigned count) MUST_CHECK;
/* The table of commands lies here, and the place for received FISes. */
void ahci_lists_set(struct ahci_port *ahci);
void ahci_start(struct ata_port *port, struct ata_command *command);
bool ahci_overdue(struct ata_port *port);
bool ahci_interrupt(void *controller);

#endif
