/* Entries: calls described by struct asys_entry, from an array or a ring: chains, results as arguments,
 * deadlines, groups, inline only, quiet. */
#ifndef KERNEL_ASYNC_ENTRY_H
#define KERNEL_ASYNC_ENTRY_H

#include "kernel/async/context.h"

/* Where entries come from. */
struct entry_source {
    /* The next entry: 0, BATCH_END, or a negative errno. May fault. */
    int (*next)(struct entry_source *source, struct asys_entry *entry);
    /* The entry just given could not be taken and stays where it was; may be NULL. */
    void (*give_back)(struct entry_source *source);
    /* The id that the entry just given, number `index`, has got; may be NULL. Errors are the program's own affair. */
    void (*tell_id)(struct entry_source *source, u32 index, u64 id);
    bool last; /* next() sets it with the last entry */
};

/* Starts all entries; the number taken, or why there was none. As batch_run. */
long asys_entries_run(struct asys_context *context, struct entry_source *source);

void asys_entry_complete(struct call *call, long result); /* their sink */

#endif
