/* For test programs: check(what) says which expectation failed and counts it; cases are functions. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check_case {
    const char *name;
    void (*run)(void);
};

static int check_failures;

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            check_failures++;                                                                      \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                         \
        }                                                                                          \
    } while (0)

/* Says both numbers. */
#define check_equal(got, wanted)                                                                   \
    do {                                                                                           \
        long long got_ = (got), wanted_ = (wanted);                                                \
        if (got_ != wanted_) {                                                                     \
            check_failures++;                                                                      \
            printf("%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, got_, wanted_);      \
        }                                                                                          \
    } while (0)

/* Runs all cases, or those named on the command line; a line for each; the exit status. */
static int
check_run(const struct check_case *cases, int argc, char **argv)
{
    int failed = 0, run = 0;

    for (; cases->name; cases++) {
        int wanted = argc < 2;
        for (int i = 1; i < argc; i++)
            wanted |= strcmp(argv[i], cases->name) == 0;
        if (!wanted)
            continue;
        check_failures = 0;
        cases->run();
        printf("%s %s\n", check_failures ? "failed" : "passed", cases->name);
        fflush(stdout);
        failed += check_failures > 0;
        run++;
    }
    if (run == 0)
        puts("no such case");
    return failed > 0 || run == 0;
}

#endif
