/* Start-up: the one file that knows everybody. Fills the tables by which lower floors call upper ones,
 * brings every part up in order, runs the programs that the command line names, and ends the machine
 * when they have ended. */
#include "arch.h"
#include "arch/i386/cpu.h"
#include "boot/boot_information.h"
#include "boot/options.h"
#include "boot/start.h"
#include "drivers/ata/ata.h"
#include "drivers/serial.h"
#include "drivers/vga.h"
#include "kernel/async/asyncfd.h"
#include "kernel/async/context.h"
#include "kernel/fault.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/trace.h"

extern u32 boot_stack_bottom[];
extern u8 boot_stack_top[];

#define CONSOLE_PORT 1 /* COM1 */

static void
on_tick(u64 now_ns)
{
    schedule_tick();
    task_tick(interrupt_from_user());
    timer_tick(now_ns);
    asys_backlogs_flush();
    asyncfd_backlogs_flush();
}

static void
on_interrupt(unsigned line, bool from_user)
{
    trace(TRACE_INTERRUPT, line, from_user);
}

static u32
page_take(bool zeroed)
{
    struct page *page = zeroed ? page_alloc_zeroed() : page_alloc();
    return page ? page_physical(page) : 0;
}

static void
page_give(u32 physical)
{
    page_put(page_of_physical(physical));
}

static void
hooks_fill(void)
{
    arch_hooks = (struct arch_hooks){
        .system_call = syscall_from_user,
        .double_fault = fault_double,
        .user_fault = fault_user,
        .user_fault_failed = fault_user_failed,
        .user_exception = fault_user_exception,
        .return_work = task_return_work,
        .tick = on_tick,
        .interrupt = on_interrupt,
        .log = log_line,
        .panic = panic,
        .page_take = page_take,
        .page_give = page_give,
        .memory_take = heap_alloc,
        .memory_give = heap_free,
    };
    syscall_set_table(syscall_table, syscall_table_size);
}

static bool
device_word(const char *word)
{
    return ata_configure(word) || block_configure(word);
}

/* From the boot loader's hands to fibrils and interrupts. Runs on the boot stack, which becomes the
 * idle fibril's. */
NORETURN void
start(u32 magic, u32 information)
{
    hooks_fill();
    kernel_task_init(boot_stack_bottom, boot_stack_top);
    serial_console_start(CONSOLE_PORT);
    log_line("Fibril %s, compiled by gcc %s", FIBRIL_VERSION, __VERSION__);
    descriptors_init();
    boot_information_read(magic, information);
    boot_options_read(boot_information.command_line, device_word);
    if (boot_options.vga)
        vga_console_start();
    fpu_init();
    boot_memory_init();
    paging_init(boot_information.memory_end);
    heap_init();
    if (boot_options.heap_checked)
        heap_check();
    interrupt_controller_init();
    clock_init();
    if (!kernel_fibril_start(start_up, NULL))
        panic("no memory for the first fibril");
    interrupts_restore(INTERRUPTS_ENABLED);
    schedule_idle();
}
