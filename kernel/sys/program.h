/* Programs: static Linux/i386 ELF files and #! scripts, and the memory image they begin with. */
#ifndef KERNEL_SYS_PROGRAM_H
#define KERNEL_SYS_PROGRAM_H

#include "kernel/types.h"

/* Strings one behind the other, each with its zero: arguments or environment. */
struct string_list {
    char *bytes; /* heap */
    size_t used, size;
    u32 count;
};
#define STRING_LIST_BYTES_MOST (512u << 10)

int string_list_add(struct string_list *list, const char *string); /* 0, -ENOMEM, -E2BIG */
/* The strings that a user array of pointers, ended by a null pointer, names. Sleeps. */
int string_list_add_user(struct string_list *list, const u32 USER *pointers);
void string_list_free(struct string_list *list);

struct program {
    const char *path;
    const char *name; /* the path that was asked for; program_execute sets it */
    struct string_list arguments, environment;
};

struct program_entry {
    uintptr_t instruction, stack; /* where user mode begins */
};

/* Turns the running task into the program: everything is checked first, and an error up to there
 * changes nothing. Then other tasks of the process end, background calls are cancelled, and the
 * address space is exchanged; what fails after that kills the process. Sleeps. 0, -ENOEXEC, -ENOMEM,
 * -E2BIG, -EACCES, the errors of opening and reading. */
int program_execute(struct program *program, struct program_entry *entry);

/* At boot: lets the end of a task close its files and leave its directories. */
void program_init(void);

#endif
