/* The lock-order checker: see checks.h. Holders are fibrils, not tasks: of two calls of one task each may
 * hold something. Orders are remembered by the locks' names, so a wrong order is found though the two
 * fibrils never meet. */
#include "arch.h"
#include "kernel/checks.h"
#include "kernel/fibril.h"
#include "kernel/log.h"
#include "kernel/mutex.h"
#include "kernel/string.h"
#include "kernel/syscall.h"

#define KINDS_MOST 32u /* of mutexes: a bit each */
#define HELD_BUCKETS 64u

bool checks_enabled;

/* Interrupts off: */
static const char *kinds[KINDS_MOST];
static u32 kind_count;
static u32 taken_after[KINDS_MOST];       /* bit b of a: b was gone for while an a was held */
static u32 first_call[KINDS_MOST][KINDS_MOST]; /* in which call that was first */
static struct mutex *held[HELD_BUCKETS];  /* by the owner's id; chained by held_next */

static u32
kind_of(const struct mutex *mutex)
{
    const char *name = mutex->waiters.name;
    for (u32 i = 0; i < kind_count; i++)
        if (kinds[i] == name || !strcmp(kinds[i], name))
            return i;
    ASSERT(kind_count < KINDS_MOST);
    kinds[kind_count] = name;
    return kind_count++;
}

/* All kinds that have been gone for, in one or more steps, while one of `from` was held. */
static u32
reached_from(u32 from)
{
    u32 all = taken_after[from], before;
    do {
        before = all;
        for (u32 i = 0; i < kind_count; i++)
            if (all & 1u << i)
                all |= taken_after[i];
    } while (all != before);
    return all;
}

static NORETURN void
order_is_wrong(u32 wanted, u32 held_kind)
{
    const char *where = "by way of others";
    if (wanted == held_kind)
        panic("lock order: two \"%s\" at once", kinds[wanted]);
    if (taken_after[wanted] & 1u << held_kind) {
        u32 call = first_call[wanted][held_kind];
        where = call == NO_CALL ? "in no call" : syscall_name(call);
    }
    panic("lock order: \"%s\" while holding \"%s\", but it has been the other way round (%s)",
          kinds[wanted], kinds[held_kind], where);
}

void
lock_order_wanted(const struct mutex *mutex)
{
    struct fibril *self = current_fibril();
    INTERRUPTS_OFF_SCOPE();
    for (struct mutex *one = held[self->id % HELD_BUCKETS]; one; one = one->held_next) {
        if (one->owner != self || one == mutex) /* mutex_lock sees that by itself */
            continue;
        u32 from = kind_of(one), to = kind_of(mutex);
        if (taken_after[from] & 1u << to)
            continue;
        if (from == to || reached_from(to) & 1u << from)
            order_is_wrong(to, from);
        taken_after[from] |= 1u << to;
        first_call[from][to] = self->call_number;
    }
}

void
lock_order_taken(struct mutex *mutex)
{
    INTERRUPTS_OFF_SCOPE();
    struct mutex **bucket = &held[current_fibril()->id % HELD_BUCKETS];
    mutex->held_next = *bucket;
    *bucket = mutex;
}

void
lock_order_given(struct mutex *mutex)
{
    INTERRUPTS_OFF_SCOPE();
    struct mutex **place = &held[current_fibril()->id % HELD_BUCKETS];
    while (*place && *place != mutex)
        place = &(*place)->held_next;
    if (*place) /* not one that was taken before the checks began */
        *place = mutex->held_next;
}
