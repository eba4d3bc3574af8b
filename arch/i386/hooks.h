/* What the CPU floor hands up, and what it is handed: one table of functions that start-up code fills
 * before anything else. So this floor names nothing of the floors above. traps.asm knows the order of
 * the first two. */
#ifndef ARCH_HOOKS_H
#define ARCH_HOOKS_H

#include "arch/i386/registers.h"

struct arch_hooks {
    void (*system_call)(struct registers *registers); /* interrupts on; may sleep */
    void (*double_fault)(void);                       /* on its own stack; never returns */
    /* A page fault at a user address, from user mode or inside a user copy. 0 when mended, or why
     * not. Called with interrupts on; may sleep. */
    int (*user_fault)(uintptr_t address, bool write);
    /* It could not be mended, and user mode caused it. */
    void (*user_fault_failed)(int error, uintptr_t address);
    /* User mode did what it may not: the signal's number and si_code. */
    void (*user_exception)(unsigned signal, int code, uintptr_t address);
    void (*return_work)(struct registers *registers); /* task->return_work is not zero; interrupts on */
    void (*tick)(u64 now_ns);                         /* 1 ms; interrupts off */
    void (*interrupt)(unsigned line, bool from_user); /* before each handler: for the trace */

    /* What this floor needs of those above; filled in first of all. Any context; no sleep. */
    void (*log)(const char *format, ...);
    void (*panic)(const char *format, ...) NORETURN;
    u32 (*page_take)(bool zeroed); /* a page's physical address; 0: none */
    void (*page_give)(u32 physical);
    void *(*memory_take)(size_t size); /* zeroed; NULL: none */
    void (*memory_give)(void *memory);
};
extern struct arch_hooks arch_hooks;

#define ARCH_ASSERT(condition)                                                                     \
    do {                                                                                           \
        if (unlikely(!(condition)))                                                                \
            arch_hooks.panic("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__);      \
    } while (0)

#endif
