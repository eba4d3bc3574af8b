#include "lib/mode.h"

#include <sys/stat.h>

static const struct {
    mode_t type;
    char letter;
    const char *name;
} types[] = {
    {S_IFREG, '-', "regular file"},     {S_IFDIR, 'd', "directory"}, {S_IFLNK, 'l', "symbolic link"},
    {S_IFCHR, 'c', "character device"}, {S_IFBLK, 'b', "block device"}, {S_IFIFO, 'p', "fifo"},
    {S_IFSOCK, 's', "socket"},
};

char
mode_type_letter(mode_t mode)
{
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == (mode & S_IFMT))
            return types[i].letter;
    return '?';
}

const char *
mode_type_name(mode_t mode)
{
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == (mode & S_IFMT))
            return types[i].name;
    return "unknown";
}

/* In place of x, s or t where the set-id or sticky bit is set, capitals without x. */
static char
execute_letter(mode_t mode, mode_t execute, mode_t special, char letter)
{
    if (mode & special)
        return mode & execute ? letter : letter - 'a' + 'A';
    return mode & execute ? 'x' : '-';
}

void
mode_text(mode_t mode, char text[11])
{
    static const char letters[] = "rwxrwxrwx";

    text[0] = mode_type_letter(mode);
    for (int i = 0; i < 9; i++)
        text[1 + i] = mode & (0400 >> i) ? letters[i] : '-';
    text[3] = execute_letter(mode, S_IXUSR, S_ISUID, 's');
    text[6] = execute_letter(mode, S_IXGRP, S_ISGID, 's');
    text[9] = execute_letter(mode, S_IXOTH, S_ISVTX, 't');
    text[10] = 0;
}
