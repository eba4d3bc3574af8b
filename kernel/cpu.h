/* The processor: what a second one would have of its own, and who runs on it. */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include "kernel/types.h"

struct fibril;
struct task;

/* What a processor has of its own (there is one). */
struct cpu {
    struct fibril *current;
    struct task *task;      /* current->task */
    u32 interrupt_depth;    /* > 0: inside interrupt handlers */
    struct fibril *idle;    /* runs when nothing is ready */
    struct fibril *dead;    /* set by a fibril's last switch, freed by the tail of that switch */
    u32 switches;           /* of fibrils, all of them */
    u32 task_switches;
    u32 idle_ticks, user_ticks; /* of all ticks so far; the rest was spent in the kernel */
};
extern struct cpu cpu;
_Static_assert(offsetof(struct cpu, current) == 0, "user_copy.asm");
_Static_assert(offsetof(struct cpu, task) == sizeof(void *), "traps.asm");

static inline struct fibril *
current_fibril(void)
{
    return cpu.current;
}

static inline struct task *
current_task(void)
{
    return cpu.task;
}

#endif
