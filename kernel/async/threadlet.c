/* Threadlets: a function runs as a plain call in its caller's user context until something in it sleeps;
 * then the caller goes on in another user context of the same task, and the old one stays with the
 * function.
 *
 * The program says so in a page that it has registered: `armed` there is the address of a record with the
 * caller's registers, stored as setjmp would. schedule() looks at that word through the kernel's own
 * mapping of the page, and switches to a spare user fibril, if there is one. That one loads the registers
 * in its own first frame, where it may fault, and returns to user mode there, with 1 where the first time
 * was 0. All user fibrils of a task have its pid, tid, memory and files; each has registers, TLS, FPU,
 * signal mask and alternate stack.
 *
 *     spare --take--> running --threadlet_off--> spare         `left`: its caller goes on elsewhere
 */
#include "kernel/async/threadlet.h"
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/async/head.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/pin.h"
#include "kernel/relief.h"
#include "kernel/task.h"

#define THREADLETS_MOST 32768u /* user fibrils of one task that can relieve others */
#define RELIEVED 1             /* what arming gives in the context that takes over */

/* A user fibril's part; `relief` first, which the fibril points to. */
struct threadlet {
    struct relief relief;
    struct list link;       /* task->threadlets */
    struct list spare_link; /* task->threadlet_spares: nothing runs on it; interrupts off */
    struct fibril *fibril;
    struct page *page;      /* registered, pinned; NULL: none, or handed over */
    volatile struct threadlet_page *shown; /* the same through the kernel's mapping */
    bool left;              /* somebody has taken over what it was called from */
    /* When it takes over: from whom, and the record's address, until it has read it. */
    struct threadlet *relieved;
    u32 record;
    struct threadlet *reliever; /* the other way round */
    struct wait_queue changed;  /* record, reliever */
    /* The completion of what it was left with; in a spare one for whom it relieves. */
    struct async_event *event;
    u32 head; /* its head's address */
};

static struct pool threadlet_pool = POOL_INIT("threadlet", struct threadlet);
static struct pool event_pool = POOL_INIT("threadlet_event", struct async_event);

static struct threadlet *
threadlet_of(const struct fibril *fibril)
{
    return container_of(fibril->relief, struct threadlet, relief);
}

static void
event_release(struct async_event *event)
{
    pool_free(&event_pool, event);
}

/* ---- Taking over: called by schedule(), interrupts off ---- */

/* Mask and alternate stack are the caller's: those of when it armed, if they have been changed since. The
 * one left behind has no alternate stack: two contexts on one would spoil it. */
static void
take_signal_state(struct fibril *next, struct fibril *sleeper, const volatile struct threadlet_page *p)
{
    next->signal_mask = sleeper->mask_saved ? sleeper->saved_mask : sleeper->signal_mask;
    if (p->kept & THREADLET_KEPT_MASK)
        next->signal_mask = (signal_set)p->mask[1] << 32 | p->mask[0];
    next->signal_mask &= ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
    next->signal_stack_base = sleeper->signal_stack_base;
    next->signal_stack_size = sleeper->signal_stack_size;
    if (p->kept & THREADLET_KEPT_STACK) {
        next->signal_stack_base = p->stack_base;
        next->signal_stack_size = p->stack_size;
    } else {
        sleeper->signal_stack_base = sleeper->signal_stack_size = 0;
    }
}

static struct fibril *
threadlet_take(struct fibril *sleeper)
{
    struct threadlet *from = threadlet_of(sleeper);
    struct task *task = sleeper->task;
    if (!from->shown || !from->shown->armed || list_empty(&task->threadlet_spares) ||
        task->unwinding)
        return NULL;
    struct threadlet *to = list_first(&task->threadlet_spares, struct threadlet, spare_link);
    ASSERT(to->fibril->state == FIBRIL_NEW || to->fibril->state == FIBRIL_SLEEPING);
    list_remove(&to->spare_link);
    to->record = from->shown->armed;
    from->shown->armed = 0;
    to->relieved = from;
    from->reliever = to;
    user_context_copy_segments(to->fibril->user, sleeper->user);
    take_signal_state(to->fibril, sleeper, from->shown);
    to->page = from->page;
    to->shown = from->shown;
    to->left = from->left;
    from->page = NULL;
    from->shown = NULL;
    from->left = true;
    struct async_event *event = from->event; /* the one that was reserved for the caller, if any */
    from->event = to->event;
    to->event = event;
    if (task->user == sleeper)
        task->user = to->fibril;
    return to->fibril;
}

/* What the caller had goes into the page while the function changes it, once. Interrupts off or no sleep. */
static void
threadlet_changes(struct fibril *self, bool mask)
{
    volatile struct threadlet_page *page = threadlet_of(self)->shown;
    if (!page || !page->armed)
        return;
    if (mask && !(page->kept & THREADLET_KEPT_MASK)) {
        signal_set old = self->mask_saved ? self->saved_mask : self->signal_mask;
        page->mask[0] = (u32)old;
        page->mask[1] = (u32)(old >> 32);
        page->kept |= THREADLET_KEPT_MASK;
    } else if (!mask && !(page->kept & THREADLET_KEPT_STACK)) {
        page->stack_base = self->signal_stack_base;
        page->stack_size = self->signal_stack_size;
        page->kept |= THREADLET_KEPT_STACK;
    }
}

/* ---- The new context's first frame ---- */

static int
completion_head(struct threadlet *left)
{
    return async_head_enter((void USER *)(uintptr_t)left->head, &left->event->head);
}

/* The one left behind is counted in its head from now on, so that nobody waits in vain. If the head cannot
 * be had, it is tried again at the end. */
static void
completion_describe(struct threadlet *left, const struct threadlet_record *record)
{
    left->event->value = record->value;
    left->head = record->head;
    if (!record->value || completion_head(left))
        left->event->head = NULL;
}

/* A record that is not there sends the program to address 0, which is a SIGSEGV. */
static void
threadlet_enter(struct threadlet *self)
{
    struct threadlet_record record;
    struct threadlet *from = self->relieved;
    int error = copy_from_user(&record, (void USER *)(uintptr_t)self->record, sizeof(record));
    if (error)
        record = (struct threadlet_record){.eip = 0};
    completion_describe(from, &record);
    struct user_state state = {
        .ebx = record.ebx, .esi = record.esi, .edi = record.edi, .ebp = record.ebp,
        .stack = record.esp, .instruction = record.eip, .fs = record.fs, .gs = record.gs};
    user_state_set(&state, RELIEVED);
    self->relieved = from->reliever = NULL;
    self->record = 0;
    wake_up_all(&from->changed);
}

static void
threadlet_main(void *argument)
{
    threadlet_enter(argument);
    user_resume();
}

/* ---- Storage ---- */

static struct threadlet *
threadlet_create(struct task *task)
{
    struct threadlet *threadlet =
        task->threadlet_count < THREADLETS_MOST ? pool_alloc(&threadlet_pool) : NULL;
    if (!threadlet)
        return NULL;
    threadlet->relief.take = threadlet_take;
    threadlet->relief.changes = threadlet_changes;
    list_init(&threadlet->spare_link);
    wait_queue_init(&threadlet->changed, "threadlet");
    list_add_tail(&task->threadlets, &threadlet->link);
    task->threadlet_count++;
    task->switch_work = WORK_SIGNAL | WORK_CREDENTIALS;
    return threadlet;
}

static void
threadlet_free(struct task *task, struct threadlet *threadlet)
{
    list_remove(&threadlet->link);
    task->threadlet_count--;
    if (threadlet->page)
        page_unpin(threadlet->page);
    pool_free(&event_pool, threadlet->event);
    pool_free(&threadlet_pool, threadlet);
}

static int
spare_add(struct task *task)
{
    struct threadlet *threadlet = threadlet_create(task);
    if (!threadlet)
        return -EAGAIN;
    struct user_context *context = user_context_create();
    threadlet->event = pool_alloc(&event_pool);
    if (context && threadlet->event)
        threadlet->fibril = fibril_create(task, FIBRIL_USER, threadlet_main, threadlet);
    if (!threadlet->fibril) {
        user_context_destroy(context);
        threadlet_free(task, threadlet);
        return -ENOMEM;
    }
    threadlet->event->release = event_release;
    threadlet->fibril->user = context;
    threadlet->fibril->relief = &threadlet->relief;
    list_add_tail(&task->threadlet_spares, &threadlet->spare_link);
    return 0;
}

/* ---- threadlet_on ---- */

static int
page_register(struct threadlet *self, uintptr_t address)
{
    struct page *page = NULL, *old = self->page;
    if (address % sizeof(u32) ||
        address % PAGE_SIZE > PAGE_SIZE - sizeof(struct threadlet_page))
        return -EINVAL;
    int error = address ? page_pin(current_task()->space, address, &page) : 0;
    if (error)
        return error;
    self->page = page;
    self->shown = page ? (void *)((u8 *)page_address(page) + address % PAGE_SIZE) : NULL;
    if (old)
        page_unpin(old);
    return 0;
}

/* The running context may be relieved as the page says (0: not any more), and there are so many more user
 * fibrils for that: how many. -EINVAL, -EFAULT, -ENOMEM, -EAGAIN. */
long
sys_threadlet_on(uintptr_t address, u32 count)
{
    struct task *task = current_task();
    struct fibril *self = current_fibril();
    if (!self->relief) {
        struct threadlet *threadlet = threadlet_create(task);
        if (!threadlet)
            return -EAGAIN;
        threadlet->fibril = self;
        self->relief = &threadlet->relief;
    }
    int error = page_register(threadlet_of(self), address);
    u32 made = 0;
    while (!error && made < count) {
        error = schedule_point();
        if (!error)
            error = spare_add(task);
        made += !error;
    }
    return made ? (long)made : error;
}

/* ---- threadlet_off ---- */

static void
completion_post(struct threadlet *self)
{
    struct async_event *event = self->event;
    int error = event->value && !event->head ? completion_head(self) : 0;
    if (error)
        log_limited(10, "task %u: the end of a threadlet cannot be told: error %d",
                    current_task()->tid, error);
    self->event = NULL;
    if (event->value && !error)
        async_event_post(event);
    else
        pool_free(&event_pool, event);
}

/* As a new one, and waiting for its turn to relieve somebody: 0, or it has been cancelled. */
static int
threadlet_rest(struct threadlet *self)
{
    struct fibril *fibril = self->fibril;
    fibril->signal_stack_base = fibril->signal_stack_size = 0;
    fibril->mask_saved = fibril->resuming = false;
    user_context_reset(fibril->user);
    if (self->page)
        page_unpin(self->page);
    self->page = NULL;
    self->shown = NULL;
    self->left = false;
    {
        INTERRUPTS_OFF_SCOPE();
        list_add_head(&current_task()->threadlet_spares, &self->spare_link);
    }
    int error = wait_event_killable(&self->changed, self->record != 0);
    INTERRUPTS_OFF_SCOPE();
    list_remove(&self->spare_link);
    return error;
}

/* The function with which the running context was left is done: *busy becomes 0, the completion goes to
 * its head, and the context waits to take over from another. -EINVAL: it has not been left. */
long
sys_threadlet_off(u32 USER *busy)
{
    struct fibril *fibril = current_fibril();
    if (!fibril->relief || !threadlet_of(fibril)->left)
        return -EINVAL;
    struct threadlet *self = threadlet_of(fibril);
    u32 none = 0;
    int error = wait_event_killable(&self->changed, !self->reliever); /* until it knows its head */
    if (error)
        return error;
    (void)!copy_to_user(busy, &none, sizeof(none)); /* a bad address is the program's own affair */
    completion_post(self);
    self->event = pool_alloc(&event_pool);
    if (!self->event) {
        threadlet_free(current_task(), self);
        fibril->relief = NULL;
        fibril_exit();
    }
    self->event->release = event_release;
    error = threadlet_rest(self);
    if (error)
        return error;
    threadlet_enter(self);
    return RELIEVED;
}

/* ---- The end ---- */

/* Those that have never run end without having run; the rest is cancelled, and leaves. */
static void
threadlets_ending(struct task *task)
{
    struct threadlet *threadlet, *following;
    list_for_each_safe(threadlet, following, &task->threadlets, link) {
        if (!threadlet->fibril || threadlet->fibril->state != FIBRIL_NEW)
            continue;
        list_remove(&threadlet->spare_link);
        fibril_discard(threadlet->fibril);
        threadlet_free(task, threadlet);
    }
}

static void
threadlets_free(struct task *task)
{
    current_fibril()->relief = NULL;
    task->switch_work = 0;
    while (!list_empty(&task->threadlets)) {
        struct threadlet *threadlet = list_first(&task->threadlets, struct threadlet, link);
        list_remove(&threadlet->spare_link);
        threadlet_free(task, threadlet);
    }
}

/* A thread's end ends what it left behind: the other threads of its process are told. */
static void
threadlets_release(struct task *task)
{
    struct threadlet *threadlet;
    list_for_each(threadlet, &task->threadlets, link)
        if (threadlet->left && threadlet->event && threadlet->event->head &&
            !task->process->exiting)
            completion_post(threadlet);
    threadlets_free(task);
}

void
threadlet_init(void)
{
    static struct task_hooks hooks = {
        .ending = threadlets_ending, .release = threadlets_release, .program = threadlets_free};
    task_register_hooks(&hooks);
}
