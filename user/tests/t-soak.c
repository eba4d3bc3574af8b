/* t-soak [--calls N] [--seed S]: calls of mixed kinds with deadlines and cancels at random, through an
 * array, a ring and asys: exactly one completion each, and memory at the end as at the beginning. The
 * same seed makes the same calls. */
#include "test.h"

#define FLIGHT 256 /* at most in progress */
#define CONTEXTS 3

static struct {
    bool busy;
    char byte;
    int value;
    uint64_t id;
    int context;
    struct kernel_timespec nap;
} slots[FLIGHT];

static struct asys queue;
static int contexts[CONTEXTS], pipes[4][2], word;
static unsigned long started, completed, wrong, cancels;
static int in_progress;

static void
entry_make(struct asys_entry *entry, int slot)
{
    unsigned kind = test_random() % 8;
    int *fds = pipes[test_random() % 4];
    slots[slot].nap = (struct kernel_timespec){0, test_random() % 3000000};
    switch (kind) {
    case 0: asys_call(entry, SYS_getpid); break;
    case 1:
    case 2: asys_call(entry, SYS_read, fds[0], &slots[slot].byte, 1); break;
    case 3: asys_call(entry, SYS_nanosleep, &slots[slot].nap, NULL); break;
    case 4: asys_call(entry, SYS_futex, &word, 128, 0, &slots[slot].nap); break;
    case 5: asys_call(entry, SYS_close, 999); break;
    case 6: asys_call(entry, 599 - test_random() % 5); break;
    default: asys_call(entry, SYS_write, fds[1], "x", 1); break;
    }
    entry->cookie = (uint64_t)slot;
    if (kind >= 1 && kind <= 4 && kind != 3)
        entry->deadline = asys_deadline(test_random() % 5000000);
}

static void
done(uint64_t slot)
{
    if (slot >= FLIGHT || !slots[slot].busy) {
        wrong++;
        return;
    }
    slots[slot].busy = false;
    slots[slot].id = 0;
    in_progress--;
    completed++;
}

static void
start_one(void)
{
    int slot = (int)(test_random() % FLIGHT);
    if (slots[slot].busy)
        return;
    struct asys_entry one = {.cookie = 0};
    unsigned way = test_random() % (CONTEXTS + 1);
    entry_make(&one, slot);
    slots[slot].busy = true;
    slots[slot].context = -1;
    in_progress++;
    started++;
    if (way == CONTEXTS) {
        struct asys_entry *entry = asys_next(&queue);
        if (entry)
            *entry = one;
        wrong += !entry;
        return;
    }
    if (test_random() % 4 == 0)
        one.flags |= ASYS_INLINE;
    one.flags |= ASYS_WANT_ID;
    wrong += asys_enter(contexts[way], &one, 1) != 1;
    slots[slot].id = one.id;
    slots[slot].context = contexts[way];
}

static void
cancel_one(void)
{
    unsigned slot = test_random() % FLIGHT;
    if (slots[slot].context >= 0 && slots[slot].id) {
        long result = asys_cancel_call(slots[slot].context, slots[slot].id);
        wrong += result != 1 && result != -ENOENT;
        cancels += result == 1;
    } else if (test_random() % 64 == 0) {
        asys_cancel_context(queue.fd);
    }
}

static void
collect_some(unsigned least)
{
    struct asys_event events[32];
    for (int i = 0; i < CONTEXTS; i++) {
        long got = asys_collect(contexts[i], events, least, 32, 3000000);
        for (long k = 0; k < got; k++)
            done(events[k].cookie);
    }
    while (asys_peek(&queue, &events[0]))
        done(events[0].cookie);
}

static void
soak(unsigned long calls)
{
    while (started < calls) {
        start_one();
        if (test_random() % 8 == 0)
            cancel_one();
        if (in_progress > FLIGHT / 2 || test_random() % 16 == 0)
            collect_some(0);
    }
    asys_start(&queue);
    for (int i = 0; i < CONTEXTS; i++)
        asys_cancel_context(contexts[i]);
    asys_cancel_context(queue.fd);
    for (int i = 0; i < 10000 && in_progress > 0; i++)
        collect_some(1);
}

static unsigned long
option(int argc, char **argv, const char *name, unsigned long otherwise)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return strtoul(argv[i + 1], NULL, 10);
    return otherwise;
}

int
main(int argc, char **argv)
{
    unsigned long calls = option(argc, argv, "--calls", 10000);
    test_seed = (unsigned)option(argc, argv, "--seed", 1);
    for (int i = 0; i < 4; i++)
        test_pipe(pipes[i]);
    for (int i = 0; i < CONTEXTS; i++)
        contexts[i] = asys_context(NULL);
    if (asys_open(&queue, 32))
        return 1;
    soak(calls / 10); /* what a first time leaves in the kernel's pools stays there */
    started = completed = 0;
    long before = test_read_number("/proc/meminfo", "MemFree:"), fibrils = test_fibrils();
    soak(calls);
    long leak = before - test_read_number("/proc/meminfo", "MemFree:");
    leak = (leak > 128 ? leak : 0) + test_fibrils() - fibrils;
    printf("started=%lu completed=%lu wrong=%lu cancelled=%lu leak=%ld\n", started, completed, wrong,
           cancels, leak);
    return started != completed || wrong || leak;
}
