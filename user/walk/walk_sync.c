/* The synchronous walker: one call at a time, as find does it. Each directory is read in big pieces and every
 * entry's status is asked for relative to it; directories are visited in the order in which they stand.
 * walk_threadlet.c visits several at once by the same code. */
#include "walk/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <fibril/calls.h>

struct visit {
    struct walk *walk;
    struct walk_directory *directory;
    struct walk_directory *found, **place; /* directories in it, in their order */
    struct walk_reader *reader;
};

static void
read_file(struct visit *visit, const char *name)
{
    struct walk_reader *reader = visit->reader;
    long result = sys_openat(visit->directory->fd, name, WALK_OPEN_FILE, 0);
    int fd = result;

    sha256_start(&reader->sum);
    if (fd >= 0) {
        while ((result = sys_read(fd, reader->buffer, sizeof reader->buffer)) > 0)
            if (!visit->walk->unsummed)
                sha256_add(&reader->sum, reader->buffer, result);
        sys_close(fd);
    }
    reader->error = -result;
    if (reader->error)
        walk_failed(visit->walk, visit->directory->path, name, reader->error);
    else
        sha256_finish_text(&reader->sum, reader->text);
}

/* An entry that is not known to be a directory. Returns true if it turns out to be one. */
static bool
look_at_entry(struct visit *visit, const char *name)
{
    struct walk *walk = visit->walk;
    struct kernel_stat status;
    const char *sum = NULL;
    long result = sys_fstatat64(visit->directory->fd, name, &status, AT_SYMLINK_NOFOLLOW);

    if (result < 0) {
        walk_failed(walk, visit->directory->path, name, -result);
        return false;
    }
    if (S_ISDIR(status.mode))
        return true;
    if (walk->read && S_ISREG(status.mode)) {
        read_file(visit, name);
        sum = visit->reader->error ? NULL : visit->reader->text;
    }
    walk_found(walk, visit->directory->path, name, &status, sum);
    return false;
}

static void
read_directory(struct visit *visit)
{
    struct walk_directory *directory = visit->directory;
    const struct kernel_dirent *entry;
    long size;

    while ((size = sys_getdents64(directory->fd, directory->names, WALK_NAMES_SIZE)) > 0) {
        directory->position = 0;
        directory->filled = size;
        while ((entry = walk_next_entry(directory)))
            if (entry->type == DT_DIR || look_at_entry(visit, entry->name))
                walk_pile_put(&visit->place, directory->path, entry->name);
    }
    if (size < 0)
        walk_failed(visit->walk, directory->path, NULL, -size);
}

static void
visit_directory(struct visit *visit)
{
    struct walk *walk = visit->walk;
    struct walk_directory *directory = visit->directory;
    struct kernel_stat status;
    long result;

    directory->fd = sys_openat(AT_FDCWD, directory->path, WALK_OPEN_DIRECTORY, 0);
    if (directory->fd < 0) {
        walk_failed(walk, directory->path, NULL, -directory->fd);
        if (sys_lstat64(directory->path, &status) == 0)
            walk_found(walk, directory->path, NULL, &status, NULL);
        return;
    }
    result = sys_fstat64(directory->fd, &status);
    if (result == 0)
        walk_found(walk, directory->path, NULL, &status, NULL);
    else
        walk_failed(walk, directory->path, NULL, -result);
    read_directory(visit);
    sys_close(directory->fd);
}

void
walk_visit(struct walk *walk, struct walk_directory *directory, struct walk_directory **pile,
           struct walk_reader *reader)
{
    struct visit visit = {.walk = walk, .directory = directory, .reader = reader};

    visit.place = &visit.found;
    visit_directory(&visit);
    walk_turn_take(walk);
    *visit.place = *pile;
    *pile = visit.found;
    walk_turn_give(walk);
    free(directory);
}

int
walk_sync(struct walk *walk)
{
    struct walk_directory *pile = NULL, **place = &pile, *directory;
    struct walk_reader *reader = walk_allocate(sizeof *reader);
    char *names = walk_allocate(WALK_NAMES_SIZE);

    walk_pile_put(&place, walk->path, NULL);
    while ((directory = walk_pile_take(&pile))) {
        directory->names = names;
        walk_visit(walk, directory, &pile, reader);
    }
    free(names);
    free(reader);
    walk->in_flight_sum = walk->in_flight_samples = walk->in_flight_most = 1;
    return 0;
}
