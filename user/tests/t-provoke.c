/* t-provoke WORD [asys]: has the kernel break one of its own rules (/proc/provoke), so that a test
 * can see the report; with asys, in an asynchronous call. Without a word: lists the words. Coming
 * back at all is a failure, but for the words that are no word. */
#include "test.h"

int
main(int argc, char **argv)
{
    char words[1024];
    int fd = sys_open("/proc/provoke", O_RDONLY, 0);
    long length = sys_read(fd, words, sizeof words);

    if (argc < 2) {
        fwrite(words, 1, length > 0 ? length : 0, stdout);
        return length <= 0;
    }
    printf("provoking %s\n", argv[1]);
    fflush(stdout);
    if (argc > 2) {
        fd = sys_open("/proc/provoke", O_WRONLY, 0);
        test_start(SYS_write, 1, fd, WORD(argv[1]), strlen(argv[1]), 0);
        printf("not ok %s: the kernel goes on: %ld\n", argv[1], test_await().return_code);
        return 1;
    }
    printf("not ok %s: the kernel goes on: %ld\n", argv[1],
           test_write_file("/proc/provoke", argv[1]));
    return 1;
}
