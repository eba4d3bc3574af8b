/* Fixed-width types and the few macros that every file of the kernel may use. */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define PAGE_SIZE 4096u
#define PAGE_SHIFT 12

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define ALIGN_DOWN(value, unit) ((value) & ~((unit)-1))
#define ALIGN_UP(value, unit) (((value) + (unit)-1) & ~((unit)-1))
#define DIVIDE_UP(value, unit) (((value) + (unit)-1) / (unit))

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define MUST_CHECK __attribute__((warn_unused_result))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NORETURN __attribute__((noreturn))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))

/* A pointer into user space. It is never dereferenced: see copy_from_user in arch.h. */
#define USER

#endif
