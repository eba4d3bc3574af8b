/* Files as the source of mapped pages. */
#ifndef FS_FILE_MAP_H
#define FS_FILE_MAP_H

struct file;
struct inode;
struct map_source;

/* A source that shows the pages of a regular file; it holds the file. 0, -ENODEV (not a file that can
 * be mapped), -ENOMEM. */
int file_map_source(struct file *file, struct map_source **source);

/* The file's inode, if the source is of this kind; else NULL. No reference is taken. */
struct inode *file_map_inode(const struct map_source *source);

#endif
