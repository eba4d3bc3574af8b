/* t-map-disk DIRECTORY: page faults that read a slow disk sleep, each by itself: threads that touch pages of
 * different files wait for them together, and a thread that touches none goes on meanwhile. DIRECTORY has at
 * least 32 files of 64 KiB or more. Prints what it took, in microseconds, and how far the other one came. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "portable.h"

#define FILES 32
#define HALF (FILES / 2)
#define SIZE 65536
#define PLACE 40000 /* of the byte that is touched: not what opening the file has read */

static volatile const char *maps[FILES];
static volatile int stop;
static volatile long turns;

static int
map_files(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    struct stat status;
    int found = 0;

    while (directory && found < FILES && (entry = readdir(directory))) {
        char name[400];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        int fd = open(name, O_RDONLY);
        if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= SIZE)
            maps[found++] = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
    }
    if (directory)
        closedir(directory);
    return found;
}

static void *
touch(void *map)
{
    (void)((volatile const char *)map)[PLACE];
    return NULL;
}

static void *
go_on(void *unused UNUSED)
{
    while (!stop) {
        turns++;
        nap_ms(1);
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    pthread_t threads[HALF], other;
    long long begin, alone, together;

    if (argc != 2 || map_files(argv[1]) < FILES) {
        puts("too few files");
        return 2;
    }
    pthread_create(&other, NULL, go_on, NULL);
    begin = now_ns();
    for (int i = 0; i < HALF; i++)
        touch((void *)maps[i]);
    alone = now_ns() - begin;
    long turns_alone = turns;
    begin = now_ns();
    for (int i = 0; i < HALF; i++)
        pthread_create(&threads[i], NULL, touch, (void *)maps[HALF + i]);
    for (int i = 0; i < HALF; i++)
        pthread_join(threads[i], NULL);
    together = now_ns() - begin;
    stop = 1;
    pthread_join(other, NULL);
    printf("alone=%lld together=%lld turns=%ld\n", alone / 1000, together / 1000, turns_alone);
    return 0;
}
