/* Ports and interrupt lines for host unit tests: an empty bus, unless the test has a fake device. */
#include "arch.h"
#include "host.h"
#include "io.h"

#define WEAK __attribute__((weak))

unsigned long host_interrupts_off;
static struct interrupt_handler *handlers[16];
static bool in_interrupt;

WEAK void
interrupt_register(unsigned line, struct interrupt_handler *handler)
{
    handler->next = handlers[line];
    handlers[line] = handler;
}

WEAK bool
interrupt_running(void)
{
    return in_interrupt;
}

WEAK bool
host_interrupt(unsigned line)
{
    bool known = false;
    INTERRUPTS_OFF_SCOPE();
    in_interrupt = true;
    for (struct interrupt_handler *handler = handlers[line]; handler; handler = handler->next)
        known |= handler->handle(handler->argument);
    in_interrupt = false;
    return known;
}

WEAK volatile void *
device_map(u32 physical, size_t size)
{
    (void)physical;
    (void)size;
    return NULL;
}

WEAK void
port_out8(u16 port, u8 value)
{
    (void)port;
    (void)value;
}

WEAK void
port_out16(u16 port, u16 value)
{
    (void)port;
    (void)value;
}

WEAK void
port_out32(u16 port, u32 value)
{
    (void)port;
    (void)value;
}

WEAK u8
port_in8(u16 port)
{
    (void)port;
    return 0xff;
}

WEAK u16
port_in16(u16 port)
{
    (void)port;
    return 0xffff;
}

WEAK u32
port_in32(u16 port)
{
    (void)port;
    return 0xffffffff;
}

WEAK void
port_in16_many(u16 port, void *to, unsigned words)
{
    for (u8 *bytes = to; words; words--, bytes += 2) {
        u16 word = port_in16(port);
        memcpy(bytes, &word, 2);
    }
}

WEAK void
port_out16_many(u16 port, const void *from, unsigned words)
{
    for (const u8 *bytes = from; words; words--, bytes += 2) {
        u16 word;
        memcpy(&word, bytes, 2);
        port_out16(port, word);
    }
}

WEAK void
device_write32(volatile void *registers, unsigned offset, u32 value)
{
    (void)registers;
    (void)offset;
    (void)value;
}

WEAK u32
device_read32(const volatile void *registers, unsigned offset)
{
    (void)registers;
    (void)offset;
    return ~0u;
}
