/* What /proc/PID tells of a process or task, in Linux's formats (proc(5)). Each function makes one file's
 * text, on the fibril that opens it. None sleeps while it uses the task; the one that has to (maps, which
 * looks for paths) holds the address space and looks the process up no more. */
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file_map.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "fs/pseudo.h"
#include "fs/tty.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/map_source.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define TICKS_PER_CLOCK 10u      /* ours, of 1 ms, in one of USER_HZ, 1/100 s */
#define NS_PER_CLOCK 10000000u
#define KIB_PER_PAGE (PAGE_SIZE / 1024)

/* ---- State ---- */

struct state {
    char letter;
    const char *word;
};

static bool
has_ready_fibril(const struct task *task)
{
    const struct fibril *fibril;

    list_for_each(fibril, &task->fibrils, task_link)
        if (fibril->state == FIBRIL_RUNNING || fibril->state == FIBRIL_READY)
            return true;
    return false;
}

static struct state
state_of(const struct proc_subject *subject)
{
    if (!subject->task)
        return (struct state){'Z', "zombie"};
    if (subject->process->stopped)
        return (struct state){'T', "stopped"};
    if (has_ready_fibril(subject->task))
        return (struct state){'R', "running"};
    return (struct state){'S', "sleeping"};
}

/* Its address space, unless that is being given up. */
static struct address_space *
space_of(const struct proc_subject *subject)
{
    struct address_space *space = subject->task ? subject->task->space : NULL;

    return space && space->references > 0 ? space : NULL;
}

static u32
number_of(const struct proc_subject *subject)
{
    return subject->whole ? subject->process->id : subject->task->tid;
}

/* ---- Signals ---- */

struct signals {
    u64 pending, shared, blocked, ignored, caught;
};

static void
signals_of(const struct proc_subject *subject, struct signals *signals)
{
    const struct process *process = subject->process;
    const struct task *task = subject->task;

    *signals = (struct signals){.shared = process->signals.set};
    if (task) {
        signals->pending = task->signals.set;
        signals->blocked = task->user ? task->user->signal_mask : 0;
    }
    if (!process->handlers || !task)
        return;
    for (unsigned i = 0; i < SIGNALS; i++) {
        u32 handler = process->handlers->actions[i].handler;
        if (handler == HANDLER_IGNORE)
            signals->ignored |= 1ull << i;
        else if (handler != HANDLER_DEFAULT)
            signals->caught |= 1ull << i;
    }
}

/* ---- stat: one line of numbers, their order in proc(5) ---- */

static void
usage_of(const struct proc_subject *subject, struct process_usage *usage)
{
    if (subject->whole)
        process_usage(subject->process, usage);
    else
        task_usage(subject->task, usage);
}

static void
print_clocks(struct text_buffer *buffer, const struct process_usage *usage)
{
    text_print(buffer, " %llu %llu", (unsigned long long)(usage->user_ticks / TICKS_PER_CLOCK),
               (unsigned long long)((usage->ticks - usage->user_ticks) / TICKS_PER_CLOCK));
}

static void
print_memory(struct text_buffer *buffer, const struct address_space *space)
{
    if (!space) {
        text_print(buffer, " 0 0 4294967295 0 0 0 0 0");
        return;
    }
    text_print(buffer, " %zu %u 4294967295 %u %u %u 0 0", address_space_size(space),
               space->page_count, 1u, 1u, (u32)space->arguments_start);
}

static void
print_strings(struct text_buffer *buffer, const struct address_space *space)
{
    if (space)
        text_print(buffer, " 0 0 %u %u %u %u %u", (u32)space->heap_start,
                   (u32)space->arguments_start, (u32)space->arguments_end,
                   (u32)space->environment_start, (u32)space->environment_end);
    else
        text_print(buffer, " 0 0 0 0 0 0 0");
}

static void
show_stat(struct text_buffer *buffer, const struct proc_subject *subject)
{
    const struct process *process = subject->process;
    const struct tty *tty = tty_of_process(process);
    struct process_usage usage;
    struct signals signals;
    int nice = subject->task ? subject->task->nice : 0;

    usage_of(subject, &usage);
    signals_of(subject, &signals);
    text_print(buffer, "%u (%s) %c %u %u %u", number_of(subject), process->name,
               state_of(subject).letter, process->parent->id, process->group, process->session);
    text_print(buffer, " %u %d 4194304 %u %u 0 0", tty ? 4u << 8 | 64 : 0,
               tty ? (int)tty->foreground : -1, usage.faults, process->children_usage.faults);
    print_clocks(buffer, &usage);
    print_clocks(buffer, &process->children_usage);
    text_print(buffer, " %d %d %u 0 %llu", 20 + nice, nice, process->task_count,
               (unsigned long long)(process->started_ns / NS_PER_CLOCK));
    print_memory(buffer, space_of(subject));
    text_print(buffer, " %u %u %u %u %u", (u32)signals.pending, (u32)signals.blocked,
               (u32)signals.ignored, (u32)signals.caught,
               subject->task && subject->task->user && subject->task->user->wait_channel ? 1u : 0);
    text_print(buffer, " 0 0 %d 0 0 0 0 0 0", process->exit_signal);
    print_strings(buffer, space_of(subject));
    text_print(buffer, " %d\n", subject->task ? 0 : process->exit_status);
}

/* ---- status ---- */

static void
print_groups(struct text_buffer *buffer, const struct credentials *credentials)
{
    text_print(buffer, "Uid:\t%u\t%u\t%u\t%u\n", credentials->uid, credentials->euid,
               credentials->saved_uid, credentials->euid);
    text_print(buffer, "Gid:\t%u\t%u\t%u\t%u\nGroups:\t", credentials->gid, credentials->egid,
               credentials->saved_gid, credentials->egid);
    for (u32 i = 0; i < credentials->group_count; i++)
        text_print(buffer, "%u ", credentials->groups[i]);
    text_print(buffer, "\n");
}

static void
print_sizes(struct text_buffer *buffer, const struct address_space *space)
{
    u32 size = (u32)(address_space_size(space) / 1024);

    text_print(buffer, "VmPeak:\t%8u kB\nVmSize:\t%8u kB\nVmLck:\t%8u kB\n", size, size, 0u);
    text_print(buffer, "VmHWM:\t%8u kB\nVmRSS:\t%8u kB\n", space->pages_most * KIB_PER_PAGE,
               space->page_count * KIB_PER_PAGE);
}

static void
print_signals(struct text_buffer *buffer, const struct proc_subject *subject)
{
    struct signals signals;

    signals_of(subject, &signals);
    text_print(buffer, "SigPnd:\t%016llx\nShdPnd:\t%016llx\n", (unsigned long long)signals.pending,
               (unsigned long long)signals.shared);
    text_print(buffer, "SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
               (unsigned long long)signals.blocked, (unsigned long long)signals.ignored,
               (unsigned long long)signals.caught);
}

static void
show_status(struct text_buffer *buffer, const struct proc_subject *subject)
{
    const struct process *process = subject->process;
    const struct task *task = subject->task;
    struct state state = state_of(subject);

    text_print(buffer, "Name:\t%s\n", process->name);
    if (task && task->directories)
        text_print(buffer, "Umask:\t%04o\n", task->directories->umask);
    text_print(buffer, "State:\t%c (%s)\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n",
               state.letter, state.word, process->id, number_of(subject), process->parent->id);
    if (task && task->credentials)
        print_groups(buffer, task->credentials);
    if (task && task->files)
        text_print(buffer, "FDSize:\t%u\nFDs:\t%u\n", descriptor_table_size(task->files),
                   descriptor_count(task->files));
    if (space_of(subject))
        print_sizes(buffer, space_of(subject));
    text_print(buffer, "Threads:\t%u\n", process->task_count);
    print_signals(buffer, subject);
    if (task)
        text_print(buffer, "Fibrils:\t%u\n", task->fibril_count);
}

static void
show_statm(struct text_buffer *buffer, const struct proc_subject *subject)
{
    const struct address_space *space = space_of(subject);
    u32 size = space ? (u32)(address_space_size(space) / PAGE_SIZE) : 0;

    text_print(buffer, "%u %u 0 0 0 %u 0\n", size, space ? space->page_count : 0, size);
}

static void
show_comm(struct text_buffer *buffer, const struct proc_subject *subject)
{
    text_print(buffer, "%s\n", subject->process->name);
}

static void
show_wchan(struct text_buffer *buffer, const struct proc_subject *subject)
{
    const struct fibril *fibril = subject->task ? subject->task->user : NULL;

    if (fibril && fibril->state == FIBRIL_SLEEPING && fibril->wait_channel)
        text_print(buffer, "%s", fibril->wait_channel);
    else
        text_print(buffer, "0");
}

/* ---- Strings in its memory ---- */

static void
print_range(struct text_buffer *buffer, const struct address_space *space, uintptr_t start,
            uintptr_t end)
{
    while (start < end) {
        char piece[128];
        size_t size = address_space_peek(space, start, piece, MIN(end - start, sizeof piece));
        if (size == 0)
            return;
        text_put(buffer, piece, size);
        start += size;
    }
}

static void
show_cmdline(struct text_buffer *buffer, const struct proc_subject *subject)
{
    const struct address_space *space = space_of(subject);

    if (space)
        print_range(buffer, space, space->arguments_start, space->arguments_end);
}

static void
show_environ(struct text_buffer *buffer, const struct proc_subject *subject)
{
    const struct address_space *space = space_of(subject);

    if (space)
        print_range(buffer, space, space->environment_start, space->environment_end);
}

/* ---- maps ---- */

/* One area, copied: the list may change while its path is looked for. */
struct shown_area {
    struct area area; /* its source is referenced */
    const char *kind; /* instead of a path; or NULL */
};

/* The first area that ends behind `address`. */
static bool
area_take(struct address_space *space, uintptr_t address, struct shown_area *shown)
{
    struct area *area;

    list_for_each(area, &space->areas, link) {
        if (area->end <= address)
            continue;
        shown->area = *area;
        map_source_get(area->source);
        shown->kind = NULL;
        if (!area->source && area->end == USER_STACK_TOP)
            shown->kind = "[stack]";
        else if (!area->source && area->start < space->heap_end && area->end > space->heap_start)
            shown->kind = "[heap]";
        return true;
    }
    return false;
}

static void
print_area(struct text_buffer *buffer, const struct shown_area *shown, char *space)
{
    const struct area *area = &shown->area;
    struct inode *inode = area->source ? file_map_inode(area->source) : NULL;
    const char *text = shown->kind ? shown->kind : "";

    text_print(buffer, "%08x-%08x %c%c%c%c %08x %02x:%02x %llu", (u32)area->start, (u32)area->end,
               area->protection & PROTECTION_READ ? 'r' : '-',
               area->protection & PROTECTION_WRITE ? 'w' : '-',
               area->protection & PROTECTION_EXECUTE ? 'x' : '-', area->shared ? 's' : 'p',
               inode ? area->source_page << PAGE_SHIFT : 0,
               inode ? inode->filesystem->device >> 8 : 0,
               inode ? inode->filesystem->device & 0xff : 0,
               (unsigned long long)(inode ? inode->number : 0));
    if (inode && path_of_inode(inode, space, &text))
        text = "/ (deleted)";
    text_print(buffer, "%s", *text ? "                          " : "");
    text_put(buffer, text, strlen(text));
    text_print(buffer, "\n");
}

static void
show_maps(struct text_buffer *buffer, const struct proc_subject *subject)
{
    struct address_space *space = space_of(subject);
    struct page *page = page_alloc();
    struct shown_area shown;
    uintptr_t address = 0;

    if (!page)
        buffer->failed = true;
    if (page && space) {
        address_space_get(space);
        while (!buffer->failed && area_take(space, address, &shown)) {
            print_area(buffer, &shown, page_address(page));
            map_source_put(shown.area.source);
            address = shown.area.end;
        }
        address_space_put(space);
    }
    if (page)
        page_put(page);
}

/* ---- limits ---- */

static void
print_limit(struct text_buffer *buffer, u32 limit)
{
    if (limit == LIMIT_NONE)
        text_print(buffer, "%-20s ", "unlimited");
    else
        text_print(buffer, "%-20u ", limit);
}

static void
show_limits(struct text_buffer *buffer, const struct proc_subject *subject)
{
    static const struct { const char *name, *unit; } names[] = {
        {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
        {"Max data size", "bytes"},      {"Max stack size", "bytes"},
        {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"},  {"Max open files", "files"},
        {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
    };

    text_print(buffer, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        text_print(buffer, "%-25s ", names[i].name);
        print_limit(buffer, subject->process->limits[i].soft);
        print_limit(buffer, subject->process->limits[i].hard);
        text_print(buffer, "%-10s\n", names[i].unit);
    }
}

void
proc_task_files_init(void)
{
    static struct proc_file files[] = {
        {.name = "stat", .show_subject = show_stat},
        {.name = "status", .show_subject = show_status},
        {.name = "statm", .show_subject = show_statm},
        {.name = "comm", .show_subject = show_comm},
        {.name = "cmdline", .show_subject = show_cmdline},
        {.name = "environ", .show_subject = show_environ, .is_private = true},
        {.name = "maps", .show_subject = show_maps},
        {.name = "limits", .show_subject = show_limits},
        {.name = "wchan", .show_subject = show_wchan},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
        proc_register(&files[i]);
}
