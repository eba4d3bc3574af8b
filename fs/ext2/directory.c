/* Directories, [EXT2] 4.1: each block is a chain of records that fills it exactly. Indexed
 * directories ([EXT2] 4.2) hide their index in records that look unused, so reading linearly serves
 * them too. Called by the path walk and getdents64 on the calling fibril; sleeps.
 *
 * A page of a directory is checked as a whole when it is first used and then marked, so that the
 * loops over its records need no checks of their own; pages are checked again when they have been
 * read again. Lookup begins behind the entry found last, since names are mostly asked for in the
 * order in which the directory was read: so n lookups in a directory of n entries cost n steps. */
#include "fs/cache.h"
#include "fs/ext2/ext2.h"
#include "fs/read_ahead.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/page.h"
#include "kernel/string.h"

/* In page->private of a directory's page: all its records are good; it has been listed since it was
 * read. */
#define PAGE_PRIVATE_CHECKED (PAGE_PRIVATE_USED << 1)
#define PAGE_PRIVATE_LISTED (PAGE_PRIVATE_USED << 2)

#define AHEAD_PAGES 256u /* of a directory: wished for when one page is read */

/* Linux's DT_ values for an entry's type, [EXT2] 4.1.1 file_type. */
static const u8 entry_types[] = {0, 8, 4, 2, 6, 1, 12, 10};

static inline const struct ext2_entry_raw *
entry_at(const u8 *base, u32 offset)
{
    return (const struct ext2_entry_raw *)(base + offset);
}

/* What is wrong with a record that may fill at most `room` bytes; NULL: nothing. */
static const char *
entry_fault(const struct ext2_filesystem *fs, const struct ext2_entry_raw *entry, u32 room)
{
    if (room < EXT2_ENTRY_HEADER || entry->record_length > room)
        return "crosses the block";
    if (entry->record_length % 4 != 0)
        return "bad length";
    if (entry->record_length < EXT2_ENTRY_HEADER + entry->name_length)
        return "too short for its name";
    if (entry->inode == 0)
        return NULL;
    if (!ext2_inode_number_valid(fs, entry->inode))
        return "bad inode number";
    if (entry->name_length == 0 || memchr(entry->name, '/', entry->name_length) ||
        memchr(entry->name, 0, entry->name_length))
        return "bad name";
    return NULL;
}

/* How many of `size` bytes are good records. */
static u32
check_records(struct inode *directory, const u8 *base, u32 size, u32 page_index)
{
    struct ext2_filesystem *fs = ext2_filesystem_of(directory);
    u32 offset = 0;
    while (offset < size) {
        u32 room = fs->block_size - (offset & (fs->block_size - 1));
        const char *fault = entry_fault(fs, entry_at(base, offset), room);
        if (fault) {
            (void)ext2_damaged(fs, "directory %u: entry at %u of page %u: %s",
                               (u32)directory->number, offset, page_index, fault);
            break;
        }
        offset += entry_at(base, offset)->record_length;
    }
    return offset;
}

bool
ext2_directory_page_checked(const struct page *page)
{
    return page->private & PAGE_PRIVATE_CHECKED;
}

/* Whoever begins with a big directory goes through all of it: `pages` from `index` on. */
static void
wish_rest(struct inode *directory, u32 index, u32 pages)
{
    struct page *page = cache_get_known(&directory->object, index);
    if (page)
        page_put(page);
    else
        read_ahead_wish(directory, &directory->object, index + CACHE_RUN_PAGES,
                        MIN(pages, AHEAD_PAGES) - CACHE_RUN_PAGES);
}

/* A page of the directory: *good bytes of it, from the start, are records that need no further
 * checks, out of *size that belong to the directory. */
static int
get_page(struct ext2_inode *directory, u32 index, struct page **page, u32 *good, u32 *size)
{
    struct inode *inode = &directory->inode;
    u32 left = (u32)inode->size - (index << PAGE_SHIFT), pages = DIVIDE_UP(left, PAGE_SIZE);
    if (index % AHEAD_PAGES == 0 && pages > CACHE_RUN_PAGES)
        wish_rest(inode, index, pages);
    int error = cache_get_run(&inode->object, index, pages, page);
    if (error)
        return error;
    *size = MIN(left, PAGE_SIZE);
    *good = *size;
    if (likely((*page)->private & PAGE_PRIVATE_CHECKED))
        return 0;
    directory->lookup_position = 0; /* they held for what stood here before */
    directory->read_position = 0;
    *good = check_records(inode, page_address(*page), *size, index);
    if (*good == *size)
        (*page)->private |= PAGE_PRIVATE_CHECKED;
    return 0;
}

/* ---- Lookup ---- */

/* The offset of the entry with this name, or `end`. */
static u32
search_records(const u8 *base, u32 offset, u32 end, const char *name, size_t length)
{
    while (offset < end) {
        const struct ext2_entry_raw *entry = entry_at(base, offset);
        if (entry->name_length == length && entry->name[0] == name[0] && entry->inode != 0 &&
            memcmp(entry->name, name, length) == 0)
            return offset;
        offset += entry->record_length;
    }
    return end;
}

/* Looks in one page from `offset` on. -ENOENT; -EUCLEAN: not found, but not all could be looked
 * at. */
static int
search_page(struct ext2_inode *directory, u32 index, u32 offset, const char *name, size_t length,
            u32 *number)
{
    struct page *page;
    u32 good, size;
    int error = get_page(directory, index, &page, &good, &size);
    if (error)
        return error;
    u32 page_position = index << PAGE_SHIFT;
    if (directory->lookup_position != page_position + offset)
        offset = 0; /* not known any more to be an entry's start */
    const u8 *base = page_address(page);
    u32 found = search_records(base, offset, good, name, length);
    if (found < good) {
        *number = entry_at(base, found)->inode;
        u32 behind = page_position + found + entry_at(base, found)->record_length;
        directory->lookup_position = behind < directory->inode.size ? behind : 0;
    } else {
        error = good < size ? -EUCLEAN : -ENOENT;
    }
    page_put(page);
    return error;
}

/* Looks through all pages, from the place of the last find on and round. A page that cannot be read
 * does not keep the others from being looked at. */
static int
find_number(struct ext2_inode *directory, const char *name, size_t length, u32 *number)
{
    u32 pages = (u32)DIVIDE_UP(directory->inode.size, PAGE_SIZE);
    u32 index = directory->lookup_position >> PAGE_SHIFT;
    u32 offset = directory->lookup_position & (PAGE_SIZE - 1);
    int result = -ENOENT;
    /* What lies before `offset` in the first page is looked at in the end. */
    for (u32 left = pages + (offset != 0); left > 0; left--) {
        int error = search_page(directory, index, offset, name, length, number);
        if (error == -EUCLEAN || error == -EIO)
            result = error;
        else if (error != -ENOENT)
            return error;
        index = index + 1 < pages ? index + 1 : 0;
        offset = 0;
        error = left > 1 ? schedule_point() : 0;
        if (error)
            return error;
    }
    return result;
}

/* A directory has one place in the tree. Without this check a damaged entry that names a directory
 * above itself would make the tree endless. */
static int
check_parent(const struct ext2_inode *directory, struct ext2_inode *child)
{
    u32 parent = (u32)directory->inode.number;
    if (child->parent == 0)
        child->parent = parent;
    if (child->parent == parent && child->inode.number != EXT2_ROOT_INODE)
        return 0;
    return ext2_damaged(ext2_filesystem_of(&directory->inode),
                        "directory %u is in directories %u and %u", (u32)child->inode.number,
                        child->parent, parent);
}

static bool
is_dot_name(const char *name, size_t length)
{
    return name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
}

static int
ext2_lookup(struct inode *inode, const char *name, size_t length, struct inode **result)
{
    struct ext2_inode *directory = ext2_inode_of(inode);
    u32 number = 0;
    if (length == 0 || length > NAME_BYTES_MAX)
        return -ENOENT;
    int error = find_number(directory, name, length, &number);
    if (!error)
        error = inode_find(inode->filesystem, number, result);
    if (error || !is_directory(*result) || is_dot_name(name, length))
        return error;
    error = check_parent(directory, ext2_inode_of(*result));
    if (error)
        inode_put(*result);
    return error;
}

/* ---- Reading ---- */

/* The first entry's start at or behind `offset`, which may be any number a user has seeked to. */
static u32
align_to_entry(const u8 *base, u32 good, u32 offset, u32 block_size)
{
    u32 start = ALIGN_DOWN(offset, block_size);
    while (start < offset && start < good)
        start += entry_at(base, start)->record_length;
    return start;
}

/* Emits the entries of one page from *position on; *position is then behind the last one
 * emitted. */
static int
emit_page(struct ext2_inode *directory, u64 *position, directory_emit emit, void *argument)
{
    bool typed = ext2_filesystem_of(&directory->inode)->typed_entries;
    struct page *page;
    u32 good, size;
    int error = get_page(directory, (u32)(*position >> PAGE_SHIFT), &page, &good, &size);
    if (error)
        return error;
    if (unlikely(!(page->private & PAGE_PRIVATE_LISTED))) {
        page->private |= PAGE_PRIVATE_LISTED;
        read_ahead_wish_listing(&directory->inode, (u32)(*position >> PAGE_SHIFT));
    }
    const u8 *base = page_address(page);
    u32 offset = (u32)*position & (PAGE_SIZE - 1);
    u32 page_position = (u32)*position - offset;
    if (directory->read_position != *position)
        offset = align_to_entry(base, good, offset,
                                ext2_filesystem_of(&directory->inode)->block_size);
    while (offset < good) {
        const struct ext2_entry_raw *entry = entry_at(base, offset);
        u32 next = offset + entry->record_length;
        if (entry->inode != 0) {
            u8 type = typed && entry->type < ARRAY_SIZE(entry_types) ? entry_types[entry->type] : 0;
            error = emit(argument, entry->name, entry->name_length, entry->inode, type,
                         (u64)page_position + next);
            if (error)
                break;
        }
        offset = next;
    }
    *position = (u64)page_position + offset;
    page_put(page);
    return !error && good < size ? -EUCLEAN : error;
}

static int
ext2_read_directory(struct inode *inode, u64 position, directory_emit emit, void *argument)
{
    struct ext2_inode *directory = ext2_inode_of(inode);
    int error = 0;
    while (position < inode->size) {
        error = emit_page(directory, &position, emit, argument);
        if (!error)
            error = schedule_point();
        if (error)
            break;
    }
    if (position < inode->size)
        directory->read_position = (u32)position;
    return error;
}

const struct inode_ops ext2_directory_ops = {
    .lookup = ext2_lookup,
    .read_directory = ext2_read_directory,
    .read_ahead = ext2_read_ahead,
};
