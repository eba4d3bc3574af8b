/* Catching ASSERT and panic in host unit tests: ASSERTS(statement) is true if the statement ran into
 * one. Included by one file of a test program. */
#ifndef TESTS_ASSERTS_H
#define TESTS_ASSERTS_H

#include <setjmp.h>

#include "arch.h"
#include "host.h"
#include "kernel/log.h"

static jmp_buf assert_return;
static bool assert_expected;

void
assert_failed(const char *expression, const char *file, int line)
{
    if (!assert_expected)
        panic("assertion failed: %s, %s:%d", expression, file, line);
    longjmp(assert_return, 1);
}

#define ASSERTS(statement)                                                                         \
    ({                                                                                             \
        volatile bool asserted = true;                                                             \
        unsigned long depth = host_interrupts_off;                                                 \
        assert_expected = true;                                                                    \
        if (setjmp(assert_return) == 0) {                                                          \
            statement;                                                                             \
            asserted = false;                                                                      \
        }                                                                                          \
        assert_expected = false;                                                                   \
        host_interrupts_off = depth;                                                               \
        asserted;                                                                                  \
    })

#endif
