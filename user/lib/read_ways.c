/* The ways: see read_ways.h. Each keeps `depth` reads in flight and starts the next one when one ends,
 * but lio_submit, which does a list at a time. */
#include "lib/read_ways.h"
#include <aio.h>
#include <errno.h>
#include <fibril/aio_abi.h>
#include <fibril/asyncfd.h>
#include <fibril/asys.h>
#include <fibril/calls.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* ---- One after the other ---- */

static int
by_read(struct read_job *jobs, unsigned count, unsigned depth)
{
    (void)depth;
    for (unsigned i = 0; i < count; i++)
        jobs[i].result = sys_pread64(jobs[i].fd, jobs[i].buffer, jobs[i].size, 0, 0);
    return 0;
}

/* ---- asys_submit, asys_await_completion ---- */

static int
by_asys(struct read_job *jobs, unsigned count, unsigned depth)
{
    struct asys_completion done;
    for (unsigned started = 0, ended = 0; ended < count;) {
        while (started < count && started - ended < depth) {
            struct read_job *job = &jobs[started];
            unsigned long words[6] = {job->fd, (unsigned long)job->buffer, job->size};
            struct asys_input input = {SYS_pread64, (unsigned long)job, 6, words};
            if (sys_asys_submit(&input, 1) != 1)
                break;
            started++;
        }
        long error = sys_asys_await_completion(&done);
        if (error < 0)
            return (int)error;
        ((struct read_job *)done.cookie)->result = done.return_code;
        ended++;
    }
    return 0;
}

/* ---- A ring ---- */

static int
by_ring(struct read_job *jobs, unsigned count, unsigned depth)
{
    struct asys queue;
    struct asys_event event;
    int error = asys_open(&queue, depth);
    if (error)
        return error;
    for (unsigned started = 0, ended = 0; ended < count && error >= 0;) {
        for (; started < count && started - ended < depth; started++) {
            struct read_job *job = &jobs[started];
            asys_tag(asys_add(&queue, SYS_pread64, job->fd, job->buffer, job->size, ASYS_64(0)), job);
        }
        error = asys_wait(&queue, &event, ASYS_FOREVER);
        if (error == 1) {
            ((struct read_job *)asys_pointer(&event))->result = event.result;
            ended++;
        }
    }
    asys_close(&queue);
    return error < 0 ? error : 0;
}

/* ---- Kernel AIO ---- */

static struct iocb
iocb_of(struct read_job *job)
{
    return (struct iocb){.aio_data = (uintptr_t)job,
                         .aio_lio_opcode = IOCB_CMD_PREAD,
                         .aio_fildes = (uint32_t)job->fd,
                         .aio_buf = (uintptr_t)job->buffer,
                         .aio_nbytes = job->size};
}

static void
take_events(const struct io_event *events, long count)
{
    for (long i = 0; i < count; i++)
        ((struct read_job *)(uintptr_t)events[i].data)->result = (long)events[i].res;
}

static int
by_io_submit(struct read_job *jobs, unsigned count, unsigned depth)
{
    struct io_event events[32];
    unsigned id = 0;
    long taken = sys_io_setup(depth, &id);
    if (taken < 0)
        return (int)taken;
    for (unsigned started = 0, ended = 0; ended < count && taken >= 0;) {
        while (started < count && started - ended < depth) {
            struct iocb iocb = iocb_of(&jobs[started]), *one = &iocb;
            if (sys_io_submit(id, 1, &one) != 1)
                break;
            started++;
        }
        taken = sys_io_getevents(id, 1, 32, events, NULL);
        take_events(events, taken);
        ended += taken > 0 ? (unsigned)taken : 0;
    }
    sys_io_destroy(id);
    return taken < 0 ? (int)taken : 0;
}

static int
by_lio_submit(struct read_job *jobs, unsigned count, unsigned depth)
{
    static struct iocb iocbs[READ_DEPTH_MOST], *list[READ_DEPTH_MOST];
    static struct io_event events[READ_DEPTH_MOST];
    unsigned id = 0;
    long taken = sys_io_setup(depth, &id);
    for (unsigned done = 0; done < count && taken >= 0; done += (unsigned)taken) {
        unsigned some = MIN(depth, count - done);
        for (unsigned i = 0; i < some; i++) {
            iocbs[i] = iocb_of(&jobs[done + i]);
            list[i] = &iocbs[i];
        }
        taken = sys_lio_submit(id, AIO_LIO_WAIT, some, list, NULL);
        if (taken > 0)
            take_events(events, sys_io_getevents(id, taken, taken, events, NULL));
    }
    if (id)
        sys_io_destroy(id);
    return taken < 0 ? (int)taken : 0;
}

/* ---- <aio.h> ---- */

static void
block_start(struct aiocb *block, const struct read_job *job)
{
    *block = (struct aiocb){.aio_fildes = job->fd,
                            .aio_buf = job->buffer,
                            .aio_nbytes = job->size,
                            .aio_sigevent.sigev_notify = SIGEV_NONE};
    aio_read(block);
}

/* The oldest is waited for: aio_suspend looks at its whole list each time. */
static int
by_posix_aio(struct read_job *jobs, unsigned count, unsigned depth)
{
    static struct aiocb blocks[READ_DEPTH_MOST];
    for (unsigned started = 0, ended = 0; ended < count; ended++) {
        for (; started < count && started - ended < depth; started++)
            block_start(&blocks[started % depth], &jobs[started]);
        struct aiocb *oldest = &blocks[ended % depth];
        const struct aiocb *const list[] = {oldest};
        while (aio_error(oldest) == EINPROGRESS)
            aio_suspend(list, 1, NULL);
        errno = 0;
        jobs[ended].result = aio_return(oldest);
        if (jobs[ended].result < 0)
            jobs[ended].result = -errno;
    }
    return 0;
}

/* ---- An asyncfd under epoll ---- */

static int
epoll_of(int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(0);
    if (epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        close(epoll);
        return -1;
    }
    return epoll;
}

static int
asyncfd_loop(struct read_job *jobs, unsigned count, unsigned depth, int context, int epoll,
             struct asyncfd_uring *ring)
{
    struct asyncfd_result result;
    struct epoll_event event;
    for (unsigned started = 0, ended = 0; ended < count;) {
        for (; started < count && started - ended < depth; started++) {
            struct asys_entry entry = {.cookie = (uintptr_t)&jobs[started]};
            asys_call(&entry, SYS_pread64, jobs[started].fd, jobs[started].buffer,
                      jobs[started].size, ASYS_64(0));
            if (asys_enter(context, &entry, 1) != 1)
                return -EAGAIN;
        }
        if (epoll_wait(epoll, &event, 1, -1) < 0)
            return -errno;
        while (asyncfd_take(ring, &result)) {
            ((struct read_job *)(uintptr_t)result.cookie)->result = (long)result.res;
            ended++;
        }
    }
    return 0;
}

static int
by_asyncfd(struct read_job *jobs, unsigned count, unsigned depth)
{
    static struct asyncfd_result results[READ_DEPTH_MOST];
    static struct asyncfd_uring ring;
    memset(results, 0, sizeof results);
    ring = (struct asyncfd_uring){.ptr = (uintptr_t)results, .size = READ_DEPTH_MOST};
    int fd = asyncfd(-1, &ring);
    struct asys_setup setup = {.flags = ASYS_SETUP_ASYNCFD, .notify_fd = fd};
    int context = fd < 0 ? -1 : asys_context(&setup);
    int epoll = fd < 0 ? -1 : epoll_of(fd);
    int error = fd < 0 || context < 0 || epoll < 0
                    ? -EIO
                    : asyncfd_loop(jobs, count, depth, context, epoll, &ring);
    close(epoll);
    close(context);
    close(fd);
    return error;
}

const struct read_way_entry read_ways[] = {
    {"read", by_read},
    {"asys", by_asys},
    {"ring", by_ring},
    {"io_submit", by_io_submit},
    {"lio_submit", by_lio_submit},
    {"aio.h", by_posix_aio},
    {"asyncfd", by_asyncfd},
    {NULL, NULL},
};
