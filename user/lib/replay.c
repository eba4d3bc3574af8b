/* See replay.h. The runs' ends are not waited for one by one: a slot whose read has ended takes the next
 * piece. A buffer of 1 MiB is made for each slot that needs one. */
#include "lib/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <fibril/asys.h>

#define PIECE (1ul << 20)
#define ALIGNMENT 4096

struct slot {
    char *buffer;
    unsigned long room;
    unsigned long arguments[5];
};

struct engine {
    struct replay *replay;
    FILE *runs;
    int device;
    unsigned long long offset, left; /* of the run that is being read */
    struct asys_input *inputs;
    unsigned asked;
};

/* Room for the next piece: short ones, of which most lists are made, need less memory. */
static bool
slot_grow(struct slot *slot, unsigned long length)
{
    if (slot->room >= length)
        return true;
    free(slot->buffer);
    slot->room = 0;
    if ((errno = posix_memalign((void **)&slot->buffer, ALIGNMENT, length)) != 0) {
        slot->buffer = NULL;
        return false;
    }
    slot->room = length;
    return true;
}

/* 1: asked for the next piece; 0: there is none; -1. */
static int
ask(struct engine *engine, struct slot *slot)
{
    if (engine->left == 0 && fscanf(engine->runs, "%llu %llu", &engine->offset, &engine->left) != 2)
        return 0;
    unsigned long length = engine->left < PIECE ? engine->left : PIECE;
    if (!slot_grow(slot, length))
        return -1;
    slot->arguments[0] = engine->device;
    slot->arguments[1] = (unsigned long)slot->buffer;
    slot->arguments[2] = length;
    slot->arguments[3] = (unsigned long)engine->offset;
    slot->arguments[4] = (unsigned long)(engine->offset >> 32);
    engine->inputs[engine->asked++] =
        (struct asys_input){SYS_pread64, (unsigned long)slot, 5, slot->arguments};
    engine->offset += length;
    engine->left -= length;
    return 1;
}

static bool
submit(struct engine *engine)
{
    while (engine->asked > 0) {
        long taken = asys_submit(engine->inputs, engine->asked);
        if (taken < 0)
            return false;
        engine->asked -= taken;
        memmove(engine->inputs, engine->inputs + taken, engine->asked * sizeof *engine->inputs);
    }
    return true;
}

/* Waits for a read to end; its slot, or NULL. */
static struct slot *
await(struct engine *engine)
{
    struct asys_completion done;

    if (asys_await_completion(&done) < 0)
        return NULL;
    struct slot *slot = (struct slot *)done.cookie;
    if (done.return_code != (long)slot->arguments[2]) {
        errno = done.return_code < 0 ? -done.return_code : EIO;
        return NULL;
    }
    engine->replay->reads++;
    engine->replay->bytes += done.return_code;
    return slot;
}

static bool
read_all(struct engine *engine, struct slot *slots)
{
    unsigned in_flight = 0;
    int asked = 1;

    while (in_flight < engine->replay->depth && (asked = ask(engine, &slots[in_flight])) > 0)
        in_flight++;
    while (in_flight > 0 && asked >= 0) {
        struct slot *slot = submit(engine) ? await(engine) : NULL;
        if (!slot)
            return false;
        asked = ask(engine, slot);
        in_flight -= asked == 0;
    }
    return asked >= 0;
}

bool
replay_run(struct replay *replay)
{
    struct engine engine = {.replay = replay, .device = -1};
    struct slot *slots = NULL;
    bool done = false;

    replay->reads = replay->bytes = 0;
    errno = EINVAL;
    if (replay->depth < 1 || replay->depth > REPLAY_DEPTH_MOST)
        return false;
    engine.inputs = calloc(replay->depth, sizeof *engine.inputs);
    slots = calloc(replay->depth, sizeof *slots);
    engine.runs = fopen(replay->runs, "r");
    if (engine.inputs && slots && engine.runs) {
        engine.device = open(replay->device, O_RDONLY | O_DIRECT | O_LARGEFILE);
        done = engine.device >= 0 && read_all(&engine, slots);
    }
    int error = errno;
    for (unsigned i = 0; slots && i < replay->depth; i++)
        free(slots[i].buffer);
    free(slots);
    free(engine.inputs);
    if (engine.runs)
        fclose(engine.runs);
    if (engine.device >= 0)
        close(engine.device);
    errno = error;
    return done;
}
