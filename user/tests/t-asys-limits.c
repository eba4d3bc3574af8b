/* t-asys-limits [CASE…]: submitting sleeps for nothing (metadata, memory, a mutex); how many calls may be in
 * progress or uncollected, in a thread and in the machine; and rings whose thread has ended. Wants a slow
 * disk at /mnt/0 with a copy of the root file system. */
#include <pthread.h>
#include <sys/resource.h>
#include "force.h"

#define MACHINE "/proc/sys/kernel/calls_max"
#define NEVER 1000000000u /* a switch that no call comes to */

static struct kernel_timespec long_nap = {1000, 0};

static struct asys_entry
nap_entry(uint64_t cookie)
{
    struct asys_entry entry = {.cookie = cookie};
    asys_call(&entry, SYS_nanosleep, &long_nap, NULL);
    return entry;
}

static struct asys_entry
getpid_entry(uint64_t cookie)
{
    struct asys_entry entry = {.cookie = cookie};
    asys_call(&entry, SYS_getpid);
    return entry;
}

static void
set_limit(unsigned limit)
{
    struct rlimit both = {limit, RLIM_INFINITY};
    check_equal(setrlimit(RLIMIT_CALLS, &both), 0);
}

/* ---- Submitting sleeps for nothing ---- */

static void
submits_without_sleep(const struct force_kind *kind, const char *channel)
{
    struct asys_entry entries[FORCE_ENTRIES];
    int context = asys_context(NULL);
    unsigned count = kind_prepare(kind, entries);
    long fibrils = test_fibrils();
    check(force("tell %u", NEVER) > 0);
    check_equal(asys_enter(context, entries, count), count);
    force_off();
    check_equal(force_count("user_sleeps"), 0);
    check(test_fibrils() > fibrils);
    if (channel) {
        char line[200];
        bool found = false;
        FILE *file = fopen("/proc/fibrils", "r");
        while (file && fgets(line, sizeof line, file))
            found |= strstr(line, channel) != NULL;
        if (file)
            fclose(file);
        check(found);
    }
    kind_collect(kind, context, count, true);
    if (kind->finish)
        kind->finish();
    sys_close(context);
}

static const struct force_kind *
kind_named(const char *name)
{
    const struct force_kind *kind = force_kinds;
    while (strcmp(kind->name, name))
        kind++;
    return kind;
}

static void
sleeps_for_no_metadata(void)
{
    submits_without_sleep(kind_named("path-on-disk"), NULL);
}

static void
sleeps_for_no_mutex(void)
{
    submits_without_sleep(kind_named("lock"), " file_position ");
}

/* One call after the other until there is no memory for another fibril, far below the limit. */
static void
sleeps_for_no_memory(void)
{
    static struct asys_event events[64];
    struct asys_entry nap = nap_entry(1);
    int context = asys_context(NULL);
    long taken, count = 0, collected = 0;
    check(force("tell %u", NEVER) > 0);
    while ((taken = asys_enter(context, &nap, 1)) == 1)
        count++;
    check_equal(taken, -EAGAIN);
    check_equal(asys_cancel_context(context), count);
    sys_sched_yield();
    force_off();
    check_equal(force_count("user_sleeps"), 0);
    while ((taken = asys_collect(context, events, 1, 64, ASYS_FOREVER)) > 0)
        collected += taken;
    check_equal(collected, count);
    check(count > 500 && count < 100000);
    sys_close(context);
}

/* ---- Limits ---- */

/* `most` more calls can be taken, whatever way they are submitted; uncollected ones count. */
static void
takes_so_many(long most)
{
    struct asys_entry entries[32];
    struct asys_event event = {.result = -12345};
    int context = asys_context(NULL);
    for (int i = 0; i < 32; i++)
        entries[i] = i % 2 ? nap_entry(i) : getpid_entry(i);
    check_equal(asys_enter(context, entries, 32), most);
    check_equal(asys_enter(context, entries, 1), -EAGAIN);
    check_equal(sys_asys_submit(&(struct asys_input){.syscall_nr = SYS_getpid}, 1), -EAGAIN);
    check_equal(asys_collect(context, &event, 1, 1, 0), 1);
    entries[0] = getpid_entry(99);
    check_equal(asys_enter(context, entries, 2), 1); /* a partial count */
    check_equal(asys_cancel_context(context), most / 2);
    check_equal(asys_enter(context, entries, 1), -EAGAIN);
    long got, all = 1;
    while ((got = asys_collect(context, &event, 1, 1, ASYS_FOREVER)) == 1)
        all++;
    check_equal(all, most + 1);
    check_equal(asys_enter(context, entries, 1), 1);
    sys_close(context);
}

static void
limit_of_a_thread(void)
{
    set_limit(10);
    takes_so_many(10);
    set_limit(0);
    struct asys_entry one = getpid_entry(1);
    check_equal(asys_enter(-1, &one, 1), -EAGAIN);
    set_limit(1u << 17);
    check_equal(test_read_number("/proc/self/calls", "counted"), 0);
}

/* A chain that passes the limit is cut: what was taken runs, the rest was not taken. */
static void
limit_cuts_a_chain(void)
{
    struct asys_entry entries[4];
    struct asys_event events[4];
    for (int i = 0; i < 4; i++) {
        entries[i] = getpid_entry(i);
        entries[i].flags = i < 3 ? ASYS_LINK : 0;
    }
    set_limit(2);
    check_equal(asys_enter(-1, entries, 4), 2);
    set_limit(1u << 17);
    check_equal(asys_collect(-1, events, 2, 4, 0), 2);
    check_equal(events[0].result, sys_getpid());
}

/* Entries of a ring for which there is no room stay in it, and are taken when there is. */
static void
limit_and_ring(void)
{
    struct asys queue;
    struct asys_event event = {.result = -12345};
    check_equal(asys_open(&queue, 8), 0);
    for (int i = 0; i < 8; i++)
        *asys_next(&queue) = nap_entry(i);
    set_limit(3);
    asys_publish(&queue);
    sys_getpid();
    check_equal(queue.ring->submission_head, 3);
    set_limit(1u << 17);
    check_equal(queue.ring->submission_head, 8);
    check_equal(asys_cancel_context(queue.fd), 8);
    for (int i = 0; i < 8; i++)
        check_equal(asys_wait(&queue, &event, ASYS_FOREVER), 1);
    asys_close(&queue);
}

static void
limit_of_the_machine(void)
{
    char before[20];
    int fd = sys_open(MACHINE, O_RDONLY, 0);
    long length = sys_read(fd, before, sizeof before - 1);
    check(length > 0);
    before[length > 0 ? length : 0] = 0;
    sys_close(fd);
    check_equal(test_write_file(MACHINE, "x"), -EINVAL);
    check_equal(test_write_file(MACHINE, "20\n"), 3);
    struct asys_entry naps[14];
    for (int i = 0; i < 14; i++)
        naps[i] = nap_entry(i);
    check_equal(asys_enter(-1, naps, 14), 14);
    long pid = sys_fork();
    if (pid == 0) { /* another task's count too */
        takes_so_many(6);
        sys_exit_group(check_failures ? 1 : 0);
    }
    check_equal(test_wait(pid), 0);
    check_equal(asys_cancel_all(), 14);
    check_equal(test_drain(), 14);
    check_equal(test_write_file(MACHINE, before), length);
}

/* Only root may raise the hard limit, and /proc's file. */
static void
limit_and_rights(void)
{
    long pid = sys_fork();
    if (pid == 0) {
        struct rlimit low = {5, 5}, high = {6, 6};
        setrlimit(RLIMIT_CALLS, &low);
        takes_so_many(5);
        sys_setuid(1000);
        check_equal(setrlimit(RLIMIT_CALLS, &high), -1);
        check(test_write_file(MACHINE, "5") < 0);
        sys_exit_group(check_failures ? 1 : 0);
    }
    check_equal(test_wait(pid), 0);
}

/* ---- Threads and rings ---- */

static struct asys shared;
static pthread_barrier_t barrier;

static void *
opens_a_ring(void *flags)
{
    struct asys_setup setup = {.flags = ASYS_SETUP_RINGS | (unsigned)(uintptr_t)flags,
                               .submissions = 8, .completions = 16};
    shared = (struct asys){.fd = asys_context(&setup)};
    shared.ring = (struct asys_ring *)setup.ring_address;
    shared.entries = (struct asys_entry *)(setup.ring_address + shared.ring->submission_offset);
    shared.events = (struct asys_event *)(setup.ring_address + shared.ring->completion_offset);
    shared.submissions = setup.submissions;
    shared.completions = setup.completions;
    struct asys_entry nap = nap_entry(7);
    check_equal(asys_enter(shared.fd, &nap, 1), 1);
    return NULL;
}

static void
close_shared(void)
{
    sys_close(shared.fd);
    test_nap(3);
    munmap((void *)shared.ring, 4096);
}

/* The calls of the thread that has ended are cancelled and their completions come; its ring goes on. */
static void
ring_of_a_thread_that_ended(void)
{
    pthread_t thread;
    struct asys_event event = {.result = -12345};
    check_equal(pthread_create(&thread, NULL, opens_a_ring, NULL), 0);
    check_equal(pthread_join(thread, NULL), 0);
    test_nap(1);
    check_equal(asys_peek(&shared, &event), 1);
    check_equal(event.cookie, 7);
    check_equal(event.result, -EINTR);
    *asys_next(&shared) = getpid_entry(8);
    asys_publish(&shared);
    sys_getpid();
    check_equal(asys_peek(&shared, &event), 1);
    check_equal(event.cookie, 8);
    check_equal(event.result, sys_getpid());
    close_shared();
}

/* The same with ASYS_SETUP_POLL: no call of this thread comes to its aid. */
static void
poller_of_a_thread_that_ended(void)
{
    pthread_t thread;
    struct asys_event event = {.result = -12345};
    long fibrils = test_fibrils();
    check_equal(pthread_create(&thread, NULL, opens_a_ring, (void *)ASYS_SETUP_POLL), 0);
    check_equal(pthread_join(thread, NULL), 0);
    test_nap(1);
    check_equal(asys_peek(&shared, &event), 1);
    check_equal(test_fibrils(), fibrils + 1);
    *asys_next(&shared) = getpid_entry(8);
    asys_publish(&shared);
    while (asys_peek(&shared, &event) == 0)
        ;
    check_equal(event.result, sys_getpid());
    close_shared();
    check_equal(test_fibrils(), fibrils);
}

static void *
sleeps_with_a_ring(void *unused)
{
    char byte;
    opens_a_ring(unused);
    pthread_barrier_wait(&barrier);
    check_equal(sys_read(kind_fds[0], &byte, 1), 1);
    return NULL;
}

/* While the thread that made it sleeps, the ring is served by another; and one made before a thread
 * began, by that thread. */
static void
ring_of_a_thread_that_sleeps(void)
{
    pthread_t thread;
    struct asys_event event = {.result = -12345};
    test_pipe(kind_fds);
    pthread_barrier_init(&barrier, NULL, 2);
    check_equal(pthread_create(&thread, NULL, sleeps_with_a_ring, NULL), 0);
    pthread_barrier_wait(&barrier);
    *asys_next(&shared) = getpid_entry(8);
    asys_publish(&shared);
    sys_getpid();
    check_equal(asys_peek(&shared, &event), 1);
    check_equal(event.cookie, 8);
    check_equal(sys_write(kind_fds[1], "x", 1), 1);
    check_equal(pthread_join(thread, NULL), 0);
    pthread_barrier_destroy(&barrier);
    close_shared();
    test_close_both(kind_fds);
}

static void *
publishes(void *unused)
{
    *asys_next(&shared) = getpid_entry(9);
    asys_publish(&shared);
    sys_getpid();
    return (void *)(uintptr_t)(shared.ring->submission_head == shared.tail);
    (void)unused;
}

static void
ring_of_an_older_thread(void)
{
    pthread_t thread;
    void *taken;
    opens_a_ring(NULL);
    check_equal(pthread_create(&thread, NULL, publishes, NULL), 0);
    check_equal(pthread_join(thread, &taken), 0);
    check_equal((long)(uintptr_t)taken, 1);
    close_shared();
}

/* Threads that take from one ring at the same time take each entry once. */
static volatile bool stop;
static void *
looks(void *unused)
{
    while (!stop)
        sys_sched_yield();
    return unused;
}

static void
ring_looked_at_by_many(void)
{
    pthread_t threads[4];
    struct asys_event event = {.result = -12345};
    unsigned long started = 0, collected = 0, sum = 0;
    stop = false;
    check_equal(asys_open(&shared, 64), 0);
    for (int i = 0; i < 4; i++)
        check_equal(pthread_create(&threads[i], NULL, looks, NULL), 0);
    while (started < 5000) {
        struct asys_entry *entry = asys_next(&shared);
        *entry = (struct asys_entry){.cookie = ++started};
        if (started % 3)
            asys_call(entry, SYS_getpid);
        else
            asys_call(entry, SYS_sched_yield); /* the runner goes behind the others */
        asys_publish(&shared);
        for (; asys_peek(&shared, &event); collected++)
            sum += (unsigned long)event.cookie;
    }
    while (collected < started && asys_wait(&shared, &event, 1000000000ull) == 1) {
        sum += (unsigned long)event.cookie;
        collected++;
    }
    check_equal(collected, started);
    check_equal(sum, started * (started + 1) / 2);
    check_equal(asys_wait(&shared, &event, ASYS_FOREVER), -EDEADLK);
    stop = true;
    for (int i = 0; i < 4; i++)
        check_equal(pthread_join(threads[i], NULL), 0);
    asys_close(&shared);
}

/* ---- A ring whose contents change under the kernel's eyes ---- */

static void *
scribbles(void *unused)
{
    static const uint16_t numbers[] = {SYS_getpid, SYS_close, SYS_nanosleep, SYS_sched_yield, 4000};
    unsigned *words = (unsigned *)shared.ring;
    while (!stop) {
        for (int i = 0; i < 50; i++) { /* what runs must be harmless to the test: a number of these */
            unsigned at = test_random() % (64 / 4 + 8 * 64 / 4);
            struct asys_entry *entry = &shared.entries[test_random() % 8];
            words[at] = test_random() % 3 ? test_random() << 8 ^ test_random() : test_random() % 16;
            for (int k = 0; k < 8; k++)
                shared.entries[k].number = numbers[(unsigned)k % LENGTH(numbers)];
            entry->argument[0] = 900 + test_random() % 50; /* no descriptor, no address */
        }
        sys_getpid();
        if (test_random() % 8 == 0)
            sys_sched_yield();
    }
    return unused;
}

/* Polled, looked at by two threads, cancelled, and overwritten by both: the kernel stays up, and all is
 * gone with the context. */
static void
ring_scribbled(void)
{
    for (int round = 0; round < 8; round++) {
        long pid = sys_fork();
        if (pid == 0) {
            pthread_t thread;
            struct asys_event event;
            test_seed = 1000u * (unsigned)round + 17;
            stop = false;
            opens_a_ring((void *)(uintptr_t)(round % 2 ? ASYS_SETUP_POLL : 0));
            pthread_create(&thread, NULL, scribbles, NULL);
            for (int i = 0; i < 300; i++) {
                asys_collect(shared.fd, &event, 1, 1, 100000);
                if (i % 16 == 0)
                    asys_cancel_context(shared.fd);
            }
            if (round % 4 == 3)
                munmap((void *)shared.ring, 4096); /* under the thread, which ends by it */
            stop = true;
            pthread_join(thread, NULL);
            sys_exit_group(0);
        }
        int status = test_wait(pid);
        check(status == 0 || (round % 4 == 3 && status == 11));
    }
}

/* What the thread's own context held is gone with it, and no longer counted. */
static void *
leaves_results(void *unused)
{
    struct asys_entry entries[20];
    for (int i = 0; i < 20; i++)
        entries[i] = i % 2 ? nap_entry(i) : getpid_entry(i);
    check_equal(asys_enter(-1, entries, 20), 20);
    check_equal(asys_enter(kind_context, entries, 20), 20);
    return unused;
}

static void
contexts_of_a_thread_that_ended(void)
{
    pthread_t thread;
    struct asys_event events[20];
    for (int round = 0; round < 20; round++) {
        kind_context = asys_context(NULL);
        check_equal(pthread_create(&thread, NULL, leaves_results, NULL), 0);
        check_equal(pthread_join(thread, NULL), 0);
        check_equal(asys_collect(kind_context, events, 20, 20, ASYS_FOREVER), 20);
        for (int i = 0; i < 20; i++)
            check(events[i].result == (events[i].cookie % 2 ? -EINTR : sys_getpid()));
        check_equal(asys_collect(kind_context, events, 1, 20, ASYS_FOREVER), -EDEADLK);
        sys_close(kind_context);
    }
}

static const struct check_case cases[] = {
    {"sleeps-for-no-metadata", sleeps_for_no_metadata},
    {"sleeps-for-no-mutex", sleeps_for_no_mutex},
    {"sleeps-for-no-memory", sleeps_for_no_memory},
    {"limit-of-a-thread", limit_of_a_thread},
    {"limit-cuts-a-chain", limit_cuts_a_chain},
    {"limit-and-ring", limit_and_ring},
    {"limit-of-the-machine", limit_of_the_machine},
    {"limit-and-rights", limit_and_rights},
    {"ring-of-a-thread-that-ended", ring_of_a_thread_that_ended},
    {"poller-of-a-thread-that-ended", poller_of_a_thread_that_ended},
    {"ring-of-a-thread-that-sleeps", ring_of_a_thread_that_sleeps},
    {"ring-of-an-older-thread", ring_of_an_older_thread},
    {"ring-looked-at-by-many", ring_looked_at_by_many},
    {"ring-scribbled", ring_scribbled},
    {"contexts-of-a-thread-that-ended", contexts_of_a_thread_that_ended},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    force_open();
    return check_run(cases, argc, argv);
}
