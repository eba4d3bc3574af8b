/* Serial lines COM1 to COM4: as a console of the log (written at once, interrupts not needed), and as
 * a port with buffers filled and emptied by interrupts, on which a device file can be built. */
#ifndef DRIVERS_SERIAL_H
#define DRIVERS_SERIAL_H

#include "arch.h"
#include "kernel/types.h"

/* Bytes in the order they came. Interrupts off. */
struct serial_ring {
    u8 *bytes;
    u32 size;       /* a power of two */
    u32 put, taken; /* counted without end */
};

struct serial_port {
    /* Immutable once opened: */
    u16 base;
    u8 irq;
    bool open;
    struct interrupt_handler handler;
    /* Called with interrupts off, usually in an interrupt; may be NULL. `argument` is the user's. */
    void (*received)(struct serial_port *port); /* bytes have come in */
    void (*drained)(struct serial_port *port);  /* at least half of the output buffer is free */
    void *argument;
    /* Interrupts off: */
    struct serial_ring input, output;
    u8 enabled;    /* the interrupt enable register */
    u32 overruns;  /* bytes that the hardware lost */
    bool stuck;    /* the transmitter did not get empty in time: waited for no more */
};

/* Makes COM`number` (1 to 4) a console of the log; false: there is none. Works before interrupts,
 * heap and fibrils do. */
bool serial_console_start(unsigned number);
/* Opens a port for buffered use: 0, -ENODEV, -ENOMEM. Sizes are powers of two. May be called once for
 * each port. The log may go out of the same line: whole pieces of text stay together. */
int serial_open(unsigned number, u32 input_size, u32 output_size,
                struct serial_port **port) MUST_CHECK;

/* Neither waits; any context. How many bytes were taken from or put into the buffer. When the input
 * buffer is full, the line is left alone until there is room: the other side has to wait. */
size_t serial_get(struct serial_port *port, void *bytes, size_t size);
size_t serial_put(struct serial_port *port, const void *bytes, size_t size);
size_t serial_input_count(const struct serial_port *port);
size_t serial_output_room(const struct serial_port *port);
/* Has everything left the buffer and the hardware? */
bool serial_output_empty(const struct serial_port *port);
/* Empties the output buffer into the hardware, waiting for it, bounded. Interrupts off. For log text
 * and last words. */
void serial_drain_now(struct serial_port *port);

#endif
