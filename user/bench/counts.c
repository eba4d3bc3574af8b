/* What calls cost: the CPU's time stamps (under --icount: instructions, exactly) per operation, user
 * code included, the least of many rounds, so that what an interrupt took away does not count.
 *
 * counts [ROUNDS [NAME]] prints `name value` lines, or that of one NAME; bench/run.py and the tests
 * read them. The files and the tree are those of the root file system, warm: the first round has
 * read them. tools/profile shows what happens between stretch_begin and stretch_end: the last round
 * of NAME. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <fibril/asys.h>
#include <fibril/calls.h>
#include "walk/walk.h"
#include "clock.h"

#define TREE "/demo"
#define FOLDER "/demo/newlib-salsa/newlib"
#define FILE_1 "README"
#define FILE_4 "demo/newlib-salsa/newlib/README"
#define REPEAT 16 /* operations between two looks at the clock */
#define BATCH_MOST 64
#define PAGES 64

static char buffer[4096];
static struct kernel_stat status;
static int file, pipe_ends[2];
static unsigned rounds = 50;
static const char *only; /* measure this one alone, and mark its last round */

static bool
wanted(const char *name)
{
    return !only || strcmp(name, only) == 0;
}

static bool
marked(unsigned round, unsigned of)
{
    return only && round + 1 == of;
}

static void
fail(const char *what, long result)
{
    fprintf(stderr, "counts: %s: %ld\n", what, result);
    exit(1);
}

static void
print(const char *name, unsigned long long total, unsigned long operations)
{
    if (!wanted(name))
        return;
    printf("%s %.1f\n", name, (double)total / operations);
    fflush(stdout);
}

/* ---- Calls by int 0x80: each returns what has to be its result's sign: not negative ---- */

static long
do_getpid(void)
{
    return sys_getpid();
}

static long
do_unknown_number(void)
{
    return kernel_call0(10000) == -ENOSYS ? 0 : -1;
}

static long
do_pread_512(void)
{
    return sys_pread64(file, buffer, 512, 0, 0);
}

static long
do_pread_4096(void)
{
    return sys_pread64(file, buffer, 4096, 0, 0);
}

static long
do_fstat64(void)
{
    return sys_fstat64(file, &status);
}

static long
do_fstatat64_1(void)
{
    return sys_fstatat64(AT_FDCWD, FILE_1, &status, 0);
}

static long
do_openat_close(void)
{
    int fd = sys_openat(AT_FDCWD, FILE_1, O_RDONLY, 0);
    return fd < 0 ? fd : sys_close(fd);
}

static long
do_fstatat64_4(void)
{
    return sys_fstatat64(AT_FDCWD, FILE_4, &status, 0);
}

static long
do_pipe_write_read(void)
{
    long result = sys_write(pipe_ends[1], buffer, 1);
    return result < 0 ? result : sys_read(pipe_ends[0], buffer, 1);
}

static long
do_sched_yield(void)
{
    return sys_sched_yield();
}

static inline __attribute__((always_inline)) void
measure_call(const char *name, long (*call)(void))
{
    unsigned long long least = ~0ull;

    for (unsigned round = 0; wanted(name) && round < rounds; round++) {
        if (marked(round, rounds))
            stretch_begin();
        unsigned long long start = cycles();
        long worst = 0;
        for (int i = 0; i < REPEAT; i++) {
            long result = call();
            worst = result < 0 ? result : worst;
        }
        unsigned long long time = cycles() - start;
        if (marked(round, rounds))
            stretch_end();
        if (worst < 0)
            fail(name, worst);
        if (time < least)
            least = time;
    }
    print(name, least, REPEAT);
}

static void
measure_calls(void)
{
    measure_call("getpid", do_getpid);
    measure_call("unknown_number", do_unknown_number);
    measure_call("pread_512", do_pread_512);
    measure_call("pread_4096", do_pread_4096);
    measure_call("fstat64", do_fstat64);
    measure_call("fstatat64_1", do_fstatat64_1);
    measure_call("openat_close", do_openat_close);
    measure_call("pipe_write_read", do_pipe_write_read);
    measure_call("sched_yield", do_sched_yield);
    if (sys_chdir("/") < 0)
        fail("chdir", -1);
    measure_call("fstatat64_4", do_fstatat64_4);
    if (sys_chdir(FOLDER) < 0)
        fail(FOLDER, -1);
}

/* ---- The same calls by asys: submitted as one batch, awaited one by one ---- */

struct batch {
    struct asys_input inputs[BATCH_MOST];
    unsigned long arguments[BATCH_MOST][6];
};
static struct batch batch;

static void
batch_fill(int number, unsigned count, const unsigned long arguments[])
{
    for (int i = 0; i < BATCH_MOST; i++) {
        memcpy(batch.arguments[i], arguments, count * sizeof *arguments);
        batch.inputs[i] = (struct asys_input){number, i, count, batch.arguments[i]};
    }
}

static long
await(void)
{
    struct asys_completion done;
    long result = sys_asys_await_completion(&done);

    return result < 0 ? result : done.return_code;
}

/* One batch through; the last negative result, or 0. Results that are descriptors are closed by a
 * second batch, if `close_them`. */
static long
run_batch(unsigned size, bool close_them)
{
    unsigned closing = 0;
    long worst = 0, result = sys_asys_submit(batch.inputs, size);
    static struct asys_input closes[BATCH_MOST];
    static unsigned long descriptors[BATCH_MOST];

    if (result != (long)size)
        return result < 0 ? result : -EAGAIN;
    for (unsigned i = 0; i < size; i++) {
        result = await();
        worst = result < 0 ? result : worst;
        if (close_them) {
            descriptors[closing] = result;
            closes[closing] = (struct asys_input){SYS_close, closing, 1, &descriptors[closing]};
            closing++;
        }
    }
    if (closing > 0)
        sys_asys_submit(closes, closing);
    while (closing-- > 0) {
        result = await();
        worst = result < 0 ? result : worst;
    }
    return worst;
}

static void
measure_batch(const char *name, unsigned size, bool close_them)
{
    unsigned long long least = ~0ull;
    char full_name[64];

    snprintf(full_name, sizeof full_name, "asys_%s_%u", name, size);
    for (unsigned round = 0; wanted(full_name) && round < rounds; round++) {
        if (marked(round, rounds))
            stretch_begin();
        unsigned long long start = cycles();
        long worst = run_batch(size, close_them);
        unsigned long long time = cycles() - start;
        if (marked(round, rounds))
            stretch_end();
        if (worst < 0)
            fail(full_name, worst);
        if (time < least)
            least = time;
    }
    print(full_name, least, size);
}

#define ARGUMENTS(...) (const unsigned long[]){__VA_ARGS__}

static void
measure_asys(void)
{
    static const unsigned sizes[] = {1, 8, 64};

    for (int i = 0; i < 3; i++) {
        batch_fill(SYS_getpid, 0, ARGUMENTS(0));
        measure_batch("getpid", sizes[i], false);
        batch_fill(SYS_pread64, 5, ARGUMENTS(file, (unsigned long)buffer, 512, 0, 0));
        measure_batch("pread_512", sizes[i], false);
        batch_fill(SYS_pread64, 5, ARGUMENTS(file, (unsigned long)buffer, 4096, 0, 0));
        measure_batch("pread_4096", sizes[i], false);
        batch_fill(SYS_fstatat64, 4,
                   ARGUMENTS(AT_FDCWD, (unsigned long)FILE_1, (unsigned long)&status, 0));
        measure_batch("fstatat64_1", sizes[i], false);
        batch_fill(SYS_openat, 3, ARGUMENTS(AT_FDCWD, (unsigned long)FILE_1, O_RDONLY));
        measure_batch("openat_close", sizes[i], true);
    }
}

/* A call that blocks: a read of an empty pipe is started, a write wakes it, its completion comes. */
static void
measure_blocked(void)
{
    unsigned long long least = ~0ull;

    batch_fill(SYS_read, 3, ARGUMENTS(pipe_ends[0], (unsigned long)buffer, 1));
    for (unsigned round = 0; wanted("asys_pipe_blocked") && round < rounds; round++) {
        if (marked(round, rounds))
            stretch_begin();
        unsigned long long start = cycles();
        long submitted = sys_asys_submit(batch.inputs, 1);
        long written = sys_write(pipe_ends[1], buffer, 1);
        long result = await();
        unsigned long long time = cycles() - start;
        if (marked(round, rounds))
            stretch_end();
        if (submitted != 1 || written != 1 || result != 1)
            fail("asys_pipe_blocked", result);
        if (time < least)
            least = time;
    }
    print("asys_pipe_blocked", least, 1);
}

/* ---- Page faults and walks ---- */

static void
measure_page_fault(void)
{
    unsigned long long least = ~0ull;

    for (unsigned round = 0; wanted("page_fault_anonymous") && round < rounds; round++) {
        char *memory = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            fail("mmap", -errno);
        memory[0] = 1; /* the page table */
        if (marked(round, rounds))
            stretch_begin();
        for (int page = 1; page < PAGES; page++) {
            unsigned long long start = cycles();
            *(volatile char *)(memory + page * 4096) = 1;
            unsigned long long time = cycles() - start;
            if (time < least)
                least = time;
        }
        if (marked(round, rounds))
            stretch_end();
        munmap(memory, PAGES * 4096);
    }
    print("page_fault_anonymous", least, 1);
}

static void
measure_walk(const char *name, enum walk_way way, unsigned depth, unsigned walks)
{
    unsigned long long least = ~0ull;
    unsigned long entries = 0;

    for (unsigned i = 0; wanted(name) && i < walks; i++) {
        struct walk walk = {.path = TREE, .way = way, .depth = depth};
        if (marked(i, walks))
            stretch_begin();
        unsigned long long start = cycles();
        if (walk_run(&walk) < 0 || walk.errors > 0)
            fail(name, -1);
        unsigned long long time = cycles() - start;
        if (marked(i, walks))
            stretch_end();
        entries = walk.directories + walk.files + walk.others;
        if (time < least)
            least = time;
    }
    print(name, least, entries);
}

/* /proc/measure: what only the kernel can measure, in the same form. */
static void
print_kernel_figures(void)
{
    char text[1024];
    long size;
    int fd;

    if (only)
        stretch_begin();
    fd = sys_openat(AT_FDCWD, "/proc/measure", O_RDONLY, 0); /* measures now */
    if (only)
        stretch_end();
    if (fd < 0)
        fail("/proc/measure", fd);
    while ((size = sys_read(fd, text, sizeof text)) > 0)
        fwrite(text, 1, size, stdout);
    sys_close(fd);
}

int
main(int argc, char **argv)
{
    unsigned walks = 3;

    if (argc > 1) {
        rounds = strtoul(argv[1], NULL, 10);
        walks = 2;
    }
    if (argc > 2)
        only = argv[2];
    if (rounds < 2 || sys_chdir(FOLDER) < 0 || sys_pipe(pipe_ends) < 0)
        fail("start", rounds);
    file = sys_openat(AT_FDCWD, FILE_1, O_RDONLY, 0);
    if (file < 0)
        fail(FILE_1, file);
    if (wanted("kernel"))
        print_kernel_figures();
    measure_calls();
    measure_asys();
    measure_blocked();
    measure_page_fault();
    measure_walk("walk_warm_sync", WALK_SYNC, 1, walks);
    measure_walk("walk_warm_asys_64", WALK_ASYS, 64, walks);
    measure_walk("walk_warm_ring_64", WALK_RING, 64, walks);
    return 0;
}
