/* Cancelling calls: by id, by context, by thread, and by their deadline. The call is not taught
 * anything: its fibril is cancelled, so any killable sleep of it ends, and it unwinds through its own
 * error paths. A call that has not begun yet ends when it is its turn. */
#include "arch.h"
#include "kernel/async/context.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/task.h"

#define BUCKETS 8192u

static struct asys_record *buckets[BUCKETS]; /* records with ASYS_WANT_ID, by id; interrupts off */

void
asys_id_insert(struct asys_record *record)
{
    INTERRUPTS_OFF_SCOPE();
    struct asys_record **bucket = &buckets[record->id % BUCKETS];
    record->hash_next = *bucket;
    *bucket = record;
}

void
asys_id_remove(struct asys_record *record)
{
    INTERRUPTS_OFF_SCOPE();
    struct asys_record **place = &buckets[record->id % BUCKETS];
    while (*place != record)
        place = &(*place)->hash_next;
    *place = record->hash_next;
}

void
asys_record_cancel(struct asys_record *record, int error)
{
    INTERRUPTS_OFF_SCOPE();
    if (record->chain && !record->chain->cancel_error)
        record->chain->cancel_error = error;
    if (!record->cancel_error)
        record->cancel_error = error;
    if (record->fibril)
        fibril_cancel(record->fibril, error);
}

u32
asys_cancel_context(struct asys_context *context, int error)
{
    struct asys_record *record;
    u32 count = 0;
    INTERRUPTS_OFF_SCOPE();
    list_for_each(record, &context->active, link) {
        if (record->fibril == current_fibril())
            continue;
        asys_record_cancel(record, error);
        count++;
    }
    return count;
}

u32
asys_cancel_task(struct task *task)
{
    struct fibril *fibril;
    u32 count = 0;
    INTERRUPTS_OFF_SCOPE();
    list_for_each(fibril, &task->fibrils, task_link) {
        struct asys_record *record = fibril->call ? asys_record_of(fibril->call) : NULL;
        if (!record || fibril == current_fibril())
            continue;
        asys_record_cancel(record, -ECANCELED);
        count++;
    }
    return count;
}

bool
asys_cancel_id(struct asys_context *context, u64 id)
{
    INTERRUPTS_OFF_SCOPE();
    for (struct asys_record *record = buckets[id % BUCKETS]; record; record = record->hash_next)
        if (record->id == id && record->context == context) {
            asys_record_cancel(record, -ECANCELED);
            return true;
        }
    return false;
}
