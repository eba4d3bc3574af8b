// sources: arch/i386/division.c tests/host/support/*.c
/* The compiler's 64-bit division helpers against the host's own division. */
#include "arch.h"
#include "host.h"

u64 __udivmoddi4(u64 dividend, u64 divisor, u64 *remainder);
u64 __udivdi3(u64 dividend, u64 divisor);
u64 __umoddi3(u64 dividend, u64 divisor);
s64 __divdi3(s64 dividend, s64 divisor);
s64 __moddi3(s64 dividend, s64 divisor);

static const u64 edges[] = {
    1, 2, 3, 10, 1000000, 1000000000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000001,
    0x1ffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0xffffffff00000000,
    0xfffffffffffffffe, 0xffffffffffffffff, 0};

static u64
random_number(void)
{
    u64 number = (u64)rand() << 42 ^ (u64)rand() << 21 ^ (u64)rand();
    return number >> rand() % 64;
}

static const char *
wrong(u64 a, u64 b)
{
    u64 remainder;
    if (__udivmoddi4(a, b, &remainder) != a / b || remainder != a % b)
        return "__udivmoddi4";
    if (__udivdi3(a, b) != a / b)
        return "__udivdi3";
    if (__umoddi3(a, b) != a % b)
        return "__umoddi3";
    if ((s64)a == INT64_MIN && (s64)b == -1)
        return NULL; /* has no result */
    if (__divdi3((s64)a, (s64)b) != (s64)a / (s64)b)
        return "__divdi3";
    return __moddi3((s64)a, (s64)b) != (s64)a % (s64)b ? "__moddi3" : NULL;
}

static void
edges_by_edges(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(edges); i++)
        for (unsigned j = 0; j < ARRAY_SIZE(edges) - 1; j++)
            CHECK(!wrong(edges[i], edges[j]), "%s(%llx, %llx)", wrong(edges[i], edges[j]),
                  (unsigned long long)edges[i], (unsigned long long)edges[j]);
}

static void
random_by_random(void)
{
    srand(6);
    for (unsigned i = 0; i < 2000000; i++) {
        u64 a = random_number(), b = random_number();
        a = rand() % 4 ? a : -a;
        b = rand() % 4 ? b : -b;
        CHECK(!b || !wrong(a, b), "%s(%llx, %llx)", wrong(a, b), (unsigned long long)a,
              (unsigned long long)b);
    }
}

int
main(void)
{
    RUN_TEST(edges_by_edges);
    RUN_TEST(random_by_random);
    return test_result();
}
