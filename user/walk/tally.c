/* What both ways of walking tell: found and failed. */
#include "walk/walk.h"

#include <stdio.h>
#include <sys/stat.h>
#include "lib/program.h"

int
walk_run(struct walk *walk)
{
    switch (walk->way) {
    case WALK_SYNC:
        return walk_sync(walk);
    case WALK_THREADLET:
        return walk_threadlet(walk);
    default:
        return walk_asys(walk);
    }
}

void
walk_found(struct walk *walk, const char *path, const char *name,
           const struct kernel_stat *status, const char *sum)
{
    walk_turn_take(walk);
    if (S_ISREG(status->mode)) {
        walk->files++;
        walk->bytes += status->size;
    } else if (S_ISDIR(status->mode)) {
        walk->directories++;
    } else {
        walk->others++;
    }
    if (walk->list)
        walk_list_add(walk, path, name, status, sum);
    if (walk->progress)
        walk->progress(walk);
    walk_turn_give(walk);
}

void
walk_failed(struct walk *walk, const char *path, const char *name, int error)
{
    walk_turn_take(walk);
    walk->errors++;
    fprintf(stderr, "walk: %s%s%s: %s\n", path, name ? "/" : "", name ? name : "",
            error_name(error));
    walk_turn_give(walk);
}
