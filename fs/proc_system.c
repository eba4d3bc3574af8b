/* What /proc tells of the machine and the kernel, in Linux's formats (proc(5)) where Linux has the file:
 * times, processor, devices, names; and all tasks and fibrils, of which Linux knows nothing. */
#include "arch.h"
#include "drivers/block.h"
#include "fs/file.h"
#include "fs/pseudo.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/inspect.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/system_names.h"
#include "kernel/task.h"
#include "kernel/timer.h"

#define TICKS_PER_CLOCK 10u /* ours, of 1 ms, in one of USER_HZ, 1/100 s */
#define NS_PER_CLOCK 10000000u

/* ---- Times ---- */

static bool
task_is_ready(const struct task *task)
{
    const struct fibril *fibril;

    list_for_each(fibril, &task->fibrils, task_link)
        if (fibril->kind != FIBRIL_IDLE &&
            (fibril->state == FIBRIL_RUNNING || fibril->state == FIBRIL_READY))
            return true;
    return false;
}

struct task_counts {
    u32 all, ready, last_id;
};

static void
tasks_count(struct task_counts *counts)
{
    const struct task *task;

    *counts = (struct task_counts){0};
    list_for_each(task, task_list(), all_link) {
        counts->all++;
        counts->ready += task_is_ready(task);
        counts->last_id = MAX(counts->last_id, task->tid);
    }
}

static void
print_processor_times(struct text_buffer *buffer, const char *name)
{
    u32 all = (u32)(time_now_ns() / NS_PER_CLOCK);
    u32 user = cpu.user_ticks / TICKS_PER_CLOCK, idle = cpu.idle_ticks / TICKS_PER_CLOCK;
    u32 system = all - MIN(all, user + idle);

    text_print(buffer, "%s %u 0 %u %u 0 0 0 0 0 0\n", name, user, system, idle);
}

static void
show_stat(struct text_buffer *buffer)
{
    struct task_counts counts;

    tasks_count(&counts);
    print_processor_times(buffer, "cpu ");
    print_processor_times(buffer, "cpu0");
    text_print(buffer, "intr 0\nctxt %u\nbtime %llu\nprocesses %u\n", cpu.switches,
               (unsigned long long)(time_boot_unix_ns() / 1000000000u), counts.last_id);
    text_print(buffer, "procs_running %u\nprocs_blocked 0\n", counts.ready);
}

static void
show_uptime(struct text_buffer *buffer)
{
    u64 up = time_now_ns() / NS_PER_CLOCK;
    u32 idle = cpu.idle_ticks / TICKS_PER_CLOCK;

    text_print(buffer, "%llu.%02u %u.%02u\n", (unsigned long long)(up / 100), (u32)(up % 100),
               idle / 100, idle % 100);
}

/* The averages of load are not kept. */
static void
show_loadavg(struct text_buffer *buffer)
{
    struct task_counts counts;

    tasks_count(&counts);
    text_print(buffer, "0.00 0.00 0.00 %u/%u %u\n", counts.ready, counts.all, counts.last_id);
}

/* ---- Names ---- */

static void
show_version(struct text_buffer *buffer)
{
    text_print(buffer, "%s version %s (gcc %s) %s\n", system_names.system, system_names.release,
               __VERSION__, system_names.version);
}

static void
show_hostname(struct text_buffer *buffer)
{
    text_print(buffer, "%s\n", system_names.node);
}

static void
show_ostype(struct text_buffer *buffer)
{
    text_print(buffer, "%s\n", system_names.system);
}

static void
show_osrelease(struct text_buffer *buffer)
{
    text_print(buffer, "%s\n", system_names.release);
}

static void
show_kernel_version(struct text_buffer *buffer)
{
    text_print(buffer, "%s\n", system_names.version);
}

/* Numbers ascend without end; this is what programs that print them have room for. */
static void
show_pid_max(struct text_buffer *buffer)
{
    text_print(buffer, "4194304\n");
}

static void
show_pipe_max(struct text_buffer *buffer)
{
    text_print(buffer, "1048576\n");
}

/* ---- Processor and devices ---- */

static void
show_cpuinfo(struct text_buffer *buffer)
{
    struct processor_description processor;
    const char *name = processor.name;

    processor_describe(&processor);
    while (*name == ' ')
        name++;
    text_print(buffer, "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
               processor.vendor, processor.family, processor.model);
    text_print(buffer, "model name\t: %s\nstepping\t: %u\nfpu\t\t: yes\n",
               *name ? name : "unknown", processor.stepping);
    text_print(buffer, "flags\t\t:");
    for (unsigned i = 0; i < processor.flag_count; i++)
        text_print(buffer, " %s", processor.flags[i]);
    text_print(buffer, "\n\n");
}

static void
show_devices(struct text_buffer *buffer)
{
    text_print(buffer, "Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n"
                       "240 hostlink\n\nBlock devices:\n");
    for (struct disk *disk = disk_first(); disk; disk = disk->next)
        if (!disk->whole || disk->whole == disk)
            text_print(buffer, "%3u %s\n", disk->id >> 8, disk->name);
}

static void
show_partitions(struct text_buffer *buffer)
{
    text_print(buffer, "major minor  #blocks  name\n\n");
    for (struct disk *disk = disk_first(); disk; disk = disk->next)
        text_print(buffer, "%4u %8u %10llu %s\n", disk->id >> 8, disk->id & 0xff,
                   (unsigned long long)(disk->sectors / 2), disk->name);
}

/* ---- Tasks ---- */

static void
show_tasks(struct text_buffer *buffer)
{
    const struct task *task;

    text_print(buffer, "# task process state fibrils ms calls blocked name\n");
    list_for_each(task, task_list(), all_link)
        text_print(buffer, "%u %u %s %u %llu %u %u %s\n", task->tid,
                   task->process ? task->process->id : 0, task_is_ready(task) ? "ready" : "waiting",
                   task->fibril_count, (unsigned long long)task->run_ticks, task->calls_started,
                   task->calls_blocked, task->process ? task->process->name : "kernel");
}

/* ---- Fibrils: there may be a hundred thousand, so the text is made piece by piece while it is read,
 * each piece in one go; the next one goes on behind the last fibril shown ---- */

#define PIECE (32u << 10)
#define BACKTRACE_DEPTH 12

struct fibril_listing {
    struct text_buffer text;
    size_t given; /* of the text */
    u32 tid, fibril; /* shown last */
    bool begun;
};

/* Blanks in it would be taken for the ends of columns. */
static void
print_word(struct text_buffer *buffer, const char *word)
{
    for (; *word; word++)
        text_put(buffer, *word == ' ' ? "_" : word, 1);
}

/* id, task, kind, state, call, wait channel, asleep for so many ms, most bytes of stack used (0: not
 * known), program, and the functions it is in, innermost first. */
static void
print_fibril(struct text_buffer *buffer, const struct fibril *fibril)
{
    static const char *const kinds[] = {"call", "user", "idle"};
    uintptr_t addresses[BACKTRACE_DEPTH], offset;
    bool sleeping = fibril->state == FIBRIL_SLEEPING;
    unsigned count = fibril_backtrace(fibril, addresses, BACKTRACE_DEPTH);

    text_print(buffer, "%u %u %s %s %s ", fibril->id, fibril->task->tid, kinds[fibril->kind],
               fibril_state_name(fibril),
               fibril->call_number == NO_CALL ? "-" : syscall_name(fibril->call_number));
    print_word(buffer, sleeping && fibril->wait_channel ? fibril->wait_channel : "-");
    text_print(buffer, " %u %u ", fibril_sleeping_ms(fibril), fibril_stack_used(fibril));
    print_word(buffer, fibril->task->process->name);
    for (unsigned i = 0; i < count; i++)
        text_print(buffer, "%c%s", i == 0 ? ' ' : '<', symbol_find(addresses[i] - 1, &offset));
    text_put(buffer, "\n", 1);
}

/* Prints from the task's fibrils behind listing->fibril; false: the piece is full. */
static bool
print_fibrils_of(struct fibril_listing *listing, const struct task *task)
{
    const struct fibril *fibril;

    list_for_each(fibril, &task->fibrils, task_link) {
        if (fibril->id <= listing->fibril)
            continue;
        if (listing->text.length >= PIECE)
            return false;
        print_fibril(&listing->text, fibril);
        listing->fibril = fibril->id;
    }
    return true;
}

static void
next_piece(struct fibril_listing *listing)
{
    const struct task *task;

    listing->text.length = listing->given = 0;
    if (!listing->begun)
        text_print(&listing->text, "# fibril task kind state call channel ms stack name backtrace\n");
    list_for_each(task, task_list(), all_link) {
        if (listing->begun && task->tid < listing->tid)
            continue;
        if (!listing->begun || task->tid != listing->tid)
            listing->fibril = 0;
        listing->tid = task->tid;
        listing->begun = true;
        if (!print_fibrils_of(listing, task))
            return;
    }
}

static int
fibrils_open(struct file *file)
{
    file->private = heap_alloc(sizeof(struct fibril_listing));
    return file->private ? 0 : -ENOMEM;
}

static void
fibrils_release(struct file *file)
{
    struct fibril_listing *listing = file->private;

    heap_free(listing->text.text);
    heap_free(listing);
}

static int
fibrils_read(struct file *file, struct iter *iter, u64 *position)
{
    struct fibril_listing *listing = file->private;
    int error = 0;

    while (!error && iter->left > 0) {
        size_t size;
        if (listing->given == listing->text.length)
            next_piece(listing);
        if (listing->text.failed)
            return -ENOMEM;
        size = MIN(iter->left, listing->text.length - listing->given);
        if (size == 0)
            break;
        error = iter_put(iter, listing->text.text + listing->given, size);
        if (!error)
            listing->given += size;
    }
    *position += iter->done;
    return iter->done ? 0 : error;
}

static const struct file_ops fibrils_ops = {
    .open = fibrils_open,
    .read = fibrils_read,
    .release = fibrils_release,
};

void
proc_system_files_init(void)
{
    static struct proc_file files[] = {
        {.name = "stat", .show = show_stat},
        {.name = "uptime", .show = show_uptime},
        {.name = "loadavg", .show = show_loadavg},
        {.name = "version", .show = show_version},
        {.name = "cpuinfo", .show = show_cpuinfo},
        {.name = "devices", .show = show_devices},
        {.name = "partitions", .show = show_partitions},
        {.name = "tasks", .show = show_tasks},
        {.name = "fibrils", .ops = &fibrils_ops},
        {.name = "sys/kernel/hostname", .show = show_hostname},
        {.name = "sys/kernel/ostype", .show = show_ostype},
        {.name = "sys/kernel/osrelease", .show = show_osrelease},
        {.name = "sys/kernel/version", .show = show_kernel_version},
        {.name = "sys/kernel/pid_max", .show = show_pid_max},
        {.name = "sys/fs/pipe-max-size", .show = show_pipe_max},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
        proc_register(&files[i]);
}
