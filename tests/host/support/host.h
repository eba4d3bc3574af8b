/* What host unit tests may set and ask of the stand-ins in tests/host/support.
 *
 * Everything there is weak: a test that links the kernel's own file of the same functions gets that.
 * Time stands still until somebody sleeps or calls host_time_advance. A sleep lets other fibrils
 * run; when none is ready it calls host_pump, and when that has nothing to do, time goes on to the
 * next timer or deadline. A sleep that nothing can end fails the test by name of its wait channel. */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#include <stdio.h>
#include <stdlib.h>

#include "kernel/types.h"

/* Lets the fake device make one step; false: it has nothing to do. NULL at first. */
extern bool (*host_pump)(void);
/* Log lines go to stderr if true, and are kept (the last 16 KiB) in any case. */
extern bool host_log_shown;
extern unsigned host_log_lines;
extern char host_log_last[512];
bool host_log_contains(const char *text);
/* Pages and heap objects handed out now. */
extern unsigned host_pages_used, host_objects_used;
/* The number of the last signal that was sent (nothing is done about it). */
extern int host_last_signal;
/* From now on this many allocations succeed and the following ones fail; -1 (default): all succeed. */
extern unsigned char host_page_fill; /* what stands in a page that nobody has written to */
extern int host_alloc_limit;

/* ---- TAP-like results ---- */

extern unsigned host_failed;
extern const char *host_test_name;
static inline void
test_begin(const char *name)
{
    host_test_name = name;
}
#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("not ok %s: %s:%d: %s ", host_test_name, __FILE__, __LINE__, #condition);       \
            printf(" " __VA_ARGS__);                                                                \
            printf("\n");                                                                          \
            host_failed++;                                                                         \
            return;                                                                                \
        }                                                                                          \
    } while (0)
/* Runs one test function, which uses CHECK; prints its line; also checks that nothing leaked. */
void host_run_test(const char *name, void (*test)(void));
#define RUN_TEST(function) host_run_test(#function, function)
static inline int
test_result(void)
{
    return host_failed ? 1 : 0;
}

#endif
