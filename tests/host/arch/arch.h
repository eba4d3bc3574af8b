/* The CPU-specific floor as host unit tests see it: stands in for arch/i386/arch.h, with the same
 * names. One thread, so sections with interrupts off only count their depth; user memory is the
 * test's own; physical addresses are frame numbers of a table in tests/host/support/page.c. */
#ifndef ARCH_H
#define ARCH_H

#include <string.h>

#include "kernel/types.h"

/* ---- Interrupt flag ---- */

typedef unsigned long interrupt_state;
extern unsigned long host_interrupts_off; /* depth */

static inline interrupt_state
interrupts_save(void)
{
    return host_interrupts_off++;
}

static inline void
interrupts_restore(interrupt_state state)
{
    host_interrupts_off = state;
}

static inline bool
interrupts_enabled(void)
{
    return host_interrupts_off == 0;
}

static inline void
interrupts_leave_scope(const interrupt_state *state)
{
    interrupts_restore(*state);
}

#define INTERRUPTS_OFF_SCOPE()                                                                     \
    __attribute__((cleanup(interrupts_leave_scope), unused)) interrupt_state interrupt_scope =     \
        interrupts_save()

struct interrupt_handler {
    bool (*handle)(void *argument);
    void *argument;
    struct interrupt_handler *next;
};
void interrupt_register(unsigned line, struct interrupt_handler *handler);
bool interrupt_running(void);
/* Host only: calls the line's handlers as an interrupt would; was it anybody's? */
bool host_interrupt(unsigned line);

/* ---- Time: stands still but for host_time_advance, which also runs the timers due. ---- */

u64 time_now_ns(void);
u64 time_boot_unix_ns(void);
u64 time_cycles(void);
void time_delay_us(unsigned microseconds);
void host_time_advance(u64 nanoseconds);

/* ---- User memory ---- */

/* The first page is never mapped: a copy from or to there faults. */
static inline int
copy_from_user(void *to, const void *from, size_t size)
{
    if (size && (uintptr_t)from < PAGE_SIZE)
        return -14; /* -EFAULT */
    memcpy(to, from, size);
    return 0;
}

static inline int
copy_to_user(void *to, const void *from, size_t size)
{
    if (size && (uintptr_t)to < PAGE_SIZE)
        return -14;
    memcpy(to, from, size);
    return 0;
}

static inline int
clear_user(void *to, size_t size)
{
    if (size && (uintptr_t)to < PAGE_SIZE)
        return -14;
    memset(to, 0, size);
    return 0;
}

int copy_string_from_user(char *to, const char *from, size_t size);

static inline bool
user_range_valid(const void *address, size_t size)
{
    (void)size;
    return address != NULL;
}

/* ---- Physical memory ---- */

void *physical_to_virtual(u32 physical);
u32 virtual_to_physical(const void *address);
volatile void *device_map(u32 physical, size_t size);

/* ---- Page directories (tests/host/kernel/paging.h) ---- */

typedef u32 page_directory;
#define MAP_WRITE 1u
#define MAP_HIDDEN 2u
int page_directory_create(page_directory *directory);
void page_directory_destroy(page_directory directory);
void page_directory_load(page_directory directory);
int page_map(page_directory directory, uintptr_t virtual, u32 physical, unsigned flags);
u32 page_unmap(page_directory directory, uintptr_t virtual);
uintptr_t page_next_mapped(page_directory directory, uintptr_t virtual, uintptr_t end);
u32 page_lookup(page_directory directory, uintptr_t virtual, unsigned *flags);
void page_protect(page_directory directory, uintptr_t virtual, unsigned flags);

__attribute__((noreturn)) void machine_halt(void);
__attribute__((noreturn)) void machine_exit(unsigned status);
__attribute__((noreturn)) void machine_power_off(void);
void backtrace_print(const void *frame, unsigned depth);

#endif
