/* What the tests of threadlets share: what is handed to a function, and a few functions. */
#ifndef TESTS_THREADLET_H
#define TESTS_THREADLET_H

#include <fibril/threadlet.h>
#include <signal.h>
#include <sys/signal.h>
#include <sys/wait.h>
#include "test.h"

#define SLOTS 16
#define STACK_BYTES 8192

static uint32_t ring[SLOTS];
static struct async_head head;

/* What is handed to a function: at the top of its stack. */
struct work {
    int a, b;
    long result;
    int fds[2];
    struct async_head *head;
    char text[40];
};

static TEST_UNUSED struct work *
work_create(void)
{
    char *stack = malloc(STACK_BYTES + sizeof(struct work));
    struct work *work = (struct work *)(stack + STACK_BYTES);
    memset(work, 0, sizeof *work);
    return work;
}

static TEST_UNUSED void
work_free(struct work *work)
{
    free((char *)work - STACK_BYTES);
}

static TEST_UNUSED void
start_anew(void)
{
    async_head_init(&head, ring, SLOTS);
}

static TEST_UNUSED void
add(void *stack)
{
    struct work *work = stack;
    work->result = work->a + work->b;
}

static TEST_UNUSED void
read_pipe(void *stack)
{
    struct work *work = stack;
    work->result = read(work->fds[0], work->text, sizeof work->text);
}

static TEST_UNUSED void
nap(void *stack)
{
    struct work *work = stack;
    struct kernel_timespec time = {work->a / 1000, work->a % 1000 * MILLISECOND};
    while (sys_nanosleep(&time, &time) == -EINTR) /* a signal may choose any context */
        ;
    work->result = 1;
}

#endif
