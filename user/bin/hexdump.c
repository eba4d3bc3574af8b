/* hexdump [FILE]: offset, sixteen bytes in hexadecimal, the same as characters; * stands for lines
 * equal to the one before. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lib/program.h"

#define LINE 16

static void
print_line(unsigned long long offset, const unsigned char *bytes, size_t count)
{
    printf("%08llx ", offset);
    for (size_t i = 0; i < LINE; i++) {
        if (i == LINE / 2)
            putchar(' ');
        if (i < count)
            printf(" %02x", bytes[i]);
        else
            fputs("   ", stdout);
    }
    fputs("  |", stdout);
    for (size_t i = 0; i < count; i++)
        putchar(bytes[i] >= ' ' && bytes[i] < 127 ? bytes[i] : '.');
    fputs("|\n", stdout);
}

/* A full line unless the file ends; 0 at its end, -1 and errno. */
static ssize_t
read_line(int fd, unsigned char *bytes)
{
    ssize_t count = 0, size;

    while (count < LINE && (size = read(fd, bytes + count, LINE - count)) != 0) {
        if (size < 0)
            return -1;
        count += size;
    }
    return count;
}

static int
dump(int fd, const char *name)
{
    unsigned char bytes[LINE], last[LINE];
    unsigned long long offset = 0;
    bool repeating = false;
    ssize_t count;

    while ((count = read_line(fd, bytes)) > 0) {
        bool same = offset > 0 && count == LINE && memcmp(bytes, last, LINE) == 0;
        if (!same)
            print_line(offset, bytes, count);
        else if (!repeating)
            puts("*");
        repeating = same;
        memcpy(last, bytes, LINE);
        offset += count;
    }
    printf("%08llx\n", offset);
    return count < 0 ? program_complain("hexdump", name) : 0;
}

int
main(int argc, char **argv)
{
    int fd;

    if (argc < 2)
        return dump(0, "standard input");
    fd = open(argv[1], O_RDONLY);
    return fd < 0 ? program_complain("hexdump", argv[1]) : dump(fd, argv[1]);
}
