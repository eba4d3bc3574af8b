/* /proc/self_test_calls: tests of batches and their runners inside the kernel. The entries are calls
 * whose handler is not made (call.error) and whose sink, which may sleep like a handler, writes into a
 * log: a letter when it begins, the capital letter when it has slept and ends. Or they are getpid. What
 * fibrils share is static, so that a test that fails leaves nothing dangling. */
#include "kernel/async/self_test.h"
#include "arch.h"
#include "kernel/async/call.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/stack.h"
#include "kernel/string.h"

#define MS 1000000ull
#define HANG_NS (2000 * MS)
#define GETPID 20 /* kernel/sys/syscalls.master */
#define ENTRIES 26

enum entry { RUNS, BLOCKS, YIELDS, CALLS, SUBMITS, KILLS };

struct record {
    struct call call;
    char letter;
    enum entry entry;
    unsigned completions;
    long result;
};

static struct record records[ENTRIES];
static struct wait_queue queue = WAIT_QUEUE_INIT(queue, "self_test_calls");
static bool open;
static char letters[96];
static unsigned letter_count;

static void
put(char letter)
{
    if (letter_count < sizeof(letters) - 1) {
        letters[letter_count++] = letter;
        letters[letter_count] = 0;
    }
}

static bool
letters_are(const char *expected)
{
    return !strcmp(letters, expected);
}

/* ---- Entries ---- */

static struct record inner_record;

static void
complete_inner(struct call *call, long result)
{
    inner_record.completions++;
    if (!wait_event_killable_until(&queue, open, time_now_ns() + HANG_NS))
        put('+');
}

static void
complete(struct call *call, long result)
{
    struct record *record = container_of(call, struct record, call);
    record->result = result;
    put(record->letter);
    switch (record->entry) {
    case BLOCKS:
        record->result = wait_event_killable_until(&queue, open, time_now_ns() + HANG_NS);
        put((char)(record->letter - 'a' + 'A'));
        break;
    case YIELDS:
        schedule_yield();
        put((char)(record->letter - 'a' + 'A'));
        break;
    case SUBMITS: /* one that blocks, from inside a call */
        inner_record = (struct record){.call = {.error = -EINVAL, .complete = complete_inner}};
        record->result = call_start(&inner_record.call);
        put((char)(record->letter - 'a' + 'A'));
        break;
    case KILLS:
        process_kill(current_task()->process, 9);
        break;
    default:
        break;
    }
    record->completions++;
}

/* ---- Batches ---- */

struct test_batch {
    struct batch batch;
    const char *kinds; /* a character for each entry */
    unsigned index;
};
static struct test_batch test_batch;

static int
next_entry(struct batch *batch, struct call **call)
{
    struct test_batch *test = container_of(batch, struct test_batch, batch);
    char kind = test->kinds[test->index];
    if (!kind)
        return BATCH_END;
    if (kind == '!')
        return -EFAULT;
    if (kind == '~') { /* the fetch blocks, as on a page fault */
        put('~');
        wait_event_until(&queue, false, time_now_ns() + 3 * MS);
        kind = *++test->kinds;
    }
    struct record *record = &records[test->index];
    *record = (struct record){
        .call = {.number = GETPID, .error = kind == 'c' ? 0 : -EINVAL, .complete = complete},
        .letter = (char)('a' + test->index),
        .entry = kind == 'B'   ? BLOCKS
                 : kind == 'y' ? YIELDS
                 : kind == 'c' ? CALLS
                 : kind == 's' ? SUBMITS
                 : kind == 'K' ? KILLS
                               : RUNS,
    };
    test->index++;
    *call = &record->call;
    return 0;
}

/* Runs a batch: r runs at once, B blocks, y yields, c is getpid, s submits, K kills, ~ the fetch of the
 * next one blocks, ! the fetch fails. */
static void
batch_start(const char *kinds)
{
    letter_count = 0;
    letters[0] = 0;
    open = false;
    test_batch = (struct test_batch){.batch.next = next_entry, .kinds = kinds};
    batch_run(&test_batch.batch);
}

/* Lets what blocks go on: true if every entry has completed exactly once and no fibril is left. */
static bool
batch_finish(u32 fibrils_before)
{
    open = true;
    wake_up_all(&queue);
    for (int i = 0; i < 100 && current_task()->fibril_count > fibrils_before; i++)
        schedule_yield();
    for (unsigned i = 0; i < test_batch.batch.started; i++)
        if (records[i].completions != 1)
            return false;
    return current_task()->fibril_count == fibrils_before;
}

static u32
fibrils_created(void)
{
    return fibril_counts.created;
}

/* ---- Order and accounting ---- */

static const char *
calls_that_do_not_block_share_one_runner(void)
{
    u32 fibrils = current_task()->fibril_count, created = fibrils_created();
    u32 blocked = current_task()->calls_blocked, switches = cpu.switches;
    batch_start("rrrrrrrrrr");
    EXPECT(letters_are("abcdefghij"));
    EXPECT(test_batch.batch.started == 10 && test_batch.batch.error == 0);
    EXPECT(fibrils_created() == created + 1 && cpu.switches == switches + 2);
    EXPECT(current_task()->calls_blocked == blocked);
    EXPECT(current_task()->fibril_count == fibrils && batch_finish(fibrils));
    return NULL;
}

static const char *
an_empty_batch(void)
{
    u32 fibrils = current_task()->fibril_count;
    batch_start("");
    EXPECT(test_batch.batch.started == 0 && test_batch.batch.error == 0);
    EXPECT(current_task()->fibril_count == fibrils);
    return NULL;
}

static const char *
one_that_blocks_does_not_hold_up_the_next(void)
{
    u32 fibrils = current_task()->fibril_count, created = fibrils_created();
    u32 blocked = current_task()->calls_blocked;
    batch_start("rBrBr");
    EXPECT(letters_are("abcde") && test_batch.batch.started == 5);
    EXPECT(fibrils_created() == created + 3 && current_task()->fibril_count == fibrils + 2);
    EXPECT(current_task()->calls_blocked == blocked + 2);
    EXPECT(records[0].completions == 1 && records[1].completions == 0 && records[4].completions == 1);
    EXPECT(batch_finish(fibrils) && letters_are("abcdeBD"));
    EXPECT(records[1].result == 0);
    return NULL;
}

static const char *
the_last_one_blocks(void)
{
    u32 fibrils = current_task()->fibril_count, created = fibrils_created();
    batch_start("B");
    EXPECT(letters_are("a") && test_batch.batch.started == 1 && test_batch.batch.error == 0);
    EXPECT(fibrils_created() == created + 2); /* the second one found the end */
    EXPECT(batch_finish(fibrils) && letters_are("aA"));
    return NULL;
}

static const char *
all_of_them_block(void)
{
    u32 fibrils = current_task()->fibril_count;
    batch_start("BBBBBBBBBBBBBBBBBBBBBBBBBB");
    EXPECT(letters_are("abcdefghijklmnopqrstuvwxyz") && test_batch.batch.started == 26);
    EXPECT(current_task()->fibril_count == fibrils + 26);
    EXPECT(batch_finish(fibrils));
    EXPECT(letters_are("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    return NULL;
}

static const char *
a_yield_is_giving_way_too(void)
{
    u32 fibrils = current_task()->fibril_count;
    batch_start("ryr");
    EXPECT(letters_are("abc") && test_batch.batch.started == 3);
    EXPECT(batch_finish(fibrils) && letters_are("abcB"));
    return NULL;
}

static const char *
real_calls_give_their_results(void)
{
    u32 fibrils = current_task()->fibril_count;
    batch_start("crc");
    EXPECT(letters_are("abc") && batch_finish(fibrils));
    EXPECT(records[0].result == (long)current_task()->process->id && records[1].result == -EINVAL &&
           records[2].result == records[0].result);
    return NULL;
}

/* ---- The fetch ---- */

static const char *
a_fetch_that_blocks_holds_up_the_submitter(void)
{
    u32 fibrils = current_task()->fibril_count, created = fibrils_created();
    batch_start("r~r~rr");
    EXPECT(letters_are("a~b~cd") && test_batch.batch.started == 4);
    EXPECT(fibrils_created() == created + 1); /* the runner was never taken for one that blocks */
    EXPECT(batch_finish(fibrils));
    batch_start("~B~rB");
    EXPECT(letters_are("~a~bc") && test_batch.batch.started == 3);
    EXPECT(batch_finish(fibrils) && letters_are("~a~bcAC"));
    return NULL;
}

static const char *
a_fetch_that_fails_ends_the_batch(void)
{
    u32 fibrils = current_task()->fibril_count;
    batch_start("rBr!rr");
    EXPECT(letters_are("abc") && test_batch.batch.started == 3 && test_batch.batch.error == -EFAULT);
    EXPECT(batch_finish(fibrils));
    batch_start("!");
    EXPECT(test_batch.batch.started == 0 && test_batch.batch.error == -EFAULT);
    EXPECT(current_task()->fibril_count == fibrils);
    return NULL;
}

/* ---- Single calls, and calls within calls ---- */

static const char *
single_calls(void)
{
    u32 fibrils = current_task()->fibril_count;
    letter_count = 0;
    open = false;
    for (unsigned i = 0; i < 2; i++) {
        records[i] = (struct record){.call = {.error = -EINVAL, .complete = complete},
                                     .letter = (char)('a' + i), .entry = i ? BLOCKS : RUNS};
        EXPECT(call_start(&records[i].call) == 0);
        EXPECT(records[i].completions == (i ? 0 : 1));
    }
    test_batch.batch.started = 2;
    EXPECT(batch_finish(fibrils) && letters_are("abB"));
    return NULL;
}

static const char *
a_call_may_submit_calls(void)
{
    u32 fibrils = current_task()->fibril_count;
    batch_start("rsr");
    EXPECT(letters_are("abBc") && test_batch.batch.started == 3);
    EXPECT(records[1].result == 0 && inner_record.completions == 1);
    EXPECT(batch_finish(fibrils) && letters_are("abBc+"));
    return NULL;
}

static volatile bool submitted;

static void
submit_from_a_call_fibril(void *kinds)
{
    batch_start(kinds);
    submitted = true;
}

static const char *
a_call_fibril_submits_as_a_user_fibril_does(void)
{
    u32 fibrils = current_task()->fibril_count;
    submitted = false;
    struct fibril *fibril =
        fibril_create(current_task(), FIBRIL_CALL, submit_from_a_call_fibril, (void *)"rB~ryBr");
    EXPECT(fibril);
    fibril_start(fibril);
    for (u64 end = time_now_ns() + HANG_NS; !submitted && time_now_ns() < end;)
        schedule_yield();
    EXPECT(submitted && test_batch.batch.started == 6);
    EXPECT(batch_finish(fibrils));
    return NULL;
}

/* Another task has its turns while the batch runs: the order stays. */
static volatile bool stop, stopped;

static void
be_busy(void *unused)
{
    while (!stop && !schedule_point())
        ;
    stopped = true;
    wake_up_all(&queue);
}

static const char *
other_tasks_in_between_do_not_disturb_the_order(void)
{
    u32 fibrils = current_task()->fibril_count;
    const char *why = NULL;
    stop = stopped = false;
    EXPECT(kernel_fibril_start(be_busy, NULL));
    for (int i = 0; i < 40 && !why; i++) {
        current_task()->return_work |= i % 3 ? WORK_PREEMPT : 0;
        batch_start(i % 2 ? "rBryr~rrrrrr" : "rrrrrrrrrrrr");
        const char *expected = i % 2 ? "abcde~Dfghijk" : "abcdefghijkl";
        if (memcmp(letters, expected, strlen(expected)) || !batch_finish(fibrils))
            why = "the order of the entries, each completed once";
    }
    stop = true;
    EXPECT(wait_event_until(&queue, stopped, time_now_ns() + HANG_NS) == 0);
    return why;
}

/* ---- Nothing left ---- */

/* All memory but what is needed for `keep` more stacks; given back by memory_return. */
static u32
memory_take(unsigned keep)
{
    u32 chain = 0;
    stack_drop_spares(current_task());
    for (struct page *page; (page = page_alloc());) {
        page->private = chain;
        chain = page_physical(page);
    }
    while (keep-- && chain) {
        struct page *page = page_of_physical(chain);
        chain = page->private;
        page_put(page);
    }
    return chain;
}

static void
memory_return(u32 chain)
{
    while (chain) {
        struct page *page = page_of_physical(chain);
        chain = page->private;
        page_put(page);
    }
}

static const char *
no_stack_is_eagain_and_a_partial_count(void)
{
    u32 fibrils = current_task()->fibril_count;
    u32 chain = memory_take(0);
    batch_start("rr");
    unsigned long started = test_batch.batch.started;
    int error = test_batch.batch.error, single = call_start(&records[0].call);
    memory_return(chain);
    EXPECT(started == 0 && error == -EAGAIN && single == -EAGAIN);
    chain = memory_take(2);
    batch_start("rBBrr"); /* the third runner is missing */
    memory_return(chain);
    EXPECT(test_batch.batch.started == 3 && test_batch.batch.error == -EAGAIN);
    EXPECT(letters_are("abc") && batch_finish(fibrils));
    return NULL;
}

/* ---- The end of the task in the middle of a batch ---- */

static void
process_main(void *kinds)
{
    batch_start(kinds);
    task_exit(0);
}

static const char *
killed_in_a_batch(const char *kinds, unsigned long started)
{
    struct task *task;
    EXPECT(task_create_process("self_test", process_main, (void *)kinds, &task) == 0);
    struct process *process = task->process;
    process_get(process);
    u64 start = time_now_ns();
    EXPECT(wait_event_until(&process->ended, process->task_count == 0, start + HANG_NS) == 0);
    EXPECT(time_now_ns() - start < HANG_NS / 4); /* well before the sleeps end by themselves */
    int status = process->exit_status;
    process_put(process);
    EXPECT(status == 9 || !strchr(kinds, 'K'));
    EXPECT(test_batch.batch.started == started);
    for (unsigned i = 0; i < started; i++)
        EXPECT(records[i].completions == 1 && (records[i].entry != BLOCKS || records[i].result));
    return NULL;
}

static const char *
exit_with_calls_blocked_completes_each_once(void)
{
    return killed_in_a_batch("BrBrBBBBBB", 10);
}

static const char *
a_kill_in_the_middle_of_a_batch_ends_it(void)
{
    const char *why = killed_in_a_batch("rBKBBB", 3);
    return why ? why : killed_in_a_batch("KB", 1);
}

/* ---- */

static const struct self_test tests[] = {
    SELF_TEST(calls_that_do_not_block_share_one_runner),
    SELF_TEST(an_empty_batch),
    SELF_TEST(one_that_blocks_does_not_hold_up_the_next),
    SELF_TEST(the_last_one_blocks),
    SELF_TEST(all_of_them_block),
    SELF_TEST(a_yield_is_giving_way_too),
    SELF_TEST(real_calls_give_their_results),
    SELF_TEST(a_fetch_that_blocks_holds_up_the_submitter),
    SELF_TEST(a_fetch_that_fails_ends_the_batch),
    SELF_TEST(single_calls),
    SELF_TEST(a_call_may_submit_calls),
    SELF_TEST(a_call_fibril_submits_as_a_user_fibril_does),
    SELF_TEST(other_tasks_in_between_do_not_disturb_the_order),
    SELF_TEST(no_stack_is_eagain_and_a_partial_count),
    SELF_TEST(exit_with_calls_blocked_completes_each_once),
    SELF_TEST(a_kill_in_the_middle_of_a_batch_ends_it),
};

static void
calls_show(struct text_buffer *text)
{
    self_tests_run(text, tests, ARRAY_SIZE(tests));
}

void
async_self_test_init(void)
{
    static struct proc_file file = {.name = "self_test_calls", .show = calls_show};
    proc_register(&file);
}
