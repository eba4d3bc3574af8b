/* /dev: the registered character devices, every disk as a block device to be read, some links and a place
 * for /dev/shm. What is in it is looked up when asked, so a device may register at any time.
 *
 * Its own devices: null, zero, full, random, urandom. */
#include "arch.h"
#include "drivers/block.h"
#include "fs/direct.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pseudo.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/random.h"
#include "kernel/string.h"

#define ROOT_NUMBER 1
#define LINK_NUMBER 0x10    /* the first symbolic link's inode */
#define SHARED_NUMBER 0x20  /* the directory for a file system in memory: shm_open(3) */
#define DEVICE_NUMBER 0x100 /* the first registered device's inode */
#define DISK_NUMBER 0x10000 /* the first disk's */
#define DEVICE(major, minor) ((major) << 8 | (minor))

static struct pool inode_pool = POOL_INIT("dev_inode", struct inode);
static struct device_file *devices, **devices_end = &devices;
static const struct file_ops disk_file_ops;

void
device_register(struct device_file *file)
{
    file->next = NULL;
    *devices_end = file;
    devices_end = &file->next;
}

static const struct {
    const char *name, *target;
} links[] = {
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
};

/* ---- The directory ---- */

static bool
name_is(const char *name, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(name, wanted, length) == 0;
}

static int
dev_lookup(struct inode *directory, const char *name, size_t length, struct inode **inode)
{
    u64 number = DEVICE_NUMBER;

    if (directory->number != ROOT_NUMBER)
        return name_is(name, length, "..")
                   ? inode_find(directory->filesystem, ROOT_NUMBER, inode) : -ENOENT;
    for (struct device_file *device = devices; device; device = device->next, number++)
        if (name_is(name, length, device->name))
            return inode_find(directory->filesystem, number, inode);
    for (unsigned i = 0; i < ARRAY_SIZE(links); i++)
        if (name_is(name, length, links[i].name))
            return inode_find(directory->filesystem, LINK_NUMBER + i, inode);
    if (name_is(name, length, "shm"))
        return inode_find(directory->filesystem, SHARED_NUMBER, inode);
    number = DISK_NUMBER;
    for (struct disk *disk = disk_first(); disk; disk = disk->next, number++)
        if (name_is(name, length, disk->name))
            return inode_find(directory->filesystem, number, inode);
    return -ENOENT;
}

static int
dev_read_directory(struct inode *directory, u64 position, directory_emit emit, void *argument)
{
    u64 at = 0, number = DEVICE_NUMBER;
    int result = 0;

    if (position <= at++)
        result = emit(argument, ".", 1, directory->number, 4, at);
    if (!result && position <= at++)
        result = emit(argument, "..", 2, ROOT_NUMBER, 4, at);
    if (directory->number != ROOT_NUMBER)
        return result;
    for (unsigned i = 0; i < ARRAY_SIZE(links) && !result; i++)
        if (position <= at++)
            result = emit(argument, links[i].name, strlen(links[i].name), LINK_NUMBER + i, 10, at);
    if (!result && position <= at++)
        result = emit(argument, "shm", 3, SHARED_NUMBER, 4, at);
    for (struct device_file *device = devices; device && !result; device = device->next, number++)
        if (position <= at++)
            result = emit(argument, device->name, strlen(device->name), number, 2, at);
    number = DISK_NUMBER;
    for (struct disk *disk = disk_first(); disk && !result; disk = disk->next, number++)
        if (position <= at++)
            result = emit(argument, disk->name, strlen(disk->name), number, 6, at);
    return result;
}

static int
dev_read_link(struct inode *inode, char *target, size_t size, size_t *length)
{
    const char *text = links[inode->number - LINK_NUMBER].target;

    *length = MIN(size, strlen(text));
    memcpy(target, text, *length);
    return 0;
}

static const struct inode_ops dev_inode_ops = {
    .lookup = dev_lookup,
    .read_directory = dev_read_directory,
    .read_link = dev_read_link,
};

/* ---- Inodes ---- */

static struct inode *
dev_inode_alloc(struct filesystem *filesystem)
{
    return pool_alloc(&inode_pool);
}

static void
dev_inode_free(struct inode *inode)
{
    pool_free(&inode_pool, inode);
}

static int
dev_inode_read_disk(struct inode *inode)
{
    struct disk *disk = disk_first();

    for (u64 i = DISK_NUMBER; disk && i < inode->number; i++)
        disk = disk->next;
    if (!disk)
        return -ENOENT;
    inode->mode = MODE_BLOCK | 0440;
    inode->device = disk->id;
    inode->file_ops = &disk_file_ops;
    inode->private = disk;
    return 0;
}

static int
dev_inode_read_device(struct inode *inode)
{
    struct device_file *device = devices;

    for (u64 i = DEVICE_NUMBER; device && i < inode->number; i++)
        device = device->next;
    if (!device)
        return -ENOENT;
    inode->mode = MODE_CHARACTER | device->mode;
    inode->device = device->device;
    inode->file_ops = device->ops;
    inode->private = device->private;
    return 0;
}

static int
dev_inode_read(struct inode *inode)
{
    inode->ops = &dev_inode_ops;
    inode->links = 1;
    inode_touch_all(inode);
    if (inode->number >= DISK_NUMBER)
        return dev_inode_read_disk(inode);
    if (inode->number >= DEVICE_NUMBER)
        return dev_inode_read_device(inode);
    if (inode->number >= LINK_NUMBER && inode->number < LINK_NUMBER + ARRAY_SIZE(links)) {
        inode->mode = MODE_SYMLINK | 0777;
        inode->size = strlen(links[inode->number - LINK_NUMBER].target);
        return 0;
    }
    inode->mode = MODE_DIRECTORY | 0755;
    inode->links = 2;
    inode->file_ops = &file_directory_ops;
    return 0;
}

int
dev_create(struct filesystem **result)
{
    static const struct filesystem_ops ops = {
        .inode_alloc = dev_inode_alloc,
        .inode_read = dev_inode_read,
        .inode_free = dev_inode_free,
    };
    static struct filesystem filesystem = {
        .type = "dev",
        .ops = &ops,
        .names_vary = true,
    };

    filesystem.device = filesystem_device_new();
    *result = &filesystem;
    return inode_find(&filesystem, ROOT_NUMBER, &filesystem.root);
}

/* ---- Disks ---- */

static int
disk_read(struct file *file, struct iter *iter, u64 *position)
{
    struct disk *disk = file->private;

    if (file->flags & OPEN_DIRECT)
        return direct_read_disk(disk, iter, position);
    return file_read_pages(file, &disk->object, disk->sectors * SECTOR_SIZE, iter, position);
}

#define BLKGETSIZE 0x1260 /* linux/fs.h */
#define BLKGETSIZE64 0x80041272

static int
disk_ioctl(struct file *file, u32 command, uintptr_t argument)
{
    struct disk *disk = file->private;
    u64 bytes = disk->sectors * SECTOR_SIZE;
    u32 sectors = (u32)disk->sectors;

    switch (command) {
    case BLKGETSIZE: return copy_to_user((void *)argument, &sectors, sizeof sectors);
    case BLKGETSIZE64: return copy_to_user((void *)argument, &bytes, sizeof bytes);
    default: return -ENOTTY;
    }
}

static u64
disk_end(struct file *file)
{
    const struct disk *disk = file->private;

    return disk->sectors * SECTOR_SIZE;
}

static const struct file_ops disk_file_ops = {
    .read = disk_read,
    .ioctl = disk_ioctl,
    .end = disk_end,
};

/* ---- null, zero, full, random ---- */

static int
null_read(struct file *file, struct iter *iter, u64 *position)
{
    return 0;
}

static int
null_write(struct file *file, struct iter *iter, u64 *position)
{
    iter->done = iter->left;
    iter->left = 0;
    return 0;
}

static int
full_write(struct file *file, struct iter *iter, u64 *position)
{
    return -ENOSPC;
}

static int
zero_read(struct file *file, struct iter *iter, u64 *position)
{
    int error = 0;

    while (!error && iter->left > 0) {
        error = iter_put_zeros_part(iter, MIN(iter->left, (size_t)PAGE_SIZE));
        if (!error && iter->left > 0)
            error = schedule_point();
    }
    return iter->done ? 0 : error;
}

static int
random_read(struct file *file, struct iter *iter, u64 *position)
{
    int error = 0;

    while (!error && iter->left > 0) {
        char bytes[128];
        random_bytes(bytes, sizeof bytes);
        error = iter_put_part(iter, bytes, MIN(iter->left, sizeof bytes));
        if (!error && iter->left > 0)
            error = schedule_point();
    }
    return iter->done ? 0 : error;
}

/* ---- Start ---- */

static const struct file_ops null_ops = {
    .read = null_read,
    .write = null_write,
    .no_position = true,
};
static const struct file_ops zero_ops = {
    .read = zero_read,
    .write = null_write,
    .no_position = true,
};
static const struct file_ops full_ops = {
    .read = zero_read,
    .write = full_write,
    .no_position = true,
};
static const struct file_ops random_ops = {
    .read = random_read,
    .write = null_write,
    .no_position = true,
};
void
dev_init(void)
{
    /* Numbers: Linux's Documentation/admin-guide/devices.txt. */
    static struct device_file own[] = {
        {.name = "null", .mode = 0666, .device = DEVICE(1, 3), .ops = &null_ops},
        {.name = "zero", .mode = 0666, .device = DEVICE(1, 5), .ops = &zero_ops},
        {.name = "full", .mode = 0666, .device = DEVICE(1, 7), .ops = &full_ops},
        {.name = "random", .mode = 0666, .device = DEVICE(1, 8), .ops = &random_ops},
        {.name = "urandom", .mode = 0666, .device = DEVICE(1, 9), .ops = &random_ops},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
        device_register(&own[i]);
}
