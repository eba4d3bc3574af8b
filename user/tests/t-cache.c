/* The page cache and its neighbours: what finding costs, hundreds who want the same, little memory, and
 * what a mapped last page shows. The image blocks4k is at /mnt/0. */
#include <stdlib.h>
#include <sys/stat.h>
#include "test.h"
#include "walk/walk.h"

#define MANY 400
#define LONG_FILE "/mnt/0/ends/level1+4097"
#define ROUNDS 50

static void
drop_caches(void)
{
    check_equal(test_write_file("/proc/sys/vm/drop_caches", "3"), 1);
}

static void
read_ahead(bool on)
{
    check_equal(test_write_file("/proc/sys/vm/read_ahead", on ? "1" : "0"), 1);
}

static unsigned long long
requests(void)
{
    return test_disk_requests("ata1");
}

/* ---- The cost of finding (with --icount: instructions) ---- */

static unsigned long long
now(void)
{
    unsigned low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (unsigned long long)high << 32 | low;
}

/* Of one read of 512 bytes that are in the cache, the least of several. */
static unsigned long long
cost_of_read(int fd, unsigned long offset)
{
    static char buffer[512];
    unsigned long long least = ~0ull;

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned long long start = now();
        sys_pread64(fd, buffer, sizeof buffer, offset, 0);
        unsigned long long took = now() - start;
        least = took < least ? took : least;
    }
    return least;
}

static unsigned long long
cost_of_status(int directory, const char *name)
{
    struct kernel_stat status;
    unsigned long long least = ~0ull;

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned long long start = now();
        sys_fstatat64(directory, name, &status, 0);
        unsigned long long took = now() - start;
        least = took < least ? took : least;
    }
    return least;
}

/* The worst of 64 pages spread over the file. */
static unsigned long long
worst_read(int fd, unsigned long pages)
{
    unsigned long long worst = 0;

    for (unsigned long i = 0; i < 64; i++) {
        unsigned long long cost = cost_of_read(fd, i * (pages / 64) * PAGE);
        worst = cost > worst ? cost : worst;
    }
    return worst;
}

static unsigned long long
write_pages(int fd, unsigned long from, unsigned long to)
{
    static char buffer[16 * PAGE];
    unsigned long at;

    for (at = from; at < to; at += 16)
        if (sys_write(fd, buffer, sizeof buffer) != sizeof buffer)
            break;
    return at;
}

/* A file of /tmp is made of pages of the cache. */
static void
finding_a_page_costs_the_same(void)
{
    int fd = sys_open("/tmp/large", O_RDWR | O_CREAT | O_TRUNC, 0600);
    unsigned long few = 64, lots = 16384; /* 256 KiB, 64 MiB */

    check_equal(write_pages(fd, 0, few), few);
    unsigned long long small = worst_read(fd, few);
    check_equal(write_pages(fd, few, lots), lots);
    unsigned long long large = worst_read(fd, lots);
    printf("# a read of 512 bytes: %llu with %lu pages in the cache, %llu with %lu\n", small, few, large,
           lots);
    check(large * 10 <= small * 11);
    sys_close(fd);
    unlink("/tmp/large");
}

static void
make_names(unsigned from, unsigned to)
{
    char path[40];

    for (unsigned i = from; i < to; i++) {
        snprintf(path, sizeof path, "/tmp/names/%u", i);
        check_equal(sys_close(sys_open(path, O_WRONLY | O_CREAT, 0600)), 0);
    }
}

static unsigned long long
worst_status(int directory, unsigned names)
{
    unsigned long long worst = 0;
    char name[16];

    for (unsigned i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "%u", 1000000 + i * (names / 64)); /* as long as each other */
        unsigned long long cost = cost_of_status(directory, name);
        worst = cost > worst ? cost : worst;
    }
    return worst;
}

static void
finding_a_name_costs_the_same(void)
{
    check_equal(mkdir("/tmp/names", 0700), 0);
    int directory = sys_open("/tmp/names", O_RDONLY | O_DIRECTORY, 0);

    make_names(1000000, 1000064);
    unsigned long long small = worst_status(directory, 64);
    make_names(1000064, 1008192);
    unsigned long long large = worst_status(directory, 8192);
    printf("# a status by name: %llu with 64 names, %llu with 8,192\n", small, large);
    check(large * 10 <= small * 14); /* (some names share a place in the table) */
    sys_close(directory);
}

/* ---- Hundreds who want the same ---- */

static char buffers[MANY][PAGE];

/* Starts a read of the same page MANY times, and compares what they get. */
static unsigned long long
requests_of_reads(unsigned count)
{
    int fd = sys_open(LONG_FILE, O_RDONLY, 0);

    memset(buffers, 1, sizeof buffers);
    unsigned long long before = requests();
    for (unsigned i = 0; i < count; i++)
        test_start(SYS_pread64, i, fd, WORD(buffers[i]), PAGE, 5 * PAGE);
    for (unsigned i = 0; i < count; i++)
        check_equal(test_await().return_code, PAGE);
    for (unsigned i = 0; i < count; i++)
        check(memcmp(buffers[i], buffers[0], PAGE) == 0);
    sys_close(fd);
    return requests() - before;
}

static void
one_page_is_read_once(void)
{
    read_ahead(false);
    drop_caches();
    check_equal(requests_of_reads(MANY), 1);
    check_equal(requests_of_reads(MANY), 0);
    read_ahead(true);
    drop_caches();
    check(requests_of_reads(MANY) <= 2); /* (not from the beginning: nothing is foreseen) */
}

static struct kernel_stat statuses[MANY];

static unsigned long long
requests_of_statuses(unsigned count)
{
    drop_caches();
    unsigned long long before = requests();
    for (unsigned i = 0; i < count; i++)
        test_start(SYS_fstatat64, i, AT_FDCWD, WORD("/mnt/0/ends/level1-1"), WORD(&statuses[i]), 0);
    for (unsigned i = 0; i < count; i++)
        check_equal(test_await().return_code, 0);
    for (unsigned i = 0; i < count; i++)
        check(memcmp(&statuses[i], &statuses[0], sizeof statuses[0]) == 0);
    return requests() - before;
}

/* A path whose directories and inodes have to be read. */
static void
one_inode_is_read_once(void)
{
    read_ahead(false);
    unsigned long long one = requests_of_statuses(1), many = requests_of_statuses(MANY);
    printf("# a status by path: %llu requests by one, %llu by %u at once\n", one, many, MANY);
    check(one >= 3);
    check_equal(many, one);
    read_ahead(true);
}

/* All pages of a file, each wanted by several, in an order of chance; some of them cancelled by the
 * process's end. */
static void
many_pages_by_many(void)
{
    static char whole[1037 * PAGE];
    int fd = sys_open(LONG_FILE, O_RDONLY, 0);
    unsigned seed = 12345;

    for (size_t at = 0; at < sizeof whole; at += PAGE)
        check_equal(sys_pread64(fd, whole + at, PAGE, at, 0), PAGE);
    for (unsigned round = 0; round < 5; round++) {
        unsigned pages[MANY];
        drop_caches();
        for (unsigned i = 0; i < MANY; i++) {
            seed = seed * 1103515245 + 12345;
            pages[i] = seed / 65536 % 300;
            test_start(SYS_pread64, i, fd, WORD(buffers[i]), PAGE, pages[i] * PAGE);
        }
        for (unsigned i = 0; i < MANY; i++)
            check_equal(test_await().return_code, PAGE);
        for (unsigned i = 0; i < MANY; i++)
            check(memcmp(buffers[i], whole + pages[i] * PAGE, PAGE) == 0);
    }
    sys_close(fd);
}

/* ---- Little memory (32 MiB; the files have more) ---- */

static const char *const large_files[] = {
    "/mnt/0/ends/level1+4097", "/mnt/0/ends/level1+4096", "/mnt/0/ends/level1+1", "/mnt/0/ends/level1+0",
    "/mnt/0/ends/level1-1", "/mnt/0/ends/level1-4096", "/mnt/0/holes/indirect",
};

static unsigned
sum_of_file(const char *path)
{
    static unsigned char buffer[16 * PAGE];
    int fd = sys_open(path, O_RDONLY, 0);
    unsigned sum = 0;
    long got;

    while ((got = sys_read(fd, buffer, sizeof buffer)) > 0)
        for (long i = 0; i < got; i += 61)
            sum = sum * 31 + buffer[i];
    check_equal(got, 0);
    sys_close(fd);
    return sum;
}

static void
more_files_than_memory(void)
{
    unsigned sums[LENGTH(large_files)];
    unsigned long long before = requests();

    drop_caches();
    for (unsigned i = 0; i < LENGTH(large_files); i++)
        sums[i] = sum_of_file(large_files[i]);
    unsigned long long first = requests() - before;
    long all = test_read_number("/proc/meminfo", "MemTotal:");
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < LENGTH(large_files); i++) {
            check_equal(sum_of_file(large_files[i]), sums[i]);
            check(test_read_number("/proc/meminfo", "Cached:") < all);
            check(test_read_number("/proc/meminfo", "MemFree:") > 0);
        }
    /* So they did not fit. */
    check(requests() - before > first * 2);
}

/* What is read once, from end to end, does not drive out what is read often. */
static void
used_pages_stay(void)
{
    static char buffer[PAGE];
    int often = sys_open("/mnt/0/holes/odd-tail", O_RDONLY, 0);

    drop_caches();
    for (unsigned i = 0; i < 3; i++)
        for (unsigned page = 0; page < 20; page++)
            check(sys_pread64(often, buffer, PAGE, page * PAGE, 0) > 0);
    for (unsigned i = 0; i < LENGTH(large_files); i++) {
        sum_of_file(large_files[i]);
        unsigned long long before = requests();
        for (unsigned page = 0; page < 20; page++)
            check(sys_pread64(often, buffer, PAGE, page * PAGE, 0) > 0);
        check_equal(requests() - before, 0);
    }
    sys_close(often);
}

/* A program that wants memory gets it from the cache. */
static void
cache_gives_way_to_programs(void)
{
    for (unsigned i = 0; i < LENGTH(large_files); i++)
        sum_of_file(large_files[i]);
    long cached = test_read_number("/proc/meminfo", "Cached:"); /* KiB */
    long wanted = test_read_number("/proc/meminfo", "MemTotal:") / 2 * 1024 / PAGE * PAGE;
    char *memory = test_map(wanted);
    for (long at = 0; at < wanted; at += PAGE)
        memory[at] = 1 + at / PAGE % 100;
    for (long at = 0; at < wanted; at += PAGE)
        check_equal(memory[at], 1 + at / PAGE % 100);
    long left = test_read_number("/proc/meminfo", "Cached:");
    printf("# %ld KiB cached, %ld after %ld KiB were wanted\n", cached, left, wanted / 1024);
    check(cached > wanted / 1024 && left < cached - wanted / 4096);
    munmap(memory, wanted);
}

/* ---- Behind a file's end ---- */

/* Are the bytes of its last page that lie behind its end zeros, however it is mapped? */
static void
check_last_page(const char *path, size_t size)
{
    int fd = sys_open(path, O_RDONLY | O_LARGEFILE, 0);
    size_t tail = size % PAGE;

    for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
        const char *page = mmap(NULL, PAGE, PROT_READ, flags, fd, size / PAGE * PAGE);
        if (page == MAP_FAILED) {
            check_failed("%s cannot be mapped", path);
            continue;
        }
        for (size_t at = tail; at < PAGE; at++)
            if (page[at]) {
                check_failed("%s: byte %zu of the last page is %d", path, at, page[at]);
                break;
            }
        munmap((void *)page, PAGE);
    }
    sys_close(fd);
}

static unsigned
check_all_last_pages(void)
{
    struct walk walk = {.path = "/mnt/0", .list = true};
    char path[600];
    unsigned checked = 0;

    check_equal(walk_run(&walk), 0);
    for (size_t i = 0; i < walk.entry_count; i++) {
        if (!S_ISREG(walk.entries[i].mode) || walk.entries[i].size % PAGE == 0 ||
            strlen(walk.entries[i].path) > 500)
            continue;
        snprintf(path, sizeof path, "/mnt/0/%s", walk.entries[i].path);
        check_last_page(path, walk.entries[i].size);
        checked++;
    }
    return checked;
}

static void
behind_the_end_are_zeros(void)
{
    drop_caches();
    check(check_all_last_pages() > 10);
}

/* The same when the blocks come out of the disk's own pages. */
static void
behind_the_end_are_zeros_of_a_read_disk(void)
{
    static char buffer[16 * PAGE];
    int fd = sys_open("/dev/ata1", O_RDONLY | O_LARGEFILE, 0);

    drop_caches();
    for (unsigned i = 0; i < 64 && sys_read(fd, buffer, sizeof buffer) > 0; i++)
        ;
    sys_close(fd);
    check(check_all_last_pages() > 10);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"finding_a_page_costs_the_same", finding_a_page_costs_the_same},
        {"finding_a_name_costs_the_same", finding_a_name_costs_the_same},
        {"one_page_is_read_once", one_page_is_read_once},
        {"one_inode_is_read_once", one_inode_is_read_once},
        {"many_pages_by_many", many_pages_by_many},
        {"more_files_than_memory", more_files_than_memory},
        {"used_pages_stay", used_pages_stay},
        {"cache_gives_way_to_programs", cache_gives_way_to_programs},
        {"behind_the_end_are_zeros", behind_the_end_are_zeros},
        {"behind_the_end_are_zeros_of_a_read_disk", behind_the_end_are_zeros_of_a_read_disk},
        {NULL, NULL},
    };

    return check_run(cases, argc, argv);
}
