/* 64-bit division, which the compiler calls by these names on a 32-bit machine. (The compiler's own
 * library passes arguments another way than the kernel's functions do.) */
#include "kernel/types.h"

u64 __udivmoddi4(u64 dividend, u64 divisor, u64 *remainder);
u64 __udivdi3(u64 dividend, u64 divisor);
u64 __umoddi3(u64 dividend, u64 divisor);
s64 __divdi3(s64 dividend, s64 divisor);
s64 __moddi3(s64 dividend, s64 divisor);

/* (high:low) / divisor with high < divisor, by the CPU's own division. */
static u32
divide_step(u32 high, u32 low, u32 divisor, u32 *remainder)
{
    u32 quotient;
    __asm__("divl %4" : "=a"(quotient), "=d"(*remainder) : "a"(low), "d"(high), "rm"(divisor) : "cc");
    return quotient;
}

static u64
divide_by_word(u64 dividend, u32 divisor, u64 *remainder)
{
    u32 high = dividend >> 32, rest;
    u32 quotient_high = high / divisor;
    u32 quotient_low = divide_step(high % divisor, (u32)dividend, divisor, &rest);
    *remainder = rest;
    return (u64)quotient_high << 32 | quotient_low;
}

u64
__udivmoddi4(u64 dividend, u64 divisor, u64 *remainder)
{
    if (divisor >> 32 == 0)
        return divide_by_word(dividend, (u32)divisor, remainder);
    u64 quotient = 0;
    unsigned shift = __builtin_clz((u32)(divisor >> 32));
    for (u64 step = divisor << shift, bit = 1ull << shift; bit; step >>= 1, bit >>= 1)
        if (dividend >= step) {
            dividend -= step;
            quotient |= bit;
        }
    *remainder = dividend;
    return quotient;
}

u64
__udivdi3(u64 dividend, u64 divisor)
{
    u64 remainder;
    return __udivmoddi4(dividend, divisor, &remainder);
}

u64
__umoddi3(u64 dividend, u64 divisor)
{
    u64 remainder;
    __udivmoddi4(dividend, divisor, &remainder);
    return remainder;
}

s64
__divdi3(s64 dividend, s64 divisor)
{
    u64 quotient = __udivdi3(dividend < 0 ? -(u64)dividend : (u64)dividend,
                             divisor < 0 ? -(u64)divisor : (u64)divisor);
    return (dividend < 0) != (divisor < 0) ? -quotient : quotient;
}

s64
__moddi3(s64 dividend, s64 divisor)
{
    u64 remainder = __umoddi3(dividend < 0 ? -(u64)dividend : (u64)dividend,
                              divisor < 0 ? -(u64)divisor : (u64)divisor);
    return dividend < 0 ? -remainder : remainder;
}
