/* The heap's end and mappings. malloc is newlib's, on sbrk. */
#include <malloc.h>
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

int
posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || alignment & (alignment - 1))
        return EINVAL;
    *memory = memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}
