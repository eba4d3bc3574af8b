/* The PS/2 keyboard, with the US layout. */
#ifndef DRIVERS_KEYBOARD_H
#define DRIVERS_KEYBOARD_H

/* From now on received(byte, argument) is called for every byte that keys stand for, with interrupts
 * off, in an interrupt: ASCII, Ctrl-A to Ctrl-Z, newline for Enter, DEL for Backspace, and the
 * escape sequences of [ECMA-48] for the cursor keys. */
void keyboard_start(void (*received)(char byte, void *argument), void *argument);

#endif
