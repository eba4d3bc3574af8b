/* t-preempt: two of these as two inits, which compute in user mode for far longer than a slice and
 * never block: each must see the other's file grow. Alone (one init) it would run for ever. */
#include <sys/stat.h>
#include "test.h"

#define STEPS 12

static volatile unsigned counter;

static long
size_of(const char *path)
{
    struct kernel_stat status;
    long error = sys_stat64(path, &status);

    return error ? error : (long)status.size;
}

int
main(void)
{
    char mine[32], others[32];
    long pid = sys_getpid(), fd;
    int after = 0;

    /* pids of inits follow each other; whoever has the odd one looks at the next */
    sprintf(mine, "/tmp/preempt-%ld", pid);
    sprintf(others, "/tmp/preempt-%ld", pid % 2 ? pid + 1 : pid - 1);
    fd = sys_open(mine, O_CREAT | O_WRONLY | O_APPEND, 0666);
    if (fd < 0)
        return 2;
    /* When the other has its steps, a few more of one's own, so that it sees ours. */
    while (after < STEPS) {
        for (unsigned i = 0; i < 8000000; i++)
            counter++;
        if (sys_write(fd, "x", 1) != 1)
            return 3;
        after += size_of(others) >= STEPS;
    }
    puts("ok both-advance");
    return 0;
}
