/* printf for the kernel: %d %i %u %o %x %X %p %s %c %% with the flags 0 and -, a width (or *), a
 * precision for %s (or *), and the lengths l, ll, z. No floating point. */
#ifndef KERNEL_FORMAT_H
#define KERNEL_FORMAT_H

#include "kernel/types.h"

/* Writes at most size-1 bytes and a terminating zero (size > 0); returns the bytes written without
 * the zero: unlike snprintf, never more than were stored. */
size_t format_string(char *buffer, size_t size, const char *format, ...) PRINTF(3, 4);
size_t format_string_list(char *buffer, size_t size, const char *format, va_list arguments);

#endif
