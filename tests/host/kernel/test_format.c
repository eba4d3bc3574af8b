// sources: kernel/format.c tests/host/support/*.c
/* The kernel's printf against the host's, on random directives of the subset that format.h promises. */
#include "kernel/format.h"
#include "arch.h"
#include "host.h"

static char format[128];

/* A random directive without its length and conversion: flags and width. */
static void
directive_begin(void)
{
    strcpy(format, "<%");
    if (rand() % 3 == 0)
        strcat(format, "-");
    else if (rand() % 3 == 0)
        strcat(format, "0");
    if (rand() % 2)
        sprintf(format + strlen(format), "%d", 1 + rand() % 30);
}

static unsigned long long
random_number(void)
{
    unsigned long long number = (unsigned long long)rand() << 42 ^ (unsigned long long)rand() << 21 ^
                                (unsigned long long)rand();
    number >>= rand() % 64;
    switch (rand() % 8) {
    case 0:
        return 0;
    case 1:
        return ~0ull;
    case 2:
        return 1ull << 63;
    case 3:
        return 1ull << 31;
    case 4:
        return -number;
    }
    return number;
}

#define COMPARE(...)                                                                               \
    do {                                                                                           \
        char ours[256], theirs[256];                                                               \
        size_t size = 1 + (size_t)rand() % (rand() % 4 ? sizeof(ours) : 20);                       \
        int whole = snprintf(theirs, size, format, __VA_ARGS__);                                   \
        memset(ours, 0x55, sizeof(ours));                                                          \
        size_t length = format_string(ours, size, format, __VA_ARGS__);                            \
        CHECK(!strcmp(ours, theirs), "\"%s\" gave \"%s\", not \"%s\"", format, ours, theirs);       \
        CHECK(length == strlen(ours), "\"%s\": length %zu", format, length);                        \
        CHECK(length == MIN((size_t)whole, size - 1), "\"%s\": %zu of %d", format, length, whole);  \
        CHECK(size == sizeof(ours) || ours[size] == 0x55, "\"%s\": written behind the end", format); \
    } while (0)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static void
numbers(void)
{
    static const char conversions[] = "diuxX";
    for (unsigned i = 0; i < 200000; i++) {
        unsigned long long number = random_number();
        static const char *const lengths[] = {"", "l", "ll", "z"};
        unsigned length = (unsigned)rand() % 4;
        directive_begin();
        sprintf(format + strlen(format), "%s%c>", lengths[length], conversions[rand() % 5]);
        if (length == 0)
            COMPARE((unsigned)number);
        else if (length == 1)
            COMPARE((unsigned long)number);
        else if (length == 2)
            COMPARE(number);
        else
            COMPARE((size_t)number);
    }
}

static void
bug_a_negative_width_argument_was_no_width(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        int width = rand() % 60 - 20;
        strcpy(format, rand() % 2 ? "<%*d>" : "<%0*d>");
        int number = (int)random_number();
        COMPARE(width, number);
    }
}

static void
strings(void)
{
    static const char *const texts[] = {"", "a", "fibril", "a text of more than twenty bytes", "%d"};
    for (unsigned i = 0; i < 50000; i++) {
        const char *text = texts[rand() % 5];
        int precision = rand() % 12 - 3;
        strcpy(format, rand() % 2 ? "<%-" : "<%");
        if (rand() % 2)
            sprintf(format + strlen(format), "%d", 1 + rand() % 40);
        switch (rand() % 4) {
        case 0:
            sprintf(format + strlen(format), ".%ds>", rand() % 12);
            COMPARE(text);
            break;
        case 1:
            strcat(format, ".*s>");
            COMPARE(precision, text);
            break;
        case 2:
            strcat(format, ".s>");
            COMPARE(text);
            break;
        default:
            strcat(format, "s>");
            COMPARE(text);
        }
    }
}

/* A precision protects from a string without an end. */
static void
bug_a_precision_read_one_byte_further(void)
{
    char *text = malloc(3);
    char out[16];
    memcpy(text, "abc", 3);
    CHECK(format_string(out, sizeof(out), "%.3s", text) == 3 && !strcmp(out, "abc"));
    free(text);
}

static void
characters_and_the_rest(void)
{
    for (int c = 1; c < 256; c++) {
        strcpy(format, c % 2 ? "%c|%5c" : "%-3c|%c");
        COMPARE(c, c);
    }
    char out[64];
    const char *volatile none = NULL;
    CHECK(format_string(out, sizeof(out), "%%|%d%%", 5) == 4 && !strcmp(out, "%|5%"));
    CHECK(format_string(out, sizeof(out), "%s", none) == 6 && !strcmp(out, "(null)"));
    CHECK(format_string(out, sizeof(out), "%p", (void *)0x1234) > 0 && strstr(out, "1234"));
    strcpy(format, "a lone % at the end: %");
    CHECK(format_string(out, sizeof(out), format + 14) == 7);
    CHECK(format_string(out, 1, "%s", "nothing fits") == 0 && out[0] == 0);
}

#pragma GCC diagnostic pop

int
main(void)
{
    srand(5);
    RUN_TEST(numbers);
    RUN_TEST(bug_a_negative_width_argument_was_no_width);
    RUN_TEST(strings);
    RUN_TEST(bug_a_precision_read_one_byte_further);
    RUN_TEST(characters_and_the_rest);
    return test_result();
}
