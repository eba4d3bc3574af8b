/* /proc/force: forces what chance hardly ever does, in the system calls of the task that writes to it. For
 * uid 0, and for tests only. One line is written at a time:
 *
 *     fail N             the Nth allocation from now on fails, and only that one
 *     cancel K [CALL]    at its Kth switch the background call (of that number) is cancelled
 *     tell K [CALL]      there `wait` returns
 *     wait               until that switch has come, or a call fibril has ended without it
 *     off                the counts stay, to be read
 *
 * A cancellation falls between the call's going to sleep and the next fibril's first instruction, where
 * an interrupt might fall. Switches are seen through the trace, so they cost nothing while this is off. */
#include "kernel/async/force.h"
#include "arch.h"
#include "fs/pseudo.h"
#include "kernel/async/context.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/force.h"
#include "kernel/task.h"
#include "kernel/trace.h"

enum act { ACT_NONE, ACT_CANCEL, ACT_TELL };

static struct {
    enum act act;
    u32 call;    /* its number, or NO_CALL: any */
    u32 wanted;  /* the switch, counted from 1 */
    u32 seen;    /* such switches so far */
    bool reached, ended;
    u32 fail_wanted;
    u32 user_sleeps; /* of the task's user fibrils */
    u32 trace_before;
} force; /* interrupts off */
static struct wait_queue queue = WAIT_QUEUE_INIT(queue, "force");

/* ---- What is seen ---- */

static void
call_switched(struct fibril *fibril)
{
    if (!fibril->call || (force.call != NO_CALL && fibril->call_number != force.call))
        return;
    struct asys_record *record = asys_record_of(fibril->call);
    if (!record || ++force.seen != force.wanted)
        return;
    force.reached = true;
    if (force.act == ACT_CANCEL)
        asys_record_cancel(record, -ECANCELED);
    wake_up_all(&queue);
}

static void
switch_seen(enum trace_event event, u32 fibril_id, u32 reason)
{
    struct fibril *fibril;
    if (event != TRACE_SWITCH)
        return;
    list_for_each(fibril, &force_task->fibrils, task_link) {
        if (fibril->id != fibril_id)
            continue;
        if (fibril->kind == FIBRIL_USER) {
            force.user_sleeps += fibril->state == FIBRIL_SLEEPING;
        } else if (reason == SWITCH_EXIT) {
            force.ended = true;
            wake_up_all(&queue);
        } else {
            call_switched(fibril);
        }
        return;
    }
}

/* ---- What is written ---- */

static void
force_off(void)
{
    INTERRUPTS_OFF_SCOPE();
    if (trace_watcher)
        trace_enabled = force.trace_before;
    trace_watcher = NULL;
    force_task = NULL;
}

static void
watch(enum act act, u32 wanted, u32 call)
{
    force_off();
    INTERRUPTS_OFF_SCOPE();
    force.act = act;
    force.wanted = wanted;
    force.call = call;
    force.seen = force.user_sleeps = 0;
    force.reached = force.ended = false;
    force.trace_before = trace_enabled;
    force_task = current_task();
    force_failing = force.fail_wanted = 0;
    trace_enabled |= 1u << TRACE_SWITCH;
    trace_watcher = switch_seen;
}

/* The number at *text, which moves behind it and the blanks after it. */
static bool
number_read(const char **text, u32 *number)
{
    const char *at = *text;
    u32 value = 0;
    while (*at >= '0' && *at <= '9')
        value = value * 10 + (u32)(*at++ - '0');
    if (at == *text)
        return false;
    while (*at == ' ' || *at == '\n')
        at++;
    *text = at;
    *number = value;
    return true;
}

static bool
word_read(const char **text, const char *word)
{
    const char *at = *text;
    while (*word)
        if (*at++ != *word++)
            return false;
    *text = at;
    return true;
}

static int
watch_read(enum act act, const char *text)
{
    u32 wanted, call = NO_CALL;
    if (!number_read(&text, &wanted))
        return -EINVAL;
    (void)number_read(&text, &call);
    if (*text)
        return -EINVAL;
    watch(act, wanted, call);
    return 0;
}

static int
force_store(const char *text, size_t length)
{
    u32 number;
    if (current_credentials()->euid != 0)
        return -EPERM;
    if (word_read(&text, "cancel "))
        return watch_read(ACT_CANCEL, text);
    if (word_read(&text, "tell "))
        return watch_read(ACT_TELL, text);
    if (word_read(&text, "wait"))
        return wait_event_interruptible(&queue, force.reached || force.ended || !trace_watcher);
    if (word_read(&text, "off")) {
        force_off();
        return 0;
    }
    if (!word_read(&text, "fail ") || !number_read(&text, &number))
        return -EINVAL;
    force_off();
    force.fail_wanted = number;
    force_fail(current_task(), number);
    return 0;
}

static void
force_show(struct text_buffer *text)
{
    text_print(text, "failed %u\nallocations %u\nreached %u\nswitches %u\nuser_sleeps %u\n",
               force.fail_wanted && !force_failing, force_allocations, force.reached, force.seen,
               force.user_sleeps);
}

/* The end of the task it is about. */
static void
force_release(struct task *task)
{
    if (task == force_task)
        force_off();
}

void
force_init(void)
{
    static struct proc_file file = {.name = "force", .show = force_show, .store = force_store};
    static struct task_hooks hooks = {.release = force_release};
    proc_register(&file);
    task_register_hooks(&hooks);
}
