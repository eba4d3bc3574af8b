/* Running the programs that the command line names: see init.h. */
#include "boot/init.h"
#include "boot/options.h"
#include "drivers/block.h"
#include "drivers/hostlink.h"
#include "fs/cache.h"
#include "fs/descriptor.h"
#include "fs/inode.h"
#include "fs/name_cache.h"
#include "fs/path.h"
#include "fs/read_ahead.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/sys/program.h"
#include "kernel/task.h"

#define STATUS_CANNOT_RUN (127 << 8)

static struct process *processes[INITS_MOST];
static int first_status;

static int
standard_files_open(struct task *task, bool channel)
{
    task->files = descriptor_table_create();
    task->directories = directory_context_create();
    if (!task->files || !task->directories)
        return -ENOMEM;
    if (channel)
        return descriptor_open_standard(task->files, "/dev/hostin", "/dev/hostout", "/dev/hosterr");
    return descriptor_open_standard(task->files, "/dev/console", "/dev/console", "/dev/console");
}

static int
directory_enter(const char *path)
{
    struct inode *directory;
    int error = path_find(NULL, path, PATH_DIRECTORY, &directory);
    if (error)
        return error;
    struct directory_context *context = current_task()->directories;
    inode_put(context->working);
    context->working = directory;
    return 0;
}

static int
words_take(struct string_list *list, const char *const *words, unsigned count)
{
    int error = 0;
    for (unsigned i = 0; i < count && !error; i++)
        error = string_list_add(list, words[i]);
    return error;
}

static int
init_become(unsigned index, struct program_entry *entry)
{
    struct program program = {.path = boot_options.inits[index]};
    int error = words_take(&program.arguments,
                           index == 0 ? boot_options.arguments : &boot_options.inits[index],
                           index == 0 ? boot_options.argument_count : 1);
    if (!error)
        error = words_take(&program.environment, boot_options.environment,
                           boot_options.environment_count);
    if (!error)
        error = program_execute(&program, entry);
    string_list_free(&program.arguments);
    string_list_free(&program.environment);
    return error;
}

/* The first life of an init's user fibril: it becomes the program. */
static void
init_main(void *argument)
{
    unsigned index = (unsigned)(uintptr_t)argument;
    struct program_entry entry;
    int error = standard_files_open(current_task(), index == 0 && boot_options.run_channel);
    if (!error)
        error = directory_enter(boot_options.directory);
    if (!error)
        error = init_become(index, &entry);
    if (error) {
        log_line("init: %s cannot be run: error %d", boot_options.inits[index], error);
        process_exit(STATUS_CANNOT_RUN);
    }
    user_start(entry.instruction, entry.stack);
}

static const char *
base_name(const char *path)
{
    const char *name = path;
    for (; *path; path++)
        if (*path == '/' && path[1])
            name = path + 1;
    return name;
}

static void
inits_start(void)
{
    for (unsigned i = 0; i < boot_options.init_count; i++) {
        struct task *task;
        int error = task_create_process(base_name(boot_options.inits[i]), init_main,
                                        (void *)(uintptr_t)i, &task);
        if (error)
            panic("no memory to start %s", boot_options.inits[i]);
        processes[i] = task->process;
        process_get(task->process);
    }
}

static void
inits_wait(bool report)
{
    for (unsigned i = 0; i < boot_options.init_count; i++) {
        struct process *process = processes[i];
        wait_event(&process->ended, process->task_count == 0);
        if (report && boot_options.inject != INJECT_MISSINGLINE)
            log_line("init: %s (pid %u) ended with status %d", boot_options.inits[i], process->id,
                     process->exit_status);
        if (i == 0)
            first_status = process->exit_status;
        process_put(process);
    }
    process_kill_all(); /* what they have left behind */
    wait_event(&kernel_process.changed, process_count() == 0);
}

/* ---- Leaks: what is there after the first run must be there after the last ---- */

struct resources {
    u32 pages, objects, fibrils;
};

/* A program that ends leaves its disk requests behind; they hold pages until they end (the drivers
 * bound that). */
static void
disks_settle(void)
{
    static struct wait_queue never = WAIT_QUEUE_INIT(never, "disks_settle");
    for (struct disk *disk = disk_first(); disk;) {
        struct disk_statistics statistics;
        disk_statistics_read(disk, &statistics);
        if (statistics.in_flight) {
            wait_event_until(&never, false, time_now_ns() + TICK_NS);
            disk = disk_first();
        } else {
            disk = disk->next;
        }
    }
}

static void
resources_count(struct resources *resources)
{
    (void)read_ahead_drop();
    disks_settle();
    name_cache_drop_all();
    inode_drop_unused();
    cache_drop_all();
    pages_shrink_all();
    resources->pages = pages_free();
    resources->objects = heap_objects();
    resources->fibrils = fibril_counts.alive;
}

static void
leaks_report(const struct resources *before, unsigned runs)
{
    struct resources after;
    resources_count(&after);
    log_line("init: %u runs, leak: pages=%d objects=%d fibrils=%d", runs,
             (int)(before->pages - after.pages), (int)(after.objects - before->objects),
             (int)(after.fibrils - before->fibrils));
}

int
init_run_all(void)
{
    struct resources before;
    for (unsigned run = 1; run <= boot_options.repeat; run++) {
        inits_start();
        inits_wait(run == boot_options.repeat);
        if (boot_options.inject == INJECT_LEAK)
            (void)page_alloc();
        if (run == 1 && boot_options.repeat > 1)
            resources_count(&before);
    }
    if (boot_options.repeat > 1)
        leaks_report(&before, boot_options.repeat);
    if (boot_options.inject == INJECT_BADEXIT)
        first_status ^= 1 << 8;
    return first_status;
}

void
init_report(int status)
{
    int code = status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
    int error = hostlink_write(HOSTLINK_STATUS, &code, sizeof(code));
    if (error)
        log_line("init: the exit status could not be sent: error %d", error);
    hostlink_flush();
}
