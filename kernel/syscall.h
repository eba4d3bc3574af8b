/* The dispatcher: the one way from a call number to its handler, for int 0x80 and for every
 * asynchronous interface. */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include "kernel/types.h"

#define SYSCALL_USER_CONTEXT 1u /* refused in background calls: acts on the caller's context */
/* Numbers that an older interface of ours took before Linux did. In programs that carry our ELF note they
 * mean ours, which stands so much further on. */
#define SYSCALL_TWO_MEANINGS 2u
#define OWN_NUMBERS_BEHIND 192u
#define SYSCALL_GIVES_REGISTERS 4u /* its result is what user mode had in eax, whatever that looks like */

struct syscall_entry {
    long (*call)(const unsigned long *arguments); /* six words; NULL: not built in */
    const char *name;
    u8 argument_count;
    u8 flags; /* SYSCALL_ bits */
};

/* The generated table; only start-up code names it. */
extern const struct syscall_entry syscall_table[];
extern const unsigned syscall_table_size;

/* At boot: what syscall_invoke dispatches to. */
void syscall_set_table(const struct syscall_entry *table, unsigned size);

/* Runs the handler on the running fibril: its result, -ENOSYS for a number that is not built in,
 * -EINVAL for a call that a background fibril may not make. May sleep. */
long syscall_invoke(u32 number, const unsigned long *arguments);
struct registers;
void syscall_from_user(struct registers *registers); /* the hook for int 0x80 */
const char *syscall_name(u32 number); /* never NULL */

#endif
