/* The kernel log: see log.h. Lines are time-stamped, kept in a ring, and sent to the consoles. */
#include "kernel/log.h"
#include "arch.h"
#include "kernel/fibril.h"
#include "kernel/format.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

#define LINE_BYTES 256u
#define PANIC_STATUS 0x20u

static char log_ring[LOG_BYTES];
static u32 log_written; /* bytes ever; interrupts off */
static struct log_console *consoles;
static u32 taken; /* by log_take */
struct wait_queue log_readers = WAIT_QUEUE_INIT(log_readers, "kernel log");
static bool panicking;

static void
log_emit(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        log_ring[log_written++ % LOG_BYTES] = text[i];
    for (struct log_console *console = consoles; console; console = console->next)
        console->write(text, length);
    wake_up_all(&log_readers);
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

/* ---- Reading ---- */

u32
log_end(void)
{
    return log_written;
}

u32
log_oldest(void)
{
    return log_written - MIN(log_written, LOG_BYTES);
}

/* Interrupts off. */
static u32
position_kept(u32 position)
{
    u32 oldest = log_oldest();
    return log_written - position > log_written - oldest ? oldest : position;
}

size_t
log_read_from(u32 *position, char *buffer, size_t size)
{
    size_t count = 0;
    INTERRUPTS_OFF_SCOPE();
    u32 at = position_kept(*position);
    while (at != log_written && count < size)
        buffer[count++] = log_ring[at++ % LOG_BYTES];
    *position = at;
    return count;
}

u32
log_line_after(u32 position)
{
    INTERRUPTS_OFF_SCOPE();
    position = position_kept(position);
    while (position != log_written && position != 0 &&
           (position == log_oldest() || log_ring[(position - 1) % LOG_BYTES] != '\n'))
        position++;
    return position;
}

size_t
log_read_line(u32 *position, char *buffer, size_t size)
{
    size_t count = 0;
    INTERRUPTS_OFF_SCOPE();
    u32 at = log_line_after(*position);
    while (at != log_written && count < size && (count == 0 || buffer[count - 1] != '\n'))
        buffer[count++] = log_ring[at++ % LOG_BYTES];
    *position = at;
    return count;
}

u32
log_unread(void)
{
    return log_written - position_kept(taken);
}

int
log_wait(bool at_once)
{
    if (at_once && !log_unread())
        return -EAGAIN;
    return wait_event_interruptible(&log_readers, log_unread() > 0);
}

size_t
log_take(char *buffer, size_t size)
{
    return log_read_from(&taken, buffer, size);
}

/* ---- The end of the line ---- */

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
