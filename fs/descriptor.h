/* Descriptor tables: small numbers for open files. Counted, so that threads can share one. */
#ifndef FS_DESCRIPTOR_H
#define FS_DESCRIPTOR_H

#include "kernel/types.h"

struct descriptor_table;
struct file;

struct descriptor_table *descriptor_table_create(void); /* NULL: no memory */
void descriptor_table_get(struct descriptor_table *table);
void descriptor_table_put(struct descriptor_table *table); /* the last one closes all; may sleep */

/* The running task's: a reference to the file behind fd, or -EBADF. Never sleeps. */
int descriptor_file(int fd, struct file **file);
/* Takes over the caller's reference (also on error: it is put). The lowest free number >= lowest. */
int descriptor_install(struct descriptor_table *table, struct file *file, int lowest,
                       bool close_on_exec, int *fd);
int descriptor_close(struct descriptor_table *table, int fd); /* 0 or -EBADF; may sleep */
unsigned descriptor_count(const struct descriptor_table *table);

#endif
