/* A port's work: taking commands from its disks' queues, starting them, their ends and time limits.
 * Shared by all controllers. Most of it runs with interrupts off, in interrupts or in block_submit;
 * what is done about errors stands in ata_recovery.c. */
#include "arch.h"
#include "drivers/ata/ata.h"
#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define CD_LIMIT_NS 15000000000ull /* it may have to spin up */
#define PROBE_LIMIT_NS 2000000000ull

struct ata_counters ata_counters;

/* ---- Starting commands. Interrupts off. ---- */

static u64
time_limit(const struct ata_command *command)
{
    if (command->probe)
        return PROBE_LIMIT_NS;
    return command->device->packet ? CD_LIMIT_NS : ata_fault_disk_limit();
}

static void
count_start(const struct ata_command *command)
{
    if (!command->read)
        ata_counters.other++;
    else if (command->device->packet)
        ata_counters.packets++;
    else
        ata_counters.commands++;
}

/* Until when the active command is waited for: beside others that are answered, longer. */
static u64
patience_end(const struct ata_command *command)
{
    u64 limit = time_limit(command), end = command->deadline_ns;
    u64 answered_end = command->device->port->answered_ns + limit;
    return MAX(end, MIN(answered_end, end + (ATA_PATIENCE - 1) * limit));
}

static void
set_timer(struct ata_port *port)
{
    if (list_empty(&port->active))
        timer_cancel(&port->timer);
    else
        timer_arm(&port->timer,
                  patience_end(list_first(&port->active, struct ata_command, link)));
}

static void
start_command(struct ata_port *port, struct ata_command *command)
{
    command->segment = command->segment_offset = 0;
    command->transferred = 0;
    command->status = command->error = 0;
    command->finished = false;
    command->deadline_ns = time_now_ns() + time_limit(command);
    command->requests_before = port->requests_started;
    port->requests_started += command->block.request_count;
    list_remove(&command->link);
    list_add_tail(&port->active, &command->link);
    set_timer(port);
    count_start(command);
    if (!ata_fault_swallows(command))
        port->ops->start(port, command);
}

/* What is read in a gap nobody wants: it goes to the scratch page, page upon page. */
static void
add_gap(struct ata_command *command, u32 sectors)
{
    for (u32 bytes = sectors * SECTOR_SIZE, piece; bytes; bytes -= piece) {
        piece = MIN(bytes, PAGE_SIZE);
        ata_command_add_segment(command, command->device->port->scratch, 0, piece);
    }
}

void
ata_build_requests(struct ata_command *command)
{
    struct block_request *request;
    u64 sector = command->block.sector;
    ata_command_clear(command);
    list_for_each (request, &command->block.requests, link) {
        add_gap(command, (u32)(request->sector - sector));
        for (unsigned i = 0; i < request->segment_count; i++)
            ata_command_add_segment(command, request->segments[i].page, request->segments[i].offset,
                                    request->segments[i].length);
        sector = request->sector + request->sectors;
    }
    ata_build_read(command, command->block.sector, command->block.sectors);
}

/* Has the disk been registered, so that it has a queue? */
static bool
has_queue(const struct ata_device *device)
{
    return device && device->disk.queue;
}

/* Takes work for the command from the devices in turn; false: there is none. */
static bool
take_work(struct ata_port *port, struct ata_command *command)
{
    for (unsigned i = 0; i < ARRAY_SIZE(port->devices); i++) {
        struct ata_device *device = port->devices[port->turn];
        port->turn ^= 1;
        if (!has_queue(device) || device->gone ||
            !block_take_command(&device->disk, &command->block))
            continue;
        command->device = device;
        command->cut_off = false;
        ata_build_requests(command);
        if (!device->packet)
            ata_counters.requests++;
        return true;
    }
    return false;
}

/* Has the device done so many later requests before its oldest command that it gets no more? */
static bool
oldest_is_overtaken(const struct ata_port *port)
{
    if (list_empty(&port->active))
        return false;
    const struct ata_command *oldest = list_first(&port->active, struct ata_command, link);
    return port->requests_started - oldest->requests_before >= BLOCK_OVERTAKE_LIMIT;
}

static void
dispatch(struct ata_port *port)
{
    while (!port->held && !list_empty(&port->idle) && !oldest_is_overtaken(port)) {
        struct ata_command *command = list_first(&port->idle, struct ata_command, link);
        if (!take_work(port, command))
            return;
        start_command(port, command);
    }
}

/* All that waits for a device that was given up. */
static void
fail_waiting(struct ata_device *device)
{
    struct block_command block;
    while (block_take_command(&device->disk, &block))
        block_command_done(&device->disk, &block, -EIO);
}

static void
kick(struct disk *disk)
{
    struct ata_device *device = disk->driver_data;
    if (device->gone)
        fail_waiting(device);
    else
        dispatch(device->port);
}

const struct disk_driver ata_disk_driver = {.kick = kick};

/* ---- Ends. Interrupts off. ---- */

void
ata_command_end(struct ata_command *command, enum ata_result result, u8 status, u8 error)
{
    struct ata_port *port = command->device->port;
    if (result == ATA_OK && ata_fault_loses(command))
        return;
    if (result == ATA_OK && command->read && command->transferred < command->bytes)
        result = ATA_CONFUSED;
    command->result = result;
    command->status = status;
    command->error = error;
    command->finished = true;
    if (result == ATA_OK || result == ATA_FAILED)
        port->answered_ns = time_now_ns();
    list_remove(&command->link);
    set_timer(port);
    if (command == port->alone) {
        wake_up_all(&port->wake);
    } else if (result != ATA_OK) {
        list_add_tail(&port->failed, &command->link);
        port->held = true;
        wake_up_all(&port->wake);
    } else {
        /* Idle only afterwards: the requests' ends may submit others. */
        block_command_done(&command->device->disk, &command->block, 0);
        list_add_tail(&port->idle, &command->link);
        if (port->held)
            wake_up_all(&port->wake); /* it waits for the last one */
        dispatch(port);
    }
}

static void
timer_expired(struct timer *timer)
{
    struct ata_port *port = container_of(timer, struct ata_port, timer);
    if (list_empty(&port->active))
        return;
    struct ata_command *oldest = list_first(&port->active, struct ata_command, link);
    if (time_now_ns() < patience_end(oldest)) {
        set_timer(port);
        return;
    }
    if (port->ops->overdue(port)) {
        log_limited(8, "%s: an interrupt was lost", port->name);
        if (!oldest->finished)
            oldest->deadline_ns = time_now_ns() + time_limit(oldest);
        set_timer(port);
        return;
    }
    while (!list_empty(&port->active)) {
        struct ata_command *command = list_first(&port->active, struct ata_command, link);
        bool late = time_now_ns() >= patience_end(command);
        ata_command_end(command, late ? ATA_TIMED_OUT : ATA_CUT_OFF, command->status,
                        command->error);
    }
}

/* ---- On the fibril that holds the port ---- */

struct ata_command *
ata_command_spare(struct ata_device *device)
{
    struct ata_command *command = device->port->spare;
    ata_command_clear(command);
    command->device = device;
    return command;
}

void
ata_run_alone(struct ata_port *port, struct ata_command *command)
{
    ASSERT(port->held);
    interrupt_state state = interrupts_save();
    port->alone = command;
    start_command(port, command);
    interrupts_restore(state);
    wait_event(&port->wake, command->finished); /* the timer ends it if nothing else does */
    port->alone = NULL;
    if (command->result == ATA_FAILED)
        ata_port_restart(port);
}

bool
ata_port_restart(struct ata_port *port)
{
    if (!port->ops->restart || port->ops->restart(port))
        return true;
    ata_counters.resets++;
    port->ops->reset(port); /* if it does not help, what comes next will fail at once */
    return false;
}

void
ata_port_sleep(struct ata_port *port, u64 nanoseconds)
{
    u64 end = time_now_ns() + nanoseconds;
    while (wait_event_until(&port->wake, false, end) != -ETIMEDOUT && time_now_ns() < end)
        ;
}

void
ata_command_keep(const struct ata_command *command)
{
    if (!command->device->port->may_write)
        return;
    for (unsigned i = 0; i < command->segment_count; i++)
        page_get(command->segments[i].page);
}

/* What was cut off starts again; work is let in. */
void
ata_port_release(struct ata_port *port)
{
    INTERRUPTS_OFF_SCOPE();
    while (!list_empty(&port->again)) {
        struct ata_command *command = list_first(&port->again, struct ata_command, link);
        if (command->device->gone) {
            ata_command_keep(command);
            list_remove(&command->link);
            block_command_done(&command->device->disk, &command->block, -EIO);
            list_add_tail(&port->idle, &command->link);
        } else {
            start_command(port, command);
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(port->devices); i++)
        if (has_queue(port->devices[i]) && port->devices[i]->gone)
            fail_waiting(port->devices[i]);
    port->held = !list_empty(&port->failed);
    dispatch(port);
}

/* ---- Setting up ---- */

int
ata_port_init(struct ata_port *port, unsigned depth)
{
    list_init(&port->idle);
    list_init(&port->active);
    list_init(&port->failed);
    list_init(&port->again);
    timer_init(&port->timer, timer_expired);
    wait_queue_init(&port->wake, "ata");
    port->held = true;
    port->scratch = page_alloc();
    port->spare = heap_alloc(sizeof *port->spare);
    if (!port->scratch || !port->spare)
        goto out_of_memory;
    list_init(&port->spare->link);
    if (ata_port_deepen(port, depth) == 0)
        return 0;
out_of_memory:
    ata_port_free(port);
    return -ENOMEM;
}

int
ata_port_deepen(struct ata_port *port, unsigned depth)
{
    struct ata_command *command;
    unsigned there = 0;
    list_for_each (command, &port->idle, link)
        there++;
    for (; there < depth; there++) {
        command = heap_alloc(sizeof *command);
        if (!command)
            return -ENOMEM;
        command->slot = (u8)there;
        list_add_tail(&port->idle, &command->link);
    }
    return 0;
}

void
ata_port_free(struct ata_port *port)
{
    struct ata_command *command, *following;
    list_for_each_safe (command, following, &port->idle, link)
        heap_free(command);
    heap_free(port->spare);
    if (port->scratch)
        page_put(port->scratch);
}

int
ata_port_start(struct ata_port *port)
{
    for (unsigned i = 0; i < ARRAY_SIZE(port->devices); i++)
        if (port->devices[i])
            ata_device_set_up(port->devices[i]);
    if (!kernel_fibril_start(ata_recovery, port))
        return -ENOMEM;
    INTERRUPTS_OFF_SCOPE();
    port->held = false;
    return 0;
}

/* ---- All controllers ---- */

bool
ata_configure(const char *word)
{
    return ide_configure(word) || ahci_configure(word) || ata_fault_configure(word);
}

void
ata_init(void)
{
    ide_init();
    ahci_init();
}

/* ---- Counters ---- */

size_t
ata_describe(char *buffer, size_t size)
{
    interrupt_state state = interrupts_save();
    struct ata_counters now = ata_counters;
    interrupts_restore(state);
    return format_string(buffer, size,
                         "ata: requests=%llu commands=%llu packets=%llu other=%llu irqs=%llu "
                         "coalesced=%llu polled=%llu resets=%llu errors=%llu",
                         (unsigned long long)now.requests, (unsigned long long)now.commands,
                         (unsigned long long)now.packets, (unsigned long long)now.other,
                         (unsigned long long)now.irqs, (unsigned long long)now.coalesced,
                         (unsigned long long)now.polled,
                         (unsigned long long)now.resets, (unsigned long long)now.errors);
}

void
ata_log_counters(void)
{
    char line[200];
    ata_describe(line, sizeof line);
    log_line("%s", line);
}
