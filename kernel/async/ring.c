/* Rings: see ring.h. */
#include "kernel/async/ring.h"
#include "arch.h"
#include "kernel/async/ring_memory.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/string.h"

#define SUBMISSIONS_MOST 4096u
#define COMPLETIONS_MOST 65536u
#define HEADER_BYTES 64u

_Static_assert(sizeof(struct asys_ring) == HEADER_BYTES, "ABI");
_Static_assert(sizeof(struct asys_entry) == 64 && sizeof(struct asys_event) == 32, "ABI");

struct ring {
    struct map_source *memory;
    volatile struct asys_ring *header;
    u32 submissions, completions; /* powers of two */
    u32 submission_offset, completion_offset;
    u32 shown_at; /* for the program, at first */
    u32 bytes;
    u32 submission_head, completion_tail; /* the kernel's own, not the program's copy */
};

static u32
power_of_two(u32 least, u32 wanted, u32 most)
{
    u32 size = least;
    while (size < wanted && size < most)
        size *= 2;
    return size;
}

/* Entries divide the page size, so none crosses a page. */
static void *
ring_at(const struct ring *ring, u32 offset)
{
    return ring_memory_at(ring->memory, offset);
}

static void
header_init(struct ring *ring)
{
    ring->header = ring_at(ring, 0);
    ring->header->submission_mask = ring->submissions - 1;
    ring->header->completion_mask = ring->completions - 1;
    ring->header->submission_offset = ring->submission_offset;
    ring->header->completion_offset = ring->completion_offset;
}

void
asys_ring_hide(const struct ring *ring)
{
    ring_memory_unmap(ring->memory, ring->shown_at, ring->bytes);
}

int
asys_ring_create(struct asys_context *context, struct asys_setup *setup)
{
    if (setup->submissions > SUBMISSIONS_MOST || setup->completions > COMPLETIONS_MOST)
        return -EINVAL;
    struct ring *ring = heap_alloc(sizeof(*ring));
    if (!ring)
        return -ENOMEM;
    ring->submissions = power_of_two(8, setup->submissions, SUBMISSIONS_MOST);
    ring->completions = power_of_two(8, setup->completions, COMPLETIONS_MOST);
    ring->submission_offset = HEADER_BYTES;
    ring->completion_offset = HEADER_BYTES + ring->submissions * sizeof(struct asys_entry);
    ring->bytes = ring->completion_offset + ring->completions * (u32)sizeof(struct asys_event);
    int error = ring_memory_create(ring->bytes, &ring->memory, &ring->shown_at);
    if (error) {
        heap_free(ring);
        return error;
    }
    header_init(ring);
    setup->ring_address = ring->shown_at;
    setup->submissions = ring->submissions;
    setup->completions = ring->completions;
    context->ring = ring;
    context->plain = false;
    return 0;
}

void
asys_ring_destroy(struct ring *ring)
{
    if (!ring)
        return;
    map_source_put(ring->memory);
    heap_free(ring);
}

/* ---- Completions ---- */

/* What the program has not taken yet; more than there can be is nonsense and counts as full. */
u32
asys_ring_ready(const struct ring *ring)
{
    u32 used = ring->completion_tail - ring->header->completion_head;
    return MIN(used, ring->completions);
}

static bool
event_store(struct ring *ring, const struct asys_record *record)
{
    if (asys_ring_ready(ring) == ring->completions)
        return false;
    struct asys_event *event =
        ring_at(ring, ring->completion_offset + (ring->completion_tail & (ring->completions - 1)) *
                                                    (u32)sizeof(*event));
    *event = (struct asys_event){record->cookie, record->id, record->result, record->event_flags, 0};
    memory_barrier();
    ring->header->completion_tail = ++ring->completion_tail;
    return true;
}

bool
asys_ring_store(struct asys_context *context, struct asys_record *record)
{
    if (context->completed_count > 0) {
        INTERRUPTS_OFF_SCOPE();
        if (!asys_ring_flush(context))
            return false;
    }
    return event_store(context->ring, record);
}

bool
asys_ring_flush(struct asys_context *context)
{
    while (!list_empty(&context->completed)) {
        struct asys_record *record = list_first(&context->completed, struct asys_record, link);
        if (!event_store(context->ring, record))
            break;
        list_remove(&record->link);
        context->completed_count--;
        list_add_tail(&context->moved, &record->link);
    }
    context->ring->header->waiting = context->completed_count;
    return context->completed_count == 0;
}

/* ---- Submissions ---- */

u32
asys_ring_waiting(const struct ring *ring)
{
    u32 waiting = ring->header->submission_tail - ring->submission_head;
    return waiting <= ring->submissions ? waiting : 0;
}

static struct asys_entry *
submission_at(const struct ring *ring, u32 index)
{
    return ring_at(ring, ring->submission_offset +
                             (index & (ring->submissions - 1)) * (u32)sizeof(struct asys_entry));
}

void
asys_ring_take(struct ring *ring, struct asys_entry *entry)
{
    memory_barrier();
    memcpy(entry, submission_at(ring, ring->submission_head), sizeof(*entry));
    memory_barrier();
    ring->header->submission_head = ++ring->submission_head;
}

void
asys_ring_tell_id(struct ring *ring, u64 id)
{
    submission_at(ring, ring->submission_head - 1)->id = id;
}

void
asys_ring_give_back(struct ring *ring)
{
    ring->header->submission_head = --ring->submission_head;
}
