/* Log, panic, formatting, tracing and the machine for host unit tests. */
#include <stdarg.h>

#include "arch.h"
#include "host.h"
#include "kernel/format.h"
#include "kernel/log.h"
#include "kernel/trace.h"

#define WEAK __attribute__((weak))

bool host_log_shown;
char host_log_last[512];
static char log_kept[16384];
unsigned host_log_lines;
unsigned host_failed;
const char *host_test_name = "";
WEAK u32 trace_enabled;

WEAK void
log_line(const char *format, ...)
{
    char *line = host_log_last;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof host_log_last, format, arguments);
    va_end(arguments);
    host_log_lines++;
    size_t kept = strlen(log_kept), length = strlen(line) + 1;
    if (kept + length >= sizeof log_kept) {
        memmove(log_kept, log_kept + length, kept + 1 - length);
        kept -= length;
    }
    snprintf(log_kept + kept, sizeof log_kept - kept, "%s\n", line);
    if (host_log_shown || getenv("HOST_LOG"))
        fprintf(stderr, "log: %s\n", line);
}

bool
host_log_contains(const char *text)
{
    return strstr(log_kept, text) != NULL;
}

WEAK void
log_add_console(struct log_console *console)
{
    (void)console;
}

WEAK void
panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "panic in test %s: ", host_test_name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    abort();
}

WEAK void
assert_failed(const char *expression, const char *file, int line)
{
    panic("assertion failed: %s, %s:%d", expression, file, line);
}

WEAK size_t
format_string_list(char *buffer, size_t size, const char *format, va_list arguments)
{
    int length = vsnprintf(buffer, size, format, arguments);
    return length < 0 ? 0 : MIN((size_t)length, size - 1);
}

WEAK size_t
format_string(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = format_string_list(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

WEAK void
trace_write(enum trace_event event, u32 a, u32 b)
{
    (void)event;
    (void)a;
    (void)b;
}

WEAK void
machine_halt(void)
{
    abort();
}

WEAK void
machine_exit(unsigned status)
{
    exit((int)status);
}

WEAK void
machine_power_off(void)
{
    exit(0);
}

WEAK void
backtrace_print(const void *frame, unsigned depth)
{
    (void)frame;
    (void)depth;
}

WEAK int
copy_string_from_user(char *to, const char *from, size_t size)
{
    size_t length = strnlen(from, size);
    if (length == size)
        return -36; /* -ENAMETOOLONG */
    memcpy(to, from, length + 1);
    return 0;
}

void
host_run_test(const char *name, void (*test)(void))
{
    unsigned failed = host_failed, pages = host_pages_used, objects = host_objects_used;
    test_begin(name);
    test();
    host_alloc_limit = -1;
    if (host_failed == failed && (host_pages_used != pages || host_objects_used != objects)) {
        printf("not ok %s: leaked %d pages, %d heap objects\n", name, (int)(host_pages_used - pages),
               (int)(host_objects_used - objects));
        host_failed++;
    } else if (host_failed == failed) {
        printf("ok %s\n", name);
    }
    fflush(stdout);
}
