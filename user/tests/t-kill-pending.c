/* t-kill-pending [COUNT [DISK]]: a child starts COUNT asynchronous reads on a disk that never answers
 * (64, /dev/ata1 or else /dev/ata0), and its parent kills it. Every call must be gone at once and
 * leave nothing behind; the reads themselves end later, by their time limits, without anybody. The
 * same with an empty pipe first, so that all that is made only once is there. The last line:
 *
 *     cancelled=64 leak=0 seconds=0.002
 *
 * leak: pages that have not come back, those of the cache and of the pools counted as there, and objects
 * in the pools, those of the reads under way not counted. The exit status is 0 if all is well. */
#include <signal.h>
#include <sys/wait.h>
#include "test.h"

#define MOST 1024
#define DISTANCE 65536 /* so that no read is another one's neighbour */

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
        .pages = (test_read_number("/proc/meminfo", "MemFree:") +
                  test_read_number("/proc/meminfo", "Cached:") +
                  test_read_number("/proc/meminfo", "Slab:")) / 4,
        .objects = test_read_number("/proc/pools", "total ") -
                   test_read_number("/proc/pools", "block_request "),
    };
}

/* The child: tells how many calls are under way, and waits to be killed. */
static void
start_reads(int file, long count, int report)
{
    for (long i = 0; i < count; i++) {
        arguments[i][0] = file;
        arguments[i][1] = WORD(bytes[i]);
        arguments[i][2] = sizeof bytes[i];
        arguments[i][3] = (i + 1ul) * DISTANCE;
        inputs[i] = test_input(SYS_pread64, i, 4, arguments[i]);
        if (sys_lseek(file, 0, SEEK_SET) < 0) /* a pipe */
            inputs[i].syscall_nr = SYS_read;
    }
    long pending = sys_asys_submit(inputs, count) == count
                       ? test_fibrils() - 1
                       : -1;
    sys_write(report, (const char *)&pending, sizeof pending);
    for (;;)
        sys_sched_yield();
}

/* Kills a child with `count` reads of the file under way: how many there were; -1: something failed. */
static long
kill_reader(int file, long count, double *seconds)
{
    int report[2], status = 0;
    long pending = -1;

    if (sys_pipe(report))
        return -1;
    long child = sys_fork();
    if (child == 0)
        start_reads(file, count, report[1]);
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
    if (file < 0 || count < 1 || count > MOST || sys_pipe(empty))
        return 2;
    long pending = kill_reader(empty[0], count, &seconds);
    if (pending != count || test_write_file("/proc/sys/dev/ata_fault", "none") < 0)
        return 2;
    struct resources before = count_resources(), after;
    before = count_resources();
    test_write_file("/proc/sys/dev/ata_fault", "silent-after:0");
    pending = kill_reader(file, count, &seconds);
    after = count_resources();
    long leak = labs(before.pages - after.pages) + labs(after.objects - before.objects);
    printf("cancelled=%ld leak=%ld seconds=%.3f\n", pending, leak, seconds);
    return pending == count && leak == 0 && seconds < 5 ? 0 : 1;
}
