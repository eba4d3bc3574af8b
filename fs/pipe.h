/* Pipes and named pipes: see pipe.c. */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "kernel/types.h"

struct file;
struct iter;
struct pipe;

/* Two files, each with one reference; `flags` (OPEN_NONBLOCK) go to both. 0 or -ENOMEM. */
int pipe_create(unsigned flags, struct file **reader, struct file **writer);
/* What a FIFO's inode is opened with. */
extern const struct file_ops pipe_file_ops;

/* ---- For those who move bytes between files (fs/splice.c). All may sleep. ---- */

struct pipe *pipe_of_file(const struct file *file); /* NULL: not a pipe */
/* Waits until it holds something or nobody can write any more; -EAGAIN instead of waiting. */
int pipe_wait_readable(struct pipe *pipe, bool nonblocking);
/* Waits until there is room; -EAGAIN instead of waiting, -EPIPE (and SIGPIPE) without readers. */
int pipe_wait_writable(struct pipe *pipe, bool nonblocking);
/* Hands at most `size` bytes, `skip` bytes behind its beginning, to `take` piece by piece, until that
 * moves fewer than it was given or fails; those moved are taken out of the pipe, unless `keep`.
 * The count, or the error if nothing was moved. */
typedef int pipe_take(void *argument, struct iter *piece);
long pipe_drain(struct pipe *pipe, size_t skip, size_t size, bool keep, pipe_take *take,
                void *argument);
/* Lets `give` fill the pipe, piece by piece, with at most `size` bytes, until it gives less or fails. */
long pipe_fill(struct pipe *pipe, size_t size, pipe_take *give, void *argument);

/* fcntl: the capacity in bytes, and setting it: the new one, -EBUSY, -EPERM, -EINVAL, -ENOMEM. */
u32 pipe_capacity(const struct pipe *pipe);
long pipe_set_capacity(struct pipe *pipe, u32 size);

#endif
