/* t-exit [STATUS]: ends with that status. */
#include <stdlib.h>

int
main(int argc, char **argv)
{
    return argc > 1 ? atoi(argv[1]) : 0;
}
