/* The kernel's log as files: /dev/kmsg, one line at each read, for each opener from the oldest line kept;
 * and /proc/kmsg, as syslog(2)'s reading: what is read there is not read there again. Both wait for new
 * lines. What is written to /dev/kmsg is logged. */
#include "arch.h"
#include "fs/file.h"
#include "fs/pseudo.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define DEVICE(major, minor) ((major) << 8 | (minor))
#define LINE_MOST 256u
#define PREFIX_MOST 64u

struct reader {
    u32 position;
    char line[LINE_MOST], record[PREFIX_MOST + LINE_MOST];
};

/* ---- /dev/kmsg: Linux's Documentation/ABI/testing/dev-kmsg ---- */

static int
kmsg_open(struct file *file)
{
    struct reader *reader = heap_alloc(sizeof(*reader));
    if (!reader)
        return -ENOMEM;
    reader->position = log_oldest();
    file->private = reader;
    return 0;
}

static void
kmsg_release(struct file *file)
{
    heap_free(file->private);
}

static u64
digits(const char **at)
{
    u64 value = 0;
    while (**at == ' ')
        ++*at;
    while (**at >= '0' && **at <= '9')
        value = value * 10 + (u64)(*(*at)++ - '0');
    return value;
}

/* "[   12.345] text" becomes "6,POSITION,12345000,-;text". */
static size_t
record_make(struct reader *reader, u32 position, size_t length)
{
    const char *at = reader->line + 1;
    u64 milliseconds = digits(&at) * 1000;
    at += *at == '.';
    milliseconds += digits(&at);
    at += 2; /* "] " */
    size_t prefix = format_string(reader->record, PREFIX_MOST, "6,%u,%llu,-;", position,
                                  (unsigned long long)milliseconds * 1000);
    size_t rest = length - (size_t)(at - reader->line);
    memcpy(reader->record + prefix, at, rest);
    return prefix + rest;
}

static int
kmsg_read(struct file *file, struct iter *iter, u64 *position)
{
    struct reader *reader = file->private;
    u32 next = reader->position;
    size_t length;
    while (!(length = log_read_line(&next, reader->line, sizeof(reader->line)))) {
        if (file->flags & OPEN_NONBLOCK)
            return -EAGAIN;
        int error = wait_event_interruptible(&log_readers, log_end() != next);
        if (error)
            return error;
    }
    length = record_make(reader, next - (u32)length, length);
    if (length > iter->left)
        return -EINVAL;
    int error = iter_put(iter, reader->record, length);
    if (!error)
        reader->position = next;
    return error;
}

static int
kmsg_write(struct file *file, struct iter *iter, u64 *position)
{
    char *line = heap_alloc(LINE_MOST);
    size_t size = MIN(iter->left, LINE_MOST - 1);
    if (!line)
        return -ENOMEM;
    int error = iter_take(iter, line, size);
    while (!error && size > 0 && line[size - 1] == '\n')
        size--;
    if (!error)
        log_line("%s: %.*s", current_task()->process->name, (int)size, line);
    heap_free(line);
    return error;
}

static u32
kmsg_poll(struct file *file, struct poll_table *table)
{
    const struct reader *reader = file->private;
    if (table)
        table->add(table, &log_readers);
    return POLL_OUT | POLL_WRNORM | (log_end() != reader->position ? POLL_IN | POLL_RDNORM : 0);
}

/* ---- /proc/kmsg ---- */

static int
stream_open(struct file *file)
{
    return current_credentials()->euid == 0 ? 0 : -EACCES;
}

static int
stream_read(struct file *file, struct iter *iter, u64 *position)
{
    char line[LINE_MOST];
    size_t length;
    int error = log_wait(file->flags & OPEN_NONBLOCK);
    while (!error && iter->left > 0 && (length = log_take(line, MIN(iter->left, sizeof(line)))))
        error = iter_put(iter, line, length);
    return iter->done ? 0 : error;
}

static u32
stream_poll(struct file *file, struct poll_table *table)
{
    if (table)
        table->add(table, &log_readers);
    return log_unread() ? POLL_IN | POLL_RDNORM : 0;
}

void
kernel_log_init(void)
{
    static const struct file_ops kmsg_ops = {.open = kmsg_open, .release = kmsg_release,
                                             .read = kmsg_read, .write = kmsg_write,
                                             .poll = kmsg_poll, .no_position = true};
    static const struct file_ops stream_ops = {
        .open = stream_open, .read = stream_read, .poll = stream_poll, .no_position = true};
    static struct device_file device = {
        .name = "kmsg", .mode = 0644, .device = DEVICE(1, 11), .ops = &kmsg_ops};
    static struct proc_file stream = {.name = "kmsg", .ops = &stream_ops};
    device_register(&device);
    proc_register(&stream);
}
