/* Telling somebody that a context has become non-empty: a signal, or a write to an eventfd. */
#ifndef KERNEL_ASYNC_NOTIFY_H
#define KERNEL_ASYNC_NOTIFY_H

#include "kernel/async/context.h"

/* Takes the wish from the setup, or the place that completions go to: 0, -EBADF, -EINVAL. */
int asys_notify_init(struct asys_context *context, const struct asys_setup *setup);
void asys_notify_end(struct asys_context *context);
static inline bool
asys_notify_wanted(const struct asys_context *context)
{
    return context->notify_signal || context->notify_file;
}
void asys_notify(struct asys_context *context); /* on a fibril; does not wait */

#endif
