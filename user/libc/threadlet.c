/* <fibril/threadlet.h>
 *
 * A function runs in a user context of its own from the beginning: its thread-local data and errno are not
 * the caller's, so that both are right when the two part in the middle of whatever they are doing. To make
 * that cheap, each context keeps the next one ready: its memory, and a segment that shows it, in one of
 * the three TLS entries that the CPU's table has; a call then loads gs and no more. A context that is left
 * with its function has its own page to arm from then on, and takes others for its callees. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <cpuid.h>
#include <fibril/threadlet.h>
#include <sys/signal.h>
#include "thread.h"

#define RESERVED_AT_FIRST 64
#define ENTRIES 3 /* TLS entries */
#define SELECTOR(entry) ((unsigned)(entry)*8 + 3)
#define FIRST_ENTRY 7 /* of them: the kernel's table has TLS there */

/* Of one user context. threadlet_run.asm knows what comes first. */
struct threadlet_state {
    struct threadlet_record record; /* of its caller, whose context is to go on; arming names it */
    struct threadlet_page *page;    /* where this context arms */
    struct threadlet_state *next;   /* the context of the next callee, ready; NULL: none */
    unsigned selector;              /* that shows it */
    unsigned called; /* by the context that owns `page`, if record is armed there */
    struct threadlet_state *caller;
    struct threadlet_state *spare;  /* link */
    struct __pthread *thread;       /* its memory, if it is a threadlet's */
    volatile int busy;              /* the kernel clears it when nothing runs in this context any more */
    unsigned char entry; /* of the TLS entries: which shows it */
    unsigned char depth; /* callers between it and the one that owns `page` */
    struct threadlet_page own_page __attribute__((aligned(32))); /* so that it crosses no page */
};
_Static_assert(offsetof(struct threadlet_state, page) == 40 &&
                   offsetof(struct threadlet_state, next) == 44 &&
                   offsetof(struct threadlet_state, selector) == 48 &&
                   offsetof(struct threadlet_state, called) == 52 &&
                   offsetof(struct user_context, threadlets) == 12,
               "threadlet_run.asm");
#define STATE_ALIGN 32

int threadlet_simd; /* for threadlet_exec: there is an MXCSR */

static volatile int lock; /* protects what follows */
static struct threadlet_state *spares;
static bool nothing_reserved; /* in the child of a fork, in whatever context that was */

/* threadlet_run.asm: threadlet_exec, and where a caller goes on in another context. */
void threadlet_relieved(void);
int threadlet_exec_slowly(void (*fn)(void *), void *stack, struct async_head *head);
void threadlet_give_back(const struct threadlet_page *page);
void threadlet_finish(struct threadlet_state *self) __attribute__((noreturn));

/* ---- Memory ---- */

/* [thread-local data | struct __pthread | state] */
static struct threadlet_state *
state_create(void)
{
    size_t data = (thread_data_size() + 63) & ~(size_t)63;
    size_t thread = (sizeof(struct __pthread) + 63) & ~(size_t)63;
    char *memory = aligned_alloc(64, data + thread + sizeof(struct threadlet_state));

    if (!memory)
        return NULL;
    memset(memory, 0, data + thread + sizeof(struct threadlet_state));
    struct threadlet_state *state = (struct threadlet_state *)(memory + data + thread);
    state->thread = (struct __pthread *)(memory + data);
    return state;
}

static struct threadlet_state *
spare_take(void)
{
    struct threadlet_state **link, *state;

    thread_lock(&lock);
    for (link = &spares; (state = *link); link = &state->spare)
        if (!state->busy)
            break;
    if (state)
        *link = state->spare;
    thread_unlock(&lock);
    return state;
}

/* ---- What runs in the slow case ---- */

static struct threadlet_state *
own_state(struct user_context *self)
{
    unsigned eax, ebx, ecx, edx = 0;
    struct threadlet_state *state = self->threadlets;

    if (state)
        return state;
    __get_cpuid(1, &eax, &ebx, &ecx, &edx);
    threadlet_simd = edx >> 25 & 1; /* SSE */
    state = aligned_alloc(STATE_ALIGN, sizeof *state);
    if (!state)
        return NULL;
    memset(state, 0, sizeof *state);
    struct segment_descriptor segment = libc_segment_descriptor(self);
    state->entry = segment.entry - FIRST_ENTRY;
    return self->threadlets = state;
}

static bool
was_left(const struct threadlet_state *state)
{
    return state->called && state->page->armed != (unsigned)&state->record;
}

/* A context that is nobody's callee arms in its own page, which the kernel must know. */
static int
own_page(struct threadlet_state *state)
{
    struct threadlet_page *page = &state->own_page;
    bool first = !state->thread || nothing_reserved;

    if (was_left(state)) {
        state->called = 0;
        state->page = NULL;
    }
    if (state->called || state->page)
        return 0;
    long result = sys_threadlet_on((unsigned long)page, first ? RESERVED_AT_FIRST : 0);
    if (result < 0)
        return (int)result;
    nothing_reserved = false;
    unsigned char depth = 0; /* contexts that are ready are to arm there too */
    for (; state; state = state->next) {
        state->page = page;
        state->depth = depth++;
    }
    return 0;
}

/* A context for the next callee: -ENOMEM. Without a free TLS entry there is none. */
static int
next_prepare(struct user_context *self, struct threadlet_state *state)
{
    struct threadlet_state *next = spare_take();

    if (!next)
        next = state_create();
    if (!next)
        return -ENOMEM;
    struct __pthread *thread = next->thread;
    thread_prepare(thread, NULL);
    thread->context.tid = self->tid;
    thread->context.threadlets = next;
    next->page = state->page;
    next->caller = state;
    next->next = NULL;
    next->busy = 1;
    next->called = 1;
    next->depth = state->depth + 1;
    next->entry = (state->entry + 1) % ENTRIES;
    struct segment_descriptor segment = libc_segment_descriptor(&thread->context);
    segment.entry = FIRST_ENTRY + next->entry;
    next->selector = SELECTOR(segment.entry);
    next->record.eip = (unsigned)threadlet_relieved;
    next->record.gs = SELECTOR(FIRST_ENTRY + state->entry);
    long result = sys_set_thread_area(&segment);
    if (result < 0) {
        free((char *)thread - ((thread_data_size() + 63) & ~(size_t)63));
        return (int)result;
    }
    state->next = next;
    return 0;
}

/* Where threadlet_exec does not find everything ready. */
int
threadlet_exec_slowly(void (*fn)(void *), void *stack, struct async_head *head)
{
    struct user_context *self = user_context();
    struct threadlet_state *state = own_state(self);
    int error = state ? own_page(state) : -ENOMEM;

    if (error)
        return error;
    if (state->depth + 1 >= ENTRIES) { /* too deep: as a part of the threadlet around it */
        fn(stack);
        return 1;
    }
    if (!state->next)
        error = next_prepare(self, state);
    return error ? error : threadlet_exec(fn, stack, head);
}

int
threadlet_reserve(unsigned count)
{
    struct threadlet_state *state = own_state(user_context());
    int error = state ? own_page(state) : -ENOMEM;

    if (error)
        return error;
    return (int)sys_threadlet_on((unsigned long)&state->own_page, count);
}

/* ---- What threadlet_run calls ---- */

/* The function has changed mask or alternate stack and did not block: the caller's come back. */
void
threadlet_give_back(const struct threadlet_page *page)
{
    stack_t stack = {.ss_sp = (void *)page->stack_base, .ss_size = page->stack_size};

    if (!page->stack_size)
        stack.ss_flags = SS_DISABLE;
    if (page->kept & THREADLET_KEPT_STACK)
        sigaltstack(&stack, NULL);
    if (page->kept & THREADLET_KEPT_MASK)
        sys_rt_sigprocmask(SIG_SETMASK, (void *)page->mask, NULL, 8);
}

/* The function is done in a context that was left with it. The memory is a spare one from here on, but the
 * kernel says when it is not used any more. */
void
threadlet_finish(struct threadlet_state *self)
{
    unsigned long long all = ~0ull;

    sys_rt_sigprocmask(SIG_SETMASK, &all, NULL, 8); /* no handler runs on a stack that goes */
    thread_values_destroy(self->thread);
    _reclaim_reent(&self->thread->reent);
    thread_lock(&lock);
    self->spare = spares;
    spares = self;
    thread_unlock(&lock);
    for (;;)
        sys_threadlet_off((void *)&self->busy);
}

/* Only the context that forked is there, and the kernel knows no page. */
void
threadlets_in_child(void)
{
    struct threadlet_state *state = user_context()->threadlets;

    lock = 0;
    nothing_reserved = true;
    for (struct threadlet_state *spare = spares; spare; spare = spare->spare)
        spare->busy = 0;
    while (state) {
        state->called = state->called && !was_left(state);
        state->next = NULL; /* may be the one that forked, so it is given up */
        if (!state->called)
            state->page = NULL;
        state = state->called ? state->caller : NULL;
    }
}

/* The thread ends: its memory is the library's again. */
void
threadlets_end(void)
{
    struct threadlet_state *state = user_context()->threadlets, *next;

    if (!state || state->thread)
        return; /* it ends in a threadlet: what belongs to it stays as it is */
    sys_threadlet_on(0, 0);
    for (next = state->next; next; next = next->next)
        next->busy = 0;
    while ((next = state->next)) {
        state->next = next->next;
        thread_lock(&lock);
        next->spare = spares;
        spares = next;
        thread_unlock(&lock);
    }
    free(state);
}
