/* Reads given runs of a disk with so many reads in flight, past the cache, and says how long it took:
 * the least that anybody can need who has to read these blocks.
 *
 *     replay DEPTH DEVICE RUNS
 *
 * RUNS is a file of lines `OFFSET LENGTH`, in bytes, multiples of 512 (bench/walk-runs makes one); runs
 * are read in their order, those of more than 1 MiB in pieces. The last line is for programs. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <fibril/asys.h>
#include <fibril/calls.h>
#include "lib/program.h"
#include "walk/walk.h"

#define PIECE (1ul << 20)
#define DEPTH_MOST 1024

struct slot {
    struct slot *next_free;
    char *buffer;
    unsigned long arguments[5];
};

static FILE *runs;
static int device;
static unsigned long long offset, left; /* of the run that is being read */
static unsigned long pieces, total_runs;
static unsigned long long bytes;
static struct asys_input inputs[DEPTH_MOST];
static unsigned asked;

/* False: there are no more runs. */
static bool
ask(struct slot *slot)
{
    if (left == 0 && fscanf(runs, "%llu %llu", &offset, &left) != 2)
        return false;
    unsigned long length = left < PIECE ? left : PIECE;
    slot->arguments[0] = device;
    slot->arguments[1] = (unsigned long)slot->buffer;
    slot->arguments[2] = length;
    slot->arguments[3] = (unsigned long)offset;
    slot->arguments[4] = (unsigned long)(offset >> 32);
    inputs[asked++] = (struct asys_input){SYS_pread64, (unsigned long)slot, 5, slot->arguments};
    offset += length;
    left -= length;
    total_runs += left == 0;
    return true;
}

static int
submit(void)
{
    while (asked > 0) {
        long taken = asys_submit(inputs, asked);
        if (taken < 0)
            return -1;
        asked -= taken;
        memmove(inputs, inputs + taken, asked * sizeof *inputs);
    }
    return 0;
}

/* Waits for a read to end; its slot, or NULL. */
static struct slot *
await(void)
{
    struct asys_completion done;

    if (asys_await_completion(&done) < 0)
        return NULL;
    struct slot *slot = (struct slot *)done.cookie;
    if (done.return_code != (long)slot->arguments[2]) {
        errno = done.return_code < 0 ? -done.return_code : EIO;
        return NULL;
    }
    pieces++;
    bytes += done.return_code;
    return slot;
}

static int
replay(struct slot *slots, unsigned depth)
{
    unsigned in_flight = 0;

    while (in_flight < depth && ask(&slots[in_flight]))
        in_flight++;
    while (in_flight > 0) {
        if (submit() < 0)
            return -1;
        struct slot *slot = await();
        if (!slot)
            return -1;
        in_flight -= !ask(slot);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    struct walk_counters before, used;
    unsigned depth = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;

    if (depth < 1 || depth > DEPTH_MOST) {
        fprintf(stderr, "usage: replay DEPTH DEVICE RUNS\nDEPTH: 1 to %d\n", DEPTH_MOST);
        return 2;
    }
    device = open(argv[2], O_RDONLY | O_DIRECT);
    if (device < 0)
        return program_complain("replay", argv[2]);
    runs = fopen(argv[3], "r");
    if (!runs)
        return program_complain("replay", argv[3]);
    struct slot *slots = walk_allocate(depth * sizeof *slots);
    for (unsigned i = 0; i < depth; i++)
        if (posix_memalign((void **)&slots[i].buffer, 4096, PIECE) != 0)
            return program_complain("replay", "memory");
    walk_counters_read(&before);
    if (replay(slots, depth) < 0)
        return program_complain("replay", argv[2]);
    used = walk_counters_since(&before);
    printf("replay: depth=%u runs=%lu reads=%lu bytes=%llu seconds=%.3f requests=%llu merged=%llu\n",
           depth, total_runs, pieces, bytes, used.nanoseconds / 1e9, used.requests, used.merged);
    return 0;
}
