/* What the kernel counts, read before and after a walk. A file that is not there counts nothing. */
#include "walk/walk.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The file's text in a buffer that the next call uses again; "" if it cannot be read. */
static char *
read_text(const char *path)
{
    static char text[8192];
    size_t length = 0;
    ssize_t size;
    int fd = open(path, O_RDONLY);

    if (fd >= 0) {
        while ((size = read(fd, text + length, sizeof text - 1 - length)) > 0)
            length += size;
        close(fd);
    }
    text[length] = 0;
    return text;
}

/* A partition is named by its disk, p, and a number: ata0p2. (On Linux: sda2, nvme0n1p2.) */
static bool
is_partition(const char *name)
{
    size_t end = strlen(name);

    if (end < 2 || !isdigit((unsigned char)name[end - 1]))
        return false;
    while (end > 0 && isdigit((unsigned char)name[end - 1]))
        end--;
    return end > 1 && ((name[end - 1] == 'p' && isdigit((unsigned char)name[end - 2])) ||
                       strncmp(name, "sd", 2) == 0 || strncmp(name, "vd", 2) == 0);
}

/* Lines as Linux's Documentation/admin-guide/iostats.rst has them: major minor name, reads done,
 * reads merged, sectors read, ms reading, writes …; the thirteenth word is the ms it was busy. */
static void
read_disks(struct walk_counters *counters)
{
    for (char *line = read_text("/proc/diskstats"); *line;) {
        char name[32];
        unsigned long long reads, merged, busy;
        if (sscanf(line, "%*u %*u %31s %llu %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, &reads,
                   &merged, &busy) == 4 && !is_partition(name)) {
            counters->requests += reads;
            counters->merged += merged;
            counters->busy_ms += busy;
        }
        line = strchr(line, '\n');
        if (!line++)
            return;
    }
}

static unsigned long long
find_number(const char *text, const char *word)
{
    const char *found = strstr(text, word);

    return found ? strtoull(found + strlen(word), NULL, 10) : 0;
}

void
walk_counters_read(struct walk_counters *counters)
{
    struct timespec now;
    const char *calls;

    *counters = (struct walk_counters){0};
    read_disks(counters);
    calls = read_text("/proc/self/calls");
    counters->started = find_number(calls, "started ");
    counters->blocked = find_number(calls, "blocked ");
    if (clock_gettime(CLOCK_MONOTONIC, &now) == 0)
        counters->nanoseconds = now.tv_sec * 1000000000ull + now.tv_nsec;
}

struct walk_counters
walk_counters_since(const struct walk_counters *before)
{
    struct walk_counters now;

    walk_counters_read(&now);
    return (struct walk_counters){
        .nanoseconds = now.nanoseconds - before->nanoseconds,
        .requests = now.requests - before->requests,
        .merged = now.merged - before->merged,
        .busy_ms = now.busy_ms - before->busy_ms,
        .started = now.started - before->started,
        .blocked = now.blocked - before->blocked,
    };
}
