/* threadlet-echo: the example of threadlets(7). A server on a socket whose handler is a threadlet: it reads
 * and writes as if it were alone, and whoever is slow keeps nobody waiting. Its own clients are three
 * children, of which the second takes its time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fibril/threadlet.h>

#define CLIENTS 3
#define STACK_BYTES 8192

/* On top of a handler's stack. */
struct connection {
    int fd;
};

static int answered;

static void
serve(void *stack)
{
    struct connection *connection = stack;
    char text[64];
    ssize_t size;

    while ((size = read(connection->fd, text, sizeof text)) > 0)
        if (write(connection->fd, text, size) == size)
            answered++;
    close(connection->fd);
}

static int
client(const struct sockaddr_un *name, int number)
{
    char text[64] = "";
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (connect(fd, (const struct sockaddr *)name, sizeof *name) < 0)
        return 1;
    if (number == 1)
        usleep(30000);
    if (write(fd, "hello", 6) != 6 || read(fd, text, sizeof text) != 6)
        return 2;
    return strcmp(text, "hello") != 0;
}

int
main(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/threadlet-echo"};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), served = 0, status;
    static uint32_t slots[16];
    struct async_head head;

    unlink(name.sun_path);
    if (bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || listen(listener, 8) < 0)
        return 1;
    for (int i = 0; i < CLIENTS; i++)
        if (fork() == 0)
            _exit(client(&name, i));
    async_head_init(&head, slots, 16);
    for (int i = 0; i < CLIENTS; i++) {
        char *stack = malloc(STACK_BYTES + sizeof(struct connection));
        struct connection *connection = (struct connection *)(stack + STACK_BYTES);
        connection->fd = accept(listener, NULL, NULL);
        if (threadlet_exec(serve, connection, &head) == 1) {
            free(stack);
            served++;
        }
    }
    for (; served < CLIENTS; served++)
        free((char *)async_next(&head) - STACK_BYTES);
    while (wait(&status) > 0)
        if (status)
            return 1;
    unlink(name.sun_path);
    printf("answered %d of %d\n", answered, CLIENTS);
    return 0;
}
