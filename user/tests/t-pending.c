/* t-pending N: so many calls blocked at once, each completed exactly once; what one of them costs in
 * memory; and that submitting, blocking, waking and completing one more, or cancelling one, costs the
 * same as when it is alone. Prints `completed=N lost=0 twice=0 bytes_per_call=B cost_ratio=R leak=0`. */
#include "test.h"

#define ROUNDS 200
#define AT_ONCE 500
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

static unsigned char *seen;
static int word;

static unsigned long long
cycles(void)
{
    unsigned low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
    return (unsigned long long)high << 32 | low;
}

static struct asys_event
one_event(int context)
{
    struct asys_event event = {.cookie = ~0ull};
    check_equal(asys_collect(context, &event, 1, 1, ASYS_FOREVER), 1);
    return event;
}

/* A read that blocks, is woken and collected: of many, the cheapest, since interrupts fall into some. */
static unsigned
cost_of_read(int context, const int fds[2])
{
    unsigned least = ~0u;
    char byte;
    struct asys_entry entry = {.number = SYS_read, .cookie = ~1ull};
    asys_call(&entry, SYS_read, fds[0], &byte, 1);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned long long before = cycles();
        check_equal(asys_enter(context, &entry, 1), 1);
        sys_write(fds[1], "x", 1);
        check_equal(one_event(context).cookie, ~1ull);
        unsigned cost = (unsigned)(cycles() - before);
        least = cost < least ? cost : least;
    }
    return least;
}

static unsigned
cost_of_cancel(int context)
{
    static struct kernel_timespec nap = {1000, 0};
    unsigned least = ~0u;
    struct asys_entry entry = {.cookie = ~2ull, .flags = ASYS_WANT_ID};
    asys_call(&entry, SYS_nanosleep, &nap, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned long long before = cycles();
        check_equal(asys_enter(context, &entry, 1), 1);
        check_equal(asys_cancel_call(context, entry.id), 1);
        check_equal(one_event(context).cookie, ~2ull);
        unsigned cost = (unsigned)(cycles() - before);
        least = cost < least ? cost : least;
    }
    return least;
}

static unsigned long
submit_all(int context, unsigned long count)
{
    static struct asys_entry entries[AT_ONCE];
    unsigned long done = 0;
    while (done < count) {
        unsigned long n = count - done < AT_ONCE ? count - done : AT_ONCE;
        for (unsigned long i = 0; i < n; i++) {
            entries[i] = (struct asys_entry){.cookie = done + i};
            asys_call(&entries[i], SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
        }
        long taken = asys_enter(context, entries, n);
        if (taken <= 0)
            break;
        done += (unsigned long)taken;
    }
    return done;
}

static unsigned long twice;

static unsigned long
collect_all(int context, unsigned long count)
{
    static struct asys_event events[AT_ONCE];
    unsigned long completed = 0;
    long got;
    while ((got = asys_collect(context, events, 1, AT_ONCE, ASYS_FOREVER)) > 0)
        for (long i = 0; i < got; i++) {
            check(events[i].cookie < count && events[i].result == 0);
            twice += seen[events[i].cookie]++ != 0;
            completed++;
        }
    return completed;
}

static long
free_kib(void)
{
    return test_read_number("/proc/meminfo", "MemFree:");
}

struct round {
    unsigned long completed, bytes_per_call;
    unsigned ratio_percent;
};

static struct round
round_run(unsigned long count)
{
    int fds[2], context = asys_context(NULL);
    struct round round = {0, 0, 0};
    test_pipe(fds);
    memset(seen, 0, count);
    unsigned read_alone = cost_of_read(context, fds), cancel_alone = cost_of_cancel(context);
    long before = free_kib();
    unsigned long submitted = submit_all(context, count);
    check_equal(submitted, count);
    round.bytes_per_call = (unsigned long)(before - free_kib()) * 1024ull / count;
    unsigned read = cost_of_read(context, fds), cancel = cost_of_cancel(context);
    printf("# instructions or cycles: a blocked read %u alone, %u with all; a cancel %u, %u\n",
           read_alone, read, cancel_alone, cancel);
    round.ratio_percent = (unsigned)(read * 100ull / read_alone);
    if (cancel * 100ull / cancel_alone > round.ratio_percent)
        round.ratio_percent = (unsigned)(cancel * 100ull / cancel_alone);
    word = 1;
    check_equal(sys_futex(WORD(&word), FUTEX_WAKE_PRIVATE, 0x7fffffff, 0, 0, 0), count);
    word = 0;
    round.completed = collect_all(context, count);
    sys_close(context);
    test_close_both(fds);
    return round;
}

int
main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000, lost = 0;
    seen = test_map(count);
    round_run(count); /* what a first time leaves in the kernel's pools stays there */
    long before = free_kib();
    twice = 0;
    struct round round = round_run(count);
    for (unsigned long i = 0; i < count; i++)
        lost += seen[i] == 0;
    long leak = before - free_kib();
    leak = leak > 64 ? leak : 0;
    printf("completed=%lu lost=%lu twice=%lu bytes_per_call=%lu cost_ratio=%u.%02u leak=%ld\n",
           round.completed, lost, twice, round.bytes_per_call, round.ratio_percent / 100,
           round.ratio_percent % 100, leak);
    return round.completed != count || lost || twice || leak || check_failures ||
           round.bytes_per_call > 4608 || round.ratio_percent > 150;
}
