/* What start.c begins and start_up.c goes on with. */
#ifndef BOOT_START_H
#define BOOT_START_H

#include "kernel/types.h"

NORETURN void start(u32 magic, u32 information); /* from entry.asm */
/* The first fibril that may sleep: devices, file systems, programs. */
void start_up(void *unused);

#endif
