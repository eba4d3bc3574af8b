/* newlib's, and what it declares for other systems only. */
#include_next <sys/stat.h>
#ifndef _FIBRIL_SYS_STAT_H
#define _FIBRIL_SYS_STAT_H

int lstat(const char *path, struct stat *status);

int mknod(const char *path, mode_t mode, dev_t device);

#endif
