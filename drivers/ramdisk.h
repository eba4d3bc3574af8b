/* A disk over a piece of memory, usually a multiboot module. */
#ifndef DRIVERS_RAMDISK_H
#define DRIVERS_RAMDISK_H

#include "kernel/types.h"

struct disk;

/* Makes a disk (ram0, ram1 …) of the memory, which stays the caller's and must stay as it is; an
 * incomplete last sector is left out. *disk may be NULL. 0, -EINVAL (empty), -ENOMEM. May sleep. */
int ramdisk_create(const void *memory, size_t size, struct disk **disk) MUST_CHECK;

#endif
