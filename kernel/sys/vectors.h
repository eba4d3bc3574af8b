/* Several pieces of user memory in one call: struct iovec of readv, sendmsg and their like. */
#ifndef KERNEL_SYS_VECTORS_H
#define KERNEL_SYS_VECTORS_H

#include "fs/iter.h"
#include "kernel/types.h"

#define CALL_BYTES_MOST 0x7ffff000u /* moved by one call, as Linux's MAX_RW_COUNT */
#define VECTORS_SMALL 8             /* kept in the struct, which is the caller's */

struct vectors {
    struct io_vector *list;
    size_t size; /* their sum, cut to CALL_BYTES_MOST */
    struct io_vector small[VECTORS_SMALL];
};

/* `count` is IOV_MAX at most. 0: vectors_drop has to follow; -EFAULT, -EINVAL, -ENOMEM. */
int vectors_take(struct vectors *vectors, const void USER *from, u32 count);
void vectors_drop(struct vectors *vectors);

#endif
