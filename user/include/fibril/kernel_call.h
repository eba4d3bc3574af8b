/* The way into the kernel: int 0x80 with the number in eax and up to six words in ebx, ecx, edx, esi,
 * edi and ebp; the result, or a negative error number, comes back in eax; every other register is
 * kept. The same on Linux/i386. Used through <fibril/calls.h>, which has a function for each call. */
#ifndef FIBRIL_KERNEL_CALL_H
#define FIBRIL_KERNEL_CALL_H

static inline long
kernel_call0(long number)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(number) : "memory");
    return result;
}

static inline long
kernel_call1(long number, long a)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a) : "memory");
    return result;
}

static inline long
kernel_call2(long number, long a, long b)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b) : "memory");
    return result;
}

static inline long
kernel_call3(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "0"(number), "b"(a), "c"(b), "d"(c)
                     : "memory");
    return result;
}

static inline long
kernel_call4(long number, long a, long b, long c, long d)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d)
                     : "memory");
    return result;
}

static inline long
kernel_call5(long number, long a, long b, long c, long d, long e)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                     : "memory");
    return result;
}

/* In assembly (libc/kernel_call.asm), since ebp may be the compiler's frame pointer. */
long kernel_call6(long number, long a, long b, long c, long d, long e, long f);

#endif
