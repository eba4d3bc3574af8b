/* Reading ahead on a disk (the images blocks4k at /mnt/0 and indexed at /mnt/1): the same work with it
 * on and off, compared by what the kernel counts. */
#include "test.h"
#include "walk/walk.h"

#define SWITCH "/proc/sys/vm/read_ahead"
#define LONG_FILE "/mnt/0/ends/level1+4096" /* 1,037 pages, across the first indirect block */
#define LONG_PAGES 1037
#define DIRECTORY "/mnt/0/many"
#define BIG_DIRECTORY "/mnt/1/two-levels"

/* What happened since `begin`. */
struct seen {
    unsigned long long requests;
    long wishes, ahead, used, wasted, unused;
};

static struct seen before;

static unsigned long long
requests(void)
{
    return test_disk_requests("ata1") + test_disk_requests("ata2");
}

static struct seen
read_ahead_counts(void)
{
    struct seen seen = {0};
    FILE *file = fopen("/proc/read_ahead", "r");

    check(file && fscanf(file, "wishes %ld dropped %*u waiting %*u pages %ld used %ld wasted %ld unused %ld",
                         &seen.wishes, &seen.ahead, &seen.used, &seen.wasted, &seen.unused) == 5);
    if (file)
        fclose(file);
    return seen;
}

/* Waits until nothing is being read any more. */
static void
settle(void)
{
    for (unsigned long long last = ~0ull, now; (now = requests()) != last; last = now)
        test_nap(20);
}

static void
begin_warm(void)
{
    settle();
    before = read_ahead_counts();
    before.requests = requests();
}

static void
begin(bool on)
{
    check_equal(test_write_file(SWITCH, on ? "1" : "0"), 1);
    check_equal(test_write_file("/proc/sys/vm/drop_caches", "3"), 1);
    begin_warm();
}

static struct seen
end(void)
{
    settle();
    struct seen now = read_ahead_counts();
    return (struct seen){requests() - before.requests, now.wishes - before.wishes,
                         now.ahead - before.ahead, now.used - before.used,
                         now.wasted - before.wasted, now.unused};
}

/* ---- Files ---- */

static struct seen
read_in_sequence(bool on)
{
    static char buffer[PAGE];
    int fd = open(LONG_FILE, O_RDONLY);
    long pages = 0;

    check(fd >= 0);
    begin(on);
    while (sys_read(fd, buffer, PAGE) > 0)
        pages++;
    check_equal(pages, LONG_PAGES);
    close(fd);
    return end();
}

static void
file_in_sequence(void)
{
    struct seen off = read_in_sequence(false), on = read_in_sequence(true);

    printf("# off: requests=%llu on: requests=%llu ahead=%ld used=%ld wasted=%ld\n", off.requests,
           on.requests, on.ahead, on.used, on.wasted);
    check(off.requests >= LONG_PAGES); /* one for each page, for they are asked for one by one */
    check_equal(off.ahead, 0);
    check_equal(off.wishes, 0);
    check(on.requests * 8 < off.requests);
    check(on.ahead >= LONG_PAGES * 9 / 10);
    check_equal(on.used, on.ahead);
    check_equal(on.wasted, 0);
}

static void
file_jumped_about_in(void)
{
    static char buffer[PAGE];
    int fd = open(LONG_FILE, O_RDONLY);

    begin(true);
    for (unsigned i = 1; i <= 100; i++)
        check_equal(sys_pread64(fd, buffer, PAGE, i * 37 % LONG_PAGES * PAGE, 0), PAGE);
    close(fd);
    struct seen seen = end();
    check_equal(seen.ahead, 0);
    check_equal(seen.wishes, 0);
}

/* Whoever goes away after the beginning has wasted no more than what was begun. */
static void
file_begun_only(void)
{
    static char buffer[PAGE];
    int fd = open(LONG_FILE, O_RDONLY);

    begin(true);
    check_equal(sys_read(fd, buffer, PAGE), PAGE);
    close(fd);
    struct seen seen = end();
    check_equal(seen.ahead, 15);
    check_equal(test_write_file("/proc/sys/vm/drop_caches", "3"), 1);
    seen = end();
    check(seen.wasted >= 15 && seen.wasted < 30); /* (and the root file system's, of the test itself) */
}

/* ---- Directories ---- */

static char names[65536];

static long
list_directory(const char *path, size_t size)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    long got, all = 0;

    check(fd >= 0);
    while ((got = sys_getdents64(fd, names, size)) > 0)
        all += got;
    check_equal(got, 0);
    close(fd);
    return all;
}

/* Asks for the status of every entry of the directory that was listed into `names`. */
static unsigned
status_of_all(const char *path, long size)
{
    struct kernel_stat status;
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    unsigned count = 0;

    for (long at = 0; at < size; count++) {
        const struct kernel_dirent *entry = (const void *)(names + at);
        check_equal(sys_fstatat64(fd, entry->name, &status, AT_SYMLINK_NOFOLLOW), 0);
        at += entry->length;
    }
    close(fd);
    return count;
}

/* The requests that the status of all entries needs, after the directory has been listed. */
static unsigned long long
requests_after_listing(bool on, struct seen *listing)
{
    begin(on);
    long size = list_directory(DIRECTORY, sizeof names);
    *listing = end();
    begin_warm();
    check(status_of_all(DIRECTORY, size) > 500);
    return end().requests;
}

static void
inodes_of_a_listed_directory(void)
{
    struct seen listing;
    unsigned long long off = requests_after_listing(false, &listing);

    check_equal(listing.ahead, 0);
    unsigned long long on = requests_after_listing(true, &listing);
    printf("# off: %llu requests for the inodes, on: %llu\n", off, on);
    check(off >= 10);
    check_equal(on, 0);
    check(listing.ahead > 0);
}

/* Opens and lists each directory in /mnt/0. */
static unsigned
list_subdirectories(long size)
{
    unsigned count = 0;

    for (long at = 0; at < size;) {
        static char path[300], inside[PAGE];
        const struct kernel_dirent *entry = (const void *)(names + at);
        at += entry->length;
        if (entry->type != 4 || entry->name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/mnt/0/%s", entry->name);
        int fd = open(path, O_RDONLY | O_DIRECTORY);
        check(sys_getdents64(fd, inside, sizeof inside) > 0);
        close(fd);
        count++;
    }
    return count;
}

static unsigned long long
requests_for_subdirectories(bool on)
{
    begin(on);
    long size = list_directory("/mnt/0", sizeof names);
    end();
    begin_warm();
    check(list_subdirectories(size) >= 8);
    return end().requests;
}

static void
subdirectories_of_a_listed_directory(void)
{
    unsigned long long off = requests_for_subdirectories(false), on = requests_for_subdirectories(true);

    printf("# off: %llu requests for the subdirectories, on: %llu\n", off, on);
    check(off >= 16);
    check(on <= 2);
}

static struct seen
list_big(bool on)
{
    begin(on);
    check(list_directory(BIG_DIRECTORY, PAGE) > 100000);
    return end();
}

/* Its blocks are wished for when it is begun. */
static void
blocks_of_a_big_directory(void)
{
    struct seen off = list_big(false), on = list_big(true);

    printf("# off: requests=%llu on: requests=%llu ahead=%ld used=%ld\n", off.requests, on.requests,
           on.ahead, on.used);
    check_equal(off.ahead, 0);
    check(on.ahead > 20);
    check(on.wishes > 0);
    check(on.ahead < 2000); /* though in little memory what is read ahead leaves unwanted */
}

/* ---- Walks ---- */

static struct seen
walk_tree(bool on, bool asynchronous)
{
    struct walk walk = {.path = "/mnt/0", .way = asynchronous ? WALK_ASYS : WALK_SYNC, .depth = 64};

    begin(on);
    check_equal(walk_run(&walk), 0);
    check_equal(walk.errors, 0);
    return end();
}

/* Both ways of walking are served alike: what they read is the same, but for chance. */
static void
walks_share_the_settings(void)
{
    struct seen sync_off = walk_tree(false, false), asys_off = walk_tree(false, true);
    struct seen sync_on = walk_tree(true, false), asys_on = walk_tree(true, true);

    printf("# off: sync %llu, asys %llu requests; on: sync %llu requests, %ld pages ahead, asys %llu, "
           "%ld\n", sync_off.requests, asys_off.requests, sync_on.requests, sync_on.ahead,
           asys_on.requests, asys_on.ahead);
    check_equal(sync_off.ahead, 0);
    check_equal(asys_off.ahead, 0);
    check(sync_on.ahead > 50 && asys_on.ahead > 50);
    check(labs(sync_on.ahead - asys_on.ahead) * 4 < sync_on.ahead + 80);
    check(llabs((long long)(sync_on.requests - asys_on.requests)) * 5 < (long long)sync_on.requests);
    check(sync_on.requests < sync_off.requests && asys_on.requests < asys_off.requests);
}

/* ---- The switch and the bound ---- */

static void
switch_takes_two_words(void)
{
    char text[8] = "";
    static const char *const wrong[] = {"2", "x", "01", "", "1 0", "on"};

    for (unsigned i = 0; i < LENGTH(wrong); i++)
        check(*wrong[i] ? test_write_file(SWITCH, wrong[i]) == -EINVAL : true);
    for (const char *word = "01"; *word; word++) {
        char line[3] = {*word, '\n', 0};
        check_equal(test_write_file(SWITCH, line), 2);
        int fd = open(SWITCH, O_RDONLY);
        check_equal(read(fd, text, sizeof text), 2);
        check_equal(text[0], *word);
        close(fd);
    }
}

/* Switched off while it is at work: what has been begun comes to its end, nothing new is begun. */
static void
switched_off_at_work(void)
{
    static char buffer[PAGE];

    for (unsigned i = 0; i < 10; i++) {
        int fd = open(LONG_FILE, O_RDONLY);
        begin(true);
        for (unsigned page = 0; page < 20 * i; page++)
            check_equal(sys_read(fd, buffer, PAGE), PAGE);
        check_equal(test_write_file(SWITCH, "0"), 1);
        long wishes = read_ahead_counts().wishes;
        while (sys_read(fd, buffer, PAGE) > 0)
            ;
        check_equal(read_ahead_counts().wishes, wishes);
        close(fd);
    }
    check_equal(test_write_file(SWITCH, "1"), 1);
}

/* Several files at once: never more pages that nobody has wanted than an eighth of memory. */
static void
bounded_by_memory(void)
{
    static const char *const paths[] = {"/mnt/0/ends/level1+4097", "/mnt/0/ends/level1+1",
                                        "/mnt/0/ends/level1+0", "/mnt/0/ends/level1-1"};
    static char buffer[PAGE];
    long most = 0, all = test_read_number("/proc/meminfo", "MemTotal:") / 4, open_files = LENGTH(paths);
    int fds[LENGTH(paths)];

    begin(true);
    for (unsigned i = 0; i < LENGTH(paths); i++)
        fds[i] = open(paths[i], O_RDONLY);
    for (unsigned round = 0; open_files > 0; round++) {
        for (unsigned i = 0; i < LENGTH(paths); i++)
            if (fds[i] >= 0 && sys_read(fds[i], buffer, PAGE) <= 0) {
                close(fds[i]);
                fds[i] = -1;
                open_files--;
            }
        if (round % 16 == 0) {
            long unused = read_ahead_counts().unused;
            most = unused > most ? unused : most;
        }
    }
    struct seen seen = end();
    printf("# at most %ld of %ld pages not yet wanted; %ld read ahead, %ld used, %ld wasted\n", most,
           all, seen.ahead, seen.used, seen.wasted);
    check(most > 0 && most <= all / 8 + 64);
    check(seen.ahead > 3500 && seen.used * 10 >= seen.ahead * 9);
}

int
main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"file_in_sequence", file_in_sequence},
        {"file_jumped_about_in", file_jumped_about_in},
        {"file_begun_only", file_begun_only},
        {"inodes_of_a_listed_directory", inodes_of_a_listed_directory},
        {"subdirectories_of_a_listed_directory", subdirectories_of_a_listed_directory},
        {"blocks_of_a_big_directory", blocks_of_a_big_directory},
        {"walks_share_the_settings", walks_share_the_settings},
        {"switch_takes_two_words", switch_takes_two_words},
        {"switched_off_at_work", switched_off_at_work},
        {"bounded_by_memory", bounded_by_memory},
        {NULL, NULL},
    };

    return check_run(cases, argc, argv);
}
