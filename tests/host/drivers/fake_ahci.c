/* See fake_ahci.h. Behaves as [AHCI] says a controller does and as [SATA] says its devices do, and
 * counts what a driver must not do: commands on a stopped port, queued ones beside others, slots used
 * twice, lists moved while they are in use, memory that is too small or not the driver's any more. */
#include "tests/host/drivers/fake_ahci.h"

#include "kernel/string.h"

#define LINE 11
#define BASE 0xfebf1000u
#define START 0x0001u
#define RECEIVE 0x0010u
#define RECEIVE_RUNNING 0x4000u
#define RUNNING 0x8000u
#define IS_ERROR (1u << 30)
#define IS_LINK (1u << 27)
#define IS_QUEUED 0x08u
#define IS_DONE 0x01u
#define IS_CONNECTED (1u << 6) /* shows LINK_CONNECTED, [AHCI] 3.3.5: cleared there only */
#define IS_CHANGED (1u << 22)  /* shows LINK_CHANGED, likewise */
#define LINK_CHANGED (1u << 16)
#define LINK_CONNECTED (1u << 26)

struct fake_port fake[FAKE_PORTS];
unsigned fake_interrupts, fake_protocol_errors, fake_batch = 1, fake_slots = 32;
u64 fake_step_ns = 50000;
bool fake_no_queue, fake_bios_owned, fake_stuck_engine;
static u8 registers[0x1100]; /* only its addresses are used */
static u32 pci_address, control, pending_ports, handoff = 1;

u8
fake_byte(u64 sector, u32 at)
{
    return (u8)(sector * 31 + (sector >> 8) * 7 + (sector >> 24) * 3 + at * 13 + at / 512);
}

static void
protocol_error(const char *what)
{
    fprintf(stderr, "fake AHCI: %s\n", what);
    fake_protocol_errors++;
}

static u32
interrupts_of(const struct fake_port *port)
{
    return port->interrupts | (port->link_error & LINK_CONNECTED ? IS_CONNECTED : 0) |
           (port->link_error & LINK_CHANGED ? IS_CHANGED : 0);
}

static void
raise(struct fake_port *port, u32 bits)
{
    port->interrupts |= bits;
    if (!(interrupts_of(port) & port->enabled))
        return;
    if (port->lose_interrupts) {
        port->lose_interrupts--;
        return;
    }
    pending_ports |= 1u << (port - fake);
}

/* ---- Memory ---- */

static u8 *
table_of(struct fake_port *port, unsigned slot, u32 *flags)
{
    u32 words[4];
    memcpy(words, (u8 *)physical_to_virtual(port->list) + 32 * slot, sizeof words);
    *flags = words[0];
    if (words[2] & 127 || words[3])
        protocol_error("a command table that is not aligned");
    return physical_to_virtual(words[2]);
}

static void
set_transferred(struct fake_port *port, unsigned slot, u32 bytes)
{
    memcpy((u8 *)physical_to_virtual(port->list) + 32 * slot + 4, &bytes, 4);
}

/* Puts bytes at `at` of the command's memory. The table may go on in a second page. */
static void
put(struct fake_port *port, unsigned slot, u32 at, const u8 *bytes, u32 size)
{
    u32 words[4], flags, header[4];
    table_of(port, slot, &flags);
    memcpy(header, (u8 *)physical_to_virtual(port->list) + 32 * slot, sizeof header);
    u32 start = 0, done = 0;
    for (u32 i = 0; i < flags >> 16 && done < size; i++) {
        memcpy(words, physical_to_virtual(header[2] + 128 + 16 * i), sizeof words);
        u32 length = (words[3] & 0x3fffff) + 1;
        if (length & 1 || words[0] & 1 || words[1])
            protocol_error("a piece of memory that is odd");
        for (; done < size && at + done < start + length; done++)
            *(u8 *)physical_to_virtual(words[0] + at + done - start) = bytes[done];
        start += length;
    }
    if (done < size)
        protocol_error("more data than memory");
}

/* ---- Ends of commands ---- */

static void
count_overtaken(struct fake_port *port, unsigned ended)
{
    for (unsigned slot = 0; slot < 32; slot++)
        if ((port->queued | port->issued) & 1u << slot && slot != ended &&
            port->issue_of[slot] < port->issue_of[ended]) {
            port->overtaken[slot]++;
            port->most_overtaken = MAX(port->most_overtaken, port->overtaken[slot]);
        }
}

static void
finish(struct fake_port *port, unsigned slot, u32 taskfile)
{
    bool queued = port->queued & 1u << slot;
    count_overtaken(port, slot);
    port->issued &= ~(1u << slot);
    port->queued &= ~(1u << slot);
    port->taskfile = taskfile;
    raise(port, queued ? IS_QUEUED : IS_DONE);
}

/* The port stands still from now on; the command's bits stay. */
static void
fail(struct fake_port *port, unsigned slot, u8 error)
{
    if (port->queued & 1u << slot) {
        memset(port->log, 0, sizeof port->log);
        port->log[0] = (u8)slot;
        port->log[2] = 0x41;
        port->log[3] = error;
        u8 sum = 0;
        for (unsigned i = 0; i < 511; i++)
            sum += port->log[i];
        port->log[511] = (u8)-sum;
        port->log_due = true;
        port->issued &= ~(1u << slot);
        error = 0x04;
    }
    port->taskfile = 0x41 | (u32)error << 8;
    port->stopped_by_error = true;
    if (port->forgets_failed && !(port->queued & 1u << slot))
        port->issued &= ~(1u << slot);
    else
        port->stuck |= 1u << slot;
    raise(port, IS_ERROR);
}

/* ---- Commands ---- */

static void
put_word(u8 *to, u32 word, u32 value)
{
    to[word * 2] = (u8)value;
    to[word * 2 + 1] = (u8)(value >> 8);
}

static void
identify(struct fake_port *port, unsigned slot)
{
    u8 data[512] = {0};
    memcpy(data + 54, "EKAFA CH IIDKS                          ", 40);
    put_word(data, 0, port->kind == FAKE_CD ? 0x8580 : 0x0040);
    put_word(data, 49, 0x300);
    u64 sectors = MIN(port->sectors, 0xfffffffull);
    put_word(data, 60, (u32)sectors & 0xffff);
    put_word(data, 61, (u32)sectors >> 16);
    put_word(data, 75, port->depth ? port->depth - 1 : 0);
    put_word(data, 76, port->depth ? 0x0100 : 0);
    put_word(data, 83, 0x4400);
    for (u32 i = 0; i < 4; i++)
        put_word(data, 100 + i, (u32)(port->sectors >> 16 * i) & 0xffff);
    if (!port->says_nothing) {
        put(port, slot, 0, data, 512);
        set_transferred(port, slot, 512);
    }
    finish(port, slot, 0x50);
}

static bool
one_in(unsigned count)
{
    return count && (unsigned)rand() % count == 0;
}

static bool
hits_bad(struct fake_port *port, u64 sector, u32 count)
{
    if (one_in(port->fail_one_in))
        return true;
    if (port->bad_sector < sector || port->bad_sector >= sector + count || !port->bad_times)
        return false;
    port->bad_times--;
    return true;
}

static void
read_sectors(struct fake_port *port, unsigned slot, u64 sector, u32 count, u32 bytes)
{
    bool queued = port->queued & 1u << slot;
    u8 data[2048];
    if (port->hang_commands || one_in(port->hang_one_in)) {
        if (port->hang_commands)
            port->hang_commands--;
        port->stuck |= 1u << slot;
        return;
    }
    if (port->link_errors) {
        port->link_errors--;
        port->stopped_by_error = true;
        raise(port, IS_LINK);
        return;
    }
    if (sector + count > port->sectors) {
        fail(port, slot, 0x10);
        return;
    }
    if (hits_bad(port, sector, count)) {
        port->sense_key = 3;
        port->sense_code = 0x11;
        fail(port, slot, port->kind == FAKE_CD ? 0x30 : 0x40);
        return;
    }
    if (port->short_transfers && !queued) {
        port->short_transfers--;
        count--;
    }
    for (u32 i = 0; i < count; i++) {
        for (u32 j = 0; j < bytes; j++)
            data[j] = fake_byte(sector + i, j);
        put(port, slot, i * bytes, data, bytes);
    }
    if (!queued)
        set_transferred(port, slot, count * bytes);
    finish(port, slot, 0x50);
}

static u32
read_be32(const u8 *at)
{
    return (u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static void
answer(struct fake_port *port, unsigned slot, const u8 *data, u32 size)
{
    put(port, slot, 0, data, size);
    set_transferred(port, slot, size);
    finish(port, slot, 0x50);
}

static void
do_packet(struct fake_port *port, unsigned slot, const u8 *packet)
{
    u8 data[18] = {0};
    port->packets++;
    if (packet[0] == 0x03) {
        data[2] = port->sense_key;
        data[12] = port->sense_code;
        port->sense_key = port->sense_code = 0;
        answer(port, slot, data, 18);
    } else if (port->attentions) {
        port->attentions--;
        port->sense_key = 6;
        fail(port, slot, 0x60);
    } else if (port->no_disc) {
        port->sense_key = 2;
        port->sense_code = 0x3a;
        fail(port, slot, 0x20);
    } else if (packet[0] == 0x00) {
        finish(port, slot, 0x50);
    } else if (packet[0] == 0x25) {
        u32 last = (u32)port->sectors - 1;
        for (u32 i = 0; i < 4; i++)
            data[i] = (u8)(last >> (24 - 8 * i));
        data[6] = 8;
        answer(port, slot, data, 8);
    } else if (packet[0] == 0x28) {
        read_sectors(port, slot, read_be32(packet + 2), packet[7] << 8 | packet[8], 2048);
    } else {
        fail(port, slot, 0x50);
    }
}

static void
read_disk(struct fake_port *port, unsigned slot, const u8 *fis, bool extended)
{
    u64 sector = fis[4] | fis[5] << 8 | fis[6] << 16;
    u32 count = fis[12] | (extended ? fis[13] << 8 : 0);
    if (fis[2] == 0x60) {
        if (count != slot << 3)
            protocol_error("a tag that is not the slot's number");
        count = fis[3] | fis[11] << 8;
        port->queued_reads++;
    } else {
        port->dma_reads++;
    }
    if (!extended && (fis[8] | fis[9] | fis[10] | fis[11] | fis[13]))
        protocol_error("upper halves where the command has none");
    if (!(fis[7] & 0x40))
        protocol_error("no LBA in the device register");
    if (extended)
        sector |= (u64)fis[8] << 24 | (u64)fis[9] << 32 | (u64)fis[10] << 40;
    else
        sector |= (u64)(fis[7] & 15) << 24;
    count = count ? count : extended ? 65536 : 256;
    read_sectors(port, slot, sector, count, 512);
}

static void
run_command(struct fake_port *port, unsigned slot)
{
    u32 flags;
    const u8 *table = table_of(port, slot, &flags);
    bool queued = port->queued & 1u << slot;
    if ((flags & 31) != 5 || table[0] != 0x27 || table[1] != 0x80)
        protocol_error("no command for a device");
    if (queued != (table[2] == 0x60))
        protocol_error("queued and unqueued do not agree");
    if (!!(flags & 0x20) != (table[2] == 0xa0))
        protocol_error("a packet, or none, where it is said otherwise");
    set_transferred(port, slot, 0);
    if (port->log_due && table[2] != 0x2f) {
        fail(port, slot, 0x04); /* [SATA] 13.6.4: the log must be read, or the port reset */
        return;
    }
    switch (table[2]) {
    case 0xec:
    case 0xa1:
        if ((table[2] == 0xa1) == (port->kind == FAKE_CD))
            identify(port, slot);
        else
            fail(port, slot, 0x04);
        return;
    case 0x25:
    case 0x60: read_disk(port, slot, table, true); return;
    case 0xc8: read_disk(port, slot, table, false); return;
    case 0x2f:
        port->log_reads++;
        if (port->no_log) {
            fail(port, slot, 0x04);
            return;
        }
        if (table[4] != 0x10 || table[12] != 1)
            protocol_error("another log than that of queued errors");
        port->log_due = false;
        answer(port, slot, port->log, 512);
        return;
    case 0xa0: do_packet(port, slot, table + 64); return;
    default: fail(port, slot, 0x04);
    }
}

/* Reads without telling: the driver must still keep the memory for it. */
static void
run_ghost(struct fake_port *port, unsigned slot)
{
    u32 interrupts = port->interrupts, taskfile = port->taskfile, pending = pending_ports;
    unsigned reads = port->queued_reads;
    bool stopped = port->stopped_by_error;
    port->queued |= 1u << slot;
    run_command(port, slot);
    port->ghosts &= ~(1u << slot);
    port->queued &= ~(1u << slot);
    port->stuck &= ~(1u << slot);
    port->interrupts = interrupts;
    pending_ports = pending;
    port->taskfile = taskfile;
    port->queued_reads = reads;
    port->stopped_by_error = stopped;
}

/* ---- The pump ---- */

static bool
runs(const struct fake_port *port)
{
    if (port->dead || port->kind == FAKE_NOBODY)
        return false;
    return port->goes_on || (!port->stopped_by_error && (port->command & START));
}

/* One of the port's commands, any of the queued ones. */
static bool
port_step(struct fake_port *port)
{
    u32 ready = (port->queued | port->issued | port->ghosts) & ~port->stuck;
    if (!runs(port) || !ready)
        return false;
    if (port->queued && (port->issued & ~port->queued))
        protocol_error("a command that is not queued beside queued ones");
    unsigned open = 0;
    for (u32 bits = port->queued | port->issued; bits; bits &= bits - 1)
        open++;
    port->most_in_flight = MAX(port->most_in_flight, open);
    if (port->starves && ready & ~1u)
        ready &= ~1u;
    unsigned slot = (unsigned)rand() % 32;
    while (!(ready & 1u << slot))
        slot = (slot + 1) % 32;
    if (port->ghosts & 1u << slot)
        run_ghost(port, slot);
    else
        run_command(port, slot);
    return true;
}

bool
fake_pump(void)
{
    bool worked = false;
    for (unsigned i = 0; i < FAKE_PORTS; i++)
        for (unsigned j = 0; j < fake_batch && port_step(&fake[i]); j++)
            worked = true;
    if (worked)
        host_time_advance(fake_step_ns);
    if (pending_ports && (control & 2)) {
        fake_interrupts++;
        if (!host_interrupt(LINE))
            protocol_error("an interrupt that nobody took");
        for (unsigned i = 0; i < FAKE_PORTS; i++)
            if (interrupts_of(&fake[i]) & ~fake[i].interrupts & fake[i].enabled) {
                protocol_error("an interrupt that comes again and again");
                fake[i].enabled &= fake[i].interrupts;
            }
        return true;
    }
    return worked;
}

/* ---- Registers ---- */

void
fake_unplug(struct fake_port *port)
{
    port->dead = true;
    port->link = 0;
    port->taskfile = 0x7f;
    port->link_error |= LINK_CHANGED;
    raise(port, 0);
}

static void
reset_port(struct fake_port *port)
{
    port->resets++;
    if (port->command & START)
        protocol_error("a reset while commands are worked on");
    port->queued = port->issued = port->stuck = port->ghosts = 0;
    port->stopped_by_error = port->log_due = false;
    port->link = 0;
    port->taskfile = 0x7f;
    port->signature = ~0u;
    port->link_error |= LINK_CHANGED;
    raise(port, 0);
}

static void
link_up(struct fake_port *port)
{
    static const u32 signatures[] = {~0u, 0x101, 0xeb140101, 0x96690101};
    if (port->kind == FAKE_NOBODY || port->dead)
        return;
    port->link = 0x123;
    port->link_error |= LINK_CONNECTED | LINK_CHANGED;
    raise(port, 0);
    if (port->command & RECEIVE) {
        port->taskfile = port->kind == FAKE_CD ? 0x00 : 0x50;
        port->signature = signatures[port->kind];
    }
}

static void
write_port_command(struct fake_port *port, u32 value)
{
    bool stops = (port->command & START) && !(value & START);
    value &= ~(RUNNING | RECEIVE_RUNNING);
    if (value & START && !(value & RECEIVE))
        protocol_error("commands without a place for received frames");
    if (value & START && !(port->command & START) && (port->taskfile & 0x88))
        protocol_error("started while the device is busy");
    value |= (value & START ? RUNNING : 0) | (value & RECEIVE ? RECEIVE_RUNNING : 0);
    if (fake_stuck_engine && (port->command & RUNNING))
        value |= RUNNING;
    port->command = value;
    if (stops && port->goes_on && !port->tags_stay)
        port->ghosts |= (port->queued | port->issued) & ~port->stuck;
    if (stops && !(port->goes_on && port->tags_stay))
        port->queued = 0;
    if (stops) {
        port->issued &= port->queued;
        port->stuck &= port->queued;
    }
    if (stops)
        port->stopped_by_error = false;
}

static void
issue(struct fake_port *port, u32 slots)
{
    if (!(port->command & START))
        protocol_error("a command on a port that stands still");
    if (port->issued & slots || port->stuck & slots)
        protocol_error("a slot that is in use");
    if (slots >> (fake_slots - 1) >> 1)
        protocol_error("a slot that the controller has not");
    port->issued |= slots;
    for (unsigned slot = 0; slot < 32; slot++)
        if (slots & 1u << slot) {
            port->issue_of[slot] = port->issues++;
            port->overtaken[slot] = 0;
        }
    port->ghosts &= ~slots; /* it uses the memory that it has been told first: nothing to see */
}

static void
write_port(struct fake_port *port, unsigned reg, u32 value)
{
    switch (reg) {
    case 0x00:
    case 0x08:
        if (port->command & (START | RUNNING | RECEIVE | RECEIVE_RUNNING))
            protocol_error("lists that are moved while they are in use");
        *(reg ? &port->received : &port->list) = value;
        return;
    case 0x10: port->interrupts &= ~value; return;
    case 0x14: port->enabled = value; return;
    case 0x18: write_port_command(port, value); return;
    case 0x2c:
        if ((value & 15) == 1 && (port->link_control & 15) != 1)
            reset_port(port);
        if ((value & 15) == 0 && (port->link_control & 15) == 1)
            link_up(port);
        port->link_control = value;
        return;
    case 0x30: port->link_error &= ~value; return;
    case 0x34:
        if (port->queued & value)
            protocol_error("a tag that is in use");
        if (fake_no_queue || !port->depth || value >> (port->depth - 1) >> 1)
            protocol_error("a tag that the device has not");
        port->queued |= value;
        return;
    case 0x38: issue(port, value); return;
    }
}

static u32
read_port(const struct fake_port *port, unsigned reg)
{
    switch (reg) {
    case 0x10: return interrupts_of(port);
    case 0x14: return port->enabled;
    case 0x18: return port->command;
    case 0x20: return port->taskfile;
    case 0x24: return port->signature;
    case 0x28: return port->link;
    case 0x2c: return port->link_control;
    case 0x30: return port->link_error;
    case 0x34: return port->queued;
    case 0x38: return port->issued & ~port->queued;
    default: return 0;
    }
}

volatile void *
device_map(u32 physical, size_t size)
{
    if (physical != BASE || size > sizeof registers)
        protocol_error("registers where there are none");
    return registers;
}

void
device_write32(volatile void *base, unsigned offset, u32 value)
{
    offset += (unsigned)((volatile u8 *)base - registers);
    if (offset >= 0x100 + 0x80 * FAKE_PORTS)
        protocol_error("a port that is not there");
    else if (offset >= 0x100)
        write_port(&fake[(offset - 0x100) / 0x80], offset % 0x80, value);
    else if (offset == 0x04)
        control = value;
    else if (offset == 0x08)
        pending_ports &= ~value;
    else if (offset == 0x28)
        handoff = value & 2 ? 2 : handoff;
}

u32
device_read32(const volatile void *base, unsigned offset)
{
    offset += (unsigned)((const volatile u8 *)base - registers);
    if (offset >= 0x100 + 0x80 * FAKE_PORTS)
        protocol_error("a port that is not there");
    else if (offset >= 0x100)
        return read_port(&fake[(offset - 0x100) / 0x80], offset % 0x80);
    switch (offset) {
    case 0x00: return (fake_no_queue ? 0 : 1u << 30) | (fake_slots - 1) << 8 | (FAKE_PORTS - 1);
    case 0x04: return control;
    case 0x08: return pending_ports;
    case 0x0c: return (1u << FAKE_PORTS) - 1;
    case 0x24: return fake_bios_owned;
    case 0x28: return handoff;
    default: return 0;
    }
}

/* ---- PCI configuration ---- */

void
port_out32(u16 port, u32 value)
{
    if (port == 0xcf8)
        pci_address = value;
}

u32
port_in32(u16 port)
{
    u32 place = pci_address >> 8 & 0xffff, reg = pci_address & 0xfc;
    if (port != 0xcfc || place != 4 << 3)
        return 0xffffffff;
    switch (reg) {
    case 0: return 0x29228086;
    case 8: return 0x01060102;
    case 0x24: return BASE;
    case 0x3c: return 0x100 | LINE;
    default: return 0;
    }
}
