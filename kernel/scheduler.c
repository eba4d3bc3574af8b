/* Who runs next: schedule(), the one place where fibrils are switched.
 *
 * Two levels, no more: the run queue holds tasks that have a ready fibril (not the running one); a
 * task holds its ready fibrils in two lists, call fibrils before user fibrils. A switch inside the
 * task changes the stack pointer and the current fibril, and nothing else; a switch between tasks
 * changes the page directory too. When nothing is ready, the kernel task's idle fibril runs. */
#include "kernel/fibril.h"
#include "kernel/address_space.h"
#include "kernel/relief.h"
#include "kernel/task.h"
#include "kernel/trace.h"

#define SLICE_TICKS 10

/* Tasks with a ready fibril, but the running one. Interrupts off. */
static struct list run_queue = LIST_INIT(run_queue);

/* ---- Ready lists; interrupts off ---- */

static void
task_enqueue(struct task *task)
{
    if (task->queued || task == cpu.task)
        return;
    task->queued = true;
    if (task->slice_left > 0) {
        list_add_head(&run_queue, &task->run_link);
        cpu.task->return_work |= WORK_PREEMPT;
    } else {
        task->slice_left = SLICE_TICKS;
        list_add_tail(&run_queue, &task->run_link);
        if (cpu.task->slice_left == 0)
            cpu.task->return_work |= WORK_PREEMPT;
    }
}

/* FIRST and LAST among the fibrils of its kind; BEHIND_USERS: behind all that are ready. */
enum place { FIRST, LAST, BEHIND_USERS };

static void
fibril_enqueue(struct fibril *fibril, enum place where)
{
    struct task *task = fibril->task;
    struct ready_list *list = &task->ready_users;
    ASSERT(fibril->state != FIBRIL_READY);
    fibril->state = FIBRIL_READY;
    if (fibril->kind == FIBRIL_CALL && where != BEHIND_USERS) {
        list = &task->ready_calls;
        task->return_work |= WORK_READY;
    }
    struct fibril **place = where == FIRST || !list->first ? &list->first : &list->last->ready_next;
    fibril->ready_next = where == FIRST ? list->first : NULL;
    if (!fibril->ready_next)
        list->last = fibril;
    *place = fibril;
    task_enqueue(task);
}

static ALWAYS_INLINE struct fibril *
task_take_ready(struct task *task)
{
    struct fibril *fibril = task->ready_calls.first;
    if (likely(fibril != NULL)) {
        task->ready_calls.first = fibril->ready_next;
        if (!fibril->ready_next)
            task->return_work &= ~WORK_READY;
    } else if ((fibril = task->ready_users.first)) {
        task->ready_users.first = fibril->ready_next;
    }
    return fibril;
}

static bool
task_has_ready(const struct task *task)
{
    return task->ready_calls.first || task->ready_users.first;
}

void
fibril_start(struct fibril *fibril)
{
    INTERRUPTS_OFF_SCOPE();
    ASSERT(fibril->state == FIBRIL_NEW);
    fibril_enqueue(fibril, LAST);
}

void
fibril_wake(struct fibril *fibril)
{
    INTERRUPTS_OFF_SCOPE();
    if (fibril->state != FIBRIL_SLEEPING)
        return;
    trace(TRACE_WAKE, fibril->id, 0);
    if (fibril == cpu.current)
        fibril->state = FIBRIL_RUNNING; /* on its way to sleep: it will notice */
    else
        fibril_enqueue(fibril, LAST);
}

/* ---- The choice ---- */

static void
enter_task(struct task *next)
{
    cpu.task = next;
    cpu.task_switches++;
    if (next->slice_left == 0)
        next->slice_left = SLICE_TICKS;
    if (next->space)
        address_space_load(next->space);
}

/* The next task's turn: takes it from the run queue and makes it the running one. The present task
 * has no ready fibril, or its slice is used up; in that case it goes to the end of the queue. */
static __attribute__((noinline)) struct fibril *
pick_other_task(struct task *task)
{
    struct task *next = &kernel_task;
    task->return_work &= ~WORK_PREEMPT;
    if (!list_empty(&run_queue)) {
        next = list_first(&run_queue, struct task, run_link);
        list_remove(&next->run_link);
        next->queued = false;
        if (task_has_ready(task)) {
            if (task->slice_left == 0)
                task->slice_left = SLICE_TICKS;
            task->queued = true;
            list_add_tail(&run_queue, &task->run_link);
        }
    } else if (task_has_ready(task)) {
        next = task;
        if (task->slice_left == 0)
            task->slice_left = SLICE_TICKS;
    }
    if (next != task)
        enter_task(next);
    struct fibril *fibril = task_take_ready(next);
    return fibril ? fibril : cpu.idle;
}

static ALWAYS_INLINE struct fibril *
pick_next(struct task *task)
{
    if (likely(!(task->return_work & WORK_PREEMPT))) {
        struct fibril *own = task_take_ready(task);
        if (likely(own != NULL))
            return own;
    }
    return pick_other_task(task);
}

/* ---- The switch ---- */

static __attribute__((noinline)) void
trace_switch(struct fibril *self, struct fibril *next, enum switch_reason reason)
{
    if (self->state == FIBRIL_SLEEPING)
        trace(TRACE_BLOCK, (u32)(uintptr_t)self->wait_channel, 0);
    cpu.current = next;
    trace(TRACE_SWITCH, self->id, reason);
}

/* Makes `next` the running fibril. Interrupts off; returns when somebody switches back. The task has
 * been entered already. */
static ALWAYS_INLINE void
switch_to(struct fibril *self, struct fibril *next, enum switch_reason reason)
{
    if (unlikely(trace_enabled))
        trace_switch(self, next, reason);
    next->state = FIBRIL_RUNNING;
    cpu.current = next;
    cpu.switches++;
    if (next->kind == FIBRIL_USER) {
        context_set_kernel_stack(next->stack_top);
        user_context_load(next->user);
        next->task->return_work |= next->task->switch_work;
    }
    context_switch(&self->saved_stack, next->saved_stack);
    /* Here `next` is what this fibril switched to long ago: only `self` is right. */
    if (unlikely(cpu.dead != NULL))
        schedule_tail();
}

void
schedule_tail(void)
{
    struct fibril *dead = cpu.dead;
    if (dead) {
        cpu.dead = NULL;
        fibril_release(dead);
    }
}

/* On its own stack, and so not inside an interrupt, which has another; the stack was never full. */
static ALWAYS_INLINE void
assert_may_switch(const struct fibril *self)
{
    ASSERT(*self->stack_bottom == STACK_MAGIC);
    ASSERT(stack_pointer_above(self->stack_bottom));
}

/* The running fibril gives way though it could go on: into a ready list again. NULL: it goes on after
 * all, because nobody else is ready, or because it was woken when it was only about to sleep. */
static __attribute__((noinline)) struct fibril *
pick_instead_of(struct fibril *self, enum switch_reason reason)
{
    if (reason == SWITCH_BLOCK)
        return NULL;
    bool slice_over = self->kind == FIBRIL_USER && self->task->slice_left == 0;
    if (self->kind != FIBRIL_IDLE)
        fibril_enqueue(self, reason == SWITCH_PREEMPT && !slice_over ? FIRST : BEHIND_USERS);
    struct fibril *next = pick_next(self->task);
    if (next != self)
        return next;
    self->state = FIBRIL_RUNNING;
    return NULL;
}

void
schedule(enum switch_reason reason)
{
    struct fibril *self = cpu.current, *next;
    assert_may_switch(self);
    ASSERT(interrupts_turn_off());
    if (unlikely(self->state == FIBRIL_RUNNING))
        next = pick_instead_of(self, reason);
    else if (likely(!self->relief) || !(next = self->relief->take(self)))
        next = pick_next(self->task);
    if (likely(next != NULL))
        switch_to(self, next, reason);
    interrupts_turn_on();
}

void
schedule_start_now(struct fibril *fibril)
{
    struct fibril *self = cpu.current;
    assert_may_switch(self);
    INTERRUPTS_OFF_SCOPE();
    ASSERT(fibril->state == FIBRIL_NEW && fibril->task == self->task);
    fibril_enqueue(self, FIRST);
    switch_to(self, fibril, SWITCH_SUBMIT);
}

void
fibril_exit(void)
{
    struct fibril *self = cpu.current;
    assert_may_switch(self);
    ASSERT(self->mutexes_held == 0 && !self->copy_recovery);
    interrupts_save();
    self->state = FIBRIL_DEAD;
    cpu.dead = self;
    switch_to(self, pick_next(self->task), SWITCH_EXIT);
    panic("a fibril that had ended was switched to");
}

/* ---- Giving way ---- */

void
schedule_yield(void)
{
    {
        INTERRUPTS_OFF_SCOPE();
        if (!list_empty(&run_queue))
            cpu.task->return_work |= WORK_PREEMPT;
    }
    schedule(SWITCH_YIELD);
}

int
schedule_point(void)
{
    if (current_task()->return_work & WORK_PREEMPT)
        schedule(SWITCH_PREEMPT);
    return fibril_cancelled();
}

/* ---- The clock ---- */

/* Turns end when somebody waits for one: another task, or in this one another user fibril or a call
 * that yielded. */
void
schedule_tick(void)
{
    struct task *task = cpu.task;
    task->run_ticks++;
    cpu.idle_ticks += cpu.current == cpu.idle;
    if (task->slice_left > 0 && cpu.current != cpu.idle)
        task->slice_left--;
    if (task->slice_left == 0 && (!list_empty(&run_queue) || task->ready_users.first))
        task->return_work |= WORK_PREEMPT;
}

void
schedule_idle(void)
{
    for (;;) {
        {
            INTERRUPTS_OFF_SCOPE();
            while (list_empty(&run_queue) && !task_has_ready(&kernel_task))
                cpu_wait_for_interrupt();
        }
        schedule(SWITCH_YIELD);
    }
}
