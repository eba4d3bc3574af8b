/* Terminals: a line discipline between a device that gives and takes bytes and the programs that read
 * and write, and the job control that hangs on it. tty_line.c is the discipline, tty.c what programs see,
 * tty_session.c whom it controls. */
#ifndef FS_TTY_H
#define FS_TTY_H

#include "kernel/mutex.h"
#include "kernel/types.h"
#include "kernel/wait.h"

struct file;
struct process;
struct signal_info;
struct tty;

/* Places in control[], asm-generic/termbits.h. */
enum {
    TTY_INTERRUPT, TTY_QUIT, TTY_ERASE, TTY_KILL, TTY_EOF, TTY_TIME, TTY_MIN, TTY_SWITCH, TTY_START,
    TTY_STOP, TTY_SUSPEND, TTY_EOL, TTY_REPRINT, TTY_DISCARD, TTY_WORD_ERASE, TTY_LITERAL, TTY_EOL2,
    TTY_CONTROLS = 19
};

struct termios { /* the kernel's, of TCGETS: 36 bytes */
    u32 input, output, hardware, local; /* c_iflag, c_oflag, c_cflag, c_lflag */
    u8 line;
    u8 control[TTY_CONTROLS];
};
_Static_assert(sizeof(struct termios) == 36, "struct termios");

#define INPUT_STRIP 0000040u /* ISTRIP and so on */
#define INPUT_NL_TO_CR 0000100u
#define INPUT_IGNORE_CR 0000200u
#define INPUT_CR_TO_NL 0000400u
#define INPUT_LOWER 0001000u
#define INPUT_XON 0002000u
#define INPUT_ANY_STARTS 0004000u
#define INPUT_BELL 0020000u
#define INPUT_UTF8 0040000u
#define OUTPUT_PROCESS 0000001u
#define OUTPUT_UPPER 0000002u
#define OUTPUT_NL_TO_CR_NL 0000004u
#define OUTPUT_CR_TO_NL 0000010u
#define OUTPUT_NO_CR_AT_0 0000020u
#define OUTPUT_NL_RETURNS 0000040u
#define OUTPUT_TABS 0014000u
#define LOCAL_SIGNALS 0000001u
#define LOCAL_CANONICAL 0000002u
#define LOCAL_ECHO 0000010u
#define LOCAL_ECHO_ERASE 0000020u
#define LOCAL_ECHO_KILL 0000040u
#define LOCAL_ECHO_NL 0000100u
#define LOCAL_NO_FLUSH 0000200u
#define LOCAL_STOP_OUTPUT 0000400u
#define LOCAL_ECHO_CONTROL 0001000u
#define LOCAL_ECHO_KILL_ALL 0004000u
#define LOCAL_EXTENDED 0100000u

struct tty_size { /* struct winsize */
    u16 rows, columns, width, height;
};

/* What is behind a terminal. Any context. */
struct tty_device {
    size_t (*room)(struct tty_device *device); /* bytes that it takes now */
    void (*write)(struct tty_device *device, const char *bytes, size_t size); /* as many at most */
    bool (*empty)(struct tty_device *device); /* has all gone out? */
};

#define TTY_INPUT_BYTES 4096u /* a power of two; a line may have one less */

struct tty {
    const char *name;
    struct tty_device *device;
    struct termios termios;
    struct tty_size size;
    /* Input: counted without end; the ring is indexed by their low bits. What lies before `line` can be
     * read; from there to `end` is the line being edited. Without lines `line` is `end`. */
    u32 head, line, end;
    u8 *bytes;
    u32 *marks; /* a bit for each byte that ends a line; the byte of an end of file is TTY_NO_BYTE */
    bool literal_next; /* the next byte is an ordinary one */
    bool stopped;      /* output, by ^S */
    u32 column;        /* of the output */
    u32 line_column;   /* where the line being edited begins */
    struct wait_queue readable, writable;
    struct mutex reader, writer; /* one at a time; of the kind of a file's position lock */
    /* Job control: */
    u32 session;    /* whose controlling terminal it is; 0: nobody's */
    u32 foreground; /* group */
    struct tty *next;
};
#define TTY_NO_BYTE 0

int tty_init(struct tty *tty, const char *name, struct tty_device *device); /* 0 or -ENOMEM */
extern const struct file_ops tty_file_ops; /* file->private is the tty */

/* ---- tty_line.c. On fibrils, never in interrupts; nothing of it sleeps. ---- */

void tty_input(struct tty *tty, u8 byte); /* came in */
/* Processes and writes as much as the device takes: how many of the bytes that were. */
size_t tty_output(struct tty *tty, const char *bytes, size_t size);
bool tty_readable(const struct tty *tty); /* canonical: a line; else a byte */
/* Of the readable bytes, those that one read by lines may give, `most` at most; *with_end counts an end
 * of file behind them, too, which is taken but not given. */
size_t tty_line_length(const struct tty *tty, size_t most, size_t *with_end);
void tty_flush_input(struct tty *tty);
void tty_modes_changed(struct tty *tty, u32 old_local); /* of reading by lines */

/* ---- tty_session.c ---- */

struct tty *tty_of_process(const struct process *process); /* its controlling terminal, or NULL */
/* A session leader without one has opened it: it is its controlling terminal now, if it is nobody's. */
void tty_opened(struct tty *tty);
/* May the running process act on it, being perhaps in the background? 0; or the stop signal was sent:
 * -ERESTARTSYS; -EIO. `signal` is SIGTTIN or SIGTTOU. */
int tty_check_foreground(struct tty *tty, int signal);
void tty_signal(struct tty *tty, int number); /* to the foreground group */
/* TIOCGPGRP, TIOCSPGRP, TIOCSCTTY, TIOCNOTTY, TIOCGSID; -ENOTTY for others. */
int tty_session_ioctl(struct tty *tty, u32 command, uintptr_t argument);
void tty_session_init(struct tty *tty); /* it can be somebody's from now on */

#endif
