/* t-kill-pending [COUNT [DISK]]: a child starts COUNT asynchronous reads on a disk that never answers
 * (64, /dev/ata1 or else /dev/ata0), and its parent kills it. Every call must be gone at once and
 * leave nothing behind; the reads themselves end later, by their time limits, without anybody. The
 * same with an empty pipe first, so that all that is made only once is there. The last line:
 *
 *     cancelled=64 leak=0 seconds=0.002
 *
 * leak: pages that have not come back, those of the cache and of the pools counted as there, and objects
 * in the pools, those of the reads under way not counted. The exit status is 0 if all is well.
 *
 * The silent disk may be the one that this program came from: all its pages are there before, and
 * it stands in /proc, so that no name is looked for on a disk. Where the cache has an answer already,
 * the child reads somewhere else. */
#include <signal.h>
#include <sys/wait.h>
#include "test.h"

#define MOST 1024
#define DISTANCE 65536u /* so that no read is another one's neighbour */
#define ROUNDS 100

static struct asys_input inputs[MOST];
static unsigned long arguments[MOST][4];
static char bytes[MOST][512];

struct resources {
    long pages, objects;
};

static struct resources
count_resources(void)
{
    return (struct resources){
        .pages = (test_read_number("meminfo", "MemFree:") +
                  test_read_number("meminfo", "Cached:") +
                  test_read_number("meminfo", "Slab:")) / 4,
        .objects = test_read_number("pools", "total ") -
                   test_read_number("pools", "block_request "),
    };
}

/* Touches every page of the program that comes from a file; false: they are not known. */
static bool
touch_program(void)
{
    unsigned long start, end;
    char line[200], may;
    FILE *maps = fopen("self/maps", "r");
    bool found = false;

    while (maps && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %c", &start, &end, &may) == 3 && may == 'r' && strchr(line, '/'))
            for (found = true; start < end; start += PAGE)
                (void)*(volatile char *)start;
    if (maps)
        fclose(maps);
    return found;
}

static long
pending_calls(void)
{
    return test_read_number("self/status", "Fibrils:") - 1;
}

/* Starts reads here and there until `count` wait; how many do. */
static long
start_reads(int file, long count)
{
    long long size = sys_lseek(file, 0, SEEK_END), at = 0; /* negative: a pipe */
    long pending = 0;

    for (int round = 0; round < ROUNDS && pending < count; round++) {
        for (long i = 0; i < count - pending; i++, at += DISTANCE) {
            arguments[i][0] = file;
            arguments[i][1] = WORD(bytes[i]);
            arguments[i][2] = sizeof bytes[i];
            arguments[i][3] = size > 0 ? at % size : 0;
            inputs[i] = test_input(size > 0 ? SYS_pread64 : SYS_read, i, 4, arguments[i]);
        }
        if (sys_asys_submit(inputs, count - pending) != count - pending)
            return -1;
        pending = pending_calls();
    }
    return pending;
}

/* The child: makes the disks silent, tells how many calls are under way, and waits to be killed. */
static void
be_killed(int file, long count, const char *fault, int report)
{
    long pending = -1;

    if (touch_program() && test_write_file("sys/dev/ata_fault", fault) > 0)
        pending = start_reads(file, count);
    sys_write(report, (const char *)&pending, sizeof pending);
    for (;;)
        sys_sched_yield();
}

/* Kills a child with `count` reads of the file under way: how many there were; -1: something failed. */
static long
kill_reader(int file, long count, const char *fault, double *seconds)
{
    int report[2], status = 0;
    long pending = -1;

    if (sys_pipe(report))
        return -1;
    long child = sys_fork();
    if (child == 0)
        be_killed(file, count, fault, report[1]);
    if (child > 0 && sys_read(report[0], (char *)&pending, sizeof pending) == sizeof pending) {
        long long start = test_now_ns();
        sys_kill(child, SIGKILL);
        if (sys_wait4(child, &status, 0, NULL) != child || status != SIGKILL)
            pending = -1;
        *seconds = (test_now_ns() - start) / 1e9;
    }
    sys_close(report[0]);
    sys_close(report[1]);
    return pending;
}

int
main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 64;
    int file = sys_open(argc > 2 ? argv[2] : "/dev/ata1", O_RDONLY, 0), empty[2];
    double seconds;

    if (file < 0)
        file = sys_open("/dev/ata0", O_RDONLY, 0);
    if (file < 0 || count < 1 || count > MOST || sys_pipe(empty) || sys_chdir("/proc") ||
        !touch_program())
        return 2;
    if (kill_reader(empty[0], count, "none", &seconds) != count)
        return 2;
    struct resources before = count_resources(), after;
    before = count_resources();
    long pending = kill_reader(file, count, "silent-after:0", &seconds);
    after = count_resources();
    test_write_file("sys/dev/ata_fault", "none");
    long leak = labs(before.pages - after.pages) + labs(after.objects - before.objects);
    printf("cancelled=%ld leak=%ld seconds=%.3f\n", pending, leak, seconds);
    return pending == count && leak == 0 && seconds < 5 ? 0 : 1;
}
