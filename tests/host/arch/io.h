/* Port input and output and device registers for host unit tests: functions that a test's fake device defines. The
 * defaults (tests/host/support/io.c) read as an empty bus. Stands in for arch/i386/io.h. */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include "kernel/types.h"

void port_out8(u16 port, u8 value);
void port_out16(u16 port, u16 value);
void port_out32(u16 port, u32 value);
u8 port_in8(u16 port);
u16 port_in16(u16 port);
u32 port_in32(u16 port);
void port_in16_many(u16 port, void *to, unsigned words);
void port_out16_many(u16 port, const void *from, unsigned words);
void device_write32(volatile void *registers, unsigned offset, u32 value);
u32 device_read32(const volatile void *registers, unsigned offset);

#endif
