/* t-kill-blocked DIRECTORY DISK: whoever waits for a disk that does not answer can be killed at once,
 * whatever it waits for. DIRECTORY (/mnt/0) is where the files of the image blocks4k are, on DISK (ata1),
 * which may not share an IDE channel with the disk that this program comes from.
 *
 * The disk falls silent with nothing in the cache. In each case three children make the same call, two
 * of them directly and one asynchronously, so that they wait for the disk and for each other; then they
 * are killed. In the end the disk answers again. */
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include "test.h"

#define CHILDREN 3
#define GONE_BOUND_NS 3000000000ll /* to find hangs; the disk's own limit is 5 s */
#define BLOCKED_AFTER_MS 30

static const char *directory;
static int file, direct, listing, output[2];
static char known[300]; /* a name that is in the cache, of a file that is not */
static volatile char *mapped;
static char *buffer;

/* The call that a case makes, and whether it can be made asynchronously. */
static int number;
static unsigned long args[6];
static bool synchronous_only;

/* A name below the directory; each has its own memory. */
static unsigned long
name(const char *rest)
{
    char *text = malloc(strlen(directory) + strlen(rest) + 2);

    sprintf(text, "%s/%s", directory, rest);
    return WORD(text);
}

static void
be_child(int which, int done)
{
    if (which == 0 && !synchronous_only) {
        struct asys_input one = test_input(number, 1, 6, args);
        struct asys_completion completion;
        if (sys_asys_submit(&one, 1) == 1)
            sys_asys_await_completion(&completion);
    } else if (number < 0) {
        buffer[0] = *mapped;
    } else {
        kernel_call6(number, args[0], args[1], args[2], args[3], args[4], args[5]);
    }
    sys_write(done, "d", 1);
    for (;;)
        sys_pause();
}

/* How many children have not been blocked. */
static long
ended_calls(int done)
{
    char bytes[CHILDREN];

    sys_fcntl64(done, F_SETFL, O_NONBLOCK);
    long count = sys_read(done, bytes, sizeof bytes);
    return count < 0 ? 0 : count;
}

static bool
gone_in_time(long child)
{
    long long end = test_now_ns() + GONE_BOUND_NS;
    int status = 0;

    while (sys_wait4(child, &status, WNOHANG, NULL) != child) {
        if (test_now_ns() > end)
            return false;
        test_nap(1);
    }
    return status == SIGNAL_KILL;
}

static void
kill_callers(int call, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    long children[CHILDREN];
    int done[2];

    number = call;
    memcpy(args, (unsigned long[]){a, b, c, d, 0, 0}, sizeof args);
    test_pipe(done);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = sys_fork();
        if (children[i] == 0)
            be_child(i, done[1]);
    }
    test_nap(BLOCKED_AFTER_MS);
    check_equal(ended_calls(done[0]), 0);
    for (int i = 0; i < CHILDREN; i++)
        check_equal(sys_kill(children[i], SIGNAL_KILL), 0);
    for (int i = 0; i < CHILDREN; i++)
        check(gone_in_time(children[i]));
    test_close_both(done);
}

static void
reading(void)
{
    kill_callers(SYS_pread64, file, WORD(buffer), 4096, 100000);
}

static void
reading_directly(void)
{
    kill_callers(SYS_pread64, direct, WORD(buffer), 4096, 8192);
}

static void
listing_a_directory(void)
{
    kill_callers(SYS_getdents64, listing, WORD(buffer), 4096, 0);
}

static void
opening(void)
{
    kill_callers(SYS_open, name("ends/nobody"), O_RDONLY, 0, 0);
}

static void
opening_a_known_name(void)
{
    kill_callers(SYS_open, name(known), O_RDONLY, 0, 0);
}

static void
asking_for_status(void)
{
    kill_callers(SYS_stat64, name("order/nobody"), WORD(buffer), 0, 0);
}

static void
reading_a_link(void)
{
    kill_callers(SYS_readlink, name("links/length4095"), WORD(buffer), 4096, 0);
}

static void
changing_directory(void)
{
    kill_callers(SYS_chdir, name("deep/deeper"), 0, 0, 0);
}

static void
executing(void)
{
    synchronous_only = true; /* it is one of the calls that are not made otherwise */
    kill_callers(SYS_execve, name("modes/nobody"), 0, 0, 0);
    synchronous_only = false;
}

static void
touching_a_mapped_page(void)
{
    synchronous_only = true;
    kill_callers(-1, 0, 0, 0, 0);
    synchronous_only = false;
}

static void
giving_a_mapped_page(void)
{
    kill_callers(SYS_write, output[1], WORD(mapped + 8192), 4096, 0);
}

static void
sending_a_file(void)
{
    kill_callers(SYS_sendfile, output[1], file, 0, 4096);
}

/* Lists a directory; the file whose inode is the last will be far from all that has been read. */
static bool
find_known_name(void)
{
    DIR *odd = opendir((const char *)name("odd"));
    struct dirent *entry;
    unsigned long long last = 0;

    while (odd && (entry = readdir(odd)) != NULL)
        if (entry->d_ino > last) {
            last = entry->d_ino;
            snprintf(known, sizeof known, "odd/%s", entry->d_name);
        }
    if (odd)
        closedir(odd);
    return last > 0;
}

static bool
prepare(void)
{
    file = sys_open((const char *)name("ends/level1+0"), O_RDONLY, 0);
    direct = sys_open((const char *)name("ends/level1+0"), O_RDONLY | O_DIRECT, 0);
    listing = sys_open((const char *)name("many"), O_RDONLY | O_DIRECTORY, 0);
    test_pipe(output);
    buffer = test_map(2 * PAGE);
    if (file < 0 || direct < 0 || listing < 0)
        return false;
    mapped = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE, file, 1 << 20);
    return mapped != MAP_FAILED && test_write_file("/proc/sys/vm/read_ahead", "0") > 0 &&
           test_write_file("/proc/sys/vm/drop_caches", "3") > 0 && find_known_name();
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"reading", reading},
        {"reading-directly", reading_directly},
        {"listing-a-directory", listing_a_directory},
        {"opening", opening},
        {"opening-a-known-name", opening_a_known_name},
        {"asking-for-status", asking_for_status},
        {"reading-a-link", reading_a_link},
        {"changing-directory", changing_directory},
        {"executing", executing},
        {"touching-a-mapped-page", touching_a_mapped_page},
        {"giving-a-mapped-page", giving_a_mapped_page},
        {"sending-a-file", sending_a_file},
        {NULL, NULL},
    };

    char fault[40];

    directory = argc > 1 ? argv[1] : "/mnt/0";
    snprintf(fault, sizeof fault, "silent-after:0@%s", argc > 2 ? argv[2] : "ata1");
    if (!prepare() || test_write_file("/proc/sys/dev/ata_fault", fault) < 0)
        return 2;
    int status = check_run(cases, 1, argv);
    /* It answers again: what was under way ends, and the same can be read. */
    if (test_write_file("/proc/sys/dev/ata_fault", "none") < 0 ||
        sys_pread64(file, buffer, 4096, 100000, 0) != 4096)
        status = 1;
    return status;
}
