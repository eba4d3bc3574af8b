/* The end of the machine, and backtraces with the names of functions. */
#include "arch.h"
#include "arch/i386/cpu.h"
#include "arch/i386/io.h"
#include "kernel/string.h"

#define DEBUG_EXIT_PORT 0xf4      /* QEMU's isa-debug-exit */
#define QEMU_POWER_PORT 0x604     /* PM1a control of QEMU's pc and q35: SLP_EN with type 0 */
#define QEMU_POWER_OFF 0x2000
#define BOCHS_POWER_PORT 0x8900

struct symbol {
    uintptr_t address;
    const char *name;
};
/* Made by tools/mksymbols.py; absent in the first of the two links. */
extern const struct symbol symbol_table_start[] __attribute__((weak));
extern const struct symbol symbol_table_end[] __attribute__((weak));
extern u8 kernel_start[], kernel_end[];

void
machine_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

void
machine_power_off(void)
{
    static const char shutdown[] = "Shutdown";
    for (const char *letter = shutdown; *letter; letter++)
        port_out8(BOCHS_POWER_PORT, *letter);
    port_out16(QEMU_POWER_PORT, QEMU_POWER_OFF);
    machine_halt();
}

void
machine_exit(unsigned status)
{
    port_out32(DEBUG_EXIT_PORT, status);
    machine_power_off();
}

const char *
symbol_find(uintptr_t address, uintptr_t *offset)
{
    const struct symbol *first = symbol_table_start, *end = symbol_table_end;
    while (end - first > 1) {
        const struct symbol *middle = first + (end - first) / 2;
        if (middle->address <= address)
            first = middle;
        else
            end = middle;
    }
    if (first >= end || first->address > address)
        return "?";
    *offset = address - first->address;
    return first->name;
}

static void
backtrace_line(uintptr_t address)
{
    uintptr_t offset = 0;
    const char *name = symbol_find(address, &offset);
    arch_hooks.log("  %08lx %s+0x%lx", (unsigned long)address, name, (unsigned long)offset);
}

void
backtrace_print_from(uintptr_t instruction, const void *frame, unsigned depth)
{
    if (instruction)
        backtrace_line(instruction);
    const uintptr_t *words = frame;
    for (unsigned i = 0; i < depth; i++) {
        uintptr_t here = (uintptr_t)words;
        if (here < DIRECT_MAP_BASE || here % 4 || here >= 0xfffffff0u)
            break;
        uintptr_t caller = words[1];
        if (caller < (uintptr_t)kernel_start || caller >= (uintptr_t)kernel_end)
            break;
        backtrace_line(caller);
        if (words[0] <= here || words[0] - here > PAGE_SIZE)
            break;
        words = (const uintptr_t *)words[0];
    }
}

void
backtrace_print(const void *frame, unsigned depth)
{
    backtrace_print_from(0, frame, depth);
}
