/* The run channel's frames over a serial port: one byte channel, two bytes length (little-endian, at
 * most 4096; 0 ends the channel), payload.
 *
 * Called by the run channel's files and by start-up code, on fibrils; the log writes from any
 * context. Frames are put into the port's buffer whole or not at all, so a cancelled writer leaves no
 * half ones. Readers hold a lock only while they copy within the kernel. */
#include "drivers/hostlink.h"

#include "arch.h"
#include "drivers/serial.h"
#include "kernel/errno.h"
#include "kernel/log.h"
#include "kernel/string.h"

#define HOSTLINK_PORT 2 /* COM2 */
#define HEADER_BYTES 3
#define FRAME_BYTES 4096u
#define INPUT_BYTES 32768u
#define OUTPUT_BYTES 32768u
#define FLUSH_BOUND_NS 5000000000ull

static struct serial_port *port;
static struct wait_queue changed = WAIT_QUEUE_INIT(changed, "hostlink");

/* The frame that is being read. Interrupts off. */
static u8 header[HEADER_BYTES];
static u32 header_count;
static u32 frame_left;   /* payload bytes not read yet */
static bool frame_ours;  /* of channel 0: others are skipped */
static bool end_of_file;

static void
port_changed(struct serial_port *changed_port)
{
    wake_up_all(&changed);
}

int
hostlink_start(void)
{
    int error = serial_open(HOSTLINK_PORT, INPUT_BYTES, OUTPUT_BYTES, &port);
    if (error)
        return error;
    port->received = port_changed;
    port->drained = port_changed;
    /* The host sends nothing before this: setting up the line has thrown away what had come. */
    return hostlink_write(HOSTLINK_INPUT, "", 0);
}

/* ---- Reading ---- */

/* Goes over headers and foreign frames up to the next byte of input; false: more must come first.
 * Interrupts off. */
static bool
find_input(void)
{
    u8 skipped[64];
    while (!end_of_file) {
        if (frame_left && frame_ours)
            return serial_input_count(port) != 0;
        if (frame_left) {
            size_t count = serial_get(port, skipped, MIN(frame_left, sizeof skipped));
            frame_left -= (u32)count;
            if (!count)
                return false;
            continue;
        }
        header_count += (u32)serial_get(port, header + header_count, HEADER_BYTES - header_count);
        if (header_count < HEADER_BYTES)
            return false;
        header_count = 0;
        frame_ours = header[0] == HOSTLINK_INPUT;
        frame_left = header[1] | (u32)header[2] << 8;
        end_of_file = frame_ours && !frame_left;
        if (frame_left > FRAME_BYTES) {
            log_line("hostlink: a frame of %u bytes: the channel is not used any more", frame_left);
            frame_left = 0;
            end_of_file = true;
        }
    }
    return true;
}

bool
hostlink_readable(void)
{
    INTERRUPTS_OFF_SCOPE();
    return find_input();
}

int
hostlink_read(void *bytes, size_t size)
{
    for (;;) {
        int error = wait_event_killable(&changed, hostlink_readable());
        if (error)
            return error;
        INTERRUPTS_OFF_SCOPE();
        if (end_of_file || !size)
            return 0;
        if (!find_input())
            continue; /* another reader was faster */
        size_t count = 0;
        while (count < size && find_input() && !end_of_file) {
            size_t piece = serial_get(port, (u8 *)bytes + count, MIN(size - count, frame_left));
            frame_left -= (u32)piece;
            count += piece;
        }
        return (int)count;
    }
}

/* ---- Writing ---- */

bool
hostlink_writable(void)
{
    return serial_output_room(port) >= HEADER_BYTES + FRAME_BYTES;
}

/* Puts one frame into the port's buffer, if there is room for the whole of it. */
static bool
put_frame(enum hostlink_channel channel, const u8 *bytes, size_t size)
{
    u8 start[HEADER_BYTES] = {(u8)channel, (u8)size, (u8)(size >> 8)};
    INTERRUPTS_OFF_SCOPE();
    if (serial_output_room(port) < HEADER_BYTES + size)
        return false;
    serial_put(port, start, HEADER_BYTES);
    serial_put(port, bytes, size);
    return true;
}

int
hostlink_write(enum hostlink_channel channel, const void *bytes, size_t size)
{
    do {
        size_t piece = MIN(size, FRAME_BYTES);
        int error = wait_event_killable(&changed, put_frame(channel, bytes, piece));
        if (error)
            return error;
        bytes = (const u8 *)bytes + piece;
        size -= piece;
    } while (size);
    return 0;
}

void
hostlink_flush(void)
{
    u64 end = time_now_ns() + FLUSH_BOUND_NS;
    if (!port)
        return;
    /* The buffer's end is told by an interrupt, the transmitter's is not. */
    while (!serial_output_empty(port) && time_now_ns() < end)
        wait_event_until(&changed, serial_output_empty(port), time_now_ns() + 1000000);
}

struct wait_queue *
hostlink_wait_queue(void)
{
    return &changed;
}

/* ---- The log ---- */

/* Waits for the hardware, bounded; a frame for which there is no room even then is lost. Interrupts
 * off. */
static void
write_log(const char *text, size_t length)
{
    while (length) {
        size_t piece = MIN(length, FRAME_BYTES);
        if (!put_frame(HOSTLINK_LOG, (const u8 *)text, piece)) {
            serial_drain_now(port);
            put_frame(HOSTLINK_LOG, (const u8 *)text, piece);
        }
        text += piece;
        length -= piece;
    }
    serial_drain_now(port);
}

void
hostlink_add_log(void)
{
    static struct log_console console = {.write = write_log};
    if (port)
        log_add_console(&console);
}
