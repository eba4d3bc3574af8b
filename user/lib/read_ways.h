/* Reading many open files at once, by each interface that there is for it: used by aiocmp. */
#ifndef LIB_READ_WAYS_H
#define LIB_READ_WAYS_H

#include <stddef.h>

struct read_job {
    int fd;
    size_t size;
    char *buffer;
    long result; /* bytes, or a negative error number; set by the way */
};

/* Reads all of them, at most `depth` (1 to READ_DEPTH_MOST) in flight: 0, or a negative error number when
 * the interface itself failed. */
#define READ_DEPTH_MOST 1024
typedef int read_way(struct read_job *jobs, unsigned count, unsigned depth);

struct read_way_entry {
    const char *name;
    read_way *read;
};
extern const struct read_way_entry read_ways[]; /* the first is read(); ends with a NULL name */

#endif
