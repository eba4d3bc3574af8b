/* Rings of results in a program's memory: see user_ring.h. All is moved in words of 32 bits,
 * which never cross a page. */
#include "kernel/async/user_ring.h"

#include "arch.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/pin.h"
#include "kernel/task.h"

#define RESULT_WORDS (sizeof(struct asyncfd_result) / sizeof(u32))
#define COOKIE_WORDS 2u
#define USER_INDEX offsetof(struct asyncfd_uring, iuser)
#define KERNEL_INDEX offsetof(struct asyncfd_uring, ikernel)

_Static_assert(sizeof(struct asyncfd_uring) == 20 && sizeof(struct asyncfd_result) == 32, "ABI");

/* A piece of user memory. */
struct pinned {
    u32 offset; /* of its beginning in the first page */
    u32 count;
    struct page **pages;
};

struct user_ring {
    struct pinned header, results;
    u32 size; /* of results */
    u32 next; /* where the next one goes: the kernel's own, not the program's copy */
    struct page *header_pages[2];
};

static volatile u32 *
word_at(const struct pinned *memory, u32 byte)
{
    u32 at = memory->offset + byte;

    return (volatile u32 *)((u8 *)page_address(memory->pages[at / PAGE_SIZE]) + at % PAGE_SIZE);
}

static void
memory_unpin(struct pinned *memory)
{
    while (memory->count > 0)
        page_unpin(memory->pages[--memory->count]);
}

/* memory->pages has room for all. */
static int
memory_pin(struct pinned *memory, uintptr_t start, size_t bytes)
{
    u32 pages = DIVIDE_UP(start % PAGE_SIZE + bytes, PAGE_SIZE);
    int error = 0;

    memory->offset = start % PAGE_SIZE;
    while (!error && memory->count < pages) {
        uintptr_t address = ALIGN_DOWN(start, (uintptr_t)PAGE_SIZE) + memory->count * PAGE_SIZE;
        error = page_pin(current_task()->space, address, &memory->pages[memory->count]);
        memory->count += !error;
    }
    if (error)
        memory_unpin(memory);
    return error;
}

static int
header_check(const struct asyncfd_uring *header, uintptr_t address)
{
    if (header->size == 0 || header->size > ASYNCFD_SIZE_MOST ||
        header->iuser >= header->size || header->ikernel >= header->size ||
        header->ptr % sizeof(u32) != 0 || address % sizeof(u32) != 0)
        return -EINVAL;
    return header->ptr > USER_END || header->size * sizeof(struct asyncfd_result) >
                                         USER_END - header->ptr
               ? -EFAULT
               : 0;
}

int
user_ring_create(struct asyncfd_uring USER *user, struct user_ring **result)
{
    struct asyncfd_uring header;
    struct user_ring *ring;
    size_t bytes;
    int error = copy_from_user(&header, user, sizeof header);

    if (!error)
        error = header_check(&header, (uintptr_t)user);
    if (error)
        return error;
    bytes = header.size * sizeof(struct asyncfd_result);
    ring = heap_alloc(sizeof *ring + (bytes / PAGE_SIZE + 2) * sizeof(struct page *));
    if (!ring)
        return -ENOMEM;
    ring->header.pages = ring->header_pages;
    ring->results.pages = (struct page **)(ring + 1);
    ring->size = header.size;
    ring->next = header.ikernel;
    error = memory_pin(&ring->header, (uintptr_t)user, sizeof header);
    if (!error)
        error = memory_pin(&ring->results, (uintptr_t)header.ptr, bytes);
    if (error) {
        user_ring_destroy(ring);
        return error;
    }
    *result = ring;
    return 0;
}

void
user_ring_destroy(struct user_ring *ring)
{
    if (!ring)
        return;
    memory_unpin(&ring->header);
    memory_unpin(&ring->results);
    heap_free(ring);
}

static bool
slot_is_free(const struct user_ring *ring, u32 index)
{
    u32 at = index * (u32)sizeof(struct asyncfd_result);

    return !(*word_at(&ring->results, at) | *word_at(&ring->results, at + sizeof(u32)));
}

bool
user_ring_store(struct user_ring *ring, const struct asyncfd_result *result)
{
    const u32 *words = (const u32 *)result;
    u32 at = ring->next * (u32)sizeof *result;

    if (!user_ring_usable(ring) || !slot_is_free(ring, ring->next))
        return false;
    for (u32 i = COOKIE_WORDS; i < RESULT_WORDS; i++)
        *word_at(&ring->results, at + i * sizeof(u32)) = words[i];
    memory_barrier();
    for (u32 i = 0; i < COOKIE_WORDS; i++)
        *word_at(&ring->results, at + i * sizeof(u32)) = words[i];
    memory_barrier();
    ring->next = ring->next + 1 < ring->size ? ring->next + 1 : 0;
    *word_at(&ring->header, KERNEL_INDEX) = ring->next;
    return true;
}

bool
user_ring_usable(const struct user_ring *ring)
{
    return *word_at(&ring->header, USER_INDEX) < ring->size;
}

/* Equal indices mean that all has been taken, or nothing: the slot tells. */
bool
user_ring_unread(const struct user_ring *ring)
{
    u32 index = *word_at(&ring->header, USER_INDEX);

    return index < ring->size && (index != ring->next || !slot_is_free(ring, index));
}
