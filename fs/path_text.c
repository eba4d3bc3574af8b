/* From an inode to its path: getcwd, /proc/PID/exe and their like. A directory's path is made upwards,
 * name by name: a file system in memory knows the name, in others the directory above is searched for
 * the number. Any other file is looked for in the directory where it was last found.
 *
 * Called by handlers and /proc on fibrils; sleeps when directories have to be read. */
#include "fs/path.h"

#include "fs/inode.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "kernel/task.h"

struct name_search {
    u64 number;
    char *start; /* the path found so far begins here */
    char *limit; /* lowest place in the buffer */
};

static int
name_put(struct name_search *search, const char *name, size_t length)
{
    if ((size_t)(search->start - search->limit) < length + 1)
        return -ERANGE;
    search->start -= length;
    memcpy(search->start, name, length);
    *--search->start = '/';
    return 1;
}

static int
name_search_emit(void *argument, const char *name, size_t length, u64 number, u8 type, u64 next)
{
    struct name_search *search = argument;
    bool dots = name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));

    return number == search->number && !dots ? name_put(search, name, length) : 0;
}

/* Puts the inode's name in `directory` in front of the path. 0, or -ENOENT: it has none there. */
static int
name_of(struct inode *directory, const struct inode *inode, struct name_search *search)
{
    int found;

    search->number = inode->number;
    found = directory->ops->read_directory(directory, 0, name_search_emit, search);
    return found > 0 ? 0 : found < 0 ? found : -ENOENT;
}

static int
own_name_put(struct inode *directory, struct name_search *search)
{
    char name[NAME_BYTES_MAX];
    size_t length;
    int error = directory->ops->own_name(directory, name, &length);

    return error ? error : MIN(name_put(search, name, length), 0);
}

/* One level up from *directory (referenced), putting its name in front of the path. */
static int
path_go_up(struct inode **directory, struct name_search *search)
{
    struct inode *self = *directory, *parent;
    int error = path_parent(self, &parent);

    if (error)
        return error;
    while (self == self->filesystem->root && self->filesystem->covers)
        self = self->filesystem->covers;
    error = self->ops->own_name ? own_name_put(self, search) : name_of(parent, self, search);
    if (error) {
        inode_put(parent);
        return error;
    }
    inode_put(*directory);
    *directory = parent;
    return 0;
}

static int
prefix_put(struct name_search *search, const char *text)
{
    size_t length = strlen(text);

    if ((size_t)(search->start - search->limit) < length)
        return -ERANGE;
    search->start -= length;
    memcpy(search->start, text, length);
    return 0;
}

/* Puts the directory's path in front of what was found; keeps its reference. */
static int
directory_path(struct inode *directory, struct name_search *search)
{
    const struct directory_context *directories = current_task()->directories;
    struct inode *top = path_first_mount()->root;
    struct inode *root = directories ? directories->root : top;
    int error = 0;

    inode_get(root);
    inode_get(directory);
    while (!error && directory != root && directory != top)
        error = path_go_up(&directory, search);
    if (!error && !*search->start)
        *--search->start = '/';
    if (!error && directory != root)
        error = prefix_put(search, "(unreachable)"); /* outside of what the task can see */
    inode_put(directory);
    inode_put(root);
    return error;
}

static void
search_begin(struct name_search *search, char *buffer)
{
    *search = (struct name_search){.limit = buffer, .start = buffer + PATH_BYTES_MAX - 1};
    *search->start = 0;
}

int
path_of_directory(struct inode *directory, char *buffer, const char **text)
{
    struct name_search search;
    int error;

    search_begin(&search, buffer);
    error = directory_path(directory, &search);
    *text = search.start;
    return error;
}

int
path_of_inode(struct inode *inode, char *buffer, const char **text)
{
    struct name_search search;
    struct inode *directory;
    int error;

    if (is_directory(inode))
        return path_of_directory(inode, buffer, text);
    if (inode->found_in == 0 || inode->links == 0)
        return -ENOENT;
    error = inode_find(inode->filesystem, inode->found_in, &directory);
    if (error)
        return error;
    search_begin(&search, buffer);
    error = name_of(directory, inode, &search);
    if (!error)
        error = directory_path(directory, &search);
    inode_put(directory);
    *text = search.start;
    return error;
}
