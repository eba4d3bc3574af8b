// sources: drivers/hostlink.c drivers/serial.c tests/host/support/*.c
/* The run channel and the serial port below it, against a fake 16550 that a fake host feeds. */
#include "arch.h"
#include "drivers/hostlink.h"
#include "drivers/serial.h"
#include "host.h"
#include "io.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/log.h"
#include "kernel/task.h"

#define BASE 0x2f8
#define LINE 3

/* ---- The chip ---- */

static u8 fifo[16];
static unsigned fifo_count;
static u8 enabled, line_control, scratch;
static bool transmit_pending; /* the interrupt that tells of room has not been seen yet */
static bool stuck;            /* the host takes nothing */
static unsigned lost;

/* What the host sends and has received. */
static u8 to_send[1 << 21], got[1 << 21];
static size_t send_count, sent, got_count;

static void
host_feed(void)
{
    while (fifo_count < 14 && sent < send_count)
        fifo[fifo_count++] = to_send[sent++];
}

static u8
identification(void)
{
    if ((enabled & 1) && fifo_count >= 14)
        return 0xc4;
    if ((enabled & 1) && fifo_count)
        return 0xcc;
    if ((enabled & 2) && transmit_pending && !stuck)
        return 0xc2;
    return 0xc1;
}

u8
port_in8(u16 port)
{
    u8 value = 0xff;
    switch (port - BASE) {
    case 0:
        if (!fifo_count) {
            fprintf(stderr, "read from an empty FIFO\n");
            abort();
        }
        value = fifo[0];
        memmove(fifo, fifo + 1, --fifo_count);
        break;
    case 1: value = enabled; break;
    case 2:
        value = identification();
        if ((value & 15) == 2)
            transmit_pending = false;
        break;
    case 3: value = line_control; break;
    case 5: value = (fifo_count ? 1 : 0) | (stuck ? 0 : 0x60); break;
    case 6: value = 0; break;
    case 7: value = scratch; break;
    }
    return value;
}

void
port_out8(u16 port, u8 value)
{
    switch (port - BASE) {
    case 0:
        if (line_control & 0x80)
            break;
        if (stuck)
            lost++;
        else
            got[got_count++] = value;
        transmit_pending = true;
        break;
    case 1:
        if (line_control & 0x80)
            break;
        if (value & ~enabled & 2)
            transmit_pending = true;
        enabled = value;
        break;
    case 3: line_control = value; break;
    case 7: scratch = value; break;
    }
}

static bool
pump(void)
{
    bool work = false;
    host_feed();
    while (!(identification() & 1)) {
        work = true;
        host_time_advance(10000);
        host_interrupt(LINE);
        host_feed();
    }
    return work;
}

/* ---- The host's side of the frames ---- */

static void
send_frame(u8 channel, const void *bytes, size_t size)
{
    u8 *at = to_send + send_count;
    at[0] = channel;
    at[1] = (u8)size;
    at[2] = (u8)(size >> 8);
    memcpy(at + 3, bytes, size);
    send_count += 3 + size;
}

/* Takes the frames received apart; appends the payload of each channel. False: they are damaged. */
static u8 parts[8][1 << 20];
static size_t part_size[8];
static unsigned frames;

static bool
take_frames(void)
{
    size_t at = 0;
    memset(part_size, 0, sizeof part_size);
    frames = 0;
    while (at < got_count) {
        if (at + 3 > got_count || got[at] > 4)
            return false;
        u8 channel = got[at];
        size_t size = got[at + 1] | got[at + 2] << 8;
        at += 3;
        if (size > 4096 || at + size > got_count)
            return false;
        memcpy(parts[channel] + part_size[channel], got + at, size);
        part_size[channel] += size;
        at += size;
        frames++;
    }
    got_count = 0;
    return true;
}

static u8 pattern[200000];

/* ---- Tests ---- */

static void
reads_frames(void)
{
    static u8 buffer[300000];
    size_t count = 0;
    for (size_t at = 0; at < sizeof pattern;) {
        size_t size = 1 + (size_t)rand() % 4096;
        size = MIN(size, sizeof pattern - at);
        send_frame(0, pattern + at, size);
        if (rand() % 3 == 0)
            send_frame(7, pattern, 100); /* nobody's: skipped */
        at += size;
    }
    while (count < sizeof pattern) {
        int size = hostlink_read(buffer + count, 1 + (size_t)rand() % 5000);
        CHECK(size > 0, "%d", size);
        count += (size_t)size;
    }
    CHECK(memcmp(buffer, pattern, sizeof pattern) == 0);
    CHECK(!hostlink_readable());
}

/* Nobody reads: the buffer fills, then the chip, then the host has to wait. Nothing is lost. */
static void
back_pressure(void)
{
    static u8 buffer[300000];
    size_t count = 0, before = sent;
    for (size_t at = 0; at < sizeof pattern; at += 4000)
        send_frame(0, pattern + at, 4000);
    while (pump())
        ;
    CHECK(sent - before < 40000 && hostlink_readable());
    CHECK(!(enabled & 1));
    while (count < sizeof pattern) {
        int size = hostlink_read(buffer + count, sizeof buffer - count);
        CHECK(size > 0);
        count += (size_t)size;
    }
    CHECK(memcmp(buffer, pattern, sizeof pattern) == 0);
}

static void
read_is_killable(void)
{
    u8 byte;
    current_fibril()->cancel_error = -EINTR;
    CHECK(hostlink_read(&byte, 1) == -EINTR);
    current_fibril()->cancel_error = 0;
    send_frame(0, "x", 1);
    CHECK(hostlink_read(&byte, 1) == 1 && byte == 'x');
}

static void
half_a_header_is_not_readable(void)
{
    u8 byte;
    send_frame(0, "y", 1);
    send_count -= 2; /* only the first byte of the length so far */
    while (pump())
        ;
    CHECK(!hostlink_readable());
    send_count++;
    while (pump())
        ;
    CHECK(!hostlink_readable());
    send_count++;
    while (pump())
        ;
    CHECK(hostlink_readable() && hostlink_read(&byte, 1) == 1 && byte == 'y');
}

static void
writes_frames(void)
{
    got_count = 0;
    CHECK(hostlink_write(HOSTLINK_OUTPUT, pattern, sizeof pattern) == 0);
    CHECK(hostlink_write(HOSTLINK_ERROR, "oops", 4) == 0);
    CHECK(hostlink_write(HOSTLINK_STATUS, "\7\0\0\0", 4) == 0);
    hostlink_flush();
    CHECK(take_frames());
    CHECK(part_size[1] == sizeof pattern && memcmp(parts[1], pattern, sizeof pattern) == 0);
    CHECK(part_size[2] == 4 && part_size[3] == 4);
}

/* ---- A host that does not take anything for a while ---- */

static int writer_result[3];

static void
writer(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    writer_result[number] =
        hostlink_write(number ? HOSTLINK_ERROR : HOSTLINK_OUTPUT, pattern, 50000);
    if (!writer_result[number])
        writer_result[number] = 1;
}

static void
sleep_ms(unsigned milliseconds)
{
    static struct wait_queue queue = WAIT_QUEUE_INIT(queue, "test");
    (void)wait_event_until(&queue, false, time_now_ns() + milliseconds * 1000000ull);
}

static void
blocked_writers(void)
{
    got_count = 0;
    stuck = true;
    kernel_fibril_start(writer, (void *)0);
    kernel_fibril_start(writer, (void *)1);
    sleep_ms(10);
    CHECK(writer_result[0] == 0 && writer_result[1] == 0 && !hostlink_writable());
    CHECK(lost == 0);
    stuck = false;
    transmit_pending = true;
    sleep_ms(10);
    CHECK(writer_result[0] == 1 && writer_result[1] == 1, "%d %d", writer_result[0],
          writer_result[1]);
    hostlink_flush();
    CHECK(take_frames() && part_size[1] == 50000 && part_size[2] == 50000);
    CHECK(memcmp(parts[1], pattern, 50000) == 0 && memcmp(parts[2], pattern, 50000) == 0);
}

static void
cancelled_writer_leaves_whole_frames(void)
{
    got_count = 0;
    stuck = true;
    struct fibril *fibril = kernel_fibril_start(writer, (void *)2);
    sleep_ms(10);
    fibril_cancel(fibril, -EINTR);
    sleep_ms(10);
    CHECK(writer_result[2] == -EINTR, "%d", writer_result[2]);
    stuck = false;
    transmit_pending = true;
    hostlink_flush();
    CHECK(take_frames() && part_size[2] > 0 && part_size[2] % 4096 == 0);
    CHECK(memcmp(parts[2], pattern, part_size[2]) == 0);
}

static struct log_console *console;

void
log_add_console(struct log_console *added)
{
    console = added;
}

/* Log text comes between frames, also while writers have frames in the buffer. */
static void
log_between_frames(void)
{
    got_count = 0;
    hostlink_add_log();
    CHECK(console);
    for (unsigned i = 0; i < 50; i++) {
        CHECK(hostlink_write(HOSTLINK_OUTPUT, pattern + i * 1000, 1000) == 0);
        interrupt_state state = interrupts_save();
        console->write("a line\n", 7);
        interrupts_restore(state);
    }
    hostlink_flush();
    CHECK(take_frames() && frames == 100 && part_size[4] == 350 && part_size[1] == 50000);
    CHECK(memcmp(parts[1], pattern, 50000) == 0);
}

/* A host that takes nothing must not hold the log up for ever; what does not fit into the buffer is
 * lost in whole frames. */
static void
log_to_a_stuck_host(void)
{
    stuck = true;
    got_count = 0;
    for (unsigned i = 0; i < 10000; i++)
        console->write("a line\n", 7);
    CHECK(lost == 0 && got_count == 0);
    stuck = false;
    console->write("found\n", 6);
    CHECK(take_frames() && part_size[4] > 20000 && part_size[4] < 40000);
    CHECK(memcmp(parts[4] + part_size[4] - 6, "found\n", 6) == 0);
}

static void
end_of_file(void)
{
    u8 byte;
    send_frame(0, "z", 1);
    send_frame(0, "", 0);
    CHECK(hostlink_read(&byte, 1) == 1 && byte == 'z');
    CHECK(hostlink_read(&byte, 1) == 0 && hostlink_readable());
    CHECK(hostlink_read(&byte, 1) == 0);
}

int
main(void)
{
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (u8)(i * 7 + i / 256 + i / 4096);
    host_pump = pump;
    if (hostlink_start())
        return 1;
    RUN_TEST(reads_frames);
    RUN_TEST(back_pressure);
    RUN_TEST(read_is_killable);
    RUN_TEST(half_a_header_is_not_readable);
    RUN_TEST(writes_frames);
    RUN_TEST(blocked_writers);
    RUN_TEST(cancelled_writer_leaves_whole_frames);
    RUN_TEST(log_between_frames);
    RUN_TEST(log_to_a_stuck_host);
    RUN_TEST(end_of_file);
    return test_result();
}
