/* The futex calls, and what thread libraries register for the end of a task. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/futex.h"
#include "kernel/signal.h"
#include "kernel/sys/times.h"
#include "kernel/task.h"

/* linux/futex.h */
enum { FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP,
       FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET };
#define FUTEX_PRIVATE 128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_COMMANDS 127
#define ROBUST_HEAD_BYTES 12

struct futex_request {
    uintptr_t address, second;
    int operation;
    u32 value, value2, value3;
};

/* FUTEX_WAIT's time-out is relative, FUTEX_WAIT_BITSET's a point in time. */
static int
request_wait(const struct futex_request *r, const u64 *timeout, u32 bits)
{
    bool relative = (r->operation & FUTEX_COMMANDS) == FUTEX_WAIT;
    bool private = r->operation & FUTEX_PRIVATE;
    if (!timeout)
        return futex_wait(r->address, private, r->value, bits, 0);
    u64 deadline = relative ? signal_call_deadline(*timeout)
                            : time_deadline_absolute(r->operation & FUTEX_CLOCK_REALTIME, *timeout);
    int error = futex_wait(r->address, private, r->value, bits, deadline);
    return signal_call_interrupted(error, relative ? deadline : 0);
}

static long
request_serve(const struct futex_request *r, const u64 *timeout)
{
    bool private = r->operation & FUTEX_PRIVATE;
    struct futex_move move = {
        .from = r->address, .to = r->second, .private = private,
        .wake = (s32)r->value, .move = (s32)r->value2,
    };
    int command = r->operation & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
    if (r->operation & FUTEX_CLOCK_REALTIME && command != FUTEX_WAIT_BITSET)
        return -ENOSYS;
    switch (command) {
    case FUTEX_WAIT:
        return request_wait(r, timeout, FUTEX_ANY);
    case FUTEX_WAIT_BITSET:
        return request_wait(r, timeout, r->value3);
    case FUTEX_WAKE:
        return futex_wake(r->address, private, (s32)r->value, FUTEX_ANY);
    case FUTEX_WAKE_BITSET:
        return futex_wake(r->address, private, (s32)r->value, r->value3);
    case FUTEX_CMP_REQUEUE:
        move.expected = &r->value3;
        return futex_requeue(&move);
    case FUTEX_REQUEUE:
        return futex_requeue(&move);
    case FUTEX_WAKE_OP:
        return futex_wake_operation(&move, r->value3);
    }
    return -ENOSYS; /* FUTEX_FD is gone from Linux; FUTEX_LOCK_PI and its kin are not here */
}

static bool
has_timeout(int operation)
{
    int command = operation & FUTEX_COMMANDS;
    return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
}

static long
futex_call(struct futex_request *r, uintptr_t timeout, int (*take)(const void USER *user, u64 *ns))
{
    u64 ns;
    r->value2 = timeout; /* the same argument, where there is no time-out */
    if (!has_timeout(r->operation) || !timeout)
        return request_serve(r, NULL);
    int error = take((const void USER *)timeout, &ns);
    return error ? error : request_serve(r, &ns);
}

long
sys_futex(uintptr_t address, int operation, u32 value, uintptr_t timeout, uintptr_t second,
          u32 value3)
{
    struct futex_request r = {address, second, operation, value, 0, value3};
    return futex_call(&r, timeout, time_take32);
}

long
sys_futex_time64(uintptr_t address, int operation, u32 value, uintptr_t timeout, uintptr_t second,
                 u32 value3)
{
    struct futex_request r = {address, second, operation, value, 0, value3};
    return futex_call(&r, timeout, time_take64);
}

long
sys_set_robust_list(uintptr_t head, size_t size)
{
    if (size != ROBUST_HEAD_BYTES)
        return -EINVAL;
    current_task()->robust_list = head;
    return 0;
}

long
sys_get_robust_list(int tid, u32 USER *head, u32 USER *size)
{
    static const u32 bytes = ROBUST_HEAD_BYTES;
    const struct task *task = tid ? task_find((u32)tid) : current_task();
    if (!task)
        return -ESRCH;
    if (task->process != current_task()->process && current_credentials()->euid != 0)
        return -EPERM;
    u32 list = task->robust_list;
    int error = copy_to_user(size, &bytes, sizeof(bytes));
    return error ? error : copy_to_user(head, &list, sizeof(list));
}

/* What the end of this task clears. */
long
sys_set_tid_address(uintptr_t address)
{
    current_task()->clear_tid = address;
    return current_task()->tid;
}
