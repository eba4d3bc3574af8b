/* select in its four forms: sets of descriptors as bits, turned into what poll waits for. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/poll.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/string.h"
#include "kernel/sys/poll_calls.h"
#include "kernel/sys/times.h"
#include "kernel/task.h"

#define BITS 32u

/* Which events a set means, select(2): for reading, for writing, exceptional. */
enum { SETS = 3 };
static const u16 set_events[SETS] = {
    POLL_IN | POLL_RDNORM | 0x80 | POLL_HANG_UP | POLL_ERROR, /* POLLRDBAND, too */
    POLL_OUT | POLL_WRNORM | 0x200 | POLL_ERROR,              /* POLLWRBAND, too */
    POLL_PRIORITY,
};

struct selection {
    u32 numbers, words;  /* descriptors below this; words of a set */
    u32 USER *user[SETS]; /* or NULL */
    u32 *bits;           /* the sets one behind the other */
    struct abi_pollfd *fds;
};

static u32 *
set_of(const struct selection *selection, unsigned set)
{
    return selection->bits + set * selection->words;
}

static int
sets_take(struct selection *selection)
{
    int error = 0;

    for (unsigned set = 0; set < SETS && !error; set++)
        if (selection->user[set])
            error = copy_from_user(set_of(selection, set), selection->user[set],
                                   selection->words * sizeof(u32));
    return error;
}

static int
sets_give(const struct selection *selection)
{
    int error = 0;

    for (unsigned set = 0; set < SETS && !error; set++)
        if (selection->user[set])
            error = copy_to_user(selection->user[set], set_of(selection, set),
                                 selection->words * sizeof(u32));
    return error;
}

/* One entry for each descriptor that is in any set: how many; -EBADF. */
static int
entries_make(struct selection *selection, u32 *count)
{
    *count = 0;
    for (u32 fd = 0; fd < selection->numbers; fd++) {
        u16 events = 0;
        for (unsigned set = 0; set < SETS; set++)
            if (set_of(selection, set)[fd / BITS] >> fd % BITS & 1)
                events |= set_events[set];
        if (!events)
            continue;
        if (descriptor_flag(current_task()->files, (int)fd) < 0)
            return -EBADF;
        selection->fds[(*count)++] = (struct abi_pollfd){(s32)fd, (s16)events, 0};
    }
    return 0;
}

/* The sets become those that are ready; how many bits that are, or -EBADF: one was closed meanwhile. */
static long
results_make(struct selection *selection, u32 count)
{
    long ready = 0;

    for (u32 i = 0; i < count; i++) {
        const struct abi_pollfd *entry = &selection->fds[i];
        u32 bit = 1u << (u32)entry->fd % BITS;
        if (entry->revents & POLL_INVALID)
            return -EBADF;
        for (unsigned set = 0; set < SETS; set++) {
            u32 *word = &set_of(selection, set)[(u32)entry->fd / BITS];
            bool is_ready = (*word & bit) && (entry->revents & set_events[set]);
            ready += is_ready;
            if (!is_ready)
                *word &= ~bit;
        }
    }
    return ready;
}

static long
select_sets(struct selection *selection, struct poll_request *request)
{
    u32 ready;
    long result = sets_take(selection);

    if (!result)
        result = entries_make(selection, &request->count);
    if (!result)
        result = poll_descriptors(selection->fds, request, &ready);
    if (!result)
        result = results_make(selection, request->count);
    if (result >= 0 && sets_give(selection))
        result = -EFAULT;
    return result;
}

struct sets {
    void USER *in, *out, *exceptional;
};

/* Numbers beyond the table are not looked at. */
static long
select_numbers(int numbers, const struct sets *sets, struct poll_request *request)
{
    struct selection selection = {.user = {sets->in, sets->out, sets->exceptional}};
    long result;

    if (numbers < 0)
        return -EINVAL;
    selection.numbers = MIN((u32)numbers, descriptor_table_size(current_task()->files));
    selection.words = DIVIDE_UP(selection.numbers, BITS);
    selection.bits = heap_alloc(SETS * selection.words * sizeof(u32) + 1);
    selection.fds = heap_alloc(selection.numbers * sizeof *selection.fds + 1);
    if (selection.bits && selection.fds)
        result = select_sets(&selection, request);
    else
        result = -ENOMEM;
    heap_free(selection.bits);
    heap_free(selection.fds);
    return result;
}

/* ---- The calls ---- */

static int
timeval_take(const struct timeval32 USER *user, u64 *ns)
{
    struct timeval32 time;

    if (copy_from_user(&time, user, sizeof time))
        return -EFAULT;
    if (time.seconds < 0 || time.microseconds < 0)
        return -EINVAL;
    *ns = (u64)time.seconds * NS_PER_SECOND + (u64)time.microseconds * NS_PER_MICROSECOND;
    return 0;
}

long
sys__newselect(int numbers, void USER *in, void USER *out, void USER *exceptional, void USER *timeout)
{
    struct poll_request request = {.count = 0};
    u64 relative = 0;
    long result = timeout ? timeval_take(timeout, &relative) : 0;

    if (result)
        return result;
    poll_time_set(&request, timeout != NULL, relative);
    result = select_numbers(numbers, &(struct sets){in, out, exceptional}, &request);
    result = poll_mask_end(&request, result);
    if (timeout) {
        u64 left = poll_time_left(&request);
        struct timeval32 time = {(s32)(left / NS_PER_SECOND),
                                 (s32)(left % NS_PER_SECOND / NS_PER_MICROSECOND)};
        if (copy_to_user(timeout, &time, sizeof time))
            return result; /* it may be read-only */
    }
    return result;
}

/* The oldest one: five words in memory. */
long
sys_select(const void USER *arguments)
{
    struct {
        s32 numbers;
        u32 in, out, exceptional, timeout;
    } a;

    if (copy_from_user(&a, arguments, sizeof a))
        return -EFAULT;
    return sys__newselect(a.numbers, (void USER *)(uintptr_t)a.in, (void USER *)(uintptr_t)a.out,
                          (void USER *)(uintptr_t)a.exceptional,
                          (void USER *)(uintptr_t)a.timeout);
}

struct mask_argument {
    u32 mask, bytes;
};

static long
select_masked(int numbers, const struct sets *sets, struct poll_request *request,
              const void USER *user_mask)
{
    struct mask_argument mask = {0, 0};
    long result;

    if (user_mask && copy_from_user(&mask, user_mask, sizeof mask))
        return -EFAULT;
    result = poll_mask_begin((const void USER *)(uintptr_t)mask.mask, mask.bytes);
    return result ? result : poll_mask_end(request, select_numbers(numbers, sets, request));
}

long
sys_pselect6(int numbers, void USER *in, void USER *out, void USER *exceptional, void USER *timeout,
             const void USER *mask)
{
    struct poll_request request = {.count = 0};
    u64 relative = 0;
    long result = timeout ? time_take32(timeout, &relative) : 0;

    if (result)
        return result;
    poll_time_set(&request, timeout != NULL, relative);
    result = select_masked(numbers, &(struct sets){in, out, exceptional}, &request, mask);
    if (timeout && time_give32(timeout, poll_time_left(&request)))
        return result;
    return result;
}

long
sys_pselect6_time64(int numbers, void USER *in, void USER *out, void USER *exceptional,
                    void USER *timeout, const void USER *mask)
{
    struct poll_request request = {.count = 0};
    u64 relative = 0;
    long result = timeout ? time_take64(timeout, &relative) : 0;

    if (result)
        return result;
    poll_time_set(&request, timeout != NULL, relative);
    result = select_masked(numbers, &(struct sets){in, out, exceptional}, &request, mask);
    if (timeout && time_give64(timeout, poll_time_left(&request)))
        return result;
    return result;
}
