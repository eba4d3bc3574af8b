/* User fibrils that relieve one another: where one goes to sleep, another of its task, not ready until
 * then, may go on. Upper floors provide this; schedule() and signals call it. */
#ifndef KERNEL_RELIEF_H
#define KERNEL_RELIEF_H

#include "kernel/types.h"

struct fibril;

struct relief { /* of one user fibril: fibril->relief */
    /* By schedule(), interrupts off: the user fibril that runs now instead of the sleeper, or NULL. */
    struct fibril *(*take)(struct fibril *sleeper);
    /* By the fibril itself, before its signal mask (or else its alternate stack) changes. */
    void (*changes)(struct fibril *self, bool mask);
};

#endif
