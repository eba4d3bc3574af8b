/* The clock: the 8254's channel 0 interrupts every millisecond [8254], and the CPU's time-stamp
 * counter, measured against it at boot, tells the time between the ticks. */
#include "arch.h"
#include "arch/i386/cpu.h"
#include "arch/i386/io.h"
#include "kernel/fibril.h"
#include "kernel/timer.h"

#define PIT_HZ 1193182u
#define PIT_CHANNEL0 0x40
#define PIT_COMMAND 0x43
#define PIT_RATE_GENERATOR 0x34 /* channel 0, both bytes, mode 2 */
#define PIT_LATCH 0x00
#define PIT_DIVISOR ((PIT_HZ + 500) / 1000)
#define CLOCK_LINE 0
#define CALIBRATION_PIT_TICKS 12000u /* about 10 ms */

static u64 cycles_at_boot;
static u64 ns_per_cycle; /* fixed point: 32 bits behind the point */
static u64 boot_unix_ns;
static struct interrupt_handler clock_handler;

static u16
pit_read(void)
{
    port_out8(PIT_COMMAND, PIT_LATCH);
    u16 low = port_in8(PIT_CHANNEL0);
    return low | port_in8(PIT_CHANNEL0) << 8;
}

/* One reading of both clocks, as close together as several tries give. */
static u64
clock_read_pair(u16 *pit)
{
    u64 best_width = ~0ull, best = 0;
    for (int i = 0; i < 8; i++) {
        u64 before = cpu_read_tsc();
        u16 count = pit_read();
        u64 width = cpu_read_tsc() - before;
        if (width < best_width) {
            best_width = width;
            best = before + width / 2;
            *pit = count;
        }
    }
    return best;
}

static void
clock_calibrate(void)
{
    u16 first = 0, now;
    port_out8(PIT_COMMAND, PIT_RATE_GENERATOR);
    port_out8(PIT_CHANNEL0, 0);
    port_out8(PIT_CHANNEL0, 0);
    u64 start = clock_read_pair(&first);
    do
        now = pit_read();
    while ((u16)(first - now) < CALIBRATION_PIT_TICKS);
    u64 cycles = clock_read_pair(&now) - start;
    u64 ns = (u64)(u16)(first - now) * 1000000000u / PIT_HZ;
    ns_per_cycle = ((ns << 32) + cycles / 2) / cycles;
    cycles_at_boot = start;
}

u64
time_boot_unix_ns(void)
{
    return boot_unix_ns;
}

void
time_set_boot_unix_ns(u64 time)
{
    boot_unix_ns = time;
}

u64
time_cycles(void)
{
    return cpu_read_tsc();
}

u64
time_now_ns(void)
{
    u64 cycles = cpu_read_tsc() - cycles_at_boot;
    u64 high = (cycles >> 32) * ns_per_cycle;
    u64 low = ((cycles & 0xffffffffu) * (ns_per_cycle & 0xffffffffu)) >> 32;
    return high + low + (cycles & 0xffffffffu) * (ns_per_cycle >> 32);
}

void
time_delay_us(unsigned microseconds)
{
    if (!ns_per_cycle) /* the log's first lines, on a slow serial line */
        clock_calibrate();
    u64 end = time_now_ns() + microseconds * 1000ull;
    while (time_now_ns() < end)
        __asm__ volatile("pause");
}

static bool
clock_interrupt(void *unused)
{
    arch_hooks.tick(time_now_ns());
    return true;
}

void
clock_init(void)
{
    if (!ns_per_cycle)
        clock_calibrate();
    port_out8(PIT_COMMAND, PIT_RATE_GENERATOR);
    port_out8(PIT_CHANNEL0, PIT_DIVISOR & 0xff);
    port_out8(PIT_CHANNEL0, PIT_DIVISOR >> 8);
    clock_handler.handle = clock_interrupt;
    interrupt_register(CLOCK_LINE, &clock_handler);
}
