/* The pile of directories still to be read, and the entries of one that is being read. */
#include "walk/walk.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
walk_allocate(size_t size)
{
    void *memory = malloc(size);

    if (!memory) {
        fputs("walk: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

void
walk_pile_put(struct walk_directory ***place, const char *path, const char *name)
{
    size_t length = strlen(path), name_length = name ? strlen(name) : 0;
    struct walk_directory *directory = walk_allocate(sizeof *directory + length + name_length + 2);

    memset(directory, 0, sizeof *directory);
    memcpy(directory->path, path, length + 1);
    if (name) {
        if (length > 0 && path[length - 1] != '/')
            directory->path[length++] = '/';
        memcpy(directory->path + length, name, name_length + 1);
    }
    directory->next = **place;
    **place = directory;
    *place = &directory->next;
}

struct walk_directory *
walk_pile_take(struct walk_directory **pile)
{
    struct walk_directory *directory = *pile;

    if (directory)
        *pile = directory->next;
    return directory;
}

static bool
is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

const struct kernel_dirent *
walk_next_entry(struct walk_directory *directory)
{
    while (directory->position < directory->filled) {
        const struct kernel_dirent *entry =
            (const struct kernel_dirent *)(directory->names + directory->position);
        directory->position += entry->length;
        if (!is_dots(entry->name))
            return entry;
    }
    return NULL;
}
