/* syslog(2): reading the kernel's log. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/log.h"
#include "kernel/task.h"

/* Linux's kernel/printk: the numbers of the manual page syslog(2). */
enum { LOG_CLOSE, LOG_OPEN, LOG_READ, LOG_READ_ALL, LOG_READ_CLEAR, LOG_CLEAR, LOG_CONSOLE_OFF,
       LOG_CONSOLE_ON, LOG_CONSOLE_LEVEL, LOG_UNREAD, LOG_SIZE };
#define PIECE 256u
#define LEVELS 8

static u32 cleared; /* what was logged before is not read by LOG_READ_ALL */

/* Copies what lies from `from` on, at most `size` bytes. */
static long
log_copy(u32 from, char USER *buffer, size_t size, u32 *end)
{
    char piece[PIECE];
    size_t done = 0;
    while (done < size) {
        size_t length = log_read_from(&from, piece, MIN(size - done, sizeof(piece)));
        if (length == 0)
            break;
        int error = copy_to_user(buffer + done, piece, length);
        if (error)
            return error;
        done += length;
    }
    *end = from;
    return (long)done;
}

static long
log_read_last(char USER *buffer, size_t size, bool clear)
{
    u32 end = log_end(), from = cleared;
    if (end - log_oldest() < end - from)
        from = log_oldest();
    if (end - from > size)
        from = end - (u32)size;
    from = log_line_after(from);
    long count = log_copy(from, buffer, MIN(size, end - from), &end);
    if (clear && count >= 0)
        cleared = end;
    return count;
}

static long
log_read_new(char USER *buffer, size_t size)
{
    char piece[PIECE];
    int error = log_wait(false);
    if (error)
        return error;
    size_t length = log_take(piece, MIN(size, sizeof(piece)));
    error = copy_to_user(buffer, piece, length);
    return error ? error : (long)length;
}

long
sys_syslog(int type, char USER *buffer, int size)
{
    bool reads = type >= LOG_READ && type <= LOG_READ_CLEAR;
    if (type < LOG_CLOSE || type > LOG_SIZE || (reads && (!buffer || size < 0)))
        return -EINVAL;
    if (type != LOG_READ_ALL && type != LOG_SIZE && current_credentials()->euid != 0)
        return -EPERM;
    if (reads && size == 0)
        return 0;
    switch (type) {
    case LOG_READ:
        return log_read_new(buffer, (size_t)size);
    case LOG_READ_ALL:
    case LOG_READ_CLEAR:
        return log_read_last(buffer, (size_t)size, type == LOG_READ_CLEAR);
    case LOG_CLEAR:
        cleared = log_end();
        return 0;
    case LOG_CONSOLE_LEVEL: /* there are none; what is logged goes to the console */
        return size >= 1 && size <= LEVELS ? 0 : -EINVAL;
    case LOG_UNREAD:
        return (long)log_unread();
    case LOG_SIZE:
        return LOG_BYTES;
    default:
        return 0;
    }
}
