/* Does several jobs by turns, again and again, each with cold caches, and says what each turn took.
 *
 *     turns ROUNDS JOB…
 *
 *     sync:PATH, asys:DEPTH:PATH            walk the tree and ask every entry's status
 *     read-sync:PATH, read-asys:DEPTH:PATH  and read every file (no sums)
 *     replay:DEPTH:DEVICE:RUNS              read given runs of a disk, past the cache (lib/replay.h)
 *     stream:BYTES:FILE                     read a file from end to end, so many bytes at a time
 *     warm-JOB                              any of these, done just before without being measured
 *     read-ahead:0, read-ahead:1            no job: from here on it is off or on
 *
 * The lines are for programs: bench/run.py. A job that fails ends it all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/replay.h"
#include "lib/program.h"
#include "walk/walk.h"

#define WORDS_MOST 4

struct job {
    const char *text;
    char *words[WORDS_MOST];
    unsigned count;
    bool warm;
};

/* What a turn did: things (entries, reads) and bytes. */
struct done {
    unsigned long things, in_flight_most;
    unsigned long long bytes;
};

/* Writes a digit to a file of /proc/sys/vm. */
static bool
tell_kernel(const char *path, const char *digit)
{
    int file = open(path, O_WRONLY);
    bool told = file >= 0 && write(file, digit, 1) == 1;

    close(file);
    return told || (program_complain("turns", path), false);
}

static bool
do_walk(const char *path, unsigned depth, bool read, struct done *done)
{
    struct walk walk = {.path = path, .way = depth > 0 ? WALK_ASYS : WALK_SYNC, .depth = depth, .read = read,
                        .unsummed = true};

    if (walk_run(&walk) < 0 || walk.errors > 0)
        return false;
    *done = (struct done){walk.directories + walk.files + walk.others, walk.in_flight_most, walk.bytes};
    return true;
}

static bool
do_replay(unsigned depth, const char *device, const char *runs, struct done *done)
{
    struct replay replay = {.depth = depth, .device = device, .runs = runs};

    if (!replay_run(&replay))
        return program_complain("replay", device), false;
    *done = (struct done){replay.reads, depth, replay.bytes};
    return true;
}

static bool
do_stream(size_t size, const char *path, struct done *done)
{
    char *buffer = walk_allocate(size);
    int file = open(path, O_RDONLY | O_LARGEFILE);
    ssize_t got = -1;

    *done = (struct done){.in_flight_most = 1};
    while (file >= 0 && (got = read(file, buffer, size)) > 0) {
        done->things++;
        done->bytes += got;
    }
    if (got < 0)
        program_complain("stream", path);
    close(file);
    free(buffer);
    return got == 0;
}

static unsigned
number(const char *text)
{
    return strtoul(text, NULL, 10);
}

/* False: it failed; *known: there is such a job. */
static bool
do_job(const struct job *job, struct done *done, bool *known)
{
    const char *kind = job->words[0];

    *known = true;
    if (strcmp(kind, "sync") == 0 && job->count == 2)
        return do_walk(job->words[1], 0, false, done);
    if (strcmp(kind, "read-sync") == 0 && job->count == 2)
        return do_walk(job->words[1], 0, true, done);
    if (strcmp(kind, "asys") == 0 && job->count == 3 && number(job->words[1]))
        return do_walk(job->words[2], number(job->words[1]), false, done);
    if (strcmp(kind, "read-asys") == 0 && job->count == 3 && number(job->words[1]))
        return do_walk(job->words[2], number(job->words[1]), true, done);
    if (strcmp(kind, "replay") == 0 && job->count == 4 && number(job->words[1]))
        return do_replay(number(job->words[1]), job->words[2], job->words[3], done);
    if (strcmp(kind, "stream") == 0 && job->count == 3 && number(job->words[1]))
        return do_stream(number(job->words[1]), job->words[2], done);
    *known = false;
    return false;
}

/* With caches as the job wants them. */
static bool
prepare(const struct job *job)
{
    struct done unused;
    bool known;

    if (!tell_kernel("/proc/sys/vm/drop_caches", "3"))
        return false;
    return !job->warm || do_job(job, &unused, &known);
}

/* What /proc/read_ahead has counted: pages, and those that somebody wanted. */
static void
read_ahead_count(unsigned long *pages, unsigned long *used)
{
    FILE *file = fopen("/proc/read_ahead", "r");

    *pages = *used = 0;
    if (!file)
        return;
    if (fscanf(file, "wishes %*u dropped %*u waiting %*u pages %lu used %lu", pages, used) != 2)
        *pages = *used = 0;
    fclose(file);
}

static bool
take_turn(const struct job *job)
{
    struct walk_counters before, spent;
    struct done done;
    unsigned long ahead_before, used_before, ahead, used;
    bool known = true;

    if (strcmp(job->words[0], "read-ahead") == 0 && job->count == 2)
        return tell_kernel("/proc/sys/vm/read_ahead", job->words[1]);
    if (!prepare(job))
        return false;
    read_ahead_count(&ahead_before, &used_before);
    walk_counters_read(&before);
    if (!do_job(job, &done, &known)) {
        fprintf(stderr, "turns: %s: %s\n", job->text, known ? "failed" : "no such job");
        return false;
    }
    spent = walk_counters_since(&before);
    read_ahead_count(&ahead, &used);
    printf("turn: job=%s seconds=%.4f things=%lu bytes=%llu requests=%llu merged=%llu busy_ms=%llu "
           "inflight_max=%lu blocked=%llu ahead=%lu ahead_used=%lu\n", job->text,
           spent.nanoseconds / 1e9, done.things, done.bytes, spent.requests, spent.merged,
           spent.busy_ms, done.in_flight_most, spent.blocked, ahead - ahead_before,
           used - used_before);
    fflush(stdout);
    return true;
}

static void
split(struct job *job, char *text)
{
    job->text = strdup(text);
    for (char *word = strtok(text, ":"); word && job->count < WORDS_MOST; word = strtok(NULL, ":"))
        job->words[job->count++] = word;
    if (job->count == 0)
        job->words[job->count++] = text;
    job->warm = strncmp(job->words[0], "warm-", 5) == 0;
    if (job->warm)
        job->words[0] += 5;
}

int
main(int argc, char **argv)
{
    unsigned rounds = argc > 2 ? number(argv[1]) : 0;

    if (rounds == 0) {
        fputs("usage: turns ROUNDS JOB…\n", stderr);
        return 2;
    }
    struct job *jobs = calloc(argc, sizeof *jobs);
    for (int i = 2; i < argc; i++)
        split(&jobs[i], argv[i]);
    for (unsigned round = 0; round < rounds; round++)
        for (int i = 2; i < argc; i++)
            if (!take_turn(&jobs[i]))
                return 1;
    return 0;
}
