/* t-asys-hostile [CASE…]: rings whose entries, header and memory change while the kernel works on
 * them, and counts that overflow: an error for the program at most, nothing for the kernel. */
#include "queue.h"

/* Each entry is a read from a pipe into the ring itself. One that writes over its own place has
 * been copied: it completes as it was. One that writes over the next place: the next is what was
 * written. */
static void
entries_write_over_entries(void)
{
    int fds[2];
    struct asys_entry other = {.cookie = 77};
    test_pipe(fds);
    queue_open(8);
    asys_call(&other, SYS_getppid);
    sys_write(fds[1], &other, sizeof other);
    sys_write(fds[1], &other, sizeof other);
    asys_add(&queue, SYS_read, fds[0], &queue.entries[0], sizeof other)->cookie = 1;
    asys_add(&queue, SYS_read, fds[0], &queue.entries[2], sizeof other)->cookie = 2;
    add_getpid(3);
    expect(1, sizeof other);
    expect(2, sizeof other);
    expect(77, sys_getppid());
    queue_end();
    test_close_both(fds);
}

/* A chain is taken as a whole before its first call is made. */
static void
chain_is_copied_first(void)
{
    int fds[2];
    struct asys_entry other = {.cookie = 77, .flags = ASYS_LINK};
    test_pipe(fds);
    queue_open(8);
    asys_call(&other, SYS_fork);
    sys_write(fds[1], &other, sizeof other);
    asys_flag(asys_add(&queue, SYS_read, fds[0], &queue.entries[1], sizeof other),
              ASYS_LINK)->cookie = 1;
    asys_flag(add_getpid(2), ASYS_LINK);
    add_getpid(3);
    expect(1, sizeof other);
    expect(2, sys_getpid());
    expect(3, sys_getpid());
    queue_end();
    test_close_both(fds);
}

/* The header, written over by a call of the ring: the kernel goes by its own copy. */
static void
header_written_by_an_entry(void)
{
    static struct asys_ring nonsense;
    int fds[2];
    test_pipe(fds);
    queue_open(8);
    memset(&nonsense, 0xa5, sizeof nonsense);
    sys_write(fds[1], &nonsense, sizeof nonsense);
    asys_add(&queue, SYS_read, fds[0], queue.ring, sizeof nonsense)->cookie = 1;
    add_getpid(2);
    asys_start(&queue);
    for (int i = 0; i < 100; i++)
        sys_getpid();
    check_equal(queue.ring->submission_tail, 0xa5a5a5a5);
    long ready = asys_collect(queue.fd, NULL, 0, 100, 0);
    check(ready >= 0 && ready <= (long)queue.completions);
    asys_close(&queue);
    test_close_both(fds);
}

/* Read-only, replaced by other memory, moved elsewhere: the kernel uses pages of its own. */
static void
memory_replaced(void)
{
    struct asys_event event;
    queue_open(8);
    add_getpid(1);
    asys_publish(&queue);
    check_equal(sys_mprotect(WORD(queue.ring), queue.bytes, PROT_READ), 0);
    check_equal(sys_mprotect(WORD(queue.ring), queue.bytes, PROT_READ | PROT_WRITE), 0);
    expect(1, sys_getpid());
    add_nap(2);
    asys_start(&queue);
    check(mmap((void *)queue.ring, queue.bytes, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)queue.ring);
    check_equal(asys_cancel_context(queue.fd), 1);
    check_equal(asys_collect(queue.fd, NULL, 1, 1, ASYS_FOREVER), 1);
    check_equal(asys_peek(&queue, &event), 0); /* it went where nobody looks any more */
    asys_close(&queue);
}

/* Whatever stands in the ring: so many returns to user mode, each with another thing changed. */
static void
scribbled(void)
{
    static const unsigned short numbers[] = {SYS_getpid, SYS_nanosleep, SYS_read,  SYS_close,
                                             SYS_fork,   SYS_getppid,   9999,      SYS_sched_yield,
                                             SYS_poll,   SYS_exit,      SYS_pause, SYS_execve};
    static const uint32_t values[] = {0,          1,          7,          8,  9, 16, 31,
                                      0x7fffffff, 0x80000000, 0xfffffff0, ~0u};
    static struct kernel_timespec short_nap = {0, MILLISECOND};
    struct asys_setup setup = {.flags = ASYS_SETUP_POLL, .submissions = 8, .completions = 8};
    check_equal(asys_open_setup(&queue, &setup), 0);
    unsigned words = queue.bytes / 4;
    volatile uint32_t *word = (volatile uint32_t *)queue.ring;
    for (int round = 0; round < 20000; round++) {
        unsigned at = test_random() % (test_random() % 2 ? 16 : words);
        struct asys_entry *entry = &queue.entries[test_random() % 8];
        word[at] = test_random() % 2 ? values[test_random() % LENGTH(values)] : test_random();
        *entry = (struct asys_entry){.cookie = test_random(), .flags = test_random() & 127};
        entry->deadline = test_random() % 8 ? 0 : test_random();
        entry->source[test_random() % 6] = test_random() % 4;
        asys_call(entry, numbers[test_random() % LENGTH(numbers)],
                  test_random() % 2 ? WORD(&short_nap) : 999, 0, 0);
        queue.ring->submission_tail = queue.ring->submission_head + test_random() % 9;
        if (test_random() % 64 == 0)
            asys_cancel_context(queue.fd);
        if (test_random() % 4 == 0)
            queue.ring->completion_head = queue.ring->completion_tail;
        sys_getpid();
    }
    asys_close(&queue);
    queue_open(8);
    add_getpid(1);
    expect(1, sys_getpid());
    queue_end();
}

/* Counts and addresses at which a product or a sum would overflow. */
static void
counts_that_overflow(void)
{
    struct asys_setup setup = {.flags = ASYS_SETUP_RINGS, .submissions = ~0u, .completions = ~0u};
    struct asys_event events[2];
    char *page = test_map_before_nothing();
    struct asys_entry *last = (struct asys_entry *)(page + PAGE) - 1;
    check_equal(asys_context(&setup), -EINVAL);
    setup = (struct asys_setup){.flags = ASYS_SETUP_RINGS, .submissions = 8, .completions = 65537};
    check_equal(asys_context(&setup), -EINVAL);
    setup.completions = 65536;
    check_equal(asys_open_setup(&queue, &setup), 0);
    check_equal(queue.completions, 65536);
    add_getpid(1);
    expect(1, sys_getpid());
    queue_end();
    *last = (struct asys_entry){.cookie = 5, .number = SYS_getpid};
    check_equal(asys_enter(-1, last, 0x04000001), 1); /* 64 bytes more than 2^32 */
    check_equal(asys_enter(-1, (struct asys_entry *)0x7fffffc0, ~0ul), -EFAULT);
    check_equal(asys_enter(-1, (struct asys_entry *)0xffffffc0, 2), -EFAULT);
    check_equal(asys_collect(-1, events, ~0u, ~0u, 0), 1);
    check_equal(events[0].cookie, 5);
    check_equal(asys_collect(-1, (struct asys_event *)0xffffffe0, 0, 0x08000001, 0), 0);
    munmap(page, PAGE);
}

/* An entry that enters itself, again and again: the limit of calls ends it. */
static void
entry_enters_itself(void)
{
    static struct asys_entry self[2];
    struct asys_event event;
    unsigned long count = 0, refused = 0;
    for (int i = 0; i < 2; i++)
        asys_call(&self[i], SYS_asys_enter, -1, self, 1)->cookie = 5;
    queue_open(8);
    asys_add(&queue, SYS_asys_enter, -1, self, 1)->cookie = 1;
    check_equal(asys_wait(&queue, &event, ASYS_FOREVER), 1);
    while (asys_collect(-1, &event, 1, 1, ASYS_FOREVER) == 1) {
        check(event.cookie == 5 && (event.result == 1 || event.result == -EAGAIN));
        refused += event.result == -EAGAIN;
        count++;
    }
    check(count > 1000 && refused > 0);
    check_equal(test_fibrils(), 1);
    queue_end();
}

static const struct check_case cases[] = {
    {"entries_write_over_entries", entries_write_over_entries},
    {"chain_is_copied_first", chain_is_copied_first},
    {"header_written_by_an_entry", header_written_by_an_entry},
    {"memory_replaced", memory_replaced},
    {"scribbled", scribbled},
    {"counts_that_overflow", counts_that_overflow},
    {"entry_enters_itself", entry_enters_itself},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
