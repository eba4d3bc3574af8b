/* The trace's lines are "CYCLES EVENT task=T fibril=F DETAILS" (kernel/trace.c). From them this file
 * follows the state of each fibril: what was traced before the stretch shown only sets the states with
 * which it begins. */
#include "lib/timeline.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORDS_MOST 16384
#define FIBRILS_MOST 512 /* that are followed at a time */
#define COLUMNS_MOST 120
#define NAME_SIZE 16

enum state { GONE = ' ', BLOCKED = '.', READY = '-', RUNNING = '#' };

struct record {
    unsigned long long cycles;
    unsigned task, fibril;
    char event[12];
    char detail[NAME_SIZE]; /* the call's name, the switch's reason */
    unsigned other;         /* the fibril left or woken */
};

struct lane {
    unsigned fibril; /* 0: free */
    enum state state;
    unsigned long long since;
    char call[NAME_SIZE];
    char *row; /* in the picture, or NULL */
};

struct picture {
    struct record *records;
    unsigned count;
    unsigned task;
    struct lane lanes[FIBRILS_MOST];
    bool showing; /* the stretch has begun */
    unsigned long long begin, end;
    unsigned columns, rows, rows_used;
    char cells[64][COLUMNS_MOST + 1];
    const struct lane *row_lane[64];
    char row_call[64][NAME_SIZE];
    char disk[COLUMNS_MOST + 1];
};

/* ---- The trace ---- */

static struct {
    struct timespec time;
    unsigned long long cycles;
} started, stopped;

static unsigned long long
read_cycles(void)
{
    unsigned low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (unsigned long long)high << 32 | low;
}

static bool
control(const char *words)
{
    int fd = open("/proc/trace", O_WRONLY);
    bool done = fd >= 0 && write(fd, words, strlen(words)) > 0;

    if (fd >= 0)
        close(fd);
    return done;
}

bool
timeline_start(void)
{
    clock_gettime(CLOCK_MONOTONIC, &started.time);
    started.cycles = read_cycles();
    return control("off,clear,switch,block,wake,call_in,disk_start,disk_done");
}

void
timeline_stop(void)
{
    control("off");
    clock_gettime(CLOCK_MONOTONIC, &stopped.time);
    stopped.cycles = read_cycles();
}

static double
microseconds(unsigned long long cycles)
{
    double elapsed = (stopped.time.tv_sec - started.time.tv_sec) * 1e6 +
                     (stopped.time.tv_nsec - started.time.tv_nsec) / 1e3;

    return cycles * elapsed / (stopped.cycles - started.cycles);
}

/* The number behind `word` in the line, or 0. */
static unsigned
number_after(const char *line, const char *word)
{
    const char *found = strstr(line, word);

    return found ? strtoul(found + strlen(word), NULL, 10) : 0;
}

/* What stands behind `word` up to the next space. */
static void
text_after(const char *line, const char *word, char text[NAME_SIZE])
{
    const char *found = strstr(line, word);
    size_t length = 0;

    if (found) {
        found += strlen(word);
        length = strcspn(found, " \n");
        if (length > NAME_SIZE - 1)
            length = NAME_SIZE - 1;
        memcpy(text, found, length);
    }
    text[length] = 0;
}

static void
parse(const char *line, struct record *record)
{
    char *rest;
    size_t length;

    record->cycles = strtoull(line, &rest, 10);
    rest += *rest == ' ';
    length = strcspn(rest, " \n");
    if (length > sizeof record->event - 1)
        length = sizeof record->event - 1;
    memcpy(record->event, rest, length);
    record->event[length] = 0;
    record->task = number_after(line, " task=");
    record->fibril = number_after(line, " fibril=");
    if (strcmp(record->event, "switch") == 0) {
        record->other = number_after(line, " from=");
        text_after(line, " reason=", record->detail);
    } else {
        record->other = number_after(line, " which=");
        text_after(line, " call=", record->detail);
    }
}

static bool
read_trace(struct picture *picture)
{
    FILE *file = fopen("/proc/trace", "r");
    char line[256];

    if (!file)
        return false;
    picture->records = malloc(RECORDS_MOST * sizeof *picture->records);
    while (picture->records && picture->count < RECORDS_MOST && fgets(line, sizeof line, file))
        parse(line, &picture->records[picture->count++]);
    fclose(file);
    return picture->records != NULL;
}

/* ---- Following the fibrils ---- */

static void
paint(char *row, const struct picture *picture, enum state state, unsigned long long from,
      unsigned long long to)
{
    static const char order[] = {GONE, BLOCKED, READY, RUNNING, 0}; /* the later wins in a cell */
    unsigned long long span = picture->end - picture->begin;
    unsigned first, last;

    if (from < picture->begin)
        from = picture->begin;
    if (to > picture->end)
        to = picture->end;
    if (from > to)
        return;
    first = (from - picture->begin) * picture->columns / span;
    last = (to - picture->begin) * picture->columns / span;
    for (; first <= last && first < picture->columns; first++)
        if (strchr(order, state) > strchr(order, row[first]))
            row[first] = state;
}

static struct lane *
find_lane(struct picture *picture, unsigned fibril)
{
    struct lane *spare = NULL;

    for (struct lane *lane = picture->lanes; lane < picture->lanes + FIBRILS_MOST; lane++) {
        if (lane->fibril == fibril)
            return lane;
        if (!spare && lane->fibril == 0)
            spare = lane;
    }
    if (spare)
        *spare = (struct lane){.fibril = fibril, .state = GONE};
    return spare;
}

/* Gives the fibril a row of the picture: at the beginning of the stretch, or when it first appears. */
static void
give_row(struct picture *picture, struct lane *lane)
{
    if (lane->row || !picture->showing || picture->rows_used == picture->rows)
        return;
    lane->row = picture->cells[picture->rows_used];
    picture->row_lane[picture->rows_used++] = lane;
}

static void
change(struct picture *picture, struct lane *lane, enum state state, unsigned long long now)
{
    if (lane->row && lane->state != GONE)
        paint(lane->row, picture, lane->state, lane->since, now);
    lane->state = state;
    lane->since = now;
    if (state != GONE)
        give_row(picture, lane);
    else
        lane->fibril = 0;
}

/* The switch to record->fibril, from another of this or another task. */
static void
follow_switch(struct picture *picture, const struct record *record, bool ours)
{
    struct lane *left = NULL, *entered;

    for (struct lane *lane = picture->lanes; lane < picture->lanes + FIBRILS_MOST; lane++)
        if (lane->fibril != 0 && lane->fibril == record->other)
            left = lane;
    if (left && strcmp(record->detail, "exit") == 0)
        change(picture, left, GONE, record->cycles);
    else if (left && strcmp(record->detail, "block") != 0)
        change(picture, left, READY, record->cycles);
    if (ours && (entered = find_lane(picture, record->fibril)))
        change(picture, entered, RUNNING, record->cycles);
}

static void
follow(struct picture *picture, const struct record *record)
{
    bool ours = record->task == picture->task;
    struct lane *lane;

    if (strcmp(record->event, "switch") == 0) {
        follow_switch(picture, record, ours);
    } else if (strcmp(record->event, "block") == 0) {
        if (ours && (lane = find_lane(picture, record->fibril)))
            change(picture, lane, BLOCKED, record->cycles);
    } else if (strcmp(record->event, "wake") == 0) {
        for (lane = picture->lanes; lane < picture->lanes + FIBRILS_MOST; lane++)
            if (lane->fibril == record->other && lane->state == BLOCKED)
                change(picture, lane, READY, record->cycles);
    } else if (strcmp(record->event, "call_in") == 0) {
        if (ours && (lane = find_lane(picture, record->fibril)))
            strcpy(lane->call, record->detail);
    }
}

/* The disk's row: = while at least one command is at the device. */
static void
follow_disk(struct picture *picture, const struct record *record)
{
    static unsigned at_device;
    static unsigned long long since;

    if (strcmp(record->event, "disk_start") == 0) {
        if (at_device++ == 0)
            since = record->cycles;
    } else if (strcmp(record->event, "disk_done") == 0 && at_device > 0) {
        if (--at_device == 0 && picture->showing)
            paint(picture->disk, picture, RUNNING, since, record->cycles);
    }
}

/* ---- The stretch ---- */

/* Where the picture begins and ends: from the middle of the trace on, as long as the fibrils that were
 * there at the beginning and those that join have rows. */
static unsigned
choose_stretch(struct picture *picture)
{
    unsigned first = picture->count / 2, last, seen_count = 0;
    unsigned seen[64];

    for (last = first; last < picture->count; last++) {
        const struct record *record = &picture->records[last];
        unsigned i = 0;
        if (record->task != picture->task || strcmp(record->event, "switch") != 0)
            continue;
        while (i < seen_count && seen[i] != record->fibril)
            i++;
        if (i < seen_count)
            continue;
        if (seen_count == picture->rows)
            break;
        seen[seen_count++] = record->fibril;
    }
    picture->begin = picture->records[first].cycles;
    picture->end = picture->records[last - 1].cycles;
    return first;
}

static void
begin_rows(struct picture *picture)
{
    picture->showing = true;
    for (struct lane *lane = picture->lanes; lane < picture->lanes + FIBRILS_MOST; lane++)
        if (lane->fibril != 0 && lane->state != GONE)
            give_row(picture, lane);
}

static void
end_rows(struct picture *picture)
{
    for (struct lane *lane = picture->lanes; lane < picture->lanes + FIBRILS_MOST; lane++)
        if (lane->fibril != 0 && lane->row && lane->state != GONE)
            paint(lane->row, picture, lane->state, lane->since, picture->end);
}

static void
print_rows(struct picture *picture)
{
    for (unsigned i = 0; i < picture->rows_used; i++)
        printf("  %-16s |%s|\n", picture->row_call[i], picture->cells[i]);
    for (char *cell = picture->disk; *cell; cell++)
        if (*cell == RUNNING)
            *cell = '=';
    printf("  %-16s |%s|\n", "the disk", picture->disk);
    printf("  %.2f ms, %.0f microseconds a column; # running  - ready  . blocked  = disk busy\n",
           microseconds(picture->end - picture->begin) / 1000,
           microseconds(picture->end - picture->begin) / picture->columns);
}

static bool
draw(struct picture *picture)
{
    unsigned first = choose_stretch(picture);

    if (picture->end <= picture->begin)
        return false;
    for (unsigned i = 0; i < picture->rows; i++)
        memset(picture->cells[i], ' ', picture->columns);
    memset(picture->disk, ' ', picture->columns);
    for (unsigned i = 0; i < picture->count && picture->records[i].cycles <= picture->end; i++) {
        if (i == first)
            begin_rows(picture);
        follow(picture, &picture->records[i]);
        follow_disk(picture, &picture->records[i]);
        for (unsigned row = 0; row < picture->rows_used; row++)
            if (picture->row_lane[row]->row == picture->cells[row])
                strcpy(picture->row_call[row], picture->row_lane[row]->call);
    }
    end_rows(picture);
    print_rows(picture);
    return true;
}

bool
timeline_print(unsigned task, unsigned rows, unsigned columns)
{
    struct picture *picture = calloc(1, sizeof *picture);
    bool drawn = false;

    if (!picture)
        return false;
    picture->task = task;
    picture->rows = rows < 64 ? rows : 64;
    picture->columns = columns < COLUMNS_MOST ? columns : COLUMNS_MOST;
    if (read_trace(picture) && picture->count > 100)
        drawn = draw(picture);
    free(picture->records);
    free(picture);
    return drawn;
}
