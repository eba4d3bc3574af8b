/* Syslets: chains of system calls that the kernel runs one after the other, with results as arguments,
 * loops and branches. A chain that does not block has run when async_exec returns; one that blocks goes on
 * by itself, and its last atom's address comes through the head's ring. syslets(7) begins the manual.
 *
 *     SYSLET(chain, 4);                                     a file's status, and its beginning:
 *     int file = syslet_call(&chain, SYS_open, path, O_RDONLY);
 *     syslet_flag(&chain, file, SYSLET_STOP_ON_ERROR);
 *     syslet_call(&chain, SYS_fstat64, syslet_from(file), &status);
 *     int size = syslet_call(&chain, SYS_read, syslet_from(file), buffer, sizeof buffer);
 *     syslet_call(&chain, SYS_close, syslet_from(file));
 *     if (syslet_exec(&chain, &head) == 0)
 *         async_next(&head);                                it has blocked: its last atom
 *     ... syslet_result(&chain, size) ...
 *
 * Functions give a negative error number, or what is said; they do not touch errno. The chain, what its
 * arguments point to and the head must live until the completion. */
#ifndef FIBRIL_SYSLET_H
#define FIBRIL_SYSLET_H

#include <fibril/calls.h>
#include <fibril/syslet_abi.h>
#include <stddef.h>
#include <sys/syscall.h>

/* ---- Heads: one thread at a time may use one. ---- */

struct async_head {
    struct async_head_user user; /* first */
    volatile uint32_t *ring;
    unsigned slots;
};
static inline void
async_head_init(struct async_head *head, uint32_t *ring, unsigned slots)
{
    for (unsigned i = 0; i < slots; i++)
        ring[i] = 0;
    *head = (struct async_head){
        .user = {.completion_ring_ptr = (unsigned long)ring, .ring_size_bytes = slots * 4ull},
        .ring = ring,
        .slots = slots,
    };
}

/* The next completion, without a system call: an atom's address, or a threadlet's stack; NULL: none. */
static inline void *
async_peek(struct async_head *head)
{
    unsigned index = (unsigned)head->user.user_ring_idx;
    void *event = (void *)head->ring[index];
    if (!event)
        return NULL;
    head->ring[index] = 0;
    head->user.user_ring_idx = index + 1 == head->slots ? 0 : index + 1;
    return event;
}
/* Sleeps until so many completions are there: how many, with those that wait in the kernel for room;
 * fewer when no more will come, and if there are none -EDEADLK; -EINTR, -EFAULT. */
static inline long
async_await(struct async_head *head, unsigned least)
{
    return sys_async_wait(least, (unsigned long)head->user.user_ring_idx, &head->user);
}
/* The next completion; sleeps for it. NULL: none will come, or a signal came. */
void *async_next(struct async_head *head);

/* ---- Chains ---- */

struct syslet_words { /* what an atom's pointers show */
    long result;
    unsigned long argument[6];
    int next_chosen; /* by the program */
};
struct syslet {
    struct syslet_uatom *atoms;
    struct syslet_words *words;
    unsigned count, room;
};
/* A chain with room for so many atoms, where a declaration can stand. */
#define SYSLET(name, most)                                                                         \
    struct syslet_uatom name##_atoms[most];                                                        \
    struct syslet_words name##_words[most];                                                        \
    struct syslet name = {name##_atoms, name##_words, 0, most}

/* Adds an atom that makes this call after the one before it; its place in the chain, by which the others
 * know it. When there is no room: -1, and the chain cannot be run. */
#define syslet_call(chain, ...)                                                                    \
    SYSLET_CALL_(chain, SYSLET_COUNT_(__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0), __VA_ARGS__, 0, 0, 0, 0, \
                 0, 0, 0)
#define SYSLET_COUNT_(number, a, b, c, d, e, f, count, ...) count
#define SYSLET_CALL_(chain, count, number, a, b, c, d, e, f, ...)                                  \
    syslet_add(chain, number, count,                                                               \
               SYSLET_SOURCE_(a, 0) | SYSLET_SOURCE_(b, 1) | SYSLET_SOURCE_(c, 2) |                \
                   SYSLET_SOURCE_(d, 3) | SYSLET_SOURCE_(e, 4) | SYSLET_SOURCE_(f, 5),             \
               (const unsigned long[6]){(unsigned long)(a), (unsigned long)(b),                    \
                                        (unsigned long)(c), (unsigned long)(d),                    \
                                        (unsigned long)(e), (unsigned long)(f)})
int syslet_add(struct syslet *chain, int number, int count, unsigned sources,
               const unsigned long arguments[6]);

/* As an argument of syslet_call: the result of another atom, or a word of the program, as it is when the
 * new atom is reached. */
#define syslet_from(atom) ((struct syslet_result_ *)(long)(atom))
#define syslet_word(address) ((struct syslet_word_ *)(address))
#define SYSLET_SOURCE_(a, i)                                                                       \
    _Generic((a), struct syslet_result_ *: 1u << (i), struct syslet_word_ *: 0x100u << (i), default: 0u)

/* Both return the atom. */
int syslet_flag(struct syslet *chain, int atom, unsigned flags);
/* After it comes this one instead; SYSLET_END: none. */
int syslet_next(struct syslet *chain, int atom, int next);
#define SYSLET_END -1

static inline long
syslet_result(const struct syslet *chain, int atom)
{
    return chain->words[atom].result;
}

/* 1: it has run; 0: it goes on by itself; or why it ended early: -EFAULT, -EINVAL, -EAGAIN. */
int syslet_exec(struct syslet *chain, struct async_head *head);
/* Where it ended: the place of its last atom, from what async_next gave. */
static inline int
syslet_ended_at(const struct syslet *chain, const void *event)
{
    return (int)((const struct syslet_uatom *)event - chain->atoms);
}

#endif
