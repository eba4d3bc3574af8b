/* What syslets and threadlets cost, as counts.c measures it: `name value` lines, the least of many rounds.
 *
 * syslet_getpid_atom      one more atom of a chain of getpid, its result stored
 * syslet_exec             async_exec of one getpid, less that
 * open_fstat_close_…      of a file: by three int 0x80, by a chain of asys, by a syslet
 * threadlet_inline        threadlet_exec of an empty function, less a plain call of it
 * threadlet_blocked       threadlet_exec of a function that blocks, until the caller goes on, less what
 *                         the call that blocks costs until it sleeps
 * threadlet_whole         the same with waking it, its end, its completion taken */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <fibril/asys.h>
#include <fibril/kernel_types.h>
#include <fibril/syslet.h>
#include <fibril/threadlet.h>
#include "clock.h"

#define ROUNDS 50
#define ATOMS 128
#define PATH "/demo/newlib-salsa/newlib/README"

static uint32_t slots[16];
static struct async_head head;
static struct kernel_stat status;
static int ends[2];
static char byte;

static void
fail(const char *what, long result)
{
    fprintf(stderr, "syslets: %s: %ld\n", what, result);
    exit(1);
}

static unsigned long long
least_of(void (*operation)(void))
{
    unsigned long long least = ~0ull;

    for (int round = 0; round < ROUNDS; round++) {
        unsigned long long start = cycles();
        operation();
        unsigned long long time = cycles() - start;
        if (time < least)
            least = time;
    }
    return least;
}

/* ---- Syslets ---- */

static struct syslet_uatom atoms[ATOMS];
static long results[ATOMS];

static void
exec_atoms(void)
{
    long result = sys_async_exec(atoms, &head.user);
    if (result <= 0)
        fail("async_exec", result);
}

static unsigned long long
chain_of(int count)
{
    for (int i = 0; i < count; i++)
        atoms[i] = (struct syslet_uatom){.nr = SYS_getpid,
                                         .ret_ptr = (unsigned long)&results[i],
                                         .next = i + 1 < count ? (unsigned long)&atoms[i + 1] : 0};
    return least_of(exec_atoms);
}

static void
by_calls(void)
{
    int fd = sys_open(PATH, O_RDONLY, 0);
    if (fd < 0 || sys_fstat64(fd, &status) < 0 || sys_close(fd) < 0)
        fail(PATH, fd);
}

static void
by_asys(void)
{
    static struct asys_entry chain[3];
    struct asys_event event;
    for (int i = 0; i < 3; i++)
        chain[i] = (struct asys_entry){.flags = i < 2 ? ASYS_LINK | ASYS_QUIET : 0};
    asys_call(&chain[0], SYS_open, PATH, O_RDONLY, 0);
    asys_call(&chain[1], SYS_fstat64, asys_result(1), &status);
    asys_call(&chain[2], SYS_close, asys_result(2));
    if (asys_enter(-1, chain, 3) != 3 || asys_collect(-1, &event, 1, 1, ASYS_FOREVER) != 1 ||
        event.result < 0)
        fail("chain of asys", event.result);
}

static struct syslet_uatom file_atoms[3];
static struct syslet_words file_words[3];
static struct syslet file_chain = {file_atoms, file_words, 0, 3};
static int closing;

static void
file_chain_make(void)
{
    int file = syslet_call(&file_chain, SYS_open, PATH, O_RDONLY, 0);
    syslet_flag(&file_chain, file, SYSLET_STOP_ON_ERROR);
    syslet_call(&file_chain, SYS_fstat64, syslet_from(file), &status);
    closing = syslet_call(&file_chain, SYS_close, syslet_from(file));
}

static void
by_syslet(void)
{
    if (syslet_exec(&file_chain, &head) != 1 || syslet_result(&file_chain, closing) < 0)
        fail("syslet", syslet_result(&file_chain, closing));
}

/* ---- Threadlets ---- */

static char stack[8192] __attribute__((aligned(16)));
#define STACK_TOP (stack + sizeof stack - 64)
static unsigned long long before_sleep, went_on;

static void __attribute__((noinline))
nothing(void *unused)
{
    __asm__ volatile("" : : "r"(unused));
}

static void (*volatile function)(void *) = nothing;

static void
call_plainly(void)
{
    function(STACK_TOP);
}

static void
call_as_threadlet(void)
{
    if (threadlet_exec(function, STACK_TOP, &head) != 1)
        fail("threadlet", 0);
}

static void
read_one(void *unused)
{
    (void)unused;
    before_sleep = cycles();
    if (sys_read(ends[0], &byte, 1) != 1)
        fail("read", -1);
}

static unsigned long long going_on = ~0ull;

static void
block_as_threadlet(void)
{
    unsigned long long start = cycles();
    int result = threadlet_exec(read_one, STACK_TOP, &head);
    went_on = cycles();
    if (result != 0)
        fail("threadlet that blocks", result);
    if (went_on - start < going_on)
        going_on = went_on - start;
    if (sys_write(ends[1], "x", 1) != 1 || async_next(&head) != STACK_TOP)
        fail("its end", -1);
}

static void
read_that_is_ready(void)
{
    if (sys_read(ends[0], &byte, 1) != 1)
        fail("read", -1);
}

static unsigned long long
ready_read(void)
{
    unsigned long long least = ~0ull;
    for (int round = 0; round < ROUNDS; round++) {
        if (sys_write(ends[1], "x", 1) != 1)
            fail("write", -1);
        unsigned long long start = cycles();
        read_that_is_ready();
        unsigned long long time = cycles() - start;
        if (time < least)
            least = time;
    }
    return least;
}

int
main(void)
{
    async_head_init(&head, slots, 16);
    unsigned long long half = chain_of(ATOMS / 2), whole = chain_of(ATOMS), one = chain_of(1);
    double atom = (double)(whole - half) / (ATOMS / 2);

    if (sys_pipe(ends) < 0)
        fail("pipe", -1);
    printf("syslet_getpid_atom %.1f\n", atom);
    printf("syslet_exec %.1f\n", one - atom);
    by_calls(); /* into the cache */
    file_chain_make();
    printf("open_fstat_close_calls %llu\n", least_of(by_calls));
    printf("open_fstat_close_asys %llu\n", least_of(by_asys));
    printf("open_fstat_close_syslet %llu\n", least_of(by_syslet));
    unsigned long long plain = least_of(call_plainly);
    printf("threadlet_inline %llu\n", least_of(call_as_threadlet) - plain);
    printf("plain_read %llu\n", ready_read());
    unsigned long long all = least_of(block_as_threadlet);
    printf("threadlet_blocked %llu\n", going_on);
    printf("threadlet_whole %llu\n", all);
    return 0;
}
