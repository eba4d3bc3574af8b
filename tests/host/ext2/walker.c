/* Walks a mounted tree through its inode operations, as the path walk and getdents64 would. */
#include "ext2_host.h"

#include "arch.h"
#include "fs/cache.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"

struct entry {
    char *name;
    size_t length;
    u64 number;
    u8 type;
};

/* Room for one more in an array that doubles when it is full. */
static void *
grow(void *array, size_t count, size_t size)
{
    if (count & (count - 1))
        return array;
    return realloc(array, (count ? 2 * count : 1) * size);
}

struct entries {
    struct entry *list;
    size_t count;
    u32 left;  /* until the batch is full */
    u64 next;  /* behind the last one */
    u32 *total, most;
};

static int
collect(void *argument, const char *name, size_t length, u64 number, u8 type, u64 next)
{
    struct entries *entries = argument;
    if (entries->left-- == 0 || (entries->most && *entries->total > entries->most))
        return 1;
    ++*entries->total;
    entries->list = grow(entries->list, entries->count, sizeof *entries->list);
    struct entry *entry = &entries->list[entries->count++];
    *entry = (struct entry){malloc(length + 1), length, number, type};
    memcpy(entry->name, name, length);
    entry->name[length] = 0;
    entries->next = next;
    return 0;
}

/* All entries, taken in batches as getdents64 does. */
static int
read_entries(struct walk *walk, struct inode *directory, struct entries *entries, u32 *total)
{
    *entries = (struct entries){.total = total, .most = walk->entries_most};
    for (;;) {
        size_t before = entries->count;
        entries->left = walk->batch ? walk->batch : ~0u;
        int error = directory->ops->read_directory(directory, entries->next, collect, entries);
        if (walk->entries_most && *total > walk->entries_most)
            walk->overrun = true;
        if (error < 0)
            return error;
        if (error == 0 || entries->count == before || walk->overrun)
            return 0;
    }
}

int
host_sum(struct inode *inode, u32 pages_most, char sum[65])
{
    struct sha256 state;
    sha256_init(&state);
    u64 pages = (inode->size + PAGE_SIZE - 1) / PAGE_SIZE;
    for (u64 index = 0; index < pages; index++) {
        if (index == pages_most && index != 0) /* then the last one */
            index = pages - 1;
        struct page *page;
        int error = cache_get_run(&inode->object, (u32)index, (u32)MIN(pages - index, 16u), &page);
        if (error)
            return error;
        u64 left = inode->size - index * PAGE_SIZE;
        sha256_add(&state, page_address(page), MIN(left, PAGE_SIZE));
        page_put(page);
        if (index % 4096 == 4095) /* the host's pages are fewer than the largest files' */
            cache_drop_object(&inode->object);
    }
    sha256_end(&state, sum);
    return 0;
}

static void
escape(const char *path, size_t length, char *out)
{
    for (; length > 0; path++, length--) {
        if (*path == '\n' || *path == '\\') {
            *out++ = '\\';
            *out++ = *path == '\n' ? 'n' : '\\';
        } else {
            *out++ = *path;
        }
    }
    *out = 0;
}

/* The types by mode >> 12, as letters and as DT_ values (which are the same numbers). */
static const char letters[] = "?pc?d?b?f?l?s???";

/* A line is kept as its path, a zero, and its text: so sorting is strcmp. */
static void
add_line(struct walk *walk, const char *path, const struct inode *inode, const char *sum)
{
    size_t length = strlen(path);
    char *line = malloc(length + 1 + 160 + 2 * length + 1);
    memcpy(line, path, length + 1);
    char *text = line + length + 1;
    int used = sprintf(text, "%c %llu %04o %llu ", letters[inode->mode >> 12],
                       (unsigned long long)inode->size, inode->mode & MODE_PERMISSIONS,
                       (unsigned long long)inode->number);
    if (walk->sums)
        used += sprintf(text + used, "%s ", sum);
    escape(path, length, text + used);
    walk->lines = grow(walk->lines, walk->count, sizeof *walk->lines);
    walk->lines[walk->count++] = line;
}

static void
note_error(struct walk *walk, int error)
{
    walk->errors++;
    walk->last_error = error;
}

static void walk_directory(struct walk *walk, struct inode *directory, const char *path,
                           u32 *total);

static void
walk_entry(struct walk *walk, struct inode *directory, const char *path, struct entry *entry,
           u32 *total)
{
    struct inode *inode;
    int error = directory->ops->lookup(directory, entry->name, entry->length, &inode);
    if (error) {
        note_error(walk, error);
        return;
    }
    char *inner = malloc(strlen(path) + entry->length + 2), sum[65] = "-";
    sprintf(inner, "%s/%s", path, entry->name);
    if (inode->number != entry->number || (entry->type && entry->type != inode->mode >> 12))
        walk->mismatch = true;
    if (walk->sums && is_regular(inode))
        error = host_sum(inode, walk->read_pages_most, sum);
    if (error) {
        note_error(walk, error);
        strcpy(sum, "-");
    }
    add_line(walk, inner, inode, sum);
    if (is_directory(inode) && !walk->overrun)
        walk_directory(walk, inode, inner, total);
    char target[256];
    size_t length;
    if (is_symlink(inode) && (error = inode->ops->read_link(inode, target, sizeof target, &length)))
        note_error(walk, error);
    else if (is_symlink(inode) && length != MIN(inode->size, sizeof target))
        walk->mismatch = true;
    free(inner);
    inode_put(inode);
}

static void
walk_directory(struct walk *walk, struct inode *directory, const char *path, u32 *total)
{
    struct entries entries;
    int error = read_entries(walk, directory, &entries, total);
    if (error)
        note_error(walk, error);
    for (size_t i = 0; i < entries.count; i++) {
        struct entry *entry = &entries.list[i];
        if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0 && !walk->overrun)
            walk_entry(walk, directory, path, entry, total);
        free(entry->name);
    }
    free(entries.list);
}

static int
compare_lines(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void
walk_tree(struct walk *walk, struct filesystem *filesystem)
{
    u32 total = 0;
    walk->lines = NULL;
    walk->count = walk->errors = 0;
    walk->overrun = walk->mismatch = false;
    walk_directory(walk, filesystem->root, ".", &total);
    if (walk->count)
        qsort(walk->lines, walk->count, sizeof *walk->lines, compare_lines);
}

void
walk_free(struct walk *walk)
{
    for (size_t i = 0; i < walk->count; i++)
        free(walk->lines[i]);
    free(walk->lines);
    walk->lines = NULL;
    walk->count = 0;
}

char *
walk_text(const struct walk *walk)
{
    size_t length = 0;
    for (size_t i = 0; i < walk->count; i++)
        length += strlen(strchr(walk->lines[i], 0) + 1) + 1;
    char *text = malloc(length + 1), *end = text;
    for (size_t i = 0; i < walk->count; i++)
        end += sprintf(end, "%s\n", strchr(walk->lines[i], 0) + 1);
    *end = 0;
    return text;
}

int
host_find(struct filesystem *filesystem, const char *path, struct inode **inode)
{
    *inode = filesystem->root;
    inode_get(*inode);
    while (*path) {
        size_t length = strcspn(path, "/");
        struct inode *next;
        int error = (*inode)->ops->lookup(*inode, path, length, &next);
        inode_put(*inode);
        if (error)
            return error;
        *inode = next;
        path += length + (path[length] == '/');
    }
    return 0;
}
