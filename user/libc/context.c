/* User contexts: where errno, stdio's state and thread-local variables of the running context are
 * found. There is one context now; a thread will make its own struct user_context and _reent and load
 * %gs likewise. */
#include <elf.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <fibril/calls.h>
#include "libc.h"

/* struct user_desc of the Linux/i386 ABI (asm/ldt.h). */
struct segment_descriptor {
    int entry; /* -1: the kernel chooses and stores it */
    unsigned base, limit;
    unsigned flags;
};
#define SEGMENT_32_BIT 1u
#define SEGMENT_LIMIT_IN_PAGES (1u << 4)
#define SEGMENT_USABLE (1u << 6)

/* The program header of thread-local data (PT_TLS), which program.ld always makes. */
struct program_header {
    unsigned type, offset, address, physical, file_size, memory_size, flags, align;
};
#define PROGRAM_TLS 7

struct _reent *
__getreent(void)
{
    return user_context()->reent;
}

long
libc_result(long result)
{
    if ((unsigned long)result >= (unsigned long)-4095) {
        errno = -result;
        return -1;
    }
    return result;
}

static const struct program_header *
find_thread_data(const unsigned long *auxiliary)
{
    const struct program_header *header = NULL;
    unsigned long count = 0;

    for (; auxiliary[0] != AT_NULL; auxiliary += 2) {
        if (auxiliary[0] == AT_PHDR)
            header = (const struct program_header *)auxiliary[1];
        if (auxiliary[0] == AT_PHNUM)
            count = auxiliary[1];
    }
    for (; header && count > 0; header++, count--)
        if (header->type == PROGRAM_TLS)
            return header;
    return NULL;
}

static void
load_segment(struct user_context *context)
{
    struct segment_descriptor descriptor = {
        .entry = -1,
        .base = (unsigned)context,
        .limit = 0xfffff,
        .flags = SEGMENT_32_BIT | SEGMENT_LIMIT_IN_PAGES | SEGMENT_USABLE,
    };

    if (sys_set_thread_area(&descriptor) < 0) {
        static const char text[] = "libc: the kernel refused set_thread_area\n";
        sys_write(2, text, sizeof text - 1);
        _exit(127);
    }
    __asm__ volatile("movw %w0, %%gs" : : "q"(descriptor.entry * 8 + 3));
}

/* Thread-local data lies below the context, its end aligned (i386 TLS variant II). */
void
libc_context_start(const unsigned long *auxiliary, struct _reent *reent)
{
    static struct user_context first; /* used where the program has no thread-local data */
    const struct program_header *data = find_thread_data(auxiliary);
    struct user_context *context = &first;

    if (data && data->memory_size > 0) {
        unsigned align = data->align > 16 ? data->align : 16;
        unsigned size = (data->memory_size + align - 1) / align * align;
        char *block = sbrk(size + sizeof *context + align);
        block = (char *)(((unsigned long)block + align - 1) / align * align);
        memcpy(block + size - (data->memory_size + data->align - 1) / data->align * data->align,
               (const char *)data->address, data->file_size);
        context = (struct user_context *)(block + size);
    }
    context->self = context;
    context->reent = reent;
    context->tid = sys_gettid();
    load_segment(context);
}
