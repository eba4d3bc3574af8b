/* /proc/self_test: see self_test.h. Here the tests of the switch, of waiting, mutexes and timers; the
 * fibrils in them write letters into a log, whose order is what is tested. The reader is a user fibril
 * of its task. What fibrils share is static, so that a test that fails leaves nothing dangling. */
#include "kernel/sys/self_test.h"
#include "arch.h"
#include "kernel/string.h"
#include "kernel/timer.h"

#define MS 1000000ull
#define HANG_NS (2000 * MS) /* a wait that takes so long has failed */

/* ---- The log, and fibrils that write into it ---- */

static char letters[64];
static unsigned letter_count;

static void
put(char letter)
{
    if (letter_count < sizeof(letters) - 1) {
        letters[letter_count++] = letter;
        letters[letter_count] = 0;
    }
}

static void
letters_clear(void)
{
    letter_count = 0;
    letters[0] = 0;
}

static bool
letters_are(const char *expected)
{
    return !strcmp(letters, expected);
}

static void
write_letter(void *argument)
{
    put((char)(uintptr_t)argument);
}

/* Small letter, yield, capital letter. */
static void
write_yield_write(void *argument)
{
    put((char)(uintptr_t)argument);
    schedule_yield();
    put((char)((uintptr_t)argument - 'a' + 'A'));
}

static struct fibril *
start_call(void (*function)(void *), char letter)
{
    struct fibril *fibril =
        fibril_create(current_task(), FIBRIL_CALL, function, (void *)(uintptr_t)(u8)letter);
    if (fibril)
        fibril_start(fibril);
    return fibril;
}

static struct fibril *
start_user(void (*function)(void *), char letter)
{
    struct fibril *fibril =
        fibril_create(current_task(), FIBRIL_USER, function, (void *)(uintptr_t)(u8)letter);
    if (!fibril)
        return NULL;
    fibril->user = user_context_create();
    if (!fibril->user) {
        fibril_discard(fibril);
        return NULL;
    }
    fibril_start(fibril);
    return fibril;
}

/* Lets the fibrils of this test come to their ends: true if they did. */
static bool
fibrils_ended(u32 count_before)
{
    for (int i = 0; i < 100 && current_task()->fibril_count > count_before; i++)
        schedule_yield();
    return current_task()->fibril_count == count_before;
}

/* ---- Order ---- */

static const char *
call_fibrils_before_user_fibrils(void)
{
    letters_clear();
    EXPECT(start_user(write_letter, 'u') && start_call(write_letter, 'a') &&
           start_call(write_letter, 'b'));
    EXPECT(letters_are(""));
    schedule_yield();
    EXPECT(letters_are("abu"));
    return NULL;
}

static const char *
equals_run_in_the_order_of_becoming_ready(void)
{
    letters_clear();
    for (char letter = 'a'; letter <= 'f'; letter++)
        EXPECT(start_call(write_letter, letter));
    schedule_yield();
    EXPECT(letters_are("abcdef"));
    return NULL;
}

static const char *
a_yielding_call_goes_behind_user_fibrils(void)
{
    u32 before = current_task()->fibril_count;
    letters_clear();
    EXPECT(start_call(write_yield_write, 'a') && start_user(write_letter, 'u') &&
           start_call(write_yield_write, 'b'));
    schedule_yield();
    EXPECT(letters_are("abu"));
    EXPECT(fibrils_ended(before));
    EXPECT(letters_are("abuAB"));
    return NULL;
}

static const char *
a_preempted_user_fibril_goes_on_before_other_user_fibrils(void)
{
    u32 before = current_task()->fibril_count;
    letters_clear();
    EXPECT(start_user(write_letter, 'u') && start_call(write_letter, 'a'));
    schedule(SWITCH_PREEMPT);
    EXPECT(letters_are("a"));
    EXPECT(fibrils_ended(before) && letters_are("au"));
    return NULL;
}

static struct wait_queue queue = WAIT_QUEUE_INIT(queue, "self_test");
static bool open;

/* Letter, wait for `open`, capital letter; a digit 0 if the wait was cancelled. */
static void
write_wait_write(void *argument)
{
    put((char)(uintptr_t)argument);
    int error = wait_event_killable(&queue, open);
    put(error ? '0' : (char)((uintptr_t)argument - 'a' + 'A'));
}

static const char *
a_fibril_started_now_runs_at_once_until_it_blocks(void)
{
    u32 before = current_task()->fibril_count;
    letters_clear();
    open = false;
    EXPECT(start_user(write_letter, 'u'));
    struct fibril *fibril = fibril_create(current_task(), FIBRIL_CALL, write_wait_write, (void *)'f');
    EXPECT(fibril);
    schedule_start_now(fibril);
    EXPECT(letters_are("f")); /* and the starter went on before other user fibrils */
    open = true;
    wake_up_all(&queue);
    EXPECT(letters_are("f"));
    EXPECT(fibrils_ended(before) && letters_are("fFu"));
    return NULL;
}

static volatile bool ran;

static void
yield_and_tell(void *unused)
{
    schedule_yield();
    ran = true;
}

/* A user fibril that never sleeps stands for a program that spins. */
static const char *
bug_a_call_that_yielded_starved_while_the_program_span(void)
{
    ran = false;
    EXPECT(start_call(yield_and_tell, 0));
    u64 end = time_now_ns() + 500 * MS;
    schedule(SWITCH_PREEMPT);
    while (!ran && time_now_ns() < end)
        if (schedule_point())
            break;
    EXPECT(ran);
    return NULL;
}

/* ---- Waking ---- */

static const char *
a_wake_before_the_sleep_is_not_lost(void)
{
    struct fibril *self = current_fibril();
    u32 switches = cpu.switches;
    wait_prepare("self_test");
    fibril_wake(self);
    schedule(SWITCH_BLOCK);
    wait_finish();
    EXPECT(cpu.switches == switches);
    int times = 0;
    EXPECT(wait_event_until(&queue, (wake_up_all(&queue), ++times > 5), time_now_ns() + HANG_NS) == 0);
    EXPECT(times == 6 && list_empty(&queue.entries) && cpu.switches == switches);
    return NULL;
}

static void
wake_from_timer(struct timer *timer)
{
    open = true;
    wake_up_all(&queue);
}

/* Interrupts that come anywhere between the test of the condition and the sleep. */
static const char *
wakes_from_interrupts_are_not_lost(void)
{
    struct timer timer;
    timer_init(&timer, wake_from_timer);
    for (unsigned i = 0; i < 100; i++) {
        open = false;
        timer_arm(&timer, time_now_ns() + i * 37000);
        time_delay_us(i % 90 * 10);
        EXPECT(wait_event_until(&queue, open, time_now_ns() + HANG_NS) == 0);
        timer_cancel(&timer);
    }
    return NULL;
}

static const char *
a_wake_of_a_ready_fibril_has_no_effect(void)
{
    letters_clear();
    struct fibril *first = start_call(write_letter, 'a'), *second = start_call(write_letter, 'b');
    EXPECT(first && second);
    fibril_wake(second);
    fibril_wake(first);
    fibril_wake(current_fibril());
    schedule_yield();
    EXPECT(letters_are("ab"));
    return NULL;
}

static unsigned tickets;

static void
wait_for_ticket(void *argument)
{
    if (wait_event_killable_until(&queue, tickets > 0, time_now_ns() + HANG_NS))
        return;
    tickets--;
    put((char)(uintptr_t)argument);
}

static const char *
wake_up_one_wakes_the_longest_waiting_each_time_another(void)
{
    u32 before = current_task()->fibril_count;
    struct fibril *fibrils[4];
    letters_clear();
    tickets = 0;
    for (int i = 0; i < 4; i++)
        EXPECT((fibrils[i] = start_call(wait_for_ticket, (char)('a' + i))));
    schedule_yield();
    tickets = 1;
    wake_up_one(&queue);
    EXPECT(fibrils[0]->state == FIBRIL_READY && fibrils[1]->state == FIBRIL_SLEEPING);
    schedule_yield();
    EXPECT(letters_are("a"));
    tickets = 2; /* two wakes before either has run */
    wake_up_one(&queue);
    wake_up_one(&queue);
    schedule_yield();
    EXPECT(letters_are("abc"));
    tickets = 1;
    wake_up_all(&queue);
    EXPECT(fibrils_ended(before) && letters_are("abcd") && list_empty(&queue.entries));
    return NULL;
}

/* ---- Deadlines ---- */

static const char *
a_deadline_is_never_early_and_true_to_two_ticks(void)
{
    for (unsigned i = 0; i < 8; i++) {
        u64 least_late = ~0ull;
        for (int attempt = 0; attempt < 5; attempt++) {
            u64 deadline = time_now_ns() + i * i * MS / 2 + i * 110000 + 1000;
            EXPECT(wait_event_until(&queue, false, deadline) == -ETIMEDOUT);
            u64 now = time_now_ns();
            EXPECT(now >= deadline);
            least_late = MIN(least_late, now - deadline);
        }
        EXPECT(least_late < 2 * TICK_NS + TICK_NS / 4);
    }
    EXPECT(list_empty(&queue.entries));
    return NULL;
}

static const char *
deadlines_in_the_past_and_at_the_end_of_time(void)
{
    EXPECT(wait_event_until(&queue, false, 1) == -ETIMEDOUT);
    EXPECT(wait_event_until(&queue, true, 1) == 0);
    int looks = 0; /* it comes true when the deadline has been seen to be past */
    EXPECT(wait_event_until(&queue, ++looks > 2, 1) == 0);
    struct timer timer;
    timer_init(&timer, wake_from_timer);
    open = false;
    timer_arm(&timer, time_now_ns() + 3 * MS);
    EXPECT(wait_event_until(&queue, open, ~0ull) == 0);
    return NULL;
}

/* The condition came true although the deadline has passed too: that counts. */
static const char *
a_condition_counts_more_than_its_deadline(void)
{
    struct timer timer;
    timer_init(&timer, wake_from_timer);
    for (int i = 0; i < 20; i++) {
        u64 deadline = time_now_ns() + 2 * MS;
        open = false;
        timer_arm(&timer, deadline); /* the same tick as the sleeper's own timer */
        EXPECT(wait_event_until(&queue, open, deadline) == 0 || !open);
        timer_cancel(&timer);
    }
    return NULL;
}

/* ---- Cancelling ---- */

enum { UNKILLABLE = 1, EARLY = 2 };
static int wait_result;
static struct fibril *waiter;

static void
wait_for_open(void *argument)
{
    u64 deadline = time_now_ns() + HANG_NS;
    wait_result = (uintptr_t)argument & UNKILLABLE
                      ? wait_event_until(&queue, open, deadline)
                      : wait_event_killable_until(&queue, open, deadline);
}

/* A new fibril that has gone to sleep in wait_for_open; EARLY: that has not even begun. */
static bool
waiter_start(unsigned how)
{
    open = false;
    wait_result = 1;
    waiter = fibril_create(current_task(), FIBRIL_CALL, wait_for_open, (void *)(uintptr_t)how);
    if (!waiter)
        return false;
    fibril_start(waiter);
    if (!(how & EARLY))
        schedule_yield();
    return true;
}

static void
condition_wake(void)
{
    open = true;
    wake_up_all(&queue);
}

static const char *
cancelling_ends_killable_waits_with_its_reason(void)
{
    static const int reasons[] = {-EINTR, -ECANCELED, -ETIME};
    for (unsigned i = 0; i < ARRAY_SIZE(reasons); i++) {
        EXPECT(waiter_start(0) && wait_result == 1);
        fibril_cancel(waiter, reasons[i]);
        fibril_cancel(waiter, -EIO); /* the first reason stays */
        schedule_yield();
        EXPECT(wait_result == reasons[i] && list_empty(&queue.entries));
    }
    EXPECT(waiter_start(EARLY));
    fibril_cancel(waiter, -ECANCELED);
    schedule_yield();
    EXPECT(wait_result == -ECANCELED);
    return NULL;
}

static const char *
wake_and_cancel_in_every_order(void)
{
    EXPECT(waiter_start(0)); /* 1. woken by its condition, then cancelled: it has what it waited for */
    condition_wake();
    fibril_cancel(waiter, -EINTR);
    schedule_yield();
    EXPECT(wait_result == 0);
    EXPECT(waiter_start(0)); /* 2. cancelled, then the condition comes true before it has run */
    fibril_cancel(waiter, -EINTR);
    condition_wake();
    schedule_yield();
    EXPECT(wait_result == 0);
    EXPECT(waiter_start(0)); /* 3. a wake without the condition, then cancelled */
    wake_up_all(&queue);
    fibril_cancel(waiter, -EINTR);
    schedule_yield();
    EXPECT(wait_result == -EINTR);
    EXPECT(waiter_start(0)); /* 4. wakes without the condition do not end it */
    for (int i = 0; i < 3; i++) {
        wake_up_all(&queue);
        schedule_yield();
        EXPECT(wait_result == 1);
    }
    fibril_cancel(waiter, -EINTR);
    wake_up_all(&queue);
    schedule_yield();
    EXPECT(wait_result == -EINTR && list_empty(&queue.entries));
    return NULL;
}

static const char *
an_unkillable_wait_takes_no_notice_of_cancelling(void)
{
    EXPECT(waiter_start(UNKILLABLE));
    fibril_cancel(waiter, -EINTR);
    schedule_yield();
    EXPECT(wait_result == 1);
    condition_wake();
    schedule_yield();
    EXPECT(wait_result == 0 && list_empty(&queue.entries));
    return NULL;
}

static void
wait_inline_only(void *unused)
{
    u64 deadline = time_now_ns() + HANG_NS;
    current_fibril()->inline_only = true;
    wait_result = wait_event_killable_until(&queue, open, deadline);
    if (wait_result == -EAGAIN)
        wait_result = wait_event_killable_until(&queue, true, deadline) ? 2 : -EAGAIN;
}

static const char *
an_inline_only_fibril_does_not_sleep(void)
{
    open = false;
    wait_result = 1;
    EXPECT(start_call(wait_inline_only, 0));
    schedule_yield();
    EXPECT(wait_result == -EAGAIN && list_empty(&queue.entries));
    return NULL;
}

/* ---- Mutexes ---- */

static struct mutex mutex = MUTEX_INIT(mutex, "self_test_mutex");

/* Letter when it has the lock, a digit when it was cancelled. */
static void
lock_write_unlock(void *argument)
{
    if (mutex_lock(&mutex)) {
        put((char)((uintptr_t)argument - 'a' + '1'));
        return;
    }
    put((char)(uintptr_t)argument);
    mutex_unlock(&mutex);
}

static const char *
a_mutex_is_handed_over_in_order(void)
{
    u32 before = current_task()->fibril_count;
    u8 held = current_fibril()->mutexes_held;
    letters_clear();
    EXPECT(mutex_lock(&mutex) == 0 && mutex_held(&mutex) && !mutex_try_lock(&mutex));
    for (char letter = 'a'; letter <= 'd'; letter++)
        EXPECT(start_call(lock_write_unlock, letter));
    schedule_yield();
    EXPECT(letters_are(""));
    mutex_unlock(&mutex);
    /* It is the first waiter's already, so that nobody overtakes it. */
    EXPECT(mutex.owner && !mutex_held(&mutex) && !mutex_try_lock(&mutex));
    EXPECT(mutex_lock(&mutex) == 0);
    EXPECT(letters_are("abcd"));
    mutex_unlock(&mutex);
    EXPECT(fibrils_ended(before) && !mutex.owner && current_fibril()->mutexes_held == held);
    return NULL;
}

static const char *
a_cancelled_waiter_leaves_the_queue_of_a_mutex(void)
{
    for (int victim = 0; victim < 3; victim++) {
        static const char *const expected[] = {"1bc", "2ac", "3ab"};
        u32 before = current_task()->fibril_count;
        struct fibril *fibrils[3];
        letters_clear();
        EXPECT(mutex_lock(&mutex) == 0);
        for (int i = 0; i < 3; i++)
            EXPECT((fibrils[i] = start_call(lock_write_unlock, (char)('a' + i))));
        schedule_yield();
        fibril_cancel(fibrils[victim], -EINTR);
        schedule_yield();
        EXPECT(letter_count == 1);
        mutex_unlock(&mutex);
        EXPECT(fibrils_ended(before) && letters_are(expected[victim]) && !mutex.owner);
    }
    return NULL;
}

/* The lock is handed to a waiter at the same moment as that is cancelled: it must not get lost. */
static const char *
a_mutex_handed_to_a_cancelled_waiter_is_not_lost(void)
{
    for (int cancel_first = 0; cancel_first < 2; cancel_first++) {
        u32 before = current_task()->fibril_count;
        letters_clear();
        EXPECT(mutex_lock(&mutex) == 0);
        struct fibril *first = start_call(lock_write_unlock, 'a');
        EXPECT(first && start_call(lock_write_unlock, 'b'));
        schedule_yield();
        if (cancel_first)
            fibril_cancel(first, -EINTR);
        mutex_unlock(&mutex);
        fibril_cancel(first, -EINTR);
        EXPECT(fibrils_ended(before));
        EXPECT(letters_are("ab") || letters_are("1b"));
        EXPECT(!mutex.owner && list_empty(&mutex.waiters.entries));
    }
    return NULL;
}

/* ---- Timers ---- */

static struct timer periodic;
static unsigned fired, fired_wrongly;
static u64 fire_next;

static void
periodic_expire(struct timer *timer)
{
    if (!interrupt_running() || interrupts_enabled() || time_now_ns() < fire_next)
        fired_wrongly++;
    if (++fired < 20) {
        fire_next = time_now_ns() + MS;
        timer_arm(timer, fire_next);
    } else {
        wake_up_all(&queue);
    }
}

static const char *
timers_run_in_interrupts_and_can_be_armed_again_there(void)
{
    fired = fired_wrongly = 0;
    timer_init(&periodic, periodic_expire);
    fire_next = time_now_ns() + MS;
    timer_arm(&periodic, fire_next);
    EXPECT(timer_armed(&periodic));
    EXPECT(wait_event_until(&queue, fired == 20, time_now_ns() + HANG_NS) == 0);
    EXPECT(fired_wrongly == 0 && !timer_armed(&periodic) && !timer_cancel(&periodic));
    timer_arm(&periodic, time_now_ns() + 3 * MS);
    EXPECT(timer_cancel(&periodic));
    wait_event_until(&queue, false, time_now_ns() + 6 * MS);
    EXPECT(fired == 20);
    return NULL;
}

/* ---- */

static const struct self_test tests[] = {
    SELF_TEST(call_fibrils_before_user_fibrils),
    SELF_TEST(equals_run_in_the_order_of_becoming_ready),
    SELF_TEST(a_yielding_call_goes_behind_user_fibrils),
    SELF_TEST(a_preempted_user_fibril_goes_on_before_other_user_fibrils),
    SELF_TEST(a_fibril_started_now_runs_at_once_until_it_blocks),
    SELF_TEST(bug_a_call_that_yielded_starved_while_the_program_span),
    SELF_TEST(a_wake_before_the_sleep_is_not_lost),
    SELF_TEST(wakes_from_interrupts_are_not_lost),
    SELF_TEST(a_wake_of_a_ready_fibril_has_no_effect),
    SELF_TEST(wake_up_one_wakes_the_longest_waiting_each_time_another),
    SELF_TEST(a_deadline_is_never_early_and_true_to_two_ticks),
    SELF_TEST(deadlines_in_the_past_and_at_the_end_of_time),
    SELF_TEST(a_condition_counts_more_than_its_deadline),
    SELF_TEST(cancelling_ends_killable_waits_with_its_reason),
    SELF_TEST(wake_and_cancel_in_every_order),
    SELF_TEST(an_unkillable_wait_takes_no_notice_of_cancelling),
    SELF_TEST(an_inline_only_fibril_does_not_sleep),
    SELF_TEST(a_mutex_is_handed_over_in_order),
    SELF_TEST(a_cancelled_waiter_leaves_the_queue_of_a_mutex),
    SELF_TEST(a_mutex_handed_to_a_cancelled_waiter_is_not_lost),
    SELF_TEST(timers_run_in_interrupts_and_can_be_armed_again_there),
};

static void
self_test_show(struct text_buffer *text)
{
    self_tests_run(text, tests, ARRAY_SIZE(tests));
    self_tests_run(text, task_self_tests, task_self_test_count);
}

void
self_test_init(void)
{
    static struct proc_file file = {.name = "self_test", .show = self_test_show};
    proc_register(&file);
}
