/* stat [-L] PATH…: everything the file system says of a file; -L: of what a link leads to. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "lib/mode.h"
#include "lib/program.h"

static void
print_time(const char *what, const struct timespec *time)
{
    char date[32];

    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", gmtime(&time->tv_sec));
    printf("%s: %s.%09ld\n", what, date, time->tv_nsec);
}

static void
print_status(const char *path, const struct stat *status)
{
    char mode[11];

    mode_text(status->st_mode, mode);
    printf("  File: %s\n", path);
    printf("  Size: %-12lld Blocks: %-8lld IO Block: %ld %s\n", (long long)status->st_size,
           (long long)status->st_blocks, (long)status->st_blksize, mode_type_name(status->st_mode));
    printf("Device: %llu,%llu  Inode: %llu  Links: %u\n", (unsigned long long)status->st_dev >> 8,
           (unsigned long long)status->st_dev & 255, (unsigned long long)status->st_ino,
           (unsigned)status->st_nlink);
    printf("Access: (%04o/%s)  Uid: %u  Gid: %u\n", (unsigned)status->st_mode & 07777, mode,
           (unsigned)status->st_uid, (unsigned)status->st_gid);
    print_time("Access", &status->st_atim);
    print_time("Modify", &status->st_mtim);
    print_time("Change", &status->st_ctim);
}

int
main(int argc, char **argv)
{
    int first = argc > 1 && strcmp(argv[1], "-L") == 0 ? 2 : 1, result = 0;
    struct stat status;

    if (first == argc) {
        fputs("usage: stat [-L] PATH...\n", stderr);
        return 2;
    }
    for (int i = first; i < argc; i++) {
        if ((first == 2 ? stat(argv[i], &status) : lstat(argv[i], &status)) < 0)
            result |= program_complain("stat", argv[i]);
        else
            print_status(argv[i], &status);
    }
    return result;
}
