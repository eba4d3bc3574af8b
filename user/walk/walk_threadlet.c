/* Walking with threadlets: the synchronous walker's plain code, a threadlet for each directory. One that
 * finds all in the cache is a call like any other; where one has to wait for the disk, the next begins.
 * What they share they change in turn: contexts of one thread may change places where a time slice ends. */
#include "walk/walk.h"

#include <stdlib.h>
#include <fibril/threadlet.h>

#define STACK_BYTES 16384

/* On top of the stack. */
struct job {
    struct walk *walk;
    struct walk_directory *directory, **pile;
    struct walk_reader reader;
    char names[WALK_NAMES_SIZE];
};

static void
visit(void *stack)
{
    struct job *job = stack;

    job->directory->names = job->names;
    walk_visit(job->walk, job->directory, job->pile, &job->reader);
}

static struct job *
job_create(struct walk *walk, struct walk_directory *directory, struct walk_directory **pile)
{
    struct job *job = (struct job *)((char *)walk_allocate(STACK_BYTES + sizeof *job) + STACK_BYTES);

    job->walk = walk;
    job->directory = directory;
    job->pile = pile;
    return job;
}

static void
job_free(struct job *job)
{
    free((char *)job - STACK_BYTES);
}

static struct walk_directory *
take(struct walk *walk, struct walk_directory **pile)
{
    walk_turn_take(walk);
    struct walk_directory *directory = walk_pile_take(pile);
    walk_turn_give(walk);
    return directory;
}

/* Those that have been left with their directories: one that has ended, or NULL if there is none. */
static struct job *
await(struct async_head *head, struct walk *walk, unsigned left)
{
    if (left == 0)
        return NULL;
    walk->in_flight_sum += left;
    walk->in_flight_samples++;
    return async_next(head);
}

int
walk_threadlet(struct walk *walk)
{
    struct walk_directory *pile = NULL, **place = &pile, *directory;
    uint32_t *slots = walk_allocate(walk->depth * sizeof *slots);
    struct async_head head;
    unsigned left = 0;
    struct job *job;
    sem_t turn;

    async_head_init(&head, slots, walk->depth);
    sem_init(&turn, 0, 1);
    walk->turn = &turn;
    if (walk->depth > 64)
        threadlet_reserve(walk->depth - 64);
    walk_pile_put(&place, walk->path, NULL);
    do {
        while (left < walk->depth && (directory = take(walk, &pile))) {
            job = job_create(walk, directory, &pile);
            int result = threadlet_exec(visit, job, &head);
            if (result == 0)
                left++;
            else if (result < 0)
                visit(job);
            if (result != 0)
                job_free(job);
            if (left > walk->in_flight_most)
                walk->in_flight_most = left;
        }
        job = await(&head, walk, left);
        if (job) {
            job_free(job);
            left--;
        }
    } while (left > 0 || pile);
    walk->turn = NULL;
    free(slots);
    return 0;
}
