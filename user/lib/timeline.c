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
#define ROWS_MOST 40
#define NO_ROW (-1)
#define NAME_SIZE 16
#define DISK_ANSWERS 10 /* in the stretch shown */

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
    bool submits; /* the user fibril */
    int row;      /* in the picture, or NO_ROW */
};

struct picture {
    struct record *records;
    unsigned count;
    unsigned task;
    struct lane lanes[FIBRILS_MOST];
    bool showing; /* the stretch has begun */
    unsigned long long begin, end;
    unsigned columns, rows;
    char cells[ROWS_MOST][COLUMNS_MOST + 1]; /* row 0: the user fibril */
    bool taken[ROWS_MOST], ever_taken[ROWS_MOST];
    char disk[COLUMNS_MOST + 1];
    unsigned at_device; /* commands under way there */
    unsigned long long busy_since;
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
    for (struct lane *lane = picture->lanes; lane < picture->lanes + FIBRILS_MOST; lane++)
        if (lane->fibril == fibril)
            return lane;
    return NULL;
}

/* The fibril's lane, a new one if it has none; NULL if there are too many. */
static struct lane *
make_lane(struct picture *picture, unsigned fibril)
{
    struct lane *lane = find_lane(picture, fibril);

    if (!lane && (lane = find_lane(picture, 0)))
        *lane = (struct lane){.fibril = fibril, .state = GONE, .row = NO_ROW};
    return lane;
}

/* The fibril's row in the picture is the first that no other has now. */
static void
give_row(struct picture *picture, struct lane *lane)
{
    unsigned row = lane->submits ? 0 : 1;

    while (row < picture->rows && picture->taken[row])
        row++;
    if (row == picture->rows)
        return;
    lane->row = row;
    picture->taken[row] = picture->ever_taken[row] = true;
}

static void
change(struct picture *picture, struct lane *lane, enum state state, unsigned long long now)
{
    if (lane->row != NO_ROW && lane->state != GONE)
        paint(picture->cells[lane->row], picture, lane->state, lane->since, now);
    lane->state = state;
    lane->since = now;
    if (state == GONE) {
        if (lane->row != NO_ROW)
            picture->taken[lane->row] = false;
        lane->fibril = 0;
    } else if (picture->showing && lane->row == NO_ROW) {
        give_row(picture, lane);
    }
}

/* The switch to record->fibril, from another one of this or another task. */
static void
follow_switch(struct picture *picture, const struct record *record)
{
    struct lane *left = record->other ? find_lane(picture, record->other) : NULL, *entered;

    if (left && strcmp(record->detail, "exit") == 0)
        change(picture, left, GONE, record->cycles);
    else if (left && strcmp(record->detail, "block") != 0)
        change(picture, left, READY, record->cycles);
    if (record->task == picture->task && (entered = make_lane(picture, record->fibril)))
        change(picture, entered, RUNNING, record->cycles);
}

static void
follow(struct picture *picture, const struct record *record)
{
    bool ours = record->task == picture->task;
    struct lane *lane;

    if (strcmp(record->event, "switch") == 0) {
        follow_switch(picture, record);
    } else if (strcmp(record->event, "block") == 0) {
        if (record->fibril && (lane = find_lane(picture, record->fibril)))
            change(picture, lane, BLOCKED, record->cycles);
    } else if (strcmp(record->event, "wake") == 0) {
        lane = record->other ? find_lane(picture, record->other) : NULL;
        if (lane && lane->state == BLOCKED)
            change(picture, lane, READY, record->cycles);
    } else if (strcmp(record->event, "call_in") == 0) {
        if (ours && (lane = make_lane(picture, record->fibril)))
            lane->submits |= strcmp(record->detail, "asys_submit") == 0;
    }
}

/* The disk's row: = while at least one command is at the device. */
static void
follow_disk(struct picture *picture, const struct record *record)
{
    if (strcmp(record->event, "disk_start") == 0) {
        if (picture->at_device++ == 0)
            picture->busy_since = record->cycles;
    } else if (strcmp(record->event, "disk_done") == 0 && picture->at_device > 0) {
        if (--picture->at_device == 0 && picture->showing)
            paint(picture->disk, picture, RUNNING, picture->busy_since, record->cycles);
    }
}

/* ---- The stretch ---- */

static unsigned
count_blocked(const struct picture *picture)
{
    unsigned blocked = 0;

    for (const struct lane *lane = picture->lanes; lane < picture->lanes + FIBRILS_MOST; lane++)
        blocked += lane->fibril != 0 && lane->state == BLOCKED;
    return blocked;
}

/* The record at which most fibrils sleep, in the later half of the trace. */
static unsigned
find_most_blocked(struct picture *picture)
{
    unsigned best = 0, best_count = 0;

    for (unsigned i = 0; i < picture->count; i++) {
        follow(picture, &picture->records[i]);
        if (i >= picture->count / 2 && strcmp(picture->records[i].event, "block") == 0 &&
            count_blocked(picture) > best_count) {
            best = i;
            best_count = count_blocked(picture);
        }
    }
    memset(picture->lanes, 0, sizeof picture->lanes);
    return best;
}

/* From there back over a few answers of the disk, and on over some more: the first record shown. */
static unsigned
choose_stretch(struct picture *picture)
{
    unsigned middle = find_most_blocked(picture), first = middle, last = middle, answers = 0;

    while (first > 0 && answers < DISK_ANSWERS / 3)
        answers += strcmp(picture->records[--first].event, "disk_done") == 0;
    while (last + 1 < picture->count && answers < DISK_ANSWERS)
        answers += strcmp(picture->records[++last].event, "disk_done") == 0;
    picture->begin = picture->records[first].cycles;
    picture->end = picture->records[last].cycles;
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
        if (lane->fibril != 0 && lane->row != NO_ROW && lane->state != GONE)
            paint(picture->cells[lane->row], picture, lane->state, lane->since, picture->end);
    if (picture->at_device > 0)
        paint(picture->disk, picture, RUNNING, picture->busy_since, picture->end);
}

static void
print_rows(struct picture *picture)
{
    double span = microseconds(picture->end - picture->begin);

    printf("  user fibril    |%s|\n", picture->cells[0]);
    for (unsigned i = 1; i < picture->rows; i++)
        if (picture->ever_taken[i])
            printf("  call fibril %-2u |%s|\n", i, picture->cells[i]);
    for (char *cell = picture->disk; *cell; cell++)
        if (*cell == RUNNING)
            *cell = '=';
    printf("  the disk       |%s|\n", picture->disk);
    printf("  %.2f ms, %.0f microseconds a column: # running, - ready, . blocked, = busy;\n"
           "  a row whose fibril has ended goes to the next one\n",
           span / 1000, span / picture->columns);
}

static bool
draw(struct picture *picture)
{
    unsigned first = choose_stretch(picture);

    if (picture->end <= picture->begin)
        return false;
    for (unsigned i = 0; i < picture->rows; i++)
        memset(picture->cells[i], GONE, picture->columns);
    memset(picture->disk, GONE, picture->columns);
    for (unsigned i = 0; i < picture->count && picture->records[i].cycles <= picture->end; i++) {
        if (i == first)
            begin_rows(picture);
        follow(picture, &picture->records[i]);
        follow_disk(picture, &picture->records[i]);
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
    picture->rows = rows < ROWS_MOST ? rows : ROWS_MOST;
    picture->columns = columns < COLUMNS_MOST ? columns : COLUMNS_MOST;
    if (read_trace(picture) && picture->count > 100)
        drawn = draw(picture);
    free(picture->records);
    free(picture);
    return drawn;
}
