/* What the tests of single parts of fs/ext2 share: an image that is mounted, and where things lie in
 * it, asked of debugfs. */
#ifndef TESTS_EXT2_PARTS_H
#define TESTS_EXT2_PARTS_H

#include <unistd.h>

#include "arch.h"
#include "ext2_host.h"
#include "fs/cache.h"
#include "fs/ext2/ext2.h"
#include "fs/disk_object.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"

static const char *image __attribute__((unused));
static struct filesystem *filesystem;

static __attribute__((unused)) bool
open_mounted(const char *name)
{
    image = host_image(name);
    return host_disk_open(image) && host_mount(&host_disk, &filesystem) == 0;
}

static __attribute__((unused)) void
close_mounted(void)
{
    host_unmount(filesystem);
    host_disk_close();
}

/* Forgets all that was read but the root, so that what the test changes on the disk is seen. */
static __attribute__((unused)) void
forget(void)
{
    cache_drop_object(&filesystem->root->object);
    host_drop_caches();
}

/* The first number in debugfs' answer. */
static __attribute__((unused)) u32
debugfs_number(const char *request)
{
    char command[400];
    snprintf(command, sizeof command, "debugfs -R '%s' %s 2>/dev/null", request, image);
    char *answer = host_command(command);
    u32 number = (u32)strtoul(answer + strcspn(answer, "0123456789"), NULL, 10);
    free(answer);
    return number;
}

static __attribute__((unused)) u32
block_size(void)
{
    return container_of(filesystem, struct ext2_filesystem, filesystem)->block_size;
}

static __attribute__((unused)) u8 *
disk_block(u32 block)
{
    return host_disk_bytes() + (size_t)block * block_size();
}

/* Block `index` of the file at `path`, on the disk. */
static __attribute__((unused)) u8 *
file_block(const char *path, u32 index)
{
    char request[300];
    snprintf(request, sizeof request, "bmap %s %u", path, index);
    return disk_block(debugfs_number(request));
}

/* The inode of `path` on the disk. Of images with one group only. */
static __attribute__((unused)) struct ext2_inode_raw *
raw_inode(const char *path)
{
    char command[400];
    u32 number, block, offset;
    snprintf(command, sizeof command, "debugfs -R 'imap %s' %s 2>/dev/null", path, image);
    char *answer = host_command(command);
    int found = sscanf(strstr(answer, "Inode"),
                       "Inode %u is part of block group 0 %*[^b]block %u, offset %x", &number,
                       &block, &offset);
    free(answer);
    return found == 3 ? (struct ext2_inode_raw *)(disk_block(block) + offset) : NULL;
}

static __attribute__((unused)) struct ext2_entry_raw *
raw_entry(const char *directory, const char *name)
{
    u8 *base = file_block(directory, 0);
    for (u32 offset = 0; offset < block_size();) {
        struct ext2_entry_raw *entry = (struct ext2_entry_raw *)(base + offset);
        if (entry->name_length == strlen(name) && !memcmp(entry->name, name, strlen(name)))
            return entry;
        offset += entry->record_length;
    }
    return NULL;
}

static __attribute__((unused)) int
find_error(const char *path)
{
    struct inode *inode;
    int error = host_find(filesystem, path, &inode);
    if (!error)
        inode_put(inode);
    return error;
}

#endif
