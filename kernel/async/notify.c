/* Notification of contexts: see notify.h. */
#include "kernel/async/notify.h"
#include "fs/descriptor.h"
#include "fs/eventfd.h"
#include "fs/file.h"
#include "kernel/async/asyncfd.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/task.h"

int
asys_notify_init(struct asys_context *context, const struct asys_setup *setup)
{
    context->plain = !(setup->flags & (ASYS_SETUP_SIGNAL | ASYS_SETUP_EVENTFD | ASYS_SETUP_ASYNCFD));
    if (setup->flags & ASYS_SETUP_SIGNAL) {
        if (setup->signal < 1 || setup->signal > SIGNALS)
            return -EINVAL;
        context->notify_signal = setup->signal;
        context->notify_value = setup->signal_value;
        context->notify_process = current_task()->process;
        process_get(context->notify_process);
    }
    if (setup->flags & ASYS_SETUP_ASYNCFD) {
        int error = setup->flags & ASYS_SETUP_EVENTFD ? -EINVAL
                                                      : asyncfd_get(setup->notify_fd, &context->asyncfd);
        if (error)
            return error;
    }
    if (setup->flags & ASYS_SETUP_EVENTFD) {
        int error = descriptor_file(setup->notify_fd, &context->notify_file);
        if (error)
            return error;
        if (!file_is_eventfd(context->notify_file))
            return -EINVAL;
    }
    return 0;
}

void
asys_notify_end(struct asys_context *context)
{
    if (context->notify_process)
        process_put(context->notify_process);
    if (context->notify_file)
        file_put(context->notify_file);
    if (context->asyncfd)
        asyncfd_put(context->asyncfd);
}

void
asys_notify(struct asys_context *context)
{
    if (context->notify_signal) {
        struct signal_info info = {.number = (s32)context->notify_signal, .code = CODE_QUEUE};
        info.fields[0] = context->notify_process->id;
        info.fields[2] = context->notify_value;
        (void)signal_send_process(context->notify_process, &info);
    }
    if (context->notify_file)
        eventfd_add(context->notify_file, 1);
}
