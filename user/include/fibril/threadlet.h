/* Threadlets: a function runs as a plain call; if a system call or a page fault in it has to wait, the
 * caller goes on at once, and the function finishes by itself. threadlets(7) begins the manual.
 *
 *     static void serve(void *stack) { struct request *r = stack; ... read(), write() as always ... }
 *
 *     if (threadlet_exec(serve, stack, &head) == 1)     it has run to its end: the stack is free again
 *     void *ended = async_next(&head);                  or later: the stack of one that has ended
 *
 * Whatever is to be handed over lies from `stack` on upwards; the function's frames grow down from there.
 * The function has pid, tid, memory and files of the caller, but registers, errno, thread-local variables,
 * signal mask and alternate stack of its own, whether or not anything blocks. It may use malloc and stdio,
 * and threadlet_exec itself. pthread mutexes are not for threadlets: they know their owner by its tid. */
#ifndef FIBRIL_THREADLET_H
#define FIBRIL_THREADLET_H

#include <fibril/syslet.h>

#define THREADLET_STACK_LEAST 2048u

/* 1: fn(stack) has run to its end. 0: it goes on by itself; `stack` comes through the head's ring when it
 * has ended. -ENOMEM: it has not run. Where there is no spare context to go on in, what blocks in the
 * function blocks its caller, and the result is 1. */
int threadlet_exec(void (*fn)(void *stack), void *stack, struct async_head *head);

/* Makes so many more contexts for this thread: of its threadlets as many can be blocked at once. A thread
 * has 64 from its first threadlet_exec on. How many were made, or -ENOMEM, -EAGAIN. */
int threadlet_reserve(unsigned count);

#endif
