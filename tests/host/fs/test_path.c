// sources: fs/path.c fs/path_text.c fs/inode.c fs/name_cache.c fs/cache.c fs/file.c fs/file_lock.c fs/descriptor.c fs/iter.c fs/regular.c fs/directory.c fs/pipe.c fs/anonymous.c fs/ramfs.c fs/ramfs_directory.c tests/host/support/*.c
/* The path walk, opening, names and directories, on a file system in memory. */
#include "arch.h"
#include "fs/abi.h"
#include "fs/cache.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/name_cache.h"
#include "fs/path.h"
#include "fs/ramfs.h"
#include "host.h"
#include "kernel/errno.h"
#include "kernel/task.h"

static struct task task;
static struct credentials credentials = {.references = 1};
static struct filesystem *root, *mounted;

/* ---- Making things by path, as the handlers do ---- */

static int
make(const char *path, u32 mode)
{
    struct path_walk walk;
    int error = path_walk(&walk, NULL, path, PATH_CREATE | PATH_NO_FOLLOW);

    if (!error)
        error = walk.inode ? -EEXIST : inode_make_child(&walk, mode, &walk.inode);
    path_walk_end(&walk);
    return error;
}

static int
make_link(const char *path, const char *target)
{
    struct path_walk walk;
    int error = path_walk(&walk, NULL, path, PATH_CREATE | PATH_NO_FOLLOW);

    if (!error)
        error = walk.inode ? -EEXIST
                           : walk.parent->ops->symlink(walk.parent, walk.last, walk.last_length,
                                                       target, 0, 0, &walk.inode);
    path_walk_end(&walk);
    return error;
}

static int
delete(const char *path, bool directory)
{
    struct path_walk walk;
    int error = path_walk(&walk, NULL, path, PATH_PARENT);

    if (!error)
        error = walk.parent->ops->remove(walk.parent, walk.last, walk.last_length, directory);
    path_walk_end(&walk);
    return error;
}

/* The number of the inode found, or a negative errno. */
static s64
find(const char *path, unsigned flags)
{
    struct inode *inode;
    int error = path_find(NULL, path, flags, &inode);
    s64 number;

    if (error)
        return error;
    number = (s64)inode->number;
    inode_put(inode);
    return number;
}

static int
open_close(const char *path, u32 flags)
{
    struct file *file;
    int error = file_open(NULL, path, flags, 0644, &file);

    if (!error)
        file_put(file);
    return error;
}

static void
make_tree(void)
{
    make("/a", MODE_DIRECTORY | 0755);
    make("/a/b", MODE_DIRECTORY | 0755);
    make("/a/b/file", MODE_REGULAR | 0644);
    make_link("/to-b", "a/b");
    make_link("/absolute", "/a");
    make_link("/a/up", "../a/b/");
    make_link("/loop1", "loop2");
    make_link("/loop2", "loop1");
    make_link("/to-file", "to-b/file");
    make_link("/dangling", "a/nothing");
}

static void
remove_tree(void)
{
    static const char *const links[] = {"/to-b",   "/absolute", "/a/up",    "/loop1",
                                        "/loop2",  "/to-file",  "/dangling", "/a/b/file"};
    for (unsigned i = 0; i < ARRAY_SIZE(links); i++)
        delete (links[i], false);
    delete ("/a/b", true);
    delete ("/a", true);
    name_cache_drop_all();
}

/* ---- Tests ---- */

static void
plain_paths(void)
{
    make_tree();
    s64 file = find("/a/b/file", 0), b = find("/a/b", 0), top = find("/", 0);
    CHECK(file > 0 && b > 0 && top > 0);
    CHECK(find("a/b/file", 0) == file);
    CHECK(find("//a///b//file", 0) == file);
    CHECK(find("/a/./b/../b/file", 0) == file);
    CHECK(find("/../..", 0) == top && find("/a/..", 0) == top);
    CHECK(find("/a/b/", 0) == b && find("/a/b/.", 0) == b);
    CHECK(find("", 0) == -ENOENT && find("", PATH_EMPTY) == top);
    CHECK(find("/a/x", 0) == -ENOENT && find("/x/y", 0) == -ENOENT);
    CHECK(find("/a/b/file/", 0) == -ENOTDIR && find("/a/b/file/x", 0) == -ENOTDIR);
    CHECK(find("/a/b/file/.", 0) == -ENOTDIR && find("/a/b/file/..", 0) == -ENOTDIR);
    CHECK(find("/a/b/file", PATH_DIRECTORY) == -ENOTDIR);
    remove_tree();
}

static void
links(void)
{
    make_tree();
    s64 file = find("/a/b/file", 0), b = find("/a/b", 0), link = find("/to-b", PATH_NO_FOLLOW);
    CHECK(find("/to-b", 0) == b && link != b && link > 0);
    CHECK(find("/to-b/", PATH_NO_FOLLOW) == b); /* a slash behind it follows */
    CHECK(find("/to-b/file", PATH_NO_FOLLOW) == file);
    CHECK(find("/absolute/up/file", 0) == file);
    CHECK(find("/to-file", 0) == file && find("/to-file/", 0) == -ENOTDIR);
    CHECK(find("/dangling", 0) == -ENOENT && find("/dangling", PATH_NO_FOLLOW) > 0);
    CHECK(find("/loop1", 0) == -ELOOP && find("/loop1/x", 0) == -ELOOP);
    CHECK(find("/loop1", PATH_NO_FOLLOW) > 0);
    remove_tree();
}

static void
forty_links_are_allowed(void)
{
    char name[16], target[16];
    make("/l0", MODE_REGULAR | 0644);
    for (int i = 1; i <= 41; i++) {
        snprintf(name, sizeof name, "/l%d", i);
        snprintf(target, sizeof target, "l%d", i - 1);
        CHECK(make_link(name, target) == 0);
    }
    CHECK(find("/l40", 0) == find("/l0", 0));
    CHECK(find("/l41", 0) == -ELOOP);
    for (int i = 0; i <= 41; i++) {
        snprintf(name, sizeof name, "/l%d", i);
        CHECK(delete (name, false) == 0);
    }
}

static void
long_names(void)
{
    char path[300] = "/";
    memset(path + 1, 'n', 256);
    path[256] = 0;
    CHECK(make(path, MODE_REGULAR | 0600) == 0);
    CHECK(find(path, 0) > 0);
    CHECK(delete (path, false) == 0);
    path[256] = 'n';
    path[257] = 0;
    CHECK(find(path, 0) == -ENAMETOOLONG);
    CHECK(make(path, MODE_REGULAR | 0600) == -ENAMETOOLONG);
}

static void
permissions(void)
{
    make_tree();
    make("/secret", MODE_DIRECTORY | 0700);
    make("/secret/file", MODE_REGULAR | 0644);
    credentials.uid = credentials.euid = 1000;
    credentials.gid = credentials.egid = 1000;
    s64 hidden = find("/secret/file", 0), itself = find("/secret", 0), real;
    int made = make("/a/mine", MODE_REGULAR | 0644), read = open_close("/a/b/file", OPEN_READ),
        write = open_close("/a/b/file", OPEN_WRITE), list = open_close("/secret", OPEN_READ);
    credentials.euid = 0;
    real = find("/secret/file", PATH_REAL_IDS);
    s64 effective = find("/secret/file", 0);
    credentials.uid = credentials.gid = credentials.egid = 0;
    CHECK(hidden == -EACCES && itself > 0 && made == -EACCES);
    CHECK(read == 0 && write == -EACCES && list == -EACCES);
    CHECK(real == -EACCES && effective > 0);
    CHECK(delete ("/secret/file", false) == 0 && delete ("/secret", true) == 0);
    remove_tree();
}

static void
opening(void)
{
    make_tree();
    CHECK(open_close("/a/b/file", OPEN_READ) == 0);
    CHECK(open_close("/a/b", OPEN_READ) == 0 && open_close("/a/b", OPEN_WRITE) == -EISDIR);
    CHECK(open_close("/a/b/file", OPEN_READ | OPEN_DIRECTORY) == -ENOTDIR);
    CHECK(open_close("/a/b/none", OPEN_READ) == -ENOENT);
    CHECK(open_close("/a/b/file", OPEN_READ | OPEN_CREATE | OPEN_EXCLUSIVE) == -EEXIST);
    CHECK(open_close("/to-file", OPEN_READ | OPEN_NO_FOLLOW) == -ELOOP);
    CHECK(open_close("/to-file", OPEN_PATH | OPEN_NO_FOLLOW) == 0);
    CHECK(open_close("/dangling", OPEN_WRITE | OPEN_CREATE | OPEN_EXCLUSIVE) == -EEXIST);
    CHECK(open_close("/a/new/", OPEN_WRITE | OPEN_CREATE) == -EISDIR);
    CHECK(open_close("/a", OPEN_READ | OPEN_CREATE) == -EISDIR);
    CHECK(open_close("/dangling", OPEN_WRITE | OPEN_CREATE) == 0); /* makes what it points to */
    CHECK(find("/a/nothing", 0) > 0 && delete ("/a/nothing", false) == 0);
    remove_tree();
}

static void
names_that_go(void)
{
    make_tree();
    CHECK(find("/a/b/file", 0) > 0); /* now in the name cache */
    struct file *file;
    struct iter iter;
    char bytes[8] = "abc";
    CHECK(file_open(NULL, "/a/b/file", OPEN_READ_WRITE, 0, &file) == 0);
    CHECK(delete ("/a/b", true) == -ENOTEMPTY && delete ("/a/b/file", true) == -ENOTDIR);
    CHECK(delete ("/a/b/file", false) == 0 && find("/a/b/file", 0) == -ENOENT);
    u64 position = 0;
    iter_init_kernel(&iter, bytes, 3);
    CHECK(file_write(file, &iter, &position) == 0 && iter.done == 3); /* lives while it is open */
    file_put(file);
    CHECK(make("/a/b/file", MODE_REGULAR | 0644) == 0 && find("/a/b/file", 0) > 0);
    remove_tree();
}

static void
working_directory(void)
{
    char *buffer = malloc(PATH_BYTES_MAX);
    const char *text;
    make_tree();
    struct inode *b, *before = task.directories->working;
    CHECK(path_find(NULL, "/a/b", 0, &b) == 0);
    task.directories->working = b;
    CHECK(find("file", 0) == find("/a/b/file", 0) && find("..", 0) == find("/a", 0));
    CHECK(path_of_directory(b, buffer, &text) == 0 && strcmp(text, "/a/b") == 0, "%s", text);
    task.directories->working = before;
    CHECK(path_of_directory(before, buffer, &text) == 0 && strcmp(text, "/") == 0);
    inode_put(b);
    free(buffer);
    remove_tree();
}

static void
mounts(void)
{
    char *buffer = malloc(PATH_BYTES_MAX);
    const char *text;
    struct inode *inode;
    struct path_walk walk;
    CHECK(find("/mnt", 0) == 1 && find("/mnt/..", 0) == find("/", 0));
    CHECK(make("/mnt/inside", MODE_DIRECTORY | 0755) == 0);
    CHECK(find("/mnt/inside/../..", 0) == find("/", 0));
    CHECK(path_find(NULL, "/mnt/inside", 0, &inode) == 0 && inode->filesystem == mounted);
    CHECK(path_of_directory(inode, buffer, &text) == 0 && !strcmp(text, "/mnt/inside"), "%s", text);
    inode_put(inode);
    CHECK(delete ("/mnt", true) == -EBUSY);
    CHECK(path_walk(&walk, NULL, "/mnt/inside/", PATH_PARENT) == 0);
    CHECK(walk.parent == mounted->root && walk.last_length == 6 && walk.slash_behind);
    path_walk_end(&walk);
    CHECK(delete ("/mnt/inside", true) == 0);
    name_cache_drop_all();
    free(buffer);
}

static void
renaming(void)
{
    make_tree();
    struct path_walk from, to;
    s64 file = find("/a/b/file", 0);
    CHECK(path_walk(&from, NULL, "/a/b/file", PATH_PARENT) == 0);
    CHECK(path_walk(&to, NULL, "/a/moved", PATH_PARENT) == 0);
    CHECK(from.parent->ops->rename(from.parent, from.last, from.last_length, to.parent, to.last,
                                   to.last_length) == 0);
    path_walk_end(&from);
    path_walk_end(&to);
    CHECK(find("/a/moved", 0) == file && find("/a/b/file", 0) == -ENOENT);
    CHECK(path_walk(&from, NULL, "/a", PATH_PARENT) == 0);
    CHECK(path_walk(&to, NULL, "/a/b/a", PATH_PARENT) == 0);
    CHECK(from.parent->ops->rename(from.parent, from.last, from.last_length, to.parent, to.last,
                                   to.last_length) == -EINVAL); /* into itself */
    path_walk_end(&from);
    path_walk_end(&to);
    CHECK(delete ("/a/moved", false) == 0);
    remove_tree();
}

/* ---- getdents64 ---- */

static void
listing(void)
{
    char *buffer = malloc(4096);
    struct file *file;
    unsigned entries = 0, small = 0;
    make("/d", MODE_DIRECTORY | 0755);
    for (int i = 0; i < 50; i++) {
        char path[80] = "/d/";
        memset(path + 3, 'a' + i % 26, (size_t)i + 1);
        CHECK(make(path, MODE_REGULAR | 0644) == 0);
    }
    CHECK(file_open(NULL, "/d", OPEN_READ, 0, &file) == 0);
    long size;
    while ((size = file_read_directory(file, buffer, 300, false)) > 0) {
        for (long at = 0; at < size;) {
            struct abi_dirent64 *entry = (void *)(buffer + at);
            CHECK(entry->record_length % 8 == 0 && at + entry->record_length <= size);
            CHECK(strlen(entry->name) + 20 <= entry->record_length);
            entries++;
            at += entry->record_length;
        }
        small++;
    }
    CHECK(size == 0 && entries == 52 && small > 5, "%ld %u %u", size, entries, small);
    file->position = 0;
    CHECK(file_read_directory(file, buffer, 20, false) == -EINVAL);
    CHECK(file_read_directory(file, NULL, 4096, false) == -EFAULT);
    CHECK(file_read_directory(file, buffer, 24, false) == 24);
    file_put(file);
    CHECK(file_open(NULL, "/d/a", OPEN_READ, 0, &file) == 0);
    CHECK(file_read_directory(file, buffer, 4096, false) == -ENOTDIR);
    file_put(file);
    for (int i = 0; i < 50; i++) {
        char path[80] = "/d/";
        memset(path + 3, 'a' + i % 26, (size_t)i + 1);
        CHECK(delete (path, false) == 0);
    }
    CHECK(delete ("/d", true) == 0);
    free(buffer);
}

/* ---- Bytes ---- */

static void
holes_and_truncation(void)
{
    struct file *file;
    struct iter iter;
    static char bytes[10000];
    u64 position = 0x100000000; /* above 4 GiB */
    CHECK(file_open(NULL, "/f", OPEN_READ_WRITE | OPEN_CREATE | OPEN_LARGE, 0644, &file) == 0);
    memset(bytes, 'x', sizeof bytes);
    iter_init_kernel(&iter, bytes, 5000);
    CHECK(file_write(file, &iter, &position) == 0 && iter.done == 5000);
    CHECK(position == 0x100000000 + 5000 && file->inode->size == position);
    position = 0x100000000 - 4;
    iter_init_kernel(&iter, bytes, sizeof bytes);
    CHECK(file_read(file, &iter, &position) == 0 && iter.done == 5004);
    CHECK(memcmp(bytes, "\0\0\0\0xxxx", 8) == 0);
    CHECK(file->inode->object.page_count == 2); /* the hole has none */
    CHECK(file->inode->ops->truncate(file->inode, 0x100000000 + 10) == 0);
    CHECK(file->inode->ops->truncate(file->inode, 0x100000000 + 20) == 0);
    position = 0x100000000;
    iter_init_kernel(&iter, bytes, sizeof bytes);
    CHECK(file_read(file, &iter, &position) == 0 && iter.done == 20);
    CHECK(memcmp(bytes, "xxxxxxxxxx\0\0\0\0\0\0\0\0\0\0", 20) == 0);
    iter_init_kernel(&iter, bytes, sizeof bytes);
    CHECK(file_read(file, &iter, &position) == 0 && iter.done == 0); /* the end */
    file_put(file);
    CHECK(delete ("/f", false) == 0);
}

static void
modes_of_opening(void)
{
    struct file *file;
    struct iter iter;
    char byte = 'a';
    CHECK(file_open(NULL, "/f", OPEN_WRITE | OPEN_CREATE, 0666, &file) == 0);
    CHECK((file->inode->mode & 0777) == 0644); /* the umask */
    iter_init_kernel(&iter, &byte, 1);
    CHECK(file_read(file, &iter, NULL) == -EBADF);
    CHECK(file_write(file, &iter, NULL) == 0 && file->position == 1);
    file_put(file);
    CHECK(file_open(NULL, "/f", OPEN_WRITE | OPEN_APPEND, 0, &file) == 0);
    iter_init_kernel(&iter, &byte, 1);
    CHECK(file_write(file, &iter, NULL) == 0 && file->position == 2);
    iter_init_user(&iter, NULL, 1);
    CHECK(file_write(file, &iter, NULL) == -EFAULT && file->inode->size == 2);
    file_put(file);
    CHECK(file_open(NULL, "/f", OPEN_READ | OPEN_TRUNCATE, 0, &file) == 0);
    CHECK(file->inode->size == 0);
    file_put(file);
    CHECK(file_open(NULL, "/", OPEN_READ, 0, &file) == 0);
    iter_init_kernel(&iter, &byte, 1);
    CHECK(file_read(file, &iter, NULL) == -EISDIR);
    file_put(file);
    CHECK(delete ("/f", false) == 0);
}

/* ---- No memory: whatever fails, nothing leaks ---- */

static void
out_of_memory_everywhere(void)
{
    for (int limit = 0; limit < 30; limit++) {
        struct file *file;
        host_alloc_limit = limit;
        int error = file_open(NULL, "/m", OPEN_WRITE | OPEN_CREATE, 0644, &file);
        host_alloc_limit = -1;
        CHECK(error == 0 || error == -ENOMEM || error == -ENOSPC, "%d", error);
        if (!error)
            file_put(file);
        delete ("/m", false);
        name_cache_drop_all();
    }
}

int
main(void)
{
    cache_init();
    inode_init();
    name_cache_init();
    cpu.task = &task;
    task.credentials = &credentials;
    if (ramfs_create(&root) || path_mount(root, NULL))
        return 1;
    root->root->mode = MODE_DIRECTORY | 0755;
    task.directories = directory_context_create();
    make("/mnt", MODE_DIRECTORY | 0755);
    if (ramfs_create(&mounted) || path_mount(mounted, "/mnt"))
        return 1;
    name_cache_drop_all();
    RUN_TEST(plain_paths);
    RUN_TEST(links);
    RUN_TEST(forty_links_are_allowed);
    RUN_TEST(long_names);
    RUN_TEST(permissions);
    RUN_TEST(opening);
    RUN_TEST(names_that_go);
    RUN_TEST(working_directory);
    name_cache_drop_all();
    RUN_TEST(renaming);
    RUN_TEST(listing);
    RUN_TEST(holes_and_truncation);
    RUN_TEST(modes_of_opening);
    RUN_TEST(out_of_memory_everywhere);
    RUN_TEST(mounts);
    return test_result();
}
