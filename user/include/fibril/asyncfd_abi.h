/* The structures that programs and the kernel share for asyncfd (514): the only definition of
 * them; the kernel includes this file too. As published in March 2007. */
#ifndef FIBRIL_ASYNCFD_ABI_H
#define FIBRIL_ASYNCFD_ABI_H

#include <stdint.h>

struct asyncfd_result {
    uint64_t cookie; /* never 0: a slot with cookie 0 is free */
    uint64_t obj;
    int64_t res, res2;
};

/* The reader takes the result at `iuser`, sets its cookie to 0, and moves `iuser` on. The kernel
 * looks at ptr and size when the ring is registered, writes ikernel (where it will put the next
 * result) and reads iuser. Both indices begin below size. */
struct asyncfd_uring {
    uint64_t ptr; /* of struct asyncfd_result; aligned to 4 bytes, as this structure */
    uint32_t iuser;
    uint32_t size; /* of results: 1 to ASYNCFD_SIZE_MOST */
    uint32_t ikernel;
};
#define ASYNCFD_SIZE_MOST 65536

#endif
