/* The registers that every entry into the kernel leaves on the fibril's stack (traps.asm). For user
 * fibrils the frame of the entry from user mode always ends at stack_top. */
#ifndef ARCH_REGISTERS_H
#define ARCH_REGISTERS_H

#include "kernel/types.h"

struct registers {
    unsigned long ebx, ecx, edx, esi, edi, ebp; /* a system call's six arguments, in this order */
    unsigned long eax;
    unsigned long ds, es;
    unsigned long trap, error;
    unsigned long eip, cs, eflags;
    unsigned long esp, ss; /* only when entered from user mode */
};
_Static_assert(sizeof(struct registers) == 64, "traps.asm knows this size");

#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_CODE 0x1b
#define SELECTOR_USER_DATA 0x23
#define SELECTOR_TASK 0x28
#define SELECTOR_DOUBLE_FAULT 0x30
#define SELECTOR_TLS_FIRST 0x3b /* three entries from index 7 on */
#define GDT_TLS_INDEX 7

#define EFLAGS_INTERRUPT 0x200
#define EFLAGS_FIXED 0x2

static inline bool
registers_from_user(const struct registers *registers)
{
    return registers->cs & 3;
}

#endif
