/* Terminals as files: read by lines or by bytes with MIN and TIME, write, poll, ioctl. See tty.h. */
#include "fs/tty.h"

#include "arch.h"
#include "fs/file.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/signal.h"
#include "kernel/string.h"
#include "kernel/timer.h"

#define PIECE 128u /* bytes that pass through the stack at once */
#define TIME_UNIT_NS 100000000u /* VTIME counts tenths of seconds */

int
tty_init(struct tty *tty, const char *name, struct tty_device *device)
{
    /* include/linux/tty.h: INIT_C_CC; tty_std_termios */
    static const u8 controls[TTY_CONTROLS] = "\003\034\177\025\004\0\1\0\021\023\032\0\022\017\027\026";

    *tty = (struct tty){.name = name, .device = device, .size = {25, 80, 0, 0}};
    tty->termios = (struct termios){
        .input = INPUT_CR_TO_NL | INPUT_XON,
        .output = OUTPUT_PROCESS | OUTPUT_NL_TO_CR_NL,
        .hardware = 0002260 | 0010002, /* CS8, CREAD, HUPCL; B115200 */
        .local = LOCAL_SIGNALS | LOCAL_CANONICAL | LOCAL_ECHO | LOCAL_ECHO_ERASE |
                 LOCAL_ECHO_KILL | LOCAL_ECHO_CONTROL | LOCAL_ECHO_KILL_ALL | LOCAL_EXTENDED,
    };
    memcpy(tty->termios.control, controls, sizeof controls);
    tty->bytes = heap_alloc(TTY_INPUT_BYTES);
    tty->marks = heap_alloc(TTY_INPUT_BYTES / 8);
    if (!tty->bytes || !tty->marks) {
        heap_free(tty->bytes);
        heap_free(tty->marks);
        return -ENOMEM;
    }
    wait_queue_init(&tty->readable, "terminal read");
    wait_queue_init(&tty->writable, "terminal write");
    mutex_init(&tty->reader, "terminal reader");
    mutex_init(&tty->writer, "terminal writer");
    tty_session_init(tty);
    return 0;
}

/* ---- Reading ---- */

static bool
reads_lines(const struct tty *tty)
{
    return tty->termios.local & LOCAL_CANONICAL;
}

/* Gives at most `most` bytes that can be read; *ended: one read shall not give more than these. */
static int
give_some(struct tty *tty, struct iter *iter, bool *ended)
{
    char piece[PIECE];
    size_t most = MIN(iter->left, sizeof piece), size, with_end;
    int error;

    if (reads_lines(tty)) {
        size = tty_line_length(tty, most, &with_end);
        *ended = with_end < most || with_end > size || (size > 0 && with_end == size && size < most);
        if (with_end == 0)
            return 0;
    } else {
        size = with_end = MIN(most, (size_t)(tty->line - tty->head));
        *ended = false;
    }
    for (size_t i = 0; i < size; i++)
        piece[i] = (char)tty->bytes[(tty->head + i) % TTY_INPUT_BYTES];
    error = iter_put(iter, piece, size);
    if (!error)
        tty->head += (u32)with_end;
    return error;
}

/* Until when a read by bytes waits for its first byte, or the next one; 0: for ever. */
static u64
byte_deadline(const struct tty *tty, bool first)
{
    u32 time = tty->termios.control[TTY_TIME], least = tty->termios.control[TTY_MIN];

    if (reads_lines(tty) || time == 0 || (first && least > 0))
        return 0;
    return time_now_ns() + (u64)time * TIME_UNIT_NS;
}

/* Waits until there is something. 0; -EAGAIN; -ETIMEDOUT: no more comes in time. */
static int
wait_for_input(struct tty *tty, bool nonblocking, bool first)
{
    if (tty_readable(tty))
        return 0;
    if (nonblocking)
        return -EAGAIN;
    if (!reads_lines(tty) && tty->termios.control[TTY_MIN] == 0 &&
        tty->termios.control[TTY_TIME] == 0)
        return -ETIMEDOUT;
    return wait_event_interruptible_until(&tty->readable, tty_readable(tty),
                                          byte_deadline(tty, first));
}

/* Does a read by bytes that has got `done` wait for more? */
static bool
wants_more(const struct tty *tty, size_t done)
{
    return !reads_lines(tty) && done < tty->termios.control[TTY_MIN];
}

static int
read_some(struct tty *tty, struct iter *iter, bool nonblocking)
{
    bool ended = false;
    int error;

    do {
        error = wait_for_input(tty, nonblocking, iter->done == 0);
        if (!error)
            error = tty_check_foreground(tty, SIGTTIN);
        if (error)
            return error == -ETIMEDOUT ? 0 : error;
        do
            error = give_some(tty, iter, &ended);
        while (!error && !ended && iter->left > 0 && tty_readable(tty));
    } while (!error && !ended && iter->left > 0 && (wants_more(tty, iter->done)));
    return error;
}

static int
tty_read(struct file *file, struct iter *iter, u64 *position)
{
    struct tty *tty = file->private;
    bool nonblocking = file->flags & OPEN_NONBLOCK;
    int error = tty_check_foreground(tty, SIGTTIN);

    if (error || iter->left == 0)
        return error;
    if (nonblocking) {
        if (!mutex_try_lock(&tty->reader))
            return -EAGAIN;
    } else {
        error = mutex_lock(&tty->reader);
        if (error)
            return error;
    }
    error = read_some(tty, iter, nonblocking);
    mutex_unlock(&tty->reader);
    return iter->done ? 0 : error;
}

/* ---- Writing ---- */

static bool
may_write(const struct tty *tty)
{
    return !tty->stopped && tty->device->room(tty->device) >= 64;
}

/* All of these bytes go out. */
static int
write_piece(struct tty *tty, const char *bytes, size_t size, bool nonblocking, size_t *done)
{
    int error = 0;

    *done = 0;
    while (!error && *done < size) {
        if (may_write(tty))
            *done += tty_output(tty, bytes + *done, size - *done);
        else if (nonblocking)
            error = -EAGAIN;
        else
            error = wait_event_interruptible(&tty->writable, may_write(tty));
    }
    return error;
}

static int
write_all(struct tty *tty, struct iter *iter, bool nonblocking)
{
    char piece[PIECE];
    size_t sent = 0, done;
    int error = 0;

    while (!error && iter->left > 0) {
        size_t size = MIN(iter->left, sizeof piece);
        error = iter_take(iter, piece, size);
        if (error)
            break;
        error = write_piece(tty, piece, size, nonblocking, &done);
        sent += done;
        if (!error && iter->left > 0)
            error = schedule_point();
    }
    iter->done = sent;
    return sent ? 0 : error;
}

static int
tty_write(struct file *file, struct iter *iter, u64 *position)
{
    struct tty *tty = file->private;
    int error = 0;

    if (tty->termios.local & LOCAL_STOP_OUTPUT)
        error = tty_check_foreground(tty, SIGTTOU);
    if (!error)
        error = mutex_lock(&tty->writer);
    if (error)
        return error;
    error = write_all(tty, iter, file->flags & OPEN_NONBLOCK);
    mutex_unlock(&tty->writer);
    return error;
}

/* ---- poll, open ---- */

static u32
tty_poll(struct file *file, struct poll_table *table)
{
    struct tty *tty = file->private;
    u32 least = reads_lines(tty) || tty->termios.control[TTY_TIME] ? 1
                                                                   : tty->termios.control[TTY_MIN];
    u32 events = 0;

    if (table) {
        table->add(table, &tty->readable);
        table->add(table, &tty->writable);
    }
    if (tty->line - tty->head >= MAX(least, 1u))
        events |= POLL_IN | POLL_RDNORM;
    if (may_write(tty))
        events |= POLL_OUT | POLL_WRNORM;
    return events;
}

static int
tty_open(struct file *file)
{
    if (!(file->flags & OPEN_NO_CONTROL))
        tty_opened(file->private);
    return 0;
}

/* ---- ioctl: asm-generic/ioctls.h ---- */

enum {
    TCGETS = 0x5401, TCSETS, TCSETSW, TCSETSF, TCGETA, TCSETA, TCSETAW, TCSETAF, TCSBRK, TCXONC,
    TCFLSH, TIOCEXCL, TIOCNXCL, TIOCOUTQ = 0x5411, TIOCSTI, TIOCGWINSZ, TIOCSWINSZ,
    FIONREAD = 0x541b, TIOCSETD = 0x5423, TIOCGETD, TCSBRKP,
};
#define TCGETS2 0x802c542au
#define TCSETS2 0x402c542bu
#define TCSETSW2 0x402c542cu
#define TCSETSF2 0x402c542du

struct termio { /* of TCGETA: 18 bytes */
    u16 input, output, hardware, local;
    u8 line, control[8];
};
struct termios2 {
    struct termios termios;
    u32 input_speed, output_speed;
};
#define SPEED 115200u

/* Waits until all output has gone. */
static int
drain(struct tty *tty)
{
    while (!tty->device->empty(tty->device)) {
        int error = wait_event_interruptible_until(&tty->writable, false,
                                                   time_now_ns() + TICK_NS);
        if (error != -ETIMEDOUT)
            return error;
    }
    return 0;
}

enum when { NOW, DRAINED, FLUSHED };

static int
termios_set(struct tty *tty, const struct termios *termios, enum when when)
{
    u32 old_local = tty->termios.local;
    int error = tty_check_foreground(tty, SIGTTOU);

    if (!error && when != NOW)
        error = drain(tty);
    if (error)
        return error;
    if (when == FLUSHED)
        tty_flush_input(tty);
    tty->termios = *termios;
    tty_modes_changed(tty, old_local);
    if (!(termios->input & INPUT_XON) && tty->stopped) {
        tty->stopped = false;
        wake_up_all_key(&tty->writable, POLL_OUTPUT);
    }
    wake_up_all_key(&tty->readable, POLL_KEY_INPUT); /* MIN and TIME may be others */
    return 0;
}

static int
termios_take(struct tty *tty, const void USER *from, enum when when)
{
    struct termios termios;

    if (copy_from_user(&termios, from, sizeof termios))
        return -EFAULT;
    return termios_set(tty, &termios, when);
}

static int
termio_take(struct tty *tty, const void USER *from, enum when when)
{
    struct termios termios = tty->termios;
    struct termio old;

    if (copy_from_user(&old, from, sizeof old))
        return -EFAULT;
    termios.input = (termios.input & ~0xffffu) | old.input;
    termios.output = (termios.output & ~0xffffu) | old.output;
    termios.hardware = (termios.hardware & ~0xffffu) | old.hardware;
    termios.local = (termios.local & ~0xffffu) | old.local;
    termios.line = old.line;
    memcpy(termios.control, old.control, sizeof old.control);
    return termios_set(tty, &termios, when);
}

static int
termio_give(const struct tty *tty, void USER *to)
{
    const struct termios *termios = &tty->termios;
    struct termio old = {
        .input = (u16)termios->input,
        .output = (u16)termios->output,
        .hardware = (u16)termios->hardware,
        .local = (u16)termios->local,
        .line = termios->line,
    };

    memcpy(old.control, termios->control, sizeof old.control);
    return copy_to_user(to, &old, sizeof old);
}

static int
termios2_give(const struct tty *tty, void USER *to)
{
    struct termios2 termios2 = {tty->termios, SPEED, SPEED};

    return copy_to_user(to, &termios2, sizeof termios2);
}

static int
flow_control(struct tty *tty, uintptr_t action)
{
    int error = tty_check_foreground(tty, SIGTTOU);

    if (error)
        return error;
    if (action > 3)
        return -EINVAL;
    if (action < 2) { /* TCOOFF, TCOON; the others send characters to the other side */
        tty->stopped = action == 0;
        wake_up_all_key(&tty->writable, POLL_OUTPUT);
    }
    return 0;
}

static int
flush(struct tty *tty, uintptr_t which)
{
    int error = tty_check_foreground(tty, SIGTTOU);

    if (error)
        return error;
    if (which > 2)
        return -EINVAL;
    if (which != 1) /* what is on its way out is out */
        tty_flush_input(tty);
    return 0;
}

static int
size_set(struct tty *tty, const void USER *from)
{
    struct tty_size size;

    if (copy_from_user(&size, from, sizeof size))
        return -EFAULT;
    if (memcmp(&size, &tty->size, sizeof size) != 0) {
        tty->size = size;
        tty_signal(tty, SIGWINCH);
    }
    return 0;
}

static int
simulate_input(struct tty *tty, const char USER *from)
{
    char byte;

    if (copy_from_user(&byte, from, 1))
        return -EFAULT;
    tty_input(tty, (u8)byte);
    return 0;
}

static int
number_give(u32 number, void USER *to)
{
    return copy_to_user(to, &number, sizeof number);
}

static int
number_take(int *number, const void USER *from)
{
    return copy_from_user(number, from, sizeof *number);
}

static int
discipline_set(const void USER *from)
{
    int number, error = number_take(&number, from);

    return error ? error : number == 0 ? 0 : -EINVAL; /* N_TTY alone */
}

static int
tty_ioctl(struct file *file, u32 command, uintptr_t argument)
{
    struct tty *tty = file->private;
    void USER *user = (void USER *)argument;

    switch (command) {
    case TCGETS: return copy_to_user(user, &tty->termios, sizeof tty->termios);
    case TCSETS: return termios_take(tty, user, NOW);
    case TCSETSW: return termios_take(tty, user, DRAINED);
    case TCSETSF: return termios_take(tty, user, FLUSHED);
    case TCGETS2: return termios2_give(tty, user);
    case TCSETS2: return termios_take(tty, user, NOW);
    case TCSETSW2: return termios_take(tty, user, DRAINED);
    case TCSETSF2: return termios_take(tty, user, FLUSHED);
    case TCGETA: return termio_give(tty, user);
    case TCSETA: return termio_take(tty, user, NOW);
    case TCSETAW: return termio_take(tty, user, DRAINED);
    case TCSETAF: return termio_take(tty, user, FLUSHED);
    case TCSBRK:
    case TCSBRKP: return drain(tty); /* no break is ever sent */
    case TCXONC: return flow_control(tty, argument);
    case TCFLSH: return flush(tty, argument);
    case TIOCGWINSZ: return copy_to_user(user, &tty->size, sizeof tty->size);
    case TIOCSWINSZ: return size_set(tty, user);
    case TIOCOUTQ: return number_give(0, user);
    case FIONREAD: return number_give(tty->line - tty->head, user);
    case TIOCSTI: return simulate_input(tty, user);
    case TIOCGETD: return number_give(0, user);
    case TIOCSETD: return discipline_set(user);
    case TIOCEXCL:
    case TIOCNXCL: return 0;
    default: return tty_session_ioctl(tty, command, argument);
    }
}

const struct file_ops tty_file_ops = {
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
    .open = tty_open,
    .stream = true,
};
