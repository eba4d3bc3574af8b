/* io_submit and lio_submit: calls are made of iocbs, and run as any other batch. See aio.h.
 *
 * The order in which errors are found is Linux's (fs/aio.c, 2.6.24 and later). */
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "gen/syscalls.h"
#include "kernel/address_space.h"
#include "kernel/async/aio.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define FLAGS (IOCB_FLAG_RESFD | IOCB_FLAG_IOPRIO | IOCB_FLAG_STATUS)

_Static_assert(sizeof(struct iocb) == 64, "ABI");

struct aio_batch {
    struct batch batch;
    struct aio_context *context;
    struct aio_list *list; /* lio_submit's, or NULL */
    bool for_list;
    const u32 USER *iocbs;
    u32 index, count, taken;
};

/* ---- What an operation is as a call ---- */

#define NEEDS_READ 1u
#define NEEDS_WRITE 2u
#define HAS_BUFFER 4u
#define HAS_PLACE 8u

struct operation {
    u16 call;        /* on a file with positions … */
    u16 stream_call; /* … and on one without */
    u16 needs;
};

static const struct operation operations[] = {
    [IOCB_CMD_PREAD] = {SYSCALL_pread64, SYSCALL_read, NEEDS_READ | HAS_BUFFER | HAS_PLACE},
    [IOCB_CMD_PWRITE] = {SYSCALL_pwrite64, SYSCALL_write, NEEDS_WRITE | HAS_BUFFER | HAS_PLACE},
    [IOCB_CMD_FSYNC] = {SYSCALL_fsync, SYSCALL_fsync, 0},
    [IOCB_CMD_FDSYNC] = {SYSCALL_fdatasync, SYSCALL_fdatasync, 0},
    [IOCB_CMD_POLL] = {SYSCALL_poll_file, SYSCALL_poll_file, 0},
    [IOCB_CMD_NOOP] = {SYSCALL_no_operation, SYSCALL_no_operation, 0},
    [IOCB_CMD_PREADV] = {SYSCALL_preadv, SYSCALL_readv, NEEDS_READ | HAS_PLACE},
    [IOCB_CMD_PWRITEV] = {SYSCALL_pwritev, SYSCALL_writev, NEEDS_WRITE | HAS_PLACE},
};

static int
operation_check(const struct iocb *iocb, const struct file *file)
{
    u32 needs = iocb->aio_lio_opcode < sizeof(operations) / sizeof(operations[0])
                    ? operations[iocb->aio_lio_opcode].needs
                    : 0;
    if ((needs & NEEDS_READ && !file_is_readable(file)) ||
        (needs & NEEDS_WRITE && !file_is_writable(file)))
        return -EBADF;
    if (needs & HAS_BUFFER &&
        (iocb->aio_buf >= USER_END || iocb->aio_nbytes > USER_END - iocb->aio_buf))
        return -EFAULT;
    if (iocb->aio_lio_opcode >= sizeof(operations) / sizeof(operations[0]) ||
        !operations[iocb->aio_lio_opcode].call)
        return -EINVAL;
    if (iocb->aio_lio_opcode == IOCB_CMD_POLL &&
        (iocb->aio_buf > 0xffff || iocb->aio_nbytes || iocb->aio_offset))
        return -EINVAL;
    return 0;
}

static void
before_begin(struct call *call)
{
    struct aio_request *request = container_of(call, struct aio_request, call);
    call->error = aio_request_wait_before(request);
}

static void
call_fill(struct aio_request *request, const struct iocb *iocb, const struct file *file)
{
    const struct operation *operation = &operations[iocb->aio_lio_opcode];
    struct call *call = &request->call;
    call->number = file->ops->stream ? operation->stream_call : operation->call;
    call->arguments[0] = iocb->aio_fildes;
    call->arguments[1] = (unsigned long)iocb->aio_buf;
    call->arguments[2] = (unsigned long)iocb->aio_nbytes;
    call->arguments[3] = (u32)iocb->aio_offset;
    call->arguments[4] = (u32)((u64)iocb->aio_offset >> 32);
    /* aio_fsync(3) is about all that was asked for before it. */
    if (request->flags & IOCB_FLAG_STATUS &&
        (iocb->aio_lio_opcode == IOCB_CMD_FSYNC || iocb->aio_lio_opcode == IOCB_CMD_FDSYNC))
        call->begin = before_begin;
}

/* ---- One iocb ---- */

static int
iocb_check(const struct iocb *iocb, bool for_list)
{
    if ((iocb->aio_reserved2 && !for_list) || iocb->aio_reserved2 >> 32 || iocb->aio_rw_flags ||
        iocb->aio_flags & ~FLAGS)
        return -EINVAL;
    if (iocb->aio_buf >> 32 || iocb->aio_nbytes >> 31)
        return -EINVAL;
    if (iocb->aio_flags & IOCB_FLAG_STATUS && iocb->aio_data >> 32)
        return -EINVAL;
    return 0;
}

/* The rest of the checks; from here on nothing sleeps until the call is made, but for the sigevent's
 * page, before anything is looked up. */
static int
request_fill(struct aio_request *request, const struct iocb *iocb, bool for_list)
{
    struct file *file;
    int error = aio_signal_init(&request->signal, for_list ? (u32)iocb->aio_reserved2 : 0);
    if (error)
        return error;
    error = descriptor_file((int)iocb->aio_fildes, &file);
    if (error)
        return error;
    if (iocb->aio_flags & IOCB_FLAG_RESFD)
        error = aio_result_file_find(&request->result_file, (int)iocb->aio_resfd, iocb->aio_data);
    if (!error)
        error = operation_check(iocb, file);
    if (!error)
        call_fill(request, iocb, file);
    file_put(file);
    return error;
}

static int
key_write(u32 address)
{
    u32 key = 0;
    return copy_to_user(&((struct iocb USER *)(uintptr_t)address)->aio_key, &key, sizeof(key));
}

/* What is wrong with an entry of lio_submit is its event's result. An entry that is not taken keeps its
 * key. */
static int
request_make(struct aio_batch *submit, u32 address, const struct iocb *iocb,
             struct aio_request **result)
{
    int error = iocb_check(iocb, submit->for_list);
    if (error && !submit->for_list)
        return error;
    struct aio_request *request =
        aio_request_create(submit->context, !(iocb->aio_flags & IOCB_FLAG_STATUS));
    if (!request)
        return submit->context->closed ? -EINVAL : -EAGAIN;
    if (key_write(address)) {
        aio_request_forget(request);
        return -EFAULT;
    }
    request->iocb = address;
    request->data = iocb->aio_data;
    request->descriptor = (s32)iocb->aio_fildes;
    if (!error)
        error = request_fill(request, iocb, submit->for_list);
    if (error && !submit->for_list) {
        aio_request_forget(request);
        return error;
    }
    request->call.error = error;
    if (submit->list) {
        request->list = submit->list;
        aio_list_join(submit->list);
    }
    *result = request;
    return 0;
}

static int
aio_next(struct batch *batch, struct call **call)
{
    struct aio_batch *submit = container_of(batch, struct aio_batch, batch);
    struct aio_request *request;
    struct iocb iocb;
    u32 address;
    if (submit->index == submit->count)
        return BATCH_END;
    if (copy_from_user(&address, &submit->iocbs[submit->index], sizeof(address)) ||
        copy_from_user(&iocb, (const void USER *)(uintptr_t)address, sizeof(iocb)))
        return -EFAULT;
    int error = request_make(submit, address, &iocb, &request);
    if (error)
        return error;
    aio_request_begin(request);
    submit->taken++;
    batch->last = ++submit->index == submit->count;
    *call = &request->call;
    return 0;
}

/* ---- The calls ---- */

/* The context, and the array's place: 0, or what is wrong, in Linux's order. */
static int
submit_init(struct aio_batch *submit, u32 id, long count, const u32 USER *iocbs)
{
    uintptr_t address = (uintptr_t)iocbs;
    if (count < 0)
        return -EINVAL;
    if (address > USER_END || (u32)count > (USER_END - address) / sizeof(u32))
        return -EFAULT;
    *submit = (struct aio_batch){
        .batch.next = aio_next, .iocbs = iocbs, .count = (u32)count};
    return aio_context_find(id, &submit->context);
}

long
sys_io_submit(u32 id, long count, const void USER *iocbs)
{
    struct aio_batch submit;
    int error = submit_init(&submit, id, count, iocbs);
    if (error)
        return error;
    batch_run(&submit.batch);
    aio_context_put(submit.context);
    return submit.taken ? (long)submit.taken : submit.batch.error;
}

/* Until all of the list are done; a signal ends the wait, and the requests go on. */
static int
list_wait(struct aio_list *list)
{
    int error = wait_event_interruptible(&list->done, list->left == 0);
    return error == -ERESTARTSYS ? -EINTR : error;
}

static long
list_submit(struct aio_batch *submit, bool wait)
{
    struct aio_list *list = submit->list;
    batch_run(&submit->batch);
    long result = submit->taken ? (long)submit->taken : submit->batch.error;
    if (result < 0)
        aio_signal_drop(&list->signal); /* nothing was taken, so there is nothing to tell */
    aio_list_done(list);
    if (result >= 0 && wait) {
        int error = list_wait(list);
        result = error ? error : result;
    }
    aio_list_put(list);
    return result;
}

long
sys_lio_submit(u32 id, int mode, long count, const void USER *iocbs, const void USER *event)
{
    struct aio_batch submit;
    if (mode != AIO_LIO_WAIT && mode != AIO_LIO_NOWAIT)
        return -EINVAL;
    int error = submit_init(&submit, id, count, iocbs);
    if (error)
        return error;
    submit.for_list = true;
    bool wait = mode == AIO_LIO_WAIT;
    error = aio_list_create(wait ? 0 : (u32)(uintptr_t)event, &submit.list);
    long result = error ? error : list_submit(&submit, wait);
    aio_context_put(submit.context);
    return result;
}
