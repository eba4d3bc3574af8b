/* The heap's end and mappings. malloc is newlib's, on sbrk. */
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fibril/calls.h>
#include "libc.h"

void *
sbrk(ptrdiff_t change)
{
    static unsigned long end;
    unsigned long old;

    if (end == 0)
        end = sys_brk(0);
    old = end;
    if (change != 0) {
        /* brk answers with the end as it now is: the old one if it could not be moved. */
        if ((unsigned long)sys_brk(old + change) != old + change)
            return (void *)libc_result(-ENOMEM);
        end = old + change;
    }
    return (void *)old;
}

/* The kernel counts offsets in pages; -errno cannot be an address, user space ends at 2 GiB. */
void *
mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (offset & 4095)
        return (void *)libc_result(-EINVAL);
    return (void *)libc_result(
        sys_mmap2((unsigned long)address, size, protection, flags, fd, offset >> 12));
}

int
munmap(void *address, size_t size)
{
    return libc_result(sys_munmap((unsigned long)address, size));
}

int
mprotect(void *address, size_t size, int protection)
{
    return libc_result(sys_mprotect((unsigned long)address, size, protection));
}

void *
mremap(void *address, size_t old_size, size_t new_size, int flags, ...)
{
    va_list list;
    unsigned long wanted;

    va_start(list, flags);
    wanted = va_arg(list, unsigned long);
    va_end(list);
    return (void *)libc_result(
        sys_mremap((unsigned long)address, old_size, new_size, flags, wanted));
}

int
msync(void *address, size_t size, int flags)
{
    return libc_result(sys_msync((unsigned long)address, size, flags));
}

int
madvise(void *address, size_t size, int advice)
{
    return libc_result(sys_madvise((unsigned long)address, size, advice));
}

int
mincore(void *address, size_t size, unsigned char *vector)
{
    return libc_result(sys_mincore((unsigned long)address, size, vector));
}

int
mlock(const void *address, size_t size)
{
    return libc_result(sys_mlock((unsigned long)address, size));
}

int
munlock(const void *address, size_t size)
{
    return libc_result(sys_munlock((unsigned long)address, size));
}

int
mlockall(int flags)
{
    return libc_result(sys_mlockall(flags));
}

int
munlockall(void)
{
    return libc_result(sys_munlockall());
}

int
posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || alignment & (alignment - 1))
        return EINVAL;
    *memory = memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}
