/* What the boot loader told us (multiboot 1), copied out of its memory so that this can be freed. */
#ifndef BOOT_BOOT_INFORMATION_H
#define BOOT_BOOT_INFORMATION_H

#include "kernel/types.h"

#define BOOT_RANGES 32
#define BOOT_MODULES 64
#define BOOT_STRING_BYTES 16384

struct boot_range { /* physical, [start, end) */
    u64 start, end;
};
struct boot_module {
    u32 start, end;
    const char *string;
};
struct boot_information {
    unsigned range_count, module_count;
    struct boot_range ranges[BOOT_RANGES]; /* memory that may be used */
    struct boot_module modules[BOOT_MODULES];
    const char *command_line;
    u64 memory_bytes; /* all that there is */
    u32 memory_end;   /* of what the direct map takes: at most 1 GiB */
};
extern struct boot_information boot_information;

/* Reads the loader's structure; panics by name when it cannot be used. */
void boot_information_read(u32 magic, u32 physical);
/* Starts the page allocator with all memory that neither the kernel nor a module lies in. */
void boot_memory_init(void);

#endif
