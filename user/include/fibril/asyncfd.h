/* asyncfd: a descriptor through which results of asynchronous calls arrive, to be polled beside
 * others.
 *
 *     struct asyncfd_result results[64] = {{0}};
 *     struct asyncfd_uring ring = {.ptr = (uintptr_t)results, .size = 64};
 *     int fd = asyncfd(-1, &ring);
 *     struct asys_setup setup = {.flags = ASYS_SETUP_ASYNCFD, .notify_fd = fd};
 *     int context = asys_context(&setup);     what is started there (asys_enter) ends up in results:
 *     poll …                                  cookie: the call's, obj: its id, res: its result
 *     while (asyncfd_take(&ring, &result)) … */
#ifndef FIBRIL_ASYNCFD_H
#define FIBRIL_ASYNCFD_H

#include <fibril/asyncfd_abi.h>

/* fd -1: a new one; else it gets a new ring: what is in the old one stays there. ring NULL:
 * results are read with read(). The ring and its results must not be unmapped as long as the
 * kernel has them: it keeps the pages, and what it writes there nobody sees. -1 and errno. */
int asyncfd(int fd, struct asyncfd_uring *ring);

/* The next result: 1, or 0: there is none. */
static inline int
asyncfd_take(struct asyncfd_uring *ring, struct asyncfd_result *result)
{
    struct asyncfd_result *slot =
        (struct asyncfd_result *)(uintptr_t)ring->ptr + ring->iuser;

    if (*(volatile uint64_t *)&slot->cookie == 0)
        return 0;
    __asm__ volatile("" ::: "memory");
    *result = *slot;
    __asm__ volatile("" ::: "memory");
    *(volatile uint64_t *)&slot->cookie = 0;
    __asm__ volatile("" ::: "memory");
    *(volatile uint32_t *)&ring->iuser = ring->iuser + 1 < ring->size ? ring->iuser + 1 : 0;
    return 1;
}

#endif
