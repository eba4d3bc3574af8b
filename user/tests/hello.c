/* The smallest program: build it with `build/sdk/bin/fibril-cc user/tests/hello.c -o hello`, run it
 * with `tools/run ./hello`. */
#include <stdio.h>
#include <sys/utsname.h>

int
main(int argc, char **argv)
{
    struct utsname system;

    uname(&system);
    printf("Hello from %s %s on %s", system.sysname, system.release, system.machine);
    for (int i = 1; i < argc; i++)
        printf(", %s", argv[i]);
    puts("!");
    return 0;
}
