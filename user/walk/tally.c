/* What both ways of walking tell: found and failed. */
#include "walk/walk.h"

#include <stdio.h>
#include <sys/stat.h>
#include "lib/program.h"

int
walk_run(struct walk *walk)
{
    return walk->way == WALK_SYNC ? walk_sync(walk) : walk_asys(walk);
}

void
walk_found(struct walk *walk, const char *path, const char *name,
           const struct kernel_stat *status, const char *sum)
{
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
}

void
walk_failed(struct walk *walk, const char *path, const char *name, int error)
{
    walk->errors++;
    fprintf(stderr, "walk: %s%s%s: %s\n", path, name ? "/" : "", name ? name : "",
            error_name(error));
}
