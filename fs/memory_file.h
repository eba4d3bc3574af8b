/* Files in memory without any name: memfd_create(2). */
#ifndef FS_MEMORY_FILE_H
#define FS_MEMORY_FILE_H

struct file;

int memory_file_create(struct file **file); /* empty, open for both. 0 or -ENOMEM */
void memory_file_init(void);

#endif
