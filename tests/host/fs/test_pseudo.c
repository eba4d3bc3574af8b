// sources: fs/proc.c fs/proc_task.c fs/file_map.c fs/dev.c fs/disk_object.c fs/path.c fs/path_text.c fs/inode.c fs/name_cache.c fs/cache.c fs/file.c fs/file_lock.c fs/descriptor.c fs/iter.c fs/regular.c fs/directory.c fs/pipe.c fs/anonymous.c fs/ramfs.c fs/ramfs_directory.c drivers/block.c drivers/block_queue.c drivers/partition.c drivers/ramdisk.c tests/host/support/*.c
/* /proc and /dev: their trees, their files, and disks read as files. */
#include "arch.h"
#include "drivers/block.h"
#include "drivers/ramdisk.h"
#include "fs/cache.h"
#include "fs/disk_object.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/name_cache.h"
#include "fs/path.h"
#include "fs/pseudo.h"
#include "fs/ramfs.h"
#include "host.h"
#include "kernel/errno.h"
#include "kernel/random.h"
#include "kernel/task.h"

static struct task task;
static struct credentials credentials = {.references = 1};
static char stored[64];

void
random_bytes(void *buffer, size_t size)
{
    memset(buffer, 4, size);
}

static struct list no_processes = LIST_INIT(no_processes);

struct list *
process_list(void)
{
    return &no_processes;
}

struct process *
process_find(u32 pid)
{
    return NULL;
}

struct task *
task_find(u32 tid)
{
    return NULL;
}

static void
show_long(struct text_buffer *buffer)
{
    for (int i = 0; i < 1000; i++)
        text_print(buffer, "line %d\n", i);
}

static void
show_endless(struct text_buffer *buffer)
{
    while (!buffer->failed)
        text_print(buffer, "%s\n", "0123456789012345678901234567890123456789012345678901234567890");
}

static int
store(const char *text, size_t length)
{
    if (length > 10)
        return -EINVAL;
    snprintf(stored, sizeof stored, "%s", text);
    return 0;
}

static struct proc_file files[] = {
    {.name = "long", .show = show_long},
    {.name = "sys/vm/word", .show = show_long, .store = store},
    {.name = "sys/vm/other", .show = show_long},
    {.name = "sys/name", .show = show_long},
    {.name = "endless", .show = show_endless},
};

static s64
find(const char *path)
{
    struct inode *inode;
    int error = path_find(NULL, path, 0, &inode);
    s64 number;

    if (error)
        return error;
    number = (s64)inode->number;
    inode_put(inode);
    return number;
}

/* Reads at most `size` bytes of the file, in pieces of 100. */
static long
read_file(const char *path, char *bytes, size_t size)
{
    struct file *file;
    size_t got = 0, before;
    int error = file_open_path(path, OPEN_READ, &file);

    if (error)
        return error;
    do {
        struct iter iter;
        before = got;
        iter_init_kernel(&iter, bytes + got, MIN(size - got, (size_t)100));
        error = file_read(file, &iter, NULL);
        got += iter.done;
    } while (!error && got > before && got < size);
    file_put(file);
    return error ? error : (long)got;
}

static int
write_file(const char *path, const char *text)
{
    struct file *file;
    struct iter iter;
    int error = file_open_path(path, OPEN_WRITE | OPEN_TRUNCATE, &file);

    if (error)
        return error;
    iter_init_kernel(&iter, (char *)text, strlen(text));
    error = file_write(file, &iter, NULL);
    file_put(file);
    return error;
}

struct names {
    char text[400];
};

static int
names_emit(void *argument, const char *name, size_t length, u64 number, u8 type, u64 next)
{
    struct names *names = argument;
    size_t used = strlen(names->text);
    snprintf(names->text + used, sizeof names->text - used, "%.*s%s ", (int)length, name,
             type == 4 ? "/" : "");
    return 0;
}

static int
list(const char *path, struct names *names)
{
    struct inode *inode;
    int error = path_find(NULL, path, 0, &inode);

    names->text[0] = 0;
    if (error)
        return error;
    error = inode->ops->read_directory(inode, 0, names_emit, names);
    inode_put(inode);
    return error;
}

static void
proc_tree(void)
{
    struct names names;
    CHECK(list("/proc", &names) == 0);
    CHECK(!strcmp(names.text, "./ ../ long sys/ endless self thread-self "), "%s", names.text);
    CHECK(list("/proc/sys", &names) == 0 && !strcmp(names.text, "./ ../ vm/ name "), "%s",
          names.text);
    CHECK(list("/proc/sys/vm", &names) == 0 && !strcmp(names.text, "./ ../ word other "), "%s",
          names.text);
    CHECK(find("/proc/sys/vm/..") == find("/proc/sys"));
    CHECK(find("/proc/sys/..") == find("/proc") && find("/proc/..") == find("/"));
    CHECK(find("/proc/sys/vm/../vm/../name") == find("/proc/sys/name"));
    CHECK(find("/proc/sy") == -ENOENT && find("/proc/sys/vm/wor") == -ENOENT);
    CHECK(find("/proc/long/x") == -ENOTDIR && find("/proc/words") == -ENOENT);
    inode_drop_unused();
}

static void
proc_bytes(void)
{
    static char bytes[20000];
    CHECK(read_file("/proc/long", bytes, sizeof bytes) == 8890);
    CHECK(!memcmp(bytes, "line 0\nline 1\n", 14) && !memcmp(bytes + 8890 - 9, "line 999\n", 9));
    CHECK(write_file("/proc/sys/vm/word", "three\n") == 0 && !strcmp(stored, "three\n"));
    CHECK(write_file("/proc/sys/vm/word", "much too long\n") == -EINVAL);
    CHECK(write_file("/proc/long", "x") == -EACCES);
    CHECK(read_file("/proc/endless", bytes, sizeof bytes) == sizeof bytes); /* cut at 1 MiB */
    inode_drop_unused();
}

static void
proc_without_memory(void)
{
    static char bytes[20000];
    for (int limit = 0; limit < 12; limit++) {
        host_alloc_limit = limit;
        long got = read_file("/proc/long", bytes, sizeof bytes);
        host_alloc_limit = -1;
        CHECK(got == 8890 || got == -ENOMEM, "%ld", got);
        inode_drop_unused();
    }
}

static void
devices(void)
{
    char bytes[200];
    struct names names;
    CHECK(list("/dev", &names) == 0);
    CHECK(!strcmp(names.text, "./ ../ fd stdin stdout stderr shm/ null zero full random urandom ram0 "), "%s",
          names.text);
    CHECK(read_file("/dev/null", bytes, sizeof bytes) == 0);
    memset(bytes, 1, sizeof bytes);
    CHECK(read_file("/dev/zero", bytes, sizeof bytes) == sizeof bytes && !bytes[0] && !bytes[199]);
    CHECK(read_file("/dev/random", bytes, sizeof bytes) == sizeof bytes && bytes[199] == 4);
    CHECK(write_file("/dev/full", "x") == -ENOSPC && write_file("/dev/null", "x") == 0);
    CHECK(find("/dev/none") == -ENOENT && write_file("/dev/none", "") == -ENOENT);
    inode_drop_unused();
}

/* 13 sectors: one page and five eighths of another. */
static void
disks_as_files(void)
{
    static char bytes[3 * PAGE_SIZE];
    struct page *page;
    struct disk *disk = disk_find("ram0");
    CHECK(read_file("/dev/ram0", bytes, sizeof bytes) == 13 * 512);
    for (unsigned i = 0; i < 13 * 512; i++)
        CHECK(bytes[i] == (char)(i / 512 + 1), "byte %u", i);
    CHECK(cache_get(&disk->object, 1, &page) == 0);
    CHECK(*((char *)page_address(page) + 5 * 512) == 0); /* behind the end */
    page_put(page);
    CHECK(cache_get(&disk->object, 2, &page) == -EIO);
    CHECK(write_file("/dev/ram0", "x") == -EINVAL);
    cache_drop_object(&disk->object);
    CHECK(cache_get_run(&disk->object, 0, 10, &page) == 0);
    page_put(page);
    host_alloc_limit = 1; /* a page, but no request */
    CHECK(cache_get(&disk->object, 2, &page) < 0);
    host_alloc_limit = -1;
    cache_drop_all();
    inode_drop_unused();
}

int
main(void)
{
    struct filesystem *root, *other;
    static char contents[13 * 512];

    cache_init();
    inode_init();
    name_cache_init();
    cpu.task = &task;
    task.credentials = &credentials;
    for (unsigned i = 0; i < sizeof contents; i++)
        contents[i] = (char)(i / 512 + 1);
    if (ramdisk_create(contents, sizeof contents, NULL) || !disk_find("ram0"))
        return 1;
    disk_object_init(disk_find("ram0"));
    for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
        proc_register(&files[i]);
    dev_init();
    if (ramfs_create(&root) || path_mount(root, NULL))
        return 1;
    for (int i = 0; i < 2; i++) {
        struct inode *inode;
        if (root->root->ops->create(root->root, i ? "proc" : "dev", i ? 4 : 3,
                                    MODE_DIRECTORY | 0755, 0, 0, &inode))
            return 1;
        inode_put(inode);
        if ((i ? proc_create(&other) : dev_create(&other)) ||
            path_mount(other, i ? "/proc" : "/dev"))
            return 1;
    }
    RUN_TEST(proc_tree);
    RUN_TEST(proc_bytes);
    RUN_TEST(proc_without_memory);
    RUN_TEST(devices);
    RUN_TEST(disks_as_files);
    return test_result();
}
