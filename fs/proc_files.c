/* What /proc itself tells: mounts, memory, the caches, disks, heap pools, the trace ring, and the one
 * that is written to, sys/vm/drop_caches. Each function makes one file's text, on the fibril that
 * opens it. */
#include "arch.h"
#include "drivers/block.h"
#include "fs/cache.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/name_cache.h"
#include "fs/path.h"
#include "fs/pseudo.h"
#include "fs/read_ahead.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/trace.h"

/* ---- Mounts ---- */

static void
print_mount(struct text_buffer *buffer, const struct filesystem *filesystem, char *space)
{
    const char *path = "/";
    const char *access = filesystem->read_only ? "ro,relatime" : "rw,relatime";
    const char *device = filesystem->disk ? filesystem->disk->name : filesystem->type;

    /* The path of what is mounted, from above its root. */
    if (filesystem->covers && path_of_directory(filesystem->root, space, &path))
        return; /* not below the task's root */
    text_print(buffer, "%s%s %s %s %s 0 0\n", filesystem->disk ? "/dev/" : "", device, path,
               filesystem->type, access);
}

static void
show_mounts(struct text_buffer *buffer)
{
    struct page *page = page_alloc();

    if (!page) {
        buffer->failed = true;
        return;
    }
    for (struct filesystem *fs = path_first_mount(); fs; fs = fs->next)
        print_mount(buffer, fs, page_address(page));
    page_put(page);
}

/* There is one view of them for all. */
static void
show_subject_mounts(struct text_buffer *buffer, const struct proc_subject *subject)
{
    show_mounts(buffer);
}

static void
show_filesystems(struct text_buffer *buffer)
{
    text_print(buffer, "nodev\tproc\nnodev\tdev\nnodev\tramfs\n\text2\n");
}

/* ---- Memory and caches ---- */

static void
show_meminfo(struct text_buffer *buffer)
{
    struct cache_statistics cache;
    u32 slab = 0, kib = PAGE_SIZE / 1024;

    cache_count(&cache);
    for (struct pool *pool = pools_first(); pool; pool = pool->next)
        slab += pool->pages;
    text_print(buffer, "MemTotal:       %8u kB\n", pages_total() * kib);
    text_print(buffer, "MemFree:        %8u kB\n", pages_free() * kib);
    text_print(buffer, "MemAvailable:   %8u kB\n", (pages_free() + cache.pages) * kib);
    text_print(buffer, "Buffers:        %8u kB\n", 0u);
    text_print(buffer, "Cached:         %8u kB\n", cache.pages * kib);
    text_print(buffer, "SwapTotal:      %8u kB\nSwapFree:       %8u kB\n", 0u, 0u);
    text_print(buffer, "Slab:           %8u kB\n", slab * kib);
}

static void
show_cache(struct text_buffer *buffer)
{
    struct cache_statistics pages;
    struct inode_statistics inodes;

    cache_count(&pages);
    inode_count(&inodes);
    text_print(buffer, "pages %u hits %u misses %u waits %u dropped %u\n", pages.pages, pages.hits,
               pages.misses, pages.waits, pages.dropped);
    text_print(buffer, "inodes %u unused %u hits %u misses %u\n", inodes.inodes, inodes.unused,
               inodes.hits, inodes.misses);
    text_print(buffer, "names %u\n", name_cache_count());
}

static void
show_pools(struct text_buffer *buffer)
{
    text_print(buffer, "# name objects object-size pages\n");
    for (struct pool *pool = pools_first(); pool; pool = pool->next)
        text_print(buffer, "%s %u %u %u\n", pool->name, pool->objects, pool->object_size,
                   pool->pages);
    text_print(buffer, "total %u\n", heap_objects());
}

/* As Linux's: 1 pages, 2 names and inodes (an inode takes its pages with it), 3 both. */
static int
store_drop_caches(const char *text, size_t length)
{
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
        length--;
    if (length != 1 || text[0] < '1' || text[0] > '3')
        return -EINVAL;
    int error = read_ahead_drop(); /* it would bring some back */
    if (error)
        return error;
    if ((text[0] - '0') & 2) {
        name_cache_drop_all();
        inode_drop_unused();
    }
    if ((text[0] - '0') & 1)
        cache_drop_all();
    return 0;
}

static void
show_drop_caches(struct text_buffer *buffer)
{
    text_print(buffer, "0\n");
}

/* ---- Disks: the fields of Linux's Documentation/admin-guide/iostats.rst ---- */

static void
show_diskstats(struct text_buffer *buffer)
{
    for (struct disk *disk = disk_first(); disk; disk = disk->next) {
        struct disk_statistics numbers;
        disk_statistics_read(disk, &numbers);
        text_print(buffer, "%4u %7u %s %llu %llu %llu %llu 0 0 0 0 %u %llu %llu\n", disk->id >> 8,
                   disk->id & 0xff, disk->name, (unsigned long long)numbers.requests,
                   (unsigned long long)numbers.merged, (unsigned long long)numbers.sectors,
                   (unsigned long long)(numbers.busy_ns / 1000000u), numbers.in_flight,
                   (unsigned long long)(numbers.busy_ns / 1000000u),
                   (unsigned long long)(numbers.busy_ns / 1000000u));
    }
}

/* ---- The trace ring: lines made while they are read ---- */

struct trace_cursor {
    u32 number;  /* of the next record */
    size_t skip; /* what has been read of its line */
};

static int
trace_open(struct file *file)
{
    file->private = heap_alloc(sizeof(struct trace_cursor));
    return file->private ? 0 : -ENOMEM;
}

static void
trace_release(struct file *file)
{
    heap_free(file->private);
}

static int
trace_file_read(struct file *file, struct iter *iter, u64 *position)
{
    struct trace_cursor *cursor = file->private;
    struct trace_record record;
    int error = 0;

    while (!error && iter->left > 0 && trace_read(cursor->number, &record)) {
        char line[160];
        size_t length = trace_format(&record, line, sizeof line);
        size_t size = MIN(iter->left, length - MIN(length, cursor->skip));
        error = iter_put(iter, line + MIN(length, cursor->skip), size);
        if (error)
            break;
        cursor->skip += size;
        if (cursor->skip >= length) {
            cursor->number++;
            cursor->skip = 0;
        }
        if (cursor->number % 32 == 0)
            error = schedule_point();
    }
    *position += iter->done;
    return iter->done ? 0 : error;
}

static int
trace_file_write(struct file *file, struct iter *iter, u64 *position)
{
    char words[128];
    size_t size = iter->left;
    int error;

    if (size >= sizeof words)
        return -EINVAL;
    error = iter_take(iter, words, size);
    if (error)
        return error;
    while (size > 0 && words[size - 1] == '\n')
        size--;
    words[size] = 0;
    return trace_control(words);
}

static const struct file_ops trace_file_ops = {
    .open = trace_open,
    .release = trace_release,
    .read = trace_file_read,
    .write = trace_file_write,
};

/* ---- Start ---- */

void
proc_files_init(void)
{
    static struct proc_file own[] = {
        {.name = "mounts", .show = show_mounts},
        {.name = "filesystems", .show = show_filesystems},
        {.name = "meminfo", .show = show_meminfo},
        {.name = "cache", .show = show_cache},
        {.name = "pools", .show = show_pools},
        {.name = "diskstats", .show = show_diskstats},
        {.name = "trace", .ops = &trace_file_ops},
        {.name = "sys/vm/drop_caches", .show = show_drop_caches, .store = store_drop_caches},
        {.name = "mounts", .show_subject = show_subject_mounts},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
        proc_register(&own[i]);
}
