/* Bytes from file to file without passing through user memory: sendfile, splice, tee. See splice.c. */
#ifndef FS_SPLICE_H
#define FS_SPLICE_H

#include "kernel/types.h"

struct file;

/* All sleep, and return the bytes moved, or an error if there were none. A position is advanced by what
 * was moved; NULL: the file's own. */

/* From a file that can be read again to any file. */
long splice_copy(struct file *in, u64 *in_position, struct file *out, u64 *out_position, size_t size);
/* One of the files at least is a pipe. */
long splice_move(struct file *in, u64 *in_position, struct file *out, u64 *out_position, size_t size,
                 bool nonblocking);
/* From pipe to pipe, leaving the bytes in the first, too. */
long splice_tee(struct file *in, struct file *out, size_t size, bool nonblocking);

#endif
