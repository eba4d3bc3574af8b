// sources: tests/host/support/*.c
/* The kernel's memory and string functions against the host's, at every small size, offset and
 * overlap. They are included under other names, since the host's have theirs. */
#include <string.h>

#include "arch.h"
#include "host.h"

#define KERNEL_STRING_H
#define memcpy kernel_memcpy
#define memmove kernel_memmove
#define memset kernel_memset
#define memcmp kernel_memcmp
#define memchr kernel_memchr
#define strlen kernel_strlen
#define strcmp kernel_strcmp
#define strncmp kernel_strncmp
#define strchr kernel_strchr
#include "kernel/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strcmp
#undef strncmp
#undef strchr

#define BYTES 80

static u8 ours[BYTES], theirs[BYTES];

static void
both_fill(void)
{
    for (unsigned i = 0; i < BYTES; i++)
        ours[i] = theirs[i] = (u8)rand();
}

static void
copies(void)
{
    u8 from[BYTES];
    for (unsigned i = 0; i < BYTES; i++)
        from[i] = (u8)(i * 7);
    for (unsigned size = 0; size < 40; size++)
        for (unsigned to = 0; to < 8; to++)
            for (unsigned at = 0; at < 8; at++) {
                both_fill();
                CHECK(kernel_memcpy(ours + to, from + at, size) == ours + to);
                memcpy(theirs + to, from + at, size);
                CHECK(!memcmp(ours, theirs, BYTES), "size %u to %u from %u", size, to, at);
            }
}

static void
moves(void)
{
    for (unsigned size = 0; size < 40; size++)
        for (unsigned to = 0; to < 40; to++)
            for (unsigned from = 0; from < 40; from++) {
                both_fill();
                CHECK(kernel_memmove(ours + to, ours + from, size) == ours + to);
                memmove(theirs + to, theirs + from, size);
                CHECK(!memcmp(ours, theirs, BYTES), "size %u to %u from %u", size, to, from);
            }
}

static void
fills(void)
{
    for (unsigned size = 0; size < 40; size++)
        for (unsigned to = 0; to < 8; to++)
            for (int value = -1; value < 300; value += 43) {
                both_fill();
                CHECK(kernel_memset(ours + to, value, size) == ours + to);
                memset(theirs + to, value, size);
                CHECK(!memcmp(ours, theirs, BYTES), "size %u to %u value %d", size, to, value);
            }
}

static int
sign(int number)
{
    return (number > 0) - (number < 0);
}

static void
comparisons(void)
{
    char a[8], b[8];
    for (unsigned i = 0; i < 300000; i++) {
        for (unsigned at = 0; at < 7; at++) {
            a[at] = (char)("ab\xff"[rand() % 3] * (rand() % 5 != 0));
            b[at] = rand() % 4 ? a[at] : (char)("ab\xff"[rand() % 3] * (rand() % 5 != 0));
        }
        a[7] = b[7] = 0;
        size_t size = (size_t)rand() % 9;
        CHECK(sign(kernel_strcmp(a, b)) == sign(strcmp(a, b)), "\"%s\" and \"%s\"", a, b);
        CHECK(sign(kernel_strncmp(a, b, size)) == sign(strncmp(a, b, size)));
        CHECK(sign(kernel_memcmp(a, b, size % 8)) == sign(memcmp(a, b, size % 8)));
        CHECK(kernel_strlen(a) == strlen(a));
        CHECK(kernel_strchr(a, b[0]) == strchr(a, b[0]));
        CHECK(kernel_memchr(a, b[0], size % 8) == memchr(a, b[0], size % 8));
    }
}

int
main(void)
{
    srand(7);
    RUN_TEST(copies);
    RUN_TEST(moves);
    RUN_TEST(fills);
    RUN_TEST(comparisons);
    return test_result();
}
