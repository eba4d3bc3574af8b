/* t-mmap [CASE]: maps of files and of memory, what splits and joins them, protection, growth, and what the
 * program and the kernel find there. Runs on Linux too. */
#include "portable.h"
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define PAGE 4096
#define FILE_PATH "/tmp/t-mmap"
#define NOWHERE ((void *)0x70001000) /* that nothing else is near */

static char *
map(void *where, int pages, int protection, int flags)
{
    return mmap(where, pages * PAGE, protection, flags | MAP_ANONYMOUS, -1, 0);
}

static char *
private_pages(int pages)
{
    char *memory = map(NULL, pages, PROT_READ | PROT_WRITE, MAP_PRIVATE);

    check(memory != MAP_FAILED);
    return memory;
}

/* A file of this many bytes, byte n being n / 4096 + 'a'. */
static int
file_of(int bytes)
{
    char page[PAGE];
    int fd = open(FILE_PATH, O_RDWR | O_CREAT | O_TRUNC, 0600);

    for (int done = 0; done < bytes; done += PAGE) {
        int part = bytes - done < PAGE ? bytes - done : PAGE;
        memset(page, 'a' + done / PAGE, sizeof page);
        check_equal(write(fd, page, part), part);
    }
    return fd;
}

/* ---- What an access does: 0, or the signal's number times 10 plus its code ---- */

static sigjmp_buf environment;
static volatile int caught;

static void
catch(int number, siginfo_t *info, void *context UNUSED)
{
    caught = number * 10 + info->si_code;
    siglongjmp(environment, 1);
}

static int
access_fault(volatile char *address, bool write)
{
    struct sigaction action = {.sa_sigaction = catch, .sa_flags = SA_SIGINFO};

    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    caught = 0;
    if (sigsetjmp(environment, 1) == 0) {
        if (write)
            *address = 'w';
        else
            (void)*address;
    }
    handle(SIGSEGV, SIG_DFL, 0);
    handle(SIGBUS, SIG_DFL, 0);
    return caught;
}

static int
reading(const char *address)
{
    return access_fault((char *)address, false);
}

static int
writing(char *address)
{
    return access_fault(address, true);
}

/* Does the kernel find the bytes there? */
static int
kernel_reads(const void *address, size_t size)
{
    int fds[2], result;

    check(pipe(fds) == 0);
    result = write(fds[1], address, size);
    result = result < 0 ? -errno : result;
    close(fds[0]);
    close(fds[1]);
    return result;
}

static int
kernel_writes(void *address, size_t size)
{
    int fd = open("/dev/zero", O_RDONLY), result = read(fd, address, size);

    result = result < 0 ? -errno : result;
    close(fd);
    return result;
}

/* ---- Arguments ---- */

static void
refused(void)
{
    int fd = file_of(100), reader = open(FILE_PATH, O_RDONLY), writer = open(FILE_PATH, O_WRONLY);
    int directory = open("/tmp", O_RDONLY);

    show_error(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    show_error(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
    show_error(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_SHARED | 4 | MAP_ANONYMOUS, -1, 0));
    show_error(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
    show_error(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 77, 0));
    show_error(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100));
    show_error(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0));
    show_error(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0));
    show_error(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0));
    show_error(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0));
    show_error(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0));
    show_error(mmap((char *)NOWHERE + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0));
    show_error(mmap(NULL, 0xfffff000u, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    show_error(syscall(SYS_mmap2, NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0x80000000u));
    show_error(munmap(NOWHERE, PAGE)); /* nothing there */
    show_error(munmap((char *)NOWHERE + 1, PAGE));
    show_error(munmap(NOWHERE, 0));
    show_error(munmap((char *)0xfffff000, PAGE));
    show_error(mprotect(NOWHERE, PAGE, PROT_READ));
    show_error(mprotect((char *)NOWHERE + 1, PAGE, PROT_READ));
    show_error(mprotect(NOWHERE, 0, PROT_READ));
    show_error(mprotect(NOWHERE, PAGE, 0x100));
    show_error(msync(NOWHERE, PAGE, MS_SYNC));
    show_error(msync(NOWHERE, PAGE, MS_SYNC | MS_ASYNC));
    show_error(msync((char *)NOWHERE + 1, PAGE, MS_SYNC));
    show_error(madvise(NOWHERE, PAGE, MADV_DONTNEED));
    show_error(madvise(NOWHERE, PAGE, 12345));
    show_error(mincore(NOWHERE, PAGE, (unsigned char *)environment));
    show_error(mlock(NOWHERE, PAGE));
    close(fd);
    close(reader);
    close(writer);
    close(directory);
    unlink(FILE_PATH);
}

static void
places(void)
{
    char *three = private_pages(3);

    memset(three, 1, 3 * PAGE);
    check(map(three + PAGE, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED) == three + PAGE);
    show(three[0]);
    show(three[PAGE]); /* anew */
    show(three[2 * PAGE]);
    show_error(map(three, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE));
    check(map(three, 1, PROT_READ, MAP_PRIVATE) != three); /* a hint that is taken */
    munmap(three + PAGE, PAGE);
    check(map(three + PAGE, 1, PROT_READ, MAP_PRIVATE) == three + PAGE); /* and one that is free */
    munmap(three, 3 * PAGE);
    check(map(three, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE) == three);
    munmap(three, PAGE);
}

/* ---- Splitting, protection ---- */

static void
holes(void)
{
    char *five = private_pages(5);

    memset(five, 5, 5 * PAGE);
    show(munmap(five + PAGE, PAGE));
    show(munmap(five + 3 * PAGE, PAGE));
    for (int page = 0; page < 5; page++)
        show(reading(five + page * PAGE));
    show(kernel_reads(five + PAGE - 10, 20));
    show(kernel_reads(five + PAGE, 20));
    show(kernel_writes(five + 3 * PAGE - 10, 20));
    show(kernel_writes(five + 3 * PAGE, 1));
    show(mprotect(five, 5 * PAGE, PROT_READ)); /* the pages before the hole all the same */
    show(errno);
    show(writing(five));
    show(writing(five + 2 * PAGE));
    show(munmap(five, 5 * PAGE)); /* holes do not matter */
}

static void
protection(void)
{
    char *memory = private_pages(3);

    memory[0] = memory[PAGE] = memory[2 * PAGE] = 7;
    show(mprotect(memory + PAGE, PAGE, PROT_READ));
    show(writing(memory));
    show(writing(memory + PAGE));
    show(reading(memory + PAGE));
    show(memory[PAGE]);
    show(kernel_writes(memory + PAGE, 10));
    show(kernel_writes(memory + PAGE - 10, 20));
    show(mprotect(memory + PAGE, PAGE, PROT_NONE));
    show(reading(memory + PAGE));
    show(kernel_reads(memory + PAGE, 10));
    show(mprotect(memory, 3 * PAGE, PROT_READ | PROT_WRITE));
    show(memory[PAGE]); /* what was there */
    show(writing(memory + PAGE));
    munmap(memory, 3 * PAGE);
}

/* What is moved between files and memory that ends somewhere. */
static void
to_the_last_page(void)
{
    char *memory = private_pages(2), byte;
    int fd = file_of(3 * PAGE);
    struct iovec two[2] = {{memory, 100}, {memory + PAGE - 10, 100}};

    memset(memory, 'm', PAGE);
    munmap(memory + PAGE, PAGE);
    show(pread(fd, memory + PAGE - 10, 100, 0));
    show(memory[PAGE - 1]);
    show(pread(fd, memory + PAGE, 100, 0));
    show(pwrite(fd, memory + PAGE - 10, 100, PAGE - 5));
    show(pread(fd, &byte, 1, PAGE + 4));
    show(byte);
    show(pread(fd, &byte, 1, PAGE + 5));
    show(byte);
    show(pwrite(fd, memory + PAGE, 1, 0));
    show(lseek(fd, 0, SEEK_SET));
    show(readv(fd, two, 2));
    show(lseek(fd, 0, SEEK_CUR));
    show(writev(fd, two, 2));
    show(lseek(fd, 0, SEEK_CUR));
    two[0].iov_base = memory + PAGE;
    show(readv(fd, two, 2));
    show(lseek(fd, 3 * PAGE, SEEK_SET));
    show(write(fd, memory + PAGE - 10, 100));
    show(lseek(fd, 0, SEEK_END)); /* grown by what was there */
    close(fd);
    unlink(FILE_PATH);
    munmap(memory, PAGE);
}

/* ---- Files ---- */

static void
private_file(void)
{
    int fd = file_of(2 * PAGE + 100);
    char byte = 0;
    char *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

    check(memory != MAP_FAILED);
    show(memory[0]);
    show(memory[PAGE]);
    show(memory[2 * PAGE + 99]);
    show(memory[2 * PAGE + 100]); /* zeros behind the end */
    show(reading(memory + 3 * PAGE));
    show(kernel_reads(memory + 3 * PAGE, 1));
    memory[PAGE] = 'Z';
    show(pread(fd, &byte, 1, PAGE));
    show(byte); /* the file has it not */
    show(pwrite(fd, "QQ", 2, 1)); /* a page not yet written to shows the file's changes, or not: no promise */
    show(ftruncate(fd, PAGE));
    show(memory[0]);
    close(fd); /* the map stays */
    show(memory[10]);
    unlink(FILE_PATH);
    show(memory[11]);
    munmap(memory, 4 * PAGE);
}

static void
shared_file(void)
{
    int fd = file_of(2 * PAGE), status;
    char bytes[4] = {0};
    char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *again = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);

    show(memory == MAP_FAILED ? errno : 0);
    show(again == MAP_FAILED ? errno : 0);
    memory[PAGE] = 'X';
    show(again[0]);
    show(pread(fd, bytes, 1, PAGE));
    show(bytes[0]);
    show(pwrite(fd, "Y", 1, PAGE + 1));
    show(memory[PAGE + 1]);
    pid_t pid = fork();
    if (pid == 0) {
        memory[2] = 'C';
        _exit(0);
    }
    check(waitpid(pid, &status, 0) == pid);
    show(memory[2]);
    show(msync(memory, 2 * PAGE, MS_SYNC));
    munmap(memory, 2 * PAGE);
    munmap(again, PAGE);
    show(pread(fd, bytes, 1, 2));
    show(bytes[0]);
    close(fd);
    unlink(FILE_PATH);
}

static void
offsets(void)
{
    int fd = file_of(5 * PAGE);
    char *memory = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 3 * PAGE);

    show(memory[0]);
    show(memory[PAGE]);
    munmap(memory, PAGE); /* what is left begins at page 4 */
    show(memory[PAGE]);
    munmap(memory + PAGE, PAGE);
    memory = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
    mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE);
    memory[PAGE] = 'w';
    show(memory[0]);
    show(memory[PAGE]);
    show(memory[PAGE + 1]);
    show(memory[2 * PAGE]);
    munmap(memory, 3 * PAGE);
    close(fd);
    unlink(FILE_PATH);
}

/* ---- Shared memory without a file ---- */

static void
shared_memory(void)
{
    char *memory = map(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED);
    int status;

    memory[0] = 1;
    pid_t pid = fork();
    if (pid == 0) {
        memory[0]++;
        memory[PAGE] = 5; /* one that nobody has touched yet */
        munmap(memory + PAGE, PAGE);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            memory[2 * PAGE] = 9;
            _exit(0);
        }
        _exit(waitpid(grandchild, &status, 0) != grandchild);
    }
    check(waitpid(pid, &status, 0) == pid);
    show(exited(status));
    show(memory[0]);
    show(memory[PAGE]);
    show(memory[2 * PAGE]);
    munmap(memory, 3 * PAGE);
}

/* ---- mremap ---- */

static void
remapping(void)
{
    char *memory = private_pages(6), *moved;

    for (int page = 0; page < 6; page++)
        memory[page * PAGE] = (char)page;
    check(mremap(memory, 6 * PAGE, 3 * PAGE, 0) == memory); /* smaller */
    show(reading(memory + 2 * PAGE));
    show(reading(memory + 3 * PAGE));
    check(mremap(memory, 3 * PAGE, 5 * PAGE, 0) == memory); /* larger, into what is free */
    show(memory[2 * PAGE]);
    show(memory[4 * PAGE]);
    check(map(memory + 5 * PAGE, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED) == memory + 5 * PAGE);
    show_error(mremap(memory, 5 * PAGE, 8 * PAGE, 0)); /* something is in the way */
    moved = mremap(memory, 5 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    check(moved != MAP_FAILED && moved != memory);
    show(moved[PAGE]);
    show(moved[7 * PAGE]);
    show(reading(memory));
    memory = moved;
    moved = mremap(memory + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, NOWHERE);
    check(moved == NOWHERE);
    show(moved[0]);
    show(reading(memory + PAGE));
    show(reading(memory + 2 * PAGE));
    munmap(NOWHERE, PAGE);
    munmap(memory, 8 * PAGE);
}

static void
remapping_refused(void)
{
    char *memory = private_pages(4);

    show_error(mremap(memory + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    show_error(mremap(memory, 2 * PAGE, 0, MREMAP_MAYMOVE));
    show_error(mremap(memory, PAGE, PAGE, 64));
    show_error(mremap(memory, PAGE, PAGE, MREMAP_FIXED, NOWHERE));
    show_error(mremap(memory, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, memory + PAGE));
    show_error(mremap(memory, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)NOWHERE + 5));
    show_error(mremap(NOWHERE, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    munmap(memory + PAGE, PAGE);
    show_error(mremap(memory, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE)); /* over a hole */
    show_error(mremap(memory, 4 * PAGE, PAGE, 0));
    munmap(memory, 4 * PAGE);
}

/* ---- brk ---- */

static int
break_in_child(void *unused UNUSED)
{
    char *end = (char *)syscall(SYS_brk, 0), *page = (char *)(((uintptr_t)end + 4095) & ~4095ul);
    struct rlimit limit;

    if (syscall(SYS_brk, page + 3 * PAGE) != (long)(page + 3 * PAGE) || page[2 * PAGE])
        return 1;
    page[2 * PAGE] = 1;
    if (syscall(SYS_brk, page + PAGE) != (long)(page + PAGE) || reading(page + 2 * PAGE) != 111)
        return 2;
    if (syscall(SYS_brk, page + 3 * PAGE) != (long)(page + 3 * PAGE) || page[2 * PAGE])
        return 3; /* zeros anew */
    if (syscall(SYS_brk, 4096) != (long)(page + 3 * PAGE)) /* below the beginning: nothing happens */
        return 4;
    if (map(page + 5 * PAGE, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED) == MAP_FAILED)
        return 5;
    if (syscall(SYS_brk, page + 8 * PAGE) != (long)(page + 3 * PAGE)) /* something is in the way */
        return 6;
    getrlimit(RLIMIT_DATA, &limit);
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_DATA, &limit);
    return syscall(SYS_brk, page + 4 * PAGE) != (long)(page + 3 * PAGE) ? 7 : 0;
}

static void
break_moves(void)
{
    show(exited(in_child(break_in_child, NULL)));
}

/* ---- The stack ---- */

static int __attribute__((noinline))
deep(int levels)
{
    volatile char room[4000];

    room[0] = (char)levels;
    return levels ? deep(levels - 1) + room[0] : 0;
}

static int
grow_stack(void *unused UNUSED)
{
    deep(1500); /* 6 MB of the 8 */
    return 0;
}

static int
grow_beyond(void *bytes)
{
    struct rlimit limit = {*(int *)bytes, RLIM_INFINITY};

    setrlimit(RLIMIT_STACK, &limit);
    deep(1500);
    return 0;
}

static void
stack_grows(void)
{
    int small = 1 << 20;

    show(exited(in_child(grow_stack, NULL)));
    show(exited(in_child(grow_beyond, &small)));
}

/* ---- Advice, and what is asked of pages ---- */

static void
advice(void)
{
    char *memory = private_pages(3);
    unsigned char there[3] = {9, 9, 9};
    int fd = file_of(PAGE);

    memset(memory, 3, 3 * PAGE);
    show(madvise(memory + PAGE, PAGE, MADV_DONTNEED));
    show(memory[0]);
    show(memory[PAGE]);
    show(madvise(memory + 1, PAGE, MADV_DONTNEED));
    show(madvise(memory, PAGE, MADV_WILLNEED));
    show(madvise(memory, 3 * PAGE, MADV_SEQUENTIAL));
    munmap(memory, 3 * PAGE);
    memory = private_pages(3);
    memory[PAGE] = 1;
    show(mincore(memory, 3 * PAGE, there));
    show((there[0] & 1) + (there[1] & 1) * 10 + (there[2] & 1) * 100);
    show(mincore(memory + 1, PAGE, there));
    show(mlock(memory, PAGE));
    show(munlock(memory, PAGE));
    show(msync(memory, 3 * PAGE, MS_ASYNC));
    munmap(memory, 3 * PAGE);
    memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    memory[0] = 'Z';
    show(madvise(memory, PAGE, MADV_DONTNEED));
    show(memory[0]); /* the file's again */
    munmap(memory, PAGE);
    close(fd);
    unlink(FILE_PATH);
}

static void
limited(void)
{
    struct rlimit old, limit;

    getrlimit(RLIMIT_AS, &old);
    limit = old;
    limit.rlim_cur = 64 << 20;
    show(setrlimit(RLIMIT_AS, &limit));
    show_error(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    show(setrlimit(RLIMIT_AS, &old));
    char *memory = mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    show(memory == MAP_FAILED);
    munmap(memory, 128 << 20);
}

static void
many_areas(void)
{
    char *memory = private_pages(2000);

    memset(memory, 1, 2000 * PAGE);
    for (int page = 0; page < 2000; page += 2)
        check(mprotect(memory + page * PAGE, PAGE, PROT_READ) == 0);
    show(writing(memory + 1000 * PAGE));
    show(writing(memory + 1001 * PAGE));
    for (int page = 1; page < 2000; page += 2)
        check(munmap(memory + page * PAGE, PAGE) == 0);
    show(reading(memory + 1000 * PAGE));
    show(reading(memory + 1001 * PAGE));
    show(munmap(memory, 2000 * PAGE));
}

static const struct check_case cases[] = {
    {"refused", refused},
    {"places", places},
    {"holes", holes},
    {"protection", protection},
    {"to-the-last-page", to_the_last_page},
    {"private-file", private_file},
    {"shared-file", shared_file},
    {"offsets", offsets},
    {"shared-memory", shared_memory},
    {"remapping", remapping},
    {"remapping-refused", remapping_refused},
    {"break-moves", break_moves},
    {"stack-grows", stack_grows},
    {"advice", advice},
    {"limited", limited},
    {"many-areas", many_areas},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
