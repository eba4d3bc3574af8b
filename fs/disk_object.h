/* A disk's own pages in the page cache: how file systems read their metadata, and /dev its disks. */
#ifndef FS_DISK_OBJECT_H
#define FS_DISK_OBJECT_H

struct disk;

/* Gives the disk's object its operations; once, before anybody reads through it. */
void disk_object_init(struct disk *disk);

#endif
