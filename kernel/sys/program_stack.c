/* The stack that a program begins with: argument count, pointers, auxiliary vector, strings. [i386 ABI]
 * 3.4.1; the auxiliary vector's numbers are Linux's (linux/auxvec.h). */
#include "kernel/sys/program_stack.h"
#include "arch.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "kernel/task.h"

enum { AT_NULL, AT_PHDR = 3, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY, AT_UID = 11,
       AT_EUID, AT_GID, AT_EGID, AT_PLATFORM, AT_HWCAP, AT_CLKTCK, AT_SECURE = 23, AT_RANDOM = 25,
       AT_EXECFN = 31 };
#define AUXILIARY_PAIRS 18
#define PROGRAM_HEADER_BYTES 32
#define STACK_LEAST (1u << 20) /* the strings have room in it */
#define STACK_MOST (64u << 20)

struct image {
    u32 *words; /* heap: what goes to the final stack pointer */
    u32 count;
    uintptr_t strings; /* user address of the last block put, growing down */
    int error;
};

static u32
put_bytes(struct image *image, const void *bytes, size_t size)
{
    image->strings -= size;
    if (!image->error)
        image->error = copy_to_user((void USER *)image->strings, bytes, size);
    return image->strings;
}

static void
put_word(struct image *image, u32 word)
{
    image->words[image->count++] = word;
}

static void
put_pair(struct image *image, u32 type, u32 value)
{
    put_word(image, type);
    put_word(image, value);
}

/* The strings go up in one block, their addresses into the words. */
static void
put_strings(struct image *image, const struct string_list *list)
{
    u32 base = put_bytes(image, list->bytes, list->used);
    const char *string = list->bytes;
    for (u32 i = 0; i < list->count; i++) {
        put_word(image, base + (u32)(string - list->bytes));
        string += strlen(string) + 1;
    }
    put_word(image, 0);
}

static void
put_auxiliary(struct image *image, const struct program_stack *program)
{
    const struct credentials *credentials = current_task()->credentials;
    u8 random[16];
    random_bytes(random, sizeof(random));
    u32 random_at = put_bytes(image, random, sizeof(random));
    u32 platform = put_bytes(image, "i686", 5);
    u32 name = put_bytes(image, program->path, strlen(program->path) + 1);
    put_pair(image, AT_PHDR, program->program_headers);
    put_pair(image, AT_PHENT, PROGRAM_HEADER_BYTES);
    put_pair(image, AT_PHNUM, program->program_header_count);
    put_pair(image, AT_PAGESZ, PAGE_SIZE);
    put_pair(image, AT_BASE, 0);
    put_pair(image, AT_FLAGS, 0);
    put_pair(image, AT_ENTRY, program->entry);
    put_pair(image, AT_UID, credentials->uid);
    put_pair(image, AT_EUID, credentials->euid);
    put_pair(image, AT_GID, credentials->gid);
    put_pair(image, AT_EGID, credentials->egid);
    put_pair(image, AT_PLATFORM, platform);
    put_pair(image, AT_CLKTCK, 100);
    put_pair(image, AT_SECURE,
             credentials->uid != credentials->euid || credentials->gid != credentials->egid);
    put_pair(image, AT_RANDOM, random_at);
    put_pair(image, AT_EXECFN, name);
    put_pair(image, AT_NULL, 0);
}

/* As large as LIMIT_STACK allows, within reason: it is taken page by page as it is touched. */
static size_t
stack_bytes(void)
{
    u32 limit = current_task()->process->limits[LIMIT_STACK].soft;
    return ALIGN_DOWN(MAX(STACK_LEAST, MIN(limit, STACK_MOST)), PAGE_SIZE);
}

int
program_stack_build(const struct program_stack *program, uintptr_t *stack_pointer)
{
    u32 strings = program->arguments->count + program->environment->count;
    u32 words = 1 + strings + 2 + 2 * AUXILIARY_PAIRS;
    struct image image = {.strings = USER_STACK_TOP - sizeof(u32)};
    size_t bytes = stack_bytes();
    struct area area = {
        .start = USER_STACK_TOP - bytes, .end = USER_STACK_TOP, .flags = AREA_STACK,
        .protection = PROTECTION_READ | PROTECTION_WRITE,
    };
    int error = area_create_like(current_task()->space, &area);
    if (error)
        return error;
    image.words = heap_alloc(words * sizeof(u32));
    if (!image.words)
        return -ENOMEM;
    struct address_space *space = current_task()->space;
    put_word(&image, program->arguments->count);
    put_strings(&image, program->arguments);
    space->arguments_start = image.strings;
    space->arguments_end = image.strings + program->arguments->used;
    put_strings(&image, program->environment);
    space->environment_start = image.strings;
    space->environment_end = image.strings + program->environment->used;
    put_auxiliary(&image, program);
    ASSERT(image.count <= words);
    *stack_pointer = ALIGN_DOWN(image.strings - image.count * sizeof(u32), 16u);
    error = image.error;
    if (!error)
        error = copy_to_user((void USER *)*stack_pointer, image.words, image.count * sizeof(u32));
    heap_free(image.words);
    address_space_limit_stack(space, current_task()->process->limits[LIMIT_STACK].soft);
    return error;
}
