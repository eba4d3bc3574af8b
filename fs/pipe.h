/* Pipes: see pipe.c. */
#ifndef FS_PIPE_H
#define FS_PIPE_H

struct file;

/* Two files, each with one reference; `flags` (OPEN_NONBLOCK) go to both. 0 or -ENOMEM. */
int pipe_create(unsigned flags, struct file **reader, struct file **writer);

#endif
