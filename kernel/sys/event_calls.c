/* eventfd, timerfd and signalfd. */
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/eventfd.h"
#include "fs/file.h"
#include "fs/signalfd.h"
#include "fs/timerfd.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/sys/times.h"
#include "kernel/task.h"

#define NEW_FLAGS (OPEN_CLOSE_ON_EXEC | OPEN_NONBLOCK) /* EFD_, TFD_, SFD_ */

static long
install(int error, struct file *file, u32 flags)
{
    int fd;

    if (!error)
        error = descriptor_install(current_task()->files, file, 0, flags & OPEN_CLOSE_ON_EXEC, &fd);
    return error ? error : fd;
}

/* ---- eventfd ---- */

#define EVENT_SEMAPHORE 1u

long
sys_eventfd2(u32 count, u32 flags)
{
    struct file *file;
    int error;

    if (flags & ~(NEW_FLAGS | EVENT_SEMAPHORE))
        return -EINVAL;
    error = eventfd_create(count, flags & EVENT_SEMAPHORE, flags & OPEN_NONBLOCK, &file);
    return install(error, file, flags);
}

long
sys_eventfd(u32 count)
{
    return sys_eventfd2(count, 0);
}

/* ---- timerfd ---- */

#define TIMER_ABSOLUTE 1u
#define TIMER_CANCEL_ON_SET 2u /* nobody can set the clock here */
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_BOOT_TIME 7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOT_TIME_ALARM 9

long
sys_timerfd_create(int clock, u32 flags)
{
    bool wall_clock = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
    struct file *file;
    int error;

    if (flags & ~NEW_FLAGS || (!wall_clock && clock != CLOCK_MONOTONIC &&
                               clock != CLOCK_BOOT_TIME && clock != CLOCK_BOOT_TIME_ALARM))
        return -EINVAL;
    error = timerfd_create(wall_clock, flags & OPEN_NONBLOCK, &file);
    return install(error, file, flags);
}

static int
timerfd_find(int fd, struct file **file)
{
    int error = descriptor_file(fd, file);

    if (!error && !file_is_timerfd(*file)) {
        file_put(*file);
        error = -EINVAL;
    }
    return error;
}

/* An itimerspec is two timespecs: the period, and what is left. */
struct spec {
    size_t half;
    int (*take)(const void USER *user, u64 *ns);
    int (*give)(void USER *user, u64 ns);
};
static const struct spec spec32 = {sizeof(struct timespec32), time_take32, time_give32};
static const struct spec spec64 = {sizeof(struct timespec64), time_take64, time_give64};

static int
interval_give(const struct spec *spec, u8 USER *user, const struct interval *value)
{
    int error = spec->give(user, value->again);

    return error ? error : spec->give(user + spec->half, value->left);
}

static long
timer_set(int fd, u32 flags, const u8 USER *new, u8 USER *old, const struct spec *spec)
{
    struct interval to, from;
    struct file *file;
    int error = spec->take(new, &to.again);

    if (!error)
        error = spec->take(new + spec->half, &to.left);
    if (!error && flags & ~(TIMER_ABSOLUTE | TIMER_CANCEL_ON_SET))
        error = -EINVAL;
    if (!error)
        error = timerfd_find(fd, &file);
    if (error)
        return error;
    timerfd_set(file, flags & TIMER_ABSOLUTE, &to, &from);
    file_put(file);
    return old ? interval_give(spec, old, &from) : 0;
}

static long
timer_get(int fd, u8 USER *user, const struct spec *spec)
{
    struct interval value;
    struct file *file;
    int error = timerfd_find(fd, &file);

    if (error)
        return error;
    timerfd_get(file, &value);
    file_put(file);
    return interval_give(spec, user, &value);
}

long
sys_timerfd_settime(int fd, u32 flags, const void USER *new, void USER *old)
{
    return timer_set(fd, flags, new, old, &spec32);
}

long
sys_timerfd_settime64(int fd, u32 flags, const void USER *new, void USER *old)
{
    return timer_set(fd, flags, new, old, &spec64);
}

long
sys_timerfd_gettime(int fd, void USER *value)
{
    return timer_get(fd, value, &spec32);
}

long
sys_timerfd_gettime64(int fd, void USER *value)
{
    return timer_get(fd, value, &spec64);
}

/* ---- signalfd ---- */

static long
signalfd_change(int fd, signal_set mask)
{
    struct file *file;
    int error = descriptor_file(fd, &file);

    if (error)
        return error;
    if (file_is_signalfd(file))
        signalfd_set_mask(file, mask);
    else
        error = -EINVAL;
    file_put(file);
    return error ? error : fd;
}

long
sys_signalfd4(int fd, const void USER *user_mask, size_t size, u32 flags)
{
    struct file *file;
    signal_set mask;
    int error;

    if (size != sizeof mask)
        return -EINVAL;
    error = copy_from_user(&mask, user_mask, sizeof mask);
    if (!error && flags & ~NEW_FLAGS)
        error = -EINVAL;
    if (error)
        return error;
    if (fd != -1)
        return signalfd_change(fd, mask);
    error = signalfd_create(mask, flags & OPEN_NONBLOCK, &file);
    return install(error, file, flags);
}

long
sys_signalfd(int fd, const void USER *mask, size_t size)
{
    return sys_signalfd4(fd, mask, size, 0);
}
