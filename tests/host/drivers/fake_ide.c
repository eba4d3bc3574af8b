/* See fake_ide.h. Behaves as [ATA-6] says a device does, and counts what a driver must not do:
 * commands while busy, interrupts switched off, memory tables that break the rules. */
#include "tests/host/drivers/fake_ide.h"

#define BSY 0x80
#define DRDY 0x40
#define DRQ 0x08
#define ERR 0x01
#define BM_PORT 0xc000

struct fake_channel fake[2];
unsigned fake_interrupts, fake_protocol_errors;
bool fake_no_pci, fake_no_bus_master, fake_floating;
static u32 pci_address;

u8
fake_byte(u64 sector, u32 at)
{
    return (u8)(sector * 31 + (sector >> 8) * 7 + (sector >> 24) * 3 + at * 13 + at / 512);
}

static void
protocol_error(const char *what)
{
    fprintf(stderr, "fake IDE: %s\n", what);
    fake_protocol_errors++;
}

static struct fake_device *
selected(struct fake_channel *channel)
{
    return &channel->device[channel->select >> 4 & 1];
}

static u8
status_of(struct fake_channel *channel)
{
    struct fake_device *device = selected(channel);
    if (fake_floating)
        return 0xff;
    if (device->kind == FAKE_NOBODY)
        return 0x00;
    if (device->dead)
        return BSY;
    return channel->busy ? BSY : device->status;
}

static void
raise(struct fake_channel *channel)
{
    struct fake_device *device = selected(channel);
    if (channel->control & 2) {
        protocol_error("interrupts are off (nIEN)");
        return;
    }
    channel->bm_status |= 4;
    if (device->lose_interrupts) {
        device->lose_interrupts--;
        return;
    }
    channel->pending = true;
}

static void
fail(struct fake_channel *channel, u8 error)
{
    struct fake_device *device = selected(channel);
    channel->busy = channel->want_packet = false;
    channel->left = channel->buffer_size = channel->buffer_at = 0;
    device->status = DRDY | ERR;
    device->error = error;
    raise(channel);
}

static void
succeed(struct fake_channel *channel)
{
    channel->busy = false;
    channel->buffer_size = channel->buffer_at = 0;
    channel->count[0] = 3; /* packets: command and to host */
    selected(channel)->status = DRDY;
    raise(channel);
}

/* ---- Reading ---- */

static u32
sector_bytes(const struct fake_device *device)
{
    return device->kind == FAKE_CD ? 2048 : 512;
}

static bool
hits_bad(struct fake_device *device, u64 sector, u32 count)
{
    if (device->bad_sector < sector || device->bad_sector >= sector + count || !device->bad_times)
        return false;
    device->bad_times--;
    return true;
}

static void
fill(struct fake_channel *channel, u32 count)
{
    u32 bytes = sector_bytes(selected(channel));
    for (u32 i = 0; i < count * bytes; i++)
        channel->buffer[i] = fake_byte(channel->sector + i / bytes, i % bytes);
    channel->buffer_size = count * bytes;
    channel->buffer_at = 0;
    channel->sector += count;
    channel->left -= count;
}

/* Puts bytes into memory by the table; false: the table's end came first. */
struct prd_walk {
    u32 entry, at;
    bool ended;
};

static bool
dma_put(struct fake_channel *channel, struct prd_walk *walk, const u8 *bytes, u32 size)
{
    while (size) {
        if (walk->ended)
            return false;
        u8 *prd = (u8 *)physical_to_virtual(channel->bm_table) + walk->entry * 8;
        u32 physical, length = prd[4] | prd[5] << 8;
        memcpy(&physical, prd, 4);
        length = length ? length : 65536;
        if (physical & 1 || length & 1 || physical / 65536 != (physical + length - 1) / 65536)
            protocol_error("a piece of memory crosses 64 KiB or is odd");
        /* frames that follow each other need not be together in the host's memory */
        *(u8 *)physical_to_virtual(physical + walk->at) = *bytes++;
        size--;
        if (++walk->at == length) {
            walk->ended = prd[7] & 0x80;
            walk->entry++;
            walk->at = 0;
        }
    }
    return true;
}

static void
dma_run(struct fake_channel *channel)
{
    struct fake_device *device = selected(channel);
    struct prd_walk walk = {0};
    bool is_short = false;
    if (!(channel->bm_command & 8))
        protocol_error("bus master set to the wrong direction");
    if (device->short_transfers) {
        device->short_transfers--;
        is_short = true;
    }
    while (channel->left > is_short) {
        if (hits_bad(device, channel->sector, 1)) {
            channel->bm_status &= ~1;
            fail(channel, device->kind == FAKE_CD ? 0x30 : 0x40);
            device->sense_key = 3;
            device->sense_code = 0x11;
            return;
        }
        fill(channel, 1);
        if (!dma_put(channel, &walk, channel->buffer, channel->buffer_size))
            protocol_error("more data than memory");
    }
    channel->left = 0;
    if (walk.ended)
        channel->bm_status &= ~1;
    channel->bm_command &= ~1;
    succeed(channel);
}

/* The next block of a PIO read is ready to be taken. */
static void
pio_block(struct fake_channel *channel)
{
    struct fake_device *device = selected(channel);
    u32 block = 1;
    if (device->kind == FAKE_CD)
        block = 4;
    else if (device->last_command == 0xc4 || device->last_command == 0x29)
        block = device->multiple;
    block = MIN(block, channel->left);
    if (device->short_transfers) {
        device->short_transfers--;
        channel->left = 0;
        succeed(channel);
        return;
    }
    if (hits_bad(device, channel->sector, block)) {
        device->sense_key = 3;
        device->sense_code = 0x11;
        fail(channel, device->kind == FAKE_CD ? 0x30 : 0x40);
        return;
    }
    fill(channel, block);
    channel->busy = false;
    device->status = DRDY | DRQ;
    if (device->kind == FAKE_CD) {
        channel->count[0] = 2;
        channel->mid[0] = (u8)channel->buffer_size;
        channel->high[0] = (u8)(channel->buffer_size >> 8);
    }
    raise(channel);
}

/* ---- Commands ---- */

static void
put_words(u8 *to, u32 word, u32 value)
{
    to[word * 2] = (u8)value;
    to[word * 2 + 1] = (u8)(value >> 8);
}

static void
identify(struct fake_channel *channel)
{
    struct fake_device *device = selected(channel);
    static const char model[41] = "EKAFI EDD SI K                          ";
    u8 *data = channel->buffer;
    memset(data, 0, 512);
    memcpy(data + 54, model, 40);
    put_words(data, 0, device->kind == FAKE_CD ? 0x8580 | (device->wants_packet_interrupt ? 0x20 : 0x40)
                                               : 0x0040);
    put_words(data, 47, device->no_multiple ? 0x8000 : 0x8010);
    put_words(data, 49, 0x200 | (device->no_dma ? 0 : 0x100));
    u64 sectors = MIN(device->sectors, 0xfffffffull);
    put_words(data, 60, (u32)sectors & 0xffff);
    put_words(data, 61, (u32)sectors >> 16);
    put_words(data, 83, device->no_lba48 ? 0x4000 : 0x4400);
    for (u32 i = 0; i < 4; i++)
        put_words(data, 100 + i, (u32)(device->sectors >> 16 * i) & 0xffff);
    channel->buffer_size = 512;
    channel->buffer_at = 0;
    device->status = DRDY | DRQ;
    raise(channel);
}

static void
start_read(struct fake_channel *channel, bool extended, bool dma)
{
    struct fake_device *device = selected(channel);
    device->reads++;
    channel->sector = channel->low[0] | channel->mid[0] << 8 | channel->high[0] << 16;
    channel->left = channel->count[0];
    if (extended) {
        channel->sector |= (u64)channel->low[1] << 24 | (u64)channel->mid[1] << 32 |
                           (u64)channel->high[1] << 40;
        channel->left |= channel->count[1] << 8;
        channel->left = channel->left ? channel->left : 65536;
    } else {
        channel->sector |= (u64)(channel->select & 15) << 24;
        channel->left = channel->left ? channel->left : 256;
    }
    if (!(channel->select & 0x40))
        protocol_error("no LBA in the device register");
    channel->busy = true;
    channel->dma = dma;
    if (channel->sector + channel->left > device->sectors)
        fail(channel, 0x10);
}

static void
write_command(struct fake_channel *channel, u8 command)
{
    struct fake_device *device = selected(channel);
    if (device->kind == FAKE_NOBODY)
        return;
    if (status_of(channel) & (BSY | DRQ)) {
        protocol_error("a command while busy");
        return;
    }
    device->commands++;
    device->last_command = command;
    device->error = 0;
    channel->pending = false;
    if (device->kind == FAKE_CD && command != 0xa0 && command != 0xa1) {
        channel->mid[0] = 0x14;
        channel->high[0] = 0xeb;
        fail(channel, 0x04);
        return;
    }
    switch (command) {
    case 0xec:
    case 0xa1:
        if ((command == 0xa1) != (device->kind == FAKE_CD))
            fail(channel, 0x04);
        else
            identify(channel);
        return;
    case 0xc6:
        if (device->no_multiple || channel->count[0] > 16) {
            fail(channel, 0x04);
        } else {
            device->multiple = channel->count[0];
            succeed(channel);
        }
        return;
    case 0xc8: start_read(channel, false, true); return;
    case 0x25: start_read(channel, true, true); return;
    case 0x20: start_read(channel, false, false); return;
    case 0x24: start_read(channel, true, false); return;
    case 0xc4: start_read(channel, false, false); return;
    case 0x29: start_read(channel, true, false); return;
    case 0xa0:
        device->packets++;
        channel->want_packet = true;
        channel->packet_at = 0;
        channel->dma = channel->features[0] & 1;
        channel->count[0] = 1;
        device->status = DRDY | DRQ;
        if (device->wants_packet_interrupt)
            raise(channel);
        return;
    default: fail(channel, 0x04);
    }
}

static void
answer_packet(struct fake_channel *channel, u32 size)
{
    channel->buffer_size = size;
    channel->buffer_at = 0;
    channel->busy = false;
    channel->count[0] = 2;
    channel->mid[0] = (u8)size;
    channel->high[0] = (u8)(size >> 8);
    selected(channel)->status = DRDY | DRQ;
    raise(channel);
}

static u32
read_be32(const u8 *at)
{
    return (u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static void
do_packet(struct fake_channel *channel)
{
    struct fake_device *device = selected(channel);
    u8 *packet = channel->packet, *data = channel->buffer;
    channel->want_packet = false;
    device->status = DRDY;
    if (packet[0] == 0x03) {
        memset(data, 0, 18);
        data[2] = device->sense_key;
        data[12] = device->sense_code;
        device->sense_key = device->sense_code = 0;
        answer_packet(channel, 18);
        return;
    }
    if (device->attentions) {
        device->attentions--;
        device->sense_key = 6;
        device->sense_code = 0x29;
        fail(channel, 0x60);
    } else if (device->no_disc) {
        device->sense_key = 2;
        device->sense_code = 0x3a;
        fail(channel, 0x20);
    } else if (packet[0] == 0x00) {
        succeed(channel);
    } else if (packet[0] == 0x25) {
        u32 last = (u32)device->sectors - 1;
        for (u32 i = 0; i < 4; i++)
            data[i] = (u8)(last >> (24 - 8 * i));
        memcpy(data + 4, "\0\0\10\0", 4);
        answer_packet(channel, 8);
    } else if (packet[0] == 0x28) {
        device->reads++;
        channel->sector = read_be32(packet + 2);
        channel->left = packet[7] << 8 | packet[8];
        channel->busy = true;
    } else {
        device->sense_key = 5;
        fail(channel, 0x50);
    }
}

/* ---- The pump ---- */

static bool
channel_step(struct fake_channel *channel, unsigned line)
{
    struct fake_device *device = selected(channel);
    if (channel->pending) {
        channel->pending = false;
        fake_interrupts++;
        host_time_advance(1000);
        host_interrupt(line);
        return true;
    }
    if (!channel->busy || device->dead)
        return false;
    if (channel->dma && !(channel->bm_command & 1))
        return false;
    if (device->hang_commands)
        return false;
    host_time_advance(50000);
    if (channel->dma)
        dma_run(channel);
    else
        pio_block(channel);
    return true;
}

bool
fake_pump(void)
{
    return channel_step(&fake[0], 14) || channel_step(&fake[1], 15);
}

/* ---- Ports ---- */

static struct fake_channel *
channel_of(u16 port, unsigned *reg)
{
    *reg = port & 7;
    if ((port & ~7) == 0x1f0)
        return &fake[0];
    if ((port & ~7) == 0x170)
        return &fake[1];
    *reg = 8;
    if (port == 0x3f6)
        return &fake[0];
    if (port == 0x376)
        return &fake[1];
    *reg = 16 + (port & 7);
    if ((port & ~15) == BM_PORT && !fake_no_bus_master)
        return &fake[port >> 3 & 1];
    return NULL;
}

static void
signatures(struct fake_channel *channel)
{
    for (unsigned i = 0; i < 2; i++) {
        struct fake_device *device = &channel->device[i];
        device->resets++;
        device->error = 1;
        device->multiple = 0;
        device->status = device->kind == FAKE_DISK ? DRDY : 0x00;
        if (!device->dead && device->hang_commands && channel->busy)
            device->hang_commands--;
    }
    channel->busy = channel->want_packet = channel->pending = false;
    channel->buffer_size = channel->buffer_at = channel->left = 0;
    channel->select = 0;
    channel->bm_command = 0;
}

void
port_out8(u16 port, u8 value)
{
    unsigned reg;
    struct fake_channel *channel = channel_of(port, &reg);
    if (!channel)
        return;
    u8(*registers[])[2] = {NULL, &channel->features, &channel->count, &channel->low, &channel->mid,
                           &channel->high};
    if (reg >= 1 && reg <= 5) {
        (*registers[reg])[1] = (*registers[reg])[0];
        (*registers[reg])[0] = value;
    } else if (reg == 6) {
        if (channel->busy && (channel->select ^ value) & 0x10)
            protocol_error("another device selected while busy");
        channel->select = value;
    } else if (reg == 7) {
        write_command(channel, value);
    } else if (reg == 8) {
        if (channel->control & 4 && !(value & 4))
            signatures(channel);
        channel->control = value;
    } else if (reg == 16) {
        if (!(channel->bm_command & 1) && (value & 1))
            channel->bm_status |= 1;
        channel->bm_command = value;
        if (!(value & 1) && !channel->busy)
            channel->bm_status &= ~1;
    } else if (reg == 18) {
        channel->bm_status = (channel->bm_status & 1) | (value & 0x60) |
                             (channel->bm_status & ~value & 6);
    }
}

u8
port_in8(u16 port)
{
    unsigned reg;
    struct fake_channel *channel = channel_of(port, &reg);
    if (!channel || fake_floating)
        return 0xff;
    struct fake_device *device = selected(channel);
    bool reset = (device->status == DRDY || device->status == 0) && device->error == 1;
    switch (reg) {
    case 1: return device->error;
    case 2: return channel->count[0];
    case 3: return channel->low[0];
    case 4: return reset ? (device->kind == FAKE_CD ? 0x14 : 0) : channel->mid[0];
    case 5: return reset ? (device->kind == FAKE_CD ? 0xeb : 0) : channel->high[0];
    case 6: return channel->select;
    case 7: channel->pending = false; /* fall through */
    case 8: return status_of(channel);
    case 16: return channel->bm_command;
    case 18: return channel->bm_status;
    default: return 0xff;
    }
}

void
port_out32(u16 port, u32 value)
{
    unsigned reg;
    struct fake_channel *channel = channel_of(port, &reg);
    if (port == 0xcf8)
        pci_address = value;
    else if (channel && reg == 20)
        channel->bm_table = value;
}

u32
port_in32(u16 port)
{
    u32 place = pci_address >> 8 & 0xffff, reg = pci_address & 0xfc;
    if (port != 0xcfc || fake_no_pci)
        return 0xffffffff;
    if (place == 1 << 3) /* 00:01.0, a bridge to ISA with more functions */
        return reg == 0 ? 0x70008086 : reg == 8 ? 0x06010000 : reg == 12 ? 0x00800000 : 0;
    if (place == (1 << 3 | 1)) /* 00:01.1 */
        return reg == 0    ? 0x70108086
               : reg == 8  ? 0x01010000 | (fake_no_bus_master ? 0 : 0x8000)
               : reg == 32 ? BM_PORT | 1
                           : 0;
    return 0xffffffff;
}

u16
port_in16(u16 port)
{
    unsigned reg;
    struct fake_channel *channel = channel_of(port, &reg);
    if (!channel || reg)
        return 0xffff;
    struct fake_device *device = selected(channel);
    if (!(status_of(channel) & DRQ) || channel->buffer_at >= channel->buffer_size) {
        protocol_error("data taken that are not there");
        return 0xffff;
    }
    u16 word;
    memcpy(&word, channel->buffer + channel->buffer_at, 2);
    channel->buffer_at += 2;
    if (channel->buffer_at < channel->buffer_size)
        return word;
    device->status = DRDY;
    if (channel->left)
        channel->busy = true;
    else if (device->last_command == 0xa0)
        succeed(channel);
    return word;
}

void
port_out16(u16 port, u16 value)
{
    unsigned reg;
    struct fake_channel *channel = channel_of(port, &reg);
    if (!channel || reg || !channel->want_packet) {
        protocol_error("data written that nobody wants");
        return;
    }
    memcpy(channel->packet + channel->packet_at, &value, 2);
    channel->packet_at += 2;
    if (channel->packet_at == 12)
        do_packet(channel);
}
