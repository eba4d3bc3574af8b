/* What an applet's name links to on the host: starts busybox under that name in qemu-i386, which by itself
 * would hand the programs that busybox starts to the host's kernel. A 64-bit program, linked statically. */
#include <stdlib.h>
#include <unistd.h>

int
main(int count, char **words)
{
    char **command = calloc((size_t)count + 5, sizeof *command);

    if (!command)
        return 126;
    command[0] = "qemu-i386";
    command[1] = "-0";
    command[2] = words[0];
    command[3] = "/tmp/busybox";
    for (int i = 1; i < count; i++)
        command[3 + i] = words[i];
    execv(QEMU, command);
    return 126;
}
