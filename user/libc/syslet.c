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

int
syslet_add(struct syslet *chain, int number, int count, const unsigned long arguments[6])
{
    unsigned place = chain->count++;

    if (place >= chain->room)
        return -1;
    struct syslet_uatom *atom = &chain->atoms[place];
    struct syslet_words *words = &chain->words[place];
    *atom = (struct syslet_uatom){.nr = number, .ret_ptr = (unsigned long)&words->result};
    words->next_chosen = 0;
    for (int i = 0; i < count; i++) {
        words->argument[i] = arguments[i];
        atom->arg_ptr[i] = (unsigned long)&words->argument[i];
    }
    if (place > 0 && !words[-1].next_chosen)
        atom[-1].next = (unsigned long)atom;
    return (int)place;
}

int
syslet_from(struct syslet *chain, int atom, int i, int source)
{
    if (source < 0)
        chain->count = chain->room + 1;
    return syslet_word(chain, atom, i, source < 0 ? NULL : &chain->words[source].result);
}

int
syslet_word(struct syslet *chain, int atom, int i, const void *word)
{
    if (atom >= 0)
        chain->atoms[atom].arg_ptr[i] = (unsigned long)word;
    return atom;
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
