/* t-random-calls [SEED [CALLS [ATTACKERS]]]: system calls by chance, with arguments that are nearly right
 * or quite wrong, made by several processes of several threads at once. Generation after generation of
 * attackers is started until CALLS calls have been made; they may end themselves, each other, and make
 * children that go on. Most have no rights; every fourth generation has all, and then leaves out the
 * calls that would end the machine or this program. What is asked: the kernel stays up, nobody's memory
 * but the attackers' own is written to, and (by whoever runs this program) nothing is left behind.
 * Under tools/run --icount a seed gives nearly the same run again: docs/testing.md. */
#include <fibril/call_list.h>
#include <pthread.h>
#include "attack.h"

#define PLACE "/tmp/random-calls"
#define ATTACKERS_MOST 16
#define THREADS 3
#define CALLS_EACH 4000u
#define PATIENCE_MS 30 /* without a call: then the generation is ended */
#define WITNESS_BYTES (64u << 10)
#define SCRATCH_WORDS 2048u

struct call {
    short number;
    char name[28], kinds[8];
};
#define CALL(number, name, kinds) {number, #name, kinds},
static const struct call calls[] = {FIBRIL_CALL_LIST(CALL)};

/* For all, shared; an attacker may write to it, so it is believed only within bounds. */
struct board {
    volatile unsigned made[ATTACKERS_MOST];
    volatile unsigned char succeeded[LENGTH(calls)]; /* at least once */
};
static struct board *board;

/* An attacker's. */
static volatile unsigned *made;
static volatile unsigned char *succeeded;
static bool has_rights;
static unsigned long *scratch; /* SCRATCH_WORDS, and then nothing */
static char *read_only;
static int own_pid;

static const char *const paths[] = {
    "a", "b", "a/b", "b/c", "./a/../b/c", "../random-calls/d", "/tmp/random-calls/e", "a/b/c/d",
    "", "/", ".", "..", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/tty", "/proc",
    "/proc/self/maps", "/proc/self/fd", "/proc/self/exe", "/proc/self/cwd/a", "/proc/meminfo",
    "/proc/self/status", "/proc/1/stat", "/bin/true", "/bin/walk", "/bin", "/demo", "/bin/true/x",
    "/proc/fibrils", "/proc/tasks", "/proc/mounts", "fifo", "socket", "link", "loop", "/dev/ata0",
};

static const unsigned long addresses[] = {
    0, 1, 16, 0x1000, 0x08048000, 0x08049ffc, 0x60000000, 0x7f000000, 0x7ffff000, 0x7ffffffc,
    0x80000000, 0x80100000, 0x80000ffe, 0xbffffff0, 0xc0000000, 0xc0001000, 0xe0000000, 0xf8000000,
    0xfffff000, 0xfffffffc, 0xffffffff,
};
static const unsigned long sizes[] = {
    0, 1, 2, 4, 7, 8, 12, 16, 20, 28, 32, 44, 64, 84, 88, 96, 100, 128, 140, 256, 511, 512, 1000, 4095, 4096,
    4097, 8192, 65535, 65536, 0x100000, 0x1000000, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff,
};
/* Commands of fcntl, ioctl, prctl, futex …: any small number, and these. */
static const unsigned long commands[] = {
    0x5401, 0x5402, 0x5403, 0x540f, 0x5410, 0x5413, 0x5421, 0x541b, 0x5405, 0x540e, 0x1260, 0x80081272,
    0x400, 0x404, 0x406, 0x407, 0x408, 0x409, 0x80, 0x81, 0x89, 0x8a, 0x100, 0x800, 0x80000, 0x1000,
    0x20, 0x22, 0x12, 0x11, 0x32, 0x100022, 0x8022, 0x200000, 0x3d0f00, 0x1200011, 0x11, 0x4111,
};

static bool
is_among(const char *name, const char *const names[])
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* Calls that end this attacker or take its memory would be the last ones, and those that wait long ones:
 * one try in so many is made. */
static unsigned
rarity(const char *name)
{
    static const char *const deadly[] = {
        "exit", "exit_group", "execve", "fork", "vfork", "clone", "kill", "tkill", "tgkill", "munmap",
        "mprotect", "brk", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sigreturn", "rt_sigreturn",
        "setrlimit", "prlimit64", "close_range", "chroot", "set_thread_area", "sigaltstack", "umask",
        "sigaction", "rt_sigaction", "signal", "alarm", "setitimer", NULL};
    static const char *const slow[] = {
        "pause", "rt_sigsuspend", "sigsuspend", "nanosleep", "clock_nanosleep", "clock_nanosleep_time64",
        "asys_await_completion", "select", "_newselect", "pselect6", "pselect6_time64", "poll", "ppoll",
        "ppoll_time64", "rt_sigtimedwait", "rt_sigtimedwait_time64", "futex", "futex_time64", "waitpid",
        "wait4", "waitid", "mremap", "old_mmap", "accept4", NULL};
    return is_among(name, deadly) ? 64 : is_among(name, slow) ? 8 : 1;
}

/* Who has all rights may not: end the machine or others, hide the files, make what nobody can end. */
static bool
is_left_out(const char *name)
{
    static const char *const names[] = {
        "reboot", "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "fork", "vfork",
        "clone", "mount", "umount", "umount2", "chroot", "prlimit64", "setpgid", "setpriority",
        "sched_setscheduler", "sched_setparam", "ioctl", "fcntl", "fcntl64", "vhangup", "execve", NULL};
    return has_rights && is_among(name, names);
}

#define ONE_OF(array, state) ((array)[attack_random(state) % LENGTH(array)])

static unsigned long
some_address(unsigned *state)
{
    unsigned chance = attack_random(state) % 16;

    if (chance < 9)
        return WORD(scratch + attack_random(state) % SCRATCH_WORDS);
    if (chance < 11) /* the last bytes before nothing */
        return WORD(scratch + SCRATCH_WORDS) - attack_random(state) % 64;
    if (chance < 12)
        return WORD(read_only) + attack_random(state) % PAGE;
    if (chance < 13)
        return 0;
    if (chance < 14)
        return attack_random(state);
    return ONE_OF(addresses, state) + attack_random(state) % 2 * (attack_random(state) % 4096);
}

static unsigned long
some_descriptor(unsigned *state)
{
    unsigned chance = attack_random(state) % 16;

    return chance < 13    ? 3 + attack_random(state) % 24
           : chance == 13 ? WORD(AT_FDCWD)
           : chance == 14 ? attack_random(state) % 3
                          : attack_random(state);
}

static unsigned long
some_number(unsigned *state)
{
    switch (attack_random(state) % 8) {
    case 0:
    case 1:
        return attack_random(state) % 16;
    case 2:
        return attack_random(state) % 256;
    case 3:
        return 1ul << attack_random(state) % 32 | 1ul << attack_random(state) % 32;
    case 4:
        return ONE_OF(commands, state);
    case 5:
        return ONE_OF(sizes, state);
    case 6:
        return attack_random(state) % 2 ? WORD(own_pid) : -(attack_random(state) % 8);
    default:
        return attack_random(state) % 4 ? 0 : attack_random(state);
    }
}

static unsigned long
some_argument(char kind, unsigned *state)
{
    if (attack_random(state) % 32 == 0) /* what belongs elsewhere */
        kind = "dspzn"[attack_random(state) % 5];
    switch (kind) {
    case 'd':
        return some_descriptor(state);
    case 's':
        return attack_random(state) % 8 ? WORD(ONE_OF(paths, state)) : some_address(state);
    case 'p':
        return some_address(state);
    case 'z':
        return attack_random(state) % 8 ? ONE_OF(sizes, state) : some_number(state);
    default:
        return some_number(state);
    }
}

/* Calls whose arguments chance would hardly ever make right. */
static void
make_likely(unsigned number, unsigned long a[6], unsigned *state)
{
    unsigned long small = attack_random(state) % 4;

    switch (number) {
    case SYS_mmap2:
        a[0] = 0, a[1] = (1 + attack_random(state) % 64) * PAGE, a[2] = attack_random(state) % 8;
        a[3] = small == 0 ? 1 : small == 1 ? 0x21 : 0x22, a[5] = small;
        break;
    case SYS_munmap:
    case SYS_mremap:
    case SYS_mprotect:
        a[0] = sys_mmap2(0, 8 * PAGE, 3, 0x22, -1, 0), a[1] = (1 + small) * PAGE, a[3] = 1;
        break;
    case SYS_socket:
    case SYS_socketpair:
        a[0] = 1, a[1] = 1 + small, a[2] = 0;
        break;
    case SYS_getsockopt:
    case SYS_setsockopt:
        a[1] = 1, a[4] = number == SYS_setsockopt ? 4 : a[4];
        break;
    case SYS_futex:
        a[0] = WORD(scratch + small), a[2] = scratch[small], a[4] = WORD(scratch + small + 1);
        break;
    case SYS_rt_sigaction:
    case SYS_rt_sigtimedwait:
        a[3] = 8;
        break;
    }
}

/* Structures are made of small numbers, descriptors and addresses. */
static void
scribble(unsigned *state)
{
    unsigned at = attack_random(state) % SCRATCH_WORDS;

    for (int i = 0; i < 8; i++) {
        static const char kinds[] = "nnnzzpsd";
        scratch[(at + i) % SCRATCH_WORDS] =
            attack_random(state) % 2 ? 0 : some_argument(kinds[attack_random(state) % 8], state);
    }
    if (attack_random(state) % 16 == 0)
        strcpy((char *)&scratch[at % (SCRATCH_WORDS - 16)], ONE_OF(paths, state));
}

/* Until the quota has been used up. The state is on the stack, which few calls write to. */
static void *
attack(void *seed)
{
    unsigned state = WORD(seed);

    while (*made < CALLS_EACH) {
        const struct call *call = &calls[attack_random(&state) % LENGTH(calls)];
        unsigned long a[6], number = call->number;
        if (is_left_out(call->name) || attack_random(&state) % rarity(call->name))
            continue;
        for (unsigned i = 0; i < 6; i++)
            a[i] = some_argument(call->kinds[i] ? call->kinds[i] : 'n', &state);
        if (attack_random(&state) % 2)
            make_likely(number, a, &state);
        if (attack_random(&state) % 64 == 0 && !has_rights)
            number = attack_random(&state) % 600;
        scribble(&state);
        (*made)++;
        long result = kernel_call6(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (result >= 0 && number == (unsigned)call->number)
            succeeded[call - calls] = 1;
        if (result == 0 && number == SYS_fork) /* the child takes another way */
            state ^= 0x5bd1e995u * (unsigned)sys_getpid() | 1;
        state += state == 0;
    }
    sys_exit_group(0);
    return NULL;
}

static void
interrupt(int number)
{
    (void)number;
}

static void
make_descriptors(void)
{
    int fds[2];

    sys_pipe(fds);
    sys_pipe2(fds, O_NONBLOCK);
    sys_socketpair(1, 1, 0, fds);
    sys_socketpair(1, 2, 0, fds);
    sys_open("/dev/zero", O_RDWR, 0);
    sys_open("/bin/walk", O_RDONLY, 0);
    sys_open("/demo", O_RDONLY, 0);
    sys_open("a", O_RDWR | O_CREAT, 0644);
    sys_open(".", O_RDONLY, 0);
    sys_memfd_create("memory", 0);
    sys_open("/proc/self/maps", O_RDONLY, 0);
    sys_mkdir("b", 0755);
    sys_mknod("fifo", 010644, 0);
    sys_open("fifo", O_RDWR, 0);
    sys_symlink("a", "link");
    sys_symlink("loop", "loop");
}

/* The child's whole life. */
static void
attacker(unsigned index, unsigned seed)
{
    static const struct {
        int what;
        unsigned long most;
    } limits[] = {{RLIMIT_AS, 24 << 20}, {RLIMIT_FSIZE, 1 << 20}, {RLIMIT_NPROC, 24},
                  {RLIMIT_NOFILE, 64},   {RLIMIT_CPU, 20}};
    struct kernel_itimerval {
        long every[2], first[2];
    } timer = {{0, 2000}, {0, 2000}};

    made = &board->made[index];
    succeeded = board->succeeded;
    own_pid = getpid();
    if (has_rights)
        attack_leave();
    else
        attack_give_up_rights();
    for (unsigned i = 0; i < LENGTH(limits); i++)
        attack_limit(limits[i].what, limits[i].most);
    scratch = (unsigned long *)test_map(SCRATCH_WORDS * 4 + PAGE);
    munmap((char *)scratch + SCRATCH_WORDS * 4, PAGE);
    read_only = test_map(PAGE);
    mprotect(read_only, PAGE, PROT_READ);
    make_descriptors();
    test_set_handler(14 /* SIGALRM */, interrupt, 0);
    sys_setitimer(0, &timer, NULL);
    for (unsigned i = 1; i < THREADS; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, attack, (void *)WORD(seed * 7 + i));
    }
    attack((void *)WORD(seed * 7 + THREADS));
}

static unsigned
calls_made(unsigned attackers)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < attackers; i++)
        sum += board->made[i] < CALLS_EACH ? board->made[i] : CALLS_EACH;
    return sum;
}

/* Starts attackers, waits until they are done or do nothing any more, and ends what is left. */
static unsigned
generation(unsigned attackers, unsigned seed)
{
    unsigned before = 0, idle = 0, alive = 0;

    for (unsigned i = 0; i < attackers; i++)
        board->made[i] = 0;
    for (unsigned i = 0; i < attackers; i++) {
        int pid = fork();
        if (pid == 0) {
            attacker(i, seed * ATTACKERS_MOST + i + 1);
            sys_exit_group(0);
        }
        alive += pid > 0;
    }
    while (alive > 0 && idle < PATIENCE_MS) {
        test_nap(1);
        while (alive > 0 && waitpid(-1, NULL, WNOHANG) > 0)
            alive--;
        unsigned now = calls_made(attackers);
        idle = now == before ? idle + 1 : 0;
        before = now;
    }
    attack_end_all();
    return calls_made(attackers);
}

int
main(int argc, char **argv)
{
    unsigned seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
    unsigned long wanted = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000, total = 0;
    unsigned attackers = argc > 3 ? strtoul(argv[3], NULL, 0) : 4, generations = 0;
    unsigned char *witness = test_map(WITNESS_BYTES);

    attackers = attackers > ATTACKERS_MOST ? ATTACKERS_MOST : attackers;
    printf("# seed %u\n", seed);
    fflush(stdout);
    board = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (unsigned i = 0; i < WITNESS_BYTES; i++)
        witness[i] = i * 7 + i / 251;
    sys_umask(0);
    while (total < wanted && check_failures == 0) {
        sys_mkdir(PLACE, 0777);
        sys_chdir(PLACE);
        has_rights = generations % 4 == 3;
        total += generation(attackers, seed * 1000003u + generations++);
        attack_clear("/tmp"); /* they may have got there */
    }
    for (unsigned i = 0; i < WITNESS_BYTES; i++)
        check((unsigned char)(i * 7 + i / 251) == witness[i]);
    unsigned some_success = 0;
    for (unsigned i = 0; i < LENGTH(calls); i++)
        some_success += board->succeeded[i];
    printf("# %lu calls in %u generations; %u of %u calls succeeded\n", total, generations, some_success,
           (unsigned)LENGTH(calls));
    for (unsigned i = 0; i < LENGTH(calls) && getenv("TEST_VERBOSE"); i++)
        if (!board->succeeded[i])
            printf("# never: %s\n", calls[i].name);
    printf(check_failures ? "not ok random-calls: %s\n" : "ok random-calls\n", check_first);
    return check_failures > 0;
}
