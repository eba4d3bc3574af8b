/* For test programs: check(what) counts and tells an expectation that failed; cases are functions.
 * A line for each case, `ok NAME` or `not ok NAME: what failed first`; further words begin with #.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check_case {
    const char *name;
    void (*run)(void);
};

static int check_failures;
static char check_first[200]; /* what failed first in this case */

/* Of a case that fails thousands of times only the beginning is told. */
static void __attribute__((format(printf, 1, 2))) check_failed(const char *format, ...)
{
    char text[200];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (check_failures++ == 0)
        strcpy(check_first, text);
    else if (check_failures < 10)
        printf("# %s\n", text);
}

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            check_failed("%s:%d: not so: %s", __FILE__, __LINE__, #condition);                     \
    } while (0)

/* Says both numbers. */
#define check_equal(got, wanted)                                                                   \
    do {                                                                                           \
        long long got_ = (got), wanted_ = (wanted);                                                \
        if (got_ != wanted_)                                                                       \
            check_failed("%s:%d: %s is %lld, not %lld", __FILE__, __LINE__, #got, got_, wanted_);  \
    } while (0)

/* Runs all cases, or those named on the command line; the exit status. */
static int __attribute__((unused)) check_run(const struct check_case *cases, int argc, char **argv)
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
        if (check_failures)
            printf("not ok %s: %s (%d failures)\n", cases->name, check_first, check_failures);
        else
            printf("ok %s\n", cases->name);
        fflush(stdout);
        failed += check_failures > 0;
        run++;
    }
    if (run == 0)
        puts("no such case");
    return failed > 0 || run == 0;
}

#endif
