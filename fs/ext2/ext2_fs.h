/* The ext2 file system, as start-up code sees it. */
#ifndef FS_EXT2_EXT2_FS_H
#define FS_EXT2_EXT2_FS_H

/* Registers the type "ext2" with fs/inode.h, at boot. Never sleeps. */
void ext2_init(void);

#endif
