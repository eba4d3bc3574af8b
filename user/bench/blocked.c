/* What one blocked call costs in memory: `blocked NUMBER [WAY]` starts that many reads of an empty pipe,
 * each of which sleeps, and prints how much memory that took, per call, and which kernel objects.
 * By asys it then wakes them all, collects them and prints what has not come back. The other ways, aio,
 * asyncfd, syslet and threadlet, for up to 20,000, end there; the memory of rings, iocbs, atoms and user
 * stacks is the program's and is there before. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <fibril/aio_abi.h>
#include <fibril/asyncfd.h>
#include <fibril/asys.h>
#include <fibril/calls.h>
#include <fibril/threadlet.h>

#define BATCH 100
#define POOLS_MOST 64
#define OTHERS_MOST 20000
#define STACK_BYTES 4096

static int pipe_ends[2];
static char buffer[BATCH];

static void
fail(const char *what, long result)
{
    fprintf(stderr, "blocked: %s: %ld\n", what, result);
    exit(1);
}

static const char *
read_text(const char *path)
{
    static char text[8192];
    long size, length = 0;
    int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);

    if (fd < 0)
        fail(path, fd);
    while ((size = sys_read(fd, text + length, sizeof text - 1 - length)) > 0)
        length += size;
    text[length] = 0;
    sys_close(fd);
    return text;
}

/* Kibibytes not in use. */
static long
memory_free(void)
{
    const char *line = strstr(read_text("/proc/meminfo"), "MemFree:");

    if (!line)
        fail("MemFree", 0);
    return strtol(line + strlen("MemFree:"), NULL, 10);
}

struct pools {
    struct {
        char name[32];
        unsigned objects, size, pages;
    } entries[POOLS_MOST];
    int count;
};

static void
read_pools(struct pools *pools)
{
    pools->count = 0;
    for (const char *line = read_text("/proc/pools"); *line && pools->count < POOLS_MOST;) {
        if (sscanf(line, "%31s %u %u %u", pools->entries[pools->count].name,
                   &pools->entries[pools->count].objects, &pools->entries[pools->count].size,
                   &pools->entries[pools->count].pages) == 4)
            pools->count++;
        line = strchr(line, '\n');
        if (!line++)
            return;
    }
}

static unsigned
pool_pages(const struct pools *pools, const char *name)
{
    for (int i = 0; i < pools->count; i++)
        if (strcmp(pools->entries[i].name, name) == 0)
            return pools->entries[i].pages;
    return 0;
}

static void
print_pools(const struct pools *before, const struct pools *now, unsigned number)
{
    for (int i = 0; i < now->count; i++) {
        int pages = now->entries[i].pages - pool_pages(before, now->entries[i].name);
        if (pages > 0)
            printf("pool %s objects of %u bytes: %.1f bytes per call\n", now->entries[i].name,
                   now->entries[i].size, pages * 4096.0 / number);
    }
}

static void
start(unsigned number)
{
    unsigned long arguments[3] = {pipe_ends[0], (unsigned long)buffer, 1};
    struct asys_input inputs[BATCH];

    for (int i = 0; i < BATCH; i++)
        inputs[i] = (struct asys_input){SYS_read, i, 3, arguments};
    for (unsigned started = 0; started < number;) {
        unsigned wanted = number - started < BATCH ? number - started : BATCH;
        long taken = sys_asys_submit(inputs, wanted);
        if (taken <= 0)
            fail("asys_submit", taken);
        started += taken;
    }
}

static void
collect(unsigned number)
{
    struct asys_completion done;

    for (unsigned left = number; left > 0;) {
        unsigned some = left < BATCH ? left : BATCH;
        long written = sys_write(pipe_ends[1], buffer, some);
        if (written != (long)some)
            fail("write", written);
        left -= some;
        while (some-- > 0)
            if (sys_asys_await_completion(&done) != 1 || done.return_code != 1)
                fail("completion", done.return_code);
    }
}

/* ---- The other ways ---- */

static unsigned aio;
static int delivering;
static struct async_head head;
static struct syslet_uatom atom;
static unsigned long words[3];
static char *stacks;

static void
aio_begin(void)
{
    if (sys_io_setup(OTHERS_MOST, &aio))
        fail("io_setup", aio);
}

static void
aio_start(void)
{
    struct iocb iocb = {.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = pipe_ends[0],
                        .aio_buf = (unsigned long)buffer, .aio_nbytes = 1}, *one = &iocb;
    long taken = sys_io_submit(aio, 1, &one);
    if (taken != 1)
        fail("io_submit", taken);
}

static void
asyncfd_begin(void)
{
    struct asys_setup setup = {.flags = ASYS_SETUP_ASYNCFD, .notify_fd = asyncfd(-1, NULL)};
    delivering = asys_context(&setup);
}

static void
asyncfd_start(void)
{
    struct asys_entry entry = {.cookie = 1};
    asys_call(&entry, SYS_read, pipe_ends[0], buffer, 1);
    long taken = asys_enter(delivering, &entry, 1);
    if (taken != 1)
        fail("asys_enter", taken);
}

static void
head_begin(void)
{
    static uint32_t ring[OTHERS_MOST + 1];
    async_head_init(&head, ring, OTHERS_MOST + 1);
}

static void
syslet_begin(void)
{
    head_begin();
    words[0] = pipe_ends[0];
    words[1] = (unsigned long)buffer;
    words[2] = 1;
    atom = (struct syslet_uatom){.nr = SYS_read};
    for (int i = 0; i < 3; i++)
        atom.arg_ptr[i] = (unsigned long)&words[i];
}

static void
syslet_start(void)
{
    long result = sys_async_exec(&atom, &head.user);
    if (result != 0)
        fail("async_exec", result);
}

static void
read_one(void *stack)
{
    sys_read(pipe_ends[0], stack, 1);
}

static void
threadlet_begin(void)
{
    head_begin();
    stacks = malloc(STACK_BYTES * OTHERS_MOST);
    if (!stacks)
        fail("malloc", 0);
}

static void
threadlet_start(void)
{
    stacks += STACK_BYTES;
    if (threadlet_exec(read_one, stacks - 64, &head) != 0)
        fail("threadlet_exec", 1);
}

static const struct way {
    const char *name;
    void (*begin)(void);
    void (*start)(void);
} ways[] = {{"aio", aio_begin, aio_start},
            {"asyncfd", asyncfd_begin, asyncfd_start},
            {"syslet", syslet_begin, syslet_start},
            {"threadlet", threadlet_begin, threadlet_start}};

static int
measure_way(const char *name, unsigned number)
{
    const struct way *way = ways;
    while (way < ways + sizeof ways / sizeof *ways && strcmp(way->name, name) != 0)
        way++;
    if (way == ways + sizeof ways / sizeof *ways || number > OTHERS_MOST - 1)
        fail(name, number);
    way->begin();
    way->start(); /* whatever is made once is there now */
    if (strcmp(name, "threadlet") == 0) { /* memory of the program's */
        memset(stacks, 0, (size_t)STACK_BYTES * (number + 1));
        threadlet_reserve(1);
    }
    long free_before = memory_free();
    if (strcmp(name, "threadlet") == 0)
        threadlet_reserve(number);
    for (unsigned i = 0; i < number; i++)
        way->start();
    printf("blocked_%s_%u %.1f\n", name, number, (free_before - memory_free()) * 1024.0 / number);
    return 0;
}

int
main(int argc, char **argv)
{
    static struct pools before, during;
    unsigned number = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;

    if (number == 0 || sys_pipe(pipe_ends) < 0)
        fail("start", number);
    if (argc > 2)
        return measure_way(argv[2], number);
    start(1);
    collect(1); /* whatever is made once is there now */
    read_pools(&before);
    long free_before = memory_free();
    start(number);
    long taken = free_before - memory_free();
    read_pools(&during);
    printf("blocked_call_%u %.1f\n", number, taken * 1024.0 / number);
    print_pools(&before, &during, number);
    collect(number);
    printf("kibibytes that have not come back: %ld\n", free_before - memory_free());
    return 0;
}
