/* Walks a tree again and again with cold caches, by turns synchronously and with calls in flight:
 * `cold ROUNDS DEPTH PATH` prints walk's line for programs after each. For machines that take long
 * to boot. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fibril/calls.h>
#include "walk/walk.h"

static int
drop_caches(void)
{
    int fd = sys_openat(AT_FDCWD, "/proc/sys/vm/drop_caches", O_WRONLY, 0);

    if (fd < 0)
        return fd;
    long written = sys_write(fd, "3", 1);
    sys_close(fd);
    return written == 1 ? 0 : -1;
}

static int
walk_cold(const char *path, enum walk_way way, unsigned depth)
{
    struct walk walk = {.path = path, .way = way, .depth = depth};
    struct walk_counters before, used;

    if (drop_caches() < 0)
        return -1;
    walk_counters_read(&before);
    if (walk_run(&walk) < 0 || walk.errors > 0)
        return -1;
    used = walk_counters_since(&before);
    walk_report(&walk, &used);
    fprintf(stderr, "disk: merged=%llu busy_ms=%llu\n", used.merged, used.busy_ms);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: cold ROUNDS DEPTH PATH\n", stderr);
        return 2;
    }
    for (unsigned round = 0; round < strtoul(argv[1], NULL, 10); round++)
        if (walk_cold(argv[3], WALK_SYNC, 1) < 0 ||
            walk_cold(argv[3], WALK_ASYS, strtoul(argv[2], NULL, 10)) < 0) {
            fputs("cold: failed\n", stderr);
            return 1;
        }
    return 0;
}
