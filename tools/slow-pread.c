/* Makes reads of some files slow: tools/run --delay-by pread loads this library into QEMU (LD_PRELOAD),
 * whose threads then sleep before each read of a slow disk's image, up to 64 of them at once. (Its NBD
 * client has no more than 16 reads under way.) SLOW_PREAD is MICROSECONDS:FILE[:FILE ...]; a colon
 * in a file's name is not possible. If SLOW_PREAD_REPORT names a file, it says at the end how many
 * reads there were, and how many at once at most. tools/guest/qemu.py builds the library when it is
 * asked for. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#define FILES_MOST 16

static struct {
    dev_t device;
    ino_t inode;
} files[FILES_MOST];
static unsigned file_count;
static struct timespec pause_time;
static atomic_int reads, asleep, most_asleep;

__attribute__((constructor)) static void
read_words(void)
{
    const char *words = getenv("SLOW_PREAD");
    char *rest, *copy = words ? strdup(words) : NULL;
    char *word = copy ? strtok_r(copy, ":", &rest) : NULL;
    struct stat status;
    if (!word)
        return;
    long microseconds = strtol(word, NULL, 10);
    pause_time = (struct timespec){microseconds / 1000000, microseconds % 1000000 * 1000};
    while ((word = strtok_r(NULL, ":", &rest)) && file_count < FILES_MOST)
        if (stat(word, &status) == 0) {
            files[file_count].device = status.st_dev;
            files[file_count++].inode = status.st_ino;
        }
    free(copy);
}

static void
pause_if_slow(int fd)
{
    struct stat status;
    if (!file_count || fstat(fd, &status))
        return;
    for (unsigned i = 0; i < file_count; i++)
        if (files[i].device == status.st_dev && files[i].inode == status.st_ino) {
            int now = atomic_fetch_add(&asleep, 1) + 1, most = atomic_load(&most_asleep);
            while (now > most && !atomic_compare_exchange_weak(&most_asleep, &most, now))
                ;
            atomic_fetch_add(&reads, 1);
            nanosleep(&pause_time, NULL);
            atomic_fetch_sub(&asleep, 1);
        }
}

__attribute__((destructor)) static void
report(void)
{
    const char *name = getenv("SLOW_PREAD_REPORT");
    FILE *file = name && reads ? fopen(name, "w") : NULL;
    if (!file)
        return;
    fprintf(file, "reads=%d most_at_once=%d\n", reads, most_asleep);
    fclose(file);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t
pread64(int fd, void *to, size_t size, off64_t offset)
{
    pause_if_slow(fd);
    return REAL(pread64)(fd, to, size, offset);
}

ssize_t
pread(int fd, void *to, size_t size, off_t offset)
{
    pause_if_slow(fd);
    return REAL(pread)(fd, to, size, offset);
}

ssize_t
preadv64(int fd, const struct iovec *to, int count, off64_t offset)
{
    pause_if_slow(fd);
    return REAL(preadv64)(fd, to, count, offset);
}

ssize_t
preadv(int fd, const struct iovec *to, int count, off_t offset)
{
    pause_if_slow(fd);
    return REAL(preadv)(fd, to, count, offset);
}
