/* The 16550 serial interface, [16550] PC16550D data sheet: 115200 baud, 8 data bits, no parity, one
 * stop bit, FIFOs of 16 bytes. COM1 and COM3 share interrupt line 4, COM2 and COM4 line 3.
 *
 * Output goes out while the transmitter takes it, the rest by its interrupts. A full input buffer
 * turns the receive interrupt off; then the FIFO fills, and an emulator holds the sender back.
 *
 * Left out: modem control and flow control by wire, other speeds, telling a break from a zero. */
#include "drivers/serial.h"

#include "io.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"

/* Registers, from the base on, [16550] table II */
#define REG_DATA 0
#define REG_INTERRUPT_ENABLE 1
#define REG_IDENTIFICATION 2 /* read */
#define REG_FIFO_CONTROL 2   /* written */
#define REG_LINE_CONTROL 3
#define REG_MODEM_CONTROL 4
#define REG_LINE_STATUS 5
#define REG_MODEM_STATUS 6
#define REG_SCRATCH 7
#define REG_DIVISOR_LOW 0 /* while LINE_DIVISOR is set */
#define REG_DIVISOR_HIGH 1

#define ENABLE_RECEIVE 0x01
#define ENABLE_TRANSMIT 0x02
#define LINE_8N1 0x03
#define LINE_DIVISOR 0x80
#define MODEM_ON 0x0b /* DTR, RTS, and OUT2, which lets interrupts through on a PC */
#define FIFO_ON 0xc7  /* enable, clear both, interrupt at 14 bytes */
#define STATUS_DATA 0x01
#define STATUS_OVERRUN 0x02
#define STATUS_ROOM 0x20  /* the transmit FIFO is empty */
#define STATUS_EMPTY 0x40 /* the transmitter too */
#define ID_NONE 0x01
#define ID_MASK 0x0e
#define ID_RECEIVED 0x04 /* 14 bytes at least */
#define ID_TIMEOUT 0x0c  /* fewer, but some time ago */
#define ID_TRANSMIT 0x02
#define ID_LINE 0x06

#define DIVISOR 1 /* 115200 baud */
#define FIFO_BYTES 16
#define RECEIVE_LEVEL 14
/* How often the line status is read while 16 bytes leave (1.4 ms): a read takes some 1 us on hardware,
 * 0.1 us of its own time in Bochs. The first lines of the log are written before there is a clock. */
#define STATUS_READS 400000
#define ROUNDS 32          /* in one interrupt */
#define TRANSMIT_BURST 64  /* at once: an emulator may take microseconds for each byte */

static struct serial_port ports[4] = {
    {.base = 0x3f8, .irq = 4}, {.base = 0x2f8, .irq = 3}, {.base = 0x3e8, .irq = 4},
    {.base = 0x2e8, .irq = 3},
};
static struct serial_port *console;

static u8
read_reg(const struct serial_port *port, unsigned reg)
{
    return port_in8((u16)(port->base + reg));
}

static void
write_reg(const struct serial_port *port, unsigned reg, u8 value)
{
    port_out8((u16)(port->base + reg), value);
}

/* Is there a 16550? The scratch register keeps what is written to it. */
static bool
probe(const struct serial_port *port)
{
    for (unsigned value = 0x5a; value <= 0xa5; value += 0x4b) {
        write_reg(port, REG_SCRATCH, (u8)value);
        if (read_reg(port, REG_SCRATCH) != value)
            return false;
    }
    return true;
}

static bool
set_up(struct serial_port *port)
{
    if (!probe(port))
        return false;
    write_reg(port, REG_INTERRUPT_ENABLE, 0);
    write_reg(port, REG_LINE_CONTROL, LINE_DIVISOR);
    write_reg(port, REG_DIVISOR_LOW, DIVISOR);
    write_reg(port, REG_DIVISOR_HIGH, 0);
    write_reg(port, REG_LINE_CONTROL, LINE_8N1);
    write_reg(port, REG_FIFO_CONTROL, FIFO_ON);
    write_reg(port, REG_MODEM_CONTROL, MODEM_ON);
    return true;
}

/* ---- Rings. Interrupts off. ---- */

static u32
ring_count(const struct serial_ring *ring)
{
    return ring->put - ring->taken;
}

static u32
ring_room(const struct serial_ring *ring)
{
    return ring->size - ring_count(ring);
}

static size_t
ring_put(struct serial_ring *ring, const u8 *bytes, size_t size)
{
    u32 count = (u32)MIN(size, ring_room(ring));
    u32 at = ring->put & (ring->size - 1);
    u32 first = MIN(count, ring->size - at);
    memcpy(ring->bytes + at, bytes, first);
    memcpy(ring->bytes, bytes + first, count - first);
    ring->put += count;
    return count;
}

static size_t
ring_get(struct serial_ring *ring, u8 *bytes, size_t size)
{
    u32 count = (u32)MIN(size, ring_count(ring));
    u32 at = ring->taken & (ring->size - 1);
    u32 first = MIN(count, ring->size - at);
    memcpy(bytes, ring->bytes + at, first);
    memcpy(bytes + first, ring->bytes, count - first);
    ring->taken += count;
    return count;
}

/* ---- The line. Interrupts off. ---- */

static void
enable(struct serial_port *port, u8 bits, bool on)
{
    u8 enabled = on ? port->enabled | bits : port->enabled & ~bits;
    if (enabled == port->enabled)
        return;
    port->enabled = enabled;
    write_reg(port, REG_INTERRUPT_ENABLE, enabled);
}

/* Gives the transmitter what it takes now, up to a bound; its interrupt asks for the rest. */
static void
transmit(struct serial_port *port)
{
    struct serial_ring *ring = &port->output;
    u32 before = ring->taken;
    while (ring_count(ring) && ring->taken - before < TRANSMIT_BURST &&
           (read_reg(port, REG_LINE_STATUS) & STATUS_ROOM)) {
        port->stuck = false;
        for (u32 i = MIN(ring_count(ring), FIFO_BYTES); i; i--)
            write_reg(port, REG_DATA, ring->bytes[ring->taken++ & (ring->size - 1)]);
    }
    enable(port, ENABLE_TRANSMIT, ring_count(ring) != 0);
    if (ring->taken != before && ring_room(ring) >= ring->size / 2 && port->drained)
        port->drained(port);
}

/* Takes bytes, the first `sure` of them without asking whether they are there. */
static void
receive(struct serial_port *port, unsigned sure)
{
    struct serial_ring *ring = &port->input;
    while (ring_room(ring)) {
        if (sure) {
            sure--;
        } else {
            u8 status = read_reg(port, REG_LINE_STATUS);
            if (status & STATUS_OVERRUN)
                port->overruns++;
            if (!(status & STATUS_DATA))
                return;
        }
        ring->bytes[ring->put++ & (ring->size - 1)] = read_reg(port, REG_DATA);
    }
    enable(port, ENABLE_RECEIVE, false); /* serial_get turns it on again */
}

/* What the hardware wants by this identification. */
static void
serve(struct serial_port *port, u8 id)
{
    if (id == ID_RECEIVED)
        receive(port, RECEIVE_LEVEL);
    else if (id == ID_TIMEOUT)
        receive(port, 0);
    else if (id == ID_TRANSMIT)
        transmit(port);
    else if (id == ID_LINE)
        port->overruns += (read_reg(port, REG_LINE_STATUS) & STATUS_OVERRUN) != 0;
    else
        read_reg(port, REG_MODEM_STATUS);
}

static bool
interrupt(void *argument)
{
    struct serial_port *port = argument;
    u32 received = port->input.put;
    unsigned rounds = 0;
    u8 id;
    while (!((id = read_reg(port, REG_IDENTIFICATION)) & ID_NONE) && rounds++ < ROUNDS)
        serve(port, id & ID_MASK);
    if (!(id & ID_NONE)) { /* more to do: lower the line and raise it again, for it works by edges */
        write_reg(port, REG_INTERRUPT_ENABLE, 0);
        write_reg(port, REG_INTERRUPT_ENABLE, port->enabled);
    }
    if (port->input.put != received && port->received)
        port->received(port);
    return rounds != 0;
}

/* ---- Buffered use ---- */

int
serial_open(unsigned number, u32 input_size, u32 output_size, struct serial_port **opened)
{
    struct serial_port *port = &ports[number - 1];
    if (port->open || (port != console && !set_up(port)))
        return -ENODEV;
    port->input = (struct serial_ring){.bytes = heap_alloc(input_size), .size = input_size};
    port->output = (struct serial_ring){.bytes = heap_alloc(output_size), .size = output_size};
    if (!port->input.bytes || !port->output.bytes) {
        heap_free(port->input.bytes);
        heap_free(port->output.bytes);
        port->input = port->output = (struct serial_ring){0};
        return -ENOMEM;
    }
    port->open = true;
    port->handler = (struct interrupt_handler){.handle = interrupt, .argument = port};
    interrupt_register(port->irq, &port->handler);
    INTERRUPTS_OFF_SCOPE();
    enable(port, ENABLE_RECEIVE, true);
    *opened = port;
    return 0;
}

size_t
serial_get(struct serial_port *port, void *bytes, size_t size)
{
    INTERRUPTS_OFF_SCOPE();
    size_t count = ring_get(&port->input, bytes, size);
    if (ring_room(&port->input) >= port->input.size / 2)
        enable(port, ENABLE_RECEIVE, true);
    return count;
}

size_t
serial_put(struct serial_port *port, const void *bytes, size_t size)
{
    INTERRUPTS_OFF_SCOPE();
    size_t count = ring_put(&port->output, bytes, size);
    transmit(port);
    return count;
}

size_t
serial_input_count(const struct serial_port *port)
{
    return ring_count(&port->input);
}

size_t
serial_output_room(const struct serial_port *port)
{
    return ring_room(&port->output);
}

bool
serial_output_empty(const struct serial_port *port)
{
    return !ring_count(&port->output) && (read_reg(port, REG_LINE_STATUS) & STATUS_EMPTY);
}

/* ---- Writing at once ---- */

/* Waits until the line status shows the bit; after a wait in vain it is asked only once each time. */
static bool
wait_for_status(struct serial_port *port, u8 bit)
{
    for (unsigned reads = 0; reads < STATUS_READS; reads++) {
        if (read_reg(port, REG_LINE_STATUS) & bit) {
            port->stuck = false;
            return true;
        }
        if (port->stuck)
            return false;
    }
    port->stuck = true;
    return false;
}

void
serial_drain_now(struct serial_port *port)
{
    while (ring_count(&port->output) && wait_for_status(port, STATUS_ROOM))
        transmit(port);
}

/* Writes without a buffer, behind what is in it. What the hardware does not take is lost. */
static void
write_now(struct serial_port *port, const char *bytes, size_t size)
{
    serial_drain_now(port);
    while (size && wait_for_status(port, STATUS_ROOM))
        for (unsigned i = 0; i < FIFO_BYTES && size; i++, size--)
            write_reg(port, REG_DATA, (u8)*bytes++);
}

/* Log text: a carriage return before each newline, for terminals. Has left the machine at the end:
 * the next thing that happens may be that it is switched off. */
static void
console_write_text(const char *text, size_t length)
{
    while (length) {
        const char *newline = memchr(text, '\n', length);
        size_t line = newline ? (size_t)(newline - text) : length;
        write_now(console, text, line);
        if (!newline)
            break;
        write_now(console, "\r\n", 2);
        text += line + 1;
        length -= line + 1;
    }
    wait_for_status(console, STATUS_EMPTY);
}

bool
serial_console_start(unsigned number)
{
    static struct log_console log_console = {.write = console_write_text};
    struct serial_port *port = &ports[number - 1];
    if (console || !set_up(port))
        return false;
    console = port;
    log_add_console(&log_console);
    return true;
}
