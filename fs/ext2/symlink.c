/* Targets of symbolic links: a short one stands in the inode in place of the block numbers
 * ("fast"), a longer one in the file's first block, [EXT2] 3.5 i_block. Called by the path walk and
 * readlink; sleeps. */
#include "fs/cache.h"
#include "fs/ext2/ext2.h"
#include "kernel/errno.h"
#include "kernel/page.h"
#include "kernel/string.h"

/* The target's bytes, and the page that keeps them (NULL: the inode does). */
static int
find_target(struct ext2_inode *inode, const char **target, struct page **page)
{
    u64 size = inode->inode.size;
    u32 most = inode->fast_symlink ? sizeof(inode->block)
                                   : ext2_filesystem_of(&inode->inode)->block_size;
    if (size == 0 || size >= most) /* as written, the target ends with a zero */
        return -EUCLEAN;
    *page = NULL;
    *target = (const char *)inode->block;
    if (inode->fast_symlink)
        return 0;
    int error = cache_get(&inode->inode.object, 0, page);
    if (!error)
        *target = page_address(*page);
    return error;
}

static int
ext2_read_link(struct inode *inode, char *target, size_t size, size_t *length)
{
    const char *bytes;
    struct page *page;
    int error = find_target(ext2_inode_of(inode), &bytes, &page);
    if (!error) {
        *length = MIN((size_t)inode->size, size);
        if (memchr(bytes, 0, (size_t)inode->size))
            error = -EUCLEAN;
        else
            memcpy(target, bytes, *length);
        if (page)
            page_put(page);
    }
    if (error == -EUCLEAN)
        return ext2_damaged(ext2_filesystem_of(inode), "inode %u: a bad symbolic link",
                            (u32)inode->number);
    return error;
}

const struct inode_ops ext2_symlink_ops = {.read_link = ext2_read_link};
