/* t-memory [CASE]: address spaces as a program sees them: pages at the first touch, brk, mmap2,
 * munmap, mprotect, the stack. Each case `end-…` must end this program by a signal; they run one at
 * a time, by name. `end-out-of-memory` takes all there is. */
#include "test.h"

#define MIB (1024 * 1024ul)

static long
free_kib(void)
{
    return test_read_number("/proc/meminfo", "MemFree:");
}

static long
map(unsigned long address, unsigned long size, int protection, int flags)
{
    return kernel_call6(SYS_mmap2, address, size, protection, flags, -1, 0);
}

static bool
is_error(long result)
{
    return (unsigned long)result > -4096ul;
}

/* Can the kernel read a byte there on our behalf? And write one? */
static bool
readable(const volatile void *address)
{
    int fds[2];
    long written;

    test_pipe(fds);
    written = sys_write(fds[1], (const void *)address, 1);
    test_close_both(fds);
    return written == 1;
}

static bool
writable(volatile void *address)
{
    int fds[2];
    long got;

    test_pipe(fds);
    sys_write(fds[1], "w", 1);
    got = sys_read(fds[0], (void *)address, 1);
    test_close_both(fds);
    return got == 1;
}

/* ---- Pages at the first touch ---- */

static void
pages_at_the_first_touch(void)
{
    long before = free_kib(), mapped, touched, freed;
    unsigned char *memory = test_map(64 * MIB);
    unsigned sum = 0;

    mapped = free_kib();
    check(before - mapped < 64);
    for (unsigned long i = 0; i < 4 * MIB; i += PAGE) {
        sum += memory[i];
        memory[i] = 1;
    }
    check_equal(sum, 0);
    touched = free_kib();
    check(mapped - touched >= 4096 && mapped - touched < 4096 + 64);
    check_equal(munmap(memory, 64 * MIB), 0);
    freed = free_kib();
    check(before - freed < 64);
}

/* New pages are zero, also those whose frames were used before. */
static void
new_pages_are_zero(void)
{
    for (int round = 0; round < 20; round++) {
        unsigned *words = test_map(64 * PAGE), sum = 0;
        for (unsigned i = 0; i < 64 * PAGE / 4; i++)
            sum |= words[i];
        check_equal(sum, 0);
        memset(words, 0xa5, 64 * PAGE);
        munmap(words, 64 * PAGE);
    }
}

/* The kernel's copies touch pages too, and across their boundaries. */
static void
touched_by_the_kernel(void)
{
    char *memory = test_map(8 * PAGE), *edge = memory + 3 * PAGE - 2;
    int fds[2];

    test_pipe(fds);
    check_equal(sys_write(fds[1], "abcdef", 6), 6);
    check_equal(sys_read(fds[0], edge, 6), 6);
    check(memcmp(edge, "abcdef", 6) == 0);
    check_equal(sys_write(fds[1], memory + 5 * PAGE, PAGE), PAGE); /* zeros from a fresh page */
    check_equal(sys_read(fds[0], memory, PAGE), PAGE);
    check_equal(memory[0] | memory[PAGE - 1], 0);
    test_close_both(fds);
    munmap(memory, 8 * PAGE);
}

/* ---- brk ---- */

static void
brk_grows_and_shrinks(void)
{
    unsigned long start = sys_brk(0), end;

    check_equal(sys_brk(1), start); /* refused: the old end */
    check_equal(sys_brk(0xffffffff), start);
    check_equal(sys_brk(0x80000000), start);
    end = sys_brk(start + 3 * PAGE + 5);
    check_equal(end, start + 3 * PAGE + 5);
    char *byte = (char *)start + 3 * PAGE + 4;
    *byte = 7;
    check_equal(sys_brk(end + 100), end + 100); /* inside or beyond the page: no matter */
    check_equal(*byte, 7);
    check_equal(sys_brk(start), start);
    check_equal(sys_brk(end), end);
    check_equal(*byte, 0); /* taken away and new */
    check_equal(sys_brk(start), start);
    for (unsigned long at = start; at < start + 200 * PAGE; at += PAGE / 2)
        check_equal(sys_brk(at), at);
    check_equal(sys_brk(start), start);
}

/* ---- mmap2, munmap, mprotect ---- */

static void
mmap_arguments(void)
{
    long address;

    check_equal(map(0, 0, 3, 0x22), -EINVAL);
    check_equal(map(0, PAGE, 3, 0x20), -EINVAL);   /* neither private nor shared */
    check_equal(map(123, PAGE, 3, 0x32), -EINVAL); /* fixed, not aligned */
    check_equal(map(0, 0xffffffff, 3, 0x22), -ENOMEM);
    check_equal(map(0, 0x7fffffff, 3, 0x22), -ENOMEM);
    check(is_error(map(0x80000000, PAGE, 3, 0x32))); /* the kernel's */
    check(is_error(map(0x7ffff000, 2 * PAGE, 3, 0x32)));
    check(is_error(map(0xfffff000, PAGE, 3, 0x32)));
    address = map(0x20000123, PAGE, 3, 0x22); /* a hint that is not aligned */
    check_equal(address, 0x20000000);
    check(!is_error(map(0x20000000, PAGE, 3, 0x22)));        /* a hint that is taken */
    check_equal(map(0x20000000, PAGE, 3, 0x32), 0x20000000); /* fixed: in its place */
    check_equal(sys_munmap(0x20000000, PAGE), 0);
    check_equal(sys_munmap(0x20000001, PAGE), -EINVAL);
    check_equal(sys_munmap(0x20000000, 0), -EINVAL);
    check_equal(sys_munmap(0x7ffff000, 2 * PAGE), -EINVAL);
    check_equal(sys_munmap(0x80100000, PAGE), -EINVAL);
    check_equal(sys_munmap(0xfffff000, 0xfffff000), -EINVAL);
    check_equal(sys_munmap(0x30000000, 64 * MIB), 0); /* nothing there: no error */
    check_equal(sys_mprotect(0x30000000, PAGE, 1), -ENOMEM);
    check_equal(sys_mprotect(0x30000001, PAGE, 1), -EINVAL);
}

static void
fixed_replaces(void)
{
    char *memory = test_map(16 * PAGE);

    memset(memory, 1, 16 * PAGE);
    check_equal(map(WORD(memory + 4 * PAGE), 4 * PAGE, 3, 0x32), WORD(memory + 4 * PAGE));
    for (int page = 0; page < 16; page++)
        check_equal(memory[page * PAGE], page < 4 || page >= 8);
    munmap(memory, 16 * PAGE);
}

/* A mapping cut into pieces, every second page of it gone. */
static void
holes(void)
{
    char *memory = test_map(64 * PAGE);

    for (int page = 0; page < 64; page++)
        memory[page * PAGE] = page + 1;
    for (int page = 1; page < 64; page += 2)
        check_equal(munmap(memory + page * PAGE, PAGE), 0);
    for (int page = 0; page < 64; page++) {
        check_equal(readable(memory + page * PAGE), page % 2 == 0);
        if (page % 2 == 0)
            check_equal(memory[page * PAGE], page + 1);
    }
    check_equal(sys_mprotect(WORD(memory), 64 * PAGE, PROT_READ), -ENOMEM);
    check_equal(munmap(memory, 64 * PAGE), 0);
    for (int page = 0; page < 64; page++)
        check(!readable(memory + page * PAGE));
}

static void
protection(void)
{
    char *memory = test_map(4 * PAGE), *fresh = test_map(PAGE);

    memory[0] = memory[PAGE] = 5;
    check_equal(mprotect(memory, PAGE, PROT_READ), 0);
    check(readable(memory) && !writable(memory));
    check(writable(memory + PAGE));
    check_equal(mprotect(memory, PAGE, PROT_NONE), 0);
    check(!readable(memory) && !writable(memory));
    check_equal(mprotect(memory, PAGE, PROT_READ | PROT_WRITE), 0);
    check(writable(memory));
    check_equal(mprotect(fresh, PAGE, PROT_NONE), 0); /* before it was ever touched */
    check(!readable(fresh) && !writable(fresh));
    check_equal(mprotect(fresh, PAGE, PROT_READ), 0);
    check(readable(fresh) && !writable(fresh));
    check_equal(fresh[100], 0);
    check_equal(mprotect(memory, 0, PROT_NONE), 0);
    munmap(memory, 4 * PAGE);
    munmap(fresh, PAGE);
}

/* The stack can grow to 8 MiB, in steps and in one leap. */
static unsigned __attribute__((noinline)) recurse(unsigned depth)
{
    volatile unsigned char frame[10000];

    memset((void *)frame, (int)depth, sizeof frame);
    return (depth ? recurse(depth - 1) : 0) + frame[depth % sizeof frame];
}

static void __attribute__((noinline)) leap(void)
{
    volatile char frame[7 * MIB + 512 * 1024];

    frame[0] = 3;
    check_equal(frame[0], 3);
}

static void
stack_grows(void)
{
    unsigned wanted = 0;

    leap();
    for (unsigned depth = 0; depth <= 700; depth++)
        wanted += depth & 0xff;
    check_equal(recurse(700), wanted);
}

/* Two asynchronous reads into pages of the same fresh mapping while user mode touches it too. */
static void
touched_by_calls(void)
{
    int fd = sys_open("/bin/walk", O_RDONLY, 0);

    check_equal(test_write_file("/proc/sys/vm/drop_caches", "1"), 1);
    char *memory = test_map(40 * PAGE);
    for (int i = 0; i < 40; i++)
        test_start(SYS_pread64, i, fd, WORD(memory + i * PAGE + 100), 3000, i * 512);
    for (int i = 0; i < 40; i++)
        memory[i * PAGE] = i;
    for (int i = 0; i < 40; i++)
        check_equal(test_await().return_code, 3000);
    for (int i = 0; i < 40; i++)
        check_equal(memory[i * PAGE], i);
    munmap(memory, 40 * PAGE);
    sys_close(fd);
}

/* The target goes away while the call waits: -EFAULT or a part of it, and nobody else's memory. */
static void
unmapped_under_a_call(void)
{
    int fds[2];

    test_pipe(fds);
    for (int round = 0; round < 20; round++) {
        char *memory = test_map(PAGE);
        test_start(SYS_read, 1, fds[0], WORD(memory), 10, 0);
        check_equal(munmap(memory, PAGE), 0);
        check_equal(sys_write(fds[1], "0123456789", 10), 10);
        check_equal(test_await().return_code, -EFAULT);
        char rest[10];
        check_equal(sys_read(fds[0], rest, 10), 10);
    }
    test_close_both(fds);
}

/* ---- fork: each has its own ---- */

static bool
all_equal(const unsigned char *memory, unsigned pages, int value)
{
    for (unsigned i = 0; i < pages; i++)
        if (memory[i * PAGE] != value || memory[i * PAGE + PAGE - 1] != value)
            return false;
    return true;
}

static void
fork_copies(void)
{
    enum { PAGES = 300 };
    unsigned char *memory = test_map(2 * PAGES * PAGE); /* the second half is not touched */
    unsigned char *fixed = test_map(PAGE), *hidden = test_map(PAGE);

    memset(memory, 1, PAGES * PAGE);
    fixed[0] = hidden[0] = 9;
    mprotect(fixed, PAGE, PROT_READ);
    mprotect(hidden, PAGE, PROT_NONE);
    for (int round = 0; round < 10; round++) {
        long pid = sys_fork();
        if (pid == 0) {
            bool right = all_equal(memory, PAGES, 1) && memory[PAGES * PAGE] == 0 &&
                         fixed[0] == 9 && !writable(fixed) && !readable(hidden);
            memset(memory, 2, 2 * PAGES * PAGE);
            test_nap(2);
            sys_exit(right && all_equal(memory, 2 * PAGES, 2) && check_failures == 0 ? 0 : 1);
        }
        if (round % 2)
            memset(memory, 1, PAGES * PAGE);
        check_equal(test_wait(pid), 0);
        check(all_equal(memory, PAGES, 1));
        check_equal(memory[PAGES * PAGE], 0);
    }
    munmap(memory, 2 * PAGES * PAGE);
    munmap(fixed, PAGE);
    munmap(hidden, PAGE);
}

/* The kernel's copies write to the page of the one on whose behalf they are made. */
static void
fork_and_the_kernels_copies(void)
{
    char *memory = test_map(PAGE);
    int fds[2];

    test_pipe(fds);
    strcpy(memory, "parent");
    long pid = sys_fork();
    if (pid == 0) {
        sys_write(fds[1], "child!", 6);
        bool right = sys_read(fds[0], memory, 6) == 6 && strcmp(memory, "child!") == 0;
        sys_exit(right ? 0 : 1);
    }
    check_equal(test_wait(pid), 0);
    check(strcmp(memory, "parent") == 0);
    test_close_both(fds);
    munmap(memory, PAGE);
}

/* A read is in progress when its target becomes shared: the bytes are its owner's, not the child's.
 */
static void
fork_under_a_call(void)
{
    char *memory = test_map(PAGE);
    int fds[2];

    test_pipe(fds);
    for (int round = 0; round < 10; round++) {
        strcpy(memory, "before");
        test_start(SYS_read, 1, fds[0], WORD(memory), 6, 0);
        long pid = sys_fork();
        if (pid == 0) {
            test_nap(10);
            sys_exit(strcmp(memory, "before") == 0 ? 0 : 1);
        }
        check_equal(sys_write(fds[1], "after.", 6), 6);
        check_equal(test_await().return_code, 6);
        check(strcmp(memory, "after.") == 0);
        check_equal(test_wait(pid), 0);
    }
    test_close_both(fds);
    munmap(memory, PAGE);
}

/* A tree of processes that all change the same pages. */
static void
fork_of_forks(void)
{
    unsigned char *memory = test_map(20 * PAGE);

    memset(memory, 7, 20 * PAGE);
    for (unsigned generation = 0; generation < 5; generation++) {
        long pid = sys_fork();
        if (pid != 0) {
            memset(memory, generation + 100, 10 * PAGE);
            bool right = test_wait(pid) == 0 && all_equal(memory, 10, generation + 100) &&
                         all_equal(memory + 10 * PAGE, 10, generation == 0 ? 7 : generation - 1);
            if (generation > 0)
                sys_exit(right && check_failures == 0 ? 0 : 1);
            check(right);
            munmap(memory, 20 * PAGE);
            return;
        }
        memset(memory + 10 * PAGE, generation, 10 * PAGE);
    }
    sys_exit(all_equal(memory, 10, 7) && all_equal(memory + 10 * PAGE, 10, 4) ? 0 : 1);
}

static void
many_areas(void)
{
    char *memory = test_map(2000 * PAGE);

    for (int page = 1; page < 2000; page += 2)
        check_equal(mprotect(memory + page * PAGE, PAGE, PROT_READ), 0);
    for (int page = 0; page < 2000; page += 2)
        memory[page * PAGE] = 1;
    check_equal(munmap(memory, 2000 * PAGE), 0);
}

/* ---- What must end the program ---- */

static void
end_wild_read(void)
{
    (void)*(volatile int *)0x60000000;
}

static void
end_wild_write(void)
{
    *(volatile int *)0x60000000 = 1;
}

static void
end_wild_jump(void)
{
    ((void (*)(void))0x60000000)();
}

static void
end_kernel_read(void)
{
    (void)*(volatile int *)0x80100000;
}

static void
end_kernel_write(void)
{
    *(volatile int *)0x80100000 = 1;
}

static void
end_kernel_jump(void)
{
    ((void (*)(void))0x80100000)();
}

static void
end_write_to_code(void)
{
    *(volatile char *)(unsigned long)end_write_to_code = 1;
}

static void
end_protected(void)
{
    volatile char *memory = test_map(PAGE);

    memory[0] = 1;
    mprotect((void *)memory, PAGE, PROT_NONE);
    (void)memory[0];
}

static void
end_stack_overflow(void)
{
    recurse(2000);
}

static void
end_stack_pointer(void)
{
    __asm__ volatile("movl $0x60000000, %esp\n\t pushl $1");
}

static void
end_divide(void)
{
    __asm__ volatile("cltd\n\t idivl %1" ::"a"(1), "r"(0) : "edx");
}

static void
end_illegal(void)
{
    __asm__ volatile("ud2");
}

static void
end_privileged(void)
{
    __asm__ volatile("cli");
}

static void
end_port(void)
{
    __asm__ volatile("outb %%al, $0xf4" ::"a"(0));
}

static void
end_interrupt(void)
{
    __asm__ volatile("int $0x20");
}

static void
end_breakpoint(void)
{
    __asm__ volatile("int3");
}

static void
end_out_of_memory(void)
{
    for (;;) {
        char *memory = test_map(16 * MIB);
        for (unsigned long i = 0; i < 16 * MIB; i += PAGE)
            memory[i] = 1;
    }
}

/* The same, with the kernel's copies: read(2) into pages for which there is no memory. */
static void
end_out_of_memory_in_calls(void)
{
    int fd = sys_open("/dev/zero", O_RDONLY, 0);

    for (;;) {
        char *memory = test_map(16 * MIB);
        for (unsigned long i = 0; i < 16 * MIB; i += MIB)
            test_start(SYS_read, 1, fd, WORD(memory + i), MIB, 0);
        if (test_drain() == 0)
            break;
    }
}

static const struct check_case cases[] = {
    {"pages-at-the-first-touch", pages_at_the_first_touch},
    {"new-pages-are-zero", new_pages_are_zero},
    {"touched-by-the-kernel", touched_by_the_kernel},
    {"brk-grows-and-shrinks", brk_grows_and_shrinks},
    {"mmap-arguments", mmap_arguments},
    {"fixed-replaces", fixed_replaces},
    {"holes", holes},
    {"protection", protection},
    {"stack-grows", stack_grows},
    {"touched-by-calls", touched_by_calls},
    {"unmapped-under-a-call", unmapped_under_a_call},
    {"many-areas", many_areas},
    {"fork-copies", fork_copies},
    {"fork-and-the-kernels-copies", fork_and_the_kernels_copies},
    {"fork-under-a-call", fork_under_a_call},
    {"fork-of-forks", fork_of_forks},
    {NULL, NULL},
};

static const struct check_case ends[] = {
    {"end-wild-read", end_wild_read},
    {"end-wild-write", end_wild_write},
    {"end-wild-jump", end_wild_jump},
    {"end-kernel-read", end_kernel_read},
    {"end-kernel-write", end_kernel_write},
    {"end-kernel-jump", end_kernel_jump},
    {"end-write-to-code", end_write_to_code},
    {"end-protected", end_protected},
    {"end-stack-overflow", end_stack_overflow},
    {"end-stack-pointer", end_stack_pointer},
    {"end-divide", end_divide},
    {"end-illegal", end_illegal},
    {"end-privileged", end_privileged},
    {"end-port", end_port},
    {"end-interrupt", end_interrupt},
    {"end-breakpoint", end_breakpoint},
    {"end-out-of-memory", end_out_of_memory},
    {"end-out-of-memory-in-calls", end_out_of_memory_in_calls},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(argc > 1 && strncmp(argv[1], "end-", 4) == 0 ? ends : cases, argc, argv);
}
