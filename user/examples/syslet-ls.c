/* syslet-ls [DIRECTORY]: the names in a directory, read by one looping chain. The kernel opens it, moves its
 * records piece after piece into a pipe, and closes both; the program takes them out of the pipe. A chain
 * that blocks, on the disk or because the pipe is full, goes on by itself. */
#include <fcntl.h>
#include <fibril/kernel_types.h>
#include <fibril/syslet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char piece[4096], records[4096];
static uint32_t slots[8];

/* Reads just so much, however it comes. */
static int
read_all(int fd, char *to, size_t size)
{
    while (size > 0) {
        ssize_t got = read(fd, to, size);
        if (got <= 0)
            return -1;
        to += got;
        size -= (size_t)got;
    }
    return 0;
}

/* Records of getdents64, one after the other: the length of each stands in its header. */
static void
print_names(int fd)
{
    struct kernel_dirent *entry = (struct kernel_dirent *)records;
    size_t header = offsetof(struct kernel_dirent, name);

    while (read_all(fd, records, header) == 0 &&
           read_all(fd, records + header, entry->length - header) == 0)
        if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0)
            puts(entry->name);
}

int
main(int argc, char **argv)
{
    struct async_head head;
    int ends[2];
    SYSLET(chain, 6);

    if (pipe(ends) < 0)
        return 1;
    async_head_init(&head, slots, 8);

    int folder = syslet_call(&chain, SYS_open, argc > 1 ? argv[1] : ".", O_RDONLY | O_DIRECTORY);
    int end = syslet_call(&chain, SYS_close, ends[1]); /* what lies behind an atom is its way out */
    int more = syslet_call(&chain, SYS_getdents64, syslet_from(folder), piece, sizeof piece);
    int done = syslet_call(&chain, SYS_close, syslet_from(folder));
    int copy = syslet_call(&chain, SYS_write, ends[1], piece, syslet_from(more));
    syslet_flag(&chain, folder, SYSLET_STOP_ON_ERROR | SYSLET_SKIP_TO_NEXT_ON_STOP);
    syslet_flag(&chain, more, SYSLET_STOP_ON_NON_POSITIVE | SYSLET_SKIP_TO_NEXT_ON_STOP);
    syslet_next(&chain, folder, more);
    syslet_next(&chain, more, copy);
    syslet_next(&chain, copy, more); /* the loop */
    syslet_next(&chain, done, end);
    syslet_next(&chain, end, SYSLET_END);

    syslet_exec(&chain, &head);
    print_names(ends[0]);
    if (syslet_result(&chain, folder) < 0) {
        fprintf(stderr, "syslet-ls: error %ld\n", -syslet_result(&chain, folder));
        return 1;
    }
    return 0;
}
