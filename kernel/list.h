/* Circular doubly linked lists whose links lie inside the members. A link that is in no list points
 * to itself, so that removing it again is harmless and "is it queued?" needs no second flag.
 * Callers protect the lists they own; nothing here sleeps. */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include "kernel/types.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name) {&(name), &(name)}

static inline void
list_init(struct list *list)
{
    list->next = list->prev = list;
}

static inline bool
list_empty(const struct list *list)
{
    return list->next == list;
}

static inline void
list_insert_between(struct list *entry, struct list *before, struct list *after)
{
    entry->prev = before;
    entry->next = after;
    before->next = entry;
    after->prev = entry;
}

static inline void
list_add_tail(struct list *list, struct list *entry)
{
    list_insert_between(entry, list->prev, list);
}

static inline void
list_add_head(struct list *list, struct list *entry)
{
    list_insert_between(entry, list, list->next);
}

/* The entry's own links stay as they were: for one that goes into another list, or nowhere, at once. */
static inline void
list_unlink(struct list *entry)
{
    struct list *before = entry->prev, *after = entry->next;
    before->next = after;
    after->prev = before;
}

static inline void
list_remove(struct list *entry)
{
    list_unlink(entry);
    list_init(entry);
}

/* Moves all members of `from` to the tail of `to`. */
static inline void
list_splice_tail(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_entry(link, type, member) container_of(link, type, member)
#define list_first(list, type, member) list_entry((list)->next, type, member)
#define list_last(list, type, member) list_entry((list)->prev, type, member)

#define list_for_each(entry, list, member)                                                         \
    for (entry = list_entry((list)->next, __typeof__(*entry), member); &entry->member != (list);   \
         entry = list_entry(entry->member.next, __typeof__(*entry), member))

/* The current entry may be removed inside the loop. */
#define list_for_each_safe(entry, following, list, member)                                         \
    for (entry = list_entry((list)->next, __typeof__(*entry), member),                             \
        following = list_entry(entry->member.next, __typeof__(*entry), member);                    \
         &entry->member != (list);                                                                 \
         entry = following, following = list_entry(entry->member.next, __typeof__(*entry), member))

#endif
