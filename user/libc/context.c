/* User contexts: where errno, stdio's state and thread-local variables of the running context are
 * found. Each thread has a context of its own (thread.h); this file makes the first. */
#include <elf.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <fibril/calls.h>
#include "thread.h"

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

static struct segment_descriptor
descriptor_of(int entry, struct user_context *context)
{
    return (struct segment_descriptor){
        .entry = entry,
        .base = (unsigned)context,
        .limit = 0xfffff,
        .flags = SEGMENT_32_BIT | SEGMENT_LIMIT_IN_PAGES | SEGMENT_USABLE,
    };
}

struct segment_descriptor
libc_segment_descriptor(struct user_context *context)
{
    unsigned short selector;

    __asm__("movw %%gs, %0" : "=r"(selector));
    return descriptor_of(selector >> 3, context);
}

static void
load_segment(struct user_context *context)
{
    struct segment_descriptor descriptor = descriptor_of(-1, context);

    if (sys_set_thread_area(&descriptor) < 0) {
        static const char text[] = "libc: the kernel refused set_thread_area\n";
        sys_write(2, text, sizeof text - 1);
        _exit(127);
    }
    __asm__ volatile("movw %w0, %%gs" : : "q"(descriptor.entry * 8 + 3));
}

/* ---- Thread-local data: below the context, its end aligned (i386 TLS variant II) ---- */

static const struct program_header *thread_data; /* NULL: the program has none */

static unsigned
data_align(void)
{
    return thread_data->align > 16 ? thread_data->align : 16;
}

size_t
thread_data_size(void)
{
    if (!thread_data)
        return 0;
    return (thread_data->memory_size + data_align() - 1) / data_align() * data_align();
}

void
thread_data_fill(struct __pthread *thread)
{
    size_t size = thread_data_size();
    char *data = (char *)thread - size;

    if (!size)
        return;
    memset(data, 0, size);
    unsigned align = thread_data->align ? thread_data->align : 1;
    data += size - (thread_data->memory_size + align - 1) / align * align;
    memcpy(data, (const char *)thread_data->address, thread_data->file_size);
}

void
libc_context_start(const unsigned long *auxiliary, struct _reent *reent)
{
    static struct __pthread alone; /* used where the program has no thread-local data */
    struct __pthread *first = &alone;

    thread_data = find_thread_data(auxiliary);
    if (thread_data && thread_data->memory_size > 0) {
        unsigned align = data_align() > 64 ? data_align() : 64;
        char *block = sbrk(thread_data_size() + sizeof *first + align);
        first = (struct __pthread *)(((unsigned long)block + thread_data_size() + align - 1) /
                                     align * align);
    }
    thread_data_fill(first);
    first->context.self = &first->context;
    first->context.reent = reent;
    load_segment(&first->context);
    first->context.tid = sys_set_tid_address((unsigned long)&first->running);
    first->running = first->context.tid;
}
