/* How walk_asys.c's calls are handed over and come back: see engine.h. */
#include "walk/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include "lib/program.h"

static int
complain(const char *what, long error)
{
    fprintf(stderr, "walk: %s: %s\n", what, error_name(error));
    return -1;
}

int
engine_open(struct engine *engine)
{
    if (engine->walk->way == WALK_ASYS) {
        engine->inputs = walk_allocate(engine->walk->depth * sizeof *engine->inputs);
        return 0;
    }
    if (engine->walk->way == WALK_SYSLET) {
        engine->ended = walk_allocate(engine->walk->depth * sizeof *engine->ended);
        engine->wanted = walk_allocate(engine->walk->depth * sizeof *engine->wanted);
        engine->done = walk_allocate(engine->walk->depth * sizeof *engine->done);
        async_head_init(&engine->head, engine->ended, engine->walk->depth);
        return 0;
    }
    int error = asys_open(&engine->queue, engine->walk->depth < 32 ? 32 : engine->walk->depth);
    return error ? complain("asys_open", -error) : 0;
}

void
engine_close(struct engine *engine)
{
    if (engine->walk->way == WALK_ASYS)
        free(engine->inputs);
    else if (engine->walk->way == WALK_SYSLET) {
        free(engine->ended);
        free(engine->wanted);
        free(engine->done);
    } else
        asys_close(&engine->queue);
}

/* ---- Asking ---- */

static void
slot_begin(struct engine *engine, struct slot *slot, enum step step, unsigned calls)
{
    slot->step = step;
    slot->unfinished = calls;
    engine->asked++;
}

void
engine_ask(struct engine *engine, struct slot *slot, enum step step, int number, unsigned long a,
           unsigned long b, unsigned long c, unsigned long d)
{
    if (engine->walk->way == WALK_SYSLET) {
        memcpy(slot->args, (unsigned long[]){a, b, c, d}, sizeof slot->args);
        slot->atom = (struct syslet_uatom){.nr = number, .ret_ptr = (unsigned long)&slot->results[0]};
        for (int i = 0; i < 4; i++)
            slot->atom.arg_ptr[i] = (unsigned long)&slot->args[i];
        engine->wanted[engine->asked] = slot;
    } else if (engine->walk->way != WALK_ASYS) {
        asys_tag(asys_add(&engine->queue, number, a, b, c, d), slot);
    } else {
        memcpy(slot->args, (unsigned long[]){a, b, c, d}, sizeof slot->args);
        engine->inputs[engine->asked] = (struct asys_input){
            .syscall_nr = number, .cookie = (unsigned long)slot, .nr_args = 4, .args = slot->args};
    }
    slot_begin(engine, slot, step, 1);
}

/* The cookie says which of the slot's calls it is. */
static void
place(struct asys_entry *entry, struct slot *slot, unsigned place, unsigned flags)
{
    asys_flag(entry, flags)->cookie = (uint64_t)place << 32 | (uintptr_t)slot;
}

void
engine_ask_list(struct engine *engine, struct slot *slot)
{
    struct asys *queue = &engine->queue;
    struct walk_directory *directory = slot->directory;

    directory->names = walk_allocate(NAMES_SIZE);
    place(asys_add(queue, SYS_openat, AT_FDCWD, directory->path, WALK_OPEN_DIRECTORY), slot, 0,
          ASYS_LINK);
    place(asys_add(queue, SYS_fstat64, asys_result(1), &slot->status), slot, 1, ASYS_LINK);
    place(asys_add(queue, SYS_getdents64, asys_result(2), directory->names, NAMES_SIZE), slot, 2,
          0);
    slot_begin(engine, slot, LIST_DIRECTORY, 3);
}

void
engine_ask_load(struct engine *engine, struct slot *slot, bool status_too)
{
    struct asys *queue = &engine->queue;
    struct walk_reader *reader = slot->reader;
    int fd = slot->directory->fd;

    slot->results[0] = 0;
    if (status_too)
        place(asys_add(queue, SYS_fstatat64, fd, slot->name, &slot->status, AT_SYMLINK_NOFOLLOW),
              slot, 0, ASYS_LINK);
    place(asys_add(queue, SYS_openat, fd, slot->name, WALK_OPEN_FILE), slot, 1, ASYS_LINK);
    place(asys_add(queue, SYS_pread64, asys_result(1), reader->buffer, sizeof reader->buffer,
                   ASYS_64(reader->offset)), slot, 2, ASYS_LINK);
    place(asys_add(queue, SYS_close, asys_result(2)), slot, 3, ASYS_ALWAYS);
    slot_begin(engine, slot, LOAD_FILE, 3 + status_too);
}

/* ---- Submitting ---- */

static int
submit_inputs(struct engine *engine)
{
    long taken = asys_submit(engine->inputs, engine->asked);

    if (taken < 0 && (errno != EAGAIN || engine->in_flight == 0))
        return complain("asys_submit", errno);
    if (taken <= 0)
        return 0;
    engine->asked -= taken;
    engine->in_flight += taken;
    if (engine->asked > 0)
        memmove(engine->inputs, engine->inputs + taken, engine->asked * sizeof *engine->inputs);
    return 0;
}

static int
submit_ring(struct engine *engine)
{
    int error = asys_start(&engine->queue);

    engine->in_flight += engine->asked;
    engine->asked = 0;
    return error ? complain("asys_start", -error) : 0;
}

/* engine_await gives those first that have not blocked. */
static int
submit_syslets(struct engine *engine)
{
    for (unsigned i = 0; i < engine->asked; i++) {
        struct slot *slot = engine->wanted[i];
        long result = sys_async_exec(&slot->atom, &engine->head.user);
        if (result < 0)
            slot->results[0] = result;
        if (result != 0)
            engine->done[engine->done_count++] = slot;
    }
    engine->in_flight += engine->asked;
    engine->asked = 0;
    return 0;
}

static int
await_syslet(struct engine *engine, struct asys_event *event)
{
    struct slot *slot;

    if (engine->done_count > 0) {
        slot = engine->done[--engine->done_count];
    } else {
        struct syslet_uatom *atom = async_next(&engine->head);
        if (!atom)
            return complain("async_wait", EINTR);
        slot = (struct slot *)((char *)atom - offsetof(struct slot, atom));
    }
    *event = (struct asys_event){.cookie = (uintptr_t)slot, .result = slot->results[0]};
    return 0;
}

int
engine_submit(struct engine *engine)
{
    int result = engine->walk->way == WALK_ASYS     ? submit_inputs(engine)
                 : engine->walk->way == WALK_SYSLET ? submit_syslets(engine)
                                                    : submit_ring(engine);

    if (engine->in_flight > engine->walk->in_flight_most)
        engine->walk->in_flight_most = engine->in_flight;
    return result;
}

/* ---- Awaiting ---- */

static int
await_completion(struct asys_event *event)
{
    struct asys_completion done;

    if (asys_await_completion(&done) < 0)
        return complain("asys_await_completion", errno);
    *event = (struct asys_event){.cookie = done.cookie, .result = done.return_code};
    return 0;
}

static int
await_event(struct engine *engine, struct asys_event *event)
{
    if (asys_peek(&engine->queue, event))
        return 0;
    int error = asys_wait(&engine->queue, event, ASYS_FOREVER);
    return error < 0 ? complain("asys_wait", -error) : 0;
}

int
engine_await(struct engine *engine, struct slot **result)
{
    struct asys_event event;

    int error = engine->walk->way == WALK_ASYS     ? await_completion(&event)
                : engine->walk->way == WALK_SYSLET ? await_syslet(engine, &event)
                                                   : await_event(engine, &event);

    if (error)
        return -1;
    struct slot *slot = asys_pointer(&event);
    slot->results[event.cookie >> 32] = event.result;
    *result = NULL;
    if (--slot->unfinished > 0)
        return 0;
    engine->walk->in_flight_sum += engine->in_flight--;
    engine->walk->in_flight_samples++;
    *result = slot;
    return 0;
}
