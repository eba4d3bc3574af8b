// sources: kernel/random.c tests/host/support/*.c
/* Random bytes: every byte of the buffer and none beside it, different each time, no value preferred. */
#include "kernel/random.h"
#include "arch.h"
#include "host.h"

static void
fills_exactly_the_buffer(void)
{
    for (size_t size = 0; size < 40; size++) {
        u8 *buffer = malloc(size ? size : 1);
        bool changed[40] = {false};
        for (unsigned round = 0; round < 30; round++) {
            memset(buffer, 0x55, size);
            random_bytes(buffer, size);
            for (size_t i = 0; i < size; i++)
                changed[i] |= buffer[i] != 0x55;
        }
        for (size_t i = 0; i < size; i++)
            CHECK(changed[i], "byte %zu of %zu is never written", i, size);
        free(buffer);
    }
}

static void
no_two_are_equal(void)
{
    static u64 numbers[2000];
    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        random_bytes(&numbers[i], sizeof(numbers[i]));
        for (unsigned j = 0; j < i; j++)
            CHECK(numbers[i] != numbers[j], "%u and %u", i, j);
    }
}

/* Each value of a byte comes 4096 times, give or take five standard deviations (64). */
static void
every_byte_comes_as_often(void)
{
    static u8 bytes[256 * 4096];
    unsigned counts[256] = {0};
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        counts[bytes[i]]++;
    for (unsigned i = 0; i < 256; i++)
        CHECK(counts[i] > 4096 - 320 && counts[i] < 4096 + 320, "%u: %u times", i, counts[i]);
}

static void
what_is_added_matters(void)
{
    u64 first, second;
    random_add(0);
    random_bytes(&first, sizeof(first));
    random_add(1);
    random_bytes(&second, sizeof(second));
    CHECK(first != second);
    for (unsigned i = 0; i < 1000; i++) { /* whatever is stirred in, it never gets stuck at zero */
        random_add((u32)rand());
        random_bytes(&second, sizeof(second));
        CHECK(second != first && second != 0);
        first = second;
    }
}

int
main(void)
{
    RUN_TEST(fills_exactly_the_buffer);
    RUN_TEST(no_two_are_equal);
    RUN_TEST(every_byte_comes_as_often);
    RUN_TEST(what_is_added_matters);
    return test_result();
}
