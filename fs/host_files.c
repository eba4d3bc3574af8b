/* /dev/hostin, /dev/hostout and /dev/hosterr: the run channel (drivers/hostlink.h) as files, the
 * standard input, output and error of a program that tools/run runs. Bytes pass through a page,
 * because the driver's sleeps and those of user copies must not nest. */
#include "arch.h"
#include "drivers/hostlink.h"
#include "fs/file.h"
#include "fs/pseudo.h"
#include "kernel/errno.h"
#include "kernel/page.h"

static int
host_read(struct file *file, struct iter *iter, u64 *position)
{
    struct page *page;
    int result;

    if (iter->left == 0)
        return 0;
    if ((file->flags & OPEN_NONBLOCK) && !hostlink_readable())
        return -EAGAIN;
    page = page_alloc();
    if (!page)
        return -ENOMEM;
    result = hostlink_read(page_address(page), MIN(iter->left, (size_t)PAGE_SIZE));
    if (result > 0)
        result = iter_put(iter, page_address(page), (size_t)result);
    page_put(page);
    return iter->done ? 0 : result;
}

static int
host_write(struct file *file, struct iter *iter, u64 *position)
{
    enum hostlink_channel channel = (enum hostlink_channel)(uintptr_t)file->private;
    size_t taken = 0; /* bytes that have left: what the iter gave may not have got out */
    struct page *page = page_alloc();
    int error = 0;

    if (!page)
        return -ENOMEM;
    while (!error && iter->left > 0) {
        size_t size = MIN(iter->left, (size_t)PAGE_SIZE);
        if ((file->flags & OPEN_NONBLOCK) && !hostlink_writable()) {
            error = -EAGAIN;
            break;
        }
        error = iter_take(iter, page_address(page), size);
        if (!error)
            error = hostlink_write(channel, page_address(page), size);
        if (!error)
            taken += size;
    }
    page_put(page);
    iter->done = taken;
    return taken ? 0 : error;
}

static u32
host_poll_read(struct file *file, struct poll_table *table)
{
    if (table)
        table->add(table, hostlink_wait_queue());
    return hostlink_readable() ? POLL_IN | POLL_RDNORM : 0;
}

static u32
host_poll_write(struct file *file, struct poll_table *table)
{
    if (table)
        table->add(table, hostlink_wait_queue());
    return hostlink_writable() ? POLL_OUT | POLL_WRNORM : 0;
}

static const struct file_ops read_ops = {
    .read = host_read,
    .poll = host_poll_read,
    .stream = true,
};
static const struct file_ops write_ops = {
    .write = host_write,
    .poll = host_poll_write,
    .stream = true,
};

void
host_files_init(void)
{
    /* 240 to 254 are for local use: Linux's Documentation/admin-guide/devices.txt. */
    static struct device_file files[] = {
        {.name = "hostin", .mode = 0666, .device = 240 << 8, .ops = &read_ops},
        {.name = "hostout", .mode = 0666, .device = 240 << 8 | 1, .ops = &write_ops,
         .private = (void *)HOSTLINK_OUTPUT},
        {.name = "hosterr", .mode = 0666, .device = 240 << 8 | 2, .ops = &write_ops,
         .private = (void *)HOSTLINK_ERROR},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
        device_register(&files[i]);
}
