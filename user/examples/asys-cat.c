/* asys-cat FILE…: copies files to standard output. Each piece is a chain of two calls: the number
 * of bytes to write is the result of the read before it, which the program need not have seen. */
#include <errno.h>
#include <fcntl.h>
#include <fibril/asys.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READ, WRITE };

/* One chain; how many bytes went through it, or a negative error number. */
static long
copy_piece(struct asys *queue, int fd)
{
    static char buffer[65536];
    struct asys_event event;
    long result[2] = {0, 0};

    asys_flag(asys_add(queue, SYS_read, fd, buffer, sizeof buffer), ASYS_LINK)->cookie = READ;
    asys_add(queue, SYS_write, STDOUT_FILENO, buffer, asys_result(1))->cookie = WRITE;
    for (int i = 0; i < 2; i++) {
        asys_wait(queue, &event, ASYS_FOREVER);
        result[event.cookie] = event.result;
    }
    return result[READ] > 0 && result[WRITE] != result[READ] ? -EIO : result[READ];
}

int
main(int argc, char **argv)
{
    struct asys queue;
    int failed = 0;

    if (asys_open(&queue, 8) < 0)
        return 2;
    for (int i = 1; i < argc; i++) {
        long copied = -1;
        int fd = open(argv[i], O_RDONLY);
        while (fd >= 0 && (copied = copy_piece(&queue, fd)) > 0)
            ;
        if (copied < 0) {
            fprintf(stderr, "asys-cat: %s: cannot be copied\n", argv[i]);
            failed = 1;
        }
        close(fd);
    }
    asys_close(&queue);
    return failed;
}
