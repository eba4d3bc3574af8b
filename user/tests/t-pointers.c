/* t-pointers: every pointer argument of every call in turn is given addresses that are none: nothing there,
 * the kernel's in all its parts, memory that may only be read, the last bytes before nothing, the last page of
 * all. What a call says of the kernel's addresses must be what it says of those where nothing is, so that
 * nothing can be learned of the kernel; memory that may only be read keeps its contents; and calls that give
 * bytes to others give none from there. Each call is made by a child without rights, which an alarm clock
 * ends if it waits. */
#include <fibril/call_list.h>
#include <sys/time.h>
#include "attack.h"

struct call {
    short number;
    char name[28], kinds[8];
};
#define CALL(number, name, kinds) {number, #name, kinds},
static const struct call calls[] = {FIBRIL_CALL_LIST(CALL)};

#define LIFE_US 4000
#define ENDED 0x7fffffff /* no result: the child was ended in the call */

static volatile long *answer;
static int fds[2], file, directory;
static char *scratch, *read_only, *last;

static unsigned long
usual_argument(char kind, unsigned position, unsigned variant)
{
    switch (kind) {
    case 'd':
        return variant % 3 == 0 ? file : variant % 3 == 1 ? fds[1] : directory;
    case 's':
        return WORD("/tmp");
    case 'p':
        return WORD(scratch + position * 512);
    case 'z':
        return variant % 2 ? 8 : 64;
    default:
        return position == 0 && variant % 2 ? 1 : variant % 4;
    }
}

/* The call's result with this address in one place. */
static long
try_call(const struct call *call, unsigned position, unsigned long address, unsigned variant)
{
    int pid, status;

    *answer = ENDED;
    pid = fork();
    if (pid == 0) {
        struct itimerval life = {{0, 0}, {0, LIFE_US}};
        unsigned long a[6];
        attack_give_up_rights();
        setitimer(ITIMER_REAL, &life, NULL);
        for (unsigned i = 0; i < 6; i++)
            a[i] = i == position ? address : usual_argument(call->kinds[i], i, variant);
        volatile long *place = answer;
        long result = kernel_call6(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (sys_getpid() != pid && result >= 0 && sys_getppid() != 0)
            result = result > 4096 ? 4096 : result; /* addresses and times differ */
        *place = result;
        sys_exit_group(0);
    }
    check(pid > 0);
    sys_wait4(pid, &status, 0, NULL);
    if (attack_goes_on())
        attack_end_all();
    return *answer;
}

static bool
is_left_out(const char *name)
{
    static const char *const names[] = {"exit", "exit_group", "fork", "vfork", "clone", "sigreturn",
                                        "rt_sigreturn", "asys_submit", "asys_await_completion"};
    for (unsigned i = 0; i < LENGTH(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* These refuse a range of the kernel's before they look at their other arguments, as Linux's of 2007. */
static bool
is_refused_early(const char *name)
{
    return strcmp(name, "io_submit") == 0 || strcmp(name, "lio_submit") == 0;
}

static void
try_pointer(const struct call *call, unsigned position, unsigned variant)
{
    static const unsigned long kernel[] = {0x80000000, 0x80100000, 0x80101234, 0xbffffff8, 0xc0002000,
                                           0xc0003ff0, 0xf8000000, 0xfffff000, 0xfffffff8};
    long nothing = try_call(call, position, 0x70000000, variant);

    for (unsigned i = 0; i < LENGTH(kernel); i++) {
        long here = try_call(call, position, kernel[i], variant);
        if (here != nothing && !(here == -EFAULT && is_refused_early(call->name)))
            check_failed("%s, argument %u: %ld with the kernel's %lx, %ld with nothing", call->name,
                         position + 1, here, kernel[i], nothing);
    }
    try_call(call, position, 0, variant);
    try_call(call, position, WORD(read_only) + 16, variant);
    try_call(call, position, WORD(last) + PAGE - 1 - variant, variant);
    try_call(call, position, 0x7ffffffc - variant, variant);
}

static unsigned pointers;

static void
addresses_that_are_none(void)
{
    for (unsigned i = 0; i < LENGTH(calls); i++)
        for (unsigned position = 0; calls[i].kinds[position]; position++) {
            char kind = calls[i].kinds[position];
            if ((kind != 'p' && kind != 's') || is_left_out(calls[i].name))
                continue;
            pointers++;
            for (unsigned variant = 0; variant < 3; variant++)
                try_pointer(&calls[i], position, variant);
        }
    printf("# %u arguments\n", pointers);
    check(pointers > 250);
    for (unsigned i = 0; i < PAGE; i++)
        check((unsigned char)read_only[i] == (i & 0xff));
}

/* What is written from the kernel's memory does not come out at the other end. */
static void
nothing_comes_out(void)
{
    static const unsigned long kernel[] = {0x80100000, 0xc0002000, 0xfffff000, 0x7ffffffe};
    char byte;
    int ends[2];

    check_equal(sys_socketpair(1, 1 | 2048 /* not blocking */, 0, ends), 0);
    for (unsigned i = 0; i < LENGTH(kernel); i++) {
        unsigned long vector[2] = {kernel[i], 64};
        unsigned message[7] = {0, 0, WORD(vector), 1, 0, 0, 0};
        check_equal(sys_write(ends[0], (void *)kernel[i], 64), -EFAULT);
        check_equal(sys_writev(ends[0], vector, 1), -EFAULT);
        check_equal(sys_sendto(ends[0], (void *)kernel[i], 64, 0, NULL, 0), -EFAULT);
        check_equal(sys_sendmsg(ends[0], message, 0), -EFAULT);
        check_equal(sys_recvfrom(ends[1], &byte, 1, 0, NULL, NULL), -EAGAIN);
    }
    test_close_both(ends);
}

static const struct check_case cases[] = {
    {"addresses_that_are_none", addresses_that_are_none},
    {"nothing_comes_out", nothing_comes_out},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    answer = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    scratch = test_map(PAGE);
    last = test_map_before_nothing();
    read_only = test_map(PAGE);
    for (unsigned i = 0; i < PAGE; i++)
        read_only[i] = i;
    mprotect(read_only, PAGE, PROT_READ);
    test_pipe(fds);
    file = sys_open("/bin/walk", O_RDONLY, 0);
    directory = sys_open("/demo", O_RDONLY, 0);
    return check_run(cases, argc, argv);
}
