/* Walking a tree of directories, synchronously or with many calls in flight: used by the programs
 * walk and demo.
 *
 * walk_sync.c does what find does, one call after the other. walk_asys.c does the same with up to
 * `depth` calls in flight, in one task, without threads; walk_engine.c hands the calls over, by
 * asys_submit or a ring; walk_chain.c joins those that belong together. All tell walk_found and
 * walk_failed (tally.c) what they see, so that the result is the same whatever the way. */
#ifndef WALK_WALK_H
#define WALK_WALK_H

#include <fibril/kernel_types.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include "lib/sha256.h"

#define WALK_DEPTH_MOST 4096u

/* A line of --list. */
struct walk_entry {
    unsigned long long size, inode;
    unsigned mode;
    const char *sum; /* 64 digits, or NULL */
    const char *path; /* below the starting point, without "./" */
};

struct walk_directory;
struct walk_reader;

enum walk_way {
    WALK_SYNC,
    WALK_ASYS,  /* asys_submit and asys_await_completion */
    WALK_RING,  /* the same calls through a ring */
    WALK_CHAIN, /* and chains of calls instead of single ones */
    WALK_SYSLET,    /* each call a syslet of one atom */
    WALK_THREADLET, /* the synchronous walker, a threadlet for each directory */
};

struct walk {
    /* What to do; the caller's: */
    const char *path;
    enum walk_way way;
    bool read; /* read every file and sum it */
    bool unsummed; /* with `read`: no sums, for measuring */
    bool list; /* keep a walk_entry of each */
    unsigned depth; /* calls, or chains, in flight at most */
    void (*progress)(struct walk *walk); /* called now and then, or NULL */
    sem_t *turn; /* held by whoever changes what follows, where there are several; or NULL */

    /* What was found: */
    unsigned long directories, files, others, errors;
    unsigned long long bytes; /* sizes of the regular files */
    unsigned long long in_flight_sum, in_flight_samples; /* one sample per completion */
    unsigned in_flight_most;
    struct walk_entry *entries;
    size_t entry_count, entry_room;
};

/* Walks by one way or the other. 0, or -1 if it could not even be done badly (no memory, no asys):
 * then a line on standard error says why. */
int walk_run(struct walk *walk);
int walk_sync(struct walk *walk);
int walk_asys(struct walk *walk);
int walk_threadlet(struct walk *walk);

/* walk_sync.c: lists the directory, which it frees, and looks at its entries; directories among them go to
 * the pile. Where several do this side by side, walk->turn is taken for all that they share. */
#define WALK_NAMES_SIZE 65536 /* of directory->names */
void walk_visit(struct walk *walk, struct walk_directory *directory, struct walk_directory **pile,
                struct walk_reader *reader);

static inline void
walk_turn_take(struct walk *walk)
{
    while (walk->turn && sem_wait(walk->turn) < 0)
        ;
}
static inline void
walk_turn_give(struct walk *walk)
{
    if (walk->turn)
        sem_post(walk->turn);
}

/* The entry `name` of the directory at `path` (as walk->path begins it); a directory is told with
 * name NULL. `sum` is NULL for all but a regular file that was read. */
void walk_found(struct walk *walk, const char *path, const char *name,
                const struct kernel_stat *status, const char *sum);
/* Something about it could not be read: reported and counted. */
void walk_failed(struct walk *walk, const char *path, const char *name, int error);

/* list.c: --list's lines, sorted, on standard output. -1: could not be written. */
int walk_list_add(struct walk *walk, const char *path, const char *name,
                  const struct kernel_stat *status, const char *sum);
int walk_list_print(struct walk *walk);

/* ---- Directories still to be read (pending.c) ---- */

#define WALK_OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_LARGEFILE | O_CLOEXEC)
#define WALK_OPEN_FILE (O_RDONLY | O_NOFOLLOW | O_LARGEFILE | O_CLOEXEC)

struct walk_directory {
    struct walk_directory *next;
    int fd;
    unsigned busy;             /* entries that calls in flight are about */
    unsigned position, filled; /* what of `names` has been looked at, and what there is */
    char *names;               /* from getdents64 */
    char path[];
};

/* path, or path/name, on top of the pile; it comes below those put there through the same `place`
 * before it, so that directories are visited in their order. Ends the program if memory ends. */
void walk_pile_put(struct walk_directory ***place, const char *path, const char *name);
struct walk_directory *walk_pile_take(struct walk_directory **pile);
/* The next entry in directory->names that is neither . nor .., or NULL: all have been given. */
const struct kernel_dirent *walk_next_entry(struct walk_directory *directory);

/* ---- Reading a file (sum.c) ---- */

struct walk_reader {
    int fd;
    int error; /* why the sum is not to be had, or 0 */
    unsigned long long offset; /* chains: how far it has been read */
    struct sha256 sum;
    char text[SHA256_TEXT_SIZE];
    char buffer[32768];
};

void *walk_allocate(size_t size); /* malloc; ends the program if there is none */

/* ---- What the machine did meanwhile (counters.c) ---- */

struct walk_counters {
    unsigned long long nanoseconds; /* monotonic clock */
    unsigned long long requests, merged, busy_ms; /* of all whole disks: /proc/diskstats */
    unsigned long long started, blocked; /* this task's background calls: /proc/self/calls */
};

void walk_counters_read(struct walk_counters *counters);
struct walk_counters walk_counters_since(const struct walk_counters *before);

/* report.c: the line for programs, on standard error. */
void walk_report(const struct walk *walk, const struct walk_counters *used);
const char *walk_way_name(enum walk_way way);
double walk_in_flight_mean(const struct walk *walk);

#endif
