/* The VGA text screen, 80 by 25 characters. */
#ifndef DRIVERS_VGA_H
#define DRIVERS_VGA_H

#include "kernel/types.h"

void vga_console_start(void); /* the log goes there from now on */
/* Any context. Understands newline, return, tab, backspace, and the escape sequences for clearing
 * (J, K), placing the cursor (H) and colours (m). */
void vga_write(const char *text, size_t length);

#endif
