/* The console: the serial line COM1, the screen and the keyboard as one terminal. */
#ifndef FS_CONSOLE_H
#define FS_CONSOLE_H

#include "kernel/types.h"

/* Makes /dev/console and /dev/ttyS0 that terminal; what is written goes to the screen, too, if `screen`.
 * At start-up, on a fibril, when interrupts are on. Without memory or devices the console is silent. */
void console_start(bool screen);

#endif
