/* Where the bytes of a read go, or those of a write come from: user memory in one or several pieces,
 * or kernel memory. Handlers make one on their stack; file systems and drivers move bytes through it
 * and never see which kind it is. It counts what was moved, so a partial result is never lost. */
#ifndef FS_ITER_H
#define FS_ITER_H

#include "kernel/types.h"

struct io_vector { /* struct iovec of Linux/i386: 8 bytes */
    uintptr_t base;
    uintptr_t length;
};

struct iter {
    uintptr_t base;   /* of the current piece, what is left of it */
    size_t piece;     /* bytes left in it */
    size_t left;      /* bytes left in all pieces */
    size_t done;      /* bytes moved so far */
    const struct io_vector *next; /* further pieces: kernel memory */
    bool user;
};

void iter_init_user(struct iter *iter, void USER *base, size_t size);
void iter_init_kernel(struct iter *iter, void *base, size_t size);
/* `vectors` (kernel memory) must live as long as the iter; `size` is the sum of their lengths. */
void iter_init_vectors(struct iter *iter, const struct io_vector *vectors, size_t size);

/* Move `size` bytes (never more than iter->left): into the reader's memory, out of the writer's.
 * 0, or -EFAULT with done telling how far it got. May fault and so sleep. */
int iter_put(struct iter *iter, const void *from, size_t size) MUST_CHECK;
int iter_put_zeros(struct iter *iter, size_t size) MUST_CHECK;
int iter_take(struct iter *iter, void *to, size_t size) MUST_CHECK;
/* The same for files, whose reads and writes end where the user's memory ends: up to its last page. */
int iter_put_part(struct iter *iter, const void *from, size_t size) MUST_CHECK;
int iter_put_zeros_part(struct iter *iter, size_t size) MUST_CHECK;
int iter_take_part(struct iter *iter, void *to, size_t size) MUST_CHECK;

/* Goes on as if `size` bytes had been moved (at most iter->piece): somebody else did. */
void iter_skip(struct iter *iter, size_t size);

#endif
