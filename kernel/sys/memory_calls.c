/* System calls about the address space. Mapping is in map_calls.c. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/sys/map_limits.h"
#include "kernel/task.h"

long
sys_brk(uintptr_t end)
{
    struct address_space *space = current_task()->space;
    uintptr_t old_end = ALIGN_UP(space->heap_end, PAGE_SIZE), new_end = ALIGN_UP(end, PAGE_SIZE);
    u32 data_most = current_task()->process->limits[LIMIT_DATA].soft;
    int error = 0;
    if (end < space->heap_start || end >= USER_MAP_TOP || end - space->heap_start > data_most)
        return space->heap_end;
    if (new_end > old_end) {
        if (!area_range_free(space, old_end, new_end) || map_limit_reached(new_end - old_end))
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
    if (address % PAGE_SIZE)
        return -EINVAL;
    if (size == 0)
        return 0;
    if (bytes < size || address >= USER_END || bytes > USER_END - address)
        return -ENOMEM;
    if (protection & ~7)
        return -EINVAL;
    return area_protect(current_task()->space, address, bytes, protection & 7);
}

#define REMAP_MAY_MOVE 1u
#define REMAP_FIXED 2u

long
sys_mremap(uintptr_t address, size_t old_size, size_t new_size, u32 flags, uintptr_t wanted)
{
    struct address_space *space = current_task()->space;
    size_t old_bytes = ALIGN_UP(old_size, PAGE_SIZE), new_bytes = ALIGN_UP(new_size, PAGE_SIZE);
    uintptr_t result = wanted;
    bool fixed = flags & REMAP_FIXED;
    if (flags & ~(REMAP_MAY_MOVE | REMAP_FIXED) || (fixed && !(flags & REMAP_MAY_MOVE)) ||
        address % PAGE_SIZE || !old_bytes || !new_bytes)
        return -EINVAL;
    if (new_bytes > old_bytes && map_limit_reached(new_bytes - old_bytes))
        return -ENOMEM;
    int error = fixed ? area_move_to(space, address, old_bytes, new_bytes, wanted)
                      : area_resize(space, address, old_bytes, new_bytes, flags & REMAP_MAY_MOVE,
                                    &result);
    return error ? error : (long)result;
}

/* ---- Ranges that are looked at area by area ---- */

/* 0, -EINVAL, or -ENOMEM: it does not fit; *end is where the range ends. */
static int
range_check(uintptr_t address, size_t size, uintptr_t *end)
{
    size_t bytes = ALIGN_UP(size, PAGE_SIZE);
    if (address % PAGE_SIZE)
        return -EINVAL;
    if (bytes < size || address > USER_END || bytes > USER_END - address)
        return -ENOMEM;
    *end = address + bytes;
    return 0;
}

/* linux/mman.h */
enum { ADVICE_NORMAL, ADVICE_RANDOM, ADVICE_SEQUENTIAL, ADVICE_WILL_NEED, ADVICE_DO_NOT_NEED,
       ADVICE_FREE = 8, ADVICE_NO_FORK = 10, ADVICE_DO_FORK, ADVICE_MERGEABLE, ADVICE_UNMERGEABLE,
       ADVICE_HUGE, ADVICE_NO_HUGE, ADVICE_NO_DUMP, ADVICE_DO_DUMP, ADVICE_WIPE_ON_FORK,
       ADVICE_KEEP_ON_FORK, ADVICE_COLD, ADVICE_PAGE_OUT };

static int
advice_flags(struct area *area, int advice)
{
    switch (advice) {
    case ADVICE_NO_FORK:
        area->flags |= AREA_NO_FORK;
        break;
    case ADVICE_DO_FORK:
        area->flags &= ~AREA_NO_FORK;
        break;
    case ADVICE_WIPE_ON_FORK:
        if (area->source || area->shared)
            return -EINVAL;
        area->flags |= AREA_WIPE_ON_FORK;
        break;
    case ADVICE_KEEP_ON_FORK:
        area->flags &= ~AREA_WIPE_ON_FORK;
        break;
    }
    return 0;
}

static int
advice_take(struct address_space *space, struct area *area, uintptr_t start, uintptr_t end,
            int advice)
{
    if (advice == ADVICE_FREE && (area->source || area->shared))
        return -EINVAL;
    if (advice == ADVICE_DO_NOT_NEED || advice == ADVICE_FREE)
        address_space_drop_pages(space, MAX(start, area->start), MIN(end, area->end));
    return advice_flags(area, advice);
}

static bool
advice_changes_areas(int advice)
{
    return advice == ADVICE_NO_FORK || advice == ADVICE_DO_FORK || advice == ADVICE_WIPE_ON_FORK ||
           advice == ADVICE_KEEP_ON_FORK;
}

/* What is mapped in the range takes the advice, holes or not. */
long
sys_madvise(uintptr_t address, size_t size, int advice)
{
    struct address_space *space = current_task()->space;
    uintptr_t end;
    bool known = (advice >= ADVICE_NORMAL && advice <= ADVICE_DO_NOT_NEED) ||
                 advice == ADVICE_FREE || (advice >= ADVICE_NO_FORK && advice <= ADVICE_PAGE_OUT);
    int error = known ? range_check(address, size, &end) : -EINVAL;
    if (error == -ENOMEM)
        error = -EINVAL;
    if (!error && advice_changes_areas(advice))
        error = area_isolate(space, address, end);
    if (error)
        return error;
    bool whole = area_range_mapped(space, address, end);
    struct area *area;
    list_for_each(area, &space->areas, link)
        if (!error && area->start < end && address < area->end)
            error = advice_take(space, area, address, end, advice);
    return error ? error : whole ? 0 : -ENOMEM;
}

long
sys_mincore(uintptr_t address, size_t size, u8 USER *vector)
{
    struct address_space *space = current_task()->space;
    uintptr_t end;
    int error = range_check(address, size, &end);
    if (!error && !area_range_mapped(space, address, end))
        error = -ENOMEM;
    for (uintptr_t at = address; !error && at < end; at += PAGE_SIZE) {
        u8 present = page_lookup(space->directory, at, NULL) != 0;
        error = copy_to_user(vector + (at - address) / PAGE_SIZE, &present, 1);
        if (!error)
            error = schedule_point();
    }
    return error;
}

#define SYNC_ASYNCHRONOUS 1
#define SYNC_INVALIDATE 2
#define SYNC_SYNCHRONOUS 4

/* Shared pages are the file's own: there is nothing to write back. */
long
sys_msync(uintptr_t address, size_t size, int flags)
{
    uintptr_t end;
    if (flags & ~(SYNC_ASYNCHRONOUS | SYNC_INVALIDATE | SYNC_SYNCHRONOUS) ||
        (flags & SYNC_ASYNCHRONOUS && flags & SYNC_SYNCHRONOUS))
        return -EINVAL;
    int error = range_check(address, size, &end);
    if (!error && !area_range_mapped(current_task()->space, address, end))
        error = -ENOMEM;
    return error;
}

/* ---- Locks: nothing is ever paged out, so what is mapped counts as locked ---- */

long
sys_mlock(uintptr_t address, size_t size)
{
    uintptr_t start = ALIGN_DOWN(address, (uintptr_t)PAGE_SIZE), end;
    int error = range_check(start, size + (address - start), &end);
    if (!error && !area_range_mapped(current_task()->space, start, end))
        error = -ENOMEM;
    return error;
}

long
sys_mlock2(uintptr_t address, size_t size, int flags)
{
    return flags & ~1 ? -EINVAL : sys_mlock(address, size);
}

long
sys_munlock(uintptr_t address, size_t size)
{
    return sys_mlock(address, size);
}

long
sys_mlockall(int flags)
{
    return flags == 0 || flags == 4 || flags & ~7 ? -EINVAL : 0;
}

long
sys_munlockall(void)
{
    return 0;
}
