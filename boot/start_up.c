/* The first fibril that may sleep: brings up devices and file systems, runs the programs that the
 * command line names, waits for them, and ends the machine. */
#include "arch.h"
#include "boot/boot_information.h"
#include "boot/command_line.h"
#include "boot/init.h"
#include "boot/options.h"
#include "boot/start.h"
#include "drivers/ata/ata.h"
#include "drivers/block.h"
#include "drivers/hostlink.h"
#include "drivers/ramdisk.h"
#include "drivers/rtc.h"
#include "fs/cache.h"
#include "fs/console.h"
#include "fs/ext2/ext2_fs.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "fs/pseudo.h"
#include "fs/read_ahead.h"
#include "kernel/async/aio.h"
#include "kernel/async/asys.h"
#include "kernel/async/force.h"
#include "kernel/async/head.h"
#include "kernel/async/threadlet.h"
#include "kernel/async/self_test.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/sys/measure.h"
#include "kernel/sys/program.h"
#include "kernel/sys/provoke.h"
#include "kernel/sys/self_test.h"
#include "kernel/task.h"

#define EXIT_NORMAL 0x10u
#define EXIT_FAILED 0x11u /* the first init did not end with 0 */

static const struct boot_module *root_module;

/* ---- Modules ---- */

static u32
octal_of(const char *text)
{
    u32 value = 0;
    while (*text >= '0' && *text <= '7')
        value = value * 8 + (u32)(*text++ - '0');
    return value;
}

/* "file=PATH mode=0755" becomes that file, "root" is the root image. */
static void
module_take(const struct boot_module *module)
{
    static struct command_line line;
    const char *path = NULL;
    u32 mode = 0644;
    command_line_parse(module->string, &line);
    for (unsigned i = 0; i < line.count; i++) {
        const char *value;
        if ((value = command_word_value(line.words[i], "file")))
            path = value;
        else if ((value = command_word_value(line.words[i], "mode")))
            mode = octal_of(value);
        else if (!strcmp(line.words[i], "root"))
            root_module = module;
    }
    if (!path)
        return;
    int error = fs_add_file(path, physical_to_virtual(module->start), module->end - module->start,
                            mode);
    if (error)
        log_line("boot: module %s: error %d", path, error);
    for (u32 at = ALIGN_UP(module->start, PAGE_SIZE); !error && at + PAGE_SIZE <= module->end;
         at += PAGE_SIZE)
        page_allocator_add(at, at + PAGE_SIZE); /* copied: its memory is free now */
}

static void
modules_find_root(void)
{
    for (unsigned i = 0; i < boot_information.module_count; i++) {
        const char *words = boot_information.modules[i].string;
        size_t length = strlen(words);
        if (length >= 4 && !strcmp(words + length - 4, "root"))
            root_module = &boot_information.modules[i];
    }
    if (!root_module)
        return;
    int error = ramdisk_create(physical_to_virtual(root_module->start),
                               root_module->end - root_module->start, NULL);
    if (error)
        log_line("boot: the root module cannot be used: error %d", error);
}

static void
modules_take(void)
{
    for (unsigned i = 0; i < boot_information.module_count; i++)
        if (&boot_information.modules[i] != root_module)
            module_take(&boot_information.modules[i]);
}

/* ---- The root file system ---- */

static struct disk *
root_by_name(const char *name)
{
    if (!strcmp(name, "module"))
        name = "ram0";
    struct disk *disk = disk_find(name);
    if (!disk || fs_mount_root(disk)) {
        log_line("boot: cannot use %s as the root file system", name);
        return NULL;
    }
    return disk;
}

/* Does an ext2 file system with this label lie there? [EXT2] 3.1: the superblock is at byte 1024, in
 * it s_magic at 56 and s_volume_name at 120. (Whether it is sound is seen when it is mounted.) */
static bool
disk_is_labelled(struct disk *disk, const char *label)
{
    struct page *page;
    if (disk->sectors < PAGE_SIZE / SECTOR_SIZE || cache_get(&disk->object, 0, &page) != 0)
        return false;
    const u8 *super = (const u8 *)page_address(page) + 1024;
    bool same = super[56] == 0x53 && super[57] == 0xef &&
                !strncmp((const char *)super + 120, label, 16);
    page_put(page);
    return same;
}

/* The first disk or partition with a root file system of ours; else the first with any. */
static struct disk *
root_automatic(void)
{
    for (struct disk *disk = disk_first(); disk; disk = disk->next)
        if (disk_is_labelled(disk, "fibril-root") && fs_mount_root(disk) == 0)
            return disk;
    for (struct disk *disk = disk_first(); disk; disk = disk->next)
        if (fs_mount_root(disk) == 0)
            return disk;
    return NULL;
}

static void
file_systems_start(void)
{
    const char *root = boot_options.root;
    fs_disks_found();
    struct disk *disk = strcmp(root, "auto") ? root_by_name(root) : root_automatic();
    if (disk) {
        log_line("boot: root file system on %s", disk->name);
    } else {
        log_line("boot: no root file system: an empty one in memory");
        if (fs_mount_root(NULL))
            panic("no memory for the root file system");
    }
    if (fs_mount_pseudo())
        panic("no memory for /proc and /dev");
    fs_mount_data_disks(disk);
    modules_take();
}

static void
show_ata(struct text_buffer *text)
{
    char line[200];
    ata_describe(line, sizeof(line));
    text_print(text, "%s\n", line);
}

static int
store_ata_fault(const char *text, size_t length)
{
    char copy[64];
    while (length > 0 && text[length - 1] == '\n')
        length--;
    if (length >= sizeof copy)
        return -EINVAL;
    memcpy(copy, text, length);
    copy[length] = 0;
    return ata_fault_set(copy) ? 0 : -EINVAL;
}

static void
show_ata_fault(struct text_buffer *text)
{
    text_print(text, "%s\n", ata_fault_text());
}

static void
show_command_line(struct text_buffer *text)
{
    const char *words = boot_information.command_line;
    text_put(text, words, strlen(words));
    text_print(text, "\n");
}

static void
devices_start(void)
{
    static struct proc_file fault_file = {
        .name = "sys/dev/ata_fault", .show = show_ata_fault, .store = store_ata_fault};
    static struct proc_file ata_file = {.name = "ata", .show = show_ata};
    static struct proc_file command_line_file = {.name = "cmdline", .show = show_command_line};
    time_set_boot_unix_ns(rtc_read() * 1000000000ull - time_now_ns());
    if (boot_options.run_channel && hostlink_start())
        log_line("boot: there is no COM2 for the run channel");
    ata_init();
    modules_find_root();
    proc_register(&ata_file);
    proc_register(&fault_file);
    proc_register(&command_line_file);
}

/* ---- The end ---- */

NORETURN static void
machine_end(int status)
{
    ata_log_counters();
    disks_log_statistics();
    if (boot_options.run_channel)
        init_report(status);
    log_line("boot: the machine stops");
    if (boot_options.exit_debug)
        machine_exit(status ? EXIT_FAILED : EXIT_NORMAL);
    machine_power_off();
}

static void
inject_before(void)
{
    if (boot_options.inject == INJECT_PANIC)
        panic("injected");
    if (boot_options.inject == INJECT_HANG) {
        interrupts_save();
        for (;;)
            ;
    }
}

void
start_up(void *unused)
{
    fs_init();
    read_ahead_switch(!boot_options.read_ahead_off);
    console_start(boot_options.vga);
    ext2_init();
    asys_init();
    aio_init();
    threadlet_init();
    async_head_init();
    async_self_test_init();
    force_init();
    program_init();
    provoke_init();
    self_test_init();
    measure_init();
    devices_start();
    file_systems_start();
    inject_before();
    machine_end(init_run_all());
}
