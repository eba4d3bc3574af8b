/* <aio.h>: each control block holds its kernel request, whose result the kernel writes into the block
 * itself, so aio_error and aio_return only look, and may be called from a signal handler. Who waits for
 * any of several sleeps on one word that counts all ends in the process. */
#include <aio.h>
#include <errno.h>
#include <fibril/calls.h>
#include <fibril/kernel_types.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "libc.h"
#include "thread.h"

#define CONTEXT_SLOTS 1 /* no request of ours has an event */
#define FEW 32          /* lists up to here need no memory */
#define BYTES_MOST 0x7fffffffu
#define NOT_TAKEN 1u /* in aio_key, until the kernel takes the request */

enum state { STATE_NONE, STATE_STARTED };

static unsigned context;     /* of this process; 0: none yet */
static unsigned ends;        /* counts up with each end; a futex */
static volatile int setting; /* thread_lock's */

/* ---- The context ---- */

/* The parent's is not the child's. */
static void
context_forget(void)
{
    context = 0;
    setting = 0;
}

/* 0, or an error number. */
static int
context_make(void)
{
    static bool told;
    int error = 0;

    if (context)
        return 0;
    thread_lock(&setting);
    if (!told)
        error = pthread_atfork(NULL, NULL, context_forget);
    told = !error;
    if (!error && !context) {
        unsigned id = 0;
        error = -(int)sys_io_setup(CONTEXT_SLOTS, &id);
        context = error ? 0 : id;
    }
    thread_unlock(&setting);
    return error;
}

/* ---- Starting ---- */

static int
check(const struct aiocb *block)
{
    int notify = block->aio_sigevent.sigev_notify;

    if (block->aio_reqprio < 0 || block->aio_reqprio > AIO_PRIO_DELTA_MAX ||
        block->aio_nbytes > BYTES_MOST || block->aio_offset < 0)
        return EINVAL;
    if (notify != SIGEV_NONE && notify != SIGEV_SIGNAL && notify != SIGEV_THREAD_ID)
        return EINVAL;
    return 0;
}

static struct iocb *
prepare(struct aiocb *block, int operation)
{
    bool tells = block->aio_sigevent.sigev_notify != SIGEV_NONE && block->aio_sigevent.sigev_signo;

    block->_request = (struct iocb){
        .aio_data = (unsigned long)&block->_status,
        .aio_key = NOT_TAKEN,
        .aio_lio_opcode = (uint16_t)operation,
        .aio_fildes = (uint32_t)block->aio_fildes,
        .aio_buf = (unsigned long)block->aio_buf,
        .aio_nbytes = block->aio_nbytes,
        .aio_offset = block->aio_offset,
        .aio_reserved2 = tells ? (unsigned long)&block->aio_sigevent : 0,
        .aio_flags = IOCB_FLAG_STATUS,
    };
    if (operation == IOCB_CMD_FSYNC)
        block->_request.aio_buf = block->_request.aio_nbytes = block->_request.aio_offset = 0;
    block->_status = (struct aio_status){.wake = (unsigned long)&ends};
    block->_state = STATE_STARTED;
    return &block->_request;
}

/* Not started: that is its error. */
static void
refuse(struct aiocb *block, int error)
{
    block->_status = (struct aio_status){.result = -error, .done = 1};
    block->_state = STATE_STARTED;
}

static int
start(struct aiocb *block, int operation)
{
    int error = check(block);
    struct iocb *request;
    long taken;

    if (!error)
        error = context_make();
    if (error) {
        errno = error;
        return -1;
    }
    request = prepare(block, operation);
    taken = sys_lio_submit(context, LIO_NOWAIT, 1, &request, NULL);
    if (taken == 1)
        return 0;
    block->_state = STATE_NONE;
    errno = taken < 0 ? -(int)taken : EAGAIN;
    return -1;
}

int
aio_read(struct aiocb *block)
{
    return start(block, IOCB_CMD_PREAD);
}

int
aio_write(struct aiocb *block)
{
    return start(block, IOCB_CMD_PWRITE);
}

int
aio_fsync(int operation, struct aiocb *block)
{
    if (operation != O_SYNC && operation != O_DSYNC) {
        errno = EINVAL;
        return -1;
    }
    if (fcntl(block->aio_fildes, F_GETFL) < 0)
        return -1;
    /* What belongs to reading and writing is not looked at. */
    block->aio_reqprio = 0;
    block->aio_nbytes = 0;
    block->aio_offset = 0;
    return start(block, IOCB_CMD_FSYNC);
}

/* ---- Results ---- */

static bool
is_done(const struct aiocb *block)
{
    return __atomic_load_n(&block->_status.done, __ATOMIC_ACQUIRE);
}

int
aio_error(const struct aiocb *block)
{
    if (block->_state == STATE_NONE) {
        errno = EINVAL;
        return -1;
    }
    if (!is_done(block))
        return EINPROGRESS;
    return block->_status.result < 0 ? -(int)block->_status.result : 0;
}

ssize_t
aio_return(struct aiocb *block)
{
    int error = aio_error(block);

    if (error == -1)
        return -1;
    if (error != EINPROGRESS)
        block->_state = STATE_NONE;
    if (error) {
        errno = error;
        return -1;
    }
    return (ssize_t)block->_status.result;
}

static bool
any_done(const struct aiocb *const list[], int count)
{
    for (int i = 0; i < count; i++)
        if (list[i] && (list[i]->_state == STATE_NONE || is_done(list[i])))
            return true;
    return false;
}

static struct timespec
deadline_of(const struct timespec *relative)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    now.tv_sec += relative->tv_sec;
    now.tv_nsec += relative->tv_nsec;
    if (now.tv_nsec >= 1000000000) {
        now.tv_nsec -= 1000000000;
        now.tv_sec++;
    }
    return now;
}

int
aio_suspend(const struct aiocb *const list[], int count, const struct timespec *timeout)
{
    struct timespec deadline;
    int error = 0;

    if (timeout && (timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000))
        error = EINVAL;
    else if (timeout)
        deadline = deadline_of(timeout);
    while (!error) {
        int seen = (int)__atomic_load_n(&ends, __ATOMIC_ACQUIRE);
        if (any_done(list, count))
            return 0;
        error = thread_word_wait((volatile int *)&ends, seen, false, CLOCK_MONOTONIC,
                                 timeout ? &deadline : NULL);
        if (error == EAGAIN) /* the word has changed */
            error = 0;
    }
    errno = error == ETIMEDOUT ? EAGAIN : error;
    return -1;
}

/* ---- Cancelling ---- */

int
aio_cancel(int fd, struct aiocb *block)
{
    if (fcntl(fd, F_GETFL) < 0)
        return -1;
    if (block && block->aio_fildes != fd) {
        errno = EINVAL;
        return -1;
    }
    if (!context || (block && (block->_state == STATE_NONE || is_done(block))))
        return AIO_ALLDONE;
    return (int)libc_result(sys_io_abandon(context, fd, block ? &block->_request : NULL));
}

/* ---- Lists ---- */

/* The kernel's list of those that are to be started; how many. What cannot be started has an error. */
static long
list_prepare(struct aiocb *restrict const *list, int count, struct iocb **requests, bool *failed)
{
    long wanted = 0;

    for (int i = 0; i < count; i++) {
        struct aiocb *block = list[i];
        if (!block || block->aio_lio_opcode == LIO_NOP)
            continue;
        bool known = block->aio_lio_opcode == LIO_READ || block->aio_lio_opcode == LIO_WRITE;
        if (!known || check(block)) {
            refuse(block, EINVAL);
            *failed = true;
            continue;
        }
        requests[wanted++] = prepare(
            block, block->aio_lio_opcode == LIO_READ ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE);
    }
    return wanted;
}

static struct aiocb *
block_of(struct iocb *request)
{
    return (struct aiocb *)((char *)request - offsetof(struct aiocb, _request));
}

/* What is the error of a list when the kernel returned `taken`, or -error: 0, or an error number. */
static int
list_result(struct iocb **requests, long wanted, long taken, bool wait, bool failed)
{
    bool short_of = false;

    for (long i = 0; i < wanted; i++) {
        struct aiocb *block = block_of(requests[i]);
        if (taken == -EINTR ? block->_request.aio_key == NOT_TAKEN : i >= taken) {
            refuse(block, EAGAIN);
            short_of = true;
        } else if (wait && taken >= 0) {
            failed = failed || block->_status.result < 0;
        }
    }
    if (taken < 0)
        return -(int)taken;
    return short_of ? EAGAIN : failed ? EIO : 0;
}

int
lio_listio(int mode, struct aiocb *restrict const list[restrict], int count,
           struct sigevent *restrict event)
{
    struct iocb *few[FEW], **requests = few;
    bool failed = false;
    int error;

    if ((mode != LIO_WAIT && mode != LIO_NOWAIT) || count < 0 || count > AIO_LISTIO_MAX) {
        errno = EINVAL;
        return -1;
    }
    error = context_make();
    if (!error && count > FEW && !(requests = malloc((size_t)count * sizeof *requests)))
        error = EAGAIN;
    if (!error) {
        long wanted = list_prepare(list, count, requests, &failed);
        long taken = sys_lio_submit(context, mode, wanted, requests,
                                    mode == LIO_NOWAIT ? event : NULL);
        error = list_result(requests, wanted, taken, mode == LIO_WAIT, failed);
    }
    if (requests != few)
        free(requests);
    if (!error)
        return 0;
    errno = error;
    return -1;
}
