/* t-overflow: makes a call overflow its kernel stack (/proc/provoke), which must be reported by name. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int
main(void)
{
    int fd = open("/proc/provoke", O_WRONLY);

    if (fd < 0 || write(fd, "overflow", 8) < 0)
        perror("/proc/provoke");
    return 1;
}
