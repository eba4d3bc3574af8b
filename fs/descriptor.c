/* Descriptor tables: see descriptor.h. Called by handlers and by process start and end. A table is
 * changed only in stretches that do not sleep, so it needs no lock; files are put after their slot
 * has been emptied. The arrays double as numbers grow and never shrink. */
#include "fs/descriptor.h"

#include "arch.h"
#include "fs/file.h"
#include "fs/file_lock.h"
#include "fs/inode.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define DESCRIPTORS_AT_FIRST 32
#define BITS 32

struct descriptor_table {
    u32 references;
    u32 size;    /* slots, a multiple of BITS */
    u32 count;   /* in use */
    int lowest;  /* no number below is free */
    struct file **files;
    u32 *close_on_exec; /* a bit per slot; behind the files in one allocation */
};

static struct pool table_pool = POOL_INIT("descriptor_table", struct descriptor_table);

/* How many numbers the running process may use. */
u32
descriptor_limit(void)
{
    const struct process *process = current_task()->process;
    u32 limit = DESCRIPTORS_MAX;

    if (process && process != &kernel_process)
        limit = MIN(limit, process->limits[LIMIT_FILES].soft);
    return limit;
}

/* Makes room for the numbers below `size`. */
static int
table_grow(struct descriptor_table *table, u32 size)
{
    u32 new_size = table->size ? table->size : DESCRIPTORS_AT_FIRST;
    struct file **files;
    u32 *bits;

    if (size > DESCRIPTORS_MAX)
        return -EMFILE;
    while (new_size < size)
        new_size *= 2;
    files = heap_alloc(new_size * sizeof *files + new_size / 8);
    if (!files)
        return -ENOMEM;
    bits = (u32 *)(files + new_size);
    if (table->size) {
        memcpy(files, table->files, table->size * sizeof *files);
        memcpy(bits, table->close_on_exec, table->size / 8);
    }
    heap_free(table->files);
    table->files = files;
    table->close_on_exec = bits;
    table->size = new_size;
    return 0;
}

struct descriptor_table *
descriptor_table_create(void)
{
    struct descriptor_table *table = pool_alloc(&table_pool);

    if (!table)
        return NULL;
    table->references = 1;
    if (table_grow(table, DESCRIPTORS_AT_FIRST)) {
        pool_free(&table_pool, table);
        return NULL;
    }
    return table;
}

int
descriptor_table_copy(const struct descriptor_table *from, struct descriptor_table **result)
{
    struct descriptor_table *table = descriptor_table_create();

    if (!table)
        return -ENOMEM;
    if (from->size > table->size && table_grow(table, from->size)) {
        descriptor_table_put(table);
        return -ENOMEM;
    }
    for (u32 i = 0; i < from->size; i++) {
        struct file *file = from->files[i];
        if (!file || file->ops->stays_in_process)
            continue;
        table->files[i] = file;
        file_get(file);
        file->descriptors++;
        table->count++;
    }
    memcpy(table->close_on_exec, from->close_on_exec, from->size / 8);
    table->lowest = 0;
    while ((u32)table->lowest < table->size && table->files[table->lowest])
        table->lowest++;
    *result = table;
    return 0;
}

bool
descriptor_table_is_shared(const struct descriptor_table *table)
{
    return table->references > 1;
}

void
descriptor_table_get(struct descriptor_table *table)
{
    table->references++;
}

bool
descriptor_table_try_get(struct descriptor_table *table)
{
    if (table->references == 0)
        return false;
    table->references++;
    return true;
}

/* A number of this table no longer stands for the file. Closing any of a process's descriptors of a
 * file gives up all its locks on it, fcntl(2). */
static void
file_close(struct descriptor_table *table, struct file *file)
{
    if (file->inode && unlikely(file->inode->locks))
        file_locks_drop(file->inode, table);
    if (--file->descriptors == 0 && file->ops->last_close)
        file->ops->last_close(file);
    file_put(file);
}

void
descriptor_table_put(struct descriptor_table *table)
{
    ASSERT(table->references > 0);
    if (--table->references > 0)
        return;
    for (u32 i = 0; i < table->size; i++)
        if (table->files[i])
            file_close(table, table->files[i]);
    heap_free(table->files);
    pool_free(&table_pool, table);
}

void
descriptor_table_close_on_exec(struct descriptor_table *table)
{
    for (u32 i = 0; i < table->size; i++)
        if (table->close_on_exec[i / BITS] & (1u << i % BITS))
            descriptor_close(table, (int)i);
}

/* ---- Looking up ---- */

int
descriptor_table_file(struct descriptor_table *table, int fd, struct file **file)
{
    if (unlikely(!table || (u32)fd >= table->size || !table->files[fd]))
        return -EBADF;
    *file = table->files[fd];
    (*file)->references++;
    return 0;
}

int
descriptor_file(int fd, struct file **file)
{
    return descriptor_table_file(current_task()->files, fd, file);
}

u32
descriptor_table_size(const struct descriptor_table *table)
{
    return table->size;
}

unsigned
descriptor_count(const struct descriptor_table *table)
{
    return table->count;
}

int
descriptor_next(const struct descriptor_table *table, int fd)
{
    for (u32 i = (u32)MAX(fd, 0); i < table->size; i++)
        if (table->files[i])
            return (int)i;
    return -1;
}

int
descriptor_flag(const struct descriptor_table *table, int fd)
{
    if ((u32)fd >= table->size || !table->files[fd])
        return -EBADF;
    return table->close_on_exec[fd / BITS] >> fd % BITS & 1;
}

static void
flag_set(struct descriptor_table *table, int fd, bool close_on_exec)
{
    u32 bit = 1u << fd % BITS;

    if (close_on_exec)
        table->close_on_exec[fd / BITS] |= bit;
    else
        table->close_on_exec[fd / BITS] &= ~bit;
}

int
descriptor_set_flag(struct descriptor_table *table, int fd, bool close_on_exec)
{
    if ((u32)fd >= table->size || !table->files[fd])
        return -EBADF;
    flag_set(table, fd, close_on_exec);
    return 0;
}

/* ---- Changing ---- */

int
descriptor_install(struct descriptor_table *table, struct file *file, int lowest,
                   bool close_on_exec, int *fd)
{
    u32 slot = (u32)MAX(lowest, table->lowest);

    while (slot < table->size && table->files[slot])
        slot++;
    if (slot >= table->size || slot >= descriptor_limit()) {
        int error = slot >= descriptor_limit() ? -EMFILE : table_grow(table, slot + 1);
        if (error) {
            file_put(file);
            return error;
        }
    }
    if (lowest <= table->lowest)
        table->lowest = (int)slot + 1;
    table->files[slot] = file;
    file->descriptors++;
    table->count++;
    flag_set(table, (int)slot, close_on_exec);
    *fd = (int)slot;
    return 0;
}

int
descriptor_install_pair(struct file *files[2], bool close_on_exec, int fds[2])
{
    struct descriptor_table *table = current_task()->files;
    int error = descriptor_install(table, files[0], 0, close_on_exec, &fds[0]);

    if (error) {
        file_put(files[1]);
        return error;
    }
    error = descriptor_install(table, files[1], 0, close_on_exec, &fds[1]);
    if (error)
        descriptor_close(table, fds[0]);
    return error;
}

int
descriptor_replace(struct descriptor_table *table, struct file *file, int fd, bool close_on_exec)
{
    struct file *before;
    int error = (u32)fd >= descriptor_limit() ? -EBADF : 0;

    if (!error && (u32)fd >= table->size)
        error = table_grow(table, (u32)fd + 1);
    if (error) {
        file_put(file);
        return error;
    }
    before = table->files[fd];
    table->files[fd] = file;
    file->descriptors++;
    flag_set(table, fd, close_on_exec);
    if (before)
        file_close(table, before);
    else
        table->count++;
    return 0;
}

int
descriptor_close(struct descriptor_table *table, int fd)
{
    struct file *file;

    if (!table || (u32)fd >= table->size || !table->files[fd])
        return -EBADF;
    file = table->files[fd];
    table->files[fd] = NULL;
    flag_set(table, fd, false);
    table->count--;
    if (fd < table->lowest)
        table->lowest = fd;
    file_close(table, file);
    return 0;
}

int
descriptor_open_standard(struct descriptor_table *table, const char *in, const char *out,
                         const char *error_path)
{
    const char *paths[3] = {in, out, error_path};

    for (int i = 0; i < 3; i++) {
        struct file *file;
        int fd, error = file_open_path(paths[i], i == 0 ? OPEN_READ : OPEN_WRITE, &file);
        if (!error)
            error = descriptor_install(table, file, i, false, &fd);
        if (error)
            return error;
    }
    return 0;
}
