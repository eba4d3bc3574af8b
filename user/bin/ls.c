/* ls [-l] [-a] [PATH…]: names in directories, sorted; with -l mode, links, owner, group, size, date. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "lib/mode.h"
#include "lib/program.h"

static bool long_form, all;

static void
print_long(int directory, const char *name, const struct stat *status)
{
    char mode[11], date[32], target[1024];
    ssize_t length;

    mode_text(status->st_mode, mode);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M", gmtime(&status->st_mtime));
    printf("%s %3u %5u %5u ", mode, (unsigned)status->st_nlink, (unsigned)status->st_uid,
           (unsigned)status->st_gid);
    if (S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode))
        printf("%5u,%5u", (unsigned)(status->st_rdev >> 8), (unsigned)(status->st_rdev & 255));
    else
        printf("%11lld", (long long)status->st_size);
    printf(" %s %s", date, name);
    if (S_ISLNK(status->st_mode) &&
        (length = readlinkat(directory, name, target, sizeof target)) >= 0)
        printf(" -> %.*s", (int)length, target);
    putchar('\n');
}

static int
print_entry(int directory, const char *name)
{
    struct stat status;

    if (!long_form) {
        puts(name);
        return 0;
    }
    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return program_complain("ls", name);
    print_long(directory, name, &status);
    return 0;
}

static int
compare(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* The names, in memory of their own; -1 and errno. */
static int
read_names(DIR *stream, char ***names, size_t *count)
{
    size_t room = 0;
    struct dirent *entry;

    *names = NULL;
    *count = 0;
    while ((errno = 0, entry = readdir(stream))) {
        if (entry->d_name[0] == '.' && !all)
            continue;
        if (*count == room) {
            char **more = realloc(*names, (room = room ? 2 * room : 64) * sizeof **names);
            if (!more)
                return -1;
            *names = more;
        }
        if (!((*names)[*count] = strdup(entry->d_name)))
            return -1;
        ++*count;
    }
    return errno ? -1 : 0;
}

static int
list_directory(const char *path)
{
    DIR *stream = opendir(path);
    char **names;
    size_t count;
    int status = 0;

    if (!stream)
        return program_complain("ls", path);
    if (read_names(stream, &names, &count) < 0)
        status = program_complain("ls", path);
    qsort(names, count, sizeof *names, compare);
    for (size_t i = 0; i < count; i++) {
        status |= print_entry(dirfd(stream), names[i]);
        free(names[i]);
    }
    free(names);
    closedir(stream);
    return status;
}

static int
list(const char *path, bool headed)
{
    struct stat status;

    if ((long_form ? lstat(path, &status) : stat(path, &status)) < 0)
        return program_complain("ls", path);
    if (!S_ISDIR(status.st_mode))
        return print_entry(AT_FDCWD, path);
    if (headed)
        printf("%s:\n", path);
    return list_directory(path);
}

int
main(int argc, char **argv)
{
    int option, status = 0;

    while ((option = getopt(argc, argv, "la")) != -1) {
        if (option == '?')
            return 2;
        long_form |= option == 'l';
        all |= option == 'a';
    }
    if (optind == argc)
        return list(".", false);
    for (int i = optind; i < argc; i++)
        status |= list(argv[i], argc - optind > 1);
    return status;
}
