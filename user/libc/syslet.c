/* <fibril/syslet.h> */
#include <errno.h>
#include <fibril/syslet.h>
#include <string.h>

void *
async_next(struct async_head *head)
{
    void *event;

    while (!(event = async_peek(head)))
        if (async_await(head, 1) <= 0)
            return NULL;
    return event;
}

/* Where the word of argument i lies: in the atom's own words, or where the program said. */
static const void *
argument_place(const struct syslet *chain, struct syslet_words *own, int i, unsigned sources,
               unsigned long value)
{
    if (sources & 1u << i)
        return value < chain->count ? &chain->words[value].result : NULL;
    if (sources & 0x100u << i)
        return (const void *)value;
    own->argument[i] = value;
    return &own->argument[i];
}

int
syslet_add(struct syslet *chain, int number, int count, unsigned sources,
           const unsigned long arguments[6])
{
    unsigned place = chain->count++;

    if (place >= chain->room)
        return -1;
    struct syslet_uatom *atom = &chain->atoms[place];
    struct syslet_words *words = &chain->words[place];
    *atom = (struct syslet_uatom){.nr = number, .ret_ptr = (unsigned long)&words->result};
    words->next_chosen = 0;
    for (int i = 0; i < count; i++) {
        const void *word = argument_place(chain, words, i, sources, arguments[i]);
        atom->arg_ptr[i] = (unsigned long)word;
        if (!word)
            chain->count = chain->room + 1; /* such an atom there is not: the chain cannot be run */
    }
    if (place > 0 && !words[-1].next_chosen)
        atom[-1].next = (unsigned long)atom;
    return (int)place;
}

int
syslet_flag(struct syslet *chain, int atom, unsigned flags)
{
    if (atom >= 0)
        chain->atoms[atom].flags |= flags;
    return atom;
}

int
syslet_next(struct syslet *chain, int atom, int next)
{
    if (atom >= 0) {
        chain->atoms[atom].next = next < 0 ? 0 : (unsigned long)&chain->atoms[next];
        chain->words[atom].next_chosen = 1;
    }
    return atom;
}

int
syslet_exec(struct syslet *chain, struct async_head *head)
{
    if (chain->count == 0 || chain->count > chain->room)
        return -EINVAL;
    long result = sys_async_exec(chain->atoms, &head->user);
    return result > 0 ? 1 : (int)result;
}
