/* What is done about commands that failed: the policy stands in ata.h. Each port has a fibril of its
 * own for this, which sleeps until something has failed; while it works, it holds the port. Shared by
 * all controllers; started by ata_port.c. */
#include "arch.h"
#include "drivers/ata/ata.h"
#include "kernel/log.h"

/* ---- Making the port ready ---- */

static void
reset_port(struct ata_port *port)
{
    ata_counters.resets++;
    if (!port->ops->reset(port))
        return; /* what comes next will fail at once, or not be answered */
    for (unsigned i = 0; i < ARRAY_SIZE(port->devices); i++)
        if (port->devices[i] && !port->devices[i]->gone)
            ata_device_set_up(port->devices[i]);
}

/* After a command that failed: brings the port into a state in which it takes commands again. */
static void
make_ready(struct ata_port *port, const struct ata_command *command)
{
    struct ata_device *device = command->device;
    if (command->result != ATA_FAILED) {
        log_limited(16, "%s: sector %llu: %s (status %02x): reset", device->disk.name,
                    (unsigned long long)command->block.sector,
                    command->result == ATA_TIMED_OUT ? "no answer" : "confused", command->status);
        reset_port(port);
        return;
    }
    if (device->packet)
        atapi_request_sense(device);
}

/* A queued command failed, and all others that were queued have ended with it. Which one it was
 * stands in the device's log; the others are cut off only. Where there is no such log, each may be the
 * one, and a reset makes sure that the device does not go on with any of them. */
static void
find_culprit(struct ata_port *port, struct ata_device *device)
{
    unsigned slot;
    u8 status, error;
    struct ata_command *command, *culprit = NULL;
    if (ata_read_queue_error(device, &slot, &status, &error))
        list_for_each (command, &port->failed, link)
            if (command->slot == slot)
                culprit = command;
    if (!culprit) {
        reset_port(port);
        return;
    }
    culprit->status = status;
    culprit->error = error;
    list_for_each (command, &port->failed, link)
        if (command != culprit)
            command->result = ATA_CUT_OFF;
}

/* Brings the port into order after the commands in `failed` have ended. */
static void
settle(struct ata_port *port)
{
    struct ata_command *command, *worst = NULL;
    list_for_each (command, &port->failed, link) {
        if (command->result == ATA_CUT_OFF)
            continue;
        if (!worst || worst->result == ATA_FAILED)
            worst = command;
    }
    if (!worst) /* cut off by nobody: by a command that was given up meanwhile */
        return;
    bool restarted = worst->result != ATA_FAILED || ata_port_restart(port);
    make_ready(port, worst);
    if (worst->result == ATA_FAILED && worst->protocol == ATA_QUEUED_IN && restarted)
        find_culprit(port, worst->device);
}

/* ---- Trying again ---- */

/* Tries the command alone on a port that is ready, and leaves it ready: did it succeed? Gives the
 * device up when none of ATA_TRIES tries had an answer. */
static bool
try_alone(struct ata_port *port, struct ata_command *command, unsigned tries)
{
    struct ata_device *device = command->device;
    unsigned answers = 0;
    for (unsigned i = 0; i < tries && !device->gone; i++) {
        ata_run_alone(port, command);
        if (command->result == ATA_OK)
            return true;
        answers += command->result == ATA_FAILED;
        make_ready(port, command);
    }
    if (!answers && tries == ATA_TRIES && !device->gone) {
        log_line("%s: does not answer any more: given up", device->disk.name);
        device->gone = true;
    }
    return false;
}

/* Reads one segment of a request: its sectors begin at `sector`. */
static void
recover_piece(struct ata_port *port, struct ata_command *command, struct block_request *request,
              unsigned number, u64 sector)
{
    const struct block_segment *piece = &request->segments[number];
    u32 sectors = piece->length / SECTOR_SIZE;
    ata_command_clear(command);
    ata_command_add_segment(command, piece->page, piece->offset, piece->length);
    ata_build_read(command, sector, sectors);
    if (try_alone(port, command, ATA_TRIES))
        return;
    ata_command_keep(command);
    request->bad_segments |= 1u << number;
    ata_counters.errors++;
    log_limited(64, "%s: sector %llu (%u sectors): status %02x, error %02x: given up",
                command->device->disk.name, (unsigned long long)sector, sectors, command->status,
                command->error);
}

/* Reads the command's requests piece by piece; each ends by its own result. */
static void
recover_pieces(struct ata_port *port, struct ata_command *command)
{
    struct disk *disk = &command->device->disk;
    while (!list_empty(&command->block.requests)) {
        struct block_request *request =
            list_first(&command->block.requests, struct block_request, link);
        u64 sector = request->sector;
        for (unsigned i = 0; i < request->segment_count; i++) {
            recover_piece(port, command, request, i, sector);
            sector += request->segments[i].length / SECTOR_SIZE;
        }
        INTERRUPTS_OFF_SCOPE();
        block_command_split(disk, &command->block, request);
    }
}

static void
recover_command(struct ata_port *port, struct ata_command *command)
{
    bool one_piece = command->block.segment_count == 1;
    if (!one_piece)
        ata_build_requests(command);
    if (one_piece || !try_alone(port, command, 1))
        recover_pieces(port, command);
    INTERRUPTS_OFF_SCOPE();
    block_command_done(&command->device->disk, &command->block, 0);
    list_add_tail(&port->idle, &command->link);
}

/* Each that failed runs alone; one that was cut off for the first time starts with the others. */
static void
recover_failed(struct ata_port *port)
{
    while (!list_empty(&port->failed)) {
        struct ata_command *command = list_first(&port->failed, struct ata_command, link);
        bool again = command->result == ATA_CUT_OFF && !command->cut_off;
        interrupt_state state = interrupts_save();
        list_remove(&command->link);
        if (again)
            list_add_tail(&port->again, &command->link);
        interrupts_restore(state);
        command->cut_off = true;
        if (!again)
            recover_command(port, command);
    }
}

void
ata_recovery(void *argument)
{
    struct ata_port *port = argument;
    for (;;) {
        wait_event(&port->wake, !list_empty(&port->failed) && list_empty(&port->active));
        settle(port);
        recover_failed(port);
        ata_port_release(port);
    }
}
