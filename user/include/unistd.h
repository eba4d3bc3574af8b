/* newlib's, and what it declares for other systems only. */
#include_next <unistd.h>
#ifndef _FIBRIL_UNISTD_H
#define _FIBRIL_UNISTD_H

int pipe2(int fds[2], int flags);
int dup3(int from, int to, int flags);
int execvpe(const char *file, char *const arguments[], char *const environment[]);
pid_t gettid(void);
int setresuid(uid_t real, uid_t effective, uid_t saved);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int getresuid(uid_t *real, uid_t *effective, uid_t *saved);
int getresgid(gid_t *real, gid_t *effective, gid_t *saved);
int setdomainname(const char *name, size_t length);

#endif
