/* Who runs next: schedule(), the one place where fibrils are switched.
 *
 * Two levels, no more: the run queue holds tasks that have a ready fibril (not the running one); a
 * task holds its ready fibrils in two lists, call fibrils before user fibrils. A switch inside the
 * task changes the stack pointer and the current fibril, and nothing else; a switch between tasks
 * changes the page directory too. When nothing is ready, the kernel task's idle fibril runs. */
#include "kernel/fibril.h"
#include "kernel/address_space.h"
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
    struct list *list = &task->ready_users;
    ASSERT(!fibril->queued);
    fibril->state = FIBRIL_READY;
    fibril->queued = true;
    if (fibril->kind == FIBRIL_CALL && where != BEHIND_USERS) {
        list = &task->ready_calls;
        task->return_work |= WORK_READY;
    }
    if (where == FIRST)
        list_add_head(list, &fibril->ready_link);
    else
        list_add_tail(list, &fibril->ready_link);
    task_enqueue(task);
}

static struct fibril *
task_take_ready(struct task *task)
{
    struct list *calls = &task->ready_calls;
    struct list *list = list_empty(calls) ? &task->ready_users : calls;
    if (list_empty(list))
        return NULL;
    struct fibril *fibril = list_first(list, struct fibril, ready_link);
    list_remove(&fibril->ready_link);
    fibril->queued = false;
    if (list_empty(calls))
        task->return_work &= ~WORK_READY;
    return fibril;
}

static bool
task_has_ready(const struct task *task)
{
    return !list_empty(&task->ready_calls) || !list_empty(&task->ready_users);
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

/* The next task's turn: takes it from the run queue. The present task has no ready fibril, or its
 * slice is used up; in that case it goes to the end of the queue. */
static struct fibril *
pick_other_task(struct task *task)
{
    if (list_empty(&run_queue)) {
        struct fibril *own = task_take_ready(task);
        return own ? own : cpu.idle;
    }
    struct task *next = list_first(&run_queue, struct task, run_link);
    list_remove(&next->run_link);
    next->queued = false;
    if (task_has_ready(task)) {
        if (task->slice_left == 0)
            task->slice_left = SLICE_TICKS;
        task->queued = true;
        list_add_tail(&run_queue, &task->run_link);
    }
    return task_take_ready(next);
}

static struct fibril *
pick_next(struct task *task)
{
    if (likely(task->slice_left > 0 && !(task->return_work & WORK_PREEMPT))) {
        struct fibril *own = task_take_ready(task);
        if (likely(own != NULL))
            return own;
    }
    task->return_work &= ~WORK_PREEMPT;
    return pick_other_task(task);
}

/* ---- The switch ---- */

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

/* Makes `next` the running fibril. Interrupts off; returns when somebody switches back. */
static void
switch_to(struct fibril *self, struct fibril *next, enum switch_reason reason)
{
    if (next->task != self->task)
        enter_task(next->task);
    next->state = FIBRIL_RUNNING;
    cpu.current = next;
    cpu.switches++;
    trace(TRACE_SWITCH, self->id, reason);
    if (next->kind == FIBRIL_USER) {
        context_set_kernel_stack(next->stack_top);
        user_context_load(next->user);
    }
    context_switch(&self->saved_stack, next->saved_stack);
    schedule_tail();
}

void
schedule_tail(void)
{
    struct fibril *dead = cpu.dead;
    if (unlikely(dead != NULL)) {
        cpu.dead = NULL;
        fibril_release(dead);
    }
}

static void
assert_may_switch(const struct fibril *self)
{
    ASSERT(*self->stack_bottom == STACK_MAGIC);
    ASSERT(stack_pointer_within(self->stack_bottom, self->stack_top));
    ASSERT(cpu.interrupt_depth == 0);
}

void
schedule(enum switch_reason reason)
{
    struct fibril *self = cpu.current;
    assert_may_switch(self);
    interrupt_state flags = interrupts_save();
    ASSERT(flags & INTERRUPT_FLAG);
    if (self->state == FIBRIL_RUNNING) {
        if (reason == SWITCH_BLOCK) { /* woken before it had gone to sleep */
            interrupts_restore(flags);
            return;
        }
        if (self->kind != FIBRIL_IDLE)
            fibril_enqueue(self, reason == SWITCH_PREEMPT ? FIRST : BEHIND_USERS);
    } else {
        self->blocked++;
        trace(TRACE_BLOCK, (u32)(uintptr_t)self->wait_channel, 0);
    }
    struct fibril *next = pick_next(self->task);
    if (likely(next != self))
        switch_to(self, next, reason);
    else
        self->state = FIBRIL_RUNNING;
    interrupts_restore(flags);
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
schedule_last(struct fibril *self)
{
    assert_may_switch(self);
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

void
schedule_tick(void)
{
    struct task *task = cpu.task;
    task->run_ticks++;
    if (task->slice_left > 0 && --task->slice_left == 0 && !list_empty(&run_queue))
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
