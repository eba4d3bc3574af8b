/* asys-dir [PATH]: lists a directory by one chain of four calls: it is opened, its status and its
 * names are read, and it is closed, whatever happened before. The program makes one system call for
 * all of them, and a directory that cannot be read leaks no descriptor. */
#include <fcntl.h>
#include <fibril/asys.h>
#include <fibril/kernel_types.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

enum { OPEN, STATUS, NAMES, CLOSE, CALLS };
static const char *const words[] = {"opened", "looked at", "listed", "closed"};
static char names[32768];
static struct kernel_stat status;

static void
print_names(long size)
{
    printf("%llu bytes, inode %llu:", (unsigned long long)status.size,
           (unsigned long long)status.inode);
    for (long at = 0; at < size;) {
        const struct kernel_dirent *entry = (const struct kernel_dirent *)(names + at);
        printf(" %s", entry->name);
        at += entry->length;
    }
    putchar('\n');
}

int
main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : ".";
    struct asys_event event;
    struct asys queue;
    long result[CALLS] = {0};
    int failed = 0;

    if (asys_open(&queue, 8) < 0)
        return 2;
    asys_flag(asys_add(&queue, SYS_open, path, O_RDONLY | O_DIRECTORY), ASYS_LINK)->cookie = OPEN;
    asys_flag(asys_add(&queue, SYS_fstat64, asys_result(1), &status), ASYS_LINK)->cookie = STATUS;
    asys_flag(asys_add(&queue, SYS_getdents64, asys_result(2), names, sizeof names),
              ASYS_LINK)->cookie = NAMES;
    asys_flag(asys_add(&queue, SYS_close, asys_result(3)), ASYS_ALWAYS)->cookie = CLOSE;
    asys_ready(&queue, CALLS, ASYS_FOREVER);
    while (asys_peek(&queue, &event))
        result[event.cookie] = event.result;

    for (int call = OPEN; call <= CLOSE && !failed; call++)
        if (result[call] < 0) { /* those behind it could only fail too */
            printf("%s cannot be %s: %s\n", path, words[call], strerror(-result[call]));
            failed = 1;
        }
    if (!failed)
        print_names(result[NAMES]);
    asys_close(&queue);
    return failed;
}
