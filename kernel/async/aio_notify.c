/* How a program learns of the end of requests beside their events: signals, files and lists. See aio.h. */
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/eventfd.h"
#include "fs/file.h"
#include "kernel/async/aio.h"
#include "kernel/async/asyncfd.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/task.h"

/* struct sigevent (asm-generic/siginfo.h): 64 bytes, of which these count. */
struct user_sigevent {
    u32 value;
    s32 number, notify;
    u32 task_id; /* EVENT_TASK */
    u32 unused[12];
};
_Static_assert(sizeof(struct user_sigevent) == 64, "struct sigevent");
#define EVENT_SIGNAL 0
#define EVENT_NONE 1
#define EVENT_TASK 4

static struct pool list_pool = POOL_INIT("aio_list", struct aio_list);

/* ---- Signals ---- */

static int
signal_make(struct aio_signal *signal, const struct user_sigevent *event)
{
    struct process *process = current_task()->process;
    if (event->number < 1 || event->number > SIGNALS)
        return -EINVAL;
    if (event->notify == EVENT_TASK) {
        struct task *task = task_find(event->task_id);
        if (!task || task->process != process)
            return -EINVAL;
        signal->task_id = event->task_id;
    }
    signal->entry = signal_entry_reserve();
    if (!signal->entry)
        return -EAGAIN;
    struct signal_info *info = &signal->entry->info;
    *info = (struct signal_info){.number = event->number, .code = CODE_ASYNC_IO};
    info->fields[0] = process->id;
    info->fields[1] = current_credentials()->uid;
    info->fields[2] = event->value;
    process_get(process);
    signal->process = process;
    return 0;
}

int
aio_signal_init(struct aio_signal *signal, u32 user)
{
    struct user_sigevent event;
    *signal = (struct aio_signal){.process = NULL};
    if (!user)
        return 0;
    if (copy_from_user(&event, (const void USER *)(uintptr_t)user, sizeof(event)))
        return -EFAULT;
    if (event.notify == EVENT_NONE)
        return 0;
    if (event.notify != EVENT_SIGNAL && event.notify != EVENT_TASK)
        return -EINVAL;
    return signal_make(signal, &event);
}

void
aio_signal_drop(struct aio_signal *signal)
{
    if (!signal->process)
        return;
    signal_entry_give_back(signal->entry);
    process_put(signal->process);
    signal->process = NULL;
}

/* A thread that has ended since gets none. */
void
aio_signal_send(struct aio_signal *signal)
{
    struct task *task = NULL;
    if (!signal->process)
        return;
    if (signal->task_id) {
        task = task_find(signal->task_id);
        if (!task || task->process != signal->process) {
            aio_signal_drop(signal);
            return;
        }
    }
    signal_send_reserved(signal->process, task, signal->entry);
    process_put(signal->process);
    signal->process = NULL;
}

/* ---- Files ---- */

static int
event_file_find(struct aio_result_file *file, int fd)
{
    int error = descriptor_file(fd, &file->event);
    if (!error && !file_is_eventfd(file->event)) {
        file_put(file->event);
        file->event = NULL;
        error = -EINVAL;
    }
    return error;
}

int
aio_result_file_find(struct aio_result_file *file, int fd, u64 data)
{
    int error = asyncfd_get(fd, &file->asyncfd);
    if (error == -EINVAL)
        return event_file_find(file, fd);
    if (error)
        return error;
    if (data != 0) /* it will be the cookie */
        file->delivery = asyncfd_reserve(file->asyncfd);
    if (file->delivery)
        return 0;
    aio_result_file_drop(file);
    return data ? -EAGAIN : -EINVAL;
}

void
aio_result_file_tell(struct aio_result_file *file, const struct io_event *event)
{
    if (file->event)
        eventfd_add(file->event, 1);
    if (file->delivery) {
        file->delivery->result = (struct asyncfd_result){
            .cookie = event->data, .obj = event->obj, .res = event->res, .res2 = event->res2};
        asyncfd_add_result(file->asyncfd, file->delivery);
        file->delivery = NULL;
    }
    aio_result_file_drop(file);
}

void
aio_result_file_drop(struct aio_result_file *file)
{
    if (file->delivery)
        asyncfd_unreserve(file->asyncfd, file->delivery);
    if (file->asyncfd)
        asyncfd_put(file->asyncfd);
    if (file->event)
        file_put(file->event);
    *file = (struct aio_result_file){.event = NULL};
}

/* ---- Lists ---- */

int
aio_list_create(u32 user, struct aio_list **result)
{
    struct aio_list *list = pool_alloc(&list_pool);
    if (!list)
        return -EAGAIN;
    int error = aio_signal_init(&list->signal, user);
    if (error) {
        pool_free(&list_pool, list);
        return error;
    }
    list->left = 1;
    list->references = 2;
    wait_queue_init(&list->done, "lio_wait");
    *result = list;
    return 0;
}

void
aio_list_join(struct aio_list *list)
{
    list->left++;
    list->references++;
}

void
aio_list_put(struct aio_list *list)
{
    ASSERT(list->references > 0);
    if (--list->references > 0)
        return;
    aio_signal_drop(&list->signal);
    pool_free(&list_pool, list);
}

void
aio_list_done(struct aio_list *list)
{
    ASSERT(list->left > 0);
    if (--list->left == 0) {
        aio_signal_send(&list->signal);
        wake_up_all(&list->done);
    }
    aio_list_put(list);
}
