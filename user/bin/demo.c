/* demo [PATH]: what Fibril is about, on one screen. The tree at PATH (/demo) is walked with nothing in
 * the cache, first with one call after the other, then with ever more calls in flight; then the same
 * on the disk at /mnt/0, if there is one. The init of `make run`. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "lib/program.h"
#include "lib/timeline.h"
#include "walk/walk.h"

#define DEPTH_OF_PICTURE 8
#define ENTRIES_OF_PICTURE 600
#define PICTURE_COLUMNS 60 /* so that its lines fit on a VGA screen */
#define SHORT_WALK_NS 1000000000ull
#define FAST_ANSWER_MS 1.0
#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const struct {
    enum walk_way way;
    unsigned depth;
} ways[] = {{WALK_SYNC, 1},   {WALK_ASYS, 4},  {WALK_ASYS, 16}, {WALK_ASYS, 64},
            {WALK_ASYS, 256}, {WALK_RING, 64}, {WALK_CHAIN, 64}};

struct run {
    struct walk walk;
    struct walk_counters used;
};

static struct timespec run_began;

/* ---- One walk ---- */

static int
drop_caches(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
    int result = fd < 0 || write(fd, "3\n", 2) < 0 ? program_complain("demo", "drop_caches") : 0;

    if (fd >= 0)
        close(fd);
    return result;
}

static double
seconds_since(const struct timespec *begin)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - begin->tv_sec + (now.tv_nsec - begin->tv_nsec) / 1e9;
}

static const char *
run_name(const struct walk *walk)
{
    static char name[24];

    if (walk->way == WALK_SYNC)
        return "synchronous";
    snprintf(name, sizeof name, "%s, depth %u", walk_way_name(walk->way), walk->depth);
    return name;
}

static void
print_progress(const struct walk *walk, double seconds)
{
    printf("\r  %-15s %6lu entries %6.1f s", run_name(walk),
           walk->directories + walk->files + walk->others, seconds);
    fflush(stdout);
}

/* On one line, which is written over and over, five times a second. */
static void
show_progress(struct walk *walk)
{
    static double shown;
    double seconds;

    if ((walk->directories + walk->files + walk->others) % 32 != 0)
        return;
    seconds = seconds_since(&run_began);
    if (seconds < shown)
        shown = 0; /* another walk */
    if (seconds < shown + 0.2)
        return;
    shown = seconds;
    print_progress(walk, seconds);
}

static int
run_once(struct run *run, const char *path, enum walk_way way, unsigned depth)
{
    struct walk_counters before;

    *run = (struct run){.walk = {
        .path = path, .way = way, .depth = depth, .progress = show_progress,
    }};
    if (drop_caches() != 0)
        return -1;
    clock_gettime(CLOCK_MONOTONIC, &run_began);
    walk_counters_read(&before);
    if (walk_run(&run->walk) < 0)
        return -1;
    run->used = walk_counters_since(&before);
    return 0;
}

/* A walk; a short one three times, of which the fastest counts: other programs of the machine under
 * the emulator disturb, and never make it faster. */
static int
run_walk(struct run *run, const char *path, enum walk_way way, unsigned depth)
{
    struct run again;

    if (run_once(run, path, way, depth) < 0)
        return -1;
    for (int i = 1; i < 3 && run->used.nanoseconds < SHORT_WALK_NS; i++) {
        if (run_once(&again, path, way, depth) < 0)
            return -1;
        if (again.used.nanoseconds < run->used.nanoseconds)
            *run = again;
    }
    print_progress(&run->walk, run->used.nanoseconds / 1e9);
    putchar('\n');
    fflush(stdout);
    walk_report(&run->walk, &run->used);
    return 0;
}

/* ---- The table ---- */

static double
seconds(const struct run *run)
{
    return run->used.nanoseconds / 1e9;
}

static double
busy_percent(const struct run *run)
{
    double busy = seconds(run) > 0 ? run->used.busy_ms / 10.0 / seconds(run) : 0;

    return busy > 100 ? 100 : busy;
}

static double
gain(const struct run *run, const struct run *synchronous)
{
    return seconds(synchronous) / seconds(run);
}

static void
print_run(const struct run *run, const struct run *synchronous)
{
    printf("  %-15s %9.3f %8llu %6llu %7.1f %5u ", run_name(&run->walk), seconds(run),
           run->used.requests, run->used.merged, walk_in_flight_mean(&run->walk),
           run->walk.in_flight_most);
    if (run->walk.way)
        printf("%8llu", run->used.blocked);
    else
        printf("%8s", "-");
    printf(" %4.0f%% %5.2f\n", busy_percent(run), gain(run, synchronous));
}

/* Why asynchronous calls gained nothing, from what was measured of the synchronous walk. */
static void
print_reason_of_loss(const struct run *synchronous)
{
    double answer_ms = synchronous->used.requests
                           ? (double)synchronous->used.busy_ms / synchronous->used.requests : 0;

    if (answer_ms < FAST_ANSWER_MS)
        printf("  The disk answers within %.2f ms: there is hardly anything to wait for, and\n"
               "  starting and collecting calls costs more than it saves.\n", answer_ms);
    else
        puts("  Either the disk takes one command at a time and few requests were neighbours that\n"
             "  could be merged, or nearly all had been read ahead.");
}

static void
explain(const struct run *runs, size_t count)
{
    double best = 0;
    unsigned losses = 0;

    for (size_t i = 1; i < count; i++) {
        double this_gain = gain(&runs[i], &runs[0]);
        best = this_gain > best ? this_gain : best;
        if (runs[i].walk.way == WALK_ASYS && this_gain < 0.995) /* what the table shows as less than 1.00 */
            printf("%s %u", losses++ ? "," : "  The gain is below 1 at depth", runs[i].walk.depth);
    }
    if (losses > 0) {
        puts(":");
        print_reason_of_loss(&runs[0]);
    } else if (best < 2 && busy_percent(&runs[0]) > 90) {
        puts("  The disk was busy nearly all the time with one call after the other, too. One that\n"
             "  takes a single command at a time then gains by merging neighbouring requests and\n"
             "  by a shorter way of the head, and one with a queue by a deeper queue only.");
    }
}

static void
print_table(const struct run *runs, size_t count)
{
    const struct walk *first = &runs[0].walk;

    printf("\n  %lu files, %lu directories, %lu others, %llu bytes\n\n", first->files,
           first->directories, first->others, first->bytes);
    printf("  %-15s %9s %8s %6s %13s %8s %5s %5s\n", "", "", "", "", "in flight ", "a call", "disk",
           "");
    printf("  %-15s %9s %8s %6s %7s %5s %8s %5s %5s\n", "", "seconds", "requests", "merged", "mean",
           "most", "blocked", "busy", "gain");
    for (size_t i = 0; i < count; i++)
        print_run(&runs[i], &runs[0]);
    putchar('\n');
    explain(runs, count);
}

/* ---- The picture ---- */

static void
stop_tracing_in_the_middle(struct walk *walk)
{
    if (walk->directories + walk->files + walk->others == ENTRIES_OF_PICTURE)
        timeline_stop();
}

static void
print_picture(const char *path)
{
    struct walk walk = {.path = path, .way = WALK_ASYS, .depth = DEPTH_OF_PICTURE,
                        .progress = stop_tracing_in_the_middle};

    if (drop_caches() != 0 || !timeline_start())
        return;
    walk_run(&walk);
    if (walk.directories + walk.files + walk.others < ENTRIES_OF_PICTURE)
        timeline_stop();
    printf("\n  A moment of such a walk with %d calls in flight, a row per fibril of the task:\n\n",
           DEPTH_OF_PICTURE);
    if (!timeline_print(getpid(), DEPTH_OF_PICTURE + 8, PICTURE_COLUMNS))
        puts("  (nothing was traced)");
}

/* ---- A tree ---- */

static int
show_tree(const char *path, const char *where)
{
    struct run runs[LENGTH(ways)];
    unsigned long errors = 0;

    printf("\nWalking %s, %s, each time with an empty cache:\n", path, where);
    for (size_t i = 0; i < LENGTH(ways); i++) {
        if (run_walk(&runs[i], path, ways[i].way, ways[i].depth) < 0)
            return 1;
        errors += runs[i].walk.errors;
    }
    print_table(runs, LENGTH(ways));
    print_picture(path);
    return errors > 0;
}

/* The tree on a further disk: below /mnt/0/demo, or all of it. NULL: there is no such disk. */
static const char *
further_tree(void)
{
    struct stat root, mount, tree;

    if (stat("/", &root) < 0 || stat("/mnt/0", &mount) < 0 || root.st_dev == mount.st_dev)
        return NULL;
    return stat("/mnt/0/demo", &tree) == 0 && S_ISDIR(tree.st_mode) ? "/mnt/0/demo" : "/mnt/0";
}

int
main(int argc, char **argv)
{
    const char *further = further_tree();
    int status;

    puts("Fibril: a system call becomes asynchronous by being started on its own fibril.");
    status = show_tree(argc > 1 ? argv[1] : "/demo", "on the disk we started from");
    if (further)
        status |= show_tree(further, "on a further disk, whose reads may be delayed");
    return status;
}
