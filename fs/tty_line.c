/* The line discipline: what becomes of bytes between a terminal's device and its programs, as termios(3)
 * says: lines and how they are edited, echo, characters that send signals, processing of output.
 *
 * Called with input from the fibril that takes it off the device, with output from writers. Nothing here
 * sleeps: echo that the device has no room for is lost. Left out: parity and breaks, delays, ECHOPRT,
 * EXTPROC. */
#include "fs/tty.h"
#include "fs/file.h"
#include "kernel/signal.h"

#define TAB_STOP 8u
#define BELL '\a'
#define CONTINUATION(byte) (((byte) & 0xc0) == 0x80) /* of a character in UTF-8 */

static bool
input_is(const struct tty *tty, u32 flag)
{
    return tty->termios.input & flag;
}

static bool
local_is(const struct tty *tty, u32 flag)
{
    return tty->termios.local & flag;
}

/* Is the byte this control character? One that is 0 is switched off. */
static bool
is_control(const struct tty *tty, u8 byte, unsigned which)
{
    return byte && byte == tty->termios.control[which];
}

/* ---- Output ---- */

/* What the byte becomes, in `out` (of TAB_STOP); how many bytes. Moves the column. */
static size_t
output_process(struct tty *tty, char byte, char *out)
{
    u32 flags = tty->termios.output;
    size_t length = 0;

    switch (byte) {
    case '\n':
        if (flags & OUTPUT_NL_TO_CR_NL)
            out[length++] = '\r';
        if (flags & (OUTPUT_NL_TO_CR_NL | OUTPUT_NL_RETURNS))
            tty->column = 0;
        break;
    case '\r':
        if ((flags & OUTPUT_NO_CR_AT_0) && tty->column == 0)
            return 0;
        if (flags & OUTPUT_CR_TO_NL) {
            byte = '\n';
            tty->column = flags & OUTPUT_NL_RETURNS ? 0 : tty->column;
        } else {
            tty->column = 0;
        }
        break;
    case '\t': {
        u32 spaces = TAB_STOP - tty->column % TAB_STOP;
        tty->column += spaces;
        if ((flags & OUTPUT_TABS) == OUTPUT_TABS) {
            for (; length < spaces; length++)
                out[length] = ' ';
            return length;
        }
        break;
    }
    case '\b':
        tty->column -= tty->column > 0;
        break;
    default:
        if (flags & OUTPUT_UPPER && byte >= 'a' && byte <= 'z')
            byte = (char)(byte - 'a' + 'A');
        if ((u8)byte >= ' ' && byte != 0x7f && !CONTINUATION(byte))
            tty->column++;
    }
    out[length++] = byte;
    return length;
}

size_t
tty_output(struct tty *tty, const char *bytes, size_t size)
{
    size_t done = 0, room = tty->device->room(tty->device);
    char out[64];
    size_t length = 0;

    if (!(tty->termios.output & OUTPUT_PROCESS)) {
        size = size < room ? size : room;
        tty->device->write(tty->device, bytes, size);
        return size;
    }
    for (; done < size && room - length >= TAB_STOP; done++) {
        length += output_process(tty, bytes[done], out + length);
        if (length > sizeof out - TAB_STOP) {
            tty->device->write(tty->device, out, length);
            length = 0;
            room = tty->device->room(tty->device);
        }
    }
    tty->device->write(tty->device, out, length);
    return done;
}

static void
echo_raw(struct tty *tty, const char *bytes, size_t size)
{
    (void)tty_output(tty, bytes, size);
}

/* A control character is shown as ^X, if that is wanted. */
static bool
shown_as_two(const struct tty *tty, u8 byte)
{
    return local_is(tty, LOCAL_ECHO_CONTROL) && (byte < ' ' || byte == 0x7f) && byte != '\t' &&
           byte != '\n';
}

static void
echo(struct tty *tty, u8 byte)
{
    char shown[2] = {'^', (char)(byte ^ 0x40)};

    if (shown_as_two(tty, byte))
        echo_raw(tty, shown, 2);
    else
        echo_raw(tty, (const char *)&byte, 1);
}

/* ---- The ring ---- */

static u8 *
byte_at(const struct tty *tty, u32 position)
{
    return &tty->bytes[position % TTY_INPUT_BYTES];
}

static bool
has_mark(const struct tty *tty, u32 position)
{
    u32 index = position % TTY_INPUT_BYTES;

    return tty->marks[index / 32] >> index % 32 & 1;
}

static void
mark_set(struct tty *tty, u32 position, bool marked)
{
    u32 index = position % TTY_INPUT_BYTES;

    if (marked)
        tty->marks[index / 32] |= 1u << index % 32;
    else
        tty->marks[index / 32] &= ~(1u << index % 32);
}

static bool
ring_put(struct tty *tty, u8 byte, bool ends_line)
{
    u32 held = tty->end - tty->head;

    /* the last place is kept for the end of a line */
    if (held >= TTY_INPUT_BYTES || (held == TTY_INPUT_BYTES - 1 && !ends_line)) {
        if (input_is(tty, INPUT_BELL))
            echo_raw(tty, (const char[]){BELL}, 1);
        return false;
    }
    *byte_at(tty, tty->end) = byte;
    mark_set(tty, tty->end, ends_line);
    tty->end++;
    return true;
}

/* What was typed can be read. */
static void
line_give(struct tty *tty)
{
    tty->line = tty->end;
    wake_up_all_key(&tty->readable, POLL_KEY_INPUT);
}

bool
tty_readable(const struct tty *tty)
{
    return tty->line != tty->head;
}

void
tty_flush_input(struct tty *tty)
{
    tty->head = tty->line = tty->end;
    tty->literal_next = false;
    wake_up_all_key(&tty->writable, POLL_OUTPUT);
}

void
tty_modes_changed(struct tty *tty, u32 old_local)
{
    bool lines = local_is(tty, LOCAL_CANONICAL);

    if (lines == ((old_local & LOCAL_CANONICAL) != 0))
        return;
    /* what is there can be read at once, as one line if lines are wanted now: as Linux's n_tty */
    for (u32 at = tty->head; at != tty->end; at++)
        mark_set(tty, at, lines && at == tty->end - 1);
    tty->literal_next = false;
    line_give(tty);
}

/* ---- Editing the line ---- */

/* The column behind the bytes of the line before `end`. */
static u32
column_of(const struct tty *tty, u32 end)
{
    u32 column = tty->line_column;

    for (u32 at = tty->line; at != end; at++) {
        u8 byte = *byte_at(tty, at);
        if (byte == '\t')
            column += TAB_STOP - column % TAB_STOP;
        else if (shown_as_two(tty, byte))
            column += 2;
        else if (byte >= ' ' && byte != 0x7f && !CONTINUATION(byte))
            column++;
    }
    return column;
}

/* The last character goes, from the line and from the screen. */
static void
character_erase(struct tty *tty)
{
    u32 before = tty->end;

    do
        tty->end--;
    while (input_is(tty, INPUT_UTF8) && tty->end != tty->line &&
           CONTINUATION(*byte_at(tty, tty->end)));
    if (!local_is(tty, LOCAL_ECHO) || !local_is(tty, LOCAL_ECHO_ERASE))
        return;
    bool tab = *byte_at(tty, before - 1) == '\t';
    for (u32 column = column_of(tty, before); column > column_of(tty, tty->end); column--)
        echo_raw(tty, tab ? "\b" : "\b \b", tab ? 1 : 3);
}

static bool
is_word_byte(u8 byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
           byte == '_' || byte >= 0x80;
}

static void
word_erase(struct tty *tty)
{
    bool seen = false;

    while (tty->end != tty->line) {
        bool word = is_word_byte(*byte_at(tty, tty->end - 1));
        if (!word && seen)
            break;
        seen |= word;
        character_erase(tty);
    }
}

static void
line_erase(struct tty *tty, u8 byte)
{
    u32 whole = LOCAL_ECHO_KILL | LOCAL_ECHO_KILL_ALL | LOCAL_ECHO_ERASE;

    if (local_is(tty, LOCAL_ECHO) && (tty->termios.local & whole) != whole) {
        tty->end = tty->line;
        echo(tty, byte);
        if (local_is(tty, LOCAL_ECHO_KILL))
            echo_raw(tty, "\n", 1);
        return;
    }
    while (tty->end != tty->line)
        character_erase(tty);
}

static void
line_show_again(struct tty *tty, u8 byte)
{
    echo(tty, byte);
    echo_raw(tty, "\n", 1);
    tty->line_column = 0;
    for (u32 at = tty->line; at != tty->end; at++)
        echo(tty, *byte_at(tty, at));
}

/* An ordinary byte of the line. */
static void
line_add(struct tty *tty, u8 byte)
{
    if (tty->end == tty->line)
        tty->line_column = tty->column;
    if (ring_put(tty, byte, false) && local_is(tty, LOCAL_ECHO))
        echo(tty, byte);
}

static void
line_end(struct tty *tty, u8 byte)
{
    bool shown = local_is(tty, LOCAL_ECHO) || (byte == '\n' && local_is(tty, LOCAL_ECHO_NL));

    if (!ring_put(tty, byte, true))
        return;
    if (shown)
        echo(tty, byte);
    line_give(tty);
}

static void
canonical_input(struct tty *tty, u8 byte)
{
    bool extended = local_is(tty, LOCAL_EXTENDED);

    if (is_control(tty, byte, TTY_ERASE)) {
        if (tty->end != tty->line)
            character_erase(tty);
    } else if (extended && is_control(tty, byte, TTY_WORD_ERASE)) {
        word_erase(tty);
    } else if (is_control(tty, byte, TTY_KILL)) {
        line_erase(tty, byte);
    } else if (extended && is_control(tty, byte, TTY_LITERAL)) {
        tty->literal_next = true;
        if (local_is(tty, LOCAL_ECHO) && local_is(tty, LOCAL_ECHO_CONTROL))
            echo_raw(tty, "^\b", 2);
    } else if (extended && local_is(tty, LOCAL_ECHO) && is_control(tty, byte, TTY_REPRINT)) {
        line_show_again(tty, byte);
    } else if (is_control(tty, byte, TTY_EOF)) {
        if (ring_put(tty, TTY_NO_BYTE, true))
            line_give(tty);
    } else if (byte == '\n' || is_control(tty, byte, TTY_EOL) ||
               (extended && is_control(tty, byte, TTY_EOL2))) {
        line_end(tty, byte);
    } else {
        line_add(tty, byte);
    }
}

/* ---- Input ---- */

static void
raw_input(struct tty *tty, u8 byte)
{
    if (ring_put(tty, byte, false) && local_is(tty, LOCAL_ECHO))
        echo(tty, byte);
    line_give(tty);
}

static int
signal_of(const struct tty *tty, u8 byte)
{
    if (is_control(tty, byte, TTY_INTERRUPT))
        return SIGINT;
    if (is_control(tty, byte, TTY_QUIT))
        return SIGQUIT;
    return is_control(tty, byte, TTY_SUSPEND) ? SIGTSTP : 0;
}

/* True: the byte was one that sends a signal. */
static bool
signal_input(struct tty *tty, u8 byte)
{
    int number = local_is(tty, LOCAL_SIGNALS) ? signal_of(tty, byte) : 0;

    if (!number)
        return false;
    if (!local_is(tty, LOCAL_NO_FLUSH))
        tty_flush_input(tty);
    tty->stopped = false;
    if (local_is(tty, LOCAL_ECHO))
        echo(tty, byte);
    wake_up_all_key(&tty->writable, POLL_OUTPUT);
    tty_signal(tty, number);
    return true;
}

/* True: the byte was one that stops or starts output. */
static bool
flow_input(struct tty *tty, u8 byte)
{
    bool start, stop;

    if (!input_is(tty, INPUT_XON))
        return false;
    start = is_control(tty, byte, TTY_START);
    stop = is_control(tty, byte, TTY_STOP);
    if (stop)
        tty->stopped = true;
    if (start || (tty->stopped && !stop && input_is(tty, INPUT_ANY_STARTS))) {
        tty->stopped = false;
        wake_up_all_key(&tty->writable, POLL_OUTPUT);
    }
    return start || stop;
}

/* What the byte is to the program; false: nothing. */
static bool
input_map(const struct tty *tty, u8 *byte)
{
    if (input_is(tty, INPUT_STRIP))
        *byte &= 0x7f;
    if (input_is(tty, INPUT_LOWER) && local_is(tty, LOCAL_EXTENDED) && *byte >= 'A' && *byte <= 'Z')
        *byte |= 0x20;
    if (*byte == '\r') {
        if (input_is(tty, INPUT_IGNORE_CR))
            return false;
        if (input_is(tty, INPUT_CR_TO_NL))
            *byte = '\n';
    } else if (*byte == '\n' && input_is(tty, INPUT_NL_TO_CR)) {
        *byte = '\r';
    }
    return true;
}

void
tty_input(struct tty *tty, u8 byte)
{
    if (tty->literal_next) {
        tty->literal_next = false;
        line_add(tty, byte);
        if (!local_is(tty, LOCAL_CANONICAL))
            line_give(tty);
        return;
    }
    if (input_is(tty, INPUT_STRIP))
        byte &= 0x7f;
    if (flow_input(tty, byte) || signal_input(tty, byte) || !input_map(tty, &byte))
        return;
    if (local_is(tty, LOCAL_CANONICAL))
        canonical_input(tty, byte);
    else
        raw_input(tty, byte);
}

size_t
tty_line_length(const struct tty *tty, size_t most, size_t *with_end)
{
    size_t length = 0;

    for (; tty->head + length != tty->line; length++) {
        u32 at = tty->head + (u32)length;
        bool hidden = has_mark(tty, at) && *byte_at(tty, at) == TTY_NO_BYTE;
        if (length == most && !hidden)
            break;
        if (has_mark(tty, at)) {
            *with_end = length + 1;
            return hidden ? length : length + 1;
        }
    }
    *with_end = length;
    return length;
}
