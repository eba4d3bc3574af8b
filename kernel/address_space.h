/* A program's address space: areas of user addresses, and the page directory that shows what has been
 * touched of them. Pages come at the first touch. Counted: threads share one.
 *
 * A page shown here is referenced. In a private area a page that others have too (the page cache, the
 * parent or child of a fork) is shown read-only, and copied when it is written to.
 *
 * Areas are changed by fibrils that do not sleep meanwhile, so there is no lock. A fault that has to
 * sleep (its page is read from a disk) looks afterwards whether areas have changed, and if so lets the
 * fault happen again. */
#ifndef KERNEL_ADDRESS_SPACE_H
#define KERNEL_ADDRESS_SPACE_H

#include "arch.h"
#include "kernel/list.h"
#include "kernel/types.h"

#define PROTECTION_READ 1u
#define PROTECTION_WRITE 2u
#define PROTECTION_EXECUTE 4u

#define USER_END 0x80000000u
#define USER_STACK_TOP 0x7ffff000u
#define USER_STACK_BYTES (8u << 20)
#define USER_MAP_TOP (USER_STACK_TOP - USER_STACK_BYTES - (1u << 20)) /* mappings grow down from here */

#define AREA_NO_WRITE 1u     /* it may never be made writable: shared, of a file open for reading */
#define AREA_NO_FORK 2u      /* children do not get it (madvise) */
#define AREA_WIPE_ON_FORK 4u /* children find zeros (madvise) */
#define AREA_STACK 8u        /* its new pages lie above stack_least */
#define AREAS_MOST 16384u    /* of one address space */

struct area {
    struct list link; /* ascending, never overlapping */
    uintptr_t start, end;
    u32 protection;
    bool shared;               /* writes go to the source's pages */
    u8 flags;                  /* AREA_ bits */
    struct map_source *source; /* counted; NULL: anonymous */
    u32 source_page;           /* the source's page that is shown at `start` */
};

/* What an upper floor keeps for an address space, and frees with it (the last task that used it has left
 * it, and its calls have ended); may sleep. */
struct address_space_part {
    struct list link;
    void (*release)(struct address_space_part *part);
};

struct address_space {
    u32 references;
    struct list parts; /* struct address_space_part */
    page_directory directory;
    struct list areas;
    struct area *last_found; /* where the last look-up ended */
    uintptr_t heap_start, heap_end; /* brk */
    uintptr_t stack_least; /* where LIMIT_STACK lets the stack grow to */
    u32 page_count, pages_most; /* shown now, and at one time */
    u32 changes; /* of areas, so far */
    u32 area_count;
    /* For /proc: the file that it runs (counted, or NULL), and where its strings lie. */
    struct map_source *program;
    uintptr_t arguments_start, arguments_end, environment_start, environment_end;
};

int address_space_create(struct address_space **space);
/* For fork: the same contents, private pages to be copied by whoever writes first. 0 or -ENOMEM. */
int address_space_copy(struct address_space *from, struct address_space **space);
void address_space_get(struct address_space *space);
void address_space_put(struct address_space *space);
/* Interrupts off: brings its page directory in. */
static inline void
address_space_load(const struct address_space *space)
{
    page_directory_load(space->directory);
}

/* A new area of [start, start+size), both page aligned; what was there goes. 0, -EINVAL, -ENOMEM. */
int area_create(struct address_space *space, uintptr_t start, size_t size, u32 protection);
/* The same, showing `source` (a reference is taken) from its page `source_page` on. */
int area_create_mapped(struct address_space *space, uintptr_t start, size_t size, u32 protection,
                       bool shared, struct map_source *source, u32 source_page);
/* The same by example: start to source_page count. */
int area_create_like(struct address_space *space, const struct area *new);
/* mremap: makes the mapping [start, start+old_size), one area or part of one, new_size long; in place
 * or, if it may move, elsewhere. *result is where it is. -EFAULT, -ENOMEM, -EINVAL. */
int area_resize(struct address_space *space, uintptr_t start, size_t old_size, size_t new_size,
                bool may_move, uintptr_t *result);
/* The same, to `to`, where nothing of the old range lies; what was there goes. */
int area_move_to(struct address_space *space, uintptr_t start, size_t old_size, size_t new_size,
                 uintptr_t to);
/* The stack may have this many bytes. */
void address_space_limit_stack(struct address_space *space, size_t bytes);
size_t address_space_size(const struct address_space *space); /* of all areas */
bool area_range_mapped(struct address_space *space, uintptr_t start, uintptr_t end);
/* Splits areas so that none crosses the ends of the range. 0 or -ENOMEM. */
int area_isolate(struct address_space *space, uintptr_t start, uintptr_t end);
/* Copies what is in memory of [address, address+size) of any address space; how much, up to the first
 * page that has not been touched. Never sleeps, never faults. */
size_t address_space_peek(const struct address_space *space, uintptr_t address, void *to, size_t size);
/* Gives back the pages that are shown there; the next touch finds what the source has, or zeros. */
void address_space_drop_pages(struct address_space *space, uintptr_t start, uintptr_t end);
struct area *area_find(struct address_space *space, uintptr_t address); /* or NULL */
/* A free range for `size` bytes, high addresses first. 0 or -ENOMEM. */
int area_find_free(struct address_space *space, size_t size, uintptr_t *start);
bool area_range_free(struct address_space *space, uintptr_t start, uintptr_t end);
/* Takes [start, start+size) out, areas and pages. 0, -ENOMEM (an area had to be split). */
int area_remove(struct address_space *space, uintptr_t start, size_t size);
/* Changes the protection of a range, up to its first hole (-ENOMEM) or up to an area that may not have this
 * protection (-EACCES). */
int area_protect(struct address_space *space, uintptr_t start, size_t size, u32 protection);
/* The page fault: 0 mended, or to be tried again; -EFAULT: no such area; -EACCES: not allowed there;
 * -ENXIO: beyond the end of the file; -EIO, -ENOMEM, or why the fibril was cancelled. May sleep. */
int address_space_fault(struct address_space *space, uintptr_t address, bool write);

#endif
