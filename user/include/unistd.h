/* newlib's, and what it declares for other systems only. */
#include_next <unistd.h>
#ifndef _FIBRIL_UNISTD_H
#define _FIBRIL_UNISTD_H

int pipe2(int fds[2], int flags);
int dup3(int from, int to, int flags);

#endif
