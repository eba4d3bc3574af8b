/* timerfd: see timerfd.h. Called by timerfd's handlers and by read and poll. The timer expires
 * once, in interrupt context; a periodic one is armed again when somebody reads or asks, and
 * then all expiries that have passed are counted, so one that nobody reads costs nothing. */
#include "fs/timerfd.h"

#include "arch.h"
#include "fs/anonymous.h"
#include "fs/file.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/wait.h"

struct timerfd {
    bool wall_clock;
    struct wait_queue readable;
    /* Interrupts off: */
    struct timer timer;
    u64 at, again; /* ns; `at` by time_now_ns() */
    u64 ticks;     /* expiries that have not been read */
    bool expired;  /* and has not been armed again */
};

static struct pool timerfd_pool = POOL_INIT("timerfd", struct timerfd);

static void
timerfd_expire(struct timer *timer)
{
    struct timerfd *timerfd = container_of(timer, struct timerfd, timer);

    timerfd->expired = true;
    timerfd->ticks++;
    wake_up_one(&timerfd->readable);
}

/* Interrupts off. One that has expired goes on, and what it has missed since is counted. */
static void
timerfd_go_on(struct timerfd *timerfd)
{
    u64 missed;

    if (!timerfd->expired || !timerfd->again)
        return;
    missed = (time_now_ns() - timerfd->at) / timerfd->again;
    timerfd->ticks += missed;
    timerfd->at += (missed + 1) * timerfd->again;
    timerfd->expired = false;
    timer_arm(&timerfd->timer, timerfd->at);
}

static u64
ticks_take(struct timerfd *timerfd)
{
    u64 ticks;
    INTERRUPTS_OFF_SCOPE();

    timerfd_go_on(timerfd);
    ticks = timerfd->ticks;
    timerfd->ticks = 0;
    return ticks;
}

static void
ticks_put_back(struct timerfd *timerfd, u64 ticks)
{
    INTERRUPTS_OFF_SCOPE();
    timerfd->ticks += ticks;
    wake_up_one(&timerfd->readable);
}

static int
timerfd_read(struct file *file, struct iter *iter, u64 *position)
{
    struct timerfd *timerfd = file->private;
    u64 ticks;
    int error = 0;

    if (iter->left < sizeof ticks)
        return -EINVAL;
    do {
        if (timerfd->ticks == 0 && file->flags & OPEN_NONBLOCK)
            return -EAGAIN;
        if (timerfd->ticks == 0)
            error = wait_event_interruptible(&timerfd->readable, timerfd->ticks > 0);
        if (error)
            return error;
        ticks = ticks_take(timerfd);
    } while (ticks == 0);
    error = iter_put(iter, &ticks, sizeof ticks);
    if (error)
        ticks_put_back(timerfd, ticks);
    return error;
}

static u32
timerfd_poll(struct file *file, struct poll_table *table)
{
    struct timerfd *timerfd = file->private;

    if (table)
        table->add(table, &timerfd->readable);
    return timerfd->ticks > 0 ? POLL_IN : 0;
}

static void
timerfd_release(struct file *file)
{
    struct timerfd *timerfd = file->private;

    timer_cancel(&timerfd->timer);
    pool_free(&timerfd_pool, timerfd);
}

static const struct file_ops timerfd_ops = {
    .read = timerfd_read,
    .poll = timerfd_poll,
    .release = timerfd_release,
    .stream = true,
};

int
timerfd_create(bool wall_clock, u32 flags, struct file **file)
{
    struct timerfd *timerfd = pool_alloc(&timerfd_pool);
    int error;

    if (!timerfd)
        return -ENOMEM;
    timerfd->wall_clock = wall_clock;
    timer_init(&timerfd->timer, timerfd_expire);
    wait_queue_init(&timerfd->readable, "timerfd read");
    error = anonymous_file_create(&timerfd_ops, flags, timerfd, file);
    if (error)
        pool_free(&timerfd_pool, timerfd);
    return error;
}

bool
file_is_timerfd(const struct file *file)
{
    return file->ops == &timerfd_ops;
}

void
timerfd_get(struct file *file, struct interval *value)
{
    struct timerfd *timerfd = file->private;
    u64 now;
    INTERRUPTS_OFF_SCOPE();

    timerfd_go_on(timerfd);
    now = time_now_ns();
    value->again = timerfd->again;
    value->left = !timer_armed(&timerfd->timer) ? 0 : timerfd->at > now ? timerfd->at - now : 1;
}

static u64
time_from_now(u64 ns)
{
    u64 now = time_now_ns();

    return ns < ~0ull - now ? now + ns : ~0ull;
}

static u64
time_of_clock(const struct timerfd *timerfd, u64 ns)
{
    u64 base = timerfd->wall_clock ? time_boot_unix_ns() : 0;

    return ns > base ? ns - base : 0;
}

void
timerfd_set(struct file *file, bool absolute, const struct interval *new, struct interval *old)
{
    struct timerfd *timerfd = file->private;

    timerfd_get(file, old);
    INTERRUPTS_OFF_SCOPE();
    timer_cancel(&timerfd->timer);
    timerfd->expired = false;
    timerfd->ticks = 0;
    timerfd->again = new->again;
    if (!new->left)
        return;
    timerfd->at = absolute ? time_of_clock(timerfd, new->left) : time_from_now(new->left);
    if (timerfd->at <= time_now_ns())
        timerfd_expire(&timerfd->timer);
    else
        timer_arm(&timerfd->timer, timerfd->at);
}
