/* asyncfd: see asyncfd.h. Results go into the program's ring in the order in which they come;
 * those for which there is no room wait in the kernel, and go on at the next result, at each
 * poll, and at the tick. Closing the last descriptor ends it: what waits is dropped, who polls
 * or reads is woken. Everything that changes is changed with interrupts off. */
#include "kernel/async/asyncfd.h"

#include "arch.h"
#include "fs/anonymous.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "gen/syscalls.h"
#include "kernel/async/user_ring.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/task.h"
#include "kernel/wait.h"

#define RESERVED_MOST (1u << 17) /* results in progress or waiting, of one asyncfd */
#define AT_ONCE 256u             /* results moved in one go */
#define BACKLOGS_PER_TICK 32u

struct asyncfd {
    u32 references; /* the file's and each deliverer's */
    u32 reserved;
    bool closed;
    struct user_ring *ring;   /* NULL: results are read */
    struct list backlog;      /* asyncfd_delivery.link: no room yet, or not read; oldest first */
    struct list backlog_link; /* with a ring: waits for the tick */
    struct wait_queue waiters;
};

static struct pool asyncfd_pool = POOL_INIT("asyncfd", struct asyncfd);
static struct pool delivery_pool = POOL_INIT("asyncfd_delivery", struct asyncfd_delivery);
static struct list backlogs = LIST_INIT(backlogs);

/* ---- Results: interrupts off ---- */

static void
delivery_free(struct asyncfd *asyncfd, struct asyncfd_delivery *delivery)
{
    asyncfd->reserved--;
    pool_free(&delivery_pool, delivery);
}

static void
flush(struct asyncfd *asyncfd)
{
    u32 moved = 0;

    while (asyncfd->ring && moved < AT_ONCE && !list_empty(&asyncfd->backlog)) {
        struct asyncfd_delivery *first =
            list_first(&asyncfd->backlog, struct asyncfd_delivery, link);
        if (!user_ring_store(asyncfd->ring, &first->result))
            break;
        list_remove(&first->link);
        delivery_free(asyncfd, first);
        moved++;
    }
    list_remove(&asyncfd->backlog_link);
    if (asyncfd->ring && !list_empty(&asyncfd->backlog))
        list_add_tail(&backlogs, &asyncfd->backlog_link);
    if (moved)
        wake_up_all(&asyncfd->waiters);
}

void
asyncfd_backlogs_flush(void)
{
    for (u32 i = 0; i < BACKLOGS_PER_TICK && !list_empty(&backlogs); i++)
        flush(list_first(&backlogs, struct asyncfd, backlog_link));
}

/* ---- Deliverers ---- */

void
asyncfd_put(struct asyncfd *asyncfd)
{
    if (--asyncfd->references == 0)
        pool_free(&asyncfd_pool, asyncfd);
}

struct asyncfd_delivery *
asyncfd_reserve(struct asyncfd *asyncfd)
{
    struct asyncfd_delivery *delivery =
        asyncfd->reserved < RESERVED_MOST ? pool_alloc(&delivery_pool) : NULL;

    if (delivery)
        asyncfd->reserved++;
    return delivery;
}

void
asyncfd_unreserve(struct asyncfd *asyncfd, struct asyncfd_delivery *delivery)
{
    INTERRUPTS_OFF_SCOPE();
    delivery_free(asyncfd, delivery);
}

void
asyncfd_add_result(struct asyncfd *asyncfd, struct asyncfd_delivery *delivery)
{
    INTERRUPTS_OFF_SCOPE();
    if (asyncfd->closed) {
        delivery_free(asyncfd, delivery);
        return;
    }
    list_add_tail(&asyncfd->backlog, &delivery->link);
    if (asyncfd->ring)
        flush(asyncfd);
    else
        wake_up_one(&asyncfd->waiters);
}

/* ---- The file ---- */

static u32
asyncfd_poll(struct file *file, struct poll_table *table)
{
    struct asyncfd *asyncfd = file->private;
    bool unread;
    INTERRUPTS_OFF_SCOPE();

    if (table)
        table->add(table, &asyncfd->waiters);
    if (asyncfd->closed)
        return POLL_ERROR | POLL_HANG_UP;
    if (!list_empty(&asyncfd->backlog_link))
        flush(asyncfd);
    unread = !list_empty(&asyncfd->backlog) || (asyncfd->ring && user_ring_unread(asyncfd->ring));
    return (unread ? POLL_IN | POLL_RDNORM : 0) |
           (asyncfd->ring && !user_ring_usable(asyncfd->ring) ? POLL_ERROR : 0);
}

static struct asyncfd_delivery *
result_take(struct asyncfd *asyncfd)
{
    struct asyncfd_delivery *delivery;
    INTERRUPTS_OFF_SCOPE();

    if (asyncfd->ring || list_empty(&asyncfd->backlog))
        return NULL;
    delivery = list_first(&asyncfd->backlog, struct asyncfd_delivery, link);
    list_remove(&delivery->link);
    return delivery;
}

/* One result out to the reader: 0; -EAGAIN: there is none; -EFAULT, and it stays where it was. */
static int
result_put(struct asyncfd *asyncfd, struct iter *iter)
{
    struct asyncfd_delivery *delivery;
    struct iter probe = *iter;
    int error;

    if (list_empty(&asyncfd->backlog))
        return -EAGAIN;
    error = iter_put_zeros(&probe, sizeof delivery->result); /* nothing sleeps from here on */
    if (error)
        return error;
    delivery = result_take(asyncfd);
    if (!delivery)
        return -EAGAIN;
    error = iter_put(iter, &delivery->result, sizeof delivery->result);
    asyncfd_unreserve(asyncfd, delivery);
    return error;
}

static int
asyncfd_read(struct file *file, struct iter *iter, u64 *position)
{
    struct asyncfd *asyncfd = file->private;
    bool waited = false;
    int error = 0;

    if (asyncfd->ring || iter->left < sizeof(struct asyncfd_result))
        return -EINVAL;
    while (!error && iter->left >= sizeof(struct asyncfd_result)) {
        error = asyncfd->closed ? -EBADF : asyncfd->ring ? -EINVAL : result_put(asyncfd, iter);
        if (error != -EAGAIN || iter->done > 0 || file->flags & OPEN_NONBLOCK)
            continue;
        waited = true;
        error = wait_event_interruptible(
            &asyncfd->waiters, !list_empty(&asyncfd->backlog) || asyncfd->closed || asyncfd->ring);
    }
    if (waited && !list_empty(&asyncfd->backlog))
        wake_up_one(&asyncfd->waiters);
    return iter->done > 0 ? 0 : error;
}

static void
asyncfd_last_close(struct file *file)
{
    struct asyncfd *asyncfd = file->private;
    INTERRUPTS_OFF_SCOPE();

    asyncfd->closed = true;
    list_remove(&asyncfd->backlog_link);
    while (!list_empty(&asyncfd->backlog)) {
        struct asyncfd_delivery *first =
            list_first(&asyncfd->backlog, struct asyncfd_delivery, link);
        list_remove(&first->link);
        delivery_free(asyncfd, first);
    }
    user_ring_destroy(asyncfd->ring);
    asyncfd->ring = NULL;
    wake_up_all(&asyncfd->waiters);
}

static void
asyncfd_release(struct file *file)
{
    struct asyncfd *asyncfd = file->private;

    if (!asyncfd->closed)
        asyncfd_last_close(file); /* it never had a descriptor */
    asyncfd_put(asyncfd);
}

static const struct file_ops asyncfd_ops = {
    .read = asyncfd_read,
    .poll = asyncfd_poll,
    .last_close = asyncfd_last_close,
    .release = asyncfd_release,
    .stream = true,
    .stays_in_process = true,
};

static int
asyncfd_file(int fd, struct file **file)
{
    int error = descriptor_file(fd, file);

    if (!error && (*file)->ops != &asyncfd_ops) {
        file_put(*file);
        error = -EINVAL;
    }
    return error;
}

int
asyncfd_get(int fd, struct asyncfd **asyncfd)
{
    struct file *file;
    int error = asyncfd_file(fd, &file);

    if (error)
        return error;
    *asyncfd = file->private;
    (*asyncfd)->references++;
    file_put(file);
    return 0;
}

/* ---- asyncfd(2) ---- */

static int
asyncfd_create(struct user_ring *ring, struct file **file)
{
    struct asyncfd *asyncfd = pool_alloc(&asyncfd_pool);
    int error;

    if (!asyncfd)
        return -ENOMEM;
    asyncfd->references = 1;
    asyncfd->ring = ring;
    list_init(&asyncfd->backlog);
    list_init(&asyncfd->backlog_link);
    wait_queue_init(&asyncfd->waiters, "asyncfd");
    error = anonymous_file_create(&asyncfd_ops, 0, asyncfd, file);
    if (error)
        pool_free(&asyncfd_pool, asyncfd);
    return error;
}

/* What is in the old ring stays there; what waits goes into the new one. */
static void
ring_replace(struct asyncfd *asyncfd, struct user_ring *ring)
{
    struct user_ring *old = asyncfd->ring;
    INTERRUPTS_OFF_SCOPE();

    asyncfd->ring = ring;
    flush(asyncfd);
    wake_up_all(&asyncfd->waiters); /* readers too: there may be nothing to read any more */
    user_ring_destroy(old);
}

static long
ring_change(int fd, struct user_ring *ring)
{
    struct file *file;
    int error = asyncfd_file(fd, &file);

    if (error)
        return error;
    if (((struct asyncfd *)file->private)->closed)
        error = -EBADF; /* by another, meanwhile */
    else
        ring_replace(file->private, ring);
    file_put(file);
    return error ? error : fd;
}

long
sys_asyncfd(int fd, void USER *user_ring)
{
    struct user_ring *ring = NULL;
    struct file *file;
    int error = user_ring ? user_ring_create(user_ring, &ring) : 0;
    long result;

    if (error)
        return error;
    if (fd != -1) {
        result = ring_change(fd, ring);
        if (result < 0)
            user_ring_destroy(ring);
        return result;
    }
    error = asyncfd_create(ring, &file);
    if (error) {
        user_ring_destroy(ring);
        return error;
    }
    error = descriptor_install(current_task()->files, file, 0, true, &fd);
    return error ? error : fd;
}
