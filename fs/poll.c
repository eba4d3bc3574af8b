/* See poll.h. Called by the handlers of poll and ppoll. All storage is on the heap: the number of
 * descriptors is the user's choice. Every file is held until the end, and with it the queues that the
 * wait entries are on. */
#include "fs/poll.h"

#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/list.h"
#include "kernel/wait.h"

struct poll_entry {
    struct wait_entry wait;
    struct poll_entry *next;
};

struct poll_wait {
    struct poll_table table;
    struct poll_entry *entries;
    bool failed; /* out of memory */
};

static struct pool entry_pool = POOL_INIT("poll_entry", struct poll_entry);

/* A file adds one of its queues. */
static void
poll_wait_add(struct poll_table *table, struct wait_queue *queue)
{
    struct poll_wait *wait = container_of(table, struct poll_wait, table);
    struct poll_entry *entry = pool_alloc(&entry_pool);

    if (!entry) {
        wait->failed = true;
        return;
    }
    entry->next = wait->entries;
    entry->wait.shared = true;
    wait->entries = entry;
    wait_entry_add(queue, &entry->wait);
}

static void
poll_wait_end(struct poll_wait *wait)
{
    while (wait->entries) {
        struct poll_entry *entry = wait->entries;
        wait->entries = entry->next;
        wait_entry_remove(&entry->wait);
        pool_free(&entry_pool, entry);
    }
}

static u32
file_poll(struct file *file, struct poll_table *table)
{
    if (!file->ops->poll)
        return POLL_IN | POLL_OUT | POLL_RDNORM | POLL_WRNORM;
    return file->ops->poll(file, table);
}

u32
file_poll_now(struct file *file)
{
    return file_poll(file, NULL);
}

/* One look at all files; registers with table if it is not NULL. Returns how many are ready. */
static u32
poll_look(struct abi_pollfd *fds, struct file **files, const struct poll_request *request,
          struct poll_table *table)
{
    u32 ready = 0;

    for (u32 i = 0; i < request->count; i++) {
        u32 wanted = (u16)fds[i].events | request->unasked;
        u32 events = fds[i].fd >= 0 ? POLL_INVALID : 0;
        if (files[i])
            events = file_poll(files[i], table) & wanted;
        fds[i].revents = (s16)events;
        ready += events != 0;
    }
    return ready;
}

static int
poll_sleep(struct abi_pollfd *fds, struct file **files, const struct poll_request *request,
           u32 *ready)
{
    int error = 0;

    for (;;) {
        wait_prepare("poll");
        *ready = poll_look(fds, files, request, NULL);
        if (*ready || error)
            break;
        error = wait_sleep(WAIT_INTERRUPTIBLE, request->deadline_ns);
    }
    wait_finish();
    return *ready || error == -ETIMEDOUT ? 0 : error;
}

static int
poll_files(struct abi_pollfd *fds, struct file **files, const struct poll_request *request,
           u32 *ready)
{
    struct poll_wait poll_wait = {.table.add = poll_wait_add};
    int error = 0;

    *ready = poll_look(fds, files, request, request->wait ? &poll_wait.table : NULL);
    if (request->wait && *ready == 0)
        error = poll_wait.failed ? -ENOMEM : poll_sleep(fds, files, request, ready);
    poll_wait_end(&poll_wait);
    return error;
}

int
poll_descriptors(struct abi_pollfd *fds, const struct poll_request *request, u32 *ready)
{
    struct file **files = heap_alloc(request->count * sizeof *files + 1);
    int error;

    if (!files)
        return -ENOMEM;
    for (u32 i = 0; i < request->count; i++)
        if (fds[i].fd < 0 || descriptor_file(fds[i].fd, &files[i]))
            files[i] = NULL;
    error = poll_files(fds, files, request, ready);
    for (u32 i = 0; i < request->count; i++)
        if (files[i])
            file_put(files[i]);
    heap_free(files);
    return error;
}
