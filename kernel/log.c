/* The kernel log: see log.h. Lines are time-stamped, kept in a ring, and sent to the consoles. */
#include "kernel/log.h"
#include "arch.h"
#include "kernel/fibril.h"
#include "kernel/format.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

#define LOG_BYTES 65536u
#define LINE_BYTES 256u
#define PANIC_STATUS 0x20u

static char log_ring[LOG_BYTES];
static u32 log_written; /* bytes ever; interrupts off */
static struct log_console *consoles;
static bool panicking;

static void
log_emit(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        log_ring[log_written++ % LOG_BYTES] = text[i];
    for (struct log_console *console = consoles; console; console = console->next)
        console->write(text, length);
}

static void
log_line_list(const char *format, va_list arguments)
{
    static char line[LINE_BYTES]; /* interrupts off */
    INTERRUPTS_OFF_SCOPE();
    u32 milliseconds = (u32)(time_now_ns() / 1000000);
    size_t length = format_string(line, sizeof(line), "[%4u.%03u] ", milliseconds / 1000,
                                  milliseconds % 1000);
    length += format_string_list(line + length, sizeof(line) - length - 1, format, arguments);
    line[length++] = '\n';
    log_emit(line, length);
}

void
log_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_line_list(format, arguments);
    va_end(arguments);
}

void
log_add_console(struct log_console *console)
{
    INTERRUPTS_OFF_SCOPE();
    u32 kept = MIN(log_written, LOG_BYTES);
    for (u32 i = log_written - kept; i != log_written; i++)
        console->write(&log_ring[i % LOG_BYTES], 1);
    console->next = consoles;
    consoles = console;
}

size_t
log_read(char *buffer, size_t size, size_t skip)
{
    INTERRUPTS_OFF_SCOPE();
    u32 kept = MIN(log_written, LOG_BYTES);
    u32 first = log_written - kept;
    size_t count = 0;
    for (u32 i = first + skip; skip < kept && i != log_written && count < size; i++)
        buffer[count++] = log_ring[i % LOG_BYTES];
    return count;
}

static void
panic_describe_fibril(void)
{
    const struct fibril *fibril = current_fibril();
    if (!fibril || !fibril->task)
        return;
    log_line("panic: in task %u (%s), fibril %u, call %s", fibril->task->tid,
             fibril->task->process ? fibril->task->process->name : "kernel", fibril->id,
             fibril->call_number == NO_CALL ? "none" : syscall_name(fibril->call_number));
}

void
panic(const char *format, ...)
{
    interrupts_save();
    if (panicking)
        machine_exit(PANIC_STATUS);
    panicking = true;
    char text[128];
    va_list arguments;
    va_start(arguments, format);
    format_string_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_line("PANIC: %s", text);
    panic_describe_fibril();
    backtrace_print(__builtin_frame_address(0), 16);
    log_line("panic: the machine stops");
    machine_exit(PANIC_STATUS);
}

void
assert_failed(const char *expression, const char *file, int line)
{
    panic("assertion failed: %s (%s:%d)", expression, file, line);
}
