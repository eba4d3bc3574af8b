/* Reads given runs of a disk with so many reads in flight, past the cache: the least that anybody can
 * need who has to read these blocks. Used by bench/turns. */
#ifndef LIB_REPLAY_H
#define LIB_REPLAY_H

#include <stdbool.h>

#define REPLAY_DEPTH_MOST 1024

struct replay {
    /* The caller's: */
    unsigned depth;
    const char *device;
    const char *runs; /* a file of lines `OFFSET LENGTH`, in bytes, multiples of 512 (bench/walk-runs
                       * makes one); they are read in their order, those of more than 1 MiB in pieces */
    /* What was done: */
    unsigned long reads;
    unsigned long long bytes;
};

bool replay_run(struct replay *replay); /* false: errno says why */

#endif
