/* Part of /proc/self_test: stacks, what fibrils and tasks leave behind, turns among tasks, and the end
 * of tasks with work in progress. What other tasks' fibrils share with the tests is static. */
#include "arch.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/stack.h"
#include "kernel/string.h"
#include "kernel/sys/self_test.h"

#define MS 1000000ull
#define HANG_NS (2000 * MS)
#define CROWD 1000

static struct wait_queue queue = WAIT_QUEUE_INIT(queue, "self_test_tasks");
static bool open;
static volatile bool stop;

/* ---- What there is, without what caches keep ---- */

struct resources {
    u32 pages, objects, fibrils;
};

static void
resources_count(struct resources *resources)
{
    stack_drop_spares(current_task());
    stack_drop_spares(&kernel_task);
    pages_shrink_all();
    *resources = (struct resources){pages_free(), heap_objects(), fibril_counts.alive};
}

/* The count before must be taken with caches emptied as well, so what they held cannot look like a
 * gain that hides a leak. */
static bool
resources_equal(const struct resources *before)
{
    struct resources now;
    resources_count(&now);
    return now.pages == before->pages && now.objects == before->objects &&
           now.fibrils == before->fibrils;
}

static bool
only_this_fibril_is_left(u32 count_before)
{
    for (int i = 0; i < 100 && current_task()->fibril_count > count_before; i++)
        schedule_yield();
    return current_task()->fibril_count == count_before;
}

static void
wait_open(void *unused)
{
    if (wait_event_killable(&queue, open))
        return;
}

static struct fibril *
start_call(void (*function)(void *), void *argument)
{
    struct fibril *fibril = fibril_create(current_task(), FIBRIL_CALL, function, argument);
    if (fibril)
        fibril_start(fibril);
    return fibril;
}

/* ---- Stacks ---- */

static const char *
a_thousand_fibrils_leave_nothing(void)
{
    struct resources before;
    u32 fibrils = current_task()->fibril_count;
    resources_count(&before);
    for (int round = 0; round < 2; round++) {
        open = false;
        for (unsigned i = 0; i < CROWD; i++)
            EXPECT(start_call(wait_open, NULL));
        schedule_yield();
        EXPECT(fibril_counts.alive == before.fibrils + CROWD);
        EXPECT(pages_free() <= before.pages - CROWD + 16);
        open = true;
        wake_up_all(&queue);
        EXPECT(only_this_fibril_is_left(fibrils));
        EXPECT(fibril_counts.alive == before.fibrils && current_task()->spare_count <= 16);
        EXPECT(pages_free() + current_task()->spare_count >= before.pages);
    }
    EXPECT(resources_equal(&before));
    return NULL;
}

static const char *
stacks_are_used_again_and_ids_are_not(void)
{
    u32 fibrils = current_task()->fibril_count;
    open = true;
    struct fibril *first = start_call(wait_open, NULL);
    EXPECT(first);
    u32 slot = first->slot, id = first->id;
    EXPECT(only_this_fibril_is_left(fibrils));
    struct fibril *second = start_call(wait_open, NULL);
    EXPECT(second && second->slot == slot && second->id != id);
    EXPECT(only_this_fibril_is_left(fibrils));
    stack_drop_spares(current_task());
    second = start_call(wait_open, NULL);
    EXPECT(second && second->slot == slot); /* its page was given back, the slot is taken again */
    EXPECT(only_this_fibril_is_left(fibrils));
    return NULL;
}

/* Each stack is one present page with the magic word, above one that is never present. */
static const char *
every_stack_has_a_guard_page(void)
{
    page_directory directory = current_task()->space->directory;
    u32 fibrils = current_task()->fibril_count, seen = 0;
    struct task *task;
    struct fibril *fibril;
    open = false;
    for (int i = 0; i < 20; i++)
        EXPECT(start_call(wait_open, NULL));
    list_for_each(task, task_list(), all_link)
        list_for_each(fibril, &task->fibrils, task_link) {
            uintptr_t bottom = (uintptr_t)fibril->stack_bottom;
            EXPECT(*fibril->stack_bottom == STACK_MAGIC);
            if (fibril->kind == FIBRIL_IDLE)
                continue; /* the boot stack */
            EXPECT(bottom % (2 * PAGE_SIZE) == PAGE_SIZE);
            EXPECT(page_lookup(directory, bottom, NULL));
            EXPECT(!page_lookup(directory, bottom - PAGE_SIZE, NULL));
            EXPECT((uintptr_t)fibril->stack_top > bottom + 3600 &&
                   (uintptr_t)fibril->stack_top < bottom + PAGE_SIZE);
            seen++;
        }
    EXPECT(seen >= 21);
    open = true;
    wake_up_all(&queue);
    EXPECT(only_this_fibril_is_left(fibrils));
    return NULL;
}

/* A dropped stack is not reachable any more, not even through the CPU's memory of page tables. */
static const char *
a_dropped_stack_is_unmapped(void)
{
    u32 fibrils = current_task()->fibril_count;
    stack_drop_spares(current_task());
    open = true;
    struct fibril *fibril = start_call(wait_open, NULL);
    EXPECT(fibril);
    uintptr_t bottom = (uintptr_t)fibril->stack_bottom;
    EXPECT(only_this_fibril_is_left(fibrils) && current_task()->spare_count == 1);
    stack_drop_spares(current_task());
    EXPECT(!page_lookup(current_task()->space->directory, bottom, NULL));
    return NULL;
}

static const char *
a_fibril_never_started_is_given_back(void)
{
    struct resources before;
    resources_count(&before);
    for (int i = 0; i < 50; i++) {
        struct fibril *fibril = fibril_create(current_task(), FIBRIL_CALL, wait_open, NULL);
        EXPECT(fibril);
        fibril_discard(fibril);
    }
    EXPECT(resources_equal(&before));
    return NULL;
}

/* Out of memory: no fibril, no harm, and all of it comes back. */
static const char *
no_memory_for_a_stack(void)
{
    struct resources before;
    u32 chain = 0;
    resources_count(&before);
    for (struct page *page; (page = page_alloc());) {
        page->private = chain;
        chain = page_physical(page);
    }
    struct fibril *fibril = fibril_create(current_task(), FIBRIL_CALL, wait_open, NULL);
    struct task *task = NULL;
    int error = task_create_process("none", wait_open, NULL, &task);
    while (chain) {
        struct page *page = page_of_physical(chain);
        chain = page->private;
        page_put(page);
    }
    EXPECT(!fibril && error == -ENOMEM);
    EXPECT(resources_equal(&before));
    return NULL;
}

/* ---- Turns among tasks ---- */

static volatile u32 rounds[3];

static void
count_rounds(void *argument)
{
    volatile u32 *count = argument;
    while (!stop && !schedule_point())
        ++*count;
    open = true;
    wake_up_all(&queue);
}

/* Another task that is busy as well gets its turns, and leaves this one its own. */
static const char *
busy_tasks_take_turns(void)
{
    rounds[0] = rounds[1] = 0;
    stop = open = false;
    EXPECT(kernel_fibril_start(count_rounds, (void *)&rounds[1]));
    u32 switches = cpu.task_switches;
    for (u64 end = time_now_ns() + 300 * MS; time_now_ns() < end;) {
        rounds[0]++;
        if (schedule_point())
            break;
    }
    switches = cpu.task_switches - switches;
    stop = true;
    EXPECT(wait_event_until(&queue, open, time_now_ns() + HANG_NS) == 0);
    EXPECT(rounds[0] > 100 && rounds[1] > 100);
    EXPECT(switches >= 8 && switches <= 80); /* slices of 10 ms: 30 */
    return NULL;
}

static const char *
yielding_lets_another_task_run(void)
{
    rounds[1] = 0;
    stop = open = false;
    EXPECT(kernel_fibril_start(count_rounds, (void *)&rounds[1]));
    current_task()->return_work &= ~WORK_PREEMPT; /* its turn has not come otherwise */
    schedule_yield();
    EXPECT(rounds[1] > 0);
    stop = true;
    EXPECT(wait_event_until(&queue, open, time_now_ns() + HANG_NS) == 0);
    return NULL;
}

static u64 most_late;
static struct wait_queue sleeper_queue = WAIT_QUEUE_INIT(sleeper_queue, "self_test_sleeper");

static void
nap_and_note(void *unused)
{
    for (int i = 0; i < 12; i++) {
        u64 deadline = time_now_ns() + 5 * MS;
        wait_event_until(&sleeper_queue, false, deadline);
        if (i > 3) /* by now it has part of a slice left */
            most_late = MAX(most_late, time_now_ns() - deadline);
    }
    open = true;
    wake_up_all(&queue);
}

/* A task that wakes with slice left runs before a busy one has used up its own. */
static const char *
a_woken_task_is_not_kept_waiting(void)
{
    u64 end = time_now_ns() + HANG_NS;
    open = false;
    most_late = 0;
    EXPECT(kernel_fibril_start(nap_and_note, NULL));
    while (!open && time_now_ns() < end)
        if (schedule_point())
            break;
    EXPECT(open && most_late < 3 * MS);
    return NULL;
}

static void
nap_once_and_note(void *until)
{
    u64 deadline = *(u64 *)until;
    wait_event_until(&sleeper_queue, false, deadline);
    most_late = time_now_ns() - deadline;
    open = true;
    wake_up_all(&queue);
}

/* The kernel task, whose idle fibril has just run for long, has not used its turn up by that. */
static const char *
bug_idle_time_was_charged_to_the_kernel_task(void)
{
    static u64 until;
    u64 start = time_now_ns();
    until = start + 45 * MS;
    open = false;
    EXPECT(kernel_fibril_start(nap_once_and_note, &until));
    wait_event_until(&sleeper_queue, false, start + 40 * MS);
    while (!open && time_now_ns() < start + HANG_NS)
        if (schedule_point())
            break;
    EXPECT(open && most_late < 3 * MS);
    return NULL;
}

/* ---- The end of tasks ---- */

#define LIVES 5
static int cancel_results[LIVES + 1];
static unsigned unwound;

static void
wait_for_cancel(void *argument)
{
    unsigned index = (unsigned)(uintptr_t)argument;
    cancel_results[index] =
        wait_event_killable_until(&sleeper_queue, false, time_now_ns() + 5 * HANG_NS);
    unwound++;
}

/* Unwinding, it starts one more fibril. */
static void
wait_then_start_another(void *argument)
{
    wait_for_cancel(argument);
    if (!start_call(wait_for_cancel, (void *)LIVES))
        unwound++;
}

enum life { EXITS, EXITS_WITH_CALLS, STARTS_WHILE_ENDING, KILLED_IN_CLONE, SLEEPS, SPINS, YIELDS };

/* Makes a thread, which the end of the process does not find, as if it had come just before. */
static void
clone_unseen_by_kill(void)
{
    struct task_clone clone = {.share_space = true, .share_process = true, .share_handlers = true};
    struct task *task;
    if (task_clone(&clone, &task))
        return;
    process_kill(current_task()->process, 9);
    task->return_work = 0;
    task->unwinding = false;
    task->user->cancel_error = 0;
    task_start(task);
    unwound++;
}

static void
process_main(void *argument)
{
    switch ((enum life)(uintptr_t)argument) {
    case EXITS:
        break;
    case STARTS_WHILE_ENDING:
        start_call(wait_then_start_another, (void *)0);
        schedule_yield();
        break;
    case EXITS_WITH_CALLS:
        for (uintptr_t i = 0; i < LIVES; i++)
            start_call(wait_for_cancel, (void *)i);
        schedule_yield();
        break;
    case KILLED_IN_CLONE:
        clone_unseen_by_kill();
        break;
    case SLEEPS:
        wait_for_cancel((void *)0);
        break;
    case SPINS:
        while (!schedule_point())
            ;
        break;
    case YIELDS:
        while (!fibril_cancelled())
            schedule_yield();
        break;
    }
    task_exit(7 << 8);
}

/* Runs a process; kills it with `signal` after a while, if that is not 0. Did it end in time, with the
 * status that it should have? */
static const char *
process_run(enum life life, int signal)
{
    struct task *task;
    unwound = 0;
    memset(cancel_results, 0, sizeof(cancel_results));
    EXPECT(task_create_process("self_test", process_main, (void *)life, &task) == 0);
    struct process *process = task->process;
    process_get(process);
    if (signal) {
        wait_event_until(&queue, false, time_now_ns() + 5 * MS);
        process_kill(process, signal);
    }
    EXPECT(wait_event_until(&process->ended, process->task_count == 0, time_now_ns() + HANG_NS) == 0);
    EXPECT(process->exit_status == (signal ? signal : 7 << 8));
    process_put(process);
    return NULL;
}

/* The same, many times, with nothing left over. */
static const char *
process_runs(enum life life, int signal, unsigned times)
{
    struct resources before;
    const char *why = process_run(life, signal); /* whatever is made at the first time */
    resources_count(&before);
    for (unsigned i = 0; i < times && !why; i++)
        why = process_run(life, signal);
    if (why)
        return why;
    EXPECT(resources_equal(&before));
    return NULL;
}

static const char *
processes_leave_nothing(void)
{
    return process_runs(EXITS, 0, 100);
}

static const char *
exit_cancels_calls_and_waits_for_them(void)
{
    const char *why = process_runs(EXITS_WITH_CALLS, 0, 50);
    EXPECT(why || unwound == LIVES);
    for (int i = 0; i < LIVES; i++)
        EXPECT(why || cancel_results[i] == -EINTR);
    return why;
}

static const char *
bug_a_fibril_started_while_the_task_ended_was_not_cancelled(void)
{
    const char *why = process_run(STARTS_WHILE_ENDING, 0);
    EXPECT(why || (unwound == 2 && cancel_results[LIVES] == -EINTR));
    return why;
}

static const char *
bug_a_thread_made_while_its_process_was_killed_lived_on(void)
{
    struct task *task;
    unwound = 0;
    EXPECT(task_create_process("self_test", process_main, (void *)KILLED_IN_CLONE, &task) == 0);
    struct process *process = task->process;
    EXPECT(wait_event_until(&process->ended, process->task_count == 0, time_now_ns() + HANG_NS) == 0);
    EXPECT(unwound == 1 && process->exit_status == 9);
    process_put(process);
    return NULL;
}

static const char *
a_kill_ends_sleeping_spinning_and_yielding_tasks(void)
{
    static const enum life lives[] = {SLEEPS, SPINS, YIELDS};
    for (unsigned i = 0; i < ARRAY_SIZE(lives); i++) {
        const char *why = process_runs(lives[i], 9, 5);
        if (why)
            return why;
    }
    return NULL;
}

static const char *
a_kill_before_the_first_instruction(void)
{
    struct task *task;
    EXPECT(task_create_process("self_test", process_main, (void *)SLEEPS, &task) == 0);
    struct process *process = task->process;
    process_get(process);
    process_kill(process, 9);
    EXPECT(wait_event_until(&process->ended, process->task_count == 0, time_now_ns() + HANG_NS) == 0);
    EXPECT(process->exit_status == 9);
    process_put(process);
    return NULL;
}

const struct self_test task_self_tests[] = {
    SELF_TEST(a_thousand_fibrils_leave_nothing),
    SELF_TEST(stacks_are_used_again_and_ids_are_not),
    SELF_TEST(every_stack_has_a_guard_page),
    SELF_TEST(a_dropped_stack_is_unmapped),
    SELF_TEST(a_fibril_never_started_is_given_back),
    SELF_TEST(no_memory_for_a_stack),
    SELF_TEST(busy_tasks_take_turns),
    SELF_TEST(yielding_lets_another_task_run),
    SELF_TEST(a_woken_task_is_not_kept_waiting),
    SELF_TEST(bug_idle_time_was_charged_to_the_kernel_task),
    SELF_TEST(processes_leave_nothing),
    SELF_TEST(exit_cancels_calls_and_waits_for_them),
    SELF_TEST(bug_a_fibril_started_while_the_task_ended_was_not_cancelled),
    SELF_TEST(bug_a_thread_made_while_its_process_was_killed_lived_on),
    SELF_TEST(a_kill_ends_sleeping_spinning_and_yielding_tasks),
    SELF_TEST(a_kill_before_the_first_instruction),
};
const unsigned task_self_test_count = ARRAY_SIZE(task_self_tests);
