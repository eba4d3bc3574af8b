/* /proc/measure: see measure.h. Each figure is the least of many, so that interrupts do not count. */
#include "kernel/sys/measure.h"
#include "arch.h"
#include "fs/pseudo.h"
#include "kernel/fibril.h"
#include "kernel/task.h"
#include "kernel/wait.h"

#define ROUNDS 200

/* Two call fibrils of one task that switch to and fro. On the stack of the user fibril that waits. */
struct duel {
    struct fibril *fighters[2];
    u64 left_at; /* when schedule() was called */
    u32 least;
    u32 strikes, alive;
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
duel_fight(void *argument)
{
    struct duel *duel = argument;
    struct fibril *other = duel->fighters[current_fibril() == duel->fighters[0]];
    while (duel->strikes++ < ROUNDS)
        duel_strike(duel, other);
    fibril_wake(other); /* out of its last strike */
    if (--duel->alive == 0)
        wake_up_all(&duel->ended);
}

static bool
measure_switch(u32 *least)
{
    struct duel duel = {.least = ~0u, .alive = 2};
    wait_queue_init(&duel.ended, "measure_end");
    for (int i = 0; i < 2; i++) {
        duel.fighters[i] = fibril_create(current_task(), FIBRIL_CALL, duel_fight, &duel);
        if (!duel.fighters[i]) {
            if (i == 1)
                fibril_discard(duel.fighters[0]);
            return false;
        }
    }
    fibril_start(duel.fighters[0]);
    fibril_start(duel.fighters[1]);
    wait_event(&duel.ended, duel.alive == 0);
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
