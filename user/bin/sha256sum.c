/* sha256sum [FILE…]: the SHA-256 of files, or of standard input. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lib/program.h"
#include "lib/sha256.h"

static char buffer[65536];

/* 0, or -1 and errno. */
static int
sum_file(int fd, char text[SHA256_TEXT_SIZE])
{
    struct sha256 sum;
    ssize_t size;

    sha256_start(&sum);
    while ((size = read(fd, buffer, sizeof buffer)) > 0)
        sha256_add(&sum, buffer, size);
    sha256_finish_text(&sum, text);
    return size;
}

static int
print_sum(const char *path)
{
    char text[SHA256_TEXT_SIZE];
    int fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY);
    int error;

    if (fd < 0)
        return program_complain("sha256sum", path);
    error = sum_file(fd, text) < 0 ? program_complain("sha256sum", path) : 0;
    if (fd > 0)
        close(fd);
    if (!error)
        printf("%s  %s\n", text, path);
    return error;
}

int
main(int argc, char **argv)
{
    int status = 0;

    if (argc < 2)
        return print_sum("-");
    for (int i = 1; i < argc; i++)
        status |= print_sum(argv[i]);
    return status;
}
