/* Fibrils, sleeping, waking, mutexes and timers for host unit tests. Each fibril is a coroutine with
 * a stack of its own; the test's own thread of control is the first. Time is the test's (see host.h).
 * The switch is for x86-64 hosts. */

#include "arch.h"
#include "host.h"
#include "kernel/fibril.h"
#include "kernel/mutex.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/wait.h"

#if defined(__SANITIZE_ADDRESS__)
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *save, const void **bottom, size_t *size);
#else
#define __sanitizer_start_switch_fiber(save, bottom, size) ((void)(save))
#define __sanitizer_finish_switch_fiber(save, bottom, size) ((void)0)
#endif

#define WEAK __attribute__((weak))
#define MAX_FIBRILS 64
#define STACK_SIZE (256 * 1024)

struct coroutine {
    struct fibril fibril;
    void *saved_stack;
    char *stack;
    const void *asan_bottom;
    size_t asan_size;
    void *asan_fake;
    u64 deadline;
};

bool (*host_pump)(void);
static struct coroutine coroutines[MAX_FIBRILS];
static unsigned coroutine_count = 1;
static u64 now_ns = 1000000;
static struct list timers = LIST_INIT(timers);
WEAK struct cpu cpu = {.current = &coroutines[0].fibril};

__attribute__((constructor)) static void
start(void)
{
    coroutines[0].fibril.state = FIBRIL_RUNNING;
    coroutines[0].fibril.kind = FIBRIL_USER;
}

/* Saves the registers that a function must keep, changes stacks, and takes them from there. */
void host_switch(void **from, void *to);
__asm__(".text\n.globl host_switch\nhost_switch:\n"
        "push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
        "mov %rsp, (%rdi); mov %rsi, %rsp\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; ret\n");

static struct coroutine *
running(void)
{
    return container_of(cpu.current, struct coroutine, fibril);
}

static void
switch_to(struct coroutine *next)
{
    struct coroutine *self = running();
    if (next == self)
        return;
    cpu.current = &next->fibril;
    __sanitizer_start_switch_fiber(&self->asan_fake, next->stack ? next->stack : next->asan_bottom,
                                   next->stack ? STACK_SIZE : next->asan_size);
    host_switch(&self->saved_stack, next->saved_stack);
    __sanitizer_finish_switch_fiber(self->asan_fake, NULL, NULL);
}

static void
coroutine_main(void)
{
    __sanitizer_finish_switch_fiber(NULL, coroutines[0].asan_bottom ? NULL : &coroutines[0].asan_bottom,
                                    &coroutines[0].asan_size);
    struct coroutine *self = running();
    self->fibril.state = FIBRIL_RUNNING;
    self->fibril.function(self->fibril.argument);
    self->fibril.state = FIBRIL_DEAD; /* its stack stays until the test program ends */
    wait_sleep(WAIT_UNCANCELLABLE, 0);
    abort();
}

WEAK struct fibril *
kernel_fibril_start(void (*function)(void *argument), void *argument)
{
    if (coroutine_count == MAX_FIBRILS)
        return NULL;
    struct coroutine *new = &coroutines[coroutine_count];
    new->fibril = (struct fibril){.function = function, .argument = argument, .id = coroutine_count};
    new->fibril.state = FIBRIL_READY;
    new->stack = malloc(STACK_SIZE);
    /* what host_switch takes from there: six registers, then where to go, as if it had been called */
    void **top = (void **)(new->stack + STACK_SIZE) - 1;
    *--top = (void *)(uintptr_t)coroutine_main;
    new->saved_stack = top - 6;
    memset(new->saved_stack, 0, 6 * sizeof *top);
    coroutine_count++;
    return &new->fibril;
}

static struct coroutine *
find_ready(void)
{
    unsigned self = (unsigned)(running() - coroutines);
    for (unsigned i = 1; i <= coroutine_count; i++) {
        struct coroutine *next = &coroutines[(self + i) % coroutine_count];
        if (next->fibril.state == FIBRIL_READY)
            return next;
        if (next->fibril.state == FIBRIL_SLEEPING && next->deadline && next->deadline <= now_ns)
            return next;
    }
    return NULL;
}

/* The time of the next timer or deadline; 0: none. */
static u64
next_event(void)
{
    u64 next = 0;
    if (!list_empty(&timers))
        next = list_first(&timers, struct timer, link)->expires;
    for (unsigned i = 0; i < coroutine_count; i++) {
        u64 deadline = coroutines[i].deadline;
        if (coroutines[i].fibril.state == FIBRIL_SLEEPING && deadline && (!next || deadline < next))
            next = deadline;
    }
    return next;
}

/* Finds something to run, letting the fake device work and time pass until there is something. */
static struct coroutine *
find_work(const char *channel)
{
    for (;;) {
        struct coroutine *next = find_ready();
        if (next)
            return next;
        if (host_pump && host_pump())
            continue;
        u64 event = next_event();
        if (!event) {
            fprintf(stderr, "test %s sleeps for ever on '%s'\n", host_test_name, channel);
            abort();
        }
        host_time_advance(event > now_ns ? event - now_ns : 0);
    }
}

WEAK void
wait_prepare(const char *channel)
{
    cpu.current->wait_channel = channel;
    cpu.current->state = FIBRIL_SLEEPING;
}

WEAK int
wait_sleep(enum wait_kind kind, u64 deadline_ns)
{
    struct coroutine *self = running();
    if (host_interrupts_off)
        panic("sleep on '%s' with interrupts off", self->fibril.wait_channel);
    if (kind != WAIT_UNCANCELLABLE && self->fibril.cancel_error) {
        self->fibril.state = FIBRIL_RUNNING;
        return self->fibril.cancel_error;
    }
    if (self->fibril.state == FIBRIL_SLEEPING || self->fibril.state == FIBRIL_DEAD) {
        self->deadline = deadline_ns;
        switch_to(find_work(self->fibril.wait_channel));
        self->deadline = 0;
    }
    bool woken = self->fibril.state == FIBRIL_READY;
    self->fibril.state = FIBRIL_RUNNING;
    if (kind != WAIT_UNCANCELLABLE && self->fibril.cancel_error)
        return self->fibril.cancel_error;
    return !woken && deadline_ns && deadline_ns <= now_ns ? -ETIMEDOUT : 0;
}

WEAK void
wait_finish(void)
{
    cpu.current->state = FIBRIL_RUNNING;
}

WEAK void
wait_entry_add(struct wait_queue *queue, struct wait_entry *entry)
{
    if (!entry->fibril)
        entry->fibril = cpu.current;
    if (entry->shared)
        list_add_head(&queue->entries, &entry->link);
    else
        list_add_tail(&queue->entries, &entry->link);
}

WEAK void
wait_entry_remove(struct wait_entry *entry)
{
    list_remove(&entry->link);
}

WEAK void
fibril_wake(struct fibril *fibril)
{
    if (fibril->state == FIBRIL_SLEEPING)
        fibril->state = FIBRIL_READY;
}

WEAK void
fibril_cancel(struct fibril *fibril, int error)
{
    fibril->cancel_error = error;
    fibril_wake(fibril);
}

WEAK int
fibril_cancelled(void)
{
    return cpu.current->cancel_error;
}

WEAK int
schedule_point(void)
{
    return cpu.current->cancel_error;
}

WEAK void
schedule_yield(void)
{
    struct coroutine *next;
    cpu.current->state = FIBRIL_READY;
    next = find_ready();
    if (next)
        switch_to(next);
    cpu.current->state = FIBRIL_RUNNING;
}

static bool
wake_entry(struct wait_entry *entry, u32 key)
{
    bool sleeping;

    if (entry->wake)
        return entry->wake(entry, key);
    sleeping = entry->fibril->state == FIBRIL_SLEEPING;
    fibril_wake(entry->fibril);
    return sleeping;
}

WEAK void
wake_up_all_key(struct wait_queue *queue, u32 key)
{
    struct wait_entry *entry, *following;
    list_for_each_safe (entry, following, &queue->entries, link)
        wake_entry(entry, key);
}

WEAK bool
wake_up_one_key(struct wait_queue *queue, u32 key)
{
    struct wait_entry *entry, *following;
    list_for_each_safe (entry, following, &queue->entries, link) {
        if (!wake_entry(entry, key) || entry->shared)
            continue;
        list_remove(&entry->link);
        list_add_tail(&queue->entries, &entry->link);
        return true;
    }
    return false;
}

WEAK void
wait_queue_end(struct wait_queue *queue)
{
    while (!list_empty(&queue->entries))
        list_remove(queue->entries.next);
}

/* ---- Mutexes ---- */

WEAK void
mutex_init(struct mutex *mutex, const char *name)
{
    mutex->owner = NULL;
    wait_queue_init(&mutex->waiters, name);
}

WEAK int
mutex_lock(struct mutex *mutex)
{
    if (mutex->owner == cpu.current)
        panic("mutex '%s' taken twice", mutex->waiters.name);
    int error = wait_event_killable(&mutex->waiters, mutex->owner == NULL);
    if (!error)
        mutex->owner = cpu.current;
    return error;
}

WEAK bool
mutex_try_lock(struct mutex *mutex)
{
    if (mutex->owner)
        return false;
    mutex->owner = cpu.current;
    return true;
}

WEAK void
mutex_unlock(struct mutex *mutex)
{
    if (mutex->owner != cpu.current)
        panic("mutex '%s' given back by another", mutex->waiters.name);
    mutex->owner = NULL;
    wake_up_all(&mutex->waiters);
}

WEAK bool
mutex_held(const struct mutex *mutex)
{
    return mutex->owner == cpu.current;
}

/* ---- Time: `expires` of a timer is in nanoseconds here ---- */

WEAK u64
time_now_ns(void)
{
    return now_ns;
}

WEAK u64
time_boot_unix_ns(void)
{
    return 1000000000ull * 1000000000u;
}

WEAK u64
time_cycles(void)
{
    return now_ns;
}

WEAK void
time_delay_us(unsigned microseconds)
{
    host_time_advance(microseconds * 1000ull);
}

WEAK void
timer_init(struct timer *timer, void (*expire)(struct timer *timer))
{
    list_init(&timer->link);
    timer->expire = expire;
}

WEAK void
timer_arm(struct timer *timer, u64 time_ns)
{
    struct timer *other;
    struct list *after = &timers;
    list_remove(&timer->link);
    timer->expires = time_ns;
    list_for_each (other, &timers, link) {
        if (other->expires > time_ns)
            break;
        after = &other->link;
    }
    list_add_head(after, &timer->link);
}

WEAK bool
timer_cancel(struct timer *timer)
{
    bool armed = !list_empty(&timer->link);
    list_remove(&timer->link);
    return armed;
}

WEAK bool
timer_armed(const struct timer *timer)
{
    return !list_empty(&timer->link);
}

void
host_time_advance(u64 nanoseconds)
{
    u64 end = now_ns + nanoseconds;
    while (!list_empty(&timers)) {
        struct timer *timer = list_first(&timers, struct timer, link);
        if (timer->expires > end)
            break;
        now_ns = MAX(now_ns, timer->expires);
        list_remove(&timer->link);
        INTERRUPTS_OFF_SCOPE();
        timer->expire(timer);
    }
    now_ns = end;
}
