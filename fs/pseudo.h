/* Small file systems made of functions: how floors above and below put a file into /proc or /dev
 * without /proc or /dev knowing them. */
#ifndef FS_PSEUDO_H
#define FS_PSEUDO_H

#include "kernel/types.h"

struct file_ops;
struct filesystem;

/* Text being made for a reader. */
struct text_buffer {
    char *text;
    size_t size, length; /* grows by itself; at most 1 MiB */
    bool failed;         /* out of memory */
};
void text_print(struct text_buffer *buffer, const char *format, ...) PRINTF(2, 3);
void text_put(struct text_buffer *buffer, const char *bytes, size_t size);

struct process;
struct task;

/* Whom a file in /proc/PID or /proc/PID/task/TID speaks of. */
struct proc_subject {
    struct process *process;
    struct task *task; /* of a process its first; NULL: all have ended, and nobody has waited for it */
    bool whole;        /* the process, not this task alone */
};

/* A file under /proc whose text `show` makes anew at each open; `store` (or NULL) takes what is
 * written, with a zero behind it: 0 or -errno. Both may sleep. The struct stays the caller's. */
struct proc_file {
    const char *name; /* may hold slashes: "sys/vm/drop_caches" */
    void (*show)(struct text_buffer *buffer);
    int (*store)(const char *text, size_t length);
    /* Instead: a file of every process and task, under this name in its directory. Must not sleep but as
     * said in fs/proc_task_files.c: the process may go meanwhile. */
    void (*show_subject)(struct text_buffer *buffer, const struct proc_subject *subject);
    bool is_private; /* for its owner and root only */
    const struct file_ops *ops; /* instead of both: does everything by itself; usually NULL */
    struct proc_file *next;
};
void proc_register(struct proc_file *file); /* from boot on; for ever */

/* A character device under /dev. */
struct device_file {
    const char *name;
    u32 mode;   /* permissions */
    u32 device; /* major << 8 | minor */
    const struct file_ops *ops;
    void *private; /* becomes file->private */
    struct device_file *next;
};
void device_register(struct device_file *file);

/* The two file systems, for fs_mount_pseudo; and /proc's own files. */
int dev_create(struct filesystem **filesystem);
int proc_create(struct filesystem **filesystem);
void proc_files_init(void);
void proc_system_files_init(void);
void proc_task_files_init(void);
void dev_init(void);
void kernel_log_init(void);
void host_files_init(void); /* the run channel's files */

#endif
