/* Descriptor tables: small numbers for open files. Counted, so that threads can share one. */
#ifndef FS_DESCRIPTOR_H
#define FS_DESCRIPTOR_H

#include "kernel/types.h"

#define DESCRIPTORS_MAX 65536 /* in one table; more: -EMFILE */

struct descriptor_table;
struct file;

struct descriptor_table *descriptor_table_create(void); /* NULL: no memory */
/* For fork: the same files under the same numbers. 0 or -ENOMEM. */
int descriptor_table_copy(const struct descriptor_table *from, struct descriptor_table **table);
void descriptor_table_close_on_exec(struct descriptor_table *table); /* may sleep */
/* A new program's 0, 1 and 2: opens the three paths and installs them in the empty table. */
int descriptor_open_standard(struct descriptor_table *table, const char *in, const char *out,
                             const char *error);
bool descriptor_table_is_shared(const struct descriptor_table *table);
void descriptor_table_get(struct descriptor_table *table);
bool descriptor_table_try_get(struct descriptor_table *table); /* false: it is being closed */
void descriptor_table_put(struct descriptor_table *table); /* the last one closes all; may sleep */

/* The running task's: a reference to the file behind fd, or -EBADF. Never sleeps. */
int descriptor_file(int fd, struct file **file);
int descriptor_table_file(struct descriptor_table *table, int fd, struct file **file);
/* Takes over the caller's reference (also on error: it is put). The lowest free number >= lowest. */
int descriptor_install(struct descriptor_table *table, struct file *file, int lowest,
                       bool close_on_exec, int *fd);
/* Both ends of something new in the running task's table, or neither. Takes over both references. */
int descriptor_install_pair(struct file *files[2], bool close_on_exec, int fds[2]);
int descriptor_close(struct descriptor_table *table, int fd); /* 0 or -EBADF; may sleep */
/* dup2: as descriptor_install, at the given number; what was there is closed. */
int descriptor_replace(struct descriptor_table *table, struct file *file, int fd,
                       bool close_on_exec);
/* The close-on-exec flag: 0 or 1, or -EBADF; and setting it. */
int descriptor_flag(const struct descriptor_table *table, int fd);
int descriptor_set_flag(struct descriptor_table *table, int fd, bool close_on_exec);
u32 descriptor_limit(void); /* numbers from here on are refused: -EMFILE, or -EBADF where one is asked for */
/* The lowest number in use that is not below fd, or -1: for listings. */
int descriptor_next(const struct descriptor_table *table, int fd);
u32 descriptor_table_size(const struct descriptor_table *table); /* numbers that it has room for */
unsigned descriptor_count(const struct descriptor_table *table);

#endif
