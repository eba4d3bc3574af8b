/* Direct reads (O_DIRECT) of the images blocks4k at /mnt/0 and blocks1k at /mnt/1: the same bytes as through
 * the cache, Linux's errors, and memory that changes hands while a disk writes to it. The cases whose
 * names begin with in_flight want a disk that takes a tenth of a second for each read. */
#include <sys/uio.h>
#include <sys/wait.h>
#include "test.h"

#define SECTOR 512ul
#define MIB (1ul << 20)
#define LONG_FILE "/mnt/0/ends/level1+4097" /* 4,247,553 bytes: an end in the middle of a sector */
#define LONG_SIZE 4247553ul
#define PATTERN 0x5a
#define DIRECT (O_RDONLY | O_DIRECT | O_LARGEFILE)

static char *const files[] = {
    "/mnt/0/ends/level1+4097", "/mnt/0/ends/level1-1", "/mnt/0/ends/level1+0", "/mnt/0/holes/odd-tail",
    "/mnt/0/holes/indirect", "/mnt/1/ends/level1+1", "/mnt/1/ends/level1-1", "/mnt/1/ends/level2+1",
    "/mnt/1/holes/odd-tail",
};

static int
open_direct(const char *path)
{
    int fd = sys_open(path, DIRECT, 0);

    check(fd >= 0);
    return fd;
}

static char *
aligned(size_t size)
{
    return test_map((size + PAGE - 1) / PAGE * PAGE);
}

static bool
all_are(const char *memory, size_t size, char byte)
{
    for (size_t i = 0; i < size; i++)
        if (memory[i] != byte)
            return false;
    return true;
}

static unsigned long long
requests(void)
{
    return test_disk_requests("ata1");
}

static void
drop_caches(void)
{
    check_equal(test_write_file("/proc/sys/vm/drop_caches", "3"), 1);
}

/* ---- Contents ---- */

/* Reads the file in pieces of `step` bytes into memory that begins `shift` bytes into a page. */
static void
compare(const char *path, const char *wanted, long size, size_t step, size_t shift)
{
    char *memory = aligned(step + PAGE), *piece = memory + shift;
    int fd = open_direct(path);
    long at = 0, got;

    do {
        memset(piece, PATTERN, step);
        got = sys_pread64(fd, piece, step, at, 0);
        check_equal(got, size - at < (long)step ? size - at : (long)step);
        if (got < 0)
            break;
        check(memcmp(piece, wanted + at, got) == 0);
        long whole = (got + SECTOR - 1) / SECTOR * SECTOR;
        check(all_are(piece + whole, step - whole, PATTERN)); /* nothing is written behind */
        check(all_are(piece + got, whole - got, 0));          /* nor bytes from behind the end */
        at += got;
    } while (got == (long)step && at % SECTOR == 0);
    check_equal(at, size);
    sys_close(fd);
    munmap(memory, step + PAGE);
}

static void
same_as_through_the_cache(void)
{
    static const struct {
        size_t step, shift;
    } ways[] = {{PAGE, 0}, {64 * PAGE, 0}, {16 * PAGE + SECTOR, 0}, {MIB, SECTOR}, {3 * MIB, 3 * SECTOR}};

    for (unsigned i = 0; i < LENGTH(files); i++) {
        int fd = sys_open(files[i], O_RDONLY | O_LARGEFILE, 0);
        struct kernel_stat status;
        check_equal(sys_fstat64(fd, &status), 0);
        char *wanted = test_map(status.size + PAGE);
        for (size_t at = 0; at < status.size;) {
            long got = sys_read(fd, wanted + at, status.size - at);
            check(got > 0);
            if (got <= 0)
                return;
            at += got;
        }
        sys_close(fd);
        for (unsigned way = 0; way < LENGTH(ways); way++)
            compare(files[i], wanted, status.size, ways[way].step, ways[way].shift);
        munmap(wanted, status.size + PAGE);
    }
}

static void
position_moves_as_with_others(void)
{
    char *memory = aligned(2 * PAGE);
    int fd = open_direct(LONG_FILE);

    check_equal(sys_read(fd, memory, PAGE), PAGE);
    check_equal(lseek(fd, 0, SEEK_CUR), PAGE);
    check_equal(lseek(fd, LONG_SIZE / SECTOR * SECTOR, SEEK_SET), LONG_SIZE / SECTOR * SECTOR);
    check_equal(sys_read(fd, memory, 2 * PAGE), LONG_SIZE % SECTOR);
    check_equal(lseek(fd, 0, SEEK_CUR), LONG_SIZE);
    check_equal(lseek(fd, SECTOR * 100000, SEEK_SET), SECTOR * 100000);
    check_equal(sys_read(fd, memory, PAGE), 0); /* behind the end */
    check_equal(sys_pread64(fd, memory, 0, 0, 0), 0);
    sys_close(fd);
}

/* Many short vectors, some of them empty, and not in the order of their addresses. */
static void
vectors(void)
{
    enum { COUNT = 200 };
    char *memory = aligned(COUNT * 3 * SECTOR), *wanted = aligned(COUNT * 3 * SECTOR);
    struct iovec vectors[COUNT];
    int fd = open_direct(LONG_FILE), cached = sys_open(LONG_FILE, O_RDONLY, 0);
    size_t all = 0, at = 0;

    for (unsigned i = 0; i < COUNT; i++) {
        size_t length = i % 4 * SECTOR;
        vectors[i].iov_base = memory + (COUNT - 1 - i) * 3 * SECTOR;
        vectors[i].iov_len = length;
        all += length;
    }
    check_equal(sys_preadv(fd, vectors, COUNT, 7 * SECTOR, 0), all);
    check_equal(sys_pread64(cached, wanted, all, 7 * SECTOR, 0), all);
    for (unsigned i = 0; i < COUNT; i++) {
        check(memcmp(vectors[i].iov_base, wanted + at, vectors[i].iov_len) == 0);
        at += vectors[i].iov_len;
    }
    sys_close(fd);
    sys_close(cached);
}

static void
the_disk_itself(void)
{
    char *memory = aligned(MIB), *wanted = aligned(MIB);
    int fd = open_direct("/dev/ata1"), cached = sys_open("/dev/ata1", O_RDONLY | O_LARGEFILE, 0);

    for (size_t at = 0; at < 3 * MIB; at += 512 * 1024 + SECTOR) {
        check_equal(sys_pread64(fd, memory, MIB, at, 0), MIB);
        check_equal(sys_pread64(cached, wanted, MIB, at, 0), MIB);
        check(memcmp(memory, wanted, MIB) == 0);
    }
    sys_close(fd);
    sys_close(cached);
}

/* Each read asks the disk again, and leaves nothing in the cache. */
static void
past_the_cache(void)
{
    char *memory = aligned(16 * PAGE);
    int fd = open_direct(LONG_FILE);

    check_equal(sys_pread64(fd, memory, 16 * PAGE, 0, 0), 16 * PAGE); /* (its indirect blocks) */
    long cached = test_read_number("/proc/meminfo", "Cached:");
    unsigned long long before = requests();
    for (unsigned i = 0; i < 50; i++)
        check_equal(sys_pread64(fd, memory, 16 * PAGE, 0, 0), 16 * PAGE);
    check(requests() - before >= 50);
    check(test_read_number("/proc/meminfo", "Cached:") - cached < 64);
    sys_close(fd);
}

/* ---- Errors ---- */

static void
not_aligned(void)
{
    char *memory = aligned(2 * PAGE);
    int fd = open_direct(LONG_FILE);

    check_equal(sys_pread64(fd, memory + 1, PAGE, 0, 0), -EINVAL);
    check_equal(sys_pread64(fd, memory + 256, PAGE, 0, 0), -EINVAL);
    check_equal(sys_pread64(fd, memory, 100, 0, 0), -EINVAL);
    check_equal(sys_pread64(fd, memory, PAGE - 1, 0, 0), -EINVAL);
    check_equal(sys_pread64(fd, memory, PAGE, 1, 0), -EINVAL);
    check_equal(sys_pread64(fd, memory, PAGE, 256, 0), -EINVAL);
    struct iovec vectors[2] = {{memory, SECTOR}, {memory + PAGE, 100}};
    check_equal(sys_preadv(fd, vectors, 2, 0, 0), -EINVAL);
    check_equal(sys_pread64(fd, memory + SECTOR, SECTOR, SECTOR, 0), SECTOR); /* so it is right */
    /* Without O_DIRECT the same descriptor does not mind. */
    long flags = fcntl(fd, F_GETFL);
    check(flags & O_DIRECT);
    check_equal(fcntl(fd, F_SETFL, flags & ~O_DIRECT), 0);
    check_equal(sys_pread64(fd, memory + 1, 100, 3, 0), 100);
    sys_close(fd);
}

static void
bad_memory(void)
{
    char *constant = test_map(PAGE), *memory = test_map_before_nothing(); /* nothing is mapped later */
    int fd = open_direct(LONG_FILE);

    check_equal(sys_pread64(fd, NULL, PAGE, 0, 0), -EFAULT);
    check_equal(sys_pread64(fd, memory + PAGE, PAGE, 0, 0), -EFAULT);
    check_equal(sys_pread64(fd, (void *)0x80000000, PAGE, 0, 0), -EFAULT);
    check_equal(sys_pread64(fd, (void *)0x7ffff000, 2 * PAGE, 0, 0), -EFAULT);
    /* In the middle of a read, Linux's answer is the same. */
    check_equal(sys_pread64(fd, memory, 2 * PAGE, 0, 0), -EFAULT);
    memory[0] = constant[0] = PATTERN;
    check_equal(mprotect(constant, PAGE, PROT_READ), 0);
    check_equal(sys_pread64(fd, constant, PAGE, 0, 0), -EFAULT);
    check_equal(constant[0], PATTERN);
    check_equal(sys_pread64(fd, memory, PAGE, 0, 0), PAGE);
    sys_close(fd);
}

/* Beyond the first MiB, what came before an error counts. */
static void
bad_memory_far_on(void)
{
    char *memory = test_map(2 * MIB);
    int fd = open_direct(LONG_FILE);

    munmap(memory + MIB + 5 * PAGE, PAGE);
    check_equal(sys_pread64(fd, memory, 2 * MIB, 0, 0), MIB);
    sys_close(fd);
}

/* A pipe, a directory, a file of /tmp and of /proc: there is nothing to be read directly. */
static void
other_kinds_of_files(void)
{
    char *memory = aligned(PAGE);
    int fd = sys_open("/tmp/direct", O_RDWR | O_CREAT | O_DIRECT, 0600);

    if (fd >= 0) { /* Linux's tmpfs refuses; here it is as without */
        check_equal(sys_write(fd, "abc", 3), 3);
        check_equal(sys_pread64(fd, memory + 1, 3, 0, 0), 3);
        check(memcmp(memory + 1, "abc", 3) == 0);
        sys_close(fd);
    }
    unlink("/tmp/direct");
    fd = sys_open("/mnt/0", O_RDONLY | O_DIRECTORY | O_DIRECT, 0);
    check(fd < 0 || sys_read(fd, memory, PAGE) == -EISDIR);
    sys_close(fd);
}

/* ---- Memory that changes hands ---- */

#define FLIGHT (8 * PAGE)

static int flight_fd;

static char *
take_off(void)
{
    char *memory = aligned(FLIGHT);

    memset(memory, PATTERN, FLIGHT);
    flight_fd = open_direct(LONG_FILE);
    check_equal(sys_pread64(flight_fd, memory, SECTOR, 0, 0), SECTOR); /* the map is known */
    memset(memory, PATTERN, FLIGHT);
    test_start(SYS_pread64, 1, flight_fd, WORD(memory), FLIGHT, 0);
    check_equal(memory[FLIGHT - 1], PATTERN); /* it is under way */
    return memory;
}

static void
land(void)
{
    check_equal(test_await().return_code, FLIGHT);
    sys_close(flight_fd);
}

static bool
has_the_file(const char *memory)
{
    char *wanted = test_map(FLIGHT);
    int fd = sys_open(LONG_FILE, O_RDONLY, 0);
    bool same = sys_read(fd, wanted, FLIGHT) == FLIGHT && memcmp(memory, wanted, FLIGHT) == 0;

    sys_close(fd);
    munmap(wanted, FLIGHT);
    return same;
}

/* The child sees what was there when it was made, the parent what the disk brings. */
static void
in_flight_fork(void)
{
    char *memory = take_off();
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        test_nap(500);
        _exit(all_are(memory, FLIGHT, PATTERN) ? 42 : 43);
    }
    land();
    check(has_the_file(memory));
    check_equal(waitpid(child, &status, 0), child);
    check_equal(status, 42 << 8);
}

/* Forked before: the first who writes, here the disk, gets pages of his own. */
static void
in_flight_after_fork(void)
{
    char *memory = aligned(FLIGHT);
    int status = -1, fd = open_direct(LONG_FILE);

    memset(memory, PATTERN, FLIGHT);
    pid_t child = fork();
    if (child == 0) {
        test_nap(500);
        _exit(all_are(memory, FLIGHT, PATTERN) ? 42 : 43);
    }
    check_equal(sys_pread64(fd, memory, FLIGHT, 0, 0), FLIGHT);
    check(has_the_file(memory));
    check_equal(waitpid(child, &status, 0), child);
    check_equal(status, 42 << 8);
    sys_close(fd);
}

/* What is put in its place does not get what the disk brings. */
static void
in_flight_unmap(void)
{
    char *memory = take_off();

    munmap(memory, FLIGHT);
    char *instead = mmap(memory, FLIGHT, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    check(instead == memory);
    check(all_are(instead, FLIGHT, 0));
    land();
    check(all_are(instead, FLIGHT, 0));
}

static void
in_flight_close(void)
{
    char *memory = take_off();

    sys_close(flight_fd);
    land();
    check(has_the_file(memory));
}

static void
in_flight_exit(void)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        for (unsigned i = 0; i < 30; i++)
            take_off();
        _exit(7);
    }
    check_equal(waitpid(child, &status, 0), child);
    check_equal(status, 7 << 8);
}

/* Two reads into the same memory at once: one of them is last, neither hurts. */
static void
in_flight_twice(void)
{
    char *memory = take_off();

    test_start(SYS_pread64, 2, flight_fd, WORD(memory), FLIGHT, 0);
    check_equal(test_await().return_code, FLIGHT);
    land();
    check(has_the_file(memory));
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"same_as_through_the_cache", same_as_through_the_cache},
        {"position_moves_as_with_others", position_moves_as_with_others},
        {"vectors", vectors},
        {"the_disk_itself", the_disk_itself},
        {"past_the_cache", past_the_cache},
        {"not_aligned", not_aligned},
        {"bad_memory", bad_memory},
        {"bad_memory_far_on", bad_memory_far_on},
        {"other_kinds_of_files", other_kinds_of_files},
        {"in_flight_fork", in_flight_fork},
        {"in_flight_after_fork", in_flight_after_fork},
        {"in_flight_unmap", in_flight_unmap},
        {"in_flight_close", in_flight_close},
        {"in_flight_exit", in_flight_exit},
        {"in_flight_twice", in_flight_twice},
        {NULL, NULL},
    };

    drop_caches();
    return check_run(cases, argc, argv);
}
