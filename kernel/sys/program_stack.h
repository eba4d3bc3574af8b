/* The stack that a program begins with. */
#ifndef KERNEL_SYS_PROGRAM_STACK_H
#define KERNEL_SYS_PROGRAM_STACK_H

#include "kernel/sys/program.h"

struct program_stack {
    u32 program_headers, program_header_count, entry; /* for the auxiliary vector */
    const char *path;
    const struct string_list *arguments, *environment;
};

/* Makes the stack's area in the running task's address space and fills it. 0, -ENOMEM, -EFAULT. */
int program_stack_build(const struct program_stack *program, uintptr_t *stack_pointer);

#endif
