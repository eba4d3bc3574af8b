/* The fake disk: an image in memory, served one command at a time when the kernel code sleeps. */
#include "ext2_host.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch.h"
#include "fs/cache.h"
#include "fs/disk_object.h"
#include "fs/ext2/ext2_fs.h"
#include "fs/file.h"
#include "fs/read_ahead.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"

struct host_faults host_faults;
u32 host_requests;
static u8 *bytes;
static size_t size;

/* The address sanitizer keeps freed pages aside; too many of them cost more time than all else. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
    return "quarantine_size_mb=16";
}

/* fs/ext2 only names them. */
const struct file_ops file_regular_ops, file_directory_ops;

static void
kick(struct disk *disk)
{
    (void)disk;
}

static const struct disk_driver driver = {.kick = kick};
struct disk host_disk = {.name = "test0",
                         .sector_size = 512,
                         .max_command_sectors = 256,
                         .max_command_segments = 64,
                         .read_only = true,
                         .id = 3 << 8,
                         .driver = &driver};

/* Reads one request's segments; bits of those that failed. */
static u16
serve_request(const struct block_request *request)
{
    u64 sector = request->sector;
    u16 bad = 0;
    host_requests++;
    if (host_requests == host_faults.cancel_request)
        current_fibril()->cancel_error = -EINTR;
    for (unsigned i = 0; i < request->segment_count; i++) {
        const struct block_segment *segment = &request->segments[i];
        u64 sectors = segment->length / SECTOR_SIZE;
        memcpy((u8 *)page_address(segment->page) + segment->offset, bytes + sector * SECTOR_SIZE,
               segment->length);
        if (host_requests == host_faults.fail_request ||
            (host_faults.bad_sector - sector < sectors && host_faults.bad_sector))
            bad |= (u16)(1u << i);
        sector += sectors;
    }
    return bad;
}

static bool
pump(void)
{
    struct block_command command;
    struct block_request *request, *following;
    INTERRUPTS_OFF_SCOPE();
    if (!block_take_command(&host_disk, &command))
        return false;
    list_for_each_safe (request, following, &command.requests, link) {
        request->bad_segments = serve_request(request);
        if (request->bad_segments)
            block_command_split(&host_disk, &command, request);
    }
    block_command_done(&host_disk, &command, 0);
    return true;
}

static void
bring_up(void)
{
    cache_init();
    inode_init();
    read_ahead_init();
    ext2_init();
    host_pump = pump;
}

bool
host_disk_open(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        perror(path);
        return false;
    }
    size = (size_t)status.st_size;
    bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        return false;
    host_disk.sectors = size / SECTOR_SIZE;
    static bool up;
    if (!up) {
        bring_up();
        if (disk_register(&host_disk))
            return false;
        up = true;
    }
    disk_object_init(&host_disk);
    memset(&host_faults, 0, sizeof host_faults);
    host_requests = 0;
    return true;
}

void
host_disk_close(void)
{
    while (pump())
        ;
    host_drop_caches();
    munmap(bytes, size);
}

u8 *
host_disk_bytes(void)
{
    return bytes;
}

size_t
host_disk_size(void)
{
    return size;
}

int
host_mount(struct disk *disk, struct filesystem **filesystem)
{
    return filesystem_mount_disk(disk, filesystem);
}

void
host_drop_caches(void)
{
    int error = current_fibril()->cancel_error;
    current_fibril()->cancel_error = 0;
    if (read_ahead_drop())
        abort();
    while (pump())
        ;
    inode_drop_unused();
    cache_drop_all();
    current_fibril()->cancel_error = error;
}

void
host_unmount(struct filesystem *filesystem)
{
    inode_put(filesystem->root);
    host_drop_caches();
    heap_free(filesystem);
}

const char *
host_image(const char *name)
{
    static char path[256];
    char command[256];
    snprintf(command, sizeof command, "tools/make-test-images %s", name);
    char *output = host_command(command);
    snprintf(path, sizeof path, "%s", output);
    free(output);
    path[strcspn(path, "\n")] = 0;
    return path;
}

char *
host_command(const char *command)
{
    FILE *pipe = popen(command, "r");
    size_t room = 1 << 16, length = 0;
    char *text = malloc(room);
    for (size_t got; (got = fread(text + length, 1, room - length - 1, pipe)) > 0;) {
        length += got;
        if (room - length < 1 << 15)
            text = realloc(text, room *= 2);
    }
    text[length] = 0;
    if (pclose(pipe) != 0) {
        fprintf(stderr, "%s failed\n", command);
        exit(2);
    }
    return text;
}
