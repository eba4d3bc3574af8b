/* No reading ahead, for tests that do not link fs/read_ahead.c; and a /proc that forgets what it is
 * told. */
#include "fs/read_ahead.h"
#include "fs/pseudo.h"

#define WEAK __attribute__((weak))

WEAK u32
read_ahead_for_reader(struct read_ahead_file *file, struct inode *inode,
                      struct cache_object *object, u32 index, u32 count, u32 limit)
{
    return 0;
}

WEAK void
read_ahead_wish(struct inode *inode, struct cache_object *object, u32 index, u32 count)
{
}

WEAK void
read_ahead_wish_listing(struct inode *directory, u32 index)
{
}

WEAK int
read_ahead_give_way(struct disk *disk)
{
    return 0;
}

WEAK bool
read_ahead_enabled(void)
{
    return false;
}

WEAK int
read_ahead_drop(void)
{
    return 0;
}

WEAK void
proc_register(struct proc_file *file)
{
}

WEAK void
text_print(struct text_buffer *buffer, const char *format, ...)
{
}
