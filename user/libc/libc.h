/* What the files of the system layer share. */
#ifndef LIBC_LIBC_H
#define LIBC_LIBC_H

#include <errno.h>
#include <reent.h>

struct threadlet_state;

/* What belongs to one user context (a thread's or a threadlet's). %gs:0 points to it,
 * as the compiler's thread-local variables want it: they lie just below. */
struct user_context {
    struct user_context *self; /* the i386 ABI of thread-local storage reads it from %gs:0 */
    struct _reent *reent;      /* errno, stdin, strtok's place … */
    int tid;
    struct threadlet_state *threadlets; /* threadlet.c's; NULL: it has not run any */
};

static inline struct user_context *
user_context(void)
{
    struct user_context *context;
    __asm__("movl %%gs:0, %0" : "=r"(context));
    return context;
}

/* Turns what the kernel gave into what C expects: -1 and errno for -4095 to -1, else as it is. */
long libc_result(long result);

/* Makes the first user context, with the program's thread-local data. */
void libc_context_start(const unsigned long *auxiliary, struct _reent *reent);

/* struct user_desc of the Linux/i386 ABI (asm/ldt.h). */
struct segment_descriptor {
    int entry; /* -1: the kernel chooses and stores it */
    unsigned base, limit;
    unsigned flags;
};
/* What %gs shall show in another thread. */
struct segment_descriptor libc_segment_descriptor(struct user_context *context);

#endif
