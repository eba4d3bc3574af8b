/* The lines of --list: TYPE SIZE MODE INODE [SUM] PATH, sorted by the bytes of the path. */
#include "walk/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Text that lives to the end, without malloc's words around each piece. */
static char *
keep_text(size_t size)
{
    static char *chunk;
    static size_t left;
    char *text;

    if (size > left) {
        left = size > 65536 ? size : 65536;
        chunk = walk_allocate(left);
    }
    text = chunk;
    chunk += size;
    left -= size;
    return text;
}

/* What stands behind the starting point. */
static const char *
below_start(const struct walk *walk, const char *path)
{
    path += strlen(walk->path);
    while (*path == '/')
        path++;
    return path;
}

static const char *
keep_path(const char *directory, const char *name)
{
    size_t length = strlen(directory), name_length = name ? strlen(name) : 0;
    char *path = keep_text(length + name_length + 2);

    memcpy(path, directory, length + 1);
    if (name) {
        if (length > 0)
            path[length++] = '/';
        memcpy(path + length, name, name_length + 1);
    }
    return path;
}

static const char *
keep_sum(const char *sum)
{
    return sum ? memcpy(keep_text(SHA256_TEXT_SIZE), sum, SHA256_TEXT_SIZE) : NULL;
}

int
walk_list_add(struct walk *walk, const char *path, const char *name,
              const struct kernel_stat *status, const char *sum)
{
    const char *below = below_start(walk, path);

    if (!name && !*below)
        return 0; /* the starting point itself */
    if (walk->entry_count == walk->entry_room) {
        walk->entry_room = walk->entry_room ? 2 * walk->entry_room : 1024;
        walk->entries = realloc(walk->entries, walk->entry_room * sizeof *walk->entries);
        if (!walk->entries)
            walk_allocate((size_t)-1); /* says so and ends the program */
    }
    walk->entries[walk->entry_count++] = (struct walk_entry){
        .size = status->size,
        .inode = status->inode,
        .mode = status->mode,
        .sum = keep_sum(sum),
        .path = keep_path(below, name),
    };
    return 0;
}

static int
compare_paths(const void *one, const void *other)
{
    return strcmp(((const struct walk_entry *)one)->path,
                  ((const struct walk_entry *)other)->path);
}

static char
type_letter(unsigned mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return 'f';
    case S_IFDIR:
        return 'd';
    case S_IFLNK:
        return 'l';
    case S_IFCHR:
        return 'c';
    case S_IFBLK:
        return 'b';
    case S_IFIFO:
        return 'p';
    default:
        return 's';
    }
}

static void
print_path(const char *path)
{
    if (!strpbrk(path, "\n\\")) {
        fputs(path, stdout);
        return;
    }
    for (; *path; path++) {
        if (*path == '\n')
            fputs("\\n", stdout);
        else if (*path == '\\')
            fputs("\\\\", stdout);
        else
            putchar(*path);
    }
}

int
walk_list_print(struct walk *walk)
{
    qsort(walk->entries, walk->entry_count, sizeof *walk->entries, compare_paths);
    for (size_t i = 0; i < walk->entry_count; i++) {
        const struct walk_entry *entry = &walk->entries[i];
        printf("%c %llu %04o %llu ", type_letter(entry->mode), entry->size, entry->mode & 07777,
               entry->inode);
        if (walk->read)
            printf("%s ", entry->sum ? entry->sum : "-");
        fputs("./", stdout);
        print_path(entry->path);
        putchar('\n');
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}
