/* The text screen of a VGA in the mode the BIOS leaves it in: 80 by 25 cells of character and colour
 * at 0xb8000, [VGA] IBM PS/2 Video Subsystem. A console of the log, and a simple terminal.
 *
 * Left out: other modes, scrolling back, more escape sequences than the README's programs use. */
#include "drivers/vga.h"

#include "arch.h"
#include "io.h"
#include "kernel/log.h"
#include "kernel/string.h"

#define SCREEN_PHYSICAL 0xb8000u
#define COLUMNS 80u
#define ROWS 25u
#define TAB 8u
#define LIGHT_GREY 0x07

#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_HIGH 14
#define CRTC_CURSOR_LOW 15

/* Interrupts off. */
static u32 row, column;
static u8 colour = LIGHT_GREY;
static enum { TEXT, ESCAPE, SEQUENCE } state; /* of the text: inside ESC [ 1 ; 2 m ? */
static u32 numbers[4], number_count;          /* of the sequence */

static u16 *
cell(u32 at_row, u32 at_column)
{
    return (u16 *)physical_to_virtual(SCREEN_PHYSICAL) + at_row * COLUMNS + at_column;
}

static void
clear(u32 from_row, u32 from_column, u32 count)
{
    u16 *at = cell(from_row, from_column);
    while (count--)
        *at++ = (u16)(colour << 8 | ' ');
}

static void
show_cursor(void)
{
    u32 position = row * COLUMNS + MIN(column, COLUMNS - 1);
    port_out8(CRTC_INDEX, CRTC_CURSOR_HIGH);
    port_out8(CRTC_DATA, (u8)(position >> 8));
    port_out8(CRTC_INDEX, CRTC_CURSOR_LOW);
    port_out8(CRTC_DATA, (u8)position);
}

static void
new_line(void)
{
    column = 0;
    if (++row < ROWS)
        return;
    row = ROWS - 1;
    memmove(cell(0, 0), cell(1, 0), (ROWS - 1) * COLUMNS * sizeof(u16));
    clear(ROWS - 1, 0, COLUMNS);
}

static void
put_text(char character)
{
    if (character == '\n') {
        new_line();
    } else if (character == '\r') {
        column = 0;
    } else if (character == '\b') {
        column -= column > 0;
    } else if (character == '\t') {
        column = MIN(ALIGN_DOWN(column + TAB, TAB), COLUMNS - 1);
    } else if (character == 27) {
        state = ESCAPE;
    } else if ((u8)character >= ' ') {
        if (column == COLUMNS)
            new_line();
        *cell(row, column++) = (u16)(colour << 8 | (u8)character);
    }
}

/* ESC [ … m: 0, 1, 7, 30 to 37, 40 to 47 of [ECMA-48] 8.3.117; VGA has red and blue the other way. */
static void
set_colour(u32 number)
{
    static const u8 vga[8] = {0, 4, 2, 6, 1, 5, 3, 7};
    if (number == 0)
        colour = LIGHT_GREY;
    else if (number == 1)
        colour |= 0x08;
    else if (number == 7)
        colour = (u8)((colour & 0x88) | (colour & 0x07) << 4 | (colour & 0x70) >> 4);
    else if (number >= 30 && number <= 37)
        colour = (colour & 0xf8) | vga[number - 30];
    else if (number >= 40 && number <= 47)
        colour = (u8)((colour & 0x8f) | vga[number - 40] << 4);
}

static void
end_sequence(char final)
{
    state = TEXT;
    if (final == 'm') {
        for (u32 i = 0; i < number_count; i++)
            set_colour(numbers[i]);
    } else if (final == 'H') {
        row = MIN(numbers[0] ? numbers[0] - 1 : 0, ROWS - 1);
        column = MIN(number_count > 1 && numbers[1] ? numbers[1] - 1 : 0, COLUMNS - 1);
    } else if (final == 'J') {
        u32 from = numbers[0] == 2 ? 0 : row * COLUMNS + column;
        clear(0, from, ROWS * COLUMNS - from);
    } else if (final == 'K') {
        clear(row, MIN(column, COLUMNS - 1), COLUMNS - MIN(column, COLUMNS - 1));
    }
}

static void
put_sequence(char character)
{
    u32 *number = &numbers[number_count - 1];
    if (character >= '0' && character <= '9')
        *number = MIN(*number * 10 + (u32)(character - '0'), 999u);
    else if (character == ';' && number_count < ARRAY_SIZE(numbers))
        numbers[number_count++] = 0;
    else if (character >= '@')
        end_sequence(character);
}

static void
put_character(char character)
{
    if (state == TEXT) {
        put_text(character);
    } else if (state == SEQUENCE) {
        put_sequence(character);
    } else if (character == '[') {
        state = SEQUENCE;
        number_count = 1;
        numbers[0] = 0;
    } else {
        state = TEXT;
    }
}

void
vga_write(const char *text, size_t length)
{
    INTERRUPTS_OFF_SCOPE();
    while (length--)
        put_character(*text++);
    show_cursor();
}

void
vga_console_start(void)
{
    static struct log_console console = {.write = vga_write};
    clear(0, 0, ROWS * COLUMNS);
    row = column = 0;
    log_add_console(&console);
}
