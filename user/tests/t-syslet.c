/* Syslets: async_exec, async_wait, umem_add; each flag, the ways in which a chain can end, rings, heads,
 * and what a hostile program may try. The atoms are mostly set by hand here: the builders have tests of
 * their own (t-syslet-use). */
#include <fibril/syslet.h>
#include <sys/wait.h>
#include "test.h"

#define SLOTS 4
#define ATOMS 8

static struct syslet_uatom atoms[ATOMS];
static long results[ATOMS];
static uint32_t ring[SLOTS];
static struct async_head head;
static unsigned long zero;

static void
start_anew(void)
{
    memset(atoms, 0, sizeof atoms);
    memset(results, 0x55, sizeof results);
    async_head_init(&head, ring, SLOTS);
}

/* An atom whose result goes to results[i], followed by atom i + 1 if `more`. */
static struct syslet_uatom *
put(int i, int number, unsigned flags, bool more)
{
    atoms[i] = (struct syslet_uatom){.nr = number, .flags = flags, .ret_ptr = WORD(&results[i])};
    if (more)
        atoms[i].next = WORD(&atoms[i + 1]);
    return &atoms[i];
}

static void
argument(int i, int place, const void *word)
{
    atoms[i].arg_ptr[place] = WORD(word);
}

static long
exec(void)
{
    return sys_async_exec(&atoms[0], &head.user);
}

/* The last atom, or an error, whether or not the chain has blocked (on the disk) or used its slice up. */
static long
exec_to_end(void)
{
    long result = exec();
    return result ? result : (long)async_next(&head);
}

/* A nap of so many milliseconds as atom i. */
static void
put_nap(int i, long milliseconds, unsigned flags, bool more)
{
    static struct kernel_timespec time[ATOMS];
    static struct kernel_timespec *address[ATOMS];

    time[i] = (struct kernel_timespec){milliseconds / 1000, milliseconds % 1000 * MILLISECOND};
    address[i] = &time[i];
    put(i, SYS_nanosleep, flags, more);
    argument(i, 0, &address[i]);
    argument(i, 1, &zero);
}

static void
put_add(int i, unsigned *word, int increment, unsigned flags, bool more)
{
    static unsigned *address[ATOMS];
    static int by[ATOMS];

    address[i] = word;
    by[i] = increment;
    put(i, SYS_umem_add, flags, more);
    argument(i, 0, &address[i]);
    argument(i, 1, &by[i]);
}

static void
check_nothing(void)
{
    check(!async_peek(&head));
    check_equal(async_await(&head, 1), -EDEADLK);
}

/* ---- Chains ---- */

static void
case_one_atom(void)
{
    start_anew();
    put(0, SYS_getpid, 0, false);
    check_equal(exec(), WORD(&atoms[0]));
    check_equal(results[0], sys_getpid());
    check_nothing();
}

static void
case_arguments(void)
{
    static unsigned long at = AT_FDCWD, path, flags = O_RDONLY;
    start_anew();
    path = WORD("/bin/walk");
    put(0, SYS_openat, 0, true);
    argument(0, 0, &at);
    argument(0, 1, &path);
    argument(0, 2, &flags);
    put(1, SYS_close, 0, true);
    argument(1, 0, &results[0]);
    put(2, SYS_close, 0, false);
    argument(2, 0, &results[0]);
    check_equal(exec_to_end(), WORD(&atoms[2]));
    check(results[0] > 2);
    check_equal(results[1], 0);
    check_equal(results[2], -EBADF);
}

/* All six are passed on: mmap2 with a length in the second and a descriptor in the fifth. */
static void
case_six_arguments(void)
{
    static unsigned long words[6] = {0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
    start_anew();
    put(0, SYS_mmap2, 0, false);
    for (int i = 0; i < 6; i++)
        argument(0, i, &words[i]);
    check_equal(exec(), WORD(&atoms[0]));
    check((unsigned long)results[0] < (unsigned long)-4095);
    check_equal(*(int *)results[0], 0);
    munmap((void *)results[0], PAGE);
}

static void
case_blocks(void)
{
    start_anew();
    put(0, SYS_getpid, 0, true);
    put_nap(1, 25, 0, true);
    put(2, SYS_getpid, 0, false);
    check_equal(exec(), 0);
    check_equal(results[0], sys_getpid());
    check_equal(results[2], 0x55555555);
    check(!async_peek(&head));
    check(async_next(&head) == &atoms[2]);
    check_equal(results[1], 0);
    check_equal(results[2], sys_getpid());
    check_nothing();
}

static void
case_many(void)
{
    static struct syslet_uatom naps[100];
    static uint32_t many[128];
    struct async_head own;
    static struct kernel_timespec time = {0, 50 * MILLISECOND}, *address = &time;
    char seen[100] = {0};

    async_head_init(&own, many, LENGTH(many));
    for (unsigned i = 0; i < LENGTH(naps); i++) {
        naps[i] = (struct syslet_uatom){.nr = SYS_nanosleep, .arg_ptr = {WORD(&address), WORD(&zero)}};
        check_equal(sys_async_exec(&naps[i], &own.user), 0);
    }
    check_equal(async_await(&own, LENGTH(naps)), LENGTH(naps));
    for (unsigned i = 0; i < LENGTH(naps); i++) {
        struct syslet_uatom *atom = async_peek(&own);
        check(atom >= naps && atom < naps + LENGTH(naps) && !seen[atom - naps]);
        if (atom)
            seen[atom - naps] = 1;
    }
    check(!async_peek(&own));
}

/* ---- Flags ---- */

static void
case_async(void)
{
    start_anew();
    put(0, SYS_getpid, 0, true);
    put(1, SYS_getpid, SYSLET_ASYNC, false);
    check_equal(exec(), 0);
    check(async_next(&head) == &atoms[1]);
    check_equal(results[1], sys_getpid());
}

static void
case_sync(void)
{
    start_anew();
    put_nap(0, 25, SYSLET_SYNC, true);
    put_nap(1, 25, SYSLET_SYNC, true);
    put(2, SYS_getpid, 0, false);
    check_equal(exec(), WORD(&atoms[2]));
    check_equal(results[1], 0);
    check_nothing();
    put_nap(0, 25, SYSLET_SYNC, true); /* and then one that is not waited for */
    put_nap(1, 25, 0, false);
    check_equal(exec(), 0);
    check_equal(results[0], 0);
    check(async_next(&head) == &atoms[1]);
}

static void
on_alarm(int number)
{
    (void)number;
}

/* A signal ends the waiting, not the atom. */
static void
case_sync_signal(void)
{
    unsigned long timer[4] = {0, 0, 0, 5000}; /* struct itimerval: 5 ms */
    start_anew();
    test_set_handler(14, on_alarm, 0);
    put_nap(0, 60, SYSLET_SYNC, false);
    check_equal(sys_setitimer(0, (void *)timer, NULL), 0);
    check_equal(exec(), 0);
    while (async_await(&head, 1) == -EINTR)
        ;
    check(async_next(&head) == &atoms[0]);
    check_equal(results[0], 0);
}

static void
case_no_complete(void)
{
    start_anew();
    put_nap(0, 25, 0, true);
    put(1, SYS_getpid, SYSLET_NO_COMPLETE, false);
    check_equal(exec(), 0);
    check_equal(async_await(&head, 1), -EDEADLK); /* when the last one in progress has ended */
    check_equal(results[1], sys_getpid());
    put(1, SYS_getpid, 0, false);
    put_nap(0, 25, SYSLET_NO_COMPLETE, true); /* of an atom that is not the last it says nothing */
    check_equal(exec(), 0);
    check(async_next(&head) == &atoms[1]);
}

/* Each stop flag with each kind of value; two flags together stop on either. */
static void
case_stop_flags(void)
{
    static const struct {
        unsigned flag;
        bool negative, zero, positive;
    } stops[] = {
        {0, false, false, false},
        {SYSLET_STOP_ON_NONZERO, true, false, true},
        {SYSLET_STOP_ON_ZERO, false, true, false},
        {SYSLET_STOP_ON_NEGATIVE, true, false, false},
        {SYSLET_STOP_ON_NON_POSITIVE, true, true, false},
    };
    static const int values[] = {-7, 0, 7};
    for (unsigned a = 0; a < LENGTH(stops); a++)
        for (unsigned b = 0; b < LENGTH(stops); b++)
            for (unsigned v = 0; v < LENGTH(values); v++) {
                unsigned word = 0;
                bool stop = values[v] < 0   ? stops[a].negative || stops[b].negative
                            : values[v] > 0 ? stops[a].positive || stops[b].positive
                                            : stops[a].zero || stops[b].zero;
                start_anew();
                put_add(0, &word, values[v], stops[a].flag | stops[b].flag, true);
                put(1, SYS_getpid, 0, false);
                check_equal(exec(), stop ? WORD(&atoms[0]) : WORD(&atoms[1]));
                check_equal(results[0], values[v]);
            }
}

static void
case_stop_on_error(void)
{
    unsigned word = 0;
    start_anew();
    put(0, SYS_close, SYSLET_STOP_ON_ERROR, true); /* of descriptor 0x55555555 */
    argument(0, 0, &results[7]);
    put(1, SYS_getpid, 0, false);
    check_equal(exec(), WORD(&atoms[0]));
    check_equal(results[0], -EBADF);
    put_add(0, &word, -1, SYSLET_STOP_ON_ERROR, true); /* a value that looks like one */
    check_equal(exec(), WORD(&atoms[1]));
    check_equal(results[0], -1);
    put_add(0, NOWHERE, -1, SYSLET_STOP_ON_ERROR, true);
    check_equal(exec(), WORD(&atoms[0]));
    check_equal(results[0], -EFAULT);
    put_add(0, (unsigned *)((char *)&word + 1), 1, SYSLET_STOP_ON_ERROR, true);
    check_equal(exec(), WORD(&atoms[0]));
    check_equal(results[0], -EINVAL);
}

/* A loop with a way out: the atom behind the one that stops, in memory. */
static void
case_skip(void)
{
    unsigned count = 0, other = 0;
    start_anew();
    put_add(0, &count, 1, 0, true);
    put_add(1, &other, -1, 0, true);
    put_add(2, &other, 0, SYSLET_STOP_ON_NON_POSITIVE | SYSLET_SKIP_TO_NEXT_ON_STOP, false);
    atoms[2].next = WORD(&atoms[0]);
    put(3, SYS_getpid, 0, false);
    other = 1000;
    check_equal(exec_to_end(), WORD(&atoms[3]));
    check_equal(count, 1000);
    check_equal(results[3], sys_getpid());
}

static void
case_bad_flags(void)
{
    static const unsigned bad[] = {0x200, 0x80000000u, SYSLET_ASYNC | SYSLET_SYNC};
    for (unsigned i = 0; i < LENGTH(bad); i++) {
        unsigned word = 0;
        start_anew();
        put_add(0, &word, 1, bad[i], false);
        check_equal(exec(), -EINVAL);
        check_equal(word, 0);
        put_add(0, &word, 1, 0, true); /* the second: when it is reached */
        put_add(1, &word, 1, bad[i], false);
        check_equal(exec(), -EINVAL);
        check_equal(word, 1);
    }
    check_nothing();
}

/* ---- umem_add ---- */

static void
case_umem_add(void)
{
    unsigned word = 40;
    check_equal(sys_umem_add(&word, 2), 42);
    check_equal(sys_umem_add(&word, -43), -1);
    check_equal(word, 0xffffffffu);
    check_equal(sys_umem_add((char *)&word + 2, 1), -EINVAL);
    check_equal(sys_umem_add(NOWHERE, 1), -EFAULT);
    check_equal(sys_umem_add((void *)0x80000000u, 1), -EFAULT);
    check_equal(sys_umem_add((void *)0xfffffffcu, 1), -EFAULT);
}

/* ---- Rings ---- */

/* More completions than slots: kept, in order, counted; they come as room is made, with no call at all. */
static void
case_ring_full(void)
{
    start_anew();
    for (int i = 0; i < ATOMS; i++) {
        put_nap(i, 20 + 20 * i, 0, false);
        check_equal(sys_async_exec(&atoms[i], &head.user), 0);
    }
    check_equal(async_await(&head, ATOMS), ATOMS);
    for (int i = 0; i < ATOMS; i++) {
        void *event;
        long long until = test_now_ns() + 2000000000ll;
        while (!(event = async_peek(&head)) && test_now_ns() < until)
            ;
        check(event == &atoms[i]);
    }
    check_nothing();
}

/* The indices go around; equal ones mean empty or full. */
static void
case_ring_wraps(void)
{
    start_anew();
    for (unsigned round = 0; round < 11; round++) {
        unsigned together = 1 + round % SLOTS;
        for (unsigned i = 0; i < together; i++) {
            put(i, SYS_getpid, SYSLET_ASYNC, false);
            check_equal(sys_async_exec(&atoms[i], &head.user), 0);
        }
        check_equal(async_await(&head, together), together);
        for (unsigned i = 0; i < together; i++)
            check(async_peek(&head) == &atoms[i]);
        check_equal(async_await(&head, 1), -EDEADLK);
    }
}

static void
case_several_heads(void)
{
    static uint32_t rings[3][SLOTS];
    struct async_head heads[3];
    start_anew();
    for (int i = 0; i < 3; i++) {
        async_head_init(&heads[i], rings[i], SLOTS);
        put_nap(i, 30 - i, 0, false);
        check_equal(sys_async_exec(&atoms[i], &heads[i].user), 0);
    }
    for (int i = 0; i < 3; i++) {
        check(async_next(&heads[i]) == &atoms[i]);
        check_equal(async_await(&heads[i], 1), -EDEADLK);
    }
}

static void
case_bad_heads(void)
{
    start_anew();
    put(0, SYS_getpid, 0, false);
    check_equal(sys_async_exec(atoms, NOWHERE), -EFAULT);
    check_equal(sys_async_exec(atoms, (void *)0xfffffff0u), -EFAULT);
    uint64_t *words = (uint64_t *)&head.user;
    for (int i = 4; i < 8; i++) {
        words[i] = 1;
        check_equal(exec(), -EINVAL);
        words[i] = 0;
    }
    static const uint64_t rings[] = {0, 2, 0x100000000ull, 0x7ffffffcull, 0x80000000ull};
    for (unsigned i = 0; i < LENGTH(rings); i++) {
        head.user.completion_ring_ptr = rings[i];
        check_equal(exec(), -EINVAL);
    }
    head.user.completion_ring_ptr = WORD(ring);
    static const uint64_t sizes[] = {0, 3, 0x100000004ull, 0x80000000ull, 0x7ffffffcull};
    for (unsigned i = 0; i < LENGTH(sizes); i++) {
        head.user.ring_size_bytes = sizes[i];
        check_equal(exec(), -EINVAL);
    }
    check_equal(sys_async_wait(1, 0, NOWHERE), -EFAULT);
    start_anew();
    check_equal(sys_async_wait(0, SLOTS, &head.user), -EINVAL);
    head.user.kernel_ring_idx = SLOTS;
    check_equal(async_await(&head, 0), -EINVAL);
}

/* A ring that goes away, and another in its place: nothing is lost, async_wait says what is wrong. */
static void
case_ring_unmapped(void)
{
    uint32_t *mapped = test_map(PAGE);
    start_anew();
    async_head_init(&head, mapped, SLOTS);
    put_nap(0, 25, 0, false);
    check_equal(exec(), 0);
    munmap(mapped, PAGE);
    check_equal(async_await(&head, 1), -EFAULT);
    test_nap(40);
    check_equal(async_await(&head, 1), -EFAULT);
    head.user.completion_ring_ptr = WORD(ring);
    head.ring = ring;
    check_equal(async_await(&head, 1), 1);
    check(async_next(&head) == &atoms[0]);
    check_nothing();
}

/* ---- Hostile atoms ---- */

static void
case_bad_pointers(void)
{
    start_anew();
    check_equal(sys_async_exec(NOWHERE, &head.user), -EFAULT);
    check_equal(sys_async_exec(NULL, &head.user), -EFAULT);
    check_equal(sys_async_exec((void *)0x80000000u, &head.user), -EFAULT);
    check_equal(sys_async_exec((void *)0xffffffe0u, &head.user), -EFAULT);
    put(0, SYS_getpid, 0, false)->next = WORD(NOWHERE);
    check_equal(exec(), -EFAULT);
    put(0, SYS_getpid, 0, false)->ret_ptr = WORD(NOWHERE);
    check_equal(exec(), -EFAULT);
    put(0, SYS_getpid, 0, false)->ret_ptr = 0x100000000ull | WORD(&results[0]);
    check_equal(exec(), -EINVAL);
    put(0, SYS_getpid, 0, false)->next = 0x100000000ull | WORD(&atoms[1]);
    check_equal(exec(), -EINVAL);
    for (int i = 0; i < 6; i++) {
        put(0, SYS_getpid, 0, false);
        for (int j = 0; j < i; j++)
            argument(0, j, &zero);
        argument(0, i, NOWHERE);
        check_equal(exec(), -EFAULT);
        atoms[0].arg_ptr[i] = 0x100000000ull | WORD(&zero);
        check_equal(exec(), -EINVAL);
    }
    put(0, 0x10000 | SYS_getpid, 0, false);
    check_equal(exec(), -EINVAL);
    put(0, 0xffff, 0, true);
    put(1, 599, 0, false);
    check_equal(exec(), WORD(&atoms[1]));
    check_equal(results[0], -ENOSYS);
    check_equal(results[1], -ENOSYS);
    check_nothing();
}

/* Header and a null pointer are enough; nothing behind them is touched. */
static void
case_page_end(void)
{
    char *memory = test_map_before_nothing();
    struct syslet_uatom *atom = (void *)(memory + PAGE - 32);
    start_anew();
    atom->nr = SYS_getpid;
    atom->ret_ptr = WORD(&results[0]);
    check_equal(sys_async_exec(atom, &head.user), WORD(atom));
    check_equal(results[0], sys_getpid());
    atom->arg_ptr[0] = WORD(&zero); /* now the second pointer is looked at */
    check_equal(sys_async_exec(atom, &head.user), -EFAULT);
    check_equal(sys_async_exec(memory + PAGE - 28, &head.user), -EFAULT);
    munmap(memory, PAGE);
}

/* In the background the error goes into the atom's word, and the atom into the ring. */
static void
case_background_error(void)
{
    start_anew();
    put_nap(0, 25, 0, true);
    put(1, SYS_getpid, 0, false);
    argument(1, 0, NOWHERE);
    check_equal(exec(), 0);
    check(async_next(&head) == &atoms[1]);
    check_equal(results[1], -EFAULT);
    atoms[0].next = WORD(NOWHERE);
    check_equal(exec(), 0);
    check(async_next(&head) == NOWHERE);
}

/* Atoms that change while the chain runs are taken as they are when they are reached. */
static void
case_changed(void)
{
    start_anew();
    put_nap(0, 25, 0, true);
    put(1, SYS_getppid, 0, false);
    check_equal(exec(), 0);
    put(1, SYS_getpid, 0, true);
    put(2, SYS_gettid, 0, false);
    check(async_next(&head) == &atoms[2]);
    check_equal(results[1], sys_getpid());
}

/* A chain that writes over itself: read() from a pipe into the next atom. */
static void
case_writes_itself(void)
{
    struct syslet_uatom other = {.nr = SYS_getpid, .ret_ptr = WORD(&results[5])};
    int fds[2];
    static unsigned long words[3];
    start_anew();
    test_pipe(fds);
    words[0] = fds[0];
    words[1] = WORD(&atoms[1]);
    words[2] = sizeof other;
    put(0, SYS_read, 0, true);
    for (int i = 0; i < 3; i++)
        argument(0, i, &words[i]);
    put(1, SYS_close, 0, false);
    check_equal(exec(), 0);
    check_equal(sys_write(fds[1], &other, sizeof other), (long)sizeof other);
    check(async_next(&head) == &atoms[1]);
    check_equal(results[5], sys_getpid());
    test_close_both(fds);
}

static void
case_denied(void)
{
    static const int denied[] = {SYS_fork, SYS_exit, SYS_execve, SYS_rt_sigprocmask, SYS_async_exec};
    start_anew();
    for (unsigned i = 0; i < LENGTH(denied); i++) {
        put(0, denied[i], 0, false);
        check_equal(exec(), WORD(&atoms[0]));
        check_equal(results[0], -EINVAL);
    }
}

/* ---- Processes ---- */

/* A child with an endless chain: it lets others run, its own code too, and can be killed. */
static void
endless(unsigned flags)
{
    volatile unsigned *shared =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long pid = sys_fork();
    if (pid == 0) {
        start_anew();
        put_add(0, (unsigned *)&shared[0], 1, flags, false);
        atoms[0].next = WORD(&atoms[0]);
        if (exec() != 0)
            sys_exit(1);
        for (;;)
            shared[1]++;
    }
    long long until = test_now_ns() + 5000000000ll;
    while (shared[1] < 1000 && test_now_ns() < until)
        test_nap(1);
    check(shared[1] >= 1000);
    unsigned before = shared[0];
    while (shared[0] == before && test_now_ns() < until)
        test_nap(1);
    check(shared[0] != before);
    check_equal(sys_kill(pid, SIGNAL_KILL), 0);
    check_equal(test_wait(pid), SIGNAL_KILL);
    munmap((void *)shared, PAGE);
}

static void
case_endless(void)
{
    endless(0);
    endless(SYSLET_ASYNC);
    endless(SYSLET_SYNC);
}

/* The end, another program, a fork while chains are blocked. */
static void
case_exit_fork_exec(void)
{
    char *const words[] = {"true", NULL};
    start_anew();
    for (int i = 0; i < ATOMS; i++) {
        put_nap(i, 100000, 0, false);
        check_equal(sys_async_exec(&atoms[i], &head.user), 0);
    }
    long pid = sys_fork();
    if (pid == 0) { /* nothing is in progress here */
        bool none = async_await(&head, 1) == -EDEADLK;
        put_nap(0, 25, 0, false);
        bool own = exec() == 0 && async_next(&head) == &atoms[0];
        put_nap(0, 100000, 0, false);
        own = own && exec() == 0;
        if (none && own)
            sys_execve("/bin/true", words, environ);
        sys_exit(1);
    }
    check_equal(test_wait(pid), 0);
    pid = sys_fork();
    if (pid == 0) {
        put_nap(0, 100000, 0, false);
        check_equal(exec(), 0);
        sys_exit_group(3);
    }
    check_equal(test_wait(pid), 3 << 8);
    /* The rest is cancelled when this program ends. */
}

static const struct check_case cases[] = {
    {"one_atom", case_one_atom},
    {"arguments", case_arguments},
    {"six_arguments", case_six_arguments},
    {"blocks", case_blocks},
    {"many", case_many},
    {"async", case_async},
    {"sync", case_sync},
    {"sync_signal", case_sync_signal},
    {"no_complete", case_no_complete},
    {"stop_flags", case_stop_flags},
    {"stop_on_error", case_stop_on_error},
    {"skip", case_skip},
    {"bad_flags", case_bad_flags},
    {"umem_add", case_umem_add},
    {"ring_full", case_ring_full},
    {"ring_wraps", case_ring_wraps},
    {"several_heads", case_several_heads},
    {"bad_heads", case_bad_heads},
    {"ring_unmapped", case_ring_unmapped},
    {"bad_pointers", case_bad_pointers},
    {"page_end", case_page_end},
    {"background_error", case_background_error},
    {"changed", case_changed},
    {"writes_itself", case_writes_itself},
    {"denied", case_denied},
    {"endless", case_endless},
    {"exit_fork_exec", case_exit_fork_exec},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
