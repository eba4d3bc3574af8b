/* asys-sum PATH: reads every file below PATH, many at once, and adds their bytes up, as a program
 * that copies trees would read them. Each piece of a file is a chain: open, read at its offset,
 * close; so a *slot* needs no state beyond a path and an offset, and no descriptor stays open. */
#include <dirent.h>
#include <fcntl.h>
#include <fibril/asys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define SLOTS 32
#define PIECE 32768

struct slot {
    char path[1024];
    unsigned long long offset;
    unsigned char buffer[PIECE];
};

static struct asys queue;
static struct slot *free_slots[SLOTS];
static int free_count;
static unsigned long files, failed;
static unsigned long long bytes, sum;

static void
read_piece(struct slot *slot)
{
    asys_flag(asys_add(&queue, SYS_open, slot->path, O_RDONLY), ASYS_LINK | ASYS_QUIET);
    asys_tag(asys_flag(asys_add(&queue, SYS_pread64, asys_result(1), slot->buffer, PIECE,
                                ASYS_64(slot->offset)), ASYS_LINK), slot);
    asys_flag(asys_add(&queue, SYS_close, asys_result(2)), ASYS_ALWAYS | ASYS_QUIET);
}

/* Takes one completion. Those without a slot are of an open or close that failed: then the read of
 * the same chain has failed too. */
static void
take_one(void)
{
    struct asys_event event;
    struct slot *slot;

    if (asys_wait(&queue, &event, ASYS_FOREVER) != 1 || !(slot = asys_pointer(&event)))
        return;
    for (int i = 0; i < event.result; i++)
        sum += slot->buffer[i];
    if (event.result > 0) {
        bytes += event.result;
        slot->offset += event.result;
        read_piece(slot);
        return;
    }
    files += event.result == 0;
    failed += event.result < 0;
    free_slots[free_count++] = slot;
}

static void
walk(const char *path)
{
    char below[1024];
    struct dirent *entry;
    DIR *directory = opendir(path);

    while (directory && (entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            walk(below);
        if (entry->d_type != DT_REG)
            continue;
        while (free_count == 0)
            take_one();
        struct slot *slot = free_slots[--free_count];
        strcpy(slot->path, below);
        slot->offset = 0;
        read_piece(slot);
    }
    failed += !directory;
    if (directory)
        closedir(directory);
}

int
main(int argc, char **argv)
{
    struct slot *slots = calloc(SLOTS, sizeof *slots);

    if (!slots || asys_open(&queue, 4 * SLOTS) < 0)
        return 2;
    while (free_count < SLOTS)
        free_slots[free_count] = &slots[free_count], free_count++;
    walk(argc > 1 ? argv[1] : ".");
    while (free_count < SLOTS)
        take_one();
    printf("files=%lu bytes=%llu sum=%llu failed=%lu\n", files, bytes, sum, failed);
    asys_close(&queue);
    return failed > 0;
}
