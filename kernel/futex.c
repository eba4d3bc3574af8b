/* Futexes: see futex.h.
 *
 * A sleeper queues itself first, reads the word then (which may fault and so sleep), and goes to sleep if
 * it is still queued; a waker takes sleepers out of the queue. So a wake-up between the look at the word
 * and the sleep is seen, and no condition of a sleep touches user memory. Only fibrils come here, and
 * nothing but the reading sleeps, so the queues need no lock. */
#include "kernel/futex.h"
#include "arch.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/page.h"
#include "kernel/signal.h"
#include "kernel/task.h"

#define BUCKETS 256u
#define ROBUST_ENTRIES_MOST 2048
/* In a robust lock's word (linux/futex.h) */
#define WORD_WAITERS 0x80000000u
#define WORD_OWNER_DIED 0x40000000u
#define WORD_TID 0x3fffffffu

struct futex_key {
    struct page *page;           /* shared memory: referenced by who keeps the key; or NULL */
    struct address_space *space; /* private memory */
    uintptr_t address;           /* of the word; in shared memory, in the page */
};

/* On the sleeper's stack. */
struct futex_sleeper {
    struct list link;
    struct fibril *fibril;
    struct futex_key key;
    u32 bits;
    bool queued;
};

static struct list buckets[BUCKETS];

/* ---- Keys ---- */

static int
address_check(uintptr_t address)
{
    if (address % sizeof(u32))
        return -EINVAL;
    return user_range_valid((const void USER *)address, sizeof(u32)) ? 0 : -EFAULT;
}

/* Shared memory's page has to be there to be known: it is read, which brings it. */
static int
key_of_shared(struct futex_key *key, uintptr_t address)
{
    u32 word;
    int error = copy_from_user(&word, (const void USER *)address, sizeof(word));
    if (error)
        return error;
    u32 physical = page_lookup(current_task()->space->directory,
                               ALIGN_DOWN(address, (uintptr_t)PAGE_SIZE), NULL);
    if (!physical)
        return -EFAULT;
    *key = (struct futex_key){.page = page_of_physical(physical), .address = address % PAGE_SIZE};
    return 0;
}

/* No reference to the page is taken. */
static int
key_find(struct futex_key *key, uintptr_t address, bool private)
{
    int error = address_check(address);
    if (error)
        return error;
    struct address_space *space = current_task()->space;
    *key = (struct futex_key){.space = space, .address = address};
    if (private)
        return 0;
    const struct area *area = area_find(space, address);
    if (!area)
        return -EFAULT;
    return area->shared ? key_of_shared(key, address) : 0;
}

static inline bool
key_equal(const struct futex_key *a, const struct futex_key *b)
{
    return a->address == b->address && a->space == b->space && a->page == b->page;
}

static struct list *
bucket_of(const struct futex_key *key)
{
    uintptr_t object = key->page ? (uintptr_t)key->page : (uintptr_t)key->space;
    struct list *bucket = &buckets[((object >> 5) + (key->address >> 2)) % BUCKETS];
    if (unlikely(!bucket->next))
        list_init(bucket);
    return bucket;
}

/* ---- Sleepers ---- */

static void
sleeper_queue(struct futex_sleeper *sleeper)
{
    if (sleeper->key.page)
        page_get(sleeper->key.page);
    list_add_tail(bucket_of(&sleeper->key), &sleeper->link);
    sleeper->queued = true;
}

static void
sleeper_unqueue(struct futex_sleeper *sleeper)
{
    list_remove(&sleeper->link);
    sleeper->queued = false;
    if (sleeper->key.page)
        page_put(sleeper->key.page);
}

static void
sleeper_wake(struct futex_sleeper *sleeper)
{
    sleeper_unqueue(sleeper);
    fibril_wake(sleeper->fibril);
}

static int
sleeper_sleep(struct futex_sleeper *sleeper, u64 deadline)
{
    int error = 0;
    for (;;) {
        wait_prepare("futex");
        if (!sleeper->queued || error)
            break;
        error = wait_sleep(WAIT_INTERRUPTIBLE, deadline);
    }
    wait_finish();
    return sleeper->queued ? error : 0;
}

int
futex_wait(uintptr_t address, bool private, u32 value, u32 bits, u64 deadline)
{
    struct futex_sleeper sleeper = {.fibril = current_fibril(), .bits = bits};
    u32 word;
    if (!bits)
        return -EINVAL;
    int error = key_find(&sleeper.key, address, private);
    if (error)
        return error;
    sleeper_queue(&sleeper);
    error = copy_from_user(&word, (const void USER *)address, sizeof(word));
    if (!error && sleeper.queued)
        error = word == value ? sleeper_sleep(&sleeper, deadline) : -EAGAIN;
    if (!sleeper.queued) /* whoever woke it counts on it */
        return 0;
    sleeper_unqueue(&sleeper);
    return error;
}

static long
wake_key(const struct futex_key *key, s32 count, u32 bits)
{
    struct futex_sleeper *sleeper, *following;
    long woken = 0;
    list_for_each_safe(sleeper, following, bucket_of(key), link) {
        if (!key_equal(&sleeper->key, key) || !(sleeper->bits & bits))
            continue;
        sleeper_wake(sleeper);
        if (++woken >= count)
            break;
    }
    return woken;
}

long
futex_wake(uintptr_t address, bool private, s32 count, u32 bits)
{
    struct futex_key key;
    if (!bits)
        return -EINVAL;
    int error = key_find(&key, address, private);
    return error ? error : wake_key(&key, count, bits);
}

/* ---- Two words ---- */

/* Both keys; what was found out for the first still holds, for the second was brought after it. */
static int
keys_find(const struct futex_move *move, struct futex_key *from, struct futex_key *to)
{
    int error = key_find(from, move->from, move->private);
    if (!error)
        error = key_find(to, move->to, move->private);
    if (!error && to->page) /* finding it may have slept */
        error = key_find(from, move->from, move->private);
    return error;
}

static void
sleeper_move(struct futex_sleeper *sleeper, const struct futex_key *to)
{
    sleeper_unqueue(sleeper);
    sleeper->key = *to;
    sleeper_queue(sleeper);
}

long
futex_requeue(const struct futex_move *move)
{
    struct futex_key from, to;
    struct futex_sleeper *sleeper, *following;
    long done = 0;
    u32 word;
    if (move->wake < 0 || move->move < 0)
        return -EINVAL;
    int error = keys_find(move, &from, &to);
    if (!error && move->expected)
        error = copy_from_user(&word, (const void USER *)move->from, sizeof(word));
    if (!error && move->expected && word != *move->expected)
        error = -EAGAIN;
    if (error)
        return error;
    struct list moved = LIST_INIT(moved); /* so that none of one bucket is met twice */
    list_for_each_safe(sleeper, following, bucket_of(&from), link) {
        if (!key_equal(&sleeper->key, &from))
            continue;
        if (done - move->wake >= move->move)
            break;
        if (++done <= move->wake) {
            sleeper_wake(sleeper);
        } else {
            list_remove(&sleeper->link);
            list_add_tail(&moved, &sleeper->link);
        }
    }
    list_for_each_safe(sleeper, following, &moved, link)
        sleeper_move(sleeper, &to);
    return done;
}

/* ---- FUTEX_WAKE_OP: [futex(2)] ---- */

static int
operation_apply(u32 operation, u32 word, u32 *new)
{
    u32 argument = (s32)(operation << 8) >> 20;
    if (operation & 0x80000000u)
        argument = 1u << (argument & 31);
    switch (operation >> 28 & 7) {
    case 0:
        *new = argument;
        return 0;
    case 1:
        *new = word + argument;
        return 0;
    case 2:
        *new = word | argument;
        return 0;
    case 3:
        *new = word & ~argument;
        return 0;
    case 4:
        *new = word ^ argument;
        return 0;
    }
    return -ENOSYS;
}

static int
operation_compare(u32 operation, u32 word, bool *holds)
{
    s32 old = (s32)word, argument = (s32)(operation << 20) >> 20;
    switch (operation >> 24 & 15) {
    case 0:
        *holds = old == argument;
        return 0;
    case 1:
        *holds = old != argument;
        return 0;
    case 2:
        *holds = old < argument;
        return 0;
    case 3:
        *holds = old <= argument;
        return 0;
    case 4:
        *holds = old > argument;
        return 0;
    case 5:
        *holds = old >= argument;
        return 0;
    }
    return -ENOSYS;
}

/* Changes the word at a user address in one step: *old is what it was. */
static int
word_change(uintptr_t address, u32 operation, u32 *old)
{
    u32 word, seen, new;
    int error = copy_from_user(&seen, (const void USER *)address, sizeof(seen));
    do {
        word = seen;
        if (!error)
            error = operation_apply(operation, word, &new);
        if (!error)
            error = user_compare_exchange((u32 USER *)address, &seen, new);
    } while (!error && seen != word);
    *old = word;
    return error;
}

long
futex_wake_operation(const struct futex_move *move, u32 operation)
{
    struct futex_key from, to;
    u32 old;
    bool holds;
    int error = keys_find(move, &from, &to);
    if (!error)
        error = word_change(move->to, operation, &old);
    if (!error) /* which may have slept */
        error = keys_find(move, &from, &to);
    if (!error)
        error = operation_compare(operation, old, &holds);
    if (error)
        return error;
    long woken = wake_key(&from, move->wake, FUTEX_ANY);
    if (holds)
        woken += wake_key(&to, move->move, FUTEX_ANY);
    return woken;
}

/* ---- The end of a task ---- */

/* The lock at `address`, if this task holds it: marked, and one who waits for it is woken. */
static void
robust_lock_release(const struct task *task, uintptr_t address, bool inherits, bool taking)
{
    u32 word, seen;
    if (address_check(address) ||
        copy_from_user(&seen, (const void USER *)address, sizeof(seen)))
        return;
    if (taking && !inherits && seen == 0) { /* given back, but perhaps nobody was woken yet */
        (void)futex_wake(address, false, 1, FUTEX_ANY);
        return;
    }
    do {
        word = seen;
        if ((word & WORD_TID) != task->tid)
            return;
        if (user_compare_exchange((u32 USER *)address, &seen,
                                  (word & WORD_WAITERS) | WORD_OWNER_DIED))
            return;
    } while (seen != word);
    if (!inherits && word & WORD_WAITERS)
        (void)futex_wake(address, false, 1, FUTEX_ANY);
}

/* struct robust_list_head: the first entry, where in an entry the lock is, an entry that is just being
 * taken or given back. Bit 0 of a pointer to an entry tells a lock with priority inheritance. */
static void
robust_list_walk(const struct task *task)
{
    u32 head[3], entry, next;
    if (copy_from_user(head, (const void USER *)task->robust_list, sizeof(head)))
        return;
    u32 offset = head[1], pending = head[2];
    entry = head[0];
    for (int i = 0; (entry & ~1u) != task->robust_list && i < ROBUST_ENTRIES_MOST; i++) {
        int error = copy_from_user(&next, (const void USER *)(uintptr_t)(entry & ~1u), sizeof(next));
        if ((entry & ~1u) != (pending & ~1u))
            robust_lock_release(task, (entry & ~1u) + offset, entry & 1, false);
        if (error)
            return;
        entry = next;
    }
    if (pending & ~1u)
        robust_lock_release(task, (pending & ~1u) + offset, pending & 1, true);
}

void
futex_leave_memory(struct task *task)
{
    static const u32 zero;
    if (task->robust_list)
        robust_list_walk(task);
    task->robust_list = 0;
    if (task->clear_tid && task->space->references > 1 &&
        !copy_to_user((void USER *)task->clear_tid, &zero, sizeof(zero)))
        (void)futex_wake(task->clear_tid, false, 1, FUTEX_ANY);
    task->clear_tid = 0;
}
