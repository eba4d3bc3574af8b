/* newlib's, and what it lacks of waiting for children. */
#include_next <sys/wait.h>
#ifndef _FIBRIL_SYS_WAIT_H
#define _FIBRIL_SYS_WAIT_H

#include <signal.h>
#include <sys/resource.h>

#undef WIFEXITED
#undef WIFSIGNALED
#define WIFEXITED(status) (((status) & 0x7f) == 0)
#define WIFSIGNALED(status) ((((status) + 1) & 0x7f) > 1 && ((status) & 0x7f) != 0x7f)
#define WIFCONTINUED(status) ((status) == 0xffff)
#define WCOREDUMP(status) ((status) & 0x80)
#define WSTOPPED 2
#define WEXITED 4
#define WCONTINUED 8
#define WNOWAIT 0x01000000
#define __WNOTHREAD 0x20000000
#define __WALL 0x40000000
#define __WCLONE 0x80000000

typedef enum { P_ALL, P_PID, P_PGID } idtype_t;

pid_t wait3(int *, int, struct rusage *);
pid_t wait4(pid_t, int *, int, struct rusage *);
int waitid(idtype_t, id_t, siginfo_t *, int);

#endif
