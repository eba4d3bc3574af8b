/* Start-up of the file systems: see fs.h. The one file of this folder that knows all the others. */
#include "fs/fs.h"

#include "arch.h"
#include "drivers/block.h"
#include "fs/anonymous.h"
#include "fs/cache.h"
#include "fs/disk_object.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/memory_file.h"
#include "fs/name_cache.h"
#include "fs/path.h"
#include "fs/pseudo.h"
#include "fs/ramfs.h"
#include "fs/read_ahead.h"
#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/log.h"

void
fs_init(void)
{
    cache_init();
    inode_init();
    name_cache_init();
    read_ahead_init();
    anonymous_init();
    memory_file_init();
    dev_init();
    kernel_log_init();
    host_files_init();
    proc_files_init();
    proc_system_files_init();
    proc_task_files_init();
}

void
fs_disks_found(void)
{
    for (struct disk *disk = disk_first(); disk; disk = disk->next)
        if (!disk->object.ops)
            disk_object_init(disk);
}

/* ---- Mounting ---- */

static int
mount_at_root(struct filesystem *filesystem)
{
    int error = path_mount(filesystem, NULL);

    if (!error)
        log_line("root: %s%s%s", filesystem->type, filesystem->disk ? " on " : "",
                 filesystem->disk ? filesystem->disk->name : "");
    return error;
}

/* Makes the directories that an image would have, in a root in memory. */
static void
root_make_directories(struct filesystem *filesystem)
{
    static const char *const names[] = {"dev", "proc", "tmp", "mnt", "bin"};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        struct inode *inode;
        size_t length = 0;
        while (names[i][length])
            length++;
        if (!filesystem->root->ops->create(filesystem->root, names[i], length,
                                           MODE_DIRECTORY | 0755, 0, 0, &inode))
            inode_put(inode);
    }
}

int
fs_mount_root(struct disk *disk)
{
    struct filesystem *filesystem;
    int error;

    fs_disks_found();
    error = disk ? filesystem_mount_disk(disk, &filesystem) : ramfs_create(&filesystem);
    if (error)
        return error;
    if (!disk)
        root_make_directories(filesystem);
    return mount_at_root(filesystem);
}

/* One that is always there; a root without its directory does without it. */
static int
mount_pseudo(int (*create)(struct filesystem **filesystem), const char *path)
{
    struct filesystem *filesystem;
    int error = create(&filesystem);

    if (error)
        return error;
    error = path_mount(filesystem, path);
    if (error)
        log_line("%s: not mounted, the root has no such directory (error %d)", path, -error);
    return error == -ENOMEM ? error : 0;
}

int
fs_mount_pseudo(void)
{
    int error = mount_pseudo(dev_create, "/dev");

    if (!error)
        error = mount_pseudo(proc_create, "/proc");
    if (!error)
        error = mount_pseudo(ramfs_create, "/tmp");
    if (!error)
        error = mount_pseudo(ramfs_create, "/dev/shm");
    return error;
}

static bool
disk_mounted(const struct disk *disk)
{
    for (struct filesystem *fs = path_first_mount(); fs; fs = fs->next)
        if (fs->disk == disk || (fs->disk && fs->disk->whole == disk))
            return true;
    return false;
}

static bool
has_partitions(const struct disk *whole)
{
    for (struct disk *disk = disk_first(); disk; disk = disk->next)
        if (disk != whole && disk->whole == whole)
            return true;
    return false;
}

/* /mnt gets a file system in memory, so that there can be a directory for every disk. */
static int
mount_points_make(struct filesystem **points)
{
    int error = ramfs_create(points);

    if (!error)
        error = path_mount(*points, "/mnt");
    if (error)
        log_line("no data disks are mounted: the root has no directory /mnt (error %d)", -error);
    return error;
}

static int
data_disk_mount(struct filesystem *points, struct filesystem *filesystem, unsigned number)
{
    struct inode *inode;
    char path[16], *name = path + 5; /* behind "/mnt/" */
    size_t length = format_string(path, sizeof path, "/mnt/%u", number);
    int error = points->root->ops->create(points->root, name, length - 5, MODE_DIRECTORY | 0755, 0,
                                          0, &inode);

    if (error)
        return error;
    inode_put(inode);
    return path_mount(filesystem, path);
}

void
fs_mount_data_disks(struct disk *root)
{
    struct filesystem *points = NULL;
    unsigned number = 0;

    fs_disks_found();
    for (struct disk *disk = disk_first(); disk; disk = disk->next) {
        struct filesystem *filesystem;
        int error;
        if (disk == root || (root && root->whole == disk) || disk_mounted(disk) ||
            has_partitions(disk))
            continue;
        error = filesystem_mount_disk(disk, &filesystem);
        if (error == -EINVAL)
            continue; /* nothing that we know */
        if (!error && !points && mount_points_make(&points))
            return;
        if (!error)
            error = data_disk_mount(points, filesystem, number);
        if (error)
            log_line("%s: not mounted at /mnt/%u (error %d)", disk->name, number, -error);
        else
            log_line("/mnt/%u: %s on %s", number, filesystem->type, disk->name);
        number++;
    }
}

/* ---- Files from modules ---- */

int
fs_add_file(const char *path, const void *contents, size_t size, u32 mode)
{
    struct file *file;
    struct iter iter;
    int error = file_open(NULL, path, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE | OPEN_LARGE, mode, &file);

    if (error)
        return error;
    iter_init_kernel(&iter, (void *)contents, size);
    error = file_write(file, &iter, NULL);
    if (!error && iter.left > 0)
        error = -ENOSPC;
    file_put(file);
    return error;
}
