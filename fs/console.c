/* See console.h. Interrupts put what was typed into the serial line's buffer and a small ring of the
 * keyboard's; a fibril of the kernel takes it from there through the line discipline. Output goes into
 * the serial line's buffer, which interrupts empty; the kernel's log goes out of the same line, whole
 * lines between what programs write. */
#include "fs/console.h"

#include "arch.h"
#include "drivers/keyboard.h"
#include "drivers/serial.h"
#include "drivers/vga.h"
#include "fs/file.h"
#include "fs/pseudo.h"
#include "fs/tty.h"
#include "kernel/errno.h"
#include "kernel/inspect.h"
#include "kernel/log.h"
#include "kernel/task.h"
#include "kernel/wait.h"

#define PORT 1 /* COM1 */
#define PORT_INPUT 1024u
#define PORT_OUTPUT 8192u
#define KEYS 64u /* a power of two */
#define KEY_LIST 0x1e /* control-^: all fibrils are listed in the log */
#define DEVICE(major, minor) ((major) << 8 | (minor))

static struct {
    struct tty tty;
    struct tty_device device;
    struct serial_port *port; /* NULL: there is none */
    bool screen;
    struct wait_queue arrived;
    /* Interrupts off: */
    char keys[KEYS];
    u32 keys_put, keys_taken;
} console;

/* ---- Input ---- */

static void
key_received(char byte, void *argument)
{
    if (console.keys_put - console.keys_taken == KEYS)
        return; /* nobody can type that fast */
    /* a terminal's Enter is a return, which the line discipline makes a newline */
    console.keys[console.keys_put++ % KEYS] = byte == '\n' ? '\r' : byte;
    wake_up_all(&console.arrived);
}

static void
port_received(struct serial_port *port)
{
    wake_up_all(&console.arrived);
}

static size_t
input_take(char *bytes, size_t size)
{
    size_t count = console.port ? serial_get(console.port, bytes, size) : 0;
    INTERRUPTS_OFF_SCOPE();

    while (count < size && console.keys_taken != console.keys_put)
        bytes[count++] = console.keys[console.keys_taken++ % KEYS];
    return count;
}

static bool
input_is_there(void)
{
    return console.keys_taken != console.keys_put ||
           (console.port && serial_input_count(console.port) > 0);
}

static void
input_main(void *unused)
{
    for (;;) {
        char bytes[32];
        size_t count = input_take(bytes, sizeof bytes);
        for (size_t i = 0; i < count; i++)
            if (bytes[i] == KEY_LIST)
                fibrils_log();
            else
                tty_input(&console.tty, (u8)bytes[i]);
        if (count == 0)
            wait_event(&console.arrived, input_is_there()); /* its life is this wait */
    }
}

/* ---- Output ---- */

static size_t
output_room(struct tty_device *device)
{
    return console.port ? serial_output_room(console.port) : PORT_OUTPUT;
}

static void
output_write(struct tty_device *device, const char *bytes, size_t size)
{
    if (console.port)
        serial_put(console.port, bytes, size);
    if (console.screen)
        vga_write(bytes, size);
}

static bool
output_empty(struct tty_device *device)
{
    return !console.port || serial_output_empty(console.port);
}

static void
port_drained(struct serial_port *port)
{
    wake_up_all_key(&console.tty.writable, POLL_OUTPUT);
}

/* ---- Start ---- */

void
console_start(bool screen)
{
    static struct device_file files[] = {
        {.name = "console", .mode = 0600, .device = DEVICE(5, 1), .ops = &tty_file_ops},
        {.name = "ttyS0", .mode = 0600, .device = DEVICE(4, 64), .ops = &tty_file_ops},
    };
    int error;

    console.screen = screen;
    console.device =
        (struct tty_device){.room = output_room, .write = output_write, .empty = output_empty};
    wait_queue_init(&console.arrived, "console input");
    error = tty_init(&console.tty, "ttyS0", &console.device);
    if (!error && !kernel_fibril_start(input_main, NULL))
        error = -ENOMEM;
    if (error) {
        log_line("console: error %d", -error);
        return;
    }
    if (serial_open(PORT, PORT_INPUT, PORT_OUTPUT, &console.port) == 0) {
        console.port->received = port_received;
        console.port->drained = port_drained;
    } else {
        console.port = NULL;
    }
    keyboard_start(key_received, NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
        files[i].private = &console.tty;
        device_register(&files[i]);
    }
}
