/* Page directories for host unit tests: the arch floor's functions on tables that come from the page
 * allocator, so that they can fail and be counted, with what may not happen asserted. Included by one
 * file of a test program. */
#ifndef TESTS_PAGING_H
#define TESTS_PAGING_H

#include "arch.h"
#include "host.h"
#include "kernel/errno.h"
#include "kernel/page.h"

#define TABLE_ENTRIES 1024u
#define DIRECTORIES 16

struct entry {
    u32 physical; /* 0: nothing is shown */
    unsigned flags;
};
static struct test_directory {
    struct page *page;
    struct page *table_pages[512];
    struct entry *tables[512];
} directories[DIRECTORIES];

static struct entry *
entry_find(page_directory directory, uintptr_t virtual)
{
    struct entry *table = directories[directory - 1].tables[virtual >> 22];
    return table ? &table[virtual >> PAGE_SHIFT & (TABLE_ENTRIES - 1)] : NULL;
}

int
page_directory_create(page_directory *directory)
{
    unsigned i = 0;
    while (directories[i].page)
        i++;
    directories[i].page = page_alloc();
    if (!directories[i].page)
        return -ENOMEM;
    *directory = i + 1;
    return 0;
}

void
page_directory_destroy(page_directory directory)
{
    struct test_directory *d = &directories[directory - 1];
    for (unsigned i = 0; i < 512; i++)
        if (d->tables[i]) {
            for (unsigned at = 0; at < TABLE_ENTRIES; at++)
                if (d->tables[i][at].physical)
                    abort(); /* a page is still shown */
            free(d->tables[i]);
            page_put(d->table_pages[i]);
        }
    page_put(d->page);
    *d = (struct test_directory){.page = NULL};
}

void
page_directory_load(page_directory directory)
{
}

int
page_map(page_directory directory, uintptr_t virtual, u32 physical, unsigned flags)
{
    struct test_directory *d = &directories[directory - 1];
    unsigned table = virtual >> 22;
    if (!d->tables[table]) {
        d->table_pages[table] = page_alloc();
        if (!d->table_pages[table])
            return -ENOMEM;
        d->tables[table] = calloc(TABLE_ENTRIES, sizeof(struct entry));
    }
    struct entry *entry = entry_find(directory, virtual);
    if (entry->physical || !physical || physical % PAGE_SIZE || virtual % PAGE_SIZE)
        abort();
    *entry = (struct entry){physical, flags};
    return 0;
}

u32
page_unmap(page_directory directory, uintptr_t virtual)
{
    struct entry *entry = entry_find(directory, virtual);
    u32 physical = entry ? entry->physical : 0;
    if (entry)
        entry->physical = 0;
    return physical;
}

uintptr_t
page_next_mapped(page_directory directory, uintptr_t virtual, uintptr_t end)
{
    for (; virtual < end; virtual += PAGE_SIZE) {
        struct entry *entry = entry_find(directory, virtual);
        if (!entry)
            virtual |= 0x3ff000;
        else if (entry->physical)
            return virtual;
    }
    return end;
}

u32
page_lookup(page_directory directory, uintptr_t virtual, unsigned *flags)
{
    struct entry *entry = entry_find(directory, virtual);
    if (!entry || !entry->physical)
        return 0;
    if (flags)
        *flags = entry->flags;
    return entry->physical;
}

void
page_protect(page_directory directory, uintptr_t virtual, unsigned flags)
{
    struct entry *entry = entry_find(directory, virtual);
    if (entry && entry->physical)
        entry->flags = flags;
}

#endif
