/* t-tls [CASE]: set_thread_area and the selectors that point to its entries. They survive calls,
 * sleep and switches to another task. Each case `end-…` may only end this program (SIGSEGV or
 * SIGBUS), never the kernel; they run one at a time, by name. */
#include "test.h"

struct descriptor { /* struct user_desc of asm/ldt.h */
    unsigned entry, base, limit, flags;
};
#define SEGMENT_32BIT 1u
#define READ_ONLY 8u
#define IN_PAGES 16u
#define NOT_PRESENT 32u
#define USEABLE 64u

static struct descriptor
descriptor(unsigned entry, const void *base, unsigned flags)
{
    return (struct descriptor){entry, WORD(base), 0xfffff, flags};
}

/* A new entry; its selector. */
static unsigned
selector_new(const void *base, unsigned flags)
{
    struct descriptor d = descriptor(~0u, base, flags);

    check_equal(sys_set_thread_area(&d), 0);
    return d.entry * 8 + 3;
}

static unsigned
read_fs(void)
{
    unsigned value;
    __asm__ volatile("movl %%fs:0, %0" : "=r"(value));
    return value;
}

static void
load_fs(unsigned selector)
{
    __asm__ volatile("mov %0, %%fs" ::"r"(selector));
}

static unsigned
fs_selector(void)
{
    unsigned selector;
    __asm__ volatile("mov %%fs, %0" : "=r"(selector));
    return selector & 0xffff;
}

static unsigned
gs_selector(void)
{
    unsigned selector;
    __asm__ volatile("mov %%gs, %0" : "=r"(selector));
    return selector & 0xffff;
}

/* ---- What works ---- */

static void
survives(void)
{
    static unsigned word;
    struct kernel_timespec time = {0, 2 * MILLISECOND};
    unsigned selector = selector_new(&word, SEGMENT_32BIT | IN_PAGES | USEABLE);
    unsigned gs = gs_selector();

    load_fs(selector);
    for (int round = 0; round < 300; round++) {
        word = round * 77777 + sys_getpid();
        check_equal(read_fs(), word);
        test_start(SYS_nanosleep, 1, WORD(&time), 0, 0, 0);
        test_start(SYS_sched_yield, 2, 0, 0, 0, 0);
        check_equal(sys_sched_yield(), 0);
        check_equal(read_fs(), word);
        test_await();
        test_await();
        check_equal(read_fs(), word);
        check_equal(fs_selector(), selector);
        check_equal(gs_selector(), gs);
    }
    struct descriptor empty = {selector / 8, 0, 0, READ_ONLY | NOT_PRESENT};
    check_equal(sys_set_thread_area(&empty), 0);
    load_fs(0);
}

/* A child has its parent's entries and selectors; what it changes is its own. */
static void
across_fork(void)
{
    static unsigned word = 1234, other = 4321;
    unsigned selector = selector_new(&word, SEGMENT_32BIT | IN_PAGES | USEABLE);

    load_fs(selector);
    long pid = sys_fork();
    if (pid == 0) {
        struct descriptor changed =
            descriptor(selector / 8, &other, SEGMENT_32BIT | IN_PAGES | USEABLE);
        bool right = read_fs() == 1234 && fs_selector() == selector;
        sys_set_thread_area(&changed);
        load_fs(selector);
        test_nap(5);
        sys_exit(right && read_fs() == 4321 ? 0 : 1);
    }
    for (int i = 0; i < 10; i++) {
        check_equal(read_fs(), 1234);
        test_nap(1);
    }
    check_equal(test_wait(pid), 0);
    check_equal(read_fs(), 1234);
    struct descriptor empty = {selector / 8, 0, 0, READ_ONLY | NOT_PRESENT};
    check_equal(sys_set_thread_area(&empty), 0);
    load_fs(0);
}

static void
refused(void)
{
    static const unsigned bad[] = {0, 1, 2, 3, 4, 5, 0x7fffffff, 0xfffffffe, 100};
    struct descriptor d;

    for (unsigned i = 0; i < LENGTH(bad); i++) {
        d = descriptor(bad[i], NULL, SEGMENT_32BIT | USEABLE);
        check_equal(sys_set_thread_area(&d), -EINVAL);
    }
    for (unsigned contents = 2; contents < 4; contents++) { /* code */
        d = descriptor(~0u, NULL, SEGMENT_32BIT | contents << 1);
        check_equal(sys_set_thread_area(&d), -EINVAL);
    }
    check_equal(sys_set_thread_area(NULL), -EFAULT);
    check_equal(sys_set_thread_area((void *)0x80000000), -EFAULT);
    check_equal(test_result(SYS_set_thread_area, WORD(&d), 0, 0, 0), -EINVAL);
}

/* When all three are taken there is no free one; an emptied one is free again. */
static void
runs_out(void)
{
    struct descriptor d, entries[4];
    unsigned count = 0;

    while (count < 4) {
        entries[count] = descriptor(~0u, NULL, SEGMENT_32BIT | USEABLE);
        if (sys_set_thread_area(&entries[count]) != 0)
            break;
        count++;
    }
    check(count <= 3);
    d = descriptor(~0u, NULL, SEGMENT_32BIT | USEABLE);
    check_equal(sys_set_thread_area(&d), -ESRCH);
    for (unsigned i = 0; i < count; i++) {
        struct descriptor empty = {entries[i].entry, 0, 0, READ_ONLY | NOT_PRESENT};
        check_equal(sys_set_thread_area(&empty), 0);
    }
    if (count > 0) {
        check_equal(sys_set_thread_area(&d), 0);
        check_equal(d.entry, entries[0].entry);
        d.flags = READ_ONLY | NOT_PRESENT, d.base = d.limit = 0;
        check_equal(sys_set_thread_area(&d), 0);
    }
}

/* fs shows an entry that is emptied, then the task sleeps and comes back. */
static void
emptied_under_fs(void)
{
    static unsigned word = 5;
    unsigned selector = selector_new(&word, SEGMENT_32BIT | IN_PAGES | USEABLE);
    struct descriptor empty = {selector / 8, 0, 0, READ_ONLY | NOT_PRESENT};

    load_fs(selector);
    check_equal(sys_set_thread_area(&empty), 0);
    for (int i = 0; i < 5; i++)
        test_nap(2);
    check(fs_selector() == 0 || fs_selector() == selector);
    load_fs(0);
}

/* The same for the data segments: nothing is read through them until they are set back. */
static void
emptied_under_ds(void)
{
    unsigned selector = selector_new(NULL, SEGMENT_32BIT | IN_PAGES | USEABLE);
    static struct descriptor empty;
    long result;

    empty = (struct descriptor){selector / 8, 0, 0, READ_ONLY | NOT_PRESENT};
    __asm__ volatile("mov %1, %%ds\n\t mov %1, %%es\n\t int $0x80\n\t"
                     "mov %4, %%ds\n\t mov %4, %%es"
                     : "=a"(result)
                     : "r"(selector), "0"(SYS_set_thread_area), "b"(&empty), "r"(0x23)
                     : "memory");
    check_equal(result, 0);
    test_nap(2);
}

/* The entry under the stack can be neither emptied nor made read-only. */
static void
entry_under_ss(void)
{
    unsigned selector = selector_new(NULL, SEGMENT_32BIT | IN_PAGES | USEABLE);
    static struct descriptor changed[2];
    long result;

    changed[0] = (struct descriptor){selector / 8, 0, 0, READ_ONLY | NOT_PRESENT};
    changed[1] = descriptor(selector / 8, NULL, SEGMENT_32BIT | IN_PAGES | READ_ONLY | USEABLE);
    for (int i = 0; i < 2; i++) {
        __asm__ volatile("mov %1, %%ss\n\t int $0x80\n\t mov %4, %%ss"
                         : "=a"(result)
                         : "r"(selector), "0"(SYS_set_thread_area), "b"(&changed[i]), "r"(0x23)
                         : "memory");
        check_equal(result, -EINVAL);
    }
    test_nap(2);
    check_equal(sys_set_thread_area(&changed[0]), 0);
}

/* Direction and nested-task flags that reach the kernel: it clears the one and ignores the other.
 */
static void
flags(void)
{
    static char bytes[64];
    long result;

    __asm__ volatile("std\n\t int $0x80\n\t cld"
                     : "=a"(result)
                     : "0"(SYS_readlink), "b"("/proc/self"), "c"(bytes), "d"(sizeof bytes)
                     : "memory");
    __asm__ volatile("pushf\n\t orl $0x4000, (%%esp)\n\t popf\n\t int $0x80\n\t"
                     "pushf\n\t andl $~0x4000, (%%esp)\n\t popf"
                     : "=a"(result)
                     : "0"(SYS_getpid)
                     : "memory", "cc");
    check_equal(result, sys_getpid());
    __asm__ volatile("pushf\n\t orl $0x40000, (%%esp)\n\t popf\n\t int $0x80\n\t"
                     "pushf\n\t andl $~0x40000, (%%esp)\n\t popf"
                     : "=a"(result)
                     : "0"(SYS_sched_yield)
                     : "memory", "cc");
    check_equal(result, 0);
}

/* ---- What may end the program ---- */

static void
end_kernel_selector(void)
{
    __asm__ volatile("mov %0, %%ds" ::"r"(0x10));
}

static void
end_task_selector(void)
{
    __asm__ volatile("mov %0, %%fs" ::"r"(0x28));
}

/* iret in user mode with the nested-task flag: a task switch the CPU must refuse. */
static void
end_nested_iret(void)
{
    __asm__ volatile("pushf\n\t orl $0x4000, (%esp)\n\t popf\n\t iret");
}

static void
end_single_step(void)
{
    __asm__ volatile(
        "pushf\n\t orl $0x100, (%%esp)\n\t popf\n\t int $0x80\n\t nop" ::"a"(SYS_getpid));
}

static void
end_far_call(void)
{
    __asm__ volatile("lcall $0x28, $0");
}

static const struct check_case cases[] = {
    {"survives", survives},
    {"across-fork", across_fork},
    {"refused", refused},
    {"runs-out", runs_out},
    {"emptied-under-fs", emptied_under_fs},
    {"emptied-under-ds", emptied_under_ds},
    {"entry-under-ss", entry_under_ss},
    {"flags", flags},
    {NULL, NULL},
};

static const struct check_case ends[] = {
    {"end-kernel-selector", end_kernel_selector},
    {"end-task-selector", end_task_selector},
    {"end-nested-iret", end_nested_iret},
    {"end-single-step", end_single_step},
    {"end-far-call", end_far_call},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(argc > 1 && strncmp(argv[1], "end-", 4) == 0 ? ends : cases, argc, argv);
}
