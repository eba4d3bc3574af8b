/* How walk_asys.c's calls are handed over and come back: by asys_submit, by a ring, or as
 * chains. */
#ifndef WALK_ENGINE_H
#define WALK_ENGINE_H

#include <fibril/asys.h>
#include <fibril/syslet.h>
#include "walk/walk.h"

#define NAMES_SIZE 16384

enum step {
    OPEN_DIRECTORY,
    STATUS_DIRECTORY,
    READ_NAMES,
    STATUS_UNOPENED, /* of a directory that could not be opened, for its line */
    CLOSE_DIRECTORY,
    LIST_DIRECTORY, /* a chain: results of openat, fstat64, getdents64 */
    STATUS_ENTRY,
    OPEN_FILE,
    READ_FILE,
    CLOSE_FILE,
    LOAD_FILE, /* a chain: fstatat64 (its result 0 when it was asked before), openat, pread64, close */
};

struct slot {
    struct slot *next_free;
    enum step step;
    unsigned unfinished;        /* calls that have not yet ended: one, or what is left of a chain */
    unsigned long args[4];
    long results[4];            /* by the place in the chain */
    struct walk_directory *directory;
    const char *name;           /* of the entry, in directory->names */
    struct kernel_stat status;
    struct syslet_uatom atom;   /* WALK_SYSLET */
    struct walk_reader *reader; /* made when the slot first reads a file */
};

struct engine {
    struct walk *walk;
    struct walk_directory *pile;    /* not yet opened */
    struct walk_directory *listing; /* with names that have not been given out */
    struct slot *slots, *free_slots;
    struct asys_input *inputs; /* WALK_ASYS: asked for, not yet submitted */
    struct asys queue;         /* rings and chains */
    struct async_head head;    /* WALK_SYSLET: tells which slots' calls have ended */
    uint32_t *ended;           /* its ring */
    struct slot **wanted, **done; /* asked for; and those that have run without blocking */
    unsigned done_count;
    unsigned asked, in_flight; /* slots */
    unsigned open_directories;
};

/* 0, or -1 after a line on standard error; so the others. */
int engine_open(struct engine *engine);
void engine_close(struct engine *engine);

/* The slot's next call; it is submitted with the others before the next wait. */
void engine_ask(struct engine *engine, struct slot *slot, enum step step, int number,
                unsigned long a, unsigned long b, unsigned long c, unsigned long d);
/* The slot's next chain: LIST_DIRECTORY; LOAD_FILE, from reader->offset, with or without
 * fstatat64. */
void engine_ask_list(struct engine *engine, struct slot *slot);
void engine_ask_load(struct engine *engine, struct slot *slot, bool status_too);

/* Starts what has been asked for; what the kernel does not take for now waits for the next time. */
int engine_submit(struct engine *engine);
/* Waits for a call to end. *slot: it was its last one, or NULL. */
int engine_await(struct engine *engine, struct slot **slot);

#endif
