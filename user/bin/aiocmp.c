/* aiocmp [FILES [DEPTH [PATH]]]: the same work by every interface that this kernel has for it: read FILES
 * files (2,000) below PATH (/mnt/0), each as a whole, with cold caches and DEPTH (64) reads in flight.
 * The files are open before, so that what differs is the reading. A line each: seconds, how many times
 * faster than read(), and whether the same bytes came. lib/read_ways.c has the interfaces. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "lib/program.h"
#include "lib/read_ways.h"

#define SIZE_MOST (64u << 10) /* larger files are left out */

static struct read_job *jobs;
static unsigned count, wanted = 2000;

static void
add_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        return;
    if (fstat(fd, &status) < 0 || status.st_size == 0 || status.st_size > SIZE_MOST ||
        !(jobs[count].buffer = malloc((size_t)status.st_size))) {
        close(fd);
        return;
    }
    jobs[count].fd = fd;
    jobs[count++].size = (size_t)status.st_size;
}

static void
find_files(const char *path)
{
    char below[1024];
    struct dirent *entry;
    DIR *directory = opendir(path);

    while (directory && count < wanted && (entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            find_files(below);
        else if (entry->d_type == DT_REG)
            add_file(below);
    }
    if (directory)
        closedir(directory);
}

static bool
drop_caches(void)
{
    int file = open("/proc/sys/vm/drop_caches", O_WRONLY);
    bool dropped = file >= 0 && write(file, "3", 1) == 1;

    close(file);
    return dropped;
}

static double
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + time.tv_nsec / 1e9;
}

/* Of all contents, in the files' order; files that were not read whole leave their mark. */
static unsigned long
sum_of_all(unsigned *failed)
{
    unsigned long sum = 0;

    *failed = 0;
    for (unsigned i = 0; i < count; i++) {
        *failed += jobs[i].result != (long)jobs[i].size;
        for (size_t at = 0; at < jobs[i].size; at++)
            sum = sum * 31 + (unsigned char)jobs[i].buffer[at];
    }
    return sum;
}

/* One line of the table: 0, or 1 when it went wrong. */
static int
compare(const struct read_way_entry *way, unsigned depth, double *first, unsigned long *right)
{
    unsigned failed;

    for (unsigned i = 0; i < count; i++) {
        memset(jobs[i].buffer, 0, jobs[i].size);
        jobs[i].result = -1;
    }
    if (!drop_caches())
        return program_complain("aiocmp", "/proc/sys/vm/drop_caches");
    double begin = now();
    int error = way->read(jobs, count, depth);
    double seconds = now() - begin;
    unsigned long sum = sum_of_all(&failed);
    if (way == read_ways) {
        *first = seconds;
        *right = sum;
    }
    bool same = !error && !failed && sum == *right;
    printf("%-11s %9.3f s %7.2f  %s\n", way->name, seconds, *first / seconds,
           same ? "same bytes" : "WRONG");
    fflush(stdout);
    return !same;
}

int
main(int argc, char **argv)
{
    unsigned depth = argc > 2 ? (unsigned)atoi(argv[2]) : 64;
    unsigned long long bytes = 0;
    unsigned long right = 0;
    double first = 0;
    int wrong = 0;

    if (argc > 1)
        wanted = (unsigned)atoi(argv[1]);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){wanted + 64, wanted + 64});
    jobs = calloc(wanted, sizeof *jobs);
    if (!jobs || depth < 1 || depth > READ_DEPTH_MOST) {
        fputs("usage: aiocmp [FILES [DEPTH [PATH]]]\n", stderr);
        return 2;
    }
    find_files(argc > 3 ? argv[3] : "/mnt/0");
    for (unsigned i = 0; i < count; i++)
        bytes += jobs[i].size;
    printf("%u files, %llu bytes, %u in flight\n", count, bytes, depth);
    for (const struct read_way_entry *way = read_ways; way->name; way++)
        wrong |= compare(way, depth, &first, &right);
    return wrong || count == 0;
}
