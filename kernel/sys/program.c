/* The ELF loader: see program.h. Formats: [ELF] System V ABI chapter 4 and 5, [i386 ABI] 3.4.1 for the
 * stack at entry; the auxiliary vector's numbers are Linux's (linux/auxvec.h). */
#include "kernel/sys/program.h"
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "kernel/task.h"

struct elf_header {
    u8 identity[16];
    u16 type, machine;
    u32 version, entry, segment_offset, section_offset, flags;
    u16 header_size, segment_size, segment_count, section_size, section_count, names;
};
struct elf_segment {
    u32 type, offset, address, physical, file_size, memory_size, flags, align;
};
#define ELF_TYPE_EXECUTABLE 2
#define ELF_MACHINE_386 3
#define ELF_SEGMENT_LOAD 1
#define ELF_FLAG_EXECUTE 1
#define ELF_FLAG_WRITE 2
#define ELF_FLAG_READ 4
#define SEGMENTS_MOST 32
#define USER_START 0x1000u

enum { AT_NULL, AT_PHDR = 3, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY, AT_UID = 11,
       AT_EUID, AT_GID, AT_EGID, AT_PLATFORM, AT_HWCAP, AT_CLKTCK, AT_SECURE = 23, AT_RANDOM = 25,
       AT_EXECFN = 31 };
#define AUXILIARY_PAIRS 17
#define ARGUMENT_BYTES_MOST (128u << 10)

struct loading {
    struct file *file;
    struct elf_header header;
    uintptr_t mapped_end; /* of the segments so far */
    uintptr_t headers;    /* where the program headers were loaded, or 0 */
};

static int
file_read_exact(struct file *file, u64 position, void *buffer, size_t size)
{
    struct iter iter;
    iter_init_kernel(&iter, buffer, size);
    int error = file_read(file, &iter, &position);
    if (error)
        return error;
    return iter.done == size ? 0 : -ENOEXEC;
}

static int
header_check(const struct elf_header *h)
{
    static const u8 identity[7] = {0x7f, 'E', 'L', 'F', 1, 1, 1}; /* 32 bits, little-endian */
    if (memcmp(h->identity, identity, sizeof(identity)) || h->type != ELF_TYPE_EXECUTABLE ||
        h->machine != ELF_MACHINE_386 || h->segment_size != sizeof(struct elf_segment) ||
        h->segment_count == 0 || h->segment_count > SEGMENTS_MOST)
        return -ENOEXEC;
    return 0;
}

static int
segment_check(const struct elf_segment *s)
{
    if (s->file_size > s->memory_size || s->address < USER_START || s->address >= USER_MAP_TOP ||
        s->memory_size > USER_MAP_TOP - s->address || s->address % PAGE_SIZE != s->offset % PAGE_SIZE)
        return -ENOEXEC;
    return 0;
}

/* File contents go in through the ordinary copy to user memory, so the area is writable meanwhile. */
static int
segment_load(struct loading *l, const struct elf_segment *s)
{
    struct address_space *space = current_task()->space;
    uintptr_t start = ALIGN_DOWN(s->address, PAGE_SIZE);
    uintptr_t end = ALIGN_UP(s->address + s->memory_size, PAGE_SIZE);
    start = MAX(start, l->mapped_end); /* a page shared with the segment before stays as it is */
    if (start < end) {
        int error = area_create(space, start, end - start, PROTECTION_READ | PROTECTION_WRITE);
        if (error)
            return error;
        l->mapped_end = end;
    }
    struct iter iter;
    u64 position = s->offset;
    iter_init_user(&iter, (void USER *)(uintptr_t)s->address, s->file_size);
    int error = s->file_size ? file_read(l->file, &iter, &position) : 0;
    if (error)
        return error;
    if (iter.done != s->file_size)
        return -ENOEXEC;
    if (start >= end)
        return 0;
    u32 protection = (s->flags & ELF_FLAG_READ ? PROTECTION_READ : 0) |
                     (s->flags & ELF_FLAG_WRITE ? PROTECTION_WRITE : 0) |
                     (s->flags & ELF_FLAG_EXECUTE ? PROTECTION_EXECUTE : 0);
    return area_protect(space, start, end - start, protection);
}

static int
segments_load(struct loading *l)
{
    for (unsigned i = 0; i < l->header.segment_count; i++) {
        struct elf_segment s;
        int error = file_read_exact(l->file, l->header.segment_offset + i * sizeof(s), &s, sizeof(s));
        if (error)
            return error;
        if (s.type != ELF_SEGMENT_LOAD || s.memory_size == 0)
            continue;
        error = segment_check(&s);
        if (!error)
            error = segment_load(l, &s);
        if (error)
            return error;
        if (s.offset <= l->header.segment_offset && l->header.segment_offset - s.offset < s.file_size)
            l->headers = s.address + l->header.segment_offset - s.offset;
    }
    struct address_space *space = current_task()->space;
    space->heap_start = space->heap_end = l->mapped_end;
    return l->mapped_end ? 0 : -ENOEXEC;
}

/* ---- The stack ---- */

struct stack_image {
    u32 *words;         /* what goes to the final stack pointer, heap */
    unsigned count;
    uintptr_t strings;  /* user address of the next string to be put, growing down */
    int error;
};

static u32
stack_put_bytes(struct stack_image *image, const void *bytes, size_t size)
{
    image->strings -= size;
    if (!image->error)
        image->error = copy_to_user((void USER *)image->strings, bytes, size);
    return image->strings;
}

static u32
stack_put_string(struct stack_image *image, const char *string)
{
    return stack_put_bytes(image, string, strlen(string) + 1);
}

static void
stack_put_pair(struct stack_image *image, u32 type, u32 value)
{
    image->words[image->count++] = type;
    image->words[image->count++] = value;
}

static void
stack_put_auxiliary(struct stack_image *image, const struct loading *l, const struct program *program)
{
    const struct credentials *credentials = current_task()->credentials;
    u8 random[16];
    random_bytes(random, sizeof(random));
    u32 random_at = stack_put_bytes(image, random, sizeof(random));
    u32 platform = stack_put_string(image, "i686");
    u32 name = stack_put_string(image, program->path);
    stack_put_pair(image, AT_PHDR, l->headers);
    stack_put_pair(image, AT_PHENT, sizeof(struct elf_segment));
    stack_put_pair(image, AT_PHNUM, l->header.segment_count);
    stack_put_pair(image, AT_PAGESZ, PAGE_SIZE);
    stack_put_pair(image, AT_BASE, 0);
    stack_put_pair(image, AT_FLAGS, 0);
    stack_put_pair(image, AT_ENTRY, l->header.entry);
    stack_put_pair(image, AT_UID, credentials->uid);
    stack_put_pair(image, AT_EUID, credentials->euid);
    stack_put_pair(image, AT_GID, credentials->gid);
    stack_put_pair(image, AT_EGID, credentials->egid);
    stack_put_pair(image, AT_PLATFORM, platform);
    stack_put_pair(image, AT_CLKTCK, 100);
    stack_put_pair(image, AT_SECURE, 0);
    stack_put_pair(image, AT_RANDOM, random_at);
    stack_put_pair(image, AT_EXECFN, name);
    stack_put_pair(image, AT_NULL, 0);
}

static int
stack_build(const struct loading *l, const struct program *program, uintptr_t *stack)
{
    unsigned argc = program->argument_count, envc = program->environment_count;
    struct stack_image image = {.strings = USER_STACK_TOP - sizeof(u32)};
    int error = area_create(current_task()->space, USER_STACK_TOP - USER_STACK_BYTES,
                            USER_STACK_BYTES, PROTECTION_READ | PROTECTION_WRITE);
    if (error)
        return error;
    size_t words = 1 + argc + 1 + envc + 1 + 2 * AUXILIARY_PAIRS;
    image.words = heap_alloc(words * sizeof(u32));
    if (!image.words)
        return -ENOMEM;
    image.words[image.count++] = argc;
    for (unsigned i = 0; i < argc; i++)
        image.words[image.count++] = stack_put_string(&image, program->arguments[i]);
    image.words[image.count++] = 0;
    for (unsigned i = 0; i < envc; i++)
        image.words[image.count++] = stack_put_string(&image, program->environment[i]);
    image.words[image.count++] = 0;
    stack_put_auxiliary(&image, l, program);
    ASSERT(image.count <= words);
    *stack = ALIGN_DOWN(image.strings - image.count * sizeof(u32), 16u);
    error = image.error;
    if (!error)
        error = copy_to_user((void USER *)*stack, image.words, image.count * sizeof(u32));
    heap_free(image.words);
    return error;
}

static int
arguments_check(const struct program *program)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < program->argument_count; i++)
        bytes += strlen(program->arguments[i]) + 1;
    for (unsigned i = 0; i < program->environment_count; i++)
        bytes += strlen(program->environment[i]) + 1;
    return bytes > ARGUMENT_BYTES_MOST ? -E2BIG : 0;
}

int
program_load(const struct program *program, struct program_entry *entry)
{
    struct loading l = {.mapped_end = 0};
    int error = arguments_check(program);
    if (!error)
        error = file_open_path(program->path, OPEN_READ, &l.file);
    if (error)
        return error;
    error = is_regular(l.file->inode) ? inode_permission(l.file->inode, 1) : -EACCES;
    if (!error)
        error = file_read_exact(l.file, 0, &l.header, sizeof(l.header));
    if (!error)
        error = header_check(&l.header);
    if (!error)
        error = segments_load(&l);
    if (!error)
        error = stack_build(&l, program, &entry->stack);
    entry->instruction = l.header.entry;
    file_put(l.file);
    return error;
}

static void
program_release(struct task *task)
{
    if (task->files)
        descriptor_table_put(task->files);
    if (task->directories)
        directory_context_put(task->directories);
    task->files = NULL;
    task->directories = NULL;
}

void
program_init(void)
{
    static struct task_hooks hooks = {.release = program_release};
    task_register_hooks(&hooks);
}
