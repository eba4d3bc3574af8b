/* t-elf-mutations [SEED [MUTATIONS]]: programs whose headers are wrong are executed. First each field of the
 * ELF header and of every program header in turn takes each of a row of values, then bytes anywhere are
 * changed by chance; files that end too early; "#!" lines of all lengths. Each has to be refused with an
 * error, the caller unharmed, or to run and end, by itself, by a signal or by the alarm clock that it is
 * sent with, and nothing may be left. What runs has no rights. */
#include <sys/time.h>
#include "attack.h"

#define PLACE "/tmp/elf-mutations"
#define VICTIM PLACE "/program"
#define LIFE_US 20000

struct elf_header { /* ELF specification 1.2, figure 1-3 */
    unsigned char identification[16];
    unsigned short type, machine;
    unsigned version, entry, programs, sections, flags;
    unsigned short size, program_size, program_count, section_size, section_count, names;
};
struct program_header { /* figure 2-1 */
    unsigned type, offset, address, physical, file_size, memory_size, flags, align;
};

static char *original, *copy;
static unsigned size;
static unsigned long refused, ran, killed, by_error[200];

static void
write_victim(const char *bytes, unsigned length)
{
    int fd = sys_open(VICTIM, O_WRONLY | O_CREAT | O_TRUNC, 0755);

    check(fd >= 0);
    check_equal(sys_write(fd, bytes, length), length);
    check_equal(sys_close(fd), 0);
}

/* The child's exit status says what execve said: 100 and its error number in the shared word. */
static volatile int *error;

/* Executes what lies there. Only errors of execve's own are answers; whoever ran has ended. */
static void
execute_victim(void)
{
    char *const arguments[] = {"program", NULL}, *const environment[] = {NULL};
    *error = 0;
    int pid = fork();

    if (pid == 0) {
        struct itimerval life = {{0, 0}, {0, LIFE_US}};
        attack_give_up_rights();
        attack_limit(RLIMIT_AS, 64 << 20);
        attack_limit(RLIMIT_NPROC, 8);
        setitimer(ITIMER_REAL, &life, NULL);
        *error = sys_execve(VICTIM, (void *)arguments, (void *)environment);
        sys_exit_group(100);
    }
    check(pid > 0);
    int status = test_wait(pid);
    if (*error == 0) {
        ran += (status & 0x7f) == 0;
        killed += (status & 0x7f) != 0;
    } else {
        check_equal(status, 100 << 8);
        check(*error < 0 && *error > -200);
        refused++;
        by_error[-*error % 200]++;
    }
    if (attack_goes_on()) /* it may have made children */
        attack_end_all();
}

static void
try_copy(void)
{
    write_victim(copy, size);
    execute_victim();
}

static const unsigned values[] = {
    0, 1, 2, 3, 4, 6, 7, 8, 31, 32, 33, 52, 0xff, 0xfff, 0x1000, 0x1001, 0x7fff, 0xffff, 0x10000,
    0x08048000, 0x08047fff, 0x5ffff000, 0x7fffffff, 0x7f700000, 0x7ffff000, 0x80000000, 0x80100000,
    0xbffff000, 0xc0000000, 0xf8000000, 0xfffff000, 0xffffff00, 0xffffffe0, 0xffffffff,
};

/* A field of `width` bytes takes each value; then those just beside what it had. */
static void
try_field(unsigned at, unsigned width)
{
    static const unsigned beside[] = {1, -1u, PAGE, -PAGE};
    unsigned old = 0;

    memcpy(&old, original + at, width);
    for (unsigned i = 0; i < LENGTH(values) + LENGTH(beside); i++) {
        unsigned value = i < LENGTH(values) ? values[i] : old + beside[i - LENGTH(values)];
        memcpy(copy, original, size);
        memcpy(copy + at, &value, width);
        try_copy();
    }
}

static void
try_fields(void)
{
    static const unsigned char widths[] = {1, 1, 1, 1, 1, 1, 1, 9, 2, 2, 4, 4, 4, 4, 4, 2, 2, 2, 2, 2, 2};
    const struct elf_header *header = (const struct elf_header *)original;
    unsigned at = 0;

    for (unsigned i = 0; i < LENGTH(widths); at += widths[i++])
        try_field(at, widths[i] == 9 ? 4 : widths[i]);
    check_equal(at, sizeof *header);
    for (unsigned i = 0; i < header->program_count; i++)
        for (unsigned field = 0; field < sizeof(struct program_header); field += 4)
            try_field(header->programs + i * sizeof(struct program_header) + field, 4);
}

/* Files that end anywhere: in the headers at every byte, behind them at some. */
static void
try_lengths(void)
{
    for (unsigned length = 0; length < size; length += length < 200 ? 3 : size / 41) {
        write_victim(original, length);
        execute_victim();
    }
}

static void
try_scripts(void)
{
    static const char *const lines[] = {
        "#!", "#!\n", "#! \n", "#!/\n", "#!/bin\n", "#!/bin/true", "#!/bin/true\n", "#!/bin/true x y\n",
        "#!" VICTIM "\n", "#!/nowhere\n", "#!\0/bin/true\n", "#!/bin/true\0\n", "#!program\n", "#", "",
        "#!\t /bin/true \t\n",
    };
    static char line[PAGE * 2];

    for (unsigned i = 0; i < LENGTH(lines); i++) {
        write_victim(lines[i], strlen(lines[i]));
        execute_victim();
    }
    for (unsigned length = 100; length < sizeof line; length += length < 270 ? 1 : 997) {
        memset(line, 'x', sizeof line);
        memcpy(line, "#!/bin/true ", 12);
        write_victim(line, length);
        execute_victim();
    }
}

/* Mostly in the headers; one to four bytes, or a word with a value of ours. */
static void
try_by_chance(unsigned seed, unsigned mutations)
{
    unsigned state = seed * 2654435761u | 1;

    for (unsigned i = 0; i < mutations; i++) {
        unsigned changes = 1 + attack_random(&state) % 4;
        memcpy(copy, original, size);
        while (changes-- > 0) {
            unsigned at = attack_random(&state) % (attack_random(&state) % 4 ? 256 : size - 4);
            if (attack_random(&state) % 2)
                copy[at] = attack_random(&state);
            else
                memcpy(copy + at, &values[attack_random(&state) % LENGTH(values)], 4);
        }
        try_copy();
    }
}

int
main(int argc, char **argv)
{
    unsigned seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
    unsigned mutations = argc > 2 ? strtoul(argv[2], NULL, 0) : 500;
    struct stat status;
    int fd = open("/bin/false", O_RDONLY);

    printf("# seed %u\n", seed);
    fflush(stdout);
    check(fd >= 0 && fstat(fd, &status) == 0);
    size = status.st_size < 24000 ? status.st_size : 24000; /* symbols and the like are left out */
    original = test_map(size);
    copy = test_map(size);
    check_equal(read(fd, original, size), size);
    close(fd);
    error = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mkdir(PLACE, 0755);
    write_victim(original, size);
    execute_victim();
    check_equal(*error, 0); /* what all are mutations of does run */
    try_fields();
    try_lengths();
    try_scripts();
    try_by_chance(seed, mutations);
    attack_clear("/tmp");
    printf("# %lu refused, %lu ended by themselves, %lu by a signal\n", refused, ran, killed);
    for (unsigned i = 0; i < LENGTH(by_error); i++)
        if (by_error[i])
            printf("# refused with %u: %lu\n", i, by_error[i]);
    printf(check_failures ? "not ok elf-mutations: %s\n" : "ok elf-mutations\n", check_first);
    return check_failures > 0;
}
