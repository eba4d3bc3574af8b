/* The structures that programs and the kernel share for syslets and threadlets: the only definition of
 * them; the kernel includes this file too. Atoms and heads have the layout of the sixth version of Ingo
 * Molnar's patches: the same for 32 and 64 bits. Of each 64-bit pointer the upper half must be 0. */
#ifndef FIBRIL_SYSLET_ABI_H
#define FIBRIL_SYSLET_ABI_H

#include <stdint.h>

/* ---- async_exec (516): a chain of atoms, each one system call ---- */

struct syslet_uatom {
    uint32_t flags;
    uint32_t nr;         /* the call's number; the upper 16 bits are 0 */
    uint64_t ret_ptr;    /* the word where the result goes, or 0 */
    uint64_t next;       /* the atom that follows, or 0 */
    uint64_t arg_ptr[6]; /* pointers to the words that are the arguments, up to the first 0 */
    uint64_t private_;   /* the program's own: not looked at, but goes into an asyncfd */
};
#define SYSLET_HEADER_BYTES 24u /* up to arg_ptr: what of an atom is always there */

#define SYSLET_ASYNC 1u                  /* async_exec returns at once: from here on by itself */
#define SYSLET_SYNC 2u                   /* async_exec waits for this atom, even if it blocks */
#define SYSLET_NO_COMPLETE 4u            /* a chain that ends here says nothing in the ring */
#define SYSLET_STOP_ON_NONZERO 8u        /* the chain stops on results like these: */
#define SYSLET_STOP_ON_ZERO 0x10u
#define SYSLET_STOP_ON_NEGATIVE 0x20u
#define SYSLET_STOP_ON_NON_POSITIVE 0x40u
#define SYSLET_STOP_ON_ERROR 0x100u      /* an error: not a value that only looks like one */
#define SYSLET_SKIP_TO_NEXT_ON_STOP 0x80u /* and then goes on with the atom behind this one in memory */
#define SYSLET_STOPS 0x178u
#define SYSLET_FLAGS 0x1ffu

/* ---- The head: where completions go. Its words are read at async_exec, async_wait, threadlet_on. ---- */

struct async_head_user {
    uint64_t kernel_ring_idx; /* the slot that the kernel fills next */
    uint64_t user_ring_idx;   /* the slot that the program empties next; not looked at */
    uint64_t completion_ring_ptr; /* slots of 4 bytes; one that is 0 is free */
    uint64_t ring_size_bytes;
    uint64_t head_stack, head_ip;             /* these four: 0 */
    uint64_t new_thread_stack, new_thread_ip;
};

/* ---- threadlet_on (520): a page in which a user context says that it may be relieved ---- */

/* The state to which the context that takes over is set, where the program has put it. */
struct threadlet_record {
    uint32_t ebx, esi, edi, ebp, esp, eip;
    uint32_t fs, gs;
    uint32_t head;  /* the async_head_user that is told when the context left behind ends */
    uint32_t value; /* by this in its ring */
};
struct threadlet_page {
    uint32_t armed; /* the address of the innermost threadlet_record, or 0; the kernel puts 0 */
    /* The kernel's: what the context had before it changed it while `armed`. */
    uint32_t kept;  /* the program puts 0 when it arms; a THREADLET_KEPT bit for each that follows */
    uint32_t mask[2];
    uint32_t stack_base, stack_size;
};
#define THREADLET_KEPT_MASK 1u
#define THREADLET_KEPT_STACK 2u

#endif
