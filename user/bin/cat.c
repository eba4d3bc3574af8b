/* cat [FILE…]: copies files, or standard input, to standard output. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "lib/program.h"

static char buffer[65536];

static int
write_all(const char *from, size_t size)
{
    while (size > 0) {
        ssize_t written = write(1, from, size);
        if (written < 0)
            return -1;
        from += written;
        size -= written;
    }
    return 0;
}

static int
copy(int fd, const char *name)
{
    ssize_t size;

    while ((size = read(fd, buffer, sizeof buffer)) > 0)
        if (write_all(buffer, size) < 0)
            return program_complain("cat", "standard output");
    return size < 0 ? program_complain("cat", name) : 0;
}

static int
copy_file(const char *path)
{
    int status, fd;

    if (strcmp(path, "-") == 0)
        return copy(0, "standard input");
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return program_complain("cat", path);
    status = copy(fd, path);
    close(fd);
    return status;
}

int
main(int argc, char **argv)
{
    int status = 0;

    if (argc < 2)
        return copy_file("-");
    for (int i = 1; i < argc; i++)
        status |= copy_file(argv[i]);
    return status;
}
