/* The directories of ramfs: names in a list, in the order they were made, which is the order they are
 * listed in, and in a hash table that doubles as it fills. A name references its inode.
 *
 * Called by the path walk, listings and the handlers that make changes. Nothing here sleeps but the
 * emit of a listing: every change is one stretch without a sleep. */
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/name_cache.h"
#include "fs/ramfs_node.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/string.h"

#define BUCKETS_AT_FIRST 8

struct ramfs_name {
    struct list link;
    struct ramfs_name *hash_next;
    struct ramfs_inode *node; /* referenced */
    u64 position;             /* ascending in its directory; never used twice */
    u32 hash;
    u8 length;
    char name[];
};

/* ---- The table ---- */

static u32
hash_of(const char *name, size_t length)
{
    u32 hash = NAME_HASH_START;

    for (size_t i = 0; i < length; i++)
        hash = name_hash_add(hash, name[i]);
    return hash;
}

static struct ramfs_name **
bucket_of(const struct ramfs_names *names, u32 hash)
{
    return &names->buckets[hash & (names->bucket_count - 1)];
}

static struct ramfs_name *
name_find(const struct ramfs_inode *directory, const char *name, size_t length)
{
    const struct ramfs_names *names = &directory->names;
    u32 hash = hash_of(name, length);
    struct ramfs_name *entry = names->bucket_count ? *bucket_of(names, hash) : NULL;

    while (entry && (entry->hash != hash || entry->length != length ||
                     memcmp(entry->name, name, length) != 0))
        entry = entry->hash_next;
    return entry;
}

/* Room for one more: doubles the table when there are as many names as buckets. Without memory for it
 * a table that exists goes on with longer chains. */
static int
table_make_room(struct ramfs_names *names)
{
    u32 count = names->bucket_count ? 2 * names->bucket_count : BUCKETS_AT_FIRST;
    struct ramfs_name **buckets, *entry;

    if (names->count < names->bucket_count)
        return 0;
    buckets = heap_alloc(count * sizeof *buckets);
    if (!buckets)
        return names->buckets ? 0 : -ENOSPC;
    heap_free(names->buckets);
    names->buckets = buckets;
    names->bucket_count = count;
    list_for_each(entry, &names->list, link) {
        struct ramfs_name **bucket = bucket_of(names, entry->hash);
        entry->hash_next = *bucket;
        *bucket = entry;
    }
    return 0;
}

void
ramfs_names_free(struct ramfs_names *names)
{
    heap_free(names->buckets);
}

/* ---- Names in directories ---- */

/* The node is called so now, in this directory. */
static void
node_attach(struct ramfs_inode *directory, struct ramfs_name *entry, struct ramfs_inode *node)
{
    entry->node = node;
    inode_get(&node->inode);
    node->inode.links++;
    node->inode.found_in = directory->inode.number;
    if (is_directory(&node->inode)) {
        node->parent = directory;
        node->name = entry;
        node->inode.links++; /* its own "." */
        directory->inode.links++;
    }
}

static void
node_detach(struct ramfs_inode *directory, struct ramfs_name *entry)
{
    struct ramfs_inode *node = entry->node;

    node->inode.links--;
    if (is_directory(&node->inode)) {
        if (node->name == entry) {
            node->parent = NULL;
            node->name = NULL;
        }
        node->inode.links--;
        directory->inode.links--;
    }
    inode_touch_changed(&node->inode);
    inode_put(&node->inode);
}

static int
name_add(struct ramfs_inode *directory, const char *name, size_t length, struct ramfs_inode *node)
{
    struct ramfs_names *names = &directory->names;
    struct ramfs_name *entry, **bucket;
    int error;

    if (length > NAME_BYTES_MAX)
        return -ENAMETOOLONG;
    if (directory->inode.links == 0)
        return -ENOENT; /* removed */
    if (name_find(directory, name, length))
        return -EEXIST;
    error = table_make_room(names);
    if (error)
        return error;
    entry = heap_alloc(sizeof *entry + length);
    if (!entry)
        return -ENOSPC;
    entry->length = (u8)length;
    entry->hash = hash_of(name, length);
    entry->position = ++names->last_position;
    memcpy(entry->name, name, length);
    list_add_tail(&names->list, &entry->link);
    bucket = bucket_of(names, entry->hash);
    entry->hash_next = *bucket;
    *bucket = entry;
    names->count++;
    node_attach(directory, entry, node);
    directory->inode.size += sizeof *entry + length;
    inode_touch(&directory->inode);
    return 0;
}

static void
name_remove(struct ramfs_inode *directory, struct ramfs_name *entry)
{
    struct ramfs_names *names = &directory->names;
    struct ramfs_name **place = bucket_of(names, entry->hash);

    name_cache_forget(&directory->inode, entry->name, entry->length);
    while (*place != entry)
        place = &(*place)->hash_next;
    *place = entry->hash_next;
    if (names->cursor == entry)
        names->cursor = entry->link.prev == &names->list
                            ? NULL
                            : list_entry(entry->link.prev, struct ramfs_name, link);
    list_remove(&entry->link);
    if (--names->count == 0) {
        ramfs_names_free(names);
        names->buckets = NULL;
        names->bucket_count = 0;
    }
    directory->inode.size -= sizeof *entry + entry->length;
    node_detach(directory, entry);
    inode_touch(&directory->inode);
    heap_free(entry);
}

static int
ramfs_lookup(struct inode *inode, const char *name, size_t length, struct inode **result)
{
    struct ramfs_inode *directory = ramfs_node(inode), *found;

    if (length == 2 && name[0] == '.' && name[1] == '.') {
        found = directory->parent;
    } else {
        struct ramfs_name *entry = name_find(directory, name, length);
        found = entry ? entry->node : NULL;
    }
    if (!found)
        return -ENOENT;
    inode_get(&found->inode);
    *result = &found->inode;
    return 0;
}

static int
ramfs_own_name(struct inode *inode, char *name, size_t *length)
{
    const struct ramfs_name *entry = ramfs_node(inode)->name;

    if (!entry)
        return -ENOENT;
    memcpy(name, entry->name, entry->length);
    *length = entry->length;
    return 0;
}

/* ---- Listing ---- */

/* The first name behind the position, from the cursor on if that lies before it. */
static struct ramfs_name *
name_behind(struct ramfs_names *names, u64 position)
{
    struct list *link = &names->list;

    if (names->cursor && names->cursor->position <= position)
        link = &names->cursor->link;
    for (link = link->next; link != &names->list; link = link->next) {
        struct ramfs_name *entry = list_entry(link, struct ramfs_name, link);
        if (entry->position > position)
            return entry;
        names->cursor = entry;
    }
    return NULL;
}

static int
ramfs_emit_name(struct ramfs_name *entry, directory_emit emit, void *argument)
{
    struct ramfs_inode *node = entry->node;
    size_t length = entry->length;
    u64 position = entry->position;
    char name[NAME_BYTES_MAX]; /* emit may sleep, and the entry go meanwhile */

    memcpy(name, entry->name, length);
    return emit(argument, name, length, node->inode.number,
                (u8)((node->inode.mode & MODE_TYPE) >> 12), position);
}

static int
ramfs_read_directory(struct inode *inode, u64 position, directory_emit emit, void *argument)
{
    struct ramfs_inode *directory = ramfs_node(inode);
    struct ramfs_name *entry;
    int result = 0;

    if (position == 0) {
        result = emit(argument, ".", 1, inode->number, 4, 1);
        position = 1;
    }
    if (!result && position == 1) {
        u64 parent = directory->parent ? directory->parent->inode.number : inode->number;
        result = emit(argument, "..", 2, parent, 4, 2);
        position = 2;
    }
    while (!result && (entry = name_behind(&directory->names, position)) != NULL) {
        position = entry->position;
        result = ramfs_emit_name(entry, emit, argument);
    }
    return result;
}

/* ---- Changes ---- */

/* Gives the new node its name; the node is freed if that fails. */
static int
node_name(struct inode *directory, const char *name, size_t length, struct ramfs_inode *node,
          struct inode **result)
{
    int error = name_add(ramfs_node(directory), name, length, node);

    if (error)
        inode_put(&node->inode);
    else
        *result = &node->inode;
    return error;
}

static int
ramfs_create_node(struct inode *directory, const char *name, size_t length, u32 mode, u32 uid,
                  u32 gid, struct inode **result)
{
    struct ramfs_inode *node;
    int error = ramfs_node_create(directory, mode, uid, gid, &node);

    if (error)
        return error;
    return node_name(directory, name, length, node, result);
}

static int
ramfs_symlink(struct inode *directory, const char *name, size_t length, const char *target,
              u32 uid, u32 gid, struct inode **result)
{
    struct ramfs_inode *node;
    int error = ramfs_node_create(directory, MODE_SYMLINK | 0777, uid, gid, &node);

    if (error)
        return error;
    node->inode.size = strlen(target);
    node->target = heap_alloc(node->inode.size + 1);
    if (!node->target) {
        inode_put(&node->inode);
        return -ENOSPC;
    }
    memcpy(node->target, target, node->inode.size);
    return node_name(directory, name, length, node, result);
}

static int
ramfs_read_link(struct inode *inode, char *target, size_t size, size_t *length)
{
    *length = MIN(size, (size_t)inode->size);
    memcpy(target, ramfs_node(inode)->target, *length);
    return 0;
}

/* May the name go? */
static int
removal_check(const struct ramfs_name *entry, bool directory_wanted)
{
    if (is_directory(&entry->node->inode) != directory_wanted)
        return directory_wanted ? -ENOTDIR : -EISDIR;
    if (entry->node->inode.mounted)
        return -EBUSY;
    return entry->node->names.count > 0 ? -ENOTEMPTY : 0;
}

static int
ramfs_remove(struct inode *inode, const char *name, size_t length, bool directory_wanted)
{
    struct ramfs_inode *directory = ramfs_node(inode);
    struct ramfs_name *entry = name_find(directory, name, length);
    int error = entry ? removal_check(entry, directory_wanted) : -ENOENT;

    if (!error)
        name_remove(directory, entry);
    return error;
}

static int
ramfs_link(struct inode *directory, const char *name, size_t length, struct inode *inode)
{
    int error = inode->links == 0 ? -ENOENT
                                  : name_add(ramfs_node(directory), name, length,
                                             ramfs_node(inode));

    if (!error)
        inode_touch_changed(inode);
    return error;
}

/* Is `node` the directory, or one above it? */
static bool
node_is_above(const struct ramfs_inode *node, const struct ramfs_inode *directory)
{
    while (directory && directory != node && directory != directory->parent)
        directory = directory->parent;
    return directory == node;
}

/* Puts the node in the place of the one that the name stands for. */
static void
name_exchange(struct ramfs_inode *directory, struct ramfs_name *entry, struct ramfs_inode *node)
{
    name_cache_forget(&directory->inode, entry->name, entry->length);
    node_detach(directory, entry);
    node_attach(directory, entry, node);
    inode_touch(&directory->inode);
}

static int
ramfs_rename(struct inode *from_inode, const char *name, size_t length, struct inode *to_inode,
             const char *to_name, size_t to_length)
{
    struct ramfs_inode *from = ramfs_node(from_inode), *to = ramfs_node(to_inode), *node;
    struct ramfs_name *entry = name_find(from, name, length), *there;
    int error = 0;

    if (!entry)
        return -ENOENT;
    node = entry->node;
    there = name_find(to, to_name, to_length);
    if (is_directory(&node->inode) && node_is_above(node, to))
        return -EINVAL; /* into itself */
    if (there && node_is_above(there->node, from))
        return -ENOTEMPTY;
    if (there && there->node == node)
        return 0; /* two names of one file */
    if (node->inode.mounted)
        return -EBUSY;
    if (there)
        error = removal_check(there, is_directory(&node->inode));
    if (error)
        return error;
    inode_get(&node->inode);
    if (there)
        name_exchange(to, there, node);
    else
        error = name_add(to, to_name, to_length, node);
    if (!error) {
        name_remove(from, entry);
        inode_touch_changed(&node->inode);
    }
    inode_put(&node->inode);
    return error;
}

const struct inode_ops ramfs_inode_ops = {
    .lookup = ramfs_lookup,
    .read_directory = ramfs_read_directory,
    .read_link = ramfs_read_link,
    .create = ramfs_create_node,
    .remove = ramfs_remove,
    .truncate = ramfs_truncate,
    .symlink = ramfs_symlink,
    .rename = ramfs_rename,
    .link = ramfs_link,
    .own_name = ramfs_own_name,
};
