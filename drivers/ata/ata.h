/* ATA and ATAPI disks: what the command layer and the controllers have in common.
 *
 *     block queue --take--> ata_command --start--> controller (ide.c, ahci.c)
 *                               ^                       |
 *                               +------ ata_command_end +   (in the interrupt)
 *
 * A *port* is where commands go: an IDE channel with up to two devices and one command at a time, or
 * an AHCI port with one device and up to 32. The port has as many ata_commands as it can have in
 * flight. A controller only starts a command and says how it ended; what to send, in which order and
 * what to do about errors is decided here, once for all controllers:
 *
 *   ata_command.c   which command reads a run of sectors; what IDENTIFY says
 *   ata_port.c      taking work from the queues, ends, time-outs, counters
 *   ata_recovery.c  what is done about errors
 *   ata_fault.c     errors to order, for tests
 *   atapi.c         the same as ata_command.c for CD drives
 *
 * Error policy: a command that fails goes to the port's fibril, which holds the queue meanwhile. It
 * tries the same command again alone, and if that fails, each piece of it (a page or a part of one)
 * up to ATA_TRIES times, with a reset of the port whenever the device gave no answer or a confused
 * one. What still fails ends with -EIO and a line in the log. A device that does not answer in any
 * of its tries is given up: all its requests, now and later, end with -EIO at once.
 *
 * A device that takes several commands may do them in any order, but when requests that were given to it
 * later amount to BLOCK_OVERTAKE_LIMIT, it gets no more until the oldest one is done.
 *
 * When one of several commands fails, the others end with it, cut off: they are started again
 * together, the second time each alone. If a queue fails and the device has no log that says which of
 * it did, each of it runs alone.
 *
 * How long a read can take: a disk that has fallen silent is given up ATA_GIVE_UP_NS after its last
 * answer or the first command that had none, at most (5 s, twice if the command was cut off; then a
 * try of the whole and ATA_TRIES of its first piece, each of 5 s, and a reset, of 6.2 s at most, after
 * each); a CD drive, which has 15 s for each command, after ATA_GIVE_UP_CD_NS. A command that alone
 * has no answer while others have is waited for ATA_PATIENCE times as long. While a disk answers, but
 * wrongly, each piece of what was read takes ATA_TRIES tries at most.
 *
 * Numbers are from [ATA-6] (ATA/ATAPI-6, T13 1410D), [SATA] (Serial ATA 3.0) and [MMC-3] (SCSI
 * Multimedia Commands). */
#ifndef DRIVERS_ATA_H
#define DRIVERS_ATA_H

#include "drivers/block.h"
#include "kernel/list.h"
#include "kernel/timer.h"
#include "kernel/types.h"
#include "kernel/wait.h"

/* ---- For start-up code ---- */

/* A command-line word: ide=off, ide=pio, ide=dma, ahci=off, ahci=single (no NCQ). False: not one of
 * these. Before ata_init. */
bool ata_configure(const char *word);
/* Finds AHCI and IDE controllers and registers their disks. Sleeps; interrupts and timers must work. */
void ata_init(void);
/* The counters, as one line without a newline (for /proc/ata); its length. */
size_t ata_describe(char *buffer, size_t size);
void ata_log_counters(void);
/* From now on disks err so (for tests): what may stand behind ata-fault= on the command line, or
 * "none". False: it cannot be understood. */
bool ata_fault_set(const char *text);
const char *ata_fault_text(void); /* the last that was understood */

/* ---- Registers and commands ---- */

#define ATA_ERR 0x01 /* status, [ATA-6] 7.15.6; for packet commands: CHECK CONDITION */
#define ATA_DRQ 0x08
#define ATA_DF 0x20
#define ATA_DRDY 0x40
#define ATA_BSY 0x80

#define ATA_ABORTED 0x04 /* error, [ATA-6] 7.9: no such command, or nobody to do it */

#define ATA_READ_LOG_EXT 0x2f /* [SATA] 13.7 */
#define ATA_READ_SECTORS 0x20 /* [ATA-6] 8.27 and following */
#define ATA_READ_SECTORS_EXT 0x24
#define ATA_READ_DMA 0xc8
#define ATA_READ_DMA_EXT 0x25
#define ATA_READ_FPDMA_QUEUED 0x60 /* [SATA] 13.6.4.1 */
#define ATA_READ_MULTIPLE 0xc4
#define ATA_READ_MULTIPLE_EXT 0x29
#define ATA_SET_MULTIPLE 0xc6
#define ATA_PACKET 0xa0
#define ATA_IDENTIFY_PACKET 0xa1
#define ATA_IDENTIFY 0xec

#define ATA_DEVICE_LBA 0x40 /* device register, [ATA-6] 7.8 */
#define ATA_DEVICE_1 0x10

struct ata_taskfile {
    u8 features, command;
    u8 device; /* without the bit that says which of two */
    bool extended; /* 48-bit: count and lba are wider */
    u16 count;
    u64 lba;
};

/* ---- A command ---- */

enum ata_protocol {
    ATA_NO_DATA,
    ATA_PIO_IN,
    ATA_DMA_IN,
    ATA_QUEUED_IN, /* NCQ: several at once, ending in any order */
    ATA_PACKET_PIO,
    ATA_PACKET_DMA
};

enum ata_result {
    ATA_OK,
    ATA_FAILED,    /* the device said so: status and error are its registers */
    ATA_TIMED_OUT, /* no interrupt in time */
    ATA_CONFUSED,  /* not ready for a command, too little data, a bus error */
    ATA_CUT_OFF,   /* ended because another one failed */
};

#define ATA_SEGMENTS 258 /* 1 MiB in pages, and what fills up a CD's sector on either side */
#define ATA_TRIES 3
#define ATA_LIMIT_NS 5000000000ull     /* of a disk's command */
#define ATA_PATIENCE 4 /* times that limit, while others are answered: a queue takes its time */
#define ATA_GIVE_UP_NS 61000000000ull /* see above */
#define ATA_GIVE_UP_CD_NS 106000000000ull

struct ata_command {
    struct list link; /* idle, active or failed; interrupts off */
    struct ata_device *device;
    u8 slot; /* its place at the controller, for ever; the spare one shares that of another */
    struct block_command block; /* the work it does, if it is the queue's */

    /* What to send and where the data go: */
    enum ata_protocol protocol;
    struct ata_taskfile taskfile;
    u8 packet[12];
    bool read;  /* of sectors; everything else counts as `other` */
    bool probe; /* the device may be absent: status 0x00 or 0xff after the start is an end */
    u32 bytes;  /* the sum of the segments */
    u16 segment_count;
    struct block_segment segments[ATA_SEGMENTS]; /* the requests own the pages */

    /* How far it is and how it ended (interrupts off): */
    u16 segment;        /* the controller's: where the next bytes go */
    u16 segment_offset;
    u32 transferred;
    u64 deadline_ns;
    u32 requests_before; /* the port's requests_started when it was started */
    bool finished;
    bool cut_off; /* not for the first time */
    enum ata_result result;
    u8 status, error;
};

/* ---- Devices and ports ---- */

struct ata_device {
    struct disk disk;
    struct ata_port *port;
    /* Immutable once identified: */
    u8 unit;     /* 0 or 1 */
    bool packet; /* ATAPI */
    bool packet_interrupt; /* wants the packet after an interrupt, [ATA-6] 8.16.6 word 0 */
    bool lba48;
    bool dma;         /* reads by DMA */
    u8 queue_depth;   /* NCQ: commands it takes at once; 0: none */
    u8 multiple_most; /* sectors for one interrupt it can do, and */
    char model[41];
    /* The port's fibril's: */
    u8 multiple; /* what it has been set to; 0: READ SECTORS */
    bool no_log; /* it does not say which queued command failed */
    bool gone;   /* given up; interrupts off */
};

struct ata_controller_ops {
    /* Gives the command to its device. Interrupts off. It ends by ata_command_end, now or later. */
    void (*start)(struct ata_port *port, struct ata_command *command);
    /* The oldest active command's time is over. Interrupts off. If only the interrupt is missing,
     * does as the interrupt would, counts it as polled and returns true; else stops all active
     * commands and forgets them, so that late interrupts and data do no harm, and returns false. */
    bool (*overdue)(struct ata_port *port);
    /* Makes the port take commands again after ATA_FAILED; nothing is active. Sleeps, bounded. False:
     * it needs a reset. NULL: nothing need be done. (See ata_port_restart.) */
    bool (*restart)(struct ata_port *port);
    /* Makes the devices ready for commands, whatever they were doing; nothing is active. Sleeps,
     * bounded. False: they are not. */
    bool (*reset)(struct ata_port *port);
};

struct ata_port {
    /* Immutable: */
    char name[8]; /* ide0 */
    const struct ata_controller_ops *ops;
    void *controller; /* its own record of the port */
    struct ata_device *devices[2];
    struct page *scratch; /* for what IDENTIFY says and for bytes nobody wants */
    bool can_dma;
    unsigned queue_most; /* queued commands the controller takes; 0: it cannot do that */
    /* Interrupts off: */
    struct list idle, active; /* the ata_commands, active ones in the order started */
    struct list failed, again; /* those that are the port's fibril's, and are to start again */
    struct ata_command *spare; /* for whoever holds the port */
    struct ata_command *alone; /* the one whose end wakes whoever holds the port */
    unsigned turn;             /* the device that is asked for work first */
    u32 requests_started;      /* by all commands so far */
    u64 answered_ns;           /* when the last command ended by itself */
    bool held; /* only the port's fibril (at start-up: who sets the port up) starts commands */
    bool may_write; /* the controller did not stop: it may still write to what it was given */
    struct timer timer; /* of the oldest active command */
    struct wait_queue wake;
};

/* Sets a port up, held, with this many commands: 0 or -ENOMEM. */
int ata_port_init(struct ata_port *port, unsigned depth) MUST_CHECK;
/* The port, not started yet, has at least this many commands: 0 or -ENOMEM. */
int ata_port_deepen(struct ata_port *port, unsigned depth) MUST_CHECK;
void ata_port_free(struct ata_port *port); /* not started yet */
/* Runs the port's fibril and lets the queues' work in: 0 or -ENOMEM. */
int ata_port_start(struct ata_port *port) MUST_CHECK;
/* For disk_driver: there is work. */
extern const struct disk_driver ata_disk_driver;
/* Runs one command on a held port and waits for its end (bound: the command's time limit); if it has
 * failed, the port takes commands again. */
void ata_run_alone(struct ata_port *port, struct ata_command *command);
/* After commands that failed, none is active: makes the port take others. False: it had to be reset,
 * so the device knows no more what failed. Sleeps. */
bool ata_port_restart(struct ata_port *port);
/* The held port's spare command, emptied, for ata_run_alone. */
struct ata_command *ata_command_spare(struct ata_device *device);
/* Sleeps on a held port; the bound is the time given. */
void ata_port_sleep(struct ata_port *port, u64 nanoseconds);

/* For controllers, interrupts off: the command's end. May start the next one before it returns. */
void ata_command_end(struct ata_command *command, enum ata_result result, u8 status, u8 error);

/* ---- The controllers' parts of ata_configure and ata_init ---- */

bool ide_configure(const char *word);
void ide_init(void);
bool ahci_configure(const char *word);
void ahci_init(void);

/* ---- ata_command.c and atapi.c ---- */

/* Empties a command for another use; its `block` stays. */
void ata_command_clear(struct ata_command *command);
void ata_command_add_segment(struct ata_command *command, struct page *page, u32 offset, u32 length);
/* Fills in the command from the requests of its `block`. */
void ata_build_requests(struct ata_command *command);
/* Fills in what reads these sectors (of 512 bytes) into the segments added before. */
void ata_build_read(struct ata_command *command, u64 sector, u32 sectors);
void atapi_build_read(struct ata_command *command, u64 sector, u32 sectors);

/* Asks the device what it is and fills in the rest of `device` and its disk (port, unit and packet
 * are given): 0; -ENODEV: absent, or nothing we can use (then said in the log); -EIO. Sleeps; the
 * port is held. */
int ata_identify(struct ata_device *device) MUST_CHECK;
/* The part of it for CD drives: is there a disc, and how long is it? */
int atapi_read_capacity(struct ata_device *device) MUST_CHECK;
/* After a reset: the settings that the device may have lost. Sleeps; the port is held. */
void ata_device_set_up(struct ata_device *device);
/* After a packet command that failed: asks why, says it in the log, and gives a drive that is
 * becoming ready some time. Sleeps; the port is held. */
void atapi_request_sense(struct ata_device *device);
/* Which queued command failed, by the device's log, and its registers then. False: it does not say.
 * Sleeps; the port is held. */
bool ata_read_queue_error(struct ata_device *device, unsigned *slot, u8 *status, u8 *error);
/* Gives the identified device's disk a name and registers it; the port has been started. */
int ata_register(struct ata_device *device) MUST_CHECK;

/* ---- ata_recovery.c and what it needs of ata_port.c ---- */

void ata_recovery(void *port); /* the port's fibril */
/* The command's requests are to end without data: its pages are kept for ever if the controller may
 * still write to them. */
void ata_command_keep(const struct ata_command *command);
/* Starts what is to start again and lets work in, unless something has failed meanwhile. */
void ata_port_release(struct ata_port *port);

/* ---- ata_fault.c: a disk that errs to order ---- */

/* A command-line word: ata-fault=… or ata-limit=… (see there). False: not one of these. */
bool ata_fault_configure(const char *word);
/* Does the device not get to see this command? Does its end get lost, or not all of its data come
 * (which is then seen by `transferred`)? Interrupts off. */
bool ata_fault_swallows(const struct ata_command *command);
bool ata_fault_loses(struct ata_command *command);
u64 ata_fault_disk_limit(void);

/* ---- Counters; interrupts off ---- */

struct ata_counters {
    u64 requests; /* reads handed to disks by the queue */
    u64 commands; /* read commands written to disks: retries count again */
    u64 packets;  /* the same for CD drives: packet commands with data */
    u64 other;    /* IDENTIFY and the like */
    u64 irqs;     /* interrupts of our devices */
    u64 coalesced; /* ends that shared an interrupt with another one before them */
    u64 polled;   /* ends that no interrupt told us of */
    u64 resets;
    u64 errors; /* pieces that were given up */
};
extern struct ata_counters ata_counters;

#endif
