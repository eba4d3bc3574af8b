/* walk [-j DEPTH] [--sync|--asys|--ring|--chain|--syslet|--threadlet] [--read] [--list] PATH: find with
 * stat, one call after the other or with up to DEPTH calls in flight.
 *
 * --ring   hands the calls over through a ring instead of asys_submit
 * --chain  and chains: open, look at, list a directory; look at, open, read, close a file
 * --syslet    makes each call a syslet of one atom
 * --threadlet gives each directory to a threadlet, which does what the synchronous walker does; DEPTH
 *          directories at once
 * --read   reads every file too, and sums it (SHA-256)
 * --list   a line per entry, TYPE SIZE MODE INODE [SUM] PATH, sorted by path
 * The last line on standard error is for programs. The exit status is 1 if anything could not be
 * read, 2 for a wrong command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "walk/walk.h"

static int
usage(void)
{
    fprintf(stderr, "usage: walk [-j DEPTH] [--sync|--asys|--ring|--chain|--syslet|--threadlet]\n"
                    "            [--read] [--list] PATH\n"
                    "DEPTH: 1 to %u calls (or chains) in flight, 64 by default\n", WALK_DEPTH_MOST);
    return 2;
}

/* -j 64 and -j64. False: not a depth. */
static bool
parse_depth(const char *text, unsigned *depth)
{
    char *end;

    *depth = strtoul(text, &end, 10);
    return end != text && *end == 0 && *depth >= 1 && *depth <= WALK_DEPTH_MOST;
}

static bool
parse_way(const char *word, enum walk_way *result)
{
    for (enum walk_way way = WALK_SYNC; way <= WALK_THREADLET; way++)
        if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, walk_way_name(way)) == 0) {
            *result = way;
            return true;
        }
    return false;
}

/* False: the command line is wrong. */
static bool
parse(int argc, char **argv, struct walk *walk)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (parse_way(word, &walk->way))
            continue;
        if (strcmp(word, "--read") == 0)
            walk->read = true;
        else if (strcmp(word, "--list") == 0)
            walk->list = true;
        else if (strncmp(word, "-j", 2) == 0) {
            const char *number = word[2] || i + 1 == argc ? word + 2 : argv[++i];
            if (!parse_depth(number, &walk->depth))
                return false;
        } else if (walk->path || (word[0] == '-' && word[1]))
            return false;
        else
            walk->path = word;
    }
    return walk->path != NULL;
}

int
main(int argc, char **argv)
{
    static char output[65536];
    struct walk walk = {.way = WALK_ASYS, .depth = 64};
    struct walk_counters before, used;

    if (!parse(argc, argv, &walk))
        return usage();
    setvbuf(stdout, output, _IOFBF, sizeof output);
    walk_counters_read(&before);
    if (walk_run(&walk) < 0)
        return 1;
    used = walk_counters_since(&before);
    if (walk.list && walk_list_print(&walk) < 0) {
        perror("walk: standard output");
        walk.errors++;
    }
    walk_report(&walk, &used);
    return walk.errors > 0;
}
