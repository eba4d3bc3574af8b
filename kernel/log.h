/* The kernel log: lines that go to a ring in memory and to every registered console, and the end of
 * the line: panic and ASSERT. Any context may log, interrupt handlers included. */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "kernel/types.h"

/* One line without its newline; longer than 255 bytes is cut. Understands the printf subset of
 * format.h. */
void log_line(const char *format, ...) PRINTF(1, 2);

/* At most `limit` lines from each place that uses it, the last one saying so: for messages that bad
 * input can cause without bound. */
#define log_limited(limit, ...)                                                                    \
    do {                                                                                           \
        static unsigned log_limited_count;                                                         \
        if (log_limited_count < (limit)) {                                                         \
            log_line(__VA_ARGS__);                                                                 \
            if (++log_limited_count == (limit))                                                    \
                log_line("(further messages of this kind are not shown)");                         \
        }                                                                                          \
    } while (0)

/* A sink for log text (serial line, screen). Called with interrupts off; must not sleep or log. */
struct log_console {
    void (*write)(const char *text, size_t length);
    struct log_console *next;
};
void log_add_console(struct log_console *console); /* gets what was logged so far, too */

/* What was logged can be read as long as it is kept: the last LOG_BYTES bytes, counted from the first ever
 * (modulo 2^32). */
#define LOG_BYTES 65536u
u32 log_oldest(void); /* the first byte kept */
u32 log_end(void);    /* behind the last one */
u32 log_line_after(u32 position); /* where the first line begins that begins there or later */
/* Copies from *position, or the oldest byte kept if that is younger, and moves it; how many bytes. */
size_t log_read_from(u32 *position, char *buffer, size_t size);
/* The same for one line with its newline, 0 if there is none. */
size_t log_read_line(u32 *position, char *buffer, size_t size);
extern struct wait_queue log_readers; /* woken by every line */

/* The one reader of /proc/kmsg and syslog(2): takes what it has not been given yet. */
u32 log_unread(void);
int log_wait(bool at_once) MUST_CHECK; /* for something unread: 0, -EAGAIN, -ERESTARTSYS, cancelled */
size_t log_take(char *buffer, size_t size);

/* Says why, shows registers and a backtrace, and ends the machine. Never returns. */
void panic(const char *format, ...) NORETURN PRINTF(1, 2);
NORETURN void assert_failed(const char *expression, const char *file, int line);

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (unlikely(!(condition)))                                                                \
            assert_failed(#condition, __FILE__, __LINE__);                                         \
    } while (0)

#endif
