/* What the two trees of /proc share: proc.c (registered files, the root), proc_task.c (processes). */
#ifndef FS_PROC_PRIVATE_H
#define FS_PROC_PRIVATE_H

#include "fs/inode.h"
#include "fs/pseudo.h"

#define PROC_ROOT 1u
#define PROC_SELF 2u        /* the symbolic links /proc/self and /proc/thread-self */
#define PROC_THREAD_SELF 3u
#define PROC_TASKS 0x80000000u /* inodes from here on are proc_task.c's */

/* The registered files of processes, in the order of their registration; NULL: no such place. */
struct proc_file *proc_subject_file(unsigned place);
extern const struct file_ops proc_text_ops; /* of files whose text is made at open */

/* Names in /proc that are processes: their inode number, or 0. */
u64 proc_task_number(const char *name, size_t length);
/* The processes' part of a listing of /proc, from positions PROC_LIST_TASKS on. */
#define PROC_LIST_TASKS 0x1000000u
int proc_task_list(u64 position, directory_emit emit, void *argument);
int proc_task_inode_read(struct inode *inode); /* 0, or -ENOENT: it has gone */
/* Whom an inode speaks of, now. False: it has gone. */
bool proc_subject_find(const struct inode *inode, struct proc_subject *subject);
/* May the running task see what only the owner may? */
bool proc_subject_visible(const struct proc_subject *subject);

#endif
