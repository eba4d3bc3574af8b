/* What the host tests of fs/ext2 share: a fake disk whose contents are an image in memory, and a
 * walker that makes the same lines as tools/ext2-list. The page cache, the inode cache and the
 * block layer are the kernel's own; only the disk driver is made up. */
#ifndef TESTS_EXT2_HOST_H
#define TESTS_EXT2_HOST_H

#include "drivers/block.h"
#include "fs/inode.h"
#include "host.h"
#include "kernel/types.h"

/* ---- The disk (host_disk.c) ---- */

extern struct disk host_disk;

/* What goes wrong, set by tests; all 0: nothing. */
extern struct host_faults {
    u32 fail_request;   /* the request of this number (from 1 on) fails with -EIO */
    u32 cancel_request; /* before it is served, the running fibril is cancelled with -EINTR */
    u64 bad_sector;     /* reading this one (> 0) fails */
} host_faults;
extern u32 host_requests; /* served since the image was opened or the test set it to 0 */

/* Puts a private copy of the image into the disk, and brings the caches up at the first call. */
bool host_disk_open(const char *path);
void host_disk_close(void);
u8 *host_disk_bytes(void); /* the copy, to be damaged */
size_t host_disk_size(void);

/* Mounts the disk; 0 or the error. host_unmount gives back everything it took, caches included. */
int host_mount(struct disk *disk, struct filesystem **filesystem);
void host_unmount(struct filesystem *filesystem);
void host_drop_caches(void);

/* ---- Shell (host_disk.c) ---- */

/* The path of an image of tools/make-test-images, made if need be. Lives until the next call. */
const char *host_image(const char *name);
/* The output of a command, ended with a zero; the caller frees it. */
char *host_command(const char *command);

/* ---- The walker (walker.c) ---- */

struct walk {
    /* Set by the caller: */
    bool sums;
    u32 read_pages_most;  /* of one file, and its last one; 0: all */
    u32 entries_most;     /* gives up beyond; 0: no bound */
    u32 batch;            /* entries taken from a directory at a time; 0: all */
    /* Results: */
    char **lines; /* sorted by path once finished */
    size_t count;
    u32 errors;   /* entries or contents that could not be read */
    int last_error;
    bool overrun; /* more than entries_most */
    bool mismatch; /* an entry's type or number was not its inode's */
};
void walk_tree(struct walk *walk, struct filesystem *filesystem);
void walk_free(struct walk *walk);
/* All lines in one string; the caller frees it. */
char *walk_text(const struct walk *walk);

/* SHA-256 of an inode's contents, as 64 digits: 0 or the error. */
int host_sum(struct inode *inode, u32 pages_most, char sum[65]);
/* The inode at a path without . and .., referenced: 0 or the error. */
int host_find(struct filesystem *filesystem, const char *path, struct inode **inode);

/* ---- SHA-256 (sha256.c), FIPS 180-4 ---- */

struct sha256 {
    u32 state[8];
    u64 length;
    u8 block[64];
};
void sha256_init(struct sha256 *sum);
void sha256_add(struct sha256 *sum, const void *data, size_t size);
void sha256_end(struct sha256 *sum, char text[65]);

#endif
