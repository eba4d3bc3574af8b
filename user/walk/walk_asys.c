/* The asynchronous walker: the same calls as walk_sync.c, up to `depth` of them in flight.
 *
 * One task, no threads. A *slot* stands for one call in flight. Its step says which call that is
 * and thereby what is to be done with the result: often the next call of the same chain, else the
 * slot becomes free and takes up new work.
 *
 *     a directory   openat -> fstat64 -> getdents64 -> (its entries) -> getdents64 ... -> close
 *     an entry      fstatat64, and with --read: openat -> read -> read ... -> close
 *
 * With chains the first three of a directory are handed over at once, and for a file that is to be
 * read fstatat64 -> openat -> pread64 -> close; a file larger than the buffer takes further such
 * chains.
 *
 * New work is the next directory of the pile while few are open, for each of them leads to other
 * blocks of the disk, while the entries of one directory mostly lie in the same few; else the next
 * entry of a directory whose names have been read; and when there is none, a directory again. So
 * never more directories are open than calls are in flight, whatever the size of the tree. A
 * directory's names are read on when its last entry is done, so that what a call in flight points
 * to (args, names, status) stays where it is.
 *
 * run() is the whole engine: fill the free slots, submit, await one, advance it. New calls are
 * submitted together, as soon as they are an eighth of those outstanding: a system call for each
 * would cost more than it gains where the kernel has many to choose from anyway. */
#include "walk/engine.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* ---- Asking ---- */

static void
ask_names(struct engine *engine, struct slot *slot)
{
    struct walk_directory *directory = slot->directory;

    engine_ask(engine, slot, READ_NAMES, SYS_getdents64, directory->fd,
               (unsigned long)directory->names, NAMES_SIZE, 0);
}

static void
ask_read(struct engine *engine, struct slot *slot)
{
    struct walk_reader *reader = slot->reader;

    engine_ask(engine, slot, READ_FILE, SYS_read, reader->fd, (unsigned long)reader->buffer,
               sizeof reader->buffer, 0);
}

static void
reader_prepare(struct slot *slot)
{
    if (!slot->reader)
        slot->reader = walk_allocate(sizeof *slot->reader);
    slot->reader->error = 0;
    slot->reader->offset = 0;
    sha256_start(&slot->reader->sum);
}

/* ---- Taking up new work ---- */

static void
take_entry(struct engine *engine, struct slot *slot)
{
    struct walk_directory *directory = engine->listing;
    const struct kernel_dirent *entry = walk_next_entry(directory);

    slot->directory = directory;
    slot->name = entry->name;
    directory->busy++;
    if (directory->position == directory->filled)
        engine->listing = directory->next;
    if (engine->walk->way == WALK_CHAIN && engine->walk->read && entry->type == DT_REG) {
        reader_prepare(slot);
        engine_ask_load(engine, slot, true);
    } else {
        engine_ask(engine, slot, STATUS_ENTRY, SYS_fstatat64, directory->fd,
                   (unsigned long)slot->name, (unsigned long)&slot->status, AT_SYMLINK_NOFOLLOW);
    }
}

static void
take_directory(struct engine *engine, struct slot *slot)
{
    struct walk_directory *directory = walk_pile_take(&engine->pile);

    slot->directory = directory;
    engine->open_directories++;
    if (engine->walk->way == WALK_CHAIN)
        engine_ask_list(engine, slot);
    else
        engine_ask(engine, slot, OPEN_DIRECTORY, SYS_openat, AT_FDCWD,
                   (unsigned long)directory->path, WALK_OPEN_DIRECTORY, 0);
}

/* Gives the slot something to do. False: there is nothing now. */
static bool
take_work(struct engine *engine, struct slot *slot)
{
    bool few_open = engine->open_directories <= engine->walk->depth / 2;

    if (engine->pile && (few_open || !engine->listing))
        take_directory(engine, slot);
    else if (engine->listing)
        take_entry(engine, slot);
    else
        return false;
    return true;
}

/* Names have come. Directories among them go to the pile, the others move together to the front of
 * the buffer, so that each name that take_work finds there needs a call. */
static void
sort_names(struct engine *engine, struct walk_directory *directory, unsigned size)
{
    struct walk_directory **place = &engine->pile;
    const struct kernel_dirent *entry;
    unsigned kept = 0;

    directory->position = 0;
    directory->filled = size;
    while ((entry = walk_next_entry(directory))) {
        if (entry->type == DT_DIR) {
            walk_pile_put(&place, directory->path, entry->name);
            continue;
        }
        unsigned length = entry->length;
        if ((const char *)entry != directory->names + kept)
            memmove(directory->names + kept, entry, length);
        kept += length;
    }
    directory->position = 0;
    directory->filled = kept;
    if (kept > 0) {
        directory->next = engine->listing;
        engine->listing = directory;
    }
}

/* ---- What follows a call: true if the slot has asked for another one ---- */

static bool
finish_directory(struct engine *engine, struct slot *slot)
{
    engine->open_directories--;
    free(slot->directory->names);
    free(slot->directory);
    return false;
}

static bool
directory_advance(struct engine *engine, struct slot *slot, long result)
{
    struct walk_directory *directory = slot->directory;
    struct walk *walk = engine->walk;

    if (result < 0 && slot->step <= READ_NAMES)
        walk_failed(walk, directory->path, NULL, -result);

    switch (slot->step) {
    case OPEN_DIRECTORY:
        if (result < 0) {
            engine_ask(engine, slot, STATUS_UNOPENED, SYS_lstat64, (unsigned long)directory->path,
                       (unsigned long)&slot->status, 0, 0);
            return true;
        }
        directory->fd = result;
        engine_ask(engine, slot, STATUS_DIRECTORY, SYS_fstat64, result,
                   (unsigned long)&slot->status, 0, 0);
        return true;
    case STATUS_DIRECTORY:
        if (result == 0)
            walk_found(walk, directory->path, NULL, &slot->status, NULL);
        directory->names = walk_allocate(NAMES_SIZE);
        ask_names(engine, slot);
        return true;
    case READ_NAMES:
        if (result > 0) {
            sort_names(engine, directory, result);
            if (directory->filled > 0)
                return false;
            ask_names(engine, slot);
            return true;
        }
        engine_ask(engine, slot, CLOSE_DIRECTORY, SYS_close, directory->fd, 0, 0, 0);
        return true;
    case STATUS_UNOPENED:
        if (result == 0)
            walk_found(walk, directory->path, NULL, &slot->status, NULL);
        return finish_directory(engine, slot);
    default:
        return finish_directory(engine, slot);
    }
}

static bool
list_advance(struct engine *engine, struct slot *slot)
{
    const long *results = slot->results;
    const char *path = slot->directory->path;

    if (results[0] < 0) {
        slot->step = OPEN_DIRECTORY;
        return directory_advance(engine, slot, results[0]);
    }
    slot->directory->fd = results[0];
    if (results[1] < 0) { /* so getdents64 was not made */
        walk_failed(engine->walk, path, NULL, -results[1]);
        ask_names(engine, slot);
        return true;
    }
    walk_found(engine->walk, path, NULL, &slot->status, NULL);
    slot->step = READ_NAMES;
    return directory_advance(engine, slot, results[2]);
}

/* One entry is done. The last one of those that were read has the slot read on. */
static bool
finish_entry(struct engine *engine, struct slot *slot)
{
    struct walk_directory *directory = slot->directory;

    directory->busy--;
    if (directory->busy > 0 || directory->position < directory->filled)
        return false;
    ask_names(engine, slot);
    return true;
}

static bool
begin_file(struct engine *engine, struct slot *slot)
{
    reader_prepare(slot);
    if (engine->walk->way == WALK_CHAIN)
        engine_ask_load(engine, slot, false);
    else
        engine_ask(engine, slot, OPEN_FILE, SYS_openat, slot->directory->fd,
                   (unsigned long)slot->name, WALK_OPEN_FILE, 0);
    return true;
}

static bool
finish_file(struct engine *engine, struct slot *slot)
{
    struct walk_reader *reader = slot->reader;

    if (reader->error)
        walk_failed(engine->walk, slot->directory->path, slot->name, reader->error);
    else
        sha256_finish_text(&reader->sum, reader->text);
    walk_found(engine->walk, slot->directory->path, slot->name, &slot->status,
               reader->error ? NULL : reader->text);
    return finish_entry(engine, slot);
}

static bool
entry_advance(struct engine *engine, struct slot *slot, long result)
{
    struct walk_directory *directory = slot->directory;
    struct walk *walk = engine->walk;

    switch (slot->step) {
    case STATUS_ENTRY:
        if (result < 0) {
            walk_failed(walk, directory->path, slot->name, -result);
        } else if (S_ISDIR(slot->status.mode)) { /* on disks that keep no types with the names */
            struct walk_directory **place = &engine->pile;
            walk_pile_put(&place, directory->path, slot->name);
        } else if (walk->read && S_ISREG(slot->status.mode)) {
            return begin_file(engine, slot);
        } else {
            walk_found(walk, directory->path, slot->name, &slot->status, NULL);
        }
        return finish_entry(engine, slot);
    case OPEN_FILE:
        slot->reader->error = result < 0 ? -result : 0;
        if (result < 0)
            return finish_file(engine, slot);
        slot->reader->fd = result;
        ask_read(engine, slot);
        return true;
    case READ_FILE:
        if (result > 0) {
            if (!walk->unsummed)
                sha256_add(&slot->reader->sum, slot->reader->buffer, result);
            ask_read(engine, slot);
            return true;
        }
        slot->reader->error = -result;
        engine_ask(engine, slot, CLOSE_FILE, SYS_close, slot->reader->fd, 0, 0, 0);
        return true;
    default:
        return finish_file(engine, slot);
    }
}

static bool
load_advance(struct engine *engine, struct slot *slot)
{
    const long *results = slot->results;
    struct walk_reader *reader = slot->reader;
    long loaded = results[1] < 0 ? results[1] : results[2];

    if (results[0] < 0 || !S_ISREG(slot->status.mode)) {
        slot->step = STATUS_ENTRY;
        return entry_advance(engine, slot, results[0]);
    }
    if (loaded > 0) {
        sha256_add(&reader->sum, reader->buffer, loaded);
        reader->offset += loaded;
        if (reader->offset < slot->status.size) {
            engine_ask_load(engine, slot, false);
            return true;
        }
    }
    reader->error = loaded < 0 ? -loaded : 0;
    return finish_file(engine, slot);
}

/* ---- The engine ---- */

static bool
advance(struct engine *engine, struct slot *slot)
{
    if (slot->step == LIST_DIRECTORY)
        return list_advance(engine, slot);
    if (slot->step == LOAD_FILE)
        return load_advance(engine, slot);
    return slot->step < STATUS_ENTRY ? directory_advance(engine, slot, slot->results[0])
                                     : entry_advance(engine, slot, slot->results[0]);
}

/* Waits for one call to end and lets its slot go on. */
static int
await(struct engine *engine)
{
    struct slot *slot;

    if (engine_await(engine, &slot) < 0)
        return -1;
    if (!slot || advance(engine, slot))
        return 0;
    slot->next_free = engine->free_slots;
    engine->free_slots = slot;
    return 0;
}

static int
run(struct engine *engine)
{
    for (;;) {
        while (engine->free_slots && take_work(engine, engine->free_slots))
            engine->free_slots = engine->free_slots->next_free;
        if (engine->asked > engine->in_flight / 8 && engine_submit(engine) < 0)
            return -1;
        if (engine->in_flight == 0)
            return 0;
        if (await(engine) < 0)
            return -1;
    }
}

int
walk_asys(struct walk *walk)
{
    struct engine engine = {.walk = walk};
    struct walk_directory **place = &engine.pile;
    int result;

    if (engine_open(&engine) < 0)
        return -1;
    engine.slots = walk_allocate(walk->depth * sizeof *engine.slots);
    for (unsigned i = walk->depth; i-- > 0;) {
        engine.slots[i].reader = NULL;
        engine.slots[i].next_free = engine.free_slots;
        engine.free_slots = &engine.slots[i];
    }
    walk_pile_put(&place, walk->path, NULL);
    result = run(&engine);
    for (unsigned i = 0; i < walk->depth; i++)
        free(engine.slots[i].reader);
    free(engine.slots);
    engine_close(&engine);
    return result;
}
