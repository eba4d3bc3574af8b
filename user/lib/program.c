#include "lib/program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int
program_complain(const char *program, const char *what)
{
    int error = errno;

    fflush(stdout);
    fprintf(stderr, "%s: %s: %s\n", program, what, strerror(error));
    return 1;
}
