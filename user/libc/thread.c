/* Threads: making, ending, joining. A thread that has ended leaves its stack as a spare one, taken again
 * when the kernel has said that nothing runs on it any more. */
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fibril/calls.h>
#include "thread.h"

#define STACK_BYTES (256u << 10)
#define PAGE 4096u
#define SPARES_MOST 16
#define FLAGS                                                                                      \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |            \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static volatile int lock; /* protects what follows */
static struct __pthread *spares;
static unsigned spare_count;
static volatile int alive = 1; /* threads that have not ended */

/* ---- Stacks ---- */

static size_t
page_up(size_t size)
{
    return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

/* What lies above the stack. */
static size_t
top_bytes(void)
{
    return ((sizeof(struct __pthread) + 63) & ~63u) + ((thread_data_size() + 63) & ~63u) + 64;
}

static void
mapping_free(struct __pthread *thread)
{
    if (thread->mapping)
        munmap(thread->mapping, thread->mapping_size);
}

/* A spare one of this size, whose thread is quite gone. */
static struct __pthread *
spare_take(size_t size, size_t guard)
{
    struct __pthread **link, *thread;

    thread_lock(&lock);
    for (link = &spares; (thread = *link); link = &thread->next)
        if (thread->mapping_size == size && thread->guard_size == guard && !thread->running)
            break;
    if (thread) {
        *link = thread->next;
        spare_count--;
    }
    thread_unlock(&lock);
    return thread;
}

/* The oldest spares go when there are too many; those whose threads still run keep their memory. */
static void
spare_give(struct __pthread *thread)
{
    struct __pthread *surplus = NULL;

    thread_lock(&lock);
    thread->next = spares;
    spares = thread;
    if (++spare_count > SPARES_MOST) {
        struct __pthread **link = &spares;
        while (*link && ((*link)->next || (*link)->running))
            link = &(*link)->next;
        surplus = *link;
        if (surplus) {
            *link = NULL;
            spare_count--;
        }
    }
    thread_unlock(&lock);
    if (surplus)
        mapping_free(surplus);
}

static struct __pthread *
mapping_create(size_t size, size_t guard)
{
    struct __pthread *thread;
    char *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

    if (mapping == MAP_FAILED)
        return NULL;
    if (guard && mprotect(mapping, guard, PROT_NONE) < 0) {
        munmap(mapping, size);
        return NULL;
    }
    thread = (struct __pthread *)((unsigned long)(mapping + size - sizeof *thread) & ~63ul);
    thread->mapping = mapping;
    thread->mapping_size = size;
    thread->guard_size = guard;
    return thread;
}

static struct __pthread *
thread_alloc(const pthread_attr_t *attributes)
{
    size_t guard = attributes && attributes->guard_set ? page_up(attributes->guard_size) : PAGE;
    size_t stack = attributes && attributes->stack_size ? attributes->stack_size : STACK_BYTES;
    struct __pthread *thread;

    if (attributes && attributes->stack) {
        char *end = (char *)attributes->stack + stack - sizeof *thread;
        if (stack < top_bytes() + PAGE)
            return NULL;
        thread = (struct __pthread *)((unsigned long)end & ~63ul);
        memset(thread, 0, sizeof *thread);
        thread->stack = attributes->stack;
        thread->stack_size = stack;
        return thread;
    }
    size_t size = page_up(stack + guard + top_bytes());
    thread = spare_take(size, guard);
    if (!thread)
        thread = mapping_create(size, guard);
    if (thread) {
        thread->stack = thread->mapping + guard;
        thread->stack_size = size - guard;
    }
    return thread;
}

/* The last user of the struct gives it up; its stack may still be in use by the thread's last steps. */
static void
thread_free(struct __pthread *thread)
{
    if (thread->mapping)
        spare_give(thread);
}

/* ---- Start ---- */

static void
thread_main(void *argument)
{
    struct __pthread *self = argument;

    self->context.tid = self->running;
    pthread_exit(self->function(self->argument));
}

/* At the end of a thread newlib would close its streams. */
static void
streams_keep(struct _reent *reent)
{
    (void)reent;
}

/* The streams are everybody's: newlib would give each thread some of its own. */
static void
reent_start(struct _reent *reent)
{
    extern void __sinit(struct _reent *);

    _REENT_INIT_PTR(reent);
    if (!_GLOBAL_REENT->__sdidinit)
        __sinit(_GLOBAL_REENT);
    reent->_stdin = _GLOBAL_REENT->_stdin;
    reent->_stdout = _GLOBAL_REENT->_stdout;
    reent->_stderr = _GLOBAL_REENT->_stderr;
    reent->__sdidinit = 1;
    reent->__cleanup = streams_keep;
}

void
thread_prepare(struct __pthread *thread, const pthread_attr_t *attributes)
{
    thread->context = (struct user_context){.self = &thread->context};
    thread->context.reent = &thread->reent;
    reent_start(&thread->reent);
    thread_data_fill(thread);
    memset(thread->values, 0, sizeof thread->values);
    thread->detached = attributes && attributes->detached;
    memcpy(thread->name, thread_self()->name, sizeof thread->name);
}

static long
thread_start(struct __pthread *thread)
{
    struct segment_descriptor tls = libc_segment_descriptor(&thread->context);
    char *stack = (char *)thread - ((thread_data_size() + 63) & ~63u);

    __sync_fetch_and_add(&alive, 1);
    return thread_clone(FLAGS, stack, &thread->running, &tls, &thread->running, thread_main,
                        thread);
}

int
pthread_create(pthread_t *result, const pthread_attr_t *attributes, void *(*function)(void *),
               void *argument)
{
    struct __pthread *thread = thread_alloc(attributes);

    if (!thread)
        return EAGAIN;
    thread_prepare(thread, attributes);
    thread->function = function;
    thread->argument = argument;
    *result = thread; /* before it runs: it may look there */
    long tid = thread_start(thread);
    if (tid >= 0)
        return 0;
    __sync_fetch_and_sub(&alive, 1);
    thread_free(thread);
    return -tid == ENOMEM ? EAGAIN : -tid;
}

/* ---- End ---- */

void
pthread_exit(void *result)
{
    struct __pthread *self = thread_self();
    sigset_t all = ~0ull;

    self->result = result;
    thread_values_destroy(self);
    if (__sync_sub_and_fetch(&alive, 1) == 0)
        exit(0);
    sigprocmask(SIG_SETMASK, &all, NULL); /* no handler runs on a stack that goes */
    threadlets_end();
    if (self->context.reent != _GLOBAL_REENT)
        _reclaim_reent(&self->reent);
    if (__sync_lock_test_and_set(&self->detached, 1))
        thread_free(self);
    for (;;)
        sys_exit(0);
}

int
pthread_join(pthread_t thread, void **result)
{
    int tid;

    if (thread == thread_self())
        return EDEADLK;
    while ((tid = thread->running))
        thread_word_wait(&thread->running, tid, true, 0, NULL);
    if (result)
        *result = thread->result;
    thread_free(thread);
    return 0;
}

int
pthread_tryjoin_np(pthread_t thread, void **result)
{
    return thread->running ? EBUSY : pthread_join(thread, result);
}

/* Of the thread's end and this call the later one gives the struct up. */
int
pthread_detach(pthread_t thread)
{
    if (__sync_lock_test_and_set(&thread->detached, 1))
        thread_free(thread);
    return 0;
}

/* ---- Who ---- */

pthread_t
pthread_self(void)
{
    return thread_self();
}

int
pthread_equal(pthread_t a, pthread_t b)
{
    return a == b;
}

int
pthread_kill(pthread_t thread, int number)
{
    int tid = thread->context.tid;

    return tid ? -sys_tgkill(sys_getpid(), tid, number) : ESRCH;
}

int
pthread_setname_np(pthread_t thread, const char *name)
{
    if (strlen(name) >= sizeof thread->name)
        return ERANGE;
    strcpy(thread->name, name);
    return 0;
}

int
pthread_getname_np(pthread_t thread, char *name, size_t size)
{
    if (strlen(thread->name) >= size)
        return ERANGE;
    strcpy(name, thread->name);
    return 0;
}

int
pthread_setcancelstate(int new, int *old)
{
    (void)new;
    if (old)
        *old = PTHREAD_CANCEL_DISABLE;
    return 0;
}

int
pthread_yield(void)
{
    return sched_yield();
}

int
pthread_getschedparam(pthread_t thread, int *policy, struct sched_param *parameter)
{
    long result = sys_sched_getscheduler(thread->context.tid);

    if (result < 0)
        return -result;
    *policy = result;
    return -sys_sched_getparam(thread->context.tid, &parameter->sched_priority);
}

int
pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *parameter)
{
    return -sys_sched_setscheduler(thread->context.tid, policy, &parameter->sched_priority);
}

/* ---- fork ---- */

struct fork_handlers {
    struct fork_handlers *next;
    void (*before)(void), (*parent)(void), (*child)(void);
};
static struct fork_handlers *handlers; /* the last one first */

int
pthread_atfork(void (*before)(void), void (*parent)(void), void (*child)(void))
{
    struct fork_handlers *new = malloc(sizeof *new);

    if (!new)
        return ENOMEM;
    thread_lock(&lock);
    *new = (struct fork_handlers){handlers, before, parent, child};
    handlers = new;
    thread_unlock(&lock);
    return 0;
}

/* In the order in which they were registered. */
static void
handlers_run(const struct fork_handlers *from, bool in_child)
{
    if (!from)
        return;
    handlers_run(from->next, in_child);
    void (*function)(void) = in_child ? from->child : from->parent;
    if (function)
        function();
}

void
thread_before_fork(void)
{
    for (const struct fork_handlers *h = handlers; h; h = h->next)
        if (h->before)
            h->before();
    libc_locks_take();
    thread_lock(&lock);
}

void
thread_in_parent(void)
{
    thread_unlock(&lock);
    libc_locks_give();
    handlers_run(handlers, false);
}

/* The other threads are not there; their stacks are spare. */
void
thread_in_child(void)
{
    struct __pthread *self = thread_self();

    self->context.tid = self->running = sys_gettid();
    alive = 1;
    for (struct __pthread *spare = spares; spare; spare = spare->next)
        spare->running = 0;
    thread_unlock(&lock);
    threadlets_in_child();
    libc_locks_give();
    handlers_run(handlers, true);
}
