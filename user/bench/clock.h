/* The clock of the benches: under --icount a tick is an instruction. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

static inline unsigned long long
cycles(void)
{
    unsigned low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (unsigned long long)high << 32 | low;
}

/* Breakpoints of tools/profile, around what it is to look at. */
void stretch_begin(void);
void stretch_end(void);

__attribute__((noinline)) void
stretch_begin(void)
{
    __asm__ volatile("");
}

__attribute__((noinline)) void
stretch_end(void)
{
    __asm__ volatile("");
}

#endif
