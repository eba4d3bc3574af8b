/* t-table: which calls can be started asynchronously, over every number, by asys and through a ring:
 * all that are built in, but those of the deny list, which end with -EINVAL; numbers that are not
 * built in with -ENOSYS. Prints `numbers=N allowed=A denied=D mismatches=M`.
 *
 * A call is tried in a child of its own, with several sets of arguments, since -EINVAL can have other
 * reasons too: one result that is another, or no result for a while, shows that it was let through. */
#include "test.h"

#define NUMBERS_MOST 600
#define REBOOT 88

enum verdict { ALLOWED, DENIED, ABSENT };
static const char *const verdicts[] = {"allowed", "denied", "absent"};

/* By number, since some are not built in (yet): restart_syscall, exit, fork, execve, pause, sigsuspend,
 * sigreturn, clone, modify_ldt, sigprocmask, rt_sigreturn, rt_sigprocmask, rt_sigsuspend, sigaltstack,
 * vfork, set_thread_area, exit_group, set_tid_address, clone3, async_exec, threadlet_on, _off. */
static const short denied[] = {0,   1,   2,   11,  29,  72,  119, 120, 123, 126, 173,
                               175, 179, 186, 190, 243, 252, 258, 435, 516, 520, 521};

static bool
is_denied(int number)
{
    for (unsigned i = 0; i < LENGTH(denied); i++)
        if (denied[i] == number)
            return true;
    return false;
}

static const unsigned long argument_sets[][6] = {
    {-1, -1, -1, -1, -1, -1}, {16, 16, 16, 16, 16, 16}, {0, 0, 0, 0, 0, 0},
    {0, 1, 0, 0, 0, 0},       {1, 16, 0, 0, 0, 0},      {1, 16, 8, 16, 8, 16},
    {16, 0, 16, 8, 0, 8},     {1, 0, 0, 0, 0, 0},       {0, 16, 16, 8, 0, 8},
    {16, 1, 2, 16, 8, 8},     {16, 16, 1, 8, 0, 0},     {0, 4096, 3, 0x22, -1, 0}, {4096, 4096, 4096, 0, 0, 0}, {16, 84, 16, 0, 0, 0},
    {16, 12, 0, 0, 0, 0},
};

static long
result_by_asys(int number, const unsigned long *arguments)
{
    struct asys_input input = {number, 1, 6, (unsigned long *)arguments};
    struct asys_event event = {.result = 0};
    sys_asys_submit(&input, 1);
    return asys_collect(-1, &event, 1, 1, 5 * MILLISECOND) == 1 ? event.result : 0;
}

static long
result_by_ring(int number, const unsigned long *arguments)
{
    static struct asys queue;
    struct asys_event event = {.result = 0};
    if (!queue.ring && asys_open(&queue, 8))
        exit(77);
    struct asys_entry *entry = asys_next(&queue);
    entry->number = (uint16_t)number;
    for (int i = 0; i < 6; i++)
        entry->argument[i] = arguments[i];
    return asys_wait(&queue, &event, 5 * MILLISECOND) == 1 ? event.result : 0;
}

typedef long result_by(int number, const unsigned long *arguments);

static enum verdict
verdict_in_child(result_by *by, int number)
{
    static const unsigned long reboot[6] = {0xfee1dead, 672274793, 0, 0, 0, 0};
    static unsigned long of_context[6]; /* the calls of kernel AIO want a context */
    enum verdict verdict = ABSENT; /* futex says -ENOSYS to some arguments too */
    sys_io_setup(1, (unsigned *)&of_context[0]);
    for (unsigned i = 0; i <= LENGTH(argument_sets); i++) {
        long result = by(number, number == REBOOT              ? reboot
                                 : i == LENGTH(argument_sets) ? of_context
                                                              : argument_sets[i]);
        if (result != -EINVAL && result != -ENOSYS)
            return ALLOWED;
        if (result == -EINVAL)
            verdict = DENIED;
    }
    return verdict;
}

static int
verdict_of(result_by *by, int number)
{
    long pid = sys_fork();
    if (pid == 0) {
        int timer; /* for timer_gettime and its kin, who know no other way to be content */
        sys_setpgid(0, 0);
        sys_timer_create(CLOCK_MONOTONIC, NULL, &timer);
        sys_exit_group(verdict_in_child(by, number));
    }
    int status = test_wait(pid);
    return status & 0x7f ? ALLOWED : status >> 8; /* it has killed itself */
}

int
main(void)
{
    int allowed = 0, refused = 0, mismatches = 0;
    for (int number = 0; number < NUMBERS_MOST; number++) {
        int asys = verdict_of(result_by_asys, number), ring = verdict_of(result_by_ring, number);
        bool right = asys == ring && (asys == ABSENT || (asys == DENIED) == is_denied(number));
        if (!right)
            printf("%d: %s by asys, %s through a ring\n", number,
                   asys < 3 ? verdicts[asys] : "?", ring < 3 ? verdicts[ring] : "?");
        mismatches += !right;
        allowed += asys == ALLOWED;
        refused += asys == DENIED;
    }
    printf("numbers=%d allowed=%d denied=%d mismatches=%d\n", allowed + refused, allowed, refused,
           mismatches);
    return mismatches != 0;
}
