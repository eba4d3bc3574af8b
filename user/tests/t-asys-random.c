/* t-asys-random [SEED [ROUNDS]]: calls of all kinds, started, awaited and nested by chance, from a
 * printed seed. Whatever happens, every call that was started must complete exactly once, reads
 * must bring the file's bytes, and nothing may be left at the end. */
#include <poll.h>
#include <sys/mman.h>
#include "test.h"

#define CALLS_MOST 60000
#define PIPES 6
#define BUFFER 1500

enum kind { NAP, PIPE_READ, PIPE_WRITE, POLL, FILE_READ, OPEN, YIELD, SUBMIT, AWAIT, WRONG, KINDS };

/* One started call; what its arguments point to. */
struct slot {
    unsigned char kind, seen;
    struct kernel_timespec time;
    struct pollfd wanted;
    struct asys_completion inner;
    unsigned long args[6], nested_args[2][6];
    struct asys_input nested[2];
    unsigned offset;
    unsigned char *buffer;
};

static struct slot *slots;
static unsigned used, completed, in_pipes;
static int pipes[PIPES][2], file;
static unsigned char *contents; /* of the file */
static unsigned file_size;
static const char *const paths[] = {"/bin/walk",
                                    "/bin/cat",
                                    "/demo",
                                    "/none/such",
                                    "/bin/ls",
                                    "/tmp",
                                    "/demo/newlib-salsa/newlib/configure",
                                    "/bin/true/x"};

static unsigned
slot_new(enum kind kind)
{
    unsigned index = used++;

    slots[index] = (struct slot){.kind = kind};
    return index;
}

static struct asys_input
describe(struct slot *slot, int number, unsigned long a, unsigned long b, unsigned long c,
         unsigned long d)
{
    unsigned long args[6] = {a, b, c, d};

    memcpy(slot->args, args, sizeof args);
    return test_input(number, slot - slots, 4, slot->args);
}

static struct asys_input make_call(unsigned depth);

/* A submit of one or two further calls. */
static struct asys_input
make_submit(struct slot *slot, unsigned depth)
{
    unsigned count = 1 + test_random() % 2;

    for (unsigned i = 0; i < count; i++)
        slot->nested[i] = make_call(depth + 1);
    return describe(slot, SYS_asys_submit, WORD(slot->nested), count, 0, 0);
}

static struct asys_input
make_file_read(struct slot *slot)
{
    slot->offset = test_random() % (file_size - BUFFER);
    slot->buffer = malloc(BUFFER);
    return describe(slot, SYS_pread64, file, WORD(slot->buffer), BUFFER, slot->offset);
}

static struct asys_input
make_call(unsigned depth)
{
    enum kind kind = test_random() % (depth < 4 ? KINDS : SUBMIT);
    struct slot *slot = &slots[slot_new(kind)];
    int *fds = pipes[test_random() % PIPES];

    switch (kind) {
    case NAP:
        slot->time.nanoseconds = test_random() % 4000 * 1000;
        return describe(slot, SYS_nanosleep, WORD(&slot->time), 0, 0, 0);
    case PIPE_READ:
        slot->buffer = malloc(8);
        return describe(slot, SYS_read, fds[0], WORD(slot->buffer), 1 + test_random() % 8, 0);
    case PIPE_WRITE: /* never so much that it would wait for ever */
        return describe(slot, SYS_write, fds[1], WORD("12345678"),
                        in_pipes++ < 4000 ? 1 + test_random() % 8 : 0, 0);
    case POLL:
        slot->wanted = (struct pollfd){fds[0], POLLIN, 0};
        return describe(slot, SYS_poll, WORD(&slot->wanted), 1, test_random() % 10, 0);
    case FILE_READ:
        return make_file_read(slot);
    case OPEN:
        return describe(slot, SYS_open, WORD(paths[test_random() % LENGTH(paths)]), O_RDONLY, 0, 0);
    case SUBMIT:
        return make_submit(slot, depth);
    case AWAIT:
        slot->inner.cookie = ~0ul;
        return describe(slot, SYS_asys_await_completion, WORD(&slot->inner), 0, 0, 0);
    case WRONG:
        return test_input((int)test_random() - 4000000, slot - slots, test_random() % 9, NOWHERE);
    default:
        return describe(slot, SYS_sched_yield, 0, 0, 0, 0);
    }
}

static void
check_result(struct slot *slot, long result)
{
    switch (slot->kind) {
    case FILE_READ:
        check_equal(result, BUFFER);
        check(memcmp(slot->buffer, contents + slot->offset, BUFFER) == 0);
        break;
    case NAP:
    case YIELD:
        check_equal(result, 0);
        break;
    case POLL:
        check(result == 0 || result == 1);
        break;
    case OPEN:
        check(result >= 0 || result == -ENOENT || result == -ENOTDIR);
        if (result >= 0)
            sys_close(result);
        break;
    case SUBMIT:
        check(result == 1 || result == 2);
        break;
    case AWAIT:
        check(result == 1 || result == -EDEADLK);
        break;
    case PIPE_READ:
    case PIPE_WRITE:
        check(result >= 0 && result <= 8);
        break;
    default:
        check(result == -ENOSYS || result == -EINVAL || result == -EFAULT);
    }
}

/* A completion, had here or by a background await, which may have had that of another await. */
static void
take(struct asys_completion done)
{
    for (;;) {
        check(done.cookie < used);
        if (done.cookie >= used)
            return;
        struct slot *slot = &slots[done.cookie];
        check_equal(slot->seen, 0);
        if (slot->seen)
            return;
        slot->seen = 1;
        completed++;
        check_result(slot, done.return_code);
        if (slot->kind != AWAIT)
            free(slot->buffer);
        if (slot->kind != AWAIT || done.return_code != 1)
            return;
        done = slot->inner;
    }
}

/* Bytes for everybody who reads, so that awaiting cannot last for ever; and some results. */
static void
catch_up(void)
{
    struct asys_completion done;

    for (int i = 0; i < PIPES; i++) {
        struct pollfd room = {pipes[i][1], POLLOUT, 0};
        if (sys_poll(&room, 1, 0) == 1)
            check_equal(sys_write(pipes[i][1], "0123456789abcdef", 16), 16);
    }
    for (int i = 0; i < 60 && sys_asys_await_completion(&done) == 1; i++)
        take(done);
}

static void
one_round(void)
{
    struct asys_input batch[20];
    struct asys_completion done;
    unsigned what = test_random() % 16, count = 1 + test_random() % LENGTH(batch);
    static const char *const drops[] = {"1", "2", "3"};

    if (what < 8) {
        for (unsigned i = 0; i < count; i++)
            batch[i] = make_call(0);
        check_equal(sys_asys_submit(batch, count), count);
    } else if (what < 13) {
        if (used - completed > 100 && sys_asys_await_completion(&done) == 1)
            take(done);
    } else if (what == 13) {
        test_write_file("/proc/sys/vm/drop_caches", drops[test_random() % 3]);
    } else if (what == 14) {
        test_nap(test_random() % 3);
    } else {
        catch_up();
    }
}

static void
run(unsigned rounds)
{
    struct asys_completion done;

    for (int i = 0; i < PIPES; i++)
        test_pipe(pipes[i]);
    for (unsigned round = 0; round < rounds && used + 1000 < CALLS_MOST; round++)
        if (used - completed > 600)
            catch_up();
        else
            one_round();
    for (int i = 0; i < PIPES; i++)
        sys_close(pipes[i][1]); /* the readers that are left get the end of file */
    while (sys_asys_await_completion(&done) == 1)
        take(done);
    check_equal(completed, used);
    for (unsigned i = 0; i < used; i++)
        check_equal(slots[i].seen, 1);
    for (int i = 0; i < PIPES; i++)
        sys_close(pipes[i][0]);
    test_nothing_left();
    check_equal(test_fibrils(), 1);
    printf("# %u calls\n", used);
}

int
main(int argc, char **argv)
{
    struct kernel_stat status;

    test_seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
    printf("# seed %u\n", test_seed);
    slots = calloc(CALLS_MOST, sizeof *slots);
    file = sys_open("/bin/walk", O_RDONLY, 0);
    sys_fstat64(file, &status);
    file_size = status.size;
    contents = malloc(file_size);
    check_equal(sys_pread64(file, contents, file_size, 0, 0), file_size);
    run(argc > 2 ? strtoul(argv[2], NULL, 0) : 3000);
    if (check_failures) {
        printf("not ok random: %s (%d failures)\n", check_first, check_failures);
        return 1;
    }
    puts("ok random");
    return 0;
}
