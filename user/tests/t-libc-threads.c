/* t-libc-threads [CASE]: the C library used by several threads at once: the heap, streams, locales' and
 * time's own memory, exit and its functions, with errno apart for each. Runs on Linux too. */
#include "signals.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>

#define THREADS 5
#define FILE_NAME "/tmp/t-libc-threads"

static long
run_all(void *(*function)(void *))
{
    pthread_t threads[THREADS];
    long sum = 0;

    for (long i = 0; i < THREADS; i++)
        check_equal(pthread_create(&threads[i], NULL, function, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        check_equal(pthread_join(threads[i], &result), 0);
        sum += (long)result;
    }
    return sum;
}

/* ---- The heap ---- */

struct block {
    unsigned char *bytes;
    unsigned size;
    unsigned char fill;
};

static int
block_is_whole(const struct block *block)
{
    for (unsigned i = 0; i < block->size; i++)
        if (block->bytes[i] != block->fill)
            return 0;
    return 1;
}

static unsigned
next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Blocks of all sizes, each filled with a byte of its own, which must stay: how many did not. */
static void *
use_heap(void *number)
{
    struct block blocks[60] = {{0}};
    unsigned seed = (unsigned)(intptr_t)number + 1;
    long bad = 0;

    for (int round = 0; round < 3000; round++) {
        struct block *block = &blocks[next_random(&seed) % 60];
        unsigned size = 1 + next_random(&seed) % (round % 50 ? 600 : 200000);
        if (block->bytes)
            bad += !block_is_whole(block);
        if (round % 3 == 0 && block->bytes) {
            unsigned kept = block->size < size ? block->size : size;
            block->bytes = realloc(block->bytes, size);
            block->size = kept;
            bad += !block->bytes || !block_is_whole(block);
        } else {
            free(block->bytes);
            block->bytes = round % 5 ? malloc(size) : calloc(1, size);
            bad += !block->bytes || (round % 5 == 0 && block->bytes[size - 1]);
        }
        block->size = size;
        block->fill = (unsigned char)(seed >> 16);
        memset(block->bytes, block->fill, size);
        if (round % 200 == 0)
            sched_yield();
    }
    for (int i = 0; i < 60; i++)
        free(blocks[i].bytes);
    return (void *)bad;
}

static void
heap(void)
{
    show(run_all(use_heap));
}

/* What one thread allocates, another gives back. */
static void *volatile passed[THREADS];

static void *
pass_on(void *number)
{
    long own = (long)number, next = (own + 1) % THREADS, bad = 0;

    for (int i = 0; i < 2000; i++) {
        char *memory = malloc(100 + i % 50);
        bad += !memory;
        memset(memory, 'p', 100);
        memory = __atomic_exchange_n(&passed[next], memory, __ATOMIC_SEQ_CST);
        bad += memory && memory[99] != 'p';
        free(memory);
        if (i % 64 == 0)
            sched_yield();
    }
    return (void *)bad;
}

static void
from_hand_to_hand(void)
{
    show(run_all(pass_on));
    for (int i = 0; i < THREADS; i++) {
        free(passed[i]);
        passed[i] = NULL;
    }
}

/* ---- Streams ---- */

#define LINES 400
static FILE *shared;

static void *
print_lines(void *number)
{
    for (int i = 0; i < LINES; i++) {
        if (fprintf(shared, "%ld %d %s\n", (long)number, i, "abcdefghijklmnopqrstuvwxyz") != 29 + (i > 9) + (i > 99))
            return (void *)1;
        if (i % 32 == 0)
            sched_yield();
    }
    return NULL;
}

/* Every line whole, each thread's in order. */
static void
one_stream(void)
{
    int next[THREADS] = {0}, number, count, bad = 0, lines = 0;
    char word[40], line[100];

    shared = fopen(FILE_NAME, "w");
    show(run_all(print_lines));
    show(fclose(shared));
    shared = fopen(FILE_NAME, "r");
    while (fgets(line, sizeof line, shared)) {
        lines++;
        if (sscanf(line, "%d %d %39s", &number, &count, word) != 3 || number < 0 || number >= THREADS ||
            next[number]++ != count || strcmp(word, "abcdefghijklmnopqrstuvwxyz"))
            bad++;
    }
    fclose(shared);
    unlink(FILE_NAME);
    show(lines);
    show(bad);
}

/* One stream is read by all: every line goes to one of them. */
static volatile int seen[THREADS * LINES];

static void *
read_lines(void *unused UNUSED)
{
    char line[40];
    int got = 0;

    while (fgets(line, sizeof line, shared)) {
        __sync_fetch_and_add(&seen[atoi(line)], 1);
        if (++got % 50 == 0)
            sched_yield();
    }
    return NULL;
}

static void
one_reader_stream(void)
{
    int bad = 0;

    shared = fopen(FILE_NAME, "w+");
    for (int i = 0; i < THREADS * LINES; i++)
        fprintf(shared, "%d and more\n", i);
    rewind(shared);
    show(run_all(read_lines));
    for (int i = 0; i < THREADS * LINES; i++)
        bad += seen[i] != 1;
    show(bad);
    fclose(shared);
    unlink(FILE_NAME);
}

/* Streams opened and closed all the time: their list is everybody's. */
static void *
open_and_close(void *number)
{
    char name[40], line[40];
    long bad = 0;

    sprintf(name, FILE_NAME "-%ld", (long)number);
    for (int i = 0; i < 100; i++) {
        FILE *file = fopen(name, "w");
        bad += !file || fprintf(file, "%ld %d\n", (long)number, i) <= 0 || fclose(file);
        file = fopen(name, "r");
        bad += !file || !fgets(line, sizeof line, file) || atoi(line) != (long)number || fclose(file);
        if (i % 10 == 0)
            fflush(NULL);
    }
    unlink(name);
    return (void *)bad;
}

static void
own_streams(void)
{
    show(run_all(open_and_close));
}

static void *
hold_stream(void *unused UNUSED)
{
    flockfile(shared);
    fputs("one ", shared);
    nap_ms(2);
    fputs("line\n", shared);
    funlockfile(shared);
    return NULL;
}

static void
held_streams(void)
{
    char line[40];
    int whole = 0;

    shared = fopen(FILE_NAME, "w+");
    show(run_all(hold_stream));
    rewind(shared);
    while (fgets(line, sizeof line, shared))
        whole += strcmp(line, "one line\n") == 0;
    show(whole);
    fclose(shared);
    unlink(FILE_NAME);
}

/* ---- What a thread has of its own ---- */

static void *
own_errors(void *number)
{
    long bad = 0;

    for (int i = 0; i < 300; i++) {
        int wanted = (long)number % 2 ? EBADF : ENOENT;
        errno = 0;
        if ((long)number % 2)
            close(-1);
        else
            open("/tmp/t-libc-threads-none", O_RDONLY);
        if (i % 10 == 0)
            sched_yield();
        bad += errno != wanted;
    }
    return (void *)bad;
}

static void *
own_buffers(void *number)
{
    long bad = 0;

    for (int i = 0; i < 200; i++) {
        char text[20] = "1,2,3", *rest, *part;
        int sum = 0;
        struct tm tm;
        time_t time = 86400 * (1 + (long)number);
        for (part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest))
            sum += atoi(part);
        bad += sum != 6 || !gmtime_r(&time, &tm) || tm.tm_mday != 2 + (long)number;
        snprintf(text, sizeof text, "%.3f", (double)(long)number / 3 + i);
        bad += strtod(text, NULL) - ((double)(long)number / 3 + i) > 0.001;
        if (i % 10 == 0)
            sched_yield();
    }
    return (void *)bad;
}

static void
of_its_own(void)
{
    show(run_all(own_errors));
    show(run_all(own_buffers));
}

/* ---- fork and exit among busy threads ---- */

static volatile int stop;

static void *
stay_busy(void *number)
{
    while (!stop) {
        free(malloc(100 + (long)number));
        fprintf(shared, "busy\n");
    }
    return NULL;
}

static int
use_library(void *unused UNUSED)
{
    char *memory = malloc(5000), text[20];
    FILE *file = fopen("/dev/null", "w");

    if (!memory || !file || fprintf(file, "x %d\n", 5) != 4)
        return 1;
    snprintf(text, sizeof text, "%d", 77);
    fclose(file);
    free(memory);
    return atoi(text);
}

/* A child finds the heap and the streams usable, whatever other threads were doing. */
static void
fork_among_them(void)
{
    pthread_t threads[3];
    int wrong = 0;

    shared = fopen("/dev/null", "w");
    stop = 0;
    for (long i = 0; i < 3; i++)
        check_equal(pthread_create(&threads[i], NULL, stay_busy, (void *)i), 0);
    for (int i = 0; i < 20; i++) {
        nap_ms(1);
        wrong += exited(in_child(use_library, NULL)) != 77;
    }
    stop = 1;
    for (int i = 0; i < 3; i++)
        check_equal(pthread_join(threads[i], NULL), 0);
    fclose(shared);
    show(wrong);
}

static int at_exit_fd;

static void
say_at_exit(void)
{
    check(write(at_exit_fd, "x", 1) == 1);
}

static void *
leave(void *unused UNUSED)
{
    nap_ms(5);
    exit(9);
}

static int
exit_by_many(void *fd)
{
    pthread_t threads[3];

    at_exit_fd = *(int *)fd;
    atexit(say_at_exit);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, i ? stay_busy : leave, NULL);
    nap_ms(10000);
    return 1;
}

static void
exit_among_them(void)
{
    int fds[2];
    char bytes[10];

    check(pipe(fds) == 0);
    shared = fopen("/dev/null", "w");
    stop = 0;
    show(exited(in_child(exit_by_many, &fds[1])));
    close(fds[1]);
    show(read(fds[0], bytes, 10)); /* once */
    close(fds[0]);
    fclose(shared);
}

/* A thread that waits for input holds its stream; neither flushing nor exit waits for it. */
static void *
wait_for_input(void *file)
{
    char line[10];

    fgets(line, sizeof line, file);
    return NULL;
}

static int
flush_and_exit(void *unused UNUSED)
{
    pthread_t thread;
    int fds[2];

    check(pipe(fds) == 0);
    pthread_create(&thread, NULL, wait_for_input, fdopen(fds[0], "r"));
    nap_ms(10);
    fflush(NULL);
    exit(11);
}

static void
exit_beside_a_reader(void)
{
    show(exited(in_child(flush_and_exit, NULL)));
}

static const struct check_case cases[] = {
    {"heap", heap},
    {"from-hand-to-hand", from_hand_to_hand},
    {"one-stream", one_stream},
    {"one-reader-stream", one_reader_stream},
    {"own-streams", own_streams},
    {"held-streams", held_streams},
    {"of-its-own", of_its_own},
    {"fork-among-them", fork_among_them},
    {"exit-among-them", exit_among_them},
    {"exit-beside-a-reader", exit_beside_a_reader},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
