/* Interrupt lines: the two 8259A controllers [8259A], the handlers registered for each line, and the
 * clock line's place in it. Handlers run with interrupts off on the interrupt stack (traps.asm). */
#include "arch.h"
#include "arch/i386/cpu.h"
#include "arch/i386/io.h"
#include "kernel/fibril.h"

#define MASTER_COMMAND 0x20
#define MASTER_DATA 0x21
#define SLAVE_COMMAND 0xa0
#define SLAVE_DATA 0xa1
#define COMMAND_INIT 0x11        /* ICW1: cascade, ICW4 follows */
#define COMMAND_END 0x20         /* non-specific end of interrupt */
#define COMMAND_READ_SERVICE 0x0b
#define MODE_8086 0x01
#define CASCADE_LINE 2
#define VECTOR_BASE 0x20

static struct interrupt_handler *handlers[16];
static u16 masked = 0xffff & ~(1 << CASCADE_LINE);
static bool from_user; /* of the interrupt that is being served */

static void
controller_write_mask(void)
{
    port_out8(MASTER_DATA, masked & 0xff);
    port_out8(SLAVE_DATA, masked >> 8);
}

void
interrupt_controller_init(void)
{
    port_out8(MASTER_COMMAND, COMMAND_INIT);
    port_out8(SLAVE_COMMAND, COMMAND_INIT);
    port_out8(MASTER_DATA, VECTOR_BASE);
    port_out8(SLAVE_DATA, VECTOR_BASE + 8);
    port_out8(MASTER_DATA, 1 << CASCADE_LINE);
    port_out8(SLAVE_DATA, CASCADE_LINE);
    port_out8(MASTER_DATA, MODE_8086);
    port_out8(SLAVE_DATA, MODE_8086);
    controller_write_mask();
}

void
interrupt_register(unsigned line, struct interrupt_handler *handler)
{
    ARCH_ASSERT(line < 16 && line != CASCADE_LINE);
    INTERRUPTS_OFF_SCOPE();
    handler->next = handlers[line];
    handlers[line] = handler;
    masked &= ~(1u << line);
    controller_write_mask();
}

bool
interrupt_from_user(void)
{
    return from_user;
}

bool
interrupt_running(void)
{
    return cpu.interrupt_depth > 0;
}

/* A line that was withdrawn before it was acknowledged shows up as line 7 of its controller without
 * being in service: [8259A] "default IR7 routine". */
static bool
interrupt_spurious(unsigned line)
{
    if (line != 7 && line != 15)
        return false;
    u16 port = line == 7 ? MASTER_COMMAND : SLAVE_COMMAND;
    port_out8(port, COMMAND_READ_SERVICE);
    if (port_in8(port) & 0x80)
        return false;
    if (line == 15)
        port_out8(MASTER_COMMAND, COMMAND_END);
    return true;
}

void
interrupt_dispatch(struct registers *registers)
{
    unsigned line = registers->trap - VECTOR_BASE;
    if (interrupt_spurious(line))
        return;
    cpu.interrupt_depth++;
    if (line >= 8)
        port_out8(SLAVE_COMMAND, COMMAND_END);
    port_out8(MASTER_COMMAND, COMMAND_END);
    from_user = registers_from_user(registers);
    arch_hooks.interrupt(line, from_user);
    for (struct interrupt_handler *handler = handlers[line]; handler; handler = handler->next)
        handler->handle(handler->argument);
    cpu.interrupt_depth--;
}

void
cpu_wait_for_interrupt(void)
{
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}
