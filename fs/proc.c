/* /proc: a tree made of the registered files (fs/pseudo.h), and a directory for every process, which is
 * fs/proc_task.c's. Directories are what the slashes in the names say. A file's text is made when it is
 * opened and is what that open file shows from then on.
 *
 * An inode's number names it: NUMBER_UNIT times the file's place in the list, plus, for a directory,
 * how many parts of that file's name it stands for. What the files say is in fs/proc_files.c and
 * fs/proc_system.c. */
#include "arch.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/proc_private.h"
#include "fs/pseudo.h"
#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define NUMBER_UNIT 16
#define TEXT_MAX (1u << 20)
#define STORE_MAX 4096u

static struct pool inode_pool = POOL_INIT("proc_inode", struct inode);
static struct proc_file *files, **files_end = &files;
static struct proc_file *subject_files, **subject_files_end = &subject_files;

void
proc_register(struct proc_file *file)
{
    struct proc_file ***end = file->show_subject ? &subject_files_end : &files_end;

    file->next = NULL;
    **end = file;
    *end = &file->next;
}

struct proc_file *
proc_subject_file(unsigned place)
{
    struct proc_file *file = subject_files;

    while (file && place-- > 0)
        file = file->next;
    return file;
}

/* ---- Text ---- */

static bool
text_grow(struct text_buffer *buffer, size_t wanted)
{
    size_t size = buffer->size ? buffer->size : 512;
    char *text;

    while (size < wanted)
        size *= 2;
    text = size <= TEXT_MAX ? heap_alloc(size) : NULL;
    if (!text) {
        buffer->failed = true;
        return false;
    }
    if (buffer->text)
        memcpy(text, buffer->text, buffer->length);
    heap_free(buffer->text);
    buffer->text = text;
    buffer->size = size;
    return true;
}

#define TEXT_PIECE 255 /* longest text of one call of text_print */

void
text_print(struct text_buffer *buffer, const char *format, ...)
{
    va_list arguments;

    if (buffer->failed)
        return;
    if (buffer->size - buffer->length <= TEXT_PIECE &&
        !text_grow(buffer, buffer->length + TEXT_PIECE + 1))
        return;
    va_start(arguments, format);
    buffer->length += format_string_list(buffer->text + buffer->length, TEXT_PIECE + 1, format,
                                         arguments);
    va_end(arguments);
}

void
text_put(struct text_buffer *buffer, const char *bytes, size_t size)
{
    if (buffer->failed || (buffer->size - buffer->length < size &&
                           !text_grow(buffer, buffer->length + size)))
        return;
    memcpy(buffer->text + buffer->length, bytes, size);
    buffer->length += size;
}

/* ---- Files ---- */

static int
text_make(const struct file *file, const struct proc_file *proc, struct text_buffer *buffer)
{
    struct proc_subject subject;

    if (!proc->show_subject) {
        if (proc->show && file_is_readable(file))
            proc->show(buffer);
        return 0;
    }
    if (!proc_subject_find(file->inode, &subject))
        return -ESRCH;
    if (proc->is_private && !proc_subject_visible(&subject))
        return -EACCES;
    proc->show_subject(buffer, &subject);
    return 0;
}

static int
proc_open(struct file *file)
{
    const struct proc_file *proc = file->private;
    struct text_buffer *buffer = heap_alloc(sizeof *buffer);
    int error;

    if (!buffer)
        return -ENOMEM;
    file->private = buffer;
    error = text_make(file, proc, buffer);
    if (!error && buffer->failed && buffer->size < TEXT_MAX)
        error = -ENOMEM;
    if (error) {
        heap_free(buffer->text);
        heap_free(buffer);
    }
    return error;
}

static void
proc_release(struct file *file)
{
    struct text_buffer *buffer = file->private;

    heap_free(buffer->text);
    heap_free(buffer);
}

static int
proc_read(struct file *file, struct iter *iter, u64 *position)
{
    const struct text_buffer *buffer = file->private;
    size_t size;
    int error;

    if (*position >= buffer->length)
        return 0;
    size = MIN(iter->left, buffer->length - (size_t)*position);
    error = iter_put(iter, buffer->text + *position, size);
    *position += iter->done;
    return iter->done ? 0 : error;
}

static int
proc_write(struct file *file, struct iter *iter, u64 *position)
{
    const struct proc_file *proc = file->inode->private;
    size_t size = iter->left;
    char *text;
    int error;

    if (!proc->store)
        return -EACCES;
    if (size > STORE_MAX)
        return -EINVAL;
    text = heap_alloc(size + 1);
    if (!text)
        return -ENOMEM;
    error = iter_take(iter, text, size);
    if (!error) {
        text[size] = 0;
        error = proc->store(text, size);
    }
    heap_free(text);
    return error;
}

const struct file_ops proc_text_ops = {
    .open = proc_open,
    .read = proc_read,
    .write = proc_write,
    .release = proc_release,
};

/* ---- The tree ---- */

/* The number's file, and how many parts of its name the inode stands for (0: all). */
static struct proc_file *
file_of(u64 number, unsigned *parts)
{
    struct proc_file *file = files;

    *parts = number % NUMBER_UNIT;
    for (u64 i = 1; file && i < number / NUMBER_UNIT; i++)
        file = file->next;
    return file;
}

/* The length of the first `parts` parts of a name, with the slash behind them. */
static size_t
prefix_length(const char *name, unsigned parts)
{
    size_t length = 0;

    while (parts > 0 && name[length])
        if (name[length++] == '/')
            parts--;
    return length;
}

/* What a directory's inode stands for: the text before its names. */
static void
directory_prefix(const struct inode *directory, const char **prefix, size_t *length)
{
    unsigned parts;
    struct proc_file *file;

    *prefix = "";
    *length = 0;
    if (directory->number == PROC_ROOT)
        return;
    file = file_of(directory->number, &parts);
    *prefix = file->name;
    *length = prefix_length(file->name, parts);
}

static unsigned
slashes_in(const char *text, size_t length)
{
    unsigned slashes = 0;

    for (size_t i = 0; i < length; i++)
        slashes += text[i] == '/';
    return slashes;
}

/* The length of the part of `file`'s name that lies directly in the directory with this prefix; 0: it
 * is elsewhere. */
static size_t
part_in(const struct proc_file *file, const char *prefix, size_t length)
{
    size_t part = 0;

    if (strncmp(file->name, prefix, length) != 0)
        return 0;
    while (file->name[length + part] && file->name[length + part] != '/')
        part++;
    return part;
}

/* The number of that part, if `file` is place `place` in the list. */
static u64
number_of_part(const struct proc_file *file, u64 place, size_t length, size_t part)
{
    bool leaf = !file->name[length + part];
    return place * NUMBER_UNIT + (leaf ? 0 : slashes_in(file->name, length) + 1);
}

/* The first file whose name goes through the same part: the one that numbers a directory. */
static u64
number_find(const char *prefix, size_t length, const char *name, size_t size, bool *directory)
{
    u64 place = 1;

    for (struct proc_file *file = files; file; file = file->next, place++)
        if (part_in(file, prefix, length) == size && memcmp(file->name + length, name, size) == 0) {
            *directory = file->name[length + size] != 0;
            return number_of_part(file, place, length, size);
        }
    return 0;
}

/* The prefix of a directory is "a/b/": its parent's is "a/", in which it is called "b". The parent's
 * number is found in the same way, one level up. */
static int
proc_lookup_parent(struct inode *directory, const char *prefix, size_t length,
                   struct inode **inode)
{
    bool is_directory;
    size_t up = length - 1, above;

    while (up > 0 && prefix[up - 1] != '/')
        up--; /* the parent's prefix ends here */
    if (up == 0)
        return inode_find(directory->filesystem, PROC_ROOT, inode);
    above = up - 1;
    while (above > 0 && prefix[above - 1] != '/')
        above--;
    return inode_find(directory->filesystem,
                      number_find(prefix, above, prefix + above, up - 1 - above, &is_directory),
                      inode);
}

/* What only the root has. */
static u64
root_number(const char *name, size_t size)
{
    if (size == 4 && memcmp(name, "self", 4) == 0)
        return PROC_SELF;
    if (size == 11 && memcmp(name, "thread-self", 11) == 0)
        return PROC_THREAD_SELF;
    return proc_task_number(name, size);
}

static int
proc_lookup(struct inode *directory, const char *name, size_t size, struct inode **inode)
{
    const char *prefix;
    size_t length;
    u64 number;
    bool is_directory;

    directory_prefix(directory, &prefix, &length);
    if (size == 2 && name[0] == '.' && name[1] == '.')
        return proc_lookup_parent(directory, prefix, length, inode);
    number = number_find(prefix, length, name, size, &is_directory);
    if (!number && directory->number == PROC_ROOT)
        number = root_number(name, size);
    return number ? inode_find(directory->filesystem, number, inode) : -ENOENT;
}

/* What only the root has: `at` is the position of its first. */
static int
root_list(u64 at, u64 position, directory_emit emit, void *argument)
{
    int result = 0;

    if (position <= at)
        result = emit(argument, "self", 4, PROC_SELF, 10, at + 1);
    if (!result && position <= at + 1)
        result = emit(argument, "thread-self", 11, PROC_THREAD_SELF, 10, at + 2);
    return result ? result : proc_task_list(position, emit, argument);
}

static int
proc_read_directory(struct inode *directory, u64 position, directory_emit emit, void *argument)
{
    const char *prefix;
    size_t length;
    u64 place = 1;
    int result = 0;

    directory_prefix(directory, &prefix, &length);
    if (position == 0)
        result = emit(argument, ".", 1, directory->number, 4, 1);
    if (!result && position <= 1)
        result = emit(argument, "..", 2, PROC_ROOT, 4, 2);
    for (struct proc_file *file = files; file && !result; file = file->next, place++) {
        size_t part = part_in(file, prefix, length);
        bool is_directory;
        u64 number;
        if (!part || position > place + 1)
            continue;
        number = number_find(prefix, length, file->name + length, part, &is_directory);
        if (number == number_of_part(file, place, length, part)) /* not seen before */
            result = emit(argument, file->name + length, part, number, is_directory ? 4 : 8,
                          place + 2);
    }
    if (!result && directory->number == PROC_ROOT)
        result = root_list(place + 1, position, emit, argument);
    return result;
}

static int
proc_truncate(struct inode *inode, u64 size)
{
    return 0; /* `echo word >file` opens with O_TRUNC */
}

static const struct inode_ops proc_inode_ops = {
    .lookup = proc_lookup,
    .read_directory = proc_read_directory,
    .truncate = proc_truncate,
};

/* /proc/self and /proc/thread-self lead to whoever reads them. */
static int
self_read_link(struct inode *inode, char *target, size_t size, size_t *length)
{
    const struct task *task = current_task();
    u32 pid = task->process ? task->process->id : 0;

    if (pid == 0)
        return -ENOENT;
    if (inode->number == PROC_SELF)
        *length = format_string(target, size, "%u", pid);
    else
        *length = format_string(target, size, "%u/task/%u", pid, task->tid);
    return 0;
}

static const struct inode_ops self_ops = {.read_link = self_read_link};

/* ---- Inodes ---- */

static struct inode *
proc_inode_alloc(struct filesystem *filesystem)
{
    return pool_alloc(&inode_pool);
}

static void
proc_inode_free(struct inode *inode)
{
    pool_free(&inode_pool, inode);
}

static int
proc_inode_read(struct inode *inode)
{
    unsigned parts = 1;
    struct proc_file *file = inode->number == PROC_ROOT ? NULL : file_of(inode->number, &parts);

    inode_touch_all(inode);
    if (inode->number >= PROC_TASKS)
        return proc_task_inode_read(inode);
    if (inode->number == PROC_SELF || inode->number == PROC_THREAD_SELF) {
        inode->mode = MODE_SYMLINK | 0777;
        inode->links = 1;
        inode->ops = &self_ops;
        return 0;
    }
    inode->ops = &proc_inode_ops;
    if (inode->number == PROC_ROOT || parts > 0) {
        inode->mode = MODE_DIRECTORY | 0555;
        inode->links = 2;
        inode->file_ops = &file_directory_ops;
        return 0;
    }
    if (!file)
        return -ENOENT;
    inode->mode = MODE_REGULAR | (file->store || file->ops ? 0644 : 0444);
    inode->links = 1;
    inode->file_ops = file->ops ? file->ops : &proc_text_ops;
    inode->private = file;
    return 0;
}

#define PROC_MAGIC 0x9fa0u /* linux/magic.h */

static void
proc_statistics(struct filesystem *filesystem, struct filesystem_statistics *statistics)
{
    statistics->magic = PROC_MAGIC;
}

int
proc_create(struct filesystem **result)
{
    static const struct filesystem_ops ops = {
        .inode_alloc = proc_inode_alloc,
        .inode_read = proc_inode_read,
        .inode_free = proc_inode_free,
        .statistics = proc_statistics,
    };
    static struct filesystem filesystem = {
        .type = "proc",
        .ops = &ops,
        .names_vary = true,
        .transient = true,
    };

    filesystem.device = filesystem_device_new();
    *result = &filesystem;
    return inode_find(&filesystem, PROC_ROOT, &filesystem.root);
}
