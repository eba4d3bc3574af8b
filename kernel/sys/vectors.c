/* See vectors.h. */
#include "kernel/sys/vectors.h"

#include "arch.h"
#include "fs/abi.h"
#include "kernel/errno.h"
#include "kernel/heap.h"

_Static_assert(sizeof(struct io_vector) == sizeof(struct abi_iovec), "io_vector is struct iovec");

/* The sum of the lengths; -EINVAL if it is no ssize_t. */
static int
vectors_sum(struct vectors *vectors, u32 count)
{
    u64 sum = 0;

    for (u32 i = 0; i < count; i++)
        sum += vectors->list[i].length;
    vectors->size = (size_t)MIN(sum, (u64)CALL_BYTES_MOST);
    return sum > 0x7fffffff ? -EINVAL : 0;
}

int
vectors_take(struct vectors *vectors, const void USER *from, u32 count)
{
    int error;

    vectors->list = vectors->small;
    if (count > VECTORS_SMALL && !(vectors->list = heap_alloc(count * sizeof *vectors->list)))
        return -ENOMEM;
    error = copy_from_user(vectors->list, from, count * sizeof *vectors->list);
    if (!error)
        error = vectors_sum(vectors, count);
    if (error)
        vectors_drop(vectors);
    return error;
}

void
vectors_drop(struct vectors *vectors)
{
    if (vectors->list != vectors->small)
        heap_free(vectors->list);
}
