/* t-panic: makes the kernel panic (/proc/provoke), so that one sees who notices. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int
main(void)
{
    int fd = open("/proc/provoke", O_WRONLY);

    if (fd < 0 || write(fd, "panic", 5) < 0)
        perror("/proc/provoke");
    return 1;
}
