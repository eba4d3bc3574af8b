/* Port input and output and device registers in memory, for drivers. */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include "kernel/types.h"

/* Everything written before a write to a port is in memory then: the device may go and look. */
static inline void
port_out8(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}
static inline void
port_out16(u16 port, u16 value)
{
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port) : "memory");
}
static inline void
port_out32(u16 port, u32 value)
{
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port) : "memory");
}
static inline u8
port_in8(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline u16
port_in16(u16 port)
{
    u16 value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline u32
port_in32(u16 port)
{
    u32 value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline void
port_in16_many(u16 port, void *to, unsigned words)
{
    __asm__ volatile("rep insw" : "+D"(to), "+c"(words) : "d"(port) : "memory");
}
static inline void
port_out16_many(u16 port, const void *from, unsigned words)
{
    __asm__ volatile("rep outsw" : "+S"(from), "+c"(words) : "d"(port) : "memory");
}

/* A register at `offset` in what device_map gave; everything written before it is in memory then. */
static inline void
device_write32(volatile void *registers, unsigned offset, u32 value)
{
    __asm__ volatile("movl %1, %0"
                     : "=m"(*(volatile u32 *)((volatile u8 *)registers + offset))
                     : "r"(value)
                     : "memory");
}
static inline u32
device_read32(const volatile void *registers, unsigned offset)
{
    u32 value;
    __asm__ volatile("movl %1, %0"
                     : "=r"(value)
                     : "m"(*(const volatile u32 *)((const volatile u8 *)registers + offset))
                     : "memory");
    return value;
}

#endif
