/* Catching ASSERT and panic in host unit tests: ASSERTS(statement) is true if the statement ran into
 * one; assert_text then says which. Included by one file of a test program. */
#ifndef TESTS_ASSERTS_H
#define TESTS_ASSERTS_H

#include <setjmp.h>
#include <stdarg.h>

#include "arch.h"
#include "host.h"
#include "kernel/log.h"

static jmp_buf assert_return;
static bool assert_expected;
static char assert_text[256];

void
panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(assert_text, sizeof(assert_text), format, arguments);
    va_end(arguments);
    if (assert_expected)
        longjmp(assert_return, 1);
    fprintf(stderr, "panic in test %s: %s\n", host_test_name, assert_text);
    abort();
}

void
assert_failed(const char *expression, const char *file, int line)
{
    panic("assertion failed: %s, %s:%d", expression, file, line);
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
