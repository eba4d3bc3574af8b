/* The PS/2 keyboard behind the 8042 controller, scan code set 1 (into which the controller translates
 * what the keyboard sends, as the BIOS has set it up), [8042]. Left out: other layouts, lights. */
#include "drivers/keyboard.h"

#include "arch.h"
#include "io.h"
#include "kernel/log.h"
#include "kernel/types.h"

#define PORT_DATA 0x60
#define PORT_STATUS 0x64
#define STATUS_FULL 0x01
#define STATUS_MOUSE 0x20 /* the byte is the mouse's */
#define KEYBOARD_LINE 1
#define MOST_WAITING 32

#define KEY_RELEASED 0x80
#define KEY_EXTENDED 0xe0
#define KEY_CTRL 0x1d
#define KEY_SHIFT_LEFT 0x2a
#define KEY_SHIFT_RIGHT 0x36
#define KEY_CAPS 0x3a

/* By scan code, 0x00 to 0x39; 0: no character. */
static const char plain[] = "\0\0331234567890-=\177\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

/* The keys behind KEY_EXTENDED that give escape sequences. */
static const struct {
    u8 key;
    const char *sequence;
} extended_keys[] = {
    {0x48, "\033[A"}, {0x50, "\033[B"}, {0x4d, "\033[C"}, {0x4b, "\033[D"},
    {0x47, "\033[H"}, {0x4f, "\033[F"}, {0x53, "\033[3~"}, {0x1c, "\n"}, {0x35, "/"},
};

static void (*receiver)(char byte, void *argument);
static void *receiver_argument;
static bool shift, control, caps, extended; /* the handler's */

static void
send(const char *bytes)
{
    while (*bytes)
        receiver(*bytes++, receiver_argument);
}

static void
extended_key_down(u8 key)
{
    for (unsigned i = 0; i < ARRAY_SIZE(extended_keys); i++)
        if (extended_keys[i].key == key)
            send(extended_keys[i].sequence);
}

static void
key_down(u8 key)
{
    char byte = 0;
    if (key < sizeof plain - 1)
        byte = shift ? shifted[key] : plain[key];
    bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
    if (caps && letter)
        byte ^= 0x20;
    if (control)
        byte = letter || (byte >= '[' && byte <= '_') ? byte & 0x1f : 0;
    if (byte)
        receiver(byte, receiver_argument);
}

static void
take_code(u8 code)
{
    u8 key = code & ~KEY_RELEASED;
    bool down = !(code & KEY_RELEASED), was_extended = extended;
    extended = code == KEY_EXTENDED;
    if (extended)
        return;
    if (key == KEY_CTRL)
        control = down;
    else if ((key == KEY_SHIFT_LEFT || key == KEY_SHIFT_RIGHT) && !was_extended)
        shift = down;
    else if (key == KEY_CAPS)
        caps ^= down;
    else if (down && was_extended)
        extended_key_down(key);
    else if (down)
        key_down(key);
}

static bool
interrupt(void *argument)
{
    bool ours = false;
    for (unsigned i = 0; i < MOST_WAITING; i++) {
        u8 status = port_in8(PORT_STATUS);
        if (!(status & STATUS_FULL) || status == 0xff)
            break;
        u8 code = port_in8(PORT_DATA);
        ours = true;
        if (!(status & STATUS_MOUSE))
            take_code(code);
    }
    return ours;
}

void
keyboard_start(void (*received)(char byte, void *argument), void *argument)
{
    static struct interrupt_handler handler = {.handle = interrupt};
    if (port_in8(PORT_STATUS) == 0xff)
        return; /* no controller */
    receiver = received;
    receiver_argument = argument;
    for (unsigned i = 0; i < MOST_WAITING && (port_in8(PORT_STATUS) & STATUS_FULL); i++)
        port_in8(PORT_DATA); /* pressed before anybody listened */
    interrupt_register(KEYBOARD_LINE, &handler);
}
