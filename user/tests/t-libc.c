/* t-libc [CASE…]: the C library on top of the system calls. Needs a directory to write in (/tmp). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

#define FILE_NAME "/tmp/t-libc"

static int argument_count;
static char **arguments;

static void
start_up(void)
{
    const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
    unsigned sum = 0;

    check(argument_count >= 1 && arguments[argument_count] == NULL);
    check(environ != NULL);
    check_equal(getauxval(AT_PAGESZ), 4096);
    check(getauxval(AT_PHNUM) > 0);
    check_equal(getauxval(12345), 0);
    check(random != NULL);
    for (int i = 0; random && i < 16; i++)
        sum += random[i];
    check(sum > 0);
}

static _Thread_local int thread_zero;
static _Thread_local long thread_value = 0x1234567;
static _Thread_local double thread_aligned __attribute__((aligned(32))) = 2.5;

static void
thread_local_data(void)
{
    check_equal(thread_zero, 0);
    check_equal(thread_value, 0x1234567);
    check(thread_aligned == 2.5);
    check_equal((unsigned long)&thread_aligned % 32, 0);
    thread_zero = 1;
    check_equal(thread_value, 0x1234567);
}

static int constructed;

__attribute__((constructor)) static void
construct(void)
{
    constructed++;
}

static void
constructors(void)
{
    check_equal(constructed, 1);
}

static void
error_numbers(void)
{
    check_equal(open("/none/such", O_RDONLY), -1);
    check_equal(errno, ENOENT);
    check_equal(close(-1), -1);
    check_equal(errno, EBADF);
    check_equal(ENOSYS, 38); /* the kernel's numbers, not newlib's */
    check_equal(ETIME, 62);
    check_equal(opendir("/dev/null") != NULL, 0);
    check_equal(errno, ENOTDIR);
    check(strcmp(strerror(ENOENT), "No such file or directory") == 0);
}

static void
formats(void)
{
    char text[100];

    snprintf(text, sizeof text, "%lld %zu %08x %-5s| %.3f %c %5.1e", -5000000000ll, (size_t)7, 0xbeefu,
             "ab", 3.14159, 'x', 12345.678);
    check(strcmp(text, "-5000000000 7 0000beef ab   | 3.142 x 1.2e+04") == 0);
    check_equal(strtoll("-9000000000", NULL, 10), -9000000000ll);
    check(fabs(sin(1.0) - 0.8414709848) < 1e-9);
    check(fabs(strtod("2.5e3", NULL) - 2500) < 1e-9);
}

static void
files(void)
{
    char text[64] = "";
    FILE *file = fopen(FILE_NAME, "w+");
    struct stat status;

    check(file != NULL);
    if (!file)
        return;
    fprintf(file, "line %d\nline %d\n", 1, 2);
    check_equal(fseeko(file, 7, SEEK_SET), 0);
    check(fgets(text, sizeof text, file) != NULL && strcmp(text, "line 2\n") == 0);
    check_equal(ftello(file), 14);
    check_equal(fclose(file), 0);
    check_equal(stat(FILE_NAME, &status), 0);
    check(S_ISREG(status.st_mode));
    check_equal(status.st_size, 14);
    check_equal(status.st_nlink, 1);
    check_equal(access(FILE_NAME, R_OK), 0);
    file = fopen(FILE_NAME, "a");
    check(file != NULL && fputs("line 3\n", file) >= 0 && fclose(file) == 0);
    check_equal(stat(FILE_NAME, &status), 0);
    check_equal(status.st_size, 21);
    check_equal(unlink(FILE_NAME), 0);
    check_equal(stat(FILE_NAME, &status), -1);
}

static void
large_offsets(void)
{
    int fd = open(FILE_NAME, O_CREAT | O_RDWR | O_TRUNC, 0600);
    struct iovec parts[2] = {{"ab", 2}, {"cde", 3}};
    char text[8] = "";

    check(fd >= 0);
    check_equal(writev(fd, parts, 2), 5);
    check_equal(lseek(fd, 5000000000ll, SEEK_SET), 5000000000ll);
    check_equal(lseek(fd, -4999999999ll, SEEK_CUR), 1);
    check_equal(read(fd, text, 2), 2);
    check(memcmp(text, "bc", 2) == 0);
    check_equal(pread(fd, text, 8, 3), 2);
    check_equal(pread(fd, text, 8, 1ll << 33), 0);
    check_equal(lseek(fd, -1, SEEK_SET), -1);
    check_equal(errno, EINVAL);
    check_equal(close(fd), 0);
    check_equal(unlink(FILE_NAME), 0);
}

static void
directories(void)
{
    DIR *stream = opendir("/");
    struct dirent *entry;
    int dots = 0, devices = 0;

    check(stream != NULL);
    while (stream && (entry = readdir(stream))) {
        dots += strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        devices += strcmp(entry->d_name, "dev") == 0;
    }
    check_equal(dots, 2);
    check_equal(devices, 1);
    if (stream) {
        rewinddir(stream);
        check(readdir(stream) != NULL);
        check_equal(closedir(stream), 0);
    }
}

static void
memory(void)
{
    unsigned char *blocks[64];
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    check(page != MAP_FAILED && page[0] == 0 && page[8191] == 0);
    if (page != MAP_FAILED) {
        page[8191] = 1;
        check_equal(munmap(page, 8192), 0);
    }
    for (int i = 0; i < 64; i++) {
        blocks[i] = malloc(1000 * i + 1);
        check(blocks[i] != NULL);
        memset(blocks[i], i, 1000 * i + 1);
    }
    for (int i = 0; i < 64; i++) {
        check_equal(blocks[i][1000 * i], i);
        free(blocks[i]);
    }
    check(malloc(0x7f000000) == NULL);
    check_equal(errno, ENOMEM);
}

static void
clocks(void)
{
    struct timespec before, after, request = {0, 20000000};

    check_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    check_equal(nanosleep(&request, NULL), 0);
    check_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    check((after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec >= 20000000);
    check(time(NULL) > 978307200); /* 2001 */
    request.tv_nsec = 1000000000;
    check_equal(nanosleep(&request, NULL), -1);
    check_equal(errno, EINVAL);
}

static void
names(void)
{
    struct utsname system;

    check_equal(uname(&system), 0);
    check(system.sysname[0] && system.release[0] && system.machine[0]);
    check(getpid() > 0);
}

static void
jumps(void)
{
    jmp_buf place;
    volatile int turns = 0;

    if (setjmp(place) < 3) {
        turns++;
        longjmp(place, turns);
    }
    check_equal(turns, 3);
}

static volatile int caught;

static void
catch(int signal)
{
    caught = signal;
}

static void
raised_signals(void)
{
    signal(SIGUSR1, catch);
    check_equal(raise(SIGUSR1), 0);
    check_equal(caught, SIGUSR1);
}

static const struct check_case cases[] = {
    {"start-up", start_up},     {"thread-local-data", thread_local_data},
    {"constructors", constructors}, {"error-numbers", error_numbers}, {"formats", formats},
    {"files", files},           {"large-offsets", large_offsets}, {"directories", directories},
    {"memory", memory},         {"clocks", clocks}, {"names", names}, {"jumps", jumps},
    {"raised-signals", raised_signals}, {NULL, NULL},
};

int
main(int argc, char **argv)
{
    argument_count = argc;
    arguments = argv;
    return check_run(cases, argc, argv);
}
