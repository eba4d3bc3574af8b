/* Files as the source of mapped pages. */
#ifndef FS_FILE_MAP_H
#define FS_FILE_MAP_H

struct file;
struct map_source;

/* A source that shows the pages of a regular file; it holds the file. 0, -ENODEV (not a file that can
 * be mapped), -ENOMEM. */
int file_map_source(struct file *file, struct map_source **source);

#endif
