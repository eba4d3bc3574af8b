/* The last line of a walk, for programs. */
#include "walk/walk.h"

#include <stdio.h>

double
walk_in_flight_mean(const struct walk *walk)
{
    return walk->in_flight_samples ? (double)walk->in_flight_sum / walk->in_flight_samples : 0;
}

const char *
walk_way_name(enum walk_way way)
{
    static const char *const names[] = {"sync", "asys", "ring", "chain", "syslet", "threadlet"};

    return names[way];
}

void
walk_report(const struct walk *walk, const struct walk_counters *used)
{
    fprintf(stderr,
            "walk: mode=%s depth=%u dirs=%lu files=%lu other=%lu bytes=%llu seconds=%.3f "
            "requests=%llu inflight_mean=%.1f inflight_max=%u blocked=%llu errors=%lu\n",
            walk_way_name(walk->way), walk->way ? walk->depth : 1,
            walk->directories, walk->files, walk->others, walk->bytes, used->nanoseconds / 1e9,
            used->requests, walk_in_flight_mean(walk), walk->in_flight_most, used->blocked,
            walk->errors);
}
