/* Loading a program: a static Linux/i386 ELF file into the running task's address space. */
#ifndef KERNEL_SYS_PROGRAM_H
#define KERNEL_SYS_PROGRAM_H

#include "kernel/types.h"

struct program {
    const char *path;
    unsigned argument_count, environment_count;
    const char *const *arguments; /* kernel memory, like the strings */
    const char *const *environment;
};

struct program_entry {
    uintptr_t instruction, stack; /* where user mode begins */
};

/* Fills the task's (empty) address space and builds the program's stack. Sleeps. 0, -ENOEXEC, -ENOMEM,
 * -E2BIG, the errors of opening and reading. On error the space may be partly filled. */
int program_load(const struct program *program, struct program_entry *entry);

/* At boot: lets the end of a task close its files and leave its directories. */
void program_init(void);

#endif
