/* What asynchronous calls cost by each way of <fibril/asys.h>: the CPU's time stamps (under
 * --icount: instructions, exactly) per operation, from writing the description to having the
 * result, user code included; the least of many rounds. The same work as in io_uring's figures of
 * docs/benchmarks.md.
 *
 * asys [ROUNDS [NAME]] prints `name value` lines, or that of one NAME; bench/run.py reads them. For
 * tools/profile the last round of NAME lies between stretch_begin and stretch_end. */
#include <errno.h>
#include <fcntl.h>
#include <fibril/asys.h>
#include <fibril/kernel_types.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "clock.h"

#define FOLDER "/demo/newlib-salsa/newlib"
#define FILE_1 "README"
#define BATCH_MOST 64

static char buffer[4096];
static struct kernel_stat status;
static struct kernel_timespec nap = {1000, 0};
static int file, context, pipe_ends[2];
static unsigned rounds = 50;
static const char *only;
static struct asys queue;
static struct asys_entry entries[2 * BATCH_MOST];
static struct asys_event events[2 * BATCH_MOST];

static void
fail(const char *what, long result)
{
    fprintf(stderr, "asys: %s: %ld\n", what, result);
    exit(1);
}

/* `run` does so many operations; its answer is negative if one went wrong. */
static void
measure(const char *name, unsigned operations, long (*run)(unsigned operations))
{
    unsigned long long least = ~0ull;
    char full_name[64];

    snprintf(full_name, sizeof full_name, "%s_%u", name, operations);
    if (only && strcmp(only, full_name) != 0)
        return;
    for (unsigned round = 0; round < rounds; round++) {
        if (only && round + 1 == rounds)
            stretch_begin();
        unsigned long long start = cycles();
        long result = run(operations);
        unsigned long long time = cycles() - start;
        if (only && round + 1 == rounds)
            stretch_end();
        if (result < 0)
            fail(full_name, result);
        least = time < least ? time : least;
    }
    printf("%s %.1f\n", full_name, (double)least / operations);
    fflush(stdout);
}

/* ---- By array: asys_enter, asys_collect ---- */

static long
list_run(unsigned count)
{
    long worst = 0;

    if (asys_enter(context, entries, count) != (long)count ||
        asys_collect(context, events, count, count, ASYS_FOREVER) != (long)count)
        return -EAGAIN;
    for (unsigned i = 0; i < count; i++)
        worst = events[i].result < 0 ? events[i].result : worst;
    return worst;
}

static struct asys_entry *
list_entry(unsigned i)
{
    memset(&entries[i], 0, sizeof entries[i]);
    entries[i].cookie = i;
    return &entries[i];
}

static long
list_getpid(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        asys_call(list_entry(i), SYS_getpid);
    return list_run(count);
}

static long
list_pread(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        asys_call(list_entry(i), SYS_pread64, file, buffer, 512, ASYS_64(0));
    return list_run(count);
}

static long
list_fstatat(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        asys_call(list_entry(i), SYS_fstatat64, AT_FDCWD, FILE_1, &status, 0);
    return list_run(count);
}

/* ---- By ring: asys_add, asys_ready, asys_peek ---- */

static long
ring_run(unsigned count)
{
    struct asys_event event;
    long worst = 0;

    if (asys_ready(&queue, count, ASYS_FOREVER) != (long)count)
        return -EAGAIN;
    while (asys_peek(&queue, &event))
        worst = event.result < 0 ? event.result : worst;
    return worst;
}

static long
ring_getpid(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        asys_add(&queue, SYS_getpid)->cookie = i;
    return ring_run(count);
}

static long
ring_pread(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        asys_add(&queue, SYS_pread64, file, buffer, 512, ASYS_64(0))->cookie = i;
    return ring_run(count);
}

static long
ring_fstatat(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        asys_add(&queue, SYS_fstatat64, AT_FDCWD, FILE_1, &status, 0)->cookie = i;
    return ring_run(count);
}

static long
ring_deadline(unsigned count)
{
    uint64_t deadline = asys_deadline(1000000000);

    for (unsigned i = 0; i < count; i++)
        asys_add(&queue, SYS_getpid)->deadline = deadline;
    return ring_run(count);
}

/* Only the last one of them tells. */
static long
ring_quiet(unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        asys_flag(asys_add(&queue, SYS_getpid), ASYS_QUIET);
    asys_add(&queue, SYS_getpid);
    return ring_run(1);
}

static long
ring_blocked(unsigned count)
{
    asys_add(&queue, SYS_read, pipe_ends[0], buffer, 1);
    asys_start(&queue);
    long written = sys_write(pipe_ends[1], buffer, 1);
    return written < 0 ? written : ring_run(count);
}

/* ---- Chains ---- */

static long
chain_links(unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        asys_flag(asys_add(&queue, SYS_getpid), ASYS_LINK);
    asys_add(&queue, SYS_getpid);
    return ring_run(count);
}

/* open and close(its result), an operation each pair. */
static long
chain_open_close(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        asys_flag(asys_add(&queue, SYS_openat, AT_FDCWD, FILE_1, O_RDONLY), ASYS_LINK | ASYS_QUIET);
        asys_add(&queue, SYS_close, asys_result(1));
    }
    return ring_run(count);
}

/* One directory by four calls: in a chain, and one after the other. */
static long
chain_directory(unsigned count)
{
    asys_flag(asys_add(&queue, SYS_open, ".", O_RDONLY | O_DIRECTORY), ASYS_LINK | ASYS_QUIET);
    asys_flag(asys_add(&queue, SYS_fstat64, asys_result(1), &status), ASYS_LINK | ASYS_QUIET);
    asys_flag(asys_add(&queue, SYS_getdents64, asys_result(2), buffer, sizeof buffer), ASYS_LINK);
    asys_flag(asys_add(&queue, SYS_close, asys_result(3)), ASYS_ALWAYS | ASYS_QUIET);
    return ring_run(count);
}

static long
sync_directory(unsigned count)
{
    int fd = sys_open(".", O_RDONLY | O_DIRECTORY, 0);
    long result = sys_fstat64(fd, &status) | sys_getdents64(fd, buffer, sizeof buffer);

    (void)count;
    return sys_close(fd) | result;
}

/* ---- A nap that is cancelled ---- */

static long
cancel_run(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        asys_flag(asys_call(list_entry(i), SYS_nanosleep, &nap, NULL), ASYS_WANT_ID);
    if (asys_enter(context, entries, count) != (long)count)
        return -EAGAIN;
    for (unsigned i = 0; i < count; i++)
        if (asys_cancel_call(context, entries[i].id) != 1)
            return -ENOENT;
    if (asys_collect(context, events, count, count, ASYS_FOREVER) != (long)count)
        return -EAGAIN;
    for (unsigned i = 0; i < count; i++)
        if (events[i].result != -ECANCELED)
            return -EINVAL;
    return 0;
}

int
main(int argc, char **argv)
{
    static const unsigned sizes[] = {1, 8, 64};

    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        only = argv[2];
    context = asys_context(NULL);
    file = chdir(FOLDER) < 0 ? -1 : open(FILE_1, O_RDONLY);
    if (rounds < 1 || file < 0 || context < 0 || pipe(pipe_ends) < 0 || asys_open(&queue, 128) < 0)
        fail("start", -1);
    for (unsigned i = 0; i < 3; i++) {
        measure("list_getpid", sizes[i], list_getpid);
        measure("list_pread_512", sizes[i], list_pread);
        measure("list_fstatat64", sizes[i], list_fstatat);
        measure("ring_getpid", sizes[i], ring_getpid);
        measure("ring_pread_512", sizes[i], ring_pread);
        measure("ring_fstatat64", sizes[i], ring_fstatat);
        measure("chain_open_close", sizes[i], chain_open_close);
        measure("cancel", sizes[i], cancel_run);
    }
    measure("ring_deadline", 64, ring_deadline);
    measure("ring_quiet", 64, ring_quiet);
    measure("ring_blocked", 1, ring_blocked);
    measure("chain_links", 8, chain_links);
    measure("chain_links", 32, chain_links);
    measure("chain_directory", 1, chain_directory);
    measure("sync_directory", 1, sync_directory);
    return 0;
}
