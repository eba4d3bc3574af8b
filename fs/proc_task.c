/* /proc/PID and /proc/PID/task/TID: a directory for every process and every task of it, with the files
 * that were registered for them (what those say is in fs/proc_task_files.c and with whoever registered
 * them), links to what the task has, and its open files.
 *
 * An inode holds nothing of the process: its number says whom it speaks of, and that one is looked up
 * anew each time, for it may have gone. The inodes themselves are not kept (transient). */
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/file_map.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "fs/proc_private.h"
#include "fs/pseudo.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/map_source.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/task.h"

/* An inode's number: PROC_TASKS, the tid or pid from TASK_SHIFT on, what of it in the bits below; a file
 * in fd or fdinfo has its descriptor, plus one, from FD_SHIFT on. */
#define TASK_SHIFT 8
#define FD_SHIFT 44
#define THREAD 0x80u /* in /proc/PID/task/TID */
enum {
    WHAT_TOP = 1, /* the process's or task's directory */
    WHAT_TASKS,   /* /proc/PID/task */
    WHAT_FD,
    WHAT_FD_INFO,
    WHAT_CWD,
    WHAT_ROOT,
    WHAT_EXE,
    WHAT_FILES, /* the registered files from here on */
};

static const struct inode_ops top_ops, tasks_ops, fd_ops, link_ops, file_ops;

static u64
number_of(u32 id, unsigned what, bool thread)
{
    return PROC_TASKS + ((u64)id << TASK_SHIFT) + what + (thread ? THREAD : 0);
}

static u32
id_of(const struct inode *inode)
{
    u64 number = inode->number & ((1ull << FD_SHIFT) - 1);

    return (u32)((number - PROC_TASKS) >> TASK_SHIFT);
}

static unsigned
what_of(const struct inode *inode)
{
    return inode->number & (THREAD - 1);
}

static bool
is_thread(const struct inode *inode)
{
    return inode->number & THREAD;
}

static int
fd_of(const struct inode *inode)
{
    return (int)(inode->number >> FD_SHIFT) - 1;
}

/* ---- Whom it is about ---- */

bool
proc_subject_find(const struct inode *inode, struct proc_subject *subject)
{
    u32 id = id_of(inode);

    subject->whole = !is_thread(inode);
    if (!subject->whole) {
        subject->task = task_find(id);
        subject->process = subject->task ? subject->task->process : NULL;
        return subject->process && subject->process->id != 0;
    }
    subject->process = process_find(id);
    if (!subject->process || id == 0)
        return false;
    subject->task = list_empty(&subject->process->tasks)
                        ? NULL
                        : list_first(&subject->process->tasks, struct task, process_link);
    return true;
}

bool
proc_subject_visible(const struct proc_subject *subject)
{
    const struct credentials *own = current_credentials();
    const struct credentials *other = subject->task ? subject->task->credentials : NULL;

    return !own || own->euid == 0 || (other && own->euid == other->uid && own->euid == other->euid);
}

/* The task, with the right to look into it. */
static int
task_open(const struct inode *inode, struct task **task)
{
    struct proc_subject subject;

    if (!proc_subject_find(inode, &subject))
        return -ESRCH;
    if (!proc_subject_visible(&subject))
        return -EACCES;
    *task = subject.task;
    return subject.task ? 0 : -ENOENT;
}

/* ---- Names that are numbers ---- */

/* 0: it is none. */
static u32
number_parse(const char *name, size_t length)
{
    u32 number = 0;

    if (length == 0 || length > 9 || (name[0] == '0' && length > 1))
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        number = 10 * number + (u32)(name[i] - '0');
    }
    return number;
}

u64
proc_task_number(const char *name, size_t length)
{
    u32 pid = number_parse(name, length);

    return pid && process_find(pid) ? number_of(pid, WHAT_TOP, false) : 0;
}

static int
emit_number(directory_emit emit, void *argument, u32 number, u64 inode_number, u8 type, u64 next)
{
    char name[12];
    size_t length = format_string(name, sizeof name, "%u", number);

    return emit(argument, name, length, inode_number, type, next);
}

/* The process with the lowest number from `pid` on: numbers ascend in the list. 0: none. */
static u32
process_from(u64 pid)
{
    struct process *process;

    list_for_each(process, process_list(), all_link)
        if (process->id >= pid && process->id != 0)
            return process->id;
    return 0;
}

int
proc_task_list(u64 position, directory_emit emit, void *argument)
{
    u64 pid = position > PROC_LIST_TASKS ? position - PROC_LIST_TASKS : 1;
    int result = 0;

    while (!result && (pid = process_from(pid)) != 0) {
        result = emit_number(emit, argument, (u32)pid, number_of((u32)pid, WHAT_TOP, false), 4,
                             PROC_LIST_TASKS + pid + 1);
        pid++;
    }
    return result;
}

/* ---- The directory of a process or task ---- */

struct fixed_entry {
    const char *name;
    u8 what, type;
};
static const struct fixed_entry fixed_entries[] = {
    {"fd", WHAT_FD, 4},     {"fdinfo", WHAT_FD_INFO, 4}, {"cwd", WHAT_CWD, 10},
    {"root", WHAT_ROOT, 10}, {"exe", WHAT_EXE, 10},       {"task", WHAT_TASKS, 4},
};

static bool
name_is(const char *name, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(name, wanted, length) == 0;
}

static int
top_parent(struct inode *directory, struct inode **inode)
{
    struct proc_subject subject;
    u64 number = PROC_ROOT;

    if (!proc_subject_find(directory, &subject))
        return -ENOENT;
    if (is_thread(directory))
        number = number_of(subject.process->id, WHAT_TASKS, false);
    return inode_find(directory->filesystem, number, inode);
}

static int
top_lookup(struct inode *directory, const char *name, size_t length, struct inode **inode)
{
    u32 id = id_of(directory);
    bool thread = is_thread(directory);
    struct proc_file *file;

    if (name_is(name, length, ".."))
        return top_parent(directory, inode);
    for (unsigned i = 0; i < ARRAY_SIZE(fixed_entries) - thread; i++)
        if (name_is(name, length, fixed_entries[i].name))
            return inode_find(directory->filesystem, number_of(id, fixed_entries[i].what, thread),
                              inode);
    for (unsigned i = 0; (file = proc_subject_file(i)) != NULL; i++)
        if (name_is(name, length, file->name))
            return inode_find(directory->filesystem, number_of(id, WHAT_FILES + i, thread), inode);
    return -ENOENT;
}

/* "." and ".." of any directory here. */
static int
emit_dots(struct inode *directory, u64 position, directory_emit emit, void *argument)
{
    int result = 0;

    if (position == 0)
        result = emit(argument, ".", 1, directory->number, 4, 1);
    if (!result && position <= 1)
        result = emit(argument, "..", 2, PROC_ROOT, 4, 2);
    return result;
}

static int
top_read_directory(struct inode *directory, u64 position, directory_emit emit, void *argument)
{
    unsigned fixed = ARRAY_SIZE(fixed_entries) - is_thread(directory);
    u32 id = id_of(directory);
    int result = emit_dots(directory, position, emit, argument);

    for (unsigned place = position > 2 ? (unsigned)position - 2 : 0; !result; place++) {
        struct proc_file *file = place < fixed ? NULL : proc_subject_file(place - fixed);
        unsigned what = WHAT_FILES + place - fixed;
        const char *name;
        if (place >= fixed && !file)
            break;
        if (place < fixed)
            what = fixed_entries[place].what;
        name = file ? file->name : fixed_entries[place].name;
        result = emit(argument, name, strlen(name), number_of(id, what, is_thread(directory)),
                      file ? 8 : fixed_entries[place].type, place + 3);
    }
    return result;
}

static const struct inode_ops top_ops = {
    .lookup = top_lookup,
    .read_directory = top_read_directory,
};

/* ---- /proc/PID/task ---- */

static int
tasks_lookup(struct inode *directory, const char *name, size_t length, struct inode **inode)
{
    const struct task *task;
    u32 tid;

    if (name_is(name, length, ".."))
        return inode_find(directory->filesystem, number_of(id_of(directory), WHAT_TOP, false),
                          inode);
    tid = number_parse(name, length);
    task = tid ? task_find(tid) : NULL;
    if (!task || task->process->id != id_of(directory))
        return -ENOENT;
    return inode_find(directory->filesystem, number_of(tid, WHAT_TOP, true), inode);
}

/* The process's task with the lowest number from `tid` on; 0: none. */
static u32
task_from(u32 pid, u64 tid)
{
    const struct process *process = process_find(pid);
    const struct task *task;
    u32 found = 0;

    if (process)
        list_for_each(task, &process->tasks, process_link)
            if (task->tid >= tid && (found == 0 || task->tid < found))
                found = task->tid;
    return found;
}

static int
tasks_read_directory(struct inode *directory, u64 position, directory_emit emit, void *argument)
{
    u64 tid = position > 2 ? position - 2 : 1;
    int result = emit_dots(directory, position, emit, argument);

    while (!result && (tid = task_from(id_of(directory), tid)) != 0) {
        result = emit_number(emit, argument, (u32)tid, number_of((u32)tid, WHAT_TOP, true), 4,
                             tid + 3);
        tid++;
    }
    return result;
}

static const struct inode_ops tasks_ops = {
    .lookup = tasks_lookup,
    .read_directory = tasks_read_directory,
};

/* ---- /proc/PID/fd, fdinfo ---- */

/* The task's descriptor table, referenced. */
static int
table_open(const struct inode *inode, struct descriptor_table **table)
{
    struct task *task;
    int error = task_open(inode, &task);

    if (error)
        return error;
    *table = task->files;
    return *table && descriptor_table_try_get(*table) ? 0 : -ENOENT;
}

/* The open file that the inode stands for, referenced. */
static int
file_of_link(const struct inode *inode, struct file **file)
{
    struct descriptor_table *table;
    int error = table_open(inode, &table);

    if (error)
        return error;
    error = descriptor_table_file(table, fd_of(inode), file);
    descriptor_table_put(table);
    return error ? -ENOENT : 0;
}

static int
fd_lookup(struct inode *directory, const char *name, size_t length, struct inode **inode)
{
    u32 fd = number_parse(name, length);
    struct descriptor_table *table;
    int error;

    if (name_is(name, length, ".."))
        return inode_find(directory->filesystem,
                          number_of(id_of(directory), WHAT_TOP, is_thread(directory)), inode);
    if (fd == 0 && !name_is(name, length, "0"))
        return -ENOENT;
    error = table_open(directory, &table);
    if (error)
        return error;
    if (descriptor_flag(table, (int)fd) < 0)
        error = -ENOENT;
    descriptor_table_put(table);
    if (error)
        return error;
    return inode_find(directory->filesystem, directory->number + ((u64)(fd + 1) << FD_SHIFT),
                      inode);
}

static int
fd_read_directory(struct inode *directory, u64 position, directory_emit emit, void *argument)
{
    u8 type = what_of(directory) == WHAT_FD ? 10 : 8;
    int fd = position > 2 ? (int)position - 2 : 0;
    struct descriptor_table *table;
    int result = emit_dots(directory, position, emit, argument), error;

    error = table_open(directory, &table);
    if (error)
        return error;
    while (!result && (fd = descriptor_next(table, fd)) >= 0) {
        result = emit_number(emit, argument, (u32)fd,
                             directory->number + ((u64)((u32)fd + 1) << FD_SHIFT), type,
                             (u64)fd + 3);
        fd++;
    }
    descriptor_table_put(table);
    return result;
}

static const struct inode_ops fd_ops = {
    .lookup = fd_lookup,
    .read_directory = fd_read_directory,
};

/* ---- Links ---- */

static int
file_jump(const struct inode *link, struct inode **inode)
{
    struct file *file;
    int error = file_of_link(link, &file);

    if (error)
        return error;
    *inode = file->inode;
    if (*inode)
        inode_get(*inode);
    file_put(file);
    return *inode ? 0 : -ENXIO;
}

/* The program that the task runs. */
static int
program_jump(const struct task *task, struct inode **inode)
{
    const struct address_space *space = task->space;
    bool alive = space && space->references > 0;

    *inode = alive && space->program ? file_map_inode(space->program) : NULL;
    if (!*inode)
        return -ENOENT;
    inode_get(*inode);
    return 0;
}

static int
link_jump(struct inode *link, struct inode **inode)
{
    struct task *task;
    int error;

    if (fd_of(link) >= 0)
        return file_jump(link, inode);
    error = task_open(link, &task);
    if (error)
        return error;
    if (what_of(link) == WHAT_EXE)
        return program_jump(task, inode);
    if (!task->directories)
        return -ENOENT;
    *inode = what_of(link) == WHAT_CWD ? task->directories->working : task->directories->root;
    inode_get(*inode);
    return 0;
}

/* What a link to something without a path says. */
static size_t
describe_unnamed(const struct inode *inode, char *text, size_t size)
{
    u32 type = inode->mode & MODE_TYPE;
    const char *kind = type == MODE_FIFO ? "pipe" : type == MODE_SOCKET ? "socket" : "anon_inode";

    return format_string(text, size, "%s:[%llu]", kind, (unsigned long long)inode->number);
}

/* A path made upwards in a page of its own, then copied; `size` is what the reader wants of it. */
static int
describe_path(struct inode *inode, char *target, size_t size, size_t *length)
{
    struct page *page = page_alloc();
    const char *path;
    int error;

    if (!page)
        return -ENOMEM;
    error = path_of_inode(inode, page_address(page), &path);
    if (!error) {
        *length = MIN(strlen(path), size);
        memcpy(target, path, *length);
    }
    page_put(page);
    return error;
}

static int
link_read(struct inode *link, char *target, size_t size, size_t *length)
{
    struct inode *inode;
    int error = link_jump(link, &inode);

    if (error)
        return error;
    if (strcmp(inode->filesystem->type, "anonymous") == 0) {
        *length = describe_unnamed(inode, target, size);
    } else {
        error = describe_path(inode, target, size, length);
        if (error == -ENOENT) { /* its name is not known any more */
            *length = format_string(target, size, "/ (deleted)");
            error = 0;
        }
    }
    inode_put(inode);
    return error;
}

static const struct inode_ops link_ops = {.read_link = link_read, .jump = link_jump};
static const struct inode_ops file_ops = {0};

/* ---- fdinfo: the text of one file, about one descriptor ---- */

static int
fd_info_open(struct file *file)
{
    struct descriptor_table *table;
    struct file *other;
    char *text;
    int flag, error = table_open(file->inode, &table);

    if (error)
        return error;
    flag = descriptor_flag(table, fd_of(file->inode));
    error = descriptor_table_file(table, fd_of(file->inode), &other);
    descriptor_table_put(table);
    if (error)
        return -ENOENT;
    text = heap_alloc(128);
    if (text)
        format_string(text, 128, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t0\nino:\t%llu\n",
                      (unsigned long long)other->position,
                      other->flags | (flag > 0 ? OPEN_CLOSE_ON_EXEC : 0),
                      (unsigned long long)(other->inode ? other->inode->number : 0));
    file_put(other);
    file->private = text;
    return text ? 0 : -ENOMEM;
}

static void
fd_info_release(struct file *file)
{
    heap_free(file->private);
}

static int
fd_info_read(struct file *file, struct iter *iter, u64 *position)
{
    const char *text = file->private;
    size_t length = strlen(text);
    int error;

    if (*position >= length)
        return 0;
    error = iter_put(iter, text + *position, MIN(iter->left, length - (size_t)*position));
    *position += iter->done;
    return error;
}

static const struct file_ops fd_info_ops = {
    .open = fd_info_open,
    .read = fd_info_read,
    .release = fd_info_release,
};

/* ---- Inodes ---- */

static void
directory_fill(struct inode *inode, u32 permissions, const struct inode_ops *ops)
{
    inode->mode = MODE_DIRECTORY | permissions;
    inode->links = 2;
    inode->ops = ops;
    inode->file_ops = &file_directory_ops;
}

static void
link_fill(struct inode *inode)
{
    inode->mode = MODE_SYMLINK | 0777;
    inode->links = 1;
    inode->ops = &link_ops;
}

/* A link in fd shows by its permissions how the file is open. */
static int
open_file_fill(struct inode *inode)
{
    struct file *file;
    int error = file_of_link(inode, &file);

    if (error)
        return error;
    if (what_of(inode) == WHAT_FD) {
        link_fill(inode);
        inode->mode = MODE_SYMLINK | 0100 | (file_is_readable(file) ? 0400 : 0) |
                      (file_is_writable(file) ? 0200 : 0);
        inode->size = 64;
    } else {
        inode->mode = MODE_REGULAR | 0400;
        inode->links = 1;
        inode->ops = &file_ops;
        inode->file_ops = &fd_info_ops;
    }
    file_put(file);
    return 0;
}

static int
text_fill(struct inode *inode)
{
    struct proc_file *file = proc_subject_file(what_of(inode) - WHAT_FILES);

    if (!file)
        return -ENOENT;
    inode->mode = MODE_REGULAR | (file->is_private ? 0400 : 0444);
    inode->links = 1;
    inode->ops = &file_ops;
    inode->file_ops = &proc_text_ops;
    inode->private = file;
    return 0;
}

int
proc_task_inode_read(struct inode *inode)
{
    struct proc_subject subject;

    if (!proc_subject_find(inode, &subject))
        return -ENOENT;
    if (subject.task && subject.task->credentials) {
        inode->uid = subject.task->credentials->euid;
        inode->gid = subject.task->credentials->egid;
    }
    if (fd_of(inode) >= 0)
        return open_file_fill(inode);
    switch (what_of(inode)) {
    case WHAT_TOP: directory_fill(inode, 0555, &top_ops); return 0;
    case WHAT_TASKS: directory_fill(inode, 0555, &tasks_ops); return 0;
    case WHAT_FD:
    case WHAT_FD_INFO: directory_fill(inode, 0500, &fd_ops); return 0;
    case WHAT_CWD:
    case WHAT_ROOT:
    case WHAT_EXE: link_fill(inode); return 0;
    default: return text_fill(inode);
    }
}
