/* The random generator: see random.h. xorshift64* over a state that events are stirred into. */
#include "kernel/random.h"
#include "arch.h"

static u64 state = 0x9e3779b97f4a7c15ull;

void
random_add(u32 value)
{
    INTERRUPTS_OFF_SCOPE();
    state = (state ^ value ^ time_cycles()) * 0x2545f4914f6cdd1dull;
    state |= 1; /* never zero */
}

static u64
random_next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dull;
}

void
random_bytes(void *buffer, size_t size)
{
    random_add(0);
    INTERRUPTS_OFF_SCOPE();
    for (u8 *byte = buffer; size > 0; size--)
        *byte++ = random_next() >> 56;
}
