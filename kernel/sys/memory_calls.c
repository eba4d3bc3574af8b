/* System calls about the address space: brk, mmap2 (anonymous), munmap, mprotect. */
#include "gen/syscalls.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/task.h"

/* Linux's mman.h */
#define MAP_TYPE 0x0f
#define MAP_SHARED 0x01
#define MAP_PRIVATE 0x02
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20

long
sys_brk(uintptr_t end)
{
    struct address_space *space = current_task()->space;
    uintptr_t old_end = ALIGN_UP(space->heap_end, PAGE_SIZE), new_end = ALIGN_UP(end, PAGE_SIZE);
    if (end < space->heap_start || end >= USER_MAP_TOP)
        return space->heap_end;
    int error = 0;
    if (new_end > old_end) {
        if (!area_range_free(space, old_end, new_end))
            return space->heap_end;
        error = area_create(space, old_end, new_end - old_end, PROTECTION_READ | PROTECTION_WRITE);
    } else if (new_end < old_end) {
        error = area_remove(space, new_end, old_end - new_end);
    }
    if (!error)
        space->heap_end = end;
    return space->heap_end;
}

long
sys_mmap2(uintptr_t address, size_t size, int protection, int flags, int fd, u32 page)
{
    struct address_space *space = current_task()->space;
    unsigned type = flags & MAP_TYPE;
    if (type != MAP_PRIVATE && type != MAP_SHARED)
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS))
        return -ENODEV; /* files cannot be mapped yet */
    size_t bytes = ALIGN_UP(size, PAGE_SIZE);
    if (size == 0 || (flags & MAP_FIXED && address % PAGE_SIZE))
        return -EINVAL;
    if (bytes < size || bytes > USER_END)
        return -ENOMEM;
    int error = 0;
    if (!(flags & MAP_FIXED)) {
        address = ALIGN_DOWN(address, (uintptr_t)PAGE_SIZE);
        if (!address || address > USER_MAP_TOP - bytes ||
            !area_range_free(space, address, address + bytes))
            error = area_find_free(space, bytes, &address);
    }
    if (!error)
        error = area_create(space, address, bytes, protection & 7);
    return error ? error : (long)address;
}

long
sys_munmap(uintptr_t address, size_t size)
{
    size_t bytes = ALIGN_UP(size, PAGE_SIZE);
    if (bytes < size)
        return -EINVAL;
    return area_remove(current_task()->space, address, bytes);
}

long
sys_mprotect(uintptr_t address, size_t size, int protection)
{
    size_t bytes = ALIGN_UP(size, PAGE_SIZE);
    if (address % PAGE_SIZE || bytes < size)
        return -EINVAL;
    if (size == 0)
        return 0;
    return area_protect(current_task()->space, address, bytes, protection & 7);
}
