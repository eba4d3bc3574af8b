/* /proc/measure: see measure.h. Each figure is the least of many, so that interrupts do not count. */
#include "kernel/sys/measure.h"
#include "arch.h"
#include "fs/pseudo.h"
#include "kernel/fibril.h"
#include "kernel/task.h"
#include "kernel/wait.h"

#define ROUNDS 200

/* Two fibrils of one task that switch to and fro. On the first one's stack. */
struct duel {
    struct fibril *first, *second;
    u64 left_at; /* when schedule() was called */
    u32 least;
    bool over; /* set by the first, cleared by the second when it has understood */
    struct wait_queue ended;
};

static u32
measure_nothing(void)
{
    u32 least = ~0u;
    for (int i = 0; i < ROUNDS; i++) {
        u64 start = time_cycles();
        u32 cycles = time_cycles() - start;
        least = MIN(least, cycles);
    }
    return least;
}

/* Wakes the other and blocks: the other one's schedule() returns. */
static void
duel_strike(struct duel *duel, struct fibril *other)
{
    wait_prepare("measure");
    fibril_wake(other);
    duel->left_at = time_cycles();
    schedule(SWITCH_BLOCK);
    u32 cycles = time_cycles() - duel->left_at;
    duel->least = MIN(duel->least, cycles);
    wait_finish();
}

static void
duel_second(void *argument)
{
    struct duel *duel = argument;
    while (!duel->over)
        duel_strike(duel, duel->first);
    duel->over = false;
    wake_up_all(&duel->ended);
}

static bool
measure_switch(u32 *least)
{
    struct duel duel = {.first = current_fibril(), .least = ~0u};
    wait_queue_init(&duel.ended, "measure_end");
    duel.second = fibril_create(current_task(), FIBRIL_CALL, duel_second, &duel);
    if (!duel.second)
        return false;
    schedule_start_now(duel.second);
    for (int i = 0; i < ROUNDS; i++)
        duel_strike(&duel, duel.second);
    duel.over = true;
    fibril_wake(duel.second);
    wait_event(&duel.ended, !duel.over);
    *least = duel.least;
    return true;
}

static void
measure_show(struct text_buffer *text)
{
    u32 nothing = measure_nothing(), cycles;
    if (measure_switch(&cycles))
        text_print(text, "fibril_switch %u\n", cycles - nothing);
}

void
measure_init(void)
{
    static struct proc_file file = {.name = "measure", .show = measure_show};
    proc_register(&file);
}
