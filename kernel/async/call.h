/* Starting calls: the one primitive on which every asynchronous interface stands.
 *
 * A call is a number, six argument words and a *sink*: what happens with the result. It runs on a call
 * fibril of the task that started it, by the same handler as int 0x80. A sink runs there too, right
 * after the handler: it may sleep and fault, and never waits for room, because whoever made the call
 * has reserved the storage that the result needs.
 *
 * A call may be followed by others: a *chain*, which runs in order on the same fibril.
 *
 * A *batch* is a source of calls. It is run entry after entry on one runner fibril, so that calls which
 * do not block cost no switch of their own. When an entry blocks, the runner stays with it: control
 * goes back to the submitter, who takes the batch away from it and starts another runner for the rest.
 * No handler, driver or file system knows of any of this. */
#ifndef KERNEL_ASYNC_CALL_H
#define KERNEL_ASYNC_CALL_H

#include "kernel/types.h"
#include "kernel/wait.h"

struct fibril;

struct call {
    u32 number;
    int error; /* not 0: the call is not made, this is its result */
    unsigned long arguments[6];
    struct call *following; /* of a chain, or NULL */
    /* NULL, or called on the call's fibril before the handler: may change the arguments and set the
     * error. */
    void (*begin)(struct call *call);
    /* The sink. Owns the call from here on. */
    void (*complete)(struct call *call, long result);
};

#define BATCH_END 1

struct batch {
    /* Makes the next call: 0 and *call; BATCH_END; or a negative errno, which ends the batch too. Runs
     * on the runner and may fault on the submitter's arrays. */
    int (*next)(struct batch *batch, struct call **call);
    unsigned long started; /* calls (a chain is one) that were made and begun */
    int error;             /* why the batch ended early, or 0 */
    bool last;             /* next() sets it with the last call, where it knows: saves asking again */

    /* The runner's and the submitter's, who never run at the same time: */
    bool ended;
    bool fetching; /* the runner is inside next() */
    struct wait_queue fetched;
};

/* Runs the batch to its end, on the running fibril's task: returns when every call has been started
 * and has either completed or blocked. Sleeps only while next() does. */
void batch_run(struct batch *batch);

/* Starts one call. 0, or -EAGAIN: no memory for a fibril, and nothing was started. */
int call_start(struct call *call);

#endif
