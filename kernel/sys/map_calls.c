/* mmap2 and the mmap of before it: anonymous memory and files, private and shared. */
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/file_map.h"
#include "gen/syscalls.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/map_source.h"
#include "kernel/sys/map_limits.h"
#include "kernel/task.h"

/* Linux's mman.h */
#define MAP_TYPE 0x0fu
#define MAP_SHARED 0x01u
#define MAP_PRIVATE 0x02u
#define MAP_SHARED_VALIDATE 0x03u
#define MAP_FIXED 0x10u
#define MAP_ANONYMOUS 0x20u
#define MAP_HUGE_PAGES 0x40000u
#define MAP_FIXED_NO_REPLACE 0x100000u

struct map_request {
    uintptr_t address;
    size_t size; /* whole pages */
    u32 protection, flags;
    int fd;
    u32 page;
};

bool
map_limit_reached(size_t more)
{
    u32 most = current_task()->process->limits[LIMIT_SPACE].soft;
    if (most == LIMIT_NONE)
        return false;
    size_t size = address_space_size(current_task()->space);
    return more > most || size > most - more;
}

/* Where the mapping goes. A wish that cannot be met is forgotten. */
static int
map_place(const struct map_request *r, uintptr_t *start)
{
    struct address_space *space = current_task()->space;
    uintptr_t wish = ALIGN_DOWN(r->address, (uintptr_t)PAGE_SIZE);
    *start = r->address;
    if (r->flags & (MAP_FIXED | MAP_FIXED_NO_REPLACE)) {
        if (r->address % PAGE_SIZE)
            return -EINVAL;
        if (r->address >= USER_END || r->size > USER_END - r->address)
            return -ENOMEM;
        bool taken = !area_range_free(space, r->address, r->address + r->size);
        return r->flags & MAP_FIXED_NO_REPLACE && taken ? -EEXIST : 0;
    }
    *start = wish;
    if (wish && wish < USER_MAP_TOP && r->size <= USER_MAP_TOP - wish &&
        area_range_free(space, wish, wish + r->size))
        return 0;
    return area_find_free(space, r->size, start);
}

static int
map_put(const struct map_request *r, struct map_source *source, u8 area_flags)
{
    uintptr_t start;
    if (map_limit_reached(r->size))
        return -ENOMEM;
    int error = map_place(r, &start);
    if (error)
        return error;
    struct area new = {
        .start = start, .end = start + r->size, .protection = r->protection & 7,
        .shared = (r->flags & MAP_TYPE) != MAP_PRIVATE, .source = source, .source_page = r->page,
        .flags = area_flags,
    };
    error = area_create_like(current_task()->space, &new);
    return error ? error : (int)start;
}

static int
map_anonymous(struct map_request *r)
{
    struct map_source *source = NULL;
    r->page = 0;
    if (r->flags & MAP_HUGE_PAGES)
        return -ENOMEM;
    int result = (r->flags & MAP_TYPE) == MAP_PRIVATE ? 0 : shared_memory_create(r->size, &source);
    if (!result)
        result = map_put(r, source, 0);
    map_source_put(source);
    return result;
}

/* A file that is shown has to be open for reading, and for writing if writes are to reach it. */
static int
map_file_check(const struct map_request *r, const struct file *file, u8 *area_flags)
{
    u32 access = file->flags & OPEN_ACCESS;
    bool shared = (r->flags & MAP_TYPE) != MAP_PRIVATE, writable = access == OPEN_READ_WRITE;
    *area_flags = shared && !writable ? AREA_NO_WRITE : 0;
    if (access == OPEN_WRITE || (shared && !writable && r->protection & PROTECTION_WRITE))
        return -EACCES;
    return r->page + (r->size >> PAGE_SHIFT) < r->page ? -EOVERFLOW : 0;
}

static int
map_file(const struct map_request *r, struct file *file)
{
    struct map_source *source;
    u8 area_flags;
    int result = map_file_check(r, file, &area_flags);
    if (!result)
        result = file_map_source(file, &source);
    if (result)
        return result;
    result = map_put(r, source, area_flags);
    map_source_put(source);
    return result;
}

static int
map_request_check(struct map_request *r, size_t size)
{
    u32 type = r->flags & MAP_TYPE;
    r->size = ALIGN_UP(size, PAGE_SIZE);
    if (size == 0 || (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE))
        return -EINVAL;
    return r->size < size || r->size > USER_END ? -ENOMEM : 0;
}

long
sys_mmap2(uintptr_t address, size_t size, int protection, u32 flags, int fd, u32 page)
{
    struct map_request r = {address, 0, (u32)protection, flags, fd, page};
    struct file *file = NULL;
    int result = flags & MAP_ANONYMOUS ? 0 : descriptor_file(fd, &file);
    if (result)
        return result;
    result = map_request_check(&r, size);
    if (!result)
        result = file ? map_file(&r, file) : map_anonymous(&r);
    if (file)
        file_put(file);
    return result;
}

struct old_arguments {
    u32 address, size, protection, flags, fd, offset;
};

long
sys_old_mmap(const void USER *user)
{
    struct old_arguments a;
    int error = copy_from_user(&a, user, sizeof(a));
    if (error)
        return error;
    if (a.offset % PAGE_SIZE)
        return -EINVAL;
    return sys_mmap2(a.address, a.size, (int)a.protection, a.flags, (int)a.fd,
                     a.offset >> PAGE_SHIFT);
}
