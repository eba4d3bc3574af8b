/* Loading programs: see program.h. [ELF] System V ABI chapters 4 and 5. Segments are mapped from the
 * file and read when they are touched. */
#include "kernel/sys/program.h"
#include "arch.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/file_map.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/map_source.h"
#include "kernel/string.h"
#include "kernel/sys/program_stack.h"
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
struct elf_note {
    u32 name_size, description_size, type;
};
#define ELF_TYPE_EXECUTABLE 2
#define ELF_TYPE_MOVABLE 3 /* static, but position-independent */
#define ELF_MACHINE_386 3
#define ELF_SEGMENT_LOAD 1
#define ELF_SEGMENT_INTERPRETER 3
#define ELF_SEGMENT_NOTE 4
#define ELF_FLAG_EXECUTE 1
#define ELF_FLAG_WRITE 2
#define ELF_FLAG_READ 4
#define SEGMENTS_MOST 32
#define USER_START 0x1000u
#define MOVABLE_BASE 0x40000000u
#define NOTES_BYTES 256u /* so much of them is looked at */
#define NOTE_OWNER "Fibril" /* ours: user/libc/note.asm */
#define NOTE_ABI 1
#define SCRIPT_DEPTH_MOST 4
#define SCRIPT_LINE 256u

struct image { /* heap */
    struct file *file;
    struct elf_header header;
    struct elf_segment segments[SEGMENTS_MOST];
    u32 base;              /* added to its addresses */
    bool own_numbers;      /* it carries our note */
    u8 start[SCRIPT_LINE]; /* of the file, with a zero behind */
    u8 notes[NOTES_BYTES];
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

/* ---- Checking: nothing is changed yet ---- */

static int
header_check(const struct elf_header *h)
{
    static const u8 identity[7] = {0x7f, 'E', 'L', 'F', 1, 1, 1}; /* 32 bits, little-endian */
    if (memcmp(h->identity, identity, sizeof(identity)) ||
        (h->type != ELF_TYPE_EXECUTABLE && h->type != ELF_TYPE_MOVABLE) ||
        h->machine != ELF_MACHINE_386 || h->segment_size != sizeof(struct elf_segment) ||
        h->segment_count == 0 || h->segment_count > SEGMENTS_MOST)
        return -ENOEXEC;
    return 0;
}

/* Its address is what it will be in memory. */
static bool
segment_valid(const struct elf_segment *s)
{
    return s->file_size <= s->memory_size && s->address >= USER_START &&
           s->address < USER_MAP_TOP && s->memory_size <= USER_MAP_TOP - s->address &&
           s->address % PAGE_SIZE == s->offset % PAGE_SIZE && s->offset + s->file_size >= s->offset;
}

/* Segments ascend; where two share a page, the later one's contents of it are shown. A dynamic program is
 * refused. */
static int
segments_check(struct image *image)
{
    u32 end = 0, loadable = 0;
    for (unsigned i = 0; i < image->header.segment_count; i++) {
        struct elf_segment *s = &image->segments[i];
        if (s->type == ELF_SEGMENT_INTERPRETER)
            return -ENOEXEC;
        if (s->type != ELF_SEGMENT_LOAD || s->memory_size == 0)
            continue;
        if (s->address + image->base < s->address)
            return -ENOEXEC;
        s->address += image->base;
        if (!segment_valid(s) || s->address < end)
            return -ENOEXEC;
        end = s->address + s->memory_size;
        loadable++;
    }
    return loadable ? 0 : -ENOEXEC;
}

/* ---- Notes: [ELF] "Note Section". What is malformed is no note of ours ---- */

static bool
notes_have_ours(const u8 *notes, u32 size)
{
    struct elf_note note;
    for (u32 at = 0; size - at >= sizeof(note);) {
        memcpy(&note, notes + at, sizeof(note));
        at += sizeof(note);
        u32 left = size - at;
        if (note.name_size > left || note.description_size > left)
            return false;
        if (note.type == NOTE_ABI && note.name_size == sizeof(NOTE_OWNER) &&
            !memcmp(notes + at, NOTE_OWNER, sizeof(NOTE_OWNER)))
            return true;
        u32 step = ALIGN_UP(note.name_size, 4u) + ALIGN_UP(note.description_size, 4u);
        if (step > left)
            return false;
        at += step;
    }
    return false;
}

static int
notes_read(struct image *image)
{
    for (unsigned i = 0; i < image->header.segment_count; i++) {
        const struct elf_segment *s = &image->segments[i];
        u32 size = MIN(s->file_size, NOTES_BYTES);
        if (s->type != ELF_SEGMENT_NOTE || image->own_numbers)
            continue;
        int error = file_read_exact(image->file, s->offset, image->notes, size);
        if (error && error != -ENOEXEC)
            return error;
        image->own_numbers = !error && notes_have_ours(image->notes, size);
    }
    return 0;
}

static int
image_read(struct image *image)
{
    int error = file_read_exact(image->file, 0, &image->header, sizeof(image->header));
    if (!error)
        error = header_check(&image->header);
    if (!error)
        error = file_read_exact(image->file, image->header.segment_offset, image->segments,
                                image->header.segment_count * sizeof(struct elf_segment));
    image->base = image->header.type == ELF_TYPE_MOVABLE ? MOVABLE_BASE : 0;
    image->own_numbers = false;
    if (!error)
        error = segments_check(image);
    return error ? error : notes_read(image);
}

static int
file_open_program(const char *path, struct file **file)
{
    int error = file_open_path(path, OPEN_READ, file);
    if (error)
        return error;
    struct inode *inode = (*file)->inode;
    error = inode && is_regular(inode) && inode->mode & 0111 ? inode_permission(inode, 1) : -EACCES;
    if (error)
        file_put(*file);
    return error;
}

/* ---- Scripts: "#!INTERPRETER [ARGUMENT]" ---- */

static char *
word_end(char *text)
{
    while (*text && *text != ' ' && *text != '\t')
        text++;
    return text;
}

static char *
blanks_end(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

/* The new arguments: interpreter, its argument, the script's path, the old ones but the first. */
static int
script_arguments(struct program *program, const char *interpreter, const char *argument)
{
    struct string_list list = {NULL, 0, 0, 0};
    const char *old = program->arguments.bytes;
    int error = string_list_add(&list, interpreter);
    if (!error && *argument)
        error = string_list_add(&list, argument);
    if (!error)
        error = string_list_add(&list, program->path);
    for (u32 i = 0; i < program->arguments.count && !error; i++) {
        if (i > 0)
            error = string_list_add(&list, old);
        old += strlen(old) + 1;
    }
    if (error) {
        string_list_free(&list);
        return error;
    }
    string_list_free(&program->arguments);
    program->arguments = list;
    return 0;
}

/* Takes the first line apart and puts the interpreter in the script's place: program->path is then the
 * first argument. */
static int
script_resolve(struct program *program, struct image *image)
{
    char *line = (char *)image->start + 2, *end = line;
    while (*end && *end != '\n')
        end++;
    if (!*end && end - line >= (long)SCRIPT_LINE - 3)
        return -ENOEXEC;
    while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = 0;
    char *interpreter = blanks_end(line);
    char *after = word_end(interpreter);
    char *argument = blanks_end(after);
    *after = 0;
    if (!*interpreter)
        return -ENOEXEC;
    int error = script_arguments(program, interpreter, after == argument ? "" : argument);
    if (!error)
        program->path = program->arguments.bytes;
    return error;
}

/* Opens the program, through scripts to the interpreter; image->file is open on success. */
static int
image_open(struct program *program, struct image *image)
{
    for (int depth = 0; depth <= SCRIPT_DEPTH_MOST; depth++) {
        int error = file_open_program(program->path, &image->file);
        if (error)
            return error;
        struct iter iter;
        u64 position = 0;
        memset(image->start, 0, sizeof(image->start));
        iter_init_kernel(&iter, image->start, sizeof(image->start) - 1);
        error = file_read(image->file, &iter, &position);
        bool script = !error && image->start[0] == '#' && image->start[1] == '!';
        if (!error && !script)
            error = image_read(image);
        if (!error && script)
            error = script_resolve(program, image);
        if (!error && !script)
            return 0;
        file_put(image->file);
        if (error)
            return error;
    }
    return -ELOOP;
}

/* ---- Mapping: into the running task's new, empty space ---- */

static u32
segment_protection(const struct elf_segment *s)
{
    return (s->flags & ELF_FLAG_READ ? PROTECTION_READ : 0) |
           (s->flags & ELF_FLAG_WRITE ? PROTECTION_WRITE : 0) |
           (s->flags & ELF_FLAG_EXECUTE ? PROTECTION_EXECUTE : 0);
}

static int
segment_map(struct map_source *source, const struct elf_segment *s)
{
    struct address_space *space = current_task()->space;
    uintptr_t start = ALIGN_DOWN(s->address, PAGE_SIZE);
    uintptr_t file_end = ALIGN_UP(s->address + s->file_size, PAGE_SIZE);
    uintptr_t end = ALIGN_UP(s->address + s->memory_size, PAGE_SIZE);
    u32 protection = segment_protection(s);
    int error = 0;
    if (s->file_size == 0)
        file_end = start;
    if (file_end > start)
        error = area_create_mapped(space, start, file_end - start, protection, false, source,
                                   (s->offset - s->address % PAGE_SIZE) >> PAGE_SHIFT);
    if (!error && end > file_end)
        error = area_create(space, file_end, end - file_end, protection);
    uintptr_t used = s->address + s->file_size;
    if (!error && protection & PROTECTION_WRITE && s->memory_size > s->file_size && used < file_end)
        error = clear_user((void USER *)used, file_end - used);
    space->heap_start = space->heap_end = MAX(space->heap_end, end);
    return error;
}

static u32
headers_address(const struct image *image)
{
    u32 offset = image->header.segment_offset;
    for (unsigned i = 0; i < image->header.segment_count; i++) {
        const struct elf_segment *s = &image->segments[i];
        if (s->type == ELF_SEGMENT_LOAD && offset >= s->offset && offset - s->offset < s->file_size)
            return s->address + offset - s->offset;
    }
    return 0;
}

static int
image_map(struct image *image, struct map_source *source)
{
    int error = 0;
    for (unsigned i = 0; i < image->header.segment_count && !error; i++) {
        const struct elf_segment *s = &image->segments[i];
        if (s->type == ELF_SEGMENT_LOAD && s->memory_size)
            error = segment_map(source, s);
    }
    return error;
}

/* A program that is marked so runs with its owner's ids; what it had before stays as the real ones. */
static int
identity_take(const struct inode *inode)
{
    struct credentials new = *current_task()->credentials;
    if (inode->mode & MODE_SET_UID && !current_task()->process->no_new_privileges)
        new.euid = inode->uid;
    if (inode->mode & MODE_SET_GID && inode->mode & 010 &&
        !current_task()->process->no_new_privileges)
        new.egid = inode->gid;
    if (new.euid == current_task()->credentials->euid &&
        new.egid == current_task()->credentials->egid && new.saved_uid == new.euid &&
        new.saved_gid == new.egid)
        return 0;
    new.saved_uid = new.euid;
    new.saved_gid = new.egid;
    return credentials_change(&new);
}

/* From here on an error kills. */
static int
image_enter(struct program *program, struct image *image, struct map_source *source,
            struct address_space *space, struct program_entry *entry)
{
    struct program_stack stack = {
        .program_headers = headers_address(image),
        .program_header_count = image->header.segment_count,
        .entry = image->header.entry + image->base,
        .path = program->name,
        .arguments = &program->arguments,
        .environment = &program->environment,
    };
    space->program = map_source_get(source);
    task_set_space(current_task(), space);
    descriptor_table_close_on_exec(current_task()->files);
    current_task()->process->own_numbers = image->own_numbers;
    int error = task_reset_for_program(program->name);
    if (!error)
        error = identity_take(image->file->inode);
    if (!error)
        error = image_map(image, source);
    if (!error)
        error = program_stack_build(&stack, &entry->stack);
    entry->instruction = image->header.entry + image->base;
    if (error)
        process_kill(current_task()->process, SIGKILL);
    return 0;
}

static int
image_execute(struct program *program, struct image *image, struct program_entry *entry)
{
    struct map_source *source;
    struct address_space *space;
    struct descriptor_table *files = NULL;
    int error = file_map_source(image->file, &source);
    if (error)
        return error;
    error = address_space_create(&space);
    if (!error) {
        error = descriptor_table_is_shared(current_task()->files)
                    ? descriptor_table_copy(current_task()->files, &files)
                    : 0;
        if (!error)
            error = task_become_alone();
        if (error)
            address_space_put(space);
    }
    if (error) {
        if (files)
            descriptor_table_put(files);
    } else {
        if (files) {
            descriptor_table_put(current_task()->files);
            current_task()->files = files;
        }
        error = image_enter(program, image, source, space, entry);
    }
    map_source_put(source);
    return error;
}

int
program_execute(struct program *program, struct program_entry *entry)
{
    struct image *image = heap_alloc(sizeof(*image));
    if (!image)
        return -ENOMEM;
    int error = program->arguments.count ? 0 : string_list_add(&program->arguments, "");
    program->name = program->path;
    if (!error)
        error = image_open(program, image);
    if (!error) {
        error = image_execute(program, image, entry);
        file_put(image->file);
    }
    heap_free(image);
    return error;
}

/* ---- The end ---- */

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
