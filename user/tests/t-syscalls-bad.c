/* t-syscalls-bad [SEED [ROUNDS]]: every system call number from 0 to 600 with hostile arguments, by
 * int 0x80 and by asys: wild pointers, kernel addresses, huge sizes, bad descriptors. Nothing may
 * harm the kernel; what the calls answer does not matter, but that nothing they were not given is
 * written to. First each argument alone takes each hostile value, then all of them by chance, from
 * a printed seed. Calls that may take this program's own life are left out, or get only harmless
 * addresses; those that may wait for ever are started asynchronously only, and are pending when the
 * program ends. */
#include <poll.h>
#include <sys/uio.h>
#include "test.h"

#define NUMBERS 601
#define SCRATCH 4096

static char *scratch; /* a page before nothing: its end is the last address that works */
static unsigned long values[40];
static unsigned value_count;
static unsigned char answered[NUMBERS]; /* 1: not -ENOSYS */
static long own_out;
static unsigned long made;
static bool verbose; /* TEST_VERBOSE: says each call before it is made */

static void
say(const char *text)
{
    sys_write(own_out, text, strlen(text));
}

static void
add_value(unsigned long value)
{
    values[value_count++] = value;
}

static void
make_values(const int fds[2], int file, int directory)
{
    static const unsigned long plain[] = {0,
                                          1,
                                          2,
                                          3,
                                          7,
                                          0xfff,
                                          0x1000,
                                          0x10000,
                                          0x7fffffff,
                                          0x80000000,
                                          0xffffffff,
                                          0xfffffff4,
                                          16 /* nowhere */,
                                          0x7ffffffc,
                                          0x80100000,
                                          0xbffffff0,
                                          0xc0000000,
                                          0xc0001000,
                                          0xe0000000,
                                          0xf8000000,
                                          0xfffff000,
                                          0xffffffff - 4095 - 4095,
                                          (unsigned long)AT_FDCWD};

    for (unsigned i = 0; i < LENGTH(plain); i++)
        add_value(plain[i]);
    add_value(WORD(scratch));
    add_value(WORD(scratch + 2048));
    add_value(WORD(scratch + SCRATCH - 1));
    add_value(WORD(scratch + SCRATCH - 6));
    add_value(WORD(scratch + 3)); /* not aligned */
    add_value(fds[0]);
    add_value(fds[1]);
    add_value(file);
    add_value(directory);
    add_value(SCRATCH - 1);
}

/* What lies in the scratch page: text that is a path, numbers that are sizes, structures of ones.
 */
static void
fill_scratch(unsigned kind)
{
    static const char *const paths[] = {"/tmp/bad", "/bin/walk", "/", "a/b/../c/./d", "/proc/self"};

    if (kind % 3 == 0)
        strcpy(scratch, paths[kind / 3 % LENGTH(paths)]);
    else if (kind % 3 == 1)
        memset(scratch, kind, 2048);
    else
        for (int i = 0; i < 2048; i++)
            scratch[i] = test_random();
    for (int i = 2048; i < SCRATCH; i += 4)
        *(unsigned long *)(scratch + i) = values[test_random() % value_count];
}

/* Calls that end, replace or move this program, or stop its output for good. */
static bool
left_out(int number)
{
    static const int numbers[] = {
        1 /* exit */, 252 /* exit_group */, 2, 120, 190, 435 /* fork and its kin */, 11,
        358 /* exec */, 119, 173 /* sigreturn */, 29 /* pause */, 72, 179 /* sigsuspend */,
        88 /* reboot */, 37, 238, 270, 178, 335 /* kill and its kin */, 27, 104,
        259 /* timers that kill */, 26 /* ptrace */, 67, 174, 48, 126, 175,
        186 /* handlers at wild addresses */, 57, 66 /* process groups */, 45, 90, 91, 125, 163,
        192 /* memory: see memory_call */, 6, 63, 330, 436 /* descriptors: see below */,
        320 /* asys_submit by its old number */, 321 /* and asys_await_completion */,
        SYS_asys_submit, SYS_asys_await_completion, SYS_asys_enter, SYS_asys_collect,
        SYS_asys_cancel /* they would take or add results of this test itself: t-asys-entries */,
        91, 219, 11, 7, 114, 284 /* waiting for children */, 382, 97, 96 /* priorities */,
    };
    for (unsigned i = 0; i < LENGTH(numbers); i++)
        if (numbers[i] == number)
            return true;
    return false;
}

static bool
may_wait(int number)
{
    static const int numbers[] = {3,   4,   5,   8,   145, 146, 162, 168, 180, 181, 187, 239,
                                  240, 309, 308, 82,  142, 256, 295, 319, 333, 334, 102, 267,
                                  407, 413, 414, 422, 247, 416, 54,  55,  221, 143, 386, 378,
                                  379, 371, 372, 364, 337, 345, 313, 315, 316, 517, 515, 385, 441, 540,
                                  541};
    for (unsigned i = 0; i < LENGTH(numbers); i++)
        if (numbers[i] == number)
            return true;
    return false;
}

static void
call(int number, unsigned long args[6], bool asynchronously)
{
    struct asys_input one = test_input(number, number, 6, args);
    struct asys_completion done;

    made++;
    if (verbose) {
        char line[160];
        sprintf(line, "%s %d %lx %lx %lx %lx %lx %lx\n", asynchronously ? "asys" : "int", number,
                args[0], args[1], args[2], args[3], args[4], args[5]);
        say(line);
    }
    if (asynchronously || may_wait(number)) {
        if (sys_asys_submit(&one, 1) != 1)
            return;
        /* What has ended is collected; what waits, waits until the end. */
        struct asys_input await = test_input(SYS_getpid, 9999, 0, NULL);
        sys_asys_submit(&await, 1);
        do {
            if (sys_asys_await_completion(&done) != 1)
                return;
            if (done.cookie < NUMBERS && done.return_code != -ENOSYS)
                answered[done.cookie] = 1;
        } while (done.cookie != 9999);
    } else if (kernel_call6(number, args[0], args[1], args[2], args[3], args[4], args[5]) !=
               -ENOSYS) {
        answered[number] = 1;
    }
}

static void
each_argument_alone(bool asynchronously)
{
    for (int number = 0; number < NUMBERS; number++) {
        if (left_out(number))
            continue;
        for (unsigned position = 0; position < 6; position++)
            for (unsigned i = 0; i < value_count; i++) {
                unsigned long args[6] = {0};
                for (unsigned other = 0; other < 6; other++)
                    args[other] = other == position ? values[i] : values[(i + other) % value_count];
                fill_scratch(i);
                call(number, args, asynchronously);
                if (!answered[number] && i > 2)
                    break; /* not built in: that does not depend on arguments */
            }
    }
}

static void
by_chance(unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        int number = test_random() % NUMBERS;
        unsigned long args[6];
        if (left_out(number) || !answered[number])
            continue;
        for (int i = 0; i < 6; i++)
            args[i] =
                test_random() % 8 == 0 ? test_random() * 257 : values[test_random() % value_count];
        fill_scratch(test_random());
        call(number, args, test_random() % 2);
    }
}

/* The calls about memory, with addresses that are not this program's: below it, the kernel's, and a
 * range of no use to anybody. */
static void
memory_call(void)
{
    static const int numbers[] = {SYS_munmap, SYS_mprotect, SYS_mmap2, SYS_brk, 163};
    static const unsigned long addresses[] = {0,          1,          0x1000,     0x60000000,
                                              0x60000001, 0x7ffff000, 0x80000000, 0x80100000,
                                              0xbffff000, 0xc0000000, 0xfffff000, 0xffffffff};
    static const unsigned long sizes[] = {0,          1,          0x1000,     0x1001,    0x80000,
                                          0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff};

    for (unsigned n = 0; n < LENGTH(numbers); n++)
        for (unsigned a = 0; a < LENGTH(addresses); a++)
            for (unsigned s = 0; s < LENGTH(sizes); s++)
                for (unsigned flags = 0; flags < 8; flags++) {
                    bool reaches_us =
                        addresses[a] < 0x80000000 && addresses[a] + sizes[s] > 0x61000000;
                    bool covers_us = addresses[a] < 0x08048000 && sizes[s] > 0x100000;
                    if ((reaches_us || covers_us) && numbers[n] != SYS_brk)
                        continue;
                    unsigned long args[6] = {
                        addresses[a],         sizes[s], flags & 3, flags & 4 ? 0x32 : 0x22,
                        flags & 1 ? ~0ul : 3, values[a]};
                    call(numbers[n], args, flags & 2);
                    sys_munmap(0x60000000, 0x100000);
                    sys_munmap(0x1000, 0x1000);
                }
}

/* Descriptors: everything but the one that the results go to. */
static void
descriptor_call(void)
{
    static const int numbers[] = {SYS_close, SYS_dup2, SYS_dup3, SYS_dup, SYS_close};
    static const unsigned long wild[] = {0x7fffffff, 0x80000000, 0xffffffff, 1024,
                                         1025,       65536,      1 << 20,    999};

    for (unsigned n = 0; n < LENGTH(numbers); n++)
        for (unsigned a = 0; a < LENGTH(wild); a++)
            for (unsigned b = 0; b < LENGTH(wild); b++) {
                unsigned long args[6] = {wild[a], wild[b], wild[a]};
                call(numbers[n], args, b % 2);
                args[0] = 0;
                if (n < 4)
                    call(numbers[n], args, b % 2);
            }
    sys_close(999), sys_close(1023);
}

/* Arrays anywhere; and awaiting to anywhere while there is a result. */
static void
call_by_asys(void)
{
    for (unsigned i = 0; i < value_count; i++)
        for (unsigned j = 0; j < value_count; j++) {
            memset(scratch, 0, SCRATCH); /* call 0, not built in; no arguments */
            sys_asys_submit((void *)values[i], values[j] < 100000 ? values[j] : 3);
            test_drain();
            test_start(SYS_getpid, 1, 0, 0, 0, 0);
            sys_asys_await_completion((void *)values[i]);
            test_drain();
            made += 2;
        }
}

/* Text that is checked at the end: nobody was given this address. */
static const char witness[] = "nobody may write here";
static char witness_data[64];

int
main(int argc, char **argv)
{
    char line[100];
    int fds[2], file, directory, nothing;
    unsigned rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 30000, built_in = 0;

    test_seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
    strcpy(witness_data, witness);
    verbose = getenv("TEST_VERBOSE") != NULL;
    own_out = sys_fcntl64(1, 0 /* F_DUPFD */, 500);
    sprintf(line, "# seed %u\n", test_seed);
    say(line);
    nothing = sys_open("/dev/null", O_RDWR, 0);
    for (int fd = 0; fd < 3; fd++)
        sys_dup2(nothing, fd);
    scratch = test_map_before_nothing();
    test_pipe(fds);
    file = sys_open("/bin/walk", O_RDONLY, 0);
    directory = sys_open("/demo", O_RDONLY, 0);
    make_values(fds, file, directory);

    call_by_asys(); /* while nothing else is in progress */
    say("ok asys\n");
    each_argument_alone(false);
    say("ok each-argument-alone, by int 0x80\n");
    each_argument_alone(true);
    say("ok each-argument-alone, by asys\n");
    by_chance(rounds);
    say("ok by-chance\n");
    memory_call();
    say("ok memory\n");
    descriptor_call();
    say("ok descriptors\n");
    for (int number = 0; number < NUMBERS; number++)
        built_in += answered[number];
    sprintf(line, "# %lu calls made, %u of %d numbers built in\n", made, built_in, NUMBERS);
    say(line);
    if (strcmp(witness_data, witness) != 0 || built_in < 50) {
        say("not ok witness: memory was written to that no call was given\n");
        return 1;
    }
    say("ok witness\n");
    return 0;
}
